//! HTTP requests to registries and to Gitea's API.
//!
//! All calls are synchronous: there are few, and the user waits for the answer. Rules for every request: a token is
//! sent only to the registry's own origin (or to the token server that is known to belong to it), and only over https
//! except for a loopback registry or with `--plain-http`. Redirects are reported, never followed. Answers are limited
//! in size and time. Text from a server is untrusted.

mod account;
mod account_tokens;
mod actions;
mod advisory;
mod api;
mod ca_file;
mod challenge;
mod exchange;
#[cfg(fuzzing)]
pub mod fuzzing;
mod http;
mod images;
mod jwt;
mod lookup;
mod manifest;
mod mint;
mod one_time_code;
mod origin;
mod pages;
mod proxy;
mod reach;
mod revoke;
mod scopes;
mod server;
mod session;
mod site;
mod sweep;
mod temporary_token;
mod tls;
mod token_spec;
mod verify;

use std::time::Duration;

pub use account::{Account, AccountError};
pub use account_tokens::{AccountToken, AccountTokens, AccountTokensError, account_tokens};
pub use actions::{ActionsError, ActionsWrite, ask_for_actions, list_actions, may_write_actions, write_actions};
pub use advisory::{Advisory, advisories};
pub use ca_file::CaFile;
pub use images::{Fetched, ImageConfig, Images, ImagesError, PackageRow, ReadingPages};
pub use manifest::{ImageAccess, image_access};
pub use mint::{MintError, Minted, mint};
pub use one_time_code::{OneTimeCode, OneTimeCodeError};
pub use reach::ReachError;
pub use revoke::{RevokeError, Revoked, revoke};
pub use scopes::Scopes;
pub use server::Server;
pub use site::{GiteaPath, GiteaPathError, SiteError};
pub use sweep::sweep;
pub use temporary_token::{LeftBehind, TemporaryToken};
pub use token_spec::{MintScopes, MintScopesError, TokenName, TokenNameError};
pub use verify::{Flow, Note, Verified, VerifyError, verify};

/// How to reach a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// A PEM file of certificates that are trusted instead of the platform's.
    pub ca_file: Option<CaFile>,
    /// Use plain http for a registry that is not on this machine. The token then crosses the network unencrypted.
    pub plain_http: bool,
    /// Time limit for all requests of one operation, such as a verification.
    pub timeout: Duration,
    /// The path that Gitea runs below. Needed since Gitea 1.22.1, whose realm contains only the host.
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
