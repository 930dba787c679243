//! The tokens that this keychain has or had, and which of them a Secret holds.

use crate::cluster::{self, Holds, LeftAlone, Observed};
use crate::commands::shared::copies::{Needles, Owner};
use crate::commands::shared::token_id::token_id;
use crate::error::CommandError;
use crate::keychain::{Keychain, Name};
use crate::ledger::{Ledger, TokenId};
use crate::model::{Credential, Fingerprint, OwnTokens, Registry, Token, Use, UseName, printable};

/// The longest user that is shown.
const MAX_USER: usize = 120;

/// One credential of the keychain.
pub(in crate::commands) struct Stored {
    pub(in crate::commands) name: Name,
    pub(in crate::commands) credential: Credential,
    id: Option<TokenId>,
}

/// Everything that a Secret is compared with.
pub(in crate::commands) struct KnownTokens {
    stored: Vec<Stored>,
    /// Those of a rotation that is pending, beside the current one.
    others: Vec<Stored>,
    own: Vec<(Registry, OwnTokens)>,
}

/// A token of ours that a Secret holds.
pub(in crate::commands) struct Held {
    pub(in crate::commands) registry: Registry,
    /// The user beside it, made fit to be shown: whoever may write the Secret chooses it.
    pub(in crate::commands) username: String,
    /// What it is for; unknown of one that only its fingerprint is left of.
    pub(in crate::commands) usage: Option<Use>,
    /// The keychain has it for that use.
    pub(in crate::commands) is_current: bool,
    pub(in crate::commands) id: Option<TokenId>,
}

impl KnownTokens {
    /// Reads the keychain; of one registry, where it is named. Of registries that only the ledger knows, the keychain still
    /// recognises the tokens that it had.
    pub(in crate::commands) fn read(
        keychain: &Keychain,
        ledger: &Ledger,
        registry: Option<&Registry>,
    ) -> Result<Self, CommandError> {
        let is_meant = |one: &Registry| registry.is_none_or(|registry| registry == one);
        let mut this = Self {
            stored: Vec::new(),
            others: Vec::new(),
            own: Vec::new(),
        };
        for item in keychain.list()? {
            if !is_meant(&item.registry) {
                continue;
            }
            let name = Name::login(&item.registry, item.usage);
            let Some(kept) = keychain.item(&name)? else { continue };
            let stored = |credential: Credential| {
                Ok::<_, CommandError>(Stored {
                    id: token_id(keychain, name.usage, &credential)?,
                    name: name.clone(),
                    credential,
                })
            };
            this.stored.push(stored(kept.current)?);
            if let Some(other) = kept.rotation.and_then(|rotation| rotation.other) {
                this.others.push(stored(other)?);
            }
            this.add_own(&item.registry, keychain)?;
        }
        for credential in ledger.credentials.iter().filter(|one| is_meant(&one.registry)) {
            this.add_own(&credential.registry, keychain)?;
        }
        Ok(this)
    }

    /// A keychain that recognises no token of a registry cannot tell which Secrets hold none.
    fn add_own(&mut self, registry: &Registry, keychain: &Keychain) -> Result<(), CommandError> {
        if self.own.iter().any(|(known, _)| known == registry) {
            return Ok(());
        }
        let own = keychain.own_tokens(registry)?;
        if !own.current.is_empty() || own.earlier.has_any() {
            self.own.push((registry.clone(), own));
        }
        Ok(())
    }

    pub(in crate::commands) fn stored(&self) -> impl Iterator<Item = &Stored> {
        self.stored.iter()
    }

    /// Everything, for a search in files.
    pub(in crate::commands) fn needles(&self) -> Needles {
        let of = |stored: &Stored, is_current| {
            let owner = Owner {
                registry: stored.name.registry.clone(),
                usage: stored.name.usage,
                username: stored.credential.username.to_string(),
                is_current,
            };
            (owner, stored.credential.token.clone())
        };
        let stored = self.stored.iter().map(|stored| of(stored, true));
        let others = self.others.iter().map(|stored| of(stored, false));
        let earlier = self.own.iter();
        Needles::new(
            stored.chain(others),
            earlier.map(|(registry, own)| (registry.clone(), own.earlier.clone())),
        )
    }

    /// The registries that the keychain has or had tokens of, each once.
    pub(in crate::commands) fn registries(&self) -> Vec<Registry> {
        self.own.iter().map(|(registry, _)| registry.clone()).collect()
    }

    /// Those of them that it has a credential of now.
    pub(in crate::commands) fn stored_registries(&self) -> Vec<Registry> {
        let is_stored = |registry: &Registry| self.stored.iter().any(|one| one.name.registry == *registry);
        self.registries().into_iter().filter(is_stored).collect()
    }

    /// Whether the keychain has the token of this fingerprint.
    pub(in crate::commands) fn is_current(&self, registry: &Registry, fingerprint: &Fingerprint) -> bool {
        let of_it = self.stored.iter().filter(|stored| stored.name.registry == *registry);
        let mut ids = of_it.filter_map(|stored| stored.id.as_ref());
        ids.any(|id| id.fingerprints.contains(fingerprint))
    }

    /// The tokens of ours in a Secret, each once: those in the entry of their registry, and those that are elsewhere in it.
    pub(in crate::commands) fn held_by(&self, secret: &Observed) -> Vec<Held> {
        let document = secret.document().unwrap_or_default();
        let mut held: Vec<Held> = Vec::new();
        let mut listed: Vec<Token> = Vec::new();
        let mut add = |one: Held| {
            let is_it = |other: &Held| other.registry == one.registry && other.id == one.id;
            if !held.iter().any(is_it) {
                held.push(one);
            }
        };
        for (registry, own) in &self.own {
            for (username, token) in document.logins_of(registry).into_iter().flatten() {
                if own.has(&token) {
                    add(self.held(registry, &username, &token, own));
                    listed.push(token);
                }
            }
        }
        for token in secret.tokens() {
            let mut owners = self.own.iter().filter(|(_, own)| own.has(&token)).peekable();
            if owners.peek().is_none() || listed.contains(&token) {
                continue;
            }
            let username = secret.user_of(&token).unwrap_or_default();
            owners.for_each(|(registry, own)| add(self.held(registry, &username, &token, own)));
            listed.push(token);
        }
        held
    }

    /// What a Secret holds for each registry instead of a token of ours; nothing if it holds one.
    pub(in crate::commands) fn left_alone(&self, secret: Option<&Observed>) -> Vec<LeftAlone> {
        let mut left = Vec::new();
        for (registry, own) in &self.own {
            let Some(holds) = cluster::instead(secret, registry, own) else {
                return Vec::new();
            };
            left.push(LeftAlone {
                registry: registry.clone(),
                holds,
            });
        }
        // Most registries are none of its business.
        if left.iter().any(|one| one.holds != Holds::NoEntry) {
            left.retain(|one| one.holds != Holds::NoEntry);
        }
        left
    }

    fn held(&self, registry: &Registry, username: &str, token: &Token, own: &OwnTokens) -> Held {
        let shown = printable(username, MAX_USER);
        let is_it = |stored: &&Stored| stored.name.registry == *registry && stored.credential.token == *token;
        if let Some(stored) = self.stored.iter().find(is_it) {
            return Held {
                registry: registry.clone(),
                username: shown,
                usage: Some(stored.name.usage),
                is_current: true,
                id: stored.id.clone(),
            };
        }
        let other = self.others.iter().find(is_it);
        Held {
            registry: registry.clone(),
            usage: other.map(|other| other.name.usage),
            is_current: false,
            id: match other {
                Some(other) => other.id.clone(),
                None => username.parse().ok().map(|username| TokenId {
                    registry: registry.clone(),
                    usage: self.usage_of_earlier(registry, own.earlier.name_of(token).flatten()),
                    username,
                    fingerprints: own.earlier.fingerprints(token),
                }),
            },
            username: shown,
        }
    }

    /// Of an earlier token without a name it is not known what it was for: most likely for what Secrets get now.
    fn usage_of_earlier(&self, registry: &Registry, name: Option<UseName>) -> Use {
        if let Some(name) = name {
            return Use::Named(name);
        }
        let of_it = |stored: &&Stored| stored.name.registry == *registry && stored.name.usage == Use::Cluster;
        self.stored
            .iter()
            .find(of_it)
            .map_or(Use::Docker, |stored| stored.name.usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever may write a Secret could put lines of their own into the table of `where`.
    #[test]
    fn the_user_beside_a_token_is_fit_to_be_shown() {
        let registry: Registry = "gitea.example.com".parse().unwrap();
        let token = Token::parse("earlier").unwrap();
        let known = KnownTokens {
            stored: Vec::new(),
            others: Vec::new(),
            own: Vec::new(),
        };
        for name in ["a\u{202e}b\nc".to_owned(), "x".repeat(10_000)] {
            let held = known.held(&registry, &name, &token, &OwnTokens::default());
            assert!(
                held.username
                    .chars()
                    .all(|c| c.is_ascii_graphic() || c == ' ' || c == '…')
            );
            assert!(held.username.chars().count() <= MAX_USER);
        }
    }
}
