//! The registry's and Gitea's HTTP.
//!
//! Synchronous: what is asked here is asked once, by a person who waits for the answer. The rules of every request:
//! a token goes only to the registry's own origin (or to the token server that is known to belong to it) and only over
//! https, but for a loopback registry or by request; redirects are reported, never followed; answers are bounded in size
//! and time; and what a server says is text by a stranger.

mod account;
mod advisory;
mod api;
mod challenge;
mod exchange;
mod http;
mod jwt;
mod lookup;
mod manifest;
mod mint;
mod one_time_code;
mod origin;
mod proxy;
mod reach;
mod revoke;
mod scopes;
mod server;
mod session;
mod site;
mod sweep;
mod tls;
mod verify;
mod wanted;

use std::path::PathBuf;
use std::time::Duration;

pub use account::{Account, AccountError};
pub use advisory::{Advisory, advisories};
pub use manifest::{Image, ImageError, ImageStanding, image_standing};
pub use mint::{MintError, Minted, mint};
pub use one_time_code::{OneTimeCode, OneTimeCodeError};
pub use reach::ReachError;
pub use revoke::{RevokeError, Revoked, revoke};
pub use scopes::Scopes;
pub use server::Server;
pub use site::{GiteaPath, GiteaPathError, SiteError};
pub use sweep::sweep;
pub use verify::{Flow, Note, Verified, VerifyError, verify};
pub use wanted::{MintScopes, MintScopesError, TokenName, TokenNameError};

/// How to reach a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The certificates, in PEM form, that are trusted instead of the platform's.
    pub ca_file: Option<PathBuf>,
    /// Plain http to a registry that is not on this machine. The token then crosses the network in the clear.
    pub plain_http: bool,
    /// How long all requests of one question, such as one verification, may take together.
    pub timeout: Duration,
    /// The path that Gitea runs below, where its registry does not tell: since Gitea 1.22.1 the realm names only the host.
    pub gitea_path: Option<GiteaPath>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ca_file: None,
            plain_http: false,
            timeout: Duration::from_secs(30),
            gitea_path: None,
        }
    }
}
