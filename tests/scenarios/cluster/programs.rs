//! Programs are run from absolute folders of PATH, and never from the folder that somebody happens to stand in.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::PLUGIN;
use crate::support::api_server::{ADMIN_TOKEN, ApiServer};

/// Entries of PATH that are a file of the working folder: a dot, nothing at all, and a folder below it.
const RELATIVE: [&str; 4] = [".", "", "./", "here"];

/// A program that leaves a mark and then does what `script` says.
fn program(folder: &Path, name: &str, script: &str) {
    for folder in [folder.to_owned(), folder.join("here")] {
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(name);
        std::fs::write(
            &file,
            format!("#!/bin/sh\n: > \"{}\"\n{script}\n", mark(&folder).display()),
        )
        .unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

fn mark(folder: &Path) -> std::path::PathBuf {
    folder.join("it-ran")
}

fn ran(folder: &Path) -> bool {
    mark(folder).exists() || mark(&folder.join("here")).exists()
}

fn run(folder: &Path, path: &str, args: &[&str]) -> Output {
    Command::new(PLUGIN)
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("PWD", folder)
        .env("KUBECONFIG", folder.join("kubeconfig"))
        .env("PATH", path)
        .env("REGISTRY_TOKEN", "0123456789abcdef")
        .output()
        .unwrap()
}

const SYNC: [&str; 11] = [
    "sync",
    "--no-verify",
    "-n",
    "default",
    "--registry",
    "gitea.example.com",
    "-u",
    "admin",
    "--token-env",
    "REGISTRY_TOKEN",
    "--dry-run=client",
];

scenario!(no_credential_plugin_of_the_working_folder);
fn no_credential_plugin_of_the_working_folder() {
    let (folder, server) = (tempfile::tempdir().unwrap(), ApiServer::start());
    let folder = folder.path();
    let token = format!(
        r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"{ADMIN_TOKEN}"}}}}"#
    );
    program(folder, "plugin", &format!("echo '{token}'"));
    let user = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: plugin, interactiveMode: Never}}";
    std::fs::write(folder.join("kubeconfig"), server.kubeconfig_for(user)).unwrap();
    for entry in RELATIVE {
        let output = run(folder, &format!("{entry}:/usr/bin:/bin"), &SYNC);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!ran(folder), "{entry:?}");
        assert!(stderr.contains("plugin cannot be started: No such file"), "{stderr}");
    }
    // By its folder it is found.
    let output = run(folder, &format!("{}:/usr/bin:/bin", folder.display()), &SYNC);
    assert!(output.status.success() && ran(folder), "{output:?}");
}

scenario!(no_git_of_the_working_folder);
fn no_git_of_the_working_folder() {
    let (folder, server) = (tempfile::tempdir().unwrap(), ApiServer::start());
    let folder = folder.path();
    std::fs::write(folder.join("kubeconfig"), server.kubeconfig()).unwrap();
    program(folder, "git", "exit 1");
    for entry in RELATIVE {
        run(
            folder,
            &format!("{entry}:/usr/bin:/bin"),
            &["status", "-n", "default", "--offline"],
        );
        assert!(!ran(folder), "{entry:?}");
    }
    // By its folder it is found.
    run(
        folder,
        &format!("{}:/usr/bin:/bin", folder.display()),
        &["status", "-n", "default", "--offline"],
    );
    assert!(ran(folder));
}
