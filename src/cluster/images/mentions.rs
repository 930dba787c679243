//! Finds images in objects of any form: custom resources, revisions of controllers, and manifests of Helm.
//!
//! An object is read once from start to end, and only what names an image of the registries in question is kept of it.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};

use crate::model::{Digest, ImageReference, Registry, Repository, Tag};

/// The longest text that can be a reference, in octets: a host with its port, a path, a tag and a digest.
const MAX_REFERENCE: usize = 1024;
/// The longest name of a container, a Secret or a ServiceAccount, in octets.
const MAX_NAME: usize = 253;
/// Schemes of URLs that lead to no registry's image; another one, such as `oci://` or `docker://`, stands before a reference.
const OTHER_SCHEMES: [&str; 6] = ["file", "ftp", "git", "http", "https", "ssh"];
/// Keys whose text is a YAML document: k3s's `HelmChart` and Argo CD's `Application` have Helm's values in it.
const DOCUMENTS: [&str; 2] = ["valuesContent", "values"];
/// Keys of a repository whose version can stand beside it. `imageRepository` is none of them: kubeadm's is what is above the
/// repository.
const VERSIONED: [&str; 8] = [
    "baseImage",
    "image",
    "imageName",
    "name",
    "newName",
    "reference",
    "repo",
    "repository",
];
/// Keys of a chart's repository, which may be written without a scheme.
const ARTIFACTS: [&str; 2] = ["chart", "repoURL"];
/// Keys whose text goes on where that of `registry` ends.
const BELOW_REGISTRY: [&str; 4] = ["image", "imageName", "name", "repository"];
/// Keys whose text is read even if it is a single word.
const SINGLE_WORDS: [&str; 5] = ["chart", "image", "imageName", "reference", "repository"];
/// Lists of a pod, or of a Task at Tekton. An image without a version is `latest` there, and elsewhere any one.
const OF_PODS: [&str; 6] = [
    "containers",
    "ephemeralContainers",
    "initContainers",
    "sidecars",
    "steps",
    "volumes",
];
/// What can follow a word of which the rest is known to a program only.
const CONTINUATIONS: [char; 6] = ['$', '{', '%', '*', '<', '+'];
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
    /// It is the object itself.
    is_object: bool,
    place: Place,
}

/// Where a value is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Anywhere,
    /// It is one of [`OF_PODS`].
    List,
    /// In such a list: a container, or a volume or its `image`.
    Pod,
}

impl<'a> Scan<'a> {
    pub fn new(registries: &'a [Registry]) -> Self {
        Self {
            registries,
            is_document: false,
            is_inner: false,
            is_object: true,
            place: Place::Anywhere,
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
            let found = found.ok()?;
            mentions.extend(found.mentions);
            mentions.extend(found.text.iter().flat_map(|text| self.of_text(text)));
        }
        Some(once(mentions))
    }

    fn of_values(self) -> Self {
        Self {
            is_document: false,
            is_object: false,
            place: Place::Anywhere,
            ..self
        }
    }

    fn is_asked_about(self, registry: &Registry) -> bool {
        self.registries.contains(registry)
    }

    /// A text that stands alone: words, some of which are references.
    fn of_text(self, text: &str) -> Vec<Mention> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "._-/:@[]".contains(c);
        let mut mentions = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find(is_part) {
            let word = &rest[start..];
            let end = word.find(|c| !is_part(c)).unwrap_or(word.len());
            let (word, after) = word.split_at(end);
            rest = after;
            if word.len() <= MAX_REFERENCE {
                mentions.extend(self.of_word(word, after.starts_with(CONTINUATIONS)));
            }
        }
        mentions
    }

    fn of_word(self, word: &str, goes_on: bool) -> Vec<Mention> {
        if goes_on && word.ends_with('/') {
            return Vec::new();
        }
        let read = |text: &str| {
            let text = without_scheme(text.trim_end_matches(['.', ':', '@', '/']));
            // Without a host it would be any word.
            let reference: ImageReference = text.parse().ok().filter(|_| names_a_host(text))?;
            Some(if goes_on || is_bare(&reference) {
                whole(&reference)
            } else {
                Mentioned::Image(reference)
            })
        };
        let of_parts = || {
            let parts = word.split(['[', ']']);
            parts
                .filter_map(|part| read(part).or_else(|| read(without_version(part))))
                .collect()
        };
        let found: Vec<Mentioned> = read(word).map_or_else(of_parts, |found| vec![found]);
        let asked_about = found.into_iter().filter(|what| self.is_asked_about(what.registry()));
        asked_about.map(Mention::new).collect()
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

fn without_scheme(text: &str) -> &str {
    let is_scheme = |text: &str| {
        let kind = text.rsplit('+').next().unwrap_or_default();
        let is_other = OTHER_SCHEMES.iter().any(|scheme| scheme.eq_ignore_ascii_case(kind));
        !is_other
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
    };
    match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => rest,
        _ => text,
    }
}

/// A reference up to its tag or digest, even if that is none.
fn without_version(text: &str) -> &str {
    let text = text.split_once('@').map_or(text, |(name, _)| name);
    let path = text.rfind('/').unwrap_or_default();
    text[path..].find(':').map_or(text, |colon| &text[..path + colon])
}

fn names_a_host(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(host, _)| host == "localhost" || host.contains(['.', ':']))
}

/// Without a version.
fn is_bare(reference: &ImageReference) -> bool {
    reference.tag().is_none() && reference.digest().is_none()
}

fn whole(reference: &ImageReference) -> Mentioned {
    Mentioned::Repository(reference.registry().clone(), reference.repository().clone())
}

impl Mentioned {
    fn registry(&self) -> &Registry {
        match self {
            Self::Image(reference) => reference.registry(),
            Self::Repository(registry, _) => registry,
        }
    }
}

impl Mention {
    fn new(what: Mentioned) -> Self {
        Self {
            what,
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
    /// Tags of an artifact; beside an image, a version need not be its tag.
    releases: Vec<Tag>,
    /// A range of versions.
    is_range: bool,
    /// A tag or digest that only a program knows.
    is_open: bool,
}

impl Versions {
    fn add(&mut self, key: &str, text: &str) {
        match key {
            "tag" | "imageTag" | "newTag" => self.add_tag(text),
            "digest" | "imageDigest" => self.add_digest(text),
            // A commit has one too.
            "sha" => self.digests.extend(format!("sha256:{text}").parse()),
            // Helm stores `1.0.0+1` under the tag `1.0.0_1`; anything short of three numbers is a range.
            "version" | "targetRevision" | "semver" => {
                let is_one = text.split(['-', '+']).next().is_some_and(|numbers| {
                    let numbers: Vec<&str> = numbers.strip_prefix('v').unwrap_or(numbers).split('.').collect();
                    numbers.len() == 3 && numbers.iter().all(|number| number.parse::<u64>().is_ok())
                });
                match text.replace('+', "_").parse() {
                    Ok(tag) if is_one => self.releases.push(tag),
                    _ => self.is_range = true,
                }
            }
            _ => {}
        }
    }

    /// `1.2`, and as charts have it also `1.2@sha256:…` and `sha256:…`.
    fn add_tag(&mut self, text: &str) {
        let (tag, digest) = match text.split_once('@') {
            Some((tag, digest)) => (tag, Some(digest)),
            None if text.starts_with("sha256:") => ("", Some(text)),
            None => (text, None),
        };
        match tag.parse() {
            Ok(tag) => self.tags.push(tag),
            Err(_) => self.is_open |= !tag.is_empty(),
        }
        if let Some(digest) = digest {
            self.add_digest(digest);
        }
    }

    fn add_digest(&mut self, text: &str) {
        match text.parse() {
            Ok(digest) => self.digests.push(digest),
            Err(_) => self.is_open |= !text.is_empty(),
        }
    }

    fn merge(&mut self, other: Self) {
        self.tags.extend(other.tags);
        self.digests.extend(other.digests);
        self.releases.extend(other.releases);
        self.is_range |= other.is_range;
        self.is_open |= other.is_open;
    }

    /// Nothing about an image.
    fn says_nothing(&self) -> bool {
        self.tags.is_empty() && self.digests.is_empty() && !self.is_open
    }

    /// The images of a repository that are meant.
    fn of(&self, reference: &ImageReference, is_artifact: bool) -> Vec<Mentioned> {
        let releases = self.releases.iter().filter(|_| is_artifact);
        let tags: Vec<&Tag> = self.tags.iter().chain(releases).collect();
        let mut meant: Vec<ImageReference> = match self.digests.as_slice() {
            // The tag says what the digest was pushed as.
            [digest] if !tags.is_empty() => {
                let pinned = reference.with_digest(digest.clone());
                tags.into_iter().map(|tag| pinned.with_tag(tag.clone())).collect()
            }
            digests => {
                let tagged = tags.into_iter().map(|tag| reference.with_tag(tag.clone()));
                let pinned = digests.iter().map(|digest| reference.with_digest(digest.clone()));
                tagged.chain(pinned).collect()
            }
        };
        meant.sort();
        meant.dedup();
        let is_whole = meant.is_empty() || self.is_open || (is_artifact && self.is_range);
        let all = is_whole.then(|| whole(reference));
        meant.into_iter().map(Mentioned::Image).chain(all).collect()
    }
}

/// A text that is a reference.
struct Named {
    key: String,
    reference: ImageReference,
    /// A chart or other artifact, by its key or scheme.
    is_artifact: bool,
    /// Whether its registry stands beside it.
    is_below: bool,
    has_scheme: bool,
}

/// An object, as far as it has been read.
#[derive(Default)]
struct Fields {
    mentions: Vec<Mention>,
    name: Option<String>,
    versions: Versions,
    /// Texts that may be a reference, with their keys. A key can be there twice.
    texts: Vec<(String, String)>,
    registry: Option<String>,
    /// Another name replaces `name`, as in Kustomize's `images`.
    is_renamed: bool,
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
            self.is_renamed |= key == "newName" && !text.is_empty();
            match key {
                "name" if text.len() <= MAX_NAME && !text.contains('/') => self.name = Some(text),
                "serviceAccountName" if text.len() <= MAX_NAME => self.pod.account = text,
                "registry" | "imageRegistry" => {
                    let earlier = self.registry.replace(text);
                    self.mentions.extend(earlier.iter().flat_map(|text| scan.of_text(text)));
                }
                _ if text.contains('/') || SINGLE_WORDS.contains(&key) => self.texts.push((key.to_owned(), text)),
                _ => {}
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
        let own = self.own(scan);
        self.mentions.extend(own);
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

    /// What the object's own texts name, rather than those of an object in it.
    fn own(&mut self, scan: Scan<'_>) -> Vec<Mention> {
        let texts = std::mem::take(&mut self.texts);
        let chart = texts.iter().find(|(key, text)| key == "chart" && !text.contains('/'));
        let chart = chart.map(|(_, text)| text.as_str()).filter(|chart| !chart.is_empty());
        let mut own = Vec::new();
        let mut bare: Vec<Named> = Vec::new();
        let mut is_registry_used = false;
        for (key, text) in &texts {
            match self.named(key, text, chart) {
                Some(named) => {
                    is_registry_used |= named.is_below && key != "name";
                    if is_bare(&named.reference) {
                        bare.push(named);
                    } else {
                        own.push(Mentioned::Image(named.reference));
                    }
                }
                None => self.mentions.extend(scan.of_text(text)),
            }
        }
        // Programs put the names of their images below it.
        let registry = self.registry.iter().filter(|_| !is_registry_used);
        self.mentions.extend(registry.flat_map(|text| scan.of_text(text)));
        let with_versions = bare.iter().filter(|named| self.has_versions(named));
        let with_versions: BTreeSet<&ImageReference> = with_versions.map(|named| &named.reference).collect();
        // Which of several repositories a version belongs to is not said.
        let is_clear = with_versions.len() == 1;
        for named in &bare {
            let is_pulled_by_pod = scan.place == Place::Pod && ["image", "reference"].contains(&named.key.as_str());
            if is_pulled_by_pod && self.versions.says_nothing() {
                own.push(Mentioned::Image(named.reference.clone()));
            } else if is_clear && self.has_versions(named) {
                own.extend(self.versions.of(&named.reference, named.is_artifact));
            } else {
                own.push(whole(&named.reference));
            }
        }
        own.retain(|what| scan.is_asked_about(what.registry()));
        own.sort();
        own.dedup();
        own.into_iter().map(Mention::new).collect()
    }

    /// Whether the versions of the object are those of this repository.
    fn has_versions(&self, named: &Named) -> bool {
        if self.is_renamed {
            return named.key == "newName";
        }
        // The repository of several charts, of which the name says one.
        if named.key == "repository" && named.has_scheme && self.name.is_some() {
            return false;
        }
        named.is_artifact || VERSIONED.contains(&named.key.as_str())
    }

    /// A text that is a reference from start to end, with the registry or the chart that stands beside it.
    fn named(&self, key: &str, text: &str, chart: Option<&str>) -> Option<Named> {
        let text = text.trim();
        let rest = without_scheme(text);
        let has_scheme = rest.len() < text.len();
        let text = rest.trim_end_matches('/');
        let is_artifact = has_scheme || ARTIFACTS.contains(&key);
        let registry = self.registry.as_deref().filter(|_| BELOW_REGISTRY.contains(&key));
        let mut is_below = false;
        let text = match (registry, chart) {
            (_, Some(chart)) if names_a_host(text) && is_artifact && key != "chart" => format!("{text}/{chart}"),
            _ if names_a_host(text) => text.to_owned(),
            (Some(registry), _) => {
                is_below = true;
                format!("{}/{text}", without_scheme(registry).trim_end_matches('/'))
            }
            // At Docker Hub.
            (None, _) if key == "image" || key == "reference" => text.to_owned(),
            (None, _) => return None,
        };
        Some(Named {
            key: key.to_owned(),
            reference: text.parse().ok()?,
            is_artifact,
            is_below,
            has_scheme,
        })
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
                is_object: false,
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
        let each = Scan {
            place: match self.place {
                Place::List => Place::Pod,
                Place::Anywhere | Place::Pod => Place::Anywhere,
            },
            ..self.of_values()
        };
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
        let is_of_pod = self.place == Place::Pod;
        let mut fields = Fields::default();
        while let Some(key) = map.next_key_seed(KeySeed)? {
            match key.as_str() {
                // Who wrote what, and labels: nothing that is pulled. A template's annotations may be what a program goes by.
                "metadata" if self.is_object => {
                    map.next_value::<IgnoredAny>()?;
                }
                key => {
                    let is_document = DOCUMENTS.contains(&key) && !self.is_inner;
                    let place = match key {
                        _ if OF_PODS.contains(&key) => Place::List,
                        "image" if is_of_pod => Place::Pod,
                        _ => Place::Anywhere,
                    };
                    let found = map.next_value_seed(Scan {
                        is_document,
                        place,
                        ..each
                    })?;
                    // An image can be a key. A label's has one slash at most.
                    if key.matches('/').count() > 1 {
                        fields.mentions.extend(each.of_text(key));
                    }
                    fields.add(key, found, each);
                }
            }
        }
        Ok(fields.finish(self))
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
    fn a_templates_annotations_count_and_an_objects_own_do_not() {
        let annotated = |image: &str| json!({"annotations": {"sidecar.example.com/image": image}});
        let object = json!({
            "metadata": annotated("git.example.com/a/no:1"),
            "spec": {"template": {"metadata": annotated("git.example.com/a/proxy:2"), "spec": {}}},
        });
        assert_eq!(of(&object), ["=git.example.com/a/proxy:2"]);
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
    #[allow(clippy::too_many_lines, reason = "one of each shape")]
    fn a_version_beside_a_repository() {
        for (object, found) in [
            // Helm's values.
            (json!({"image": "R/a/app", "tag": "7"}), vec!["R/a/app:7"]),
            (json!({"image": "R/a/app", "imageTag": "7"}), vec!["R/a/app:7"]),
            (json!({"image": {"name": "R/a/app", "tag": "1"}}), vec!["R/a/app:1"]),
            (json!({"image": {"name": "R/a/app:3"}}), vec!["R/a/app:3"]),
            (json!({"repo": "R/a/app/", "tag": "1"}), vec!["R/a/app:1"]),
            (json!({"registry": "R", "image": "a/app", "tag": 1}), vec!["R/a/app:1"]),
            (json!({"registry": "R", "image": "a/app:1"}), vec!["R/a/app:1"]),
            (
                json!({"registry": "R/a/", "repository": "app", "tag": 1}),
                vec!["R/a/app:1"],
            ),
            (
                json!({"imageRegistry": "R", "name": "a/app", "tag": "1"}),
                vec!["R/a/app:1"],
            ),
            (json!({"registry": "R", "repository": "a/app"}), vec!["R/a/app whole"]),
            (
                json!({"repository": "R/a/app", "tag": "1@DIGEST"}),
                vec!["R/a/app:1@DIGEST"],
            ),
            (
                json!({"repository": "R/a/app", "tag": "DIGEST"}),
                vec!["R/a/app@DIGEST"],
            ),
            (
                json!({"repository": "R/a/app", "tag": "1", "digest": "DIGEST"}),
                vec!["R/a/app:1@DIGEST"],
            ),
            (
                json!({"repository": "R/a/app", "tag": "1", "sha": "HEX"}),
                vec!["R/a/app:1@DIGEST"],
            ),
            (
                json!({"repository": "R/a/app", "tag": "1", "sha": "0123456"}),
                vec!["R/a/app:1"],
            ),
            (
                json!({"repository": "R/a/app", "imageDigest": "DIGEST"}),
                vec!["R/a/app@DIGEST"],
            ),
            (
                json!({"repository": "R/a/app", "tag": "{{ .tag }}"}),
                vec!["R/a/app whole"],
            ),
            (
                json!({"repository": "R/a/app", "tag": "1", "version": "2.0.0"}),
                vec!["R/a/app:1"],
            ),
            (json!({"image": "R/a/app", "version": "2.0.0"}), vec!["R/a/app whole"]),
            (
                json!({"image": {"repository": "R/a/app"}, "imageTag": "2"}),
                vec!["R/a/app whole"],
            ),
            // Kustomize, and Flux' Kustomization.
            (
                json!({"images": [{"name": "R/a/app", "newTag": "5"}]}),
                vec!["R/a/app:5"],
            ),
            (json!({"newName": "R/a/app", "newTag": "4"}), vec!["R/a/app:4"]),
            (
                json!({"name": "app", "newName": "R/a/app", "digest": "DIGEST"}),
                vec!["app R/a/app@DIGEST"],
            ),
            (
                json!({"name": "R/a/old", "newName": "R/a/app", "newTag": "4"}),
                vec!["R/a/app:4", "R/a/old whole"],
            ),
            (
                json!({"name": "R/a/old", "newName": "app", "newTag": "4"}),
                vec!["R/a/old whole"],
            ),
            // Argo CD's images of Kustomize, and parameters of Helm.
            (
                json!({"images": ["app=R/a/app:1", "R/a/two:2", "R/a/three"]}),
                vec!["R/a/app:1", "R/a/three whole", "R/a/two:2"],
            ),
            (
                json!({"parameters": [{"name": "image.repository", "value": "R/a/app"}, {"name": "image.tag", "value": "1"}]}),
                vec!["image.repository R/a/app whole"],
            ),
            (json!({"values": "R/a/app:1"}), vec!["R/a/app:1"]),
            // Flux.
            (
                json!({"spec": {"image": "R/a/app", "interval": "1m"}}),
                vec!["R/a/app whole"],
            ),
            (
                json!({"status": {"latestRef": {"name": "R/a/app", "tag": "1", "digest": "DIGEST"}}}),
                vec!["R/a/app:1@DIGEST"],
            ),
            (
                json!({"url": "oci://R/a/m", "ref": {"tag": "v1", "digest": "DIGEST"}}),
                vec!["R/a/m:v1@DIGEST"],
            ),
            // A chart, of which the repository has several.
            (
                json!({"name": "app", "repository": "oci://R/charts", "version": "1.2.3"}),
                vec!["app R/charts whole"],
            ),
            (
                json!({"chart": "app", "repository": "oci://R/charts", "version": "1.2.3"}),
                vec!["R/charts/app:1.2.3"],
            ),
            // KubeVirt and kubeadm: a program puts its images' names below it.
            (json!({"imageRegistry": "R/a", "imageTag": "v1"}), vec!["R/a whole"]),
            (
                json!({"imageRepository": "R/a/app", "imageTag": "2"}),
                vec!["R/a/app whole"],
            ),
            (
                json!({"registry": "R/a", "name": "prod", "tag": "1"}),
                vec!["prod R/a whole"],
            ),
            // Which of them a version belongs to is not said.
            (
                json!({"image": "R/a/app", "baseImage": "R/a/base", "tag": "1"}),
                vec!["R/a/app whole", "R/a/base whole"],
            ),
            (
                json!({"image": "R/a/app", "sidecarImage": "R/a/side", "tag": "1"}),
                vec!["R/a/app:1", "R/a/side whole"],
            ),
            // kubelet takes `latest` in a pod only.
            (json!({"containers": [{"image": "R/a/app"}]}), vec!["R/a/app"]),
            (
                json!({"volumes": [{"image": {"reference": "R/a/app"}}]}),
                vec!["R/a/app"],
            ),
            (
                json!({"containers": {"main": {"image": "R/a/app"}}}),
                vec!["R/a/app whole"],
            ),
            (json!({"containers": [{"args": ["R/a/app"]}]}), vec!["R/a/app whole"]),
        ] {
            assert_names(&object, &found);
        }
    }

    #[test]
    fn a_repository_in_a_text() {
        for (text, found) in [
            ("R/a/app", vec!["R/a/app whole"]),
            (" R/a/app:1\n", vec!["R/a/app:1"]),
            ("git.example.com:443/a/app:1", vec!["git.example.com:443/a/app:1"]),
            ("GIT.example.com/a/app:1", vec!["GIT.example.com/a/app:1"]),
            ("docker-pullable://R/a/app@DIGEST", vec!["R/a/app@DIGEST"]),
            ("see R/a/app, version 1", vec!["R/a/app whole"]),
            ("see docker://R/a/app:1", vec!["R/a/app:1"]),
            ("[R/a/app:1, R/a/two:2]", vec!["R/a/app:1", "R/a/two:2"]),
            ("R/a/app/ and", vec!["R/a/app whole"]),
            // The version is put in later.
            ("R/a/app:${TAG}", vec!["R/a/app whole"]),
            ("R/a/app:v1-${BUILD}", vec!["R/a/app whole"]),
            ("R/a/app:{{ .Values.tag }}", vec!["R/a/app whole"]),
            ("R/a/app@sha256:${SUM}", vec!["R/a/app whole"]),
            ("R/a/app:1.*", vec!["R/a/app whole"]),
            // Not an image's, or not one image's.
            ("https://R/a/app", vec![]),
            ("git+https://R/a/app", vec![]),
            ("docs at https://R/a/app", vec![]),
            ("ssh://git@R/a/app", vec![]),
            ("R/a/*", vec![]),
            ("R/", vec![]),
            ("R", vec![]),
            ("other.example.com/a/app:1", vec![]),
        ] {
            for key in ["value", "url"] {
                assert_names(&json!({key: text}), &found);
            }
            assert_names(&json!([text]), &found);
            assert_names(
                &json!({"long": format!("{text} {}", "x ".repeat(MAX_REFERENCE))}),
                &found,
            );
        }
        assert_names(&json!({"R/a/app": "1"}), &["R/a/app whole"]);
        assert_names(&json!({"matchLabels": {"R/team": "web"}}), &[]);
    }

    /// What an object names, with `R` for the registry, `DIGEST` for a digest and `HEX` for its digits.
    #[track_caller]
    fn assert_names(object: &Value, expected: &[&str]) {
        let digits = HEX.trim_start_matches("sha256:");
        let object = object.to_string();
        let text = object
            .replace("\"R\"", "\"git.example.com\"")
            .replace("R/", "git.example.com/")
            .replace("DIGEST", HEX)
            .replace("HEX", digits);
        let found = shown(&Scan::new(&registries()).json(&text).unwrap()).into_iter();
        let found: Vec<String> = found
            .map(|shown| {
                let shown = shown.replace("git.example.com/", "R/").replace(HEX, "DIGEST");
                shown.trim_start_matches('=').replacen('=', " ", 1)
            })
            .collect();
        assert_eq!(found, expected, "{object}");
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

        /// Whatever is beside it and whatever its key is, a repository is needed whole or in some version.
        #[test]
        fn no_repository_is_missed(
            beside in proptest::collection::btree_map("(name|newName|tag|digest|registry|chart|version|[a-z]{1,4})", any_value(), 0..4),
            key in "(image|name|newName|repository|repoURL|url|registry|value|values|reference|[a-z]{1,4})",
            scheme in "(oci://)?",
        ) {
            let mut object: serde_json::Map<String, Value> = beside.into_iter().collect();
            object.insert(key, format!("{scheme}git.example.com/a/app").into());
            let found = Scan::new(&registries()).json(&json!({"spec": [object]}).to_string()).unwrap();
            prop_assert!(
                found.iter().any(|mention| match &mention.what {
                    Mentioned::Image(reference) => reference.repository().as_str().starts_with("a/app"),
                    Mentioned::Repository(_, path) => path.as_str().starts_with("a/app"),
                }),
                "{found:?}"
            );
        }

        #[test]
        fn no_text_makes_it_fail(text in "\\PC{0,200}") {
            let _ = Scan::new(&registries()).yaml(&text);
            let _ = Scan::new(&registries()).json(&text);
        }
    }
}
