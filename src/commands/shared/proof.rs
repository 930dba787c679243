//! Proving a credential before it goes into a cluster: each is asked about once, while the cluster is read. The tokens
//! in whose place it would go are asked about too, once each.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, Shared};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::another::{Another, Side, another};
use super::authorship::Authorship;
use super::connections::Connections;
use super::targets::Supply;
use super::verify::{self, MAX_REFUSED};
use crate::cluster::OtherToken;
use crate::commands::args::RegistryConnectionArgs;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::ledger::{Ledger, TokenId};
use crate::model::{CommandLine, Credential};
use crate::registry::{self, Verified, VerifyError};
use crate::sys::env::Env;

/// A credential that the registry accepted this recently is not asked about again.
const FRESH: SignedDuration = SignedDuration::from_mins(10);

/// What is known of a credential before it is written.
#[derive(Clone, Debug)]
pub(in crate::commands) enum Proof {
    /// Its registry accepts it, and said so in this run; or it did minutes ago, or nobody is to be asked.
    Works(Option<Rc<Verified>>),
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
    /// What the registries say of tokens that Secrets hold, and of the own ones in comparison. One at a time.
    answers: Mutex<Vec<(Credential, Answer)>>,
}

/// What a registry says of a token.
#[derive(Clone, Debug)]
enum Answer {
    Works(Rc<Verified>),
    Dead,
    Unknown(CommandError),
}

struct Asking {
    connections: Connections,
    env: Env,
    ledger: Ledger,
}

struct Asked {
    supply: Rc<Supply>,
    /// The ledger had a fresh proof. It does not become newer by being used.
    is_remembered: bool,
    proof: Shared<LocalBoxFuture<'static, Proof>>,
}

impl Proofs {
    /// Nobody is asked: the credential was proven before, or is not to be.
    pub(in crate::commands) fn none() -> Self {
        Self {
            asking: None,
            asked: RefCell::default(),
            unproven: RefCell::default(),
            answers: Mutex::default(),
        }
    }

    /// Registries are asked, and reached as the flags say; without flags, as `login` reached them.
    pub(in crate::commands) fn asking(connection: &RegistryConnectionArgs, env: &Env, ledger: Ledger) -> Self {
        Self {
            asking: Some(Asking {
                connections: Connections::new(connection, &ledger, RegistryConnectionArgs::TIMEOUT),
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
        let is_remembered = is_fresh(&asking.ledger, supply);
        let proof = if is_remembered {
            std::future::ready(Proof::Works(None)).boxed_local()
        } else {
            asking.ask(supply)
        };
        asked.push(Asked {
            supply: supply.clone(),
            is_remembered,
            proof: proof.shared(),
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
            None => Proof::Works(None),
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

    /// Whether the credential may take the place of this other token: one that is dead, or of which it is the newer one.
    pub(in crate::commands) async fn may_replace(
        &self,
        supply: &Rc<Supply>,
        other: &OtherToken,
        authorship: &Authorship,
    ) -> Result<(), CommandError> {
        let own = authorship.writer.installation.as_ref();
        let refused = |another: Another| {
            let works = if self.asking.is_some() { " that works" } else { "" };
            CommandError::failed(format_args!(
                "it holds another token of {}{works}: {another}",
                other.registry
            ))
            .hint(take_over(&another))
        };
        let reason = |ours: Option<&Verified>, theirs: Option<&Verified>| {
            let ours = Side {
                username: supply.credential.username.as_str(),
                verified: ours,
            };
            let theirs = Side {
                username: &other.username,
                verified: theirs,
            };
            another(ours, theirs, other.writer.as_ref(), own)
        };
        let Some(asking) = &self.asking else {
            return reason(None, None).map_or(Ok(()), |another| Err(refused(another)));
        };
        // Nobody can log in with a name that is none.
        let Ok(username) = other.username.parse() else {
            return Ok(());
        };
        let theirs = Credential {
            registry: other.registry.clone(),
            username,
            token: other.token.clone(),
        };
        match self.answer(asking, &theirs).await {
            Answer::Dead => Ok(()),
            Answer::Unknown(error) => Err(error
                .without_hints()
                .on(format_args!(
                    "nobody could say whether the other token of {} in it works",
                    other.registry
                ))
                .hint("--take-over writes it without asking about that one")),
            Answer::Works(theirs) => {
                let ours = match reason(None, Some(&theirs)) {
                    Some(Another::Installation(_)) => None,
                    _ => match self.own_answer(asking, supply).await {
                        Answer::Works(ours) => Some(ours),
                        Answer::Dead => return Err(only_theirs_works(supply)),
                        Answer::Unknown(_) => None,
                    },
                };
                reason(ours.as_deref(), Some(&theirs)).map_or(Ok(()), |another| Err(refused(another)))
            }
        }
    }

    /// What the registry says of the own token: it is asked where there is only a remembered proof, which does not have that,
    /// and may be older than the token's end.
    async fn own_answer(&self, asking: &Asking, supply: &Rc<Supply>) -> Answer {
        match self.of(supply).await {
            Proof::Works(Some(verified)) => Answer::Works(verified),
            _ => self.answer(asking, &supply.credential).await,
        }
    }

    /// What the registry says of this token, which is asked about once.
    async fn answer(&self, asking: &Asking, of: &Credential) -> Answer {
        let mut answers = self.answers.lock().await;
        if let Some((_, known)) = answers.iter().find(|(known, _)| known == of) {
            return known.clone();
        }
        let is_refused = |(known, answer): &&(Credential, Answer)| {
            matches!(answer, Answer::Dead) && known.registry == of.registry && known.username == of.username
        };
        if answers.iter().filter(is_refused).count() >= MAX_REFUSED {
            return Answer::Unknown(CommandError::failed(format_args!(
                "{} refused {MAX_REFUSED} tokens of {} before it, and more might lock the account",
                of.registry, of.username
            )));
        }
        let answer = match asking.verify(of).await {
            Ok(Ok(verified)) => Answer::Works(Rc::new(verified)),
            Ok(Err(error)) if error.is_dead() => Answer::Dead,
            Ok(Err(error)) => Answer::Unknown(error.into()),
            Err(error) => Answer::Unknown(error),
        };
        answers.push((of.clone(), answer.clone()));
        answer
    }

    /// The tokens of the keychain that their registries accepted in this run.
    pub(in crate::commands) fn proven(&self) -> Vec<TokenId> {
        let asked = self.asked.borrow();
        let works = asked
            .iter()
            .filter(|one| !one.is_remembered && matches!(one.proof.peek(), Some(Proof::Works(_))));
        works.filter_map(|one| one.supply.id.clone()).collect()
    }
}

impl Asking {
    fn ask(&self, supply: &Rc<Supply>) -> LocalBoxFuture<'static, Proof> {
        let answer = self.verify(&supply.credential);
        async {
            match answer.await {
                Ok(Ok(verified)) => Proof::Works(Some(Rc::new(verified))),
                Ok(Err(error)) => Proof::of(error),
                Err(error) => Proof::Unknown(error),
            }
        }
        .boxed_local()
    }

    /// Asks the registry about a token, in the background from now on.
    fn verify(
        &self,
        credential: &Credential,
    ) -> impl Future<Output = Result<Result<Verified, VerifyError>, CommandError>> + use<> {
        let (credential, env) = (credential.clone(), self.env.clone());
        let options = self.connections.options(&credential.registry);
        let answer = tokio::task::spawn_blocking(move || registry::verify(&credential, &options, &env));
        async {
            let ended = |_| CommandError::failed("a part of regcred ended without an answer");
            answer.await.map_err(ended)
        }
    }
}

/// Whether the registry accepted the credential minutes ago.
fn is_fresh(ledger: &Ledger, supply: &Supply) -> bool {
    let is_fresh = |id| ledger.is_proved(id, FRESH, Timestamp::now());
    supply.id.as_ref().is_some_and(is_fresh)
}

/// The keychain's token died after it was proven, and the Secret was given one that works.
fn only_theirs_works(supply: &Supply) -> CommandError {
    let Credential { registry, username, .. } = &supply.credential;
    let login = CommandLine::new("kubectl regcred login")
        .value("REGISTRY", registry.as_str())
        .option("-u", "USER", username.as_str())
        .option("--use", "USE", supply.usage.as_str());
    CommandError::failed(format_args!(
        "{registry} does not accept the keychain's token any more, and it accepts the one in the Secret"
    ))
    .hint(format_args!("{login} stores the one that works"))
}

/// What to do about a token that is another's.
fn take_over(another: &Another) -> String {
    let first = match another {
        Another::Installation(writer) => format!("leave it, or ask {writer}"),
        Another::User { theirs, .. } => format!("leave it, or ask {theirs}"),
        Another::Rights { .. } => "login --use cluster keeps a token for clusters that may only pull".to_owned(),
    };
    format!("{first}; --take-over writes yours all the same")
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
    let connections = Connections::new(connection, ledger, RegistryConnectionArgs::TIMEOUT);
    let mut proven: Vec<&Credential> = Vec::new();
    for supply in supplies {
        if proven.contains(&&supply.credential) || is_fresh(ledger, supply) {
            continue;
        }
        verify::verify(&supply.credential, connections.to(&supply.credential.registry), system)
            .map_err(|error| CommandError::from(error).hint(NO_VERIFY))?;
        proven.push(&supply.credential);
    }
    Ok(())
}

/// For those who know better.
pub(in crate::commands) const NO_VERIFY: &str =
    "--no-verify writes it without asking the registry, for those who know that it works";
