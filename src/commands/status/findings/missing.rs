//! Findings about missing Secrets. Pure.

use std::collections::HashSet;

use crate::cluster::Target;
use crate::cluster::survey::{MissingSecret, Puller, SeenEntry, SeenSecret, State as Document};
use crate::commands::status::cluster_view::{ClusterView, Expected};
use crate::commands::status::code::Code;
use crate::commands::status::finding::{Finding, Remedy};
use crate::commands::status::row::{Row, State};
use crate::model::pull::{takes, takes_some};
use crate::model::{CommandLine, Registry};

/// Rows and findings of missing Secrets.
pub fn judge(view: &ClusterView<'_>) -> (Vec<Row>, Vec<Finding>) {
    let mut rows = Vec::new();
    let mut findings = Vec::new();
    for missing in &view.survey.missing {
        named(view, missing, &mut rows, &mut findings);
    }
    let said: HashSet<(String, String)> = rows
        .iter()
        .map(|row: &Row| (row.namespace.clone(), row.secret.clone()))
        .collect();
    let missing: HashSet<&Target> = view.survey.missing_targets.iter().collect();
    for expected in view.expected {
        let target = &expected.target;
        let is_said = said.contains(&(target.namespace.to_string(), target.secret.to_string()));
        if missing.contains(target) && !is_said && !has_another(view, expected) {
            asked_for(view, expected, &mut rows, &mut findings);
        }
    }
    findings.extend(detached(view));
    (rows, findings)
}

/// Whether a Secret of another name in its namespace holds the credential.
fn has_another(view: &ClusterView<'_>, expected: &Expected) -> bool {
    let does = |secret: &SeenSecret| {
        expected
            .registries
            .iter()
            .all(|registry| has_entry(secret, registry, takes))
    };
    !expected.is_by_name && view.survey.secrets_in(&expected.target.namespace).iter().any(does)
}

/// Whether kubelet takes an entry of the Secret for images of the registry: [`takes`] for all of them, or [`takes_some`].
fn has_entry(secret: &SeenSecret, registry: &Registry, takes: fn(&str, &str) -> bool) -> bool {
    match &secret.state {
        Document::Entries(_) if !secret.format.is_for_kubelet() => false,
        Document::Entries(entries) => {
            let names = [registry.as_str(), &registry.as_written()];
            let is_taken = |entry: &SeenEntry| names.iter().any(|name| takes(&entry.key, name));
            entries.iter().any(is_taken)
        }
        Document::Empty | Document::Broken { .. } => false,
    }
}

/// A Secret that something names.
fn named(view: &ClusterView<'_>, missing: &MissingSecret, rows: &mut Vec<Row>, findings: &mut Vec<Finding>) {
    let target = &missing.target;
    let users: Vec<&Puller> = view.survey.users(target).collect();
    // A pod with another Secret that works does not need this one.
    let needs = |user: &&&Puller| !user.registries.iter().all(|at| is_served(view, user, *at));
    let needing: Vec<&&Puller> = users.iter().filter(needs).collect();
    if needing.is_empty() {
        findings.extend(missing.accounts.iter().map(|account| dangling(view, missing, account)));
        return;
    }
    let registries: Vec<&Registry> = view
        .registries
        .iter()
        .enumerate()
        .filter(|(at, _)| needing.iter().any(|user| user.registries.contains(at)))
        .map(|(_, registry)| registry)
        .collect();
    let is = if missing.is_of_wrong_type {
        "it has a type that kubelet ignores"
    } else {
        "it does not exist"
    };
    for registry in registries {
        rows.push(Row {
            used_by: needing.iter().map(|user| user.shown()).collect(),
            service_accounts: missing.accounts.clone(),
            ..row(view, target.namespace.as_str(), target.secret.as_str(), registry)
        });
        findings.push(Finding {
            message: None,
            code: Code::SecretMissing,
            object: view.secret(target),
            cause: format!("{is}, and images of {registry} are pulled with it"),
            remedy: make(view, missing, registry),
        });
    }
}

fn is_served(view: &ClusterView<'_>, user: &Puller, registry: usize) -> bool {
    let Some(registry) = view.registries.get(registry) else {
        return true;
    };
    let mut secrets = user
        .pull_secrets
        .iter()
        .filter_map(|name| ClusterView::target(&user.namespace, name));
    secrets.any(|target| {
        view.survey
            .secret(&target)
            .is_some_and(|secret| has_entry(secret, registry, takes_some))
    })
}

fn make(view: &ClusterView<'_>, missing: &MissingSecret, registry: &Registry) -> Remedy {
    if missing.is_of_wrong_type {
        return Remedy::advice(format!(
            "a Secret's type cannot be changed: create another with {}, and let the pods use that",
            view.sync_another(&missing.target.namespace, registry)
        ));
    }
    view.after_login(registry, None, view.sync_of(&missing.target, registry))
}

/// A ServiceAccount that names a missing Secret that nothing needs.
fn dangling(view: &ClusterView<'_>, missing: &MissingSecret, account: &str) -> Finding {
    let namespace = missing.target.namespace.as_str();
    let secret = missing.target.secret.as_str();
    let is = if missing.is_of_wrong_type {
        "is not a pull Secret"
    } else {
        "does not exist"
    };
    let of_secret = || {
        CommandLine::new("kubectl regcred sync")
            .option("-n", "NAMESPACE", namespace)
            .option("--secret", "SECRET", secret)
    };
    let detach = of_secret()
        .option("--service-account", "SERVICE-ACCOUNT", account)
        .words("--detach");
    Finding {
        message: None,
        code: Code::ServiceAccountDangling,
        object: view.object("serviceaccount", namespace, account),
        cause: format!("it names the pull Secret {secret}, which {is}"),
        remedy: Remedy::command(view.flags.cluster(view.flag, detach)).and(format!(
            "this removes it from the list; or create it: {}",
            view.flags.cluster(view.flag, of_secret())
        )),
    }
}

/// A Secret that -n, -l or -f selected.
fn asked_for(view: &ClusterView<'_>, expected: &Expected, rows: &mut Vec<Row>, findings: &mut Vec<Finding>) {
    let target = &expected.target;
    for registry in &expected.registries {
        rows.push(row(view, target.namespace.as_str(), target.secret.as_str(), registry));
        let mut sync = view.sync(target.namespace.as_str(), target.secret.as_str(), registry);
        sync.service_accounts = expected.service_accounts.iter().map(ToString::to_string).collect();
        if !expected.is_for_kubelet {
            findings.push(Finding {
                message: None,
                code: Code::SecretMissing,
                object: view.secret(target),
                cause: format!("the list wants a credential for {registry} in it, in a format of its own"),
                remedy: Remedy::advice("kubectl regcred sync -f with this list writes it, in place if it is there"),
            });
            continue;
        }
        if view.survey.targets_of_wrong_type.contains(target) {
            let another = view.sync_another(&target.namespace, registry);
            findings.push(Finding {
                message: None,
                code: Code::SecretMissing,
                object: view.secret(target),
                cause: "there is a Secret of that name with a type that kubelet ignores".to_owned(),
                remedy: Remedy::advice(format!(
                    "a Secret's type cannot be changed: create another with {another}, and let the pods use that"
                )),
            });
            continue;
        }
        if view.lost.contains(&target.namespace) {
            let create = CommandLine::new("kubectl create namespace").value("NAMESPACE", target.namespace.as_str());
            let remedy = Remedy {
                commands: vec![view.flags.cluster(view.flag, create)],
                sync: Some(sync),
                advice: Some("or correct the name of the namespace if it is misspelt".to_owned()),
            };
            findings.push(Finding {
                message: None,
                code: Code::SecretMissing,
                object: view.secret(target),
                cause: format!("it should hold a credential for {registry}, and its namespace does not exist"),
                remedy: view.after_login(registry, None, remedy),
            });
            continue;
        }
        findings.push(Finding {
            message: None,
            code: Code::SecretMissing,
            object: view.secret(target),
            cause: format!("it should hold a credential for {registry}, and it does not exist"),
            remedy: view.after_login(registry, None, Remedy::sync(sync)),
        });
    }
}

fn row(view: &ClusterView<'_>, namespace: &str, secret: &str, registry: &Registry) -> Row {
    let held = view.due_to_new(namespace, secret, registry);
    Row {
        context: view.context_name(),
        namespace: namespace.to_owned(),
        secret: secret.to_owned(),
        registry: Some(registry.to_string()),
        username: held.map(|held| held.credential.username.to_string()),
        state: State::Missing,
        usage: held.map(|held| held.usage),
        managed: false,
        owner: None,
        written_by: None,
        used_by: Vec::new(),
        service_accounts: Vec::new(),
    }
}

/// ServiceAccounts that should pull with a Secret according to the list, and that do not name it.
fn detached(view: &ClusterView<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for expected in view.expected {
        let target = &expected.target;
        let (Some(registry), Some(_)) = (expected.registries.first(), view.survey.secret(target)) else {
            continue;
        };
        for account in &expected.service_accounts {
            if view
                .survey
                .accounts_of(target)
                .any(|seen| seen.name == account.as_str())
            {
                continue;
            }
            let mut sync = view.sync(target.namespace.as_str(), target.secret.as_str(), registry);
            sync.service_accounts = vec![account.to_string()];
            findings.push(Finding {
                message: None,
                code: Code::ServiceAccountDetached,
                object: view.object("serviceaccount", target.namespace.as_str(), account.as_str()),
                cause: format!(
                    "it should pull with {} according to the list, and does not name it",
                    target.secret
                ),
                remedy: Remedy::sync(sync),
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests;
