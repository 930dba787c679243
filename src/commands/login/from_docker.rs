//! `login --from-docker`: takes over docker's or podman's credential for a registry.

use crate::commands::shared::choose;
use crate::commands::system::System;
use crate::docker::{self, Stored, Workstation};
use crate::error::CommandError;
use crate::model::{CommandLine, Credential, Hint, Registry, Username};

/// A credential of docker or podman, and where it is still stored.
pub(super) struct Taken {
    pub(super) credential: Credential,
    places: String,
}

/// Finds the credential. If there are several users, `username` chooses one.
pub(super) fn take(
    registry: Option<Registry>,
    username: Option<&Username>,
    system: &mut System<'_>,
) -> Result<Taken, CommandError> {
    let workstation = docker::observe(&system.env)?;
    for (_, error) in &workstation.unreadable {
        system.output.warn(error);
    }
    let registry = match registry {
        Some(registry) => registry,
        None => the_registry(&workstation, system)?,
    };
    let docker::Lookup { found, failed } = workstation.stored(&registry, &system.env);
    let is_meant = |stored: &Stored| username.is_none_or(|name| stored.credential.username == *name);
    let (meant, others): (Vec<Stored>, Vec<Stored>) = found.into_iter().partition(is_meant);
    if meant.is_empty() {
        // A helper that did not answer may have the credential.
        return Err(match (failed.into_iter().next(), others.first()) {
            (Some(error), _) => error.into(),
            (None, Some(other)) => CommandError::failed(format_args!(
                "docker's credential of {registry} belongs to {}",
                other.credential.username
            ))
            .hint(
                CommandLine::new("kubectl regcred login")
                    .value("REGISTRY", registry.as_str())
                    .words("--from-docker"),
            ),
            (None, None) => nothing(&registry),
        });
    }
    for error in &failed {
        system.output.warn(error);
    }
    let stored = one_of(&registry, meant, system)?;
    let places: Vec<String> = stored.places.iter().map(ToString::to_string).collect();
    Ok(Taken {
        credential: stored.credential,
        places: places.join(" and "),
    })
}

/// The only registry for which docker or podman has a credential, or the one that the user chooses.
fn the_registry(workstation: &Workstation, system: &mut System<'_>) -> Result<Registry, CommandError> {
    let known = workstation.registries(&system.env);
    for error in &known.failed {
        system.output.warn(error);
    }
    let known: Vec<&Registry> = known.found.iter().collect();
    if known.is_empty() {
        return Err(nothing(&"any registry"));
    }
    let how = "kubectl regcred login --from-docker REGISTRY";
    choose::among(&known, "docker and podman have credentials of", how, system)
}

impl Taken {
    /// Reports where docker's copy is still stored.
    pub(super) fn report(&self, system: &mut System<'_>) {
        system.output.info(format_args!(
            "it was taken from {}, where it still is\nhint: to have docker ask the keychain instead: \
             {}",
            self.places,
            CommandLine::new("kubectl regcred docker setup").value("REGISTRY", self.credential.registry.as_str())
        ));
    }
}

fn nothing(of: &dyn std::fmt::Display) -> CommandError {
    CommandError::failed(format_args!(
        "neither docker nor podman has a credential of {of} outside of regcred's keychain"
    ))
    .hint("kubectl regcred list shows the keychain; kubectl regcred login REGISTRY -u USER asks for a token")
}

/// The only credential, or the one that the user chooses.
fn one_of(registry: &Registry, mut meant: Vec<Stored>, system: &System<'_>) -> Result<Stored, CommandError> {
    let shown: Vec<String> = meant
        .iter()
        .map(|stored| {
            let places: Vec<String> = stored.places.iter().map(ToString::to_string).collect();
            format!("{} from {}", stored.credential.username, places.join(" and "))
        })
        .collect();
    let at = match (meant.len(), &system.person) {
        (1, _) => 0,
        (_, Some(person)) => person.choice(&format!("Which credential of {registry}"), &shown)?,
        (_, None) => {
            let error = CommandError::usage(format_args!(
                "docker and podman have different credentials of {registry}: {}",
                shown.join(", ")
            ));
            let first = &meant[0].credential.username;
            let login = CommandLine::new("kubectl regcred login").value("REGISTRY", registry.as_str());
            return Err(if meant.iter().all(|stored| stored.credential.username == *first) {
                // Not docker logout: where docker asks our helper, that deletes what the keychain has.
                error.hint(Hint::to("give the token that is right", login.words("-u USER")))
            } else {
                error.hint(login.words("--from-docker -u USER"))
            });
        }
    };
    if at >= meant.len() {
        return Err(CommandError::usage("there is no such choice"));
    }
    Ok(meant.swap_remove(at))
}
