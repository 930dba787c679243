//! Encrypted copies in git, which a rotation leaves behind.

use regcred::model::Use;
use serde_json::Value;

use super::fixture::Rotation;
use crate::support::part::missing;
use crate::support::parts::DOUBLES;
use crate::support::world::World;

/// As kubeseal makes it from what `sync --dry-run=client -o yaml` prints.
const SEALED: &str = "\
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: gitea-credentials
  namespace: team-a
spec:
  encryptedData:
    .dockerconfigjson: AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq
  template:
    metadata:
      annotations: {kubectl-regcred/registry: '[REGISTRY]', kubectl-regcred/use: cluster, kubectl-regcred/username: admin}
      labels: {app.kubernetes.io/managed-by: kubectl-regcred}
      name: gitea-credentials
      namespace: team-a
    type: kubernetes.io/dockerconfigjson
";
/// As sops makes it of the same with `--encrypted-regex '^data$'`, after a document of another kind.
const SOPS: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: team-b}
---
apiVersion: v1
kind: Secret
metadata: {name: gitea-credentials, namespace: team-b}
type: kubernetes.io/dockerconfigjson
data:
  .dockerconfigjson: ENC[AES256_GCM,data:kx8=,iv:a=,tag:b==,type:str]
sops:
  encrypted_regex: ^data$
  version: 3.9.0
";

scenario!(they_are_named_with_the_line_that_makes_them_again, on(DOUBLES));
fn they_are_named_with_the_line_that_makes_them_again(world: World) {
    assert_eq!(missing(&["git"]), [""; 0]);
    let mut rotation = Rotation::with(world, Use::Cluster, &["team-b"]);
    let folder = rotation.world.home().join("deploy");
    let write = |file: &str, text: &str| {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text.replace("[REGISTRY]", &rotation.world.registry())).unwrap();
    };
    write("web/sealed.yaml", SEALED);
    write("both.yaml", SOPS);
    // Of another registry, elsewhere, not in git, and no YAML.
    write("other.yaml", &SEALED.replace("[REGISTRY]", "ghcr.io"));
    write("elsewhere.yaml", &SOPS.replace("team-b", "team-z"));
    write("template.yaml", "kind: SealedSecret\n{{ if .Values.x }}\n");
    for args in [&["init", "-q"][..], &["add", "."]] {
        let mut git = rotation.world.command("git");
        let ran = git.arg("-C").arg(&folder).args(args).status().unwrap();
        assert!(ran.success());
    }
    write("untracked.yaml", SEALED);
    rotation
        .world
        .variables
        .insert("PWD".to_owned(), folder.join("web").into());

    let planned = rotation.rotate("--mint --dry-run=client");
    assert!(planned.code == 0 && !planned.stderr.contains("kubeseal"), "{planned}");
    let ran = rotation.rotate("--mint --password-stdin");
    assert_eq!(ran.code, 0, "{ran}");
    let lines: Vec<&str> = ran.stderr.lines().filter(|line| line.contains(".yaml")).collect();
    assert_eq!(
        lines,
        [
            "warning: [FOLDER]/deploy/both.yaml: it holds a copy of secret/gitea-credentials in namespace team-b that sops has \
             encrypted, among other things, and that is the old token; applied, it puts that back",
            "hint: make it again: kubectl regcred sync -n team-b --registry [REGISTRY] --dry-run=client -o yaml | sops encrypt \
             --input-type yaml --output-type yaml --filename-override [FOLDER]/deploy/both.yaml /dev/stdin",
            "warning: [FOLDER]/deploy/web/sealed.yaml: it holds a copy of secret/gitea-credentials in namespace [NAMESPACE] \
             that kubeseal has encrypted, and that is the old token; applied, it puts that back",
            "hint: make it again: kubectl regcred sync -n [NAMESPACE] --registry [REGISTRY] --dry-run=client -o yaml | kubeseal \
             -o yaml > [FOLDER]/deploy/web/sealed.yaml",
        ],
        "{ran}"
    );
    rotation.again();
    let ran = rotation.rotate("--mint --password-stdin -o json");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let copies = document["sealedCopies"].as_array().unwrap();
    assert_eq!(copies.len(), 2, "{document}");
    assert_eq!(copies[0]["secret"], "gitea-credentials");
    // In another folder, there are none.
    rotation.again();
    rotation
        .world
        .variables
        .insert("PWD".to_owned(), rotation.world.home().into());
    let ran = rotation.rotate("--mint --password-stdin");
    assert!(ran.code == 0 && !ran.stderr.contains("kubeseal"), "{ran}");
}
