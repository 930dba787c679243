//! Which images a cluster needs: what runs, what could be rolled back to, and what could not be read.

use std::collections::BTreeSet;

use regcred::cluster::images::{Needs, needs};
use regcred::cluster::survey::NamespaceSelection;
use regcred::cluster::{Cluster, Error};
use serde_json::{Value, json};

use super::helm;
use crate::support::api_server::Fault;
use crate::support::part::until;
use crate::support::parts::{CONTROL_PLANE, ON_CONTROL_PLANE, ON_DOUBLE};
use crate::support::plane::{Plane, Who};
use crate::support::scenario::Place;

const REGISTRY: &str = "gitea.example.com";
const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// A group of its own, so that nothing else on a shared control plane meets it.
const GROUP: &str = "images.regcred.example";

fn asked(plane: &Plane, who: Who, places: &NamespaceSelection) -> Result<Needs, Error> {
    let registries = [REGISTRY.parse().unwrap()];
    plane.connected(who, async |cluster: &Cluster| {
        needs(cluster, places, &registries, &|_| {}).await
    })
}

fn named(namespace: &str) -> NamespaceSelection {
    NamespaceSelection::Named(vec![namespace.parse().unwrap()])
}

/// `what object/container how`, without the registry.
fn shown(needs: &Needs) -> Vec<String> {
    let uses = needs
        .needs
        .iter()
        .flat_map(|need| need.uses.iter().map(move |used| (need, used)));
    let mut shown: Vec<String> = uses
        .map(|(need, used)| {
            let needed = need.needed.to_string().replace("gitea.example.com/", "");
            format!("{needed} {}/{} {}", used.object, used.container, used.how)
        })
        .collect();
    shown.sort();
    shown
}

/// A pod's spec with one container.
fn pod(image: &str) -> Value {
    json!({"containers": [{"name": "c", "image": format!("{REGISTRY}/a/{image}")}]})
}

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "x"}}, "spec": pod(image)})
}

fn put(plane: &Plane, namespace: &str, resource: &str, api: &str, kind: &str, name: &str, fields: &Value) {
    let mut object = json!({"apiVersion": api, "kind": kind, "metadata": {"name": name}});
    for (key, value) in fields.as_object().unwrap() {
        match key.as_str() {
            "metadata" => object["metadata"]
                .as_object_mut()
                .unwrap()
                .extend(value.as_object().unwrap().clone()),
            _ => object[key] = value.clone(),
        }
    }
    plane.put(resource, namespace, &object);
}

/// Defines a kind of custom resource with any content.
fn define(plane: &Plane, plural: &str, kind: &str) {
    let real = match plane {
        Plane::Double(double) => return double.define(GROUP, "v1alpha1", plural, kind),
        Plane::Real(real) => real,
    };
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{GROUP}")},
        "spec": {
            "group": GROUP, "scope": "Namespaced", "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind},
            "versions": [{"name": "v1alpha1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
    });
    real.kubectl_ok(&["apply", "--server-side", "-f", "-"], &definition.to_string());
    until("the kind is served", || {
        real.kubectl(&["get", "--raw", &format!("/apis/{GROUP}/v1alpha1")], "")
            .status
            .success()
    });
    until("the kind is known", || {
        let served = real.kubectl_ok(&["get", "--raw", &format!("/apis/{GROUP}/v1alpha1")], "");
        served.contains(&format!("\"{plural}\""))
    });
}

/// Without controllers, which would make pods of these objects and collect those without an owner.
const WITHOUT_CONTROLLERS: Place<Plane> = Place::real(CONTROL_PLANE, Plane::second_real);

scenario!(
    everything_that_runs_or_could_run_again,
    on(ON_DOUBLE, WITHOUT_CONTROLLERS)
);
#[allow(clippy::too_many_lines, reason = "one of each kind of object")]
fn everything_that_runs_or_could_run_again(plane: &Plane) {
    let namespace = &plane.namespace();
    let put = |resource: &str, api: &str, kind: &str, name: &str, fields: &Value| {
        put(plane, namespace, resource, api, kind, name, fields);
    };
    put("serviceaccounts", "v1", "ServiceAccount", "default", &json!({}));
    let labels = json!({"matchLabels": {"app": "x"}});
    let of = |image: &str| json!({"selector": labels, "template": template(image)});
    put(
        "deployments",
        "apps/v1",
        "Deployment",
        "api",
        &json!({"spec": of("api:2")}),
    );
    let owner = |kind: &str, name: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "1", "controller": true}]);
    let mut old = of("api:1");
    old["replicas"] = 0.into();
    put(
        "replicasets",
        "apps/v1",
        "ReplicaSet",
        "api-1",
        &json!({"metadata": {"ownerReferences": owner("Deployment", "api")}, "spec": old}),
    );
    let mut stateful = of("db:2");
    stateful["serviceName"] = "db".into();
    put(
        "statefulsets",
        "apps/v1",
        "StatefulSet",
        "db",
        &json!({"spec": stateful}),
    );
    let data = json!({"spec": {"template": {"$patch": "replace", "spec": pod("db:1")}}});
    put(
        "controllerrevisions",
        "apps/v1",
        "ControllerRevision",
        "db-1",
        &json!({"metadata": {"ownerReferences": owner("StatefulSet", "db")}, "revision": 1, "data": data}),
    );
    put(
        "daemonsets",
        "apps/v1",
        "DaemonSet",
        "log",
        &json!({"spec": of("log:1")}),
    );
    let mut job = template("job:1");
    job["spec"]["restartPolicy"] = "Never".into();
    put("jobs", "batch/v1", "Job", "once", &json!({"spec": {"template": job}}));
    job["spec"]["containers"][0]["image"] = format!("{REGISTRY}/a/cron:1").into();
    put(
        "cronjobs",
        "batch/v1",
        "CronJob",
        "nightly",
        &json!({"spec": {"schedule": "0 3 * * *", "suspend": true, "jobTemplate": {"spec": {"template": job}}}}),
    );
    put(
        "replicationcontrollers",
        "v1",
        "ReplicationController",
        "ancient",
        &json!({"spec": {"replicas": 1, "selector": {"app": "x"}, "template": template("rc:1")}}),
    );
    put(
        "podtemplates",
        "v1",
        "PodTemplate",
        "kept",
        &json!({"template": template("kept:1")}),
    );
    let spec = json!({
        "automountServiceAccountToken": false,
        "initContainers": [{"name": "init", "image": format!("{REGISTRY}/a/init:1")}],
        "containers": [
            {"name": "c", "image": format!("{REGISTRY}/a/run:1")},
            {"name": "hub", "image": "docker.io/library/busybox"},
        ],
        "volumes": [{"name": "model", "image": {"reference": format!("{REGISTRY}/a/model@sha256:{HEX}")}}],
    });
    let status = json!({"phase": "Running", "containerStatuses": [{
        "name": "c", "image": format!("{REGISTRY}/a/run:1"), "imageID": format!("{REGISTRY}/a/run@sha256:{HEX}"),
        "ready": true, "restartCount": 0, "state": {"running": {}},
    }]});
    put("pods", "v1", "Pod", "run", &json!({"spec": spec, "status": status}));
    define(plane, "rollouts", "Rollout");
    let fields = json!({"spec": {"strategy": {"canary": {}}, "template": {"spec": pod("rollout:1")}}});
    put("rollouts", &format!("{GROUP}/v1alpha1"), "Rollout", "web", &fields);
    helm::secret(
        plane,
        namespace,
        1,
        "superseded",
        &helm::manifest("gitea.example.com/a/helm:1"),
    );
    helm::secret(
        plane,
        namespace,
        2,
        "deployed",
        &helm::manifest("gitea.example.com/a/helm:2"),
    );
    helm::config_map(
        plane,
        namespace,
        3,
        "uninstalled",
        &helm::manifest("gitea.example.com/a/helm:3"),
    );

    let found = asked(plane, Who::Admin, &named(namespace)).unwrap();
    assert!(found.unread.is_empty(), "{:?}", found.unread);
    assert_eq!(found.passed_over, 1);
    let expected = [
        "a/api:1 replicaset.apps/api-1/c rollback",
        "a/api:2 deployment.apps/api/c template",
        "a/cron:1 cronjob.batch/nightly/c template",
        "a/db:1 controllerrevision.apps/db-1/c rollback",
        "a/db:2 statefulset.apps/db/c template",
        "a/helm:1 secret/sh.helm.release.v1.api.v1/api Helm revision 1, superseded",
        "a/helm:2 secret/sh.helm.release.v1.api.v2/api Helm revision 2, deployed",
        "a/helm:3 configmap/sh.helm.release.v1.api.v3/api Helm revision 3, uninstalled",
        "a/init:1 pod/run/init runs",
        "a/job:1 job.batch/once/c template",
        "a/kept:1 podtemplate/kept/c template",
        "a/log:1 daemonset.apps/log/c template",
        &*format!("a/model@sha256:{HEX} pod/run/model runs"),
        "a/rc:1 replicationcontroller/ancient/c template",
        "a/rollout:1 rollout.images.regcred.example/web/c custom resource",
        "a/run:1 pod/run/c runs",
        &format!("a/run@sha256:{HEX} pod/run/c runs"),
    ];
    assert_eq!(shown(&found), expected);

    // The same in all namespaces at once, among what else there may be.
    let everywhere = asked(plane, Who::Admin, &NamespaceSelection::All).unwrap();
    let all: BTreeSet<String> = shown(&everywhere).into_iter().collect();
    assert!(expected.iter().all(|line| all.contains(*line)), "{all:?}");
}

/// What could not be read, in the order of its text.
fn unread(needs: &Needs) -> Vec<String> {
    let mut unread: Vec<_> = needs.unread.iter().map(ToString::to_string).collect();
    unread.sort();
    unread
}

scenario!(
    what_may_not_be_read_is_never_taken_for_absent,
    on(ON_DOUBLE, ON_CONTROL_PLANE)
);
fn what_may_not_be_read_is_never_taken_for_absent(plane: &Plane) {
    let namespace = &plane.namespace();
    define(plane, "rollouts", "Rollout");
    let found = asked(plane, Who::Plain, &named(namespace)).unwrap();
    let unread = unread(&found).join("\n");
    for kind in [
        "secrets",
        "configmaps",
        "pods",
        "podtemplates",
        "replicationcontrollers",
        "deployments",
        "statefulsets",
        "daemonsets",
        "replicasets",
        "controllerrevisions",
        "jobs",
        "cronjobs",
        "rollouts.images.regcred.example",
    ] {
        assert!(unread.lines().any(|line| line.starts_with(kind)), "{kind}: {unread}");
    }
}

scenario!(
    a_group_that_is_down_a_broken_release_and_a_lost_page_are_told,
    on(ON_DOUBLE)
);
fn a_group_that_is_down_a_broken_release_and_a_lost_page_are_told(plane: &Plane) {
    let double = plane.api_server();
    let namespace = &plane.namespace();
    helm::secret_of(plane, namespace, 1, "deployed", "no base64!");
    helm::secret(plane, namespace, 2, "deployed", "kind: [");
    helm::secret(
        plane,
        namespace,
        3,
        "deployed",
        &helm::manifest("gitea.example.com/a/helm:3"),
    );
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    define(plane, "rollouts", "Rollout");
    let content: Value = {
        // serde_json itself reads nothing as deep.
        let mut value = json!(1);
        for _ in 0..200 {
            value = json!([value]);
        }
        value
    };
    assert_eq!(content.to_string(), deep);
    put(
        plane,
        namespace,
        "rollouts",
        &format!("{GROUP}/v1alpha1"),
        "Rollout",
        "deep",
        &json!({"spec": content}),
    );
    double.define("down.example", "v1", "things", "Thing");
    double.fail_lists_of("v1", Fault::Status(500, None));
    double.fail_lists_of("jobs", Fault::Status(500, None));
    let found = asked(plane, Who::Admin, &NamespaceSelection::All).unwrap();
    let unread = unread(&found);
    let starts: Vec<&str> = unread.iter().map(|text| text.split(": ").next().unwrap()).collect();
    assert_eq!(
        starts,
        [
            "jobs",
            &*format!("rollout.images.regcred.example/deep in namespace {namespace}"),
            &format!("secret/sh.helm.release.v1.api.v1 in namespace {namespace}"),
            &format!("secret/sh.helm.release.v1.api.v2 in namespace {namespace}"),
            "the kinds of custom resources in down.example",
        ]
    );
    assert_eq!(
        shown(&found),
        ["a/helm:3 secret/sh.helm.release.v1.api.v3/api Helm revision 3, deployed"]
    );

    double.recover();
    double.fail_lists_of("apis", Fault::Status(500, None));
    let found = asked(plane, Who::Admin, &named(namespace)).unwrap();
    assert!(
        self::unread(&found)
            .iter()
            .any(|text| text.starts_with("the kinds of custom resources:"))
    );
    // A cluster that does not answer at all is an error, and no empty answer.
    double.recover();
    double.fail_lists_of("pods", Fault::Status(503, None));
    assert!(asked(plane, Who::Admin, &NamespaceSelection::All).is_err());
}

scenario!(pages_are_read_to_the_end, on(ON_DOUBLE));
fn pages_are_read_to_the_end(plane: &Plane) {
    let namespace = &plane.namespace();
    define(plane, "rollouts", "Rollout");
    for at in 0..45 {
        let fields = json!({"spec": {"template": {"spec": pod(&format!("rollout:{at}"))}}});
        put(
            plane,
            namespace,
            "rollouts",
            &format!("{GROUP}/v1alpha1"),
            "Rollout",
            &format!("r{at}"),
            &fields,
        );
        let manifest = helm::manifest(&format!("gitea.example.com/a/helm:{at}"));
        helm::secret(plane, namespace, at, "superseded", &manifest);
    }
    for at in 0..1100 {
        put(
            plane,
            namespace,
            "pods",
            "v1",
            "Pod",
            &format!("p{at}"),
            &json!({"spec": pod(&format!("pod:{at}"))}),
        );
    }
    let found = asked(plane, Who::Admin, &NamespaceSelection::All).unwrap();
    assert!(found.unread.is_empty(), "{:?}", found.unread);
    assert_eq!(found.needs.len(), 45 + 45 + 1100);
    // A page that is lost is not the end of the list.
    plane.api_server().fail_after(12, Fault::Status(500, None), 1);
    let found = asked(plane, Who::Admin, &NamespaceSelection::All).unwrap();
    assert_eq!(found.unread.len(), 1, "{:?}", found.unread);
}
