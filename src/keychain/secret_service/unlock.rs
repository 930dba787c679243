//! Locked keyrings: unlocking, and the prompts that a person answers on the screen.

use zbus::{OwnedObjectPath, OwnedVariant, Variant};

use super::Error;
use super::bus;
use super::session::{COLLECTION, DEFAULT_PATH, NAME, PROPERTIES, Session, body, call, on, service};

const PROMPT: &str = "org.freedesktop.Secret.Prompt";
const COMPLETED: &str = "Completed";

impl Session<'_> {
    /// A service without a default collection has nothing that could be locked.
    pub(super) async fn is_default_locked(&mut self) -> Result<bool, Error> {
        let get = call(DEFAULT_PATH, PROPERTIES, "Get", &(COLLECTION, "Locked"))?;
        match self.bus.call(get).await? {
            Ok(reply) => {
                let (locked,): (OwnedVariant,) = body(&reply)?;
                Ok(bool::try_from(Variant::from(locked)).unwrap_or(false))
            }
            Err(refusal) if refusal.is_gone() => Ok(false),
            Err(refusal) => Err(refusal.into()),
        }
    }

    pub(super) async fn unlock_default(&mut self) -> Result<(), Error> {
        let reply = self.bus.call(service("ReadAlias", &("default",))?).await??;
        let (collection,): (OwnedObjectPath,) = body(&reply)?;
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
    pub(super) async fn answer(&mut self, prompt: &OwnedObjectPath) -> Result<(), Error> {
        if is_none(prompt) {
            return Ok(());
        }
        if !self.shared.prompts {
            return Err(Error::Locked);
        }
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
        let limit = self.shared.limits.prompt;
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
