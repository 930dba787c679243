//! Asking the cluster which Secrets are meant, and deciding from what it says.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::{Job, Scope, Supplies, Supply, Template};
use crate::cluster::{self, Cluster, FoundNamespace, MANAGED_BY_LABEL, MANAGER, Managed, Target};
use crate::error::CommandError;

/// The Secrets of one context.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::commands) struct Found {
    /// What is to be done.
    pub(in crate::commands) jobs: Vec<Job>,
    /// What cannot be done, known before anything is tried.
    pub(in crate::commands) lacking: Vec<(Target, CommandError)>,
    /// Secrets of registries that are not meant.
    pub(in crate::commands) of_others: usize,
    /// Namespaces that are being deleted, and get nothing new.
    pub(in crate::commands) terminating: usize,
    /// Why there is nothing at all.
    pub(in crate::commands) nothing: Option<String>,
}

/// Finds the Secrets of a scope.
pub(in crate::commands) async fn find(scope: Scope, cluster: &Cluster) -> Result<Found, cluster::Error> {
    Ok(match scope {
        Scope::Jobs(jobs) => Found {
            jobs,
            ..Found::default()
        },
        Scope::ContextNamespace(template) => Found {
            jobs: vec![template.in_namespace(cluster.namespace().clone())],
            ..Found::default()
        },
        Scope::Labelled(selector, template) => {
            let namespaces = cluster::namespaces(cluster, &selector).await?;
            let nothing = namespaces
                .is_empty()
                .then(|| format!("no namespace matches the selector {selector}"));
            let (going, staying): (Vec<FoundNamespace>, _) =
                namespaces.into_iter().partition(|found| found.is_terminating);
            Found {
                jobs: staying
                    .into_iter()
                    .map(|found| template.in_namespace(found.namespace))
                    .collect(),
                terminating: going.len(),
                nothing,
                ..Found::default()
            }
        }
        Scope::Managed(supplies) => {
            let secrets = cluster::managed_secrets(cluster).await?;
            let nothing = secrets
                .is_empty()
                .then(|| format!("no Secret has the label {MANAGED_BY_LABEL}={MANAGER}"));
            Found {
                nothing,
                ..refresh(secrets, &supplies)
            }
        }
    })
}

/// How Secrets are found that nobody knows before the cluster is asked: in words, to be written down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::commands) struct Find {
    /// Their name; without one, those that are there and ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// The labels of their namespaces; without any, the context's own namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    selector: Option<String>,
}

impl Find {
    /// `None` where the Secrets are known.
    pub(in crate::commands) fn of(scope: &Scope) -> Option<Self> {
        let (secret, selector) = match scope {
            Scope::Jobs(_) => return None,
            Scope::ContextNamespace(template) => (Some(&template.secret), None),
            Scope::Labelled(selector, template) => (Some(&template.secret), Some(selector.to_string())),
            Scope::Managed(_) => (None, None),
        };
        Some(Self {
            secret: secret.map(ToString::to_string),
            selector,
        })
    }

    /// Those that are there and ours.
    pub(in crate::commands) fn is_managed(&self) -> bool {
        self.secret.is_none()
    }

    /// By their namespaces' labels.
    pub(in crate::commands) fn is_by_label(&self) -> bool {
        self.selector.is_some()
    }

    /// The kubeconfig alone tells.
    pub(in crate::commands) fn is_known(&self) -> bool {
        self.secret.is_some() && self.selector.is_none()
    }

    /// What was written down, to hold this; `None` where it is damaged.
    pub(in crate::commands) fn scope(&self, supply: &Rc<Supply>) -> Option<Scope> {
        let Some(secret) = &self.secret else {
            return Some(Scope::Managed(Supplies::Only(supply.clone())));
        };
        let template = Template {
            secret: secret.parse().ok()?,
            supply: supply.clone(),
            service_accounts: Vec::new(),
        };
        Some(match &self.selector {
            Some(selector) => Scope::Labelled(selector.parse().ok()?, template),
            None => Scope::ContextNamespace(template),
        })
    }
}

/// What each of our Secrets is to be given, by what its annotations say.
fn refresh(secrets: Vec<Managed>, supplies: &Supplies) -> Found {
    let mut found = Found::default();
    for Managed { target, entries } in secrets {
        if entries.is_empty() {
            let error = CommandError::failed(format_args!(
                "{target}: its annotations do not say which registry it is for"
            ));
            let hint = format!(
                "kubectl regcred sync -n {} --secret {} --registry REGISTRY",
                target.namespace, target.secret
            );
            found.lacking.push((target, error.hint(hint)));
            continue;
        }
        let mut given = Vec::new();
        let mut lacks = None;
        for entry in entries {
            match supplies {
                Supplies::Only(supply) if supply.credential.registry == entry.registry => given.push(supply.clone()),
                Supplies::Only(_) => {}
                Supplies::Keychain(known) => match known.get(&entry.registry) {
                    Some(Ok(supply)) => given.push(supply.clone()),
                    Some(Err(error)) => lacks = Some(error.clone()),
                    None => {
                        let registry = &entry.registry;
                        let error =
                            CommandError::failed(format_args!("the keychain holds no credential of {registry}"));
                        lacks = Some(error.hint(format_args!("kubectl regcred login {registry} -u USER")));
                    }
                },
            }
        }
        // Of two registries in it, the one that can be refreshed is; the other is said.
        if given.is_empty() && lacks.is_none() {
            found.of_others += 1;
        }
        if let Some(error) = lacks {
            found.lacking.push((target.clone(), error.on(&target)));
        }
        if !given.is_empty() {
            found.jobs.push(Job {
                target,
                supplies: given,
                service_accounts: Vec::new(),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::test_supply;
    use super::*;
    use crate::cluster::Entry;
    use crate::model::Use;

    fn managed(namespace: &str, registries: &[&str]) -> Managed {
        Managed {
            target: Target {
                namespace: namespace.parse().unwrap(),
                secret: "s".parse().unwrap(),
            },
            entries: registries
                .iter()
                .map(|registry| Entry {
                    registry: registry.parse().unwrap(),
                    username: "admin".into(),
                    usage: Use::Cluster,
                })
                .collect(),
        }
    }

    fn registries(job: &Job) -> Vec<&str> {
        job.supplies
            .iter()
            .map(|supply| supply.credential.registry.as_str())
            .collect()
    }

    #[test]
    fn one_registry_is_meant_and_secrets_of_others_are_left_out() {
        let secrets = vec![
            managed("a", &["gitea.example.com"]),
            managed("b", &["ghcr.io"]),
            managed("c", &["ghcr.io", "gitea.example.com"]),
            managed("d", &[]),
        ];
        let found = refresh(secrets, &Supplies::Only(test_supply("gitea.example.com")));
        let names: Vec<_> = found.jobs.iter().map(|job| job.target.namespace.as_str()).collect();
        assert_eq!(names, ["a", "c"]);
        assert_eq!(registries(&found.jobs[1]), ["gitea.example.com"]);
        assert_eq!((found.of_others, found.lacking.len()), (1, 1));
        let (target, error) = &found.lacking[0];
        assert_eq!(target.namespace.as_str(), "d");
        assert!(error.next()[0].to_string().contains("-n d --secret s"), "{error:?}");
    }

    #[test]
    fn the_keychain_gives_each_secret_what_its_annotations_name() {
        let known = ["gitea.example.com", "ghcr.io"].map(|name| (name.parse().unwrap(), Ok(test_supply(name))));
        let damaged = CommandError::failed("damaged");
        let known = known
            .into_iter()
            .chain([("quay.io".parse().unwrap(), Err(damaged))])
            .collect();
        let secrets = vec![
            managed("a", &["ghcr.io", "gitea.example.com"]),
            managed("b", &["ghcr.io", "docker.io"]),
            managed("c", &["quay.io"]),
        ];
        let found = refresh(secrets, &Supplies::Keychain(known));
        assert_eq!(registries(&found.jobs[0]), ["ghcr.io", "gitea.example.com"]);
        assert_eq!(registries(&found.jobs[1]), ["ghcr.io"]);
        assert_eq!((found.jobs.len(), found.of_others), (2, 0));
        let errors: Vec<_> = found.lacking.iter().map(|(_, error)| error.to_string()).collect();
        assert_eq!(
            errors,
            [
                "secret/s in namespace b: the keychain holds no credential of docker.io",
                "secret/s in namespace c: damaged"
            ]
        );
        assert!(found.lacking[0].1.next()[0].to_string().contains("login docker.io"));
    }
}
