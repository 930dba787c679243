//! Verifies a credential at its registry, and prints the result.

use crate::commands::args::RegistryConnectionArgs;
use crate::commands::system::System;
use crate::model::{Credential, Use};
use crate::registry::{self, Flow, Server, Verified, VerifyError};

/// The number of refused tokens after which an account's other tokens are not tried. Gitea before 1.20 and other
/// registries try an invalid token as the account's password, and directories lock an account after about five attempts.
pub(in crate::commands) const MAX_REFUSED: usize = 2;

/// Verifies the credential at the registry.
pub(in crate::commands) fn verify(
    credential: &Credential,
    connection: &RegistryConnectionArgs,
    system: &mut System<'_>,
) -> Result<Verified, VerifyError> {
    let env = &system.env;
    system
        .output
        .waiting(format_args!("asking {}", credential.registry), || {
            registry::verify(credential, &connection.options(RegistryConnectionArgs::TIMEOUT), env)
        })
}

/// Prints the token's user and scopes, and warns if the scopes are more or less than its use needs.
pub(in crate::commands) fn report(verified: &Verified, credential: &Credential, usage: Use, system: &mut System<'_>) {
    let output = &mut system.output;
    for note in &verified.notes {
        output.warn(note);
    }
    if verified.flow == Flow::Open {
        output.warn(format_args!(
            "{} requires no login, so the token could not be verified",
            credential.registry
        ));
        return;
    }
    let who = verified
        .who
        .as_deref()
        .map_or(String::new(), |who| format!(", the token of {who}"));
    let scopes = verified
        .scopes
        .as_ref()
        .map_or(String::new(), |scopes| format!(", scopes {scopes}"));
    output.info(format_args!("verified at {}{who}{scopes}", credential.registry));
    if let Some(who) = verified
        .who
        .as_deref()
        .filter(|who| !who.eq_ignore_ascii_case(credential.username.as_str()))
    {
        output.warn(format_args!(
            "the token belongs to {who}; the registry ignores the user name {}",
            credential.username
        ));
    }
    output.detail(format_args!(
        "it is {}, with {} authentication",
        server(&verified.server),
        flow(verified.flow)
    ));
    match &verified.scopes {
        // Only its consumer knows what it needs.
        Some(_) if usage.name().is_some() => {}
        Some(scopes) if scopes.reaches_beyond_packages() => {
            output.warn("the token may do more than read and write packages");
        }
        Some(scopes) if usage == Use::Cluster && scopes.may_change() => {
            output.warn("the token may push or delete; for clusters a token with read:package is enough");
        }
        Some(scopes) if usage == Use::Docker && !scopes.may_push() => {
            output.info("the token may pull but not push: pushing needs the scope write:package");
        }
        // Gitea up to 1.22.1 and Forgejo up to 7.0.7 do not report the scopes; other registries have none.
        None if verified.server != Server::Other => {
            output.info(
                "this server does not report the token's scopes: check that it has only those that its use needs",
            );
        }
        _ => {}
    }
}

fn server(server: &Server) -> String {
    match server {
        Server::Gitea { version: Some(version) } => format!("Gitea {version}"),
        Server::Gitea { version: None } => "a Gitea".to_owned(),
        Server::Forgejo { version } => format!("Forgejo {version}"),
        _ => "a container registry".to_owned(),
    }
}

fn flow(flow: Flow) -> &'static str {
    match flow {
        Flow::Basic => "Basic",
        _ => "token",
    }
}
