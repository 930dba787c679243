//! Files that cannot be used, or not be changed: a clear error, and the file as it was.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use regcred::model::Use;
use snapbox::str;

use super::fixture::{doubles, real_parts};
use crate::support::PLUGIN;
use crate::support::parts::{MOUNTS, REAL_PARTS};
use crate::support::world::trace;

scenario!(files_that_are_none);
fn files_that_are_none() {
    let world = doubles();
    world.keep("admin", "t");
    fs::create_dir(world.docker_file()).unwrap();
    world.regcred("docker setup").says(str![[r#"
exit 1
--- stdout
--- stderr
error: [FOLDER]/.docker/config.json is a folder
hint: see what is at [FOLDER]/.docker/config.json, and move it away if nothing needs it

"#]]);
    world.regcred("docker remove").says(str![[r#"
exit 1
--- stdout
--- stderr
error: [FOLDER]/.docker/config.json is a folder
hint: see what is at [FOLDER]/.docker/config.json, and move it away if nothing needs it

"#]]);
    assert!(world.docker_file().is_dir());
    fs::remove_dir(world.docker_file()).unwrap();
    symlink(world.docker_file(), world.docker_file()).unwrap();
    let ran = world.regcred("docker setup");
    assert!(ran.code == 1 && ran.stderr.contains("too many symbolic links"), "{ran}");
}

scenario!(documents_that_are_none);
fn documents_that_are_none() {
    for (bytes, says) in [
        (&b"{\"auths\": {s3cret"[..], "not valid JSON: line 1 column 12"),
        (b"\xef\xbb\xbf{}", "begins with a byte order mark"),
        (b"\xff\xfe{\0}\0", "not UTF-8 text"),
        (b"[]", "the document is not a JSON object"),
        (b"{\"auths\":[\"s3cret\"]}", "auths is not a JSON object"),
        (b"{\"credsStore\":{\"s3cret\":1}}", "credsStore is not a JSON string"),
        (b"{}\n{\"s3cret\":1}", "something follows its first JSON value"),
        (b"{\"auths\":{},\"auths\":{}}", "\"auths\" stands in it twice"),
    ] {
        let world = doubles();
        world.keep("admin", "t");
        fs::write(world.docker_file(), bytes).unwrap();
        // Even though podman's is well.
        world.write(
            &world.podman_file(),
            r#"{"auths":{"[REGISTRY]":{"auth":"[auth:admin:t]"}}}"#,
        );
        let before = (trace(&world.docker_file()), trace(&world.podman_file()));
        for verb in ["setup", "remove"] {
            let ran = world.regcred(&format!("docker {verb}"));
            assert_eq!(ran.code, 1, "{ran}");
            assert!(ran.stderr.contains(says) && ran.stderr.contains("hint: "), "{ran}");
            assert!(!ran.stderr.contains("s3cret"), "{ran}");
        }
        assert_eq!((trace(&world.docker_file()), trace(&world.podman_file())), before);
    }
}

scenario!(a_damaged_file_of_podmans);
/// It is named, and docker's own is processed all the same.
fn a_damaged_file_of_podmans() {
    let world = doubles();
    world.write_docker(r#"{"auths":{"[REGISTRY]":{"auth":"[auth:admin:t]"}}}"#);
    world.write_podman("{\"auths\":{");
    let before = trace(&world.podman_file());
    world.regcred("docker setup --no-verify").says(str![[r#"
exit 1
--- stdout
credential/[REGISTRY] stored (admin, from [FOLDER]/.docker/config.json)
credHelpers/[REGISTRY] configured in [FOLDER]/.docker/config.json
auths/[REGISTRY] emptied in [FOLDER]/.docker/config.json
--- stderr
not verified at [REGISTRY]
error: [FOLDER]/run/containers/auth.json cannot be used: not valid JSON: line 1 column 10
hint: correct [FOLDER]/run/containers/auth.json in an editor: docker and podman cannot read it either

"#]]);
    assert_eq!(world.kept(Use::Docker).unwrap().1, "t");
    world.regcred("docker remove").says(str![[r#"
exit 1
--- stdout
credHelpers/[REGISTRY] removed from [FOLDER]/.docker/config.json
--- stderr
the tokens stay in the keychain, where docker no longer asks for them
hint: docker login REGISTRY gives docker one of its own; kubectl regcred docker setup goes back to the keychain
error: [FOLDER]/run/containers/auth.json cannot be used: not valid JSON: line 1 column 10
hint: correct [FOLDER]/run/containers/auth.json in an editor: docker and podman cannot read it either

"#]]);
    assert_eq!(trace(&world.podman_file()), before);
}

scenario!(a_large_file);
fn a_large_file() {
    let world = doubles();
    world.keep("admin", "t");
    let filling = |size: usize| format!("{{\"psFormat\": \"{}\"}}", "x".repeat(size));
    let before = filling(5 * 1024 * 1024);
    fs::write(world.docker_file(), &before).unwrap();
    world.regcred("docker setup").done();
    assert_eq!(
        world.read(&world.docker_file()).len(),
        before.len() + r#","credHelpers": {"[REGISTRY]":"gitea"}"#.len()
    );
    world.regcred("docker remove").done();
    assert!(fs::read(world.docker_file()).unwrap() == before.as_bytes());
    fs::write(world.docker_file(), filling(17 * 1024 * 1024)).unwrap();
    let ran = world.regcred("docker setup");
    assert!(ran.code == 1 && ran.stderr.contains("is longer than 16 MiB"), "{ran}");
}

scenario!(a_pipe_in_the_place_of_a_file, needs("mkfifo"));
fn a_pipe_in_the_place_of_a_file() {
    let world = doubles();
    world.keep("admin", "t");
    assert!(
        Command::new("mkfifo")
            .arg(world.docker_file())
            .status()
            .unwrap()
            .success()
    );
    let ran = world.regcred("docker setup");
    assert!(ran.code == 1 && ran.stderr.contains("is no regular file"), "{ran}");
}

scenario!(a_link_to_where_nobody_may_write);
/// As NixOS and Home Manager have it: the file is a link into a folder that the system made.
fn a_link_to_where_nobody_may_write() {
    let world = doubles();
    world.keep("admin", "t");
    // An empty file that not even root can reworld.
    let target = format!("/proc/{}/timers", std::process::id());
    symlink(&target, world.docker_file()).unwrap();
    let ran = world.regcred("docker setup");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains(&format!("it is a link to {target}")), "{ran}");
    assert!(ran.stderr.contains(r#"put this into it: "credHelpers""#), "{ran}");
    assert_eq!(
        fs::read_link(world.docker_file()).unwrap(),
        std::path::Path::new(&target)
    );
}

scenario!(a_read_only_file_system, needs(REAL_PARTS, MOUNTS));
fn a_read_only_file_system() {
    let world = real_parts();
    let token = world.gitea.add_token("admin", "write:package");
    world.write_docker(&r#"{"auths":{"[REGISTRY]":{"auth":"[auth:admin:TOKEN]"}}}"#.replace("TOKEN", &token));
    let before = trace(&world.docker_file());
    let file = world.docker_file();
    let folder = file.parent().unwrap().display();
    let script =
        format!("mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} && exec {PLUGIN} docker setup");
    let mut command = world.command("unshare");
    let ran = world.run(command.args(["-m", "sh", "-c", &script]), "");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stderr.contains("error: cannot change") && ran.stderr.contains("Read-only"),
        "{ran}"
    );
    assert_eq!(trace(&world.docker_file()), before);
    assert_eq!(world.kept(Use::Docker).unwrap().1, token, "it is in both places");
}

scenario!(no_helper_on_path);
fn no_helper_on_path() {
    let mut world = doubles();
    world.keep("admin", "t");
    world.write_docker("{}");
    let before = trace(&world.docker_file());
    world.variables.insert("PATH".to_owned(), "/nowhere".into());
    let ran = world.regcred("docker setup");
    ran.says(str![[r#"
exit 1
--- stdout
--- stderr
error: kubectl-regcred is not on PATH, so docker would not find docker-credential-gitea beside it
hint: put its folder on PATH; krew's is ~/.krew/bin

"#]]);
    assert_eq!(trace(&world.docker_file()), before);
}
