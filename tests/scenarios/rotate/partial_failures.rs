//! Failures in part: the old token stays alive, the exit code is 1, and the message says how to finish it.

use regcred::keychain::StoredItem;
use regcred::model::{Credential, Token, Use};

use super::fixture::{Rotation, SECRET, token};
use crate::support::api_server::{ApiServer, Fault};
use crate::support::gitea::Profile;
use crate::support::http::Answer;
use crate::support::world::{Ran, World};

fn rotation() -> Rotation {
    Rotation::new(World::of_doubles(), Use::Cluster)
}

/// `rotate` with a new token in a variable.
fn begin(rotation: &mut Rotation, args: &str) -> Ran {
    let token = rotation.another_token();
    rotation.world.variables.insert("NEW_TOKEN".to_owned(), token.into());
    rotation.rotate(&format!("--token-env NEW_TOKEN --plain-http {args}"))
}

/// It failed, nothing is broken, and it says how to go on.
fn check_pending(rotation: &Rotation, ran: &Ran) {
    assert_eq!(ran.code, 1, "{ran}");
    rotation.check("failed in part");
    assert!(rotation.works(&rotation.old), "the old token is alive: {ran}");
    for way in ["--resume finishes it", "--abort goes back to the old token"] {
        let says = format!("hint: kubectl regcred rotate [REGISTRY] --use cluster {way}\n");
        assert!(ran.stderr.contains(&says), "{says}{ran}");
    }
    assert!(rotation.kept().rotation.is_some());
}

fn resumed(rotation: &Rotation) {
    let ran = rotation.rotate("--resume");
    assert_eq!(ran.code, 0, "{ran}");
    rotation.check_ended("resumed");
    assert!(!rotation.works(&rotation.old), "{ran}");
}

/// Three contexts: two lead to the double, the third to a server that can be stopped.
fn three_contexts(rotation: &Rotation, third: &str) {
    let double = rotation.world.api_server().url();
    rotation.set_contexts(&[("one", double.clone()), ("two", double), ("three", third.to_owned())]);
}

const CONTEXTS: &str = "--context one --context two --context three";

/// A second cluster with the same Secret.
fn second_cluster(rotation: &Rotation) -> ApiServer {
    let server = ApiServer::start();
    server.create_namespace(&rotation.world.namespace);
    let secret = rotation.world.secret(SECRET).unwrap();
    server.put_secret(&rotation.world.namespace, &secret);
    server
}

fn third_holds(rotation: &Rotation, third: &ApiServer) -> String {
    let secret = third.secret(&rotation.world.namespace, SECRET).unwrap();
    token(&secret, &rotation.world.registry()).unwrap()
}

scenario!(one_of_three_contexts_away);
fn one_of_three_contexts_away() {
    let mut rotation = rotation();
    let third = second_cluster(&rotation);
    three_contexts(&rotation, &third.url());
    third.fail(Fault::Cut, u32::MAX);
    let flags = format!("-n {} {CONTEXTS}", rotation.world.namespace);
    let ran = begin(&mut rotation, &flags);
    check_pending(&rotation, &ran);
    assert!(
        ran.stderr.contains("error: context three: cannot reach the API server"),
        "{ran}"
    );
    assert!(
        ran.stdout
            .contains("configured in namespace [NAMESPACE] of context one\n"),
        "{ran}"
    );
    assert_eq!(third_holds(&rotation, &third), rotation.old);
    assert_eq!(rotation.served(), rotation.old, "not everywhere, so not current");

    // Again, while it is still away.
    check_pending(&rotation, &rotation.rotate("--resume"));
    third.recover();
    // The other namespaces have the old token, and were not named.
    let ran = rotation.rotate("--resume");
    assert!(
        ran.stderr.contains("the old token is not revoked: it is also in "),
        "{ran}"
    );
    check_pending(&rotation, &ran);
    assert_ne!(
        rotation.served(),
        rotation.old,
        "every Secret that was named has the new one"
    );
    rotation.world.regcred("sync -A --context one").done();
    resumed(&rotation);
    assert_eq!(third_holds(&rotation, &third), rotation.served());
}

scenario!(one_of_three_contexts_away_whose_secrets_nobody_knows);
fn one_of_three_contexts_away_whose_secrets_nobody_knows() {
    let mut rotation = rotation();
    let third = second_cluster(&rotation);
    three_contexts(&rotation, &third.url());
    third.fail(Fault::Cut, u32::MAX);
    let ran = begin(&mut rotation, &format!("-A {CONTEXTS}"));
    check_pending(&rotation, &ran);
    assert_eq!(
        ran.stderr.matches("context three: cannot reach").count(),
        1,
        "said once: {ran}"
    );
    // Back, without the one that was never written.
    let ran = rotation.rotate("--abort");
    assert_eq!(ran.code, 0, "{ran}");
    rotation.check_ended("aborted");
    assert_eq!(rotation.served(), rotation.old);

    let ran = begin(&mut rotation, &format!("-A {CONTEXTS}"));
    check_pending(&rotation, &ran);
    third.recover();
    resumed(&rotation);
    assert_eq!(third_holds(&rotation, &third), rotation.served());

    // A cluster that never comes back is given up by name.
    rotation.again();
    third.fail(Fault::Cut, u32::MAX);
    let ran = begin(&mut rotation, &format!("-A {CONTEXTS}"));
    check_pending(&rotation, &ran);
    let ran = rotation.rotate("--resume --skip-context three");
    assert_eq!(ran.code, 0, "{ran}");
    rotation.check_ended("without the third");
}

scenario!(something_else_answers_in_the_place_of_one_of_three_contexts);
/// Each way in which something else may answer in the place of one cluster, before a rotation begins and before it ends.
fn something_else_answers_in_the_place_of_one_of_three_contexts() {
    let no_page = Fault::Foreign(404, "text/plain", "404 page not found\n");
    let empty = Fault::Foreign(200, "application/json", "{}");
    for answer in [no_page, empty] {
        let mut rotation = rotation();
        let third = second_cluster(&rotation);
        three_contexts(&rotation, &third.url());
        third.fail(answer, u32::MAX);
        let ran = begin(&mut rotation, &format!("-A {CONTEXTS}"));
        check_pending(&rotation, &ran);
        assert_eq!(third_holds(&rotation, &third), rotation.old);
        third.recover();
        resumed(&rotation);
        assert_eq!(third_holds(&rotation, &third), rotation.served());

        // Its Secret was written by name; whether others have the old token cannot be seen.
        let mut rotation = self::rotation();
        let third = second_cluster(&rotation);
        three_contexts(&rotation, &third.url());
        third.fail_lists_of("secrets", answer);
        let flags = format!("-n {} --context three", rotation.world.namespace);
        let ran = begin(&mut rotation, &flags);
        check_pending(&rotation, &ran);
        third.recover();
    }
}

scenario!(a_forbidden_namespace);
fn a_forbidden_namespace() {
    let mut rotation = rotation();
    let namespace = rotation.namespaces[1].clone();
    rotation.world.api_server().forbid("patch", &namespace);
    let flags = rotation.flags();
    let ran = begin(&mut rotation, &flags);
    check_pending(&rotation, &ran);
    assert!(
        ran.stderr.contains("may not patch secrets in namespace team-b"),
        "{ran}"
    );
    assert!(ran.stderr.contains("kind: Role"), "{ran}");
    assert!(ran.stderr.contains("2 configured, 1 failed\n"), "{ran}");
    assert_eq!(rotation.held(&namespace), Some(rotation.old.clone()));
    rotation.world.api_server().allow("patch", &namespace);
    resumed(&rotation);
}

scenario!(the_registry_down_between_verify_and_revoke);
fn the_registry_down_between_verify_and_revoke() {
    for way in ["--resume", "--abort"] {
        let mut rotation = rotation();
        let state = rotation.world.gitea.shared();
        rotation.world.api_server().before_next_write(move |_| {
            let down = Answer::text(502, "the registry is down");
            state.lock().unwrap().replaced.push(("/v2/".to_owned(), down));
        });
        let flags = rotation.flags();
        let ran = begin(&mut rotation, &flags);
        check_pending(&rotation, &ran);
        assert!(ran.stderr.contains("the old token was not revoked"), "{ran}");
        assert!(
            ran.stderr
                .contains("the Secrets of this rotation hold the new token; the old one may be alive\n"),
            "{ran}"
        );
        assert!(rotation.all_held().iter().all(|held| *held != rotation.old), "{ran}");
        // Neither way goes on blindly.
        check_pending(&rotation, &rotation.rotate(way));
        rotation.world.gitea.state().replaced.clear();
        if way == "--resume" {
            resumed(&rotation);
        } else {
            let ran = rotation.rotate(way);
            assert_eq!(ran.code, 0, "{ran}");
            rotation.check_ended(way);
            assert_eq!(rotation.served(), rotation.old);
        }
    }
}

scenario!(a_secret_elsewhere_that_has_the_old_token);
fn a_secret_elsewhere_that_has_the_old_token() {
    let mut rotation = rotation();
    let flags = format!("-n {}", rotation.namespaces[0]);
    let ran = begin(&mut rotation, &flags);
    check_pending(&rotation, &ran);
    let says = "the old token is not revoked: it is also in secret/gitea-credentials in namespace team-b, \
                secret/gitea-credentials in namespace team-c\n";
    assert!(ran.stderr.contains(says), "{ran}");
    rotation.world.regcred("sync -A").done();
    resumed(&rotation);

    // Who may not list Secrets cannot know, and the old token stays until that is given up by name.
    let mut rotation = self::rotation();
    rotation.world.api_server().forbid("list", "");
    let flags = rotation.flags();
    let ran = begin(&mut rotation, &flags);
    check_pending(&rotation, &ran);
    let says = "error: the old token is not revoked, because not every Secret that may hold it could be read: \
                context double was not searched: admin may not list secrets\n";
    assert!(ran.stderr.contains(says), "{ran}");
    assert!(
        ran.stderr.contains("verbs: [get, list]\n"),
        "the Role grants what is lacking: {ran}"
    );
    let ran = rotation.rotate("--resume --skip-search double");
    assert_eq!(ran.code, 0, "{ran}");
    rotation.check_ended("given up");
    assert!(!rotation.works(&rotation.old), "{ran}");
}

scenario!(a_context_that_leads_to_another_cluster);
fn a_context_that_leads_to_another_cluster() {
    let mut rotation = rotation();
    let third = second_cluster(&rotation);
    three_contexts(&rotation, &third.url());
    third.fail_in(&rotation.world.namespace, Fault::Status(500, None));
    let flags = format!("-n {} --context three", rotation.world.namespace);
    let ran = begin(&mut rotation, &flags);
    check_pending(&rotation, &ran);
    three_contexts(&rotation, &rotation.world.api_server().url());
    let ran = rotation.rotate("--resume");
    check_pending(&rotation, &ran);
    assert!(
        ran.stderr.contains(" when this rotation began, and points to "),
        "{ran}"
    );
    assert_eq!(
        rotation.all_held(),
        vec![rotation.old.clone(); 3],
        "nothing was written there"
    );
}

/// A cluster that says which one it is, always the same, with the same Secret.
fn same_cluster(rotation: &Rotation) -> ApiServer {
    let server = ApiServer::start();
    // The first object of a double always has the same uid.
    server.create_namespace("kube-system");
    server.create_namespace(&rotation.world.namespace);
    let secret = rotation.world.secret(SECRET).unwrap();
    server.put_secret(&rotation.world.namespace, &secret);
    server
}

scenario!(the_same_cluster_at_another_address);
/// As minikube, kind and k3d have it, whose port is another one after a restart.
fn the_same_cluster_at_another_address() {
    let mut rotation = rotation();
    let third = same_cluster(&rotation);
    three_contexts(&rotation, &third.url());
    third.fail_in(&rotation.world.namespace, Fault::Status(500, None));
    let flags = format!("-n {} --context three", rotation.world.namespace);
    let ran = begin(&mut rotation, &flags);
    check_pending(&rotation, &ran);
    let restarted = same_cluster(&rotation);
    three_contexts(&rotation, &restarted.url());
    // The other contexts have Secrets with the old token.
    let ran = rotation.rotate("--resume --keep-old");
    assert_eq!(ran.code, 0, "{ran}");
    assert_ne!(rotation.served(), rotation.old, "{ran}");
    assert_eq!(third_holds(&rotation, &restarted), rotation.served());
}

scenario!(another_cluster_at_the_same_address);
fn another_cluster_at_the_same_address() {
    let mut rotation = rotation();
    let third = second_cluster(&rotation);
    third.create_namespace("kube-system");
    three_contexts(&rotation, &third.url());
    third.fail_in(&rotation.world.namespace, Fault::Status(500, None));
    let flags = format!("-n {} --context three", rotation.world.namespace);
    let ran = begin(&mut rotation, &flags);
    check_pending(&rotation, &ran);
    third.create_namespace("kube-system");
    third.remove_object("secrets", &rotation.world.namespace, SECRET);
    third.recover();
    let ran = rotation.rotate("--resume");
    check_pending(&rotation, &ran);
    let says = "the context pointed to the cluster uid:";
    assert!(ran.stderr.contains(says), "{says}{ran}");
}

scenario!(a_token_under_two_names_of_a_registry);
fn a_token_under_two_names_of_a_registry() {
    let mut rotation = rotation();
    let credential = Credential {
        registry: "other.example.com".parse().unwrap(),
        username: "admin".parse().unwrap(),
        token: Token::parse(&rotation.old).unwrap(),
    };
    rotation.world.keychain().put(Use::Docker, &credential).unwrap();
    let says =
        "the same token is also stored for docker at other.example.com, which would stop working when it is revoked\n";
    let flags = rotation.flags();
    for ran in [
        begin(&mut rotation, &flags),
        rotation
            .world
            .regcred("logout [REGISTRY] --use cluster --revoke --revoke-anyway"),
    ] {
        assert!(ran.stderr.contains(says) && ran.code == 1, "{says}{ran}");
    }
    assert!(rotation.works(&rotation.old));
    assert_eq!(rotation.all_held(), vec![rotation.old.clone(); 3]);
}

/// A rotation of the same registry's token for docker, which waits for the account's password.
fn pending_for_docker(world: &World) {
    let [old, new] = [(); 2].map(|()| world.gitea.add_token("admin", "write:package"));
    world
        .regcred_with("login [REGISTRY] -u admin --token-stdin", &old)
        .done();
    world.gitea.state().profile = Profile::V1_25;
    let ran = world.regcred_with("rotate [REGISTRY] --use docker --no-secrets --token-stdin", &new);
    assert!(ran.code == 1 && ran.stderr.contains("was not revoked"), "{ran}");
    world.gitea.state().profile = Profile::V1_27;
}

scenario!(what_is_to_be_typed_is_about_this_rotation);
/// Another one is pending too. A Secret that was written is gone before it is read back, or holds the old token again.
fn what_is_to_be_typed_is_about_this_rotation() {
    for (is_gone, begins) in [
        (true, "hint: if this is intended: kubectl regcred "),
        (false, "hint: to leave it as it is: kubectl regcred "),
    ] {
        let mut rotation = rotation();
        pending_for_docker(&rotation.world);
        let (namespaces, registry, old) = (
            rotation.namespaces.clone(),
            rotation.world.registry(),
            rotation.old.clone(),
        );
        let before = rotation.world.secret(SECRET).unwrap()["data"].clone();
        let server = rotation.world.api_server();
        server.before_next_write(|_| {});
        server.before_next_write(move |store| {
            let is_written = |name: &&String| token(store.get(name, SECRET).unwrap(), &registry).unwrap() != old;
            let written = namespaces.iter().find(is_written).unwrap();
            if is_gone {
                store.remove(written, SECRET);
            } else {
                store.update(written, SECRET, "somebody", |secret| secret["data"] = before);
            }
        });
        let flags = rotation.flags();
        let ran = begin(&mut rotation, &flags);
        assert_eq!(ran.code, 1, "{ran}");
        let line = ran.stderr.lines().find_map(|line| line.strip_prefix(begins));
        let line = line.unwrap_or_else(|| panic!("{ran}"));
        assert!(
            line.starts_with("rotate [REGISTRY] --use cluster --resume --skip-secret "),
            "{ran}"
        );
        let ran = rotation.world.regcred(line);
        assert_eq!(ran.code, 0, "{ran}");
        assert!(!rotation.works(&rotation.old), "{ran}");
        // The other one is as it was.
        let ran = rotation.world.regcred("rotate --resume");
        assert!(ran.stderr.contains("for docker"), "{ran}");
    }
}

scenario!(docker_setup_waits_for_the_end_of_it);
fn docker_setup_waits_for_the_end_of_it() {
    let rotation = rotation();
    let world = &rotation.world;
    pending_for_docker(world);
    let filed = world.gitea.add_token("admin", "write:package");
    world.write_docker(&format!(
        r#"{{"auths":{{"[REGISTRY]":{{"auth":"[auth:admin:{filed}]"}}}}}}"#
    ));
    let ran = world.regcred("docker setup");
    let says = "hint: finish it with: kubectl regcred rotate [REGISTRY] --use docker --resume; then set up again\n";
    assert!(ran.code == 1 && ran.stderr.contains(says), "{says}{ran}");
}

/// A rotation that failed in part, and its new token.
fn pending(rotation: &mut Rotation) -> String {
    let namespace = rotation.namespaces[2].clone();
    rotation.world.api_server().forbid("patch", &namespace);
    let flags = rotation.flags();
    let ran = begin(rotation, &flags);
    check_pending(rotation, &ran);
    rotation.world.api_server().allow("patch", &namespace);
    let StoredItem { rotation, .. } = rotation.kept();
    rotation.unwrap().other.unwrap().token.expose().to_owned()
}

scenario!(a_new_token_that_dies);
fn a_new_token_that_dies() {
    let mut rotation = rotation();
    let new = pending(&mut rotation);
    rotation.world.gitea.revoke(&new);
    let before = rotation.all_held();
    let ran = rotation.rotate("--resume");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("does not accept the new token"), "{ran}");
    assert_eq!(rotation.all_held(), before, "a dead token is spread no further");
    let ran = rotation.rotate("--abort");
    assert_eq!(ran.code, 0, "{ran}");
    rotation.check_ended("aborted");
}

scenario!(an_old_token_that_dies);
fn an_old_token_that_dies() {
    let mut rotation = rotation();
    pending(&mut rotation);
    let old = rotation.old.clone();
    rotation.world.gitea.revoke(&old);
    let before = rotation.all_held();
    let ran = rotation.rotate("--abort");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("does not accept the old token"), "{ran}");
    assert_eq!(rotation.all_held(), before, "a dead token is spread no further");
    resumed(&rotation);
}

scenario!(both_die);
fn both_die() {
    let mut rotation = rotation();
    let new = pending(&mut rotation);
    let old = rotation.old.clone();
    rotation.world.gitea.revoke(&old);
    rotation.world.gitea.revoke(&new);
    // A third one cannot be stored before the rotation is ended.
    let third = rotation.another_token();
    let login = "login [REGISTRY] -u admin --use cluster --token-stdin";
    let ran = rotation.world.regcred_with(login, &third);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stderr.contains("is being rotated") && ran.stderr.contains("--abort"),
        "{ran}"
    );
    let ran = rotation.rotate("--abort");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("neither the old token nor the new one"), "{ran}");
    rotation.world.regcred_with(login, &third).done();
    rotation.world.regcred(&format!("sync {}", rotation.flags())).done();
    rotation.check_ended("a third token");
}

scenario!(nothing_is_begun_where_nothing_can_be_reached);
fn nothing_is_begun_where_nothing_can_be_reached() {
    let mut rotation = rotation();
    rotation.world.api_server().fail(Fault::Cut, u32::MAX);
    let flags = rotation.flags();
    let ran = begin(&mut rotation, &flags);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stderr.contains("cannot reach") && ran.stderr.contains("hint: the rotation was not started\n"),
        "{ran}"
    );
    rotation.world.api_server().recover();
    rotation.check_ended("the rotation was not started");
    // Nor with a token that does not work, or is the old one.
    for (token, says) in [
        ("0000000000", "does not accept"),
        (rotation.old.clone().as_str(), "a rotation needs a different one"),
    ] {
        rotation.world.variables.insert("NEW_TOKEN".to_owned(), token.into());
        let ran = rotation.rotate(&format!("{flags} --token-env NEW_TOKEN --plain-http"));
        assert_eq!(ran.code, 1, "{ran}");
        assert!(ran.stderr.contains(says), "{ran}");
        rotation.check_ended("the rotation was not started");
    }
    // Nor where nothing would get it.
    let ran = begin(&mut rotation, "-l team=none");
    assert!(ran.code == 1 && ran.stderr.contains("no Secret was found"), "{ran}");
    rotation.check_ended("the rotation was not started");
}
