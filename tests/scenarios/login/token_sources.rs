//! Where a token comes from: `--token-stdin`, `--token-env`, `--env-file`, and no prompt where nobody can be asked.

use snapbox::str;

use crate::support::parts::{DOUBLES, REAL, REAL_WITH_VAULT};
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
