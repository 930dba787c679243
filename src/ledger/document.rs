//! The ledger as its file has it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::LedgerError;
use super::known_path::KnownPath;
use super::skipped::Skipped;
use crate::model::{
    ActionsSecret, ClusterId, Fingerprint, Registry, ServiceAccountName, Target, Use, Username, serde_text,
};

/// The version of the format.
const VERSION: u32 = 1;

/// Everything that this machine knows of where its tokens are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Ledger {
    pub clusters: Vec<KnownCluster>,
    pub credentials: Vec<KnownCredential>,
}

/// A cluster that a token was written to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownCluster {
    #[serde(with = "serde_text")]
    pub id: ClusterId,
    /// The URL of its API server, for messages.
    pub server: String,
    /// The contexts that led to it, for messages.
    #[serde(default)]
    pub contexts: BTreeSet<String>,
    #[serde(with = "serde_text")]
    pub seen: Timestamp,
}

/// A registry and a use, with every token that it had and that may still be somewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownCredential {
    #[serde(with = "serde_text")]
    pub registry: Registry,
    #[serde(rename = "use", with = "serde_text")]
    pub usage: Use,
    /// How the registry is reached, as `login` was told.
    #[serde(default, skip_serializing_if = "Connection::is_default")]
    pub connection: Connection,
    /// Places that may hold an old token, and are not to keep it alive.
    #[serde(default, skip_serializing_if = "Skipped::is_empty")]
    pub skipped: Skipped,
    #[serde(default)]
    pub tokens: Vec<KnownToken>,
}

/// How a registry is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Connection {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<KnownPath>,
    pub plain_http: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gitea_path: Option<String>,
}

impl Connection {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownToken {
    #[serde(with = "serde_text")]
    pub username: Username,
    #[serde(with = "serde_text")]
    pub fingerprint: Fingerprint,
    /// Which token of the server it is, where the server said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_server: Option<TokenAtServer>,
    /// Since when it is known here.
    #[serde(with = "serde_text")]
    pub since: Timestamp,
    /// When the server made it, where the server said so.
    #[serde(with = "serde_text::option", default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When the registry last accepted it.
    #[serde(with = "serde_text::option", default, skip_serializing_if = "Option::is_none")]
    pub proved: Option<Timestamp>,
    /// Since when another one is in its place.
    #[serde(with = "serde_text::option", default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Timestamp>,
    /// When it was revoked: its places, if there are any left, hold a dead token.
    #[serde(with = "serde_text::option", default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "SecretPlaces::is_empty")]
    pub secrets: SecretPlaces,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FilePlace>,
    /// Secrets of Actions at the registry's own Gitea.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionsPlace>,
}

/// What the server calls a token. Not the token, and no part of it but what the server itself shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenAtServer {
    pub id: i64,
    pub name: String,
}

/// The Secrets that hold a token, by where they are: there can be thousands, and each is looked up. The file has a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<SecretPlace>", into = "Vec<SecretPlace>")]
pub struct SecretPlaces(BTreeMap<(ClusterId, Target), SecretPlace>);

/// A Secret that holds a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretPlace {
    #[serde(with = "serde_text")]
    pub cluster: ClusterId,
    #[serde(rename = "secret", with = "namespace_and_name")]
    pub target: Target,
    #[serde(with = "serde_text::each", default, skip_serializing_if = "Vec::is_empty")]
    pub service_accounts: Vec<ServiceAccountName>,
    /// When it was last seen to hold the token; `None` where it was about to be written, and that was not confirmed.
    #[serde(with = "serde_text::option", default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Timestamp>,
}

/// A file that the token was read from or moved out of, and that may still hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FilePlace {
    pub path: KnownPath,
    #[serde(with = "serde_text")]
    pub seen: Timestamp,
}

/// A secret of Actions, which cannot be read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionsPlace {
    #[serde(with = "serde_text")]
    pub secret: ActionsSecret,
    /// When the server took the token; `None` if it was asked to, and its answer is not known.
    #[serde(with = "serde_text::option", default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Timestamp>,
}

impl SecretPlaces {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &SecretPlace> {
        self.0.values()
    }

    pub fn get(&self, cluster: &ClusterId, target: &Target) -> Option<&SecretPlace> {
        self.0.get(&(cluster.clone(), target.clone()))
    }

    /// The Secret; one that is not known yet is added.
    pub(super) fn place_mut(&mut self, cluster: &ClusterId, target: &Target) -> &mut SecretPlace {
        let key = (cluster.clone(), target.clone());
        self.0.entry(key).or_insert_with(|| SecretPlace {
            cluster: cluster.clone(),
            target: target.clone(),
            service_accounts: Vec::new(),
            seen: None,
        })
    }

    pub(super) fn get_mut(&mut self, cluster: &ClusterId, target: &Target) -> Option<&mut SecretPlace> {
        self.0.get_mut(&(cluster.clone(), target.clone()))
    }

    /// Adds what is known of a Secret to what was known of it before.
    pub(super) fn add(&mut self, place: &SecretPlace) {
        let known = self.place_mut(&place.cluster, &place.target);
        known.seen = known.seen.max(place.seen);
        known.add_service_accounts(&place.service_accounts);
    }

    pub(super) fn remove(&mut self, cluster: &ClusterId, target: &Target) -> Option<SecretPlace> {
        self.0.remove(&(cluster.clone(), target.clone()))
    }

    /// The cluster has another id from now on.
    pub(super) fn rename_cluster(&mut self, before: &ClusterId, after: &ClusterId) {
        let (renamed, kept): (Vec<_>, Vec<_>) = std::mem::take(self)
            .0
            .into_values()
            .partition(|place| place.cluster == *before);
        *self = Self::from(kept);
        for place in renamed {
            let cluster = after.clone();
            self.add(&SecretPlace { cluster, ..place });
        }
    }
}

impl SecretPlace {
    /// ServiceAccounts through which pods use it, beside those that are known.
    pub(super) fn add_service_accounts(&mut self, accounts: &[ServiceAccountName]) {
        self.service_accounts.extend(accounts.iter().cloned());
        self.service_accounts.sort();
        self.service_accounts.dedup();
    }
}

impl From<Vec<SecretPlace>> for SecretPlaces {
    fn from(places: Vec<SecretPlace>) -> Self {
        let key = |place: &SecretPlace| (place.cluster.clone(), place.target.clone());
        Self(places.into_iter().map(|place| (key(&place), place)).collect())
    }
}

impl From<SecretPlaces> for Vec<SecretPlace> {
    fn from(places: SecretPlaces) -> Self {
        places.0.into_values().collect()
    }
}

impl<'a> IntoIterator for &'a SecretPlaces {
    type Item = &'a SecretPlace;
    type IntoIter = std::collections::btree_map::Values<'a, (ClusterId, Target), SecretPlace>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.values()
    }
}

/// The whole file.
#[derive(Serialize)]
struct Whole<'a> {
    version: u32,
    #[serde(flatten)]
    ledger: &'a Ledger,
}

/// What is read first: a later version may have members that this one does not understand.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Version {
    version: u32,
}

impl Ledger {
    /// Parses the text of the file `path`.
    pub(super) fn parse(path: &Path, text: &[u8]) -> Result<Self, LedgerError> {
        let damaged = |error: serde_json::Error| LedgerError::damaged(path, &error);
        let Version { version } = serde_json::from_slice(text).map_err(damaged)?;
        if version != VERSION {
            let path = path.to_owned();
            return Err(LedgerError::Version { path, version });
        }
        serde_json::from_slice(text).map_err(damaged)
    }

    pub(super) fn text(&self) -> String {
        let whole = Whole {
            version: VERSION,
            ledger: self,
        };
        let mut text = serde_json::to_string_pretty(&whole).expect("texts, numbers and lists");
        text.push('\n');
        text
    }
}

/// `NAMESPACE/NAME`.
pub(super) mod namespace_and_name {
    use serde::{Deserializer, Serializer};

    use crate::model::{Target, serde_text};

    pub(in crate::ledger) fn serialize<S: Serializer>(target: &Target, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&target.namespaced_name())
    }

    pub(in crate::ledger) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Target, D::Error> {
        serde_text::deserialize(deserializer)
    }
}
