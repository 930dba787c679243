//! `docker status`: what it says, and that real clients do what its warnings say.

mod real_clients;

use std::fs;
use std::os::unix::fs::symlink;

use snapbox::str;

use crate::support::HELPER;
use crate::support::world::{World, auth, script};

fn helpers(world: &World, helper: &str) -> String {
    format!(r#"{{"credHelpers":{{"{}":"{helper}"}}}}"#, world.registry())
}

fn login(world: &World, user: &str, token: &str) -> String {
    format!(
        r#"{{"auths":{{"{}":{{"auth":"{}"}}}}}}"#,
        world.registry(),
        auth(user, token)
    )
}

scenario!(a_good_workstation);
fn a_good_workstation() {
    let world = World::of_doubles().with_own_programs();
    symlink(HELPER, world.programs().join("docker-credential-gitea")).unwrap();
    script(&world.programs().join("podman"), "exit 1");
    world
        .regcred_with("login [REGISTRY] -u admin --token-stdin --no-verify", "t")
        .done();
    world.write_docker(&helpers(&world, "gitea"));
    world.write_podman(&helpers(&world, "gitea"));
    world.regcred("docker status").says(str![[r#"
exit 0
--- stdout
REGISTRY   CLIENT   ANSWERED BY   AS SAID IN
[REGISTRY]   docker   keychain, as admin   [FOLDER]/.docker/config.json
[REGISTRY]   podman   keychain, as admin   [FOLDER]/run/containers/auth.json
--- stderr

"#]]);
    world.regcred("docker status -o yaml").says(str![[r#"
exit 0
--- stdout
apiVersion: regcred/v1
kind: DockerStatus
helper:
  path: [FOLDER]/programs/docker-credential-gitea
  isOurs: true
items:
- registry: [REGISTRY]
  client: docker
  source: keychain
  username: admin
  file: [FOLDER]/.docker/config.json
- registry: [REGISTRY]
  client: podman
  source: keychain
  username: admin
  file: [FOLDER]/run/containers/auth.json
warnings: []
--- stderr

"#]]);
}

scenario!(nothing_here);
fn nothing_here() {
    let world = World::of_doubles().with_own_programs();
    world.regcred("docker status").says(str![[r#"
exit 0
--- stdout
--- stderr
neither docker nor podman has a login here, nor has the keychain
hint: kubectl regcred login REGISTRY -u USER

"#]]);
}

/// A workstation where much is wrong.
fn with_problems() -> World {
    let mut world = World::of_doubles().with_own_programs();
    script(&world.programs().join("podman"), "exit 1");
    script(&world.programs().join("docker-credential-gitea"), "echo 1.0");
    world
        .regcred_with("login [REGISTRY] -u admin --token-stdin --no-verify", "t")
        .done();
    world.write_docker(&format!(
        r#"{{"credHelpers":{{"{}":"gitea","https://zot.example.com":"gitea"}},"auths":{{"ghcr.io":{{"auth":"{}"}}}}}}"#,
        world.registry(),
        auth("octocat", "s3cret")
    ));
    world.write_podman(&login(&world, "admin", "s3cret"));
    let variable = login(&world, "ci", "s3cret").into();
    world.variables.insert("DOCKER_AUTH_CONFIG".to_owned(), variable);
    world
}

scenario!(one_with_problems);
fn one_with_problems() {
    with_problems().regcred("docker status").says(str![[r#"
exit 0
--- stdout
REGISTRY   CLIENT   ANSWERED BY   AS SAID IN
[REGISTRY]   docker   DOCKER_AUTH_CONFIG
[REGISTRY]   podman   plain text   [FOLDER]/run/containers/auth.json
ghcr.io   docker   plain text   [FOLDER]/.docker/config.json
ghcr.io   podman   plain text   [FOLDER]/.docker/config.json
zot.example.com   docker   nobody
zot.example.com   podman   nobody

helper-shadowed: docker and podman would run [FOLDER]/programs/docker-credential-gitea, which is not regcred's, as docker-credential-gitea
  mv [FOLDER]/programs/docker-credential-gitea [FOLDER]/programs/docker-credential-gitea.old

key-never-matches: credHelpers has the key https://zot.example.com, but docker and podman look for zot.example.com
  kubectl regcred docker setup zot.example.com

environment-wins: docker 28.3 and later take what DOCKER_AUTH_CONFIG holds for [REGISTRY], and not what the keychain has
  take DOCKER_AUTH_CONFIG out of the environment: of this shell, and of the file that sets it

plain-text-shadows-helper: podman takes the token of [REGISTRY] from [FOLDER]/run/containers/auth.json, in plain text, and never asks the keychain
  kubectl regcred docker setup [REGISTRY]

plain-text: [FOLDER]/.docker/config.json holds a token of ghcr.io in plain text
  kubectl regcred docker setup ghcr.io
--- stderr

"#]]);
}

scenario!(problems_as_a_document);
fn problems_as_a_document() {
    let json = with_problems().regcred("docker status -o json");
    assert!(!json.to_string().contains("s3cret") && !json.to_string().contains(&auth("octocat", "s3cret")));
    json.says(str![[r#"
exit 0
--- stdout
{
  "apiVersion": "regcred/v1",
  "kind": "DockerStatus",
  "helper": {
   "path": "[FOLDER]/programs/docker-credential-gitea",
   "isOurs": false
  },
  "items": [
   {
   "registry": "[REGISTRY]",
   "client": "docker",
   "source": "environment",
   "file": null
   },
   {
   "registry": "[REGISTRY]",
   "client": "podman",
   "source": "plainText",
   "file": "[FOLDER]/run/containers/auth.json"
   },
   {
   "registry": "ghcr.io",
   "client": "docker",
   "source": "plainText",
   "file": "[FOLDER]/.docker/config.json"
   },
   {
   "registry": "ghcr.io",
   "client": "podman",
   "source": "plainText",
   "file": "[FOLDER]/.docker/config.json"
   },
   {
   "registry": "zot.example.com",
   "client": "docker",
   "source": "nobody",
   "file": null
   },
   {
   "registry": "zot.example.com",
   "client": "podman",
   "source": "nobody",
   "file": null
   }
  ],
  "warnings": [
   {
   "kind": "helper-shadowed",
   "object": "[FOLDER]/programs/docker-credential-gitea",
   "registry": null,
   "cause": "docker and podman would run [FOLDER]/programs/docker-credential-gitea, which is not regcred's, as docker-credential-gitea",
   "remedy": "mv [FOLDER]/programs/docker-credential-gitea [FOLDER]/programs/docker-credential-gitea.old"
   },
   {
   "kind": "key-never-matches",
   "object": "[FOLDER]/.docker/config.json",
   "registry": "zot.example.com",
   "cause": "credHelpers has the key https://zot.example.com, but docker and podman look for zot.example.com",
   "remedy": "kubectl regcred docker setup zot.example.com"
   },
   {
   "kind": "environment-wins",
   "object": "DOCKER_AUTH_CONFIG",
   "registry": "[REGISTRY]",
   "cause": "docker 28.3 and later take what DOCKER_AUTH_CONFIG holds for [REGISTRY], and not what the keychain has",
   "remedy": "take DOCKER_AUTH_CONFIG out of the environment: of this shell, and of the file that sets it"
   },
   {
   "kind": "plain-text-shadows-helper",
   "object": "[FOLDER]/run/containers/auth.json",
   "registry": "[REGISTRY]",
   "cause": "podman takes the token of [REGISTRY] from [FOLDER]/run/containers/auth.json, in plain text, and never asks the keychain",
   "remedy": "kubectl regcred docker setup [REGISTRY]"
   },
   {
   "kind": "plain-text",
   "object": "[FOLDER]/.docker/config.json",
   "registry": "ghcr.io",
   "cause": "[FOLDER]/.docker/config.json holds a token of ghcr.io in plain text",
   "remedy": "kubectl regcred docker setup ghcr.io"
   }
  ]
}
--- stderr

"#]]);
}

scenario!(what_lies_in_the_way);
fn what_lies_in_the_way() {
    let world = World::of_doubles().with_own_programs();
    world.write_docker("{s3cret");
    fs::create_dir_all(world.podman_file()).unwrap();
    let ran = world.regcred("docker status");
    ran.says(str![[r#"
exit 1
--- stdout

docker-file-unreadable: [FOLDER]/.docker/config.json cannot be used: not valid JSON: line 1 column 2
  correct [FOLDER]/.docker/config.json in an editor: docker and podman cannot read it either

docker-file-unreadable: [FOLDER]/run/containers/auth.json is a folder
  see what is at [FOLDER]/run/containers/auth.json, and move it away if nothing needs it
--- stderr
the logins of docker and podman are not known: a file cannot be read

"#]]);
}

scenario!(what_follows_the_first_value_is_passed_over_as_by_docker);
fn what_follows_the_first_value_is_passed_over_as_by_docker() {
    let world = World::of_doubles().with_own_programs();
    world.write_docker(r#"{"auths":{"[REGISTRY]":{"auth":"[auth:admin:t]"}}} {"s3cret"#);
    world.regcred("docker status").says(str![[r#"
exit 1
--- stdout
REGISTRY   CLIENT   ANSWERED BY   AS SAID IN
[REGISTRY]   docker   plain text   [FOLDER]/.docker/config.json

docker-file-unreadable: [FOLDER]/.docker/config.json cannot be used: something follows its first JSON value
  delete what follows in [FOLDER]/.docker/config.json, in an editor: docker passes over it, and podman does not read the file

plain-text: [FOLDER]/.docker/config.json holds a token of [REGISTRY] in plain text
  kubectl regcred docker setup [REGISTRY]
--- stderr

"#]]);
}
