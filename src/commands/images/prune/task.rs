//! What is to be pruned, and the plan for it from one look at the registry and the clusters.

use std::collections::{BTreeMap, BTreeSet};

use super::args::ImagesPruneArgs;
use super::plan::{self, ImagePlan};
use super::rules::Rules;
use super::saved::{self, SavedPlan};
use crate::cluster;
use crate::commands::images::args::{ImageUsersArgs, Selection};
use crate::commands::images::catalog::{self, Catalog};
use crate::commands::images::clusters::{self, Seen, SeenCluster};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{Digest, Registry, Repository};
use crate::registry::Images;

/// What is to be pruned, by the flags or by a saved plan.
pub(super) struct Task {
    pub(super) selections: Vec<Selection>,
    pub(super) rules: Rules,
    pub(super) users: ImageUsersArgs,
    /// What may go at most.
    pub(super) saved: Option<SavedPlan>,
}

/// The registry and the clusters at one moment, and the plan for them.
pub(super) struct Plan {
    pub(super) catalog: Catalog,
    pub(super) clusters: Vec<SeenCluster>,
    pub(super) images: Vec<ImagePlan>,
}

impl Task {
    pub(super) fn of(args: &ImagesPruneArgs, system: &System<'_>) -> Result<Self, CommandError> {
        let saved = args.apply.as_deref().map(saved::read).transpose()?;
        let mut users = args.users.clone();
        match (args.rules(), saved) {
            (Some(rules), None) => Ok(Self {
                selections: args.images.clone(),
                rules,
                users,
                saved: None,
            }),
            (_, Some(saved)) => {
                if !users.cluster.contexts.is_empty() || !users.known_as.is_empty() {
                    return Err(CommandError::usage(
                        "the plan says itself which clusters are looked into: leave --context and --known-as out",
                    ));
                }
                // Without a context, a pod looks into its own cluster.
                let mut contexts = saved.clusters.iter().map(|cluster| &cluster.context);
                if contexts.any(Option::is_none) && !cluster::is_in_pod(&system.env) {
                    return Err(CommandError::failed(
                        "the plan was made in a pod, for the cluster of that pod, and this does not run in one",
                    )
                    .hint(
                        "apply it in a pod of that cluster, or make a new plan that names the cluster with --context",
                    ));
                }
                let contexts = saved.clusters.iter().filter_map(|cluster| cluster.context.clone());
                users.cluster.contexts = contexts.collect();
                users.known_as.clone_from(&saved.known_as);
                Ok(Self {
                    selections: saved.images.clone(),
                    rules: saved.rules.clone(),
                    users,
                    saved: Some(saved),
                })
            }
            (None, None) => Err(CommandError::usage("how many tags are to stay: --keep N")),
        }
    }

    pub(super) fn plan(
        &self,
        registry: &Registry,
        images: &Images<'_>,
        before: &Catalog,
        system: &mut System<'_>,
    ) -> Result<Plan, CommandError> {
        let seen: Seen = clusters::look(&self.users, registry, system)?;
        seen.ensure_whole()?;
        if let Some(saved) = &self.saved {
            clusters::ensure_known(&seen.clusters)?;
            clusters::ensure_same(&saved.clusters, &seen.clusters)?;
        }
        let catalog = catalog::read(images, &self.selections, before, system)?;
        let now = images.now();
        let is_named = |repository: &Repository| {
            let mut named = self.selections.iter().filter_map(Selection::image);
            named.any(|image| image == repository)
        };
        let all: BTreeSet<&Digest> = catalog.values().flat_map(|holding| holding.manifests.keys()).collect();
        let plans = catalog.values().map(|holding| {
            let is_named = is_named(&holding.repository);
            plan::plan(holding, &all, &seen.demand, &self.rules, is_named, now)
        });
        let mut plans: Vec<ImagePlan> = plans.collect();
        plan::count_space(&mut plans, &catalog);
        Ok(Plan {
            catalog,
            clusters: seen.clusters,
            images: plans,
        })
    }
}

impl Plan {
    pub(super) fn by_repository(&self) -> BTreeMap<&Repository, &ImagePlan> {
        self.images.iter().map(|plan| (&plan.repository, plan)).collect()
    }
}
