//! Encrypted copies of Secrets in git that are older than the token: applied, they would put an earlier one back.

use std::collections::BTreeSet;
use std::path::Path;

use k8s_openapi::jiff::Timestamp;

use super::code::Code;
use super::credentials::StoredCredentials;
use super::finding::{Finding, Object, Remedy};
use super::snapshot::Snapshot;
use crate::cluster::Target;
use crate::commands::shared::git;
use crate::commands::shared::sealed::{self, SealedCopy, Wanted};
use crate::model::{Registry, printable};
use crate::sys::env::Env;

/// The longest path that is shown, in characters.
const MAX_PATH: usize = 300;

/// Looks into the repositories of the current folder and of the list.
pub(super) async fn look(
    env: &Env,
    list: Option<&Path>,
    credentials: &StoredCredentials,
    snapshot: &Snapshot,
) -> Vec<Finding> {
    let folders = sealed::folders(env, list);
    let places = places(snapshot);
    let mut findings = Vec::new();
    for registry in credentials.registries() {
        let Some(held) = credentials.for_cluster(&registry) else {
            continue;
        };
        let Some(since) = snapshot.age(held, credentials).since() else {
            continue;
        };
        let wanted = Wanted {
            registry: &registry,
            places: &places,
        };
        for copy in sealed::look(env, &folders, &wanted).await {
            if written(env, &copy).await.is_some_and(|written| written < since) {
                findings.push(finding(&registry, &copy));
            }
        }
    }
    findings
}

/// The Secrets of regcred's that were looked at.
fn places(snapshot: &Snapshot) -> BTreeSet<Target> {
    let surveys = snapshot
        .clusters
        .iter()
        .filter_map(|cluster| cluster.survey.as_ref().ok());
    let secrets = surveys.flat_map(|survey| &survey.secrets);
    let ours = secrets.filter(|secret| secret.is_managed);
    ours.map(|secret| secret.target.clone()).collect()
}

/// When git last got a change of the file.
async fn written(env: &Env, copy: &SealedCopy) -> Option<Timestamp> {
    let last = ["log", "-1", "--format=%ct", "--", &copy.file];
    let seconds = git::answer(env, &copy.root, &last).await?;
    Timestamp::from_second(seconds.trim().parse().ok()?).ok()
}

fn finding(registry: &Registry, copy: &SealedCopy) -> Finding {
    Finding {
        message: None,
        code: Code::SealedCopyOld,
        object: Object::here("file", printable(&copy.path().display().to_string(), MAX_PATH)),
        cause: format!("{}, and its last commit is older than the token", copy.sentence()),
        remedy: Remedy::command(copy.command(registry)).and("commit it, so that what applies it has the new token"),
    }
}
