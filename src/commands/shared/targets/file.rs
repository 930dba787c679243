//! `-f FILE`: detects the format of the file, and reads the tokens that it names.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::Path;
use std::rc::Rc;

use super::list_file::Listed;
use super::scope::{ActionsJob, Asked, Batch, Selected, Source, Supply, contexts};
use super::spec_file::Top;
use super::yaml::{self, Reading};
use super::{list_file, spec_file};
use crate::commands::args::ScopeArgs;
use crate::commands::shared::{choose, token_source};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{Credential, Registry, Use, Username};
use crate::sys::whole_file::{self, ReadFileError};

/// The most octets that are read: more than any list of Secrets that is edited by hand.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// Reads the file and the tokens that it names.
pub(super) fn selected(path: &Path, asked: &Asked<'_>, system: &mut System<'_>) -> Result<Selected, CommandError> {
    let text = read(path, system)?;
    let shown = shown(path);
    // Checked first, because these errors are about the flags and not the file.
    let on_file = |error: CommandError| error.on(&shown);
    let top: Top = yaml::parse(&text, Reading::Lenient).map_err(on_file)?;
    let mut tokens = Tokens::default();
    let selected = match (top.has_registries, top.has_section) {
        (true, true) => Err(on_file(CommandError::failed(
            "it has both `registries` and `registry-credentials`: it can be a list for regcred or a spec.yml, not both",
        ))),
        (false, false) if asked.targets.scope.deployment.is_none() => {
            // It is not a spec.yml, so the errors follow the rules of our own format.
            list_file::parse(&text, &asked.targets.secret).map_err(on_file)?;
            Err(on_file(CommandError::failed("it names no registry")))
        }
        (false, _) => of_spec(&text, asked, &mut tokens, system, &on_file).map(Selected::from),
        (true, false) => of_list(&text, asked, &mut tokens, system, &on_file),
    };
    // Removed from the environment so that child processes, such as exec plugins of a kubeconfig, do not get the tokens; at
    // the end, because the file may name a variable twice.
    tokens.take_out_of(system);
    selected
}

fn of_list(
    text: &str,
    asked: &Asked<'_>,
    tokens: &mut Tokens,
    system: &System<'_>,
    on_file: &dyn Fn(CommandError) -> CommandError,
) -> Result<Selected, CommandError> {
    ensure_no_place(&asked.targets.scope)?;
    let (mut supplied, mut actions) = (Vec::new(), Vec::new());
    for listed in list_file::parse(text, &asked.targets.secret).map_err(on_file)? {
        if let Some(supply) = asked.supply_of_list(&listed, tokens, system).map_err(on_file)? {
            actions.extend(listed.actions.iter().map(|secret| ActionsJob {
                secret: secret.clone(),
                supply: supply.clone(),
            }));
            supplied.push((listed, supply));
        }
    }
    if let (Source::Only(supply), []) = (&asked.source, supplied.as_slice()) {
        let registry = &supply.credential.registry;
        return Err(on_file(CommandError::failed(format_args!(
            "it names no Secret of {registry}"
        ))));
    }
    let batches = list_file::batches(supplied, &contexts(asked.contexts)).map_err(on_file)?;
    Ok(Selected { batches, actions })
}

/// Refuses flags that conflict with a list.
pub(in crate::commands) fn ensure_no_place(scope: &ScopeArgs) -> Result<(), CommandError> {
    let contradiction = [
        (scope.deployment.is_some(), "--deployment"),
        (!scope.namespaces.is_empty(), "-n"),
        (scope.selector.is_some(), "-l"),
    ];
    match contradiction.iter().find(|(given, _)| *given) {
        Some((_, flag)) => Err(CommandError::usage(format_args!(
            "{flag} cannot be used with a file that names its Secrets"
        ))),
        None => Ok(()),
    }
}

fn of_spec(
    text: &str,
    asked: &Asked<'_>,
    tokens: &mut Tokens,
    system: &System<'_>,
    on_file: &dyn Fn(CommandError) -> CommandError,
) -> Result<Vec<Batch>, CommandError> {
    let spec = spec_file::parse(text).map_err(on_file)?;
    let Some(deployment) = &asked.targets.scope.deployment else {
        return Err(spec_file::no_deployment());
    };
    let secret = spec_file::secret_name(deployment)?;
    let supply = match asked.source {
        Source::Sync(args) => tokens.supply(&spec.token_env, &spec.registry, &spec.username, args.usage, system),
        Source::Only(supply) => agreed(supply, &spec.registry, Some(&spec.username)),
    };
    Ok(asked.in_contexts(&asked.scope(secret, vec![supply.map_err(on_file)?])))
}

impl Asked<'_> {
    /// The credential for one registry of a list; `None` if that registry is not selected.
    fn supply_of_list(
        &self,
        listed: &Listed,
        tokens: &mut Tokens,
        system: &System<'_>,
    ) -> Result<Option<Rc<Supply>>, CommandError> {
        let args = match self.source {
            Source::Sync(args) => args,
            Source::Only(supply) if supply.credential.registry != listed.registry => return Ok(None),
            // Secrets of another account.
            Source::Only(supply) if listed.usage.is_some_and(|usage| usage.name() != supply.usage.name()) => {
                return Ok(None);
            }
            Source::Only(supply) => return agreed(supply, &listed.registry, listed.username.as_ref()).map(Some),
        };
        let usage = listed.usage.or(args.usage);
        if let (Some(variable), Some(username)) = (&listed.token_env, &listed.username) {
            return tokens
                .supply(variable, &listed.registry, username, usage, system)
                .map(Some);
        }
        let keychain = system.keychain()?;
        let (credential, usage) = choose::credential(&keychain, &listed.registry, usage, listed.username.as_ref())?;
        let supply = Supply::of_keychain(credential, usage, &keychain)?;
        Ok(Some(if args.take_over {
            supply.over_other_uses()
        } else {
            supply
        }))
    }
}

/// The single credential, if it agrees with the file.
fn agreed(supply: &Rc<Supply>, registry: &Registry, username: Option<&Username>) -> Result<Rc<Supply>, CommandError> {
    let own = &supply.credential;
    if own.registry != *registry {
        return Err(CommandError::usage(format_args!(
            "it is about {registry}, not about {}",
            own.registry
        )));
    }
    match username {
        Some(name) if *name != own.username => Err(CommandError::usage(format_args!(
            "it names the user {name} of {registry}, not {}",
            own.username
        ))),
        _ => Ok(supply.clone()),
    }
}

/// The variables that a file has named.
#[derive(Default)]
struct Tokens(Vec<OsString>);

impl Tokens {
    fn supply(
        &mut self,
        variable: &OsString,
        registry: &Registry,
        username: &Username,
        usage: Option<Use>,
        system: &System<'_>,
    ) -> Result<Rc<Supply>, CommandError> {
        let token = token_source::variable(variable, "token-env", &system.env)?;
        self.0.push(variable.clone());
        let credential = Credential {
            registry: registry.clone(),
            username: username.clone(),
            token,
        };
        // A token that is given to sync is for the cluster, whatever its scopes are.
        Supply::new(credential, usage.unwrap_or(Use::Cluster))
    }

    fn take_out_of(&self, system: &mut System<'_>) {
        for name in self.0.iter().filter_map(|name| name.to_str()) {
            system.env = std::mem::take(&mut system.env).without(name);
        }
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The file, as errors name it.
pub(super) fn shown(path: &Path) -> String {
    if is_stdin(path) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

pub(super) fn read(path: &Path, system: &mut System<'_>) -> Result<String, CommandError> {
    let shown = shown(path);
    let too_long = || CommandError::failed(format_args!("{shown} is too long for a list of Secrets"));
    let unread = |cause: &dyn std::fmt::Display| CommandError::failed(format_args!("cannot read {shown}: {cause}"));
    let bytes = if is_stdin(path) {
        let mut bytes = Vec::new();
        let read = (&mut system.stdin).take(MAX_FILE + 1).read_to_end(&mut bytes);
        read.map_err(|error| unread(&error))?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(too_long());
        }
        bytes
    } else {
        match whole_file::read_named(path, MAX_FILE) {
            Ok(bytes) => bytes.to_vec(),
            Err(ReadFileError::TooLong) => return Err(too_long()),
            Err(why) => return Err(unread(&why)),
        }
    };
    String::from_utf8(bytes).map_err(|_| CommandError::failed(format_args!("{shown} is not text")))
}
