//! What `rbac` prints: for each command, in names of their own, and enough for it.

use serde_json::{Value, json};

use crate::support::control_plane::ControlPlane;
use crate::support::part::until;
use crate::support::parts::{CONTROL_PLANE, REAL_PARTS};
use crate::support::world::{Ran, World};

const LIST: &str = "\
registries:
- registry: gitea.example.com
  username: reader
  token-env: TOKEN
  secrets:
  - {namespace: NS, name: pull, service-accounts: [ci]}
  - {namespace: NS, name: other}
  - {namespace: elsewhere, context: spare}
";

fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}

/// The Roles that an error prints.
fn printed_in(ran: &Ran) -> Vec<Value> {
    let (_, role) = ran
        .stderr
        .split_once("apply the Role below\n")
        .unwrap_or_else(|| panic!("{ran}"));
    let is_role = |line: &&str| !line.starts_with("error: ") && !line.ends_with(" failed");
    documents(&role.lines().take_while(is_role).collect::<Vec<_>>().join("\n"))
}

fn write_list(world: &World) {
    let text = LIST.replace("NS", &world.namespace);
    std::fs::write(world.home().join("list.yaml"), text).unwrap();
}

fn list_flag(world: &World) -> String {
    format!("-f {}", world.home().join("list.yaml").display())
}

scenario!(a_list_for_several_contexts);
fn a_list_for_several_contexts() {
    let world = World::of_doubles();
    write_list(&world);
    let flag = list_flag(&world);
    let ran = world.regcred(&format!("rbac {flag} --user jane"));
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("a Role is for one: spare"), "{ran}");
    assert!(ran.stderr.contains("hint: name one: --context NAME"), "{ran}");
    let of_all = world
        .regcred(&format!("rbac {flag} --user jane --context other"))
        .done();
    let all = documents(&of_all);
    assert_eq!(all.len(), 2, "{of_all}");
    assert_eq!(
        all[0]["rules"],
        json!([
            {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["other", "pull"], "verbs": ["get", "patch"]},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
            {"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": ["ci"], "verbs": ["get", "patch"]},
        ])
    );
    let spare = documents(&world.regcred(&format!("rbac {flag} --context spare")).done());
    let namespaces: Vec<_> = spare.iter().map(|role| &role["metadata"]["namespace"]).collect();
    assert_eq!(namespaces, ["elsewhere", "[NAMESPACE]"]);
    // rotate makes nothing.
    let rotate = documents(
        &world
            .regcred(&format!("rbac {flag} --context other --rotate --keep-old"))
            .done(),
    );
    assert_eq!(
        rotate[0]["rules"],
        json!([
            {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["other", "pull"], "verbs": ["get", "patch"]},
            {"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": ["ci"], "verbs": ["get", "patch"]},
        ])
    );
    for (line, says) in [
        (format!("rbac {flag} -n x"), "-n cannot be used with a file"),
        (format!("rbac {flag} -l a=b"), "-l cannot be used with a file"),
        (format!("rbac {flag} --secret x"), "cannot be used with"),
        ("rbac --rotate --status".to_owned(), "cannot be used with"),
    ] {
        let ran = world.regcred(&line);
        assert_eq!(ran.code, 2, "{line}: {ran}");
        assert!(ran.stderr.contains(says), "{line}: {ran}");
    }
}

scenario!(an_error_asks_for_no_more);
/// An error's Role is for that one Secret and for the accounts that were asked for.
fn an_error_asks_for_no_more() {
    let mut world = World::of_doubles();
    world.variables.insert("TOKEN".to_owned(), "s3cret".into());
    let text = LIST
        .replace("NS", &world.namespace)
        .replace("  - {namespace: elsewhere, context: spare}\n", "");
    std::fs::write(world.home().join("list.yaml"), text).unwrap();
    world.api_server().forbid("get", &world.namespace);
    let ran = world.regcred(&format!("sync --no-verify {}", list_flag(&world)));
    assert_eq!(ran.code, 1, "{ran}");
    let named = |name: &str| {
        json!([
            {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [name], "verbs": ["get", "patch"]},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
        ])
    };
    let first = printed_in(&ran);
    let mut rules = named("pull");
    rules.as_array_mut().unwrap().push(
        json!({"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": ["ci"], "verbs": ["get", "patch"]}),
    );
    assert_eq!(first[0]["rules"], rules, "{ran}");
    // The other Secret's is another Role, and is not passed over as if it were the same one.
    assert_eq!(ran.stderr.matches("\nkind: Role\n").count(), 2, "{ran}");
    assert!(ran.stderr.contains(r#"resourceNames: ["other"]"#), "{ran}");
}

scenario!(one_spelling_one_meaning);
fn one_spelling_one_meaning() {
    let world = World::of_doubles();
    let attach = world.regcred("rbac -n a --attach ci --user jane").done();
    assert_eq!(
        world.regcred("rbac -n a --service-account ci --user jane").done(),
        attach
    );
    let ran = world.regcred("rbac -n a --serviceaccount ci");
    assert_eq!(ran.code, 2, "{ran}");
    assert!(
        ran.stderr.contains("NAMESPACE:NAME; --attach NAME is one to attach"),
        "{ran}"
    );
    let ran = world.regcred("rbac -n a --attach ci:deploy");
    assert_eq!(ran.code, 2, "{ran}");
    // sync's flags as they are typed there.
    world
        .regcred("rbac -n a --restart --wait=60s --unstick --user jane")
        .done();
}

scenario!(whom_it_is_allowed_to);
/// Each by a binding of its own, to the one Role.
fn whom_it_is_allowed_to() {
    let world = World::of_doubles();
    let printed = |flags: &str| documents(&world.regcred(&format!("rbac -n a {flags}")).done());
    let role = printed("");
    assert_eq!(role.len(), 1, "{role:?}");
    let bound = printed("--user jane --group ops --group dev --serviceaccount ci:deploy");
    assert_eq!(bound[0], role[0]);
    let name = &role[0]["metadata"]["name"];
    assert!(bound[1..].iter().all(|binding| binding["roleRef"]["name"] == *name));
    let subjects: Vec<&Value> = bound[1..].iter().map(|binding| &binding["subjects"]).collect();
    let group = "rbac.authorization.k8s.io";
    assert_eq!(
        json!(subjects),
        json!([
            [{"kind": "User", "name": "jane", "apiGroup": group}],
            [{"kind": "Group", "name": "ops", "apiGroup": group}],
            [{"kind": "Group", "name": "dev", "apiGroup": group}],
            [{"kind": "ServiceAccount", "name": "deploy", "namespace": "ci"}],
        ])
    );
}

scenario!(less_is_allowed_than_for_sync);
/// Other flags of `sync` need other permissions.
fn less_is_allowed_than_for_sync() {
    let mut world = World::of_doubles();
    world.variables.insert("TOKEN".to_owned(), "s3cret".into());
    let spec = world.home().join("spec.yml");
    world.write(
        &spec,
        "registry-credentials: {server: gitea.example.com, username: admin, token-env: TOKEN}\n",
    );
    let rules = |flags: &str| {
        let printed = world.regcred(&format!("rbac -n a {flags}")).done();
        documents(&printed)[0]["rules"].clone()
    };
    let change = |resource: &str, name: &str| {
        let verbs = ["get", "patch"];
        json!({"apiGroups": [""], "resources": [resource], "resourceNames": [name], "verbs": verbs})
    };
    let create = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]});
    let (secret, account) = (change("secrets", "gitea-credentials"), change("serviceaccounts", "ci"));
    assert_eq!(rules(""), json!([secret, create]));
    assert_eq!(rules("--remove"), json!([secret]));
    assert_eq!(rules("--attach ci"), json!([secret, create, account]));
    assert_eq!(rules("--attach ci --detach"), json!([account]));
    let flags = format!("-f {} --deployment shop", spec.display());
    assert_eq!(rules(&flags), json!([change("secrets", "shop-registry"), create]));
}

fn may(real: &ControlPlane, user: &str, namespace: &str, verb: &str, what: &str) -> bool {
    let line = ["auth", "can-i", verb, what, "-n", namespace, "--as", user];
    real.kubectl(&line, "").status.success()
}

scenario!(beside_each_other, needs(CONTROL_PLANE));
/// Applied one after the other, each still allows what it allowed; and all of them are found by their label.
fn beside_each_other() {
    let real = ControlPlane::shared();
    let world = World::of_doubles();
    let namespace = real.namespace();
    let (jane, bob) = (format!("jane-{namespace}"), format!("Bob-{namespace}"));
    let printed = |flags: &str| world.regcred(&format!("rbac -n {namespace} {flags}")).done();
    let steps = [
        (format!("--user {jane}"), &jane, "create", "secrets"),
        (format!("--user {bob}"), &bob, "patch", "secrets/gitea-credentials"),
        (format!("--user {jane} --secret ghcr"), &jane, "patch", "secrets/ghcr"),
        (format!("--status --user {jane}"), &jane, "list", "events"),
        (
            format!("--rotate --keep-old --restart --wait --user {bob}"),
            &bob,
            "watch",
            "deployments.apps",
        ),
        (
            format!("--attach default --user {bob}"),
            &bob,
            "patch",
            "serviceaccounts/default",
        ),
        (format!("--unstick --user {bob}"), &bob, "delete", "pods"),
    ];
    for (flags, ..) in &steps {
        let _ = real.kubectl_ok(&["apply", "-f", "-"], &printed(flags));
    }
    // All of them hold after the last one was applied, the first one too.
    for (flags, user, verb, what) in &steps {
        until(&format!("{flags} to hold"), || may(real, user, &namespace, verb, what));
    }
    let again = real.kubectl_ok(&["apply", "-f", "-"], &printed(&steps[0].0));
    assert!(again.lines().all(|line| line.ends_with(" unchanged")), "{again}");
    assert!(!may(real, &jane, &namespace, "delete", "pods"), "it is bob's");
    assert!(!may(real, &bob, &namespace, "patch", "secrets/ghcr"), "it is jane's");
    // docs/workloads.md and docs/install.md find and delete them so.
    let label = "app.kubernetes.io/managed-by=kubectl-regcred";
    let found = real.kubectl_ok(
        &["get", "role,rolebinding", "-n", &namespace, "-l", label, "-o", "name"],
        "",
    );
    // jane and bob sync by one Role, each with a binding.
    assert_eq!(found.lines().count(), 6 + 7, "{found}");
    let _ = real.kubectl_ok(&["delete", "rolebinding,role", "-n", &namespace, "-l", label], "");
    until("the Roles to be gone", || {
        !may(real, &jane, &namespace, "create", "secrets")
    });
}

/// Somebody who may do nothing, under whose name the world's kubeconfig is from here on.
struct Deployer {
    real: &'static ControlPlane,
    kubeconfig: String,
    subject: String,
}

impl Deployer {
    fn of(world: &World) -> Self {
        let real = ControlPlane::shared();
        let namespace = world.namespace.as_str();
        let _ = real.kubectl_ok(&["create", "serviceaccount", "deployer", "-n", namespace], "");
        let token = real.kubectl_ok(&["create", "token", "deployer", "-n", namespace], "");
        Self {
            real,
            kubeconfig: real.kubeconfig_for(token.trim()),
            subject: format!("--serviceaccount {namespace}:deployer"),
        }
    }

    fn takes_over(&self, world: &World) {
        std::fs::write(world.folder().join("kubeconfig"), &self.kubeconfig).unwrap();
    }

    /// Gives exactly what `rbac` prints for these flags, and waits until it holds.
    fn may(&self, world: &World, flags: &str) -> Vec<Value> {
        let role = world.regcred(&format!("rbac {flags} {}", self.subject)).done();
        let role = role.replace("[NAMESPACE]", &world.namespace);
        let _ = self.real.kubectl_ok(&["apply", "-f", "-"], &role);
        let user = format!("system:serviceaccount:{}:deployer", world.namespace);
        let documents = documents(&role);
        let roles = documents.iter().filter(|document| document["kind"] == "Role");
        for role in roles {
            let namespace = role["metadata"]["namespace"].as_str().unwrap();
            for rule in role["rules"].as_array().unwrap() {
                let text = |key: &str| rule[key][0].as_str().unwrap_or_default().to_owned();
                let mut what = text("resources");
                if !text("apiGroups").is_empty() {
                    what = format!("{what}.{}", text("apiGroups"));
                }
                if !text("resourceNames").is_empty() {
                    what = format!("{what}/{}", text("resourceNames"));
                }
                until(&format!("{rule} to hold"), || {
                    may(self.real, &user, namespace, &text("verbs"), &what)
                });
            }
        }
        documents
    }

    fn may_nothing(&self, world: &World) {
        let label = "app.kubernetes.io/managed-by=kubectl-regcred";
        let line = ["delete", "rolebinding,role", "-n", &world.namespace, "-l", label];
        let _ = self.real.kubectl_ok(&line, "");
        let user = format!("system:serviceaccount:{}:deployer", world.namespace);
        until("nothing to be allowed", || {
            ["get", "list", "patch"]
                .iter()
                .all(|verb| !may(self.real, &user, &world.namespace, verb, "secrets"))
        });
    }
}

scenario!(a_list, needs(REAL_PARTS));
fn a_list() {
    let mut world = World::of_real_parts();
    world.variables.insert("TOKEN".to_owned(), "s3cret".into());
    let text = LIST
        .replace("NS", &world.namespace)
        .replace("  - {namespace: elsewhere, context: spare}\n", "");
    std::fs::write(world.home().join("list.yaml"), text).unwrap();
    let deployer = Deployer::of(&world);
    let _ = deployer
        .real
        .kubectl_ok(&["create", "serviceaccount", "ci", "-n", &world.namespace], "");
    deployer.takes_over(&world);
    let flag = list_flag(&world);
    let ran = world.regcred(&format!("sync --no-verify {flag}"));
    assert_eq!(ran.code, 1, "{ran}");
    let _ = deployer.may(&world, &flag);
    world.regcred(&format!("sync --no-verify {flag}")).done();
    assert!(world.secret("pull").is_some() && world.secret("other").is_some());
    assert_eq!(
        world
            .regcred(&format!("sync --no-verify {flag}"))
            .done()
            .matches(" unchanged ")
            .count(),
        3
    );
}

scenario!(rotate_and_remove, needs(REAL_PARTS));
fn rotate_and_remove() {
    let world = World::of_real_parts();
    let (first, second) = (
        world.gitea.add_token("admin", "read:package"),
        world.gitea.add_token("admin", "read:package"),
    );
    let login = "login [REGISTRY] -u admin --use cluster --token-stdin";
    world.regcred_with(login, &first).done();
    let namespace = world.namespace.clone();
    world.regcred(&format!("sync -n {namespace}")).done();
    let deployer = Deployer::of(&world);
    deployer.takes_over(&world);
    let rules = deployer.may(&world, &format!("-n {namespace} --rotate --keep-old"));
    assert_eq!(rules[0]["rules"][0]["verbs"], json!(["get", "patch"]));
    let rotate = format!("rotate [REGISTRY] -n {namespace} --token-stdin --keep-old");
    world.regcred_with(&rotate, &second).done();
    assert!(world.document("gitea-credentials").contains(&second));

    deployer.may_nothing(&world);
    let remove = format!("sync -n {namespace} --registry [REGISTRY] --remove");
    let ran = world.regcred(&remove);
    assert!(ran.code == 1 && ran.stderr.contains("may not get secrets"), "{ran}");
    let _ = deployer.may(&world, &format!("-n {namespace} --remove"));
    world.regcred(&remove).done();
    assert_eq!(world.document("gitea-credentials"), r#"{"auths":{}}"#);
}

scenario!(status, needs(REAL_PARTS));
fn status() {
    let world = World::of_real_parts();
    let token = world.gitea.add_token("admin", "read:package");
    world
        .regcred_with("login [REGISTRY] -u admin --use cluster --token-stdin", &token)
        .done();
    let namespace = world.namespace.clone();
    world.regcred(&format!("sync -n {namespace}")).done();
    let deployer = Deployer::of(&world);
    deployer.takes_over(&world);
    let line = format!("status -n {namespace} -o json");
    assert!(world.regcred(&line).stdout.contains("\"not-allowed\""));
    let _ = deployer.may(&world, &format!("-n {namespace} --status"));
    until("all of it to be seen", || {
        !world.regcred(&line).stdout.contains("\"not-allowed\"")
    });
}

scenario!(images, needs(REAL_PARTS));
fn images() {
    let world = World::of_real_parts();
    let token = world.gitea.add_token("admin", "read:package");
    world
        .regcred_with("login [REGISTRY] -u admin --use cluster --token-stdin", &token)
        .done();
    let namespace = world.namespace.clone();
    let deployer = Deployer::of(&world);
    deployer.takes_over(&world);
    let line = format!("images check -n {namespace} -o json");
    assert!(world.regcred(&line).stdout.contains("\"not-allowed\""));
    let documents = deployer.may(&world, &format!("-n {namespace} --images"));
    let kinds: Vec<&str> = documents
        .iter()
        .map(|document| document["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]);
    until("all of it to be seen", || {
        !world.regcred(&line).stdout.contains("\"not-allowed\"")
    });
}

scenario!(status_is_allowed_to_list_what_names_secrets);
fn status_is_allowed_to_list_what_names_secrets() {
    let world = World::of_doubles();
    let ran = world.regcred("rbac -n team --status --user jane");
    assert_eq!(documents(&ran.stdout).len(), 2, "{ran}");
    assert!(
        ran.stderr.contains(
            "--api-group GROUP adds one of source.toolkit.fluxcd.io, image.toolkit.fluxcd.io, keda.sh, argoproj.io"
        ),
        "{ran}"
    );
    let ran =
        world.regcred("rbac -n team --status --api-group image.toolkit.fluxcd.io --api-group argoproj.io --user jane");
    assert!(!ran.stderr.contains("hint: "), "{ran}");
    let roles = documents(&ran.stdout);
    let kinds: Vec<&str> = roles.iter().map(|role| role["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]);
    assert_eq!(
        roles[0]["rules"][3],
        json!({"apiGroups": ["image.toolkit.fluxcd.io"], "resources": ["imagerepositories"], "verbs": ["list"]})
    );
    assert_eq!(roles[0]["rules"].as_array().map(Vec::len), Some(4), "{ran}");
    assert_eq!(
        roles[2]["rules"],
        json!([
            {"apiGroups": ["argoproj.io"], "resources": ["applications"], "verbs": ["list"]},
            {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["argocd-image-updater-config"], "verbs": ["list"]},
        ])
    );
    // Everywhere, one ClusterRole has all of it.
    let ran = world.regcred("rbac -A --status --api-group keda.sh --user jane");
    let roles = documents(&ran.stdout);
    assert_eq!(roles.len(), 2, "{ran}");
    assert_eq!(
        roles[0]["rules"][3],
        json!({
            "apiGroups": ["keda.sh"],
            "resources": ["scaledjobs", "triggerauthentications", "clustertriggerauthentications"],
            "verbs": ["list"],
        })
    );
}

scenario!(custom_resources_are_allowed_by_their_group);
fn custom_resources_are_allowed_by_their_group() {
    let world = World::of_doubles();
    let ran = world.regcred("rbac -A --images --api-group argoproj.io --user jane");
    let roles = documents(&ran.stdout);
    assert_eq!(roles[0]["kind"], "ClusterRole");
    assert_eq!(
        roles[0]["rules"],
        json!([
            {
                "apiGroups": [""],
                "resources": ["secrets", "serviceaccounts", "pods", "replicationcontrollers", "configmaps", "podtemplates", "nodes"],
                "verbs": ["list"],
            },
            {
                "apiGroups": ["apps"],
                "resources": ["deployments", "statefulsets", "daemonsets", "replicasets", "controllerrevisions"],
                "verbs": ["list"],
            },
            {"apiGroups": ["batch"], "resources": ["jobs", "cronjobs"], "verbs": ["list"]},
            {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]},
            {"apiGroups": ["argoproj.io"], "resources": ["*"], "verbs": ["list"]},
        ])
    );
    assert!(ran.stderr.contains("RBAC knows no types"), "{ran}");
    assert!(!ran.stderr.contains("--api-group GROUP"), "{ran}");
    assert!(world.regcred("rbac -A --images").stderr.contains("--api-group GROUP"));
    for line in [
        "rbac --images --status",
        "rbac --status --api-group example.com",
        "rbac --rotate --api-group keda.sh",
        "rbac --api-group argoproj.io",
        "rbac --images --api-group A/B",
    ] {
        assert_eq!(world.regcred(line).code, 2, "{line}");
    }
}
