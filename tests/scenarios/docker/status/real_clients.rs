//! The real clients do what each warning says, and no longer once its remedy has been typed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::{helpers, login};
use crate::helper::NOT_FOUND;
use crate::support::part::program;
use crate::support::parts::REAL_PARTS;
use crate::support::world::{Ran, World, auth, script};
use crate::support::{HELPER, PLUGIN};

/// A real workstation on whose PATH are these programs alone, and a credential in its keychain.
fn real_with(clients: &[&str]) -> (World, String) {
    let mut world = World::of_real_parts();
    fs::create_dir(world.programs()).unwrap();
    for name in clients {
        symlink(program(name).unwrap(), world.programs().join(name)).unwrap();
    }
    symlink(HELPER, world.programs().join("docker-credential-gitea")).unwrap();
    let path = world.programs().into_os_string();
    world.variables.insert("PATH".to_owned(), path);
    let token = world.gitea.add_token("admin", "write:package");
    world
        .regcred_with("login [REGISTRY] -u admin --token-stdin", &token)
        .done();
    (world, token)
}

/// A client of this workstation.
fn client(world: &World, line: &str, stdin: &str) -> Ran {
    let line = line.replace("[REGISTRY]", &world.registry());
    let mut words = line.split(' ');
    let name = words.next().unwrap();
    let mut command = world.command(program(name).unwrap());
    if name == "podman" {
        let tmp = world.folder().join("tmp");
        command
            .args(["--storage-driver", "vfs", "--root"])
            .arg(tmp.join("root"));
        command.arg("--runroot").arg(tmp.join("runroot"));
    }
    world.run(command.args(words), stdin)
}

/// The remedy of the only warning, which has to be of this kind.
fn remedy(world: &World, kind: &str) -> String {
    let document: serde_json::Value = serde_json::from_str(&world.regcred("docker status -o json").done()).unwrap();
    let warnings = document["warnings"].as_array().unwrap();
    let kinds: Vec<&str> = warnings
        .iter()
        .map(|warning| warning["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, [kind], "{document:#}");
    let remedy = warnings[0]["remedy"].as_str().unwrap();
    remedy
        .replace("[REGISTRY]", &world.registry())
        .replace("[FOLDER]", &world.folder().display().to_string())
}

/// Types it.
fn type_it(world: &World, remedy: &str) {
    if let Some(line) = remedy.strip_prefix("kubectl regcred ") {
        world.regcred(line).done();
        assert_eq!(warnings(world), 0, "it is gone after: {remedy}");
        return;
    }
    let mut shell = world.command("/bin/sh");
    // The person's own tools, which the PATH of this workstation leaves out.
    shell.env("PATH", "/usr/bin:/bin").args(["-c", remedy]);
    world.run(&mut shell, "").done();
    assert_eq!(warnings(world), 0, "it is gone after: {remedy}");
}

fn warnings(world: &World) -> usize {
    let document: serde_json::Value = serde_json::from_str(&world.regcred("docker status -o json").done()).unwrap();
    document["warnings"].as_array().unwrap().len()
}

const PODMAN_LOGIN: &str = "podman login --tls-verify=false -u admin --password-stdin [REGISTRY]";

fn plain_text_in(file: &Path, token: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text.contains(&auth("admin", token)))
}

scenario!(
    podman_takes_plain_text_before_the_helper,
    needs(REAL_PARTS, "docker", "podman", "skopeo")
);
fn podman_takes_plain_text_before_the_helper() {
    let (world, token) = real_with(&["podman"]);
    world.write_docker(&helpers(&world, "gitea"));
    world.write_podman(&login(&world, "somebody", &token));
    let remedy = remedy(&world, "plain-text-shadows-helper");
    let said = client(&world, "podman login --get-login [REGISTRY]", "").done();
    assert_eq!(said.trim(), "somebody");
    let plain = fs::read(world.podman_file()).unwrap();
    fs::remove_file(world.podman_file()).unwrap();
    let said = client(&world, "podman login --get-login [REGISTRY]", "").done();
    assert_eq!(said.trim(), "admin", "the helper was there all the time");
    fs::write(world.podman_file(), plain).unwrap();
    type_it(&world, &remedy);
}

scenario!(
    podman_login_writes_plain_text,
    needs(REAL_PARTS, "docker", "podman", "skopeo")
);
fn podman_login_writes_plain_text() {
    let (world, token) = real_with(&["podman"]);
    world.write_docker(&helpers(&world, "gitea"));
    let remedy = remedy(&world, "podman-login-writes-plain-text");
    client(&world, PODMAN_LOGIN, &token).done();
    assert!(plain_text_in(&world.podman_file(), &token), "what the warning says");
    fs::remove_file(world.podman_file()).unwrap();
    type_it(&world, &remedy);
    client(&world, PODMAN_LOGIN, &token).done();
    assert!(!plain_text_in(&world.podman_file(), &token));
    assert_eq!(warnings(&world), 0);
}

scenario!(
    podman_with_files_before_the_helper,
    needs(REAL_PARTS, "docker", "podman", "skopeo")
);
fn podman_with_files_before_the_helper() {
    let (world, token) = real_with(&["podman"]);
    world.write_docker(&helpers(&world, "gitea"));
    let conf = world.home().join(".config/containers/registries.conf");
    world.write(
        &conf,
        "credential-helpers = [\n  \"containers-auth.json\", # files\n  \"gitea\",\n]\n",
    );
    let remedy = remedy(&world, "files-before-helper");
    let (_, line) = remedy.split_once("name gitea first: ").unwrap();
    client(&world, PODMAN_LOGIN, &token).done();
    assert!(plain_text_in(&world.podman_file(), &token), "what the warning says");
    fs::remove_file(world.podman_file()).unwrap();
    world.write(&conf, &format!("{line}\n"));
    assert_eq!(warnings(&world), 0);
    client(&world, PODMAN_LOGIN, &token).done();
    assert!(!plain_text_in(&world.podman_file(), &token));
}

scenario!(
    podman_with_a_file_of_its_own,
    needs(REAL_PARTS, "docker", "podman", "skopeo")
);
fn podman_with_a_file_of_its_own() {
    let (mut world, token) = real_with(&["podman"]);
    world.write_docker(&helpers(&world, "gitea"));
    world.write_podman(&helpers(&world, "gitea"));
    assert_eq!(warnings(&world), 0);
    let own = world.folder().join("tmp/auth.json");
    world
        .variables
        .insert("REGISTRY_AUTH_FILE".to_owned(), own.clone().into_os_string());
    let remedy = remedy(&world, "auth-file-hides-helper");
    assert!(
        remedy.starts_with("take REGISTRY_AUTH_FILE out of the environment"),
        "{remedy}"
    );
    client(&world, PODMAN_LOGIN, &token).done();
    assert!(plain_text_in(&own, &token), "what the warning says");
    world.variables.remove("REGISTRY_AUTH_FILE");
    assert_eq!(warnings(&world), 0);
}

scenario!(
    a_helper_that_is_missing,
    needs(REAL_PARTS, "docker", "podman", "skopeo")
);
fn a_helper_that_is_missing() {
    let (world, _) = real_with(&["skopeo"]);
    world.write_podman(&helpers(&world, "gone"));
    let remedy = remedy(&world, "helper-missing");
    assert!(remedy.starts_with("kubectl regcred docker setup"), "{remedy}");
    let ran = client(
        &world,
        "skopeo inspect --tls-verify=false docker://[REGISTRY]/admin/none:1",
        "",
    );
    assert!(ran.code != 0 && ran.stderr.contains("docker-credential-gone"), "{ran}");
    type_it(&world, &remedy);
}

const DOCKER_LOGIN: &str = "docker login -u admin --password-stdin [REGISTRY]";

scenario!(
    the_helper_is_not_on_path,
    needs(REAL_PARTS, "docker", "podman", "skopeo")
);
fn the_helper_is_not_on_path() {
    let (world, token) = real_with(&["docker"]);
    fs::remove_file(world.programs().join("docker-credential-gitea")).unwrap();
    symlink(PLUGIN, world.programs().join("kubectl-regcred")).unwrap();
    world.write_docker(&helpers(&world, "gitea"));
    let remedy = remedy(&world, "helper-not-on-path");
    assert_eq!(remedy, "kubectl regcred docker setup");
    assert_ne!(client(&world, DOCKER_LOGIN, &token).code, 0, "what the warning says");
    type_it(&world, &remedy);
    client(&world, DOCKER_LOGIN, &token).done();
    assert!(!plain_text_in(&world.docker_file(), &token));
}

scenario!(
    another_program_of_the_helpers_name_comes_first,
    needs(REAL_PARTS, "docker", "podman", "skopeo")
);
fn another_program_of_the_helpers_name_comes_first() {
    let (mut world, token) = real_with(&["docker"]);
    let others = world.folder().join("others");
    fs::create_dir(&others).unwrap();
    script(&others.join("docker-credential-gitea"), "echo 'not today'; exit 1");
    let path = std::env::join_paths([&others, &world.programs()]).unwrap();
    world.variables.insert("PATH".to_owned(), path);
    world.write_docker(&helpers(&world, "gitea"));
    let remedy = remedy(&world, "helper-shadowed");
    let ran = client(&world, DOCKER_LOGIN, &token);
    assert!(
        ran.code != 0 && ran.stderr.contains("not today"),
        "what the warning says: {ran}"
    );
    let setup = world.regcred("docker setup");
    assert!(setup.code == 1 && setup.stderr.contains("is not regcred's"), "{setup}");
    type_it(&world, &remedy);
    client(&world, DOCKER_LOGIN, &token).done();
    assert!(
        others.join("docker-credential-gitea.old").exists(),
        "nothing of theirs is lost"
    );
}

scenario!(
    docker_no_longer_finds_its_store,
    needs(REAL_PARTS, "docker", "podman", "skopeo")
);
fn docker_no_longer_finds_its_store() {
    let (world, token) = real_with(&["docker"]);
    script(
        &world.programs().join("docker-credential-secretservice"),
        &format!("[ $1 = get ] && echo '{NOT_FOUND}' && exit 1; exit 0"),
    );
    assert_eq!(warnings(&world), 0);
    client(&world, DOCKER_LOGIN, &token).done();
    let config = fs::read_to_string(world.docker_file()).unwrap();
    assert!(
        config.contains("secretservice") && !config.contains(&auth("admin", &token)),
        "{config}"
    );

    world.write_docker(r#"{"credHelpers":{"other.example.com":"gitea"}}"#);
    let remedy = remedy(&world, "default-store-off");
    assert_eq!(remedy, "kubectl regcred docker setup --default");
    client(&world, DOCKER_LOGIN, &token).done();
    assert!(plain_text_in(&world.docker_file(), &token), "what the warning says");
    world.write_docker(r#"{"credHelpers":{"other.example.com":"gitea"}}"#);
    type_it(&world, &remedy);
}

/// A helper that writes down what it is asked and has nothing.
fn spy(world: &World) {
    script(
        &world.programs().join("docker-credential-spy"),
        &format!(
            "IFS= read -r server; echo \"$1 $server\" >> {}; echo '{NOT_FOUND}'; exit 1",
            world.folder().join("tmp/asked").display()
        ),
    );
}

fn was_asked(world: &World) -> bool {
    let inspect = "docker manifest inspect --insecure [REGISTRY]/admin/none:1";
    let _ = client(world, inspect, "");
    world.folder().join("tmp/asked").exists()
}

scenario!(
    a_key_that_never_matches,
    needs(REAL_PARTS, "docker", "podman", "skopeo")
);
fn a_key_that_never_matches() {
    let (world, _) = real_with(&["docker"]);
    spy(&world);
    world.write_docker(&format!(
        r#"{{"credHelpers":{{"https://{}":"spy"}}}}"#,
        world.registry()
    ));
    let remedy = remedy(&world, "key-never-matches");
    assert_eq!(remedy, format!("kubectl regcred docker setup {}", world.registry()));
    assert!(!was_asked(&world), "what the warning says");
    type_it(&world, &remedy);
    world.write_docker(&helpers(&world, "spy"));
    assert!(was_asked(&world), "docker asks under the bare name");
}

scenario!(
    an_empty_helper_means_plain_text,
    needs(REAL_PARTS, "docker", "podman", "skopeo")
);
fn an_empty_helper_means_plain_text() {
    let (world, token) = real_with(&["docker"]);
    spy(&world);
    let registry = world.registry();
    world.write_docker(&format!(r#"{{"credsStore":"spy","credHelpers":{{"{registry}":""}}}}"#));
    let remedy = remedy(&world, "helper-empty");
    client(&world, DOCKER_LOGIN, &token).done();
    assert!(plain_text_in(&world.docker_file(), &token), "what the warning says");
    assert!(!was_asked(&world));
    type_it(&world, &remedy);
}

scenario!(
    podman_runs_a_helper_without_a_name,
    needs(REAL_PARTS, "docker", "podman", "skopeo")
);
fn podman_runs_a_helper_without_a_name() {
    let (world, token) = real_with(&["podman"]);
    let registry = world.registry();
    let login = |helpers: &str| {
        let auth = auth("somebody", &token);
        world.write_podman(&format!(
            r#"{{"credHelpers":{helpers},"auths":{{"{registry}":{{"auth":"{auth}"}}}}}}"#
        ));
        client(&world, "podman login --get-login [REGISTRY]", "")
    };
    assert_eq!(login("{}").done(), "somebody\n");
    let ran = login(&format!(r#"{{"{registry}":""}}"#));
    assert!(ran.code != 0 && ran.stderr.contains("docker-credential-"), "{ran}");
    let ran = world.regcred("docker status");
    assert!(
        ran.stdout
            .contains(" names no helper for [REGISTRY]: podman fails to run docker-credential-\n"),
        "{ran}"
    );
}

scenario!(
    docker_passes_over_an_entry_beside_a_helper,
    needs(REAL_PARTS, "docker", "podman", "skopeo")
);
fn docker_passes_over_an_entry_beside_a_helper() {
    let (world, _) = real_with(&["docker"]);
    spy(&world);
    let registry = world.registry();
    let token = world.gitea.add_token("admin", "write:package");
    world.write_docker(&format!(
        r#"{{"credHelpers":{{"{registry}":"spy"}},"auths":{{"{registry}":{{"auth":"{}"}}}}}}"#,
        auth("admin", &token)
    ));
    let remedy = remedy(&world, "plain-text-beside-helper");
    assert!(was_asked(&world), "docker asks the helper");
    assert!(!world.gitea.received(&token), "and does not use the entry");
    // Of two tokens that both open the registry, setup would not choose one.
    world.gitea.revoke(&token);
    type_it(&world, &remedy);
}
