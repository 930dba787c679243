//! The observed state of this workstation, the registries and the clusters.

use std::collections::BTreeSet;

use super::cluster_view::{ClusterView, Expected};
use super::credentials::StoredCredentials;
use super::finding::Finding;
use super::given_flags::GivenFlags;
use super::tokens::{Images, Verdicts};
use crate::cluster::survey::Survey;
use crate::cluster::{self, Namespace};
use crate::ledger::Ledger;
use crate::model::Registry;

/// The observed state of one cluster.
pub(super) struct ClusterSnapshot {
    /// The context's name in the flags.
    pub(super) flag: Option<String>,
    /// The context's name in the kubeconfig; empty for the in-cluster configuration.
    pub(super) context: String,
    pub(super) namespace: Namespace,
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
    /// Findings that need no comparison.
    pub(super) findings: Vec<Finding>,
    /// Printed on stderr.
    pub(super) notes: Vec<String>,
    /// Where this machine's tokens were written.
    pub(super) ledger: Ledger,
    pub(super) is_offline: bool,
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
