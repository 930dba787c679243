//! Another command replaces the keychain's credential while `sync` is under way, as `rotate` in another terminal does.

use regcred::model::Use;
use snapbox::str;

use crate::support::world::{World, credential};

const SECRET: &str = "gitea-credentials";
const LOGIN: &str = "login [REGISTRY] -u admin --use cluster --token-stdin";

/// A Secret with the first of the tokens, and a keychain with the second.
fn begun() -> (World, [String; 3]) {
    let world = World::of_doubles();
    let tokens = [(); 3].map(|()| world.gitea.add_token("admin", "read:package"));
    world.regcred_with(LOGIN, &tokens[0]).done();
    world.regcred("sync -n [NAMESPACE]").done();
    world.regcred_with(LOGIN, &tokens[1]).done();
    (world, tokens)
}

/// Puts the token into the keychain.
fn replacing(world: &World, token: &str) -> impl Fn() + Send + use<> {
    let (keychain, new) = (world.keychain(), credential(&world.registry(), "admin", token));
    move || keychain.put(Use::Cluster, &new).unwrap()
}

scenario!(a_token_that_is_replaced_before_the_first_write_is_not_written);
fn a_token_that_is_replaced_before_the_first_write_is_not_written() {
    let (world, [first, _, third]) = begun();
    let replace = replacing(&world, &third);
    world.api_server().answer_lists(move |_| {
        replace();
        None
    });
    world.regcred("sync -A").says(str![[r#"
exit 1
--- stdout
--- stderr
error: secret/gitea-credentials in namespace [NAMESPACE] was not written: the keychain's credential of [REGISTRY] for cluster was replaced meanwhile
hint: run it again

"#]]);
    assert!(world.document(SECRET).contains(&first));
    world.regcred("sync -A").done();
    assert!(world.document(SECRET).contains(&third));
}

scenario!(a_token_that_was_taken_out_before_the_first_write_is_not_written);
fn a_token_that_was_taken_out_before_the_first_write_is_not_written() {
    let (world, [first, ..]) = begun();
    let (keychain, registry) = (world.keychain(), world.registry().parse().unwrap());
    world.api_server().answer_lists(move |_| {
        keychain.delete(&registry, Use::Cluster).unwrap();
        None
    });
    let ran = world.regcred("sync -A");
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran}");
    let says = "the keychain's credential of [REGISTRY] for cluster was taken out meanwhile\n";
    assert!(ran.stderr.contains(says), "{ran}");
    assert!(world.document(SECRET).contains(&first));
}

scenario!(a_token_that_is_replaced_while_it_is_written_is_a_failure);
fn a_token_that_is_replaced_while_it_is_written_is_a_failure() {
    let (world, [_, second, third]) = begun();
    let replace = replacing(&world, &third);
    world.api_server().before_next_write(move |_| replace());
    world.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 1
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr
error: a token was written that may not be the latest: the keychain's credential of [REGISTRY] for cluster was replaced meanwhile
hint: run it again
1 configured, 1 failed

"#]]);
    assert!(world.document(SECRET).contains(&second));
    world.regcred("sync -n [NAMESPACE]").done();
    assert!(world.document(SECRET).contains(&third));
}

scenario!(a_token_that_is_replaced_meanwhile_is_given_to_no_pipeline);
fn a_token_that_is_replaced_meanwhile_is_given_to_no_pipeline() {
    let (world, [_, second, third]) = begun();
    world.gitea.add_repository("admin", "web");
    let file = world.folder().join("regcred.yaml");
    let (registry, namespace) = (world.registry(), &world.namespace);
    let list = format!(
        "registries:\n- registry: {registry}\n  use: cluster\n  actions: [repo:admin/web/T]\n  secrets:\n  - {{namespace: {namespace}}}\n"
    );
    std::fs::write(&file, list).unwrap();
    let sync = || {
        let line = format!("sync -f {} --password-stdin", file.display());
        world.regcred_with(&line, "password of admin\n")
    };
    let has = |token: &str| world.gitea.pipeline_has("repos/admin/web", "T", token);
    let replace = replacing(&world, &third);
    world.api_server().before_next_write(move |_| replace());
    let ran = sync();
    assert_eq!(ran.code, 1, "{ran}");
    let says = "error: repo:admin/web/T: the keychain's credential of [REGISTRY] for cluster was replaced meanwhile\n";
    assert!(ran.stderr.contains(says), "{ran}");
    assert!(
        ran.stderr
            .contains("error: a token was written that may not be the latest: "),
        "{ran}"
    );
    assert!(!has(&second) && !has(&third), "{ran}");
    sync().done();
    assert!(has(&third) && world.document(SECRET).contains(&third));
}
