//! What a rotation writes down to be finished by another process, on another day. There is no token in it.
//!
//! Names, not objects: who resumes parses them again. Targets that are known are listed one by one, because a namespace
//! can lose the label that it was found by, and would then be forgotten with a token in it that is about to die.

use std::collections::BTreeSet;
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
    /// What was given up by name, and is not looked at again.
    pub(super) given_up: GivenUp,
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

/// What a person gave up: it may hold the old token, and that does not keep it from being revoked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct GivenUp {
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    contexts: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    namespaces: BTreeSet<String>,
    /// `NAMESPACE/NAME`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    secrets: BTreeSet<String>,
    /// Contexts in which nobody looks for Secrets that were not named.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    searches: BTreeSet<String>,
}

/// How to reach the clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Connect {
    #[serde(skip_serializing_if = "Option::is_none")]
    kubeconfig: Option<String>,
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
    ca_file: Option<String>,
    plain_http: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    gitea_path: Option<String>,
}

impl Journal {
    /// What the command line asks for, without the Secrets.
    ///
    /// A path that cannot be written down is refused here, before anything is made that the journal is needed for.
    pub(super) fn new(args: &RotateArgs) -> Result<Self, CommandError> {
        Ok(Self {
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
            given_up: GivenUp::default(),
            connect: Connect::new(&args.cluster)?,
            registry: Reach::new(&args.connection)?,
        })
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
    pub(super) fn text(&self) -> Result<String, CommandError> {
        serde_json::to_string(self).map_err(|error| {
            CommandError::failed(format_args!("the journal of the rotation cannot be written: {error}"))
        })
    }

    /// What is new on the command line of whoever goes on with it.
    pub(super) fn update(&mut self, args: &RotateArgs) -> Result<(), CommandError> {
        self.keep_old |= args.keep_old;
        if args.restarts.wait.is_some() {
            self.wait = args.restarts.wait.map(seconds);
        }
        let connection = Reach::new(&args.connection)?;
        if connection != Reach::default() {
            self.registry = connection;
        }
        let given_up = &mut self.given_up;
        given_up.contexts.extend(args.skip_context.iter().cloned());
        given_up
            .namespaces
            .extend(args.skip_namespace.iter().map(ToString::to_string));
        let secrets = args.skip_secret.iter();
        given_up
            .secrets
            .extend(secrets.map(|one| format!("{}/{}", one.namespace, one.secret)));
        given_up.searches.extend(args.skip_search.iter().cloned());
        self.places.retain(|place| {
            !place
                .context
                .as_ref()
                .is_some_and(|name| self.given_up.contexts.contains(name))
        });
        for secrets in self.places.iter_mut().filter_map(|place| place.secrets.as_mut()) {
            secrets.retain(|one| !self.given_up.has(&one.namespace, &one.name));
        }
        Ok(())
    }

    /// How to connect to one of its places.
    pub(super) fn connect_options(&self, context: Option<&str>, timeout: RequestTimeout) -> ConnectOptions {
        ConnectOptions {
            kubeconfig: self.connect.kubeconfig.as_ref().map(PathBuf::from),
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

    /// The names of all its Secrets, as far as they are known.
    pub(super) fn names(&self) -> BTreeSet<SecretName> {
        let secrets = self.places.iter().flat_map(|place| place.secrets.iter().flatten());
        secrets.filter_map(|one| one.name.parse().ok()).collect()
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

    /// Takes these out, which do not hold the token that is rotated.
    pub(super) fn leave_out(&mut self, targets: &BTreeSet<Target>) {
        let is_one = |one: &Listed| {
            let mut targets = targets.iter();
            targets.any(|target| target.namespace.as_str() == one.namespace && target.secret.as_str() == one.name)
        };
        if let Some(secrets) = &mut self.secrets {
            secrets.retain(|one| !is_one(one));
        }
    }

    /// Whether ServiceAccounts get Secrets of it.
    pub(super) fn has_accounts(&self) -> bool {
        let mut secrets = self.secrets.iter().flatten();
        secrets.any(|one| !one.service_accounts.is_empty())
    }

    /// Its Secrets' places.
    pub(super) fn targets(&self) -> Result<BTreeSet<Target>, CommandError> {
        let target = |one: &Listed| {
            format!("{}/{}", one.namespace, one.name)
                .parse::<Target>()
                .map_err(damaged)
        };
        self.secrets.iter().flatten().map(target).collect()
    }

    /// The Secrets, to hold this.
    pub(super) fn jobs(&self, supply: &Rc<Supply>) -> Result<Vec<Job>, CommandError> {
        let job = |one: &Listed| {
            let accounts = one.service_accounts.iter().map(|name| name.parse().map_err(damaged));
            Ok(Job {
                target: Target {
                    namespace: one.namespace.parse().map_err(damaged)?,
                    secret: one.name.parse().map_err(damaged)?,
                },
                supplies: vec![supply.clone()],
                service_accounts: accounts.collect::<Result<_, CommandError>>()?,
                chosen_by_content: false,
            })
        };
        self.secrets.iter().flatten().map(job).collect()
    }
}

fn damaged(error: impl std::fmt::Display) -> CommandError {
    CommandError::failed(format_args!(
        "the journal of the pending rotation cannot be read: {error}"
    ))
}

impl GivenUp {
    /// Whether this Secret is one of them.
    pub(super) fn has(&self, namespace: &str, name: &str) -> bool {
        self.namespaces.contains(namespace) || self.secrets.contains(&format!("{namespace}/{name}"))
    }

    /// Whether the context is not to be searched for further Secrets.
    pub(super) fn has_search(&self, context: &str) -> bool {
        self.searches.contains(context)
    }
}

impl Connect {
    fn new(args: &ClusterArgs) -> Result<Self, CommandError> {
        let options = connect_options(args, None);
        Ok(Self {
            kubeconfig: options
                .kubeconfig
                .as_deref()
                .map(|path| absolute(path, "--kubeconfig"))
                .transpose()?,
            cluster: options.cluster,
            user: options.user,
            impersonate: options.impersonate.user,
            groups: options.impersonate.groups,
            uid: options.impersonate.uid,
        })
    }
}

impl Reach {
    fn new(args: &RegistryConnectionArgs) -> Result<Self, CommandError> {
        let ca_file = args.ca_file.as_deref();
        Ok(Self {
            ca_file: ca_file.map(|path| absolute(path, "--ca-file")).transpose()?,
            plain_http: args.plain_http,
            gitea_path: args.gitea_path.as_ref().map(ToString::to_string),
        })
    }

    pub(super) fn args(&self) -> RegistryConnectionArgs {
        RegistryConnectionArgs {
            ca_file: self.ca_file.as_ref().map(PathBuf::from),
            plain_http: self.plain_http,
            gitea_path: self.gitea_path.as_ref().and_then(|path| path.parse().ok()),
        }
    }
}

/// Whoever resumes may stand in another folder. The journal is JSON, which holds text alone.
fn absolute(path: &Path, flag: &str) -> Result<String, CommandError> {
    let whole = std::path::absolute(path)?;
    whole.into_os_string().into_string().map_err(|whole| {
        CommandError::usage(format_args!(
            "the path for {flag} is not UTF-8, and a rotation that is cut off could not be finished with it: {}",
            Path::new(&whole).display()
        ))
        .hint("give the file or its folder another name, or a symbolic link with one")
    })
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
            chosen_by_content: false,
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
        let journal = Journal::parse(&journal().text().unwrap()).unwrap();
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
        assert!(!journal.text().unwrap().contains("s3cret"));
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
