//! OAuth2 identity tokens, which docker keeps under the user `<token>`.

use regcred::model::Use;
use snapbox::{assert_data_eq, str};

use crate::support::world::World;

/// A workstation whose docker has an identity token of the registry.
fn with_identity_token() -> World {
    let world = World::of_doubles().with_own_programs();
    world.write_docker(&format!(
        r#"{{"auths":{{"{}":{{"identitytoken":"refresh-token"}}}}}}"#,
        world.registry()
    ));
    world
}

scenario!(an_identity_token_goes_there_and_back);
fn an_identity_token_goes_there_and_back() {
    let world = with_identity_token();
    let ran = world.regcred("login --from-docker");
    ran.says(str![[r#"
exit 0
--- stdout
--- stderr
not verified at [REGISTRY]: it is an OAuth2 identity token, which only docker's clients can use
logged in to [REGISTRY] as <token> for docker
it was taken from [FOLDER]/.docker/config.json, where it still is
hint: to have docker ask the keychain instead: kubectl regcred docker setup [REGISTRY]

"#]]);
    assert!(
        world.gitea.requests().is_empty(),
        "one refusal can count against the account"
    );
    assert_eq!(
        world.kept(Use::Docker),
        Some(("<token>".to_owned(), "refresh-token".to_owned()))
    );
    assert_data_eq!(
        world.regcred("list").done(),
        str![[r#"
REGISTRY   USERNAME   USE   AGE
[REGISTRY]   <token> (identity token)   docker   <1h

"#]]
    );
    assert_data_eq!(
        world.regcred("list -o json").done(),
        str![[r#"
{
  "apiVersion": "regcred/v1",
  "kind": "CredentialList",
  "items": [
   {
   "registry": "[REGISTRY]",
   "username": "<token>",
   "use": "docker",
   "identityToken": true,
   "since": "[..]Z"
   }
  ]
}

"#]]
    );
    // docker gets back what it had.
    let answer: serde_json::Value = serde_json::from_str(&world.helper("get", "[REGISTRY]").done()).unwrap();
    assert_eq!(
        (&answer["Username"], &answer["Secret"]),
        (&"<token>".into(), &"refresh-token".into())
    );
    assert!(world.helper("list", "").done().contains("<token>"));
}

scenario!(an_identity_token_is_for_docker_alone);
fn an_identity_token_is_for_docker_alone() {
    let world = with_identity_token();
    world.regcred("login --from-docker").done();
    let ran = world.regcred("sync -n [NAMESPACE]");
    ran.says(str![[r#"
exit 1
--- stdout
--- stderr
error: the credential of [REGISTRY] is an OAuth2 identity token, which kubelet cannot use
hint: kubectl regcred login [REGISTRY] -u USER --use cluster

"#]]);
    let ran = world.regcred("login --from-docker --use cluster");
    ran.says(str![[r#"
exit 1
--- stdout
--- stderr
error: the credential of [REGISTRY] is an OAuth2 identity token, which kubelet cannot use
hint: kubectl regcred login [REGISTRY] -u USER --use cluster

"#]]);
    let ran = world.regcred("logout --revoke");
    ran.says(str![[r#"
exit 1
--- stdout
--- stderr
error: this is an identity token of docker's own login, which cannot be revoked from here
hint: the keychain still holds the token for docker; without --revoke, logout deletes it and it stays valid

"#]]);
    let ran = world.regcred_with("login [REGISTRY] -u <token> --token-stdin", "refresh-token");
    ran.says(str![[r#"
exit 1
--- stdout
--- stderr
error: this is an identity token of docker's own login, which nobody else can verify
hint: use a personal access token or a password
hint: the credential of <token> that was stored before was not changed

"#]]);
    assert!(world.gitea.requests().is_empty());
}
