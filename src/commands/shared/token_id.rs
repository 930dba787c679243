//! Which token of the keychain it is, for the ledger.

use crate::keychain::{self, Keychain};
use crate::ledger::TokenId;
use crate::model::{Credential, Use};

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
