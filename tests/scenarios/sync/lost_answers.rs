//! Writes that the API server carried out and whose answer was lost: what is sent again meets its own work, and the report
//! says what was done.

use serde_json::json;

use super::library::made_by_runbook;
use super::workloads::{SECRET, Said, regcred};
use crate::support::api_server::{ApiServer, Fault};
use crate::support::parts::API_SERVER;

/// The connection is lost, or a gateway gives up.
const WAYS: [Fault; 2] = [Fault::Lose(None), Fault::Lose(Some(504))];

fn sync(double: &ApiServer, token: &str, flags: &str) -> Said {
    let line = format!("sync -n default --registry gitea.example.com -u admin --token-env TOKEN {flags}");
    regcred(&double.kubeconfig(), token, &line).done()
}

fn statuses(double: &ApiServer, method: &str) -> Vec<u16> {
    let recorded = double.recorded();
    let of_it = recorded.iter().filter(|request| request.method == method);
    of_it.map(|request| request.status).collect()
}

scenario!(of_a_secret_that_is_made, on(API_SERVER));
fn of_a_secret_that_is_made(double: &ApiServer) {
    // After the look.
    double.fail_after(1, Fault::Lose(Some(504)), 1);
    let said = sync(double, "token", "");
    assert_eq!(statuses(double, "POST"), [504, 409]);
    assert_eq!(said.lines(), [format!("secret/{SECRET} created in namespace default")]);
    let said = sync(double, "token", "");
    assert_eq!(
        said.lines(),
        [format!("secret/{SECRET} unchanged in namespace default")]
    );
}

scenario!(of_a_secret_that_is_changed, on(API_SERVER));
fn of_a_secret_that_is_changed(double: &ApiServer) {
    let configured = format!("secret/{SECRET} configured in namespace default");
    for (at, fault) in WAYS.into_iter().enumerate() {
        sync(double, &format!("token-{at}"), "");
        let before = statuses(double, "PATCH").len();
        double.fail_after(1, fault, 1);
        let said = sync(double, &format!("other-{at}"), "");
        assert_eq!(statuses(double, "PATCH")[before + 1..], [409], "it met its own work");
        assert_eq!(said.lines(), [configured.as_str()], "{fault:?}");
    }
    // In each of its two steps.
    for step in [1, 2] {
        double.put_secret("default", &made_by_runbook("old"));
        double.fail_after(step, WAYS[0], 1);
        let said = sync(double, "new", "");
        assert_eq!(said.lines(), [configured.as_str()], "{step}");
        let kept = double.secret("default", SECRET).unwrap()["metadata"]["annotations"].to_string();
        assert!(!kept.contains("last-applied"), "{step}: {kept}");
        assert!(said.stderr.contains("removed the annotation"), "{step}: {said:?}");
    }
}

scenario!(of_a_service_account, on(API_SERVER));
fn of_a_service_account(double: &ApiServer) {
    let kept = json!({"metadata": {"name": "default"}, "imagePullSecrets": [{"name": "other"}]});
    double.put_object("serviceaccounts", "default", &kept);
    sync(double, "token", "");
    let list = || double.object("serviceaccounts", "default", "default").unwrap()["imagePullSecrets"].clone();
    let configured = "serviceaccount/default configured in namespace default";
    for fault in WAYS {
        // After the looks at the Secret and the ServiceAccount.
        double.fail_after(2, fault, 1);
        let said = sync(double, "token", "--service-account default");
        assert_eq!(said.lines()[1], configured, "{fault:?}");
        assert_eq!(list(), json!([{"name": "other"}, {"name": SECRET}]));
        double.fail_after(1, fault, 1);
        let line = "sync -n default --service-account default --detach";
        let said = regcred(&double.kubeconfig(), "", line).done();
        assert_eq!(said.lines(), [configured], "{fault:?}");
        assert_eq!(list(), json!([{"name": "other"}]));
    }
    let conflicts = statuses(double, "PATCH").into_iter().filter(|status| *status == 409);
    assert_eq!(conflicts.count(), 4, "each met its own work");
}
