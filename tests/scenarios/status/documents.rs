//! What docs/ says about `status` is what it does: the codes, the screens, and the schema of the document.

use std::path::PathBuf;

use regcred::commands::status::Code;
use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

use super::fixture::{SECRET, healthy_doubles};
use crate::support::gitea::Profile;
use crate::support::schema::schema;
use crate::support::world::World;

fn docs(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs").join(file)
}

/// Whether the text between two marks of docs/status.md is this; writes it there where `SNAPSHOTS=overwrite`.
fn section(name: &str, actual: &str) {
    let file = docs("status.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->\n"));
    let (before, rest) = text.split_once(&begin).unwrap();
    let (expected, after) = rest.split_once(&end).unwrap();
    if std::env::var_os("SNAPSHOTS").is_some_and(|wanted| wanted == "overwrite") {
        std::fs::write(&file, format!("{before}{begin}{actual}{end}{after}")).unwrap();
    } else {
        assert_data_eq!(actual, expected.to_owned());
    }
}

scenario!(every_code_is_explained);
fn every_code_is_explained() {
    let rows: Vec<String> = Code::all()
        .map(|code| format!("| `{code}` | {} |\n", code.meaning()))
        .collect();
    section(
        "codes",
        &format!("| code | what it means |\n|---|---|\n{}", rows.concat()),
    );
}

scenario!(a_healthy_cluster_in_the_docs);
fn a_healthy_cluster_in_the_docs() {
    screen("healthy", &healthy());
}

scenario!(five_problems_in_the_docs);
fn five_problems_in_the_docs() {
    screen("problems", &problems());
}

/// As it stands on a screen, with the names of the example.
fn screen(name: &str, stdout: &str) {
    let text = stdout
        .replace("[REGISTRY]", "gitea.example.com")
        .replace("[FOLDER]", "/home/admin");
    let (table, rest) = text.split_once("\n\n").unwrap();
    section(
        name,
        &format!(
            "    $ kubectl regcred status -n honeydue -n staging\n{}",
            indented(&format!("{}\n\n{rest}", aligned(table)))
        ),
    );
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("    {line}").trim_end().to_owned() + "\n")
        .collect()
}

/// The columns, whose widths a port has changed.
fn aligned(table: &str) -> String {
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split("   ").collect()).collect();
    let width = |at: usize| {
        rows.iter()
            .filter_map(|row| row.get(at))
            .map(|cell| cell.len())
            .max()
            .unwrap()
    };
    let line = |row: &Vec<&str>| {
        let cells = row.iter().enumerate().map(|(at, cell)| format!("{cell:0$}", width(at)));
        cells.collect::<Vec<_>>().join("   ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Three namespaces of an operator.
pub fn world() -> World {
    let mut world = healthy_doubles();
    for name in ["honeydue", "staging"] {
        world.another_namespace(name);
        world.within(name, |world| world.deployment("web", SECRET));
    }
    world.login("cluster", "read:package");
    world
        .regcred("sync -n honeydue -n staging --registry [REGISTRY]")
        .done();
    world
}

fn healthy() -> String {
    let ran = world().regcred("status -n honeydue -n staging");
    assert_eq!(ran.code, 0, "{ran}");
    ran.stdout
}

/// Five different problems.
pub fn with_problems() -> World {
    let mut world = world();
    // Nobody upgraded the registry, and staging missed the last change of the token.
    world.gitea.state().profile = Profile::V1_25;
    let old = world.secret_in("staging", SECRET).unwrap();
    world.login("cluster", "read:package");
    world.regcred("sync -n honeydue --registry [REGISTRY]").done();
    assert_eq!(world.secret_in("staging", SECRET).unwrap()["data"], old["data"]);
    // A docker login from before, and a registry.env in git.
    let auth = json!({"auths": {"ghcr.io": {"auth": "b3JnOmEgdG9rZW4gaW4gYSBmaWxl"}}});
    std::fs::create_dir_all(world.home().join(".docker")).unwrap();
    std::fs::write(world.home().join(".docker/config.json"), auth.to_string()).unwrap();
    std::fs::create_dir_all(world.home().join("deploy")).unwrap();
    let env = "REGISTRY_TOKEN=0123456789abcdef0123456789abcdef01234567\n";
    std::fs::write(world.home().join("deploy/registry.env"), env).unwrap();
    world.git(&["init", "-q"]).done();
    world.git(&["add", "deploy"]).done();
    let home = world.home().into();
    world.variables.insert("PWD".to_owned(), home);
    // A deployment that nobody gave a Secret.
    "honeydue".clone_into(&mut world.namespace);
    for name in ["api-1", "api-2"] {
        world.stuck_of(
            "api",
            name,
            "[REGISTRY]/admin/api:237c6b8",
            "failed to authorize: 401 Unauthorized",
        );
    }
    world
}

fn problems() -> String {
    let world = with_problems();
    let ran = world.regcred("status -n honeydue -n staging");
    assert_eq!(ran.code, 3, "{ran}");
    ran.stdout.replace("[NAMESPACE]", "honeydue")
}

scenario!(documents_keep_to_the_schema);
fn documents_keep_to_the_schema() {
    let schema = schema("status.schema.json");
    let world = with_problems();
    let lines = [
        "status -n honeydue -n staging",
        "status -n honeydue --offline",
        "status --context nowhere",
        "status --registry other.example.com",
        "status --pod honeydue/api-1",
    ];
    for line in lines {
        let ran = world.regcred(&format!("{line} -o json"));
        let document: Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {line}\n{ran}"));
        let faults: Vec<String> = schema.iter_errors(&document).map(|fault| format!("{fault}")).collect();
        assert!(faults.is_empty(), "{line}: {faults:#?}\n{ran}");
        assert_eq!(document["exit"], ran.code, "{line}");
        let yaml = world.regcred(&format!("{line} -o yaml"));
        let same: Value = serde_saphyr::from_str(&world.denormal(&yaml.stdout)).unwrap();
        let document: Value = serde_json::from_str(&world.denormal(&ran.stdout)).unwrap();
        assert_eq!(same["findings"], document["findings"], "{line}");
        for text in [&ran.stdout, &yaml.stdout] {
            assert!(
                !text.contains("0123456789abcdef") && !text.contains("a token in"),
                "{line}\n{text}"
            );
        }
    }
}

scenario!(one_pod_is_explained);
fn one_pod_is_explained() {
    let world = healthy_doubles();
    let token = world.login("cluster", "read:package");
    world.put_pull_secret(
        "pull",
        &[("ghcr.io", "x"), ("[REGISTRY]/other", "y"), ("[REGISTRY]", &token)],
    );
    world.stuck(
        "api",
        "[REGISTRY]/owner/app:1",
        &["gone", "pull"],
        "rpc error: code = NotFound desc = manifest unknown",
    );
    world.regcred("status --pod [NAMESPACE]/api").says(str![[r#"
exit 3
--- stdout
pod/api in namespace [NAMESPACE], ServiceAccount default
pull Secrets, in the pod's order: gone (missing), pull

app: [REGISTRY]/owner/app:1  waiting
  1. secret/pull, entry [REGISTRY]: admin with the keychain's token for clusters; [REGISTRY] accepts it
  not secret/pull, entry [REGISTRY]/other: it is only for images below /other
  not secret/pull, entry ghcr.io: it is another registry

pod-image-missing: pod/api in namespace [NAMESPACE]
  [REGISTRY] has no [REGISTRY]/owner/app:1
  push [REGISTRY]/owner/app:1, or correct the image in the pod
--- stderr

"#]]);
    world.regcred("status --pod [NAMESPACE]/gone").says(str![[r#"
exit 1
--- stdout
--- stderr
error: pod [NAMESPACE]/gone not found
hint: kubectl get pods -n [NAMESPACE]

"#]]);
}

scenario!(no_kubeconfig);
/// A workstation with docker alone is well without a cluster.
fn no_kubeconfig() {
    let mut world = healthy_doubles();
    world.login("docker", "write:package");
    world.variables.insert("KUBECONFIG".to_owned(), "".into());
    world.regcred("status").says(str![[r#"
exit 0
--- stdout
all is well: 1 of 1 token accepted
--- stderr
there is no kubeconfig, so no cluster was checked

"#]]);
    // But whoever names a namespace wants it looked at.
    assert_eq!(world.status().code, 1);
}
