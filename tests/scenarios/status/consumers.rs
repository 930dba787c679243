//! What uses a Secret besides kubelet.

use regcred::commands::status::Code;
use serde_json::{Value, json};

use super::fixture::{DOUBLES, REAL, SECRET};
use crate::support::control_plane::{ControlPlane, PLAIN_TOKEN};
use crate::support::part::until;
use crate::support::world::World;

/// Group, version, plural, kind.
const UPDATER: (&str, &str, &str, &str) = (
    "argocd-image-updater.argoproj.io",
    "v1alpha1",
    "imageupdaters",
    "ImageUpdater",
);
const FLUX: (&str, &str, &str, &str) = ("image.toolkit.fluxcd.io", "v1", "imagerepositories", "ImageRepository");

impl World {
    /// Serves a kind of custom resource, whatever is in its objects.
    fn serves(&self, kind: (&str, &str, &str, &str)) {
        self.serves_in("Namespaced", kind);
    }

    fn serves_in(&self, scope: &str, (group, version, plural, kind): (&str, &str, &str, &str)) {
        if !self.is_real() {
            return self.api_server().define(group, version, plural, kind);
        }
        let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.{group}")},
            "spec": {
                "group": group, "scope": scope, "names": {"plural": plural, "kind": kind},
                "versions": [{"name": version, "served": true, "storage": true, "schema": {"openAPIV3Schema": any}}],
            },
        });
        let plane = ControlPlane::shared();
        let _ = plane.kubectl_ok(&["apply", "--server-side", "-f", "-"], &definition.to_string());
        let name = format!("crd/{plural}.{group}");
        let _ = plane.kubectl_ok(&["wait", "--for=condition=established", &name, "--timeout=60s"], "");
    }

    fn uses(&self, used: bool, who: &str) {
        let ran = self.regcred("status -n [NAMESPACE] -o wide");
        assert_eq!(!ran.stdout.contains("secret-unused"), used, "{ran}");
        assert_eq!(ran.stdout.contains(who), used, "{ran}");
    }
}

fn custom((group, version, _, kind): (&str, &str, &str, &str), spec: &Value) -> Value {
    json!({"apiVersion": format!("{group}/{version}"), "kind": kind, "metadata": {"name": "app"}, "spec": spec})
}

scenario!(the_image_updaters_config_map_is_a_use, on(DOUBLES, REAL));
fn the_image_updaters_config_map_is_a_use(world: &mut World) {
    world.well();
    world.serves(UPDATER);
    let config = |text: &str| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-image-updater-config"},
            "data": {"registries.conf": text},
        })
    };
    let who = "configmap/argocd-image-updater-config";
    world.uses(false, who);
    let text = format!(
        "registries:\n- name: ours\n  prefix: h\n  api_url: https://h\n  credentials: pullsecret:{}/{SECRET}\n",
        world.namespace
    );
    world.put("configmaps", &config(&text));
    world.uses(true, who);
    world.put("configmaps", &config("registries: []\n"));
    world.uses(false, who);
    // What cannot be read may name it.
    world.put("configmaps", &config("registries: {"));
    let ran = world.regcred("status -n [NAMESPACE]");
    let (text, _) = world.found(Code::ConsumersNotSeen, &ran);
    assert!(text.contains("the configmaps argocd-image-updater-config"), "{ran}");
    assert!(!ran.stdout.contains("secret-unused"), "{ran}");
    world.delete("configmaps", "argocd-image-updater-config");
    world.uses(false, who);
}

scenario!(a_cluster_trigger_authentication_is_a_use, on(DOUBLES, REAL));
/// It names a Secret of KEDA's namespace, which nothing in it tells.
fn a_cluster_trigger_authentication_is_a_use(world: &mut World) {
    world.well();
    let secret = format!("for-keda-{}", world.namespace);
    world.regcred(&format!("sync -n [NAMESPACE] --secret {secret}")).done();
    let kind = (
        "keda.sh",
        "v1alpha1",
        "clustertriggerauthentications",
        "ClusterTriggerAuthentication",
    );
    world.serves_in("Cluster", kind);
    let unused = || {
        let ran = world.regcred("status -n [NAMESPACE] -o json").stdout;
        let document: Value = serde_json::from_str(&ran).unwrap();
        let findings = document["findings"].as_array().unwrap().iter();
        let unused = findings.filter(|finding| finding["code"] == "secret-unused");
        unused
            .filter(|finding| finding.to_string().contains("for-keda-"))
            .count()
    };
    assert_eq!(unused(), 1);
    let spec = json!({"secretTargetRef": [{"parameter": "password", "name": secret, "key": "k"}]});
    world.put("clustertriggerauthentications", &custom(kind, &spec));
    assert_eq!(unused(), 0);
    let ran = world.regcred("status -n [NAMESPACE] -o wide");
    let line = ran.stdout.lines().find(|line| line.contains("for-keda-"));
    assert!(
        line.is_some_and(|line| line.contains("clustertriggerauthentication.keda.sh/app")),
        "{ran}"
    );
    world.delete("clustertriggerauthentications", "app");
    assert_eq!(unused(), 1);
}

scenario!(resources_of_flux_argo_cd_and_keda_are_uses, on(DOUBLES, REAL));
fn resources_of_flux_argo_cd_and_keda_are_uses(world: &mut World) {
    world.well();
    let secret = json!({"name": SECRET});
    let pull = format!("pullsecret:{}/{SECRET}", world.namespace);
    let kinds = [
        (FLUX, json!({"image": "h/app", "secretRef": secret})),
        (
            ("source.toolkit.fluxcd.io", "v1", "ocirepositories", "OCIRepository"),
            json!({"url": "oci://h/app", "secretRef": secret}),
        ),
        (UPDATER, json!({"commonUpdateSettings": {"pullSecret": pull}})),
        (
            ("keda.sh", "v1alpha1", "scaledjobs", "ScaledJob"),
            json!({"jobTargetRef": {"template": {"spec": {"imagePullSecrets": [secret]}}}}),
        ),
    ];
    world.uses(false, "toolkit");
    for (kind, spec) in kinds {
        world.serves(kind);
        let (group, _, plural, name) = kind;
        let who = format!("{}.{group}/app", name.to_lowercase());
        world.uses(false, &who);
        if world.is_real() {
            until("the kind to be served", || {
                let asked = ControlPlane::shared().kubectl(&["get", &format!("{plural}.{group}"), "-A"], "");
                asked.status.success()
            });
        }
        world.put(plural, &custom(kind, &spec));
        world.uses(true, &who);
        world.delete(plural, "app");
    }
    world.uses(false, "toolkit");
}

scenario!(
    pods_that_read_it_and_service_accounts_that_list_it_are_uses,
    on(DOUBLES, REAL)
);
/// `BuildKit` mounts it; Tekton finds it by its ServiceAccount.
fn pods_that_read_it_and_service_accounts_that_list_it_are_uses(world: &mut World) {
    world.well();
    let volume = json!({"name": "config", "secret": {"secretName": SECRET}});
    let spec = json!({
        "containers": [{"name": "buildkitd", "image": "moby/buildkit:rootless"}], "volumes": [volume],
    });
    let labels = json!({"app": "buildkitd"});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "buildkitd"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
    });
    world.uses(false, "buildkitd");
    world.put("deployments", &deployment);
    world.uses(true, "deployment.apps/buildkitd");
    world.delete("deployments", "buildkitd");
    world.uses(false, "buildkitd");
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "builder"}, "secrets": [{"name": SECRET}],
    });
    world.put("serviceaccounts", &account);
    world.uses(true, "serviceaccount/builder");
    world.delete("serviceaccounts", "builder");
    world.uses(false, "builder");
    // It is one of more than are noted.
    let names = (0..30).map(|at| format!("a-{at}")).chain([SECRET.to_owned()]);
    let all: Vec<_> = names.map(|name| json!({"name": name})).collect();
    let account =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "of-many"}, "secrets": all});
    world.put("serviceaccounts", &account);
    world.uses(true, "serviceaccount/of-many");
}

finding!(consumers_not_seen_without_the_right, Code::ConsumersNotSeen, on(REAL));
fn consumers_not_seen_without_the_right(world: &mut World) {
    world.well();
    world.serves(FLUX);
    world.serves(UPDATER);
    let plane = ControlPlane::shared();
    let role = world.regcred("rbac -n [NAMESPACE] --status --user plain").done();
    let _ = plane.kubectl_ok(&["apply", "-f", "-"], &world.denormal(&role));
    let kubeconfig = world.folder().join("kubeconfig");
    std::fs::write(&kubeconfig, plane.kubeconfig_for(PLAIN_TOKEN)).unwrap();
    until("the Role to hold", || {
        !world.regcred("status -n [NAMESPACE]").stdout.contains("not-allowed")
    });
    let ran = world.regcred("status -n [NAMESPACE]");
    let (text, _) = world.found(Code::ConsumersNotSeen, &ran);
    assert!(
        ran.code == 0 && text.contains("imagerepositories.image.toolkit.fluxcd.io"),
        "{ran}"
    );
    assert!(!ran.stdout.contains("secret-unused"), "nobody knows: {ran}");
    assert!(text.contains("imageupdaters") && text.contains("configmaps"), "{ran}");
    // The Roles for them, by an administrator. Other scenarios may have more kinds served.
    let groups: Vec<String> = regcred::cluster::groups_of_status()
        .into_iter()
        .map(|group| format!("--api-group {group}"))
        .collect();
    let groups = groups.join(" ");
    let roles = world
        .regcred(&format!("rbac -n [NAMESPACE] --status {groups} --user plain"))
        .done();
    let _ = plane.kubectl_ok(&["apply", "-f", "-"], &world.denormal(&roles));
    until("the Roles to hold", || {
        !world
            .regcred("status -n [NAMESPACE]")
            .stdout
            .contains("consumers-not-seen")
    });
    assert!(world.regcred("status -n [NAMESPACE]").stdout.contains("secret-unused"));
}
