//! The journal of a rotation, stored as JSON so that a later process can finish the rotation. It contains no token.
//!
//! Every Secret that was found is listed by name. If the journal had only the selector, a namespace that loses its label
//! would be skipped, and its Secret would keep a token that is about to be revoked.

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
use crate::ledger::{KnownPath, KnownPathError, Skipped};
use crate::model::{ActionsSecret, ClusterId, Username, serde_text};
use crate::registry::{CaFile, MintScopes, TokenName};

/// Incremented when a field changes its meaning.
const VERSION: u32 = 1;

/// A rotation without its tokens and its phase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(clippy::struct_excessive_bools, reason = "the flags of the command that began it")]
pub(super) struct Journal {
    version: u32,
    /// The new token is created at Gitea for this rotation.
    pub(super) mints: bool,
    /// The new token's name at Gitea.
    #[serde(with = "serde_text::option", skip_serializing_if = "Option::is_none")]
    pub(super) token_name: Option<TokenName>,
    /// Names under which earlier, interrupted attempts may have created it.
    #[serde(with = "serde_text::each", skip_serializing_if = "Vec::is_empty")]
    pub(super) earlier_token_names: Vec<TokenName>,
    /// The new token's user, if the token is created.
    #[serde(with = "serde_text::option", skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<Username>,
    #[serde(with = "serde_text::option", skip_serializing_if = "Option::is_none")]
    pub(super) scopes: Option<MintScopes>,
    pub(super) keep_old: bool,
    pub(super) force_conflicts: bool,
    /// `--restart`, reset once the workloads were restarted.
    pub(super) restart: bool,
    /// `--unstick`, reset once the pods were deleted.
    pub(super) unstick: bool,
    /// The time limit for following rollouts.
    #[serde(with = "seconds", skip_serializing_if = "Option::is_none")]
    pub(super) wait: Option<RequestTimeout>,
    /// It was begun for every place of the token, and not for places that flags name.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_everywhere: bool,
    #[serde(rename = "places")]
    pub(super) contexts: Vec<ContextSecrets>,
    /// The secrets of Actions that hold the token.
    #[serde(with = "serde_text::each", skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) actions: BTreeSet<ActionsSecret>,
    /// The account that may write them; `None` is the token's user.
    #[serde(with = "serde_text::option", skip_serializing_if = "Option::is_none")]
    pub(super) actions_account: Option<Username>,
    /// What flags of this rotation skip; what earlier ones skipped is in the ledger.
    #[serde(rename = "givenUp")]
    pub(super) skipped: Skipped,
    connect: ClusterArgs,
    pub(super) registry: RegistryConnectionArgs,
}

/// The Secrets of one context.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ContextSecrets {
    /// `None`: the cluster that this process runs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) context: Option<String>,
    /// The context's API server when the rotation began, because a context can be changed to another server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<String>,
    /// The cluster that it leads to.
    #[serde(with = "serde_text::option", skip_serializing_if = "Option::is_none")]
    pub(super) cluster: Option<ClusterId>,
    /// How to find its Secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) find: Option<Find>,
    /// The Secrets; `None` until the cluster has listed them.
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
    /// A journal of the command line's flags, without the Secrets.
    ///
    /// Fails for a path that JSON cannot represent, before anything is changed.
    pub(super) fn new(args: &RotateArgs) -> Result<Self, CommandError> {
        Ok(Self {
            version: VERSION,
            mints: args.mint,
            token_name: None,
            earlier_token_names: Vec::new(),
            username: None,
            scopes: args.scopes.clone(),
            keep_old: args.keep_old,
            force_conflicts: args.force_conflicts,
            restart: args.restarts.restart,
            unstick: args.restarts.unstick,
            wait: args.restarts.wait,
            is_everywhere: args.is_everywhere(),
            contexts: Vec::new(),
            actions: BTreeSet::new(),
            actions_account: args.actions_account.clone(),
            skipped: skipped(args),
            connect: ClusterArgs {
                contexts: Vec::new(),
                kubeconfig: absolute(args.cluster.kubeconfig.as_deref(), "--kubeconfig")?,
                request_timeout: None,
                ..args.cluster.clone()
            },
            registry: registry(args)?,
        })
    }

    /// Parses the journal of another process.
    pub(super) fn parse(text: &str) -> Result<Self, CommandError> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Version {
            version: u32,
        }
        let damaged = |_| CommandError::failed("the journal of the pending rotation cannot be read");
        // The version is checked first: a later one may have fields that this one cannot parse.
        let Version { version } = serde_json::from_str(text).map_err(damaged)?;
        if version != VERSION {
            return Err(CommandError::failed(format_args!(
                "the pending rotation was begun by another version of regcred (journal {version})"
            ))
            .hint("finish it with that version"));
        }
        serde_json::from_str(text).map_err(damaged)
    }

    /// The JSON text that is stored.
    pub(super) fn text(&self) -> Result<String, CommandError> {
        serde_json::to_string(self).map_err(|error| {
            CommandError::failed(format_args!("the journal of the rotation cannot be written: {error}"))
        })
    }

    /// Adds the flags of `--resume` or `--abort`.
    pub(super) fn update(&mut self, args: &RotateArgs) -> Result<(), CommandError> {
        self.keep_old |= args.keep_old;
        if args.restarts.wait.is_some() {
            self.wait = args.restarts.wait;
        }
        let connection = registry(args)?;
        if connection != RegistryConnectionArgs::default() {
            self.registry = connection;
        }
        if args.actions_account.is_some() {
            self.actions_account.clone_from(&args.actions_account);
        }
        self.skipped.add(&skipped(args));
        self.leave_out(&self.skipped.clone());
        Ok(())
    }

    /// Removes the contexts and Secrets that are skipped.
    pub(super) fn leave_out(&mut self, skipped: &Skipped) {
        let is_skipped = |entry: &ContextSecrets| {
            let mut context = entry.context.iter();
            context.any(|name| skipped.contexts.contains(name))
        };
        self.contexts.retain(|entry| !is_skipped(entry));
        for secrets in self.contexts.iter_mut().filter_map(|entry| entry.secrets.as_mut()) {
            secrets.retain(|one| !skipped.has(&one.target));
        }
    }

    /// How to connect to one of its contexts.
    pub(super) fn connect_options(&self, context: Option<&str>, timeout: RequestTimeout) -> ConnectOptions {
        ConnectOptions {
            request_timeout: timeout,
            // Several are connected to at the same time, and their credential plugins cannot share a terminal.
            is_unattended: self.contexts.len() > 1,
            ..self.connect.options(context)
        }
    }

    /// The number of Secrets that were found.
    pub(super) fn count(&self) -> usize {
        self.listed().count()
    }

    fn listed(&self) -> impl Iterator<Item = &Listed> {
        self.contexts.iter().flat_map(|entry| entry.secrets.iter().flatten())
    }

    /// The permissions that the rotation needs in a cluster, for the Role in an error.
    pub(super) fn access(&self) -> Access {
        let finds = |test: fn(&Find) -> bool| self.contexts.iter().filter_map(|entry| entry.find.as_ref()).any(test);
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
            groups: BTreeSet::new(),
            is_everywhere: finds(Find::is_managed) || finds(Find::is_by_label),
        }
    }
}

impl ContextSecrets {
    /// Records the Secrets that were found.
    pub(super) fn list(&mut self, jobs: &[Job]) {
        let listed = jobs.iter().map(|job| Listed {
            target: job.target.clone(),
            service_accounts: job.service_accounts.clone(),
        });
        self.secrets = Some(listed.collect());
    }

    /// Removes Secrets that do not hold the token that is rotated.
    pub(super) fn leave_out(&mut self, targets: &BTreeSet<Target>) {
        if let Some(secrets) = &mut self.secrets {
            secrets.retain(|one| !targets.contains(&one.target));
        }
    }

    /// Whether both contexts lead to the same cluster. At one address there may be several.
    pub(super) fn is_cluster_of(&self, other: &Self) -> bool {
        match (&self.cluster, &other.cluster) {
            (Some(ClusterId::Uid(one)), Some(ClusterId::Uid(other))) => one == other,
            (Some(one), Some(other)) if one == other => true,
            _ => self.server.is_some() && self.server == other.server,
        }
    }

    /// Leaves its Secrets to another context, which leads to the same cluster and has found them.
    pub(super) fn leave_to_another(&mut self) {
        (self.secrets, self.find) = (Some(Vec::new()), None);
    }

    /// The Secrets as jobs that write this credential.
    pub(super) fn jobs(&self, supply: &Rc<Supply>) -> Vec<Job> {
        let job = |one: &Listed| Job {
            target: one.target.clone(),
            supplies: vec![supply.clone()],
            service_accounts: one.service_accounts.clone(),
            chosen_by_content: false,
            format: None,
        };
        self.secrets.iter().flatten().map(job).collect()
    }
}

fn skipped(args: &RotateArgs) -> Skipped {
    Skipped {
        contexts: args.skip_context.iter().cloned().collect(),
        namespaces: args.skip_namespace.iter().cloned().collect(),
        secrets: args.skip_secret.iter().cloned().collect(),
        actions: args.skip_actions.iter().cloned().collect(),
        searches: args.skip_search.iter().cloned().collect(),
    }
}

fn registry(args: &RotateArgs) -> Result<RegistryConnectionArgs, CommandError> {
    Ok(RegistryConnectionArgs {
        ca_file: absolute(args.connection.ca_file.as_ref().map(CaFile::path), "--ca-file")?.map(CaFile::from),
        ..args.connection.clone()
    })
}

/// The absolute path, because a rotation may be resumed from another folder, and by another process.
fn absolute(path: Option<&Path>, flag: &str) -> Result<Option<PathBuf>, CommandError> {
    let Some(path) = path else { return Ok(None) };
    let refused = |why: KnownPathError| {
        let hint = match why {
            KnownPathError::NotText => "rename the file or its folder, or use a symbolic link",
            KnownPathError::Pipe => "write it to a file, and name that",
            KnownPathError::Folder(_) => "change to a folder that exists",
        };
        CommandError::usage(format_args!(
            "an interrupted rotation could not be resumed with {flag} {}: {why}",
            path.display()
        ))
        .hint(hint)
    };
    let known = KnownPath::new(path).map_err(refused)?;
    Ok(Some(known.as_path().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::shared::targets::tests::test_supply;

    /// A journal of version 0.1.0.
    const WRITTEN_BY_0_1_0: &str = include_str!("journal/written_by_0.1.0.json");

    #[test]
    fn a_journal_of_an_older_version_is_read_and_written_unchanged() {
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
        let jobs = journal.contexts[0].jobs(&supply);
        assert_eq!(
            jobs[0].target.to_string(),
            "secret/gitea-credentials in namespace honeydue"
        );
        assert_eq!(jobs[0].supplies, std::slice::from_ref(&supply));
        assert_eq!(jobs[0].service_accounts[0].as_str(), "default");
        assert_eq!(journal.count(), 2);
        assert_eq!(journal.contexts[0].server.as_deref(), Some("https://10.0.0.1:6443"));
        let found_by = |at: usize| journal.contexts[at].find.as_ref().unwrap();
        assert!(found_by(1).is_by_label() && !found_by(1).is_managed());
        assert!(found_by(2).is_managed());
        assert!(journal.contexts[1].secrets.is_none());

        let skipped = |text: &str| journal.skipped.has(&text.parse().unwrap());
        assert!(skipped("honeydue/frozen") && skipped("old-shop/any") && !skipped("honeydue/gitea-credentials"));
        assert!(journal.skipped.has_search("prod"));

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
            journal.registry.ca_file.as_ref().map(CaFile::path),
            Some(Path::new("/etc/ssl/lan-ca.pem"))
        );
        assert!(journal.registry.plain_http);
        assert_eq!(journal.registry.gitea_path.as_ref().unwrap().to_string(), "/gitea");
    }

    #[test]
    fn a_journal_contains_no_token() {
        let mut journal = Journal::parse(r#"{"version":1}"#).unwrap();
        let mut entry = ContextSecrets::default();
        entry.list(&[Job {
            target: "honeydue/gitea-credentials".parse().unwrap(),
            supplies: vec![test_supply("gitea.example.com")],
            service_accounts: Vec::new(),
            chosen_by_content: false,
            format: None,
        }]);
        journal.contexts.push(entry);
        let text = journal.text().unwrap();
        assert!(text.contains("honeydue") && !text.contains("s3cret"), "{text}");
    }

    #[test]
    fn a_journal_of_a_later_version_is_refused() {
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
