//! The observed state of this workstation, the registries and the clusters.

use std::collections::BTreeSet;

use k8s_openapi::jiff::Timestamp;

use super::account_tokens::{self, AccountListing, Users};
use super::actions_secrets::ActionsLists;
use super::cluster_view::{ClusterView, Expected};
use super::credentials::{StoredCredential, StoredCredentials};
use super::finding::Finding;
use super::given_flags::GivenFlags;
use super::running::RunningImages;
use super::tokens::{Images, Verdicts};
use crate::cluster::survey::Survey;
use crate::cluster::{self, Namespace};
use crate::commands::shared::token_age::TokenAge;
use crate::ledger::Ledger;
use crate::model::{ClusterId, Credential, Registry};

/// The observed state of one cluster.
pub(super) struct ClusterSnapshot {
    /// The context's name in the flags.
    pub(super) flag: Option<String>,
    /// The context's name in the kubeconfig; empty for the in-cluster configuration.
    pub(super) context: String,
    pub(super) namespace: Namespace,
    /// Which cluster it is and its address, where the ledger knows Secrets with replaced tokens and it answered.
    pub(super) id: Option<(ClusterId, String)>,
    /// The Secrets that should exist.
    pub(super) expected: Vec<Expected>,
    /// Namespaces of these Secrets that do not exist.
    pub(super) lost: BTreeSet<Namespace>,
    /// Printed on stderr.
    pub(super) note: Option<String>,
    /// The content of the cluster, or why it is not known.
    pub(super) survey: Result<Survey, cluster::Error>,
}

/// The complete observed state, from which the findings are made.
pub(super) struct Snapshot {
    pub(super) registries: Vec<Registry>,
    /// How many of them the user has named or has a credential for. The others are named only by Secrets.
    pub(super) known: usize,
    pub(super) clusters: Vec<ClusterSnapshot>,
    pub(super) verdicts: Verdicts,
    pub(super) images: Images,
    /// Which images that run the registries still have.
    pub(super) running: RunningImages,
    /// Findings that need no comparison.
    pub(super) findings: Vec<Finding>,
    /// Printed on stderr.
    pub(super) notes: Vec<String>,
    /// Where this machine's tokens were written.
    pub(super) ledger: Ledger,
    /// Which of its secrets of Actions the servers still have.
    pub(super) actions: ActionsLists,
    /// With `--tokens`: what the accounts have.
    pub(super) listings: Vec<AccountListing>,
    /// What docker and podman have outside of regcred's keychain, of the registries of these accounts.
    pub(super) in_docker: Vec<Credential>,
    pub(super) is_offline: bool,
    /// When all of this was observed.
    pub(super) taken: Timestamp,
}

impl Snapshot {
    /// Determines why pods are stuck, after the registries have verified the tokens.
    pub(super) fn find_causes(&mut self, credentials: &StoredCredentials, flags: &GivenFlags) {
        let view = |cluster| Some(self.view(cluster, credentials, flags)?.causes());
        let causes: Vec<_> = self.clusters.iter().map(view).collect();
        for (cluster, causes) in self.clusters.iter_mut().zip(causes) {
            if let (Ok(survey), Some(causes)) = (&mut cluster.survey, causes) {
                survey.set_causes(causes);
            }
        }
    }

    /// How old the credential's token is.
    pub(super) fn age(&self, held: &StoredCredential, credentials: &StoredCredentials) -> TokenAge {
        let Credential { registry, token, .. } = &held.credential;
        let listed = account_tokens::listed(&self.listings, registry, token);
        let verdict = self.verdicts.of(&held.credential);
        TokenAge::kept(held.since)
            .and_remembered(credentials.remembered(held, &self.ledger))
            .and_created(listed.and_then(|listed| listed.created))
            .and_created(verdict.verified().and_then(|verified| verified.created))
    }

    /// What uses the accounts' tokens.
    pub(super) fn users<'a>(&'a self, credentials: &'a StoredCredentials) -> Users<'a> {
        let surveys = self.clusters.iter().filter_map(|cluster| cluster.survey.as_ref().ok());
        Users {
            credentials,
            surveys: surveys.collect(),
            registries: &self.registries,
            ledger: &self.ledger,
            in_docker: &self.in_docker,
        }
    }

    /// The view of a cluster; `None` if it did not answer.
    pub(super) fn view<'a>(
        &'a self,
        cluster: &'a ClusterSnapshot,
        credentials: &'a StoredCredentials,
        flags: &'a GivenFlags,
    ) -> Option<ClusterView<'a>> {
        Some(ClusterView {
            context: &cluster.context,
            flag: cluster.flag.as_deref(),
            namespace: &cluster.namespace,
            survey: cluster.survey.as_ref().ok()?,
            registries: &self.registries,
            known: self.known,
            lost: &cluster.lost,
            expected: &cluster.expected,
            credentials,
            verdicts: &self.verdicts,
            flags,
        })
    }
}
