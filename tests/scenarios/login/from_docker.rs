//! `login --from-docker`: what docker and podman already have goes into the keychain, and their copy stays.

mod identity_tokens;
mod refusals;

use std::fs;
use std::os::unix::fs::symlink;

use regcred::model::Use;
use snapbox::str;

use crate::helper::NOT_FOUND;
use crate::support::part::program;
use crate::support::parts::REAL_PARTS;
use crate::support::world::{World, auth, script};

/// A helper that keeps one credential, and writes down what it was asked.
fn helper(world: &World, name: &str, server: &str, user: &str, token: &str) {
    script(
        &world.programs().join(format!("docker-credential-{name}")),
        &format!(
            "IFS= read -r server\n\
             echo \"$1 $server\" >> {0}/asked\n\
             case \"$1 $server\" in\n\
             'get {server}') echo '{{\"ServerURL\":\"{server}\",\"Username\":\"{user}\",\"Secret\":\"{token}\"}}';;\n\
             list*) echo '{{\"{server}\":\"{user}\"}}';;\n\
             *) echo '{NOT_FOUND}'; exit 1;;\n\
             esac",
            world.folder().display()
        ),
    );
}

scenario!(from_a_file);
fn from_a_file() {
    let world = World::of_doubles().with_own_programs();
    let token = world.gitea.add_token("admin", "write:package");
    let file = world.docker_file();
    world.write(
        &file,
        &format!(
            r#"{{"auths":{{"https://{}/v2/":{{"auth":"{}"}}}}}}"#,
            world.registry(),
            auth("admin", &token)
        ),
    );
    let before = fs::read(&file).unwrap();
    let ran = world.regcred("login --from-docker");
    ran.says(str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of admin, scopes write:package
logged in to [REGISTRY] as admin for docker
it was taken from [FOLDER]/.docker/config.json, where it still is
hint: to have docker ask the keychain instead: kubectl regcred docker setup [REGISTRY]

"#]]);
    assert_eq!(world.kept(Use::Docker), Some(("admin".to_owned(), token.clone())));
    assert_eq!(fs::read(&file).unwrap(), before, "the copy is docker's to lose");
    let ran = world.regcred("login [REGISTRY] --from-docker --use cluster --no-verify");
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(world.kept(Use::Cluster), Some(("admin".to_owned(), token)));
}

scenario!(from_podmans_file);
fn from_podmans_file() {
    let world = World::of_doubles().with_own_programs();
    let token = world.gitea.add_token("admin", "write:package");
    let entry = format!(r#""{}":{{"auth":"{}"}}"#, world.registry(), auth("admin", &token));
    world.write_docker(&format!(r#"{{"auths":{{{entry}}}}}"#));
    world.write(
        &world.folder().join("run/containers/auth.json"),
        &format!(
            r#"{{"auths":{{{entry},"{}/org":{{"auth":"{}"}}}}}}"#,
            world.registry(),
            auth("other", "x")
        ),
    );
    let ran = world.regcred("login [REGISTRY] --from-docker");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(
        ran.stderr
            .contains("taken from [FOLDER]/.docker/config.json and [FOLDER]/run/containers/auth.json"),
        "one credential in two places: {ran}"
    );
    assert_eq!(world.kept(Use::Docker), Some(("admin".to_owned(), token)));
}

scenario!(from_another_helper);
fn from_another_helper() {
    let world = World::of_doubles().with_own_programs();
    let token = world.gitea.add_token("admin", "write:package");
    helper(&world, "other", &world.registry(), "admin", &token);
    world.write_docker(&format!(
        r#"{{"credHelpers":{{"{}":"other"}},"auths":{{"{0}":{{}}}}}}"#,
        world.registry()
    ));
    let ran = world.regcred("login --from-docker");
    ran.says(str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of admin, scopes write:package
logged in to [REGISTRY] as admin for docker
it was taken from docker-credential-other, where it still is
hint: to have docker ask the keychain instead: kubectl regcred docker setup [REGISTRY]

"#]]);
    assert_eq!(world.kept(Use::Docker), Some(("admin".to_owned(), token.clone())));

    // As the store for everything, and under an old spelling, which docker itself would not find.
    let old = format!("https://{}/v1/", world.registry());
    helper(&world, "other", &old, "admin", &token);
    world.write_docker(r#"{"credsStore":"other"}"#);
    fs::remove_file(world.folder().join("asked")).unwrap();
    world.regcred("logout [REGISTRY]").done();
    let ran = world.regcred("login [REGISTRY] --from-docker -u admin");
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(world.kept(Use::Docker), Some(("admin".to_owned(), token)));
    let asked = fs::read_to_string(world.folder().join("asked")).unwrap();
    assert_eq!(asked, format!("get {}\nlist unused\nget {old}\n", world.registry()));
}

scenario!(from_a_helper_without_a_list);
fn from_a_helper_without_a_list() {
    let world = World::of_doubles().with_own_programs();
    let token = world.gitea.add_token("admin", "write:package");
    let write = |answer: &str| {
        let text = format!("[ $1 = list ] && echo 'list is unimplemented' && exit 1; {answer}");
        script(&world.programs().join("docker-credential-cloud"), &text);
    };
    world.write_docker(&format!(r#"{{"credHelpers":{{"{}":"cloud"}}}}"#, world.registry()));
    write(&format!("echo '{NOT_FOUND}'; exit 1"));
    let ran = world.regcred("login [REGISTRY] --from-docker");
    assert!(
        ran.code == 1 && ran.stderr.contains("neither docker nor podman"),
        "{ran}"
    );
    write(&format!(r#"echo '{{"Username":"admin","Secret":"{token}"}}'"#));
    let ran = world.regcred("login --from-docker");
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(world.kept(Use::Docker), Some(("admin".to_owned(), token)));
}

scenario!(from_the_store_that_docker_detects);
fn from_the_store_that_docker_detects() {
    let world = World::of_doubles().with_own_programs();
    let token = world.gitea.add_token("admin", "write:package");
    helper(&world, "secretservice", &world.registry(), "admin", &token);
    // No configuration at all, and docker would ask this one.
    let ran = world.regcred("login --from-docker");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(
        ran.stderr.contains("taken from docker-credential-secretservice"),
        "{ran}"
    );
    assert_eq!(world.kept(Use::Docker), Some(("admin".to_owned(), token)));
    // With an entry in its file it would not; with `pass` there it would ask that one.
    world.regcred("logout [REGISTRY]").done();
    world.write_docker(r#"{"auths":{"other.example.com":{}}}"#);
    let ran = world.regcred("login [REGISTRY] --from-docker");
    ran.says(str![[r#"
exit 1
--- stdout
--- stderr
error: neither docker nor podman has a credential of [REGISTRY] outside of regcred's keychain
hint: kubectl regcred list shows the keychain; kubectl regcred login REGISTRY -u USER asks for a token

"#]]);
    fs::remove_file(world.docker_file()).unwrap();
    script(&world.programs().join("pass"), "exit 1");
    assert_eq!(world.regcred("login [REGISTRY] --from-docker").code, 1);
}

scenario!(several_registries_and_several_users);
fn several_registries_and_several_users() {
    let world = World::of_doubles().with_own_programs();
    let token = world.gitea.add_token("admin", "write:package");
    let entry = |server: &str, user: &str, token: &str| format!(r#""{server}":{{"auth":"{}"}}"#, auth(user, token));
    world.write_docker(&format!(
        r#"{{"auths":{{{},{}}}}}"#,
        entry(&world.registry(), "robot", "x"),
        entry("zot.example.com", "admin", "y")
    ));
    world.write(
        &world.folder().join("run/containers/auth.json"),
        &format!(r#"{{"auths":{{{}}}}}"#, entry(&world.registry(), "admin", &token)),
    );
    let ran = world.regcred("login --from-docker");
    ran.says(str![[r#"
exit 2
--- stdout
--- stderr
error: docker and podman have credentials of [REGISTRY], zot.example.com
hint: kubectl regcred login --from-docker REGISTRY

"#]]);
    let ran = world.regcred("login [REGISTRY] --from-docker");
    ran.says(str![[r#"
exit 2
--- stdout
--- stderr
error: docker and podman have different credentials of [REGISTRY]: robot from [FOLDER]/.docker/config.json, admin from [FOLDER]/run/containers/auth.json
hint: kubectl regcred login [REGISTRY] --from-docker -u USER

"#]]);
    let ran = world.regcred("login [REGISTRY] --from-docker -u nobody");
    assert_eq!(ran.code, 1, "{ran}");
    assert_eq!(world.kept(Use::Docker), None);
    let ran = world.regcred("login [REGISTRY] --from-docker -u admin");
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(world.kept(Use::Docker), Some(("admin".to_owned(), token)));
    for other in ["--token-stdin", "--token-env X", "--env-file x", "--mint"] {
        let ran = world.regcred(&format!("login --from-docker {other}"));
        assert_eq!(ran.code, 2, "{ran}");
    }
}

scenario!(a_person_chooses_a_user);
fn a_person_chooses_a_user() {
    let world = World::of_doubles().with_own_programs();
    let token = world.gitea.add_token("admin", "write:package");
    let entry = |server: &str, user: &str, token: &str| {
        format!(r#"{{"auths":{{"{server}":{{"auth":"{}"}}}}}}"#, auth(user, token))
    };
    world.write_docker(&entry(&world.registry(), "robot", "x"));
    world.write(
        &world.folder().join("run/containers/auth.json"),
        &entry(&world.registry(), "admin", &token),
    );
    let ran = world.regcred_choosing("login [REGISTRY] --from-docker", &[1]);
    ran.says(str![[r#"
exit 0
--- stdout
--- stderr
? Which credential of [REGISTRY]
  - robot from [FOLDER]/.docker/config.json
  - admin from [FOLDER]/run/containers/auth.json
verified at [REGISTRY], the token of admin, scopes write:package
logged in to [REGISTRY] as admin for docker
it was taken from [FOLDER]/run/containers/auth.json, where it still is
hint: to have docker ask the keychain instead: kubectl regcred docker setup [REGISTRY]

"#]]);
    assert_eq!(world.kept(Use::Docker), Some(("admin".to_owned(), token)));
}

scenario!(
    after_real_docker_and_podman,
    needs(REAL_PARTS, "docker", "podman", "docker-credential-secretservice")
);
fn after_real_docker_and_podman() {
    let mut world = World::of_real_parts();
    // `pass` is not there, so docker detects the Secret Service.
    fs::create_dir(world.programs()).unwrap();
    for name in ["docker", "podman", "docker-credential-secretservice"] {
        symlink(program(name).unwrap(), world.programs().join(name)).unwrap();
    }
    let path = world.programs().into_os_string();
    world.variables.insert("PATH".to_owned(), path);
    let token = world.gitea.add_token("admin", "write:package");
    let registry = world.registry();
    let login = ["login", "-u", "admin", "--password-stdin", &registry];
    let said = world
        .run(world.command(program("docker").unwrap()).args(login), &token)
        .done();
    assert!(said.contains("Login Succeeded"), "{said}");
    let config = fs::read_to_string(world.docker_file()).unwrap();
    assert!(
        config.contains("secretservice"),
        "docker chose the store by itself: {config}"
    );

    let ran = world.regcred("login --from-docker");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(
        ran.stderr.contains("taken from docker-credential-secretservice"),
        "{ran}"
    );
    assert_eq!(world.kept(Use::Docker), Some(("admin".to_owned(), token)));
    assert_eq!(fs::read_to_string(world.docker_file()).unwrap(), config);

    // podman writes plain text, although docker has a store.
    let second = world.gitea.add_token("admin", "write:package");
    let mut podman = world.command(program("podman").unwrap());
    podman
        .args(["--storage-driver", "vfs", "--root"])
        .arg(world.folder().join("tmp/root"));
    podman.arg("--runroot").arg(world.folder().join("tmp/runroot"));
    let said = world.run(podman.args(login).arg("--tls-verify=false"), &second).done();
    assert!(said.contains("Login Succeeded"), "{said}");
    let ran = world.regcred("login [REGISTRY] --from-docker");
    assert_eq!(ran.code, 2, "two tokens of one user: {ran}");
    let docker = ["logout", &registry];
    world
        .run(world.command(program("docker").unwrap()).args(docker), "")
        .done();
    let ran = world.regcred("login [REGISTRY] --from-docker");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("run/containers/auth.json"), "{ran}");
    assert_eq!(world.kept(Use::Docker), Some(("admin".to_owned(), second)));
}
