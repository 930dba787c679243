//! The connections and prompts of this process during a rotation. Nothing of this is stored.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, stream};

use super::args::RotateArgs;
use super::journal::ContextSecrets;
use super::report::{Report, Stop};
use super::state::RotationState;
use crate::cluster::{Cluster, RequestTimeout, Target};
use crate::commands::args::RegistryConnectionArgs;
use crate::commands::shared::accounts::{self, Accounts};
use crate::commands::shared::apply::Interrupt;
use crate::commands::shared::password;
use crate::commands::shared::search::{self, CLUSTERS_AT_ONCE};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::keychain::Keychain;
use crate::ledger::Ledger;
use crate::model::rotation::{Direction, Phase};
use crate::model::{ClusterId, Username};
use crate::registry::{self, Account, ActionsError, MintScopes, Options, TemporaryToken, Verified, VerifyError};
use crate::sys::env::Env;

/// Tells from an error whether a one-time code is needed and whether the given one was refused.
type AboutCode<E> = [fn(&E) -> bool; 2];

pub(super) struct Session<'a, 'b> {
    pub(super) keychain: Keychain,
    accounts: Accounts,
    /// Whom the old token belongs to, if the registry has told it.
    pub(super) owner: Option<Username>,
    /// What stands in for passwords whose one-time code was used up.
    pub(super) temporary: Vec<TemporaryToken>,
    /// The open connections, by the index of the journal's context.
    clusters: BTreeMap<usize, Cluster>,
    /// The contexts that this run could not connect to.
    unreached: BTreeMap<usize, CommandError>,
    /// The contexts whose Secrets this run could not find, and why.
    pub(super) unknown: BTreeMap<usize, Unknown>,
    pub(super) timeout: RequestTimeout,
    /// `--revoke-anyway`
    pub(super) revoke_anyway: bool,
    pub(super) interrupt: Interrupt,
    pub(super) report: Report,
    pub(super) system: &'a mut System<'b>,
}

/// Why the Secrets of a context are unknown.
pub(super) enum Unknown {
    /// The cluster could not be reached.
    Unreached(CommandError),
    /// It was reached, but some of its Secrets cannot be written.
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

impl<'a, 'b> Session<'a, 'b> {
    pub(super) fn new(
        keychain: Keychain,
        direction: Direction,
        args: &RotateArgs,
        system: &'a mut System<'b>,
    ) -> Result<Self, CommandError> {
        Ok(Self {
            keychain,
            accounts: Accounts::new(args.password_stdin),
            owner: None,
            temporary: Vec::new(),
            clusters: BTreeMap::new(),
            unreached: BTreeMap::new(),
            unknown: BTreeMap::new(),
            timeout: args.cluster.request_timeout.unwrap_or_default(),
            revoke_anyway: args.revoke_anyway,
            interrupt: Interrupt::listen(system.handles_interrupts)?,
            report: Report::new(direction, args.dry_run.mode, args.output),
            system,
        })
    }

    /// Ends the work if Ctrl-C was pressed.
    pub(super) fn interrupted(&self) -> Result<(), Stop> {
        if self.interrupt.times() > 0 {
            Err(Stop::Interrupted)
        } else {
            Ok(())
        }
    }

    /// Connects to all contexts that are not connected yet, at the same time, and asks which clusters they lead to.
    pub(super) async fn connect_all(&mut self, state: &mut RotationState, ledger: &Ledger) {
        let env = &self.system.env;
        let journal = &state.journal;
        let timeout = self.timeout;
        let is_new = |at: &usize| !self.clusters.contains_key(at) && !self.unreached.contains_key(at);
        let mut connecting = stream::iter((0..journal.contexts.len()).filter(is_new))
            .map(|at| async move {
                let entry = &journal.contexts[at];
                let options = journal.connect_options(entry.context.as_deref(), timeout);
                (at, search::connect(env, &options).await)
            })
            .buffer_unordered(CLUSTERS_AT_ONCE);
        let mut connected = Vec::new();
        while let Some(one) = connecting.next().await {
            connected.push(one);
        }
        drop(connecting);
        let answered = connected.iter().filter_map(|(_, result)| result.as_ref().ok());
        let seen: Vec<_> = answered.map(|(cluster, id)| (id.clone(), cluster.server())).collect();
        let mut ids = search::which(&seen, ledger).into_iter();
        for (at, result) in connected {
            let result = result.map_err(CommandError::from).and_then(|(cluster, id)| {
                let id = ids.next().unwrap_or(id);
                ensure_same_cluster(&mut state.journal.contexts[at], &cluster, id)?;
                Ok(cluster)
            });
            match result {
                Ok(cluster) => drop(self.clusters.insert(at, cluster)),
                Err(error) => drop(self.unreached.insert(at, error)),
            }
        }
    }

    /// The connection to a context, opened at the first call.
    pub(super) async fn cluster(&mut self, state: &RotationState, at: usize) -> Result<Cluster, CommandError> {
        if let Some(cluster) = self.clusters.get(&at) {
            return Ok(cluster.clone());
        }
        if let Some(error) = self.unreached.get(&at) {
            return Err(error.clone());
        }
        let mut entry = state.journal.contexts[at].clone();
        let options = state.journal.connect_options(entry.context.as_deref(), self.timeout);
        let (cluster, id) = search::connect(&self.system.env, &options).await?;
        ensure_same_cluster(&mut entry, &cluster, id)?;
        self.clusters.insert(at, cluster.clone());
        Ok(cluster)
    }

    /// Sends a request to the registry. Ctrl-C ends the wait for the response, but the request may still succeed; the
    /// stored phase shows what has to be checked again.
    pub(super) async fn ask<T: Send + 'static>(
        &mut self,
        state: &RotationState,
        question: impl FnOnce(&Options, &Env) -> T + Send + 'static,
    ) -> Result<T, Stop> {
        let (options, env) = (
            state.journal.registry.options(RegistryConnectionArgs::TIMEOUT),
            self.system.env.clone(),
        );
        self.system
            .output
            .progress(format_args!("asking {}", state.name.registry));
        let answer = self.interrupt.or_blocking(move || question(&options, &env)).await;
        self.system.output.end_progress();
        Ok(answer??)
    }

    /// The same with the password of the token's account.
    pub(super) async fn ask_as_account<T, E>(
        &mut self,
        state: &RotationState,
        about: AboutCode<E>,
        question: impl Fn(&Account, &Options, &Env) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<Result<T, E>, Stop>
    where
        T: Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        let username = self.account_of(state).clone();
        self.ask_as(&username, state, about, question).await
    }

    /// The same with an account's password, and repeated with a one-time code if one is needed or the last one was already
    /// used by an earlier request.
    async fn ask_as<T, E>(
        &mut self,
        username: &Username,
        state: &RotationState,
        [wants_code, refuses_code]: AboutCode<E>,
        question: impl Fn(&Account, &Options, &Env) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<Result<T, E>, Stop>
    where
        T: Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        let known = self.accounts.known(username);
        let was_used = known.is_some_and(|account| account.code.is_some());
        let mut account = self.account(username, state)?;
        let as_account = |account: &Account| {
            let (account, question) = (account.clone(), question.clone());
            move |options: &Options, env: &Env| question(&account, options, env)
        };
        let mut answer = self.ask(state, as_account(&account)).await?;
        if let Err(error) = &answer
            && (wants_code(error) || was_used && refuses_code(error))
            && password::ask_code(&mut account, error, self.system)?
        {
            answer = self.ask(state, as_account(&account)).await?;
        }
        self.accounts.put(account);
        Ok(answer)
    }

    /// The same with the account that may write secrets of Actions, for a question about them. Where that takes a temporary
    /// token and the account is the token's own, the rest of the rotation is done with it as well: one code is enough.
    pub(super) async fn ask_for_actions<T: Send + 'static>(
        &mut self,
        state: &RotationState,
        question: impl Fn(&Account, &Options, &Env) -> Result<T, ActionsError> + Clone + Send + 'static,
    ) -> Result<Result<T, ActionsError>, Stop> {
        let username = state.journal.actions_account.as_ref();
        let username = username.unwrap_or_else(|| self.account_of(state)).clone();
        let registry = state.name.registry.clone();
        let made = state.journal.mints.then(|| state.scopes_of_new());
        let asked = self
            .ask_as(
                &username,
                state,
                [ActionsError::wants_code, ActionsError::refuses_code],
                move |account, options, env| {
                    let also: Vec<&str> = made.iter().flat_map(MintScopes::iter).collect();
                    registry::ask_for_actions(&registry, account, &also, options, env, |account| {
                        question(account, options, env)
                    })
                },
            )
            .await;
        if let Ok(Ok((_, Some(temporary)))) = &asked {
            self.accounts.put(temporary.account().clone());
        }
        Ok(asked?.and_then(|(answer, temporary)| {
            self.temporary.extend(temporary);
            answer
        }))
    }

    /// Whether the account's password is known or can be prompted for.
    pub(super) fn can_ask(&self, state: &RotationState) -> bool {
        self.accounts.can_get(self.account_of(state), self.system)
    }

    /// Asks for the password of the account that makes the new token.
    pub(super) fn prepare_account(&mut self, state: &RotationState) -> Result<(), CommandError> {
        self.account(&state.username, state).map(drop)
    }

    fn account(&mut self, username: &Username, state: &RotationState) -> Result<Account, CommandError> {
        // With --mint, standard input has the password of the token's user.
        let may_read = !state.journal.mints || username.is_same(self.account_of(state));
        let registry = &state.name.registry;
        Ok(self.accounts.get(registry, username, may_read, self.system)?.clone())
    }

    /// Asks the registry about the old token, and remembers whom it belongs to.
    pub(super) async fn ask_about_old(&mut self, state: &RotationState) -> Result<Result<Verified, VerifyError>, Stop> {
        let old = state.old.clone();
        let verified = self
            .ask(state, move |options, env| registry::verify(&old, options, env))
            .await?;
        let output = &mut self.system.output;
        let told = verified.as_ref().ok();
        self.owner = told.and_then(|told| accounts::owner(told, &state.old.username, output));
        Ok(verified)
    }

    /// Remembers whom the old token belongs to, before that is revoked with a password.
    pub(super) async fn find_owner(&mut self, state: &RotationState) -> Result<(), Stop> {
        if self.owner.is_none() {
            drop(self.ask_about_old(state).await?);
        }
        Ok(())
    }

    /// The account whose password is asked for.
    fn account_of<'s>(&'s self, state: &'s RotationState) -> &'s Username {
        match state.phase() {
            // The token that is revoked belongs to the old user.
            Some(Phase::Revoking) => self.owner.as_ref().unwrap_or(&state.old.username),
            _ => &state.username,
        }
    }
}

/// Fails if the context led to another cluster when the rotation began: the Secrets that are not there would be taken for
/// gone. Otherwise notes which one it is.
fn ensure_same_cluster(entry: &mut ContextSecrets, cluster: &Cluster, id: ClusterId) -> Result<(), CommandError> {
    let server = cluster.server();
    let (before, now) = match (&entry.cluster, &id, &entry.server) {
        // The address says nothing then: a local cluster gets another port whenever it is started.
        (Some(before @ ClusterId::Uid(_)), ClusterId::Uid(_), at) if *before != id => {
            let at = at.as_deref().unwrap_or(server);
            (
                format!("the cluster {before} at {at}"),
                format!("the cluster {id} at {server}"),
            )
        }
        (Some(ClusterId::Uid(_)), ClusterId::Uid(_), _) => {
            entry.server = Some(server.to_owned());
            return Ok(());
        }
        (_, _, Some(before)) if before != server => (before.clone(), server.to_owned()),
        (Some(ClusterId::Uid(_)), ClusterId::Server(_), _) => return Ok(()),
        _ => {
            entry.cluster = Some(id);
            return Ok(());
        }
    };
    Err(CommandError::failed(format_args!(
        "the context pointed to {before} when this rotation began, and points to {now} now"
    ))
    .hint("correct the kubeconfig, or leave out the Secrets of the context with --skip-context"))
}
