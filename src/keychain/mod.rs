//! Credential storage: one item of the OS keychain for each registry and use.
//!
//! Everything goes through keyring-core's store trait, so that the Secret Service, macOS, Windows and an in-memory
//! store look the same to the callers. On Linux the store is our own, for the reasons given in [`secret_service`].

mod braces;
pub mod config;
mod earlier;
mod error;
mod item;
mod lock;
pub mod migrate;
#[cfg(any(target_os = "macos", windows))]
mod native;
mod rotation;
#[cfg(target_os = "linux")]
pub mod secret_service;
mod since;
pub mod vault;

pub use config::{Config, ConfigError, StoreName};
pub use error::{Error, NO_BUS, NO_SERVICE};
pub use item::{CredentialInfo, Name, Part};
pub use rotation::{Rotation, StoredItem};

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use keyring_core::{CredentialStore, Entry};

use crate::model::{Credential, Registry, Use, Username};
use crate::sys::env::Env;
use item::{SERVICE, Secret};
use lock::WriteLock;
use since::SINCE;

/// The attribute that shows an item's user, in stores that have attributes. The user in the item's secret is the
/// authoritative one.
const USERNAME: &str = "username";

/// The credentials of this user.
///
/// ```
/// use regcred::keychain::Keychain;
/// use regcred::model::{Credential, Token, Use};
///
/// let keychain = Keychain::with_store(keyring_core::sample::Store::new()?);
/// let credential = Credential {
///     registry: "gitea.example.com".parse()?,
///     username: "admin".parse()?,
///     token: Token::parse("s3cret")?,
/// };
/// keychain.put(Use::Docker, &credential)?;
/// assert_eq!(keychain.get(&credential.registry, Use::Docker)?, Some(credential));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Keychain {
    store: Arc<CredentialStore>,
    /// Held while an item is changed; a store that only this process uses needs none.
    lock: Option<WriteLock>,
    /// Whether items can have attributes. If not, listing has to read the secrets.
    attributes: bool,
    /// The search that finds all our items and possibly others, which [`name_of`] leaves out.
    search: (&'static str, &'static str),
}

impl Keychain {
    /// The keychain that the user has chosen, by default the system's. On Linux nothing is contacted yet: a missing bus
    /// or a locked vault is reported at the first use.
    pub fn open(env: &Env) -> Result<Self, Error> {
        let config = Config::read(env)?;
        Self::open_configured(env, config.store.unwrap_or(StoreName::System), &config)
    }

    /// A keychain by name, whether or not it is the chosen one.
    pub fn open_store(env: &Env, name: StoreName) -> Result<Self, Error> {
        Self::open_configured(env, name, &Config::read(env)?)
    }

    fn open_configured(env: &Env, name: StoreName, config: &Config) -> Result<Self, Error> {
        match name {
            StoreName::System => Self::system(env),
            StoreName::Vault => Self::vault(env, config),
        }
    }

    fn vault(env: &Env, config: &Config) -> Result<Self, Error> {
        let vault = vault::Vault::new(env, config)?;
        // Its lock file is in the same folder.
        if !vault.exists() {
            return Err(vault::Error::Missing(vault.path().to_owned()).into());
        }
        Ok(Self {
            lock: Some(WriteLock::at(vault.lock_file())),
            ..Self::with_store(Arc::new(vault))
        })
    }

    #[allow(clippy::unnecessary_wraps, reason = "other systems' keychains have to be opened")]
    fn system(env: &Env) -> Result<Self, Error> {
        #[cfg(target_os = "linux")]
        let store: Arc<CredentialStore> = Arc::new(secret_service::SecretService::new(env));
        #[cfg(any(target_os = "macos", windows))]
        let store = native::open()?;
        #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
        let store = return Err(Error::Platform("this system has none that regcred knows".to_owned()));
        Ok(Self {
            lock: Some(WriteLock::new(env)),
            #[cfg(any(target_os = "macos", windows))]
            search: native::SEARCH,
            ..Self::with_store(store)
        })
    }

    /// Whether the system's keychain is locked, as far as that is known without a prompt: on Linux only.
    #[allow(clippy::unnecessary_wraps, reason = "other systems do not tell")]
    pub fn is_system_locked(env: &Env) -> Result<bool, Error> {
        #[cfg(target_os = "linux")]
        let locked = secret_service::SecretService::new(env).is_locked()?;
        #[cfg(not(target_os = "linux"))]
        let locked = {
            let _ = env;
            false
        };
        Ok(locked)
    }

    /// Unlocks the system's keychain, if that is not left to the system: on Linux only. Returns whether it was locked.
    #[allow(
        clippy::unnecessary_wraps,
        reason = "other systems unlock theirs when a secret is read"
    )]
    pub fn unlock_system(env: &Env) -> Result<bool, Error> {
        #[cfg(target_os = "linux")]
        let was_locked = secret_service::SecretService::new(env).unlock()?;
        #[cfg(not(target_os = "linux"))]
        let was_locked = {
            let _ = env;
            false
        };
        Ok(was_locked)
    }

    /// A keychain over another store, such as keyring-core's in-memory one.
    pub fn with_store(store: Arc<CredentialStore>) -> Self {
        let attributes = store.as_any().is::<vault::Vault>();
        #[cfg(target_os = "linux")]
        let attributes = attributes || store.as_any().is::<secret_service::SecretService>();
        Self {
            store,
            lock: None,
            attributes,
            search: ("service", SERVICE),
        }
    }

    /// The credential for `registry` and `usage`, if there is one.
    pub fn get(&self, registry: &Registry, usage: Use) -> Result<Option<Credential>, Error> {
        self.read(&Name::login(registry, usage))
    }

    /// Stores the credential, replacing an earlier one.
    pub fn put(&self, usage: Use, credential: &Credential) -> Result<(), Error> {
        self.write(&Name::login(&credential.registry, usage), credential)
    }

    /// Deletes the credential for `registry` and `usage` with the items that belong to it. Returns whether there was
    /// one.
    pub fn delete(&self, registry: &Registry, usage: Use) -> Result<bool, Error> {
        let mut was_there = false;
        for part in Part::of(registry, usage) {
            let name = Name {
                part: *part,
                ..Name::login(registry, usage)
            };
            was_there |= self.remove(&name)?;
        }
        Ok(was_there)
    }

    /// All credentials without their tokens, sorted.
    pub fn list(&self) -> Result<Vec<CredentialInfo>, Error> {
        let items = self.list_with_remains()?.into_iter();
        Ok(items
            .filter(|(_, part)| *part == Part::Login)
            .map(|(item, _)| item)
            .collect())
    }

    /// The same, with what is left where only the login was erased: docker's OAuth tokens of Docker Hub. Each registry and
    /// use is listed once, with the first of its parts.
    pub fn list_with_remains(&self) -> Result<Vec<(CredentialInfo, Part)>, Error> {
        let info = |(name, label): (Name, Label)| {
            let item = CredentialInfo {
                registry: name.registry,
                usage: name.usage,
                username: label.username,
                since: label.since,
            };
            (item, name.part)
        };
        let mut items: Vec<_> = self.labels()?.into_iter().map(info).collect();
        items.dedup_by(|(item, _), (first, _)| item.registry == first.registry && item.usage == first.usage);
        Ok(items)
    }

    /// [`Keychain::get`] for an item of any name.
    pub fn read(&self, name: &Name) -> Result<Option<Credential>, Error> {
        let Some(secret) = secret(&self.entry(name)?)? else {
            return Ok(None);
        };
        match secret.credential(&name.registry) {
            Some(credential) => Ok(Some(credential)),
            None => Err(Error::Damaged(name.to_string())),
        }
    }

    /// [`Keychain::put`] for an item of any name.
    ///
    /// Other members of the item's secret are kept. An identical credential is not written again: at every `docker
    /// login`, docker stores what it was just given. A different one is refused while a rotation is pending, because
    /// some Secrets hold the old token and some the new one already.
    pub fn write(&self, name: &Name, credential: &Credential) -> Result<(), Error> {
        let _held = self.lock.as_ref().map(WriteLock::acquire).transpose()?;
        let before = match secret(&self.entry(name)?) {
            Ok(Some(secret)) if secret.credential(&name.registry).as_ref() == Some(credential) => return Ok(()),
            Ok(Some(secret)) if secret.is_rotating() => return Err(Error::Rotating(name.clone())),
            Ok(found) => found,
            Err(Error::Damaged(_)) => None,
            Err(error) => return Err(error),
        };
        let mut after = before.clone().unwrap_or_default();
        after.set(credential);
        self.change(name, before.as_ref(), Some((&credential.username, &after)))?;
        Ok(())
    }

    /// Replaces `before` with `after`, or removes the item; every change of an item goes through here, except its move to
    /// another keychain ([`migrate`]), which loses no token. Fingerprints of the tokens that are lost are kept first, so that a
    /// Secret that still holds one is recognised as ours. Returns whether there was an item. The caller holds the lock.
    fn change(&self, name: &Name, before: Option<&Secret>, after: Option<(&Username, &Secret)>) -> Result<bool, Error> {
        if name.part == Part::Login {
            let kept = after.map_or_else(Vec::new, |(_, secret)| secret.tokens(&name.registry));
            let mut lost = before.map_or_else(Vec::new, |secret| secret.tokens(&name.registry));
            lost.retain(|token| !kept.contains(token));
            self.remember(name, &lost)?;
        }
        if let Some((username, secret)) = after {
            let mut secret = secret.clone();
            secret.date(before, &name.registry, SystemTime::now());
            self.store(name, username, &secret)?;
            return Ok(before.is_some());
        }
        match self.entry(name)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(keyring_core::Error::NoEntry) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the whole item.
    fn store(&self, name: &Name, username: &Username, secret: &Secret) -> Result<(), Error> {
        let since = secret
            .since()
            .and_then(since::seconds)
            .map(|seconds| seconds.to_string());
        let mut attributes = HashMap::from([(USERNAME, username.as_str())]);
        attributes.extend(since.as_deref().map(|since| (SINCE, since)));
        let attributes = self.attributes.then_some(&attributes);
        let entry = self.store.build(SERVICE, &name.account(), attributes)?;
        Ok(entry.set_secret(secret.text().as_bytes())?)
    }

    /// [`Keychain::delete`] for an item of any name. Refused while a rotation is pending, because it would lose a token
    /// that some Secrets hold.
    pub fn remove(&self, name: &Name) -> Result<bool, Error> {
        let _held = self.lock.as_ref().map(WriteLock::acquire).transpose()?;
        let before = match secret(&self.entry(name)?) {
            Ok(Some(secret)) if secret.is_rotating() => return Err(Error::Rotating(name.clone())),
            Ok(before) => before,
            Err(Error::Damaged(_)) => None,
            Err(error) => return Err(error),
        };
        self.change(name, before.as_ref(), None)
    }

    /// The registries and uses of all credentials, and of what is left of one, with the user where it is known without
    /// reading a secret.
    ///
    /// A store that asks for permission before it gives out a secret does not ask for this.
    pub fn list_metadata(&self) -> Result<Vec<(Registry, Use, Option<Username>)>, Error> {
        let mut found = Vec::new();
        for entry in self.search()? {
            let Some(name) = name_of(&entry) else { continue };
            let username = if self.attributes { username(&entry)? } else { None };
            found.push((name, username));
        }
        found.sort();
        found.dedup_by(|(name, _), (first, _)| name.registry == first.registry && name.usage == first.usage);
        let found = found.into_iter();
        Ok(found
            .map(|(name, username)| (name.registry, name.usage, username))
            .collect())
    }

    /// What the registry has credentials for, sorted.
    pub fn uses(&self, registry: &Registry) -> Result<Vec<Use>, Error> {
        let found = self.search()?;
        let of_it = found.iter().filter_map(name_of);
        let of_it = of_it.filter(|name| name.part == Part::Login && name.registry == *registry);
        let mut uses: Vec<Use> = of_it.map(|name| name.usage).collect();
        uses.sort();
        Ok(uses)
    }

    /// The name and user of every item, including those that [`Keychain::list`] leaves out.
    pub fn names(&self) -> Result<BTreeMap<Name, Username>, Error> {
        let labels = self.labels()?.into_iter();
        Ok(labels.map(|(name, label)| (name, label.username)).collect())
    }

    fn labels(&self) -> Result<BTreeMap<Name, Label>, Error> {
        let mut labels = BTreeMap::new();
        for entry in self.search()? {
            let Some(name) = name_of(&entry) else { continue };
            let label = if self.attributes {
                Label::of_attributes(&entry)?
            } else {
                match secret(&entry) {
                    Err(Error::Damaged(_)) => None,
                    found => found?.and_then(|secret| Label::of_secret(&secret, &name.registry)),
                }
            };
            if let Some(label) = label {
                labels.insert(name, label);
            }
        }
        Ok(labels)
    }

    /// All our items, and possibly others.
    fn search(&self) -> Result<Vec<Entry>, Error> {
        Ok(self.store.search(&HashMap::from([self.search]))?)
    }

    fn entry(&self, name: &Name) -> Result<Entry, Error> {
        Ok(self.store.build(SERVICE, &name.account(), None)?)
    }
}

impl fmt::Debug for Keychain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A store's own Debug might show secrets.
        f.debug_struct("Keychain").finish_non_exhaustive()
    }
}

/// Stores match substrings, and a later version of this program can have items of other kinds.
fn name_of(entry: &Entry) -> Option<Name> {
    let (service, account) = entry.get_specifiers()?;
    Name::of_account(&account).filter(|_| service == SERVICE)
}

/// What can be told of an item, where the store has attributes without reading its secret.
struct Label {
    username: Username,
    since: Option<SystemTime>,
}

impl Label {
    fn of_attributes(entry: &Entry) -> Result<Option<Self>, Error> {
        let attributes = entry.get_attributes()?;
        let username = attributes.get(USERNAME).and_then(|user| user.parse().ok());
        let since = attributes.get(SINCE).and_then(|text| since::parse(text));
        Ok(username.map(|username| Self { username, since }))
    }

    fn of_secret(secret: &Secret, registry: &Registry) -> Option<Self> {
        Some(Self {
            username: secret.credential(registry)?.username,
            since: secret.since(),
        })
    }
}

/// The user of an item, from its attributes.
fn username(entry: &Entry) -> Result<Option<Username>, Error> {
    Ok(entry.get_attributes()?.get(USERNAME).and_then(|user| user.parse().ok()))
}

/// The secret of an entry, if there is such an item.
fn secret(entry: &Entry) -> Result<Option<Secret>, Error> {
    match entry.get_secret() {
        Ok(bytes) => match Secret::parse(bytes) {
            Some(secret) => Ok(Some(secret)),
            None => Err(Error::Damaged(
                entry.get_specifiers().map_or_else(String::new, |(_, account)| account),
            )),
        },
        Err(keyring_core::Error::NoEntry) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Token;

    fn keychain() -> Keychain {
        Keychain::with_store(keyring_core::sample::Store::new().unwrap())
    }

    fn credential(registry: &str, username: &str, token: &str) -> Credential {
        Credential {
            registry: registry.parse().unwrap(),
            username: username.parse().unwrap(),
            token: Token::parse(token).unwrap(),
        }
    }

    #[test]
    fn there_is_one_credential_for_each_registry_and_use() {
        let keychain = keychain();
        let alice = credential("gitea.example.com", "alice", "a");
        let bob = credential("gitea.example.com", "bob", "b");
        let cluster = credential("gitea.example.com", "robot", "c");
        keychain.put(Use::Docker, &alice).unwrap();
        keychain.put(Use::Docker, &bob).unwrap();
        keychain.put(Use::Cluster, &cluster).unwrap();
        assert_eq!(keychain.get(&bob.registry, Use::Docker).unwrap(), Some(bob.clone()));
        assert_eq!(keychain.get(&bob.registry, Use::Cluster).unwrap(), Some(cluster));
        let listed: Vec<_> = keychain.list().unwrap();
        assert_eq!(
            listed
                .iter()
                .map(|item| (item.usage, item.username.as_str()))
                .collect::<Vec<_>>(),
            [(Use::Docker, "bob"), (Use::Cluster, "robot")]
        );
        assert!(keychain.delete(&bob.registry, Use::Docker).unwrap());
        assert!(!keychain.delete(&bob.registry, Use::Docker).unwrap());
        assert_eq!(keychain.get(&bob.registry, Use::Docker).unwrap(), None);
        assert_eq!(keychain.list().unwrap().len(), 1);
    }

    #[test]
    fn keepassxc_placeholders_are_escaped() {
        let keychain = keychain();
        let odd = credential("gitea.example.com", "{USERNAME}", r#"{"a":{REF:T@I:0}}{PASSWORD}"#);
        keychain.put(Use::Docker, &odd).unwrap();
        let entry = keychain.entry(&Name::login(&odd.registry, Use::Docker)).unwrap();
        let kept = entry.get_password().unwrap();
        assert_eq!(kept.matches('{').count(), 1, "{kept}");
        assert_eq!(keychain.get(&odd.registry, Use::Docker).unwrap(), Some(odd));
    }

    #[test]
    fn docker_hubs_oauth_items_are_separate_and_not_listed() {
        let keychain = keychain();
        let hub = credential("docker.io", "alice", "pat");
        let access = credential("docker.io", "alice", "access");
        let name = Name::of_server("https://index.docker.io/v1/access-token", Use::Docker).unwrap();
        keychain.put(Use::Docker, &hub).unwrap();
        keychain.write(&name, &access).unwrap();
        assert_eq!(keychain.get(&hub.registry, Use::Docker).unwrap(), Some(hub));
        assert_eq!(keychain.read(&name).unwrap(), Some(access));
        assert_eq!(
            (keychain.list().unwrap().len(), keychain.names().unwrap().len()),
            (1, 2)
        );
        let hub: Registry = "docker.io".parse().unwrap();
        let parts = || -> Vec<Part> {
            let items = keychain.list_with_remains().unwrap();
            items.into_iter().map(|(_, part)| part).collect()
        };
        assert_eq!(
            (parts(), keychain.list_metadata().unwrap().len()),
            (vec![Part::Login], 1)
        );
        assert!(keychain.remove(&Name::login(&hub, Use::Docker)).unwrap());
        assert_eq!(
            (parts(), keychain.list_metadata().unwrap().len()),
            (vec![Part::AccessToken], 1),
            "another client erased only the login"
        );
        assert_eq!(
            (keychain.list().unwrap(), keychain.uses(&hub).unwrap()),
            (vec![], vec![])
        );
        assert!(keychain.delete(&hub, Use::Docker).unwrap());
        assert_eq!(keychain.names().unwrap().len(), 0, "one login, one logout");
    }

    #[test]
    fn foreign_and_damaged_items_are_not_used() {
        let keychain = keychain();
        let good = credential("gitea.example.com", "alice", "a");
        keychain.put(Use::Docker, &good).unwrap();
        for (service, account, secret) in [
            ("other", "docker other.example.com", "x"),
            ("kubectl-regcred-2", "docker other.example.com", "x"),
            (SERVICE, "vault other.example.com", "x"),
        ] {
            let entry = keychain.store.build(service, account, None).unwrap();
            entry.set_password(secret).unwrap();
        }
        assert_eq!(keychain.list().unwrap().len(), 1);

        let damaged = keychain.store.build(SERVICE, "docker gitea.example.com", None).unwrap();
        damaged.set_password("no JSON").unwrap();
        let error = keychain.get(&good.registry, Use::Docker).unwrap_err();
        assert!(matches!(error, Error::Damaged(_)), "{error}");
        keychain.put(Use::Docker, &good).unwrap();
        assert_eq!(keychain.get(&good.registry, Use::Docker).unwrap(), Some(good));
    }
}
