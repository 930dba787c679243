//! Ctrl-C at every prompt and while a registry is asked; and paths that the journal could not hold.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::support::PLUGIN;
use crate::support::gate::Manner as Held;
use crate::support::gitea::{Gitea, Profile};
use crate::support::http::{Answer, Manner, Server};
use crate::support::vault::VaultHome;
use crate::support::world::World;

/// A registry that does not answer is waited for longer than this.
const SOON: Duration = Duration::from_secs(15);
/// How long a program may take to come to a request.
const PATIENCE: Duration = Duration::from_secs(120);

/// A machine with a vault that nobody has to unlock, and a credential of this registry.
fn machine(registry: &str, token: &str) -> VaultHome {
    let home = VaultHome::with_key_file();
    let line = format!("login {registry} -u admin --token-stdin --no-verify");
    home.regcred(&line, token).done();
    home
}

/// What docker gets still is this.
fn check_kept(home: &VaultHome, registry: &str, token: &str) {
    let answer = home.helper("get", registry).done();
    assert!(answer.contains(token), "the token that there was");
}

/// The line `stty` prints of the terminal's echo, before and after, with what the command ended with in between.
fn at_terminal(home: &VaultHome, line: &str, prompt: &str) {
    let script = format!("stty -a >before; {PLUGIN} {line}; echo \"ended with $?\"; stty -a >after");
    let mut shell = home.command("sh");
    shell.args(["-c", &script]).env("TERM", "xterm");
    let mut session = rexpect::session::spawn_command(shell, Some(60_000)).unwrap();
    session.exp_string(prompt).unwrap();
    session.send("half a secr").unwrap();
    session.send_control('c').unwrap();
    session.exp_string("ended with 130").unwrap();
    let rest = session.exp_eof().unwrap();
    assert!(!rest.contains("half"), "{rest}");
    let [before, after] = ["before", "after"].map(|name| std::fs::read_to_string(home.folder().join(name)).unwrap());
    assert_eq!(before, after, "the terminal is as it was");
}

scenario!(at_the_prompt_for_the_token);
fn at_the_prompt_for_the_token() {
    at_prompt("", "Token of admin at");
}

scenario!(at_the_prompt_for_the_password);
fn at_the_prompt_for_the_password() {
    at_prompt("--mint", "Password of admin at");
}

fn at_prompt(more: &str, prompt: &str) {
    let gitea = Gitea::start(Profile::V1_27);
    gitea.add_user("admin");
    let (registry, token) = (gitea.registry(), gitea.add_token("admin", "write:package"));
    let home = machine(&registry, &token);
    at_terminal(&home, &format!("rotate {registry} --no-secrets {more}"), prompt);
    check_kept(&home, &registry, &token);
    let ran = home.regcred("rotate --resume", "");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("no rotation is pending"), "{ran}");
}

scenario!(login_at_its_prompt);
fn login_at_its_prompt() {
    let home = machine("gitea.example.com", "token-one");
    at_terminal(&home, "login gitea.example.com -u admin", "Token of admin at");
    check_kept(&home, "gitea.example.com", "token-one");
}

/// A child that does not outlive a test that fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < SOON, "{what}");
        std::thread::yield_now();
    }
}

scenario!(while_a_registry_is_asked);
fn while_a_registry_is_asked() {
    let silent = Server::start(|_| Answer::empty(200).in_manner(Manner::Hang));
    let registry = silent.registry();
    let home = machine(&registry, "token-one");
    let mut rotate = home.command(PLUGIN);
    rotate
        .args(["rotate", &registry, "--no-secrets", "--token-env", "NEW"])
        .env("NEW", "token-two")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = Running(rotate.spawn().unwrap());
    until("the registry was asked", || !silent.seen().is_empty());
    let pid = child.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    until("it ended", || child.0.try_wait().unwrap().is_some());
    assert_eq!(child.0.wait().unwrap().code(), Some(130));
    check_kept(&home, &registry, "token-one");
    assert!(
        home.regcred("rotate --resume", "")
            .stderr
            .contains("no rotation is pending")
    );
}

/// What a program asks to know which cluster it is.
const WHICH: &str = "GET /api/v1/namespaces/kube-system";

/// A workstation whose programs have a vault, with a credential and a Secret that holds it.
fn workstation() -> World {
    let world = World::of_doubles();
    let token = world.gitea.add_token("admin", "read:package");
    let run = |line: &str, stdin: &str| {
        let line = line.replace("[REGISTRY]", &world.registry());
        world.run(world.command(PLUGIN).args(line.split(' ')), stdin).done()
    };
    let key = world.folder().join("vault.key");
    run(&format!("keychain use vault --key-file {}", key.display()), "");
    run("login [REGISTRY] -u admin --use cluster --token-stdin", &token);
    run(&format!("sync --registry [REGISTRY] -n {}", world.namespace), "");
    world
}

/// Runs the program until the n-th request of these, which is never answered.
fn until_asked(world: &World, line: &str, request: (usize, &str)) -> Running {
    let (asked, is_asked) = channel();
    world
        .gate
        .strike_at(request, Held::Hold, move || asked.send(()).unwrap());
    let running = Running(world.start_regcred(line, ""));
    is_asked.recv_timeout(PATIENCE).unwrap();
    running
}

/// Ctrl-C ends it, although the cluster does not answer.
fn interrupt(mut running: Running, when: &str) {
    let pid = running.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    until(when, || running.0.try_wait().unwrap().is_some());
    assert_eq!(running.0.wait().unwrap().code(), Some(130), "{when}");
}

scenario!(while_a_cluster_is_asked_which_it_is);
fn while_a_cluster_is_asked_which_it_is() {
    let world = workstation();
    let sync = format!("sync --registry [REGISTRY] -n {} --request-timeout 0", world.namespace);
    interrupt(until_asked(&world, &sync, (0, WHICH)), "sync");

    let mut world = workstation();
    let new = world.gitea.add_token("admin", "read:package");
    world.variables.insert("NEW_TOKEN".to_owned(), new.into());
    let begin = "rotate [REGISTRY] --use cluster --token-env NEW_TOKEN";
    drop(until_asked(&world, begin, (0, "after PATCH ")));
    let abort = "rotate [REGISTRY] --use cluster --abort --request-timeout 0";
    interrupt(until_asked(&world, abort, (0, WHICH)), "--abort");
    world.gate.open();
    let line = format!("rotate {} --use cluster --abort", world.registry());
    world.run(world.command(PLUGIN).args(line.split(' ')), "").done();
}

scenario!(a_path_that_is_no_text_is_refused_before_anything_is_made);
fn a_path_that_is_no_text_is_refused_before_anything_is_made() {
    let gitea = Gitea::start(Profile::V1_27);
    gitea.add_user("admin");
    let (registry, token) = (gitea.registry(), gitea.add_token("admin", "write:package"));
    let home = machine(&registry, &token);
    let odd = home.folder().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    std::fs::create_dir(&odd).unwrap();
    for flag in ["--ca-file", "--kubeconfig"] {
        for (folder, path) in [(home.folder(), odd.join("file")), (odd.as_path(), "file".into())] {
            std::fs::write(odd.join("file"), "").unwrap();
            let mut rotate = home.command(PLUGIN);
            // `command` stands in the machine's own folder.
            rotate
                .current_dir(folder)
                .args(["rotate", &registry, "--mint", "--password-stdin", flag])
                .arg(path)
                .arg0("kubectl-regcred");
            let ran = home.run(&mut rotate, "password\n");
            assert_eq!(ran.code, 2, "{ran}");
            let says = format!("error: an interrupted rotation could not be resumed with {flag} ");
            assert!(ran.stderr.starts_with(&says), "{says}{ran}");
            assert!(ran.stderr.contains(": its path is not UTF-8\n"), "{ran}");
        }
    }
    assert_eq!(gitea.state().tokens.len(), 1, "nothing was made");
    check_kept(&home, &registry, &token);
}
