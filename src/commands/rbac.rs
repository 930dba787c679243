//! `kubectl regcred rbac`: prints the least that has to be allowed.

use std::collections::BTreeSet;

use super::system::System;
use crate::cli::{RbacArgs, SyncArgs};
use crate::cluster::{Access, Feature, Scope, Subject};
use crate::error::CommandError;

pub(super) fn run(args: &RbacArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    let flags = [
        (!args.status, Feature::Secrets),
        (args.status, Feature::Status),
        (args.all_namespaces && !args.status, Feature::Managed),
        (args.selector.is_some(), Feature::Selector),
        (!args.service_accounts.is_empty(), Feature::ServiceAccounts),
        (args.restart, Feature::Restart),
        (args.wait, Feature::Wait),
        (args.unstick, Feature::Unstick),
    ];
    let access = Access {
        features: features(&flags),
        secret: (!args.all_namespaces && !args.status).then(|| args.secret.clone()),
        service_accounts: args.service_accounts.clone(),
    };
    let mut subjects: Vec<Subject> = Vec::new();
    subjects.extend(args.users.iter().cloned().map(Subject::User));
    subjects.extend(args.groups.iter().cloned().map(Subject::Group));
    subjects.extend(args.subjects.iter().cloned().map(|account| Subject::ServiceAccount {
        namespace: account.namespace,
        name: account.name,
    }));
    let scopes: Vec<Scope> = if args.all_namespaces || args.selector.is_some() {
        vec![Scope::Cluster]
    } else if args.namespaces.is_empty() {
        vec![Scope::Namespace(None)]
    } else {
        let each_once: BTreeSet<_> = args.namespaces.iter().cloned().collect();
        each_once
            .into_iter()
            .map(|namespace| Scope::Namespace(Some(namespace)))
            .collect()
    };
    let documents: Vec<String> = scopes.iter().map(|scope| access.role(scope, &subjects)).collect();
    system.output.document(&documents.join("---\n"))?;
    if subjects.is_empty() {
        system
            .output
            .say("hint: --user, --group or --serviceaccount NAMESPACE:NAME adds the binding");
    }
    Ok(())
}

/// What a `sync` with these flags does: for the Role in the errors of one that may not.
pub(super) fn access_of(args: &SyncArgs) -> Access {
    let flags = [
        (!args.after.detach, Feature::Secrets),
        (args.targets.all_namespaces, Feature::Managed),
        (args.targets.selector.is_some(), Feature::Selector),
        (
            !args.after.service_accounts.is_empty() || args.targets.file.is_some(),
            Feature::ServiceAccounts,
        ),
        (args.after.restarts.restart, Feature::Restart),
        (args.after.restarts.wait.is_some(), Feature::Wait),
        (args.after.restarts.unstick, Feature::Unstick),
    ];
    Access {
        features: features(&flags),
        // With -A and -f each Secret has its own name.
        secret: (!args.targets.all_namespaces && args.targets.file.is_none()).then(|| args.targets.secret.clone()),
        service_accounts: if args.targets.file.is_some() {
            Vec::new()
        } else {
            args.after.service_accounts.clone()
        },
    }
}

fn features(flags: &[(bool, Feature)]) -> BTreeSet<Feature> {
    flags
        .iter()
        .filter(|(given, _)| *given)
        .map(|(_, feature)| *feature)
        .collect()
}
