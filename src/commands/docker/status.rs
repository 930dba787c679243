//! `kubectl regcred docker status`: where docker and podman get their credentials, and warnings about it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::args::DockerStatusArgs;
use crate::commands::shared::document;
use crate::commands::system::System;
use crate::docker::{self, Answer, Engine, Engines, Source, Warning, WarningKind, Workstation};
use crate::error::{CommandError, Exit};
use crate::model::{Hint, Registry, Use, Username, printable};

/// The longest name of a helper that is shown.
const MAX_HELPER: usize = 100;

/// The users of the keychain's credentials for docker, by registry; `None` without a keychain.
type KeychainUsers = Option<BTreeMap<Registry, Username>>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    helper: Option<Helper>,
    /// What brings docker's engine here, on macOS and Windows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    engines: Vec<&'static str>,
    items: Vec<Item<'a>>,
    warnings: Vec<Shown<'a>>,
}

/// The `docker-credential-gitea` that clients run.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Helper {
    path: String,
    is_ours: bool,
}

#[derive(Serialize)]
struct Item<'a> {
    registry: &'a str,
    client: &'a str,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    helper: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    file: Option<String>,
}

#[derive(Serialize)]
struct Shown<'a> {
    kind: &'static str,
    object: &'a str,
    registry: Option<&'a str>,
    cause: &'a str,
    remedy: &'a Hint,
}

pub(super) fn run(args: &DockerStatusArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let workstation = docker::observe(&system.env)?;
    if let Some(skipped) = &workstation.skipped {
        system.output.warn(skipped);
    }
    let kept = kept(system);
    let registries: Vec<Registry> = kept.iter().flat_map(BTreeMap::keys).cloned().collect();
    let answers = workstation.answers(&registries);
    let warnings = docker::inspect(&workstation, &registries);
    if let Some(format) = args.output {
        let document = document(&workstation, &kept, &answers, &warnings);
        document::print("DockerStatus", &document, format, system)?;
    } else {
        table(&kept, &answers, &warnings, system)?;
        engines(&workstation.engines, system);
    }
    // The settings in an unreadable file are unknown.
    let is_known = workstation.unreadable.is_empty();
    Ok(if is_known { Exit::Done } else { Exit::Failed })
}

fn engines(engines: &Engines, system: &mut System<'_>) {
    let name = |engine: &Engine| {
        let suffix = if engines.current == Some(*engine) {
            " (docker uses it)"
        } else {
            ""
        };
        format!("{}{suffix}", engine.as_str())
    };
    if !engines.found.is_empty() {
        let names: Vec<String> = engines.found.iter().map(name).collect();
        system
            .output
            .info(format_args!("docker's engines here: {}", names.join(", ")));
    }
}

/// Reads the keychain. Without one, the files are still reported.
fn kept(system: &mut System<'_>) -> KeychainUsers {
    match system.keychain().and_then(|keychain| keychain.list()) {
        Ok(items) => {
            let items = items.into_iter().filter(|item| item.usage == Use::Docker);
            Some(items.map(|item| (item.registry, item.username)).collect())
        }
        Err(error) => {
            system.output.warn_of(&error.into());
            None
        }
    }
}

fn document<'a>(
    workstation: &'a Workstation,
    kept: &'a KeychainUsers,
    answers: &'a [Answer],
    warnings: &'a [Warning],
) -> Document<'a> {
    let helper = workstation.program.found.first().map(|found| Helper {
        path: found.path.display().to_string(),
        is_ours: found.is_ours,
    });
    let items = answers.iter().map(|answer| Item {
        registry: &answer.name,
        client: answer.client.as_str(),
        source: match answer.source {
            Source::Keychain => "keychain",
            Source::Helper(_) => "helper",
            Source::PlainText => "plainText",
            Source::Environment => "environment",
            Source::Nobody if !workstation.unreadable.is_empty() => "unknown",
            Source::Nobody => "nobody",
        },
        helper: match &answer.source {
            Source::Helper(name) => Some(name),
            _ => None,
        },
        username: match answer.source {
            Source::Keychain => user(kept, &answer.registry).map(Username::as_str),
            _ => None,
        },
        file: answer.file.as_ref().map(|path| path.display().to_string()),
    });
    let warnings = warnings.iter().map(|warning| Shown {
        kind: warning.kind.as_str(),
        object: &warning.object,
        registry: warning.registry.as_ref().map(Registry::as_str),
        cause: &warning.cause,
        remedy: &warning.remedy,
    });
    Document {
        helper,
        engines: workstation.engines.found.iter().map(|engine| engine.as_str()).collect(),
        items: items.collect(),
        warnings: warnings.collect(),
    }
}

fn table(
    kept: &KeychainUsers,
    answers: &[Answer],
    warnings: &[Warning],
    system: &mut System<'_>,
) -> Result<(), CommandError> {
    let output = &mut system.output;
    let is_known = warnings
        .iter()
        .all(|warning| warning.kind != WarningKind::FileUnreadable);
    if answers.is_empty() && !is_known {
        output.info("the logins of docker and podman are not known: a file cannot be read");
    } else if answers.is_empty() && kept.is_none() {
        output.info("neither docker nor podman has a login here");
    } else if answers.is_empty() {
        output.info("neither docker nor podman has a login here, nor has the keychain");
        output.info("hint: kubectl regcred login REGISTRY -u USER");
    } else {
        let rows: Vec<_> = answers
            .iter()
            .map(|answer| {
                let file = answer.file.as_ref().map(|path| path.display().to_string());
                [
                    answer.name.clone(),
                    answer.client.as_str().to_owned(),
                    source(kept, answer, is_known),
                    file.unwrap_or_default(),
                ]
            })
            .collect();
        output.table(["REGISTRY", "CLIENT", "ANSWERED BY", "AS SAID IN"], &rows)?;
    }
    for warning in warnings {
        output.line("")?;
        output.line(format_args!("{}: {}", warning.kind.as_str(), warning.cause))?;
        output.line(format_args!("  {}", warning.remedy))?;
    }
    Ok(())
}

fn user<'a>(kept: &'a KeychainUsers, registry: &Registry) -> Option<&'a Username> {
    kept.as_ref()?.get(registry)
}

fn source(kept: &KeychainUsers, answer: &Answer, is_known: bool) -> String {
    match &answer.source {
        Source::Keychain => match user(kept, &answer.registry) {
            Some(user) => format!("keychain, as {user}"),
            None if kept.is_none() => "keychain".to_owned(),
            None => "keychain, which has no credential".to_owned(),
        },
        Source::Helper(name) => format!("docker-credential-{}", printable(name, MAX_HELPER)),
        Source::PlainText => "plain text".to_owned(),
        Source::Environment => "DOCKER_AUTH_CONFIG".to_owned(),
        Source::Nobody if !is_known => "unknown".to_owned(),
        Source::Nobody => "nobody".to_owned(),
    }
}
