//! The output for one pod: its pull Secrets and, for each image, what kubelet tries and what it ignores.

use serde::Serialize;

use crate::cluster::survey::{Found, HeldToken, ImagePull, PodPulls, PullOutcome, SeenEntry, State, TokenSlot};
use crate::commands::status::cluster_view::ClusterView;
use crate::commands::status::findings::pods::mismatch;
use crate::commands::status::tokens::Verdict;
use crate::model::printable;
use crate::model::pull::{EntryAt, Pull};

/// The longest key or name from a cluster that is shown.
const MAX_SHOWN: usize = 120;
/// As long as the name of a Secret can be. Kubernetes accepts any text in a pod's list of them.
const MAX_SECRET: usize = 253;

#[derive(Serialize)]
pub(super) struct OfSecret {
    pub(super) name: String,
    pub(super) state: &'static str,
}

#[derive(Serialize)]
pub(super) struct OfImage {
    pub(super) container: String,
    pub(super) image: String,
    /// The state of the image: `pulled`, `waiting`, `pending`.
    pub(super) outcome: &'static str,
    /// In kubelet's order.
    pub(super) tries: Vec<Try>,
    #[serde(rename = "passesOver")]
    pub(super) passes_over: Vec<PassedOver>,
    /// Why kubelet does not contact the registry.
    pub(super) fails: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Try {
    pub(super) secret: String,
    pub(super) key: String,
    pub(super) username: Option<String>,
    pub(super) token: String,
}

#[derive(Serialize)]
pub(super) struct PassedOver {
    pub(super) secret: String,
    pub(super) key: String,
    pub(super) reason: String,
}

pub(super) fn secrets(pulls: &PodPulls) -> Vec<OfSecret> {
    let of = |found: &Found| match found {
        Found::Missing => "missing",
        Found::WrongType => "wrongType",
        Found::Unseen => "unseen",
        Found::Seen(secret) => match &secret.state {
            State::Empty => "empty",
            State::Broken { .. } => "broken",
            State::Entries(_) => "there",
        },
    };
    let secrets = pulls.secrets.iter();
    secrets
        .map(|secret| OfSecret {
            name: printable(&secret.name, MAX_SECRET),
            state: of(&secret.found),
        })
        .collect()
}

pub(super) fn of_image(view: &ClusterView<'_>, pulls: &PodPulls, image: &ImagePull) -> OfImage {
    let name = |at: usize| {
        pulls
            .secrets
            .get(at)
            .map_or(String::new(), |secret| printable(&secret.name, MAX_SECRET))
    };
    let (tries, passes_over, fails) = match &image.pull {
        Pull::Fails { secret } => {
            let fails = format!(
                "{} cannot be decoded, so kubelet uses none of the pull Secrets",
                name(*secret)
            );
            (Vec::new(), Vec::new(), Some(fails))
        }
        Pull::Tries { entries, mismatches } => {
            let tries = entries
                .iter()
                .filter_map(|at| Some(attempt(view, name(at.secret), entry(pulls, *at)?)));
            let passed = mismatches.iter().filter_map(|(at, why)| {
                Some(PassedOver {
                    secret: name(at.secret),
                    key: printable(&entry(pulls, *at)?.key, MAX_SHOWN),
                    reason: mismatch(why),
                })
            });
            (tries.collect(), passed.collect(), None)
        }
    };
    OfImage {
        container: image.container.clone(),
        image: printable(&image.image, MAX_SHOWN),
        outcome: match image.outcome {
            PullOutcome::Pulled => "pulled",
            PullOutcome::Stuck => "waiting",
            PullOutcome::NotYet => "pending",
        },
        tries,
        passes_over,
        fails,
    }
}

fn entry(pulls: &PodPulls, at: EntryAt) -> Option<&SeenEntry> {
    let Found::Seen(secret) = &pulls.secrets.get(at.secret)?.found else {
        return None;
    };
    match &secret.state {
        State::Entries(entries) => entries.get(at.entry),
        State::Empty | State::Broken { .. } => None,
    }
}

/// The credential that kubelet would use, and the registry's verdict on it.
fn attempt(view: &ClusterView<'_>, secret: String, entry: &SeenEntry) -> Try {
    let key = printable(&entry.key, MAX_SHOWN);
    let registry = entry.interest.and_then(|at| view.registries.get(at));
    let (Some(login), Some(registry)) = (&entry.login, registry) else {
        let token = "neither user nor password, the same as anonymous".to_owned();
        return Try {
            secret,
            key,
            username: None,
            token,
        };
    };
    let whose = match login.token {
        HeldToken::Stored(TokenSlot::Cluster) => "the keychain's token for clusters",
        HeldToken::Stored(TokenSlot::Docker | TokenSlot::Named(_)) => "the keychain's token",
        HeldToken::Stored(TokenSlot::Pending) => "the new token of a rotation",
        HeldToken::Other(_) => "a token that the keychain does not have",
    };
    let verdict = match view.verdict(registry, login.token) {
        Verdict::Accepted(_) => format!("; {registry} accepts it"),
        Verdict::Refused { cause, .. } | Verdict::Silent { cause, .. } => format!("; {cause}"),
        Verdict::NotAsked | Verdict::Unknown => String::new(),
    };
    Try {
        secret,
        key,
        username: Some(printable(&login.username, MAX_SHOWN)),
        token: format!("{whose}{verdict}"),
    }
}
