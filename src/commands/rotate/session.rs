//! What this process has at hand to carry a rotation out. Nothing of it is written down.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, stream};

use super::args::RotateArgs;
use super::journal::Place;
use super::report::{Report, Stop};
use super::state::RotationState;
use crate::cluster::{Cluster, RequestTimeout, Target};
use crate::commands::args::RegistryConnectionArgs;
use crate::commands::shared::apply::Interrupt;
use crate::commands::shared::password;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::keychain::Keychain;
use crate::model::rotation::{Phase, Way};
use crate::registry::{Account, Options};
use crate::sys::env::Env;

/// Clusters that are connected to at the same time.
const CLUSTERS_AT_ONCE: usize = 8;

/// What an error says about a one-time code: whether one, which was not given, could help; and whether the one that was
/// given is refused.
type AboutCode<E> = [fn(&E) -> bool; 2];

pub(super) struct Session<'a, 'b> {
    pub(super) keychain: Keychain,
    /// The account that makes and deletes tokens, once its password was given.
    account: Option<Account>,
    password_stdin: bool,
    /// A connection for each of the journal's places, once it is made.
    clusters: BTreeMap<usize, Cluster>,
    /// Why there is none to a place, as far as that was tried in this run.
    unreached: BTreeMap<usize, CommandError>,
    /// Why places have no Secrets yet, as far as that was tried in this run.
    pub(super) unknown: BTreeMap<usize, Unknown>,
    pub(super) timeout: RequestTimeout,
    /// The old token is to be revoked, whatever needs it.
    pub(super) revokes_anyway: bool,
    pub(super) interrupt: Interrupt,
    pub(super) report: Report,
    pub(super) system: &'a mut System<'b>,
}

/// Why a place has no Secrets yet.
pub(super) enum Unknown {
    /// The cluster could not be reached.
    Unreached(CommandError),
    /// It was reached, and some of its Secrets cannot be written.
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
        way: Way,
        args: &RotateArgs,
        system: &'a mut System<'b>,
    ) -> Result<Self, CommandError> {
        Ok(Self {
            keychain,
            account: None,
            password_stdin: args.password_stdin,
            clusters: BTreeMap::new(),
            unreached: BTreeMap::new(),
            unknown: BTreeMap::new(),
            timeout: args.cluster.request_timeout.unwrap_or_default(),
            revokes_anyway: args.revoke_anyway,
            interrupt: Interrupt::listen(system.handles_interrupts)?,
            report: Report::new(way, args.dry_run.mode, args.output),
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

    /// Connects to all places that are not connected to yet, at the same time, and asks which clusters they are. Those that
    /// do not answer are asked again, one by one, by what needs them.
    pub(super) async fn connect_all(&mut self, state: &mut RotationState) {
        let env = &self.system.env;
        let journal = &state.journal;
        let timeout = self.timeout;
        let places =
            (0..journal.places.len()).filter(|at| !self.clusters.contains_key(at) && !self.unreached.contains_key(at));
        let mut connecting = stream::iter(places)
            .map(|at| async move {
                let place = &journal.places[at];
                let options = journal.connect_options(place.context.as_deref(), timeout);
                let connected = async {
                    let cluster = Cluster::connect(env, &options).await?;
                    let id = cluster.id().await?;
                    Ok::<_, crate::cluster::Error>((cluster, id))
                };
                (at, connected.await)
            })
            .buffer_unordered(CLUSTERS_AT_ONCE);
        let mut connected = Vec::new();
        while let Some(one) = connecting.next().await {
            connected.push(one);
        }
        drop(connecting);
        for (at, result) in connected {
            let place = &mut state.journal.places[at];
            let result = result.map_err(CommandError::from).and_then(|(cluster, id)| {
                leads_to(place, &cluster)?;
                Ok((cluster, id))
            });
            match result {
                Ok((cluster, id)) => {
                    place.cluster = Some(id);
                    self.clusters.insert(at, cluster);
                }
                Err(error) => drop(self.unreached.insert(at, error)),
            }
        }
    }

    /// Connects to a place, once.
    pub(super) async fn cluster(&mut self, state: &RotationState, at: usize) -> Result<Cluster, CommandError> {
        if let Some(cluster) = self.clusters.get(&at) {
            return Ok(cluster.clone());
        }
        if let Some(error) = self.unreached.get(&at) {
            return Err(error.clone());
        }
        let place = &state.journal.places[at];
        let options = state.journal.connect_options(place.context.as_deref(), self.timeout);
        let cluster = Cluster::connect(&self.system.env, &options).await?;
        leads_to(place, &cluster)?;
        self.clusters.insert(at, cluster.clone());
        Ok(cluster)
    }

    /// Sends a request to the registry; Ctrl-C ends the wait for its response. The request may succeed all the same:
    /// the phase says what has to be looked at again.
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

    /// The same with the account's password, and once more with a one-time code where that is what it lacks; or with
    /// another one, where an earlier question of this rotation has used it up.
    pub(super) async fn ask_as_account<T, E>(
        &mut self,
        state: &RotationState,
        [wants_code, refuses_code]: AboutCode<E>,
        question: impl Fn(&Account, &Options, &Env) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<Result<T, E>, Stop>
    where
        T: Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        let was_used = self.account.as_ref().is_some_and(|account| account.code.is_some());
        let mut account = self.account(state)?;
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
        self.account = Some(account);
        Ok(answer)
    }

    /// Whether the account's password is known or can be prompted for.
    pub(super) fn can_ask(&self) -> bool {
        self.account.is_some() || self.password_stdin || self.system.person.is_some()
    }

    /// The account with its password, which is prompted for once.
    pub(super) fn account(&mut self, state: &RotationState) -> Result<Account, CommandError> {
        if let Some(account) = &self.account {
            return Ok(account.clone());
        }
        let username = match state.phase() {
            // What is being revoked on the way forward is the old user's.
            Some(Phase::Revoking) => &state.old.username,
            _ => &state.username,
        };
        let account = password::account(&state.name.registry, username, self.password_stdin, self.system)?;
        Ok(self.account.insert(account).clone())
    }
}

/// A context's name can lead elsewhere by now.
fn leads_to(place: &Place, cluster: &Cluster) -> Result<(), CommandError> {
    let Some(server) = place.server.as_ref().filter(|server| *server != cluster.server()) else {
        return Ok(());
    };
    Err(CommandError::failed(format_args!(
        "the context led to {server} when this rotation began, and leads to {} now",
        cluster.server()
    ))
    .hint("correct the kubeconfig, or give up the Secrets of the context with --skip-context"))
}
