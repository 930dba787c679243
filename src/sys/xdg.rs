//! The user's folders by the XDG Base Directory specification.

use std::path::{Path, PathBuf};

use super::env::Env;

/// `$XDG_CONFIG_HOME`, by default `~/.config`.
pub(crate) fn config_folder(env: &Env) -> Option<PathBuf> {
    folder(env, "XDG_CONFIG_HOME", ".config")
}

/// `$XDG_DATA_HOME`, by default `~/.local/share`.
pub(crate) fn data_folder(env: &Env) -> Option<PathBuf> {
    folder(env, "XDG_DATA_HOME", ".local/share")
}

/// `$XDG_STATE_HOME`, by default `~/.local/state`.
pub(crate) fn state_folder(env: &Env) -> Option<PathBuf> {
    folder(env, "XDG_STATE_HOME", ".local/state")
}

/// A relative path is ignored, as the specification says: docker may call the helper in another working directory.
fn folder(env: &Env, variable: &str, default: &str) -> Option<PathBuf> {
    let named = env.path(variable).filter(|folder| folder.is_absolute());
    named.or_else(|| Some(below(&env.home()?, default)).filter(|folder| folder.is_absolute()))
}

/// A path with `/` below a folder, which is shown with this system's separators.
pub(crate) fn below(folder: &Path, path: &str) -> PathBuf {
    path.split('/')
        .fold(folder.to_owned(), |folder, name| folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_relative_folder_is_ignored() {
        let env = |pairs: &[(&str, &str)]| pairs.iter().copied().collect::<Env>();
        let home = ("HOME", "/home/jane");
        for (env, folder) in [
            (env(&[home, ("XDG_STATE_HOME", "/state")]), Some("/state")),
            (
                env(&[home, ("XDG_STATE_HOME", "state")]),
                Some("/home/jane/.local/state"),
            ),
            (env(&[("HOME", "jane")]), None),
            (env(&[]), None),
        ] {
            assert_eq!(state_folder(&env), folder.map(PathBuf::from));
        }
    }

    #[test]
    fn a_path_has_one_kind_of_separator() {
        let path = below(Path::new("home"), "regcred/vault.age");
        let separators = |c: char| matches!(c, '/' | '\\');
        let shown = path.to_str().unwrap().matches(separators).collect::<Vec<_>>();
        assert_eq!(shown, [std::path::MAIN_SEPARATOR_STR; 2]);
    }
}
