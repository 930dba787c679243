//! Reads a token from standard input, an environment variable, a file or a hidden prompt.

use std::ffi::OsStr;

use super::env_file;
use super::standard_input;
use crate::commands::args::TokenArgs;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{Credential, Hint, Registry, Token, Username};
use crate::sys::env::Env;

/// The most octets that are read, so that a mistaken `< /dev/zero` does not fill the memory.
const MAX_STDIN: usize = 64 * 1024;

/// The values from the token flags, with the registry and the user.
#[derive(Default)]
pub(in crate::commands) struct Given {
    pub(in crate::commands) registry: Option<Registry>,
    pub(in crate::commands) username: Option<Username>,
    pub(in crate::commands) token: Option<Token>,
    /// How to remove the token from the `--env-file`, unless that is a pipe.
    pub(in crate::commands) left_in_file: Option<Hint>,
}

/// Reads the token that the flags name. A registry or user on the command line must agree with an `--env-file`.
pub(in crate::commands) fn given(
    args: &TokenArgs,
    registry: Option<Registry>,
    username: Option<Username>,
    system: &mut System<'_>,
) -> Result<Given, CommandError> {
    if let Some(path) = &args.env_file {
        let file = env_file::read(path)?;
        return Ok(Given {
            left_in_file: env_file::what_is_left(path, &file),
            registry: Some(agreed("registry", registry, file.registry)?),
            username: Some(agreed("user", username, file.username)?),
            token: Some(file.token),
        });
    }
    let token = if args.token_stdin {
        Some(from_stdin(system)?)
    } else if let Some(name) = &args.token_env {
        Some(from_env(name, system)?)
    } else {
        None
    };
    Ok(Given {
        registry,
        username,
        token,
        left_in_file: None,
    })
}

/// Prompts for a token; fails without a terminal.
pub(in crate::commands) fn ask(
    registry: &Registry,
    username: &Username,
    system: &System<'_>,
) -> Result<Token, CommandError> {
    let Some(person) = &system.person else {
        return Err(
            CommandError::usage("no token was given, and there is no terminal to prompt on")
                .hint("give it with --token-stdin, --token-env VAR or --env-file FILE"),
        );
    };
    let answer = person.secret(&format!("Token of {username} at {registry}"))?;
    Token::parse(&answer).map_err(CommandError::failed)
}

/// The credential, if registry, user and token were all given.
pub(in crate::commands) fn complete(given: Given) -> Result<Result<Credential, Given>, CommandError> {
    let needs = |what| {
        CommandError::usage(format_args!("a token was given without its {what}"))
            .hint("--token-stdin and --token-env need --registry and -u")
    };
    match given {
        Given {
            registry,
            username,
            token: Some(token),
            ..
        } => Ok(Ok(Credential {
            registry: registry.ok_or_else(|| needs("registry"))?,
            username: username.ok_or_else(|| needs("user"))?,
            token,
        })),
        given => Ok(Err(given)),
    }
}

fn agreed<T: PartialEq + std::fmt::Display>(what: &str, flag: Option<T>, file: T) -> Result<T, CommandError> {
    match flag {
        Some(flag) if flag != file => Err(CommandError::usage(format_args!(
            "the command line names the {what} {flag}, the --env-file {file}"
        ))),
        _ => Ok(file),
    }
}

fn from_stdin(system: &mut System<'_>) -> Result<Token, CommandError> {
    let bytes = standard_input::read("token", MAX_STDIN, system)?;
    let mut bytes = bytes.ok_or_else(|| CommandError::failed("standard input is too long for a token"))?;
    Token::from_bytes(std::mem::take(&mut *bytes)).map_err(|error| {
        CommandError::failed(format_args!("standard input: {error}"))
            .hint("pipe the token in, for example: pass gitea/pat | kubectl regcred … --token-stdin")
    })
}

fn from_env(name: &OsStr, system: &mut System<'_>) -> Result<Token, CommandError> {
    let token = variable(name, "--token-env", &system.env)?;
    // Removed so that child processes, such as exec plugins of a kubeconfig, do not get it.
    system.env = std::mem::take(&mut system.env).without(name.to_str().unwrap_or_default());
    Ok(token)
}

/// The token in the variable that `source` names.
pub(in crate::commands) fn variable(name: &OsStr, source: &str, env: &Env) -> Result<Token, CommandError> {
    // `--token-env "$REGISTRY_TOKEN"` is an easy mistake, so an unusual name is not printed: it may be the token.
    let is_usual = |name: &&str| {
        name.bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    let shown = name
        .to_str()
        .filter(is_usual)
        .map_or_else(|| format!("that {source} names"), str::to_owned);
    let value = name.to_str().and_then(|name| env.var(name)).ok_or_else(|| {
        CommandError::usage(format_args!("the environment variable {shown} is not set or empty"))
            .hint(format_args!("{source} takes the name of a variable, not the token"))
    })?;
    Token::parse(value).map_err(|error| CommandError::failed(format_args!("the variable {shown}: {error}")))
}
