//! Rows and findings from a snapshot. Pure.

pub mod account_tokens;
pub mod age;
pub mod elsewhere;
pub mod missing;
pub mod pods;
pub mod registries;
pub mod running;
pub mod secrets;

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::survey::{HeldToken, State, Unreadable};
use crate::cluster::{self, Forbidden};
use crate::commands::status::cluster_view::{ClusterView, login};
use crate::commands::status::code::Code;
use crate::commands::status::credentials::{StoredCredential, StoredCredentials};
use crate::commands::status::finding::{Finding, Object, Remedy};
use crate::commands::status::given_flags::{Flag, GivenFlags};
use crate::commands::status::report::Report;
use crate::commands::status::row::Row;
use crate::commands::status::scope::Scope;
use crate::commands::status::snapshot::{ClusterSnapshot, Snapshot};
use crate::model::{CommandLine, Registry, Use, count, printable};

/// The longest user name that is shown.
const MAX_USER: usize = 80;

pub fn report(scope: &Scope, credentials: &StoredCredentials, snapshot: &Snapshot, flags: &GivenFlags) -> Report {
    let mut rows = Vec::new();
    let mut findings = snapshot.findings.clone();
    let mut in_secrets = BTreeSet::new();
    let mut undeclared = BTreeMap::new();
    for cluster in &snapshot.clusters {
        let view = match (&cluster.survey, snapshot.view(cluster, credentials, flags)) {
            (Err(error), _) => {
                findings.push(Finding::unreachable(&cluster.context, error));
                continue;
            }
            (Ok(_), None) => continue,
            (Ok(_), Some(view)) => view,
        };
        let (of_secrets, found) = secrets::judge(&view);
        let (of_missing, gaps) = missing::judge(&view);
        rows.extend(of_secrets.into_iter().chain(of_missing));
        let unproven = view.unproven();
        let found = found
            .into_iter()
            .chain(gaps)
            .chain(pods::judge(&view, &snapshot.images))
            .chain(running::judge(&view, &snapshot.running));
        findings.extend(found.map(|finding| view.guarded(finding, &unproven)));
        findings.extend(
            view.survey
                .unseen
                .iter()
                .map(|unseen| unreadable(&view, unseen, &scope.role_flags(&view))),
        );
        findings.extend(consumers(&view, &scope.role_flags(&view)));
        in_secrets.extend(held_in_secrets(&view));
        for entry in view
            .survey
            .secrets
            .iter()
            .filter(|secret| secret.is_managed)
            .flat_map(|secret| &secret.declared)
        {
            undeclared.entry(&entry.registry).or_insert(entry.username.as_str());
        }
    }
    if !scope.filter().is_empty() {
        undeclared.clear();
        rows.retain(|row: &Row| {
            row.registry
                .as_ref()
                .is_none_or(|registry| snapshot.registries.iter().any(|one| one.as_str() == registry))
        });
    }
    // The registries that the user has named or that are needed here; docker's other logins do not matter.
    let needed = needed(snapshot);
    for registry in &snapshot.registries[..snapshot.known] {
        if !credentials.in_docker.contains(registry) || scope.filter().contains(registry) || needed.contains(registry) {
            undeclared.entry(registry).or_insert("USER");
        }
    }
    undeclared.retain(|registry, _| !credentials.has_any_of(registry));
    if !credentials.is_partial {
        findings.extend(undeclared.iter().map(|(registry, user)| {
            let is_known =
                snapshot.registries[..snapshot.known].contains(registry) || credentials.in_docker.contains(*registry);
            no_credential(registry, user, is_known, credentials, flags)
        }));
        findings.extend(no_use(snapshot, credentials, flags));
        if credentials.held.is_empty() && undeclared.is_empty() {
            findings.push(empty(flags));
        }
    }
    findings.extend(registries::findings(
        credentials,
        &snapshot.verdicts,
        &in_secrets,
        &scope.flags,
        flags,
    ));
    if let Some(limit) = scope.max_token_age {
        findings.extend(age::judge(limit, credentials, snapshot, flags));
    }
    findings.extend(account_tokens::judge(credentials, snapshot));
    findings.extend(elsewhere::judge(snapshot, credentials, flags));
    rows.sort();
    Report {
        checked: checked(credentials, snapshot, !rows.is_empty()),
        rows,
        findings,
    }
}

/// What was checked besides Secrets, for the last line.
fn checked(credentials: &StoredCredentials, snapshot: &Snapshot, has_rows: bool) -> Vec<String> {
    let mut parts = Vec::new();
    let saw_all = |cluster: &ClusterSnapshot| cluster.survey.as_ref().is_ok_and(|survey| survey.unseen.is_empty());
    if !has_rows && !snapshot.clusters.is_empty() && snapshot.clusters.iter().all(saw_all) {
        parts.push("no pull Secret found".to_owned());
    }
    let accepted = credentials
        .held
        .iter()
        .filter(|held| snapshot.verdicts.of(&held.credential).verified().is_some())
        .count();
    if snapshot.is_offline {
        parts.push("no registry was asked".to_owned());
    } else if !credentials.held.is_empty() {
        parts.push(format!(
            "{accepted} of {} accepted{}",
            count::show(credentials.held.len(), "token"),
            age::oldest(credentials, snapshot)
        ));
    }
    let counts: Vec<_> = snapshot
        .clusters
        .iter()
        .filter_map(|cluster| Some(cluster.survey.as_ref().ok()?.counts))
        .collect();
    let pods: usize = counts.iter().map(|counts| counts.pods).sum();
    let namespaces: usize = counts.iter().map(|counts| counts.namespaces).sum();
    if namespaces > 0 {
        parts.push(format!(
            "{} in {} checked",
            count::show(pods, "pod"),
            count::show(namespaces, "namespace")
        ));
    }
    let running = &snapshot.running;
    if running.known < running.all {
        parts.push(format!(
            "{} of {} asked for",
            running.known,
            count::show(running.all, "image")
        ));
    }
    let passed_over: usize = counts.iter().map(|counts| counts.passed_over).sum();
    if passed_over > 0 {
        parts.push(format!(
            "except {} that {} for images of other registries",
            count::show(passed_over, "pod"),
            if passed_over == 1 { "waits" } else { "wait" }
        ));
    }
    parts
}

/// The keychain's credentials that Secrets of ours hold.
fn held_in_secrets(view: &ClusterView<'_>) -> Vec<usize> {
    let mut held = Vec::new();
    for secret in view.survey.secrets.iter().filter(|secret| secret.is_managed) {
        let State::Entries(entries) = &secret.state else {
            continue;
        };
        for entry in entries {
            let registry = entry.interest.and_then(|at| view.registries.get(at));
            let (Some(registry), Some(HeldToken::Stored(kept))) =
                (registry, entry.login.as_ref().map(|login| login.token))
            else {
                continue;
            };
            let is_it =
                |one: &StoredCredential| one.credential.registry == *registry && view.credentials.slot(one) == kept;
            held.extend(view.credentials.held.iter().position(is_it));
        }
    }
    held
}

/// The finding for a part of a cluster that could not be read.
pub fn unreadable(view: &ClusterView<'_>, unseen: &Unreadable, places: &[Flag]) -> Finding {
    let object = Object {
        context: view.context_name(),
        namespace: unseen.object.namespace.as_ref().map(ToString::to_string),
        kind: "resource",
        name: unseen.object.resource.plural().to_owned(),
    };
    let cluster::Error::Forbidden(forbidden) = &unseen.error else {
        let error = &unseen.error;
        return Finding {
            message: None,
            code: Code::ClusterUnreachable,
            object,
            cause: error.to_string(),
            remedy: Remedy::of(error.hint()),
        };
    };
    // The text is the same for each kind, because one Role allows all of them.
    let who = match &forbidden.user {
        Some(user) => printable(user, MAX_USER),
        None => "this user".to_owned(),
    };
    let place = match (unseen.namespaces, &unseen.object.namespace) {
        (0, None) => " in all namespaces at once".to_owned(),
        (0 | 1, _) => String::new(),
        (all, _) => format!(", nor in {} more", count::show(all - 1, "namespace")),
    };
    let verb = &forbidden.verb;
    Finding {
        message: None,
        code: Code::NotAllowed,
        object,
        cause: format!("{who} may not {verb} objects of this kind{place}"),
        remedy: Remedy::command(grant(view, forbidden, places)).and("an administrator of the cluster has to run this"),
    }
}

/// The note about kinds that may name Secrets and could not be read.
fn consumers(view: &ClusterView<'_>, places: &[Flag]) -> Option<Finding> {
    let unseen = &view.survey.unseen_consumers;
    let kinds: Vec<&str> = unseen.iter().map(|one| one.shown.as_str()).collect();
    let groups: BTreeSet<&str> = unseen.iter().filter_map(|one| one.group).collect();
    let remedy = if groups.is_empty() {
        Remedy::advice("see whether the cluster's API server answers: kubectl api-resources")
    } else {
        let mut rbac = Flag::add(CommandLine::new("kubectl regcred rbac --status"), places);
        for group in groups {
            rbac = rbac.option("--api-group", "GROUP", group);
        }
        let grant = view.flags.apply(view.flag, &rbac.words("--user USER"));
        Remedy::command(grant).and("an administrator of the cluster has to run this")
    };
    (!kinds.is_empty()).then(|| Finding {
        message: None,
        code: Code::ConsumersNotSeen,
        object: Object::cluster(view.context),
        cause: format!("this user could not read {}, which may name Secrets", kinds.join(", ")),
        remedy,
    })
}

/// The command that applies the Role for status.
fn grant(view: &ClusterView<'_>, forbidden: &Forbidden, places: &[Flag]) -> CommandLine {
    let rbac = Flag::add(CommandLine::new("kubectl regcred rbac --status"), places);
    view.flags.grant(view.flag, rbac, forbidden.user.as_deref())
}

/// The registries that a Secret has an entry for, or that a pod waits for.
fn needed(snapshot: &Snapshot) -> BTreeSet<&Registry> {
    let surveys = snapshot
        .clusters
        .iter()
        .filter_map(|cluster| cluster.survey.as_ref().ok());
    let mut places = BTreeSet::new();
    for survey in surveys {
        places.extend(survey.stuck.iter().map(|pod| pod.interest));
        for secret in &survey.secrets {
            if let State::Entries(entries) = &secret.state {
                places.extend(entries.iter().filter_map(|entry| entry.interest));
            }
        }
    }
    places
        .into_iter()
        .filter_map(|at| snapshot.registries.get(at))
        .collect()
}

fn no_credential(
    registry: &Registry,
    user: &str,
    is_known: bool,
    credentials: &StoredCredentials,
    flags: &GivenFlags,
) -> Finding {
    let remedy = if is_known {
        Remedy::command(login(credentials, registry, Some(user), flags))
    } else {
        Remedy::advice(
            "only Secrets of the cluster name it: where it is a registry of yours, log in to it with kubectl regcred login; \
             where it is not, ask who made them",
        )
    };
    Finding {
        message: None,
        code: Code::CredentialMissing,
        object: Object::here("registry", registry.as_str()),
        cause: "the keychain holds no credential for it, so its Secrets cannot be compared".to_owned(),
        remedy,
    }
}

/// Uses that the list names, and that the keychain has no credential for.
fn no_use(snapshot: &Snapshot, credentials: &StoredCredentials, flags: &GivenFlags) -> Vec<Finding> {
    let expected = snapshot.clusters.iter().flat_map(|cluster| &cluster.expected);
    let uses: BTreeSet<&(Registry, Use)> = expected.flat_map(|expected| &expected.uses).collect();
    let lacking = uses.into_iter().filter(|(registry, usage)| {
        // Where there is none at all, that is reported.
        credentials.for_use(registry, *usage).is_none() && credentials.has_any_of(registry)
    });
    lacking
        .map(|(registry, usage)| Finding {
            message: None,
            code: Code::CredentialMissing,
            object: Object::here("credential", format!("{registry} for {usage}")),
            cause: "the list names it, and the keychain does not hold it".to_owned(),
            remedy: Remedy::command(flags.login(registry.as_str(), Some("USER")).option(
                "--use",
                "USE",
                usage.as_str(),
            )),
        })
        .collect()
}

fn empty(flags: &GivenFlags) -> Finding {
    Finding {
        message: None,
        code: Code::CredentialMissing,
        object: Object::here("keychain", "of this user"),
        cause: "it holds no credential for any registry".to_owned(),
        remedy: Remedy::command(flags.registry(CommandLine::new("kubectl regcred login REGISTRY -u USER"))).and(
            "REGISTRY is the beginning of your images' names, such as gitea.example.com; USER is your account there",
        ),
    }
}
