//! Reading what runs in a namespace, page by page and cut down to what is needed.

use std::collections::HashMap;

use kube::Api;
use kube::api::ListParams;
use kube::core::DynamicObject;
use serde::de::DeserializeOwned;

use super::model::{Registries, Workload};
use super::raw::RawAccount;
use crate::cluster::client::connect::Cluster;
use crate::cluster::client::pages::{self, Extent};
use crate::cluster::error::Error;
use crate::cluster::resource::{Object, Resource};
use crate::model::Namespace;

/// The pull Secrets of ServiceAccounts, by the ServiceAccount's name.
pub type AccountLists = HashMap<String, Vec<String>>;

/// For writing: what is read is cut down to what [`Workload`] has.
pub fn api(cluster: &Cluster, namespace: &Namespace, resource: Resource) -> Api<DynamicObject> {
    Api::namespaced_with(cluster.client().clone(), namespace.as_str(), &resource.api())
}

/// The pull Secrets of the ServiceAccounts of a namespace, by the ServiceAccount's name.
pub async fn service_accounts(cluster: &Cluster, namespace: &Namespace) -> Result<AccountLists, Error> {
    let of = |account: RawAccount| {
        let list = account.pull_secrets();
        Some((account.metadata.name, list))
    };
    let (found, _) = list(cluster, namespace, Resource::ServiceAccounts, ListParams::default(), of).await?;
    Ok(found.into_iter().collect())
}

/// The workloads or pods of a kind in a namespace that match `params`.
pub async fn workloads(
    cluster: &Cluster,
    namespace: &Namespace,
    resource: Resource,
    params: ListParams,
    registries: &Registries<'_>,
) -> Result<Vec<Workload>, Error> {
    let of = |raw| Workload::new(resource, raw, registries);
    Ok(list(cluster, namespace, resource, params, of).await?.0)
}

/// The objects of a kind in a namespace that match `params`, cut down page by page, with the version of the list; nothing
/// where the server does not have the kind.
pub async fn list<K: DeserializeOwned, T>(
    cluster: &Cluster,
    namespace: &Namespace,
    resource: Resource,
    params: ListParams,
    of: impl Fn(K) -> Option<T>,
) -> Result<(Vec<T>, String), Error> {
    let ask = async |params: &ListParams| pages::page(cluster, resource, Some(namespace), Extent::Whole, params).await;
    let found = pages::all(resource, params, ask, of).await;
    found.map_err(|error| cluster.call(Object::all(resource, namespace)).error(error))
}
