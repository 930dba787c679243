//! Kubernetes: connecting as kubectl does, pull Secrets, and who owns them.
//!
//! [`Cluster::connect`] reads the kubeconfig as kubectl does and gives one client for one context. [`sync()`] makes one
//! pull Secret hold its credentials: observe, [`plan`](plan()), apply. [`owner()`] says whose a Secret is.
//! [`survey`] looks at everything that has to do with pulling.
//!
//! Everything here runs on the runtime of [`block_on`]: one thread, because the work is waiting for one server.

mod annotations;
mod answer;
mod apply;
mod backoff;
mod call;
mod connect;
mod error;
mod exec;
mod known;
mod kubeconfig;
mod left_alone;
mod list;
mod manifest;
mod names;
mod owner;
mod owners;
mod pages;
mod plan;
mod pull_secret;
mod resource;
mod restart;
mod retry;
mod role;
mod rollout;
mod server;
mod service_account;
pub mod survey;
mod timeout;
mod transport;
mod unstick;
mod user;
mod users;
mod workloads;

pub use annotations::{Entry, MANAGED_BY_LABEL, MANAGER, REGISTRY_ANNOTATION, USE_ANNOTATION, USERNAME_ANNOTATION};
pub use apply::{DryRun, Outcome, SyncOptions, Synced, remove, sync};
pub use connect::{Cluster, ConnectOptions, Impersonate};
pub use error::{Error, Forbidden};
pub use exec::ExecError;
pub use known::{Configured, Listed, configured, each_name};
pub use kubeconfig::KubeconfigError;
pub use left_alone::{Holds, LeftAlone, instead};
pub use list::{FoundNamespace, Managed, Selector, SelectorError, managed_secrets, namespaces};
pub use manifest::{Manifest, Metadata};
pub use names::{NameError, Namespace, SecretName, ServiceAccountName};
pub use owner::{Owner, Ownership, known_owners, owner};
pub use plan::{Action, Change, Note, Plan, Refusal, plan, plan_removal};
pub use pull_secret::{Observed, PULL_SECRET_TYPE, Target, TargetError, Wanted, observe};
pub use resource::{Object, Resource};
pub use restart::{RestartTime, restart, secret_users};
pub use role::{Access, Feature, Scope, Subject};
pub use rollout::{Progress, follow};
pub use service_account::{Attached, Attachment, UndoneBy, Wish, attach, plan_attachment};
pub use timeout::{RequestTimeout, RequestTimeoutError};
pub use unstick::{Fate, StuckPod, unstick};
pub use users::{Hold, SecretUser};

/// Runs `work` to its end on a runtime of its own: the single place where one is built.
///
/// # Errors
/// Where the system gives no event queue (`epoll`, `kqueue`) to this process.
///
/// # Panics
/// Inside another runtime.
pub fn block_on<T>(work: impl Future<Output = T>) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    // A name that is still being looked up in a blocking thread must not hold the program up.
    runtime.shutdown_background();
    Ok(result)
}
