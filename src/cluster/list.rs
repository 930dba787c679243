//! Finding targets: lists in pages, of metadata only, so that thousands of namespaces need neither memory nor tokens.

use std::fmt;
use std::str::FromStr;

use k8s_openapi::api::core::v1::{Namespace as NamespaceObject, Secret};
use kube::Api;
use kube::api::{ListParams, ObjectMeta, PartialObjectMeta};
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::annotations::{Entry, MANAGED_BY_LABEL, MANAGER};
use super::call::{Call, request_error};
use super::connect::Cluster;
use super::error::Error;
use super::names::Namespace;
use super::pull_secret::Target;
use super::resource::{Object, Resource};

/// Objects a page: what kubectl takes.
pub(super) const PAGE: u32 = 500;
/// How often a list is begun anew whose later pages the server has forgotten (HTTP 410).
const TRIES: u32 = 3;

/// A label selector, as kubectl's `-l` takes it: `team=web,tier!=test`. The server has the last word on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector(String);

/// A text that selects nothing in particular.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a selector names labels, such as team=web: an empty one would select everything")]
pub struct SelectorError;

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        if text.split(',').all(|part| part.trim().is_empty()) {
            return Err(SelectorError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A namespace that a selector found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundNamespace {
    /// Its name.
    pub namespace: Namespace,
    /// It is being deleted, and takes nothing new.
    pub is_terminating: bool,
}

/// A Secret with our label, and the registries that our annotations name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Managed {
    /// Where it is.
    pub target: Target,
    /// Nothing where the annotations were edited by hand.
    pub entries: Vec<Entry>,
}

/// The namespaces with these labels, by name.
pub async fn namespaces(cluster: &Cluster, selector: &Selector) -> Result<Vec<FoundNamespace>, Error> {
    let api: Api<NamespaceObject> = Api::all(cluster.client().clone());
    let of = |metadata: ObjectMeta| {
        Some(FoundNamespace {
            namespace: metadata.name?.parse().ok()?,
            is_terminating: metadata.deletion_timestamp.is_some(),
        })
    };
    list(cluster, &api, &selector.0, Resource::Namespaces, of).await
}

/// The Secrets of all namespaces that carry [`MANAGED_BY_LABEL`], by namespace and name.
pub async fn managed_secrets(cluster: &Cluster) -> Result<Vec<Managed>, Error> {
    let api: Api<Secret> = Api::all(cluster.client().clone());
    let of = |metadata: ObjectMeta| {
        Some(Managed {
            target: Target {
                namespace: metadata.namespace?.parse().ok()?,
                secret: metadata.name?.parse().ok()?,
            },
            entries: Entry::read(&metadata.annotations.unwrap_or_default()),
        })
    };
    list(
        cluster,
        &api,
        &format!("{MANAGED_BY_LABEL}={MANAGER}"),
        Resource::Secrets,
        of,
    )
    .await
}

/// Every page, of which only what `of` takes is kept.
async fn list<K, T>(
    cluster: &Cluster,
    api: &Api<K>,
    labels: &str,
    resource: Resource,
    of: impl Fn(ObjectMeta) -> Option<T>,
) -> Result<Vec<T>, Error>
where
    K: Clone + DeserializeOwned + fmt::Debug,
{
    let mut tries = 0;
    'anew: loop {
        tries += 1;
        let mut found = Vec::new();
        let mut params = ListParams::default().labels(labels).limit(PAGE);
        loop {
            let page = match api.list_metadata(&params).await {
                Ok(page) => page,
                Err(kube::Error::Api(status)) if status.code == 410 && tries < TRIES => continue 'anew,
                Err(error) => {
                    return Err(Call::new(cluster, Object::everywhere(resource)).error(error));
                }
            };
            let objects = page
                .items
                .into_iter()
                .map(|object: PartialObjectMeta<K>| object.metadata);
            found.extend(objects.filter_map(&of));
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params.continue_token = Some(token),
                None => return Ok(found),
            }
        }
    }
}

impl Cluster {
    /// Whether the cluster still answers us, by the smallest request there is.
    ///
    /// One target's lost connection is that target's failure only if this succeeds.
    pub async fn check(&self) -> Result<(), Error> {
        match self.client().apiserver_version().await {
            // Whoever may not see the version was let in all the same.
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(()),
            Err(error) => Err(request_error(self, &error)),
            Ok(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_selector_is_a_mistake() {
        for text in ["", " ", ",", " , "] {
            assert_eq!(text.parse::<Selector>(), Err(SelectorError), "{text:?}");
        }
        for text in ["team=web", "!test", "a in (b,c),d"] {
            assert_eq!(text.parse::<Selector>().unwrap().to_string(), text);
        }
    }
}
