//! Findings about docker's and podman's configuration on this workstation, as in `docker status`.

use std::collections::BTreeSet;

use super::code::Code;
use super::credentials::StoredCredentials;
use super::finding::{Finding, Object, Remedy};
use crate::docker::{self, Answer, Source, Warning};
use crate::model::{Credential, Registry, Use};
use crate::sys::env::Env;

/// The findings; none if there is no home folder.
pub(super) fn inspect(credentials: &StoredCredentials, filter: &[Registry], env: &Env) -> Vec<Finding> {
    let Ok(workstation) = docker::observe(env) else {
        return Vec::new();
    };
    let kept: Vec<Registry> = credentials
        .held
        .iter()
        .filter(|held| held.usage == Use::Docker)
        .map(|held| held.credential.registry.clone())
        .collect();
    let is_meant = |warning: &Warning| {
        filter.is_empty()
            || warning
                .registry
                .as_ref()
                .is_none_or(|registry| filter.contains(registry))
    };
    let warnings = docker::inspect(&workstation, &kept).into_iter();
    warnings.filter(is_meant).map(finding).collect()
}

/// Registries for which docker or podman has a login outside of regcred's keychain.
pub(super) fn logins(filter: &[Registry], env: &Env) -> BTreeSet<Registry> {
    let Ok(workstation) = docker::observe(env) else {
        return BTreeSet::new();
    };
    let has = |answer: &Answer| {
        matches!(
            answer.source,
            Source::PlainText | Source::Helper(_) | Source::Environment
        )
    };
    let answers = workstation.answers(&[]).into_iter().filter(has);
    let registries = answers.map(|answer| answer.registry);
    registries
        .filter(|registry| filter.is_empty() || filter.contains(registry))
        .collect()
}

/// The credentials of these registries that docker's and podman's files and helpers have.
pub(super) fn stored(registries: &BTreeSet<Registry>, env: &Env) -> Vec<Credential> {
    let Ok(workstation) = docker::observe(env) else {
        return Vec::new();
    };
    let found = registries
        .iter()
        .flat_map(|registry| workstation.stored(registry, env).found);
    found.map(|stored| stored.credential).collect()
}

fn finding(warning: Warning) -> Finding {
    let kind = if warning.object.starts_with('/') {
        "file"
    } else {
        "workstation"
    };
    Finding {
        message: None,
        code: Code::Docker(warning.kind),
        object: Object::here(kind, warning.object),
        cause: warning.cause,
        remedy: Remedy::of([warning.remedy]),
    }
}
