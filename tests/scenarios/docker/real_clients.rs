//! The real docker, podman and skopeo over a real keyring, and a real SIGKILL.

use std::fs;

use regcred::docker::{EntryContent, File};
use regcred::model::Use;

use super::fixture::real_parts;
use crate::support::image::private_image;
use crate::support::parts::{REAL_PARTS, STRACE};
use crate::support::world::{Ran, World};
use crate::support::{PLUGIN, docker_registry};

fn client(world: &World, line: &str, stdin: &str) -> Ran {
    let line = line.replace("[REGISTRY]", &world.registry());
    let mut words = line.split_whitespace();
    let mut command = world.command(words.next().unwrap());
    world.run(command.args(words), stdin)
}

scenario!(
    dockers_plaintext_moves_and_docker_goes_on,
    needs(REAL_PARTS, "docker", "skopeo")
);
fn dockers_plaintext_moves_and_docker_goes_on() {
    let world = real_parts();
    let token = private_image(&world);
    // With an entry in its file, docker looks for no keychain by itself.
    world.write_docker("{\n\t\"auths\": {\n\t\t\"other.invalid\": {}\n\t}\n}");
    client(&world, "docker login -u admin --password-stdin [REGISTRY]", &token).done();
    assert!(world.read(&world.docker_file()).contains("\"auth\": "), "plain text");
    let before = world.read(&world.docker_file());

    let ran = world.regcred("docker setup");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("verified at [REGISTRY]"), "{ran}");
    assert!(
        ran.stdout.contains("credential/[REGISTRY] stored (admin, from"),
        "{ran}"
    );
    let after = world.read(&world.docker_file());
    assert!(
        !after.contains("\"auth\": ") && after.contains("\"credHelpers\": {\n\t\t\"[REGISTRY]\": \"gitea\""),
        "{after}"
    );
    assert_eq!(world.kept(Use::Docker), Some(("admin".to_owned(), token.clone())));

    let inspect = "docker manifest inspect --insecure [REGISTRY]/admin/web:1";
    assert!(client(&world, inspect, "").done().contains("sha256:"));
    let skopeo = "skopeo inspect --tls-verify=false docker://[REGISTRY]/admin/web:1";
    assert!(
        client(&world, skopeo, "").done().contains("sha256:"),
        "skopeo reads docker's file"
    );
    // Docker's own write keeps what it now finds there, and so does the next setup.
    client(&world, "docker login -u admin --password-stdin [REGISTRY]", &token).done();
    assert_eq!(world.read(&world.docker_file()), after);
    let again = world.regcred("docker setup");
    assert!(again.code == 0 && !again.stdout.contains("configured"), "{again}");
    assert_eq!(world.read(&world.docker_file()), after);

    world.regcred("docker remove").done();
    let removed = world.read(&world.docker_file());
    assert_ne!(client(&world, inspect, "").code, 0, "docker asks nobody now");
    let plain: serde_json::Value = serde_json::from_str(&before).unwrap();
    let removed: serde_json::Value = serde_json::from_str(&removed).unwrap();
    assert_eq!(
        removed["auths"].as_object().unwrap().len(),
        plain["auths"].as_object().unwrap().len()
    );
    assert_eq!(
        removed["auths"][world.registry().replace(&world.registry(), "[REGISTRY]")],
        serde_json::json!({})
    );
    assert_eq!(removed.get("credHelpers"), None);
    // And as it says, docker login gives docker one of its own again.
    client(&world, "docker login -u admin --password-stdin [REGISTRY]", &token).done();
    assert_eq!(world.read(&world.docker_file()), before);
    assert!(client(&world, inspect, "").done().contains("sha256:"));
}

scenario!(
    podmans_plaintext_moves_and_podman_goes_on,
    needs(REAL_PARTS, "podman", "skopeo")
);
fn podmans_plaintext_moves_and_podman_goes_on() {
    let world = real_parts();
    let token = private_image(&world);
    let login = "podman login --tls-verify=false -u admin --password-stdin [REGISTRY]";
    client(&world, login, &token).done();
    assert!(world.read(&world.podman_file()).contains("\"auth\": "), "plain text");
    let ran = world.regcred("docker setup");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!world.read(&world.podman_file()).contains("\"auth\": "));
    assert_eq!(world.kept(Use::Docker), Some(("admin".to_owned(), token.clone())));
    assert_eq!(
        client(&world, "podman login --get-login [REGISTRY]", "").done(),
        "admin\n"
    );
    let skopeo = "skopeo inspect --tls-verify=false docker://[REGISTRY]/admin/web:1";
    assert!(client(&world, skopeo, "").done().contains("sha256:"));
    // Another login goes to the keychain, not to the file.
    let another = world.gitea.add_token("admin", "read:package");
    client(&world, login, &another).done();
    assert_eq!(world.kept(Use::Docker).unwrap().1, another);
    assert!(!world.read(&world.podman_file()).contains("\"auth\": "));
    world.regcred("docker remove").done();
    assert!(!world.read(&world.podman_file()).contains("gitea\""));
    assert_ne!(client(&world, "podman login --get-login [REGISTRY]", "").code, 0);
}

scenario!(podman_finds_docker_hubs_login, needs(REAL_PARTS, "podman", "skopeo"));
/// podman knows Docker Hub by another name than docker, in whose file it looks for it.
fn podman_finds_docker_hubs_login() {
    for is_named in [false, true] {
        let mut world = real_parts();
        if is_named {
            let folder = world.docker_file().parent().unwrap().into();
            world.variables.insert("DOCKER_CONFIG".to_owned(), folder);
        }
        world.write_docker(r#"{"auths":{"https://index.docker.io/v1/":{"auth":"[auth:hub:pat]"}}}"#);
        world.regcred("docker setup --no-verify").done();
        for program in ["podman", "skopeo"] {
            let get = format!("{program} login --get-login docker.io");
            assert_eq!(client(&world, &get, "").done(), "hub\n");
        }
        // The other way round, it is podman's own name that does it.
        let text = world.read(&world.docker_file());
        fs::write(
            world.docker_file(),
            text.replace("\"docker.io\"", "\"other.example.com\""),
        )
        .unwrap();
        assert_ne!(client(&world, "podman login --get-login docker.io", "").code, 0);
    }
}

scenario!(logins_while_setup_runs, needs(REAL_PARTS, "docker"));
/// docker logs in to other registries all the while. Every login is in the file or in the keychain, and once docker is
/// quiet, in the keychain alone.
fn logins_while_setup_runs() {
    let world = real_parts();
    world.write_docker(r#"{"auths":{"other.invalid":{}},"psFormat":"x"}"#);
    let registries: Vec<docker_registry::DockerRegistry> = (0..6)
        .map(|number| docker_registry::DockerRegistry::with_password("admin", &format!("password-{number}")))
        .collect();
    std::thread::scope(|scope| {
        let setups = scope.spawn(|| {
            let mut ran = 0;
            while !world.folder().join("tmp/quiet").exists() {
                let setup = world.command(PLUGIN);
                let mut setup = setup;
                let ended = world.run(setup.args(["docker", "setup", "--no-verify"]), "");
                assert_eq!(ended.code, 0, "{ended}");
                ran += 1;
            }
            ran
        });
        for _ in 0..3 {
            for (number, registry) in registries.iter().enumerate() {
                let login = format!("docker login -u admin --password-stdin {}", registry.registry());
                client(&world, &login, &format!("password-{number}")).done();
            }
        }
        fs::write(world.folder().join("tmp/quiet"), "").unwrap();
        assert!(setups.join().unwrap() > 0);
    });
    let ran = world.regcred("docker setup --no-verify");
    assert_eq!(ran.code, 0, "{ran}");
    let file = File::read(&world.docker_file()).unwrap();
    for (number, registry) in registries.iter().enumerate() {
        let got = world.helper("get", &registry.registry()).done();
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

scenario!(killed_by_sigkill_at_every_change, needs(REAL_PARTS, STRACE));
#[allow(clippy::print_stderr, reason = "how much was tried is worth knowing")]
fn killed_by_sigkill_at_every_change() {
    let world = real_parts();
    let token = world.gitea.add_token("admin", "write:package");
    let mut killed = Vec::new();
    for change in CHANGES {
        let runs = (1..100)
            .take_while(|when| kill_at(&world, &token, change, *when))
            .count();
        killed.push(format!("{change} {runs}"));
        assert!(runs > 0 || change == "linkat", "{change} is not among what it does");
    }
    eprintln!("docker/real: killed by SIGKILL before {}", killed.join(", "));
}

/// Kills setting up at one call, and sees that nothing is lost and that doing it again ends it. `false` where it came to
/// its end before that call.
fn kill_at(world: &World, token: &str, change: &str, when: usize) -> bool {
    let text = r#"{"auths":{"[REGISTRY]":{"auth":"[auth:admin:TOKEN]"}},"psFormat":"x"}"#.replace("TOKEN", token);
    let registry = world.registry().parse().unwrap();
    world.write_docker(&text);
    world.keychain().delete(&registry, Use::Docker).unwrap();
    let _ = fs::remove_dir_all(world.home().join(".local/state"));
    let before = fs::read(world.docker_file()).unwrap();
    let mut strace = world.command("strace");
    strace
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={change}"))
        .arg("-e")
        .arg(format!("inject={change}:signal=KILL:when={when}"))
        .arg(PLUGIN)
        .args(["docker", "setup", "--no-verify"]);
    let ran = world.run(&mut strace, "");
    let step = format!("{change} {when}");
    let is_killed = ran.code != 0;
    // By the signal, which strace takes over.
    assert!([0, -1].contains(&ran.code), "{step}: {ran}");
    let now = fs::read(world.docker_file()).unwrap();
    let is_kept = world.kept(Use::Docker).is_some_and(|(_, kept)| kept == token);
    assert!(now == before || is_kept, "{step}: the token is nowhere");
    File::read(&world.docker_file()).unwrap();
    let again = world.regcred("docker setup --no-verify");
    assert_eq!(again.code, 0, "{step}: {again}");
    assert_eq!(world.kept(Use::Docker).unwrap().1, token, "{step}");
    assert!(!world.read(&world.docker_file()).contains("\"auth\""), "{step}");
    let folder = fs::read_dir(world.docker_file().parent().unwrap()).unwrap();
    let left: Vec<_> = folder.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["config.json"], "{step}: nothing is left lying about");
    world.regcred("docker remove").done();
    let removed = r#"{"auths":{"[REGISTRY]":{}},"psFormat":"x"}"#;
    assert_eq!(world.read(&world.docker_file()), removed, "{step}");
    is_killed
}
