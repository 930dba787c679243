//! Custom resources: which kinds there are, and the images that their objects name.

use std::collections::BTreeSet;

use futures_util::stream::{StreamExt as _, TryStreamExt as _, iter};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::api::ListParams;
use serde_json::value::RawValue;

use super::need::Unread;
use crate::cluster::client::connect::Cluster;
use crate::cluster::client::pages::{self, Extent, Page};
use crate::cluster::error::Error;
use crate::cluster::reader::places::{Places, Reading};
use crate::model::{Namespace, printable};

/// Groups of Kubernetes' own API and of its metrics. Their kinds have no images, or are read by themselves.
const OWN_GROUPS: [&str; 27] = [
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "custom.metrics.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "external.metrics.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "metrics.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
    "snapshot.storage.k8s.io",
];
/// Objects a page: each can have more than a megabyte.
pub(super) const PAGE: u32 = 20;
/// Groups and kinds that are read at a time.
const AT_ONCE: usize = 3;
/// The most kinds that are read. An API server with more is slow long before.
const MAX_KINDS: usize = 5_000;
/// The longest name of a group or kind that is shown, in characters.
const MAX_SHOWN: usize = 120;

/// A kind of custom resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomKind {
    pub group: String,
    version: String,
    pub plural: String,
    kind: String,
    is_namespaced: bool,
}

impl CustomKind {
    /// An object of it, as kubectl prints it: `rollout.argoproj.io/api`.
    pub fn shown(&self, name: &str) -> String {
        let shown = format!("{}.{}/{name}", self.kind.to_lowercase(), self.group);
        printable(&shown, 2 * MAX_SHOWN)
    }

    fn path(&self, namespace: Option<&Namespace>) -> String {
        let within = namespace.map_or_else(String::new, |namespace| format!("/namespaces/{namespace}"));
        format!("/apis/{}/{}{within}/{}", self.group, self.version, self.plural)
    }
}

/// The kinds of custom resources that can be listed.
pub(super) async fn kinds(cluster: &Cluster, unread: &mut Vec<Unread>) -> Result<Vec<CustomKind>, Error> {
    let groups = match cluster.client().list_api_groups().await {
        Ok(groups) => groups.groups,
        Err(error) => {
            unread.push(Unread::Discovery {
                group: None,
                why: passable(cluster.named().error(&error))?,
            });
            return Ok(Vec::new());
        }
    };
    let custom = groups
        .into_iter()
        .filter(|group| !OWN_GROUPS.contains(&group.name.as_str()) && is_name(&group.name));
    let asked = custom.map(|group| async move {
        let mut versions: Vec<String> = group.versions.into_iter().map(|version| version.version).collect();
        // The preferred one first; what is only in others is read there.
        let preferred = group.preferred_version.map(|version| version.version);
        versions.sort_by_key(|version| Some(version) != preferred.as_ref());
        let mut found: Vec<CustomKind> = Vec::new();
        for version in versions.into_iter().filter(|version| is_name(version)) {
            let path = format!("{}/{version}", group.name);
            match cluster.client().list_api_group_resources(&path).await {
                Ok(resources) => add(&mut found, &group.name, &version, resources),
                Err(error) => return (group.name, found, Some(cluster.named().error(&error))),
            }
        }
        (group.name, found, None)
    });
    let mut asked = iter(asked).buffer_unordered(AT_ONCE);
    let mut kinds = Vec::new();
    while let Some((group, found, error)) = asked.next().await {
        kinds.extend(found);
        if let Some(error) = error {
            unread.push(Unread::Discovery {
                group: Some(printable(&group, MAX_SHOWN)),
                why: passable(error)?,
            });
        }
    }
    if kinds.len() > MAX_KINDS {
        kinds.truncate(MAX_KINDS);
        unread.push(Unread::Discovery {
            group: None,
            why: format!("there are more than {MAX_KINDS}"),
        });
    }
    Ok(kinds)
}

fn add(found: &mut Vec<CustomKind>, group: &str, version: &str, resources: APIResourceList) {
    let known: BTreeSet<String> = found.iter().map(|kind| kind.plural.clone()).collect();
    let listed = resources.resources.into_iter().filter(|resource| {
        let can_list = resource.verbs.iter().any(|verb| verb == "list");
        // A slash is in the name of a subresource.
        can_list && is_name(&resource.name) && !known.contains(&resource.name)
    });
    found.extend(listed.map(|resource| CustomKind {
        group: group.to_owned(),
        version: version.to_owned(),
        plural: resource.name,
        kind: resource.kind,
        is_namespaced: resource.namespaced,
    }));
}

/// What can be a part of a path, and does not lead out of it.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('.')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

/// The words of an error; hands back one that nothing else would get past.
fn passable(error: Error) -> Result<String, Error> {
    if error.is_fatal() {
        return Err(error);
    }
    Ok(error.to_string())
}

/// Reads all objects of these kinds in the places.
pub(super) async fn read(
    reading: &Reading<'_>,
    kinds: &[CustomKind],
    keep: impl Fn(&CustomKind, &RawValue),
) -> Result<Vec<Unread>, Error> {
    let keep = &keep;
    let lists: Vec<(&CustomKind, Option<&Namespace>)> = match &reading.places {
        Places::Everywhere => kinds.iter().map(|kind| (kind, None)).collect(),
        Places::In(places) => {
            let namespaced = kinds.iter().filter(|kind| kind.is_namespaced);
            namespaced
                .flat_map(|kind| places.iter().map(move |place| (kind, Some(place))))
                .collect()
        }
    };
    let read = iter(lists)
        .map(|(kind, namespace)| async move {
            match list(reading.reader.cluster, kind, namespace, |object| keep(kind, object)).await {
                Ok(()) => Ok::<_, Error>(None),
                Err(error) => Ok(Some(Unread::CustomResource {
                    group: printable(&kind.group, MAX_SHOWN),
                    plural: printable(&kind.plural, MAX_SHOWN),
                    why: passable(reading.reader.cluster.named().error(&error))?,
                })),
            }
        })
        .buffer_unordered(AT_ONCE);
    let unread: Vec<Option<Unread>> = read.try_collect().await?;
    let mut unread: Vec<Unread> = unread.into_iter().flatten().collect();
    // One of each kind, in whatever namespace it was.
    let mut seen = BTreeSet::new();
    unread.retain(|one| match one {
        Unread::CustomResource { group, plural, .. } => seen.insert((group.clone(), plural.clone())),
        _ => true,
    });
    Ok(unread)
}

async fn list(
    cluster: &Cluster,
    kind: &CustomKind,
    namespace: Option<&Namespace>,
    keep: impl Fn(&RawValue),
) -> Result<(), kube::Error> {
    let path = kind.path(namespace);
    let ask = async |params: &ListParams| -> Result<Page<Box<RawValue>>, kube::Error> {
        pages::page_at(cluster, &path, (&kind.kind, &kind.plural), Extent::Whole, params).await
    };
    let of = |object: Box<RawValue>| {
        keep(&object);
        None::<()>
    };
    let params = ListParams::default().limit(PAGE);
    pages::whole(&kind.plural, &params, ask, of).await?;
    Ok(())
}
