//! How to connect, by the flags that kubectl has for it.

use std::path::PathBuf;

use super::timeout::RequestTimeout;

/// The flags that kubectl has for connecting, under kubectl's names.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// `--kubeconfig`: this file alone, and it must be there.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`
    pub context: Option<String>,
    /// `--cluster`
    pub cluster: Option<String>,
    /// `--user`
    pub user: Option<String>,
    /// `--as`, `--as-group`, `--as-uid`
    pub impersonate: Impersonate,
    /// `--request-timeout`
    pub request_timeout: RequestTimeout,
    /// Where a pod finds its ServiceAccount, for tests; `None` is where Kubernetes puts it.
    pub service_account: Option<PathBuf>,
    /// No prompts and no output: the credential plugin gets no terminal, its stderr is dropped, and it has to end within the
    /// time of a request. For contexts that are connected to at the same time, and for completion.
    pub is_unattended: bool,
}

impl ConnectOptions {
    /// Whether both lead to the same cluster as the same user.
    pub fn leads_where(&self, other: &Self) -> bool {
        let of = |one: &Self| {
            (
                one.kubeconfig.clone(),
                one.context.clone(),
                one.cluster.clone(),
                one.user.clone(),
                one.impersonate.clone(),
            )
        };
        of(self) == of(other)
    }
}

/// The user to impersonate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impersonate {
    /// `--as`
    pub user: Option<String>,
    /// `--as-group`
    pub groups: Vec<String>,
    /// `--as-uid`
    pub uid: Option<String>,
}
