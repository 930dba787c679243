//! What goes wrong around the program: streams that are closed, files that are none, servers that say nothing.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::PLUGIN;
use crate::support::api_server::{ADMIN_TOKEN, ApiServer};
use crate::support::world::World;

/// The program with a token in its environment and nothing else but this kubeconfig.
fn regcred(kubeconfig: &str, folder: &Path, line: &str) -> Command {
    let file = folder.join("kubeconfig");
    std::fs::write(&file, kubeconfig).unwrap();
    let mut command = Command::new(PLUGIN);
    command
        .env_clear()
        .env("HOME", folder)
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("KUBECONFIG", file)
        .env("THE_TOKEN", "s3cret-pat")
        .args(line.split_whitespace())
        .stdin(Stdio::null());
    command
}

const SYNC: &str = "sync --no-verify --registry gitea.example.com -u admin --token-env THE_TOKEN";

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

scenario!(sync_goes_on_when_nobody_reads);
fn sync_goes_on_when_nobody_reads() {
    let (double, folder) = (ApiServer::start(), tempfile::tempdir().unwrap());
    let namespaces: Vec<String> = (0..30).map(|n| format!("team-{n}")).collect();
    for namespace in &namespaces {
        double.create_namespace(namespace);
    }
    let line = format!("{SYNC} -n {}", namespaces.join(" -n "));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = regcred(&double.kubeconfig(), folder.path(), &line)
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap();
    for namespace in &namespaces {
        assert!(double.secret(namespace, "gitea-credentials").is_some(), "{namespace}");
    }
    assert_eq!(output.status.code(), Some(1), "what was asked for was not said");
    assert_eq!(stderr(&output), "30 created\n");
}

scenario!(a_full_disk_is_said);
fn a_full_disk_is_said() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let full = std::fs::OpenOptions::new().write(true).open(full).unwrap();
    let output = Command::new(PLUGIN).arg("version").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).starts_with("error: standard output: No space left on device"),
        "{}",
        stderr(&output)
    );
}

scenario!(a_plugin_can_talk_to_the_person);
fn a_plugin_can_talk_to_the_person() {
    let (double, folder) = (ApiServer::start(), tempfile::tempdir().unwrap());
    double.create_namespace("team");
    let user = |end: &str| {
        let script = format!("echo open this page to log in >&2; test -z \\\"$THE_TOKEN\\\" || echo leaked >&2; {end}");
        format!(
            "{{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: sh, \
             args: [-c, \"{script}\"]}}}}"
        )
    };
    let answer = format!(
        "echo '{{\\\"apiVersion\\\": \\\"client.authentication.k8s.io/v1\\\", \\\"kind\\\": \\\"ExecCredential\\\", \
         \\\"status\\\": {{\\\"token\\\": \\\"{ADMIN_TOKEN}\\\"}}}}'"
    );
    let line = format!("{SYNC} -n team");
    let run = |end: &str| {
        regcred(&double.kubeconfig_for(&user(end)), folder.path(), &line)
            .output()
            .unwrap()
    };
    let output = run(&answer);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "open this page to log in\n");
    let output = run("exit 3");
    let says = stderr(&output);
    assert!(
        says.starts_with("open this page to log in\nerror: the kubeconfig's credential plugin sh failed"),
        "{says}"
    );
}

scenario!(a_silent_api_server_is_not_asked_again_and_again);
fn a_silent_api_server_is_not_asked_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    // It accepts and says nothing, as a host behind a half-open tunnel does. It ends with this process.
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            counter.fetch_add(1, Ordering::SeqCst);
            held.push(stream);
        }
    });
    let kubeconfig = format!(
        "{{clusters: [{{name: c, cluster: {{server: 'https://{address}'}}}}], \
         contexts: [{{name: c, context: {{cluster: c, user: ''}}}}], current-context: c}}"
    );
    let line = format!("{SYNC} -n team --request-timeout=1");
    let output = regcred(&kubeconfig, folder.path(), &line).output().unwrap();
    let says = stderr(&output);
    assert!(
        says.starts_with(&format!(
            "error: the API server https://{address} did not answer within 1 s"
        )),
        "{says}"
    );
    assert!(says.contains("--request-timeout"), "{says}");
    // For the Secret, and to see whether it is the whole server that is silent.
    assert_eq!(count.load(Ordering::SeqCst), 2, "connections");
}

scenario!(what_cannot_be_read_says_why);
fn what_cannot_be_read_says_why() {
    let (double, folder) = (ApiServer::start(), tempfile::tempdir().unwrap());
    let place = folder.path().display().to_string();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    let no_plugin = "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: no-such-plugin}}";
    for (kubeconfig, line, says) in [
        (
            double.kubeconfig(),
            format!("{SYNC} -n team --kubeconfig {place}"),
            format!("cannot read the kubeconfig {place}: Is a directory"),
        ),
        (
            double.kubeconfig_for(no_plugin),
            format!("{SYNC} -n team"),
            "no-such-plugin cannot be started: No such file".to_owned(),
        ),
        (
            double.kubeconfig(),
            format!("sync -n team --env-file {place}/nothing"),
            format!("cannot read {place}/nothing: No such file"),
        ),
        (
            double.kubeconfig(),
            "sync -n team -f /dev/zero".to_owned(),
            "cannot read /dev/zero: it is no regular file".to_owned(),
        ),
        (
            double.kubeconfig(),
            format!("sync -n team -f {place}/pipe"),
            format!("cannot read {place}/pipe: it is no regular file"),
        ),
        (
            double.kubeconfig(),
            "sync -n team --env-file /dev/zero".to_owned(),
            "cannot read /dev/zero: it is no regular file".to_owned(),
        ),
    ] {
        let output = regcred(&kubeconfig, folder.path(), &line).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(stderr(&output).starts_with("error: "), "{line}");
        assert!(stderr(&output).contains(&says), "{line}: {}", stderr(&output));
    }
}

scenario!(login_says_what_is_odd);
fn login_says_what_is_odd() {
    let world = World::of_doubles();
    let token = world.gitea.add_token("admin", "write:package");
    world.gitea.state().realm = Some("https://gitea.wrong.example/v2/token".to_owned());
    let ran = world.regcred_with("login [REGISTRY] -u admin --token-stdin", &token);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(
        ran.stderr
            .contains("warning: the registry sends clients to https://gitea.wrong.example/v2/token to sign in"),
        "{ran}"
    );
}
