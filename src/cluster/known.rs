//! Names that are there to choose from: those of the kubeconfig, and those of a cluster, as they come in.

use std::path::Path;

use k8s_openapi::api::core::v1::{Namespace as NamespaceObject, Pod, Secret, ServiceAccount};
use kube::Api;
use kube::api::ListParams;
use serde::de::DeserializeOwned;

use super::call::Call;
use super::connect::Cluster;
use super::error::Error;
use super::kubeconfig::{KubeconfigError, load};
use super::names::Namespace;
use super::pages::PAGE;
use super::pull_secret::PULL_SECRET_TYPE;
use super::resource::{Object, Resource};
use crate::env::Env;

/// What a kubeconfig names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configured {
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

/// Gives every name to `found` as soon as its page is there, so that whoever runs out of time has some of them.
pub async fn each_name(cluster: &Cluster, listed: &Listed, found: impl FnMut(String)) -> Result<(), Error> {
    let client = cluster.client().clone();
    let params = ListParams::default().limit(PAGE);
    let namespaced = |namespace: &Namespace| namespace.as_str().to_owned();
    match listed {
        Listed::Namespaces => {
            let call = Call::new(cluster, Object::everywhere(Resource::Namespaces));
            pages(&Api::<NamespaceObject>::all(client), params, &call, found).await
        }
        Listed::PullSecrets(namespace) => {
            let params = params.fields(&format!("type={PULL_SECRET_TYPE}"));
            let call = Call::new(cluster, Object::all(Resource::Secrets, namespace));
            pages(
                &Api::<Secret>::namespaced(client, &namespaced(namespace)),
                params,
                &call,
                found,
            )
            .await
        }
        Listed::ServiceAccounts(namespace) => {
            let call = Call::new(cluster, Object::all(Resource::ServiceAccounts, namespace));
            pages(
                &Api::<ServiceAccount>::namespaced(client, &namespaced(namespace)),
                params,
                &call,
                found,
            )
            .await
        }
        Listed::Pods(namespace) => {
            let call = Call::new(cluster, Object::all(Resource::Pods, namespace));
            pages(
                &Api::<Pod>::namespaced(client, &namespaced(namespace)),
                params,
                &call,
                found,
            )
            .await
        }
    }
}

/// Of metadata only: a list of Secrets without what is in them.
async fn pages<K>(
    api: &Api<K>,
    mut params: ListParams,
    call: &Call<'_>,
    mut found: impl FnMut(String),
) -> Result<(), Error>
where
    K: Clone + DeserializeOwned + std::fmt::Debug,
{
    loop {
        let page = api.list_metadata(&params).await.map_err(|error| call.error(error))?;
        page.items
            .into_iter()
            .filter_map(|object| object.metadata.name)
            .for_each(&mut found);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params.continue_token = Some(token),
            None => return Ok(()),
        }
    }
}
