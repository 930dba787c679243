//! Without flags a rotation is everywhere the token is; with flags, the old token stays as long as another place needs it.

use regcred::model::Use;
use serde_json::Value;

use super::fixture::{Rotation, SECRET, token};
use crate::support::api_server::{ApiServer, Fault};
use crate::support::parts::REAL_PARTS;
use crate::support::world::{Ran, World};

/// Two clusters, a Secret with the token in each, and a context for each.
struct Two {
    rotation: Rotation,
    second: ApiServer,
}

impl Two {
    fn new() -> Self {
        let rotation = Rotation::with(World::of_doubles(), Use::Cluster, &[]);
        let this = Self {
            rotation,
            second: ApiServer::start(),
        };
        this.contexts(&["double", "second"]);
        this.second.create_namespace(&this.rotation.world.namespace);
        this.rotation
            .world
            .regcred("sync -n [NAMESPACE] --context second")
            .done();
        this
    }

    /// The kubeconfig has these contexts; `again` leads to the second cluster too.
    fn contexts(&self, names: &[&'static str]) {
        let url = |name: &str| match name {
            "double" => self.rotation.world.api_server().url(),
            "nowhere" => "http://127.0.0.1:1".to_owned(),
            _ => self.second.url(),
        };
        let contexts: Vec<_> = names.iter().map(|name| (*name, url(name))).collect();
        self.rotation.set_contexts(&contexts);
    }

    fn second_secret(&self) -> Option<Value> {
        self.second.secret(&self.rotation.world.namespace, SECRET)
    }

    fn second_holds(&self) -> String {
        token(&self.second_secret().unwrap(), &self.rotation.world.registry()).unwrap()
    }

    /// `rotate` with a new token in a variable.
    fn rotate(&mut self, args: &str) -> Ran {
        let token = self.rotation.another_token();
        let variables = &mut self.rotation.world.variables;
        variables.insert("NEW_TOKEN".to_owned(), token.into());
        self.rotation.rotate(&format!("--token-env NEW_TOKEN {args}"))
    }

    /// Nothing that needs the old token lost it, and it is not forgotten that it is alive.
    fn is_pending(&self, ran: &Ran) {
        assert_eq!(ran.code, 1, "{ran}");
        self.rotation.check("pending");
        assert!(self.rotation.works(&self.rotation.old), "{ran}");
        assert!(self.rotation.works(&self.second_holds()), "{ran}");
        assert!(self.rotation.kept().rotation.is_some(), "{ran}");
    }

    fn is_done(&self, ran: &Ran) {
        assert_eq!(ran.code, 0, "{ran}");
        self.rotation.check_ended("done");
        assert_eq!(self.second_holds(), self.rotation.served(), "{ran}");
        assert!(!self.rotation.works(&self.rotation.old), "{ran}");
    }
}

scenario!(every_context_without_flags);
fn every_context_without_flags() {
    let mut two = Two::new();
    let ran = two.rotate("");
    two.is_done(&ran);
    assert!(ran.stderr.contains("2 Secrets back: all hold the new token"), "{ran}");
}

scenario!(two_contexts_of_one_cluster_count_once);
fn two_contexts_of_one_cluster_count_once() {
    let mut two = Two::new();
    two.contexts(&["double", "second", "again"]);
    let ran = two.rotate("");
    two.is_done(&ran);
    assert_eq!(ran.stdout.matches(" configured in namespace ").count(), 2, "{ran}");
}

scenario!(flags_leave_the_old_token_to_the_rest);
fn flags_leave_the_old_token_to_the_rest() {
    let mut two = Two::new();
    let ran = two.rotate("-n [NAMESPACE]");
    two.is_pending(&ran);
    let says = format!(
        "the old token is not revoked: it is also in secret/{SECRET} in namespace [NAMESPACE] of context second\n\
         hint: kubectl regcred sync -A --registry [REGISTRY] --context second writes the new token to them; then use --resume\n"
    );
    assert!(ran.stderr.contains(&says), "{says}{ran}");
    // As it says.
    two.rotation
        .world
        .regcred("sync -A --registry [REGISTRY] --context second")
        .done();
    let ran = two.rotation.rotate("--resume");
    two.is_done(&ran);
}

scenario!(what_only_the_ledger_knows_is_found);
/// The label was taken off, or never let us list: the Secret was written by this machine all the same.
fn what_only_the_ledger_knows_is_found() {
    for narrowed in [true, false] {
        let mut two = Two::new();
        let namespace = two.rotation.world.namespace.clone();
        two.second.update_secret(&namespace, SECRET, "somebody", |secret| {
            secret["metadata"]["labels"] = Value::Null;
        });
        if !narrowed {
            let ran = two.rotate("");
            two.is_done(&ran);
            continue;
        }
        let ran = two.rotate("-n [NAMESPACE]");
        two.is_pending(&ran);
        let says =
            "kubectl regcred sync -n [NAMESPACE] --secret gitea-credentials --registry [REGISTRY] --context second";
        assert!(ran.stderr.contains(says), "{says}{ran}");
    }
}

scenario!(a_cluster_that_does_not_answer_holds_it_up);
fn a_cluster_that_does_not_answer_holds_it_up() {
    let mut two = Two::new();
    two.second.fail(Fault::Cut, u32::MAX);
    let ran = two.rotate("");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(two.rotation.works(&two.rotation.old), "{ran}");
    assert!(
        ran.stderr
            .contains("error: context second: cannot reach the API server"),
        "{ran}"
    );
    two.second.recover();
    two.is_pending(&ran);
    let ran = two.rotation.rotate("--resume");
    two.is_done(&ran);
}

scenario!(what_was_skipped_once_is_not_asked_for_again);
fn what_was_skipped_once_is_not_asked_for_again() {
    let mut two = Two::new();
    two.contexts(&["double", "second", "nowhere"]);
    let ran = two.rotate("");
    two.is_pending(&ran);
    let ran = two.rotation.rotate("--resume --skip-context nowhere");
    two.is_done(&ran);
    two.rotation.again();
    let ran = two.rotate("");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!two.rotation.works(&two.rotation.old), "{ran}");
    assert_eq!(two.second_holds(), two.rotation.served(), "{ran}");
}

scenario!(a_cluster_that_no_context_leads_to_any_more);
fn a_cluster_that_no_context_leads_to_any_more() {
    let mut two = Two::new();
    two.contexts(&["double"]);
    let ran = two.rotate("");
    two.is_pending(&ran);
    let says = "no context leads to the cluster second (";
    assert!(ran.stderr.contains(says), "{says}{ran}");
    assert!(ran.stderr.contains("rotate --resume --skip-context second\n"), "{ran}");
    // Under another name it is the same cluster.
    two.contexts(&["double", "again"]);
    let ran = two.rotation.rotate("--resume");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("of context again"), "{ran}");
    two.rotation.world.regcred("sync -A --context again").done();
    let ran = two.rotation.rotate("--resume");
    two.is_done(&ran);
}

scenario!(a_stolen_token_can_be_killed);
fn a_stolen_token_can_be_killed() {
    let mut two = Two::new();
    two.contexts(&["double", "second", "nowhere"]);
    let namespace = two.rotation.world.namespace.clone();
    two.second.update_secret(&namespace, SECRET, "somebody", |secret| {
        secret["immutable"] = true.into();
    });
    let ran = two.rotate("-n [NAMESPACE] --revoke-anyway");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!two.rotation.works(&two.rotation.old), "{ran}");
    for says in [
        "warning: secret/gitea-credentials in namespace [NAMESPACE] of context second (immutable) holds the old token, which is revoked now: its pods cannot pull any more\n",
        "warning: context nowhere was not looked at: ",
    ] {
        assert!(ran.stderr.contains(says), "{says}{ran}");
    }
    // It is remembered what has a dead token.
    let ran = two.rotation.world.regcred("where --offline");
    let row = ran.stdout.lines().find(|line| line.contains("of context second"));
    assert!(row.is_some_and(|row| row.contains("revoked, as remembered")), "{ran}");
}

scenario!(a_ledger_that_cannot_be_read_may_know_more_places);
fn a_ledger_that_cannot_be_read_may_know_more_places() {
    let mut two = Two::new();
    let ledger = two.rotation.world.home().join(".local/state/regcred/ledger.json");
    let whole = std::fs::read(&ledger).unwrap();
    std::fs::write(&ledger, "{").unwrap();
    let says = "token is not revoked, because the ledger may know more places that need it: the ledger ";
    let ran = two.rotation.world.regcred("logout [REGISTRY] --use cluster --revoke");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains(&format!("error: the {says}")), "{ran}");
    let ran = two.rotate("");
    two.is_pending(&ran);
    assert!(ran.stderr.contains(&format!("error: the old {says}")), "{ran}");
    assert!(ran.stderr.contains("hint: rename the file: "), "{ran}");
    std::fs::write(&ledger, whole).unwrap();
    let ran = two.rotation.rotate("--resume");
    two.is_done(&ran);
}

scenario!(logout_asks_the_same);
fn logout_asks_the_same() {
    let two = Two::new();
    let world = &two.rotation.world;
    world
        .regcred("sync -n [NAMESPACE] --registry [REGISTRY] --remove")
        .done();
    let ran = world.regcred("logout [REGISTRY] --use cluster --revoke");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(two.rotation.works(&two.rotation.old), "{ran}");
    let says = "error: the token is not revoked: it is in secret/gitea-credentials in namespace [NAMESPACE] of context second\n";
    assert!(ran.stderr.contains(says), "{says}{ran}");
    // What cannot be looked at may hold it.
    two.second.fail(Fault::Cut, u32::MAX);
    let ran = world.regcred("logout [REGISTRY] --use cluster --revoke");
    assert_eq!(ran.code, 1, "{ran}");
    let says = "error: the token is not revoked, because not every Secret that may hold it could be read: context second was not looked at: ";
    assert!(ran.stderr.contains(says), "{says}{ran}");
    assert!(two.rotation.works(&two.rotation.old), "{ran}");
    // To forget it is no question, and what holds it is said.
    let ran = world.regcred("logout [REGISTRY] --use cluster");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(
        ran.stderr
            .contains("of context second still holds it, and it is still valid\n"),
        "{ran}"
    );
    two.second.recover();
}

scenario!(a_real_cluster_is_known_by_its_uid, needs(REAL_PARTS));
/// Renamed, the context leads to the same cluster: its Secret is found by the ledger, without any label.
fn a_real_cluster_is_known_by_its_uid() {
    let rotation = Rotation::with(World::of_real_parts(), Use::Cluster, &[]);
    let world = &rotation.world;
    let ledger = std::fs::read_to_string(world.home().join(".local/state/regcred/ledger.json")).unwrap();
    assert!(ledger.contains("\"id\": \"uid:"), "{ledger}");
    assert!(!ledger.contains(&rotation.old), "{ledger}");
    let kubeconfig = world.folder().join("kubeconfig");
    let text = std::fs::read_to_string(&kubeconfig).unwrap();
    let text = text
        .replace("current-context: real", "current-context: renamed")
        .replace("name: real, context:", "name: renamed, context:");
    assert!(text.contains("renamed"), "{text}");
    std::fs::write(&kubeconfig, text).unwrap();
    let ran = world.regcred("where");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("of context renamed"), "{ran}");
    let new = rotation.another_token();
    let ran = world.regcred_with("rotate [REGISTRY] --use cluster --token-stdin", &new);
    assert_eq!(ran.code, 0, "{ran}");
    rotation.check_ended("renamed");
    assert!(!rotation.works(&rotation.old), "{ran}");
}
