//! Kubernetes: connecting as kubectl does, pull Secrets, and who owns them.
//!
//! [`Cluster::connect`] reads the kubeconfig as kubectl does and gives one client for one context. [`sync()`] makes one
//! pull Secret hold its credentials: observe, [`plan`](plan()), apply. [`owner()`] determines the owner of a Secret.
//! [`survey`] reads everything that matters for pulling images, and [`images`] which images are needed.
//!
//! Everything here runs on the runtime of [`block_on`]: one thread, because the work is waiting for one server.

mod client;
mod consumer_kinds;
mod error;
pub mod images;
mod known;
mod list;
mod rbac;
mod reader;
mod resource;
mod secret;
pub mod survey;
mod untrusted;
mod workload;

pub use client::connect::{Cluster, is_in_pod};
pub use client::exec::ExecError;
pub use client::kubeconfig::KubeconfigError;
pub use client::options::{ConnectOptions, Impersonate};
pub use client::timeout::{RequestTimeout, RequestTimeoutError};
pub use error::{Error, Forbidden};
pub use known::{Configured, Listed, configured, each_name};
pub use list::{FoundNamespace, Managed, Selector, SelectorError, managed_secrets, namespaces};
pub use rbac::{Access, Feature, Scope, Subject, groups_of_status};
pub use resource::{Object, Resource};
pub use secret::annotations::{Entry, MANAGED_BY_LABEL, MANAGER, REGISTRY_ANNOTATION};
pub use secret::apply::{DryRun, Outcome, SyncOptions, Synced, remove, sync};
pub use secret::format::{SecretFormat, SecretFormatError};
pub use secret::left_alone::{Holds, LeftAlone, instead};
pub use secret::manifest::{Manifest, Metadata};
pub use secret::observe::observe;
pub use secret::owner::{Owner, Ownership, known_owners, owner};
pub use secret::plan::{Action, Change, Note, OtherToken, Plan, Refusal, plan};
pub use secret::pull_secret::{Observed, Over, PULL_SECRET_TYPE, Wanted};
pub use secret::reader::SecretReader;
pub use secret::service_account::{AttachAction, Attached, Attachment, CompetingManager, attach};
pub use workload::restart::{RestartTime, restart, secret_users};
pub use workload::rollout::{Progress, follow};
pub use workload::unstick::{PodAction, StuckPod, unstick};
pub use workload::users::{SecretUser, SkipReason};

pub use crate::model::{ApiGroup, NameError, Namespace, SecretName, ServiceAccountName, Target, TargetError};

/// Runs `work` to completion on a new runtime; no other code creates one.
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
