//! The steps that ask the registry.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use super::engine::Engine;
use super::report::{Revocation, Stop};
use crate::commands::{login, mint, password};
use crate::error::CommandError;
use crate::model::rotation::{Instead, Phase, Which};
use crate::model::{Credential, Use};
use crate::registry::{
    self, Account, MintError, MintScopes, Options, RevokeError, Revoked, SiteError, TokenName, Verified, VerifyError,
};
use crate::sys::env::Env;

/// A registry that has not answered one question by then is called silent.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What an error says about a one-time code: whether one, which was not given, could help; and whether the one that was
/// given is refused.
type AboutCode<E> = [fn(&E) -> bool; 2];

/// The name of a token that is about to be made: one that nothing else has, because what is found under it after a kill
/// is deleted. The time alone is not enough: the old token can have been made in the same second.
pub(super) fn token_name(prefix: Option<&TokenName>, usage: Use, env: &Env) -> Result<TokenName, CommandError> {
    let name = mint::name(usage, env)?;
    let (usual, time) = name.as_str().rsplit_once('-').unwrap_or((name.as_str(), ""));
    let prefix = prefix.map_or(usual, TokenName::as_str);
    // Two processes get different keys for their hash maps.
    let unique = RandomState::new().hash_one(()) >> 32;
    format!("{prefix}-{time}-{unique:08x}")
        .parse()
        .map_err(CommandError::usage)
}

impl Engine<'_, '_> {
    fn options(&self) -> Options {
        self.subject.journal.registry.args().options(TIMEOUT)
    }

    /// Sees that the registry accepts the token, and says what it may do.
    pub(super) async fn prove(&mut self, which: Which) -> Result<Option<Instead>, Stop> {
        let credential = self.credential(which)?;
        match self.verify(which).await? {
            Ok(verified) => {
                if which == Which::New {
                    login::report(&verified, &credential, self.subject.name.usage, self.system);
                }
                Ok(None)
            }
            Err(error) if error.is_refusal() => {
                self.system.output.say(format_args!("the {which} token: {error}"));
                Ok(Some(self.instead(which).await?))
            }
            Err(error) => Err(CommandError::from(error).into()),
        }
    }

    /// Whether the registry accepts a token; an error where it says neither yes nor no.
    pub(super) async fn accepts(&mut self, which: Which) -> Result<bool, Stop> {
        match self.verify(which).await? {
            Ok(_) => Ok(true),
            Err(error) if error.is_refusal() => Ok(false),
            Err(error) => Err(CommandError::from(error).into()),
        }
    }

    async fn verify(&mut self, which: Which) -> Result<Result<Verified, VerifyError>, Stop> {
        let (credential, options, env) = (self.credential(which)?, self.options(), self.system.env.clone());
        self.ask(move || registry::verify(&credential, &options, &env)).await
    }

    /// Asks the registry, so that Ctrl-C ends the wait for its answer. What it was asked to do may be done all the same:
    /// the phase says what has to be looked at again.
    async fn ask<T: Send + 'static>(&mut self, question: impl FnOnce() -> T + Send + 'static) -> Result<T, Stop> {
        let registry = &self.subject.name.registry;
        self.system.output.progress(format_args!("asking {registry}"));
        let answer = self.interrupt.or_blocking(question).await;
        self.system.output.end_progress();
        Ok(answer??)
    }

    /// The same with the account's password, and once more with a one-time code where that is what it lacks; or with
    /// another one, where an earlier question of this rotation has used it up.
    async fn ask_as_account<T, E>(
        &mut self,
        [wants_code, refuses_code]: AboutCode<E>,
        question: impl Fn(&Account) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<Result<T, E>, Stop>
    where
        T: Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        let was_used = self.account.as_ref().is_some_and(|account| account.code.is_some());
        let mut account = self.account()?;
        let as_account = |account: &Account| {
            let (account, question) = (account.clone(), question.clone());
            move || question(&account)
        };
        let mut answer = self.ask(as_account(&account)).await?;
        if let Err(error) = &answer
            && (wants_code(error) || was_used && refuses_code(error))
            && password::ask_code(&mut account, error, self.system)?
        {
            answer = self.ask(as_account(&account)).await?;
        }
        self.account = Some(account);
        Ok(answer)
    }

    fn name(&self) -> Result<TokenName, CommandError> {
        let name = self.subject.journal.token_name.as_deref().unwrap_or_default();
        name.parse().map_err(CommandError::failed)
    }

    /// Makes the new token. A definite refusal leaves nothing behind, and so no rotation either.
    pub(super) async fn mint(&mut self) -> Result<(), Stop> {
        let name = self.name()?;
        let scopes = match &self.subject.journal.scopes {
            Some(scopes) => scopes.parse().map_err(CommandError::failed)?,
            None => MintScopes::for_use(self.subject.name.usage),
        };
        let registry = self.subject.name.registry.clone();
        let (at, options, env) = (registry.clone(), self.options(), self.system.env.clone());
        let made = self
            .ask_as_account([MintError::wants_code, MintError::refuses_code], move |account| {
                registry::mint(&at, account, &name, &scopes, &options, &env)
            })
            .await?;
        let minted = match made {
            Ok(minted) => minted,
            Err(error @ MintError::Uncertain { .. }) => return Err(CommandError::from(error).into()),
            Err(error) => return Err(self.unmade(error.into()).into()),
        };
        self.system.output.say(format_args!(
            "made the token {} of {} at {registry}",
            minted.name, self.subject.username
        ));
        self.subject.new = Some(Credential {
            registry,
            username: self.subject.username.clone(),
            token: minted.token,
        });
        Ok(())
    }

    /// Deletes what an attempt to make the new token may have left.
    pub(super) async fn sweep(&mut self) -> Result<(), Stop> {
        let name = self.name()?;
        let (registry, options, env) = (
            self.subject.name.registry.clone(),
            self.options(),
            self.system.env.clone(),
        );
        let swept = name.clone();
        let swept = self
            .ask_as_account([RevokeError::wants_code, RevokeError::refuses_code], move |account| {
                registry::sweep(&registry, account, &swept, &options, &env)
            })
            .await?;
        if swept.map_err(CommandError::from)? {
            self.system.output.say(format_args!(
                "deleted the token {name}, which was made before this was cut off"
            ));
        }
        Ok(())
    }

    /// Deletes the token that is no longer used: by itself, or else with the password.
    pub(super) async fn revoke(&mut self, which: Which) -> Result<(), Stop> {
        let (credential, options, env) = (self.credential(which)?, self.options(), self.system.env.clone());
        let revoke = move |account: Option<&Account>| registry::revoke(&credential, account, &options, &env);
        let by_itself = revoke.clone();
        let revoked = match self.ask(move || by_itself(None)).await? {
            Err(error) if error.wants_password() && self.can_ask() => {
                let revoked = self
                    .ask_as_account([RevokeError::wants_code, RevokeError::refuses_code], move |account| {
                        revoke(Some(account))
                    })
                    .await?;
                revoked.map_err(CommandError::from)?
            }
            Err(RevokeError::Site(SiteError::NotGitea { registry })) => {
                self.system.output.warn(format_args!(
                    "{registry} is no Gitea: delete the {which} token there, or change the password"
                ));
                self.result.revocation = Revocation::ByHand;
                return Ok(());
            }
            Err(error) => {
                let wants_password = error.wants_password();
                let error = CommandError::from(error).on(format_args!("the {which} token was not revoked"));
                let password = wants_password.then(|| {
                    "once it is deleted there, the same command again sees that and ends; or give the account's \
                     password with --password-stdin, or leave it alive with --keep-old"
                        .to_owned()
                });
                return Err(error.hints(password).into());
            }
            Ok(revoked) => revoked,
        };
        self.system.output.say(match revoked {
            Revoked::Now => format!("revoked the {which} token"),
            Revoked::Before => format!("the {which} token was gone already"),
        });
        self.result.revocation = Revocation::Done;
        Ok(())
    }

    fn can_ask(&self) -> bool {
        self.account.is_some() || self.password_stdin || self.system.person.is_some()
    }

    /// The account with its password, which is asked for once.
    pub(super) fn account(&mut self) -> Result<Account, CommandError> {
        if let Some(account) = &self.account {
            return Ok(account.clone());
        }
        let username = match self.phase() {
            // What is being revoked on the way forward is the old user's.
            Some(Phase::Revoking) => &self.subject.old.username,
            _ => &self.subject.username,
        };
        password::account(&self.subject.name.registry, username, self.password_stdin, self.system)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_tokens_have_one_name() {
        let name = |prefix: Option<&TokenName>| token_name(prefix, Use::Cluster, &Env::default()).unwrap().to_string();
        assert_ne!(name(None), name(None));
        let mine: TokenName = "ci".parse().unwrap();
        assert!(name(Some(&mine)).starts_with("ci-2"), "{}", name(Some(&mine)));
        assert_ne!(name(Some(&mine)), name(Some(&mine)));
    }
}
