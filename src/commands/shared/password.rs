//! Reads an account's password from standard input or a hidden prompt; it is never stored.

use super::standard_input;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{Registry, Token, Username};
use crate::registry::{Account, OneTimeCode, TemporaryToken};
use crate::sys::env::Env;

/// The most octets that are read: more than any password with a code.
const MAX_STDIN: usize = 16 * 1024;

/// Gets the account's password, and the one-time code if standard input has one.
pub(in crate::commands) fn account(
    registry: &Registry,
    username: &Username,
    from_stdin: bool,
    system: &mut System<'_>,
) -> Result<Account, CommandError> {
    let (password, code) = if from_stdin {
        read(system)?
    } else {
        (ask(registry, username, system)?, None)
    };
    Ok(Account {
        username: username.clone(),
        password,
        code,
    })
}

/// Tries once, and a second time only with a one-time code from a prompt: every attempt with a wrong password counts, and
/// LDAP may lock the account after a few.
pub(in crate::commands) fn with_code<T, E>(
    account: &mut Account,
    registry: &Registry,
    system: &mut System<'_>,
    wants_code: fn(&E) -> bool,
    attempt: impl Fn(&Account, &Env) -> Result<T, E>,
) -> Result<T, CommandError>
where
    E: std::fmt::Display,
    CommandError: From<E>,
{
    let asked = |account: &Account, system: &mut System<'_>| {
        let env = &system.env;
        system
            .output
            .waiting(format_args!("asking {registry}"), || attempt(account, env))
    };
    match asked(account, system) {
        Err(error) if wants_code(&error) && ask_code(account, &error, system)? => Ok(asked(account, system)?),
        done => Ok(done?),
    }
}

/// Prompts for the one-time code. Returns whether there was a terminal to prompt on.
pub(in crate::commands) fn ask_code(
    account: &mut Account,
    error: &dyn std::fmt::Display,
    system: &mut System<'_>,
) -> Result<bool, CommandError> {
    let Some(person) = &system.person else {
        return Ok(false);
    };
    system.output.info(error);
    let question = format!("One-time code of {} (Ctrl-C if there is none)", account.username);
    let code = person.secret(&question)?;
    account.code = Some(code.parse().map_err(CommandError::failed)?);
    Ok(true)
}

/// Deletes what stood in for a password. Nobody knows the text of one that is still there afterwards, so that is a warning.
pub(in crate::commands) fn delete_temporary(
    temporary: impl IntoIterator<Item = TemporaryToken>,
    system: &mut System<'_>,
) {
    for temporary in temporary {
        if let Err(left) = temporary.delete() {
            system.output.warn(format_args!("{left}; {}", left.hint()));
        }
    }
}

fn ask(registry: &Registry, username: &Username, system: &System<'_>) -> Result<Token, CommandError> {
    let Some(person) = &system.person else {
        return Err(
            CommandError::usage("the account's password is needed, and there is no terminal to prompt on")
                .hint("give it with --password-stdin"),
        );
    };
    let answer = person.secret(&format!("Password of {username} at {registry}"))?;
    password(&answer)
}

/// The first line is the password, and a second line is the code. A password cannot contain a line break.
fn read(system: &mut System<'_>) -> Result<(Token, Option<OneTimeCode>), CommandError> {
    let bytes = standard_input::read("password", MAX_STDIN, system)?;
    let failed = |why: &str| {
        CommandError::failed(format_args!("standard input: {why}"))
            .hint("pipe the password in, and a one-time code in a second line: … | kubectl regcred … --password-stdin")
    };
    let bytes = bytes.ok_or_else(|| failed("it is too long for a password"))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| failed("the password is not text"))?;
    let mut lines = text.lines();
    let password = password(lines.next().unwrap_or_default())?;
    let code = match lines.next().filter(|line| !line.trim().is_empty()) {
        Some(line) => Some(
            line.parse::<OneTimeCode>()
                .map_err(|error| failed(&error.to_string()))?,
        ),
        None => None,
    };
    if lines.any(|line| !line.trim().is_empty()) {
        return Err(failed("there are more than two lines"));
    }
    Ok((password, code))
}

/// Parses a password; white space at its ends is part of it.
fn password(text: &str) -> Result<Token, CommandError> {
    if text.is_empty() {
        return Err(CommandError::failed("the password is empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(CommandError::failed("the password contains a control character"));
    }
    Token::given(text.to_owned())
        .map_err(|_| CommandError::failed("the password contains an invisible character: type it, or copy it again"))
}
