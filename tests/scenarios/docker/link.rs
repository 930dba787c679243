//! The helper on PATH as krew leaves it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use regcred::docker::program::{self, LinkPlan, ProgramError};
use regcred::sys::env::Env;

use crate::helper::ask;
use crate::support::parts::REAL_PARTS;
use crate::support::world::{World, script};
use crate::support::{HELPER, PLUGIN};

/// What krew leaves behind: a store with a folder for each version, and a bin folder with one link.
struct Krew {
    folder: tempfile::TempDir,
}

impl Krew {
    fn new() -> Self {
        let this = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(this.bin()).unwrap();
        this.install("v0.1.0");
        this
    }

    fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    fn helper(&self) -> PathBuf {
        self.bin().join("docker-credential-gitea")
    }

    /// As `kubectl krew upgrade`: the new version into the store, the link to it, the old version away.
    fn install(&self, version: &str) {
        let store = self.folder.path().join("store/regcred");
        fs::create_dir_all(store.join(version)).unwrap();
        let program = store.join(version).join("kubectl-regcred");
        // The bytes do not matter, and there are many of them.
        fs::hard_link(PLUGIN, &program)
            .or_else(|_| fs::copy(PLUGIN, &program).map(|_| ()))
            .unwrap();
        let link = self.bin().join("kubectl-regcred");
        let _ = fs::remove_file(&link);
        symlink(&program, link).unwrap();
        for old in fs::read_dir(store).unwrap().flatten() {
            if old.file_name() != version {
                fs::remove_dir_all(old.path()).unwrap();
            }
        }
    }

    /// An environment with only this on PATH, but for folders before it.
    fn env(&self, before: &[&Path]) -> Env {
        let path = before.iter().copied().map(Path::to_owned).chain([self.bin()]);
        Env::from_iter([("PATH", std::env::join_paths(path).unwrap())])
    }

    /// What the helper on PATH says its version is.
    fn version(&self) -> String {
        let (stdout, stderr, code) = ask(Command::new(self.helper()), "version", "");
        assert_eq!((stderr.as_str(), code), ("", 0));
        stdout
    }
}

fn made(env: &Env) -> LinkPlan {
    let plan = program::observe(env).plan().unwrap();
    plan.apply().unwrap();
    plan
}

scenario!(made_once_and_taken_out);
fn made_once_and_taken_out() {
    let krew = Krew::new();
    let env = krew.env(&[]);
    let link = LinkPlan::Link {
        at: krew.helper(),
        repairs: false,
    };
    assert_eq!(program::observe(&env).plan().unwrap(), link);
    assert!(!krew.helper().exists(), "looking changes nothing");
    assert_eq!(made(&env), link);
    assert_eq!(fs::read_link(krew.helper()).unwrap(), Path::new("kubectl-regcred"));
    assert!(krew.version().starts_with("docker-credential-gitea (regcred) v"));

    let before = fs::symlink_metadata(krew.helper()).unwrap().modified().unwrap();
    assert_eq!(made(&env), LinkPlan::Ready(krew.helper()), "it is there now");
    assert_eq!(fs::symlink_metadata(krew.helper()).unwrap().modified().unwrap(), before);

    assert_eq!(program::remove(&env).unwrap(), Some(krew.helper()));
    assert_eq!(program::remove(&env).unwrap(), None, "there is none any more");
    assert!(krew.bin().join("kubectl-regcred").exists() && !krew.helper().exists());
    // The same program under its other name is the plugin.
    let (stdout, _, code) = ask(Command::new(krew.bin().join("kubectl-regcred")), "version", "");
    assert!(stdout.starts_with("kubectl-regcred v") && code == 0, "{stdout}");
}

scenario!(survives_an_upgrade);
fn survives_an_upgrade() {
    let krew = Krew::new();
    let env = krew.env(&[]);
    let _ = made(&env);
    krew.install("v0.2.0");
    assert!(krew.version().contains("(regcred)"));
    assert_eq!(program::observe(&env).plan().unwrap(), LinkPlan::Ready(krew.helper()));
}

scenario!(a_dangling_one_of_ours_is_repaired);
fn a_dangling_one_of_ours_is_repaired() {
    let krew = Krew::new();
    let env = krew.env(&[]);
    // Made by hand, to where krew had put version 0.0.9.
    symlink(
        krew.folder.path().join("store/regcred/v0.0.9/kubectl-regcred"),
        krew.helper(),
    )
    .unwrap();
    assert_eq!(
        made(&env),
        LinkPlan::Link {
            at: krew.helper(),
            repairs: true
        }
    );
    assert!(krew.version().contains("(regcred)"));
    let names: Vec<_> = fs::read_dir(krew.bin())
        .unwrap()
        .flatten()
        .map(|file| file.file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

scenario!(a_foreign_file_stays);
fn a_foreign_file_stays() {
    let krew = Krew::new();
    let env = krew.env(&[]);
    script(&krew.helper(), "echo 'docker-credential-gitea (someone) v1'");
    let foreign = fs::read(krew.helper()).unwrap();
    let error = program::observe(&env).plan().unwrap_err();
    assert!(matches!(error, ProgramError::Foreign { .. }), "{error}");
    assert!(error.hint().to_string().contains("mv "), "{}", error.hint());
    assert_eq!(program::remove(&env).unwrap(), None);
    assert_eq!(fs::read(krew.helper()).unwrap(), foreign);

    // One that cannot be run, and one that comes between looking and doing.
    fs::set_permissions(krew.helper(), fs::Permissions::from_mode(0o644)).unwrap();
    let error = program::observe(&env).plan().unwrap_err();
    assert!(matches!(error, ProgramError::InTheWay(_)), "{error}");
    let late = LinkPlan::Link {
        at: krew.helper(),
        repairs: false,
    };
    assert!(matches!(late.apply().unwrap_err(), ProgramError::InTheWay(_)));
    assert_eq!(fs::read(krew.helper()).unwrap(), foreign);

    // One in another folder: before ours it is what clients would run, after ours they never come to it.
    fs::remove_file(krew.helper()).unwrap();
    let other = tempfile::tempdir().unwrap();
    script(&other.path().join("docker-credential-gitea"), "exit 1");
    let error = program::observe(&krew.env(&[other.path()])).plan().unwrap_err();
    assert!(matches!(error, ProgramError::Foreign { .. }), "{error}");
    let after = std::env::join_paths([krew.bin(), other.path().to_owned()]).unwrap();
    assert!(matches!(
        made(&Env::from_iter([("PATH", after)])),
        LinkPlan::Link { .. }
    ));
    let shadowed = program::observe(&krew.env(&[other.path()]));
    assert_eq!(
        shadowed.shadow(),
        Some(other.path().join("docker-credential-gitea").as_path())
    );
}

scenario!(a_program_of_cargo_install_is_enough);
fn a_program_of_cargo_install_is_enough() {
    let krew = Krew::new();
    let cargo = Path::new(HELPER).parent().unwrap();
    let program = program::observe(&krew.env(&[cargo]));
    assert_eq!(program.plan().unwrap(), LinkPlan::Ready(HELPER.into()));
    assert_eq!(program.found.len(), 1);
    // Nothing of ours to take out, though it is our program.
    assert_eq!(program::remove(&krew.env(&[cargo])).unwrap(), None);
}

scenario!(a_folder_that_takes_no_link);
fn a_folder_that_takes_no_link() {
    // As root every folder can be written to, but not this one.
    let plan = LinkPlan::Link {
        at: "/proc/self/docker-credential-gitea".into(),
        repairs: false,
    };
    let error = plan.apply().unwrap_err();
    assert!(matches!(error, ProgramError::Write { .. }), "{error}");
    assert_eq!(
        error.hint().to_string(),
        "sudo ln -s kubectl-regcred /proc/self/docker-credential-gitea"
    );
    // There is a link already, which leads nowhere.
    let plan = LinkPlan::Link {
        at: "/proc/self/docker-credential-gitea".into(),
        repairs: true,
    };
    let error = plan.apply().unwrap_err();
    assert!(error.to_string().contains("cannot be replaced"), "{error}");
    assert!(
        error.hint().to_string().starts_with("sudo ln -sf kubectl-regcred /"),
        "{error}"
    );
    let nowhere = Env::from_iter([("PATH", "/nonexistent")]);
    let error = program::observe(&nowhere).plan().unwrap_err();
    assert!(matches!(error, ProgramError::NotOnPath(_)), "{error}");
}

scenario!(it_stays_while_registries_conf_names_it);
/// Without it, podman and skopeo would fail at every registry.
fn it_stays_while_registries_conf_names_it() {
    let krew = Krew::new();
    let mut world = World::of_doubles();
    world.with_path(krew.bin());
    world.keep("admin", "t");
    world.regcred("docker setup").done();
    assert!(krew.helper().exists());
    let conf = world.home().join(".config/containers/registries.conf");
    world.write(&conf, "credential-helpers = [\"gitea\", \"containers-auth.json\"]\n");
    let ran = world.regcred("docker remove");
    assert!(ran.code == 0 && ran.stdout.contains("removed from"), "{ran}");
    assert!(ran.stderr.contains("take gitea out of credential-helpers in"), "{ran}");
    assert!(krew.helper().exists());
    fs::remove_file(&conf).unwrap();
    world.regcred("docker remove").done();
    assert!(!krew.helper().exists());
}

scenario!(
    docker_setup_makes_it_and_docker_goes_through_it,
    needs(REAL_PARTS, "docker")
);
/// As after `kubectl krew install regcred`: kubectl-regcred is on PATH, and nothing else of ours.
fn docker_setup_makes_it_and_docker_goes_through_it() {
    let krew = Krew::new();
    let mut world = World::of_real_parts();
    let path = std::env::var_os("PATH").unwrap();
    let path = std::iter::once(krew.bin()).chain(std::env::split_paths(&path));
    world
        .variables
        .insert("PATH".to_owned(), std::env::join_paths(path).unwrap());
    let plugin = |args: &[&str]| {
        let mut command = world.command(krew.bin().join("kubectl-regcred"));
        world.run(command.args(args), "").done()
    };
    let docker = |args: &[&str], stdin: &str| world.run(world.command("docker").args(args), stdin);
    let config = world.docker_file();
    // With an entry in its file, docker looks for no keychain by itself.
    world.write(&config, r#"{"auths":{"other.invalid":{}}}"#);
    let token = world.gitea.add_token("admin", "write:package");
    docker(&["login", "-u", "admin", "--password-stdin", &world.registry()], &token).done();
    assert!(fs::read_to_string(&config).unwrap().contains("\"auth\""), "plain text");

    let said = plugin(&["docker", "setup"]);
    let link = format!("link {} created\n", krew.helper().display());
    assert!(said.starts_with(&link), "{said}");
    assert!(!fs::read_to_string(&config).unwrap().contains("\"auth\""));
    let image = format!("{}/admin/none:1", world.registry());
    // How often docker shows a password while it looks for an image.
    let shown = || {
        let count = || {
            world
                .gitea
                .shown()
                .iter()
                .filter(|shown| shown.starts_with("basic"))
                .count()
        };
        let before = count();
        let _ = docker(&["manifest", "inspect", "--insecure", &image], "");
        count() - before
    };
    assert!(shown() > 0, "it asks through the link");
    krew.install("v0.2.0");
    assert!(shown() > 0, "after an upgrade");
    docker(&["login", "-u", "admin", "--password-stdin", &world.registry()], &token).done();
    assert!(
        !fs::read_to_string(&config).unwrap().contains("\"auth\""),
        "it stores through it"
    );
    assert!(!plugin(&["docker", "setup"]).contains("link"), "it is there already");

    let said = plugin(&["docker", "remove"]);
    assert!(
        said.contains(&format!("link {} removed", krew.helper().display())),
        "{said}"
    );
    assert!(!krew.helper().exists());
    assert_eq!(shown(), 0, "docker has no credential any more");
}
