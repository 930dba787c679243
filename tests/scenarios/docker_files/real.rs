//! The real docker, podman and skopeo over a real keyring, and a real SIGKILL.

use std::fs;

use libtest_mimic::Trial;
use regcred::docker::{EntryContent, File};
use regcred::model::Use;

use super::place::Place;
use crate::support::docker_registry;
use crate::support::image::private_image;
use crate::support::part::{missing, ptrace, trial_with};
use crate::support::world::Ran;

pub fn trials() -> Vec<Trial> {
    let with = |programs: &[&'static str]| [super::super::main_job::missing_parts(), missing(programs)].concat();
    vec![
        trial_with(
            "docker/real: docker's plaintext moves, and docker goes on",
            &with(&["docker", "skopeo"]),
            docker,
        ),
        trial_with(
            "docker/real: podman's plaintext moves, and podman goes on",
            &with(&["podman", "skopeo"]),
            podman,
        ),
        trial_with(
            "docker/real: podman finds Docker Hub's login",
            &with(&["podman", "skopeo"]),
            hub,
        ),
        trial_with(
            "docker/real: logins while setup runs",
            &with(&["docker"]),
            concurrent_logins,
        ),
        trial_with(
            "docker/real: killed by SIGKILL at every change",
            &[with(&["strace"]), ptrace()].concat(),
            killed,
        ),
    ]
}

fn client(place: &Place, line: &str, stdin: &str) -> Ran {
    let line = line.replace("[REGISTRY]", &place.world.registry());
    let mut words = line.split_whitespace();
    let mut command = place.world.command(words.next().unwrap());
    place.world.run(command.args(words), stdin)
}

fn docker() {
    let place = Place::of_real_parts();
    let token = private_image(&place.world);
    // With an entry in its file, docker looks for no keychain by itself.
    place.write_docker("{\n\t\"auths\": {\n\t\t\"other.invalid\": {}\n\t}\n}");
    client(&place, "docker login -u admin --password-stdin [REGISTRY]", &token).done();
    assert!(place.read(&place.docker).contains("\"auth\": "), "plain text");
    let before = place.read(&place.docker);

    let ran = place.world.regcred("docker setup");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("verified at [REGISTRY]"), "{ran}");
    assert!(
        ran.stdout.contains("credential/[REGISTRY] stored (admin, from"),
        "{ran}"
    );
    let after = place.read(&place.docker);
    assert!(
        !after.contains("\"auth\": ") && after.contains("\"credHelpers\": {\n\t\t\"[REGISTRY]\": \"gitea\""),
        "{after}"
    );
    assert_eq!(place.kept(), Some(("admin".to_owned(), token.clone())));

    let inspect = "docker manifest inspect --insecure [REGISTRY]/admin/web:1";
    assert!(client(&place, inspect, "").done().contains("sha256:"));
    let skopeo = "skopeo inspect --tls-verify=false docker://[REGISTRY]/admin/web:1";
    assert!(
        client(&place, skopeo, "").done().contains("sha256:"),
        "skopeo reads docker's file"
    );
    // Docker's own write keeps what it now finds there, and so does the next setup.
    client(&place, "docker login -u admin --password-stdin [REGISTRY]", &token).done();
    assert_eq!(place.read(&place.docker), after);
    let again = place.world.regcred("docker setup");
    assert!(again.code == 0 && !again.stdout.contains("configured"), "{again}");
    assert_eq!(place.read(&place.docker), after);

    place.world.regcred("docker remove").done();
    let removed = place.read(&place.docker);
    assert_ne!(client(&place, inspect, "").code, 0, "docker asks nobody now");
    let plain: serde_json::Value = serde_json::from_str(&before).unwrap();
    let removed: serde_json::Value = serde_json::from_str(&removed).unwrap();
    assert_eq!(
        removed["auths"].as_object().unwrap().len(),
        plain["auths"].as_object().unwrap().len()
    );
    assert_eq!(
        removed["auths"][place.world.registry().replace(&place.world.registry(), "[REGISTRY]")],
        serde_json::json!({})
    );
    assert_eq!(removed.get("credHelpers"), None);
    // And as it says, docker login gives docker one of its own again.
    client(&place, "docker login -u admin --password-stdin [REGISTRY]", &token).done();
    assert_eq!(place.read(&place.docker), before);
    assert!(client(&place, inspect, "").done().contains("sha256:"));
}

fn podman() {
    let place = Place::of_real_parts();
    let token = private_image(&place.world);
    let login = "podman login --tls-verify=false -u admin --password-stdin [REGISTRY]";
    client(&place, login, &token).done();
    assert!(place.read(&place.podman).contains("\"auth\": "), "plain text");
    let ran = place.world.regcred("docker setup");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!place.read(&place.podman).contains("\"auth\": "));
    assert_eq!(place.kept(), Some(("admin".to_owned(), token.clone())));
    assert_eq!(
        client(&place, "podman login --get-login [REGISTRY]", "").done(),
        "admin\n"
    );
    let skopeo = "skopeo inspect --tls-verify=false docker://[REGISTRY]/admin/web:1";
    assert!(client(&place, skopeo, "").done().contains("sha256:"));
    // Another login goes to the keychain, not to the file.
    let another = place.world.gitea.add_token("admin", "read:package");
    client(&place, login, &another).done();
    assert_eq!(place.kept().unwrap().1, another);
    assert!(!place.read(&place.podman).contains("\"auth\": "));
    place.world.regcred("docker remove").done();
    assert!(!place.read(&place.podman).contains("gitea\""));
    assert_ne!(client(&place, "podman login --get-login [REGISTRY]", "").code, 0);
}

/// podman knows Docker Hub by another name than docker, in whose file it looks for it.
fn hub() {
    for is_named in [false, true] {
        let mut place = Place::of_real_parts();
        if is_named {
            let folder = place.docker.parent().unwrap().into();
            place.world.variables.insert("DOCKER_CONFIG".to_owned(), folder);
        }
        place.write_docker(r#"{"auths":{"https://index.docker.io/v1/":{"auth":"[auth:hub:pat]"}}}"#);
        place.world.regcred("docker setup --no-verify").done();
        for program in ["podman", "skopeo"] {
            let get = format!("{program} login --get-login docker.io");
            assert_eq!(client(&place, &get, "").done(), "hub\n");
        }
        // The other way round, it is podman's own name that does it.
        let text = place.read(&place.docker);
        fs::write(&place.docker, text.replace("\"docker.io\"", "\"other.example.com\"")).unwrap();
        assert_ne!(client(&place, "podman login --get-login docker.io", "").code, 0);
    }
}

/// docker logs in to other registries all the while. Every login is in the file or in the keychain, and once docker is
/// quiet, in the keychain alone.
fn concurrent_logins() {
    let place = Place::of_real_parts();
    place.write_docker(r#"{"auths":{"other.invalid":{}},"psFormat":"x"}"#);
    let registries: Vec<docker_registry::DockerRegistry> = (0..6)
        .map(|number| docker_registry::DockerRegistry::with_password("admin", &format!("password-{number}")))
        .collect();
    std::thread::scope(|scope| {
        let setups = scope.spawn(|| {
            let mut ran = 0;
            while !place.world.folder().join("tmp/quiet").exists() {
                let setup = place.world.command(env!("CARGO_BIN_EXE_kubectl-regcred"));
                let mut setup = setup;
                let ended = place.world.run(setup.args(["docker", "setup", "--no-verify"]), "");
                assert_eq!(ended.code, 0, "{ended}");
                ran += 1;
            }
            ran
        });
        for _ in 0..3 {
            for (number, registry) in registries.iter().enumerate() {
                let login = format!("docker login -u admin --password-stdin {}", registry.registry());
                client(&place, &login, &format!("password-{number}")).done();
            }
        }
        fs::write(place.world.folder().join("tmp/quiet"), "").unwrap();
        assert!(setups.join().unwrap() > 0);
    });
    let ran = place.world.regcred("docker setup --no-verify");
    assert_eq!(ran.code, 0, "{ran}");
    let file = File::read(&place.docker).unwrap();
    for (number, registry) in registries.iter().enumerate() {
        let got = place.world.helper("get", &registry.registry()).done();
        assert!(got.contains(&format!("password-{number}")), "{got}");
        let entries = file.config.entries();
        let entry = entries.iter().find(|entry| entry.key == registry.registry());
        assert!(
            entry.is_none_or(|entry| entry.held == EntryContent::Nothing),
            "{entry:?}"
        );
        let name = registry.registry().parse().unwrap();
        assert_eq!(file.config.helper_for(&name).as_deref(), Some("gitea"));
    }
    assert!(file.config.as_str().contains("\"psFormat\""));
}

/// The system calls that change something. Killed before each of them is also killed after the one before.
const CHANGES: [&str; 9] = [
    "mkdir", "write", "fsync", "fchmod", "rename", "linkat", "unlink", "sendmsg", "flock",
];

#[allow(clippy::print_stderr, reason = "how much was tried is worth knowing")]
fn killed() {
    let place = Place::of_real_parts();
    let token = place.world.gitea.add_token("admin", "write:package");
    let mut killed = Vec::new();
    for change in CHANGES {
        let runs = (1..100)
            .take_while(|when| kill_at(&place, &token, change, *when))
            .count();
        killed.push(format!("{change} {runs}"));
        assert!(runs > 0 || change == "linkat", "{change} is not among what it does");
    }
    eprintln!("docker/real: killed by SIGKILL before {}", killed.join(", "));
}

/// Kills setting up at one call, and sees that nothing is lost and that doing it again ends it. `false` where it came to
/// its end before that call.
fn kill_at(place: &Place, token: &str, change: &str, when: usize) -> bool {
    let text = r#"{"auths":{"[REGISTRY]":{"auth":"[auth:admin:TOKEN]"}},"psFormat":"x"}"#.replace("TOKEN", token);
    let registry = place.world.registry().parse().unwrap();
    place.write_docker(&text);
    place.world.keychain().delete(&registry, Use::Docker).unwrap();
    let _ = fs::remove_dir_all(place.world.home().join(".local/state"));
    let before = fs::read(&place.docker).unwrap();
    let mut strace = place.world.command("strace");
    strace
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={change}"))
        .arg("-e")
        .arg(format!("inject={change}:signal=KILL:when={when}"))
        .arg(env!("CARGO_BIN_EXE_kubectl-regcred"))
        .args(["docker", "setup", "--no-verify"]);
    let is_killed = place.world.run(&mut strace, "").code != 0;
    let step = format!("{change} {when}");
    let now = fs::read(&place.docker).unwrap();
    let is_kept = place.kept().is_some_and(|(_, kept)| kept == token);
    assert!(now == before || is_kept, "{step}: the token is nowhere");
    File::read(&place.docker).unwrap();
    let again = place.world.regcred("docker setup --no-verify");
    assert_eq!(again.code, 0, "{step}: {again}");
    assert_eq!(place.kept().unwrap().1, token, "{step}");
    assert!(!place.read(&place.docker).contains("\"auth\""), "{step}");
    let folder = fs::read_dir(place.docker.parent().unwrap()).unwrap();
    let left: Vec<_> = folder.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["config.json"], "{step}: nothing is left lying about");
    place.world.regcred("docker remove").done();
    let removed = r#"{"auths":{"[REGISTRY]":{}},"psFormat":"x"}"#;
    assert_eq!(place.read(&place.docker), removed, "{step}");
    is_killed
}
