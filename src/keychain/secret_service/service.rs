//! The default keyring: whether it is locked, unlocking it, and the prompts that a person answers on the screen.

use std::time::Duration;

use zbus::message::Message;
use zbus::{OwnedObjectPath, OwnedVariant};

use super::bus::{self, Bus, Reply};
use super::calls::{NAME, body, is_default_locked, is_locked, on, service};
use crate::keychain::Error;

const PROMPT: &str = "org.freedesktop.Secret.Prompt";
const COMPLETED: &str = "Completed";

/// How long to wait for others.
#[derive(Clone, Debug)]
pub struct Limits {
    /// For the service to answer a call.
    pub call: Duration,
    /// For a person to answer a prompt.
    pub prompt: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(5),
            prompt: Duration::from_secs(30),
        }
    }
}

pub(super) struct Service<'a> {
    pub(super) bus: Bus,
    pub(super) limits: &'a Limits,
    /// Whether somebody could see a prompt.
    prompts: bool,
}

impl<'a> Service<'a> {
    pub(super) fn new(bus: Bus, limits: &'a Limits, prompts: bool) -> Self {
        Self { bus, limits, prompts }
    }

    /// Fails where there is no default collection: KeePassXC would ask a person for one at the next search.
    pub(super) async fn is_locked(&mut self) -> Result<bool, Error> {
        is_locked(self.bus.call(is_default_locked()?).await?)?.ok_or(Error::NoCollection)
    }

    pub(super) async fn is_default_locked(&mut self) -> Result<bool, Error> {
        Ok(is_locked(self.bus.call(is_default_locked()?).await?)? == Some(true))
    }

    /// The answer to a call that the service keeps until a person has unlocked the default collection, or made one.
    pub(super) async fn await_person(&mut self, call: &Message, locked: Option<bool>) -> Result<Reply, Error> {
        if !self.prompts {
            return Err(locked.map_or(Error::NoCollection, |_| Error::Locked));
        }
        let limit = self.limits.prompt;
        self.bus.late(call, limit).await.map_err(|error| match error {
            Error::NoAnswer(_) => Error::PromptUnanswered(limit),
            other => other,
        })
    }

    /// The path of the default collection, or [`is_none`].
    pub(super) async fn default_collection(&mut self) -> Result<OwnedObjectPath, Error> {
        let reply = self.bus.call(service("ReadAlias", &("default",))?).await??;
        Ok(body::<(OwnedObjectPath,)>(&reply)?.0)
    }

    pub(super) async fn unlock_default(&mut self) -> Result<(), Error> {
        let collection = self.default_collection().await?;
        if is_none(&collection) {
            return Err(Error::NoCollection);
        }
        self.unlock(&[collection]).await
    }

    pub(super) async fn unlock(&mut self, objects: &[OwnedObjectPath]) -> Result<(), Error> {
        let reply = self.bus.call(service("Unlock", &(objects,))?).await??;
        let (_, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) = body(&reply)?;
        self.answer(&prompt).await
    }

    /// Has the person at the screen answer `prompt`, where the service wants one.
    async fn answer(&mut self, prompt: &OwnedObjectPath) -> Result<(), Error> {
        if is_none(prompt) {
            return Ok(());
        }
        if !self.prompts {
            return Err(Error::Locked);
        }
        self.complete(prompt, self.limits.prompt).await
    }

    /// Sees to the `prompt` of a change, where the service wants one.
    ///
    /// KeePassXC has one for each item that it creates or deletes, and answers it by itself unless its owner wants to be
    /// asked: that needs no screen here, and a person elsewhere has as long as the service itself.
    pub(super) async fn confirm(&mut self, prompt: &OwnedObjectPath) -> Result<(), Error> {
        if is_none(prompt) {
            return Ok(());
        }
        let limits = self.limits;
        let limit = if self.prompts { limits.prompt } else { limits.call };
        self.complete(prompt, limit).await
    }

    async fn complete(&mut self, prompt: &OwnedObjectPath, limit: Duration) -> Result<(), Error> {
        let rule = format!("type='signal',sender='{NAME}',path='{prompt}',interface='{PROMPT}',member='{COMPLETED}'");
        let calls = [
            bus::call(
                "org.freedesktop.DBus",
                "/org/freedesktop/DBus",
                "org.freedesktop.DBus",
                "AddMatch",
                &(rule,),
            )?,
            on(prompt, PROMPT, "Prompt", &("",))?,
        ];
        for reply in self.bus.exchange(&calls).await? {
            reply?;
        }
        let completed = self.bus.signal(limit, |signal| {
            let header = signal.header();
            header.path().is_some_and(|path| path.as_str() == prompt.as_str())
                && header.member().is_some_and(|member| member.as_str() == COMPLETED)
        });
        // No `Dismiss` on the way out: gnome-keyring 42 aborts on it (an assertion in perform_next_unlock). It takes the
        // window off the screen by itself when whoever asked for it leaves the bus.
        let completed = completed.await?.ok_or(Error::PromptUnanswered(limit))?;
        let (dismissed, _): (bool, OwnedVariant) = body(&completed)?;
        if dismissed { Err(Error::PromptDismissed) } else { Ok(()) }
    }
}

/// The specification's path for "no such thing".
fn is_none(path: &OwnedObjectPath) -> bool {
    path.as_str() == "/"
}
