//! An account's password: from standard input or a hidden prompt, and never kept.

use super::standard_input;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{Registry, Token, Username};
use crate::registry::{Account, OneTimeCode};
use crate::sys::env::Env;

/// More than any password with a code behind it, in octets.
const MAX_STDIN: u64 = 16 * 1024;

/// Gets the account's password, and the one-time code if it came along.
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

/// Tries once, and once more only with a one-time code that somebody typed for it: a wrong password counts every time
/// it is tried, and behind LDAP a few times lock the account.
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

/// Asks for the one-time code that was found to be needed. Says whether somebody was there to be asked.
pub(in crate::commands) fn ask_code(
    account: &mut Account,
    error: &dyn std::fmt::Display,
    system: &mut System<'_>,
) -> Result<bool, CommandError> {
    let Some(person) = &system.person else {
        return Ok(false);
    };
    system.output.say(error);
    let question = format!("One-time code of {} (Ctrl-C if there is none)", account.username);
    let code = person.secret(&question)?;
    account.code = Some(code.parse().map_err(CommandError::failed)?);
    Ok(true)
}

fn ask(registry: &Registry, username: &Username, system: &System<'_>) -> Result<Token, CommandError> {
    let Some(person) = &system.person else {
        return Err(
            CommandError::usage("the account's password is needed, and there is no terminal to ask at")
                .hint("give it with --password-stdin"),
        );
    };
    let answer = person.secret(&format!("Password of {username} at {registry}"))?;
    password(&answer)
}

/// The first line is the password, a second one the code. A password cannot hold a line break.
fn read(system: &mut System<'_>) -> Result<(Token, Option<OneTimeCode>), CommandError> {
    let bytes = standard_input::read("password", MAX_STDIN, system)?;
    let failed = |why: &str| {
        CommandError::failed(format_args!("standard input: {why}"))
            .hint("pipe the password in, and a one-time code in a second line: … | kubectl regcred … --password-stdin")
    };
    let bytes = bytes.ok_or_else(|| failed("this is more than a password"))?;
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

/// White space at its ends is part of a password.
fn password(text: &str) -> Result<Token, CommandError> {
    if text.is_empty() {
        return Err(CommandError::failed("the password is empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(CommandError::failed("the password holds a control character"));
    }
    Token::given(text.to_owned()).map_err(|_| {
        CommandError::failed("the password holds a character that cannot be seen: type it, or copy it anew")
    })
}
