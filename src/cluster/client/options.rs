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
    /// No prompts and no output: the credential plugin gets no terminal, and its stderr is dropped.
    pub is_unattended: bool,
}

/// The user to impersonate.
#[derive(Clone, Debug, Default)]
pub struct Impersonate {
    /// `--as`
    pub user: Option<String>,
    /// `--as-group`
    pub groups: Vec<String>,
    /// `--as-uid`
    pub uid: Option<String>,
}
