//! What docs/images.md says to run every month is run as it stands, through the program.

use std::process::Command;

use serde_json::Value;

use super::fixture::{DAY, Stage};
use crate::support::PLUGIN;
use crate::support::api_server::Fault;
use crate::support::world::World;

const DOCUMENT: &str = include_str!("../../../docs/images.md");

/// The example whose first line is this comment, for this registry.
fn example(first: &str, stage: &Stage) -> Value {
    let blocks = DOCUMENT.split("```yaml\n").skip(1);
    let mut texts = blocks.map(|block| block.split_once("\n```").unwrap().0);
    let text = texts.find(|text| text.starts_with(&format!("# {first}"))).unwrap();
    serde_saphyr::from_str(&text.replace("gitea.example.com", &stage.world.registry())).unwrap()
}

fn stage() -> (Stage, String) {
    let stage = Stage::new(World::of_doubles());
    let tags: Vec<String> = (0..33).map(|number| format!("1.{number}")).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    stage.push_each("admin/api", &tags);
    stage.age(40 * DAY);
    stage.run_pod("admin/api:1.0");
    let token = stage.world.gitea.add_token("admin", "write:package");
    (stage, token)
}

/// Runs it with nothing around it but these variables; its exit code, and what it printed.
fn run(command: &mut Command, stage: &Stage, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let programs = std::path::Path::new(PLUGIN).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let path = std::iter::once(programs.to_owned()).chain(std::env::split_paths(&path));
    let ran = command
        .env_clear()
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("HOME", stage.world.home())
        .envs(variables.iter().copied())
        .current_dir(stage.world.folder())
        .output()
        .unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    (ran.status.code(), String::from_utf8(said).unwrap())
}

#[track_caller]
fn check(stage: &Stage, said: &str) {
    let tags = stage.pusher.tags("admin/api");
    let left = tags.iter().filter(|tag| !tag.starts_with("regcred-trash")).count();
    // 30, and what the pod runs.
    assert_eq!(left, 31, "{said}");
    assert!(stage.pusher.pull("admin/api", "1.0").is_ok(), "{said}");
    assert!(said.contains("all are there"), "{said}");
}

scenario!(the_cron_job);
/// Only the way to its cluster is a kubeconfig's.
fn the_cron_job() {
    let (stage, token) = stage();
    let manifest = example("images-cronjob.yaml", &stage);
    let container = &manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0];
    let words = container["command"].as_array().unwrap();
    let words: Vec<&str> = words.iter().map(|word| word.as_str().unwrap()).collect();
    assert_eq!(words[0], "kubectl-regcred");
    let kubeconfig = stage.world.folder().join("kubeconfig");
    let variables = [
        ("REGISTRY_TOKEN", token.as_str()),
        ("KUBECONFIG", kubeconfig.to_str().unwrap()),
    ];
    let command = || {
        let mut command = Command::new(PLUGIN);
        command.args(&words[1..]).args(["--context", "double"]);
        command
    };
    stage.world.api_server().fail_lists_of("pods", Fault::Status(403, None));
    let (code, said) = run(&mut command(), &stage, &variables);
    assert_eq!(code, Some(1), "it alerts: {said}");
    assert_eq!(stage.pusher.tags("admin/api").len(), 33, "{said}");
    stage.world.api_server().recover();
    let (code, said) = run(&mut command(), &stage, &variables);
    assert_eq!(code, Some(0), "{said}");
    check(&stage, &said);
}

scenario!(the_workflow, needs("bash"));
fn the_workflow() {
    let (stage, token) = stage();
    let workflow = example(".gitea/workflows/images.yaml", &stage);
    let script = workflow["jobs"]["prune"]["steps"][0]["run"].as_str().unwrap();
    let kubeconfig = std::fs::read_to_string(stage.world.folder().join("kubeconfig")).unwrap();
    let variables = [
        ("REGISTRY_TOKEN", token.as_str()),
        ("KUBECONFIG_TEXT", kubeconfig.as_str()),
    ];
    let script = script.replace("--context prod --context spare", "--context double");
    let (code, said) = run(Command::new("bash").args(["-e", "-c", &script]), &stage, &variables);
    assert_eq!(code, Some(0), "{said}");
    check(&stage, &said);
}
