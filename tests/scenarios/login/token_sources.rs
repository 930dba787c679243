//! Where a token comes from: `--token-stdin`, `--token-env`, `--env-file`, and no prompt where nobody can be asked.

use snapbox::str;

use crate::support::parts::{DOUBLES, REAL, REAL_WITH_VAULT};
use crate::support::tls::Authority;
use crate::support::world::World;

const LOGIN: &str = "login [REGISTRY] -u admin --token-stdin";

scenario!(where_a_token_comes_from, on(DOUBLES, REAL, REAL_WITH_VAULT));
fn where_a_token_comes_from(world: &World) {
    let token = world.gitea.add_token("admin", "write:package");
    let file = world.home().join("registry.env");
    let text = format!(
        "# deploy\nexport REGISTRY={}\nREGISTRY_NAMESPACE=admin\nREGISTRY_USERNAME='admin'\nREGISTRY_TOKEN=\"{token}\"\n",
        world.registry()
    );
    std::fs::write(&file, text).unwrap();
    let file = file.display();
    world.regcred(&format!("login --env-file {file}")).says(str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of admin, scopes write:package
logged in to [REGISTRY] as admin for docker
[..]/registry.env still holds the token in plain text
hint: if nothing else needs it there: sed -i-old '/^REGISTRY_TOKEN=/d' [..]/registry.env && rm [..]/registry.env-old

"#]]);
    assert!(world.helper("get", "[REGISTRY]").done().contains(&token));
    world.regcred("logout").done();
    // A whole credential needs no keychain, and leaves none in it.
    world
        .regcred(&format!("sync -n [NAMESPACE] --env-file {file}"))
        .says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials created in namespace [NAMESPACE]
--- stderr

"#]]);
    assert!(world.document("gitea-credentials").contains(&token));
    let line = "sync -n [NAMESPACE] --registry [REGISTRY] -u admin --token-stdin";
    world.regcred_with(line, &format!("{token}\n")).says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials unchanged in namespace [NAMESPACE]
--- stderr

"#]]);
    world
        .regcred_with("sync -n [NAMESPACE] --token-stdin", &token)
        .says(str![[r#"
exit 2
--- stdout
--- stderr
error: a token was given without its registry
hint: --token-stdin and --token-env need --registry and -u

"#]]);
    world
        .regcred("login [REGISTRY] -u admin --token-env NOT_SET")
        .says(str![[r#"
exit 2
--- stdout
--- stderr
error: the environment variable NOT_SET is not set or empty
hint: --token-env takes the name of a variable, not the token

"#]]);
    world
        .regcred(&format!("login [REGISTRY] -u admin --token-env {token}"))
        .says(str![[r#"
exit 2
--- stdout
--- stderr
error: the environment variable that --token-env names is not set or empty
hint: --token-env takes the name of a variable, not the token

"#]]);
    world.regcred_with(LOGIN, "").says(str![[r#"
exit 1
--- stdout
--- stderr
error: standard input: the token is empty
hint: pipe the token in, for example: pass gitea/pat | kubectl regcred … --token-stdin

"#]]);
    world.regcred("login [REGISTRY] -u admin").says(str![[r#"
exit 2
--- stdout
--- stderr
error: no token was given, and there is no terminal to prompt on
hint: give it with --token-stdin, --token-env VAR or --env-file FILE

"#]]);
    world
        .regcred(&format!("login other.example.com --env-file {file}"))
        .says(str![[r#"
exit 2
--- stdout
--- stderr
error: the command line names the registry other.example.com, the --env-file [REGISTRY]

"#]]);
    world.regcred("list").says(str![[r#"
exit 0
--- stdout
--- stderr
the keychain holds no credential
hint: kubectl regcred login REGISTRY -u USER

"#]]);
}

scenario!(every_verb_takes_a_token);
/// One that the keychain does not have arrives at the registry.
fn every_verb_takes_a_token() {
    let mut world = World::of_doubles();
    let kept = world.gitea.add_token("admin", "write:package");
    world.regcred_with(LOGIN, &kept).done();
    let file = world.home().join("registry.env");
    // A file names the registry and the user too.
    for (verb, whose) in [
        ("login [REGISTRY] --use other", "-u admin"),
        ("sync -n [NAMESPACE]", "--registry [REGISTRY] -u admin"),
        ("rotate [REGISTRY] --no-secrets --dry-run=client", ""),
        ("images list admin", "--registry [REGISTRY] -u admin"),
        (
            "images prune admin --keep 1 --dry-run=client",
            "--registry [REGISTRY] -u admin",
        ),
        (
            "images restore admin/api --dry-run=client",
            "--registry [REGISTRY] -u admin",
        ),
    ] {
        for flags in [
            format!("{whose} --token-stdin"),
            format!("{whose} --token-env NEW"),
            format!("--env-file {}", file.display()),
        ] {
            let token = world.gitea.add_token("admin", "write:package");
            let text = format!("REGISTRY=[REGISTRY]\nREGISTRY_USERNAME=admin\nREGISTRY_TOKEN={token}\n");
            world.write(&file, &text);
            world.variables.insert("NEW".to_owned(), token.clone().into());
            let line = format!("{verb} {flags}");
            let ran = world.regcred_with(&line, &token);
            assert!(world.gitea.received(&token), "{line}: {ran}");
        }
    }
}

scenario!(a_rotation_takes_an_env_file, on(DOUBLES, REAL));
fn a_rotation_takes_an_env_file(world: &World) {
    let [old, new] = [(); 2].map(|()| world.gitea.add_token("admin", "write:package"));
    world.regcred_with(LOGIN, &old).done();
    world.regcred("sync -n [NAMESPACE]").done();
    let file = world.home().join("registry.env");
    let text = format!("REGISTRY=[REGISTRY]\nREGISTRY_USERNAME=admin\nREGISTRY_TOKEN={new}\n");
    world.write(&file, &text);
    let ran = world.regcred("rotate -n [NAMESPACE]");
    assert!(ran.code == 2 && ran.stderr.contains("no token was given"), "{ran}");
    let ran = world.regcred(&format!("rotate -n [NAMESPACE] --env-file {}", file.display()));
    assert_eq!(ran.code, 0, "{ran}");
    assert!(world.document("gitea-credentials").contains(&new));
    assert!(world.helper("get", "[REGISTRY]").done().contains(&new));
    assert!(!world.gitea.knows("admin", &old), "{ran}");
}

scenario!(a_ca_file_that_is_a_pipe_is_not_remembered);
fn a_ca_file_that_is_a_pipe_is_not_remembered() {
    let world = World::of_doubles();
    let folder = tempfile::tempdir().unwrap();
    let pem = std::fs::read(Authority::new().write_to(folder.path())).unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut writer, &pem).unwrap();
    drop(writer);
    let path = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
    let line = format!("login [REGISTRY] -u admin --mint --password-stdin --ca-file {path}");
    let ran = world.regcred_with(&line, "password of admin\n");
    assert_eq!(ran.code, 0, "{ran}");
    let warning = "warning: --ca-file is not remembered: it is a pipe, which no other process can read again\n\
                   hint: sync, rotate and status need --ca-file FILE again\n";
    assert!(ran.stderr.contains(warning), "{ran}");
    world.regcred("sync -n [NAMESPACE]").done();
    let ran = world.regcred(&format!("rotate [REGISTRY] --mint --ca-file {path}"));
    assert_eq!(ran.code, 2, "{ran}");
    assert!(
        ran.stderr.contains(&format!(
            "an interrupted rotation could not be resumed with --ca-file {path}: it is a pipe"
        )),
        "{ran}"
    );
}
