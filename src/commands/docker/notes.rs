//! Warnings and hints after `docker setup`.

use crate::commands::system::System;
use crate::docker::{self, Engine, Engines, Files, WarningKind};
use crate::error::CommandError;
use crate::model::{CommandLine, Registry};

/// Warnings that setup cannot fix: the user's variables and files take precedence over what it writes.
const BEYOND: [WarningKind; 5] = [
    WarningKind::NerdctlAsksAnotherHelper,
    WarningKind::EnvironmentWins,
    WarningKind::AuthFileHidesHelper,
    WarningKind::FilesBeforeHelper,
    WarningKind::HelperHidesPath,
];

/// Prints the notes after setting up `registries`, each with whether the keychain has a credential for it.
pub(super) fn after_setup(
    files: &Files,
    registries: &[(Registry, bool)],
    default: bool,
    is_dry: bool,
    system: &mut System<'_>,
) -> Result<(), CommandError> {
    for (registry, has_credential) in registries {
        if !has_credential {
            system
                .output
                .info(format_args!("the keychain holds no credential of {registry} yet"));
            system.output.info(format_args!(
                "hint: {}",
                CommandLine::new("kubectl regcred login")
                    .value("REGISTRY", registry.as_str())
                    .words("-u USER")
            ));
        }
    }
    if !registries.is_empty() {
        podman(files, system);
    }
    if is_dry {
        return Ok(());
    }
    if default {
        of_default(files, &docker::observe(&system.env)?.engines, system);
    }
    let kept: Vec<Registry> = registries.iter().map(|(registry, _)| registry.clone()).collect();
    let warnings = docker::inspect(&docker::observe(&system.env)?, &kept);
    for warning in warnings.iter().filter(|warning| BEYOND.contains(&warning.kind)) {
        system.output.warn(&warning.cause);
        system.output.info(format_args!("hint: {}", warning.remedy));
    }
    Ok(())
}

fn podman(files: &Files, system: &mut System<'_>) {
    let primary = &files.podman_primary;
    // For a file that a variable names, there is a warning already.
    let is_named = system.env.path("REGISTRY_AUTH_FILE").is_some();
    if docker::has_podman(&system.env) && !primary.exists() && !is_named {
        system.output.info(format_args!(
            "podman reads through docker's file, but podman login would write a token in plain text to {}",
            primary.display()
        ));
        let folder = primary.parent().unwrap_or(primary).display().to_string();
        let write = CommandLine::new("echo")
            .document("{}")
            .into_file(primary.display().to_string());
        let setup = CommandLine::new("kubectl regcred docker setup");
        system.output.info(format_args!(
            "hint: log in with docker or kubectl regcred; or, before podman login: {}",
            CommandLine::new("mkdir -p")
                .value("FOLDER", folder)
                .then(&write)
                .then(&setup)
        ));
    }
}

/// What a helper for every registry changes for clients that need no credential.
fn of_default(files: &Files, engines: &Engines, system: &mut System<'_>) {
    system.output.warn(
        "while the keychain is locked or missing, buildx, crane, oras, helm and docker 29 now fail for public images too",
    );
    system.output.info(
        "hint: without --default, only for those of the registries you log in to: kubectl regcred docker remove && kubectl regcred docker setup",
    );
    if engines.found.contains(&Engine::DockerDesktop) {
        system.output.info(
            "Docker Desktop before 4.19, and in WSL every version, sets credsStore to its own helper when it starts: then kubectl regcred docker status says setup-lost",
        );
    }
    if docker::has_helm(&system.env) {
        system.output.info(
            "helm reads through docker's file, but helm registry login would write a token in plain text to its own",
        );
        system.output.info(format_args!(
            "hint: log in with docker or kubectl regcred; or, before helm registry login, let HELM_REGISTRY_CONFIG name {}",
            files.docker.display()
        ));
    }
}
