//! `keychain status`: shows which keychain is in use, why, whether it answers, and the other one.

mod document;
mod observation;
mod observe;

use super::args::KeychainStatusArgs;
use super::describe;
use crate::commands::shared::document as documents;
use crate::commands::system::System;
use crate::error::{CommandError, Exit};
use crate::keychain::vault::{self, KeyState, NO_KEY_FILE};
use crate::keychain::{Config, Error, NO_BUS, NO_SERVICE, StoreName};
use crate::model::count;
use crate::output::{Output, Tone};
use observation::Observation;
use observe::{Choice, LocalState, Open, Unavailable};

/// The width of the first column.
const INDENT: usize = "secret-service   ".len();

pub(super) fn run(args: &KeychainStatusArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let config = Config::read(&system.env)?;
    let choice = observe::choice(&config);
    let here = observe::here(&config, &system.env);
    let is_screen = args.output.is_none();
    if is_screen {
        // Printed before the bus is asked, which may take seconds to answer.
        show_here(&choice, &here, &mut system.output)?;
    }
    let desktop = observe::desktop(&system.env);
    if is_screen {
        show_keychain(StoreName::System, &desktop, &choice, &mut system.output)?;
    }
    let observation = Observation { choice, here, desktop };
    if let Some(format) = args.output {
        documents::print("KeychainStatus", &document::of(&observation), format, system)?;
    } else if let Err(error) = observation.in_use() {
        let error = CommandError::failed(error).hints(observation.hints());
        system.output.error(&error);
    } else {
        for hint in observation.hints() {
            system.output.info(format_args!("hint: {hint}"));
        }
    }
    Ok(observation.in_use().as_ref().map_or(Exit::Failed, |_| Exit::Done))
}

fn show_here(choice: &Choice, here: &LocalState, output: &mut Output<'_>) -> Result<(), CommandError> {
    let why = match &choice.chosen_in {
        Some(path) => format!("chosen in {}", path.display()),
        None => "the default on this system".to_owned(),
    };
    row("in use", Tone::Plain, &format!("{}, {why}", choice.store), output)?;
    show_keychain(StoreName::Vault, &here.vault, choice, output)?;
    let is_there = here.vault.as_ref().err().map(Unavailable::of) != Some(Unavailable::Absent);
    if let Some(path) = here.path.as_ref().filter(|_| is_there) {
        row("vault file", Tone::Plain, &path.display().to_string(), output)?;
    }
    let key_file = match &here.key_file {
        Some(file) => {
            let gone = if file.exists { "" } else { ", which does not exist" };
            format!("{}, named by {}{gone}", file.path.display(), file.named_by)
        }
        None => "none".to_owned(),
    };
    row("key file", Tone::Plain, &key_file, output)?;
    let kernel = match &here.kernel {
        Ok(()) => "available".to_owned(),
        Err(error) => format!("not available: {error}"),
    };
    row("kernel keyring", Tone::Plain, &kernel, output)
}

fn show_keychain(
    name: StoreName,
    found: &Result<Open, Error>,
    choice: &Choice,
    output: &mut Output<'_>,
) -> Result<(), CommandError> {
    let tone = match found {
        _ if name != choice.store => Tone::Plain,
        Ok(_) => Tone::Good,
        Err(error) if Unavailable::of(error) == Unavailable::Locked => Tone::Doubtful,
        Err(_) => Tone::Bad,
    };
    let text = match found {
        Ok(open) => format!(
            "{}, holds {}",
            openness(open),
            count::show(open.credentials, "credential")
        ),
        Err(error) => unavailable(error),
    };
    row(name.as_str(), tone, &text, output)
}

fn row(label: &str, tone: Tone, text: &str, output: &mut Output<'_>) -> Result<(), CommandError> {
    Ok(output.toned(&[(Tone::Plain, &format!("{label:INDENT$}")), (tone, text)])?)
}

fn openness(open: &Open) -> String {
    match &open.key {
        Some(KeyState::Unlocked { until }) => describe::unlocked(*until),
        Some(KeyState::InFile { .. }) => "open by its key file".to_owned(),
        Some(KeyState::Locked) | None => "open".to_owned(),
    }
}

/// The error of a keychain without its name, which is in the same row.
fn unavailable(error: &Error) -> String {
    use vault::Error as V;
    match error {
        Error::NoBus => format!("none: {NO_BUS}"),
        Error::NoService => format!("none: {NO_SERVICE}"),
        Error::ForeignRuntimeFolder { path, why } => {
            format!(
                "none: XDG_RUNTIME_DIR names {}, which is not used: {why}",
                path.display()
            )
        }
        Error::Vault(V::Missing(_)) => "none".to_owned(),
        Error::Locked | Error::Vault(V::Locked) => "locked".to_owned(),
        Error::Vault(V::LockedWithoutPassphrase) => format!("locked: {NO_KEY_FILE}"),
        Error::Vault(V::NoKernelKeyring(refused)) => format!("locked: {refused}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn shown(observation: &Observation) -> Vec<String> {
        observation.hints().iter().map(ToString::to_string).collect()
    }

    fn observation(store: StoreName, vault: Result<usize, vault::Error>, desktop: Result<usize, Error>) -> Observation {
        let open = |credentials| Open { credentials, key: None };
        Observation {
            choice: Choice { store, chosen_in: None },
            here: LocalState {
                vault: vault.map(open).map_err(Error::from),
                path: None,
                key_file: None,
                kernel: Ok(()),
            },
            desktop: desktop.map(open),
        }
    }

    #[test]
    fn credentials_in_the_other_keychain_are_hinted_at() {
        let hints = shown(&observation(StoreName::Vault, Ok(0), Ok(1)));
        assert_eq!(
            hints,
            ["the Secret Service holds 1 credential: kubectl regcred keychain migrate"]
        );
        assert!(observation(StoreName::Vault, Ok(3), Ok(0)).hints().is_empty());
        assert!(
            observation(StoreName::System, Err(vault::Error::Locked), Ok(3))
                .hints()
                .is_empty()
        );
    }

    #[test]
    fn an_existing_vault_is_used_instead_of_created() {
        let missing = || vault::Error::Missing("vault.age".into());
        let hints = shown(&observation(StoreName::System, Err(missing()), Err(Error::NoBus)));
        assert!(
            hints[0].contains("make a vault: kubectl regcred keychain use vault"),
            "{hints:?}"
        );
        for vault in [Ok(0), Err(vault::Error::Locked)] {
            let hints = shown(&observation(StoreName::System, vault, Err(Error::NoBus)));
            assert_eq!(hints[0], "the vault is available: kubectl regcred keychain use vault");
            assert!(hints.iter().all(|hint| !hint.contains("make a vault")), "{hints:?}");
            assert!(hints[1].contains("--token-env"), "{hints:?}");
        }
    }

    #[test]
    fn unlocking_is_hinted_at_before_switching() {
        let hints = shown(&observation(StoreName::Vault, Err(vault::Error::Locked), Ok(0)));
        assert_eq!(
            hints,
            [
                "unlock it: kubectl regcred keychain unlock",
                "the Secret Service is available: kubectl regcred keychain use secret-service"
            ]
        );
        let hints = shown(&observation(
            StoreName::Vault,
            Err(vault::Error::Locked),
            Err(Error::NoBus),
        ));
        assert_eq!(hints.len(), 1);
    }

    #[test]
    fn a_row_names_its_keychain_once() {
        let refused = vault::Error::NoKernelKeyring(vault::KernelKeyringError::Forbidden);
        for (error, shown) in [
            (Error::NoBus, "none: no D-Bus session bus was found"),
            (Error::NoService, "none: no secret service is on the D-Bus session bus"),
            (vault::Error::Missing("x".into()).into(), "none"),
            (Error::Locked, "locked"),
            (vault::Error::Locked.into(), "locked"),
            (refused.into(), "locked: this process may not use the kernel's keyring"),
            (Error::Died, "the secret service went away while it was asked"),
        ] {
            assert_eq!(unavailable(&error), shown);
        }
    }
}
