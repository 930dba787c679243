//! Which workloads are restarted, following them, and pods that are stuck.

use serde_json::{Value, json};

use super::workloads::{
    IMAGE, SECRET, Said, WITH_CONTROLLERS, Workloads, await_that, bare_pod, pod, regcred, stuck_on_a_pull, workload,
};
use crate::support::PLUGIN;
use crate::support::api_server::{ApiServer, Fault};
use crate::support::bus::Running;
use crate::support::parts::API_SERVER;

scenario!(restarts_exactly_the_users, on(WITH_CONTROLLERS));
fn restarts_exactly_the_users(workloads: &Workloads) {
    let none = &json!({});
    workloads.apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "bare"}}));
    let with_account = |mut pod: Value, account: &str| {
        pod["serviceAccountName"] = account.into();
        pod
    };
    let init = |mut pod: Value| {
        pod["initContainers"] = json!([{"name": "init", "image": IMAGE}]);
        pod
    };
    for object in [
        workload("Deployment", "own-list", pod(IMAGE, &["other", SECRET]), none),
        workload("StatefulSet", "own-list", pod(IMAGE, &[SECRET]), none),
        workload("DaemonSet", "own-list", pod(IMAGE, &[SECRET]), none),
        workload("Deployment", "by-account", pod(IMAGE, &[]), none),
        workload("Deployment", "init-only", init(pod("nginx", &[SECRET])), none),
        // Look-alikes.
        workload("Deployment", "other-secret", pod(IMAGE, &["other"]), none),
        workload(
            "Deployment",
            "other-account",
            with_account(pod(IMAGE, &[]), "bare"),
            none,
        ),
        workload(
            "Deployment",
            "other-registry",
            pod("ghcr.io/owner/app", &[SECRET]),
            none,
        ),
        workload(
            "Deployment",
            "other-port",
            pod("gitea.example.com:3000/owner/app", &[SECRET]),
            none,
        ),
        workload(
            "Deployment",
            "path-look-alike",
            pod("ghcr.io/gitea.example.com/app", &[SECRET]),
            none,
        ),
    ] {
        workloads.apply(&object);
    }
    let namespace = &workloads.namespace;
    let said = workloads.sync("--service-account default --restart").done();
    let users = [
        "deployment.apps/by-account",
        "deployment.apps/init-only",
        "deployment.apps/own-list",
        "statefulset.apps/own-list",
        "daemonset.apps/own-list",
    ];
    let restarted: Vec<_> = users
        .iter()
        .map(|user| format!("{user} restarted in namespace {namespace}"))
        .collect();
    assert_eq!(said.lines()[2..], restarted);
    for user in users {
        let (resource, name) = user.split_once('/').unwrap();
        let at = workloads.restarted_at(resource, name).unwrap();
        assert!(at.len() == 20 && at.ends_with('Z'), "{at}");
    }
    for name in [
        "other-secret",
        "other-account",
        "other-registry",
        "other-port",
        "path-look-alike",
    ] {
        assert_eq!(workloads.restarted_at("deployment", name), None, "{name}");
    }
    // What was asked for is done, whether or not the Secret changed; nobody is in kubectl's way.
    let again = workloads.sync("--restart").done();
    assert_eq!(
        again.lines()[0],
        format!("secret/{SECRET} unchanged in namespace {namespace}")
    );
    assert_eq!(again.lines().len(), 1 + users.len());
    // It takes what we wrote for its own, and so refuses within the same second.
    let kubectl = ["rollout", "restart", "deployment/own-list", "-n", namespace];
    await_that("kubectl's own restart", || {
        workloads.real.kubectl(&kubectl, "").status.success()
    });
}

scenario!(what_is_not_restarted_is_reported, on(WITH_CONTROLLERS));
fn what_is_not_restarted_is_reported(workloads: &Workloads) {
    let user = || pod(IMAGE, &[SECRET]);
    let strategy = |value: Value| json!({"updateStrategy": value});
    for object in [
        workload("Deployment", "paused", user(), &json!({"paused": true})),
        workload(
            "StatefulSet",
            "on-delete",
            user(),
            &strategy(json!({"type": "OnDelete"})),
        ),
        workload(
            "StatefulSet",
            "partitioned",
            user(),
            &strategy(json!({"rollingUpdate": {"partition": 1}})),
        ),
        workload("DaemonSet", "on-delete", user(), &strategy(json!({"type": "OnDelete"}))),
        workload("Job", "job", user(), &json!({})),
        workload("ReplicaSet", "alone", user(), &json!({})),
        bare_pod("bare", user()),
    ] {
        workloads.apply(&object);
    }
    let mut nightly = user();
    nightly["restartPolicy"] = "Never".into();
    workloads.apply(&json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"},
        "spec": {"schedule": "0 3 * * *", "suspend": true, "jobTemplate": {"spec": {"template": {"spec": nightly}}}},
    }));
    // The controller of a kind that we do not know.
    let mut rollout = workload("ReplicaSet", "of-a-rollout", user(), &json!({}));
    rollout["metadata"]["ownerReferences"] = json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "name": "web", "uid": "0c0ffee0-0000-4000-8000-000000000000", "controller": true}]);
    workloads.apply(&rollout);
    await_that("the pods", || workloads.list("pods").len() >= 4);
    let said = workloads.sync("--restart").done();
    assert_eq!(said.lines().len(), 1, "{said:?}");
    let namespace = &workloads.namespace;
    for (what, why) in [
        (
            "deployment.apps/paused",
            "it is paused: kubectl rollout resume deployment.apps/paused",
        ),
        ("statefulset.apps/on-delete", "its update strategy is OnDelete"),
        (
            "statefulset.apps/partitioned",
            "its partition leaves pods below ordinal 1 as they are",
        ),
        ("daemonset.apps/on-delete", "its update strategy is OnDelete"),
        ("job.batch/job", "a Job's pods are not replaced"),
        ("replicaset.apps/alone", "nothing rolls its pods"),
        ("pod/bare", "no controller would make it again"),
        ("rollout.argoproj.io/web", "it is no kind that kubectl restarts"),
    ] {
        let warning = format!("warning: {what} in namespace {namespace} is not restarted: {why}");
        assert!(said.stderr.contains(&warning), "{warning}\n{}", said.stderr);
    }
    assert_eq!(said.stderr.matches("is not restarted").count(), 8, "{}", said.stderr);
    let plain = format!("cronjob.batch/nightly in namespace {namespace} needs no restart: its next run has new pods");
    assert!(said.stderr.lines().any(|line| line == plain), "{}", said.stderr);
    for (resource, name) in [
        ("deployment", "paused"),
        ("statefulset", "on-delete"),
        ("statefulset", "partitioned"),
        ("daemonset", "on-delete"),
    ] {
        assert_eq!(workloads.restarted_at(resource, name), None);
    }
}

scenario!(dry_runs_restart_nothing, on(WITH_CONTROLLERS));
fn dry_runs_restart_nothing(workloads: &Workloads) {
    workloads.apply(&workload("Deployment", "api", pod(IMAGE, &[]), &json!({})));
    let namespace = &workloads.namespace;
    for (dry_run, suffix) in [("client", "dry run"), ("server", "server dry run")] {
        let said = workloads
            .sync(&format!(
                "--service-account default --restart --wait --dry-run={dry_run}"
            ))
            .done();
        let line = format!("deployment.apps/api restarted in namespace {namespace} ({suffix})");
        assert!(said.lines().contains(&line.as_str()), "{said:?}");
    }
    assert_eq!(workloads.restarted_at("deployment", "api"), None);
    assert_eq!(workloads.pull_secrets("default"), None);
}

scenario!(waits_to_the_end, on(WITH_CONTROLLERS));
fn waits_to_the_end(workloads: &Workloads) {
    workloads.apply(&workload(
        "Deployment",
        "api",
        pod(IMAGE, &[SECRET]),
        &json!({"replicas": 2}),
    ));
    workloads.apply(&workload(
        "StatefulSet",
        "db",
        pod(IMAGE, &[SECRET]),
        &json!({"replicas": 2}),
    ));
    let kubelet = workloads.kubelet();
    await_that("the pods", || {
        workloads.get("statefulset", "db")["status"]["readyReplicas"] == 2
    });
    let before: Vec<Value> = workloads
        .list("pods")
        .iter()
        .map(|pod| pod["metadata"]["uid"].clone())
        .collect();
    let said = workloads.sync("--restart --wait=60s").done();
    drop(kubelet);
    let namespace = &workloads.namespace;
    assert_eq!(
        said.lines()[1..],
        [
            format!("deployment.apps/api restarted in namespace {namespace}"),
            format!("statefulset.apps/db restarted in namespace {namespace}"),
            format!("deployment.apps/api rolled out in namespace {namespace}"),
            format!("statefulset.apps/db rolled out in namespace {namespace}"),
        ]
    );
    assert!(
        said.stderr
            .contains(&format!("deployment.apps/api in namespace {namespace}: ")),
        "{said:?}"
    );
    let ours = workloads.get("deployment", "api");
    assert_eq!(ours["status"]["availableReplicas"], 2);
    let pods = workloads.list("pods");
    let staying = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
    assert_eq!(pods.iter().filter(staying).count(), 4);
    assert!(
        pods.iter()
            .filter(staying)
            .all(|pod| !before.contains(&pod["metadata"]["uid"])),
        "every pod is new"
    );
}

scenario!(waits_to_the_deadline, on(WITH_CONTROLLERS));
fn waits_to_the_deadline(workloads: &Workloads) {
    workloads.apply(&workload("Deployment", "api", pod(IMAGE, &[SECRET]), &json!({})));
    await_that("the pod", || workloads.list("pods").len() == 1);
    let stuck = workloads.list("pods")[0]["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    workloads.set_status(&stuck, &stuck_on_a_pull("ImagePullBackOff"));
    let said = workloads.sync("--restart --wait=1s");
    let namespace = &workloads.namespace;
    assert_eq!(said.code, 1);
    let error = format!("error: deployment.apps/api in namespace {namespace} did not roll out within 1 s: ");
    assert!(said.stderr.contains(&error), "{said:?}");
    assert!(said.stderr.contains(&format!("{stuck} (ImagePullBackOff)")), "{said:?}");
    assert!(said.stderr.ends_with("1 created, 1 failed\n"), "{said:?}");
}

scenario!(the_deadline_holds_at_a_silent_server, on(API_SERVER));
fn the_deadline_holds_at_a_silent_server(double: &ApiServer) {
    let mut api = workload("Deployment", "api", pod(IMAGE, &[SECRET]), &json!({}));
    api["metadata"]["generation"] = 2.into();
    double.put_object("deployments", "default", &api);
    double.fail_watches(Fault::Hang);
    let said = sync_double(double, "--restart --wait=1s");
    assert_eq!(said.code, 1);
    let error =
        "error: deployment.apps/api in namespace default did not roll out within 1 s: its controller has not seen";
    assert!(said.stderr.contains(error), "{said:?}");
}

scenario!(a_progress_deadline_ends_the_wait, on(WITH_CONTROLLERS));
fn a_progress_deadline_ends_the_wait(workloads: &Workloads) {
    workloads.apply(&workload(
        "Deployment",
        "api",
        pod(IMAGE, &[SECRET]),
        &json!({"progressDeadlineSeconds": 1}),
    ));
    let said = workloads.sync("--restart --wait=0");
    assert_eq!(said.code, 1);
    assert!(
        said.stderr
            .contains("did not roll out: it exceeded its progress deadline"),
        "{said:?}"
    );
}

scenario!(one_that_is_deleted_ends_the_wait, on(WITH_CONTROLLERS));
fn one_that_is_deleted_ends_the_wait(workloads: &Workloads) {
    workloads.apply(&workload("Deployment", "api", pod(IMAGE, &[SECRET]), &json!({})));
    let said = std::thread::scope(|scope| {
        // Not for ever: where the next line fails, this has to end.
        let waiting = scope.spawn(|| workloads.sync("--restart --wait=3m"));
        await_that("the restart", || workloads.restarted_at("deployment", "api").is_some());
        workloads
            .real
            .kubectl_ok(&["delete", "deployment", "api", "-n", &workloads.namespace], "");
        waiting.join().unwrap()
    });
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("did not roll out: it was deleted"), "{said:?}");
}

scenario!(ctrl_c_ends_the_wait, on(WITH_CONTROLLERS));
#[cfg(unix)]
fn ctrl_c_ends_the_wait(workloads: &Workloads) {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};
    workloads.apply(&workload("Deployment", "api", pod(IMAGE, &[SECRET]), &json!({})));
    let line = format!(
        "sync -n {} --registry gitea.example.com -u admin --token-env TOKEN --no-verify --restart --wait=0",
        workloads.namespace
    );
    let child = Command::new(PLUGIN)
        .env_clear()
        .env("KUBECONFIG", workloads.real.kubeconfig())
        .env("TOKEN", "first")
        .args(line.split_whitespace())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Running(child);
    let mut said = BufReader::new(child.0.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let progress = said.find(|line| line.starts_with("deployment.apps/api in namespace"));
    assert!(progress.is_some(), "it ended before it said how far it is");
    assert!(
        Command::new("kill")
            .args(["-INT", &child.0.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    let rest: Vec<String> = said.collect();
    assert_eq!(child.0.wait().unwrap().code(), Some(130), "{rest:?}");
    assert!(
        rest.contains(&"interrupted: the rollouts continue in the cluster".to_owned()),
        "{rest:?}"
    );
}

scenario!(unsticks_only_the_stuck, on(WITH_CONTROLLERS));
fn unsticks_only_the_stuck(workloads: &Workloads) {
    let none = &json!({});
    for object in [
        workload("ReplicaSet", "stuck", pod(IMAGE, &[]), none),
        workload("StatefulSet", "stuck-too", pod(IMAGE, &[]), none),
        workload("ReplicaSet", "crashing", pod(IMAGE, &[]), none),
        workload("ReplicaSet", "elsewhere", pod("ghcr.io/owner/app", &[]), none),
        workload("ReplicaSet", "starting", pod(IMAGE, &[]), none),
        workload("Job", "job", pod(IMAGE, &[]), &json!({"backoffLimit": 0})),
        bare_pod("bare", pod(IMAGE, &[])),
    ] {
        workloads.apply(&object);
    }
    await_that("the pods", || workloads.list("pods").len() == 7);
    let mut left = Vec::new();
    let mut deleted = Vec::new();
    for pod in workloads.list("pods") {
        let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
        let reason = match name.split('-').next().unwrap() {
            "crashing" => "CrashLoopBackOff",
            "starting" => "ContainerCreating",
            _ if name.starts_with("stuck-too") => "ErrImagePull",
            _ => "ImagePullBackOff",
        };
        workloads.set_status(&name, &stuck_on_a_pull(reason));
        let uid = pod["metadata"]["uid"].clone();
        if name.starts_with("stuck") {
            deleted.push((name, uid));
        } else {
            left.push(uid);
        }
    }
    let dry = workloads.sync("--unstick --dry-run=client").done();
    assert_eq!(dry.stdout.matches("(dry run)").count(), 3, "{dry:?}");
    let server = workloads.sync("--unstick --dry-run=server").done();
    assert_eq!(server.stdout.matches("(server dry run)").count(), 3, "{server:?}");
    let said = workloads.sync("--unstick").done();
    let namespace = &workloads.namespace;
    let mut lines: Vec<_> = deleted
        .iter()
        .map(|(name, _)| format!("pod/{name} deleted in namespace {namespace}"))
        .collect();
    lines.sort();
    assert_eq!(said.lines()[1..], lines);
    assert!(said.stderr.contains("warning: pod/bare in namespace"), "{said:?}");
    assert!(
        said.stderr.contains("it has no controller that would make it again"),
        "{said:?}"
    );
    assert!(
        said.stderr.contains("its Job would count it as a failed try"),
        "{said:?}"
    );
    await_that("their controllers to make new ones", || {
        let uids: Vec<Value> = workloads
            .list("pods")
            .iter()
            .map(|pod| pod["metadata"]["uid"].clone())
            .collect();
        uids.len() == 7
            && left.iter().all(|uid| uids.contains(uid))
            && !deleted.iter().any(|(_, uid)| uids.contains(uid))
    });
}

scenario!(the_document_says_it_all, on(WITH_CONTROLLERS));
fn the_document_says_it_all(workloads: &Workloads) {
    workloads.apply(&workload("Deployment", "api", pod(IMAGE, &[SECRET]), &json!({})));
    workloads.apply(&workload(
        "Deployment",
        "paused",
        pod(IMAGE, &[SECRET]),
        &json!({"paused": true}),
    ));
    let kubelet = workloads.kubelet();
    let said = workloads.sync("--service-account default --service-account nobody --restart --wait -o json");
    drop(kubelet);
    assert_eq!(said.code, 1);
    let document: Value = serde_json::from_str(&said.stdout).unwrap();
    let item = &document["items"][0];
    assert_eq!(item["action"], "created");
    assert_eq!(
        item["serviceAccounts"],
        json!([{"name": "default", "action": "configured"}])
    );
    assert_eq!(
        item["workloads"][0],
        json!({"name": "deployment.apps/api", "action": "restarted", "rollout": "done"})
    );
    let held = &item["workloads"][1];
    assert_eq!(
        (&held["name"], &held["action"], &held["reason"]),
        (&json!("deployment.apps/paused"), &json!("held"), &json!("it is paused"))
    );
    assert_eq!(item["failures"].as_array().unwrap().len(), 1, "{item}");
    let names = workloads.sync("--service-account default --restart -o name").done();
    assert_eq!(
        names.lines(),
        [
            &format!("secret/{SECRET}"),
            "serviceaccount/default",
            "deployment.apps/api"
        ]
    );
}

fn sync_double(double: &ApiServer, flags: &str) -> Said {
    let line = format!("sync -n default --registry gitea.example.com -u admin --token-env TOKEN {flags}");
    regcred(&double.kubeconfig(), "token", &line)
}

/// A pod of a ReplicaSet that is stuck on its pull.
fn stuck_pod(name: &str) -> Value {
    let mut pod = bare_pod(name, pod(IMAGE, &[]));
    pod["status"] = stuck_on_a_pull("ImagePullBackOff");
    pod["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "web", "controller": true}]);
    pod
}

scenario!(a_pod_that_healed_is_left_alone, on(API_SERVER));
fn a_pod_that_healed_is_left_alone(double: &ApiServer) {
    sync_double(double, "").done();
    for name in ["healed", "still-stuck"] {
        double.put_object("pods", "default", &stuck_pod(name));
    }
    double.before_next_write(|store| {
        store.change_object("pods", "default", "healed", |pod| {
            pod["status"] =
                json!({"phase": "Running", "containerStatuses": [{"name": "app", "state": {"running": {}}}]});
        });
    });
    // kubelet reports on the other one, which is stuck all the same.
    double.before_next_write(|store| {
        store.change_object("pods", "default", "still-stuck", |pod| {
            pod["status"] = stuck_on_a_pull("ErrImagePull");
        });
    });
    let said = sync_double(double, "--unstick").done();
    assert_eq!(said.lines()[1..], ["pod/still-stuck deleted in namespace default"]);
    assert!(double.object("pods", "default", "healed").is_some());
    assert!(double.object("pods", "default", "still-stuck").is_none());
}

scenario!(a_pod_whose_deletion_was_not_answered_is_reported, on(API_SERVER));
fn a_pod_whose_deletion_was_not_answered_is_reported(double: &ApiServer) {
    sync_double(double, "").done();
    for (name, fault) in [("cut", Fault::Lose(None)), ("gateway", Fault::Lose(Some(504)))] {
        double.put_object("pods", "default", &stuck_pod(name));
        // After the Secret and the list of pods.
        double.fail_after(2, fault, 1);
        let said = sync_double(double, "--unstick").done();
        assert_eq!(said.lines()[1..], [format!("pod/{name} deleted in namespace default")]);
    }
    // Somebody else's doing is not reported.
    double.put_object("pods", "default", &stuck_pod("gone"));
    double.before_next_write(|store| store.remove_object("pods", "default", "gone"));
    let said = sync_double(double, "--unstick").done();
    assert_eq!(said.lines().len(), 1, "{said:?}");
}

scenario!(thousands_of_pods_come_in_pages, on(API_SERVER));
fn thousands_of_pods_come_in_pages(double: &ApiServer) {
    sync_double(double, "").done();
    for number in 0..1200 {
        let mut object = stuck_pod(&format!("pod-{number:04}"));
        if number != 1111 {
            object["status"] = json!({"phase": "Running"});
        }
        double.put_object("pods", "default", &object);
    }
    // The Secret and two pages are served, and then the server has forgotten the list.
    double.fail_after(3, Fault::Status(410, None), 1);
    let said = sync_double(double, "--unstick").done();
    assert_eq!(said.lines()[1..], ["pod/pod-1111 deleted in namespace default"]);
    let recorded = double.recorded();
    let pages: Vec<_> = recorded
        .iter()
        .filter(|request| request.path.ends_with("/pods"))
        .collect();
    assert_eq!(pages.len(), 3 + 3, "all of it anew");
    assert!(pages.iter().all(|request| request.query["limit"] == "500"));
}

scenario!(a_workload_that_is_gone_is_no_failure, on(API_SERVER));
fn a_workload_that_is_gone_is_no_failure(double: &ApiServer) {
    sync_double(double, "").done();
    for name in ["gone", "there"] {
        double.put_object(
            "deployments",
            "default",
            &workload("Deployment", name, pod(IMAGE, &[SECRET]), &json!({})),
        );
    }
    double.before_next_write(|store| store.remove_object("deployments", "default", "gone"));
    let said = sync_double(double, "--restart").done();
    assert_eq!(
        said.lines()[1..],
        ["deployment.apps/there restarted in namespace default"]
    );
}
