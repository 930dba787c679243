//! Finds images in objects of any form: custom resources, revisions of controllers, and manifests of Helm.
//!
//! An object is read once from start to end, and only what names an image of the registries in question is kept of it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};

use crate::model::{Digest, ImageReference, Registry, Repository, Tag, Version};

/// The longest text that can be a reference, in octets: a host with its port, a path, a tag and a digest.
const MAX_REFERENCE: usize = 1024;
/// The longest name of a container, a Secret or a ServiceAccount, in octets.
const MAX_NAME: usize = 253;
/// What stands before a reference to an artifact, in Helm's and Flux's notation and in others'.
const SCHEMES: [&str; 2] = ["oci://", "docker://"];
/// Keys whose text is a YAML document: k3s's `HelmChart` and Argo CD's `Application` have Helm's values in it.
const DOCUMENTS: [&str; 2] = ["valuesContent", "values"];
/// Keys of a repository whose version stands beside it.
const REPOSITORIES: [&str; 4] = ["repository", "repoURL", "chart", "baseImage"];
/// The most values of a YAML document and their deepest nesting; an alias counts as what it stands for.
const MAX_NODES: usize = 4_000_000;
/// The most events that aliases may repeat: what people write has some dozens, and a tenant's document must not keep a
/// processor busy for seconds.
const MAX_REPEATED: usize = 100_000;
const MAX_DEPTH: usize = 128;

/// An image or artifact that an object names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mention {
    pub what: Mentioned,
    /// The nearest name around it, such as its container's.
    pub container: String,
    /// Of the pod that it is in.
    pub pod: Option<PodNames>,
}

/// What is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mentioned {
    /// This image.
    Image(ImageReference),
    /// A repository, or what is below it, without a version.
    Repository(Registry, Repository),
}

/// What a pod pulls with.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodNames {
    pub pull_secrets: Vec<String>,
    /// Empty where it names none.
    pub account: String,
}

/// Looks for images of these registries.
#[derive(Clone, Copy)]
pub struct Scan<'a> {
    registries: &'a [Registry],
    /// A text is a YAML document.
    is_document: bool,
    /// It is within such a text, and looks for no further ones.
    is_inner: bool,
}

impl<'a> Scan<'a> {
    pub fn new(registries: &'a [Registry]) -> Self {
        Self {
            registries,
            is_document: false,
            is_inner: false,
        }
    }

    /// The images that an object in JSON names; `None` if it cannot be read.
    pub fn json(self, text: &str) -> Option<Vec<Mention>> {
        let found = self.deserialize(&mut serde_json::Deserializer::from_str(text)).ok()?;
        Some(once(found.mentions))
    }

    /// Those of every document of a YAML stream, as Helm has them in a manifest; `None` if one of them cannot be read.
    pub fn yaml(self, text: &str) -> Option<Vec<Mention>> {
        let mut mentions = Vec::new();
        for document in documents(text) {
            let options = serde_saphyr::options! {
                with_snippet: false,
                budget: serde_saphyr::budget! {
                    max_nodes: MAX_NODES,
                    max_events: 2 * MAX_NODES,
                    max_depth: MAX_DEPTH,
                },
                alias_limits: serde_saphyr::alias_limits! {
                    max_total_replayed_events: MAX_REPEATED,
                },
                non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
                // Whichever of them a program takes.
                duplicate_keys: DuplicateKeyPolicy::PassThrough,
            };
            let read = |deserializer: serde_saphyr::Deserializer<'_, '_>| self.deserialize(deserializer);
            let found = serde_saphyr::with_deserializer_from_str_with_options(document, options, read);
            mentions.extend(found.ok()?.mentions);
        }
        Some(once(mentions))
    }

    fn of_values(self) -> Self {
        Self {
            is_document: false,
            ..self
        }
    }

    fn is_asked_about(self, registry: &Registry) -> bool {
        self.registries.contains(registry)
    }

    /// A text that stands alone: a reference with or without a tag, or words some of which are references.
    fn of_text(self, text: &str) -> Vec<Mention> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "._-/:@[]".contains(c);
        let words = text
            .split(|c: char| !is_part(c))
            .filter(|word| word.len() <= MAX_REFERENCE);
        let references = words.filter_map(|word| {
            let word = word.trim_end_matches(['.', ':', '@', '[']);
            let (word, has_scheme) = without_scheme(word);
            // Without a host it would be any word.
            let reference: ImageReference = word.parse().ok().filter(|_| names_a_host(word))?;
            self.is_asked_about(reference.registry())
                .then(|| Mention::new(reference, has_scheme))
        });
        references.collect()
    }
}

/// Each document of a stream.
fn documents(text: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let rest = line.strip_prefix("---");
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n'])) {
            documents.push(&text[start..at]);
            start = at;
        }
        at += line.len();
    }
    documents.push(&text[start..]);
    documents.retain(|document| !is_blank(document));
    documents
}

/// Nothing but comments and the marker of its start.
fn is_blank(document: &str) -> bool {
    document.lines().all(|line| {
        let line = line.strip_prefix("---").unwrap_or(line).trim();
        line.is_empty() || line.starts_with('#')
    })
}

fn once(mut mentions: Vec<Mention>) -> Vec<Mention> {
    mentions.sort();
    mentions.dedup();
    mentions
}

fn without_scheme(text: &str) -> (&str, bool) {
    let rest = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme));
    rest.map_or((text, false), |rest| (rest, true))
}

fn names_a_host(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(host, _)| host == "localhost" || host.contains(['.', ':']))
}

impl Mention {
    /// An artifact that is named with a scheme and without a version can be any version of it.
    fn new(reference: ImageReference, is_artifact: bool) -> Self {
        let is_open = reference.tag().is_none() && reference.digest().is_none();
        Self {
            what: if is_artifact && is_open {
                Mentioned::Repository(reference.registry().clone(), reference.repository().clone())
            } else {
                Mentioned::Image(reference)
            },
            container: String::new(),
            pod: None,
        }
    }
}

/// What was found in a value.
#[derive(Default)]
pub struct Found {
    mentions: Vec<Mention>,
    /// The value itself, if it is a short text or a number.
    text: Option<String>,
    /// Of a list, the names of its objects.
    names: Vec<String>,
    name: Option<String>,
    versions: Versions,
}

impl Found {
    fn of_number(number: impl fmt::Display) -> Self {
        Self {
            text: Some(number.to_string()),
            ..Self::default()
        }
    }
}

/// What stands beside a repository and says which version of it is meant.
#[derive(Clone, Default)]
struct Versions {
    tags: Vec<Tag>,
    digests: Vec<Digest>,
    /// A range of versions.
    is_open: bool,
}

impl Versions {
    fn add(&mut self, key: &str, text: &str) {
        match key {
            "tag" | "imageTag" | "newTag" => self.tags.extend(text.parse()),
            "digest" => self.digests.extend(text.parse()),
            // Helm stores `1.0.0+1` under the tag `1.0.0_1`; anything short of three numbers is a range.
            "version" | "targetRevision" | "semver" => {
                let is_one = text.split(['-', '+']).next().is_some_and(|numbers| {
                    let numbers: Vec<&str> = numbers.strip_prefix('v').unwrap_or(numbers).split('.').collect();
                    numbers.len() == 3 && numbers.iter().all(|number| number.parse::<u64>().is_ok())
                });
                match text.replace('+', "_").parse() {
                    Ok(tag) if is_one => self.tags.push(tag),
                    _ => self.is_open = true,
                }
            }
            _ => {}
        }
    }

    fn merge(&mut self, other: Self) {
        self.tags.extend(other.tags);
        self.digests.extend(other.digests);
        self.is_open |= other.is_open;
    }

    /// The images of a repository that are meant.
    fn of(&self, reference: &ImageReference) -> Vec<Mentioned> {
        let tags = self.tags.iter().cloned().map(Version::Tag);
        let versions = tags.chain(self.digests.iter().cloned().map(Version::Digest));
        let mut meant: Vec<_> = versions
            .map(|version| Mentioned::Image(reference.with(version)))
            .collect();
        if self.is_open || meant.is_empty() {
            let (registry, path) = (reference.registry().clone(), reference.repository().clone());
            meant.push(Mentioned::Repository(registry, path));
        }
        meant
    }
}

/// An object, as far as it has been read.
#[derive(Default)]
struct Fields {
    mentions: Vec<Mention>,
    /// What its own texts name, rather than those of an object in it.
    direct: Vec<Mention>,
    name: Option<String>,
    versions: Versions,
    /// Texts under `image`: a key can stand there twice.
    images: Vec<String>,
    /// Texts under [`REPOSITORIES`], with their keys.
    repositories: Vec<(String, String)>,
    registry: Option<String>,
    pod: PodNames,
    /// Mentions of the containers and volumes.
    of_pod: Vec<Mention>,
    has_containers: bool,
}

impl Fields {
    fn add(&mut self, key: &str, found: Found, scan: Scan<'_>) {
        let Found {
            mentions,
            text,
            names,
            versions,
            ..
        } = found;
        if let Some(text) = text {
            self.versions.add(key, &text);
            match key {
                "name" if text.len() <= MAX_NAME => self.name = Some(text),
                "serviceAccountName" if text.len() <= MAX_NAME => self.pod.account = text,
                "registry" => self.registry = Some(text),
                "image" | "reference" if !text.is_empty() => self.images.push(text),
                _ if REPOSITORIES.contains(&key) => self.repositories.push((key.to_owned(), text)),
                _ => self.direct.extend(scan.of_text(&text)),
            }
        }
        match key {
            "containers" | "initContainers" | "ephemeralContainers" | "volumes" => {
                self.has_containers |= key == "containers";
                self.of_pod.extend(mentions);
                return;
            }
            "imagePullSecrets" => self.pod.pull_secrets = names,
            // Flux's OCIRepository.
            "ref" => self.versions.merge(versions),
            _ => {}
        }
        self.mentions.extend(mentions);
    }

    fn finish(mut self, scan: Scan<'_>) -> Found {
        let mut own = Vec::new();
        for image in std::mem::take(&mut self.images) {
            let (image, has_scheme) = without_scheme(&image);
            if let Ok(reference) = image.parse::<ImageReference>() {
                let is_bare = reference.tag().is_none() && reference.digest().is_none();
                if is_bare && !(self.versions.tags.is_empty() && self.versions.digests.is_empty()) {
                    own.extend(self.versions.of(&reference));
                }
                own.push(Mention::new(reference, has_scheme).what);
            }
        }
        let chart = self
            .repositories
            .iter()
            .find(|(key, text)| key == "chart" && !text.contains('/'));
        let chart = chart.map(|(_, text)| text.clone());
        for (key, text) in std::mem::take(&mut self.repositories) {
            let (text, _) = without_scheme(&text);
            let text = text.trim_end_matches('/');
            let whole = match (&self.registry, key.as_str()) {
                (Some(registry), "repository") if !names_a_host(text) => format!("{registry}/{text}"),
                _ => text.to_owned(),
            };
            let whole = match &chart {
                Some(chart) if key == "repoURL" => format!("{whole}/{chart}"),
                _ => whole,
            };
            let reference: Option<ImageReference> = whole.parse().ok().filter(|_| names_a_host(&whole));
            match reference {
                Some(reference) if reference.tag().is_none() && reference.digest().is_none() => {
                    own.extend(self.versions.of(&reference));
                }
                Some(reference) => own.push(Mentioned::Image(reference)),
                None => self.direct.extend(scan.of_text(text)),
            }
        }
        // A version beside an artifact that another key names.
        for mention in &mut self.direct {
            let Mentioned::Repository(registry, path) = &mention.what else {
                continue;
            };
            let Ok(reference) = format!("{registry}/{path}").parse::<ImageReference>() else {
                continue;
            };
            let mut meant = self.versions.of(&reference);
            mention.what = meant.remove(0);
            own.extend(meant);
        }
        self.mentions.append(&mut self.direct);
        self.mentions.extend(own.into_iter().filter_map(|what| {
            let registry = match &what {
                Mentioned::Image(reference) => reference.registry(),
                Mentioned::Repository(registry, _) => registry,
            };
            scan.is_asked_about(registry).then(|| Mention {
                what,
                container: String::new(),
                pod: None,
            })
        }));
        if self.has_containers {
            for mention in &mut self.of_pod {
                mention.pod.get_or_insert_with(|| self.pod.clone());
            }
        }
        self.mentions.append(&mut self.of_pod);
        if let Some(name) = &self.name {
            let nameless = self.mentions.iter_mut().filter(|mention| mention.container.is_empty());
            nameless.for_each(|mention| mention.container.clone_from(name));
        }
        Found {
            mentions: self.mentions,
            name: self.name,
            versions: self.versions,
            ..Found::default()
        }
    }
}

impl<'de> DeserializeSeed<'de> for Scan<'_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Found, E> {
        Ok(Found::default())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Found, E> {
        Ok(Found::of_number(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Found, E> {
        Ok(Found::of_number(number))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Found, E> {
        Ok(Found::of_number(number))
    }

    fn visit_u128<E>(self, number: u128) -> Result<Found, E> {
        Ok(Found::of_number(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Found, E> {
        Ok(Found::of_number(number))
    }

    fn visit_unit<E>(self) -> Result<Found, E> {
        Ok(Found::default())
    }

    fn visit_none<E>(self) -> Result<Found, E> {
        Ok(Found::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Found, E> {
        Ok(Found::default())
    }

    fn visit_str<E>(self, text: &str) -> Result<Found, E> {
        if self.is_document {
            let inner = Scan {
                is_document: false,
                is_inner: true,
                ..self
            };
            let mentions = inner.yaml(text).unwrap_or_else(|| self.of_text(text));
            return Ok(Found {
                mentions,
                ..Found::default()
            });
        }
        if text.len() <= MAX_REFERENCE {
            return Ok(Found {
                text: Some(text.to_owned()),
                ..Found::default()
            });
        }
        Ok(Found {
            mentions: self.of_text(text),
            ..Found::default()
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Found, A::Error> {
        let each = self.of_values();
        let mut all = Found::default();
        while let Some(one) = seq.next_element_seed(each)? {
            all.mentions.extend(one.mentions);
            let texts = one.text.into_iter();
            all.mentions.extend(texts.flat_map(|text| each.of_text(&text)));
            all.names.extend(one.name);
        }
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let each = self.of_values();
        let mut fields = Fields::default();
        while let Some(key) = map.next_key_seed(KeySeed)? {
            match key.as_str() {
                // Who wrote what, and labels: nothing that is pulled.
                "metadata" => {
                    map.next_value::<IgnoredAny>()?;
                }
                key => {
                    let is_document = DOCUMENTS.contains(&key) && !self.is_inner;
                    let found = map.next_value_seed(Scan { is_document, ..each })?;
                    fields.add(key, found, each);
                }
            }
        }
        Ok(fields.finish(each))
    }
}

/// A key of a mapping; one that is no text is empty.
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        let found = Scan::new(&[]).deserialize(deserializer)?;
        Ok(found.text.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const HEX: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn registries() -> [Registry; 1] {
        ["git.example.com".parse().unwrap()]
    }

    fn shown(mentions: &[Mention]) -> Vec<String> {
        let one = |mention: &Mention| match &mention.what {
            Mentioned::Image(reference) => format!("{}={reference}", mention.container),
            Mentioned::Repository(registry, path) => format!("{}={registry}/{path} whole", mention.container),
        };
        let mut shown: Vec<_> = mentions.iter().map(one).collect();
        shown.sort();
        shown
    }

    fn of(object: &Value) -> Vec<String> {
        shown(&Scan::new(&registries()).json(&object.to_string()).unwrap())
    }

    #[test]
    fn a_pod_template_is_found_wherever_it_is() {
        let pod = json!({
            "imagePullSecrets": [{"name": "pull"}, {"name": "other"}],
            "serviceAccountName": "robot",
            "initContainers": [{"name": "init", "image": "git.example.com/a/init:1"}],
            "containers": [
                {"name": "main", "image": "git.example.com/a/app", "env": [{"name": "SIDECAR", "value": "git.example.com/a/side:2"}]},
                {"name": "hub", "image": "nginx"},
            ],
            "volumes": [{"name": "data", "image": {"reference": format!("git.example.com/a/data@{HEX}")}}],
        });
        let object = json!({
            "metadata": {"annotations": {"was": "git.example.com/a/no:1"}},
            "spec": {"rollout": [{"template": {"metadata": {"name": "x"}, "spec": pod}}]},
        });
        let found = Scan::new(&registries()).json(&object.to_string()).unwrap();
        assert_eq!(
            shown(&found),
            [
                "SIDECAR=git.example.com/a/side:2",
                &*format!("data=git.example.com/a/data@{HEX}"),
                "init=git.example.com/a/init:1",
                "main=git.example.com/a/app",
            ]
        );
        for mention in found {
            let pod = mention.pod.unwrap();
            assert_eq!(
                (pod.pull_secrets.as_slice(), pod.account.as_str()),
                (&["pull".to_owned(), "other".to_owned()][..], "robot")
            );
        }
    }

    #[test]
    fn images_in_other_forms() {
        for (object, found) in [
            // An operator's own field.
            (
                json!({"spec": {"image": "git.example.com/a/db:16"}}),
                vec!["=git.example.com/a/db:16"],
            ),
            // Tekton, Argo Workflows.
            (
                json!({"steps": [{"name": "s", "image": "git.example.com/a/build"}]}),
                vec!["s=git.example.com/a/build"],
            ),
            // Helm's values.
            (
                json!({"image": {"repository": "git.example.com/a/app", "tag": "1.2"}}),
                vec!["=git.example.com/a/app:1.2"],
            ),
            (
                json!({"image": {"registry": "git.example.com", "repository": "a/app", "tag": 3}}),
                vec!["=git.example.com/a/app:3"],
            ),
            (
                json!({"image": {"repository": "git.example.com/a/app", "tag": "", "digest": HEX}}),
                vec![&*format!("=git.example.com/a/app@{HEX}")],
            ),
            (
                json!({"image": {"repository": "git.example.com/a/app"}}),
                vec!["=git.example.com/a/app whole"],
            ),
            (
                json!({"image": "git.example.com/a/app", "tag": "7"}),
                vec!["=git.example.com/a/app", "=git.example.com/a/app:7"],
            ),
            // Flux.
            (
                json!({"spec": {"url": "oci://git.example.com/a/manifests", "ref": {"tag": "v1"}}}),
                vec!["=git.example.com/a/manifests:v1"],
            ),
            (
                json!({"spec": {"url": "oci://git.example.com/a/manifests", "ref": {"semver": ">=1.0.0"}}}),
                vec!["=git.example.com/a/manifests whole"],
            ),
            (
                json!({"spec": {"type": "oci", "url": "oci://git.example.com/charts"}}),
                vec!["=git.example.com/charts whole"],
            ),
            // Argo CD.
            (
                json!({"source": {"repoURL": "git.example.com/a/charts", "chart": "app", "targetRevision": "1.2.3+4"}}),
                vec!["=git.example.com/a/charts/app:1.2.3_4"],
            ),
            (
                json!({"source": {"repoURL": "git.example.com/a/charts", "chart": "app", "targetRevision": "1.2"}}),
                vec!["=git.example.com/a/charts/app whole"],
            ),
            // A git repository is pulled by nothing that pulls images.
            (
                json!({"source": {"repoURL": "https://git.example.com/a/b", "path": "."}}),
                vec![],
            ),
            // k3s.
            (
                json!({"spec": {
                    "chart": "oci://git.example.com/a/charts/app", "version": "1.2.3",
                    "valuesContent": "image:\n  repository: git.example.com/a/app\n  tag: \"5\"\n"}}),
                vec!["=git.example.com/a/app:5", "=git.example.com/a/charts/app:1.2.3"],
            ),
            (
                json!({"spec": {"valuesContent": "not: [yaml: git.example.com/a/app:6"}}),
                vec!["=git.example.com/a/app:6"],
            ),
            // Words of a text.
            (
                json!({"args": ["--image=git.example.com/a/x:1,git.example.com/a/y:2", "see git.example.com/a/z:3."]}),
                vec![
                    "=git.example.com/a/x:1",
                    "=git.example.com/a/y:2",
                    "=git.example.com/a/z:3",
                ],
            ),
            (
                json!({"image": "ghcr.io/a/app:1", "other": "nginx", "n": null, "f": 1.5, "b": true}),
                vec![],
            ),
        ] {
            assert_eq!(of(&object), found, "{object}");
        }
    }

    #[test]
    fn a_version_belongs_to_its_own_object_only() {
        let object = json!({"tag": "9", "version": "1.0.0", "chart": {"url": "oci://git.example.com/a/m"}});
        assert_eq!(of(&object), ["=git.example.com/a/m whole"]);
    }

    #[test]
    fn every_document_of_a_manifest_is_read() {
        let manifest = "---\n# Source: a\nkind: A\nspec: &pod\n  containers:\n  - {name: a, image: git.example.com/a/a:1}\n---\n# nothing\n\
                        --- \nkind: B\nimage: 'git.example.com/a/b:2'\nimage: git.example.com/a/c:3\n---\r\ntext: |\n  ---x\n  git.example.com/a/d:4\n...\n";
        let found = Scan::new(&registries()).yaml(manifest).unwrap();
        assert_eq!(
            shown(&found),
            [
                "=git.example.com/a/b:2",
                "=git.example.com/a/c:3",
                "=git.example.com/a/d:4",
                "a=git.example.com/a/a:1"
            ]
        );
        assert_eq!(Scan::new(&registries()).yaml("a: [\n"), None);
        assert_eq!(Scan::new(&registries()).yaml(""), Some(vec![]));
    }

    #[test]
    fn aliases_cannot_multiply() {
        let mut bomb = "a0: &a0 [git.example.com/a/a:1]\n".to_owned();
        for level in 1..12 {
            let one = format!("*a{}", level - 1);
            let line = format!("a{level}: &a{level} [{}]\n", vec![one; 10].join(", "));
            bomb.push_str(&line);
        }
        assert_eq!(Scan::new(&registries()).yaml(&bomb), None);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            "[a-z:/@. -]{0,24}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("(image|tag|name|spec|url|chart|ref|values|[a-z]{1,4})", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Whatever is around a container, its image is found, in JSON and in YAML.
        #[test]
        fn no_container_is_missed(mut object in any_value(), around in any_value(), tag in "[a-z0-9]{1,8}") {
            let image = format!("git.example.com/a/app:{tag}");
            let mut pod = json!({"containers": [{"name": "c", "image": image.clone()}]});
            if let (Some(pod), Value::Object(around)) = (pod.as_object_mut(), around) {
                pod.extend(around.into_iter().filter(|(key, _)| key != "containers"));
            }
            match &mut object {
                Value::Object(map) => { map.insert("template".into(), pod); }
                Value::Array(list) => list.push(pod),
                other => *other = pod,
            }
            let wanted = Mentioned::Image(image.parse().unwrap());
            let scan = Scan::new(&[]);
            prop_assert_eq!(scan.json(&object.to_string()), Some(vec![]), "no registry is asked about");
            let registries = registries();
            let scan = Scan::new(&registries);
            for found in [scan.json(&object.to_string()), scan.yaml(&object.to_string())] {
                prop_assert!(found.unwrap().iter().any(|mention| mention.what == wanted && mention.container == "c"));
            }
        }

        #[test]
        fn no_text_makes_it_fail(text in "\\PC{0,200}") {
            let _ = Scan::new(&registries()).yaml(&text);
            let _ = Scan::new(&registries()).json(&text);
        }
    }
}
