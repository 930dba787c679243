//! What reads Secrets besides kubelet: Flux, Argo CD's Image Updater and KEDA, which name them in resources of their own.
//!
//! Nothing is asked of a cluster that does not serve these resources.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIGroupList;
use kube::api::ListParams;
use serde::Deserialize;

use crate::cluster::client::connect::Cluster;
use crate::cluster::client::pages::{self, Extent, Page};
use crate::model::{Namespace, Target, printable};

/// Objects a page.
const PAGE: u32 = 200;
/// The longest name of an object that is shown, in characters.
const MAX_SHOWN: usize = 300;
/// Before the settings of the Image Updater, in the annotations of an Application.
const UPDATER: &str = "argocd-image-updater.argoproj.io/";

/// A kind of resource that names Secrets.
struct Kind {
    group: &'static str,
    plural: &'static str,
    /// As manifests have it: `OCIRepository`.
    singular: &'static str,
    /// It names Secrets of other namespaces too.
    is_across: bool,
    /// What it says is in its annotations.
    is_metadata: bool,
}

const fn kind(group: &'static str, plural: &'static str, singular: &'static str) -> Kind {
    Kind {
        group,
        plural,
        singular,
        is_across: false,
        is_metadata: false,
    }
}

const FLUX_SOURCE: &str = "source.toolkit.fluxcd.io";
const FLUX_IMAGE: &str = "image.toolkit.fluxcd.io";
const KEDA: &str = "keda.sh";

const KINDS: [Kind; 7] = [
    kind(FLUX_SOURCE, "ocirepositories", "OCIRepository"),
    kind(FLUX_SOURCE, "helmrepositories", "HelmRepository"),
    kind(FLUX_IMAGE, "imagerepositories", "ImageRepository"),
    kind(KEDA, "scaledjobs", "ScaledJob"),
    kind(KEDA, "triggerauthentications", "TriggerAuthentication"),
    Kind {
        is_across: true,
        is_metadata: true,
        ..kind("argoproj.io", "applications", "Application")
    },
    Kind {
        is_across: true,
        ..kind("argocd-image-updater.argoproj.io", "imageupdaters", "ImageUpdater")
    },
];

impl Kind {
    /// An object of it, as kubectl prints it: `ocirepository.source.toolkit.fluxcd.io/app`.
    fn shown(&self, name: &str) -> String {
        printable(
            &format!("{}.{}/{name}", self.singular.to_lowercase(), self.group),
            MAX_SHOWN,
        )
    }
}

/// What uses a Secret, as kubectl prints it.
pub(super) type Uses = BTreeMap<Target, BTreeSet<String>>;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Consumers {
    pub(super) uses: Uses,
    /// Kinds that could not be read: `imagerepositories.image.toolkit.fluxcd.io`.
    pub(super) unseen: BTreeSet<String>,
}

/// An object of any of the kinds: the fields that name Secrets.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Consumer {
    metadata: Metadata,
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    namespace: String,
    annotations: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    /// Flux.
    secret_ref: Option<Named>,
    /// KEDA.
    secret_target_ref: Vec<Named>,
    job_target_ref: Option<Job>,
    /// The Image Updater.
    common_update_settings: Option<Settings>,
    application_refs: Vec<Application>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Job {
    template: Template,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Template {
    spec: PodSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodSpec {
    image_pull_secrets: Vec<Named>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Settings {
    pull_secret: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Application {
    common_update_settings: Option<Settings>,
    images: Vec<Image>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Image {
    common_update_settings: Option<Settings>,
}

impl Consumer {
    /// The Secrets that it names.
    fn secrets(&self) -> BTreeSet<Target> {
        let Spec {
            secret_ref,
            secret_target_ref,
            job_target_ref,
            common_update_settings,
            application_refs,
        } = &self.spec;
        let of_job = job_target_ref
            .iter()
            .flat_map(|job| &job.template.spec.image_pull_secrets);
        let here = secret_ref.iter().chain(secret_target_ref).chain(of_job);
        let here = here.filter_map(|named| target(&self.metadata.namespace, &named.name));
        let of_images = application_refs
            .iter()
            .flat_map(|application| application.images.iter().map(|image| &image.common_update_settings));
        let of_applications = application_refs.iter().map(|one| &one.common_update_settings);
        let settings = [common_update_settings]
            .into_iter()
            .chain(of_applications)
            .chain(of_images);
        let settings = settings.flatten().filter_map(|one| one.pull_secret.as_deref());
        let annotated = self.metadata.annotations.iter();
        let annotated = annotated.filter(|(name, _)| name.starts_with(UPDATER));
        let elsewhere = settings
            .chain(annotated.map(|(_, value)| value.as_str()))
            .filter_map(credential);
        here.chain(elsewhere).collect()
    }
}

/// The Secret of the Image Updater's `pullsecret:NAMESPACE/NAME` and `secret:NAMESPACE/NAME#FIELD`.
fn credential(text: &str) -> Option<Target> {
    let rest = text
        .strip_prefix("pullsecret:")
        .or_else(|| text.strip_prefix("secret:"))?;
    let (namespace, name) = rest.split_once('/')?;
    target(namespace, name.split_once('#').map_or(name, |(name, _)| name))
}

fn target(namespace: &str, name: &str) -> Option<Target> {
    Some(Target {
        namespace: namespace.parse().ok()?,
        secret: name.parse().ok()?,
    })
}

/// What of these kinds names Secrets, in all namespaces or in those that are named.
pub(super) async fn look(cluster: &Cluster, places: Option<&[Namespace]>) -> Consumers {
    let mut found = Consumers::default();
    let groups = match cluster.client().list_api_groups().await {
        Ok(groups) => groups,
        // A server without discovery has none of them.
        Err(kube::Error::Api(status)) if status.code == 404 => return found,
        Err(_) => {
            found.unseen.insert("resources of Flux, Argo CD and KEDA".to_owned());
            return found;
        }
    };
    let uses = RefCell::new(Uses::new());
    let mut served: BTreeMap<&str, Option<BTreeSet<String>>> = BTreeMap::new();
    for kind in &KINDS {
        let Some(version) = version(&groups, kind.group) else {
            continue;
        };
        if !served.contains_key(kind.group) {
            served.insert(kind.group, plurals(cluster, kind.group, version).await);
        }
        match &served[kind.group] {
            Some(plurals) if plurals.contains(kind.plural) => {}
            Some(_) => continue,
            None => {
                found.unseen.insert(format!("{}.{}", kind.plural, kind.group));
                continue;
            }
        }
        let places: Vec<Option<&Namespace>> = match places {
            Some(places) if !kind.is_across => places.iter().map(Some).collect(),
            _ => vec![None],
        };
        for place in places {
            if !list(cluster, kind, version, place, &uses).await {
                found.unseen.insert(format!("{}.{}", kind.plural, kind.group));
            }
        }
    }
    found.uses = uses.into_inner();
    found
}

/// The version that the server prefers of a group, if it has the group.
fn version<'a>(groups: &'a APIGroupList, group: &str) -> Option<&'a str> {
    let group = groups.groups.iter().find(|one| one.name == group)?;
    let preferred = group.preferred_version.as_ref().or(group.versions.first())?;
    Some(&preferred.version)
}

/// The kinds of a group; `None` if the server does not say.
async fn plurals(cluster: &Cluster, group: &str, version: &str) -> Option<BTreeSet<String>> {
    let path = format!("{group}/{version}");
    let listed = cluster.client().list_api_group_resources(&path).await.ok()?;
    Some(listed.resources.into_iter().map(|resource| resource.name).collect())
}

/// Reads a list to its end; false if that is not possible.
async fn list(
    cluster: &Cluster,
    kind: &Kind,
    version: &str,
    namespace: Option<&Namespace>,
    uses: &RefCell<Uses>,
) -> bool {
    let within = namespace.map_or_else(String::new, |namespace| format!("/namespaces/{namespace}"));
    let path = format!("/apis/{}/{version}{within}/{}", kind.group, kind.plural);
    let extent = if kind.is_metadata {
        Extent::Metadata
    } else {
        Extent::Whole
    };
    let ask = async |params: &ListParams| -> Result<Page<Consumer>, kube::Error> {
        pages::page_at(cluster, &path, (kind.singular, kind.plural), extent, params).await
    };
    let of = |consumer: Consumer| {
        for target in consumer.secrets() {
            let shown = kind.shown(&consumer.metadata.name);
            uses.borrow_mut().entry(target).or_default().insert(shown);
        }
        None::<()>
    };
    let params = ListParams::default().limit(PAGE);
    pages::whole(kind.plural, &params, ask, of).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn secrets(object: Value) -> Vec<String> {
        let consumer: Consumer = serde_json::from_value(object).unwrap();
        consumer.secrets().iter().map(Target::namespaced_name).collect()
    }

    #[test]
    fn each_kind_names_its_secrets() {
        let metadata = json!({"name": "x", "namespace": "flux-system"});
        for (object, named) in [
            (
                json!({"metadata": metadata, "spec": {"secretRef": {"name": "a"}, "url": "oci://h/x"}}),
                &["flux-system/a"][..],
            ),
            (json!({"metadata": metadata, "spec": {"url": "oci://h/x"}}), &[]),
            (json!({"metadata": metadata}), &[]),
            (
                json!({"metadata": metadata, "spec": {"secretTargetRef": [{"parameter": "p", "name": "a", "key": "k"}]}}),
                &["flux-system/a"],
            ),
            (
                json!({"metadata": metadata, "spec": {"jobTargetRef": {"template": {"spec": {"imagePullSecrets": [{"name": "b"}]}}}}}),
                &["flux-system/b"],
            ),
            (
                json!({"metadata": metadata, "spec": {
                    "commonUpdateSettings": {"pullSecret": "pullsecret:argocd/a"},
                    "applicationRefs": [{
                        "commonUpdateSettings": {"pullSecret": "secret:argocd/b#creds"},
                        "images": [{"commonUpdateSettings": {"pullSecret": "pullsecret:web/c"}}, {}],
                    }],
                }}),
                &["argocd/a", "argocd/b", "web/c"],
            ),
            (
                json!({"metadata": {"name": "x", "namespace": "argocd", "annotations": {
                    "argocd-image-updater.argoproj.io/app.pull-secret": "pullsecret:argocd/a",
                    "argocd-image-updater.argoproj.io/write-back-method": "git:secret:argocd/git",
                    "example.com/app.pull-secret": "pullsecret:argocd/z",
                }}}),
                &["argocd/a"],
            ),
        ] {
            assert_eq!(secrets(object.clone()), named, "{object}");
        }
    }

    #[test]
    fn what_names_no_secret_is_passed_over() {
        for text in [
            "env:TOKEN",
            "ext:/x.sh",
            "pullsecret:a",
            "pullsecret:/a",
            "secret:UPPER/a#b",
            "pullsecret:a/",
            "",
        ] {
            assert_eq!(credential(text), None, "{text}");
        }
    }
}
