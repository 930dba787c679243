//! The stored state of a rotation: the second token and a journal, in the same item as the current token.
//!
//! An item is written in one step, so a reader always finds the tokens and the phase consistent, even if a write was
//! killed.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use zeroize::{Zeroize, Zeroizing};

use super::item::{ROTATION, Secret};
use super::lock::WriteLock;
use super::{Error, Keychain, Name, secret, username};
use crate::model::rotation::Phase;
use crate::model::{Credential, Registry, Token, Username};

/// A rotation that is pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    pub phase: Phase,
    /// The token that is not the current one; [`Phase::current`] tells which of the two is. `None` while the new token
    /// is being made.
    pub other: Option<Credential>,
    /// What is needed to finish or undo the rotation, as a JSON object without a token. Only the rotate command reads
    /// it.
    pub journal: String,
}

/// An item's credential together with its pending rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredItem {
    /// The credential that readers get.
    pub current: Credential,
    pub rotation: Option<Rotation>,
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    phase: Cow<'a, str>,
    #[serde(borrow, default)]
    username: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    token: Option<Cow<'a, str>>,
    #[serde(borrow)]
    journal: &'a RawValue,
}

impl Drop for Fields<'_> {
    fn drop(&mut self) {
        if let Some(Cow::Owned(token)) = &mut self.token {
            token.zeroize();
        }
    }
}

impl Secret {
    /// Whether there is a rotation that can be finished. One that cannot be read must not block a login.
    pub(super) fn is_rotating(&self) -> bool {
        self.0
            .get(&[ROTATION])
            .and_then(|text| serde_json::from_str::<Fields<'_>>(text).ok())
            .is_some_and(|fields| fields.phase.parse::<Phase>().is_ok())
    }

    /// `Err` if there is one that cannot be read.
    pub(super) fn rotation(&self, registry: &Registry) -> Result<Option<Rotation>, ()> {
        let Some(text) = self.0.get(&[ROTATION]) else {
            return Ok(None);
        };
        let fields: Fields<'_> = serde_json::from_str(text).map_err(drop)?;
        let other = match (&fields.username, &fields.token) {
            (Some(username), Some(token)) => Some(Credential {
                registry: registry.clone(),
                username: username.parse().map_err(drop)?,
                token: Token::verbatim(token.as_ref().to_owned()),
            }),
            _ => None,
        };
        let phase: Phase = fields.phase.parse().map_err(drop)?;
        if phase.has_new() != other.is_some() {
            return Err(());
        }
        Ok(Some(Rotation {
            phase,
            other,
            journal: fields.journal.get().to_owned(),
        }))
    }

    fn set_rotation(&mut self, rotation: Option<&Rotation>) {
        let Some(Rotation { phase, other, journal }) = rotation else {
            self.0.remove(&[ROTATION]).expect("the document is an object");
            return;
        };
        let token = match other {
            None => Zeroizing::new(String::new()),
            Some(other) => {
                let token = Zeroizing::new(json!(other.token.expose()).to_string());
                let username = json!(other.username.as_str());
                Zeroizing::new(format!(r#""username":{username},"token":{},"#, token.as_str()))
            }
        };
        let text = Zeroizing::new(format!(
            r#"{{"phase":"{phase}",{}"journal":{journal}}}"#,
            token.as_str()
        ));
        self.0.set(&[ROTATION], &text).expect("the document is an object");
    }
}

impl Keychain {
    /// The item with its rotation, if the item exists.
    pub fn item(&self, name: &Name) -> Result<Option<StoredItem>, Error> {
        secret(&self.entry(name)?)?
            .map(|secret| stored_item(name, &secret))
            .transpose()
    }

    /// Refuses where a rotation of the credential is pending: for commands that would do something before they write.
    pub fn ensure_not_rotating(&self, name: &Name) -> Result<(), Error> {
        self.replaceable(name).map(drop)
    }

    /// The same, and whose credential would be replaced.
    pub fn replaceable(&self, name: &Name) -> Result<Option<Username>, Error> {
        let entry = self.entry(name)?;
        let credential = match secret(&entry) {
            Ok(Some(secret)) if secret.is_rotating() => return Err(Error::Rotating(name.clone())),
            Ok(Some(secret)) => secret.credential(&name.registry),
            Ok(None) => return Ok(None),
            Err(Error::Damaged(_)) => None,
            Err(error) => return Err(error),
        };
        match credential {
            Some(credential) => Ok(Some(credential.username)),
            // Its attributes may still be right.
            None if self.attributes => username(&entry),
            None => Ok(None),
        }
    }

    /// [`Error::Changed`] if the item is no longer `before`: for what is done elsewhere because of it.
    pub fn ensure_unchanged(&self, name: &Name, before: &StoredItem) -> Result<(), Error> {
        if self.item(name)?.as_ref() == Some(before) {
            Ok(())
        } else {
            Err(Error::Changed(name.to_string()))
        }
    }

    /// Replaces `before` with `after` in one write; [`Error::Changed`] if the item is no longer `before`.
    pub fn replace(&self, name: &Name, before: &StoredItem, after: &StoredItem) -> Result<(), Error> {
        let _held = self.lock.as_ref().map(WriteLock::acquire).transpose()?;
        let changed = || Error::Changed(name.to_string());
        let found = secret(&self.entry(name)?)?.ok_or_else(changed)?;
        if stored_item(name, &found)? != *before {
            return Err(changed());
        }
        let mut secret = found.clone();
        secret.set(&after.current);
        secret.set_rotation(after.rotation.as_ref());
        // Both tokens are only in this item: text that could not be read again would lose them.
        if stored_item(name, &secret)? != *after {
            return Err(Error::NotKept(name.to_string()));
        }
        self.change(name, Some(&found), Some((&after.current.username, &secret)))?;
        Ok(())
    }
}

fn stored_item(name: &Name, secret: &Secret) -> Result<StoredItem, Error> {
    let damaged = || Error::Damaged(name.to_string());
    Ok(StoredItem {
        current: secret.credential(&name.registry).ok_or_else(damaged)?,
        rotation: secret.rotation(&name.registry).map_err(|()| damaged())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Use;

    fn credential(token: &str) -> Credential {
        Credential {
            registry: "gitea.example.com".parse().unwrap(),
            username: "admin".parse().unwrap(),
            token: Token::parse(token).unwrap(),
        }
    }

    fn rotating(phase: Phase, other: Option<&str>) -> StoredItem {
        StoredItem {
            current: credential("cur\"rent"),
            rotation: Some(Rotation {
                phase,
                other: other.map(credential),
                journal: r#"{"contexts":[ 1 ]}"#.to_owned(),
            }),
        }
    }

    fn keychain() -> (Keychain, Name, StoredItem) {
        let keychain = Keychain::with_store(keyring_core::sample::Store::new().unwrap());
        let current = credential("cur\"rent");
        keychain.put(Use::Docker, &current).unwrap();
        let name = Name::login(&current.registry, Use::Docker);
        (
            keychain,
            name,
            StoredItem {
                current,
                rotation: None,
            },
        )
    }

    #[test]
    fn a_rotation_is_stored_with_the_token_and_leaves_no_trace() {
        let (keychain, name, idle) = keychain();
        assert_eq!(keychain.item(&name).unwrap(), Some(idle.clone()));
        let stored = || secret(&keychain.entry(&name).unwrap()).unwrap().unwrap();
        let alone = stored();
        let mut before = idle.clone();
        for after in [
            rotating(Phase::Minting, None),
            rotating(Phase::Writing, Some("n\\ew")),
            rotating(Phase::Promoted, Some("old")),
            idle.clone(),
        ] {
            keychain.replace(&name, &before, &after).unwrap();
            assert_eq!(keychain.item(&name).unwrap(), Some(after.clone()));
            before = after;
        }
        assert_eq!(stored().text().as_str(), alone.text().as_str());
        assert!(
            alone
                .text()
                .starts_with(r#"{"username":"admin","token":"cur\"rent","since":"#)
        );
    }

    #[test]
    fn a_concurrent_change_is_reported() {
        let (keychain, name, idle) = keychain();
        let pending = rotating(Phase::Writing, Some("new"));
        keychain.replace(&name, &idle, &pending).unwrap();
        let error = keychain
            .replace(&name, &idle, &rotating(Phase::Minting, None))
            .unwrap_err();
        assert!(matches!(error, Error::Changed(_)), "{error}");
        assert!(matches!(
            keychain.ensure_unchanged(&name, &idle),
            Err(Error::Changed(_))
        ));
        keychain.ensure_unchanged(&name, &pending).unwrap();
        assert_eq!(keychain.item(&name).unwrap(), Some(pending));
    }

    #[test]
    fn a_pending_rotation_is_not_lost_to_a_login_or_a_logout() {
        let (keychain, name, idle) = keychain();
        let pending = rotating(Phase::Writing, Some("new"));
        keychain.replace(&name, &idle, &pending).unwrap();
        let error = keychain.write(&name, &credential("third")).unwrap_err();
        assert!(matches!(error, Error::Rotating(_)), "{error}");
        let rotate = "kubectl regcred rotate gitea.example.com --use docker";
        assert_eq!(
            error.hints()[0].to_string(),
            format!("finish it with: {rotate} --resume; or go back with: {rotate} --abort")
        );
        assert!(matches!(keychain.remove(&name), Err(Error::Rotating(_))));
        // docker stores again what it was given.
        keychain.write(&name, &idle.current).unwrap();
        assert_eq!(keychain.item(&name).unwrap(), Some(pending));
    }

    #[test]
    fn whose_credential_would_be_replaced_is_known_unless_it_is_rotated() {
        let (keychain, name, idle) = keychain();
        let owner = |keychain: &Keychain| {
            keychain
                .replaceable(&name)
                .map(|user| user.map(|user| user.to_string()))
        };
        assert_eq!(owner(&keychain).unwrap().as_deref(), Some("admin"));
        let other = Name::login(&name.registry, Use::Cluster);
        assert_eq!(keychain.replaceable(&other).unwrap(), None);
        let pending = rotating(Phase::Writing, Some("new"));
        keychain.replace(&name, &idle, &pending).unwrap();
        assert!(matches!(owner(&keychain), Err(Error::Rotating(_))));
        keychain.entry(&name).unwrap().set_secret(b"no JSON").unwrap();
        assert_eq!(owner(&keychain).unwrap(), None);
    }

    #[test]
    fn a_rotation_that_cannot_be_read_is_said_and_stands_in_nobodys_way() {
        let (keychain, name, _) = keychain();
        for rotation in [
            r#"{"phase":"later","journal":{}}"#,
            r#"{"phase":"writing"}"#,
            "null",
            "7",
        ] {
            let text = format!(r#"{{"username":"admin","token":"t","rotation":{rotation}}}"#);
            keychain.entry(&name).unwrap().set_secret(text.as_bytes()).unwrap();
            assert!(matches!(keychain.item(&name), Err(Error::Damaged(_))), "{rotation}");
            assert_eq!(
                keychain.get(&name.registry, Use::Docker).unwrap(),
                Some(credential("t"))
            );
            assert!(keychain.remove(&name).unwrap());
        }
        let text = r#"{"username":"admin","token":"t","rotation":{"phase":"writing","journal":{}}}"#;
        keychain.entry(&name).unwrap().set_secret(text.as_bytes()).unwrap();
        assert!(
            matches!(keychain.item(&name), Err(Error::Damaged(_))),
            "no second token"
        );
    }
}
