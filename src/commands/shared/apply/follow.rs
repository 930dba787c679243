//! `--wait`: follows all rollouts of a run at the same time.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use futures_util::{StreamExt as _, stream};

use super::after::Restarted;
use super::interrupt::Interrupt;
use super::report::Report;
use crate::cluster::{self, Access, Cluster, DryRun, Feature, Namespace, Progress, Resource};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{CommandLine, Hint, Registry};

/// The most watches that are open at a time, with one connection each.
const AT_ONCE: usize = 24;

/// The restarted workloads of one kind in one namespace.
struct Group {
    cluster: Cluster,
    names: Vec<String>,
    /// Those of them that did not work before.
    broken: BTreeSet<String>,
    registries: Vec<Registry>,
}

/// The rollouts of a run.
#[derive(Default)]
pub(in crate::commands) struct Rollouts {
    groups: BTreeMap<(String, Namespace, Resource), Group>,
    /// A workload that did not work before is no failure.
    forgives_broken: bool,
}

impl Rollouts {
    /// For a rotation: the old token is not kept valid for a workload that did not work with it.
    pub(in crate::commands) fn of_rotation() -> Self {
        Self {
            forgives_broken: true,
            ..Self::default()
        }
    }

    pub(in crate::commands) fn add(
        &mut self,
        cluster: &Cluster,
        namespace: &Namespace,
        restarted: Restarted,
        registries: &[Registry],
    ) {
        let Restarted {
            resource,
            name,
            was_broken,
        } = restarted;
        let key = (cluster.context().to_owned(), namespace.clone(), resource);
        let group = self.groups.entry(key).or_insert_with(|| Group {
            cluster: cluster.clone(),
            names: Vec::new(),
            broken: BTreeSet::new(),
            registries: registries.to_vec(),
        });
        if was_broken && self.forgives_broken {
            group.broken.insert(name.clone());
        }
        if !group.names.contains(&name) {
            group.names.push(name);
        }
    }

    /// How many there are.
    pub(in crate::commands) fn count(&self) -> usize {
        self.groups.values().map(|group| group.names.len()).sum()
    }

    /// Follows the rollouts until all have ended, `limit` is over, or Ctrl-C is pressed.
    pub(in crate::commands) async fn follow(
        self,
        limit: Option<Duration>,
        report: &mut Report,
        interrupt: &mut Interrupt,
        system: &mut System<'_>,
    ) -> Result<(), CommandError> {
        let count = self.count();
        let until = limit.map(|limit| Instant::now() + limit);
        let mut ended = Vec::new();
        {
            let system = RefCell::new(&mut *system);
            let shown = &system;
            let mut work = stream::iter(self.groups)
                .map(|((context, namespace, resource), group)| async move {
                    let tell = |name: &str, progress: &Progress| {
                        if let Progress::Going(what) = progress {
                            let workload = format!("{}/{name}", resource.qualified());
                            let line = format!("{workload} in namespace {namespace}: {what}");
                            shown.borrow_mut().output.info(line);
                        }
                    };
                    let (cluster, names) = (&group.cluster, &group.names);
                    let progress = cluster::follow(cluster, &namespace, resource, names, until, &tell).await;
                    let stuck = match &progress {
                        Ok(all) if all.values().all(|progress| *progress == Progress::Done) => Vec::new(),
                        // An empty message is not worth a line.
                        _ => cluster::unstick(cluster, &namespace, &group.registries, DryRun::Client)
                            .await
                            .unwrap_or_default(),
                    };
                    let stuck: Vec<_> = stuck
                        .into_iter()
                        .map(|pod| format!("{} ({})", pod.name, pod.reason))
                        .collect();
                    (context, namespace, resource, progress, stuck, group.broken)
                })
                .buffer_unordered(AT_ONCE);
            loop {
                match select(work.next(), pin!(interrupt.pressed())).await {
                    Either::Left((Some(group), _)) => ended.push(group),
                    Either::Left((None, _)) => break,
                    Either::Right(_) => {
                        shown
                            .borrow_mut()
                            .output
                            .info("interrupted: the rollouts continue in the cluster");
                        report.not_followed(count);
                        return Ok(());
                    }
                }
            }
        }
        ended.sort_by(|one, other| (&one.0, &one.1, one.2).cmp(&(&other.0, &other.1, other.2)));
        for (context, namespace, resource, progress, stuck, broken) in ended {
            let progress = match progress {
                Ok(progress) => progress,
                Err(error) => {
                    report.failure(&context, &error.for_access(&Access::to(Feature::Wait)).into(), system);
                    continue;
                }
            };
            for (name, progress) in progress {
                let workload = format!("{}/{name}", resource.qualified());
                report.rolled(&context, &namespace, &workload, &progress, system)?;
                let place = format!("{workload} in namespace {namespace}");
                if let (Progress::Failed(why) | Progress::Going(why), true) = (&progress, broken.contains(&name)) {
                    system.output.warn(format_args!(
                        "{place} did not roll out, and did not work before either: {why}"
                    ));
                    continue;
                }
                let error = match progress {
                    Progress::Done => continue,
                    Progress::Failed(why) => CommandError::failed(format_args!("{place} did not roll out: {why}")),
                    Progress::Going(what) => {
                        let limit = limit.unwrap_or_default().as_secs_f32();
                        CommandError::failed(format_args!("{place} did not roll out within {limit} s: {what}"))
                    }
                };
                let hint: Hint = if stuck.is_empty() {
                    CommandLine::new("kubectl describe")
                        .value("WORKLOAD", &workload)
                        .option("-n", "NAMESPACE", namespace.as_str())
                        .into()
                } else {
                    format!(
                        "stuck on a pull in namespace {namespace}: {}; --unstick deletes them",
                        stuck.join(", ")
                    )
                    .into()
                };
                report.failure(&context, &error.hint(hint), system);
            }
        }
        Ok(())
    }
}
