//! Why an action failed, and the texts of the protocol's own errors.

use crate::keychain;

/// `errCredentialsMissingServerURLMessage` of docker-credential-helpers.
pub(super) const NO_SERVER: &str = "no credentials server URL";
/// `errCredentialsMissingUsernameMessage` of docker-credential-helpers.
pub(super) const NO_USERNAME: &str = "no credentials username";

pub(super) enum Failure {
    /// A text of the protocol, which clients compare; nothing for a person to do.
    Protocol(&'static str),
    /// The client's input cannot be used.
    Input(String),
    Keychain(keychain::Error),
}

impl From<keychain::Error> for Failure {
    fn from(error: keychain::Error) -> Self {
        Self::Keychain(error)
    }
}
