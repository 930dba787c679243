//! Does what the plan says, one row after the other, and then asks for everything that was to stay.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::document::{Action, Check, Item, Outcome};
use super::report::Report;
use super::task::Plan;
use crate::commands::images::holding::Holding;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{Digest, Repository, Version};
use crate::registry::{Images, ImagesError};
use crate::sys::workers;

/// Requests at the same time when everything is asked for again.
const AT_ONCE: usize = 4;

/// Goes over the images. What fails or has changed ends its image, and not the others.
pub fn run(
    images: &Images<'_>,
    plan: &Plan,
    report: &mut Report,
    speaks: bool,
    system: &mut System<'_>,
) -> Result<(), CommandError> {
    let total = report.count_going();
    let mut done = 0;
    for image in report.going() {
        let mut ends = false;
        let mut remains = Remains::of(images, plan, &image[0].image);
        for item in image {
            done += 1;
            if ends {
                item.outcome = Some(Outcome::NotTried);
                continue;
            }
            system
                .output
                .progress(format_args!("{}:{} ({done}/{total})", item.image, item.name));
            match remains.one(item) {
                Ok(outcome) => {
                    ends = outcome == Outcome::Changed;
                    item.outcome = Some(outcome);
                }
                Err(error) => {
                    ends = true;
                    item.outcome = Some(Outcome::Failed);
                    item.error = Some(error.to_string());
                }
            }
            if speaks && item.outcome == Some(Outcome::Done) {
                let what = match &item.aside {
                    Some(name) => format!("set aside as {name}"),
                    None => "deleted".to_owned(),
                };
                system
                    .output
                    .line(format_args!("{}:{} {what}", item.image, item.name))?;
            }
        }
    }
    system.output.end_progress();
    let check = check(images, plan, report, system);
    report.set_check(check);
    Ok(())
}

/// What an image loses, and whether it is really gone.
struct Remains<'a> {
    images: &'a Images<'a>,
    /// What each manifest is a part of, or describes.
    above: BTreeMap<&'a Digest, BTreeSet<&'a Digest>>,
    /// The manifests of which a row was deleted, and whether they are there all the same, where that was asked.
    deleted: BTreeMap<Digest, Option<bool>>,
}

impl<'a> Remains<'a> {
    fn of(images: &'a Images<'a>, plan: &'a Plan, repository: &Repository) -> Self {
        let holding = plan.catalog.get(repository);
        Self {
            images,
            above: holding.map(Holding::above).unwrap_or_default(),
            deleted: BTreeMap::new(),
        }
    }

    /// Does it, unless it is deleted as a part of something that is still there: somebody has restored it meanwhile, or
    /// another tag leads to it.
    fn one(&mut self, item: &mut Item) -> Result<Outcome, ImagesError> {
        if item.action == Action::Delete {
            for owner in self.above.get(&item.digest).into_iter().flatten() {
                let Some(is_there) = self.deleted.get_mut(*owner) else {
                    continue;
                };
                let owner = Version::Digest((*owner).clone());
                let is_there = match *is_there {
                    Some(known) => known,
                    None => *is_there.insert(self.images.digest(&item.image, &owner)?.is_some()),
                };
                if is_there {
                    item.error = Some("what it belongs to is there again".to_owned());
                    return Ok(Outcome::NotTried);
                }
            }
            self.deleted.insert(item.digest.clone(), None);
        }
        one(self.images, item)
    }
}

fn one(images: &Images<'_>, item: &mut Item) -> Result<Outcome, ImagesError> {
    let repository = &item.image;
    let version = version_of(&item.name, &item.digest);
    let unread = |why: &str| ImagesError::Unread {
        what: format!("{}:{}", item.image, item.name),
        why: why.to_owned(),
    };
    if let (Action::SetAside, Some(name)) = (item.action, &item.aside) {
        let aside = Version::Tag(name.parse().map_err(|_| unread("its new name is no tag"))?);
        let Some(fetched) = images.manifest(repository, &version)? else {
            return Ok(Outcome::WasGone);
        };
        if fetched.digest != item.digest {
            return Ok(changed(item));
        }
        images.put(repository, &aside, &fetched)?;
        if images.digest(repository, &aside)?.as_ref() != Some(&item.digest) {
            return Err(unread("it was set aside, and is not found under its new name"));
        }
        if images.digest(repository, &version)?.as_ref() != Some(&item.digest) {
            images.delete(repository, &aside)?;
            return Ok(changed(item));
        }
    } else {
        match images.digest(repository, &version)? {
            None => return Ok(Outcome::WasGone),
            Some(digest) if digest != item.digest => return Ok(changed(item)),
            Some(_) => {}
        }
    }
    let was_there = images.delete(repository, &version)?;
    // A reverse proxy that decodes names with a slash makes Gitea say "not found" of something that is there.
    let is_there = match &version {
        Version::Tag(_) => images.digest(repository, &version)?.as_ref() == Some(&item.digest),
        // Another row may hold the same manifest.
        Version::Digest(_) => !was_there && is_listed(images, repository, &version)?,
    };
    if is_there {
        return Err(unread(
            "it was deleted, and is still there: does a reverse proxy decode %2F?",
        ));
    }
    Ok(if was_there { Outcome::Done } else { Outcome::WasGone })
}

/// Whether the list has it, whose address has the image's name in a query.
fn is_listed(images: &Images<'_>, repository: &Repository, version: &Version) -> Result<bool, ImagesError> {
    let (owner, _) = repository.as_str().split_once('/').unwrap_or_default();
    let rows = images.packages(owner, Some(repository), &mut |_, _| {})?;
    Ok(rows.iter().any(|row| row.version == *version))
}

fn changed(item: &mut Item) -> Outcome {
    item.error = Some("it was pushed again".to_owned());
    Outcome::Changed
}

fn version_of(name: &str, digest: &Digest) -> Version {
    match name.parse() {
        Ok(tag) => Version::Tag(tag),
        Err(_) => Version::Digest(digest.clone()),
    }
}

/// Asks for every manifest that stays, and for what was set aside, in the images that were touched.
fn check(images: &Images<'_>, plan: &Plan, report: &Report, system: &mut System<'_>) -> Check {
    let plans = plan.by_repository();
    let mut wanted: BTreeMap<&Repository, BTreeSet<&Digest>> = BTreeMap::new();
    for repository in report.touched() {
        let planned = plans.get(repository).into_iter().flat_map(|plan| &plan.kept);
        let left = plan.catalog.get(repository);
        let left = left.map(|holding| holding.whole(report.held(holding)));
        wanted.insert(repository, planned.chain(left.into_iter().flatten()).collect());
    }
    let wanted: Vec<(&Repository, &Digest)> = wanted
        .into_iter()
        .flat_map(|(repository, digests)| digests.into_iter().map(move |digest| (repository, digest)))
        .collect();
    let total = wanted.len();
    let mut check = Check::default();
    let work = |(repository, digest): (&Repository, &Digest)| {
        let found = images.digest(repository, &Version::Digest(digest.clone()));
        (format!("{repository}@{digest}"), found)
    };
    let output = &mut system.output;
    let _: Option<()> = workers::each(wanted, AT_ONCE, work, |(name, found)| {
        check.asked += 1;
        output.progress(format_args!("asking for what stays: {}/{total}", check.asked));
        match found {
            Ok(Some(_)) => {}
            Ok(None) => check.missing.push(name),
            Err(_) => check.unclear += 1,
        }
        ControlFlow::Continue(())
    });
    output.end_progress();
    check.missing.sort();
    check
}
