//! The engines that people have on macOS and Windows: what `docker setup` does to their files, and what `docker status`
//! says of them.

use std::fs;

use snapbox::str;

use crate::support::world::{World, script};

/// Logged in, with our helper and these others on PATH, none of which has a credential.
fn with(helpers: &[&str], docker: &str) -> World {
    let mut world = World::of_doubles();
    fs::create_dir(world.programs()).unwrap();
    let path = world.programs();
    world.with_path(path);
    script(
        &world.programs().join("docker-credential-gitea"),
        "echo 'docker-credential-gitea (regcred) v0'",
    );
    for helper in helpers {
        script(
            &world.programs().join(format!("docker-credential-{helper}")),
            "if [ \"$1\" = list ]; then echo '{}'; else echo 'credentials not found in native keychain'; exit 1; fi",
        );
    }
    world
        .regcred_with("login [REGISTRY] -u admin --token-stdin --no-verify", "t")
        .done();
    world.write_docker(docker);
    world
}

scenario!(docker_desktop_keeps_its_store);
fn docker_desktop_keeps_its_store() {
    let world = with(
        &["desktop"],
        "{\n\t\"credsStore\": \"desktop\",\n\t\"currentContext\": \"desktop-linux\"\n}\n",
    );
    world.regcred("docker setup").says(str![[r#"
exit 0
--- stdout
credHelpers/[REGISTRY] configured in [FOLDER]/.docker/config.json
--- stderr

"#]]);
    // Docker Hub's login, extensions and the rest stay with its own helper.
    let after = world.read(&world.docker_file());
    assert!(
        after.contains("\"credsStore\": \"desktop\"") && after.contains("\"[REGISTRY]\": \"gitea\""),
        "{after}"
    );
    world.regcred("docker status").says(str![[r#"
exit 0
--- stdout
REGISTRY   CLIENT   ANSWERED BY   AS SAID IN
[REGISTRY]   docker   keychain, as admin   [FOLDER]/.docker/config.json
--- stderr
docker's engines here: Docker Desktop (docker uses it)

"#]]);
    world.regcred("docker setup --default").says(str![[r#"
exit 0
--- stdout
credsStore configured in [FOLDER]/.docker/config.json (was desktop)
--- stderr
warning: while the keychain is locked or missing, buildx, crane, oras, helm and docker 29 now fail for public images too
hint: without --default, only for those of the registries you log in to: kubectl regcred docker remove && kubectl regcred docker setup
Docker Desktop before 4.19, and in WSL every version, sets credsStore to its own helper when it starts: then kubectl regcred docker status says setup-lost

"#]]);
}

scenario!(what_docker_desktop_leaves_behind);
fn what_docker_desktop_leaves_behind() {
    let world = with(&[], r#"{"credsStore": "desktop", "currentContext": "orbstack"}"#);
    world.regcred("docker status").says(str![[r#"
exit 0
--- stdout
REGISTRY   CLIENT   ANSWERED BY   AS SAID IN
[REGISTRY]   docker   docker-credential-desktop   [FOLDER]/.docker/config.json

helper-missing: [FOLDER]/.docker/config.json names the helper desktop, and docker-credential-desktop is not on PATH (Docker Desktop leaves its name there when it is uninstalled)
  kubectl regcred docker setup --default
--- stderr
docker's engines here: OrbStack (docker uses it)

"#]]);
}

scenario!(colima_with_docker_desktops_helper);
fn colima_with_docker_desktops_helper() {
    let world = with(&["desktop"], r#"{"credsStore": "desktop", "currentContext": "colima"}"#);
    world.regcred("docker setup").done();
    world.regcred("docker status").says(str![[r#"
exit 0
--- stdout
REGISTRY   CLIENT   ANSWERED BY   AS SAID IN
[REGISTRY]   docker   keychain, as admin   [FOLDER]/.docker/config.json

store-needs-docker-desktop: [FOLDER]/.docker/config.json names docker-credential-desktop for every registry, which stores nothing unless Docker Desktop runs, and docker uses colima
  kubectl regcred docker setup --default
--- stderr
docker's engines here: colima (docker uses it)

"#]]);
    world.regcred("docker setup --default").done();
    assert!(!world.regcred("docker status").stdout.contains("store-needs"));
}

scenario!(rancher_desktop_with_containerd);
fn rancher_desktop_with_containerd() {
    let world = with(&["osxkeychain"], r#"{"credsStore": "osxkeychain"}"#);
    fs::create_dir(world.home().join(".rd")).unwrap();
    world.regcred("docker setup").says(str![[r#"
exit 0
--- stdout
credHelpers/[REGISTRY] configured in [FOLDER]/.docker/config.json
--- stderr
warning: nerdctl of Rancher Desktop asks only the helper for every registry in [FOLDER]/.docker/config.json, which is docker-credential-osxkeychain: it does not get what the keychain has
hint: kubectl regcred docker setup --default

"#]]);
    world.regcred("docker setup --default").done();
    let status = world.regcred("docker status -o json").done();
    assert!(
        !status.contains("nerdctl-asks") && status.contains("\"Rancher Desktop\""),
        "{status}"
    );
}

scenario!(wsl_with_windows_helpers);
fn wsl_with_windows_helpers() {
    let world = with(&["desktop.exe"], r#"{"credsStore": "desktop.exe"}"#);
    world.regcred("docker setup").says(str![[r#"
exit 0
--- stdout
credHelpers/[REGISTRY] configured in [FOLDER]/.docker/config.json
--- stderr

"#]]);
    // Docker Desktop starts, and puts a file of its own in place.
    world.write_docker(r#"{"credsStore": "desktop.exe"}"#);
    world.regcred("docker status").says(str![[r#"
exit 0
--- stdout
REGISTRY   CLIENT   ANSWERED BY   AS SAID IN
[REGISTRY]   docker   docker-credential-desktop.exe   [FOLDER]/.docker/config.json

setup-lost: kubectl regcred docker setup had written the helper gitea into [FOLDER]/.docker/config.json, and it is not there any more: another program has replaced it, as Docker Desktop does in WSL when it starts
  kubectl regcred docker setup
--- stderr

"#]]);
    // Without Windows' folders on PATH.
    fs::remove_file(world.programs().join("docker-credential-desktop.exe")).unwrap();
    world.write_docker(r#"{"credsStore": "wincred.exe"}"#);
    world.regcred("docker status").says(str![[r#"
exit 0
--- stdout
REGISTRY   CLIENT   ANSWERED BY   AS SAID IN
[REGISTRY]   docker   docker-credential-wincred.exe   [FOLDER]/.docker/config.json

helper-missing: [FOLDER]/.docker/config.json names the helper wincred.exe, and docker-credential-wincred.exe is not on PATH (it is a program of Windows, which WSL finds only while Windows' folders are on PATH: appendWindowsPath in /etc/wsl.conf)
  kubectl regcred docker setup --default

setup-lost: kubectl regcred docker setup had written the helper gitea into [FOLDER]/.docker/config.json, and it is not there any more: another program has replaced it, as Docker Desktop does in WSL when it starts
  kubectl regcred docker setup
--- stderr

"#]]);
}

scenario!(podman_machine);
/// podman on macOS and Windows asks on this side of its machine.
fn podman_machine() {
    let world = with(&[], "{}");
    fs::create_dir_all(world.home().join(".config/containers/podman/machine")).unwrap();
    world.regcred("docker setup").done();
    world.regcred("docker status").says(str![[r#"
exit 0
--- stdout
REGISTRY   CLIENT   ANSWERED BY   AS SAID IN
[REGISTRY]   docker   keychain, as admin   [FOLDER]/.docker/config.json
--- stderr
docker's engines here: podman machine

"#]]);
}
