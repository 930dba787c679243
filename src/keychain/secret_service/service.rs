//! The default keyring: its lock state, unlocking it, and the prompts that the user answers on the screen.

use std::time::Duration;

use zbus::message::Message;
use zbus::{OwnedObjectPath, OwnedVariant};

use super::bus::{self, Bus, Reply};
use super::calls::{NAME, body, collections, is_default_locked, is_locked, on, service};
use crate::keychain::Error;

const PROMPT: &str = "org.freedesktop.Secret.Prompt";
const COMPLETED: &str = "Completed";

/// Time limits.
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
    /// Whether there is a screen for a prompt.
    prompts: bool,
}

impl<'a> Service<'a> {
    pub(super) fn new(bus: Bus, limits: &'a Limits, prompts: bool) -> Self {
        Self { bus, limits, prompts }
    }

    /// Makes the first call, which a service that knows no caller can answer, and waits for the answer.
    ///
    /// gnome-keyring makes a record of a caller when it gets the first message, and now and then handles the call before.
    /// The search then is an "unknown method"; a property of the default collection and `OpenSession` abort it (GNOME's
    /// gnome-keyring issues 190 and 195, Debian's bug 1147303; with `GLib` from 2.88.2), and the keyring is locked when it
    /// comes back. Once a call was answered, the record is there before the next one.
    pub(super) async fn introduce(&mut self) -> Result<(), Error> {
        match self.bus.call(collections()?).await?.map_err(Error::from) {
            // There is one, whatever it thinks of this property.
            Ok(_) | Err(Error::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Fails if there is no default collection: KeePassXC would ask the user for one at the next search.
    pub(super) async fn is_locked(&mut self) -> Result<bool, Error> {
        self.default_lock().await?.ok_or(Error::NoCollection)
    }

    pub(super) async fn is_default_locked(&mut self) -> Result<bool, Error> {
        Ok(self.default_lock().await? == Some(true))
    }

    async fn default_lock(&mut self) -> Result<Option<bool>, Error> {
        match is_locked(self.bus.call(is_default_locked()?).await?)? {
            None => self.no_default().await.map(|()| None),
            locked => Ok(locked),
        }
    }

    /// Succeeds if there is no default collection; [`Error::Vanished`] if the service has one all the same.
    ///
    /// gnome-keyring 42.1 now and then answers a call on its default collection with "object does not exist at path",
    /// and the path is a piece of memory that it has freed. Taken at its word, a locked keyring would be an empty one.
    pub(super) async fn no_default(&mut self) -> Result<(), Error> {
        if is_none(&self.default_collection().await?) {
            Ok(())
        } else {
            Err(Error::Vanished("a default keyring"))
        }
    }

    /// Waits for a call that the service answers only after the user has unlocked or created the default collection.
    pub(super) async fn await_user(&mut self, call: &Message, locked: Option<bool>) -> Result<Reply, Error> {
        if !self.prompts {
            return Err(locked.map_or(Error::NoCollection, |_| Error::Locked));
        }
        let limit = self.limits.prompt;
        self.bus.wait_for(call, limit).await.map_err(|error| match error {
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

    /// Shows `prompt`, if the service wants one, and waits for the user.
    async fn answer(&mut self, prompt: &OwnedObjectPath) -> Result<(), Error> {
        if is_none(prompt) {
            return Ok(());
        }
        if !self.prompts {
            return Err(Error::Locked);
        }
        self.complete(prompt, self.limits.prompt).await
    }

    /// Completes the `prompt` of a change, if the service wants one.
    ///
    /// KeePassXC has a prompt for each item that it creates or deletes and answers it itself, unless the user has asked
    /// to confirm. That needs no screen here, so without one the time limit is that of a call.
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
        // No `Dismiss` on the way out: gnome-keyring 42 aborts on it (an assertion in perform_next_unlock). It closes
        // the window itself when we leave the bus.
        let completed = completed.await?.ok_or(Error::PromptUnanswered(limit))?;
        let (dismissed, _): (bool, OwnedVariant) = body(&completed)?;
        if dismissed { Err(Error::PromptDismissed) } else { Ok(()) }
    }
}

/// The specification's path for "no object".
fn is_none(path: &OwnedObjectPath) -> bool {
    path.as_str() == "/"
}
