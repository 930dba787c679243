//! Where this machine's tokens were written: the places of every credential, so that a rotation or a logout finds them.
//!
//! No token is in it, and nothing that helps to guess one: a token is recognised by a [`Fingerprint`] whose key is in
//! the keychain. It is what this machine knows, not what is true: a cluster's answer corrects it, and one that is lost is
//! made again by looking. docs/where.md describes the file.
//!
//! [`Fingerprint`]: crate::model::Fingerprint

mod document;
mod error;
mod file;
mod installation;
mod known_path;
mod places;
mod skipped;
mod skips;

pub use document::{
    ActionsPlace, Connection, FilePlace, KnownCluster, KnownCredential, KnownToken, Ledger, SecretPlace, SecretPlaces,
    TokenAtServer,
};
pub use error::LedgerError;
pub use file::{path, read, update};
pub use installation::{installation, make_installation};
pub use known_path::{KnownPath, KnownPathError};
pub use places::TokenId;
pub use skipped::Skipped;
