//! Finding targets: lists in pages, of metadata only, so that thousands of namespaces need neither memory nor tokens.

use std::fmt;
use std::str::FromStr;

use kube::api::{ListParams, ObjectMeta};
use thiserror::Error;

use super::client::connect::Cluster;
use super::client::pages::{self, Extent, Named, malformed};
use super::error::Error;
use super::resource::{Object, Resource};
use super::secret::annotations::{Entry, MANAGED_BY_LABEL, MANAGER};
use crate::model::{ClusterId, Namespace, Target};

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

/// A namespace that matches a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundNamespace {
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
    let of = |metadata: ObjectMeta| {
        Some(FoundNamespace {
            namespace: metadata.name?.parse().ok()?,
            is_terminating: metadata.deletion_timestamp.is_some(),
        })
    };
    list(cluster, Resource::Namespaces, &selector.0, of).await
}

/// The Secrets of all namespaces that carry [`MANAGED_BY_LABEL`], by namespace and name.
pub async fn managed_secrets(cluster: &Cluster) -> Result<Vec<Managed>, Error> {
    let of = |metadata: ObjectMeta| {
        Some(Managed {
            target: Target {
                namespace: metadata.namespace?.parse().ok()?,
                secret: metadata.name?.parse().ok()?,
            },
            entries: Entry::read(&metadata.annotations.unwrap_or_default()),
        })
    };
    list(cluster, Resource::Secrets, &format!("{MANAGED_BY_LABEL}={MANAGER}"), of).await
}

/// What `of` makes of the metadata of each object of a kind with these labels; an error where it makes nothing of one.
async fn list<T>(
    cluster: &Cluster,
    resource: Resource,
    labels: &str,
    of: impl Fn(ObjectMeta) -> Option<T>,
) -> Result<Vec<T>, Error> {
    let ask = async |params: &ListParams| pages::page(cluster, resource, None, Extent::Metadata, params).await;
    let of = |object: Named| Some(of(object.metadata));
    let params = ListParams::default().labels(labels);
    let found = match pages::all(resource, params, ask, of).await {
        // An unreadable entry must not count as absent.
        Ok((found, _)) => found
            .into_iter()
            .collect::<Option<_>>()
            .ok_or_else(|| malformed(resource.plural(), "one of them has no proper name")),
        Err(error) => Err(error),
    };
    found.map_err(|error| cluster.call(Object::everywhere(resource)).error(error))
}

impl Cluster {
    /// Which cluster it is, by what outlives a renamed context; by its server, where that may not be read. A connection asks
    /// once.
    ///
    /// # Errors
    /// Where the cluster does not answer, or does not know us.
    pub async fn id(&self) -> Result<ClusterId, Error> {
        self.known_id().get_or_try_init(|| self.ask_id()).await.cloned()
    }

    async fn ask_id(&self) -> Result<ClusterId, Error> {
        let api: kube::Api<k8s_openapi::api::core::v1::Namespace> = kube::Api::all(self.client().clone());
        let uid = match api.get_metadata(ClusterId::NAMESPACE).await {
            Ok(found) => found.metadata.uid.and_then(|uid| format!("uid:{uid}").parse().ok()),
            Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => None,
            Err(error) => return Err(self.named().error(&error)),
        };
        Ok(uid.unwrap_or_else(|| ClusterId::Server(self.server().to_owned())))
    }

    /// Whether the namespace exists; `None` if the cluster does not tell.
    pub async fn has_namespace(&self, namespace: &Namespace) -> Option<bool> {
        let api: kube::Api<k8s_openapi::api::core::v1::Namespace> = kube::Api::all(self.client().clone());
        match api.get_metadata(namespace.as_str()).await {
            Ok(_) => Some(true),
            Err(kube::Error::Api(status)) if status.code == 404 && status.reason == "NotFound" => Some(false),
            Err(_) => None,
        }
    }

    /// Whether the cluster still answers us, by the smallest request there is.
    ///
    /// One target's lost connection is that target's failure only if this succeeds.
    pub async fn check(&self) -> Result<(), Error> {
        match self.client().apiserver_version().await {
            // Not being allowed to read the version still proves that the user was authenticated.
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(()),
            Err(error) => Err(self.named().error(&error)),
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
