//! Finds the selected Secrets in the cluster.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::scope::{Job, Scope, Supplies, Supply, Template, with_registry};
use crate::cluster::{
    self, Cluster, Entry, FoundNamespace, MANAGED_BY_LABEL, MANAGER, Managed, SecretName, Selector, Target,
};
use crate::error::CommandError;
use crate::model::{Registry, serde_text};

/// The Secrets of one context.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::commands) struct Found {
    /// The Secrets to write.
    pub(in crate::commands) jobs: Vec<Job>,
    /// Secrets that cannot be written, with the reason.
    pub(in crate::commands) lacking: Vec<(Target, CommandError)>,
    /// The number of Secrets for registries that are not selected.
    pub(in crate::commands) of_others: usize,
    /// The registries that they name and for which the keychain has no credential.
    pub(in crate::commands) unknown: BTreeSet<Registry>,
    /// The number of namespaces that are being deleted, in which nothing can be created.
    pub(in crate::commands) terminating: usize,
    /// Why nothing was found.
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

/// How to find a context's Secrets, without the credential. A rotation stores it in its journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::commands) struct Find {
    /// Their name. `None`: the Secrets that sync has created.
    #[serde(with = "serde_text::option", default, skip_serializing_if = "Option::is_none")]
    secret: Option<SecretName>,
    /// The labels of their namespaces. `None`: the context's own namespace.
    #[serde(with = "serde_text::option", default, skip_serializing_if = "Option::is_none")]
    selector: Option<Selector>,
}

impl Find {
    /// `None` if the scope already lists the Secrets.
    pub(in crate::commands) fn of(scope: &Scope) -> Option<Self> {
        let (secret, selector) = match scope {
            Scope::Jobs(_) => return None,
            Scope::ContextNamespace(template) => (Some(&template.secret), None),
            Scope::Labelled(selector, template) => (Some(&template.secret), Some(selector)),
            Scope::Managed(_) => (None, None),
        };
        Some(Self {
            secret: secret.cloned(),
            selector: selector.cloned(),
        })
    }

    /// Whether these are the Secrets that sync has created.
    pub(in crate::commands) fn is_managed(&self) -> bool {
        self.secret.is_none()
    }

    /// Whether they are found by the labels of their namespaces.
    pub(in crate::commands) fn is_by_label(&self) -> bool {
        self.selector.is_some()
    }

    /// Whether they are known from the kubeconfig alone.
    pub(in crate::commands) fn is_known(&self) -> bool {
        self.secret.is_some() && self.selector.is_none()
    }

    /// The scope with this credential.
    pub(in crate::commands) fn scope(&self, supply: &Rc<Supply>) -> Scope {
        let Some(secret) = self.secret.clone() else {
            return Scope::Managed(Supplies::Only(vec![supply.clone()]));
        };
        let template = Template {
            secret,
            supplies: vec![supply.clone()],
        };
        match self.selector.clone() {
            Some(selector) => Scope::Labelled(selector, template),
            None => Scope::ContextNamespace(template),
        }
    }
}

/// The credentials that each Secret with our label may get. Its annotations name the registries; whether it is written
/// depends on its content, which is read later.
fn refresh(secrets: Vec<Managed>, supplies: &Supplies) -> Found {
    let mut found = Found::default();
    for Managed { target, entries } in secrets {
        if entries.is_empty() {
            found.without_annotations(target, supplies);
            continue;
        }
        let mut given = Vec::new();
        let mut lacks = None;
        let mut of_others = Vec::new();
        for entry in &entries {
            let registry = &entry.registry;
            match supplies {
                Supplies::Only(supplies) => given.extend(fitting(supplies, entry)),
                Supplies::Keychain(known) => match known.get(registry) {
                    Some(Ok(supplies)) => given.extend(fitting(supplies, entry)),
                    Some(Err(error)) => lacks = Some(error.clone()),
                    None => of_others.push(registry.clone()),
                },
            }
        }
        // If one of two registries cannot be refreshed, it is reported, and the other one is refreshed.
        if given.is_empty() && lacks.is_none() {
            found.of_others += 1;
        }
        found.unknown.extend(of_others);
        if let Some(error) = lacks {
            found.lacking.push((target.clone(), error.on(&target)));
        }
        if !given.is_empty() {
            found.jobs.push(Job {
                target,
                supplies: given,
                service_accounts: Vec::new(),
                chosen_by_content: false,
                format: None,
            });
        }
    }
    found
}

/// The credentials that a Secret with this entry may get. If labels are trusted, its use is what the entry says; otherwise the
/// content decides.
fn fitting(supplies: &[Rc<Supply>], entry: &Entry) -> impl Iterator<Item = Rc<Supply>> {
    let fits = |supply: &&Rc<Supply>| {
        supply.credential.registry == entry.registry
            && (supply.replaces.is_some() || supply.usage.name() == entry.usage.name())
    };
    supplies.iter().filter(fits).cloned()
}

impl Found {
    /// A Secret whose annotations were edited by hand or never written by us. Normally its content decides. If labels are
    /// trusted, the content is not compared, so there is nothing to decide by.
    fn without_annotations(&mut self, target: Target, supplies: &Supplies) {
        let known: Vec<_> = match supplies {
            Supplies::Only(supplies) => supplies.clone(),
            Supplies::Keychain(known) => known.values().flatten().flatten().cloned().collect(),
        };
        if known.iter().all(|supply| supply.replaces.is_some()) {
            self.jobs.push(Job {
                target,
                supplies: known,
                service_accounts: Vec::new(),
                chosen_by_content: false,
                format: None,
            });
            return;
        }
        let error = CommandError::failed(format_args!("{target}: its annotations do not name its registry"));
        let hint = with_registry(&target);
        self.lacking.push((target, error.hint(hint)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::test_supply;
    use super::*;
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
                    writer: None,
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
    fn secrets_of_other_registries_are_left_out() {
        let secrets = vec![
            managed("a", &["gitea.example.com"]),
            managed("b", &["ghcr.io"]),
            managed("c", &["ghcr.io", "gitea.example.com"]),
            managed("d", &[]),
        ];
        let found = refresh(secrets, &Supplies::Only(vec![test_supply("gitea.example.com")]));
        let names: Vec<_> = found.jobs.iter().map(|job| job.target.namespace.as_str()).collect();
        assert_eq!(names, ["a", "c"]);
        assert_eq!(registries(&found.jobs[1]), ["gitea.example.com"]);
        assert_eq!((found.of_others, found.lacking.len()), (1, 1));
        let (target, error) = &found.lacking[0];
        assert_eq!(target.namespace.as_str(), "d");
        assert!(error.next()[0].to_string().contains("-n d --secret s"), "{error:?}");
    }

    #[test]
    fn each_secret_gets_the_registries_in_its_annotations() {
        let known = ["gitea.example.com", "ghcr.io"].map(|name| (name.parse().unwrap(), Ok(vec![test_supply(name)])));
        let damaged = CommandError::failed("damaged");
        let known = known
            .into_iter()
            .chain([("quay.io".parse().unwrap(), Err(damaged))])
            .collect();
        let secrets = vec![
            managed("a", &["ghcr.io", "gitea.example.com"]),
            managed("b", &["ghcr.io", "docker.io"]),
            managed("c", &["quay.io"]),
            managed("d", &["evil.example.com"]),
        ];
        let found = refresh(secrets, &Supplies::Keychain(known));
        assert_eq!(registries(&found.jobs[0]), ["ghcr.io", "gitea.example.com"]);
        assert_eq!(registries(&found.jobs[1]), ["ghcr.io"]);
        assert_eq!((found.jobs.len(), found.of_others), (2, 1));
        let errors: Vec<_> = found.lacking.iter().map(|(_, error)| error.to_string()).collect();
        assert_eq!(errors, ["secret/s in namespace c: damaged"]);
        // Anybody can write an annotation, so there is no hint to log in to the registry that it names.
        let unknown: Vec<_> = found.unknown.iter().map(Registry::as_str).collect();
        assert_eq!(unknown, ["docker.io", "evil.example.com"]);
    }

    #[test]
    fn without_annotations_the_content_decides_or_the_secret_is_reported() {
        let trusting = test_supply("gitea.example.com");
        let proving = trusting.replacing(crate::model::OwnTokens::default());
        let bare = || vec![managed("a", &[])];
        let found = refresh(bare(), &Supplies::Only(vec![proving.clone()]));
        assert_eq!(
            (registries(&found.jobs[0]), found.lacking.len()),
            (vec!["gitea.example.com"], 0)
        );
        let found = refresh(bare(), &Supplies::Only(vec![trusting]));
        assert_eq!((found.jobs.len(), found.lacking.len()), (0, 1));
        let known = [("gitea.example.com".parse().unwrap(), Ok(vec![proving]))].into();
        assert_eq!(refresh(bare(), &Supplies::Keychain(known)).jobs.len(), 1);
    }
}
