//! `kubectl regcred images list`: what a registry holds, and where clusters use it.

mod args;
mod item;
mod report;

use super::catalog::{self, Catalog};
use super::{clusters, source};
use crate::commands::system::System;
use crate::error::{CommandError, Exit};

pub use args::ImagesListArgs;

pub(super) fn run(args: &ImagesListArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let credential = source::credential(&args.source, system)?;
    let images = source::open(&credential, &args.source, system)?;
    let seen = clusters::look(&args.users, &credential.registry, system)?;
    let catalog = catalog::read(&images, &args.images, &Catalog::new(), system)?;
    let configs = catalog::configs(&images, &catalog, system)?;
    let items = catalog
        .values()
        .flat_map(|holding| item::items(holding, &configs, &seen.demand))
        .collect();
    let report = report::Report {
        registry: credential.registry.to_string(),
        contexts: seen.contexts.clone(),
        items,
    };
    report.print(args.output, system)?;
    Ok(seen.report_unread(system))
}
