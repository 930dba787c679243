//! `kubectl regcred images restore`: brings back what prune has set aside, with the same digest.

use clap::Args;

use super::args::{ImageRegistryArgs, OneImage, Selection};
use super::catalog::{self, Catalog};
use super::holding::{HeldRow, Holding, Role};
use super::set_aside::SetAside;
use super::source;
use crate::commands::args::{LocalDryRunArg, TrialArgs, with_help};
use crate::commands::system::System;
use crate::error::{CommandError, Exit};
use crate::model::{CommandLine, Digest, Repository, Version};
use crate::registry::{Images, ImagesError};

#[derive(Debug, Args)]
#[command(
    mut_args(|arg| with_help(arg, &[("dry_run", "Only say what would be restored")])),
    after_help = "A restored tag counts as pushed now.

Examples:
  kubectl regcred images restore admin/api:1.4.0
  kubectl regcred images restore admin/api            # everything of it that is set aside
  kubectl regcred images restore admin/api --dry-run=client"
)]
pub struct ImagesRestoreArgs {
    /// The image, and the tag; without a tag, everything of the image that is set aside
    #[arg(value_name = "OWNER/NAME[:TAG]")]
    pub image: OneImage,
    /// Whether it is only said.
    #[command(flatten)]
    pub trial: TrialArgs,
    /// The registry, and who asks it.
    #[command(flatten)]
    pub source: ImageRegistryArgs,
}

/// Something that is set aside, and what has its name now.
struct Found<'a> {
    row: &'a HeldRow,
    aside: SetAside,
    now: Option<&'a HeldRow>,
}

/// What becomes of it.
enum Restored {
    Done,
    /// It has its name already: only ours was left to be deleted.
    WasThere,
    /// Its name is another manifest's by now.
    PushedAgain(Digest),
}

pub(super) fn run(args: &ImagesRestoreArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let credential = source::credential(&args.source, system)?;
    let images = source::open(&credential, &args.source, system)?;
    source::ensure_can_change(&credential, &images)?;
    let is_trial = args.trial.dry_run == LocalDryRunArg::Client;
    if !is_trial {
        source::ensure_may_change(&credential, &args.source, system)?;
    }
    let repository = &args.image.repository;
    let selection = Selection::of(repository);
    let catalog = catalog::read(&images, &[selection], &Catalog::new(), system)?;
    let found = catalog
        .get(repository)
        .map_or(Vec::new(), |holding| newest(holding, &args.image));
    if found.is_empty() {
        let what = match &args.image.tag {
            Some(tag) => format!("{repository}:{tag} is not set aside"),
            None => format!("nothing of {repository} is set aside"),
        };
        return Err(CommandError::failed(what)
            .hint(CommandLine::new("kubectl regcred images list").value("IMAGE", repository.as_str())));
    }
    let mut exit = Exit::Done;
    for one in found {
        let name = format!("{repository}:{}", one.aside.original);
        if let Some(now) = one.now.filter(|now| now.digest != one.row.digest) {
            exit = Exit::Failed;
            system.output.error(&pushed_again(&name, &now.digest));
            continue;
        }
        if is_trial {
            system.output.line(format_args!("{name} would be restored"))?;
            continue;
        }
        let restored = system
            .output
            .waiting(format_args!("restoring {name}"), || restore(&images, repository, &one));
        match restored {
            Ok(Restored::Done) => system.output.line(format_args!("{name} restored"))?,
            Ok(Restored::WasThere) => system.output.line(format_args!("{name} was there"))?,
            Ok(Restored::PushedAgain(digest)) => {
                exit = Exit::Failed;
                system.output.error(&pushed_again(&name, &digest));
            }
            Err(error) => {
                exit = Exit::Failed;
                system.output.error(&CommandError::from(error).on(name));
            }
        }
    }
    Ok(exit)
}

fn pushed_again(name: &str, digest: &Digest) -> CommandError {
    CommandError::failed(format_args!(
        "{name} was pushed again, as {digest}, and is left as it is; what is set aside stays so"
    ))
}

/// The newest of each name that is set aside.
fn newest<'a>(holding: &'a Holding, image: &OneImage) -> Vec<Found<'a>> {
    let mut found: Vec<Found<'a>> = Vec::new();
    for row in &holding.rows {
        let Role::SetAside(aside) = holding.role(row) else {
            continue;
        };
        let is_meant = match (&image.tag, &aside.original) {
            (Some(tag), Version::Tag(original)) => tag == original,
            (Some(_), Version::Digest(_)) => false,
            (None, _) => true,
        };
        if !is_meant {
            continue;
        }
        let now = holding.rows.iter().find(|now| now.version == aside.original);
        match found.iter_mut().find(|one| one.aside.original == aside.original) {
            Some(one) if one.aside.since >= aside.since => {}
            Some(one) => (one.row, one.aside) = (row, aside),
            None => found.push(Found { row, aside, now }),
        }
    }
    found
}

/// Its own name first, then ours goes: killed in between, it has both, and the next run ends it.
fn restore(images: &Images<'_>, repository: &Repository, found: &Found<'_>) -> Result<Restored, ImagesError> {
    let (aside, original) = (&found.row.version, &found.aside.original);
    let unread = |why: &str| ImagesError::Unread {
        what: format!("{repository}:{original}"),
        why: why.to_owned(),
    };
    if found.now.is_none() {
        let fetched = images.manifest(repository, aside)?;
        let fetched = fetched.ok_or_else(|| unread("it is not set aside any more"))?;
        // The list was read some time ago.
        match images.digest(repository, original)? {
            Some(now) if now != found.row.digest => return Ok(Restored::PushedAgain(now)),
            _ => {}
        }
        images.put(repository, original, &fetched)?;
    }
    if images.digest(repository, original)?.as_ref() != Some(&found.row.digest) {
        return Err(unread("it was restored, and another manifest is found under its name"));
    }
    images.delete(repository, aside)?;
    Ok(if found.now.is_some() {
        Restored::WasThere
    } else {
        Restored::Done
    })
}
