//! `kubectl regcred <Tab>`: through kubectl and its shells, and beside clusters and keychains that do not answer.

use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::PLUGIN;
use crate::support::control_plane::{self, ADMIN_TOKEN, ControlPlane};
use crate::support::fake_secrets::{Behaviour, FakeSecrets};
use crate::support::keyring::Keyring;
use crate::support::part::until;
use crate::support::parts::{BASH, BASH_COMPLETION, CONTROL_PLANE, GNOME_KEYRING};
use crate::support::world::script;

/// A home and a bin folder with the plugin in it, as krew leaves it.
struct Home {
    folder: tempfile::TempDir,
    variables: Vec<(&'static str, OsString)>,
}

impl Home {
    fn new() -> Self {
        let this = Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
        };
        fs::create_dir(this.bin()).unwrap();
        symlink(PLUGIN, this.bin().join("kubectl-regcred")).unwrap();
        this
    }

    /// With the completion, the control plane's kubectl, and a kubeconfig for it.
    fn with_kubectl() -> Self {
        let mut this = Self::new();
        let kubectl = control_plane::programs().unwrap().join("kubectl");
        symlink(kubectl, this.bin().join("kubectl")).unwrap();
        this.kubeconfig(&ControlPlane::shared().kubeconfig_for(ADMIN_TOKEN));
        let (_, stderr, code) = this.run("kubectl-regcred", &["completion", "install"]);
        assert_eq!(code, 0, "{stderr}");
        this
    }

    fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    fn link(&self) -> PathBuf {
        self.bin().join("kubectl_complete-regcred")
    }

    fn kubeconfig(&mut self, text: &str) {
        let file = self.folder.path().join("kubeconfig");
        fs::write(&file, text).unwrap();
        self.variables.push(("KUBECONFIG", file.into()));
    }

    fn command(&self, program: &str) -> Command {
        let path = [self.bin(), "/usr/bin".into(), "/bin".into()];
        let own = self.bin().join(program);
        let mut command = Command::new(if own.exists() { own } else { program.into() });
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("KUBECONFIG", "/dev/null")
            .envs(self.variables.iter().cloned())
            .current_dir(self.folder.path());
        command
    }

    /// stdout, stderr and exit code.
    fn run(&self, program: &str, args: &[&str]) -> (String, String, i32) {
        let output = self.command(program).args(args).output().unwrap();
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.replace(&self.folder.path().display().to_string(), "[HOME]")
        };
        (
            text(&output.stdout),
            text(&output.stderr),
            output.status.code().unwrap_or(-1),
        )
    }

    /// The answer to a line; nothing is ever said on stderr, and it is never a failure.
    fn completed(&self, words: &[&str]) -> String {
        let (stdout, stderr, code) = self.run("kubectl-regcred", &[&["__complete"], words].concat());
        assert_eq!((stderr.as_str(), code), ("", 0));
        stdout
    }
}

scenario!(installed_once_and_taken_out);
fn installed_once_and_taken_out() {
    let home = Home::new();
    let run = |verb| home.run("kubectl-regcred", &["completion", verb]);
    let (stdout, _, code) = run("install");
    assert_eq!(
        (stdout.as_str(), code),
        ("[HOME]/bin/kubectl_complete-regcred made\n", 0)
    );
    assert_eq!(fs::read_link(home.link()).unwrap(), Path::new("kubectl-regcred"));
    let (stdout, _, code) = home.run("kubectl_complete-regcred", &["versi"]);
    assert_eq!((stdout.as_str(), code), ("version\tPrint the version\n:4\n", 0));
    let (stdout, _, code) = run("install");
    assert_eq!(
        (stdout.as_str(), code),
        ("[HOME]/bin/kubectl_complete-regcred is there already\n", 0)
    );
    assert_eq!(run("remove").0, "[HOME]/bin/kubectl_complete-regcred removed\n");
    assert!(!home.link().exists());
    assert_eq!(run("remove").2, 0, "there is nothing to do");

    // What people had before works as well, and is theirs.
    script(&home.link(), "exec kubectl-regcred __complete \"$@\"");
    let (stdout, _, code) = run("install");
    assert!(stdout.contains("already") && code == 0, "{stdout}");
    assert_eq!(run("remove").2, 0);
    assert!(home.link().exists(), "it is not ours to remove");

    // What does not complete is not overwritten.
    fs::remove_file(home.link()).unwrap();
    script(&home.link(), "echo something else");
    let before = fs::read(home.link()).unwrap();
    let (_, stderr, code) = run("install");
    assert!(
        stderr.contains("is not regcred's, and it is what kubectl would run") && code == 1,
        "{stderr}"
    );
    assert_eq!(fs::read(home.link()).unwrap(), before);
}

scenario!(status_says_what_is_missing);
fn status_says_what_is_missing() {
    let home = Home::new();
    let status = || home.run("kubectl-regcred", &["completion", "status"]);
    let kubectl = |version: &str| {
        let text = format!(r#"echo '{{"clientVersion":{{"gitVersion":"{version}"}}}}'"#);
        script(&home.bin().join("kubectl"), &text);
    };
    kubectl("v1.37.1");
    let (stdout, stderr, code) = status();
    assert_eq!((stdout.as_str(), code), ("", 1));
    assert!(
        stderr.ends_with("hint: kubectl regcred completion install\n"),
        "{stderr}"
    );
    assert_eq!(home.run("kubectl-regcred", &["completion", "install"]).2, 0);
    let (stdout, stderr, code) = status();
    let works = "kubectl v1.37.1 completes regcred through [HOME]/bin/kubectl_complete-regcred\n";
    assert_eq!((stdout.as_str(), code), (works, 0), "{stderr}");
    assert!(stderr.contains("kubectl completion bash"), "{stderr}");
    kubectl("v1.25.9");
    let (_, stderr, code) = status();
    assert!(
        stderr.contains("kubectl v1.25.9 does not complete plugins") && code == 1,
        "{stderr}"
    );
}

scenario!(a_cluster_that_never_answers);
/// It ends though nobody ever answers: that it ends at all is what its own deadline does.
fn a_cluster_that_never_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut home = Home::new();
    home.kubeconfig(&kubeconfig(&listener, "{token: x}"));
    for words in [
        ["sync", "-n", ""],
        ["sync", "--secret", "x"],
        ["rbac", "--serviceaccount", ""],
    ] {
        assert_eq!(home.completed(&words), ":4\n");
    }
    let (stream, _) = listener.accept().unwrap();
    drop(stream);
    // The rest is there all the same.
    assert_eq!(home.completed(&["sync", "--context", ""]), "dead\tdead\n:4\n");
}

scenario!(a_credential_plugin_that_hangs_is_ended);
fn a_credential_plugin_that_hangs_is_ended() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut home = Home::new();
    let fifo = home.folder.path().join("held");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let plugin = home.bin().join("hangs");
    // It says something, wants a terminal, and never ends by itself.
    script(
        &plugin,
        &format!("echo please log in >&2; echo $$ > pid; exec cat '{}'", fifo.display()),
    );
    let exec = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: '{}', interactiveMode: IfAvailable}}}}",
        plugin.display()
    );
    home.kubeconfig(&kubeconfig(&listener, &exec));
    let pid = home.folder.path().join("pid");
    until("the plugin is run within the time there is", || {
        assert_eq!(home.completed(&["sync", "-n", ""]), ":4\n");
        pid.exists() && !fs::read_to_string(&pid).unwrap().is_empty()
    });
    let process = format!("/proc/{}", fs::read_to_string(&pid).unwrap().trim());
    until("the plugin is gone", || !Path::new(&process).exists());
}

scenario!(a_keychain_that_never_answers);
fn a_keychain_that_never_answers() {
    let mut home = Home::new();
    let socket = home.folder.path().join("bus");
    let _listener = UnixListener::bind(&socket).unwrap();
    let address = format!("unix:path={}", socket.display());
    home.variables.push(("DBUS_SESSION_BUS_ADDRESS", address.into()));
    assert_eq!(home.completed(&["login", ""]), ":4\n");
    // Nor is there one.
    home.variables
        .push(("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent".into()));
    assert_eq!(home.completed(&["sync", "--registry", ""]), ":4\n");
}

scenario!(nobody_is_prompted, needs("dbus-daemon"));
fn nobody_is_prompted() {
    let service = FakeSecrets::start(Behaviour::PromptUnanswered);
    let mut home = Home::new();
    home.variables
        .push(("DBUS_SESSION_BUS_ADDRESS", service.bus().address().into()));
    home.variables.push(("WAYLAND_DISPLAY", "wayland-0".into()));
    assert_eq!(home.completed(&["login", ""]), ":4\n");
    let calls = service.calls();
    assert!(calls.contains(&"SearchItems".to_owned()), "it was asked: {calls:?}");
    assert!(!calls.contains(&"Prompt".to_owned()), "{calls:?}");
}

scenario!(a_locked_keyring, needs(GNOME_KEYRING));
fn a_locked_keyring() {
    let mut keyring = Keyring::start();
    let mut home = Home::new();
    home.variables
        .push(("DBUS_SESSION_BUS_ADDRESS", keyring.bus().address().into()));
    let login = [
        "login",
        "gitea.example.com",
        "-u",
        "admin",
        "--token-env",
        "T",
        "--no-verify",
    ];
    let output = home
        .command("kubectl-regcred")
        .args(login)
        .env("T", "s3cret")
        .output()
        .unwrap();
    assert!(output.status.success());
    until("the keyring answers in time", || {
        home.completed(&["logout", "gitea."]) == "gitea.example.com\tadmin\n:4\n"
    });
    keyring.lock();
    // gnome-keyring shows an item as locked somewhat later than its keyring.
    until("nothing is completed from a locked keyring", || {
        home.completed(&["logout", "gitea."]) == ":4\n"
    });
}

scenario!(through_kubectl, needs(CONTROL_PLANE));
fn through_kubectl() {
    let home = Home::with_kubectl();
    let plane = ControlPlane::shared();
    let namespace = plane.namespace();
    let kubectl = |args: &[&str]| plane.kubectl_ok(&[args, &["-n", &namespace]].concat(), "");
    kubectl(&["create", "serviceaccount", "deployer"]);
    kubectl(&["create", "secret", "generic", "other"]);
    let data = "--from-literal=.dockerconfigjson={}";
    kubectl(&[
        "create",
        "secret",
        "generic",
        "pulls",
        "--type=kubernetes.io/dockerconfigjson",
        data,
    ]);
    let completed = |words: &[&str], wanted: &str| {
        until(wanted, || {
            let (stdout, _, code) = home.run("kubectl", &[&["__complete", "regcred"], words].concat());
            assert_eq!(code, 0);
            stdout == wanted
        });
    };
    completed(&["sync", "-n", &namespace], &format!("{namespace}\n:4\n"));
    completed(
        &["sync", &format!("--namespace={namespace}")],
        &format!("{namespace}\n:4\n"),
    );
    // The flags that are typed already count, and of Secrets only those that pull.
    completed(&["sync", "-n", &namespace, "--secret", ""], "pulls\n:4\n");
    completed(
        &["sync", "-n", &namespace, "--service-account", "dep"],
        "deployer\n:4\n",
    );
    let subject = format!("{namespace}:dep");
    completed(
        &["rbac", "--serviceaccount", &subject],
        &format!("{namespace}:deployer\n:4\n"),
    );
    completed(
        &["rbac", "--serviceaccount", &namespace],
        &format!("{namespace}:\n:6\n"),
    );
    completed(&["sync", "--context", ""], "real\treal\n:4\n");
    completed(&["sync", "--context", "none", "-n", ""], ":4\n");
    completed(
        &["rot"],
        "rotate\tPut a new token everywhere, and revoke the old one last\n:4\n",
    );
}

scenario!(bash, needs(BASH, CONTROL_PLANE));
fn bash() {
    let start = format!("source {BASH_COMPLETION}; source <(kubectl completion bash)");
    through_shell("bash", &["--norc", "--noprofile", "-i"], &start);
}

scenario!(zsh, needs("zsh", CONTROL_PLANE));
fn zsh() {
    let start = "autoload -Uz compinit; compinit -D -u; source <(kubectl completion zsh)";
    through_shell("zsh", &["-f", "-i"], start);
}

/// Somebody types a part of a namespace and presses Tab. The shell then prints the line that it has come to.
fn through_shell(shell: &str, args: &[&str], start: &str) {
    let home = Home::with_kubectl();
    let namespace = format!("honeydue-{shell}");
    let _ = ControlPlane::shared().kubectl_ok(&["create", "namespace", &namespace], "");
    let mut command = home.command(shell);
    command.args(args).env("TERM", "xterm").env("PS1", "> ");
    let mut person = rexpect::session::spawn_command(command, Some(60_000)).unwrap();
    person.send_line(&format!("{start}; echo rea''dy")).unwrap();
    person.exp_string("ready").unwrap();
    let typed = format!("kubectl regcred sync -n {}", &namespace[..namespace.len() - 2]);
    until("the namespace is completed", || {
        person.send(&format!("{typed}\t\u{1}echo + \u{5};:\r")).unwrap();
        person.flush().unwrap();
        let (_, line) = person.exp_regex(r"\n\+ kubectl regcred sync -n [^\r\n]*").unwrap();
        let line = line.trim();
        assert!(line.starts_with(&format!("+ {typed}")), "{line}");
        line == format!("+ kubectl regcred sync -n {namespace}")
    });
    // A shell at a terminal takes no notice of a polite signal.
    person.send_line("exit").unwrap();
    person.exp_eof().unwrap();
}

/// One context, whose cluster is a listener.
fn kubeconfig(listener: &TcpListener, user: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
clusters: [{{name: dead, cluster: {{server: 'https://{}'}}}}]
contexts: [{{name: dead, context: {{cluster: dead, user: user}}}}]
current-context: dead
users: [{{name: user, user: {user}}}]
",
        listener.local_addr().unwrap()
    )
}
