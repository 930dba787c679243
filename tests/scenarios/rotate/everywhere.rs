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

scenario!(what_is_skipped_when_it_is_resumed_is_not_written);
/// In a context whose Secrets are not known until then.
fn what_is_skipped_when_it_is_resumed_is_not_written() {
    let mut two = Two::new();
    two.second.create_namespace("frozen");
    two.rotation.world.regcred("sync -n frozen --context second").done();
    two.second.fail(Fault::Cut, u32::MAX);
    let ran = two.rotate("");
    assert_eq!(ran.code, 1, "{ran}");
    two.second.recover();
    let ran = two.rotation.rotate(&format!("--resume --skip-secret frozen/{SECRET}"));
    two.is_done(&ran);
    let left = two.second.secret("frozen", SECRET).unwrap();
    let held = token(&left, &two.rotation.world.registry());
    assert_eq!(held.as_ref(), Some(&two.rotation.old), "{ran}");
    let says = format!(
        "warning: secret/{SECRET} in namespace frozen of context second was skipped: it holds the old token, which is revoked now\n"
    );
    assert!(ran.stderr.contains(&says), "{says}{ran}");
}

const SKIPPED: &str = "warning: context second was skipped: Secrets there that hold the old token stop working\n";

impl Two {
    /// Rotated without the second context, which is remembered.
    fn without_second() -> Self {
        let mut two = Self::new();
        let ran = two.rotate("--skip-context second");
        assert_eq!(ran.code, 0, "{ran}");
        assert!(ran.stderr.contains(SKIPPED), "{ran}");
        assert_eq!(two.second_holds(), two.rotation.old, "{ran}");
        two.rotation.again();
        two
    }

    /// The second cluster's Secret becomes as the first one's.
    fn copy_to_second(&self) {
        let world = &self.rotation.world;
        let secret = world.secret(SECRET).unwrap();
        self.second.put_secret(&world.namespace, &secret);
    }

    /// The ledger has the second context as skipped, and its Secret as one that holds the current token.
    fn remember_both(&self) {
        self.rotation
            .world
            .regcred("sync -n [NAMESPACE] --context second")
            .done();
        let file = self.rotation.world.home().join(".local/state/regcred/ledger.json");
        let mut ledger: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert!(ledger["credentials"][0].get("skipped").is_none(), "{ledger}");
        ledger["credentials"][0]["skipped"] = serde_json::json!({"contexts": ["second"]});
        std::fs::write(&file, ledger.to_string()).unwrap();
    }
}

scenario!(a_context_that_was_skipped_is_named_until_it_is_in_use_again);
fn a_context_that_was_skipped_is_named_until_it_is_in_use_again() {
    for again in ["sync -n [NAMESPACE] --context second", "where"] {
        let mut two = Two::without_second();
        let before = two.second_holds();
        let ran = two.rotate("");
        assert_eq!(ran.code, 0, "{ran}");
        assert!(ran.stderr.contains(SKIPPED), "{ran}");
        assert_eq!(two.second_holds(), before, "{ran}");
        two.rotation.again();
        if again == "where" {
            two.copy_to_second();
        }
        two.rotation.world.regcred(again).done();
        let ran = two.rotate("");
        two.is_done(&ran);
        assert!(!ran.stderr.contains("was skipped"), "{again}: {ran}");
    }
}

scenario!(a_skipped_context_that_is_known_to_have_the_token);
fn a_skipped_context_that_is_known_to_have_the_token() {
    let mut two = Two::without_second();
    two.remember_both();
    two.second.fail(Fault::Cut, u32::MAX);
    let ran = two.rotation.world.regcred("logout [REGISTRY] --use cluster --revoke");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(two.rotation.works(&two.rotation.old), "{ran}");
    let ran = two.rotate("");
    assert_eq!(ran.code, 1, "{ran}");
    two.second.recover();
    two.is_pending(&ran);
    // The kubeconfig has it no more.
    two.contexts(&["double"]);
    let ran = two.rotation.rotate("--resume");
    two.is_pending(&ran);
    two.contexts(&["double", "second"]);
    let ran = two.rotation.rotate("--resume");
    two.is_done(&ran);
    // To name it now is an answer.
    two.rotation.again();
    let ran = two.rotate("--skip-context second");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!two.rotation.works(&two.second_holds()), "{ran}");
}

scenario!(logout_names_what_is_skipped);
fn logout_names_what_is_skipped() {
    let two = Two::without_second();
    let world = &two.rotation.world;
    world
        .regcred("sync -n [NAMESPACE] --registry [REGISTRY] --remove")
        .done();
    let ran = world.regcred("logout [REGISTRY] --use cluster --revoke");
    assert_eq!(ran.code, 0, "{ran}");
    let says = "warning: context second was skipped: Secrets there that hold the token stop working\n";
    assert!(ran.stderr.contains(says), "{ran}");
}

scenario!(a_cluster_that_no_context_leads_to_any_more);
fn a_cluster_that_no_context_leads_to_any_more() {
    let mut two = Two::new();
    two.contexts(&["double"]);
    let ran = two.rotate("");
    two.is_pending(&ran);
    let says = "no context leads to the cluster second (";
    assert!(ran.stderr.contains(says), "{says}{ran}");
    let says = "kubectl regcred rotate [REGISTRY] --use cluster --resume --skip-context second\n";
    assert!(ran.stderr.contains(says), "{ran}");
    // Under another name it is the same cluster.
    two.contexts(&["double", "again"]);
    let ran = two.rotation.rotate("--resume");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("of context again"), "{ran}");
    two.rotation.world.regcred("sync -A --context again").done();
    let ran = two.rotation.rotate("--resume");
    two.is_done(&ran);
}

scenario!(another_cluster_at_the_address_of_one);
fn another_cluster_at_the_address_of_one() {
    let mut two = Two::new();
    two.second.create_namespace("kube-system");
    two.rotation.world.regcred("where").done();
    // Such as a tunnel that leads elsewhere.
    two.second.create_namespace("kube-system");
    let (namespace, secret) = (two.rotation.world.namespace.clone(), two.second_secret().unwrap());
    two.second.remove_object("secrets", &namespace, SECRET);
    let ran = two.rotate("");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(two.rotation.works(&two.rotation.old), "{ran}");
    let says = "no context leads to the cluster uid:";
    assert!(ran.stderr.contains(says), "{says}{ran}");
    assert!(ran.stderr.contains(" any more, in which 1 Secret had a token"), "{ran}");
    let before = ran.stderr;
    let ran = two.rotation.world.regcred("where");
    assert!(ran.stderr.contains(says) && ran.code == 1, "{says}{ran}");
    // Where it is gone for good, that is said by name.
    let (_, rest) = before.split_once("--skip-context ").unwrap();
    let skip = rest.lines().next().unwrap();
    two.second.put_secret(&namespace, &secret);
    let ran = two.rotation.rotate(&format!("--resume --skip-context {skip}"));
    assert_eq!(ran.code, 1, "what is there now is not given up: {ran}");
    two.rotation.world.regcred("sync -A --context second").done();
    let ran = two.rotation.rotate(&format!("--resume --skip-context {skip}"));
    two.is_done(&ran);
}

scenario!(who_may_not_read_the_uid_of_the_cluster);
fn who_may_not_read_the_uid_of_the_cluster() {
    let mut two = Two::new();
    two.second.create_namespace("kube-system");
    two.rotation.world.regcred("where").done();
    let namespace = two.rotation.world.namespace.clone();
    two.second.update_secret(&namespace, SECRET, "somebody", |secret| {
        secret["metadata"]["labels"] = serde_json::json!({});
    });
    two.second.forbid("get namespaces", "");
    // What is remembered of it is found all the same.
    let ran = two.rotate("");
    two.is_done(&ran);
    let ran = two.rotation.world.regcred("where --offline");
    assert_eq!(ran.stdout.matches("of context second").count(), 1, "{ran}");
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
    // The contexts of another kubeconfig; one that is not there has none.
    let ran = world.regcred("logout [REGISTRY] --use cluster --revoke --kubeconfig nowhere --request-timeout 5s");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stderr.contains("error: cannot read the kubeconfig nowhere: "),
        "{ran}"
    );
    assert!(
        ran.stderr.contains("\nhint: name another file with --kubeconfig FILE"),
        "{ran}"
    );
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

scenario!(the_own_cluster_of_a_context_is_searched_too);
/// Where the command line puts another one in its place.
fn the_own_cluster_of_a_context_is_searched_too() {
    let mut two = Two::new();
    let ran = two.rotate("-n [NAMESPACE] --cluster second --user second");
    two.is_pending(&ran);
    let says = format!("the old token is not revoked: it is also in secret/{SECRET} in namespace [NAMESPACE]");
    assert!(ran.stderr.contains(&says), "{says}{ran}");
    two.rotation.world.regcred("sync -A --registry [REGISTRY]").done();
    let ran = two.rotation.rotate("--resume");
    two.is_done(&ran);
}

scenario!(one_context_that_is_not_searched_leaves_the_others);
/// They lead to the same cluster.
fn one_context_that_is_not_searched_leaves_the_others() {
    let mut two = Two::new();
    two.contexts(&["double", "second", "again"]);
    let namespace = two.rotation.world.namespace.clone();
    two.second.create_namespace("elsewhere");
    let mut secret = two.second_secret().unwrap();
    secret["metadata"]["namespace"] = "elsewhere".into();
    two.second.put_secret("elsewhere", &secret);
    let flags = format!("-n {namespace} --context double --context second");
    for skipped in ["again", "second"] {
        let ran = match skipped {
            "again" => two.rotate(&format!("{flags} --skip-search again")),
            _ => two.rotation.rotate("--resume --skip-search second"),
        };
        if skipped == "again" {
            two.is_pending(&ran);
            let says = format!("it is also in secret/{SECRET} in namespace elsewhere of context second\n");
            assert!(ran.stderr.contains(&says), "{says}{ran}");
        } else {
            // Now none of them is left to search through.
            two.is_done(&ran);
        }
    }
}
