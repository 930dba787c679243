//! Locked keyrings: unlocking, and the prompts that a person answers on the screen.

use std::time::Duration;

use zbus::message::Message;
use zbus::{OwnedObjectPath, OwnedVariant, Variant};

use super::Error;
use super::bus::{self, Reply};
use super::session::{COLLECTION, DEFAULT_PATH, NAME, PROPERTIES, Session, body, call, on, service};

const PROMPT: &str = "org.freedesktop.Secret.Prompt";
const COMPLETED: &str = "Completed";

impl Session<'_> {
    /// Fails where there is no default collection: KeePassXC would ask a person for one at the next search.
    pub(super) async fn is_locked(&mut self) -> Result<bool, Error> {
        is_locked(self.bus.call(is_default_locked()?).await?)?.ok_or(Error::NoCollection)
    }

    pub(super) async fn is_default_locked(&mut self) -> Result<bool, Error> {
        Ok(is_locked(self.bus.call(is_default_locked()?).await?)? == Some(true))
    }

    /// The answer to a call that the service keeps until a person has unlocked the default collection, or made one.
    pub(super) async fn await_person(&mut self, call: &Message, locked: Option<bool>) -> Result<Reply, Error> {
        if !self.shared.prompts {
            return Err(locked.map_or(Error::NoCollection, |_| Error::Locked));
        }
        let limit = self.shared.limits.prompt;
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
        if !self.shared.prompts {
            return Err(Error::Locked);
        }
        self.complete(prompt, self.shared.limits.prompt).await
    }

    /// Sees to the `prompt` of a change, where the service wants one.
    ///
    /// KeePassXC has one for each item that it creates or deletes, and answers it by itself unless its owner wants to be
    /// asked: that needs no screen here, and a person elsewhere has as long as the service itself.
    pub(super) async fn confirm(&mut self, prompt: &OwnedObjectPath) -> Result<(), Error> {
        if is_none(prompt) {
            return Ok(());
        }
        let limits = &self.shared.limits;
        let limit = if self.shared.prompts {
            limits.prompt
        } else {
            limits.call
        };
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

/// The call that asks whether the default collection is locked.
pub(super) fn is_default_locked() -> Result<Message, Error> {
    call(DEFAULT_PATH, PROPERTIES, "Get", &(COLLECTION, "Locked"))
}

/// What the answer says; `None` where there is no default collection.
pub(super) fn is_locked(reply: Reply) -> Result<Option<bool>, Error> {
    match reply {
        Ok(reply) => {
            let (locked,): (OwnedVariant,) = body(&reply)?;
            Ok(Some(bool::try_from(Variant::from(locked)).unwrap_or(false)))
        }
        Err(refusal) if refusal.is_gone() => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

/// The specification's path for "no such thing".
fn is_none(path: &OwnedObjectPath) -> bool {
    path.as_str() == "/"
}
