//! The Secret as we apply and print it.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::annotations::{FORMAT_ANNOTATION, MANAGED_BY_LABEL, MANAGER};
use super::format::{PASSWORD_KEY, SecretFormat, USERNAME_KEY};
use super::pull_secret::{DOCUMENT_KEY, PULL_SECRET_TYPE};
use crate::model::{DockerConfig, Registry, Target};

/// A pull Secret with nothing in it but what we say: serialise it for `-o yaml` and `-o json`.
///
/// It holds tokens: its `Debug` does not show them.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    api_version: &'static str,
    kind: &'static str,
    /// Names, labels and annotations.
    pub metadata: Metadata,
    #[serde(rename = "type")]
    kind_of_secret: String,
    /// The values in base64.
    #[serde(serialize_with = "data")]
    data: Vec<(&'static str, Zeroizing<String>)>,
}

/// The `metadata` of a [`Manifest`].
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    pub name: String,
    pub namespace: String,
    /// Our label.
    pub labels: BTreeMap<String, String>,
    /// Our annotations.
    pub annotations: BTreeMap<String, String>,
    /// The object that an apply insists on, and its version; not part of what is printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_version: Option<String>,
}

impl Manifest {
    /// Ours by its label, where the annotations say what of it is.
    pub fn new(target: &Target, document: &DockerConfig, annotations: BTreeMap<String, String>) -> Self {
        Self {
            api_version: "v1",
            kind: "Secret",
            metadata: Metadata {
                name: target.secret.to_string(),
                namespace: target.namespace.to_string(),
                labels: if annotations.is_empty() {
                    BTreeMap::new()
                } else {
                    [(MANAGED_BY_LABEL.to_owned(), MANAGER.to_owned())].into()
                },
                annotations,
                uid: None,
                resource_version: None,
            },
            kind_of_secret: PULL_SECRET_TYPE.to_owned(),
            data: vec![(DOCUMENT_KEY, encoded(document.as_str()))],
        }
    }

    /// The same in another format: the login of one registry. `type_name` is that of the Secret which is there; a new one
    /// gets what its format has besides.
    pub(super) fn in_format(
        self,
        format: &SecretFormat,
        document: &DockerConfig,
        registry: &Registry,
        type_name: Option<&str>,
    ) -> Self {
        if format.is_for_kubelet() {
            return self;
        }
        let mut this = self;
        let (username, token) = document.login(registry).unzip();
        let mut data: Vec<_> = username
            .map(|username| (USERNAME_KEY, encoded(&username)))
            .into_iter()
            .collect();
        data.extend(token.map(|token| (PASSWORD_KEY, encoded(token.expose()))));
        let annotation = (FORMAT_ANNOTATION.to_owned(), format.to_string());
        this.metadata.annotations.extend([annotation]);
        if type_name.is_none() {
            data.extend(
                format
                    .more_data(registry)
                    .into_iter()
                    .map(|(key, value)| (key, encoded(&value))),
            );
            let label = format.label().map(|(name, value)| (name.to_owned(), value.to_owned()));
            this.metadata.labels.extend(label);
        }
        type_name
            .unwrap_or(format.type_name())
            .clone_into(&mut this.kind_of_secret);
        this.data = data;
        this
    }

    /// The same, to be applied only to this object at this version. An apply with the version alone makes an object that is
    /// gone anew (kubernetes/kubernetes#106745).
    pub fn only_to(&self, uid: Option<&str>, resource_version: Option<&str>) -> Self {
        let mut this = self.clone();
        this.metadata.uid = uid.map(str::to_owned);
        this.metadata.resource_version = resource_version.map(str::to_owned);
        this
    }
}

fn encoded(value: &str) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(value))
}

fn data<S: Serializer>(data: &[(&'static str, Zeroizing<String>)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(data.iter().map(|(key, value)| (key, value.as_str())))
}

impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manifest")
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}
