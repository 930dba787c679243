//! Copies of Secrets in git that kubeseal or sops has encrypted: after a rotation they hold the old token, and whatever
//! applies them would put it back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::git;
use crate::cluster::{REGISTRY_ANNOTATION, SecretName, Target};
use crate::model::{CommandLine, Registry};
use crate::sys::env::Env;
use crate::sys::whole_file;

/// The longest file that is read, in octets.
const MAX_FILE: u64 = 1024 * 1024;
/// The most files of one repository that are read.
const MAX_FILES: usize = 500;
/// How sops begins each value that it has encrypted.
const ENCRYPTED: &str = "ENC[";

/// A file in git that holds a Secret in encrypted form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) struct SealedCopy {
    /// The repository's folder, and the file below it.
    pub(in crate::commands) root: PathBuf,
    pub(in crate::commands) file: String,
    pub(in crate::commands) tool: Tool,
    /// The Secret, as far as it can be read.
    pub(in crate::commands) target: Option<Target>,
    /// Whether the file holds nothing else.
    is_alone: bool,
}

/// What has encrypted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Tool {
    Kubeseal,
    Sops,
}

/// What is looked for.
pub(in crate::commands) struct Wanted<'a> {
    pub(in crate::commands) registry: &'a Registry,
    /// Secrets that hold its token.
    pub(in crate::commands) places: &'a BTreeSet<Target>,
}

/// A manifest, as far as both tools leave it readable.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Manifest {
    kind: String,
    metadata: Metadata,
    spec: Spec,
    sops: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    template: Template,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Template {
    metadata: Metadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
}

/// The copies in the repositories that these folders are in.
pub(in crate::commands) async fn look(env: &Env, folders: &[PathBuf], wanted: &Wanted<'_>) -> Vec<SealedCopy> {
    let mut roots = BTreeSet::new();
    for folder in folders {
        let root = git::answer(env, folder, &["rev-parse", "--show-toplevel"]).await;
        roots.extend(root.map(|root| PathBuf::from(root.trim_end_matches('\n'))));
    }
    let mut found = Vec::new();
    for root in roots {
        let search = [
            "grep",
            "--cached",
            "--files-with-matches",
            "-z",
            "-I",
            "-F",
            "-e",
            "SealedSecret",
            "-e",
            "sops",
            "--",
            "*.yaml",
            "*.yml",
            "*.json",
        ];
        let Some(files) = git::answer(env, &root, &search).await else {
            continue;
        };
        for file in files.split('\0').filter(|file| !file.is_empty()).take(MAX_FILES) {
            let Ok(Some(text)) = whole_file::read(&root.join(file), MAX_FILE) else {
                continue;
            };
            let copies = std::str::from_utf8(&text).map_or_else(|_| Vec::new(), |text| read(text, wanted));
            found.extend(copies.into_iter().map(|(tool, target, is_alone)| SealedCopy {
                root: root.clone(),
                file: file.to_owned(),
                tool,
                target,
                is_alone,
            }));
        }
    }
    found
}

/// The folders whose repositories are searched: the current one, and that of a list.
pub(in crate::commands) fn folders(env: &Env, list: Option<&Path>) -> Vec<PathBuf> {
    let here = env.path("PWD").filter(|folder| folder.is_absolute());
    let list = list.and_then(|list| std::path::absolute(list).ok());
    let of_list = list.and_then(|list| Some(list.parent()?.to_owned()));
    here.into_iter()
        .chain(of_list)
        .filter(|folder| folder.is_dir())
        .collect()
}

/// The copies in a file, and whether each is all that is in it. What is no YAML, such as a chart's template, has none.
fn read(text: &str, wanted: &Wanted<'_>) -> Vec<(Tool, Option<Target>, bool)> {
    let Ok(manifests) = serde_saphyr::from_multiple::<Manifest>(text) else {
        return Vec::new();
    };
    let is_alone = manifests.len() == 1;
    let copies = manifests.iter().filter_map(|manifest| manifest.copy(wanted));
    copies.map(|(tool, target)| (tool, target, is_alone)).collect()
}

impl Manifest {
    /// What it is a copy of, if that is wanted.
    fn copy(&self, wanted: &Wanted<'_>) -> Option<(Tool, Option<Target>)> {
        let (tool, inner) = match self.kind.as_str() {
            "SealedSecret" => (Tool::Kubeseal, &self.spec.template.metadata),
            "Secret" if self.sops.is_some() => (Tool::Sops, &self.metadata),
            _ => return None,
        };
        let of = |field: fn(&Metadata) -> &Option<String>| field(inner).as_ref().or(field(&self.metadata).as_ref());
        let target = of(|metadata| &metadata.namespace)
            .zip(of(|metadata| &metadata.name))
            .and_then(|(namespace, name)| {
                Some(Target {
                    namespace: namespace.parse().ok()?,
                    secret: name.parse().ok()?,
                })
            });
        let annotations = inner.annotations.as_ref();
        let is_wanted = match annotations.and_then(|all| all.get(REGISTRY_ANNOTATION)) {
            // Which registry it is for cannot be read.
            Some(registries) if registries.starts_with(ENCRYPTED) => true,
            Some(registries) => registries.split(',').any(|one| one == wanted.registry.as_str()),
            None => target.as_ref().is_some_and(|target| wanted.places.contains(target)),
        };
        is_wanted.then_some((tool, target))
    }
}

impl SealedCopy {
    pub(in crate::commands) fn path(&self) -> PathBuf {
        self.root.join(&self.file)
    }

    /// The line that makes it again; into the file, if that holds nothing else.
    pub(in crate::commands) fn command(&self, registry: &Registry) -> CommandLine {
        let sync = CommandLine::new("kubectl regcred sync -n");
        let sync = match &self.target {
            Some(target) => sync.foreign("NAMESPACE", target.namespace.as_str()),
            None => sync.words("NAMESPACE"),
        };
        let sync = match &self.target {
            Some(target) if target.secret.as_str() == SecretName::DEFAULT => sync,
            Some(target) => sync.words("--secret").foreign("NAME", target.secret.as_str()),
            None => sync.words("--secret NAME"),
        };
        let sync = sync
            .option("--registry", "REGISTRY", registry.as_str())
            .words("--dry-run=client -o yaml");
        let path = self.path().display().to_string();
        let is_json = Path::new(&self.file)
            .extension()
            .is_some_and(|extension| extension == "json");
        let line = match self.tool {
            Tool::Kubeseal if is_json => sync.pipe(&CommandLine::new("kubeseal -o json")),
            Tool::Kubeseal => sync.pipe(&CommandLine::new("kubeseal -o yaml")),
            Tool::Sops => {
                let output = if is_json {
                    CommandLine::new("sops encrypt --input-type yaml --output-type json")
                } else {
                    CommandLine::new("sops encrypt --input-type yaml --output-type yaml")
                };
                sync.pipe(&output.option("--filename-override", "FILE", &path).words("/dev/stdin"))
            }
        };
        if self.is_alone { line.into_file(path) } else { line }
    }

    /// What it is, and what is wrong with it.
    pub(in crate::commands) fn sentence(&self) -> String {
        let with = match self.tool {
            Tool::Kubeseal => "kubeseal",
            Tool::Sops => "sops",
        };
        let what = match &self.target {
            Some(target) => format!("a copy of {target}"),
            None => "a copy of a Secret".to_owned(),
        };
        let whole = if self.is_alone { "" } else { ", among other things" };
        format!("it holds {what} that {with} has encrypted{whole}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEALED: &str = "\
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: gitea-credentials, namespace: web}
spec:
  encryptedData: {.dockerconfigjson: AgBy3i4OJSWK}
  template:
    metadata: {name: gitea-credentials, namespace: web, ANNOTATIONS}
    type: kubernetes.io/dockerconfigjson
";
    const SOPS: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: NAME, namespace: NAMESPACE, ANNOTATIONS}
data: {.dockerconfigjson: 'ENC[AES256_GCM,data:x,type:str]'}
sops: {version: 3.9.0}
";

    fn found(text: &str) -> Vec<(Tool, Option<String>, bool)> {
        let places = ["web/gitea-credentials".parse().unwrap()].into();
        let registry = "gitea.example.com".parse().unwrap();
        let wanted = Wanted {
            registry: &registry,
            places: &places,
        };
        let shown = |(tool, target, alone): (Tool, Option<Target>, bool)| {
            (tool, target.map(|target| target.namespaced_name()), alone)
        };
        read(text, &wanted).into_iter().map(shown).collect()
    }

    #[test]
    fn a_copy_is_known_by_our_annotation_or_by_its_place() {
        let annotated = |registry: &str| format!("annotations: {{kubectl-regcred/registry: '{registry}'}}");
        let here = Some("web/gitea-credentials".to_owned());
        for (annotations, is_wanted) in [
            ("labels: {}".to_owned(), true),
            (annotated("gitea.example.com"), true),
            (annotated("ghcr.io,gitea.example.com"), true),
            (annotated("ghcr.io"), false),
        ] {
            let text = SEALED.replace("ANNOTATIONS", &annotations);
            let expected = if is_wanted {
                vec![(Tool::Kubeseal, here.clone(), true)]
            } else {
                Vec::new()
            };
            assert_eq!(found(&text), expected, "{annotations}");
        }
        let elsewhere = SEALED.replace("ANNOTATIONS", "labels: {}").replace("web", "other");
        assert_eq!(found(&elsewhere), []);
    }

    #[test]
    fn sops_leaves_names_or_encrypts_them() {
        let sops = |name: &str, namespace: &str, annotations: &str| {
            let text = SOPS.replace("NAMESPACE", namespace).replace("NAME", name);
            text.replace("ANNOTATIONS", annotations)
        };
        let here = Some("web/gitea-credentials".to_owned());
        let plain = sops("gitea-credentials", "web", "labels: {}");
        assert_eq!(found(&plain), [(Tool::Sops, here.clone(), true)]);
        let encrypted = "'ENC[AES256_GCM,data:x,type:str]'";
        let annotation = format!("annotations: {{kubectl-regcred/registry: {encrypted}}}");
        assert_eq!(
            found(&sops(encrypted, encrypted, &annotation)),
            [(Tool::Sops, None, true)]
        );
        assert_eq!(found(&sops(encrypted, encrypted, "labels: {}")), []);
        // Nobody has encrypted this one, and a second document is another thing.
        assert_eq!(found(&plain.replace("sops:", "other:")), []);
        let two = format!("kind: ConfigMap\n---\n{plain}");
        assert_eq!(found(&two), [(Tool::Sops, here, false)]);
        for text in ["{{ if }}", "- a\n- b", "", "kind: [1]"] {
            assert_eq!(found(text), [], "{text:?}");
        }
    }

    #[test]
    fn the_line_makes_the_file_again() {
        let registry = "gitea.example.com".parse().unwrap();
        let copy = SealedCopy {
            root: "/home/me/deploy".into(),
            file: "web/pull.yaml".to_owned(),
            tool: Tool::Kubeseal,
            target: Some("web/pull".parse().unwrap()),
            is_alone: true,
        };
        assert_eq!(
            copy.command(&registry).as_str(),
            "kubectl regcred sync -n web --secret pull --registry gitea.example.com --dry-run=client -o yaml | kubeseal -o \
             yaml > /home/me/deploy/web/pull.yaml"
        );
        let of_sops = SealedCopy {
            tool: Tool::Sops,
            target: None,
            is_alone: false,
            ..copy
        };
        assert_eq!(
            of_sops.command(&registry).as_str(),
            "kubectl regcred sync -n NAMESPACE --secret NAME --registry gitea.example.com --dry-run=client -o yaml | sops \
             encrypt --input-type yaml --output-type yaml --filename-override /home/me/deploy/web/pull.yaml /dev/stdin"
        );
    }
}
