//! A row of the list: a manifest with all its tags, and everything that hangs on it.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;

use crate::commands::images::demand::{Demand, Usage};
use crate::commands::images::holding::{HeldRow, Holding, Role};
use crate::model::manifest::{Child, Content, Manifest};
use crate::model::{Digest, Version};
use crate::registry::ImageConfig;

/// What cosign 3 calls a signature among its bundles.
const COSIGN_SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
/// The kinds of referrers: cosign's older ones, notation's, and that of in-toto.
const SIGNATURES: [&str; 2] = [
    "application/vnd.dev.cosign.artifact.sig.v1+json",
    "application/vnd.cncf.notary.signature",
];
const IN_TOTO: &str = "application/vnd.in-toto+json";
/// A part of the kinds of SBOMs.
const SBOMS: [&str; 3] = ["sbom", "spdx", "cyclonedx"];

/// One item of `ImageList`.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    pub image: String,
    pub digest: String,
    pub tags: Vec<String>,
    pub set_aside: Vec<Aside>,
    pub kind: Kind,
    /// Of an artifact, its own name for its kind.
    pub artifact_type: Option<String>,
    /// The newest push of its tags; `null` where the registry does not tell.
    pub pushed: Option<Timestamp>,
    /// By the builder's own account.
    pub created: Option<String>,
    /// Everything that it is made of, each layer once.
    pub size: u64,
    pub platforms: Vec<String>,
    /// Attestations inside of an index.
    pub attestations: usize,
    /// What describes it or a part of it: signatures, attestations, SBOMs.
    pub described_by: Vec<String>,
    /// The same without the lists of them: each signature, attestation, SBOM and other referrer once.
    #[serde(skip)]
    pub hanging: Vec<Hanging>,
    /// What an index is made of, and is not there.
    pub missing: Vec<String>,
    pub used_by: Vec<Usage>,
}

/// A tag that is set aside.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Aside {
    /// What it was before.
    pub name: String,
    pub since: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    Image,
    Index,
    Artifact,
}

/// What describes something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hanging {
    Signature,
    Attestation,
    Sbom,
    Other,
}

impl Hanging {
    /// By cosign's tag, or else by what the manifest says of itself.
    fn of(tag: &str, manifest: &Manifest) -> Self {
        let (_, ending) = tag.rsplit_once('.').unwrap_or_default();
        let Content::Artifact { kind, predicate, .. } = &manifest.content else {
            return Self::Other;
        };
        match (ending, predicate.as_deref()) {
            ("sig", _) | (_, Some(COSIGN_SIGNATURE)) => Self::Signature,
            ("att", _) | (_, Some(_)) => Self::Attestation,
            ("sbom", _) => Self::Sbom,
            _ if SIGNATURES.contains(&kind.as_str()) => Self::Signature,
            _ if kind == IN_TOTO => Self::Attestation,
            _ if SBOMS.iter().any(|part| kind.contains(part)) => Self::Sbom,
            _ => Self::Other,
        }
    }
}

/// The items of an image: what has a tag, and what nothing leads to. Newest first.
pub fn items(holding: &Holding, configs: &BTreeMap<Digest, ImageConfig>, demand: &Demand) -> Vec<Item> {
    let roles: Vec<Role> = holding.rows.iter().map(|row| holding.role(row)).collect();
    let named = holding.rows.iter().zip(&roles);
    let named = named.filter(|(_, role)| matches!(role, Role::Tag | Role::SetAside(_)));
    let reached = holding.whole(named.map(|(row, _)| &row.digest));
    let mut order: Vec<&Digest> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut rows: BTreeMap<&Digest, Vec<(&HeldRow, &Role)>> = BTreeMap::new();
    for (row, role) in holding.rows.iter().zip(&roles) {
        let is_item = match role {
            Role::Tag | Role::SetAside(_) => true,
            Role::Untagged | Role::Describes(_) => !reached.contains(&row.digest),
        };
        if is_item && seen.insert(&row.digest) {
            order.push(&row.digest);
        }
        rows.entry(&row.digest).or_default().push((row, role));
    }
    let lister = Lister {
        holding,
        rows,
        describers: Describers::of(holding, &roles),
        configs,
        demand,
    };
    order.into_iter().filter_map(|digest| lister.item(digest)).collect()
}

/// What is known of an image, looked up by digests.
struct Lister<'a> {
    holding: &'a Holding,
    rows: BTreeMap<&'a Digest, Vec<(&'a HeldRow, &'a Role)>>,
    describers: Describers<'a>,
    configs: &'a BTreeMap<Digest, ImageConfig>,
    demand: &'a Demand,
}

impl Lister<'_> {
    fn item(&self, digest: &Digest) -> Option<Item> {
        let Self { holding, demand, .. } = self;
        let manifest = holding.manifests.get(digest)?;
        let parts = holding.parts([digest]);
        let mut item = Item {
            image: holding.repository.to_string(),
            digest: digest.to_string(),
            tags: Vec::new(),
            set_aside: Vec::new(),
            kind: Kind::Artifact,
            artifact_type: None,
            pushed: None,
            created: None,
            size: holding.bytes(parts.iter().copied()),
            platforms: Vec::new(),
            attestations: 0,
            described_by: self.describers.names(&parts),
            hanging: self.describers.kinds(&parts),
            missing: Vec::new(),
            used_by: Vec::new(),
        };
        let mut users: BTreeSet<&Usage> = demand.of_repository(&holding.repository).collect();
        for part in parts.iter().filter_map(|part| holding.manifests.get_key_value(*part)) {
            users.extend(demand.of_manifest(part.0, part.1));
        }
        for (row, role) in self.rows.get(digest).into_iter().flatten() {
            let mut name = row.version.as_str();
            match (role, &row.version) {
                (Role::SetAside(aside), _) => {
                    name = aside.original.as_str();
                    item.set_aside.push(Aside {
                        name: name.to_owned(),
                        since: aside.since,
                    });
                }
                (_, Version::Tag(tag)) => item.tags.push(tag.to_string()),
                (_, Version::Digest(_)) => {}
            }
            users.extend(demand.of_tag(&holding.repository, name));
            item.pushed = item.pushed.max(row.pushed);
        }
        item.used_by = users.into_iter().cloned().collect();
        match &manifest.content {
            Content::Image { config, .. } => {
                item.kind = Kind::Image;
                if let Some(config) = self.configs.get(&config.digest) {
                    item.platforms.extend(config.platform.clone());
                    item.created.clone_from(&config.created);
                }
            }
            Content::Index { .. } => {
                item.kind = Kind::Index;
                item.add_children(&holding.children(digest), holding);
            }
            Content::Artifact { kind, .. } => item.artifact_type = Some(kind.clone()),
        }
        Some(item)
    }
}

impl Item {
    /// What an index is made of.
    fn add_children(&mut self, children: &[&Child], holding: &Holding) {
        let (mut platforms, mut missing) = (BTreeSet::new(), BTreeSet::new());
        for child in children {
            self.attestations += usize::from(child.attests.is_some());
            if let Some(platform) = &child.platform
                && platforms.insert(platform)
            {
                self.platforms.push(platform.clone());
            }
            if !holding.manifests.contains_key(&child.digest) && missing.insert(&child.digest) {
                self.missing.push(child.digest.to_string());
            }
        }
    }
}

/// What describes a manifest, by its digest: the rows by name, and what they are.
#[derive(Default)]
struct Describers<'a> {
    rows: BTreeMap<&'a Digest, BTreeSet<(&'a str, &'a Digest)>>,
    kinds: BTreeMap<&'a Digest, BTreeMap<&'a Digest, Hanging>>,
}

impl<'a> Describers<'a> {
    fn of(holding: &'a Holding, roles: &'a [Role]) -> Self {
        let mut this = Self::default();
        for (row, role) in holding.rows.iter().zip(roles) {
            let Some((digest, manifest)) = holding.manifests.get_key_value(&row.digest) else {
                continue;
            };
            let by_tag = match role {
                Role::Describes(subject) => Some(subject),
                Role::Tag | Role::Untagged | Role::SetAside(_) => None,
            };
            for subject in by_tag.into_iter().chain(&manifest.subject) {
                this.rows
                    .entry(subject)
                    .or_default()
                    .insert((row.version.as_str(), digest));
            }
            let Some(subject) = by_tag else { continue };
            let kinds = this.kinds.entry(subject).or_default();
            let listed = manifest.children().iter().map(|child| &child.digest);
            let listed = listed.filter_map(|child| holding.manifests.get_key_value(child));
            kinds.extend(listed.map(|(digest, manifest)| (digest, Hanging::of("", manifest))));
            if !matches!(manifest.content, Content::Index { .. }) {
                kinds.insert(digest, Hanging::of(row.version.as_str(), manifest));
            }
        }
        for (digest, manifest) in &holding.manifests {
            if let Some(subject) = &manifest.subject {
                let kinds = this.kinds.entry(subject).or_default();
                kinds.entry(digest).or_insert_with(|| Hanging::of("", manifest));
            }
        }
        this
    }

    /// The tags and digests of what describes any of these manifests. buildx's attestations can be both a part and a
    /// referrer.
    fn names(&self, parts: &BTreeSet<&Digest>) -> Vec<String> {
        let found = parts.iter().filter_map(|part| self.rows.get(part)).flatten();
        let found = found.filter(|(_, digest)| !parts.contains(digest));
        let names: BTreeSet<&str> = found.map(|(name, _)| *name).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// What describes any of these manifests, each once.
    fn kinds(&self, parts: &BTreeSet<&Digest>) -> Vec<Hanging> {
        let found = parts.iter().filter_map(|part| self.kinds.get(part)).flatten();
        let found = found.filter(|(digest, _)| !parts.contains(*digest));
        let kinds: BTreeMap<&Digest, Hanging> = found.map(|(digest, kind)| (*digest, *kind)).collect();
        kinds.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_within_an_index_belongs_to_it() {
        let digest = |of: &str| Digest::of(of.as_bytes());
        let child = |of: &str, platform: Option<&str>| Child {
            digest: digest(of),
            platform: platform.map(str::to_owned),
            attests: None,
        };
        let index = |children: Vec<Child>| Manifest {
            size: 1,
            content: Content::Index { children },
            subject: None,
        };
        let amd = child("amd", Some("linux/amd64"));
        let about_amd = Child {
            attests: Some(digest("amd")),
            ..child("about amd", None)
        };
        let outer = index(vec![child("inner", None), amd.clone()]);
        // A digest cannot be within itself, but whoever reads must not go round for ever.
        let inner = index(vec![
            amd,
            child("arm", Some("linux/arm64")),
            about_amd,
            child("outer", None),
        ]);
        let holding = Holding {
            repository: "admin/api".parse().unwrap(),
            rows: vec![HeldRow {
                id: 1,
                version: Version::Tag("1".parse().unwrap()),
                digest: digest("outer"),
                pushed: None,
            }],
            manifests: [(digest("outer"), outer), (digest("inner"), inner)].into(),
        };
        let items = items(&holding, &BTreeMap::new(), &Demand::default());
        let [item] = items.as_slice() else { panic!("{items:?}") };
        assert_eq!((item.kind, item.attestations), (Kind::Index, 1));
        assert_eq!(item.platforms, ["linux/amd64", "linux/arm64"]);
        let missing = ["amd", "arm", "about amd"].map(|of| digest(of).to_string());
        assert_eq!(item.missing, missing);
    }
}
