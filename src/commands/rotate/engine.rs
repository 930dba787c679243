//! Carrying the steps out, one after the other. What each does is in the files beside this.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::journal::Journal;
use super::report::{Result, Stop};
use super::secrets::Unknown;
use crate::cli::RotateArgs;
use crate::cluster::{Cluster, RequestTimeout};
use crate::commands::apply::Interrupt;
use crate::commands::system::System;
use crate::commands::targets::Supply;
use crate::error::CommandError;
use crate::keychain::{Kept, Keychain, Name, Rotation};
use crate::model::rotation::{Instead, Phase, Rules, Step, Way, Which, refused, steps};
use crate::model::{CommandLine, Credential, OwnTokens, Username};
use crate::registry::Account;

/// What is rotated: all that beginning and going on find in their own ways.
pub(super) struct Subject {
    pub(super) name: Name,
    /// The item as the keychain has it.
    pub(super) kept: Kept,
    pub(super) journal: Journal,
    pub(super) old: Credential,
    /// `None` until it is made.
    pub(super) new: Option<Credential>,
    /// Whose the new one is.
    pub(super) username: Username,
}

/// A rotation under way in this process.
pub(super) struct Engine<'a, 'b> {
    pub(super) keychain: Keychain,
    pub(super) subject: Subject,
    /// The account that makes and deletes tokens, once somebody gave its password.
    pub(super) account: Option<Account>,
    pub(super) password_stdin: bool,
    /// The journal's places, as far as they are connected.
    pub(super) clusters: Vec<Option<Cluster>>,
    /// Places whose Secrets could not be found in this run.
    pub(super) unknown: BTreeMap<usize, Unknown>,
    pub(super) timeout: RequestTimeout,
    pub(super) interrupt: Interrupt,
    pub(super) result: Result,
    pub(super) system: &'a mut System<'b>,
}

impl<'a, 'b> Engine<'a, 'b> {
    pub(super) fn new(
        subject: Subject,
        keychain: Keychain,
        way: Way,
        args: &RotateArgs,
        system: &'a mut System<'b>,
    ) -> std::result::Result<Self, CommandError> {
        Ok(Self {
            keychain,
            subject,
            account: None,
            password_stdin: args.password_stdin,
            clusters: Vec::new(),
            unknown: BTreeMap::new(),
            timeout: args.cluster.request_timeout.unwrap_or_default(),
            interrupt: Interrupt::listen(system.handles_interrupts)?,
            result: Result::new(way, args.dry_run.mode, args.output),
            system,
        })
    }

    /// How far the rotation is.
    pub(super) fn phase(&self) -> Option<Phase> {
        self.subject.kept.rotation.as_ref().map(|rotation| rotation.phase)
    }

    /// Does all that is left to do in this direction.
    pub(super) async fn run(&mut self, way: Way) -> std::result::Result<(), Stop> {
        if way == Way::Forward && self.phase() == Some(Phase::Reverted) {
            self.system
                .output
                .say("this rotation has gone back already, which is finished now");
        }
        let planned = self.planned(way);
        self.result.plan(&planned);
        for step in planned {
            let instead = self.step(step).await?;
            match instead {
                None => self.result.done += 1,
                Some(Instead::Stop) => return Err(self.refusal(step).into()),
                Some(Instead::GiveUp) => return self.give_up(),
                Some(Instead::Finish) => {
                    self.system
                        .output
                        .warn("the old token is revoked already, so there is no way back: finishing the rotation");
                    self.result.turned = true;
                    return Box::pin(self.run(Way::Forward)).await;
                }
            }
        }
        Ok(())
    }

    /// What is left to do.
    pub(super) fn planned(&self, way: Way) -> Vec<Step> {
        let journal = &self.subject.journal;
        let rules = Rules {
            mints: journal.mints,
            keeps: journal.keep_old,
        };
        let mut planned = steps(self.phase(), way, rules);
        let restarts = journal.restart || journal.unstick;
        planned.retain(|step| *step != Step::Restart || restarts);
        planned
    }

    async fn step(&mut self, step: Step) -> std::result::Result<Option<Instead>, Stop> {
        match step {
            Step::Prove(which) => return self.prove(which).await,
            Step::Sweep => self.sweep().await?,
            Step::Mint => self.mint().await?,
            Step::Keep(phase) => {
                self.keep(phase)?;
                match phase {
                    Phase::Promoted => self.system.output.say(format_args!(
                        "the new token is current: {} gets it from now on",
                        self.readers()
                    )),
                    Phase::Writing if self.result.way == Way::Forward => {
                        self.system.output.say("kept the new token beside the old one");
                    }
                    Phase::Writing => self.system.output.say("the old token is current again"),
                    Phase::Minting | Phase::Revoking | Phase::Reverted => {}
                }
            }
            Step::Write(which) => self.write(which).await?,
            Step::Check(which) => self.check(which).await?,
            Step::Restart => self.restart().await?,
            Step::Revoke(which) => self.revoke(which).await?,
            Step::Forget => self.forget()?,
        }
        Ok(None)
    }

    /// Keeps a phase, with the tokens and the journal that belong to it, in one write.
    pub(super) fn keep(&mut self, phase: Phase) -> std::result::Result<(), CommandError> {
        let new = self.subject.new.clone().filter(|_| phase.has_new());
        let (current, other) = match (phase.current(), new) {
            (Which::New, Some(new)) => (new, Some(self.subject.old.clone())),
            (_, new) => (self.subject.old.clone(), new),
        };
        self.replace(Kept {
            current,
            rotation: Some(Rotation {
                phase,
                other,
                journal: self.subject.journal.text()?,
            }),
        })
    }

    /// Forgets the rotation; what is current stays.
    fn forget(&mut self) -> std::result::Result<(), CommandError> {
        self.replace(Kept {
            current: self.subject.kept.current.clone(),
            rotation: None,
        })
    }

    /// The same where the registry never gave a new token out.
    pub(super) fn unmade(&mut self, error: CommandError) -> CommandError {
        match self.forget() {
            Ok(()) => error,
            Err(also) => {
                self.system.output.error(&also);
                error
            }
        }
    }

    fn replace(&mut self, after: Kept) -> std::result::Result<(), CommandError> {
        self.keychain.replace(&self.subject.name, &self.subject.kept, &after)?;
        self.subject.kept = after;
        Ok(())
    }

    /// Neither token opens the registry. A pending rotation would only keep a third one from being stored.
    fn give_up(&mut self) -> std::result::Result<(), Stop> {
        self.forget()?;
        let name = &self.subject.name;
        Err(CommandError::failed(format_args!(
            "{} accepts neither the old token nor the new one: the rotation is dropped, and the Secrets are as they are",
            name.registry
        ))
        .hint(format_args!(
            "{}, then sync",
            CommandLine::new("kubectl regcred login")
                .value("REGISTRY", name.registry.as_str())
                .option("-u", "USER", self.subject.old.username.as_str())
                .option("--use", "USE", name.usage.as_str())
        ))
        .into())
    }

    /// The token of one of the two sides.
    pub(super) fn credential(&self, which: Which) -> std::result::Result<Credential, CommandError> {
        match which {
            Which::Old => Ok(self.subject.old.clone()),
            Which::New => self
                .subject
                .new
                .clone()
                .ok_or_else(|| CommandError::failed("the new token is not there yet")),
        }
    }

    /// The same, as Secrets are to hold it: those that hold one of the two tokens, and no other.
    pub(super) fn supply(&self, which: Which) -> std::result::Result<Rc<Supply>, CommandError> {
        let supply = Supply::new(self.credential(which)?, self.subject.name.usage)?;
        Ok(supply.replacing(self.own_tokens()))
    }

    /// What a Secret of this rotation holds.
    pub(super) fn own_tokens(&self) -> OwnTokens {
        let both = [Some(&self.subject.old), self.subject.new.as_ref()];
        let tokens = both.into_iter().flatten().map(|credential| credential.token.clone());
        OwnTokens::only(tokens.collect())
    }

    /// What to do about a token that the registry refuses.
    pub(super) async fn instead(&mut self, which: Which) -> std::result::Result<Instead, Stop> {
        let other = match which {
            Which::Old => Which::New,
            Which::New => Which::Old,
        };
        let at = self.phase();
        // Whether the other one works matters only for the old one; a dead token is not tried for nothing.
        let other_works = which == Which::New || self.accepts(other).await?;
        Ok(refused(at, which, other_works))
    }

    fn readers(&self) -> &'static str {
        match self.subject.name.usage {
            crate::model::Use::Docker => "docker",
            crate::model::Use::Cluster => "sync",
        }
    }

    /// Why a refused token ends it here.
    fn refusal(&self, step: Step) -> CommandError {
        let registry = &self.subject.name.registry;
        let which = match step {
            Step::Prove(which) => which,
            _ => Which::New,
        };
        let error = CommandError::failed(format_args!("{registry} does not accept the {which} token"));
        match (which, self.phase()) {
            (Which::Old, _) => error.hint("the new one works: finish the rotation with --resume"),
            (Which::New, Some(_)) => error.hint("go back to the old one with --abort, and begin again"),
            (Which::New, None) => error.hint("nothing was changed"),
        }
    }
}
