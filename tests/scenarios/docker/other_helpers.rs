//! Other people's credential helpers, asked by their protocol: liars, and the real ones.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use regcred::docker::other_helper::{AskError, Login, OtherHelper};
use regcred::model::Token;
use regcred::sys::env::Env;

use crate::helper::{NOT_FOUND, TOKEN, ask, entry, success};
use crate::support::HELPER;
use crate::support::keyring::{Keyring, Running};
use crate::support::parts::GNOME_KEYRING;
use crate::support::world::script;

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

scenario!(one_that_lies);
fn one_that_lies() {
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

scenario!(one_that_hangs_is_ended);
fn one_that_hangs_is_ended() {
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

scenario!(we_are_never_asked);
fn we_are_never_asked() {
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

scenario!(secretservice, needs(GNOME_KEYRING, "docker-credential-secretservice"));
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

scenario!(pass, needs("docker-credential-pass", "pass", "gpg", "gpgconf"));
fn pass() {
    let store = PasswordStore::new();
    real_one("pass", &store.env(), || store.command("docker-credential-pass"));
}
