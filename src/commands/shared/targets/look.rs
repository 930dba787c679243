//! `-f FILE` for a look: which Secrets it names, and what for. A token that it does not find is no reason not to look.

use std::ffi::OsString;
use std::path::Path;

use super::spec_file::Top;
use super::yaml::{self, Reading};
use super::{file, list_file, spec_file};
use crate::cluster::{SecretName, ServiceAccountName, Target};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{Credential, Registry, Token, Username};

/// What a file says.
#[derive(Debug, Default)]
pub(in crate::commands) struct Look {
    /// The registries that it is about, in its order.
    pub(in crate::commands) registries: Vec<Registry>,
    /// The Secrets that it names with their namespaces.
    pub(in crate::commands) secrets: Vec<ListedSecret>,
    /// The Secret that it names without a namespace.
    pub(in crate::commands) secret: Option<SecretName>,
    /// The credentials whose variables are set.
    pub(in crate::commands) credentials: Vec<Credential>,
}

/// One Secret of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) struct ListedSecret {
    /// `None`: in each context of the command line.
    pub(in crate::commands) context: Option<String>,
    pub(in crate::commands) target: Target,
    pub(in crate::commands) registry: Registry,
    pub(in crate::commands) service_accounts: Vec<ServiceAccountName>,
}

/// Reads the file.
pub(in crate::commands) fn look(
    path: &Path,
    deployment: Option<&str>,
    secret: &SecretName,
    system: &mut System<'_>,
) -> Result<Look, CommandError> {
    let text = file::read(path, system)?;
    let shown = if file::is_stdin(path) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    let on_file = |error: CommandError| error.on(&shown);
    let top: Top = yaml::parse(&text, Reading::Lenient).map_err(on_file)?;
    let mut look = Look::default();
    let mut variables = Vec::new();
    if top.has_section && !top.has_registries {
        let Some(deployment) = deployment else {
            return Err(spec_file::no_deployment());
        };
        let spec = spec_file::parse(&text).map_err(on_file)?;
        look.secret = Some(spec_file::secret_name(deployment)?);
        look.registries.push(spec.registry.clone());
        variables.push((spec.registry, spec.username, spec.token_env));
    } else {
        for listed in list_file::parse(&text, secret).map_err(on_file)? {
            look.registries.push(listed.registry.clone());
            for (target, context, accounts) in listed.secrets() {
                look.secrets.push(ListedSecret {
                    context: context.map(str::to_owned),
                    target: target.clone(),
                    registry: listed.registry.clone(),
                    service_accounts: accounts.to_vec(),
                });
            }
            if let (Some(username), Some(variable)) = (listed.username, listed.token_env) {
                variables.push((listed.registry, username, variable));
            }
        }
    }
    for (registry, username, variable) in variables {
        look.credentials
            .extend(credential(registry, username, &variable, system));
    }
    Ok(look)
}

fn credential(
    registry: Registry,
    username: Username,
    variable: &OsString,
    system: &mut System<'_>,
) -> Option<Credential> {
    let name = variable.to_str()?;
    let token = Token::parse(system.env.var(name)?).ok()?;
    // Children, such as a kubeconfig's exec plugin, have no business with it.
    system.env = std::mem::take(&mut system.env).without(name);
    Some(Credential {
        registry,
        username,
        token,
    })
}
