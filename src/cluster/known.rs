//! Lists names for completion: those in the kubeconfig, and those in a cluster as they arrive.

use std::path::Path;

use kube::api::ListParams;

use super::client::connect::Cluster;
use super::client::kubeconfig::{KubeconfigError, load};
use super::client::pages::{self, Extent, Named};
use super::error::Error;
use super::resource::{Object, Resource};
use super::secret::pull_secret::PULL_SECRET_TYPE;
use crate::model::Namespace;
use crate::sys::env::Env;

/// What a kubeconfig names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configured {
    /// The name of its current context, if it has one.
    pub current: Option<String>,
    /// Its contexts, each with the cluster that it leads to.
    pub contexts: Vec<(String, String)>,
    /// Its clusters.
    pub clusters: Vec<String>,
    /// Its users.
    pub users: Vec<String>,
}

/// What the kubeconfig names: `file` alone, or those that `env` leads to. Nothing is connected.
pub fn configured(env: &Env, file: Option<&Path>) -> Result<Configured, KubeconfigError> {
    let config = load(env, file)?;
    let contexts = config.contexts.into_iter().map(|named| {
        let cluster = named.context.map(|context| context.cluster);
        (named.name, cluster.unwrap_or_default())
    });
    Ok(Configured {
        current: config.current_context,
        contexts: contexts.collect(),
        clusters: config.clusters.into_iter().map(|named| named.name).collect(),
        users: config.auth_infos.into_iter().map(|named| named.name).collect(),
    })
}

/// Objects whose names can be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Every namespace.
    Namespaces,
    /// The pull Secrets of a namespace.
    PullSecrets(Namespace),
    /// The ServiceAccounts of a namespace.
    ServiceAccounts(Namespace),
    /// The pods of a namespace.
    Pods(Namespace),
}

/// Passes every name to `found` as soon as its page arrives, so that a caller with a deadline has some of them. Of
/// metadata only: a list of Secrets without what is in them.
pub async fn each_name(cluster: &Cluster, listed: &Listed, mut found: impl FnMut(String)) -> Result<(), Error> {
    let params = ListParams::default();
    let (resource, namespace, params) = match listed {
        Listed::Namespaces => (Resource::Namespaces, None, params),
        Listed::PullSecrets(namespace) => {
            let params = params.fields(&format!("type={PULL_SECRET_TYPE}"));
            (Resource::Secrets, Some(namespace), params)
        }
        Listed::ServiceAccounts(namespace) => (Resource::ServiceAccounts, Some(namespace), params),
        Listed::Pods(namespace) => (Resource::Pods, Some(namespace), params),
    };
    let ask = async |params: &ListParams| pages::page(cluster, resource, namespace, Extent::Metadata, params).await;
    let read = pages::each(resource.plural(), params, ask, |object: Named| {
        object.metadata.name.into_iter().for_each(&mut found);
    });
    read.await.map(drop).map_err(|error| {
        let object = namespace.map_or_else(
            || Object::everywhere(resource),
            |namespace| Object::all(resource, namespace),
        );
        cluster.call(object).error(error)
    })
}
