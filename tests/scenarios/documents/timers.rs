//! docs/timers.md: the units and the CronJob, as they stand there.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use regcred::keychain::Keychain;
use regcred::model::Use;
use serde_json::Value;

use crate::support::PLUGIN;
use crate::support::control_plane::ControlPlane;
use crate::support::part::{missing, until};
use crate::support::parts::CONTROL_PLANE;
use crate::support::scenario::Part;
use crate::support::world::{Ran, World};

const DOCUMENT: &str = include_str!("../../../docs/timers.md");
const REGISTRY: &str = "gitea.example.com";
/// The account's own, at the double.
const PASSWORD: &str = "password of admin\n";
const SYSTEMD: Part = Part::new(|| missing(&["systemd-analyze"]));

/// The example whose first line is this comment.
fn example(language: &str, first: &str) -> String {
    let fence = format!("```{language}\n");
    let blocks = DOCUMENT.split(fence.as_str()).skip(1);
    let mut texts = blocks.map(|block| block.split_once("\n```").unwrap().0);
    let found = texts.find(|text| text.starts_with(&format!("# {first}")));
    format!("{}\n", found.unwrap())
}

/// A file that only its owner reads.
fn private(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A key as `age-keygen` makes it.
fn key() -> String {
    let made = Command::new("age-keygen").output().unwrap();
    String::from_utf8(made.stdout).unwrap()
}

/// The token that the keychain has.
fn kept(world: &World) -> String {
    // With the variables of the unit, or of the pod.
    let keychain = Keychain::open(&world.env()).unwrap();
    let kept = keychain.get(&world.registry().parse().unwrap(), Use::Cluster).unwrap();
    kept.unwrap().token.expose().to_owned()
}

scenario!(the_units_are_units, needs(SYSTEMD));
fn the_units_are_units() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for name in ["regcred-rotate.service", "regcred-rotate.timer"] {
        let text = example("ini", &format!("/etc/systemd/system/{name}"));
        let text = text.replace("/usr/local/bin/kubectl-regcred", PLUGIN);
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        files.push(file);
    }
    let output = Command::new("systemd-analyze")
        .arg("verify")
        .args(&files)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let about_ours: Vec<&str> = said.lines().filter(|line| line.contains("regcred-rotate")).collect();
    assert!(output.status.success() && about_ours.is_empty(), "{output:?}");
    // And one that is wrong is found.
    std::fs::write(&files[1], "[Timer]\nOnCalendar=dayly\n").unwrap();
    let output = Command::new("systemd-analyze")
        .arg("verify")
        .args(&files)
        .output()
        .unwrap();
    assert!(!output.stderr.is_empty(), "{output:?}");
}

scenario!(the_service_replaces_an_old_token, needs(CONTROL_PLANE, PROGRAMS));
fn the_service_replaces_an_old_token() {
    let mut world = World::of_a_server();
    let key_file = world.home().join(".config/regcred/vault.key");
    world
        .regcred(&format!("keychain use vault --key-file {}", key_file.display()))
        .done();
    let old = world.gitea.add_token("admin", "read:package");
    world
        .regcred_with("login [REGISTRY] -u admin --use cluster --token-stdin", &old)
        .done();
    world.regcred("sync -n [NAMESPACE]").done();
    // As systemd gives it to the unit alone.
    let credentials = world.folder().join("credentials");
    private(
        &credentials.join("regcred-vault-key"),
        &std::fs::read_to_string(&key_file).unwrap(),
    );
    std::fs::remove_file(&key_file).unwrap();
    world
        .variables
        .insert("CREDENTIALS_DIRECTORY".to_owned(), credentials.into());
    let unit = example("ini", "/etc/systemd/system/regcred-rotate.service");
    let starts: Vec<String> = unit
        .lines()
        .filter_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/kubectl-regcred "))
        .map(|line| line.replace(REGISTRY, "[REGISTRY]"))
        .collect();
    assert_eq!(starts.len(), 2);
    let run = |world: &World| -> Vec<Ran> { starts.iter().map(|line| world.regcred_with(line, PASSWORD)).collect() };
    let ran = run(&world);
    assert!(ran.iter().all(|ran| ran.code == 0), "{ran:?}");
    assert!(ran[1].stderr.contains("is not replaced yet"), "{ran:?}");
    assert_eq!(kept(&world), old);

    world.gitea.age(&old, 91);
    let ran = run(&world);
    assert!(ran.iter().all(|ran| ran.code == 0), "{ran:?}");
    assert!(ran[1].stderr.contains("revoked the old token"), "{ran:?}");
    let new = kept(&world);
    assert!(new != old && !world.gitea.knows("admin", &old));
    assert!(world.document("gitea-credentials").contains(&new));
}

/// `of_a_server` has docker-registry behind its Gitea.
const PROGRAMS: Part = Part::new(|| missing(&["docker-registry", "age-keygen"]));

scenario!(
    the_cron_job_keeps_and_replaces_its_own_token,
    needs(CONTROL_PLANE, PROGRAMS)
);
fn the_cron_job_keeps_and_replaces_its_own_token() {
    let plane = ControlPlane::shared();
    let mut world = World::of_a_server();
    let labelled = world.namespace.clone();
    let _ = plane.kubectl_ok(&["label", "namespace", &labelled, "pull-secret=gitea"], "");
    let manifests: Vec<Value> = serde_saphyr::from_multiple(&example("yaml", "regcred-rotate.yaml")).unwrap();
    for manifest in &manifests {
        let _ = plane.kubectl_ok(&["apply", "-f", "-"], &manifest.to_string());
    }
    let pod = &manifests.last().unwrap()["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(container["command"], serde_json::json!(["sh", "-euc"]));
    // The pod's files, and the rights of its ServiceAccount; only the way to the cluster is a kubeconfig's.
    let secrets = world.folder().join("secrets");
    private(&secrets.join("vault.key"), &key());
    private(&secrets.join("password"), PASSWORD);
    let token = plane.kubectl_ok(&["create", "token", "regcred-rotate", "-n", "regcred-rotate"], "");
    std::fs::write(world.folder().join("kubeconfig"), plane.kubeconfig_for(token.trim())).unwrap();
    // A binding takes effect by a watch of the server's own.
    let who = "--as=system:serviceaccount:regcred-rotate:regcred-rotate";
    until("the binding to be in force", || {
        let asked = plane.kubectl(&["auth", "can-i", "list", "secrets", "-A", who], "");
        asked.status.success()
    });
    let script = container["args"][0]
        .as_str()
        .unwrap()
        .replace("/run/regcred", &secrets.display().to_string())
        .replace("/run/gitea", &secrets.display().to_string())
        .replace(REGISTRY, &world.registry())
        .replace(
            "pull-secret=gitea",
            &format!("pull-secret=gitea,kubernetes.io/metadata.name={labelled}"),
        );
    let run = |world: &World| world.run(world.command("sh").args(["-euc", &script]), "");

    let first = run(&world);
    assert!(
        first.code == 0
            && first
                .stdout
                .contains("secret/gitea-credentials created in namespace [NAMESPACE]"),
        "{first}"
    );
    let made = kept(&world);
    let second = run(&world);
    assert!(
        second.code == 0 && second.stdout.contains("unchanged") && second.stderr.contains("is not replaced yet"),
        "{second}"
    );
    assert_eq!(kept(&world), made);

    world.gitea.age(&made, 91);
    let later = run(&world);
    assert!(
        later.code == 0 && later.stderr.contains("revoked the old token"),
        "{later}"
    );
    let new = kept(&world);
    assert!(new != made && world.gitea.tokens("admin").len() == 1);
    assert!(world.document("gitea-credentials").contains(&new));
    world.variables.clear();
    let _ = plane.kubectl_ok(&["label", "namespace", &labelled, "pull-secret-"], "");
}
