//! The steps that are about Secrets and the pods that pull with them.

use std::collections::BTreeSet;
use std::rc::Rc;

use futures_util::{StreamExt as _, stream};

use super::engine::Engine;
use super::journal::Place;
use super::report::Stop;
use crate::cli::DryRunArg;
use crate::cluster::{self, Access, Cluster, Feature, LeftAlone, RestartTime, SyncOptions, Target};
use crate::commands::apply::{AT_ONCE, After, Ended, Report, Rollouts, Run};
use crate::commands::targets::{Find, Found, Job, Supply, find};
use crate::error::CommandError;
use crate::model::rotation::Which;

/// What a pass over the Secrets is for.
pub(super) struct Pass {
    pub(super) dry_run: DryRunArg,
    pub(super) restart: bool,
    pub(super) unstick: bool,
    /// Say only what changes.
    pub(super) only_changes: bool,
}

/// Why a place has no Secrets yet.
pub(super) enum Unknown {
    /// The cluster could not be asked.
    Unreached(CommandError),
    /// It was asked, and some of what it has cannot be written.
    Lacking(Vec<(Target, CommandError)>),
}

impl Unknown {
    pub(super) fn errors(&self) -> Vec<&CommandError> {
        match self {
            Self::Unreached(error) => vec![error],
            Self::Lacking(lacking) => lacking.iter().map(|(_, error)| error).collect(),
        }
    }
}

/// Secrets that are left as they are and named, each in a line.
const MAX_NAMED: usize = 10;

/// Which of the Secrets hold a token that the supply replaces, and what the others hold. One that cannot be read stays:
/// it is tried again when it is to be written, and keeps the old token alive.
async fn holders(cluster: &Cluster, jobs: Vec<Job>, supply: &Rc<Supply>) -> (Vec<Job>, Vec<(Target, LeftAlone)>) {
    let registry = &supply.credential.registry;
    let mut looked = stream::iter(jobs)
        .map(|job| async move {
            let holds = match (cluster::observe(cluster, &job.target).await, &supply.replaces) {
                (Ok(observed), Some(own)) => cluster::instead(observed.as_ref(), registry, own),
                (Err(_), _) | (_, None) => None,
            };
            (job, holds)
        })
        .buffered(AT_ONCE);
    let (mut holding, mut left) = (Vec::new(), Vec::new());
    while let Some((job, holds)) = looked.next().await {
        match holds {
            None => holding.push(job),
            Some(holds) => left.push((
                job.target,
                LeftAlone {
                    registry: registry.clone(),
                    holds,
                },
            )),
        }
    }
    (holding, left)
}

impl Engine<'_, '_> {
    /// Connects to a place, once.
    pub(super) async fn cluster(&mut self, at: usize) -> Result<Cluster, CommandError> {
        self.clusters.resize(self.subject.journal.places.len(), None);
        if let Some(cluster) = &self.clusters[at] {
            return Ok(cluster.clone());
        }
        let journal = &self.subject.journal;
        let place = &journal.places[at];
        let options = journal.connect_options(place.context.as_deref(), self.timeout);
        let cluster = Cluster::connect(&self.system.env, &options).await?;
        if let Some(server) = place.server.as_ref().filter(|server| *server != cluster.server()) {
            return Err(CommandError::failed(format_args!(
                "the context led to {server} when this rotation began, and leads to {} now",
                cluster.server()
            ))
            .hint("correct the kubeconfig, or give up the Secrets of the context with --skip-context"));
        }
        self.clusters[at] = Some(cluster.clone());
        Ok(cluster)
    }

    /// Asks a place for its Secrets, and writes down which context, server and Secrets it is about.
    pub(super) async fn resolve(&mut self, at: usize, supply: &Rc<Supply>) -> Result<(), Unknown> {
        let cluster = self.cluster(at).await.map_err(Unknown::Unreached)?;
        let place = &mut self.subject.journal.places[at];
        // A name is needed tomorrow, when another context may be the current one.
        place.context = Some(cluster.context().to_owned()).filter(|name| !name.is_empty());
        place.server = Some(cluster.server().to_owned());
        let jobs = match place.find.as_ref().filter(|_| place.secrets.is_none()) {
            None => {
                let checked = cluster.check().await;
                checked.map_err(|error| Unknown::Unreached(error.into()))?;
                place.jobs(supply).map_err(Unknown::Unreached)?
            }
            Some(words) => {
                let is_known = words.is_known();
                let scope = words
                    .scope(supply)
                    .ok_or_else(|| Unknown::Unreached(CommandError::failed("the journal cannot be read")))?;
                let found = find(scope, &cluster).await;
                let found = found.map_err(|error| Unknown::Unreached(error.for_access(&self.access()).into()))?;
                if is_known {
                    cluster
                        .check()
                        .await
                        .map_err(|error| Unknown::Unreached(error.into()))?;
                }
                let mut report = Report::new(None, DryRunArg::None, false);
                report.found(&found, self.system);
                if !found.lacking.is_empty() {
                    return Err(Unknown::Lacking(found.lacking));
                }
                found.jobs
            }
        };
        let (jobs, left) = holders(&cluster, jobs, supply).await;
        self.say_left_out(&cluster, &left);
        self.subject.journal.places[at].list(&jobs);
        Ok(())
    }

    /// Says which Secrets are not of this rotation, and what they hold instead.
    fn say_left_out(&mut self, cluster: &Cluster, left: &[(Target, LeftAlone)]) {
        let context = match cluster.context() {
            "" => String::new(),
            name if self.subject.journal.places.len() > 1 => format!(" of context {name}"),
            _ => String::new(),
        };
        let output = &mut self.system.output;
        for (target, holds) in left.iter().take(MAX_NAMED) {
            output.warn(format_args!(
                "{target}{context} is left as it is: it does not hold the token that is rotated: {holds}"
            ));
        }
        if let Some(more @ 1..) = left.len().checked_sub(MAX_NAMED) {
            output.warn(format_args!(
                "{more} more Secrets{context} are left as they are for the same reason"
            ));
        }
    }

    /// Makes every Secret hold the token that holds the other one. Those that hold neither any more are not of this
    /// rotation.
    pub(super) async fn write(&mut self, which: Which) -> Result<(), Stop> {
        let pass = Pass {
            dry_run: DryRunArg::None,
            restart: false,
            unstick: false,
            only_changes: false,
        };
        self.find_the_rest(which).await?;
        let ended = self.pass(which, &pass).await?;
        let failed = ended.failed > 0 || ended.is_incomplete;
        self.result.items = ended.items;
        self.leave_out(&ended.left_alone)?;
        self.interrupted()?;
        if failed {
            return Err(CommandError::failed(format_args!("not every Secret holds the {which} token")).into());
        }
        Ok(())
    }

    /// Takes out what was found not to hold a token of this rotation.
    fn leave_out(&mut self, left: &[(String, Target)]) -> Result<(), CommandError> {
        if left.is_empty() {
            return Ok(());
        }
        for place in &mut self.subject.journal.places {
            let context = place.context.as_deref().unwrap_or_default();
            let of_context = left.iter().filter(|(name, _)| name == context);
            let targets: BTreeSet<Target> = of_context.map(|(_, target)| target.clone()).collect();
            place.leave_out(&targets);
        }
        self.phase().map_or(Ok(()), |phase| self.keep(phase))
    }

    /// Places that could not be asked before. On the way back there is nothing in them.
    async fn find_the_rest(&mut self, which: Which) -> Result<(), Stop> {
        if which == Which::Old {
            return Ok(());
        }
        let supply = self.supply(which)?;
        let mut is_news = false;
        for at in 0..self.subject.journal.places.len() {
            // Once in a run: a cluster that is away is not waited for twice.
            if self.subject.journal.places[at].secrets.is_none() && !self.unknown.contains_key(&at) {
                let interrupt = self.interrupt.clone();
                match interrupt.or(self.resolve(at, &supply)).await? {
                    Ok(()) => is_news = true,
                    Err(unknown) => drop(self.unknown.insert(at, unknown)),
                }
            }
        }
        // Before the first of them is written.
        if let Some(phase) = self.phase().filter(|_| is_news) {
            self.keep(phase)?;
        }
        Ok(())
    }

    /// Works through the Secrets of all places.
    pub(super) async fn pass(&mut self, which: Which, pass: &Pass) -> Result<Ended, Stop> {
        let supply = self.supply(which)?;
        let after = After {
            service_accounts: Vec::new(),
            restart: pass.restart,
            unstick: pass.unstick,
            at: RestartTime::now(),
            dry_run: pass.dry_run.into(),
            access: self.access(),
        };
        let mut report =
            Report::new(self.result.lines, pass.dry_run, self.subject.journal.places.len() > 1).of_rotation();
        if pass.only_changes {
            report = report.of_changes();
        }
        let mut rollouts = Rollouts::default();
        for at in 0..self.subject.journal.places.len() {
            let context = self.subject.journal.places[at].context.clone();
            if self.interrupt.times() > 0 {
                report.not_begun(context.as_deref());
                continue;
            }
            if self.subject.journal.places[at].secrets.is_none() {
                if let Some(unknown) = self.unknown.get(&at).filter(|_| which == Which::New) {
                    for error in unknown.errors() {
                        report.cluster_failed(context.as_deref(), error, self.system);
                    }
                }
                continue;
            }
            let cluster = match self.cluster(at).await {
                Ok(cluster) => cluster,
                Err(error) => {
                    report.cluster_failed(context.as_deref(), &error, self.system);
                    continue;
                }
            };
            let mut run = Run {
                options: SyncOptions {
                    force_conflicts: self.subject.journal.force_conflicts,
                    dry_run: pass.dry_run.into(),
                },
                after: &after,
                rollouts,
                report: &mut report,
                interrupt: &mut self.interrupt,
                system: self.system,
            };
            let found = Found {
                jobs: self.subject.journal.places[at].jobs(&supply)?,
                ..Found::default()
            };
            run.found(&cluster, found).await?;
            rollouts = run.rollouts;
        }
        let follows = pass.restart && pass.dry_run == DryRunArg::None && self.interrupt.times() == 0;
        if let Some(limit) = self.subject.journal.wait().filter(|_| follows) {
            // What was restarted is not to be restarted again because one of them hangs.
            if report.is_clean() {
                self.restarted()?;
            }
            let (interrupt, system) = (&mut self.interrupt, &mut *self.system);
            rollouts.follow(limit.limit(), &mut report, interrupt, system).await?;
        }
        Ok(report.end(self.system))
    }

    /// Restarts workloads, if that was asked for and is still to be done.
    pub(super) async fn restart(&mut self) -> Result<(), Stop> {
        let (restart, unstick) = (self.subject.journal.restart, self.subject.journal.unstick);
        if !restart && !unstick {
            return Ok(());
        }
        let pass = Pass {
            dry_run: DryRunArg::None,
            restart,
            unstick,
            only_changes: true,
        };
        let ended = self.pass(Which::New, &pass).await?;
        let failed = ended.failed > 0 || ended.is_incomplete;
        self.result.restarts = ended.items;
        self.interrupted()?;
        if failed {
            return Err(CommandError::failed("not everything was restarted, or not everything came up again").into());
        }
        self.restarted()?;
        Ok(())
    }

    fn restarted(&mut self) -> Result<(), CommandError> {
        (self.subject.journal.restart, self.subject.journal.unstick) = (false, false);
        self.phase().map_or(Ok(()), |phase| self.keep(phase))
    }

    pub(super) fn interrupted(&self) -> Result<(), Stop> {
        if self.interrupt.times() > 0 {
            Err(Stop::Interrupted)
        } else {
            Ok(())
        }
    }

    /// What all of it needs, for the Role in an error.
    pub(super) fn access(&self) -> Access {
        let journal = &self.subject.journal;
        let places = &journal.places;
        let finds = |test: fn(&Find) -> bool| places.iter().filter_map(|place| place.find.as_ref()).any(test);
        let flags = [
            (true, Feature::Rotate),
            (finds(Find::is_managed), Feature::Managed),
            (finds(Find::is_by_label), Feature::Selector),
            (places.iter().any(Place::has_accounts), Feature::ServiceAccounts),
            (journal.restart, Feature::Restart),
            (journal.restart && journal.wait.is_some(), Feature::Wait),
            (journal.unstick, Feature::Unstick),
        ];
        Access {
            features: flags
                .iter()
                .filter(|(is, _)| *is)
                .map(|(_, feature)| *feature)
                .collect(),
            secrets: journal.names(),
            service_accounts: BTreeSet::new(),
            is_everywhere: finds(Find::is_managed) || finds(Find::is_by_label),
        }
    }
}
