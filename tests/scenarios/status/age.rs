//! How old tokens are, and which of an account's tokens nothing uses.

use regcred::commands::status::Code;
use regcred::model::Use;
use serde_json::Value;
use snapbox::str;

use super::fixture::{DOUBLES, Feed, REAL};
use crate::support::gitea::Profile;
use crate::support::world::World;

const AGED: &str = "status -n [NAMESPACE] --max-token-age 90d";
const TOKENS: &str = "status -n [NAMESPACE] --tokens --password-stdin";
/// The account's own, at the double.
const PASSWORD: &str = "password of admin";

finding!(token_old_by_its_server, Code::TokenOld, on(DOUBLES, REAL));
fn token_old_by_its_server(world: &mut World) {
    let token = world.well();
    world.is_gone(AGED, Code::TokenOld);
    world.gitea.age(&token, 91);
    world.says(AGED, Code::TokenOld, &["it is 91d old, which is more than 90d"]);
    // Without the flag it is said, and nothing is wrong.
    let ran = world.status();
    assert!(
        ran.code == 0 && ran.stdout.contains("1 of 1 token accepted (91d old)"),
        "{ran}"
    );
    let ran = world.regcred("status -n [NAMESPACE] -o wide").done();
    assert!(
        ran.contains("REGISTRY   USE   USER   TOKEN   AGE   SCOPES")
            && ran.contains("[REGISTRY]   cluster   admin   accepted   91d   read:package"),
        "{ran}"
    );
    let document: Value = serde_json::from_str(&world.regcred("status -n [NAMESPACE] -o json").done()).unwrap();
    let credential = &document["credentials"][0];
    assert!(
        credential["created"].is_string() && credential["created"] == credential["since"],
        "{credential}"
    );
    let another = world.token("read:package");
    let rotate = Feed {
        to: "kubectl regcred rotate",
        flags: "--token-stdin",
        stdin: another,
    };
    world.mends_with(AGED, Code::TokenOld, &[rotate]);
}

finding!(
    token_age_unknown_of_an_earlier_version,
    Code::TokenAgeUnknown,
    on(DOUBLES)
);
fn token_age_unknown_of_an_earlier_version(world: &mut World) {
    let token = world.well();
    world.gitea.state().profile = Profile::V1_25;
    world.is_gone(AGED, Code::TokenAgeUnknown);
    world.forget_since(Use::Cluster, "admin", &token);
    assert!(world.regcred("list").done().contains("cluster   -"));
    assert_eq!(world.status().code, 3, "only an advisory");
    let another = world.token("read:package");
    let rotate = Feed {
        to: "kubectl regcred rotate",
        flags: "--mint --password-stdin",
        stdin: PASSWORD.to_owned(),
    };
    drop(another);
    world.mends_with(AGED, Code::TokenAgeUnknown, &[rotate]);
}

finding!(
    token_unused_and_who_uses_the_others,
    Code::TokenUnused,
    on(DOUBLES, REAL)
);
fn token_unused_and_who_uses_the_others(world: &mut World) {
    // In docker's file; in the keychain, twice; in a Secret alone; nowhere.
    let in_file = world.token("read:package");
    world.write_docker(&format!(
        r#"{{"auths": {{"[REGISTRY]": {{"auth": "[auth:admin:{in_file}]"}}}}}}"#
    ));
    world.well();
    let in_secret = world.token("read:package");
    world.put_pull_secret("by-hand", &[("[REGISTRY]", &in_secret)]);
    let nowhere = world.token("write:package,write:repository");
    world.gitea.age(&nowhere, 400);
    let ran = world.regcred_with(TOKENS, PASSWORD);
    let table = ran
        .stdout
        .split("\n\n")
        .find(|text| text.starts_with("REGISTRY   ACCOUNT"));
    snapbox::assert_data_eq!(
        table.unwrap_or_else(|| panic!("{ran}")),
        str![[r#"
REGISTRY   ACCOUNT   ID   TOKEN   AGE   LAST USED   SCOPES   USED BY
[REGISTRY]   admin   [..]   token 4   400d   -   write:package,write:repository   -
[REGISTRY]   admin   [..]   token 3   <1h   -   read:package   secrets
[REGISTRY]   admin   [..]   token 2   <1h   [..]   read:package   cluster
[REGISTRY]   admin   [..]   token 1   <1h   -   read:package   files
"#]]
    );
    let (text, commands) = world.found(Code::TokenUnused, &ran);
    assert!(
        text.contains("token token 4 of admin at [REGISTRY]") && commands.len() == 1,
        "{text}"
    );
    let (before, url) = commands[0].rsplit_once(' ').unwrap();
    assert_eq!(before, "curl --fail --request DELETE --user admin");
    // What curl asks for, it is told here.
    let told = format!("{before}:'{PASSWORD}' {url}");
    let _ = world.run(world.command("sh").args(["-c", &told]), "").done();
    assert!(!world.gitea.knows("admin", &nowhere) && world.gitea.knows("admin", &in_secret));
    let after = world.regcred_with(TOKENS, PASSWORD);
    assert!(!after.stdout.contains("token-unused"), "{after}");
    let document = world.regcred_with(&format!("{TOKENS} -o json"), PASSWORD).stdout;
    let document: Value = serde_json::from_str(&document).unwrap();
    let used: Vec<&Value> = document["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| &token["usedBy"])
        .collect();
    assert_eq!(
        serde_json::to_string(&used).unwrap(),
        r#"[["secrets"],["cluster"],["files"]]"#
    );
    assert!(!document.to_string().contains(&in_file[..32]), "no token is in it");
}

finding!(
    token_unused_is_not_one_of_a_pipeline,
    Code::TokenUnused,
    on(DOUBLES, REAL)
);
/// No server shows what is in a secret of Actions: the ledger knows.
fn token_unused_is_not_one_of_a_pipeline(world: &mut World) {
    world.well();
    world.gitea.add_repository("admin", "web");
    let place = "repo:admin/web/REGISTRY_TOKEN";
    for line in [
        "login [REGISTRY] -u admin --use ci --mint --password-stdin".to_owned(),
        format!("sync --registry [REGISTRY] --use ci --password-stdin --actions-secret {place}"),
        format!("rotate [REGISTRY] --use ci --mint --password-stdin --keep-old --skip-actions {place}"),
    ] {
        world.regcred_with(&line, PASSWORD).done();
    }
    let ran = world.regcred_with(&format!("{TOKENS} -o json"), PASSWORD);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran}"));
    let tokens = document["tokens"].as_array().unwrap().iter();
    let in_pipelines = tokens.filter(|token| token["usedBy"] == serde_json::json!(["actions"]));
    assert_eq!(in_pipelines.count(), 1, "{ran}");
    let ran = world.regcred_with(TOKENS, PASSWORD);
    assert!(!ran.stdout.contains("token-unused"), "{ran}");
    // One that is nowhere.
    world.token("read:package");
    let ran = world.regcred_with(TOKENS, PASSWORD);
    world.found(Code::TokenUnused, &ran);
}

finding!(
    tokens_not_listed_for_a_wrong_password,
    Code::TokensNotListed,
    on(DOUBLES, REAL)
);
fn tokens_not_listed_for_a_wrong_password(world: &mut World) {
    world.well();
    let ran = world.regcred_with(TOKENS, "wrong");
    let (text, _) = world.found(Code::TokensNotListed, &ran);
    assert!(ran.code == 1 && text.contains("account admin at [REGISTRY]"), "{ran}");
    assert!(ran.stdout.contains("in sync"), "the rest is looked at: {ran}");
    let ran = world.regcred_with(TOKENS, PASSWORD);
    assert!(ran.code == 0 && !ran.stdout.contains("tokens-not-listed"), "{ran}");
}

scenario!(one_password_is_for_one_account, on(DOUBLES));
fn one_password_is_for_one_account(world: &mut World) {
    world.well();
    world.gitea.add_user("reader");
    let token = world.gitea.add_token("reader", "read:package");
    let login = "login [REGISTRY] -u reader --token-stdin";
    world.regcred_with(login, &token).done();
    let ran = world.regcred_with(TOKENS, PASSWORD);
    assert!(
        ran.code == 2 && ran.stderr.contains("admin at [REGISTRY], reader at [REGISTRY]"),
        "{ran}"
    );
    let ran = world.regcred_with(&format!("{TOKENS} --username admin"), PASSWORD);
    assert!(ran.code == 0 && ran.stdout.contains("[REGISTRY]   admin   "), "{ran}");
}
