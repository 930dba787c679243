//! What a rotation writes down to be finished by another process, on another day. There is no token in it.
//!
//! Names, not objects: who resumes parses them again. Targets that are known are listed one by one, because a namespace
//! can lose the label that it was found by, and would then be forgotten with a token in it that is about to die.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::cli::{ClusterArgs, RegistryConnectionArgs, RotateArgs};
use crate::cluster::{ConnectOptions, Impersonate, RequestTimeout, SecretName, Target};
use crate::commands::apply::connect_options;
use crate::commands::targets::{Find, Job, Supply};
use crate::error::CommandError;

/// Grows when a field changes its meaning.
const VERSION: u32 = 1;

/// A rotation, but for its tokens and its phase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(clippy::struct_excessive_bools, reason = "the flags that it was begun with")]
pub(super) struct Journal {
    version: u32,
    /// The new token is made for it.
    pub(super) mints: bool,
    /// Which name it was, or is being, made under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token_name: Option<String>,
    /// Whose it will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<String>,
    /// Its scopes, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scopes: Option<String>,
    pub(super) keep_old: bool,
    pub(super) force_conflicts: bool,
    /// What is left to be done with the pods.
    pub(super) restart: bool,
    pub(super) unstick: bool,
    /// `--wait`, as it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) wait: Option<String>,
    pub(super) places: Vec<Place>,
    connect: Connect,
    pub(super) registry: Reach,
}

/// The Secrets of one context.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Place {
    /// Without one, the cluster that this runs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) context: Option<String>,
    /// The API server that the context led to: a name can lead elsewhere tomorrow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<String>,
    /// How to find its Secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) find: Option<Find>,
    /// Its Secrets; none before the cluster could be asked for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secrets: Option<Vec<Listed>>,
}

/// One Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Listed {
    pub(super) namespace: String,
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    service_accounts: Vec<String>,
}

/// How to reach the clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Connect {
    #[serde(skip_serializing_if = "Option::is_none")]
    kubeconfig: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    impersonate: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
}

/// How to reach the registry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Reach {
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<PathBuf>,
    plain_http: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    gitea_path: Option<String>,
}

impl Journal {
    /// What the command line asks for, without the Secrets.
    pub(super) fn new(args: &RotateArgs) -> Self {
        Self {
            version: VERSION,
            mints: args.mint,
            token_name: None,
            username: None,
            scopes: args.scopes.as_ref().map(ToString::to_string),
            keep_old: args.keep_old,
            force_conflicts: args.force_conflicts,
            restart: args.restarts.restart,
            unstick: args.restarts.unstick,
            wait: args.restarts.wait.map(seconds),
            places: Vec::new(),
            connect: Connect::new(&args.cluster),
            registry: Reach::new(&args.connection),
        }
    }

    /// Reads what another process wrote.
    pub(super) fn parse(text: &str) -> Result<Self, CommandError> {
        let journal: Self = serde_json::from_str(text)
            .map_err(|_| CommandError::failed("the journal of the pending rotation cannot be read"))?;
        if journal.version == VERSION {
            Ok(journal)
        } else {
            Err(CommandError::failed(format_args!(
                "the pending rotation was begun by another version of regcred (journal {})",
                journal.version
            ))
            .hint("finish it with that version"))
        }
    }

    /// As it is kept.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What is new on the command line of whoever goes on with it.
    pub(super) fn update(&mut self, args: &RotateArgs) {
        self.keep_old |= args.keep_old;
        if args.restarts.wait.is_some() {
            self.wait = args.restarts.wait.map(seconds);
        }
        let connection = Reach::new(&args.connection);
        if connection != Reach::default() {
            self.registry = connection;
        }
        self.places.retain(|place| {
            let name = place.context.as_ref();
            !name.is_some_and(|name| args.skip_context.contains(name))
        });
        for secrets in self.places.iter_mut().filter_map(|place| place.secrets.as_mut()) {
            secrets.retain(|one| !args.skip_namespace.iter().any(|name| name.as_str() == one.namespace));
        }
    }

    /// How to connect to one of its places.
    pub(super) fn connect_options(&self, context: Option<&str>, timeout: RequestTimeout) -> ConnectOptions {
        ConnectOptions {
            kubeconfig: self.connect.kubeconfig.clone(),
            context: context.map(str::to_owned),
            cluster: self.connect.cluster.clone(),
            user: self.connect.user.clone(),
            impersonate: Impersonate {
                user: self.connect.impersonate.clone(),
                groups: self.connect.groups.clone(),
                uid: self.connect.uid.clone(),
            },
            request_timeout: timeout,
            service_account: None,
            is_unattended: false,
        }
    }

    /// How many Secrets are known.
    pub(super) fn count(&self) -> usize {
        self.places
            .iter()
            .filter_map(|place| place.secrets.as_ref())
            .map(Vec::len)
            .sum()
    }

    /// The name of all its Secrets, where it is one.
    pub(super) fn only_name(&self) -> Option<SecretName> {
        let mut names = self.places.iter().flat_map(|place| place.secrets.iter().flatten());
        let first = &names.next()?.name;
        names
            .all(|one| one.name == *first)
            .then(|| first.parse().ok())
            .flatten()
    }

    /// How long to follow rollouts, where that was asked for.
    pub(super) fn wait(&self) -> Option<RequestTimeout> {
        self.wait.as_ref()?.parse().ok()
    }
}

impl Place {
    /// Writes down what was found.
    pub(super) fn list(&mut self, jobs: &[Job]) {
        let listed = jobs.iter().map(|job| Listed {
            namespace: job.target.namespace.to_string(),
            name: job.target.secret.to_string(),
            service_accounts: job.service_accounts.iter().map(ToString::to_string).collect(),
        });
        self.secrets = Some(listed.collect());
    }

    /// Whether ServiceAccounts get Secrets of it.
    pub(super) fn has_accounts(&self) -> bool {
        let mut secrets = self.secrets.iter().flatten();
        secrets.any(|one| !one.service_accounts.is_empty())
    }

    /// The Secrets, to hold this.
    pub(super) fn jobs(&self, supply: &Rc<Supply>) -> Result<Vec<Job>, CommandError> {
        let damaged = |error: &dyn std::fmt::Display| {
            CommandError::failed(format_args!(
                "the journal of the pending rotation cannot be read: {error}"
            ))
        };
        let job = |one: &Listed| {
            let accounts = one
                .service_accounts
                .iter()
                .map(|name| name.parse().map_err(|error| damaged(&error)));
            Ok(Job {
                target: Target {
                    namespace: one.namespace.parse().map_err(|error| damaged(&error))?,
                    secret: one.name.parse().map_err(|error| damaged(&error))?,
                },
                supplies: vec![supply.clone()],
                service_accounts: accounts.collect::<Result<_, CommandError>>()?,
            })
        };
        self.secrets.iter().flatten().map(job).collect()
    }
}

impl Connect {
    fn new(args: &ClusterArgs) -> Self {
        let options = connect_options(args, None);
        Self {
            kubeconfig: options.kubeconfig.as_deref().map(absolute),
            cluster: options.cluster,
            user: options.user,
            impersonate: options.impersonate.user,
            groups: options.impersonate.groups,
            uid: options.impersonate.uid,
        }
    }
}

impl Reach {
    fn new(args: &RegistryConnectionArgs) -> Self {
        Self {
            ca_file: args.ca_file.as_deref().map(absolute),
            plain_http: args.plain_http,
            gitea_path: args.gitea_path.as_ref().map(ToString::to_string),
        }
    }

    pub(super) fn args(&self) -> RegistryConnectionArgs {
        RegistryConnectionArgs {
            ca_file: self.ca_file.clone(),
            plain_http: self.plain_http,
            gitea_path: self.gitea_path.as_ref().and_then(|path| path.parse().ok()),
        }
    }
}

/// Whoever resumes may stand in another folder.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn seconds(timeout: RequestTimeout) -> String {
    timeout
        .limit()
        .map_or_else(|| "0".to_owned(), |limit| format!("{}s", limit.as_secs().max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::targets::tests::test_supply;

    fn journal() -> Journal {
        let supply = test_supply("gitea.example.com");
        let mut place = Place {
            context: Some("prod".to_owned()),
            ..Place::default()
        };
        place.list(&[Job {
            target: Target {
                namespace: "honeydue".parse().unwrap(),
                secret: "gitea-credentials".parse().unwrap(),
            },
            supplies: vec![supply],
            service_accounts: vec!["default".parse().unwrap()],
        }]);
        Journal {
            version: VERSION,
            wait: Some(seconds("90s".parse().unwrap())),
            places: vec![
                place,
                Place {
                    context: Some("spare".to_owned()),
                    ..Place::default()
                },
            ],
            ..Journal::default()
        }
    }

    #[test]
    fn what_was_written_down_is_found_again() {
        let journal = Journal::parse(&journal().text()).unwrap();
        assert_eq!(journal, self::journal());
        let supply = test_supply("gitea.example.com");
        let jobs = journal.places[0].jobs(&supply).unwrap();
        assert_eq!(
            jobs[0].target.to_string(),
            "secret/gitea-credentials in namespace honeydue"
        );
        assert_eq!(jobs[0].supplies, std::slice::from_ref(&supply));
        assert_eq!(jobs[0].service_accounts[0].as_str(), "default");
        assert!(journal.places[1].jobs(&supply).unwrap().is_empty());
        assert_eq!((journal.count(), journal.wait()), (1, Some("90".parse().unwrap())));
        assert!(!journal.text().contains("s3cret"));
    }

    #[test]
    fn what_another_version_wrote_is_not_guessed_at() {
        let error = Journal::parse(r#"{"version":2}"#).unwrap_err();
        assert!(error.to_string().contains("journal 2"), "{error}");
        assert!(Journal::parse("[]").is_err());
        let mut journal = journal();
        journal.places[0].secrets.as_mut().unwrap()[0].namespace = "no name".to_owned();
        assert!(journal.places[0].jobs(&test_supply("gitea.example.com")).is_err());
    }
}
