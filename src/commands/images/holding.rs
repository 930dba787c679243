//! What a registry holds of one image: its tags, the manifests behind them, and which needs which.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use k8s_openapi::jiff::Timestamp;

use super::set_aside::SetAside;
use crate::model::manifest::{Child, Content, Manifest};
use crate::model::{Digest, Repository, Version};

/// What follows the digest in the tags of cosign 2.
const COSIGN: [&str; 3] = [".sig", ".att", ".sbom"];

/// One image of a registry.
#[derive(Clone, Debug)]
pub struct Holding {
    pub repository: Repository,
    /// Newest first.
    pub rows: Vec<HeldRow>,
    /// Every manifest that a row or an index names, and that is there.
    pub manifests: BTreeMap<Digest, Manifest>,
}

/// A tag, or a manifest that was pushed by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRow {
    /// Gitea's number of the push; 0 elsewhere.
    pub id: i64,
    pub version: Version,
    pub digest: Digest,
    /// When it was pushed, where the registry tells.
    pub pushed: Option<Timestamp>,
}

/// What a row is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// An image or an artifact, by the name that people gave it.
    Tag,
    /// A manifest without a tag of its own.
    Untagged,
    SetAside(SetAside),
    /// Signatures, attestations or other referrers of this manifest, under the tags of cosign and of OCI's fallback.
    Describes(Digest),
}

impl Holding {
    pub fn role(&self, row: &HeldRow) -> Role {
        let Version::Tag(tag) = &row.version else {
            return Role::Untagged;
        };
        if let Some(aside) = SetAside::parse(tag) {
            return Role::SetAside(aside);
        }
        match described(tag.as_str()) {
            Some(subject) if !self.can_run(&row.digest) => Role::Describes(subject),
            _ => Role::Tag,
        }
    }

    /// Whether it is an image, or an index of images.
    pub fn can_run(&self, digest: &Digest) -> bool {
        match self.manifests.get(digest).map(|manifest| &manifest.content) {
            Some(Content::Image { .. }) => true,
            Some(Content::Index { .. }) => self.children(digest).iter().any(|child| child.platform.is_some()),
            Some(Content::Artifact { .. }) | None => false,
        }
    }

    /// What an index and the indexes within it name, those of the outer one first.
    pub fn children<'a>(&'a self, index: &'a Digest) -> Vec<&'a Child> {
        let mut children = Vec::new();
        let mut read = BTreeSet::new();
        let mut next = VecDeque::from([index]);
        while let Some(digest) = next.pop_front() {
            if let Some(manifest) = self.manifests.get(digest)
                && read.insert(digest)
            {
                children.extend(manifest.children());
                next.extend(manifest.children().iter().map(|child| &child.digest));
            }
        }
        children
    }

    /// These manifests, what they are made of, and what describes them: all that must be there for them to be whole.
    pub fn whole<'a>(&'a self, roots: impl IntoIterator<Item = &'a Digest>) -> BTreeSet<&'a Digest> {
        let describers = self.describers();
        let mut held = BTreeSet::new();
        let mut next: Vec<&Digest> = roots.into_iter().collect();
        while let Some(digest) = next.pop() {
            if !self.manifests.contains_key(digest) || !held.insert(digest) {
                continue;
            }
            next.extend(self.manifests[digest].children().iter().map(|child| &child.digest));
            next.extend(describers.get(digest).into_iter().flatten());
        }
        held
    }

    /// These manifests and what they are made of.
    pub fn parts<'a>(&'a self, roots: impl IntoIterator<Item = &'a Digest>) -> BTreeSet<&'a Digest> {
        let mut held = BTreeSet::new();
        let mut next: Vec<&Digest> = roots.into_iter().collect();
        while let Some(digest) = next.pop() {
            if let Some(manifest) = self.manifests.get(digest)
                && held.insert(digest)
            {
                next.extend(manifest.children().iter().map(|child| &child.digest));
            }
        }
        held
    }

    /// What each manifest is a part of, or describes.
    pub fn above(&self) -> BTreeMap<&Digest, BTreeSet<&Digest>> {
        let mut above: BTreeMap<&Digest, BTreeSet<&Digest>> = BTreeMap::new();
        for (digest, manifest) in &self.manifests {
            for child in manifest.children() {
                above.entry(&child.digest).or_default().insert(digest);
            }
        }
        for (subject, describers) in self.describers() {
            for digest in describers {
                above.entry(digest).or_default().insert(subject);
            }
        }
        above
    }

    /// By subject: the signatures, attestations and other referrers.
    fn describers(&self) -> BTreeMap<&Digest, Vec<&Digest>> {
        let mut describers: BTreeMap<&Digest, Vec<&Digest>> = BTreeMap::new();
        for row in &self.rows {
            if let Role::Describes(subject) = self.role(row)
                && let Some((subject, _)) = self.manifests.get_key_value(&subject)
            {
                describers.entry(subject).or_default().push(&row.digest);
            }
        }
        for (digest, manifest) in &self.manifests {
            if let Some(subject) = &manifest.subject {
                describers.entry(subject).or_default().push(digest);
            }
        }
        describers
    }

    /// The bytes of these manifests with their configs and layers, each counted once.
    pub fn bytes<'a>(&'a self, of: impl IntoIterator<Item = &'a Digest>) -> u64 {
        let mut blobs = BTreeMap::new();
        for digest in of {
            let Some(manifest) = self.manifests.get(digest) else {
                continue;
            };
            blobs.insert(digest, manifest.size);
            blobs.extend(manifest.blobs().map(|blob| (&blob.digest, blob.size)));
        }
        blobs.values().fold(0, |sum, size| sum.saturating_add(*size))
    }
}

/// `sha256-<hex>`, or the same with cosign's suffix: what the tag is about.
fn described(tag: &str) -> Option<Digest> {
    let name = COSIGN.iter().find_map(|suffix| tag.strip_suffix(suffix)).unwrap_or(tag);
    let (algorithm, hex) = name.split_once('-')?;
    format!("{algorithm}:{hex}").parse().ok()
}
