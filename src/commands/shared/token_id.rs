//! Which token of the keychain it is, for the ledger.

use std::collections::BTreeSet;

use crate::keychain::{self, Keychain};
use crate::ledger::{Ledger, TokenId};
use crate::model::{ActionsSecret, Credential, Registry, Use};

/// `None` where the item with the key of its fingerprint is damaged: the credential can be used all the same.
pub(in crate::commands) fn token_id(
    keychain: &Keychain,
    usage: Use,
    credential: &Credential,
) -> Result<Option<TokenId>, keychain::Error> {
    match keychain.fingerprints(&credential.registry, &credential.token) {
        Ok(fingerprints) => Ok(Some(TokenId {
            registry: credential.registry.clone(),
            usage,
            username: credential.username.clone(),
            fingerprints,
        })),
        Err(keychain::Error::Damaged(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The secrets of Actions that may hold any token of the registry: what they were given is a token that this keychain does not
/// recognise, because another keychain had it, or because the item with the fingerprints is damaged.
pub(in crate::commands) fn actions_with_unknown<'a>(
    keychain: &Keychain,
    registry: &Registry,
    ledger: &'a Ledger,
) -> Result<BTreeSet<&'a ActionsSecret>, keychain::Error> {
    let known = match keychain.own_fingerprints(registry) {
        Err(keychain::Error::Damaged(_)) => BTreeSet::new(),
        known => known?,
    };
    Ok(ledger.actions_without(registry, &known))
}
