//! Surveys everything in a cluster that matters for pulling images: pull Secrets, their users, missing Secrets, and pods
//! that are stuck on a pull. It returns only data; the callers write the messages.
//!
//! Lists are read in pages and reduced page by page, a few at a time. Objects that may not be read are recorded as
//! unreadable, and the survey continues with the rest.

mod assemble;
mod consumers;
mod diagnose;
mod events;
mod explain;
mod gather;
mod logins;
mod named;
mod question;
mod report;
mod secret;
mod stuck;

use std::cell::RefCell;

use super::client::connect::Cluster;
use super::error::Error;
use gather::Gather;
use report::now;
use secret::Tokens;

pub use super::reader::Step;
pub use super::reader::places::{NamespaceSelection, Unreadable};
pub use super::workload::message::PullFailure;
pub use super::workload::model::ContainerKind;
pub use consumers::UnseenConsumers;
pub use explain::{Found, ImagePull, NamedSecret, PodPulls, PullOutcome, explain};
pub use logins::{Logins, Tried};
pub use question::{Interest, Question, TokenSlot};
pub use report::{Counts, MissingSecret, Puller, RunningImage, SeenAccount, Survey};
pub use secret::{HeldToken, Login, OtherToken, SeenEntry, SeenSecret, State};
pub use stuck::{Cause, StuckPull, Verdict};

/// Surveys a cluster, calling `progress` after each page.
///
/// # Errors
/// Where the cluster does not answer, or the namespaces that are meant cannot be found out. What may not be read is
/// [`Survey::unseen`].
pub async fn survey(cluster: &Cluster, question: &Question<'_>, progress: &dyn Fn(Step)) -> Result<Survey, Error> {
    let tokens = RefCell::new(Tokens::new(&question.interests));
    let gather = Gather::new(cluster, question, None, progress).await?;
    let finished = gather.run(question, &tokens).await?;
    Ok(Survey::new(finished, question, tokens.into_inner().others, now()))
}
