//! This user's runtime folders by the XDG Base Directory specification, which are used only where they are private.

use std::path::PathBuf;

use super::env::Env;
use super::private::{self, NotPrivate};
use super::user;

/// This user's runtime folders: `$XDG_RUNTIME_DIR`, then the one from systemd-logind, for shells without the variable.
/// Only private folders, as the XDG Base Directory specification requires.
pub(crate) fn usable(env: &Env) -> impl Iterator<Item = PathBuf> {
    let logind = || {
        cfg!(target_os = "linux")
            .then(user::id)
            .flatten()
            .map(|user| format!("/run/user/{user}").into())
    };
    let named = env.path("XDG_RUNTIME_DIR").into_iter().chain(logind());
    named.filter(|folder| folder.is_absolute() && private::folder(folder).is_ok())
}

/// The folder in `$XDG_RUNTIME_DIR`, if it exists and is not private, with the reason.
pub(crate) fn not_private(env: &Env) -> Option<(PathBuf, NotPrivate)> {
    let folder = env.path("XDG_RUNTIME_DIR")?;
    let error = private::folder(&folder).err()?;
    let why = error.get_ref()?.downcast_ref::<NotPrivate>()?.clone();
    Some((folder, why))
}

/// [`not_private`] only if others could create files in it, for uses where reading is not a problem.
pub(crate) fn open_to_others(env: &Env) -> Option<(PathBuf, NotPrivate)> {
    not_private(env).filter(|(_, why)| !matches!(why, NotPrivate::Mode(mode) if mode & private::OTHERS_WRITE == 0))
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;

    use super::*;

    fn runtime(folder: &Path) -> Vec<PathBuf> {
        let env = Env::from_iter([("XDG_RUNTIME_DIR", folder)]);
        usable(&env).filter(|found| !found.starts_with("/run/user")).collect()
    }

    fn why(folder: &Path) -> Option<String> {
        let env = Env::from_iter([("XDG_RUNTIME_DIR", folder)]);
        not_private(&env).map(|(_, why)| why.to_string())
    }

    #[test]
    fn a_runtime_folder_must_be_private() {
        let folder = private::test_folder();
        assert_eq!(runtime(folder.path()), [folder.path()]);
        assert_eq!(why(folder.path()), None);

        let link = folder.path().join("link");
        symlink(folder.path(), &link).unwrap();
        assert!(runtime(&link).is_empty());
        assert_eq!(why(&link).unwrap(), "it is a link");

        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(runtime(folder.path()).is_empty());
        assert_eq!(why(folder.path()).unwrap(), "other users may use it: its mode is 0755");
        let env = Env::from_iter([("XDG_RUNTIME_DIR", folder.path())]);
        assert_eq!(open_to_others(&env), None, "nobody else can put a file there");

        assert!(runtime(Path::new("/nonexistent")).is_empty());
        assert_eq!(why(Path::new("/nonexistent")), None, "a session without one");
        assert!(runtime(Path::new("relative")).is_empty());
    }

    /// As for root after `su`.
    #[test]
    fn another_users_folder_is_named_with_its_owner() {
        if user::id() != Some(0) {
            return;
        }
        let folder = private::test_folder();
        std::os::unix::fs::chown(folder.path(), Some(4321), None).unwrap();
        assert!(runtime(folder.path()).is_empty());
        assert_eq!(why(folder.path()).unwrap(), "it belongs to another user (uid 4321)");
    }
}
