//! Secrets that belong to somebody else: one row an owner, through the command, on both kinds of cluster.

use libtest_mimic::Trial;
use regcred::cluster::known_owners;
use serde_json::{Value, json};

use crate::support::parts::{DOUBLES, REAL};
use crate::support::scenario::Table;
use crate::support::world::{Ran, World};

scenarios!(every_owner);
fn every_owner(table: &Table) -> Vec<Trial> {
    let rows = owned().into_iter().enumerate();
    let trials = rows.flat_map(|(row, owned)| {
        let name = format!("{} {row}", owned.name.replace('/', " ").to_lowercase());
        [DOUBLES, REAL].map(|place| table.on(&name, &place, &[], move |world: World| of_row(world, row)))
    });
    trials.collect()
}

/// One row, on a world of its own.
fn of_row(mut world: World, place: usize) {
    for (variable, token) in [("FIRST", "first-pat"), ("SECOND", "second-pat")] {
        world.variables.insert(variable.to_owned(), token.into());
    }
    refused_and_forced(&world, &owned()[place], &format!("of-owner-{place}"));
}

scenario!(every_row_has_a_fixture);
fn every_row_has_a_fixture() {
    let owned = owned();
    for name in known_owners() {
        assert!(
            owned.iter().any(|owned| owned.name.starts_with(name)),
            "no fixture for {name}"
        );
    }
}

/// What an owner leaves on a Secret, and what is said about it.
struct Owned {
    /// As the message names it.
    name: &'static str,
    /// The field manager that it writes as.
    manager: &'static str,
    metadata: Value,
    /// Of the next thing to do.
    hint: &'static str,
    /// Whether it is still the owner's after it has been forced once.
    stays: bool,
}

impl Owned {
    fn new(name: &'static str, manager: &'static str, metadata: Value, hint: &'static str) -> Self {
        Self {
            name,
            manager,
            metadata,
            hint,
            stays: true,
        }
    }

    fn handed_over(self) -> Self {
        Self { stays: false, ..self }
    }
}

fn owned_by(kind: &str, group: &str) -> Value {
    let uid = "b2ad5b4c-0000-4000-8000-000000000001";
    json!({"ownerReferences": [{"apiVersion": format!("{group}/v1"), "kind": kind, "name": "gitea", "uid": uid}]})
}

fn labelled(labels: &Value) -> Value {
    json!({"labels": labels})
}

fn annotated(annotations: &Value) -> Value {
    json!({"annotations": annotations})
}

/// As each owner leaves a Secret behind; where it has several ways, each that it can be told by alone.
#[allow(clippy::too_many_lines, reason = "a table")]
fn owned() -> Vec<Owned> {
    let managed_by = "app.kubernetes.io/managed-by";
    vec![
        Owned::new(
            "External Secrets Operator (ExternalSecret gitea)",
            "external-secrets",
            owned_by("ExternalSecret", "external-secrets.io"),
            "change the value in the secret store",
        ),
        Owned::new(
            "External Secrets Operator",
            "external-secrets",
            labelled(&json!({"reconcile.external-secrets.io/managed": "true"})),
            "change the value in the secret store",
        ),
        Owned::new(
            "External Secrets Operator",
            "externalsecrets.external-secrets.io/gitea",
            json!({}),
            "change the value in the secret store",
        )
        .handed_over(),
        Owned::new(
            "Sealed Secrets (SealedSecret gitea)",
            "controller",
            owned_by("SealedSecret", "bitnami.com"),
            "kubeseal",
        ),
        Owned::new(
            "reflector (a mirror of infra/pull)",
            "ES.Kubernetes.Reflector",
            annotated(&json!({
                "reflector.v1.k8s.emberstack.com/reflects": "infra/pull",
                "reflector.v1.k8s.emberstack.com/auto-reflects": "True",
            })),
            "kubectl regcred sync -n infra --secret pull",
        ),
        Owned::new(
            "kubernetes-replicator (a replica of infra/pull)",
            "kubernetes-replicator",
            annotated(&json!({"replicator.v1.mittwald.de/replicate-from": "infra/pull"})),
            "kubectl regcred sync -n infra --secret pull",
        ),
        Owned::new(
            "kubernetes-replicator (a replica of infra/ [31m$(id))",
            "kubernetes-replicator",
            annotated(&json!({"replicator.v1.mittwald.de/replicate-from": "infra/\n\u{1b}[31m$(id)"})),
            "sync its source: the Secret of the same name",
        ),
        Owned::new(
            "ClusterSecret",
            "OpenAPI-Generator",
            annotated(&json!({"clustersecret.io/created-by": "ClusterSecrets", "clustersecret.io/version": "1"})),
            "change the ClusterSecret of the same name",
        ),
        Owned::new(
            "Config Syncer (kubed) (a copy of infra/pull)",
            "kubed",
            labelled(&json!({
                "kubed.appscode.com/origin.cluster": "unicorn",
                "kubed.appscode.com/origin.namespace": "infra",
                "kubed.appscode.com/origin.name": "pull",
            })),
            "sync its source",
        ),
        Owned::new(
            "imagepullsecret-patcher",
            "k8s-imagepullsecret-patcher",
            annotated(&json!({managed_by: "imagepullsecret-patcher"})),
            "change the document",
        ),
        Owned::new(
            "registry-creds (ClusterPullSecret gitea)",
            "manager",
            owned_by("ClusterPullSecret", "ops.alexellis.io"),
            "sync the seed Secret",
        ),
        Owned::new(
            "Kyverno (policy sync-secrets)",
            "background-controller",
            labelled(&json!({managed_by: "kyverno", "generate.kyverno.io/policy-name": "sync-secrets"})),
            "sync the Secret that the policy clones",
        ),
        Owned::new(
            "Vault Secrets Operator",
            "manager",
            labelled(&json!({managed_by: "hashicorp-vso", "secrets.hashicorp.com/vso-ownerRefUID": "cc743c5c"})),
            "change the value in Vault",
        ),
        Owned::new(
            "Secrets Store CSI Driver",
            "secrets-store-csi",
            labelled(&json!({"secrets-store.csi.k8s.io/managed": "true"})),
            "change the value at the provider",
        ),
        Owned::new(
            "1Password Operator (item vaults/a/items/b)",
            "manager",
            annotated(&json!({
                "operator.1password.io/item-path": "vaults/a/items/b",
                "operator.1password.io/item-version": "2",
            })),
            "change the item",
        ),
        Owned::new(
            "Argo CD (application shop)",
            "argocd-controller",
            annotated(&json!({"argocd.argoproj.io/tracking-id": "shop:/Secret:team/gitea"})),
            "git repository",
        ),
        Owned::new(
            "Argo CD (application shop)",
            "argocd-controller",
            labelled(&json!({"argocd.argoproj.io/instance": "shop"})),
            "git repository",
        ),
        Owned::new(
            "Argo CD",
            "argocd-controller",
            labelled(&json!({"app.kubernetes.io/instance": "shop"})),
            "git repository",
        )
        .handed_over(),
        Owned::new(
            "Flux kustomize-controller (Kustomization flux-system/apps)",
            "kustomize-controller",
            labelled(&json!({
                "kustomize.toolkit.fluxcd.io/name": "apps",
                "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
            })),
            "change the Secret in git",
        ),
        Owned::new(
            "Flux helm-controller (HelmRelease shop/web)",
            "helm-controller",
            json!({
                "labels": {
                    managed_by: "Helm",
                    "helm.toolkit.fluxcd.io/name": "web",
                    "helm.toolkit.fluxcd.io/namespace": "shop",
                },
                "annotations": {"meta.helm.sh/release-name": "web"},
            }),
            "change the values of the HelmRelease",
        ),
        Owned::new(
            "Helm (release web)",
            "helm",
            json!({"labels": {managed_by: "Helm"}, "annotations": {"meta.helm.sh/release-name": "web"}}),
            "change the chart's values",
        ),
        Owned::new(
            "kapp",
            "kapp",
            labelled(&json!({"kapp.k14s.io/app": "1607857863110332000"})),
            "change the manifest",
        ),
        Owned::new(
            "Terraform",
            "HashiCorp",
            json!({}),
            "change the Terraform configuration",
        )
        .handed_over(),
        Owned::new(
            "Pulumi",
            "pulumi-kubernetes-1a2b3c4d",
            annotated(&json!({"pulumi.com/autonamed": "true"})),
            "change the Pulumi program",
        ),
        Owned::new(
            "Operator Lifecycle Manager",
            "catalog",
            labelled(&json!({"olm.managed": "true"})),
            "the operator's bundle",
        ),
        Owned::new(
            "Robot gitea",
            "kubectl-create",
            owned_by("Robot", "example.com"),
            "change the value where it takes it from",
        ),
        Owned::new(
            "some-operator",
            "some-operator",
            json!({}),
            "change the value where it takes it from",
        )
        .handed_over(),
        Owned::new(
            "OpenAPI-Generator (a Kubernetes client library, as scripts, Ansible and laconic-so use it)",
            "OpenAPI-Generator",
            json!({}),
            "unless it is one that is done",
        )
        .handed_over(),
    ]
}

fn refused_and_forced(world: &World, owned: &Owned, secret: &str) {
    let name = owned.name;
    let mut manifest = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson", "metadata": owned.metadata,
        "data": {".dockerconfigjson": "eyJhdXRocyI6e319"},
    });
    manifest["metadata"]["name"] = secret.into();
    world.put_secret_of(owned.manager, &manifest);
    let before = world.secret(secret).unwrap();
    let sync = |token: &str, more: &str| {
        world.regcred(&format!(
            "sync --no-verify -n [NAMESPACE] --secret {secret} --registry gitea.example.com -u admin --token-env {token} {more}"
        ))
    };
    let is_refused = |ran: &Ran| {
        let is = format!("error: secret/{secret} in namespace [NAMESPACE]: it belongs to {name}: ");
        assert!(ran.code == 1 && ran.stdout.is_empty(), "{name}: {ran}");
        assert!(ran.stderr.starts_with(&is), "{name}: {ran}");
        assert!(ran.stderr.contains(owned.hint), "{name}: {ran}");
        assert!(
            ran.stderr.contains("--force-conflicts") && ran.stderr.contains("--secret NAME"),
            "{name}: {ran}"
        );
        assert!(!ran.stderr.contains(['\u{1b}', '\r']), "{name}: {ran}");
    };

    let refused = sync("FIRST", "");
    is_refused(&refused);
    let tried = sync("FIRST", "--dry-run=server");
    assert_eq!(tried.stderr, refused.stderr, "{name}: the dry run says the same");
    assert_eq!((tried.code, tried.stdout.as_str()), (1, ""), "{name}");
    let tried = sync("FIRST", "--dry-run=server --force-conflicts");
    assert!(
        tried.code == 0 && tried.stdout.contains("configured"),
        "{name}: {tried}"
    );
    assert_eq!(world.secret(secret).unwrap(), before, "{name}: nothing was written yet");

    let forced = sync("FIRST", "--force-conflicts");
    let says = if owned.stays { "belongs to" } else { "taken over from" };
    assert!(
        forced.code == 0 && forced.stdout.contains("configured"),
        "{name}: {forced}"
    );
    assert!(forced.stderr.contains(&format!("{says} {name}: ")), "{name}: {forced}");
    let after = world.secret(secret).unwrap();
    assert!(world.document(secret).contains("first-pat"), "{name}");
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"], "{name}");
    for kind in ["annotations", "ownerReferences"] {
        let was = before["metadata"][kind].clone();
        let is = &after["metadata"][kind];
        match (was, is) {
            (Value::Object(was), Value::Object(is)) => {
                assert!(
                    was.iter().all(|(key, value)| is.get(key) == Some(value)),
                    "{name}: {is:?}"
                );
            }
            (Value::Null, _) => {}
            (was, is) => assert_eq!(was, *is, "{name}"),
        }
    }

    let again = sync("FIRST", "");
    assert!(again.code == 0 && again.stdout.contains("unchanged"), "{name}: {again}");
    let rotated = sync("SECOND", "");
    if owned.stays {
        is_refused(&rotated);
        assert!(world.document(secret).contains("first-pat"), "{name}");
    } else {
        assert!(
            rotated.code == 0 && rotated.stdout.contains("configured"),
            "{name}: {rotated}"
        );
        assert!(world.document(secret).contains("second-pat"), "{name}");
    }
}
