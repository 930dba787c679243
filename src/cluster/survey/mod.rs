//! What a cluster looks like to somebody who asks whether its images can be pulled: pull Secrets, who uses them, what is
//! named but not there, and pods that are stuck on a pull. Data only, each with its evidence; words are the caller's.
//!
//! Lists are read in pages and cut down page by page, a few at a time. What may not be read is recorded as unseen, and
//! the survey goes on with the rest.

mod assemble;
mod diagnose;
mod events;
mod explain;
mod gather;
mod named;
mod question;
mod reader;
mod report;
mod secret;
mod stuck;

use std::cell::RefCell;

use super::client::connect::Cluster;
use super::error::Error;
use gather::Gather;
use report::now;
use secret::Tokens;

pub use super::workload::message::PullFailure;
pub use super::workload::model::ContainerKind;
pub use explain::{Found, ImagePull, NamedSecret, PodPulls, PullOutcome, explain};
pub use question::{Interest, NamespaceSelection, Question, TokenSlot};
pub use reader::Step;
pub use report::{Counts, MissingSecret, Puller, SeenAccount, Survey, Unreadable};
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
    let finished = gather.run(&question.targets, &tokens).await?;
    Ok(Survey::new(
        finished,
        &question.targets,
        tokens.into_inner().others,
        now(),
    ))
}
