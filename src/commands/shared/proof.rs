//! Proving a credential before it goes into a cluster: each is asked about once, while the cluster is read.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, Shared};
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::targets::Supply;
use super::verify;
use crate::commands::args::RegistryConnectionArgs;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::ledger::{Connection, Ledger, TokenId};
use crate::model::Credential;
use crate::registry::{self, VerifyError};
use crate::sys::env::Env;

/// A credential that the registry accepted this recently is not asked about again.
const FRESH: SignedDuration = SignedDuration::from_mins(10);

/// What is known of a credential before it is written.
#[derive(Clone, Debug)]
pub(in crate::commands) enum Proof {
    /// Its registry accepts it, or nobody is to be asked.
    Works,
    /// Its registry does not accept it: it must not take the place of one that works.
    Refused(CommandError),
    /// Its registry gave no answer that says either.
    Unknown(CommandError),
}

/// The proofs of a run.
pub(in crate::commands) struct Proofs {
    asking: Option<Asking>,
    asked: RefCell<Vec<Asked>>,
    /// Credentials without an answer, whose Secrets are as they should be.
    unproven: RefCell<Vec<(Credential, CommandError)>>,
}

struct Asking {
    connection: RegistryConnectionArgs,
    env: Env,
    ledger: Ledger,
}

struct Asked {
    supply: Rc<Supply>,
    proof: Shared<LocalBoxFuture<'static, Proof>>,
}

impl Proofs {
    /// Nobody is asked: the credential was proven before, or is not to be.
    pub(in crate::commands) fn none() -> Self {
        Self {
            asking: None,
            asked: RefCell::default(),
            unproven: RefCell::default(),
        }
    }

    /// Registries are asked, and reached as the flags say; without flags, as `login` reached them.
    pub(in crate::commands) fn asking(connection: &RegistryConnectionArgs, env: &Env, ledger: Ledger) -> Self {
        Self {
            asking: Some(Asking {
                connection: connection.clone(),
                env: env.clone(),
                ledger,
            }),
            ..Self::none()
        }
    }

    /// Asks about the credential, in the background, if that was not done yet. Needs a runtime.
    pub(in crate::commands) fn begin(&self, supply: &Rc<Supply>) {
        let Some(asking) = &self.asking else { return };
        let mut asked = self.asked.borrow_mut();
        if asked.iter().any(|one| one.supply.credential == supply.credential) {
            return;
        }
        asked.push(Asked {
            supply: supply.clone(),
            proof: asking.ask(supply).shared(),
        });
    }

    /// What is known of it.
    pub(in crate::commands) async fn of(&self, supply: &Rc<Supply>) -> Proof {
        self.begin(supply);
        let proof = {
            let asked = self.asked.borrow();
            let of_it = asked.iter().find(|one| one.supply.credential == supply.credential);
            of_it.map(|one| one.proof.clone())
        };
        match proof {
            Some(proof) => proof.await,
            None => Proof::Works,
        }
    }

    /// A Secret is as it should be, and nobody knows whether its credential works.
    pub(in crate::commands) fn add_unproven(&self, supply: &Supply, error: &CommandError) {
        let mut unproven = self.unproven.borrow_mut();
        if !unproven.iter().any(|(credential, _)| *credential == supply.credential) {
            unproven.push((supply.credential.clone(), error.clone()));
        }
    }

    /// Says which credentials could not be proven.
    pub(in crate::commands) fn report_unproven(&self, system: &mut System<'_>) {
        for (credential, error) in self.unproven.take() {
            system.output.warn(format_args!(
                "nobody could say whether the token for {} still works: {error}",
                credential.registry
            ));
        }
    }

    /// The tokens of the keychain that their registries accepted in this run.
    pub(in crate::commands) fn proven(&self) -> Vec<TokenId> {
        let asked = self.asked.borrow();
        let works = asked
            .iter()
            .filter(|one| matches!(one.proof.peek(), Some(Proof::Works)));
        works.filter_map(|one| one.supply.id.clone()).collect()
    }
}

impl Asking {
    fn ask(&self, supply: &Rc<Supply>) -> LocalBoxFuture<'static, Proof> {
        if self.is_fresh(supply) {
            return std::future::ready(Proof::Works).boxed_local();
        }
        let (credential, env) = (supply.credential.clone(), self.env.clone());
        let options = self.connection(supply).options(RegistryConnectionArgs::TIMEOUT);
        let answer = tokio::task::spawn_blocking(move || registry::verify(&credential, &options, &env).err());
        async {
            match answer.await {
                Ok(None) => Proof::Works,
                Ok(Some(error)) => Proof::of(error),
                Err(_) => Proof::Unknown(CommandError::failed("a part of regcred ended without an answer")),
            }
        }
        .boxed_local()
    }

    fn is_fresh(&self, supply: &Supply) -> bool {
        let is_fresh = |id| self.ledger.is_proved(id, FRESH, Timestamp::now());
        supply.id.as_ref().is_some_and(is_fresh)
    }

    fn connection(&self, supply: &Supply) -> RegistryConnectionArgs {
        known_connection(&self.connection, &self.ledger, supply)
    }
}

/// How the registry is reached: as the flags say, or else as `login` reached it.
fn known_connection(given: &RegistryConnectionArgs, ledger: &Ledger, supply: &Supply) -> RegistryConnectionArgs {
    if *given != RegistryConnectionArgs::default() {
        return given.clone();
    }
    let known = ledger.credential(&supply.credential.registry, supply.usage);
    known.map_or_else(RegistryConnectionArgs::default, |known| {
        RegistryConnectionArgs::from(&known.connection)
    })
}

impl Proof {
    fn of(error: VerifyError) -> Self {
        if error.is_dead() {
            Self::Refused(error.into())
        } else {
            Self::Unknown(error.into())
        }
    }
}

/// Proves credentials that are about to be printed.
pub(in crate::commands) fn all(
    supplies: &[Rc<Supply>],
    connection: &RegistryConnectionArgs,
    ledger: &Ledger,
    system: &mut System<'_>,
) -> Result<(), CommandError> {
    let mut proven: Vec<&Credential> = Vec::new();
    for supply in supplies {
        let is_fresh = |id| ledger.is_proved(id, FRESH, Timestamp::now());
        if proven.contains(&&supply.credential) || supply.id.as_ref().is_some_and(is_fresh) {
            continue;
        }
        let connection = known_connection(connection, ledger, supply);
        verify::verify(&supply.credential, &connection, system)
            .map_err(|error| CommandError::from(error).hint(NO_VERIFY))?;
        proven.push(&supply.credential);
    }
    Ok(())
}

/// For those who know better.
pub(in crate::commands) const NO_VERIFY: &str =
    "--no-verify writes it without asking the registry, for those who know that it works";

impl From<&Connection> for RegistryConnectionArgs {
    fn from(known: &Connection) -> Self {
        Self {
            ca_file: known.ca_file.clone(),
            plain_http: known.plain_http,
            gitea_path: known.gitea_path.as_deref().and_then(|path| path.parse().ok()),
        }
    }
}

impl From<&RegistryConnectionArgs> for Connection {
    fn from(args: &RegistryConnectionArgs) -> Self {
        Self {
            ca_file: args.ca_file.as_deref().and_then(|path| std::path::absolute(path).ok()),
            plain_http: args.plain_http,
            gitea_path: args.gitea_path.as_ref().map(ToString::to_string),
        }
    }
}
