//! What is out of step on docker's side of the workstation, each by a real file.

use std::fs;
use std::os::unix::fs::symlink;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred::commands::status::Code;
use regcred::docker::WarningKind;

use super::fixture::DOUBLES;
use crate::support::world::{World, script};
use crate::support::{HELPER, PLUGIN};

const LINE: &str = "status -n [NAMESPACE]";

/// All is well, with a PATH of this place's own, and the helper on it.
fn begin(world: &mut World) {
    world.well();
    fs::create_dir(world.programs()).unwrap();
    symlink(HELPER, world.programs().join("docker-credential-gitea")).unwrap();
    // What the commands that are printed are made of.
    for name in ["sh", "mv", "sed", "mkdir", "echo"] {
        symlink(
            crate::support::part::program(name).unwrap(),
            world.programs().join(name),
        )
        .unwrap();
    }
    world.variables.insert("PATH".to_owned(), world.programs().into());
    let run = world.folder().join("run");
    world.variables.insert("XDG_RUNTIME_DIR".to_owned(), run.into());
    world.login("docker", "write:package");
    let ran = world.status();
    assert_eq!(ran.code, 0, "{ran}");
}

fn helpers(world: &World, helper: &str) -> String {
    format!(r#""credHelpers":{{"{}":"{helper}"}}"#, world.registry())
}

fn login(world: &World) -> String {
    let auth = STANDARD.encode("admin:a token in a file");
    format!(r#""auths":{{"{}":{{"auth":"{auth}"}}}}"#, world.registry())
}

finding!(
    file_unreadable_no_json,
    Code::Docker(WarningKind::FileUnreadable),
    on(DOUBLES)
);
fn file_unreadable_no_json(world: &mut World) {
    begin(world);
    world.write_docker("{\"auths\": ");
    world.says(LINE, Code::Docker(WarningKind::FileUnreadable), &["config.json"]);
    assert_eq!(world.status().code, 1);
    // Somebody repairs it.
    world.write_docker("{}");
    world.is_gone(LINE, Code::Docker(WarningKind::FileUnreadable));
}

finding!(
    helper_not_on_path_named_and_not_there,
    Code::Docker(WarningKind::HelperNotOnPath),
    on(DOUBLES)
);
/// With the plugin on PATH, the helper becomes a link to it.
fn helper_not_on_path_named_and_not_there(world: &mut World) {
    begin(world);
    world.write_docker(&format!("{{{}}}", helpers(world, "gitea")));
    fs::remove_file(world.programs().join("docker-credential-gitea")).unwrap();
    symlink(PLUGIN, world.programs().join("kubectl-regcred")).unwrap();
    world.mends(Code::Docker(WarningKind::HelperNotOnPath), &[]);
    assert!(world.programs().join("docker-credential-gitea").exists());
}

finding!(
    helper_shadowed_another_program,
    Code::Docker(WarningKind::HelperShadowed),
    on(DOUBLES)
);
fn helper_shadowed_another_program(world: &mut World) {
    begin(world);
    world.write_docker(&format!("{{{}}}", helpers(world, "gitea")));
    let helper = world.programs().join("docker-credential-gitea");
    fs::remove_file(&helper).unwrap();
    script(&helper, "echo 1.0");
    world.mends(Code::Docker(WarningKind::HelperShadowed), &[]);
}

finding!(
    helper_missing_desktop,
    Code::Docker(WarningKind::HelperMissing),
    on(DOUBLES)
);
fn helper_missing_desktop(world: &mut World) {
    begin(world);
    world.write_docker(&format!("{{{}}}", helpers(world, "desktop")));
    world.mends(Code::Docker(WarningKind::HelperMissing), &[]);
}

finding!(
    plain_text_dockers_file,
    Code::Docker(WarningKind::PlainText),
    on(DOUBLES)
);
fn plain_text_dockers_file(world: &mut World) {
    begin(world);
    world.write_docker(&format!("{{{}}}", login(world)));
    let ran = world.status();
    assert!(!ran.stdout.contains("a token in a file"), "{ran}");
    // The keychain has one already, which the registry accepts: the copy goes.
    world.mends(Code::Docker(WarningKind::PlainText), &[]);
}

finding!(
    plain_text_shadows_helper_podmans_file,
    Code::Docker(WarningKind::PlainTextShadowsHelper),
    on(DOUBLES)
);
fn plain_text_shadows_helper_podmans_file(world: &mut World) {
    begin(world);
    script(&world.programs().join("podman"), "exit 1");
    world.write_docker(&format!("{{{}}}", helpers(world, "gitea")));
    world.write_podman(&format!("{{{}}}", login(world)));
    world.mends(Code::Docker(WarningKind::PlainTextShadowsHelper), &[]);
}

finding!(
    plain_text_beside_helper_left_behind,
    Code::Docker(WarningKind::PlainTextBesideHelper),
    on(DOUBLES)
);
fn plain_text_beside_helper_left_behind(world: &mut World) {
    begin(world);
    world.write_docker(&format!("{{{},{}}}", helpers(world, "gitea"), login(world)));
    world.mends(Code::Docker(WarningKind::PlainTextBesideHelper), &[]);
}

finding!(
    podman_login_writes_plain_text_no_file_yet,
    Code::Docker(WarningKind::PodmanLoginWritesPlainText),
    on(DOUBLES)
);
fn podman_login_writes_plain_text_no_file_yet(world: &mut World) {
    begin(world);
    script(&world.programs().join("podman"), "exit 1");
    world.write_docker(&format!("{{{}}}", helpers(world, "gitea")));
    world.mends(Code::Docker(WarningKind::PodmanLoginWritesPlainText), &[]);
}

finding!(
    environment_wins_docker_auth_config,
    Code::Docker(WarningKind::EnvironmentWins),
    on(DOUBLES)
);
fn environment_wins_docker_auth_config(world: &mut World) {
    begin(world);
    let variable = format!("{{{}}}", login(world));
    world.variables.insert("DOCKER_AUTH_CONFIG".to_owned(), variable.into());
    world.says(
        LINE,
        Code::Docker(WarningKind::EnvironmentWins),
        &["take DOCKER_AUTH_CONFIG out of the environment"],
    );
    // Only the shell that has it can do that.
    world.variables.remove("DOCKER_AUTH_CONFIG");
    world.is_gone(LINE, Code::Docker(WarningKind::EnvironmentWins));
}

finding!(
    auth_file_hides_helper_registry_auth_file,
    Code::Docker(WarningKind::AuthFileHidesHelper),
    on(DOUBLES)
);
fn auth_file_hides_helper_registry_auth_file(world: &mut World) {
    begin(world);
    script(&world.programs().join("podman"), "exit 1");
    world.write_docker(&format!("{{{}}}", helpers(world, "gitea")));
    let own = world.folder().join("own.json");
    world.write(&own, "{}");
    world.variables.insert("REGISTRY_AUTH_FILE".to_owned(), own.into());
    world.mends(Code::Docker(WarningKind::AuthFileHidesHelper), &[]);
}

finding!(
    files_before_helper_registries_conf,
    Code::Docker(WarningKind::FilesBeforeHelper),
    on(DOUBLES)
);
fn files_before_helper_registries_conf(world: &mut World) {
    begin(world);
    script(&world.programs().join("podman"), "exit 1");
    world.write_docker(&format!("{{{}}}", helpers(world, "gitea")));
    let order = world.home().join(".config/containers/registries.conf");
    world.write(
        &order,
        "credential-helpers = [\n  \"containers-auth.json\",\n  \"gitea\",\n]\n",
    );
    let line = "credential-helpers = [\"gitea\", \"containers-auth.json\"]";
    world.says(LINE, Code::Docker(WarningKind::FilesBeforeHelper), &[line]);
    world.write(&order, &format!("{line}\n"));
    world.is_gone(LINE, Code::Docker(WarningKind::FilesBeforeHelper));
}

finding!(
    default_store_off_pass,
    Code::Docker(WarningKind::DefaultStoreOff),
    on(DOUBLES)
);
fn default_store_off_pass(world: &mut World) {
    begin(world);
    script(&world.programs().join("pass"), "exit 1");
    script(
        &world.programs().join("docker-credential-pass"),
        "echo 'credentials not found in native keychain'; exit 1",
    );
    world.write_docker(&format!("{{{}}}", helpers(world, "gitea")));
    world.mends(Code::Docker(WarningKind::DefaultStoreOff), &[]);
}

finding!(
    helper_hides_path_of_an_organisation,
    Code::Docker(WarningKind::HelperHidesPath),
    on(DOUBLES)
);
fn helper_hides_path_of_an_organisation(world: &mut World) {
    begin(world);
    script(&world.programs().join("podman"), "exit 1");
    let ours = helpers(world, "gitea");
    world.write_docker(&format!("{{{ours}}}"));
    world.write_podman(&format!(
        r#"{{{ours},"auths":{{"[REGISTRY]/org":{{"auth":"[auth:bot:t]"}}}}}}"#
    ));
    world.says(
        LINE,
        Code::Docker(WarningKind::HelperHidesPath),
        &["podman's --authfile"],
    );
    // Its login moves to a file of its own.
    world.write_podman(&format!("{{{ours}}}"));
    world.is_gone(LINE, Code::Docker(WarningKind::HelperHidesPath));
}

finding!(
    key_never_matches_a_url,
    Code::Docker(WarningKind::KeyNeverMatches),
    on(DOUBLES)
);
fn key_never_matches_a_url(world: &mut World) {
    begin(world);
    let key = format!(r#"{{"credHelpers":{{"https://{}":"gitea"}}}}"#, world.registry());
    world.write_docker(&key);
    world.mends(Code::Docker(WarningKind::KeyNeverMatches), &[]);
}

/// Another helper that has no credential.
const HOLDS_NOTHING: &str =
    "if [ \"$1\" = list ]; then echo '{}'; else echo 'credentials not found in native keychain'; exit 1; fi";

finding!(setup_lost_replaced, Code::Docker(WarningKind::SetupLost), on(DOUBLES));
/// As Docker Desktop does in WSL.
fn setup_lost_replaced(world: &mut World) {
    begin(world);
    world.write_docker("{}");
    world.regcred("docker setup").done();
    world.is_gone(LINE, Code::Docker(WarningKind::SetupLost));
    world.write_docker(r#"{"credsStore":"desktop.exe"}"#);
    script(&world.programs().join("docker-credential-desktop.exe"), HOLDS_NOTHING);
    world.mends(Code::Docker(WarningKind::SetupLost), &[]);
}

finding!(
    store_needs_docker_desktop_colima,
    Code::Docker(WarningKind::StoreNeedsDockerDesktop),
    on(DOUBLES)
);
fn store_needs_docker_desktop_colima(world: &mut World) {
    begin(world);
    script(&world.programs().join("docker-credential-desktop"), HOLDS_NOTHING);
    world.write_docker(r#"{"credsStore":"desktop","currentContext":"desktop-linux"}"#);
    world.is_gone(LINE, Code::Docker(WarningKind::StoreNeedsDockerDesktop));
    world.write_docker(r#"{"credsStore":"desktop","currentContext":"colima"}"#);
    world.mends(Code::Docker(WarningKind::StoreNeedsDockerDesktop), &[]);
}

finding!(
    nerdctl_asks_another_helper_rancher_desktop,
    Code::Docker(WarningKind::NerdctlAsksAnotherHelper),
    on(DOUBLES)
);
fn nerdctl_asks_another_helper_rancher_desktop(world: &mut World) {
    begin(world);
    script(&world.programs().join("docker-credential-osxkeychain"), HOLDS_NOTHING);
    world.write_docker(&format!(
        r#"{{{},"credsStore":"osxkeychain"}}"#,
        helpers(world, "gitea")
    ));
    world.is_gone(LINE, Code::Docker(WarningKind::NerdctlAsksAnotherHelper));
    fs::create_dir(world.home().join(".rd")).unwrap();
    world.mends(Code::Docker(WarningKind::NerdctlAsksAnotherHelper), &[]);
}

finding!(
    helper_empty_no_name,
    Code::Docker(WarningKind::HelperEmpty),
    on(DOUBLES)
);
fn helper_empty_no_name(world: &mut World) {
    begin(world);
    world.write_docker(&format!("{{{}}}", helpers(world, "")));
    world.mends(Code::Docker(WarningKind::HelperEmpty), &[]);
}
