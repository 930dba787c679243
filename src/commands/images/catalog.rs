//! Reads what a registry holds, whole or not at all.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::ops::ControlFlow;

use super::args::Selection;
use super::budget::{Budget, MAX_DEPTH, MAX_NAMED};
use super::holding::{HeldRow, Holding};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::manifest::{Content, Manifest};
use crate::model::{Digest, Repository, Version};
use crate::output::Output;
use crate::registry::{ImageConfig, Images, ImagesError, PackageRow};
use crate::sys::workers;

/// Requests at the same time: a small server is not hurried.
const AT_ONCE: usize = 4;

/// The images of a registry that were selected.
pub(super) type Catalog = BTreeMap<Repository, Holding>;

/// One manifest to read: of a row, by its number, or of a child.
struct Wanted {
    row: Option<usize>,
    repository: Repository,
    version: Version,
}

/// What was read of it; `None` if it is not there.
type Read = Result<(Wanted, Option<(Digest, Manifest)>), ImagesError>;

/// Reads the selected images. What `before` knows of unchanged rows is not read again: a row has another number after each
/// push, and a manifest never changes.
pub(super) fn read(
    images: &Images<'_>,
    selections: &[Selection],
    before: &Catalog,
    system: &mut System<'_>,
) -> Result<Catalog, CommandError> {
    let mut rows = Vec::new();
    for selection in without_overlaps(selections) {
        rows.extend(self::rows(images, selection, system)?);
    }
    let mut reader = Reader {
        images,
        manifests: Manifests::up_to(MAX_NAMED),
        done: 0,
        total: 0,
    };
    let digests = reader.rows(&rows, before, &mut system.output)?;
    reader.children(&mut system.output)?;
    let mut catalog = Catalog::new();
    for (row, digest) in rows.into_iter().zip(digests) {
        let manifests = &mut reader.manifests.by_image;
        let holding = catalog.entry(row.repository).or_insert_with_key(|repository| Holding {
            repository: repository.clone(),
            rows: Vec::new(),
            manifests: manifests.remove(repository).unwrap_or_default(),
        });
        holding.rows.push(HeldRow {
            id: row.id,
            version: row.version,
            digest,
            pushed: row.pushed,
        });
    }
    for holding in catalog.values_mut() {
        holding.rows.sort_by_key(|row| (Reverse(row.pushed), Reverse(row.id)));
    }
    Ok(catalog)
}

/// An owner's images include each of them.
fn without_overlaps(selections: &[Selection]) -> Vec<&Selection> {
    let all: BTreeSet<&Selection> = selections.iter().collect();
    let owners: BTreeSet<&str> = all
        .iter()
        .filter(|one| one.image().is_none())
        .map(|one| one.owner())
        .collect();
    let is_alone = |one: &&Selection| one.image().is_none() || !owners.contains(one.owner());
    all.into_iter().filter(is_alone).collect()
}

/// A row of any registry.
struct AnyRow {
    id: i64,
    repository: Repository,
    version: Version,
    pushed: Option<k8s_openapi::jiff::Timestamp>,
}

impl From<PackageRow> for AnyRow {
    fn from(row: PackageRow) -> Self {
        Self {
            id: row.id,
            repository: row.repository,
            version: row.version,
            pushed: Some(row.pushed),
        }
    }
}

fn rows(images: &Images<'_>, selection: &Selection, system: &mut System<'_>) -> Result<Vec<AnyRow>, CommandError> {
    if images.is_gitea() {
        let output = &mut system.output;
        let rows = images.packages(selection.owner(), selection.image(), &mut |read, total| match total {
            Some(total) => output.progress(format_args!("reading the list of {selection}: {read}/{total}")),
            None => output.progress(format_args!("reading the list of {selection}: {read}")),
        })?;
        system.output.end_progress();
        if rows.is_empty()
            && let Some(image) = selection.image()
        {
            return Err(no_image(image));
        }
        return Ok(rows.into_iter().map(AnyRow::from).collect());
    }
    let Some(image) = selection.image() else {
        return Err(ImagesError::NotGitea {
            registry: images.registry(),
        }
        .into());
    };
    let tags = system
        .output
        .waiting(format_args!("reading the tags of {image}"), || images.tags(image))?;
    let tags = tags.ok_or_else(|| no_image(image))?;
    let row = |tag| AnyRow {
        id: 0,
        repository: image.clone(),
        version: Version::Tag(tag),
        pushed: None,
    };
    Ok(tags.into_iter().map(row).collect())
}

fn gone(wanted: &Wanted) -> ImagesError {
    ImagesError::Unread {
        what: format!("{} {}", wanted.repository, wanted.version),
        why: "it is in the list, and its manifest is not there".to_owned(),
    }
}

fn no_image(image: &Repository) -> CommandError {
    CommandError::failed(format_args!("there is no image {image}"))
        .hint("check the spelling, and whether the token may see it")
}

/// What was read, and how much more may be.
struct Manifests {
    by_image: BTreeMap<Repository, BTreeMap<Digest, Manifest>>,
    most: usize,
    budget: Budget,
}

impl Manifests {
    fn up_to(most: usize) -> Self {
        Self {
            by_image: BTreeMap::new(),
            most,
            budget: Budget::new(most),
        }
    }

    fn insert(&mut self, repository: &Repository, digest: Digest, manifest: Manifest) -> Result<(), CommandError> {
        let known = self.by_image.entry(repository.clone()).or_default();
        if let Entry::Vacant(place) = known.entry(digest) {
            if !self.budget.take(&manifest) {
                return Err(CommandError::failed(format_args!(
                    "the images could not be read whole: they are made of more than {} manifests and layers",
                    self.most
                ))
                .hint("name one image at a time, OWNER/NAME; if one is too much, delete tags of it at the registry"));
            }
            place.insert(manifest);
        }
        Ok(())
    }
}

struct Reader<'a> {
    images: &'a Images<'a>,
    manifests: Manifests,
    done: usize,
    total: usize,
}

impl Reader<'_> {
    /// The manifest of each row; returns their digests.
    fn rows(
        &mut self,
        rows: &[AnyRow],
        before: &Catalog,
        output: &mut Output<'_>,
    ) -> Result<Vec<Digest>, CommandError> {
        let known: BTreeMap<i64, (&Holding, &HeldRow)> = before
            .values()
            .flat_map(|holding| holding.rows.iter().map(move |row| (row.id, (holding, row))))
            .collect();
        let mut digests: Vec<Option<Digest>> = vec![None; rows.len()];
        let mut wanted = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            let same = known.get(&row.id).filter(|(holding, held)| {
                row.pushed.is_some() && holding.repository == row.repository && held.version == row.version
            });
            let manifest = same.and_then(|(holding, held)| holding.manifests.get_key_value(&held.digest));
            if let Some((digest, manifest)) = manifest {
                self.manifests
                    .insert(&row.repository, digest.clone(), manifest.clone())?;
                digests[at] = Some(digest.clone());
            } else {
                wanted.push(Wanted {
                    row: Some(at),
                    repository: row.repository.clone(),
                    version: row.version.clone(),
                });
            }
        }
        self.read(wanted, output, |reader, wanted, read| match (wanted.row, read) {
            (Some(at), Some((digest, manifest))) => {
                reader.manifests.insert(&wanted.repository, digest.clone(), manifest)?;
                digests[at] = Some(digest);
                Ok(())
            }
            _ => Err(gone(&wanted).into()),
        })?;
        let digests = digests.into_iter().zip(rows).map(|(digest, row)| {
            digest.ok_or_else(|| {
                let version = row.version.clone();
                gone(&Wanted {
                    row: None,
                    repository: row.repository.clone(),
                    version,
                })
            })
        });
        Ok(digests.collect::<Result<_, _>>()?)
    }

    /// The manifests that indexes name, and that have no row of their own. Those that are not there stay missing.
    fn children(&mut self, output: &mut Output<'_>) -> Result<(), CommandError> {
        let mut missing: BTreeSet<(Repository, Digest)> = BTreeSet::new();
        for _ in 0..MAX_DEPTH {
            let mut named: BTreeSet<(Repository, Digest)> = BTreeSet::new();
            for (repository, manifests) in &self.manifests.by_image {
                let children = manifests
                    .values()
                    .flat_map(Manifest::children)
                    .map(|child| &child.digest);
                let unread = children.filter(|child| !manifests.contains_key(child));
                named.extend(unread.map(|child| (repository.clone(), child.clone())));
            }
            let mut wanted = Vec::new();
            for (repository, digest) in named.difference(&missing).cloned() {
                wanted.push(Wanted {
                    row: None,
                    repository,
                    version: Version::Digest(digest),
                });
            }
            if wanted.is_empty() {
                return Ok(());
            }
            self.read(wanted, output, |reader, wanted, read| {
                match (read, wanted.version) {
                    (Some((digest, manifest)), _) => reader.manifests.insert(&wanted.repository, digest, manifest)?,
                    (None, Version::Digest(digest)) => {
                        missing.insert((wanted.repository, digest));
                    }
                    (None, Version::Tag(_)) => {}
                }
                Ok(())
            })?;
        }
        Err(CommandError::failed(
            "an index is made of indexes that are made of indexes, and so on: it is not read further",
        ))
    }

    fn read(
        &mut self,
        wanted: Vec<Wanted>,
        output: &mut Output<'_>,
        mut take: impl FnMut(&mut Self, Wanted, Option<(Digest, Manifest)>) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        self.total += wanted.len();
        let images = self.images;
        let work = |wanted: Wanted| -> Read {
            let fetched = images.manifest(&wanted.repository, &wanted.version)?;
            Ok((wanted, fetched.map(|fetched| (fetched.digest, fetched.manifest))))
        };
        let failed = workers::each(wanted, AT_ONCE, work, |read| {
            self.done += 1;
            output.progress(format_args!("reading manifests: {}/{}", self.done, self.total));
            let taken = read.map_err(CommandError::from);
            match taken.and_then(|(wanted, read)| take(self, wanted, read)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => ControlFlow::Break(error),
            }
        });
        output.end_progress();
        failed.map_or(Ok(()), Err)
    }
}

/// The configs of all images that run.
pub(super) fn configs(
    images: &Images<'_>,
    catalog: &Catalog,
    system: &mut System<'_>,
) -> Result<BTreeMap<Digest, ImageConfig>, CommandError> {
    let mut wanted: BTreeMap<&Digest, &Repository> = BTreeMap::new();
    for holding in catalog.values() {
        // An index tells the platforms itself.
        let tagged: BTreeSet<&Digest> = holding.rows.iter().map(|row| &row.digest).collect();
        for digest in tagged {
            if let Some(Content::Image { config, .. }) = holding.manifests.get(digest).map(|manifest| &manifest.content)
            {
                wanted.insert(&config.digest, &holding.repository);
            }
        }
    }
    let (mut configs, total) = (BTreeMap::new(), wanted.len());
    let work = |(digest, repository): (&Digest, &Repository)| Ok((digest.clone(), images.config(repository, digest)?));
    let output = &mut system.output;
    let failed = workers::each(
        wanted.into_iter().collect(),
        AT_ONCE,
        work,
        |read: Result<_, ImagesError>| match read {
            Ok((digest, config)) => {
                configs.insert(digest, config.unwrap_or_default());
                output.progress(format_args!("reading configs: {}/{total}", configs.len()));
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        },
    );
    output.end_progress();
    failed.map_or(Ok(configs), |error| Err(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::manifest::Child;

    fn index(children: &[&str]) -> (Digest, Manifest) {
        let child = |of: &&str| Child {
            digest: Digest::of(of.as_bytes()),
            platform: None,
            attests: None,
        };
        let manifest = Manifest {
            size: 1,
            content: Content::Index {
                children: children.iter().map(child).collect(),
            },
            subject: None,
        };
        (Digest::of(children.concat().as_bytes()), manifest)
    }

    #[test]
    fn what_manifests_name_is_bounded_in_total() {
        let mut read = Manifests::up_to(6);
        let mut insert = |image: &str, children: &[&str]| {
            let (digest, manifest) = index(children);
            read.insert(&image.parse().unwrap(), digest, manifest)
        };
        insert("admin/api", &["a", "b"]).unwrap();
        insert("admin/api", &["a", "b"]).expect("it is there already");
        insert("admin/web", &["a", "b"]).unwrap();
        let error = insert("admin/web", &["c"]).unwrap_err().to_string();
        assert!(error.contains("more than 6 manifests and layers"), "{error}");
    }
}
