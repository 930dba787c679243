//! What is out of step on docker's side of the workstation, each by a real file.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred::commands::status::Code;
use regcred::docker::WarningKind;

use super::Case;
use super::place::{Parts, Place};

const HELPER: &str = env!("CARGO_BIN_EXE_docker-credential-gitea");

pub const CASES: &[Case] = &[
    (
        Code::Docker(WarningKind::FileUnreadable),
        "no JSON",
        Parts::Doubles,
        unreadable,
    ),
    (
        Code::Docker(WarningKind::HelperNotOnPath),
        "named and not there",
        Parts::Doubles,
        not_on_path,
    ),
    (
        Code::Docker(WarningKind::HelperShadowed),
        "another program",
        Parts::Doubles,
        shadowed,
    ),
    (
        Code::Docker(WarningKind::HelperMissing),
        "desktop",
        Parts::Doubles,
        helper_missing,
    ),
    (
        Code::Docker(WarningKind::PlainText),
        "docker's file",
        Parts::Doubles,
        plain_text,
    ),
    (
        Code::Docker(WarningKind::PlainTextShadowsHelper),
        "podman's file",
        Parts::Doubles,
        shadowing,
    ),
    (
        Code::Docker(WarningKind::PlainTextBesideHelper),
        "left behind",
        Parts::Doubles,
        beside,
    ),
    (
        Code::Docker(WarningKind::PodmanLoginWritesPlainText),
        "no file yet",
        Parts::Doubles,
        podman_login,
    ),
    (
        Code::Docker(WarningKind::EnvironmentWins),
        "DOCKER_AUTH_CONFIG",
        Parts::Doubles,
        environment,
    ),
    (
        Code::Docker(WarningKind::AuthFileHidesHelper),
        "REGISTRY_AUTH_FILE",
        Parts::Doubles,
        auth_file,
    ),
    (
        Code::Docker(WarningKind::FilesBeforeHelper),
        "registries.conf",
        Parts::Doubles,
        files_first,
    ),
    (
        Code::Docker(WarningKind::DefaultStoreOff),
        "pass",
        Parts::Doubles,
        store_off,
    ),
    (
        Code::Docker(WarningKind::KeyNeverMatches),
        "a URL",
        Parts::Doubles,
        never_matches,
    ),
    (Code::Docker(WarningKind::HelperEmpty), "no name", Parts::Doubles, empty),
];

const LINE: &str = "status -n [NAMESPACE]";

/// All is well, with a PATH of this place's own, and the helper on it.
fn begin(place: &mut Place) {
    place.well();
    fs::create_dir(programs(place)).unwrap();
    symlink(HELPER, programs(place).join("docker-credential-gitea")).unwrap();
    // What the commands that are printed are made of.
    for name in ["sh", "mv", "sed", "mkdir", "echo"] {
        symlink(crate::support::part::program(name).unwrap(), programs(place).join(name)).unwrap();
    }
    place.world.variables.insert("PATH".to_owned(), programs(place).into());
    let run = place.world.folder().join("run");
    place.world.variables.insert("XDG_RUNTIME_DIR".to_owned(), run.into());
    place.login("docker", "write:package");
    let ran = place.status();
    assert_eq!(ran.code, 0, "{ran}");
}

fn programs(place: &Place) -> PathBuf {
    place.world.folder().join("programs")
}

fn script(file: &Path, text: &str) {
    fs::write(file, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

fn put(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

fn docker_file(place: &Place) -> PathBuf {
    place.world.home().join(".docker/config.json")
}

fn podman_file(place: &Place) -> PathBuf {
    place.world.folder().join("run/containers/auth.json")
}

fn helpers(place: &Place, helper: &str) -> String {
    format!(r#""credHelpers":{{"{}":"{helper}"}}"#, place.world.registry())
}

fn login(place: &Place) -> String {
    let auth = STANDARD.encode("admin:a token in a file");
    format!(r#""auths":{{"{}":{{"auth":"{auth}"}}}}"#, place.world.registry())
}

fn unreadable(place: &mut Place) {
    begin(place);
    put(&docker_file(place), "{\"auths\": ");
    place.says(LINE, Code::Docker(WarningKind::FileUnreadable), &["config.json"]);
    assert_eq!(place.status().code, 1);
    // Somebody repairs it.
    put(&docker_file(place), "{}");
    place.is_gone(LINE, Code::Docker(WarningKind::FileUnreadable));
}

/// With the plugin on PATH, the helper becomes a link to it.
fn not_on_path(place: &mut Place) {
    begin(place);
    put(&docker_file(place), &format!("{{{}}}", helpers(place, "gitea")));
    fs::remove_file(programs(place).join("docker-credential-gitea")).unwrap();
    symlink(
        env!("CARGO_BIN_EXE_kubectl-regcred"),
        programs(place).join("kubectl-regcred"),
    )
    .unwrap();
    place.mends(Code::Docker(WarningKind::HelperNotOnPath), &[]);
    assert!(programs(place).join("docker-credential-gitea").exists());
}

fn shadowed(place: &mut Place) {
    begin(place);
    put(&docker_file(place), &format!("{{{}}}", helpers(place, "gitea")));
    let helper = programs(place).join("docker-credential-gitea");
    fs::remove_file(&helper).unwrap();
    script(&helper, "echo 1.0");
    place.mends(Code::Docker(WarningKind::HelperShadowed), &[]);
}

fn helper_missing(place: &mut Place) {
    begin(place);
    put(&docker_file(place), &format!("{{{}}}", helpers(place, "desktop")));
    place.mends(Code::Docker(WarningKind::HelperMissing), &[]);
}

fn plain_text(place: &mut Place) {
    begin(place);
    put(&docker_file(place), &format!("{{{}}}", login(place)));
    let ran = place.status();
    assert!(!ran.stdout.contains("a token in a file"), "{ran}");
    // The keychain has one already, which the registry accepts: the copy goes.
    place.mends(Code::Docker(WarningKind::PlainText), &[]);
}

fn shadowing(place: &mut Place) {
    begin(place);
    script(&programs(place).join("podman"), "exit 1");
    put(&docker_file(place), &format!("{{{}}}", helpers(place, "gitea")));
    put(&podman_file(place), &format!("{{{}}}", login(place)));
    place.mends(Code::Docker(WarningKind::PlainTextShadowsHelper), &[]);
}

fn beside(place: &mut Place) {
    begin(place);
    put(
        &docker_file(place),
        &format!("{{{},{}}}", helpers(place, "gitea"), login(place)),
    );
    place.mends(Code::Docker(WarningKind::PlainTextBesideHelper), &[]);
}

fn podman_login(place: &mut Place) {
    begin(place);
    script(&programs(place).join("podman"), "exit 1");
    put(&docker_file(place), &format!("{{{}}}", helpers(place, "gitea")));
    place.mends(Code::Docker(WarningKind::PodmanLoginWritesPlainText), &[]);
}

fn environment(place: &mut Place) {
    begin(place);
    let variable = format!("{{{}}}", login(place));
    place
        .world
        .variables
        .insert("DOCKER_AUTH_CONFIG".to_owned(), variable.into());
    place.says(
        LINE,
        Code::Docker(WarningKind::EnvironmentWins),
        &["take DOCKER_AUTH_CONFIG out of the environment"],
    );
    // Only the shell that has it can do that.
    place.world.variables.remove("DOCKER_AUTH_CONFIG");
    place.is_gone(LINE, Code::Docker(WarningKind::EnvironmentWins));
}

fn auth_file(place: &mut Place) {
    begin(place);
    script(&programs(place).join("podman"), "exit 1");
    put(&docker_file(place), &format!("{{{}}}", helpers(place, "gitea")));
    let own = place.world.folder().join("own.json");
    put(&own, "{}");
    place
        .world
        .variables
        .insert("REGISTRY_AUTH_FILE".to_owned(), own.into());
    place.mends(Code::Docker(WarningKind::AuthFileHidesHelper), &[]);
}

fn files_first(place: &mut Place) {
    begin(place);
    script(&programs(place).join("podman"), "exit 1");
    put(&docker_file(place), &format!("{{{}}}", helpers(place, "gitea")));
    let order = place.world.home().join(".config/containers/registries.conf");
    put(
        &order,
        "credential-helpers = [\n  \"containers-auth.json\",\n  \"gitea\",\n]\n",
    );
    let line = "credential-helpers = [\"gitea\", \"containers-auth.json\"]";
    place.says(LINE, Code::Docker(WarningKind::FilesBeforeHelper), &[line]);
    put(&order, &format!("{line}\n"));
    place.is_gone(LINE, Code::Docker(WarningKind::FilesBeforeHelper));
}

fn store_off(place: &mut Place) {
    begin(place);
    script(&programs(place).join("pass"), "exit 1");
    script(
        &programs(place).join("docker-credential-pass"),
        "echo 'credentials not found in native keychain'; exit 1",
    );
    put(&docker_file(place), &format!("{{{}}}", helpers(place, "gitea")));
    place.mends(Code::Docker(WarningKind::DefaultStoreOff), &[]);
}

fn never_matches(place: &mut Place) {
    begin(place);
    let key = format!(r#"{{"credHelpers":{{"https://{}":"gitea"}}}}"#, place.world.registry());
    put(&docker_file(place), &key);
    place.mends(Code::Docker(WarningKind::KeyNeverMatches), &[]);
}

fn empty(place: &mut Place) {
    begin(place);
    put(&docker_file(place), &format!("{{{}}}", helpers(place, "")));
    place.mends(Code::Docker(WarningKind::HelperEmpty), &[]);
}
