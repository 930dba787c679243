//! Secrets of Actions, of `--actions-secret` and of a list. They cannot be read back, so what the server took is remembered
//! in the ledger.

use std::rc::Rc;

use super::SyncArgs;
use crate::cluster::Outcome;
use crate::commands::args::{DryRunArg, RegistryConnectionArgs};
use crate::commands::shared::apply::{Interrupt, Report};
use crate::commands::shared::kept::Kept;
use crate::commands::shared::targets::{ActionsJob, Supply};
use crate::commands::shared::{choose, ledger_writer, password, proof};
use crate::commands::system::System;
use crate::error::{CommandError, Exit};
use crate::ledger::Ledger;
use crate::model::{ActionsSecret, Registry};
use crate::registry::{self, Account, ActionsError, ActionsWrite, Options, TemporaryToken};
use crate::sys::env::Env;

/// `--actions-secret`, which writes to no cluster.
pub(super) fn run(args: &SyncArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let keychain = system.keychain()?;
    let items = match args.registry {
        Some(_) => Vec::new(),
        None => keychain.list()?,
    };
    let how = "name one with --registry REGISTRY";
    let registry = choose::registry(args.registry.clone(), &items, how, system)?;
    let (credential, usage) = choose::credential(&keychain, &registry, args.usage, None)?;
    let supply = Supply::of_keychain(credential, usage, &keychain)?;
    let job = |secret: &ActionsSecret| ActionsJob {
        secret: secret.clone(),
        supply: supply.clone(),
    };
    let jobs = args.actions_secrets.iter().map(job).collect();
    let mut report = Report::new(args.output, args.dry_run.mode, false);
    let mut kept = Kept::watched();
    Writing::prepare(args, jobs, system)?.write(&mut kept, &mut report, None, system)?;
    report.replaced_meanwhile(kept, system);
    report.finish(false, system)
}

/// The secrets, and the accounts that may write them.
pub(super) struct Writing<'a> {
    args: &'a SyncArgs,
    jobs: Vec<ActionsJob>,
    ledger: Ledger,
    accounts: Vec<SignedIn>,
}

/// An account whose password was given.
struct SignedIn {
    registry: Registry,
    account: Account,
    /// What stands in for the password, where the one-time code was good for a single request.
    temporary: Option<TemporaryToken>,
}

impl<'a> Writing<'a> {
    /// Verifies the tokens, and asks for the passwords if there is something to write. Fails if an account may not write one
    /// of the secrets: nothing is changed then.
    pub(super) fn prepare(
        args: &'a SyncArgs,
        jobs: Vec<ActionsJob>,
        system: &mut System<'_>,
    ) -> Result<Self, CommandError> {
        let ledger = ledger_writer::read(system);
        if !args.no_verify {
            let supplies: Vec<_> = jobs.iter().map(|job| job.supply.clone()).collect();
            proof::all(&supplies, &args.connection, &ledger, system)?;
        }
        let mut this = Self {
            args,
            jobs: Vec::new(),
            ledger,
            accounts: Vec::new(),
        };
        if args.dry_run.mode == DryRunArg::None {
            let pending: Vec<&ActionsJob> = jobs.iter().filter(|job| !this.has(job)).collect();
            for ActionsJob { secret, supply } in pending {
                this.ask(supply, system, |registry, account, options, env| {
                    registry::may_write_actions(registry, secret, account, options, env)
                })??;
            }
        }
        Ok(Self { jobs, ..this })
    }

    /// Writes each that does not have the token until Ctrl-C is pressed, and reports all of them.
    pub(super) fn write(
        mut self,
        kept: &mut Kept,
        report: &mut Report,
        interrupt: Option<&Interrupt>,
        system: &mut System<'_>,
    ) -> Result<(), CommandError> {
        let jobs = std::mem::take(&mut self.jobs);
        let writes = self.args.dry_run.mode == DryRunArg::None;
        if writes {
            kept.look_again(jobs.iter().map(|job| &job.supply), system);
        }
        for job in jobs {
            if interrupt.is_some_and(|interrupt| interrupt.times() > 0) {
                report.actions_not_tried(&job.secret);
                continue;
            }
            let result = match kept.check(&job.supply) {
                Err(error) => Err(error),
                Ok(()) if self.has(&job) => Ok(Outcome::Unchanged),
                Ok(()) if !writes => Ok(Outcome::Configured),
                Ok(()) => self.write_one(&job, system),
            };
            report.actions(&job.secret, result, system)?;
        }
        let temporary = self.accounts.into_iter().filter_map(|signed_in| signed_in.temporary);
        password::delete_temporary(temporary, system);
        Ok(())
    }

    /// Whether the server took the token of the job, and no other one since.
    fn has(&self, job: &ActionsJob) -> bool {
        let id = job.supply.id.as_ref();
        !self.args.rewrite && id.is_some_and(|id| self.ledger.has_actions(id, &job.secret))
    }

    fn write_one(&mut self, job: &ActionsJob, system: &mut System<'_>) -> Result<Outcome, CommandError> {
        let ActionsJob { secret, supply } = job;
        let id = supply.id.as_ref();
        // Noted after it is written, it could be forgotten by a kill.
        if let Some(id) = id {
            ledger_writer::update(system, |ledger, now| {
                ledger.is_current(id, now);
                ledger.will_write_actions(id, secret, now);
            });
        }
        let token = &supply.credential.token;
        let written = self.ask(supply, system, |registry, account, options, env| {
            registry::write_actions(registry, secret, token, account, options, env)
        });
        if let Some(id) = id {
            ledger_writer::update(system, |ledger, now| match &written {
                Ok(Ok(_)) => ledger.wrote_actions(id, secret, now),
                Ok(Err(ActionsError::Uncertain { .. })) => {}
                Ok(Err(_)) | Err(_) => ledger.did_not_write_actions(id, secret),
            });
        }
        Ok(match written?? {
            ActionsWrite::Created => Outcome::Created,
            ActionsWrite::Changed => Outcome::Configured,
        })
    }

    /// Asks as the account that may write, whose password is asked for once.
    ///
    /// # Errors
    /// If the question was not answered because of the account. An answer that did not arrive is a result of the question.
    fn ask<T>(
        &mut self,
        supply: &Rc<Supply>,
        system: &mut System<'_>,
        question: impl Fn(&Registry, &Account, &Options, &Env) -> Result<T, ActionsError>,
    ) -> Result<Result<T, ActionsError>, CommandError> {
        let credential = &supply.credential;
        let registry = &credential.registry;
        let username = self.args.actions_account.as_ref().unwrap_or(&credential.username);
        let is_it = |one: &SignedIn| one.registry == *registry && one.account.username == *username;
        let at = if let Some(at) = self.accounts.iter().position(is_it) {
            at
        } else {
            self.accounts.push(SignedIn {
                registry: registry.clone(),
                account: password::account(registry, username, self.args.password_stdin, system)?,
                temporary: None,
            });
            self.accounts.len() - 1
        };
        let options = self.args.connection.options(RegistryConnectionArgs::TIMEOUT);
        let signed_in = &mut self.accounts[at];
        let account = &mut signed_in.account;
        let (answer, temporary) =
            password::with_code(account, registry, system, ActionsError::wants_code, |account, env| {
                let asked = registry::ask_for_actions(registry, account, &[], &options, env, |account| {
                    question(registry, account, &options, env)
                });
                match asked {
                    Err(error @ ActionsError::Uncertain { .. }) => Ok((Err(error), None)),
                    asked => asked,
                }
            })?;
        if let Some(temporary) = temporary {
            signed_in.account = temporary.account().clone();
            signed_in.temporary = Some(temporary);
        }
        Ok(answer)
    }
}
