//! A disk that is full or read-only, for each file that regcred writes: what there was stays, no draft is left, and the
//! same command does it once there is room. `keychain/vault/full_disk` has the vault's own verbs.

use std::collections::BTreeMap;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use regcred::model::Use;
use serde_json::Value;

use super::Row;
use crate::images::fixture::DAY;
use crate::rotate::fixture::{PASSWORD, Rotation};
use crate::support::control_plane::ControlPlane;
use crate::support::disk::{Disk, Wrong};
use crate::support::gate::Manner;
use crate::support::parts::{KERNEL_KEYRING, MOUNTS, REAL_PARTS};
use crate::support::pusher::Pusher;
use crate::support::vault::VaultHome;
use crate::support::world::{Ran, World, credential};
use crate::support::{HELPER, PLUGIN};

const BOTH: &str = "No space left on device / Read-only file system";
const AGAIN: &str = "the file is as it was, no draft is left; the same command ends it";

pub const ROWS: [Row; 9] = [
    Row {
        fault: "no room for docker's config.json, or a read-only one",
        when: "`docker setup`",
        times: 2,
        says: BOTH,
        then: AGAIN,
    },
    Row {
        fault: "the same for podman's auth.json",
        when: "`docker setup`",
        times: 2,
        says: BOTH,
        then: AGAIN,
    },
    Row {
        fault: "the same for what `docker remove` needs (docker.json)",
        when: "`docker setup`",
        times: 2,
        says: BOTH,
        then: AGAIN,
    },
    Row {
        fault: "the same for the ledger",
        when: "`sync`, `rotate --mint`",
        times: 4,
        says: "",
        then: "it is done, with a warning; the ledger is as it was, and the next `sync` writes it",
    },
    Row {
        fault: "the same for the vault, from a moment on",
        when: "`rotate --mint`: after Gitea made the token; after it revoked the old one",
        times: 4,
        says: BOTH,
        then: "every Secret has a token that works; `--resume` ends it, with one token at Gitea",
    },
    Row {
        fault: "the same for a new vault, its key file or config.toml",
        when: "`keychain use vault --key-file`",
        times: 6,
        says: BOTH,
        then: "the same command ends it",
    },
    Row {
        fault: "the same for the file of a plan",
        when: "`images prune --plan`",
        times: 2,
        says: BOTH,
        then: AGAIN,
    },
    Row {
        fault: "the same for the list of what gnome-keyring has",
        when: "`docker-credential-gitea list`",
        times: 2,
        says: "",
        then: "the list is whole; no draft is left",
    },
    Row {
        fault: "no room for what is printed",
        when: "`sync`, `rotate -o json`",
        times: 2,
        says: "standard output: No space left on device",
        then: "everything else is done",
    },
];

/// A command line in this world that sees the disk.
fn on(disk: &Disk, world: &World, line: &str, stdin: &str) -> Ran {
    let line = line.replace("[REGISTRY]", &world.registry());
    let [program, arguments @ ..] = &disk.enter();
    let mut command = world.command(program);
    command.args(arguments).arg(PLUGIN).args(line.split_whitespace());
    world.run(&mut command, stdin)
}

/// The files without locks, which have no content.
fn content(disk: &Disk) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = disk.files();
    files.retain(|path, content| !(content.is_empty() && path.extension().is_some_and(|ending| ending == "lock")));
    files
}

/// Runs a command while the disk is wrong, and once more when it is well again: the files are as they were in between.
fn twice(row: &Row, disk: &Disk, how: Wrong, run: impl Fn() -> Ran) -> Ran {
    let before = content(disk);
    disk.breaker(how)();
    let ran = run();
    row.check_said(&ran, &[]);
    assert_eq!(ran.code, i32::from(!row.says.is_empty()), "{}: {ran}", row.fault);
    if ran.code == 1 {
        assert!(ran.stderr.contains(how.says()), "{}: {ran}", row.fault);
    }
    assert_eq!(content(disk), before, "{}: {ran}", row.fault);
    disk.mend(how);
    let again = run();
    assert_eq!(again.code, 0, "{}: {ran}{again}", row.fault);
    ran
}

fn world() -> World {
    World::of_own_cluster(ControlPlane::shared())
}

/// docker's or podman's file with a token.
const PLAIN: &str = r#"{"auths": {"[REGISTRY]": {"auth": "[auth:admin:TOKEN]"}}, "detachKeys": "ctrl-e,e"}"#;

scenario!(dockers_and_podmans_files, needs(REAL_PARTS, MOUNTS));
fn dockers_and_podmans_files() {
    let mut times = [0; 3];
    for how in Wrong::BOTH {
        for (number, row) in ROWS[..3].iter().enumerate() {
            let world = world();
            let token = world.gitea.add_token("admin", "write:package");
            let plain = PLAIN.replace("TOKEN", &token);
            let (docker, podman) = (world.docker_file(), world.podman_file());
            std::fs::create_dir_all(podman.parent().unwrap()).unwrap();
            world.write_docker(&plain);
            world.write_podman(&plain);
            let state = world.home().join(".local/state/regcred");
            let folder = [docker.parent(), podman.parent(), Some(state.as_path())][number].unwrap();
            let disk = Disk::over(folder);
            if number == 2 {
                std::fs::write(disk.seen(&folder.join("docker.lock")), "").unwrap();
            }
            let ran = twice(row, &disk, how, || on(&disk, &world, "docker setup --plain-http", ""));
            assert_eq!(
                world.kept(Use::Docker),
                Some(("admin".to_owned(), token.clone())),
                "{ran}"
            );
            for file in [docker, podman] {
                let text = std::fs::read_to_string(disk.seen(&file)).unwrap();
                assert!(text.contains("detachKeys") && !text.contains("[auth"), "{text}");
                assert!(!text.contains(&crate::support::world::auth("admin", &token)), "{text}");
            }
            times[number] += 1;
        }
    }
    for (row, times) in ROWS.iter().zip(times) {
        row.check_times(times);
    }
}

scenario!(the_ledger, needs(REAL_PARTS, MOUNTS));
fn the_ledger() {
    let row = &ROWS[3];
    let mut rotation = Rotation::with(world(), Use::Cluster, &[]);
    let disk = Disk::over(&rotation.world.home().join(".local/state/regcred"));
    let file = disk.seen(&rotation.world.home().join(".local/state/regcred/ledger.json"));
    let ledger = || -> Value { serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap() };
    let places = |ledger: &Value| -> usize {
        let tokens = ledger["credentials"][0]["tokens"].as_array().unwrap().iter();
        let alive = tokens.filter(|token| token["replaced"].is_null() && token["revoked"].is_null());
        alive.map(|token| token["secrets"].as_array().map_or(0, Vec::len)).sum()
    };
    let mut times = 0;
    for how in Wrong::BOTH {
        let new = rotation.another_token();
        let login = "login [REGISTRY] -u admin --use cluster --token-stdin --no-verify";
        on(&disk, &rotation.world, login, &new).done();
        let line = format!("sync {} --plain-http", rotation.flags());
        let ran = twice(row, &disk, how, || on(&disk, &rotation.world, &line, ""));
        assert!(
            ran.stderr.contains(how.says()) && ran.stderr.starts_with("warning: the ledger "),
            "{ran}"
        );
        assert_eq!(rotation.all_held(), [new], "{ran}");
        assert_eq!(places(&ledger()), 1, "it is noted afterwards");

        rotation.again();
        let before = content(&disk);
        disk.breaker(how)();
        let line = format!(
            "rotate [REGISTRY] --use cluster {} --mint --password-stdin --plain-http",
            rotation.flags()
        );
        let ran = on(&disk, &rotation.world, &line, &format!("{PASSWORD}\n"));
        row.check_said(&ran, std::slice::from_ref(&rotation.old));
        assert!(ran.code == 0 && ran.stderr.contains(how.says()), "{ran}");
        assert_eq!(content(&disk), before, "{ran}");
        disk.mend(how);
        rotation.check_ended(&format!("{ran}"));
        assert_eq!(rotation.alive(), 1, "{ran}");
        let line = format!("sync {} --plain-http", rotation.flags());
        on(&disk, &rotation.world, &line, "").done();
        assert_eq!(places(&ledger()), 1, "it is noted afterwards");
        rotation.again();
        times += 2;
    }
    row.check_times(times);
}

scenario!(the_vault_in_a_rotation, needs(REAL_PARTS, KERNEL_KEYRING, MOUNTS));
fn the_vault_in_a_rotation() {
    let row = &ROWS[4];
    let mut rotation = Rotation::with(World::with_vault(), Use::Cluster, &[]);
    let vault = rotation.world.home().join(".local/share/regcred");
    let mut times = 0;
    for how in Wrong::BOTH {
        for point in ["after POST /api/v1/users/admin/tokens", "after DELETE /api/v1/"] {
            let disk = Disk::over(&vault);
            rotation
                .world
                .gate
                .strike_at((0, point), Manner::Pass, disk.breaker(how));
            let line = format!(
                "rotate [REGISTRY] --use cluster {} --mint --password-stdin",
                rotation.flags()
            );
            let ran = on(&disk, &rotation.world, &line, &format!("{PASSWORD}\n"));
            let when = format!("{how:?} {point}: {ran}");
            assert!(!rotation.world.gate.is_armed(), "{when}");
            assert!(ran.code == 1 && ran.stderr.contains(how.says()), "{when}");
            row.check_said(&ran, std::slice::from_ref(&rotation.old));
            disk.mend(how);
            // Programs that do not enter see the file of before: they get what is on the disk.
            copy(&disk, &vault);
            drop(disk);
            rotation.check(&when);
            rotation.end("--resume", true, &when);
            assert_eq!(rotation.alive(), 1, "{when}");
            rotation.again();
            times += 1;
        }
    }
    row.check_times(times);
}

/// Puts the vault that is on the disk where everybody sees it.
fn copy(disk: &Disk, folder: &Path) {
    let files = disk.files();
    let names: Vec<_> = files.keys().map(|name| name.display().to_string()).collect();
    assert_eq!(names, ["vault.age", "vault.lock"], "no draft is left");
    std::fs::write(folder.join("vault.age"), &files[Path::new("vault.age")]).unwrap();
}

scenario!(a_new_vault, needs(KERNEL_KEYRING, MOUNTS));
fn a_new_vault() {
    let row = &ROWS[5];
    let mut times = 0;
    for how in Wrong::BOTH {
        for folder in ["home/.local/share/regcred", "home/keys", "home/.config/regcred"] {
            let home = VaultHome::empty();
            let key = home.folder().join("home/keys/vault.key");
            std::fs::create_dir_all(key.parent().unwrap()).unwrap();
            let disk = Disk::over(&home.folder().join(folder));
            let run = |line: &str, stdin: &str| {
                let [program, arguments @ ..] = &disk.enter();
                let mut command = home.command(program);
                command.args(arguments).arg(PLUGIN).args(line.split_whitespace());
                home.run(&mut command, stdin)
            };
            let line = format!("keychain use vault --key-file {}", key.display());
            let ran = twice(row, &disk, how, || run(&line, ""));
            let login = "login gitea.example.com -u admin --token-stdin --no-verify";
            run(login, "token-one").done();
            assert!(run("list", "").done().contains("gitea.example.com"), "{ran}");
            times += 1;
        }
    }
    row.check_times(times);
}

scenario!(a_plan, needs(REAL_PARTS, MOUNTS));
fn a_plan() {
    let row = &ROWS[6];
    let world = world();
    let token = world.gitea.add_token("admin", "write:package");
    world
        .regcred_with("login [REGISTRY] -u admin --token-stdin --plain-http", &token)
        .done();
    let pusher = Pusher::new(&world.gitea, "admin", &token);
    for tag in ["1", "2"] {
        pusher.image("admin/web", tag, tag, "amd64");
        world.gitea.age_images(DAY);
    }
    let disk = Disk::over(&world.folder().join("plans"));
    let file = world.folder().join("plans/plan.json");
    let line = format!("images prune admin/web --keep 1 --plan {}", file.display());
    on(&disk, &world, &line, "").done();
    let mut times = 0;
    for how in Wrong::BOTH {
        let ran = twice(row, &disk, how, || on(&disk, &world, &line, ""));
        assert_eq!(ran.stdout.matches("admin/web").count(), 2, "the plan is shown: {ran}");
        times += 1;
    }
    row.check_times(times);
    assert_eq!(pusher.tags("admin/web"), ["1", "2"], "nothing was changed");
}

scenario!(the_list_of_what_gnome_keyring_has, needs(REAL_PARTS, MOUNTS));
fn the_list_of_what_gnome_keyring_has() {
    /// More than are asked for one by one.
    const MANY: usize = 20;
    let row = &ROWS[7];
    let mut world = world();
    for number in 0..MANY {
        let credential = credential(&format!("registry-{number}.example.com"), "admin", "t");
        world.keychain().put(Use::Docker, &credential).unwrap();
    }
    let folder = world.folder().join("cache");
    std::fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
    world
        .variables
        .insert("XDG_RUNTIME_DIR".to_owned(), folder.clone().into());
    let mut times = 0;
    for how in Wrong::BOTH {
        let disk = Disk::over(&folder);
        let list = || {
            let [program, arguments @ ..] = &disk.enter();
            let mut command = world.command(program);
            world.run(command.args(arguments).args([HELPER, "list"]), "")
        };
        let ran = twice(row, &disk, how, list);
        assert_eq!(ran.stdout.matches(".example.com").count(), MANY, "{ran}");
        let names: Vec<_> = content(&disk).into_keys().collect();
        assert_eq!(
            names,
            [Path::new("kubectl-regcred.items")],
            "it is kept once there is room"
        );
        times += 1;
    }
    row.check_times(times);
}

scenario!(what_is_printed, needs(REAL_PARTS));
fn what_is_printed() {
    let row = &ROWS[8];
    let mut rotation = Rotation::with(world(), Use::Cluster, &["second"]);
    let new = rotation.another_token();
    let login = "login [REGISTRY] -u admin --use cluster --token-stdin --no-verify";
    rotation.world.regcred_with(login, &new).done();
    let sync = format!("sync {} --plain-http", rotation.flags());
    let rotate = format!(
        "rotate [REGISTRY] --use cluster {} --mint --password-stdin --plain-http -o json",
        rotation.flags()
    );
    let to_full_disk = |world: &World, line: &str| {
        let line = line.replace("[REGISTRY]", &world.registry());
        let mut command = world.command("sh");
        command
            .args(["-c", "exec \"$0\" \"$@\" >/dev/full", PLUGIN])
            .args(line.split_whitespace())
            .stdin(Stdio::piped());
        world.run(&mut command, &format!("{PASSWORD}\n"))
    };
    let ran = to_full_disk(&rotation.world, &sync);
    assert!(ran.code == 1 && ran.stderr.contains(row.says), "{ran}");
    assert_eq!(rotation.all_held(), [&new[..]; 2], "{ran}");
    rotation.again();
    let ran = to_full_disk(&rotation.world, &rotate);
    assert!(ran.code == 1 && ran.stderr.contains(row.says), "{ran}");
    rotation.check_ended(&format!("{ran}"));
    assert_eq!(rotation.alive(), 1, "{ran}");
    assert_ne!(rotation.served(), rotation.old, "{ran}");
    row.check_times(2);
}
