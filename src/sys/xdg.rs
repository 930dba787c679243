//! The user's folders by the XDG Base Directory specification.

use std::path::PathBuf;

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
    named.or_else(|| Some(env.home()?.join(default)).filter(|folder| folder.is_absolute()))
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
}
