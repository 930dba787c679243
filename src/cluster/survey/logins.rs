//! What kubelet logs in with to pull an image for a pod.

use super::diagnose::Named;
use super::report::Survey;
use super::secret::SeenEntry;
use crate::cluster::resource::Resource;
use crate::model::Namespace;
use crate::model::pull::Pull;

/// What a pod's image is pulled with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logins {
    /// kubelet tries these in order. If there are none, it pulls without logging in, unless the node has a credential.
    Tries(Vec<Tried>),
    /// The same with none, where one of the pod's Secrets is not there, or has a type that kubelet passes over.
    Lacks { secret: String, is_of_wrong_type: bool },
    /// It does not even ask: one of the pod's Secrets cannot be decoded.
    Fails { secret: String },
    /// The ServiceAccount could not be read, or this Secret was not looked at.
    Unseen { secret: Option<String> },
}

/// An entry of a pull Secret that kubelet tries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    pub secret: String,
    pub entry: SeenEntry,
}

impl Survey {
    /// What an image is pulled with for a pod with these pull Secrets of its own, or else its ServiceAccount's.
    #[must_use]
    pub fn logins(&self, namespace: &Namespace, own: &[String], account: &str, image: &str) -> Logins {
        let account = if account.is_empty() { "default" } else { account };
        if own.is_empty() && !self.has_seen(Resource::ServiceAccounts, namespace) {
            return Logins::Unseen { secret: None };
        }
        let at = self
            .accounts
            .binary_search_by(|seen| (&seen.namespace, seen.name.as_str()).cmp(&(namespace, account)));
        let names = match at {
            Ok(at) if own.is_empty() => &self.accounts[at].pull_secrets,
            _ => own,
        };
        let secrets = Named::new(self, namespace, names);
        match secrets.pull(image) {
            Pull::Fails { secret } => Logins::Fails {
                secret: names[secret].clone(),
            },
            Pull::Tries { entries, .. } if entries.is_empty() => match (secrets.unseen(), secrets.absent()) {
                (Some(secret), _) => Logins::Unseen {
                    secret: Some(secret.clone()),
                },
                (None, Some((secret, is_of_wrong_type))) => Logins::Lacks {
                    secret: secret.clone(),
                    is_of_wrong_type,
                },
                (None, None) => Logins::Tries(Vec::new()),
            },
            Pull::Tries { entries, .. } => {
                let tried = entries.into_iter().filter_map(|at| secrets.entry(at));
                Logins::Tries(
                    tried
                        .map(|(secret, entry)| Tried {
                            secret: secret.target.secret.to_string(),
                            entry: entry.clone(),
                        })
                        .collect(),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unread_in_one_namespace_is_unknown_there_alone() {
        let namespace = |name: &str| name.parse::<Namespace>().unwrap();
        let mut survey = Survey::default();
        survey.blind.add(Resource::ServiceAccounts, Some(&namespace("a")));
        let logins = |name: &str| survey.logins(&namespace(name), &[], "", "git.example.com/a/b:1");
        assert_eq!(logins("a"), Logins::Unseen { secret: None });
        assert_eq!(logins("b"), Logins::Tries(Vec::new()));
        assert!(survey.has_seen_users(&namespace("b")) && !survey.has_seen_users(&namespace("a")));
    }
}
