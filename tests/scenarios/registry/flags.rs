//! The flags for reaching a registry, with every verb that asks one.

use serde_json::json;

use crate::support::gitea::{Gitea, Profile};
use crate::support::tls::{Authority, Valid};
use crate::support::world::World;

/// Each asks the registry of what the keychain has, or of `OTHER`. `login` remembers its flags for the next ones, so it is
/// the last but one, and after the last there is no credential any more.
const VERBS: [&str; 10] = [
    "sync -n [NAMESPACE] --registry [REGISTRY]",
    "status -n [NAMESPACE] --registry [REGISTRY]",
    "images check -n [NAMESPACE] --registry [REGISTRY]",
    "images list admin --registry [REGISTRY]",
    "images prune admin --keep 1 --dry-run=client --registry [REGISTRY]",
    "images restore admin/api --dry-run=client --registry [REGISTRY]",
    "rotate [REGISTRY] --no-secrets --token-env OTHER --dry-run=client",
    "docker setup [REGISTRY]",
    "login [REGISTRY] -u admin --use other --token-env OTHER",
    "logout [REGISTRY] --use docker --revoke --revoke-anyway",
];

/// What each verb has to ask about, at the registry by this name: a credential, another one in docker's file, and a pod.
fn prepare(world: &mut World, name: &str) {
    let [kept, other] = [(); 2].map(|()| world.gitea.add_token("admin", "write:package"));
    let login = format!("login {name} -u admin --token-stdin --no-verify");
    world.regcred_with(&login, &kept).done();
    world.write_docker(&format!(
        r#"{{"auths":{{"{name}":{{"auth":"[auth:admin:{other}]"}}}}}}"#
    ));
    world.variables.insert("OTHER".to_owned(), other.into());
    let image = format!("{name}/admin/api:1");
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api"},
        "spec": {"containers": [{"name": "c", "image": image}], "imagePullSecrets": [{"name": "gitea-credentials"}]},
        "status": {"phase": "Running", "containerStatuses": [{
            "name": "c", "image": image, "imageID": "", "ready": true, "restartCount": 0, "state": {"running": {}},
        }]},
    });
    world.api_server().put_object("pods", &world.namespace, &pod);
}

/// The paths that a command asks the registry for.
fn asked(world: &World, line: &str) -> Vec<String> {
    let before = world.gitea.requests().len();
    let _ = world.regcred(line);
    let requests = world.gitea.requests().split_off(before);
    requests.into_iter().map(|seen| seen.path).collect()
}

/// Only with the flag does a request arrive.
fn check_each(world: &World, name: &str, flag: &str) {
    for verb in VERBS {
        let line = verb.replace("[REGISTRY]", name);
        let without = asked(world, &line);
        assert!(without.is_empty(), "{line}: {without:?}");
        let line = format!("{line} {flag}");
        assert!(!asked(world, &line).is_empty(), "{line}: {}", world.regcred(&line));
    }
}

scenario!(an_authority_of_its_own);
fn an_authority_of_its_own() {
    let authority = Authority::new();
    let gitea = Gitea::start_tls(
        Profile::V1_27,
        "127.0.0.1",
        authority.server(&["127.0.0.1"], Valid::Now),
    );
    gitea.state().root_url = format!("https://{}/", gitea.address());
    let mut world = World::of_doubles_at(gitea);
    let name = world.registry();
    prepare(&mut world, &name);
    let file = authority.write_to(world.folder());
    check_each(&world, &name, &format!("--ca-file {}", file.display()));
}

scenario!(http_to_another_machine);
/// An address that leads here, and that is not taken for this machine's.
fn http_to_another_machine() {
    let mut world = World::of_doubles();
    let name = format!("0.0.0.0:{}", world.gitea.address().port());
    world.gitea.state().root_url = format!("http://{name}/");
    prepare(&mut world, &name);
    check_each(&world, &name, "--plain-http");
}

scenario!(a_gitea_below_a_path);
fn a_gitea_below_a_path() {
    let mut world = World::of_doubles();
    let name = world.registry();
    prepare(&mut world, &name);
    let is_below = |path: &String| path.starts_with("/below/");
    for verb in VERBS {
        let line = format!("{verb} --gitea-path /below");
        let paths = asked(&world, &line);
        assert!(paths.iter().any(is_below), "{line}: {paths:?}");
        assert!(!asked(&world, verb).iter().any(is_below), "{verb}");
    }
}
