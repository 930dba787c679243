//! Killed, and asked to stop: whatever was written is whole, and the next run completes it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::pipeline::{Pipeline, VARIABLE, in_namespaces, summary};
use crate::support::api_server::Fault;
use crate::support::parts::CONTROL_PLANE;
use crate::support::plane::SECRET;

/// A run of the size that this is for.
const MANY: usize = 200;
/// How often it is killed.
const KILLS: usize = 25;

/// A child that does not outlive a test that fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn sync(pipeline: &Pipeline, token: &str, args: &[&str]) -> Self {
        let registry = pipeline.registry();
        let mut all = vec!["--registry", &registry, "-u", "admin", "--token-env", VARIABLE];
        all.extend(args);
        Self(pipeline.command(token, &all).spawn().unwrap())
    }

    fn interrupt(&self) {
        let done = Command::new("kill")
            .args(["-INT", &self.0.id().to_string()])
            .status()
            .unwrap();
        assert!(done.success());
    }
}

fn many(pipeline: &Pipeline) -> Vec<String> {
    let names: Vec<String> = (0..MANY)
        .map(|number| pipeline.name(format_args!("{number:03}")))
        .collect();
    pipeline.create_namespaces(&names, "many");
    names
}

scenario!(killed_at_random_points_of_a_long_run, needs(CONTROL_PLANE));
fn killed_at_random_points_of_a_long_run() {
    let pipeline = Pipeline::real();
    let names = many(&pipeline);
    let args = in_namespaces(&names);
    pipeline.sync("token-0", &args).done();
    let mut held: BTreeMap<String, String> = names.iter().map(|name| (name.clone(), "token-0".to_owned())).collect();
    assert_eq!(pipeline.tokens(), held);

    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    let mut random = u64::from(seed | 1);
    let mut below = |limit: u64| {
        // xorshift64
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % limit
    };
    let mut was_half_way = 0;
    let mut before = "token-0".to_owned();
    for kill in 1..=KILLS {
        let token = format!("token-{kill}");
        let mut running = Running::sync(&pipeline, &token, &args);
        // At a random line, and a random moment of the writes that are then under way.
        let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
        for _ in 0..below(200) {
            lines.next().unwrap().unwrap();
        }
        std::thread::sleep(Duration::from_micros(below(3000)));
        running.0.kill().unwrap();
        running.0.wait().unwrap();
        let now = pipeline.tokens();
        assert_eq!(now.len(), MANY);
        for (name, is) in &now {
            let was = &held[name];
            // A write of the run before may have been under way in the server when that was read.
            assert!(
                is == was || *is == token || *is == before,
                "{name} held {was} and holds {is} after {token}; seed {seed}"
            );
        }
        let new = now.values().filter(|is| **is == token).count();
        was_half_way += usize::from(0 < new && new < MANY);
        held = now;
        before = token;
    }
    assert!(
        was_half_way > KILLS / 2,
        "killed in the middle only {was_half_way} times"
    );
    let last = pipeline.sync("last", &args);
    assert_eq!((last.code, summary(&last)), (0, "200 configured"), "{last}");
    assert!(pipeline.tokens().values().all(|is| is == "last"));
    let again = pipeline.sync("last", &args);
    assert_eq!((again.code, summary(&again)), (0, "200 unchanged"), "{again}");
}

scenario!(ctrl_c_lets_writes_under_way_end, needs(CONTROL_PLANE));
fn ctrl_c_lets_writes_under_way_end() {
    let pipeline = Pipeline::real();
    let names = many(&pipeline);
    let args = in_namespaces(&names);
    let mut running = Running::sync(&pipeline, "one", &args);
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let mut done: Vec<String> = (0..40).map(|_| lines.next().unwrap().unwrap()).collect();
    running.interrupt();
    done.extend(lines.map(Result::unwrap));
    let mut stderr = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    let code = running.0.wait().unwrap().code();
    assert_eq!(code, Some(130), "{stderr}");
    assert!(stderr.contains("interrupted: waiting for "), "{stderr}");
    assert!(stderr.contains("hint: run it again"), "{stderr}");
    let says = format!("{} created, {} not tried\n", done.len(), MANY - done.len());
    assert!(stderr.contains(&says), "{says}{stderr}");
    // What it says is so: no more and no less was written.
    let held = pipeline.tokens();
    assert_eq!(held.len(), done.len());
    for name in held.keys() {
        assert!(done.contains(&format!("secret/{SECRET} created in namespace {name}")));
    }
    let again = pipeline.sync("one", &args);
    let says = format!("{} created, {} unchanged", MANY - done.len(), done.len());
    assert_eq!((again.code, summary(&again)), (0, says.as_str()), "{again}");
}

scenario!(a_second_ctrl_c_ends_at_once);
fn a_second_ctrl_c_ends_at_once() {
    let pipeline = Pipeline::of_double();
    let names = ["a", "b", "c"].map(|name| pipeline.create_namespace(name));
    pipeline.double().fail_in(&names[2], Fault::Hang);
    let mut running = Running::sync(&pipeline, "one", &in_namespaces(&names));
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    for name in &names[..2] {
        assert_eq!(
            lines.next().unwrap().unwrap(),
            format!("secret/{SECRET} created in namespace {name}")
        );
    }
    let mut messages = BufReader::new(running.0.stderr.take().unwrap()).lines();
    running.interrupt();
    assert_eq!(
        messages.next().unwrap().unwrap(),
        "interrupted: waiting for 1 that is in progress; press Ctrl-C again to stop immediately"
    );
    running.interrupt();
    let rest: Vec<_> = messages.map(Result::unwrap).collect();
    assert_eq!(
        rest,
        [
            "2 created, 1 cut off",
            "hint: run it again; finished Secrets are not written again"
        ]
    );
    assert_eq!(running.0.wait().unwrap().code(), Some(130));
}

scenario!(ctrl_c_before_anything_was_begun);
fn ctrl_c_before_anything_was_begun() {
    let pipeline = Pipeline::of_double();
    pipeline.double().fail(Fault::Hang, 1);
    let context = pipeline.plane.context();
    let args = ["-A", "--context", context, "--context", "other", "-o", "json"];
    let mut running = Running::sync(&pipeline, "one", &args);
    while pipeline.double().recorded().is_empty() {
        std::thread::yield_now();
    }
    running.interrupt();
    let mut stderr = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(running.0.wait().unwrap().code(), Some(130), "{stderr}");
    assert!(stderr.contains("2 contexts not begun\n"), "{stderr}");
    let document: serde_json::Value = serde_json::from_reader(running.0.stdout.take().unwrap()).unwrap();
    let items = document["items"].as_array().unwrap().iter();
    let items: Vec<_> = items.map(|item| (&item["context"], &item["action"])).collect();
    assert_eq!(items.len(), 2);
    assert!(items[0].0 == context && items[1].0 == "other" && items.iter().all(|(_, action)| *action == "notTried"));
}

scenario!(progress_is_for_those_who_watch);
fn progress_is_for_those_who_watch() {
    let pipeline = Pipeline::of_double();
    let names: Vec<String> = (0..20)
        .map(|number| pipeline.create_namespace(&number.to_string()))
        .collect();
    let at_terminal = |term: &str, names: &[String]| {
        let registry = pipeline.registry();
        let mut args = vec!["--registry", &registry, "-u", "admin", "--token-env", VARIABLE];
        args.extend(in_namespaces(names));
        let mut command = pipeline.command("one", &args);
        command.env("TERM", term).env("NO_COLOR", "1");
        command
            .stdin(Stdio::inherit())
            .stdout(Stdio::inherit())
            .stderr(Stdio::inherit());
        let mut session = rexpect::session::spawn_command(command, Some(60_000)).unwrap();
        session.exp_eof().unwrap()
    };
    let shown = at_terminal("xterm", &names);
    assert!(
        shown.contains("\r0/20 Secrets") && shown.contains("19/20 Secrets"),
        "{shown:?}"
    );
    assert!(!shown.contains('\u{1b}'), "a carriage return is enough: {shown:?}");
    // Nothing of it is left when a line is printed.
    let last = shown.lines().last().unwrap();
    assert_eq!(last.rsplit('\r').next().unwrap(), "20 created", "{shown:?}");
    assert!(!at_terminal("dumb", &names).contains("/20"));
    assert!(!at_terminal("xterm", &names[..1]).contains("/1"), "one is no progress");
    assert!(!pipeline.sync("one", &in_namespaces(&names)).stderr.contains("/20"));
}
