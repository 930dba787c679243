//! Files that cannot be used, or not be changed: a clear error, and the file as it was.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use snapbox::str;

use super::place::Place;
use crate::support::part::missing;
use crate::support::parts::REAL_PARTS;
use crate::support::scenario::Part;

/// Containers may forbid mounting.
const MOUNTS: Part = Part::new(|| {
    let works = Command::new("unshare")
        .args(["-m", "mount", "--bind", "/tmp", "/tmp"])
        .output();
    match works {
        Ok(output) if output.status.success() => missing(&["unshare", "mount"]),
        _ => vec!["a mount namespace"],
    }
});

scenario!(files_that_are_none);
fn files_that_are_none() {
    let place = Place::of_doubles();
    place.keep("admin", "t");
    fs::create_dir(&place.docker).unwrap();
    place.world.regcred("docker setup").says(str![[r#"
exit 1
--- stdout
--- stderr
error: [FOLDER]/.docker/config.json is a folder
hint: see what is at [FOLDER]/.docker/config.json, and move it away if nothing needs it

"#]]);
    place.world.regcred("docker remove").says(str![[r#"
exit 1
--- stdout
--- stderr
error: [FOLDER]/.docker/config.json is a folder
hint: see what is at [FOLDER]/.docker/config.json, and move it away if nothing needs it

"#]]);
    assert!(place.docker.is_dir());
    fs::remove_dir(&place.docker).unwrap();
    symlink(&place.docker, &place.docker).unwrap();
    let ran = place.world.regcred("docker setup");
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
        (b"{\"auths\":{},\"auths\":{}}", "\"auths\" stands in it twice"),
    ] {
        let place = Place::of_doubles();
        place.keep("admin", "t");
        fs::write(&place.docker, bytes).unwrap();
        // Even though podman's is well.
        place.write(&place.podman, r#"{"auths":{"[REGISTRY]":{"auth":"[auth:admin:t]"}}}"#);
        let before = (Place::trace(&place.docker), Place::trace(&place.podman));
        for verb in ["setup", "remove"] {
            let ran = place.world.regcred(&format!("docker {verb}"));
            assert_eq!(ran.code, 1, "{ran}");
            assert!(ran.stderr.contains(says) && ran.stderr.contains("hint: "), "{ran}");
            assert!(!ran.stderr.contains("s3cret"), "{ran}");
        }
        assert_eq!((Place::trace(&place.docker), Place::trace(&place.podman)), before);
    }
}

scenario!(a_large_file);
fn a_large_file() {
    let place = Place::of_doubles();
    place.keep("admin", "t");
    let filling = |size: usize| format!("{{\"psFormat\": \"{}\"}}", "x".repeat(size));
    let before = filling(5 * 1024 * 1024);
    fs::write(&place.docker, &before).unwrap();
    place.world.regcred("docker setup").done();
    assert_eq!(
        place.read(&place.docker).len(),
        before.len() + r#","credHelpers": {"[REGISTRY]":"gitea"}"#.len()
    );
    place.world.regcred("docker remove").done();
    assert!(fs::read(&place.docker).unwrap() == before.as_bytes());
    fs::write(&place.docker, filling(17 * 1024 * 1024)).unwrap();
    let ran = place.world.regcred("docker setup");
    assert!(ran.code == 1 && ran.stderr.contains("is longer than 16 MiB"), "{ran}");
}

scenario!(a_pipe_in_the_place_of_a_file, needs("mkfifo"));
fn a_pipe_in_the_place_of_a_file() {
    let place = Place::of_doubles();
    place.keep("admin", "t");
    assert!(Command::new("mkfifo").arg(&place.docker).status().unwrap().success());
    let ran = place.world.regcred("docker setup");
    assert!(ran.code == 1 && ran.stderr.contains("is no regular file"), "{ran}");
}

scenario!(a_link_to_where_nobody_may_write);
/// As NixOS and Home Manager have it: the file is a link into a folder that the system made.
fn a_link_to_where_nobody_may_write() {
    let place = Place::of_doubles();
    place.keep("admin", "t");
    // An empty file that not even root can replace.
    let target = format!("/proc/{}/timers", std::process::id());
    symlink(&target, &place.docker).unwrap();
    let ran = place.world.regcred("docker setup");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains(&format!("it is a link to {target}")), "{ran}");
    assert!(ran.stderr.contains(r#"put this into it: "credHelpers""#), "{ran}");
    assert_eq!(fs::read_link(&place.docker).unwrap(), std::path::Path::new(&target));
}

scenario!(a_read_only_file_system, needs(REAL_PARTS, MOUNTS));
fn a_read_only_file_system() {
    let place = Place::of_real_parts();
    let token = place.world.gitea.add_token("admin", "write:package");
    place.write_docker(&r#"{"auths":{"[REGISTRY]":{"auth":"[auth:admin:TOKEN]"}}}"#.replace("TOKEN", &token));
    let before = Place::trace(&place.docker);
    let folder = place.docker.parent().unwrap().display();
    let script = format!(
        "mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} && exec {} docker setup",
        env!("CARGO_BIN_EXE_kubectl-regcred")
    );
    let mut command = place.world.command("unshare");
    let ran = place.world.run(command.args(["-m", "sh", "-c", &script]), "");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stderr.contains("error: cannot change") && ran.stderr.contains("Read-only"),
        "{ran}"
    );
    assert_eq!(Place::trace(&place.docker), before);
    assert_eq!(place.kept().unwrap().1, token, "it is in both places");
}

scenario!(no_helper_on_path);
fn no_helper_on_path() {
    let mut place = Place::of_doubles();
    place.keep("admin", "t");
    place.write_docker("{}");
    let before = Place::trace(&place.docker);
    place.world.variables.insert("PATH".to_owned(), "/nowhere".into());
    let ran = place.world.regcred("docker setup");
    ran.says(str![[r#"
exit 1
--- stdout
--- stderr
error: kubectl-regcred is not on PATH, so docker would not find docker-credential-gitea beside it
hint: put its folder on PATH; krew's is ~/.krew/bin

"#]]);
    assert_eq!(Place::trace(&place.docker), before);
}
