//! What reads Secrets besides kubelet: Flux, Argo CD's Image Updater and KEDA, which name them in resources of their own, and
//! the Image Updater in its `ConfigMap` too.
//!
//! Nothing is asked of a cluster that does not serve these resources.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIGroupList;
use kube::api::ListParams;
use serde::Deserialize;

use crate::cluster::client::connect::Cluster;
use crate::cluster::client::pages::{self, Extent, Page};
use crate::cluster::consumer_kinds::{KINDS, Kind, MAX_SHOWN, Reach, UPDATER_CONFIG, UPDATER_GROUPS};
use crate::model::{Namespace, SecretName, Target, printable};

/// Objects a page.
const PAGE: u32 = 200;
/// Before the settings of the Image Updater, in the annotations of an Application.
const UPDATER: &str = "argocd-image-updater.argoproj.io/";

/// What uses a Secret, as kubectl prints it.
pub(super) type Uses = BTreeMap<Target, BTreeSet<String>>;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Consumers {
    pub(super) uses: Uses,
    /// What names a Secret without its namespace: KEDA's own, which the cluster does not tell.
    pub(super) anywhere: BTreeMap<SecretName, BTreeSet<String>>,
    pub(super) unseen: BTreeSet<UnseenConsumers>,
}

/// Consumers that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnseenConsumers {
    /// `imagerepositories.image.toolkit.fluxcd.io`
    pub shown: String,
    /// Their group, which a Role has to name.
    pub group: Option<&'static str>,
}

impl UnseenConsumers {
    fn of(kind: &Kind) -> Self {
        Self {
            shown: kind.listed(),
            group: Some(kind.group),
        }
    }
}

impl Consumers {
    /// What else than kubelet uses this Secret.
    pub(super) fn of<'a>(&'a self, target: &Target) -> impl Iterator<Item = &'a String> {
        let named = self.uses.get(target).into_iter().flatten();
        named.chain(self.anywhere.get(&target.secret).into_iter().flatten())
    }

    fn note(&mut self, kind: &Kind, consumer: &Consumer) {
        let shown = kind.shown(&consumer.metadata.name);
        if kind.reach == Reach::Cluster {
            for name in consumer.names() {
                self.anywhere.entry(name).or_default().insert(shown.clone());
            }
            return;
        }
        for target in consumer.secrets() {
            self.uses.entry(target).or_default().insert(shown.clone());
        }
    }
}

/// The `ConfigMap` of the Image Updater: which credential it takes for which registry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UpdaterConfig {
    metadata: Metadata,
    data: UpdaterData,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UpdaterData {
    #[serde(rename = "registries.conf")]
    registries: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UpdaterRegistries {
    registries: Vec<UpdaterRegistry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UpdaterRegistry {
    credentials: Option<String>,
}

impl UpdaterConfig {
    /// The Secrets that it names; `None` if its text cannot be read.
    fn secrets(&self) -> Option<BTreeSet<Target>> {
        let text = self.data.registries.as_deref().unwrap_or_default();
        if text.trim().is_empty() {
            return Some(BTreeSet::new());
        }
        let parsed: UpdaterRegistries = serde_saphyr::from_str(text).ok()?;
        let named = parsed.registries.iter().filter_map(|one| one.credentials.as_deref());
        Some(named.filter_map(credential).collect())
    }
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
    /// The Secrets that a resource of the whole cluster names.
    fn names(&self) -> BTreeSet<SecretName> {
        let named = self.spec.secret_target_ref.iter();
        named.filter_map(|named| named.name.parse().ok()).collect()
    }

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
    let found = RefCell::new(Consumers::default());
    let groups = match cluster.client().list_api_groups().await {
        Ok(groups) => groups,
        // A server without discovery has none of them.
        Err(kube::Error::Api(status)) if status.code == 404 => return found.into_inner(),
        Err(_) => {
            found.borrow_mut().unseen.insert(UnseenConsumers {
                shown: "resources of Flux, Argo CD and KEDA".to_owned(),
                group: None,
            });
            return found.into_inner();
        }
    };
    let mut served: BTreeMap<&str, Option<BTreeSet<String>>> = BTreeMap::new();
    let mut updater = None;
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
                found.borrow_mut().unseen.insert(UnseenConsumers::of(kind));
                continue;
            }
        }
        if UPDATER_GROUPS.contains(&kind.group) {
            updater = Some(kind.group);
        }
        let places: Vec<Option<&Namespace>> = match places {
            Some(places) if kind.reach == Reach::Namespace => places.iter().map(Some).collect(),
            _ => vec![None],
        };
        for place in places {
            if !list(cluster, kind, version, place, &found).await {
                found.borrow_mut().unseen.insert(UnseenConsumers::of(kind));
            }
        }
    }
    if let Some(group) = updater
        && !read_updater(cluster, &found).await
    {
        found.borrow_mut().unseen.insert(UnseenConsumers {
            shown: format!("the configmaps {UPDATER_CONFIG}"),
            group: Some(group),
        });
    }
    found.into_inner()
}

/// Reads the Image Updater's `ConfigMap`, in whatever namespace it is; false if that is not possible.
async fn read_updater(cluster: &Cluster, found: &RefCell<Consumers>) -> bool {
    let is_readable = Cell::new(true);
    let ask = async |params: &ListParams| -> Result<Page<UpdaterConfig>, kube::Error> {
        let kind = ("ConfigMap", "configmaps");
        pages::page_at(cluster, "/api/v1/configmaps", kind, Extent::Whole, params).await
    };
    let of = |config: UpdaterConfig| {
        match config.secrets() {
            Some(secrets) => {
                let shown = printable(&format!("configmap/{}", config.metadata.name), MAX_SHOWN);
                for target in secrets {
                    let mut found = found.borrow_mut();
                    found.uses.entry(target).or_default().insert(shown.clone());
                }
            }
            None => is_readable.set(false),
        }
        None::<()>
    };
    // RBAC takes this for a list of this one name.
    let params = ListParams::default()
        .limit(PAGE)
        .fields(&format!("metadata.name={UPDATER_CONFIG}"));
    pages::whole("configmaps", &params, ask, of).await.is_ok() && is_readable.get()
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
    found: &RefCell<Consumers>,
) -> bool {
    let within = namespace.map_or_else(String::new, |namespace| format!("/namespaces/{namespace}"));
    let path = format!("/apis/{}/{version}{within}/{}", kind.group, kind.plural);
    let extent = if kind.is_metadata {
        Extent::Metadata
    } else {
        Extent::Whole
    };
    let ask = async |params: &ListParams| -> Result<Page<Consumer>, kube::Error> {
        pages::page_at(cluster, &path, (kind.singular(), kind.plural), extent, params).await
    };
    let of = |consumer: Consumer| {
        found.borrow_mut().note(kind, &consumer);
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
    fn the_image_updaters_registries_name_secrets() {
        let of = |text: Value| {
            let config: UpdaterConfig = serde_json::from_value(json!({"data": {"registries.conf": text}})).unwrap();
            let named = config.secrets()?;
            Some(named.iter().map(Target::namespaced_name).collect::<Vec<_>>())
        };
        let text = "registries:\n- name: ours\n  prefix: h\n  api_url: https://h\n  credentials: pullsecret:argocd/a\n\
                    - {prefix: other, credentials: 'secret:web/b#creds', default: true}\n- {credentials: 'env:TOKEN'}\n";
        assert_eq!(of(text.into()), Some(vec!["argocd/a".to_owned(), "web/b".to_owned()]));
        assert_eq!(of(Value::Null), Some(Vec::new()));
        assert_eq!(of("".into()), Some(Vec::new()));
        assert_eq!(of("registries: 1".into()), None);
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
