//! The part of a rotation that is written down as JSON, so that another process can finish it on another day. There is
//! no token in it.
//!
//! Secrets that are known are listed one by one, because a namespace can lose the label that it was found by, and would
//! then be forgotten with a token in it that is about to be revoked.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::args::RotateArgs;
use crate::cluster::{
    Access, ConnectOptions, Feature, Namespace, RequestTimeout, SecretName, ServiceAccountName, Target,
};
use crate::commands::args::{ClusterArgs, RegistryConnectionArgs};
use crate::commands::shared::targets::{Find, Job, Supply};
use crate::error::CommandError;
use crate::ledger::GivenUp;
use crate::model::{ClusterId, Username, serde_text};
use crate::registry::{MintScopes, TokenName};

/// Grows when a field changes its meaning.
const VERSION: u32 = 1;

/// A rotation, but for its tokens and its phase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(clippy::struct_excessive_bools, reason = "the flags that it was begun with")]
pub(super) struct Journal {
    version: u32,
    /// The new token is made at Gitea for this rotation.
    pub(super) mints: bool,
    /// The new token's name at Gitea.
    #[serde(with = "serde_text::option", skip_serializing_if = "Option::is_none")]
    pub(super) token_name: Option<TokenName>,
    /// The new token's user, where it is made.
    #[serde(with = "serde_text::option", skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<Username>,
    #[serde(with = "serde_text::option", skip_serializing_if = "Option::is_none")]
    pub(super) scopes: Option<MintScopes>,
    pub(super) keep_old: bool,
    pub(super) force_conflicts: bool,
    /// `--restart`, until it is done.
    pub(super) restart: bool,
    /// `--unstick`, until it is done.
    pub(super) unstick: bool,
    /// How long to follow rollouts.
    #[serde(with = "seconds", skip_serializing_if = "Option::is_none")]
    pub(super) wait: Option<RequestTimeout>,
    /// It was begun for every place that is known, and not for those that flags named.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_everywhere: bool,
    pub(super) places: Vec<Place>,
    pub(super) given_up: GivenUp,
    connect: ClusterArgs,
    pub(super) registry: RegistryConnectionArgs,
}

/// The Secrets of one context.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Place {
    /// `None`: the cluster that this runs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) context: Option<String>,
    /// The API server that the context led to: a name can lead elsewhere tomorrow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<String>,
    /// Which cluster that is.
    #[serde(with = "serde_text::option", skip_serializing_if = "Option::is_none")]
    pub(super) cluster: Option<ClusterId>,
    /// How to find its Secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) find: Option<Find>,
    /// Its Secrets; `None` until the cluster has listed them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secrets: Option<Vec<Listed>>,
}

/// One Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed {
    #[serde(flatten, with = "TargetFields")]
    pub(super) target: Target,
    #[serde(with = "serde_text::each", default, skip_serializing_if = "Vec::is_empty")]
    service_accounts: Vec<ServiceAccountName>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Target")]
struct TargetFields {
    #[serde(with = "serde_text")]
    namespace: Namespace,
    #[serde(rename = "name", with = "serde_text")]
    secret: SecretName,
}

/// `90s`, or `0` for no limit.
mod seconds {
    use serde::Serializer;

    pub(super) use super::serde_text::option::deserialize;
    use crate::cluster::RequestTimeout;

    #[allow(clippy::ref_option, reason = "serde calls it with the field")]
    pub(super) fn serialize<S: Serializer>(wait: &Option<RequestTimeout>, serializer: S) -> Result<S::Ok, S::Error> {
        match wait.map(RequestTimeout::limit) {
            None => serializer.serialize_none(),
            Some(None) => serializer.serialize_str("0"),
            Some(Some(limit)) => serializer.collect_str(&format_args!("{}s", limit.as_secs().max(1))),
        }
    }
}

impl Journal {
    /// What the command line asks for, without the Secrets.
    ///
    /// A path that JSON cannot hold is refused here, before anything is made that the journal is needed for.
    pub(super) fn new(args: &RotateArgs) -> Result<Self, CommandError> {
        Ok(Self {
            version: VERSION,
            mints: args.mint,
            token_name: None,
            username: None,
            scopes: args.scopes.clone(),
            keep_old: args.keep_old,
            force_conflicts: args.force_conflicts,
            restart: args.restarts.restart,
            unstick: args.restarts.unstick,
            wait: args.restarts.wait,
            is_everywhere: args.is_everywhere(),
            places: Vec::new(),
            given_up: given_up(args),
            connect: ClusterArgs {
                contexts: Vec::new(),
                kubeconfig: absolute(args.cluster.kubeconfig.as_deref(), "--kubeconfig")?,
                request_timeout: None,
                ..args.cluster.clone()
            },
            registry: registry(args)?,
        })
    }

    /// Reads what another process wrote.
    pub(super) fn parse(text: &str) -> Result<Self, CommandError> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Version {
            version: u32,
        }
        let damaged = |_| CommandError::failed("the journal of the pending rotation cannot be read");
        // First: a later version may have fields that this one does not understand.
        let Version { version } = serde_json::from_str(text).map_err(damaged)?;
        if version != VERSION {
            return Err(CommandError::failed(format_args!(
                "the pending rotation was begun by another version of regcred (journal {version})"
            ))
            .hint("finish it with that version"));
        }
        serde_json::from_str(text).map_err(damaged)
    }

    /// As it is kept.
    pub(super) fn text(&self) -> Result<String, CommandError> {
        serde_json::to_string(self).map_err(|error| {
            CommandError::failed(format_args!("the journal of the rotation cannot be written: {error}"))
        })
    }

    /// Takes over what the command line of `--resume` or `--abort` adds.
    pub(super) fn update(&mut self, args: &RotateArgs) -> Result<(), CommandError> {
        self.keep_old |= args.keep_old;
        if args.restarts.wait.is_some() {
            self.wait = args.restarts.wait;
        }
        let connection = registry(args)?;
        if connection != RegistryConnectionArgs::default() {
            self.registry = connection;
        }
        self.given_up.add(&given_up(args));
        self.leave_out_given_up();
        Ok(())
    }

    /// Takes out what was given up.
    pub(super) fn leave_out_given_up(&mut self) {
        let given_up = &self.given_up;
        let is_given_up = |place: &Place| {
            let mut context = place.context.iter();
            context.any(|name| given_up.contexts.contains(name))
        };
        self.places.retain(|place| !is_given_up(place));
        for secrets in self.places.iter_mut().filter_map(|place| place.secrets.as_mut()) {
            secrets.retain(|one| !self.given_up.has(&one.target));
        }
    }

    /// How to connect to one of its places.
    pub(super) fn connect_options(&self, context: Option<&str>, timeout: RequestTimeout) -> ConnectOptions {
        ConnectOptions {
            request_timeout: timeout,
            ..self.connect.options(context)
        }
    }

    /// How many Secrets are known.
    pub(super) fn count(&self) -> usize {
        self.listed().count()
    }

    fn listed(&self) -> impl Iterator<Item = &Listed> {
        self.places.iter().flat_map(|place| place.secrets.iter().flatten())
    }

    /// All that the rotation does in a cluster, for the Role in an error.
    pub(super) fn access(&self) -> Access {
        let finds = |test: fn(&Find) -> bool| self.places.iter().filter_map(|place| place.find.as_ref()).any(test);
        let has_accounts = self.listed().any(|one| !one.service_accounts.is_empty());
        let flags = [
            (true, Feature::Rotate),
            (finds(Find::is_managed), Feature::Managed),
            (finds(Find::is_by_label), Feature::Selector),
            (has_accounts, Feature::ServiceAccounts),
            (self.restart, Feature::Restart),
            (self.restart && self.wait.is_some(), Feature::Wait),
            (self.unstick, Feature::Unstick),
        ];
        Access {
            features: flags
                .iter()
                .filter(|(is, _)| *is)
                .map(|(_, feature)| *feature)
                .collect(),
            secrets: self.listed().map(|one| one.target.secret.clone()).collect(),
            service_accounts: BTreeSet::new(),
            is_everywhere: finds(Find::is_managed) || finds(Find::is_by_label),
        }
    }
}

impl Place {
    /// Writes down what was found.
    pub(super) fn list(&mut self, jobs: &[Job]) {
        let listed = jobs.iter().map(|job| Listed {
            target: job.target.clone(),
            service_accounts: job.service_accounts.clone(),
        });
        self.secrets = Some(listed.collect());
    }

    /// Another context leads to the same cluster, and its place has the Secrets.
    pub(super) fn is_of_another(&mut self) {
        (self.secrets, self.find) = (Some(Vec::new()), None);
    }

    /// Takes these out, which do not hold the token that is rotated.
    pub(super) fn leave_out(&mut self, targets: &BTreeSet<Target>) {
        if let Some(secrets) = &mut self.secrets {
            secrets.retain(|one| !targets.contains(&one.target));
        }
    }

    /// Its Secrets, as far as they are known.
    pub(super) fn targets(&self) -> BTreeSet<Target> {
        self.secrets.iter().flatten().map(|one| one.target.clone()).collect()
    }

    /// Whether both lead to the same cluster.
    pub(super) fn is_cluster_of(&self, other: &Self) -> bool {
        let is_same = |one: Option<&str>, other: Option<&str>| one.is_some() && one == other;
        (self.cluster.is_some() && self.cluster == other.cluster)
            || is_same(self.server.as_deref(), other.server.as_deref())
    }

    /// The Secrets, to hold this.
    pub(super) fn jobs(&self, supply: &Rc<Supply>) -> Vec<Job> {
        let job = |one: &Listed| Job {
            target: one.target.clone(),
            supplies: vec![supply.clone()],
            service_accounts: one.service_accounts.clone(),
            chosen_by_content: false,
        };
        self.secrets.iter().flatten().map(job).collect()
    }
}

fn given_up(args: &RotateArgs) -> GivenUp {
    GivenUp {
        contexts: args.skip_context.iter().cloned().collect(),
        namespaces: args.skip_namespace.iter().cloned().collect(),
        secrets: args.skip_secret.iter().cloned().collect(),
        searches: args.skip_search.iter().cloned().collect(),
    }
}

fn registry(args: &RotateArgs) -> Result<RegistryConnectionArgs, CommandError> {
    Ok(RegistryConnectionArgs {
        ca_file: absolute(args.connection.ca_file.as_deref(), "--ca-file")?,
        ..args.connection.clone()
    })
}

/// A rotation may be resumed from another folder, and the journal is JSON, which holds text alone.
fn absolute(path: Option<&Path>, flag: &str) -> Result<Option<PathBuf>, CommandError> {
    let Some(path) = path else { return Ok(None) };
    let whole = std::path::absolute(path)?;
    if whole.to_str().is_none() {
        return Err(CommandError::usage(format_args!(
            "the path for {flag} is not UTF-8, and a rotation that is cut off could not be finished with it: {}",
            whole.display()
        ))
        .hint("give the file or its folder another name, or a symbolic link with one"));
    }
    Ok(Some(whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::shared::targets::tests::test_supply;

    /// What version 0.1.0 wrote, when the journal was a type of its own.
    const WRITTEN_BY_0_1_0: &str = include_str!("journal/written_by_0.1.0.json");

    #[test]
    fn an_old_journal_is_read_and_written_as_it_was() {
        let journal = Journal::parse(WRITTEN_BY_0_1_0).unwrap();
        assert_eq!(journal.text().unwrap(), WRITTEN_BY_0_1_0.trim_end());
        assert!(journal.mints && journal.restart && journal.force_conflicts && !journal.unstick && !journal.keep_old);
        assert_eq!(
            journal.token_name.as_ref().unwrap().as_str(),
            "kubectl-regcred@laptop-cluster-20261129T070000Z-0badcafe"
        );
        assert_eq!(journal.username.as_ref().unwrap().as_str(), "admin");
        assert_eq!(journal.scopes.as_ref().unwrap().to_string(), "read:package");
        assert_eq!(journal.wait, Some("90".parse().unwrap()));

        let supply = test_supply("gitea.example.com");
        let jobs = journal.places[0].jobs(&supply);
        assert_eq!(
            jobs[0].target.to_string(),
            "secret/gitea-credentials in namespace honeydue"
        );
        assert_eq!(jobs[0].supplies, std::slice::from_ref(&supply));
        assert_eq!(jobs[0].service_accounts[0].as_str(), "default");
        assert_eq!(journal.count(), 2);
        assert_eq!(journal.places[0].server.as_deref(), Some("https://10.0.0.1:6443"));
        let found_by = |at: usize| journal.places[at].find.as_ref().unwrap();
        assert!(found_by(1).is_by_label() && !found_by(1).is_managed());
        assert!(found_by(2).is_managed());
        assert!(journal.places[1].secrets.is_none());

        let given_up = |text: &str| journal.given_up.has(&text.parse().unwrap());
        assert!(given_up("honeydue/frozen") && given_up("old-shop/any") && !given_up("honeydue/gitea-credentials"));
        assert!(journal.given_up.has_search("prod"));

        let options = journal.connect_options(Some("prod"), "5s".parse().unwrap());
        assert_eq!(
            options.kubeconfig.as_deref(),
            Some(Path::new("/home/op/.kube/prod.yaml"))
        );
        assert_eq!(
            (options.cluster.as_deref(), options.user.as_deref()),
            (Some("c1"), Some("u1"))
        );
        assert_eq!(options.impersonate.user.as_deref(), Some("system:admin"));
        assert_eq!(options.impersonate.groups, ["ops", "dev"]);
        assert_eq!(options.impersonate.uid.as_deref(), Some("1000"));
        assert_eq!(
            journal.registry.ca_file.as_deref(),
            Some(Path::new("/etc/ssl/lan-ca.pem"))
        );
        assert!(journal.registry.plain_http);
        assert_eq!(journal.registry.gitea_path.as_ref().unwrap().to_string(), "/gitea");
    }

    #[test]
    fn a_token_is_not_written_down() {
        let mut journal = Journal::parse(r#"{"version":1}"#).unwrap();
        let mut place = Place::default();
        place.list(&[Job {
            target: "honeydue/gitea-credentials".parse().unwrap(),
            supplies: vec![test_supply("gitea.example.com")],
            service_accounts: Vec::new(),
            chosen_by_content: false,
        }]);
        journal.places.push(place);
        let text = journal.text().unwrap();
        assert!(text.contains("honeydue") && !text.contains("s3cret"), "{text}");
    }

    #[test]
    fn what_a_later_version_wrote_is_refused() {
        for text in [
            r#"{"version":2}"#,
            r#"{"version":2,"places":{"changed":true},"mints":"maybe"}"#,
        ] {
            let error = Journal::parse(text).unwrap_err();
            assert_eq!(
                error.to_string(),
                "the pending rotation was begun by another version of regcred (journal 2)"
            );
            assert_eq!(error.next()[0].to_string(), "finish it with that version");
        }
    }

    #[test]
    fn a_damaged_journal_is_refused() {
        let damaged = WRITTEN_BY_0_1_0.replace("honeydue", "no name");
        for text in ["7", "{", r#"{"version":1,"places":7}"#, &damaged] {
            let error = Journal::parse(text).unwrap_err();
            assert_eq!(error.to_string(), "the journal of the pending rotation cannot be read");
        }
    }
}
