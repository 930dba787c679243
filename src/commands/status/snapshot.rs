//! What was seen of this workstation, the registries and the clusters.

use std::collections::BTreeSet;

use super::cluster_view::{ClusterView, Expected};
use super::credentials::StoredCredentials;
use super::finding::Finding;
use super::given_flags::GivenFlags;
use super::tokens::{Images, Verdicts};
use crate::cluster::survey::Survey;
use crate::cluster::{self, Namespace};
use crate::model::Registry;

/// One cluster.
pub(super) struct ClusterSnapshot {
    /// By the flags.
    pub(super) flag: Option<String>,
    /// By the kubeconfig; empty in a pod.
    pub(super) context: String,
    pub(super) namespace: Namespace,
    /// What should be there.
    pub(super) expected: Vec<Expected>,
    /// Namespaces of it that are not there.
    pub(super) lost: BTreeSet<Namespace>,
    /// Printed on stderr.
    pub(super) note: Option<String>,
    /// What is there, or why it is not known.
    pub(super) survey: Result<Survey, cluster::Error>,
}

/// Everything that was seen: what findings are made from.
pub(super) struct Snapshot {
    pub(super) registries: Vec<Registry>,
    /// How many of them this user named, or has a login of; Secrets of the clusters name the others.
    pub(super) known: usize,
    pub(super) clusters: Vec<ClusterSnapshot>,
    pub(super) verdicts: Verdicts,
    pub(super) images: Images,
    /// What was found without anything to compare it with.
    pub(super) findings: Vec<Finding>,
    /// Printed on stderr.
    pub(super) notes: Vec<String>,
    pub(super) is_offline: bool,
}

impl Snapshot {
    /// Once the registries have said what they think of the tokens.
    pub(super) fn find_causes(&mut self, credentials: &StoredCredentials, flags: &GivenFlags) {
        let view = |cluster| Some(self.view(cluster, credentials, flags)?.causes());
        let causes: Vec<_> = self.clusters.iter().map(view).collect();
        for (cluster, causes) in self.clusters.iter_mut().zip(causes) {
            if let (Ok(survey), Some(causes)) = (&mut cluster.survey, causes) {
                survey.set_causes(causes);
            }
        }
    }

    /// What is judged of a cluster; nothing where it did not answer.
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
