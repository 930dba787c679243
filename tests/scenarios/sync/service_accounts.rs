//! Attaching to ServiceAccounts.

use serde_json::{Value, json};

use super::workloads::{SECRET, Said, WITH_CONTROLLERS, Workloads, regcred};
use crate::support::api_server::{ApiServer, Fault};
use crate::support::parts::API_SERVER;

fn account(name: &str, secrets: &[&str]) -> Value {
    let list: Value = secrets.iter().map(|name| json!({"name": name})).collect();
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}, "imagePullSecrets": list})
}

/// What is there but for versions, times and managers.
fn meaning(account: &Value) -> Value {
    let mut account = account.clone();
    for key in ["resourceVersion", "managedFields"] {
        account["metadata"].as_object_mut().unwrap().remove(key);
    }
    account
}

scenario!(detach_is_the_exact_undo, on(WITH_CONTROLLERS));
fn detach_is_the_exact_undo(workloads: &Workloads) {
    workloads.apply(&account("ci", &["b", "a"]));
    let before = [
        workloads.get("serviceaccount", "default"),
        workloads.get("serviceaccount", "ci"),
    ];
    let namespace = &workloads.namespace;
    let said = workloads.sync("--service-account default --service-account ci").done();
    assert_eq!(
        said.lines(),
        [
            format!("secret/{SECRET} created in namespace {namespace}"),
            format!("serviceaccount/default configured in namespace {namespace}"),
            format!("serviceaccount/ci configured in namespace {namespace}"),
        ]
    );
    assert_eq!(workloads.pull_secrets("default").unwrap(), [SECRET]);
    assert_eq!(workloads.pull_secrets("ci").unwrap(), ["b", "a", SECRET]);

    let attached = workloads.get("serviceaccount", "ci");
    let again = workloads.sync("--service-account ci").done();
    assert_eq!(
        again.lines()[1],
        format!("serviceaccount/ci unchanged in namespace {namespace}")
    );
    assert_eq!(
        workloads.get("serviceaccount", "ci"),
        attached,
        "unchanged is not written"
    );

    let secret = workloads.get("secret", SECRET);
    let undone = workloads.sync_nothing("--detach --service-account default --service-account ci");
    assert_eq!(
        undone.lines()[0],
        format!("serviceaccount/default configured in namespace {namespace}")
    );
    let after = [
        workloads.get("serviceaccount", "default"),
        workloads.get("serviceaccount", "ci"),
    ];
    assert_eq!(after.each_ref().map(meaning), before.each_ref().map(meaning));
    assert_eq!(workloads.get("secret", SECRET), secret, "the Secret is not touched");
}

scenario!(two_writers_lose_nothing, on(WITH_CONTROLLERS));
fn two_writers_lose_nothing(workloads: &Workloads) {
    const EACH: usize = 12;
    workloads.apply(&account("shared", &["first"]));
    let ours = |who: &str| {
        for number in 0..EACH {
            workloads
                .sync(&format!("--secret {who}-{number} --service-account shared"))
                .done();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| ours("one"));
        scope.spawn(|| ours("other"));
    });
    let list = workloads.pull_secrets("shared").unwrap();
    let mut wanted = vec!["first".to_owned()];
    wanted.extend((0..EACH).flat_map(|number| [format!("one-{number}"), format!("other-{number}")]));
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    assert_eq!(list[0], "first");
    assert_eq!(sorted(list.clone()), sorted(wanted), "each once, and none lost");
    std::thread::scope(|scope| {
        for who in ["one", "other"] {
            scope.spawn(move || {
                for number in 0..EACH {
                    workloads.sync_nothing(&format!("--secret {who}-{number} --detach --service-account shared"));
                }
            });
        }
    });
    assert_eq!(workloads.pull_secrets("shared").unwrap(), ["first"]);
}

scenario!(what_others_put_there_stays, on(WITH_CONTROLLERS));
fn what_others_put_there_stays(workloads: &Workloads) {
    workloads.apply(&account(
        "builder",
        &["builder-dockercfg-x7k2p", "gitea-credentials-old"],
    ));
    workloads.sync("--service-account builder").done();
    let list = workloads.pull_secrets("builder").unwrap();
    assert_eq!(list, ["builder-dockercfg-x7k2p", "gitea-credentials-old", SECRET]);
}

scenario!(dry_runs_attach_nothing, on(WITH_CONTROLLERS));
fn dry_runs_attach_nothing(workloads: &Workloads) {
    let before = workloads.get("serviceaccount", "default");
    let namespace = &workloads.namespace;
    for (dry_run, suffix) in [("client", "dry run"), ("server", "server dry run")] {
        let said = workloads
            .sync(&format!("--service-account default --dry-run={dry_run}"))
            .done();
        assert_eq!(
            said.lines()[1],
            format!("serviceaccount/default configured in namespace {namespace} ({suffix})")
        );
    }
    assert_eq!(workloads.get("serviceaccount", "default"), before);
}

scenario!(a_missing_account_is_named, on(WITH_CONTROLLERS));
fn a_missing_account_is_named(workloads: &Workloads) {
    let said = workloads.sync("--service-account nobody --service-account default");
    let namespace = &workloads.namespace;
    assert_eq!(said.code, 1);
    assert!(
        said.stderr.contains(&format!(
            "error: serviceaccount/nobody in namespace {namespace} not found"
        )),
        "{said:?}"
    );
    assert!(
        said.stderr
            .contains(&format!("hint: kubectl get serviceaccounts -n {namespace}")),
        "{said:?}"
    );
    assert_eq!(
        workloads.pull_secrets("default").unwrap(),
        [SECRET],
        "one that fails does not stop the next"
    );
}

scenario!(who_declares_the_list_is_named, on(WITH_CONTROLLERS));
fn who_declares_the_list_is_named(workloads: &Workloads) {
    let mut object = account("app", &["other"]);
    object["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "Helm"});
    let namespace = &workloads.namespace;
    workloads.real.kubectl_ok(
        &["create", "-n", namespace, "--field-manager=helm", "-f", "-"],
        &object.to_string(),
    );
    let said = workloads.sync("--service-account app").done();
    assert!(said.stderr.contains("Helm declares its imagePullSecrets"), "{said:?}");
    object["metadata"]["name"] = "without-list".into();
    object.as_object_mut().unwrap().remove("imagePullSecrets");
    workloads.real.kubectl_ok(
        &["create", "-n", namespace, "--field-manager=helm", "-f", "-"],
        &object.to_string(),
    );
    let said = workloads.sync("--service-account without-list").done();
    assert!(!said.stderr.contains("Helm"), "{said:?}");
}

const ACCOUNTS: &str = "serviceaccounts";

fn sync_double(double: &ApiServer, flags: &str) -> Said {
    let line = format!("sync -n default --registry gitea.example.com -u admin --token-env TOKEN {flags}");
    regcred(&double.kubeconfig(), "token", &line)
}

fn list(double: &ApiServer) -> Value {
    double.object(ACCOUNTS, "default", "default").unwrap()["imagePullSecrets"].clone()
}

scenario!(a_new_namespaces_account_is_waited_for, on(API_SERVER));
fn a_new_namespaces_account_is_waited_for(double: &ApiServer) {
    std::thread::scope(|scope| {
        let syncing = scope.spawn(|| sync_double(double, "--service-account default"));
        let is_asked = || {
            double
                .recorded()
                .iter()
                .any(|request| request.path.ends_with("/serviceaccounts/default"))
        };
        while !is_asked() {
            assert!(!syncing.is_finished(), "it ended without asking");
            std::thread::yield_now();
        }
        double.put_object(ACCOUNTS, "default", &json!({"metadata": {"name": "default"}}));
        syncing.join().unwrap().done();
    });
    assert_eq!(list(double), json!([{"name": SECRET}]));
    // One that no controller makes is not waited for.
    let asked = double.recorded().len();
    assert_eq!(sync_double(double, "--service-account typo").code, 1);
    let asks = double.recorded()[asked..]
        .iter()
        .filter(|request| request.path.ends_with("/typo"))
        .count();
    assert_eq!(asks, 1);
}

/// Somebody who puts one more name into the list right before each of the next writes to it.
fn intrude(double: &ApiServer, times: usize) {
    for number in 0..times {
        double.before_next_write(move |store| {
            store.change_object(ACCOUNTS, "default", "default", |account| {
                let list = account["imagePullSecrets"].as_array_mut().unwrap();
                list.push(json!({"name": format!("other-{number}")}));
            });
        });
    }
}

scenario!(writes_in_between_are_not_lost, on(API_SERVER));
fn writes_in_between_are_not_lost(double: &ApiServer) {
    double.put_object(ACCOUNTS, "default", &account("default", &["first"]));
    sync_double(double, "").done();
    intrude(double, 3);
    sync_double(double, "--service-account default").done();
    let names: Vec<_> = ["first", "other-0", "other-1", "other-2", SECRET]
        .iter()
        .map(|name| json!({"name": name}))
        .collect();
    assert_eq!(list(double), Value::from(names));
}

scenario!(endless_conflicts_end, on(API_SERVER));
fn endless_conflicts_end(double: &ApiServer) {
    double.put_object(ACCOUNTS, "default", &account("default", &["first"]));
    sync_double(double, "").done();
    intrude(double, 100);
    let said = sync_double(double, "--service-account default");
    assert_eq!(said.code, 1);
    assert!(
        said.stderr
            .contains("serviceaccount/default in namespace default was changed by somebody else"),
        "{said:?}"
    );
    assert!(!list(double).to_string().contains(SECRET));
}

scenario!(a_busy_server_is_asked_again, on(API_SERVER));
fn a_busy_server_is_asked_again(double: &ApiServer) {
    double.put_object(ACCOUNTS, "default", &json!({"metadata": {"name": "default"}}));
    sync_double(double, "").done();
    // The Secret, the ServiceAccount, and its patch.
    double.fail_after(2, Fault::Status(429, Some(0)), 2);
    sync_double(double, "--service-account default").done();
    assert_eq!(list(double), json!([{"name": SECRET}]));
}
