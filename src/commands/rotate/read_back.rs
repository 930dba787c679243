//! Reading Secrets back, and looking for others that would lose their token with the old one.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};

use super::engine::Engine;
use super::report::Stop;
use crate::cluster::{self, Access, Cluster, Target};
use crate::commands::apply::AT_ONCE;
use crate::commands::targets::Job;
use crate::error::CommandError;
use crate::model::Credential;
use crate::model::rotation::{Phase, Which};

impl Engine<'_, '_> {
    /// Reads every Secret back.
    pub(super) async fn check(&mut self, which: Which) -> Result<(), Stop> {
        let supply = self.supply(which)?;
        let other = self.subject.new.clone().filter(|_| which == Which::Old);
        let names_context = self.subject.journal.places.len() > 1;
        let mut failed = 0;
        for at in 0..self.subject.journal.places.len() {
            let jobs = self.subject.journal.places[at].jobs(&supply)?;
            if jobs.is_empty() {
                continue;
            }
            let cluster = self.cluster(at).await?;
            let errors = read_back(&cluster, &jobs, &supply.credential, other.as_ref(), &self.access()).await;
            failed += errors.len();
            for error in errors {
                let context = cluster.context();
                self.system.output.error(&if names_context {
                    error.on(format_args!("context {context}"))
                } else {
                    error
                });
            }
            self.interrupted()?;
        }
        if failed > 0 {
            let secrets = if failed == 1 { "Secret" } else { "Secrets" };
            return Err(CommandError::failed(format_args!(
                "{failed} {secrets} did not read back with the {which} token"
            ))
            .into());
        }
        // The second look of a run finds what the first one found, or an error.
        if !std::mem::replace(&mut self.result.has_read_back, true) && self.subject.journal.count() > 0 {
            let count = self.subject.journal.count();
            let (what, holds) = match (which, count) {
                (Which::New, 1) => ("the Secret".to_owned(), "it holds the new token"),
                (Which::New, _) => (format!("{count} Secrets"), "all hold the new token"),
                (Which::Old, 1) => ("the Secret".to_owned(), "it does not hold the new token"),
                (Which::Old, _) => (format!("{count} Secrets"), "none holds the new token"),
            };
            self.system.output.say(format_args!("read {what} back: {holds}"));
        }
        let is_last = matches!(self.phase(), Some(Phase::Promoted | Phase::Revoking));
        if which == Which::New && is_last && !self.subject.journal.keep_old {
            self.look_elsewhere(&supply.credential).await?;
        }
        Ok(())
    }

    /// Looks for Secrets that nobody named and that would lose their token with the old one.
    async fn look_elsewhere(&mut self, new: &Credential) -> Result<(), Stop> {
        let mut others = Vec::new();
        for at in 0..self.subject.journal.places.len() {
            let supply = self.supply(Which::New)?;
            let known: BTreeSet<Target> = self.subject.journal.places[at]
                .jobs(&supply)?
                .into_iter()
                .map(|job| job.target)
                .collect();
            let cluster = self.cluster(at).await?;
            let managed = match cluster::managed_secrets(&cluster).await {
                Ok(managed) => managed,
                Err(cluster::Error::Forbidden(_)) => {
                    self.system.output.warn(
                        "whether Secrets of other namespaces hold the old token is not known: listing them is not allowed",
                    );
                    continue;
                }
                Err(error) => return Err(CommandError::from(error).into()),
            };
            let of_others = |one: &cluster::Managed| {
                known.contains(&one.target)
                    || (!one.entries.is_empty() && one.entries.iter().all(|entry| entry.registry != new.registry))
            };
            for one in managed.into_iter().filter(|one| !of_others(one)) {
                match cluster::observe(&cluster, &one.target).await {
                    Ok(Some(secret)) if secret.mentions(&self.subject.old.token) => others.push(one.target.to_string()),
                    // Who may list Secrets and not get this one cannot be told what is in it.
                    Ok(_) | Err(cluster::Error::Forbidden(_)) => {}
                    Err(error) => return Err(CommandError::from(error).into()),
                }
            }
        }
        if others.is_empty() {
            return Ok(());
        }
        let (count, shown) = (others.len(), others[..others.len().min(5)].join(", "));
        let more = if count > 5 {
            format!(" and {} more", count - 5)
        } else {
            String::new()
        };
        Err(CommandError::failed(format_args!(
            "the old token is not revoked: it is also in {shown}{more}"
        ))
        .hint("kubectl regcred sync -A gives them the new one, and then --resume goes on; --keep-old leaves it alive")
        .into())
    }
}

/// Every Secret that does not hold what it should, or could not be read.
async fn read_back(
    cluster: &Cluster,
    jobs: &[Job],
    credential: &Credential,
    given_up: Option<&Credential>,
    access: &Access,
) -> Vec<CommandError> {
    let read = stream::iter(jobs)
        .map(|job| async move {
            let target = &job.target;
            match (cluster::observe(cluster, target).await, given_up) {
                (Err(error), _) => Some(error.for_access(access).into()),
                (Ok(Some(secret)), Some(given_up)) if secret.mentions(&given_up.token) => {
                    Some(CommandError::failed(format_args!("{target} holds the new token again")))
                }
                (Ok(Some(secret)), None) if !secret.holds(credential) => Some(CommandError::failed(format_args!(
                    "{target} holds something else than what was written: somebody else writes it too"
                ))),
                (Ok(None), None) => Some(CommandError::failed(format_args!("{target} is gone"))),
                (Ok(_), _) => None,
            }
        })
        .buffered(AT_ONCE);
    read.filter_map(std::future::ready).collect().await
}
