//! Findings about the keychain's credentials and their registries. Pure.

use std::collections::BTreeSet;

use crate::commands::status::code::Code;
use crate::commands::status::credentials::{StoredCredential, StoredCredentials};
use crate::commands::status::finding::{Finding, Object, Remedy};
use crate::commands::status::given_flags::{Flag, GivenFlags};
use crate::commands::status::tokens::{Verdict, Verdicts};
use crate::model::{CommandLine, Use};
use crate::registry::{Scopes, advisories};

/// The scope flags for the commands that fix something, such as `-A`, `-n a` or `-f FILE`.
#[derive(Clone, Debug, Default)]
pub struct ScopeFlags {
    pub flags: Vec<Flag>,
}

/// The findings about the keychain's credentials. `in_secrets` are the indexes of those that Secrets of ours hold.
pub fn findings(
    credentials: &StoredCredentials,
    verdicts: &Verdicts,
    in_secrets: &BTreeSet<usize>,
    scope_flags: &ScopeFlags,
    flags: &GivenFlags,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut silent = BTreeSet::new();
    let mut versions = BTreeSet::new();
    for (at, held) in credentials.held.iter().enumerate() {
        let verdict = verdicts.of(&held.credential);
        let registry = &held.credential.registry;
        match &verdict {
            Verdict::Refused { code, cause, hint } => findings.push(Finding {
                message: None,
                code: *code,
                object: held.object(),
                cause: cause.clone(),
                remedy: Remedy {
                    advice: hint.clone(),
                    ..replace(held, in_secrets.contains(&at), scope_flags, flags)
                },
            }),
            Verdict::Silent { cause, hint } => {
                if silent.insert(registry) {
                    findings.push(Finding {
                        message: None,
                        code: Code::RegistryUnreachable,
                        object: Object::here("registry", registry.as_str()),
                        cause: cause.clone(),
                        remedy: Remedy {
                            advice: hint.clone(),
                            ..Remedy::default()
                        },
                    });
                }
            }
            Verdict::Accepted(verified) => {
                let scopes = verified.scopes.as_ref();
                let is_in_secrets = in_secrets.contains(&at);
                findings.extend(scopes.and_then(|scopes| over_scoped(held, scopes, is_in_secrets, scope_flags, flags)));
            }
            Verdict::NotAsked | Verdict::Unknown => {}
        }
        if let Some(version) = verdict.gitea()
            && versions.insert((registry, version.to_owned()))
        {
            findings.extend(of_version(registry.as_str(), version));
        }
    }
    findings
}

/// The command that replaces the token, in the keychain only or everywhere.
fn replace(held: &StoredCredential, is_in_secrets: bool, scope_flags: &ScopeFlags, flags: &GivenFlags) -> Remedy {
    let registry = held.credential.registry.as_str();
    if held.rotation.is_some() {
        // The pending rotation has to end first, which is a finding of its own.
        return Remedy::default();
    }
    if is_in_secrets {
        return Remedy::command(rotate(held, None, scope_flags, flags));
    }
    let mut login = CommandLine::new("kubectl regcred login")
        .value("REGISTRY", registry)
        .option("-u", "USER", held.credential.username.as_str());
    if held.usage != Use::Docker {
        login = login.option("--use", "USE", held.usage.as_str());
    }
    Remedy::command(flags.registry(login))
}

fn rotate(
    held: &StoredCredential,
    more: Option<&'static str>,
    scope_flags: &ScopeFlags,
    flags: &GivenFlags,
) -> CommandLine {
    let rotate = CommandLine::new("kubectl regcred rotate")
        .value("REGISTRY", held.credential.registry.as_str())
        .option("--use", "USE", held.usage.as_str());
    let rotate = more.into_iter().fold(rotate, CommandLine::words);
    flags.both(Flag::add(rotate, &scope_flags.flags))
}

/// The finding for a token with more scopes than its use needs.
fn over_scoped(
    held: &StoredCredential,
    scopes: &Scopes,
    is_in_secrets: bool,
    scope_flags: &ScopeFlags,
    flags: &GivenFlags,
) -> Option<Finding> {
    let cause = match held.usage {
        Use::Cluster if is_too_much_for_a_cluster(scopes) => {
            format!("it is for clusters, which need read:package, and has the scopes {scopes}")
        }
        Use::Docker if scopes.reaches_beyond_packages() => {
            format!("it is for pulling and pushing, which need write:package, and has the scopes {scopes}")
        }
        _ => return None,
    };
    // If no Secret holds the token, none gets the new one.
    let mint = if is_in_secrets {
        rotate(held, Some("--mint"), scope_flags, flags)
    } else {
        rotate(held, Some("--mint --no-secrets"), &ScopeFlags::default(), flags)
    };
    let remedy = if held.rotation.is_some() {
        Remedy::default()
    } else {
        Remedy::command(mint).and("it asks for the account's password at Gitea")
    };
    Some(Finding {
        message: None,
        code: Code::TokenOverScoped,
        object: held.object(),
        cause,
        remedy,
    })
}

/// Whether everyone who can read the Secret could do more than pull.
pub fn is_too_much_for_a_cluster(scopes: &Scopes) -> bool {
    scopes.may_change() || scopes.reaches_beyond_packages()
}

fn of_version(registry: &str, version: &str) -> Vec<Finding> {
    let of = |advisory: crate::registry::Advisory| Finding {
        message: None,
        code: Code::RegistryAdvisory,
        object: Object::here("registry", registry),
        cause: format!("it is Gitea {version}, where {} ({})", advisory.what, advisory.id),
        remedy: Remedy::advice(match advisory.until_then {
            Some(workaround) => format!(
                "upgrade it to Gitea {} or later; until then, {workaround}",
                advisory.fixed
            ),
            None => format!("upgrade it to Gitea {} or later", advisory.fixed),
        }),
    };
    advisories(version).into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::status::fixture::{Fixture, KEPT, accepted};

    /// The Secrets in the checked namespaces can hold another token of that registry, and keep it.
    #[test]
    fn a_token_that_no_secret_holds_is_replaced_only_in_the_keychain() {
        let scope_flags = ScopeFlags {
            flags: vec![Flag::new("-n", "NAMESPACE", "web")],
        };
        for (usage, scopes, in_secrets, command) in [
            (
                Use::Docker,
                "write:package,read:user",
                false,
                "docker --mint --no-secrets",
            ),
            (Use::Cluster, "write:package", false, "cluster --mint --no-secrets"),
            (Use::Cluster, "write:package", true, "cluster --mint -n web"),
        ] {
            let fixture = Fixture::with(usage).registry_says(KEPT, accepted(scopes));
            let in_secrets = in_secrets.then_some(0).into_iter().collect();
            let found = findings(
                &fixture.credentials,
                &fixture.verdicts,
                &in_secrets,
                &scope_flags,
                &fixture.flags,
            );
            assert_eq!(found.len(), 1, "{found:?}");
            let lines = found[0].remedy.lines(&fixture.flags);
            let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
            assert_eq!(
                lines,
                [format!("kubectl regcred rotate gitea.example.com --use {command}")]
            );
        }
    }
}
