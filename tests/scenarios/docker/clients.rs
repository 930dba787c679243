//! Files of podman's, and other credential helpers.

use std::fs;

use regcred::model::Use;
use snapbox::{assert_data_eq, str};

use super::fixture::doubles;
use crate::support::world::{World, credential, script, trace};

scenario!(podmans_files);
fn podmans_files() {
    let world = doubles();
    let token = world.gitea.add_token("admin", "write:package");
    let text = r#"{"auths":{"[REGISTRY]":{"auth":"[auth:admin:TOKEN]"}}}"#.replace("TOKEN", &token);
    world.write(&world.podman_file(), &text);
    let config = world.home().join(".config/containers/auth.json");
    world.write(&config, &text);
    world.keep("admin", &token);
    world
        .keychain()
        .put(Use::Docker, &credential("docker.io", "hub", "t"))
        .unwrap();
    world.regcred("docker setup").says(str![[r#"
exit 0
--- stdout
credHelpers/[REGISTRY] configured in [FOLDER]/.docker/config.json
credHelpers/https://index.docker.io/v1/ configured in [FOLDER]/.docker/config.json
credHelpers/[REGISTRY] configured in [FOLDER]/run/containers/auth.json
credHelpers/docker.io configured in [FOLDER]/run/containers/auth.json
auths/[REGISTRY] emptied in [FOLDER]/run/containers/auth.json
auths/[REGISTRY] emptied in [FOLDER]/.config/containers/auth.json
--- stderr

"#]]);
    assert_eq!(
        world.read(&world.podman_file()),
        r#"{"auths":{"[REGISTRY]":{}},"credHelpers":{"[REGISTRY]":"gitea","docker.io":"gitea"}}"#,
        "podman's own name of Docker Hub"
    );
    assert_eq!(
        world.read(&config),
        r#"{"auths":{"[REGISTRY]":{}}}"#,
        "podman writes only to the first"
    );
    world.regcred("docker remove").done();
    assert_eq!(world.read(&world.podman_file()), r#"{"auths":{"[REGISTRY]":{}}}"#);
    assert!(!world.docker_file().exists());
}

const HUB: &str = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"[auth:hub:pat]"}}}"#;

scenario!(docker_hub_by_its_two_names);
fn docker_hub_by_its_two_names() {
    // Without podman, docker's name alone; with it, or where its own file is docker's, podman's too.
    for (podman, docker_config, helpers) in [
        (false, false, r#"{"https://index.docker.io/v1/":"gitea"}"#),
        (
            true,
            false,
            r#"{"https://index.docker.io/v1/":"gitea","docker.io":"gitea"}"#,
        ),
        (
            false,
            true,
            r#"{"https://index.docker.io/v1/":"gitea","docker.io":"gitea"}"#,
        ),
    ] {
        let mut world = doubles();
        if podman {
            program(&mut world, "podman", "exit 1");
        }
        if docker_config {
            let folder = world.docker_file().parent().unwrap().into();
            world.variables.insert("DOCKER_CONFIG".to_owned(), folder);
        }
        world.write_docker(HUB);
        world.regcred("docker setup --no-verify").done();
        let before = HUB.replace("{\"auth\":\"[auth:hub:pat]\"}", "{}");
        assert_eq!(
            world.read(&world.docker_file()),
            before.replace("}}}", &format!("}}}},\"credHelpers\":{helpers}}}"))
        );
        let status = world.regcred("docker status").done();
        let answers = status.matches("keychain, as hub").count();
        assert_eq!(answers, if podman { 2 } else { 1 }, "{status}");
        assert!(!status.contains("key-never-matches"), "{status}");
        world.regcred("docker remove").done();
        assert_eq!(world.read(&world.docker_file()), before);
    }
}

scenario!(what_another_client_leaves_of_docker_hubs_login);
/// `podman logout` erases only what it knows.
fn what_another_client_leaves_of_docker_hubs_login() {
    let world = doubles();
    for server in ["", "access-token", "refresh-token"] {
        let entry = format!(
            r#"{{"ServerURL":"https://index.docker.io/v1/{server}","Username":"hub","Secret":"secret{server}"}}"#
        );
        world.helper("store", &entry).done();
    }
    world.helper("erase", "docker.io").done();
    world.regcred("list").says(str![[r#"
exit 0
--- stdout
REGISTRY   USERNAME   USE   AGE
docker.io   hub (identity token)   docker   <1h
--- stderr

"#]]);
    let revoking = world.regcred("logout docker.io --revoke");
    assert!(
        revoking.code == 1 && revoking.stderr.contains("identity token") && !revoking.stderr.contains("forgot"),
        "{revoking}"
    );
    world.regcred("logout docker.io").says(str![[r#"
exit 0
--- stdout
--- stderr
forgot the credential of docker.io for docker

"#]]);
    assert_eq!(world.helper("list", "").done(), "{}\n");
}

scenario!(docker_hubs_login_in_the_browser);
fn docker_hubs_login_in_the_browser() {
    let world = doubles();
    world.write_docker(
        r#"{"auths":{"https://index.docker.io/v1/":{"auth":"[auth:hub:pat]"},
"https://index.docker.io/v1/access-token":{"auth":"[auth:hub:access]"},
"https://index.docker.io/v1/refresh-token":{"auth":"[auth:hub:refresh..id]"}}}"#,
    );
    world.regcred("docker setup --no-verify").says(str![[r#"
exit 0
--- stdout
credential/docker.io stored (hub, from [FOLDER]/.docker/config.json)
credential/https://index.docker.io/v1/access-token stored (hub, from [FOLDER]/.docker/config.json)
credential/https://index.docker.io/v1/refresh-token stored (hub, from [FOLDER]/.docker/config.json)
credHelpers/https://index.docker.io/v1/ configured in [FOLDER]/.docker/config.json
auths/https://index.docker.io/v1/ emptied in [FOLDER]/.docker/config.json
auths/https://index.docker.io/v1/access-token emptied in [FOLDER]/.docker/config.json
auths/https://index.docker.io/v1/refresh-token emptied in [FOLDER]/.docker/config.json
--- stderr
not verified at docker.io

"#]]);
    assert_data_eq!(
        world.read(&world.docker_file()),
        str![[r#"
{"auths":{"https://index.docker.io/v1/":{},
"https://index.docker.io/v1/access-token":{},
"https://index.docker.io/v1/refresh-token":{}},"credHelpers":{"https://index.docker.io/v1/":"gitea"}}
"#]]
    );
    for (server, secret) in [
        ("", "pat"),
        ("access-token", "access"),
        ("refresh-token", "refresh..id"),
    ] {
        let got = world
            .helper("get", &format!("https://index.docker.io/v1/{server}"))
            .done();
        assert!(
            got.contains(&format!(r#""Username":"hub","Secret":"{secret}""#)),
            "{got}"
        );
    }
    world.regcred("logout docker.io").done();
    assert_eq!(
        world.helper("list", "").done(),
        "{}\n",
        "docker logout forgets all three, and so do we"
    );

    // podman takes any of them for Docker Hub's login.
    let world = doubles();
    let text = r#"{"auths":{"https://index.docker.io/v1/":{"registrytoken":"x"},"https://index.docker.io/v1/access-token":{"auth":"[auth:hub:access]"}}}"#;
    world.write_docker(text);
    let status = world.regcred("docker status").done();
    assert!(status.contains("holds a token of docker.io in plain text"), "{status}");
}

scenario!(every_registry_and_podman_and_helm_are_here);
fn every_registry_and_podman_and_helm_are_here() {
    let mut world = doubles();
    program(&mut world, "podman", "exit 1");
    program(&mut world, "helm", "exit 1");
    world.keep("admin", "t");
    world.regcred("docker setup --default").says(str![[r#"
exit 0
--- stdout
credHelpers/[REGISTRY] configured in [FOLDER]/.docker/config.json
credsStore configured in [FOLDER]/.docker/config.json
--- stderr
podman reads through docker's file, but podman login would write a token in plain text to [FOLDER]/run/containers/auth.json
hint: log in with docker or kubectl regcred; or, before podman login: mkdir -p [FOLDER]/run/containers && echo '{}' > [FOLDER]/run/containers/auth.json && kubectl regcred docker setup
warning: while the keychain is locked or missing, buildx, crane, oras, helm and docker 29 now fail for public images too
hint: without --default, only for those of the registries you log in to: kubectl regcred docker remove && kubectl regcred docker setup
helm reads through docker's file, but helm registry login would write a token in plain text to its own
hint: log in with docker or kubectl regcred; or, before helm registry login, let HELM_REGISTRY_CONFIG name [FOLDER]/.docker/config.json

"#]]);
    assert_data_eq!(
        world.regcred("docker status").done(),
        str![[r#"
REGISTRY   CLIENT   ANSWERED BY   AS SAID IN
[REGISTRY]   docker   keychain, as admin   [FOLDER]/.docker/config.json
[REGISTRY]   podman   keychain, as admin   [FOLDER]/.docker/config.json

podman-login-writes-plain-text: podman login would write the token of [REGISTRY] to [FOLDER]/run/containers/auth.json in plain text: podman asks a helper there only if this very file names it
  mkdir -p [FOLDER]/run/containers && echo '{"credHelpers":{"[REGISTRY]":"gitea"}}' > [FOLDER]/run/containers/auth.json

"#]]
    );
}

scenario!(variables_that_win_over_what_is_set_up);
fn variables_that_win_over_what_is_set_up() {
    let mut world = doubles();
    program(&mut world, "podman", "exit 1");
    world.keep("admin", "t");
    let login = format!(r#"{{"auths":{{"{}":{{"auth":"YTpi"}}}}}}"#, world.registry());
    let own = world.folder().join("own.json");
    for (name, value) in [("DOCKER_AUTH_CONFIG", login.into()), ("REGISTRY_AUTH_FILE", own.into())] {
        world.variables.insert(name.to_owned(), value);
    }
    let ran = world.regcred("docker setup --dry-run=client");
    assert!(
        !ran.stderr.contains("warning"),
        "nothing is there yet to be in the way of: {ran}"
    );
    world.regcred("docker setup").says(str![[r#"
exit 0
--- stdout
credHelpers/[REGISTRY] configured in [FOLDER]/.docker/config.json
--- stderr
warning: docker 28.3 and later take what DOCKER_AUTH_CONFIG holds for [REGISTRY], and not what the keychain has
hint: take DOCKER_AUTH_CONFIG out of the environment: of this shell, and of the file that sets it
warning: REGISTRY_AUTH_FILE names [FOLDER]/own.json, which does not lead to the keychain: podman login writes the token of [REGISTRY] there in plain text, and newer versions of podman read nothing else
hint: take REGISTRY_AUTH_FILE out of the environment: of this shell, and of the file that sets it

"#]]);
}

/// A program on PATH.
fn program(world: &mut World, name: &str, text: &str) {
    let folder = world.folder().join("bin");
    fs::create_dir_all(&folder).unwrap();
    script(&folder.join(name), text);
    let path = world.variables["PATH"].clone();
    let path = std::iter::once(folder).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(path).unwrap();
    world.variables.insert("PATH".to_owned(), path);
}

/// A helper that answers with one login.
fn other_helper(world: &mut World, name: &str, answer: &str) {
    program(world, &format!("docker-credential-{name}"), answer);
}

scenario!(other_helpers_are_asked);
fn other_helpers_are_asked() {
    let login = |token: &str| {
        format!(
            r#"case $1 in
list) echo '{{"[REGISTRY]":"admin"}}' ;;
*) echo '{{"ServerURL":"x","Username":"admin","Secret":"{token}"}}' ;;
esac"#
        )
    };
    for flags in ["", " --default"] {
        let mut world = doubles();
        let token = world.gitea.add_token("admin", "write:package");
        let answer = login(&token).replace("[REGISTRY]", &world.registry());
        other_helper(&mut world, "pass", &answer);
        let before = if flags.is_empty() {
            r#"{"credHelpers":{"[REGISTRY]":"pass"}}"#
        } else {
            r#"{"credsStore":"pass"}"#
        };
        world.write_docker(before);
        let ran = world.regcred(&format!("docker setup [REGISTRY]{flags}"));
        assert_eq!(ran.code, 0, "{ran}");
        assert!(ran.stdout.contains("(admin, from docker-credential-pass)"), "{ran}");
        assert!(ran.stdout.contains("(was pass)"), "{ran}");
        assert_eq!(world.kept(Use::Docker), Some(("admin".to_owned(), token)));
        assert!(world.read(&world.docker_file()).contains("\"gitea\""));
        world.regcred("docker remove").done();
        assert_eq!(world.read(&world.docker_file()), before);
    }
    // One that fails: nothing of that registry changes.
    let mut world = doubles();
    other_helper(&mut world, "pass", "echo 'the store is locked'; exit 1");
    world.write_docker(r#"{"credHelpers":{"[REGISTRY]":"pass"}}"#);
    let before = trace(&world.docker_file());
    let ran = world.regcred("docker setup [REGISTRY]");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("the store is locked"), "{ran}");
    assert_eq!(trace(&world.docker_file()), before);

    // What docker finds by itself is written down, as it no longer looks for it.
    let mut world = doubles();
    other_helper(
        &mut world,
        "pass",
        "echo 'credentials not found in native keychain'; exit 1",
    );
    program(&mut world, "pass", "");
    world.keep("admin", "t");
    let ran = world.regcred("docker setup");
    assert!(ran.stdout.contains("credsStore set to pass in"), "{ran}");
    assert!(world.read(&world.docker_file()).contains("\"credsStore\": \"pass\""));
    world.regcred("docker remove").done();
    assert!(!world.docker_file().exists());
}
