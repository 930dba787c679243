//! Tokens that the keychain keeps under more than one name: revoking one breaks the others.

use crate::error::CommandError;
use crate::keychain::{self, Keychain, Name};
use crate::model::{CommandLine, Registry, Token, Use};

/// Another credential that has this token, for one of `others`. It may be at another registry: one Gitea can have an internal
/// and an external name.
pub(in crate::commands) fn elsewhere(
    keychain: &Keychain,
    token: &Token,
    others: impl Fn(&Registry, Use) -> bool,
) -> Result<Option<Name>, keychain::Error> {
    for credential in keychain.list()? {
        if !others(&credential.registry, credential.usage) {
            continue;
        }
        let name = Name::login(&credential.registry, credential.usage);
        if keychain.read(&name)?.is_some_and(|held| held.token == *token) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Refuses that a rotation of `name` revokes its token if the keychain has that under another name too.
pub(in crate::commands) fn refuse(keychain: &Keychain, name: &Name, token: &Token) -> Result<(), CommandError> {
    let is_other = |registry: &Registry, usage| *registry != name.registry || usage != name.usage;
    let Some(other) = elsewhere(keychain, token, is_other)? else {
        return Ok(());
    };
    Err(refusal(&other, &name.registry).hint(format_args!(
        "give {} its own token first with {}, or do not revoke this one: --keep-old",
        other.usage,
        CommandLine::new("kubectl regcred login")
            .value("REGISTRY", other.registry.as_str())
            .option("--use", "USE", other.usage.as_str())
    )))
}

/// That `name` has the token too.
pub(in crate::commands) fn refusal(name: &Name, registry: &Registry) -> CommandError {
    let of = if name.registry == *registry {
        String::new()
    } else {
        format!(" at {}", name.registry)
    };
    CommandError::failed(format_args!(
        "the same token is also stored for {}{of}, which would stop working when it is revoked",
        name.usage
    ))
}
