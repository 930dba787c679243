//! The keychain's credentials, which Secrets are compared with.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use super::code::Code;
use super::finding::{Finding, Object, Remedy};
use super::given_flags::GivenFlags;
use crate::cluster::survey::TokenSlot;
use crate::commands::system::System;
use crate::keychain::{Keychain, Name, Rotation};
use crate::ledger::{self, KnownToken, Ledger, TokenId};
use crate::model::{Credential, InstallationId, OwnTokens, Registry, Use};

/// One credential of the keychain.
#[derive(Clone, Debug)]
pub(in crate::commands) struct StoredCredential {
    pub(in crate::commands) usage: Use,
    pub(in crate::commands) credential: Credential,
    /// Since when the keychain has had the token.
    pub(in crate::commands) since: Option<SystemTime>,
    pub(in crate::commands) rotation: Option<Rotation>,
}

impl StoredCredential {
    /// The object of findings about it.
    pub(in crate::commands) fn object(&self) -> Object {
        Object::here("credential", format!("{} for {}", self.credential.registry, self.usage))
    }
}

/// The readable part of the keychain.
#[derive(Debug, Default)]
pub(in crate::commands) struct StoredCredentials {
    pub(in crate::commands) held: Vec<StoredCredential>,
    /// The tokens that the keychain has or had: a Secret that holds one is this user's own.
    pub(in crate::commands) own: BTreeMap<Registry, OwnTokens>,
    /// This installation, where it has written a Secret before.
    pub(in crate::commands) installation: Option<InstallationId>,
    /// Whether the keychain could not be read completely, so that credentials may be missing in `held`.
    pub(in crate::commands) is_partial: bool,
    /// Registries for which `login --from-docker` can take over docker's or podman's login.
    pub(in crate::commands) in_docker: BTreeSet<Registry>,
}

impl StoredCredentials {
    /// Reads the keychain, with findings about what could not be read.
    pub(in crate::commands) fn read(
        registries: &[Registry],
        flags: &GivenFlags,
        system: &System<'_>,
    ) -> (Self, Vec<Finding>) {
        let mut this = Self {
            installation: ledger::installation(&system.env),
            ..Self::default()
        };
        let mut findings = Vec::new();
        let unreadable = |what: &str, error: crate::keychain::Error| Finding {
            message: None,
            code: Code::KeychainUnreadable,
            object: Object::here("keychain", what),
            cause: error.to_string(),
            remedy: Remedy::of(error.hints()),
        };
        let opened = system.keychain().and_then(|keychain| Ok((keychain.list()?, keychain)));
        let (items, keychain) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                this.is_partial = true;
                findings.push(unreadable("of this user", error));
                return (this, findings);
            }
        };
        for item in items {
            if !registries.is_empty() && !registries.contains(&item.registry) {
                continue;
            }
            let name = Name::login(&item.registry, item.usage);
            match held(&keychain, &name, item.since) {
                Ok(Some(held)) => {
                    findings.extend(held.rotation.as_ref().map(|rotation| pending(&held, rotation, flags)));
                    this.held.push(held);
                }
                Ok(None) => {}
                Err(error) => {
                    this.is_partial = true;
                    findings.push(unreadable(&name.to_string(), error));
                }
            }
        }
        for registry in this.registries() {
            match keychain.own_tokens(&registry) {
                Ok(own) => drop(this.own.insert(registry, own)),
                Err(error) => findings.push(unreadable(&format!("earlier tokens of {registry}"), error)),
            }
        }
        (this, findings)
    }

    /// Replaces the credentials by those of a file's variables.
    pub(in crate::commands) fn give(&mut self, credentials: &[(Credential, Use)]) {
        for (credential, usage) in credentials {
            let is_same =
                |held: &StoredCredential| held.usage == *usage && held.credential.registry == credential.registry;
            self.held.retain(|held| !is_same(held));
            let own = self.own.entry(credential.registry.clone()).or_default();
            own.current.push(credential.token.clone());
            self.held.push(StoredCredential {
                usage: *usage,
                credential: credential.clone(),
                since: None,
                rotation: None,
            });
        }
    }

    /// The credential that sync writes for this registry if nothing names another use.
    pub(in crate::commands) fn for_cluster(&self, registry: &Registry) -> Option<&StoredCredential> {
        let usual = self
            .for_use(registry, Use::Cluster)
            .or_else(|| self.for_use(registry, Use::Docker));
        let mut all = self.held.iter().filter(|held| held.credential.registry == *registry);
        let only = all.next().filter(|_| all.next().is_none());
        usual.or(only)
    }

    pub(in crate::commands) fn for_use(&self, registry: &Registry, usage: Use) -> Option<&StoredCredential> {
        let is_it = |held: &&StoredCredential| held.credential.registry == *registry && held.usage == usage;
        self.held.iter().find(is_it)
    }

    pub(in crate::commands) fn has_any_of(&self, registry: &Registry) -> bool {
        self.held.iter().any(|held| held.credential.registry == *registry)
    }

    /// What a survey calls the token of one of these.
    pub(in crate::commands) fn slot(&self, held: &StoredCredential) -> TokenSlot {
        match held.usage {
            Use::Docker => TokenSlot::Docker,
            Use::Cluster => TokenSlot::Cluster,
            Use::Named(_) => {
                let registry = &held.credential.registry;
                let is_it = |one: &StoredCredential| one.usage == held.usage && one.credential.registry == *registry;
                TokenSlot::Named(self.held.iter().position(is_it).unwrap_or(self.held.len()))
            }
        }
    }

    /// What the ledger knows of this credential's token.
    pub(in crate::commands) fn remembered<'a>(
        &self,
        held: &StoredCredential,
        ledger: &'a Ledger,
    ) -> Option<&'a KnownToken> {
        let Credential {
            registry,
            username,
            token,
        } = &held.credential;
        ledger.token(&TokenId {
            registry: registry.clone(),
            usage: held.usage,
            username: username.clone(),
            fingerprints: self.own.get(registry)?.earlier.fingerprints(token),
        })
    }

    /// The registries with a credential, without duplicates.
    pub(in crate::commands) fn registries(&self) -> Vec<Registry> {
        let mut registries: Vec<Registry> = self.held.iter().map(|held| held.credential.registry.clone()).collect();
        registries.sort();
        registries.dedup();
        registries
    }
}

fn held(
    keychain: &Keychain,
    name: &Name,
    since: Option<SystemTime>,
) -> Result<Option<StoredCredential>, crate::keychain::Error> {
    Ok(keychain.item(name)?.map(|kept| StoredCredential {
        usage: name.usage,
        credential: kept.current,
        since,
        rotation: kept.rotation,
    }))
}

fn pending(held: &StoredCredential, rotation: &Rotation, flags: &GivenFlags) -> Finding {
    let name = Name::login(&held.credential.registry, held.usage);
    let resume = name.rotate_command().words("--resume");
    Finding {
        message: None,
        code: Code::RotationPending,
        object: held.object(),
        cause: format!(
            "its rotation was begun and is not finished: it is in the phase {}",
            rotation.phase.as_str()
        ),
        remedy: Remedy::command(flags.registry(resume)).and("--abort instead of --resume goes back to the old token"),
    }
}
