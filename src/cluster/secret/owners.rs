//! The programs that write Secrets and restore them, and the marks by which each is recognised.
//!
//! Each row names its source: the project, and what its code or documentation puts on the Secrets that it writes.
//! A program that can only own Secrets of another type has no row: those are refused for their type.

use super::annotations::MANAGED_BY_LABEL;

/// A mark by which an owner is recognised.
pub enum Marker {
    /// A label of this name, whatever its value.
    Label(&'static str),
    /// A label with this value.
    LabelIs(&'static str, &'static str),
    /// An annotation of this name.
    Annotation(&'static str),
    /// An annotation with this value.
    AnnotationIs(&'static str, &'static str),
    /// An owner reference of this kind.
    Reference(&'static str),
    /// A field manager with this prefix that wrote the document.
    Manager(&'static str),
}

/// Where the name of the owning object is found.
pub enum NameSource {
    /// In this annotation.
    Annotation(&'static str),
    /// In this annotation, up to this character.
    AnnotationUpTo(&'static str, char),
    /// In this label.
    Label(&'static str),
    /// A namespace and a name, in two labels.
    Labels(&'static str, &'static str),
    /// The name of the owner reference of this kind.
    Reference(&'static str),
}

/// One owner.
pub struct Row {
    pub name: &'static str,
    pub signs: &'static [Marker],
    /// The kinds of objects that own the Secret, with the source of the name; the first one that exists counts.
    pub objects: &'static [(&'static str, NameSource)],
    /// What the program would do to our change.
    pub what_happens: &'static str,
    /// What to do instead.
    pub instead: &'static str,
    /// Where to find the `NAMESPACE/NAME` of the Secret in the same cluster that this one is a copy of.
    pub source: Option<NameSource>,
}

use Marker::{Annotation, AnnotationIs, Label, LabelIs, Manager, Reference};

/// First match wins: what deploys through Helm stands before Helm.
pub const OWNERS: &[Row] = &[
    // external-secrets, apis/externalsecrets/v1 (LabelManaged, AnnotationDataHash) and its controller: owner reference
    // under creationPolicy Owner, field owner `externalsecrets.external-secrets.io/NAME`; it watches its Secrets and
    // compares the hash.
    Row {
        name: "External Secrets Operator",
        signs: &[
            Reference("ExternalSecret"),
            Label("reconcile.external-secrets.io/managed"),
            Annotation("reconcile.external-secrets.io/data-hash"),
            Manager("externalsecrets.external-secrets.io/"),
        ],
        objects: &[("ExternalSecret", NameSource::Reference("ExternalSecret"))],
        what_happens: "it writes its own value again, at the latest at the next refresh",
        instead: "change the value in the secret store that its ExternalSecret reads",
        source: None,
    },
    // sealed-secrets, pkg/controller: writes what it controls (owner reference) and what carries one of the two
    // annotations with exactly `true`; the field manager is only the program's name, `controller`.
    Row {
        name: "Sealed Secrets",
        signs: &[
            Reference("SealedSecret"),
            AnnotationIs("sealedsecrets.bitnami.com/managed", "true"),
            AnnotationIs("sealedsecrets.bitnami.com/patch", "true"),
        ],
        objects: &[("SealedSecret", NameSource::Reference("SealedSecret"))],
        what_happens: "it unseals its own value over the change, at the latest when its controller restarts",
        instead: "seal the new value: kubectl regcred sync --dry-run=client -o yaml -n NAMESPACE | kubeseal",
        source: None,
    },
    // kubernetes-reflector, Constants/Annotations and ResourceMirror: every mirror, automatic ones too, carries
    // `reflects: NAMESPACE/NAME`; it is written when the source's version is not the one reflected last.
    Row {
        name: "reflector",
        signs: &[Annotation("reflector.v1.k8s.emberstack.com/reflects")],
        objects: &[(
            "a mirror of",
            NameSource::Annotation("reflector.v1.k8s.emberstack.com/reflects"),
        )],
        what_happens: "it writes its source's value over the change when the source changes",
        instead: "sync the source that the annotation reflector.v1.k8s.emberstack.com/reflects names",
        source: Some(NameSource::Annotation("reflector.v1.k8s.emberstack.com/reflects")),
    },
    // kubernetes-replicator, replicate/common/consts.go and replicate/secret: pulled copies are asked for by
    // `replicate-from: NAMESPACE/NAME`; pushed ones keep their source's name and show only its version.
    Row {
        name: "kubernetes-replicator",
        signs: &[
            Annotation("replicator.v1.mittwald.de/replicate-from"),
            Annotation("replicator.v1.mittwald.de/replicated-from-version"),
        ],
        objects: &[(
            "a replica of",
            NameSource::Annotation("replicator.v1.mittwald.de/replicate-from"),
        )],
        what_happens: "it writes its source's value over the change when the source changes",
        instead: "sync its source: the Secret of the same name in the namespace that it is replicated from",
        source: Some(NameSource::Annotation("replicator.v1.mittwald.de/replicate-from")),
    },
    // ClusterSecret, src/consts.py and internal/controller: annotations `created-by`, `version` and `last-sync`; the
    // one in Go also the label. The Secret has the name of its ClusterSecret.
    Row {
        name: "ClusterSecret",
        signs: &[
            Annotation("clustersecret.io/created-by"),
            LabelIs(MANAGED_BY_LABEL, "ClusterSecrets"),
        ],
        objects: &[],
        what_happens: "it replaces the Secret, with all that is on it, when the ClusterSecret changes",
        instead: "change the ClusterSecret of the same name, or the Secret that its valueFrom names",
        source: None,
    },
    // config-syncer (kubed), api/v1alpha1: annotation `origin`, labels `origin.name`, `.namespace` and `.cluster`. It
    // also copies from other clusters, so that the source has to be looked for.
    Row {
        name: "Config Syncer (kubed)",
        signs: &[
            Annotation("kubed.appscode.com/origin"),
            Label("kubed.appscode.com/origin.name"),
        ],
        objects: &[(
            "a copy of",
            NameSource::Labels("kubed.appscode.com/origin.namespace", "kubed.appscode.com/origin.name"),
        )],
        what_happens: "it writes its source's value over the change",
        instead: "sync its source, in the cluster that the label kubed.appscode.com/origin.cluster names",
        source: None,
    },
    // imagepullsecret-patcher, secret.go: an annotation, although with the name of the label; its fork, internal/utils:
    // both.
    Row {
        name: "imagepullsecret-patcher",
        signs: &[
            AnnotationIs(MANAGED_BY_LABEL, "imagepullsecret-patcher"),
            LabelIs(MANAGED_BY_LABEL, "imagepullsecret-patcher"),
        ],
        objects: &[],
        what_happens: "within seconds it writes its own document again, or deletes the Secret and makes a new one",
        instead: "change the document that imagepullsecret-patcher is given",
        source: None,
    },
    // registry-creds, controllers/secret_reconciler.go: a controller reference; a Secret that is there is never updated.
    Row {
        name: "registry-creds",
        signs: &[Reference("ClusterPullSecret")],
        objects: &[("ClusterPullSecret", NameSource::Reference("ClusterPullSecret"))],
        what_happens: "new namespaces still get the old value of its seed Secret",
        instead: "sync the seed Secret that the ClusterPullSecret names, and recreate the ClusterPullSecret",
        source: None,
    },
    // kyverno, pkg/background/common/labels.go, and Secrets made by its generate rules.
    Row {
        name: "Kyverno",
        signs: &[
            Label("generate.kyverno.io/policy-name"),
            LabelIs(MANAGED_BY_LABEL, "kyverno"),
        ],
        objects: &[("policy", NameSource::Label("generate.kyverno.io/policy-name"))],
        what_happens: "a generate rule that synchronizes writes its own value again",
        instead: "sync the Secret that the policy clones, or change the data in the policy",
        source: None,
    },
    // vault-secrets-operator, helpers/secrets.go: OwnerLabels, the UID label, and an owner reference to one of these.
    Row {
        name: "Vault Secrets Operator",
        signs: &[
            LabelIs(MANAGED_BY_LABEL, "hashicorp-vso"),
            Label("secrets.hashicorp.com/vso-ownerRefUID"),
            Reference("VaultStaticSecret"),
            Reference("VaultDynamicSecret"),
        ],
        objects: &[
            ("VaultStaticSecret", NameSource::Reference("VaultStaticSecret")),
            ("VaultDynamicSecret", NameSource::Reference("VaultDynamicSecret")),
        ],
        what_happens: "it writes Vault's value again",
        instead: "change the value in Vault",
        source: None,
    },
    // secrets-store-csi-driver: SecretManagedLabel, by which its watch filters.
    Row {
        name: "Secrets Store CSI Driver",
        signs: &[Label("secrets-store.csi.k8s.io/managed")],
        objects: &[],
        what_happens: "rotation writes the provider's value again, and the Secret goes with the last pod",
        instead: "change the value at the provider",
        source: None,
    },
    // onepassword-operator, pkg/kubernetessecrets: both annotations on every Secret; it rewrites a Secret whose
    // annotations are not exactly its own.
    Row {
        name: "1Password Operator",
        signs: &[
            Annotation("operator.1password.io/item-path"),
            Annotation("operator.1password.io/item-version"),
        ],
        objects: &[("item", NameSource::Annotation("operator.1password.io/item-path"))],
        what_happens: "it writes 1Password's value again at the next poll",
        instead: "change the item in 1Password",
        source: None,
    },
    // Argo CD, user guide on resource tracking, and common.ArgoCDSSAManager: the annotation holds `APP:…`; the label is
    // the one that its documentation recommends. Its default label, `app.kubernetes.io/instance`, is on what any chart
    // makes: there the field manager tells, `argocd-controller`, formerly `argocd-application-controller`.
    Row {
        name: "Argo CD",
        signs: &[
            Annotation("argocd.argoproj.io/tracking-id"),
            Label("argocd.argoproj.io/instance"),
            Manager("argocd-"),
        ],
        objects: &[
            (
                "application",
                NameSource::AnnotationUpTo("argocd.argoproj.io/tracking-id", ':'),
            ),
            ("application", NameSource::Label("argocd.argoproj.io/instance")),
        ],
        what_happens: "it shows the change as drift, and self-heal reverts it",
        instead: "change the Secret in the application's git repository, or take it out of there",
        source: None,
    },
    // fluxcd/pkg, ssa/manager.go (SetOwnerLabels); the field manager is the controller's name.
    Row {
        name: "Flux kustomize-controller",
        signs: &[
            Label("kustomize.toolkit.fluxcd.io/name"),
            Manager("kustomize-controller"),
        ],
        objects: &[(
            "Kustomization",
            NameSource::Labels(
                "kustomize.toolkit.fluxcd.io/namespace",
                "kustomize.toolkit.fluxcd.io/name",
            ),
        )],
        what_happens: "it applies the manifest in git again at the next interval",
        instead: "change the Secret in git, or take it out of the Kustomization",
        source: None,
    },
    // fluxcd/helm-controller, internal/postrender/origin_labels.go; kube.ManagedFieldsManager is the controller's name.
    Row {
        name: "Flux helm-controller",
        signs: &[Label("helm.toolkit.fluxcd.io/name"), Manager("helm-controller")],
        objects: &[(
            "HelmRelease",
            NameSource::Labels("helm.toolkit.fluxcd.io/namespace", "helm.toolkit.fluxcd.io/name"),
        )],
        what_happens: "the next upgrade or drift correction of the HelmRelease writes the chart's value again",
        instead: "change the values of the HelmRelease",
        source: None,
    },
    // helm, pkg/action/validate.go (label and annotations), pkg/kube (the field manager is the program's name).
    Row {
        name: "Helm",
        signs: &[
            LabelIs(MANAGED_BY_LABEL, "Helm"),
            Annotation("meta.helm.sh/release-name"),
            Manager("helm"),
        ],
        objects: &[("release", NameSource::Annotation("meta.helm.sh/release-name"))],
        what_happens: "the next helm upgrade writes the chart's value again or fails with a conflict",
        instead: "change the chart's values, or let the chart refer to a Secret instead of making one",
        source: None,
    },
    // carvel-dev/kapp, pkg/kapp/app (kappAppLabelKey).
    Row {
        name: "kapp",
        signs: &[Label("kapp.k14s.io/app")],
        objects: &[],
        what_happens: "the next kapp deploy writes the manifest's value again",
        instead: "change the manifest that kapp deploys",
        source: None,
    },
    // terraform-provider-kubernetes: defaultFieldManagerName, and for resources without one the user agent
    // `HashiCorp/1.0 Terraform/…`. The label is nobody's rule, but people set it.
    Row {
        name: "Terraform",
        signs: &[
            Manager("Terraform"),
            Manager("HashiCorp"),
            LabelIs(MANAGED_BY_LABEL, "terraform"),
        ],
        objects: &[],
        what_happens: "the next terraform apply writes its own value again",
        instead: "change the Terraform configuration, or take the Secret out of it",
        source: None,
    },
    // pulumi-kubernetes: annotationInternalAutonamed, TrySetManagedByLabel, and pull request 2271 for the field manager,
    // `pulumi-kubernetes` with or without a random suffix.
    Row {
        name: "Pulumi",
        signs: &[
            Annotation("pulumi.com/autonamed"),
            LabelIs(MANAGED_BY_LABEL, "pulumi"),
            Manager("pulumi-kubernetes"),
        ],
        objects: &[],
        what_happens: "the next pulumi up writes its own value again",
        instead: "change the Pulumi program, or take the Secret out of it",
        source: None,
    },
    // operator-lifecycle-manager: install.OLMManagedLabelKey on all that it makes, and EnsureBundleSecret.
    Row {
        name: "Operator Lifecycle Manager",
        signs: &[LabelIs("olm.managed", "true")],
        objects: &[],
        what_happens: "the next upgrade of the operator writes its bundle's value again",
        instead: "change it in the operator's bundle",
        source: None,
    },
];
