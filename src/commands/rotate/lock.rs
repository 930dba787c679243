//! One process at a time carries on a rotation: another one would revoke or delete a token that the first one writes.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::commands::system::System;
use crate::error::CommandError;
use crate::keychain::Name;
use crate::sys::env::Env;
use crate::sys::{file_lock, replace, xdg};

/// The longest name of a credential in that of a file, in characters. Longer ones that begin alike share a lock.
const MAX_NAME: usize = 200;

/// Locks the rotation of this credential until the file is dropped. Fails if another process has locked it: that one may wait
/// at a prompt for hours.
///
/// Where nothing can be locked there is no lock, with a warning if a file was to be there. Then the writes of the keychain's
/// item, which fail if another process has changed it, are all that keeps two processes apart.
pub(super) fn acquire(name: &Name, system: &mut System<'_>) -> Result<Option<File>, CommandError> {
    let Some(path) = path(name, &system.env) else {
        return Ok(None);
    };
    let locked = replace::private_folder(path.parent().unwrap_or(Path::new("/"))).and_then(|()| {
        let file = file_lock::open(&path)?;
        Ok(file_lock::attempt(&file)?.then_some(file))
    });
    match locked {
        Ok(Some(file)) => Ok(Some(file)),
        Ok(None) => Err(CommandError::failed(format_args!(
            "another `kubectl regcred rotate` of the token of {} for {} is running",
            name.registry, name.usage
        ))
        .hint("wait until it has ended; if it waits at a prompt, answer that or press Ctrl-C there")),
        Err(error) => {
            let warning = CommandError::failed(format_args!(
                "{} cannot be locked: {error}: another rotation of this token at the same time would go unnoticed",
                path.display()
            ));
            system.output.warn_of(&warning.hints(replace::hint(&error)));
            Ok(None)
        }
    }
}

/// The file of this credential's lock; `None` without a home folder.
fn path(name: &Name, env: &Env) -> Option<PathBuf> {
    let is_kept = |char: &char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-');
    let name: String = format!("{}-{}", name.usage, name.registry)
        .chars()
        .map(|char| if is_kept(&char) { char } else { '_' })
        .take(MAX_NAME)
        .collect();
    Some(xdg::below(
        &xdg::state_folder(env)?,
        &format!("regcred/rotate-{name}.lock"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Use;

    #[test]
    fn every_credential_has_a_file_of_its_own() {
        let home = std::env::temp_dir();
        let env = Env::from_iter([("XDG_STATE_HOME", home.as_path())]);
        let file = |registry: &str, usage: &str| {
            let name = Name::login(&registry.parse().unwrap(), usage.parse::<Use>().unwrap());
            let path = path(&name, &env).unwrap();
            path.file_name().unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(
            file("gitea.example.com", "cluster"),
            "rotate-cluster-gitea.example.com.lock"
        );
        assert_eq!(file("[::1]:3000", "ci"), "rotate-ci-___1__3000.lock");
        let labels = ["a".repeat(60), "b".repeat(60), "c".repeat(60), "d".repeat(60)];
        assert!(file(&labels.join("."), "docker").len() < 255);
    }
}
