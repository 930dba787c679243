//! In whose name Secrets are written, and whether over what others wrote.

use crate::keychain::Config;
use crate::ledger;
use crate::model::Writer;
use crate::sys::env::Env;
use crate::sys::host;

/// The variable for the name, such as for CI.
const NAME: &str = "REGCRED_NAME";
/// The name where nothing is known.
const NOBODY: &str = "somebody";

/// In whose name Secrets are written, and whether over what others wrote.
pub(in crate::commands) struct Authorship {
    pub(in crate::commands) writer: Writer,
    /// `--take-over`, or a rotation: its Secrets hold the token that it replaces.
    pub(in crate::commands) takes_over: bool,
}

/// Whether an installation may be made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Making {
    /// Where there is none, one is made and kept.
    Allowed,
    /// Only one that was made before: in CI, where nothing is kept, and in a dry run.
    Never,
}

/// This installation. One that cannot be kept is none: Secrets then say only its name.
pub(in crate::commands) fn writer(env: &Env, making: Making) -> Writer {
    let installation = match making {
        Making::Allowed => ledger::make_installation(env).ok(),
        Making::Never => ledger::installation(env),
    };
    let named = |name: &str| Writer::new(name, installation.clone());
    let given = env.var(NAME).and_then(named);
    // A file that cannot be read is reported where the keychain is opened.
    let chosen = || named(&Config::read(env).ok()?.name?);
    let here = given.or_else(chosen).or_else(|| named(&user_at_host(env)));
    here.or_else(|| named(NOBODY)).expect("a name that can be shown")
}

/// `user@host`, as far as they are known.
fn user_at_host(env: &Env) -> String {
    let user = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| env.var(name));
    match (user, host::name(env)) {
        (Some(user), Some(host)) => format!("{user}@{host}"),
        (Some(user), None) => user.to_owned(),
        (None, Some(host)) => host,
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        pairs.iter().copied().collect()
    }

    #[test]
    fn the_name_is_the_first_that_somebody_chose() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().to_str().unwrap();
        let name = |pairs: &[(&str, &str)]| writer(&env(pairs), Making::Never).to_string();
        let user = ("USER", "jane");
        assert!(name(&[user]).starts_with("jane"));
        assert!(!name(&[]).is_empty());
        std::fs::create_dir_all(home.path().join(".config/regcred")).unwrap();
        std::fs::write(
            home.path().join(".config/regcred/config.toml"),
            "name = \"jane's desk\"\n",
        )
        .unwrap();
        assert_eq!(name(&[user, ("HOME", folder)]), "jane's desk");
        assert_eq!(name(&[user, ("HOME", folder), (NAME, "ci of web")]), "ci of web");
    }

    #[test]
    fn an_installation_is_made_only_where_that_is_allowed() {
        let home = tempfile::tempdir().unwrap();
        let env = env(&[("HOME", home.path().to_str().unwrap())]);
        assert_eq!(writer(&env, Making::Never).installation, None);
        let made = writer(&env, Making::Allowed).installation;
        assert!(made.is_some());
        assert_eq!(writer(&env, Making::Never).installation, made);
        assert_eq!(writer(&Env::default(), Making::Allowed).installation, None);
    }
}
