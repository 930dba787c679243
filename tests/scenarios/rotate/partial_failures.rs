//! Failures in part: the old token stays alive, the exit code is 1, and the message says how to finish it.

use regcred::keychain::Kept;
use regcred::model::Use;

use super::place::{Place, SECRET};
use crate::support::api_server::{ApiServer, Fault};
use crate::support::http::Answer;
use crate::support::world::{Ran, World};

fn place() -> Place {
    Place::new(World::of_doubles(), Use::Cluster)
}

/// `rotate` with a new token in a variable.
fn begin(place: &mut Place, args: &str) -> Ran {
    let token = place.another_token();
    place.world.variables.insert("NEW_TOKEN".to_owned(), token.into());
    place.rotate(&format!("--token-env NEW_TOKEN --plain-http {args}"))
}

/// It failed, nothing is broken, and it says how to go on.
fn check_pending(place: &Place, ran: &Ran) {
    assert_eq!(ran.code, 1, "{ran}");
    place.check("failed in part");
    assert!(place.works(&place.old), "the old token is alive: {ran}");
    for way in ["--resume finishes it", "--abort goes back to the old token"] {
        let says = format!("hint: kubectl regcred rotate [REGISTRY] --use cluster {way}\n");
        assert!(ran.stderr.contains(&says), "{says}{ran}");
    }
    assert!(place.kept().rotation.is_some());
}

fn resumed(place: &Place) {
    let ran = place.rotate("--resume");
    assert_eq!(ran.code, 0, "{ran}");
    place.check_ended("resumed");
    assert!(!place.works(&place.old), "{ran}");
}

/// Three contexts: two lead to the double, the third to a server that can be stopped.
fn three_contexts(place: &Place, third: &str) {
    let server = place.world.api_server();
    let cluster = |name: &str, url: &str| format!("- {{name: {name}, cluster: {{server: '{url}'}}}}\n");
    let context =
        |name: &str, cluster: &str| format!("- {{name: {name}, context: {{cluster: {cluster}, user: user}}}}\n");
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: one\nclusters:\n{}{}contexts:\n{}{}{}users:\n- name: user\n  user: {{token: {}}}\n",
        cluster("double", &server.url()),
        cluster("third", third),
        context("one", "double"),
        context("two", "double"),
        context("three", "third"),
        crate::support::api_server::ADMIN_TOKEN,
    );
    std::fs::write(place.world.folder().join("kubeconfig"), config).unwrap();
}

const CONTEXTS: &str = "--context one --context two --context three";

/// A second cluster with the same Secret.
fn second_cluster(place: &Place) -> ApiServer {
    let server = ApiServer::start();
    server.create_namespace(&place.world.namespace);
    let secret = place.world.secret(SECRET).unwrap();
    server.put_secret(&place.world.namespace, &secret);
    server
}

fn third_holds(place: &Place, third: &ApiServer) -> String {
    let secret = third.secret(&place.world.namespace, SECRET).unwrap();
    super::place::token(&secret, &place.world.registry()).unwrap()
}

scenario!(one_of_three_contexts_away);
fn one_of_three_contexts_away() {
    let mut place = place();
    let third = second_cluster(&place);
    three_contexts(&place, &third.url());
    third.fail(Fault::Cut, u32::MAX);
    let flags = format!("-n {} {CONTEXTS}", place.world.namespace);
    let ran = begin(&mut place, &flags);
    check_pending(&place, &ran);
    assert!(
        ran.stderr.contains("error: context three: cannot reach the API server"),
        "{ran}"
    );
    assert!(
        ran.stdout
            .contains("configured in namespace [NAMESPACE] of context one\n"),
        "{ran}"
    );
    assert_eq!(third_holds(&place, &third), place.old);
    assert_eq!(place.served(), place.old, "not everywhere, so not current");

    // Again, while it is still away.
    check_pending(&place, &place.rotate("--resume"));
    third.recover();
    // The other namespaces have the old token, and were not named.
    let ran = place.rotate("--resume");
    assert!(
        ran.stderr.contains("the old token is not revoked: it is also in "),
        "{ran}"
    );
    check_pending(&place, &ran);
    assert_ne!(place.served(), place.old, "every Secret that was named has the new one");
    place.world.regcred("sync -A --context one").done();
    resumed(&place);
    assert_eq!(third_holds(&place, &third), place.served());
}

scenario!(one_of_three_contexts_away_whose_secrets_nobody_knows);
fn one_of_three_contexts_away_whose_secrets_nobody_knows() {
    let mut place = place();
    let third = second_cluster(&place);
    three_contexts(&place, &third.url());
    third.fail(Fault::Cut, u32::MAX);
    let ran = begin(&mut place, &format!("-A {CONTEXTS}"));
    check_pending(&place, &ran);
    assert_eq!(
        ran.stderr.matches("context three: cannot reach").count(),
        1,
        "said once: {ran}"
    );
    // Back, without the one that was never written.
    let ran = place.rotate("--abort");
    assert_eq!(ran.code, 0, "{ran}");
    place.check_ended("aborted");
    assert_eq!(place.served(), place.old);

    let ran = begin(&mut place, &format!("-A {CONTEXTS}"));
    check_pending(&place, &ran);
    third.recover();
    resumed(&place);
    assert_eq!(third_holds(&place, &third), place.served());

    // A cluster that never comes back is given up by name.
    place.again();
    third.fail(Fault::Cut, u32::MAX);
    let ran = begin(&mut place, &format!("-A {CONTEXTS}"));
    check_pending(&place, &ran);
    let ran = place.rotate("--resume --skip-context three");
    assert_eq!(ran.code, 0, "{ran}");
    place.check_ended("without the third");
}

scenario!(something_else_answers_in_the_place_of_one_of_three_contexts);
/// Each way in which something else may answer in the place of one cluster, before a rotation begins and before it ends.
fn something_else_answers_in_the_place_of_one_of_three_contexts() {
    let no_page = Fault::Foreign(404, "text/plain", "404 page not found\n");
    let empty = Fault::Foreign(200, "application/json", "{}");
    for answer in [no_page, empty] {
        let mut place = place();
        let third = second_cluster(&place);
        three_contexts(&place, &third.url());
        third.fail(answer, u32::MAX);
        let ran = begin(&mut place, &format!("-A {CONTEXTS}"));
        check_pending(&place, &ran);
        assert_eq!(third_holds(&place, &third), place.old);
        third.recover();
        resumed(&place);
        assert_eq!(third_holds(&place, &third), place.served());

        // Its Secret was written by name; whether others have the old token cannot be seen.
        let mut place = self::place();
        let third = second_cluster(&place);
        three_contexts(&place, &third.url());
        third.fail_lists_of("secrets", answer);
        let flags = format!("-n {} --context three", place.world.namespace);
        let ran = begin(&mut place, &flags);
        check_pending(&place, &ran);
        third.recover();
    }
}

scenario!(a_forbidden_namespace);
fn a_forbidden_namespace() {
    let mut place = place();
    let namespace = place.namespaces[1].clone();
    place.world.api_server().forbid("patch", &namespace);
    let flags = place.flags();
    let ran = begin(&mut place, &flags);
    check_pending(&place, &ran);
    assert!(
        ran.stderr.contains("may not patch secrets in namespace team-b"),
        "{ran}"
    );
    assert!(ran.stderr.contains("kind: Role"), "{ran}");
    assert!(ran.stderr.contains("2 configured, 1 failed\n"), "{ran}");
    assert_eq!(place.held(&namespace), Some(place.old.clone()));
    place.world.api_server().allow("patch", &namespace);
    resumed(&place);
}

scenario!(the_registry_down_between_verify_and_revoke);
fn the_registry_down_between_verify_and_revoke() {
    for way in ["--resume", "--abort"] {
        let mut place = place();
        let state = place.world.gitea.shared();
        place.world.api_server().before_next_write(move |_| {
            let down = Answer::text(502, "the registry is down");
            state.lock().unwrap().replaced.push(("/v2/".to_owned(), down));
        });
        let flags = place.flags();
        let ran = begin(&mut place, &flags);
        check_pending(&place, &ran);
        assert!(ran.stderr.contains("the old token was not revoked"), "{ran}");
        assert!(
            ran.stderr
                .contains("the new token is in use everywhere; the old one may be alive\n"),
            "{ran}"
        );
        assert!(place.all_held().iter().all(|held| *held != place.old), "{ran}");
        // Neither way goes on blindly.
        check_pending(&place, &place.rotate(way));
        place.world.gitea.state().replaced.clear();
        if way == "--resume" {
            resumed(&place);
        } else {
            let ran = place.rotate(way);
            assert_eq!(ran.code, 0, "{ran}");
            place.check_ended(way);
            assert_eq!(place.served(), place.old);
        }
    }
}

scenario!(a_secret_elsewhere_that_has_the_old_token);
fn a_secret_elsewhere_that_has_the_old_token() {
    let mut place = place();
    let flags = format!("-n {}", place.namespaces[0]);
    let ran = begin(&mut place, &flags);
    check_pending(&place, &ran);
    let says = "the old token is not revoked: it is also in secret/gitea-credentials in namespace team-b, \
                secret/gitea-credentials in namespace team-c\n";
    assert!(ran.stderr.contains(says), "{ran}");
    place.world.regcred("sync -A").done();
    resumed(&place);

    // Who may not list Secrets cannot know, and the old token stays until that is given up by name.
    let mut place = self::place();
    place.world.api_server().forbid("list", "");
    let flags = place.flags();
    let ran = begin(&mut place, &flags);
    check_pending(&place, &ran);
    let says = "error: the old token is not revoked, because not every Secret could be looked at that may hold it: \
                admin may not list secrets\n";
    assert!(ran.stderr.contains(says), "{ran}");
    assert!(
        ran.stderr.contains("verbs: [get, list]\n"),
        "the Role grants what is lacking: {ran}"
    );
    let ran = place.rotate("--resume --skip-search double");
    assert_eq!(ran.code, 0, "{ran}");
    place.check_ended("given up");
    assert!(!place.works(&place.old), "{ran}");
}

scenario!(a_context_that_leads_to_another_cluster);
fn a_context_that_leads_to_another_cluster() {
    let mut place = place();
    let third = second_cluster(&place);
    three_contexts(&place, &third.url());
    third.fail_in(&place.world.namespace, Fault::Status(500, None));
    let flags = format!("-n {} --context three", place.world.namespace);
    let ran = begin(&mut place, &flags);
    check_pending(&place, &ran);
    three_contexts(&place, &place.world.api_server().url());
    let ran = place.rotate("--resume");
    check_pending(&place, &ran);
    assert!(ran.stderr.contains(" when this rotation began, and leads to "), "{ran}");
    assert_eq!(
        place.all_held(),
        vec![place.old.clone(); 3],
        "nothing was written there"
    );
}

/// A rotation that failed in part, and its new token.
fn pending(place: &mut Place) -> String {
    let namespace = place.namespaces[2].clone();
    place.world.api_server().forbid("patch", &namespace);
    let flags = place.flags();
    let ran = begin(place, &flags);
    check_pending(place, &ran);
    place.world.api_server().allow("patch", &namespace);
    let Kept { rotation, .. } = place.kept();
    rotation.unwrap().other.unwrap().token.expose().to_owned()
}

scenario!(a_new_token_that_dies);
fn a_new_token_that_dies() {
    let mut place = place();
    let new = pending(&mut place);
    place.world.gitea.revoke(&new);
    let before = place.all_held();
    let ran = place.rotate("--resume");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("does not accept the new token"), "{ran}");
    assert_eq!(place.all_held(), before, "a dead token is spread no further");
    let ran = place.rotate("--abort");
    assert_eq!(ran.code, 0, "{ran}");
    place.check_ended("aborted");
}

scenario!(an_old_token_that_dies);
fn an_old_token_that_dies() {
    let mut place = place();
    pending(&mut place);
    let old = place.old.clone();
    place.world.gitea.revoke(&old);
    let before = place.all_held();
    let ran = place.rotate("--abort");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("does not accept the old token"), "{ran}");
    assert_eq!(place.all_held(), before, "a dead token is spread no further");
    resumed(&place);
}

scenario!(both_die);
fn both_die() {
    let mut place = place();
    let new = pending(&mut place);
    let old = place.old.clone();
    place.world.gitea.revoke(&old);
    place.world.gitea.revoke(&new);
    // A third one cannot be stored before the rotation is ended.
    let third = place.another_token();
    let login = "login [REGISTRY] -u admin --use cluster --token-stdin";
    let ran = place.world.regcred_with(login, &third);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stderr.contains("is being rotated") && ran.stderr.contains("--abort"),
        "{ran}"
    );
    let ran = place.rotate("--abort");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("neither the old token nor the new one"), "{ran}");
    place.world.regcred_with(login, &third).done();
    place.world.regcred(&format!("sync {}", place.flags())).done();
    place.check_ended("a third token");
}

scenario!(nothing_is_begun_where_nothing_can_be_reached);
fn nothing_is_begun_where_nothing_can_be_reached() {
    let mut place = place();
    place.world.api_server().fail(Fault::Cut, u32::MAX);
    let flags = place.flags();
    let ran = begin(&mut place, &flags);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stderr.contains("cannot reach") && ran.stderr.contains("hint: nothing was begun\n"),
        "{ran}"
    );
    place.world.api_server().recover();
    place.check_ended("nothing was begun");
    // Nor with a token that does not work, or is the old one.
    for (token, says) in [
        ("0000000000", "does not accept"),
        (place.old.clone().as_str(), "cannot take its own place"),
    ] {
        place.world.variables.insert("NEW_TOKEN".to_owned(), token.into());
        let ran = place.rotate(&format!("{flags} --token-env NEW_TOKEN --plain-http"));
        assert_eq!(ran.code, 1, "{ran}");
        assert!(ran.stderr.contains(says), "{ran}");
        place.check_ended("nothing was begun");
    }
    // Nor where nothing would get it.
    let ran = begin(&mut place, "-l team=none");
    assert!(ran.code == 1 && ran.stderr.contains("no Secret was found"), "{ran}");
    place.check_ended("nothing was begun");
}
