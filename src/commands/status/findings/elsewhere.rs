//! What the ledger remembers of clusters that were not looked at, and of what cannot be looked at.

use std::collections::BTreeMap;

use crate::commands::status::actions_secrets::Standing;
use crate::commands::status::code::Code;
use crate::commands::status::credentials::StoredCredentials;
use crate::commands::status::finding::{Finding, Object, Remedy};
use crate::commands::status::given_flags::GivenFlags;
use crate::commands::status::snapshot::{ClusterSnapshot, Snapshot};
use crate::ledger::{KnownCluster, KnownToken};
use crate::model::{ActionsScope, ClusterId, CommandLine, Registry, count, printable};

/// The longest name of a cluster in a finding, in characters.
const MAX_CLUSTER: usize = 200;
/// The most places that one finding names.
const MAX_SHOWN: usize = 5;

/// Tokens that were replaced and are still in Secrets of other clusters, or in secrets of Actions.
pub fn judge(snapshot: &Snapshot, credentials: &StoredCredentials, flags: &GivenFlags) -> Vec<Finding> {
    let mut findings = Vec::new();
    for credential in &snapshot.ledger.credentials {
        for token in credential.tokens.iter().filter(|token| token.replaced.is_some()) {
            for left in by_cluster(snapshot, token) {
                let object = Object::here(
                    "credential",
                    format!("{} for {}", credential.registry, credential.usage),
                );
                findings.push(finding(&credential.registry, object, token, left, snapshot, flags));
            }
        }
    }
    findings.extend(actions(snapshot, credentials, flags));
    if !snapshot.is_offline {
        findings.extend(gone_at_server(snapshot, credentials));
    }
    findings
}

/// Secrets of Actions that the server does not have any more, and those of which that is not known.
fn gone_at_server(snapshot: &Snapshot, credentials: &StoredCredentials) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut unknown: BTreeMap<&Registry, Vec<String>> = BTreeMap::new();
    for known in &snapshot.ledger.credentials {
        let (registry, usage) = (&known.registry, known.usage);
        // Those that nobody keeps have a finding of their own.
        if credentials.for_use(registry, usage).is_none() {
            continue;
        }
        let tokens = known.tokens.iter();
        let current = tokens.filter(|token| token.replaced.is_none() && token.revoked.is_none());
        for place in current
            .flat_map(|token| &token.actions)
            .filter(|place| place.written.is_some())
        {
            let secret = place.secret.to_string();
            let sync = CommandLine::new("kubectl regcred sync")
                .option("--registry", "REGISTRY", registry.as_str())
                .option("--use", "USE", usage.as_str())
                .option("--actions-secret", "PLACE", &secret)
                .words("--rewrite");
            let (cause, remedy) = match snapshot.actions.standing(registry, &place.secret) {
                Standing::There => continue,
                // Gitea has no list of an account's own, so nobody could do anything about it.
                Standing::Unknown if matches!(place.secret.scope, ActionsScope::User(_)) => continue,
                Standing::Unknown => {
                    unknown.entry(registry).or_default().push(secret);
                    continue;
                }
                Standing::Missing => (
                    format!("{registry} has no such secret any more: it was deleted there"),
                    Remedy::command(sync).and("sync asks for the password of an account that may write it"),
                ),
                Standing::NoPlace => (
                    format!("{registry} has no such repository any more"),
                    Remedy::advice("the next kubectl regcred rotate can leave it out: --skip-actions names it"),
                ),
            };
            findings.push(Finding {
                message: None,
                code: Code::ActionsSecretMissing,
                object: Object::here("actions secret", secret),
                cause,
                remedy,
            });
        }
    }
    findings.extend(
        unknown
            .into_iter()
            .map(|(registry, secrets)| unseen(registry, &secrets)),
    );
    findings
}

fn unseen(registry: &Registry, secrets: &[String]) -> Finding {
    let shown: Vec<&str> = secrets.iter().map(String::as_str).take(MAX_SHOWN).collect();
    let more = match secrets.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let status =
        CommandLine::new("kubectl regcred status --tokens").option("--registry", "REGISTRY", registry.as_str());
    Finding {
        message: None,
        code: Code::ActionsSecretUnseen,
        object: Object::here("registry", registry.as_str()),
        cause: format!(
            "whether it still has the Actions secrets {}{more} is not known: no token of the keychain may list them",
            shown.join(", ")
        ),
        remedy: Remedy::command(status).and("it asks with the password of an account that administers them"),
    }
}

/// Secrets of Actions that do not have the newest token.
fn actions(snapshot: &Snapshot, credentials: &StoredCredentials, flags: &GivenFlags) -> Vec<Finding> {
    let mut findings = Vec::new();
    for known in &snapshot.ledger.credentials {
        let (registry, usage) = (&known.registry, known.usage);
        for token in &known.tokens {
            let is_current = token.replaced.is_none() && token.revoked.is_none();
            let stale = token
                .actions
                .iter()
                .filter(|place| !is_current || place.written.is_none());
            findings.extend(stale.map(|place| {
                let is_kept = credentials.for_use(registry, usage).is_some();
                let cause = match (is_current, token.revoked.is_some()) {
                    (true, _) => format!("whether the server took the token of {registry} for {usage} is not known"),
                    (false, true) => format!("it has a token of {registry} for {usage} that is revoked"),
                    (false, false) => {
                        format!("it has a token of {registry} for {usage} that was replaced and is still valid")
                    }
                };
                let sync = CommandLine::new("kubectl regcred sync")
                    .option("--registry", "REGISTRY", registry.as_str())
                    .option("--use", "USE", usage.as_str())
                    .option("--actions-secret", "PLACE", place.secret.to_string());
                let login = flags.login(registry.as_str(), Some(token.username.as_str())).option(
                    "--use",
                    "USE",
                    usage.as_str(),
                );
                let remedy = Remedy {
                    commands: if is_kept { vec![sync] } else { vec![login, sync] },
                    ..Remedy::default()
                };
                Finding {
                    message: None,
                    code: if is_kept {
                        Code::ActionsSecretStale
                    } else {
                        Code::ActionsSecretUnkept
                    },
                    object: Object::here("actions secret", place.secret.to_string()),
                    cause,
                    remedy: remedy.and("sync asks for the password of an account that may write it"),
                }
            }));
        }
    }
    findings
}

/// The snapshots of a cluster that the ledger knows.
fn snapshots<'a>(snapshot: &'a Snapshot, known: &KnownCluster) -> impl Iterator<Item = &'a ClusterSnapshot> {
    snapshot.clusters.iter().filter(move |cluster| match &cluster.id {
        Some((id, server)) => {
            let id = snapshot.ledger.cluster_at(server, id.clone());
            [id, ClusterId::Server(server.clone())].contains(&known.id)
        }
        None => known.contexts.contains(&cluster.context),
    })
}

/// The clusters in which Secrets that were not looked at hold the token, and how many.
fn by_cluster<'a>(snapshot: &'a Snapshot, token: &KnownToken) -> Vec<(&'a KnownCluster, usize)> {
    let mut counts = BTreeMap::new();
    for place in &token.secrets {
        let is_seen = |cluster: &ClusterSnapshot| {
            let survey = cluster.survey.as_ref();
            survey.is_ok_and(|survey| survey.has_looked_for(&place.target))
        };
        let known = snapshot.ledger.cluster(&place.cluster);
        if known.is_some_and(|known| snapshots(snapshot, known).any(is_seen)) {
            continue;
        }
        *counts.entry(&place.cluster).or_insert(0) += 1;
    }
    let known = |(id, count)| Some((snapshot.ledger.cluster(id)?, count));
    counts.into_iter().filter_map(known).collect()
}

fn finding(
    registry: &Registry,
    object: Object,
    token: &KnownToken,
    (cluster, secrets): (&KnownCluster, usize),
    snapshot: &Snapshot,
    flags: &GivenFlags,
) -> Finding {
    let seen = snapshots(snapshot, cluster).find(|cluster| cluster.survey.is_ok());
    let context = cluster.contexts.first();
    let name = match context {
        Some(context) => format!("context {}", printable(context, MAX_CLUSTER)),
        None => format!("the cluster {}", printable(&cluster.server, MAX_CLUSTER)),
    };
    let state = if token.revoked.is_some() {
        "is revoked: pods that need it cannot pull"
    } else {
        "is still valid"
    };
    let sync = CommandLine::new("kubectl regcred sync -A").option("--registry", "REGISTRY", registry.as_str());
    let sync = match seen {
        Some(seen) => flags.cluster(seen.flag.as_deref(), sync),
        None => flags.other_cluster(context.map(String::as_str), sync),
    };
    let place = match (seen, secrets) {
        (None, _) => format!("{} of {name}, which was not looked at,", count::show(secrets, "Secret")),
        (Some(_), 1) => format!("1 Secret of {name} that was not looked at"),
        (Some(_), _) => format!("{} of {name} that were not looked at", count::show(secrets, "Secret")),
    };
    Finding {
        message: None,
        code: Code::TokenLeftBehind,
        object,
        cause: format!("{place} had a token that was replaced and {state}"),
        remedy: Remedy::command(sync),
    }
}
