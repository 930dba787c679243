//! What clusters need, looked up by the tags and digests of a registry.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::model::manifest::{Content, Manifest};
use crate::model::{Digest, Repository, Version};

/// Everything that the given clusters run or could roll back to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// By repository and tag, in lower case, as Gitea keeps tags.
    tags: BTreeMap<(Repository, String), BTreeSet<Usage>>,
    /// By the digest of a manifest or of an image's config, which is the image's id.
    digests: BTreeMap<Digest, BTreeSet<Usage>>,
    /// Repositories, or what is below these paths, of which it is not known what is needed.
    paths: BTreeMap<Repository, BTreeSet<Usage>>,
}

/// Where an image is needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Usage {
    /// The context; empty inside a cluster.
    pub context: String,
    /// `honeydue/deployment.apps/api`
    pub place: String,
    /// `runs it`, `could roll back to it`
    pub how: String,
}

impl Demand {
    /// Somebody needs this tag or digest of a repository.
    pub fn add(&mut self, repository: &Repository, version: Version, usage: Usage) {
        match version {
            Version::Tag(tag) => {
                let key = (repository.clone(), tag.as_str().to_lowercase());
                self.tags.entry(key).or_default().insert(usage);
            }
            Version::Digest(digest) => self.add_digest(digest, usage),
        }
    }

    /// Somebody needs this manifest, or the image with this config.
    pub fn add_digest(&mut self, digest: Digest, usage: Usage) {
        self.digests.entry(digest).or_default().insert(usage);
    }

    /// Somebody needs something in this repository, or below this path.
    pub fn add_path(&mut self, path: Repository, usage: Usage) {
        self.paths.entry(path).or_default().insert(usage);
    }

    /// Who needs this tag by its name.
    pub fn of_tag(&self, repository: &Repository, tag: &str) -> impl Iterator<Item = &Usage> {
        let key = (repository.clone(), tag.to_lowercase());
        self.tags.get(&key).into_iter().flatten()
    }

    /// Who needs anything in this repository.
    pub fn of_repository(&self, repository: &Repository) -> impl Iterator<Item = &Usage> {
        let path = repository.as_str();
        let is_within = move |above: &Repository| {
            let below = path.strip_prefix(above.as_str());
            below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
        };
        let paths = self.paths.iter().filter(move |(above, _)| is_within(above));
        paths.flat_map(|(_, users)| users)
    }

    /// Who needs this manifest by its digest, or by that of its config.
    pub fn of_manifest<'a>(&'a self, digest: &'a Digest, manifest: &'a Manifest) -> impl Iterator<Item = &'a Usage> {
        let config = match &manifest.content {
            Content::Image { config, .. } => Some(&config.digest),
            Content::Index { .. } | Content::Artifact { .. } => None,
        };
        let users = std::iter::once(digest)
            .chain(config)
            .filter_map(|digest| self.digests.get(digest));
        users.flatten()
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.context.as_str() {
            "" => write!(f, "{} {}", self.place, self.how),
            context => write!(f, "{} {} in {context}", self.place, self.how),
        }
    }
}
