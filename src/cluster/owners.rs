//! The table of programs that write Secrets and write them again, and how each is told by what it leaves on a Secret.

use super::annotations::MANAGED_BY_LABEL;

/// What gives an owner away.
pub(super) enum Sign {
    /// A label of this name, whatever its value.
    Label(&'static str),
    /// A label with this value.
    LabelIs(&'static str, &'static str),
    /// An annotation of this name.
    Annotation(&'static str),
    /// An annotation whose name starts so.
    AnnotationPrefix(&'static str),
    /// An annotation with this value.
    AnnotationIs(&'static str, &'static str),
    /// An owner reference of this kind.
    Reference(&'static str),
    /// A field manager whose name starts so and who wrote the document.
    Manager(&'static str),
}

/// One owner.
pub(super) struct Row {
    pub name: &'static str,
    pub signs: &'static [Sign],
    pub what_happens: &'static str,
    pub instead: &'static str,
}

use Sign::{Annotation, AnnotationIs, AnnotationPrefix, Label, LabelIs, Manager, Reference};

/// First match wins: what deploys through Helm stands before Helm.
pub(super) const OWNERS: &[Row] = &[
    Row {
        name: "External Secrets Operator",
        signs: &[
            Reference("ExternalSecret"),
            Label("reconcile.external-secrets.io/managed"),
            Annotation("reconcile.external-secrets.io/data-hash"),
            Manager("externalsecrets.external-secrets.io"),
        ],
        what_happens: "it writes its own value again at the next refresh",
        instead: "change the value in the secret store that its ExternalSecret reads",
    },
    Row {
        name: "Sealed Secrets",
        signs: &[
            Reference("SealedSecret"),
            AnnotationIs("sealedsecrets.bitnami.com/managed", "true"),
        ],
        what_happens: "it unseals its own value over the change",
        instead: "seal the new value: kubectl regcred sync --dry-run=client -o yaml | kubeseal",
    },
    Row {
        name: "reflector",
        signs: &[
            Annotation("reflector.v1.k8s.emberstack.com/reflects"),
            AnnotationIs("reflector.v1.k8s.emberstack.com/auto-reflects", "True"),
        ],
        what_happens: "it is a mirror, and gets its source's value again",
        instead: "sync the source that the annotation reflector.v1.k8s.emberstack.com/reflects names",
    },
    Row {
        name: "kubernetes-replicator",
        signs: &[
            Annotation("replicator.v1.mittwald.de/replicate-from"),
            Annotation("replicator.v1.mittwald.de/replicated-from-version"),
        ],
        what_happens: "it is a replica, and gets its source's value again",
        instead: "sync the source that the annotation replicator.v1.mittwald.de/replicate-from names",
    },
    Row {
        name: "ClusterSecret",
        signs: &[Label("clustersecret.io"), AnnotationPrefix("clustersecret.io/")],
        what_happens: "it writes the ClusterSecret's value again",
        instead: "change the ClusterSecret",
    },
    Row {
        name: "Config Syncer (kubed)",
        signs: &[
            Label("kubed.appscode.com/origin"),
            Annotation("kubed.appscode.com/origin"),
        ],
        what_happens: "it is a copy, and gets its source's value again",
        instead: "sync the source that kubed.appscode.com/origin names",
    },
    Row {
        name: "imagepullsecret-patcher",
        signs: &[AnnotationIs("app.kubernetes.io/managed-by", "imagepullsecret-patcher")],
        what_happens: "it deletes the Secret and makes its own again",
        instead: "change the document that imagepullsecret-patcher is given",
    },
    Row {
        name: "registry-creds",
        signs: &[Reference("ClusterPullSecret")],
        what_happens: "it is a copy of a ClusterPullSecret's seed",
        instead: "sync the seed Secret, and have registry-creds copy it again",
    },
    Row {
        name: "Kyverno",
        signs: &[
            Label("generate.kyverno.io/policy-name"),
            LabelIs(MANAGED_BY_LABEL, "kyverno"),
        ],
        what_happens: "its generate rule writes the source's value again",
        instead: "sync the source that the policy clones",
    },
    Row {
        name: "Vault Secrets Operator",
        signs: &[
            LabelIs(MANAGED_BY_LABEL, "hashicorp-vso"),
            Reference("VaultStaticSecret"),
            Reference("VaultDynamicSecret"),
        ],
        what_happens: "it writes Vault's value again",
        instead: "change the value in Vault",
    },
    Row {
        name: "Secrets Store CSI Driver",
        signs: &[Label("secrets-store.csi.k8s.io/managed")],
        what_happens: "it writes the provider's value again and deletes the Secret with the last pod",
        instead: "change the value at the provider",
    },
    Row {
        name: "1Password Operator",
        signs: &[Annotation("operator.1password.io/item-path")],
        what_happens: "it writes 1Password's value again",
        instead: "change the item in 1Password",
    },
    Row {
        name: "Argo CD",
        signs: &[
            Annotation("argocd.argoproj.io/tracking-id"),
            Label("argocd.argoproj.io/instance"),
            Manager("argocd-"),
        ],
        what_happens: "it shows the change as drift, and self-heal reverts it",
        instead: "change the Secret in the application's git repository, or take it out of there",
    },
    Row {
        name: "Flux (kustomize-controller)",
        signs: &[
            Label("kustomize.toolkit.fluxcd.io/name"),
            Manager("kustomize-controller"),
        ],
        what_happens: "it applies the manifest in git again at the next interval",
        instead: "change the Secret in git, or take it out of the Kustomization",
    },
    Row {
        name: "Flux (helm-controller)",
        signs: &[Label("helm.toolkit.fluxcd.io/name"), Manager("helm-controller")],
        what_happens: "the next upgrade or drift correction of the HelmRelease writes the chart's value again",
        instead: "change the values of the HelmRelease",
    },
    Row {
        name: "Helm",
        signs: &[
            LabelIs(MANAGED_BY_LABEL, "Helm"),
            Annotation("meta.helm.sh/release-name"),
            Manager("helm"),
        ],
        what_happens: "the next helm upgrade writes the chart's value again or fails with a conflict",
        instead: "change the chart's values, or let the chart refer to a Secret instead of making one",
    },
    Row {
        name: "kapp",
        signs: &[Label("kapp.k14s.io/app")],
        what_happens: "the next kapp deploy writes the manifest's value again",
        instead: "change the manifest that kapp deploys",
    },
    Row {
        name: "Terraform",
        signs: &[
            LabelIs(MANAGED_BY_LABEL, "terraform"),
            Manager("Terraform"),
            Manager("HashiCorp"),
        ],
        what_happens: "the next terraform apply writes its own value again",
        instead: "change the Terraform configuration, or take the Secret out of it",
    },
    Row {
        name: "Pulumi",
        signs: &[
            Annotation("pulumi.com/autonamed"),
            LabelIs(MANAGED_BY_LABEL, "pulumi"),
            Manager("pulumi-kubernetes"),
        ],
        what_happens: "the next pulumi up writes its own value again",
        instead: "change the Pulumi program, or take the Secret out of it",
    },
    Row {
        name: "Operator Lifecycle Manager",
        signs: &[
            LabelIs("olm.managed", "true"),
            Label("olm.owner"),
            Reference("ClusterServiceVersion"),
        ],
        what_happens: "it writes the operator's value again",
        instead: "change what the operator's subscription configures",
    },
    Row {
        name: "OpenShift's registry",
        signs: &[AnnotationPrefix("openshift.io/internal-registry-")],
        what_happens: "OpenShift writes its own value again",
        instead: "leave it to OpenShift",
    },
];
