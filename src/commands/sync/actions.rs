//! Secrets of Actions, of `--actions-secret` and of a list. They cannot be read back, so what the server took is remembered
//! in the ledger.

use std::io::ErrorKind;
use std::rc::Rc;

use super::SyncArgs;
use crate::cluster::{self, Outcome};
use crate::commands::args::{DryRunArg, RegistryConnectionArgs};
use crate::commands::shared::apply::{Interrupt, Interrupted, Report, Unfinished};
use crate::commands::shared::kept::Kept;
use crate::commands::shared::targets::{ActionsJob, Supply};
use crate::commands::shared::{choose, ledger_writer, password, proof};
use crate::commands::system::System;
use crate::error::{CommandError, Exit};
use crate::ledger::Ledger;
use crate::model::{ActionsSecret, Registry};
use crate::registry::{self, Account, ActionsError, ActionsWrite, Options, TemporaryToken};
use crate::sys::env::Env;

/// Why a question has no answer.
enum Stop {
    Error(CommandError),
    /// Ctrl-C ended the wait for it.
    Interrupted,
}

impl From<Interrupted> for Stop {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

impl From<CommandError> for Stop {
    fn from(error: CommandError) -> Self {
        Self::Error(error)
    }
}

impl From<Stop> for CommandError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Error(error) => error,
            Stop::Interrupted => std::io::Error::from(ErrorKind::Interrupted).into(),
        }
    }
}

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
    cluster::block_on(async {
        let writing = Writing::prepare(args, jobs, system).await?;
        let interrupt = Interrupt::listen(system.handles_interrupts)?;
        writing.write(&mut kept, &mut report, &interrupt, system).await?;
        report.replaced_meanwhile(kept, system);
        report.finish(interrupt.times() > 0, system)
    })?
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
    pub(super) async fn prepare(
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
            // Ctrl-C ends the process: nothing is written yet.
            let interrupt = Interrupt::listen(false)?;
            let pending: Vec<&ActionsJob> = jobs.iter().filter(|job| !this.has(job)).collect();
            for ActionsJob { secret, supply } in pending {
                let secret = secret.clone();
                this.ask(supply, &interrupt, system, move |registry, account, options, env| {
                    registry::may_write_actions(registry, &secret, account, options, env)
                })
                .await??;
            }
        }
        Ok(Self { jobs, ..this })
    }

    /// Writes each that does not have the token until Ctrl-C is pressed, and reports all of them.
    pub(super) async fn write(
        mut self,
        kept: &mut Kept,
        report: &mut Report,
        interrupt: &Interrupt,
        system: &mut System<'_>,
    ) -> Result<(), CommandError> {
        let jobs = std::mem::take(&mut self.jobs);
        let writes = self.args.dry_run.mode == DryRunArg::None;
        if writes {
            kept.look_again(jobs.iter().map(|job| &job.supply), system);
        }
        for job in jobs {
            if interrupt.times() > 0 {
                report.actions_left(&job.secret, Unfinished::NotTried);
                continue;
            }
            let result = match kept.check(&job.supply) {
                Err(error) => Err(error),
                Ok(()) if self.has(&job) => Ok(Outcome::Unchanged),
                Ok(()) if !writes => Ok(Outcome::Configured),
                Ok(()) => match self.write_one(&job, interrupt, system).await {
                    Ok(outcome) => Ok(outcome),
                    Err(Stop::Error(error)) => Err(error),
                    Err(Stop::Interrupted) => {
                        report.actions_left(&job.secret, Unfinished::CutOff);
                        continue;
                    }
                },
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

    async fn write_one(
        &mut self,
        job: &ActionsJob,
        interrupt: &Interrupt,
        system: &mut System<'_>,
    ) -> Result<Outcome, Stop> {
        let ActionsJob { secret, supply } = job;
        let id = supply.id.as_ref();
        // Noted after it is written, it could be forgotten by a kill.
        if let Some(id) = id {
            ledger_writer::update(system, |ledger, now| {
                ledger.is_current(id, now);
                ledger.will_write_actions(id, secret, now);
            });
        }
        let (asked, token) = (secret.clone(), supply.credential.token.clone());
        let written = self
            .ask(supply, interrupt, system, move |registry, account, options, env| {
                registry::write_actions(registry, &asked, &token, account, options, env)
            })
            .await;
        if let Some(id) = id {
            ledger_writer::update(system, |ledger, now| match &written {
                Ok(Ok(_)) => ledger.wrote_actions(id, secret, now),
                Ok(Err(ActionsError::Uncertain { .. })) | Err(Stop::Interrupted) => {}
                Ok(Err(_)) | Err(Stop::Error(_)) => ledger.did_not_write_actions(id, secret),
            });
        }
        Ok(match written?.map_err(CommandError::from)? {
            ActionsWrite::Created => Outcome::Created,
            ActionsWrite::Changed => Outcome::Configured,
        })
    }

    /// Asks as the account that may write, whose password is asked for once.
    ///
    /// # Errors
    /// If the question was not answered because of the account. An answer that did not arrive is a result of the question.
    async fn ask<T: Send + 'static>(
        &mut self,
        supply: &Rc<Supply>,
        interrupt: &Interrupt,
        system: &mut System<'_>,
        question: impl Fn(&Registry, &Account, &Options, &Env) -> Result<T, ActionsError> + Clone + Send + 'static,
    ) -> Result<Result<T, ActionsError>, Stop> {
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
        let signed_in = &mut self.accounts[at];
        let options = self.args.connection.options(RegistryConnectionArgs::TIMEOUT);
        let env = system.env.clone();
        let asking = |account: &Account| {
            let (registry, account, question) = (registry.clone(), account.clone(), question.clone());
            let (options, env) = (options.clone(), env.clone());
            move || {
                registry::ask_for_actions(&registry, &account, &[], &options, &env, |account| {
                    question(&registry, account, &options, &env)
                })
            }
        };
        let mut answer = waiting(registry, interrupt, system, asking(&signed_in.account)).await?;
        if let Err(error) = &answer
            && error.wants_code()
            && password::ask_code(&mut signed_in.account, error, system)?
        {
            answer = waiting(registry, interrupt, system, asking(&signed_in.account)).await?;
        }
        let (answer, temporary) = match answer {
            Err(error @ ActionsError::Uncertain { .. }) => (Err(error), None),
            asked => asked.map_err(CommandError::from)?,
        };
        if let Some(temporary) = temporary {
            signed_in.account = temporary.account().clone();
            signed_in.temporary = Some(temporary);
        }
        Ok(answer)
    }
}

/// Waits for a registry's answer, with progress; a second Ctrl-C ends that, and the first one is answered.
async fn waiting<T: Send + 'static>(
    registry: &Registry,
    interrupt: &Interrupt,
    system: &mut System<'_>,
    request: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Stop> {
    system.output.progress(format_args!("asking {registry}"));
    let at_first = || {
        system
            .output
            .info("interrupted: waiting for 1 that is in progress; press Ctrl-C again to stop immediately");
    };
    let answer = interrupt.or_blocking_at_second(request, at_first).await;
    system.output.end_progress();
    Ok(answer??)
}
