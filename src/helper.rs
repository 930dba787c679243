//! Docker's credential-helper protocol, for every registry.
//!
//! `docker-credential-X ACTION` reads its input on stdin and answers on stdout. There is no specification; these rules
//! come from the code of docker-credential-helpers (`credentials/`, `client/`) and of the clients:
//!
//! - Clients read only stdout, for errors too, and treat every exit code but 0 as a failure; some know only 1.
//! - "Not found" is one exact text. Any other failure of `get` is fatal to most clients.
//! - `erase` of nothing succeeds: otherwise podman and skopeo fail, some versions with a stack overflow.
//! - stderr goes straight to the user's terminal: nothing on success, one line for a failure that the user has to act
//!   on.
//! - `list` and `version` do not read stdin, which can be the user's terminal.

mod error;
mod input;
#[cfg(target_os = "linux")]
mod own_program;

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use zeroize::Zeroizing;

use crate::keychain::{self, Keychain, Name};
use crate::model::{Credential, HELPER_NOT_FOUND as NOT_FOUND, HelperEntry, Hint, Token, Use, Username};
use crate::sys::env::Env;
use crate::sys::private::NotPrivate;
use crate::sys::stdin;
use crate::sys::watchdog::Watchdog;
use error::{Failure, NO_SERVER, NO_USERNAME};

/// The program's name in its own messages.
const PROGRAM: &str = "docker-credential-gitea";

/// Time limits for a keychain that can show a prompt, and for one that cannot.
const LIMITS: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(10)];

/// The program's output and exit code.
#[derive(Debug)]
struct Answer {
    stdout: Zeroizing<String>,
    stderr: Option<String>,
    code: u8,
}

impl Answer {
    fn success(stdout: String) -> Self {
        Self {
            stdout: Zeroizing::new(stdout),
            stderr: None,
            code: 0,
        }
    }

    fn failure(stdout: &dyn Display, stderr: Option<String>) -> Self {
        Self {
            stdout: Zeroizing::new(format!("{stdout}\n")),
            stderr,
            code: 1,
        }
    }

    /// A failure that the user has to act on.
    fn user_error(what: &dyn Display, hint: Option<&dyn Display>) -> Self {
        let line = match hint {
            Some(hint) => format!("{PROGRAM}: {what}; hint: {hint}"),
            None => format!("{PROGRAM}: {what}"),
        };
        Self::failure(what, Some(line))
    }

    /// A keychain error. If a single command fixes it, stdout names that command too, because some clients show only
    /// stdout.
    fn of_keychain(error: &keychain::Error) -> Self {
        let hint = hint(error);
        let mut answer = Self::user_error(error, hint.as_ref().map(|hint| hint as &dyn Display));
        if let Some(hint) = hint.filter(|hint| hint.command().is_some()) {
            answer.stdout = Zeroizing::new(format!("{error}; {hint}\n"));
        }
        answer
    }

    /// Writes the answer. If stdout is closed there is nowhere to report it, so only the exit code changes.
    fn write(&self, stdout: &mut dyn Write, stderr: &mut dyn Write) -> u8 {
        if let Some(line) = &self.stderr {
            let _ = writeln!(stderr, "{line}");
        }
        match stdout.write_all(self.stdout.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => self.code,
            Err(_) => 1,
        }
    }
}

/// Whether a program started under this name should act as the helper: `docker-credential-gitea` may be a link to
/// `kubectl-regcred`.
pub fn is_called(argv0: &OsStr) -> bool {
    called(argv0, cfg!(windows))
}

/// Windows adds `.exe` to a name and ignores case.
fn called(argv0: &OsStr, windows: bool) -> bool {
    let Some(name) = Path::new(argv0).file_name().and_then(OsStr::to_str) else {
        return false;
    };
    if !windows {
        return name == PROGRAM;
    }
    let name = name.to_ascii_lowercase();
    name.strip_suffix(".exe").unwrap_or(&name) == PROGRAM
}

/// [`main`] for another program that was called by this name.
///
/// Where the helper has a program of its own, that one runs. Not on macOS, whose keychain asks for each program whether it may
/// use an item.
pub fn main_of_alias(args: impl IntoIterator<Item = OsString>, env: &Env) -> ExitCode {
    let args: Vec<_> = args.into_iter().collect();
    #[cfg(target_os = "linux")]
    own_program::replace_process(PROGRAM, &args);
    main(args, env)
}

/// Runs the program on this process's stdin, stdout and stderr. `args` are those after the program's name.
///
/// A watchdog ends the process if the keychain hangs.
pub fn main(args: impl IntoIterator<Item = OsString>, env: &Env) -> ExitCode {
    let args: Vec<_> = args.into_iter().collect();
    let limit = LIMITS[usize::from(!can_prompt(env))];
    let mut watchdog = None;
    let answer = answer(&args, &mut stdin::unbuffered(), || {
        watchdog = Some(Watchdog::start(limit, move || {
            let error = keychain::Error::NoAnswer(limit);
            Answer::of_keychain(&error).write(&mut io::stdout(), &mut io::stderr())
        }));
        Keychain::open(env)
    });
    // The reader of our output may take as long as it likes.
    drop(watchdog);
    ExitCode::from(answer.write(&mut io::stdout(), &mut io::stderr()))
}

/// Runs one action and returns the exit code. The keychain is opened only if the action needs it.
pub fn run(
    args: &[OsString],
    stdin: &mut dyn Read,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
    open: impl FnOnce() -> Result<Keychain, keychain::Error>,
) -> u8 {
    answer(args, stdin, open).write(stdout, stderr)
}

fn answer(args: &[OsString], stdin: &mut dyn Read, open: impl FnOnce() -> Result<Keychain, keychain::Error>) -> Answer {
    let usage = format!("Usage: {PROGRAM} <store|get|erase|list|version>");
    let [action] = args else {
        return Answer::failure(&usage, None);
    };
    let outcome = match action.to_string_lossy().as_ref() {
        "get" => get(stdin, open),
        "store" => store(stdin, open),
        "erase" => erase(stdin, open),
        "list" => list(open),
        "version" | "--version" | "-v" => Ok(format!("{PROGRAM} (regcred) v{}\n", env!("CARGO_PKG_VERSION"))),
        "help" | "--help" | "-h" => Ok(format!("{usage}\n")),
        unknown => return Answer::failure(&format_args!("{PROGRAM}: unknown action: {unknown}"), None),
    };
    match outcome {
        Ok(stdout) => Answer::success(stdout),
        Err(Failure::Protocol(text)) => Answer::failure(&text, None),
        Err(Failure::Input(text)) => Answer::user_error(&text, None),
        Err(Failure::Keychain(error)) => Answer::of_keychain(&error),
    }
}

fn get(stdin: &mut dyn Read, open: impl FnOnce() -> Result<Keychain, keychain::Error>) -> Result<String, Failure> {
    let server = input::server(stdin)?;
    let found = match Name::of_server(&server, Use::Docker) {
        Some(name) => open()?.read(&name)?,
        None => None,
    };
    let credential = found.ok_or(Failure::Protocol(NOT_FOUND))?;
    // Formatted into one buffer, so that no copy of the token is left in a tree of JSON values.
    let secret = Zeroizing::new(json!(credential.token.expose()).to_string());
    Ok(format!(
        "{{\"ServerURL\":{},\"Username\":{},\"Secret\":{}}}\n",
        json!(server),
        json!(credential.username.as_str()),
        secret.as_str()
    ))
}

fn store(stdin: &mut dyn Read, open: impl FnOnce() -> Result<Keychain, keychain::Error>) -> Result<String, Failure> {
    let mut entry: HelperEntry = input::entry(stdin)?;
    if entry.server.trim().is_empty() {
        return Err(Failure::Protocol(NO_SERVER));
    }
    if entry.username.is_empty() {
        return Err(Failure::Protocol(NO_USERNAME));
    }
    let invalid = |error: &dyn Display| Failure::Input(format!("cannot store this: {error}"));
    let Some(name) = Name::of_server(entry.server.trim(), Use::Docker) else {
        return Err(invalid(&"its server URL does not name a registry"));
    };
    let username: Username = entry.username.parse().map_err(|error| invalid(&error))?;
    let token = Token::given(std::mem::take(&mut entry.secret)).map_err(|error| invalid(&error))?;
    let credential = Credential {
        registry: name.registry.clone(),
        username,
        token,
    };
    open()?.write(&name, &credential)?;
    Ok(String::new())
}

fn erase(stdin: &mut dyn Read, open: impl FnOnce() -> Result<Keychain, keychain::Error>) -> Result<String, Failure> {
    if let Some(name) = Name::of_server(&input::server(stdin)?, Use::Docker) {
        open()?.remove(&name)?;
    }
    Ok(String::new())
}

fn list(open: impl FnOnce() -> Result<Keychain, keychain::Error>) -> Result<String, Failure> {
    let names = open()?.names()?;
    let entries: serde_json::Map<_, _> = names
        .into_iter()
        .filter(|(name, _)| name.usage == Use::Docker)
        .map(|(name, username)| (name.server(), json!(username.as_str())))
        .collect();
    Ok(format!("{}\n", serde_json::Value::Object(entries)))
}

/// A hint for somebody who typed `docker pull` and does not know our commands' flags.
fn hint(error: &keychain::Error) -> Option<Hint> {
    use keychain::Error as E;
    match error {
        E::NoBus | E::BusAddress(_) | E::BusUnreachable { .. } | E::NoService => Some(
            "on a machine without a desktop, make a vault: kubectl regcred keychain use vault; \
             on a desktop, start gnome-keyring, KWallet or KeePassXC; or kubectl regcred docker remove, \
             and docker login keeps tokens in its own file again"
                .into(),
        ),
        E::NoCollection => Some(
            "make a default keyring once, in Passwords and Keys (seahorse) or by logging in to the desktop, \
             or open a database in KeePassXC; on a machine without a desktop, make a vault: \
             kubectl regcred keychain use vault"
                .into(),
        ),
        E::Locked | E::PromptDismissed | E::PromptUnanswered(_) => Some(
            "unlock the keyring, in Passwords and Keys (seahorse), in KeePassXC or by logging in to the desktop; \
             over SSH, where nobody sits at that desktop, use a vault: kubectl regcred keychain use vault"
                .into(),
        ),
        E::ForeignRuntimeFolder {
            why: NotPrivate::Owner(_) | NotPrivate::Kind(_),
            ..
        }
        | E::ForeignBus { .. } => Some(
            "run docker in a session of that user's own (su -, sudo -i), \
             or unset XDG_RUNTIME_DIR and DBUS_SESSION_BUS_ADDRESS"
                .into(),
        ),
        other => other.hints().into_iter().next(),
    }
}

#[cfg(target_os = "linux")]
fn can_prompt(env: &Env) -> bool {
    keychain::secret_service::can_prompt(env)
}

/// macOS and Windows show their own prompts.
#[cfg(not(target_os = "linux"))]
fn can_prompt(_: &Env) -> bool {
    true
}

#[cfg(test)]
mod tests;
