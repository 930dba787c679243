//! The nodes of a cluster: for which platforms it needs images.

use std::collections::BTreeMap;

use kube::api::ListParams;
use serde::Deserialize;

use crate::cluster::client::connect::Cluster;
use crate::cluster::error::Error;
use crate::cluster::rbac::{Access, Feature};
use crate::cluster::reader::Reader;
use crate::cluster::resource::Resource;
use crate::cluster::untrusted::untrusted;

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub name: String,
    /// `linux/arm64`
    pub platform: String,
    pub labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct RawNode {
    metadata: RawMetadata,
    #[serde(default)]
    status: RawStatus,
}

#[derive(Deserialize)]
struct RawMetadata {
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawStatus {
    node_info: RawInfo,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawInfo {
    operating_system: String,
    architecture: String,
}

/// The nodes of a cluster; those that have not told their platform yet are left out.
///
/// # Errors
/// Where they may not be listed, or the cluster does not answer.
pub async fn nodes(cluster: &Cluster) -> Result<Vec<Node>, Error> {
    let of = |node: RawNode| {
        let RawInfo {
            operating_system,
            architecture,
        } = node.status.node_info;
        let is_known = !operating_system.is_empty() && !architecture.is_empty();
        is_known.then(|| Node {
            name: node.metadata.name,
            platform: untrusted(&format!("{operating_system}/{architecture}")),
            labels: node.metadata.labels,
        })
    };
    let reader = Reader::new(cluster, 1, &|_| {});
    let found = reader.list(Resource::Nodes, None, &ListParams::default(), of).await;
    found.map_err(|error| error.for_access(&Access::to(Feature::Nodes)))
}
