//! Reads `-f FILE` for commands that write nothing: the Secrets that it names and their registries. A missing token is not
//! an error.

use std::ffi::OsString;
use std::path::Path;

use super::spec_file::Top;
use super::yaml::{self, Reading};
use super::{file, list_file, spec_file};
use crate::cluster::{SecretFormat, SecretName, ServiceAccountName, Target};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{Credential, Registry, Token, Use, Username};

/// The content of a file.
#[derive(Debug, Default)]
pub(in crate::commands) struct FileTargets {
    /// The registries, in the order of the file.
    pub(in crate::commands) registries: Vec<Registry>,
    /// The Secrets that have a namespace in the file.
    pub(in crate::commands) secrets: Vec<ListedSecret>,
    /// The Secret that has no namespace in the file.
    pub(in crate::commands) secret: Option<SecretName>,
    /// The credentials whose variables are set, and their uses.
    pub(in crate::commands) credentials: Vec<(Credential, Use)>,
}

/// One Secret of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) struct ListedSecret {
    /// `None`: in each context of the command line.
    pub(in crate::commands) context: Option<String>,
    pub(in crate::commands) target: Target,
    pub(in crate::commands) registry: Registry,
    /// The use of the credential, if the file names one.
    pub(in crate::commands) usage: Option<Use>,
    pub(in crate::commands) service_accounts: Vec<ServiceAccountName>,
    /// Whether kubelet is to pull with it.
    pub(in crate::commands) is_for_kubelet: bool,
}

/// Reads the file.
pub(in crate::commands) fn inspect(
    path: &Path,
    deployment: Option<&str>,
    secret: &SecretName,
    system: &mut System<'_>,
) -> Result<FileTargets, CommandError> {
    let text = file::read(path, system)?;
    let shown = file::shown(path);
    let on_file = |error: CommandError| error.on(&shown);
    let top: Top = yaml::parse(&text, Reading::Lenient).map_err(on_file)?;
    let mut found = FileTargets::default();
    let mut variables = Vec::new();
    if top.has_section && !top.has_registries {
        let Some(deployment) = deployment else {
            return Err(spec_file::no_deployment());
        };
        let spec = spec_file::parse(&text).map_err(on_file)?;
        found.secret = Some(spec_file::secret_name(deployment)?);
        found.registries.push(spec.registry.clone());
        variables.push((spec.registry, spec.username, spec.token_env, Use::Cluster));
    } else {
        for listed in list_file::parse(&text, secret).map_err(on_file)? {
            found.registries.push(listed.registry.clone());
            for entry in listed.secrets() {
                found.secrets.push(ListedSecret {
                    context: entry.context.map(str::to_owned),
                    target: entry.target.clone(),
                    registry: listed.registry.clone(),
                    usage: listed.usage,
                    service_accounts: entry.service_accounts.to_vec(),
                    is_for_kubelet: entry.format.is_none_or(SecretFormat::is_for_kubelet),
                });
            }
            if let (Some(username), Some(variable)) = (listed.username, listed.token_env) {
                variables.push((
                    listed.registry,
                    username,
                    variable,
                    listed.usage.unwrap_or(Use::Cluster),
                ));
            }
        }
    }
    for (registry, username, variable, usage) in variables {
        let credential = credential(registry, username, &variable, system);
        found
            .credentials
            .extend(credential.map(|credential| (credential, usage)));
    }
    Ok(found)
}

fn credential(
    registry: Registry,
    username: Username,
    variable: &OsString,
    system: &mut System<'_>,
) -> Option<Credential> {
    let name = variable.to_str()?;
    let token = Token::parse(system.env.var(name)?).ok()?;
    // Removed so that child processes, such as exec plugins of a kubeconfig, do not get it.
    system.env = std::mem::take(&mut system.env).without(name);
    Some(Credential {
        registry,
        username,
        token,
    })
}
