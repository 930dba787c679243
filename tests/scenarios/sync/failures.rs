//! Many namespaces, some of which fail: the rest goes on, and a second run finishes the job.

use serde_json::json;
use snapbox::str;

use super::pipeline::{DOUBLE, Pipeline, REAL, in_namespaces, summary};
use crate::support::api_server::Fault;
use crate::support::control_plane::PLAIN_TOKEN;
use crate::support::part::until;
use crate::support::parts::{self, DOUBLES, REAL_WITH_VAULT};
use crate::support::plane::{Plane, SECRET};
use crate::support::world::World;

/// A run of the size that this is for.
const MANY: usize = 200;

scenario!(forbidden_missing_and_terminating_among_many, on(DOUBLE, REAL));
fn forbidden_missing_and_terminating_among_many(pipeline: &Pipeline) {
    let names: Vec<String> = (0..MANY)
        .map(|number| pipeline.name(format_args!("{number:03}")))
        .collect();
    let is_missing = |name: &String| name.ends_with("11");
    let is_terminating = |name: &String| name.ends_with("22");
    let is_forbidden = |name: &String| name.ends_with("33");
    let there: Vec<String> = names.iter().filter(|name| !is_missing(name)).cloned().collect();
    pipeline.create_namespaces(&there, "many");
    forbid(pipeline, &there, is_forbidden);
    for name in names.iter().filter(|name| is_terminating(name)) {
        pipeline.plane.terminate(name);
    }
    let args = in_namespaces(&names);
    let ran = pipeline.sync("one", &args);
    assert_eq!(ran.code, 1);
    assert_eq!(summary(&ran), "194 created, 6 failed", "{}", ran.stderr);
    let order: Vec<_> = ran
        .stdout
        .lines()
        .map(|line| line.rsplit(' ').next().unwrap())
        .collect();
    assert!(order.is_sorted(), "the order of the command line");
    // Who may nothing in a namespace is not told whether it is there.
    let missing = match pipeline.plane {
        Plane::Double(_) => "namespace {} not found\nhint: kubectl create namespace {}",
        Plane::Real(_) => "may not get secrets in namespace {}\n",
    };
    for (name, says) in [
        ("011", missing),
        ("111", missing),
        ("022", "namespace {} is being deleted\n"),
        ("122", "namespace {} is being deleted\n"),
        ("033", "may not get secrets in namespace {}\n"),
        ("133", "may not get secrets in namespace {}\n"),
    ] {
        let says = says.replace("{}", &pipeline.name(name));
        assert!(ran.stderr.contains(&says), "{says}\n{}", ran.stderr);
    }
    assert_eq!(
        ran.stderr.matches("\nkind: Role\n").count(),
        1,
        "one Role is enough to read"
    );

    let missing: Vec<String> = names.iter().filter(|name| is_missing(name)).cloned().collect();
    pipeline.create_namespaces(&missing, "many");
    allow(pipeline, &names);
    let left: Vec<String> = names.iter().filter(|name| !is_terminating(name)).cloned().collect();
    let again = pipeline.sync("one", &in_namespaces(&left));
    assert_eq!(
        (again.code, summary(&again)),
        (0, "4 created, 194 unchanged"),
        "{}",
        again.stderr
    );
}

/// From now on the place's kubeconfig is somebody's who may not do everything.
fn forbid(pipeline: &Pipeline, names: &[String], is_forbidden: impl Fn(&String) -> bool) {
    match &pipeline.plane {
        Plane::Double(double) => {
            double.forbid("list", "");
            for name in names.iter().filter(|name| is_forbidden(name)) {
                double.forbid("get", name);
            }
        }
        Plane::Real(real) => {
            let allowed: Vec<String> = names.iter().filter(|name| !is_forbidden(name)).cloned().collect();
            bind(pipeline, &allowed);
            std::fs::write(pipeline.kubeconfig(), real.kubeconfig_for(PLAIN_TOKEN)).unwrap();
        }
    }
}

fn allow(pipeline: &Pipeline, names: &[String]) {
    match &pipeline.plane {
        Plane::Double(double) => {
            for name in names {
                double.allow("get", name);
            }
        }
        Plane::Real(_) => bind(pipeline, names),
    }
}

/// The Role that regcred itself asks for, as a `ClusterRole` bound in each namespace.
fn bind(pipeline: &Pipeline, names: &[String]) {
    let Plane::Real(real) = &pipeline.plane else { return };
    let role = pipeline.name("sync");
    let cluster_role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": role},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "patch", "create"]}],
    });
    let bindings = names.iter().map(|namespace| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": role, "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "plain"}],
        })
    });
    let items: Vec<_> = std::iter::once(cluster_role).chain(bindings).collect();
    let manifest = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    // Those in namespaces that are on their way out cannot be made any more, and are there already.
    let applied = real.kubectl(&["apply", "--validate=false", "-f", "-"], &manifest);
    let stderr = String::from_utf8_lossy(&applied.stderr).into_owned();
    assert!(
        stderr
            .lines()
            .all(|line| line.contains("terminated") || line.contains("Warning")),
        "{stderr}"
    );
    // RBAC answers from a cache: the last binding has arrived there when it is effective.
    let last = names.last().unwrap();
    let question = ["auth", "can-i", "create", "secrets", "-n", last, "--as=plain", "-q"];
    until("the last binding is in force", || {
        real.kubectl(&question, "").status.success()
    });
}

/// Takes away what is a matter of the whole cluster, however the test ends: its kind, and its name.
struct OfCluster<'a>(&'a Pipeline, &'static str, String);

impl Drop for OfCluster<'_> {
    fn drop(&mut self) {
        if let Plane::Real(real) = &self.0.plane {
            let _ = real.kubectl(&["delete", self.1, &self.2, "--ignore-not-found"], "");
        }
    }
}

scenario!(a_quota_and_an_admission_webhook_that_refuse, on(REAL));
fn a_quota_and_an_admission_webhook_that_refuse(pipeline: &Pipeline) {
    let Plane::Real(real) = &pipeline.plane else { return };
    let names: Vec<String> = (0..12)
        .map(|number| pipeline.name(format_args!("{number:02}")))
        .collect();
    pipeline.create_namespaces(&names, "many");
    let (full, watched) = (&names[3], &names[7]);

    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full", "namespace": full},
        "spec": {"hard": {"secrets": "0"}}});
    let _ = real.kubectl_ok(&["create", "-f", "-"], &quota.to_string());
    // What a controller would do.
    let status = r#"{"status":{"hard":{"secrets":"0"},"used":{"secrets":"0"}}}"#;
    let _ = real.kubectl_ok(
        &[
            "patch",
            "resourcequota",
            "full",
            "-n",
            full,
            "--subresource=status",
            "--type=merge",
            "-p",
            status,
        ],
        "",
    );
    let _ = real.kubectl_ok(&["label", "namespace", watched, "watched=yes"], "");
    let webhook = OfCluster(pipeline, "validatingwebhookconfiguration", pipeline.name("webhook"));
    let configuration = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": webhook.2},
        "webhooks": [{
            "name": "policy.example.com", "failurePolicy": "Fail", "sideEffects": "None", "timeoutSeconds": 1,
            "admissionReviewVersions": ["v1"], "namespaceSelector": {"matchLabels": {"watched": "yes"}},
            // Nobody listens there.
            "clientConfig": {"url": "https://127.0.0.1:1/"},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["secrets"], "operations": ["CREATE", "UPDATE"]}],
        }],
    });
    let _ = real.kubectl_ok(&["create", "-f", "-"], &configuration.to_string());
    // Both take effect by watches of the server's own.
    let probe = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "probe"}}).to_string();
    for name in [full, watched] {
        let create = ["create", "--dry-run=server", "-n", name, "-f", "-"];
        until("both refuse", || !real.kubectl(&create, &probe).status.success());
    }

    let ran = pipeline.sync("one", &in_namespaces(&names));
    assert_eq!((ran.code, summary(&ran)), (1, "10 created, 2 failed"), "{ran}");
    let says = format!("the API server refused the request about secret/{SECRET} in namespace {full}: ");
    assert!(
        ran.stderr.contains(&says) && ran.stderr.contains("exceeded quota: full"),
        "{ran}"
    );
    assert!(
        ran.stderr.contains("failed calling webhook \"policy.example.com\""),
        "{ran}"
    );
    assert!(!ran.stderr.contains("kind: Role"), "no permission is missing: {ran}");

    drop(webhook);
    let _ = real.kubectl_ok(&["delete", "resourcequota", "full", "-n", full], "");
    for name in [full, watched] {
        let create = ["create", "--dry-run=server", "-n", name, "-f", "-"];
        until("nothing refuses", || real.kubectl(&create, &probe).status.success());
    }
    let again = pipeline.sync("one", &in_namespaces(&names));
    assert_eq!((again.code, summary(&again)), (0, "2 created, 10 unchanged"), "{again}");
}

scenario!(a_policy_that_refuses, on(REAL));
fn a_policy_that_refuses(pipeline: &Pipeline) {
    let Plane::Real(real) = &pipeline.plane else { return };
    let names = [pipeline.name("ruled")];
    pipeline.create_namespaces(&names, "many");
    let policy = OfCluster(pipeline, "validatingadmissionpolicy", pipeline.name("policy"));
    let binding = OfCluster(pipeline, "validatingadmissionpolicybinding", pipeline.name("policy"));
    let own = json!({"matchLabels": {"kubernetes.io/metadata.name": names[0]}});
    let policies = json!({"apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": policy.2},
            "spec": {
                "matchConstraints": {
                    "namespaceSelector": own,
                    "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["secrets"], "operations": ["CREATE"]}],
                },
                "validations": [{"expression": "false", "message": "no Secrets here"}],
            },
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": binding.2},
            "spec": {"policyName": policy.2, "validationActions": ["Deny"]},
        },
    ]});
    let _ = real.kubectl_ok(&["create", "-f", "-"], &policies.to_string());
    let probe = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "probe"}}).to_string();
    let create = ["create", "--dry-run=server", "-n", &names[0], "-f", "-"];
    until("the policy is in force", || {
        !real.kubectl(&create, &probe).status.success()
    });
    let ran = pipeline.sync("one", &in_namespaces(&names));
    assert_eq!(ran.code, 1, "{ran}");
    let says = format!(
        "the API server refused the request about secret/{SECRET} in namespace {}: ",
        names[0]
    );
    for words in [
        &says,
        "denied request: no Secrets here",
        "hint: a rule of the cluster decided so",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {ran}");
    }
}

fn double_with(count: usize) -> (Pipeline, Vec<String>) {
    let pipeline = Pipeline::of_double();
    let names: Vec<String> = (0..count)
        .map(|number| pipeline.name(format_args!("{number:03}")))
        .collect();
    pipeline.create_namespaces(&names, "many");
    (pipeline, names)
}

scenario!(a_storm_of_other_writers);
fn a_storm_of_other_writers() {
    let (pipeline, names) = double_with(40);
    pipeline.sync("old", &in_namespaces(&names)).done();
    for round in 0..4 {
        let names = names.clone();
        // Everything that is being planned right now becomes stale.
        pipeline.double().before_next_write(move |store| {
            for name in &names {
                store.update(name, SECRET, "other", |secret| {
                    secret["metadata"]["labels"]["round"] = round.to_string().into();
                });
            }
        });
    }
    let ran = pipeline.sync("new", &in_namespaces(&names));
    assert_eq!((ran.code, summary(&ran)), (0, "40 configured"), "{ran}");
    let conflicts = pipeline
        .double()
        .recorded()
        .iter()
        .filter(|request| request.status == 409)
        .count();
    assert!(conflicts >= 4, "{conflicts}");
    for name in &names {
        let secret = pipeline.plane.secret(name, SECRET).unwrap();
        assert_eq!(
            secret["metadata"]["labels"]["round"], "3",
            "somebody else's label is kept"
        );
        assert_eq!(
            pipeline.token(name, SECRET, &pipeline.registry()).as_deref(),
            Some("new")
        );
    }
}

scenario!(a_busy_server_is_given_its_time);
fn a_busy_server_is_given_its_time() {
    let (pipeline, names) = double_with(40);
    // Priority and fairness turns some away, with the time that they should stay away.
    pipeline.double().fail_after(30, Fault::Status(429, Some(1)), 6);
    let start = std::time::Instant::now();
    let ran = pipeline.sync("one", &in_namespaces(&names));
    assert_eq!((ran.code, summary(&ran)), (0, "40 created"), "{ran}");
    assert!(start.elapsed().as_secs() >= 1, "Retry-After was not waited for");
}

scenario!(one_namespaces_failures_are_its_own);
fn one_namespaces_failures_are_its_own() {
    let (pipeline, names) = double_with(60);
    let faults = [
        (5, Fault::Cut, "cannot reach the API server"),
        (
            6,
            Fault::Status(500, None),
            "answered HTTP 500: the double was told to misbehave",
        ),
        (17, Fault::Status(503, None), "is too busy or not ready (HTTP 503)"),
        (
            18,
            Fault::Status(429, Some(3600)),
            "is too busy or not ready (HTTP 429)",
        ),
        (40, Fault::Hang, "did not answer within 4 s"),
        (59, Fault::Cut, "cannot reach the API server"),
    ];
    for (at, fault, _) in faults {
        pipeline.double().fail_in(&names[at], fault);
    }
    let mut args = in_namespaces(&names);
    args.extend(["--request-timeout", "4"]);
    let ran = pipeline.sync("one", &args);
    assert_eq!((ran.code, summary(&ran)), (1, "54 created, 6 failed"), "{ran}");
    for (_, _, says) in faults {
        assert!(ran.stderr.contains(says), "{says}\n{ran}");
    }
    pipeline.double().recover();
    let again = pipeline.sync("one", &args);
    assert_eq!((again.code, summary(&again)), (0, "6 created, 54 unchanged"), "{again}");
}

scenario!(a_server_that_goes_away_is_said_once);
fn a_server_that_goes_away_is_said_once() {
    let (pipeline, names) = double_with(MANY);
    pipeline.double().fail_after(101, Fault::Cut, u32::MAX);
    let ran = pipeline.sync("one", &in_namespaces(&names));
    assert_eq!(ran.code, 1);
    assert_eq!(ran.stderr.matches("error: ").count(), 1, "{ran}");
    let numbers: Vec<usize> = summary(&ran)
        .split(", ")
        .map(|part| part.split(' ').next().unwrap().parse().unwrap())
        .collect();
    // Those that were under way at that moment are neither done nor untried.
    let [created, failed, not_tried, cut_off] = numbers[..] else {
        panic!("{ran}")
    };
    assert_eq!((created + failed + not_tried + cut_off, failed), (MANY, 1), "{ran}");
    assert!(cut_off < 64, "as many as are under way at once: {ran}");
    assert_eq!(ran.stdout.lines().count(), created);
    assert!(summary(&ran).contains(" not tried, "), "{ran}");
    pipeline.double().recover();
    let again = pipeline.sync("one", &in_namespaces(&names));
    assert_eq!(again.code, 0, "{again}");
}

scenario!(who_may_not_list_is_told_what_else_to_do);
fn who_may_not_list_is_told_what_else_to_do() {
    let pipeline = Pipeline::of_double();
    pipeline.double().forbid("list", "");
    let ran = pipeline.sync("one", &["-A"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("error: admin may not list secrets\n"), "{ran}");
    assert!(
        ran.stderr.contains("hint: ") && ran.stderr.contains("-n NAMESPACE"),
        "{ran}"
    );
    let ran = pipeline.sync("one", &["-l", "a=b"]);
    assert!(ran.stderr.contains("error: admin may not list namespaces\n"), "{ran}");
}

scenario!(one_of_two_namespaces_fails, on(DOUBLES, parts::REAL, REAL_WITH_VAULT));
fn one_of_two_namespaces_fails(world: &World) {
    let token = world.gitea.add_token("admin", "write:package");
    world
        .regcred_with("login [REGISTRY] -u admin --token-stdin", &token)
        .done();
    world
        .regcred("sync -n no-such-namespace -n [NAMESPACE] -n [NAMESPACE]")
        .says(str![[r#"
exit 1
--- stdout
secret/gitea-credentials created in namespace [NAMESPACE]
--- stderr
error: namespace no-such-namespace not found
hint: kubectl create namespace no-such-namespace
1 created, 1 failed

"#]]);
    assert!(world.document("gitea-credentials").contains(&token));
    world.regcred("sync -n [NAMESPACE] --context nowhere").says(str![[r#"
exit 1
--- stdout
--- stderr
error: the kubeconfig has no context named "nowhere"; there are: [..]
hint: `kubectl config get-contexts` lists them

"#]]);
    world
        .regcred("sync -n [NAMESPACE] --kubeconfig no-such-file")
        .says(str![[r#"
exit 1
--- stdout
--- stderr
error: cannot read the kubeconfig no-such-file: No such file or directory (os error 2)
hint: name another file with --kubeconfig FILE, or correct KUBECONFIG

"#]]);
}

scenario!(a_list_that_is_too_long_for_one);
fn a_list_that_is_too_long_for_one() {
    let world = World::of_doubles();
    world
        .regcred_with("sync -f -", &"a".repeat(4 * 1024 * 1024 + 1))
        .says(str![[r#"
exit 1
--- stdout
--- stderr
error: standard input is too long for a list of Secrets

"#]]);
}
