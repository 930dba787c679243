//! `kubectl regcred rbac`: prints the minimal Roles for a command.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::shared::targets::{self, ListedSecret};
use super::sync::SyncArgs;
use super::system::System;
use crate::cluster::{Access, Feature, Namespace, Scope, SecretName, Subject, groups_of_status};
use crate::error::CommandError;

mod args;

pub use args::RbacArgs;

pub(super) fn run(args: &RbacArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    ensure_known(args)?;
    let mut roles = match &args.scope.file {
        Some(path) => of_file(path, args, system)?,
        None => of_flags(args),
    };
    // -A lists the Secrets anyway.
    if args.rotate && !args.keep_old && !args.scope.all_namespaces {
        roles.push((Scope::Cluster, Access::to(Feature::Search)));
    }
    // Nodes are in no namespace.
    if args.images && !is_everywhere(args) {
        roles.push((Scope::Cluster, Access::to(Feature::Nodes)));
    }
    // Some resources name Secrets of other namespaces, or are in none.
    if args.status && !is_everywhere(args) {
        let consumers = Access {
            groups: args.api_groups.iter().cloned().collect(),
            ..Access::to(Feature::Consumers)
        };
        if consumers.has_groups_across() {
            roles.push((Scope::Cluster, consumers));
        }
    }
    let mut subjects: Vec<Subject> = Vec::new();
    subjects.extend(args.users.iter().cloned().map(Subject::User));
    subjects.extend(args.groups.iter().cloned().map(Subject::Group));
    subjects.extend(args.subjects.iter().cloned().map(|account| Subject::ServiceAccount {
        namespace: account.namespace,
        name: account.name,
    }));
    let documents: Vec<String> = roles
        .iter()
        .map(|(scope, access)| access.role(scope, &subjects))
        .collect();
    system.output.document(&documents.join("---\n"))?;
    if args.images {
        system.output.info(
            "note: RBAC knows no types, so whoever may list Helm's Secrets may read every Secret there: give it only to \
             somebody whom you trust with them",
        );
    }
    if args.status && args.api_groups.is_empty() {
        system.output.info(format_args!(
            "hint: resources of Flux, Argo CD and KEDA can name Secrets too: --api-group GROUP adds one of {}",
            groups_of_status().join(", ")
        ));
    }
    if args.images && args.api_groups.is_empty() {
        system.output.info(
            "hint: custom resources can name images too: --api-group GROUP adds one of those that kubectl api-resources lists",
        );
    }
    if subjects.is_empty() {
        system
            .output
            .info("hint: --user, --group or --serviceaccount NAMESPACE:NAME adds the binding");
    }
    Ok(())
}

/// `status` reads some groups, and nothing else of a cluster's custom resources.
fn ensure_known(args: &RbacArgs) -> Result<(), CommandError> {
    let known = groups_of_status();
    let unknown = args.api_groups.iter().find(|group| !known.contains(&group.as_str()));
    match unknown {
        Some(group) if args.status => Err(CommandError::usage(format_args!(
            "status reads nothing of the group {}; it reads {}",
            group.as_str(),
            known.join(", ")
        ))),
        _ => Ok(()),
    }
}

/// The permissions for the work in each namespace.
fn access(args: &RbacArgs, secrets: impl IntoIterator<Item = SecretName>) -> Access {
    let only_reads = args.status || args.images;
    let only_looks = only_reads || args.detach;
    let makes_none = args.scope.all_namespaces || args.remove;
    let flags = [
        (args.status, Feature::Status),
        (args.images, Feature::Images),
        (args.images && is_everywhere(args), Feature::Nodes),
        (
            args.status && is_everywhere(args) && !args.api_groups.is_empty(),
            Feature::Consumers,
        ),
        (args.rotate, Feature::Rotate),
        (!only_looks && !args.rotate && makes_none, Feature::Refresh),
        (!only_looks && !args.rotate && !makes_none, Feature::Sync),
        (args.scope.all_namespaces && !only_reads, Feature::Managed),
        (args.scope.selector.is_some(), Feature::Selector),
        (args.detach && args.scope.all_namespaces, Feature::Recognise),
        (!args.service_accounts.is_empty(), Feature::ServiceAccounts),
        (args.restarts.restart, Feature::Restart),
        (args.restarts.wait.is_some(), Feature::Wait),
        (args.restarts.unstick, Feature::Unstick),
    ];
    Access {
        features: features(&flags),
        secrets: secrets.into_iter().collect(),
        service_accounts: args.service_accounts.iter().cloned().collect(),
        groups: args.api_groups.iter().cloned().collect(),
        is_everywhere: is_everywhere(args),
    }
}

fn is_everywhere(args: &RbacArgs) -> bool {
    args.scope.all_namespaces || args.scope.selector.is_some()
}

fn of_flags(args: &RbacArgs) -> Vec<(Scope, Access)> {
    let secrets = if args.scope.all_namespaces {
        &[][..]
    } else {
        &args.secrets
    };
    let access = access(args, secrets.iter().cloned());
    scopes(args).into_iter().map(|scope| (scope, access.clone())).collect()
}

fn scopes(args: &RbacArgs) -> Vec<Scope> {
    if is_everywhere(args) {
        return vec![Scope::Cluster];
    }
    if args.scope.namespaces.is_empty() {
        return vec![Scope::Namespace(None)];
    }
    targets::each_once(&args.scope.namespaces)
        .into_iter()
        .map(|namespace| Scope::Namespace(Some(namespace)))
        .collect()
}

/// A Role for each namespace of a list, with the names of its own Secrets and ServiceAccounts.
fn of_file(path: &Path, args: &RbacArgs, system: &mut System<'_>) -> Result<Vec<(Scope, Access)>, CommandError> {
    // A list names all its Secrets; for a spec.yml, the deployment's Secret replaces the default name.
    let Some(default) = args.secrets.first() else {
        return Ok(Vec::new());
    };
    let found = targets::inspect(path, args.scope.deployment.as_deref(), default, system)?;
    if let Some(secret) = found.secret {
        let access = access(args, [secret]);
        return Ok(scopes(args).into_iter().map(|scope| (scope, access.clone())).collect());
    }
    targets::ensure_no_place(&args.scope)?;
    let mut namespaces: BTreeMap<Namespace, Access> = BTreeMap::new();
    for listed in in_one_context(found.secrets, args.context.as_deref())? {
        let mut accounts = listed.service_accounts;
        // status only reads.
        if args.status {
            accounts.clear();
        }
        let accounts = args.service_accounts.iter().cloned().chain(accounts);
        let one = access(args, []).for_secret(&listed.target.secret, accounts);
        let all = namespaces.entry(listed.target.namespace).or_default();
        all.features.extend(one.features);
        all.secrets.extend(one.secrets);
        all.service_accounts.extend(one.service_accounts);
    }
    Ok(namespaces
        .into_iter()
        .map(|(namespace, access)| (Scope::Namespace(Some(namespace)), access))
        .collect())
}

/// The Secrets of one context, because a Role is applied to one cluster.
fn in_one_context(secrets: Vec<ListedSecret>, context: Option<&str>) -> Result<Vec<ListedSecret>, CommandError> {
    let named: BTreeSet<_> = secrets.iter().map(|listed| listed.context.as_deref()).collect();
    if named.len() > 1 && context.is_none() {
        let named: Vec<_> = named.into_iter().flatten().collect();
        return Err(CommandError::usage(format_args!(
            "the list is for several contexts, and a Role is for one: {}",
            named.join(", ")
        ))
        .hint("name one: --context NAME; Secrets without a context belong to each"));
    }
    let is_there =
        |listed: &ListedSecret| context.is_none() || listed.context.is_none() || listed.context.as_deref() == context;
    let found: Vec<_> = secrets.into_iter().filter(is_there).collect();
    if found.is_empty() {
        return Err(CommandError::failed(
            "the list names no Secret, so there is nothing to allow",
        ));
    }
    Ok(found)
}

/// The permissions that a `sync` with these flags needs, for the Role in its errors.
pub(super) fn access_of(args: &SyncArgs) -> Access {
    let scope = &args.targets.scope;
    let makes_none = scope.all_namespaces || args.remove;
    let flags = [
        (!args.after.detach && !makes_none, Feature::Sync),
        (!args.after.detach && makes_none, Feature::Refresh),
        (scope.all_namespaces, Feature::Managed),
        (scope.selector.is_some(), Feature::Selector),
        (
            args.after.detach && scope.all_namespaces && !args.trust_labels,
            Feature::Recognise,
        ),
        (!args.after.service_accounts.is_empty(), Feature::ServiceAccounts),
        (args.after.restarts.restart, Feature::Restart),
        (args.after.restarts.wait.is_some(), Feature::Wait),
        (args.after.restarts.unstick, Feature::Unstick),
    ];
    // With -A and -f, the Secrets have their own names.
    let has_one_name = !scope.all_namespaces && scope.file.is_none();
    Access {
        features: features(&flags),
        secrets: has_one_name.then(|| args.targets.secret.clone()).into_iter().collect(),
        service_accounts: args.after.service_accounts.iter().cloned().collect(),
        groups: BTreeSet::new(),
        is_everywhere: scope.all_namespaces || scope.selector.is_some(),
    }
}

fn features(flags: &[(bool, Feature)]) -> BTreeSet<Feature> {
    flags
        .iter()
        .filter(|(given, _)| *given)
        .map(|(_, feature)| *feature)
        .collect()
}
