//! Looks into the clusters that were named, for the images that they run or could roll back to.

use std::cell::RefCell;

use super::args::ImageUsersArgs;
use super::demand::{Demand, Usage};
use crate::cluster::images::{How, ImageUse, Needed, Needs, Unread, needs};
use crate::cluster::survey::{NamespaceSelection, Step};
use crate::cluster::{self, Cluster};
use crate::commands::args::ClusterArgs;
use crate::commands::shared::targets;
use crate::commands::system::System;
use crate::error::{CommandError, Exit};
use crate::model::{Registry, Version};

/// What a context is called in a pod that has none.
const OWN_CLUSTER: &str = "in-cluster";

/// What the clusters need.
pub(super) struct Seen {
    /// The contexts that were looked into; `None` is the cluster that this process runs in.
    pub(super) contexts: Vec<Option<String>>,
    pub(super) demand: Demand,
    unread: Vec<CommandError>,
}

/// Looks into every context that was named, for images of this registry.
pub(super) fn look(args: &ImageUsersArgs, registry: &Registry, system: &mut System<'_>) -> Result<Seen, CommandError> {
    let mut registries = args.known_as.clone();
    registries.push(registry.clone());
    let args = &args.cluster;
    let contexts = if args.contexts.is_empty() {
        // Only in a pod there is no doubt which cluster is meant.
        Vec::from_iter(cluster::is_in_pod(&system.env).then_some(None))
    } else {
        targets::contexts(&args.contexts)
    };
    let mut seen = Seen {
        contexts: Vec::new(),
        demand: Demand::default(),
        unread: Vec::new(),
    };
    for context in contexts {
        let name = context.clone().unwrap_or_else(|| OWN_CLUSTER.to_owned());
        match cluster::block_on(look_into(args, context.as_deref(), &name, &registries, system))? {
            Ok(mut found) => {
                let unread = std::mem::take(&mut found.unread);
                seen.unread
                    .extend(unread.into_iter().map(|unread| not_read(unread, &name)));
                seen.demand.add_needs(found, &name);
            }
            Err(error) => seen
                .unread
                .push(CommandError::from(error).on(format_args!("context {name}"))),
        }
        seen.contexts.push(context);
        system.output.end_progress();
    }
    Ok(seen)
}

async fn look_into(
    args: &ClusterArgs,
    context: Option<&str>,
    name: &str,
    registries: &[Registry],
    system: &mut System<'_>,
) -> Result<Needs, cluster::Error> {
    let cluster = Cluster::connect(&system.env, &args.options(context)).await?;
    let output = RefCell::new(&mut system.output);
    let progress = |step: Step| output.borrow_mut().progress(format_args!("{name}: {step}"));
    needs(&cluster, &NamespaceSelection::All, registries, &progress).await
}

fn not_read(unread: Unread, context: &str) -> CommandError {
    let error = CommandError::failed(&unread).on(context);
    match unread {
        Unread::Kind(kind) => error.hints(CommandError::from(kind.error).next().to_vec()),
        _ => error,
    }
}

impl Seen {
    /// Fails if anything could not be read: what is not known must not be taken for unused.
    pub(super) fn ensure_whole(&self) -> Result<(), CommandError> {
        match self.unread.first() {
            Some(error) => Err(error
                .clone()
                .on("nothing was changed, because not everything could be read")),
            None => Ok(()),
        }
    }

    /// Says what could not be read; the exit code.
    pub(super) fn report_unread(&self, system: &mut System<'_>) -> Exit {
        for (at, error) in self.unread.iter().enumerate() {
            // One Role allows all of them.
            let mut later = self.unread[at + 1..].iter();
            if later.any(|later| later.next() == error.next()) {
                system.output.error(&error.clone().without_hints());
            } else {
                system.output.error(error);
            }
        }
        if self.unread.is_empty() {
            Exit::Done
        } else {
            Exit::Failed
        }
    }
}

impl Demand {
    /// Adds what a cluster needs.
    fn add_needs(&mut self, found: Needs, context: &str) {
        for need in found.needs {
            for used in need.uses {
                let usage = Usage::of(&used, context);
                match &need.needed {
                    Needed::Image(reference) => {
                        let repository = reference.repository();
                        // Beside a digest, a tag says what it was pushed as, and somebody may go back to it.
                        if let (Some(tag), Some(_)) = (reference.tag(), reference.digest()) {
                            self.add(repository, Version::Tag(tag.clone()), usage.clone());
                        }
                        self.add(repository, reference.version(), usage.clone());
                    }
                    Needed::Id(digest) => self.add_digest(digest.clone(), usage.clone()),
                    Needed::Repository { path, .. } => self.add_path(path.clone(), usage.clone()),
                }
                if let Some(running) = used.running {
                    self.add_digest(running, usage);
                }
            }
        }
    }
}

impl Usage {
    fn of(used: &ImageUse, context: &str) -> Self {
        let object = used.controller.as_ref().unwrap_or(&used.object);
        Self {
            context: context.to_owned(),
            place: match &used.namespace {
                Some(namespace) => format!("{namespace}/{object}"),
                None => object.clone(),
            },
            how: match &used.how {
                How::Runs => "runs it".to_owned(),
                How::Template => "starts it".to_owned(),
                How::Rollback => "could roll back to it".to_owned(),
                How::HelmRelease { revision, .. } => format!("could roll back to it (Helm revision {revision})"),
                How::CustomResource => "names it".to_owned(),
                How::Finished => "ran it".to_owned(),
            },
        }
    }
}
