//! The helper on PATH as krew leaves it, and other people's credential helpers, asked by their protocol.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::Trial;
use regcred::docker::other_helper::{AskError, Login, OtherHelper};
use regcred::docker::program::{self, Plan, ProgramError};
use regcred::env::Env;
use regcred::model::Token;

use super::helper::{HELPER, NOT_FOUND, TOKEN, ask, entry, success};
use crate::support::docker_registry::{self, DockerRegistry};
use crate::support::keyring::{self, Keyring, Running};
use crate::support::part::{missing, trial, trial_with};

const PLUGIN: &str = env!("CARGO_BIN_EXE_kubectl-regcred");

pub fn trials() -> Vec<Trial> {
    let keyring = |more: &[&'static str]| missing(&[&keyring::PARTS, more].concat());
    vec![
        trial("docker_link/made_once_and_taken_out", made_once_and_taken_out),
        trial("docker_link/survives_an_upgrade", survives_an_upgrade),
        trial("docker_link/a_dangling_one_of_ours_is_repaired", repaired),
        trial("docker_link/a_foreign_file_stays", a_foreign_file_stays),
        trial("docker_link/a_program_of_cargo_install_is_enough", cargo_install),
        trial("docker_link/a_folder_that_takes_no_link", no_link_there),
        trial_with(
            "docker_link/docker_gets_the_credential_through_it",
            &[keyring(&["docker"]), missing(&docker_registry::PROGRAMS)].concat(),
            docker_through_the_link,
        ),
        trial("docker_link/other_helper/one_that_lies", liars),
        trial("docker_link/other_helper/one_that_hangs_is_ended", hangs),
        trial("docker_link/other_helper/we_are_never_asked", never_ourselves),
        trial_with(
            "docker_link/other_helper/secretservice",
            &keyring(&["docker-credential-secretservice"]),
            secretservice,
        ),
        trial_with(
            "docker_link/other_helper/pass",
            &missing(&["docker-credential-pass", "pass", "gpg", "gpgconf"]),
            pass,
        ),
    ]
}

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

fn made(env: &Env) -> Plan {
    let plan = program::observe(env).plan().unwrap();
    plan.apply().unwrap();
    plan
}

/// Written by a child: a file that this process has open for writing, children of other tests have too, and then it
/// cannot be run.
pub fn script(file: &Path, text: &str) {
    let mut install = Command::new("install");
    install
        .args(["-m", "755", "/dev/stdin"])
        .arg(file)
        .stdin(Stdio::piped());
    let mut child = install.spawn().unwrap();
    write!(child.stdin.take().unwrap(), "#!/bin/sh\n{text}\n").unwrap();
    assert!(child.wait().unwrap().success());
}

fn made_once_and_taken_out() {
    let krew = Krew::new();
    let env = krew.env(&[]);
    let link = Plan::Link {
        at: krew.helper(),
        repairs: false,
    };
    assert_eq!(program::observe(&env).plan().unwrap(), link);
    assert!(!krew.helper().exists(), "looking changes nothing");
    assert_eq!(made(&env), link);
    assert_eq!(fs::read_link(krew.helper()).unwrap(), Path::new("kubectl-regcred"));
    assert!(krew.version().starts_with("docker-credential-gitea (regcred) v"));

    let before = fs::symlink_metadata(krew.helper()).unwrap().modified().unwrap();
    assert_eq!(made(&env), Plan::Ready(krew.helper()), "it is there now");
    assert_eq!(fs::symlink_metadata(krew.helper()).unwrap().modified().unwrap(), before);

    assert_eq!(program::remove(&env).unwrap(), Some(krew.helper()));
    assert_eq!(program::remove(&env).unwrap(), None, "there is none any more");
    assert!(krew.bin().join("kubectl-regcred").exists() && !krew.helper().exists());
    // The same program under its other name is the plugin.
    let (stdout, _, code) = ask(Command::new(krew.bin().join("kubectl-regcred")), "version", "");
    assert!(stdout.starts_with("kubectl-regcred v") && code == 0, "{stdout}");
}

fn survives_an_upgrade() {
    let krew = Krew::new();
    let env = krew.env(&[]);
    let _ = made(&env);
    krew.install("v0.2.0");
    assert!(krew.version().contains("(regcred)"));
    assert_eq!(program::observe(&env).plan().unwrap(), Plan::Ready(krew.helper()));
}

fn repaired() {
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
        Plan::Link {
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

fn a_foreign_file_stays() {
    let krew = Krew::new();
    let env = krew.env(&[]);
    script(&krew.helper(), "echo 'docker-credential-gitea (someone) v1'");
    let foreign = fs::read(krew.helper()).unwrap();
    let error = program::observe(&env).plan().unwrap_err();
    assert!(matches!(error, ProgramError::Foreign { .. }), "{error}");
    assert!(error.hint().contains("mv "), "{}", error.hint());
    assert_eq!(program::remove(&env).unwrap(), None);
    assert_eq!(fs::read(krew.helper()).unwrap(), foreign);

    // One that cannot be run, and one that comes between looking and doing.
    fs::set_permissions(krew.helper(), fs::Permissions::from_mode(0o644)).unwrap();
    let error = program::observe(&env).plan().unwrap_err();
    assert!(matches!(error, ProgramError::InTheWay(_)), "{error}");
    let late = Plan::Link {
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
    assert!(matches!(made(&Env::from_iter([("PATH", after)])), Plan::Link { .. }));
    let shadowed = program::observe(&krew.env(&[other.path()]));
    assert_eq!(
        shadowed.shadow(),
        Some(other.path().join("docker-credential-gitea").as_path())
    );
}

fn cargo_install() {
    let krew = Krew::new();
    let cargo = Path::new(HELPER).parent().unwrap();
    let program = program::observe(&krew.env(&[cargo]));
    assert_eq!(program.plan().unwrap(), Plan::Ready(HELPER.into()));
    assert_eq!(program.found.len(), 1);
    // Nothing of ours to take out, though it is our program.
    assert_eq!(program::remove(&krew.env(&[cargo])).unwrap(), None);
}

fn no_link_there() {
    // As root every folder can be written to, but not this one.
    let plan = Plan::Link {
        at: "/proc/self/docker-credential-gitea".into(),
        repairs: false,
    };
    let error = plan.apply().unwrap_err();
    assert!(matches!(error, ProgramError::Write { .. }), "{error}");
    assert_eq!(
        error.hint(),
        "sudo ln -s kubectl-regcred /proc/self/docker-credential-gitea"
    );
    let nowhere = Env::from_iter([("PATH", "/nonexistent")]);
    let error = program::observe(&nowhere).plan().unwrap_err();
    assert!(matches!(error, ProgramError::NotOnPath(_)), "{error}");
}

fn docker_through_the_link() {
    let keyring = Keyring::start();
    let krew = Krew::new();
    let registry = DockerRegistry::with_password("alice", TOKEN);
    let path = std::env::var_os("PATH").unwrap();
    let path = std::iter::once(krew.bin()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(path).unwrap();
    let _ = made(&Env::from_iter([("PATH", path.clone())]));
    let docker = keyring.bus().folder().join("home/.docker");
    fs::create_dir_all(&docker).unwrap();
    fs::write(
        docker.join("config.json"),
        format!(r#"{{"credHelpers":{{"{}":"gitea"}}}}"#, registry.registry()),
    )
    .unwrap();
    let client = |args: &[&str], stdin: &str| {
        let mut command = keyring.command("docker");
        command.env("PATH", &path);
        let (last, rest) = args.split_last().unwrap();
        command.args(rest);
        ask(command, last, stdin)
    };
    let url = registry.registry();
    let (stdout, stderr, code) = client(&["login", "-u", "alice", "--password-stdin", &url], TOKEN);
    assert!(stdout.contains("Login Succeeded") && code == 0, "{stdout}{stderr}");
    let mut get = keyring.command(krew.helper());
    get.env("PATH", &path);
    assert!(
        ask(get, "get", &url).0.contains(TOKEN),
        "docker stored it through the link"
    );
    let image = format!("{url}/alice/none:1");
    let (_, stderr, _) = client(&["manifest", "inspect", "--insecure", &image], "");
    // With the credential the registry tells that there is no such image; without it, it tells nothing.
    assert!(stderr.contains("no such manifest"), "{stderr}");
    assert!(keyring::files_with(keyring.bus().folder(), TOKEN).is_empty());
    // The other way round, it is the link that did it.
    let _ = program::remove(&Env::from_iter([("PATH", path.clone())])).unwrap();
    let plain = std::env::split_paths(&path).any(|folder| folder.join("docker-credential-gitea").exists());
    assert!(!plain, "no other helper on PATH would have done it");
}

/// A helper that is a script, and how it is asked.
struct Double {
    folder: tempfile::TempDir,
    env: Env,
}

impl Double {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        script(&folder.path().join("docker-credential-double"), text);
        let path = std::iter::once(folder.path().to_owned()).chain(std::env::split_paths("/usr/bin:/bin"));
        let env = Env::from_iter([
            ("PATH", std::env::join_paths(path).unwrap()),
            ("FOLDER", folder.path().as_os_str().to_owned()),
        ]);
        Self { folder, env }
    }

    fn helper(&self) -> OtherHelper<'_> {
        OtherHelper::find(&"double".parse().unwrap(), &self.env).unwrap()
    }

    fn get(&self) -> Result<Option<Login>, AskError> {
        self.helper().get("gitea.example.com")
    }
}

fn liars() {
    let good = format!(r#"{{"Username":"<token>","Secret":"{TOKEN}"}}"#);
    // Field names in any case, no ServerURL, and it never reads its stdin.
    let token = Login {
        username: "<token>".parse().unwrap(),
        token: Token::parse(TOKEN).unwrap(),
    };
    assert_eq!(Double::new(&format!("echo '{good}'")).get().unwrap(), Some(token));
    for nothing in [
        format!("echo '{NOT_FOUND}'; exit 1"),
        format!("echo '  {NOT_FOUND}'; exit 127"),
        "echo '{}'".to_owned(),
        r#"echo '{"ServerURL":"","Username":"","Secret":""}'"#.to_owned(),
    ] {
        assert_eq!(Double::new(&nothing).get().unwrap(), None, "{nothing}");
    }
    for (text, message) in [
        ("exit 0", "printed nothing"),
        ("printf garbage", "did not print a credential"),
        (
            &format!("echo '{{\"Secret\":{{\"{TOKEN}\":1}}}}'"),
            "did not print a credential",
        ),
        (
            &format!("echo '{{\"Username\":\"a:b\",\"Secret\":\"{TOKEN}\"}}'"),
            "usable user name",
        ),
        ("exec head -c 3000000 /dev/zero", "more than a megabyte"),
        ("exec yes", "more than a megabyte"),
        // Closed before we write to it.
        ("exec <&-; exec >&-; exit 3", "exit status: 3"),
        ("kill -9 $$", "signal: 9"),
        (&format!("echo '{good}'; exit 1"), "exit status: 1"),
        ("echo 'the keyring is locked'; exit 1", "failed: the keyring is locked"),
        (&format!("echo '{NOT_FOUND}'"), "did not print a credential"),
    ] {
        let error = Double::new(text).get().unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(message) && !shown.contains(TOKEN), "{text}: {shown}");
    }
    let listed = Double::new(r#"cat > $FOLDER/in; echo '{"https://a.example.com/v1/":"alice"}'"#);
    let list = listed.helper().list().unwrap();
    assert_eq!(list["https://a.example.com/v1/"], "alice");
    assert_eq!(fs::read(listed.folder.path().join("in")).unwrap(), b"unused");
    assert!(Double::new("echo '[]'").helper().list().is_err());
    let asked = Double::new(&format!("cat > $FOLDER/in; echo '{NOT_FOUND}'; exit 1"));
    assert_eq!(asked.helper().get("https://index.docker.io/v1/").unwrap(), None);
    let sent = fs::read(asked.folder.path().join("in")).unwrap();
    assert_eq!(sent, b"https://index.docker.io/v1/", "without a line feed");
    let missing = OtherHelper::find(&"nobody".parse().unwrap(), &asked.env).unwrap_err();
    assert!(matches!(missing, AskError::NotInstalled(_)));
    assert!(missing.to_string().contains("docker-credential-nobody"), "{missing}");
}

fn hangs() {
    // The pipe stays open; then one that has closed it and stays.
    for text in [
        "echo $$ > $FOLDER/pid; exec sleep 600",
        "echo $$ > $FOLDER/pid; exec >&-; exec sleep 600",
    ] {
        let double = Double::new(text);
        // Until it runs, it has no pid to tell.
        let error = double
            .helper()
            .within(Duration::from_secs(3))
            .get("a.example.com")
            .unwrap_err();
        assert!(matches!(error, AskError::NoAnswer { .. }), "{error}");
        if let Ok(pid) = fs::read_to_string(double.folder.path().join("pid")) {
            let gone = !Path::new("/proc").join(pid.trim()).exists();
            assert!(gone, "it was ended");
        }
    }
}

fn never_ourselves() {
    let env = Env::from_iter([("PATH", Path::new(HELPER).parent().unwrap())]);
    let error = OtherHelper::find(&"gitea".parse().unwrap(), &env).unwrap_err();
    assert!(matches!(error, AskError::Ourselves(_)), "{error}");
    // Somebody else's of that name is another helper.
    let folder = tempfile::tempdir().unwrap();
    script(&folder.path().join("docker-credential-gitea"), "echo 0.1");
    let env = Env::from_iter([("PATH", folder.path())]);
    assert!(OtherHelper::find(&"gitea".parse().unwrap(), &env).is_ok());
}

/// What every real helper is asked.
fn real_one(name: &str, env: &Env, command: impl Fn() -> Command) {
    let helper = OtherHelper::find(&name.parse().unwrap(), env).unwrap();
    assert_eq!(helper.get("gitea.example.com").unwrap(), None);
    for (server, username, secret) in [
        ("gitea.example.com", "alice", TOKEN),
        ("zot.example.com", "<token>", "refresh"),
    ] {
        assert_eq!(ask(command(), "store", &entry(server, username, secret)), success());
    }
    let login = |username: &str, token: &str| {
        Some(Login {
            username: username.parse().unwrap(),
            token: Token::parse(token).unwrap(),
        })
    };
    assert_eq!(helper.get("gitea.example.com").unwrap(), login("alice", TOKEN));
    assert_eq!(helper.get("zot.example.com").unwrap(), login("<token>", "refresh"));
    assert_eq!(helper.get("other.example.com").unwrap(), None);
    let list = helper.list().unwrap();
    assert_eq!(list.len(), 2, "{list:?}");
    assert_eq!(list["gitea.example.com"], "alice");
}

fn secretservice() {
    let keyring = Keyring::start();
    let env = keyring.env();
    real_one("secretservice", &env, || {
        keyring.command("docker-credential-secretservice")
    });
    let nowhere = env.without("DBUS_SESSION_BUS_ADDRESS").without("XDG_RUNTIME_DIR");
    let helper = OtherHelper::find(&"secretservice".parse().unwrap(), &nowhere).unwrap();
    let error = helper.get("gitea.example.com").unwrap_err();
    assert!(error.to_string().contains("D-Bus"), "its own words help: {error}");
}

/// A password store with a key of its own.
struct PasswordStore {
    folder: tempfile::TempDir,
}

impl PasswordStore {
    fn new() -> Self {
        // gpg's socket has a path of limited length.
        let folder = tempfile::Builder::new().prefix("gpg-").tempdir_in("/tmp").unwrap();
        let this = Self { folder };
        let gnupg = this.folder.path().join("gnupg");
        fs::create_dir(&gnupg).unwrap();
        fs::set_permissions(gnupg, fs::Permissions::from_mode(0o700)).unwrap();
        for (program, args) in [
            (
                "gpg",
                &[
                    "--batch",
                    "--passphrase",
                    "",
                    "--quick-generate-key",
                    "test",
                    "future-default",
                    "default",
                    "never",
                ][..],
            ),
            ("pass", &["init", "test"]),
        ] {
            let mut command = this.command(program);
            command.args(args).stdout(Stdio::null()).stderr(Stdio::null());
            assert!(command.status().unwrap().success(), "{program}");
        }
        this
    }

    fn env(&self) -> Env {
        Env::from_iter([
            ("PATH", std::env::var_os("PATH").unwrap()),
            ("HOME", self.folder.path().into()),
            ("GNUPGHOME", self.folder.path().join("gnupg").into()),
            ("PASSWORD_STORE_DIR", self.folder.path().join("store").into()),
        ])
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.env().iter());
        command
    }
}

impl Drop for PasswordStore {
    fn drop(&mut self) {
        // The agent that gpg has started.
        let _ = Running::start(self.command("gpgconf").args(["--kill", "all"])).0.wait();
    }
}

fn pass() {
    let store = PasswordStore::new();
    real_one("pass", &store.env(), || store.command("docker-credential-pass"));
}
