//! That the Role which `rbac` prints is enough, and that nothing in it is too much.

use serde_json::{Value, json};

use super::workloads::{IMAGE, SECRET, Said, WITH_CONTROLLERS, Workloads, await_that, pod, regcred, workload};
use crate::support::control_plane::{self, ControlPlane};

/// Who syncs, in the namespace of the stage.
const WHO: &str = "deployer";

/// A ServiceAccount that may do nothing, and its kubeconfig.
fn deployer(workloads: &Workloads) -> String {
    let (real, namespace) = (workloads.real, workloads.namespace.as_str());
    real.kubectl_ok(&["create", "serviceaccount", WHO, "-n", namespace], "");
    let token = real.kubectl_ok(&["create", "token", WHO, "-n", namespace], "");
    real.kubeconfig_for(token.trim())
}

/// What `rbac` prints for the deployer: the Role and its binding.
fn printed(workloads: &Workloads, flags: &str) -> Vec<Value> {
    let line = format!("rbac {flags} --serviceaccount {}:{WHO}", workloads.namespace);
    serde_saphyr::from_multiple(&regcred("", "", &line).done().stdout).unwrap()
}

fn apply(real: &ControlPlane, documents: &[Value]) {
    for document in documents {
        real.kubectl_ok(&["apply", "-f", "-"], &document.to_string());
    }
}

/// One verb on one resource.
#[derive(Clone, Debug, PartialEq)]
struct Grant {
    rule: usize,
    group: String,
    resource: String,
    verb: String,
    name: Option<String>,
}

fn grants(role: &Value) -> Vec<Grant> {
    let texts = |list: &Value| -> Vec<String> {
        list.as_array()
            .into_iter()
            .flatten()
            .map(|text| text.as_str().unwrap().to_owned())
            .collect()
    };
    let mut grants = Vec::new();
    for (rule, grant) in role["rules"].as_array().unwrap().iter().enumerate() {
        for resource in texts(&grant["resources"]) {
            for verb in texts(&grant["verbs"]) {
                grants.push(Grant {
                    rule,
                    group: texts(&grant["apiGroups"])[0].clone(),
                    resource: resource.clone(),
                    verb,
                    name: texts(&grant["resourceNames"]).first().cloned(),
                });
            }
        }
    }
    grants
}

/// The Role of these grants, a rule each.
fn role_of(role: &Value, grants: &[Grant]) -> Value {
    let mut role = role.clone();
    role["rules"] = grants
        .iter()
        .map(|grant| {
            let mut one = json!({"apiGroups": [grant.group], "resources": [grant.resource], "verbs": [grant.verb]});
            if let Some(name) = &grant.name {
                one["resourceNames"] = json!([name]);
            }
            one
        })
        .collect();
    role
}

/// Waits until the API server, whose RBAC learns of changes from a watch, decides so.
fn await_may(workloads: &Workloads, namespace: Option<&str>, grant: &Grant, may: bool) {
    let user = format!("system:serviceaccount:{}:{WHO}", workloads.namespace);
    let mut attributes = json!({"verb": grant.verb, "resource": grant.resource, "group": grant.group});
    if let Some(name) = &grant.name {
        attributes["name"] = name.as_str().into();
    }
    if let Some(namespace) = namespace {
        attributes["namespace"] = namespace.into();
    }
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": attributes}})
    .to_string();
    await_that(&format!("{grant:?} to be {may}"), || {
        let answer = workloads.real.kubectl_ok(&["create", "-f", "-", "-o", "json"], &review);
        serde_json::from_str::<Value>(&answer).unwrap()["status"]["allowed"] == may
    });
}

scenario!(every_verb_of_the_role_is_needed, on(WITH_CONTROLLERS));
fn every_verb_of_the_role_is_needed(workloads: &Workloads) {
    let namespace = workloads.namespace.as_str();
    let kubeconfig = deployer(workloads);
    let flags = format!("-n {namespace} --service-account default --restart --wait --unstick");
    let documents = printed(workloads, &flags);
    let role = &documents[0];
    let grants = grants(role);
    workloads.node();
    for kind in ["Deployment", "StatefulSet", "DaemonSet"] {
        workloads.apply(&workload(kind, "app", pod(IMAGE, &[SECRET]), &json!({})));
    }
    workloads.apply(&workload("ReplicaSet", "stuck", pod(IMAGE, &["other"]), &json!({})));
    apply(workloads.real, &documents);
    for grant in &grants {
        await_may(workloads, Some(namespace), grant, true);
    }

    // Exactly these are enough.
    let kubelet = workloads.kubelet_but_for("stuck");
    await_that("a stuck pod", || workloads.stick("stuck"));
    let said = workloads
        .sync_as(
            &kubeconfig,
            "first",
            "--service-account default --restart --wait=60s --unstick",
        )
        .done();
    for line in [
        format!("secret/{SECRET} created in namespace {namespace}"),
        format!("serviceaccount/default configured in namespace {namespace}"),
        format!("deployment.apps/app rolled out in namespace {namespace}"),
        format!("statefulset.apps/app rolled out in namespace {namespace}"),
        format!("daemonset.apps/app rolled out in namespace {namespace}"),
    ] {
        assert!(said.lines().contains(&line.as_str()), "{line}\n{said:#?}");
    }
    assert!(said.stdout.contains("pod/stuck-"), "{said:#?}");
    let said = workloads.sync_as(&kubeconfig, "second", "").done();
    assert_eq!(
        said.lines(),
        [format!("secret/{SECRET} configured in namespace {namespace}")]
    );
    drop(kubelet);

    // Without any one of them it fails for that one.
    let kubectl = |arguments: &[&str]| workloads.real.kubectl_ok(arguments, "");
    for (at, grant) in grants.iter().enumerate() {
        let mut less = grants.clone();
        less.remove(at);
        apply(workloads.real, &[role_of(role, &less)]);
        await_may(workloads, Some(namespace), grant, false);
        kubectl(&[
            "patch",
            "serviceaccount",
            "default",
            "-n",
            namespace,
            "-p",
            r#"{"imagePullSecrets":null}"#,
        ]);
        if grant.verb == "create" {
            kubectl(&["delete", "secret", SECRET, "-n", namespace]);
        }
        await_that("a stuck pod", || workloads.stick("stuck"));
        let wait = if grant.verb == "watch" { "--wait=1s" } else { "" };
        let token = format!("token-{at}");
        let said = workloads.sync_as(
            &kubeconfig,
            &token,
            &format!("--service-account default --restart {wait} --unstick"),
        );
        assert_eq!(said.code, 1, "without {grant:?}: {said:#?}");
        let error = format!("may not {} {} in namespace {namespace}", grant.verb, grant.resource);
        assert!(said.stderr.contains(&error), "without {grant:?}: {said:#?}");
        apply(workloads.real, &[role_of(role, &grants)]);
        await_may(workloads, Some(namespace), grant, true);
        if grant.verb == "create" {
            workloads.sync_as(&kubeconfig, &token, "").done();
        }
    }
}

/// `sync -A` of a registry that no other scenario has: it must not touch their Secrets.
fn everywhere(workloads: &Workloads, kubeconfig: &str, token: &str, flags: &str) -> Said {
    let registry = format!("{}.example.com", workloads.namespace);
    let line = format!("sync {flags} --registry {registry} -u admin --token-env TOKEN");
    regcred(kubeconfig, token, &line)
}

/// Applied under a name of its own: a `ClusterRole` of these rules is every scenario's.
fn renamed(mut documents: Vec<Value>, name: &str) -> Vec<Value> {
    for document in &mut documents {
        document["metadata"]["name"] = name.into();
        if document["roleRef"].is_object() {
            document["roleRef"]["name"] = name.into();
        }
    }
    documents
}

scenario!(everywhere_with_a_cluster_role, on(WITH_CONTROLLERS));
fn everywhere_with_a_cluster_role(workloads: &Workloads) {
    let kubeconfig = deployer(workloads);
    let other = workloads.real.namespace();
    let admin = workloads.real.kubeconfig_for(control_plane::ADMIN_TOKEN);
    let both = format!("-n {} -n {other}", workloads.namespace);
    everywhere(workloads, &admin, "first", &both).done();
    let documents = renamed(
        printed(workloads, "-A"),
        &format!("kubectl-regcred-{}", workloads.namespace),
    );
    let role = &documents[0];
    let grants = grants(role);
    apply(workloads.real, &documents);
    for grant in &grants {
        await_may(workloads, None, grant, true);
    }
    let said = everywhere(workloads, &kubeconfig, "second", "-A --trust-labels").done();
    assert_eq!(said.lines().len(), 2, "{said:?}");
    for (at, grant) in grants.iter().enumerate() {
        let mut less = grants.clone();
        less.remove(at);
        apply(workloads.real, &[role_of(role, &less)]);
        await_may(workloads, None, grant, false);
        let said = everywhere(workloads, &kubeconfig, &format!("token-{at}"), "-A --trust-labels");
        assert_eq!(said.code, 1, "without {grant:?}: {said:#?}");
        assert!(
            said.stderr.contains(&format!("may not {} secrets", grant.verb)),
            "without {grant:?}: {said:#?}"
        );
        assert!(said.stderr.contains("kind: ClusterRole\n"), "{said:#?}");
        apply(workloads.real, &[role_of(role, &grants)]);
        await_may(workloads, None, grant, true);
    }
}

scenario!(by_selector_with_a_cluster_role, on(WITH_CONTROLLERS));
fn by_selector_with_a_cluster_role(workloads: &Workloads) {
    let kubeconfig = deployer(workloads);
    let (real, namespace) = (workloads.real, workloads.namespace.as_str());
    real.kubectl_ok(&["label", "namespace", namespace, &format!("team={namespace}")], "");
    let flags = format!("-l team={namespace}");
    let said = everywhere(workloads, &kubeconfig, "first", &flags);
    assert!(said.stderr.contains("may not list namespaces"), "{said:#?}");
    let documents = renamed(printed(workloads, &flags), &format!("kubectl-regcred-{namespace}"));
    apply(real, &documents);
    for grant in grants(&documents[0]) {
        await_may(workloads, None, &grant, true);
    }
    let said = everywhere(workloads, &kubeconfig, "first", &flags).done();
    assert_eq!(
        said.lines(),
        [format!("secret/{SECRET} created in namespace {namespace}")]
    );
}

scenario!(an_error_prints_the_whole_role, on(WITH_CONTROLLERS));
fn an_error_prints_the_whole_role(workloads: &Workloads) {
    let kubeconfig = deployer(workloads);
    let flags = "--service-account default --restart --unstick";
    let said = workloads.sync_as(&kubeconfig, "first", flags);
    assert_eq!(said.code, 1);
    let role = said.stderr.split_once("apply the Role below\n").unwrap().1;
    let role = role
        .lines()
        .take_while(|line| !line.contains(" failed"))
        .collect::<Vec<_>>()
        .join("\n");
    workloads.real.kubectl_ok(&["apply", "-f", "-"], &role);
    let documents: Vec<Value> = serde_saphyr::from_multiple(&role).unwrap();
    for grant in grants(&documents[0]) {
        await_may(workloads, Some(&workloads.namespace), &grant, true);
    }
    workloads.sync_as(&kubeconfig, "first", flags).done();
}
