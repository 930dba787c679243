//! Fingerprints of each registry's earlier tokens, in an item of their own, because a logout removes the credential's
//! item.

use std::collections::{BTreeMap, BTreeSet};

use keyring_core::Entry;
use zeroize::Zeroizing;

use super::item::{SERVICE, Secret};
use super::lock::WriteLock;
use super::{Error, Keychain, Name, secret};
use crate::model::{EarlierTokens, Fingerprint, FingerprintKey, OwnTokens, Registry, Token, Use, UseName};

/// The account of such an item is this prefix and the registry.
const PREFIX: &str = "earlier ";
/// The member of the item's JSON object. A later version may add others.
const MEMBER: &str = "earlier";

impl Keychain {
    /// The registry's tokens that this keychain has, for any use, or had earlier.
    pub fn own_tokens(&self, registry: &Registry) -> Result<OwnTokens, Error> {
        let by_name = self.current_tokens(registry)?;
        Ok(OwnTokens {
            current: by_name.into_values().flatten().collect(),
            earlier: self.earlier(registry)?,
        })
    }

    /// The same, by [`Use::name`]. Those without a name are always there, and come first.
    pub fn own_tokens_by_name(&self, registry: &Registry) -> Result<Vec<(Option<UseName>, OwnTokens)>, Error> {
        let mut by_name = self.current_tokens(registry)?;
        let earlier = self.earlier(registry)?;
        for name in earlier.names().chain([None]) {
            by_name.entry(name).or_default();
        }
        let own = |(name, current)| {
            let earlier = earlier.of(name);
            (name, OwnTokens { current, earlier })
        };
        Ok(by_name.into_iter().map(own).collect())
    }

    /// Those of the same use, or of the others without a name.
    pub fn own_tokens_of(&self, registry: &Registry, usage: Use) -> Result<OwnTokens, Error> {
        let mut by_name = self.own_tokens_by_name(registry)?.into_iter();
        let found = by_name.find(|(name, _)| *name == usage.name());
        Ok(found.map(|(_, own)| own).unwrap_or_default())
    }

    /// The tokens that this keychain has, by [`Use::name`].
    pub fn current_tokens(&self, registry: &Registry) -> Result<BTreeMap<Option<UseName>, Vec<Token>>, Error> {
        let mut by_name: BTreeMap<Option<UseName>, Vec<Token>> = BTreeMap::new();
        for usage in self.uses(registry)? {
            match secret(&self.entry(&Name::login(registry, usage))?) {
                Ok(found) => {
                    let tokens = found.iter().flat_map(|secret| secret.tokens(registry));
                    by_name.entry(usage.name()).or_default().extend(tokens);
                }
                Err(Error::Damaged(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(by_name)
    }

    /// The token's fingerprints, by which it is recognised where no token may be kept; the last one is under the key that
    /// is used from now on. Makes a key if there is none yet.
    pub fn fingerprints(&self, registry: &Registry, token: &Token) -> Result<Vec<Fingerprint>, Error> {
        let earlier = self.earlier(registry)?;
        if !earlier.is_empty() {
            return Ok(earlier.fingerprints(token));
        }
        let _held = self.lock.as_ref().map(WriteLock::acquire).transpose()?;
        // Another process may have made one in between.
        let mut earlier = self.earlier(registry)?;
        if earlier.is_empty() {
            earlier = EarlierTokens::with_key(random_key()?);
            self.set_earlier(registry, &earlier)?;
        }
        Ok(earlier.fingerprints(token))
    }

    /// The fingerprints of every token of the registry that this keychain has or had.
    pub fn own_fingerprints(&self, registry: &Registry) -> Result<BTreeSet<Fingerprint>, Error> {
        let own = self.own_tokens(registry)?;
        let mut all: BTreeSet<Fingerprint> = own.earlier.kept().cloned().collect();
        all.extend(own.current.iter().flat_map(|token| own.earlier.fingerprints(token)));
        Ok(all)
    }

    /// Keeps the fingerprints of tokens of the item `name` that the keychain is about to lose.
    pub(super) fn remember(&self, name: &Name, tokens: &[Token]) -> Result<(), Error> {
        let registry = &name.registry;
        if tokens.is_empty() {
            return Ok(());
        }
        let mut earlier = match self.earlier(registry) {
            // A damaged item must not block a new login.
            Err(Error::Damaged(_)) => EarlierTokens::default(),
            earlier => earlier?,
        };
        if earlier.is_empty() {
            earlier = EarlierTokens::with_key(random_key()?);
        }
        let mut has_changed = false;
        for token in tokens {
            has_changed |= earlier.remember(token, name.usage.name());
        }
        if has_changed {
            self.set_earlier(registry, &earlier)?;
        }
        Ok(())
    }

    /// The fingerprints kept for a registry.
    pub(super) fn earlier(&self, registry: &Registry) -> Result<EarlierTokens, Error> {
        let Some(secret) = secret(&self.earlier_entry(registry)?)? else {
            return Ok(EarlierTokens::default());
        };
        let earlier = secret.0.get(&[MEMBER]).and_then(EarlierTokens::parse);
        earlier.ok_or_else(|| Error::Damaged(account(registry)))
    }

    pub(super) fn set_earlier(&self, registry: &Registry, earlier: &EarlierTokens) -> Result<(), Error> {
        let entry = self.earlier_entry(registry)?;
        let mut item = match secret(&entry) {
            Err(Error::Damaged(_)) => Secret::default(),
            found => found?.unwrap_or_default(),
        };
        let set = item.0.set(&[MEMBER], &earlier.text());
        set.expect("the document is an object");
        Ok(entry.set_secret(item.text().as_bytes())?)
    }

    pub(super) fn earlier_entry(&self, registry: &Registry) -> Result<Entry, Error> {
        Ok(self.store.build(SERVICE, &account(registry), None)?)
    }
}

fn account(registry: &Registry) -> String {
    format!("{PREFIX}{registry}")
}

/// The registry whose earlier tokens an entry holds.
pub(super) fn registry_of(entry: &Entry) -> Option<Registry> {
    let (service, account) = entry.get_specifiers()?;
    let registry = account.strip_prefix(PREFIX).filter(|_| service == SERVICE)?;
    registry.parse().ok()
}

fn random_key() -> Result<FingerprintKey, Error> {
    let mut random = Zeroizing::new([0; 32]);
    getrandom::fill(random.as_mut_slice()).map_err(|error| Error::Random(error.to_string()))?;
    Ok(FingerprintKey::new(random))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keychain::{Part, Rotation, StoredItem};
    use crate::model::Credential;
    use crate::model::rotation::Phase;

    fn keychain() -> Keychain {
        Keychain::with_store(keyring_core::sample::Store::new().unwrap())
    }

    fn credential(user: &str, token: &str) -> Credential {
        Credential {
            registry: registry(),
            username: user.parse().unwrap(),
            token: Token::verbatim(token.to_owned()),
        }
    }

    fn registry() -> Registry {
        "gitea.example.com".parse().unwrap()
    }

    fn has(keychain: &Keychain, token: &str) -> bool {
        let own = keychain.own_tokens(&registry()).unwrap();
        own.has(&Token::verbatim(token.to_owned()))
    }

    #[test]
    fn a_lost_token_is_recognised_by_its_fingerprint() {
        let keychain = keychain();
        keychain.put(Use::Docker, &credential("a", "token-one")).unwrap();
        assert!(has(&keychain, "token-one"), "it is there");
        keychain.put(Use::Docker, &credential("b", "token-one")).unwrap();
        assert!(
            keychain.earlier(&registry()).unwrap().is_empty(),
            "only its user is another"
        );
        keychain.put(Use::Docker, &credential("b", "token-two")).unwrap();
        keychain.put(Use::Cluster, &credential("b", "token-three")).unwrap();
        assert!(keychain.delete(&registry(), Use::Docker).unwrap());
        assert!(keychain.delete(&registry(), Use::Cluster).unwrap());
        for token in ["token-one", "token-two", "token-three"] {
            assert!(has(&keychain, token), "{token}");
        }
        assert!(!has(&keychain, "token-four") && !has(&keychain, ""));
        let kept = keychain.earlier_entry(&registry()).unwrap().get_password().unwrap();
        assert!(!kept.contains("token-"), "{kept}");
        assert_eq!(keychain.names().unwrap().len(), 0, "it is no credential");
        let other = keychain.own_tokens(&"ghcr.io".parse().unwrap()).unwrap();
        assert!(
            !other.has(&Token::verbatim("token-one".to_owned())),
            "of another registry"
        );
    }

    #[test]
    fn tokens_of_a_use_of_its_own_are_known_apart() {
        let keychain = keychain();
        let ci: Use = "ci".parse().unwrap();
        for (usage, token) in [(Use::Docker, "one"), (ci, "two"), (Use::Cluster, "three"), (ci, "four")] {
            keychain.put(usage, &credential("a", token)).unwrap();
        }
        let by_name = keychain.own_tokens_by_name(&registry()).unwrap();
        let names: Vec<_> = by_name.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, [None, ci.name()]);
        let own = |at: usize| {
            ["one", "two", "three", "four"].map(|text| by_name[at].1.has(&Token::verbatim(text.to_owned())))
        };
        assert_eq!(
            [own(0), own(1)],
            [[true, false, true, false], [false, true, false, true]]
        );
        keychain.delete(&registry(), ci).unwrap();
        assert_eq!(
            keychain.own_tokens_by_name(&registry()).unwrap()[1].0,
            ci.name(),
            "it had some"
        );
        assert!(has(&keychain, "four"));
    }

    #[test]
    fn a_token_has_the_same_fingerprint_each_time() {
        let keychain = keychain();
        let of = |token: &str| {
            let token = Token::verbatim(token.to_owned());
            keychain.fingerprints(&registry(), &token).unwrap()
        };
        let first = of("token-one");
        assert_eq!(first.len(), 1);
        assert_eq!(of("token-one"), first);
        assert_ne!(of("token-two"), first);
        keychain.put(Use::Docker, &credential("a", "token-one")).unwrap();
        keychain.put(Use::Docker, &credential("a", "token-two")).unwrap();
        assert_eq!(of("token-one"), first, "the same key serves for earlier tokens");
    }

    #[test]
    fn a_rotation_keeps_the_fingerprint_of_the_token_it_drops() {
        let keychain = keychain();
        let name = Name::login(&registry(), Use::Docker);
        let kept = |current: &str, other: Option<(&str, Phase)>| StoredItem {
            current: credential("a", current),
            rotation: other.map(|(token, phase)| Rotation {
                phase,
                other: Some(credential("a", token)),
                journal: "{}".to_owned(),
            }),
        };
        let steps = [
            kept("old", None),
            kept("old", Some(("new", Phase::Writing))),
            kept("new", Some(("old", Phase::Promoted))),
        ];
        keychain.put(Use::Docker, &steps[0].current).unwrap();
        keychain.replace(&name, &steps[0], &steps[1]).unwrap();
        keychain.replace(&name, &steps[1], &steps[2]).unwrap();
        assert!(has(&keychain, "old") && has(&keychain, "new"));
        assert!(
            keychain.earlier(&registry()).unwrap().is_empty(),
            "both are still there"
        );
        keychain.replace(&name, &steps[2], &kept("new", None)).unwrap();
        assert!(
            keychain
                .earlier(&registry())
                .unwrap()
                .has(&Token::verbatim("old".to_owned()))
        );

        // Aborted: Secrets may have held the new token.
        let going = kept("new", Some(("third", Phase::Writing)));
        keychain.replace(&name, &kept("new", None), &going).unwrap();
        keychain.replace(&name, &going, &kept("new", None)).unwrap();
        assert!(has(&keychain, "third"));
    }

    #[test]
    fn tokens_that_no_pull_secret_can_hold_are_not_remembered() {
        let keychain = keychain();
        let hub: Registry = "docker.io".parse().unwrap();
        let of_hub = |user: &str, token: &str| Credential {
            registry: hub.clone(),
            ..credential(user, token)
        };
        let access = Name {
            part: Part::AccessToken,
            ..Name::login(&hub, Use::Docker)
        };
        for token in ["one", "two"] {
            keychain.put(Use::Docker, &of_hub("<token>", token)).unwrap();
            keychain.write(&access, &of_hub("a", token)).unwrap();
        }
        assert!(keychain.earlier(&hub).unwrap().is_empty());
    }

    #[test]
    fn damaged_fingerprints_are_reported_and_do_not_block_a_login() {
        let keychain = keychain();
        keychain.put(Use::Docker, &credential("a", "one")).unwrap();
        for damaged in ["no JSON", "{}", r#"{"earlier":7}"#] {
            keychain
                .earlier_entry(&registry())
                .unwrap()
                .set_password(damaged)
                .unwrap();
            assert!(
                matches!(keychain.own_tokens(&registry()), Err(Error::Damaged(_))),
                "{damaged}"
            );
        }
        keychain.put(Use::Docker, &credential("a", "two")).unwrap();
        assert!(has(&keychain, "one"));
    }

    #[test]
    fn a_journal_that_could_not_be_read_again_is_not_written() {
        let keychain = keychain();
        let name = Name::login(&registry(), Use::Docker);
        let before = StoredItem {
            current: credential("a", "old"),
            rotation: None,
        };
        keychain.put(Use::Docker, &before.current).unwrap();
        for journal in ["", "{", "\u{1}"] {
            let after = StoredItem {
                rotation: Some(Rotation {
                    phase: Phase::Writing,
                    other: Some(credential("a", "new")),
                    journal: journal.to_owned(),
                }),
                ..before.clone()
            };
            assert!(keychain.replace(&name, &before, &after).is_err(), "{journal:?}");
            assert_eq!(keychain.item(&name).unwrap().as_ref(), Some(&before));
        }
    }
}
