//! Docker's side of this workstation, as `docker status` sees it.

use super::code::Code;
use super::finding::{Finding, Object, Remedy};
use super::held::Keys;
use crate::docker::{self, Warning};
use crate::env::Env;
use crate::model::{Registry, Use};

/// Looks, and judges. Without a folder to look in, there is nothing to find.
pub(super) fn look(keys: &Keys, filter: &[Registry], env: &Env) -> Vec<Finding> {
    let Ok(workstation) = docker::observe(env) else {
        return Vec::new();
    };
    let kept: Vec<Registry> = keys
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

fn finding(warning: Warning) -> Finding {
    let kind = if warning.object.starts_with('/') {
        "file"
    } else {
        "workstation"
    };
    Finding {
        code: Code::Docker(warning.kind),
        object: Object::here(kind, warning.object),
        cause: warning.cause,
        remedy: Remedy::of([warning.remedy]),
    }
}
