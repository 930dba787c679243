//! What is left of a token in the memory of a program that handled it, in the moment in which it is about to end: strace holds
//! it in its last system call, when all that it owned is freed and nothing is unmapped yet.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::strace::forms;
use crate::support::bus::Running;
use crate::support::part::until;
use crate::support::parts::{REAL_PARTS, STRACE};
use crate::support::world::{World, auth};
use crate::support::{HELPER, PLUGIN};

const PAGE: usize = 4096;

scenario!(the_helper_leaves_no_token, needs(REAL_PARTS, STRACE));
fn the_helper_leaves_no_token() {
    let world = World::of_real_parts();
    let token = world.gitea.add_token("admin", "write:package");
    let store = serde_json::json!({"ServerURL": world.registry(), "Username": "admin", "Secret": token}).to_string();
    for (action, stdin) in [("store", store), ("get", world.registry()), ("erase", world.registry())] {
        let left = left(&world, Path::new(HELPER), &[action], &stdin, &[&token]);
        assert!(left.is_empty(), "{action}: {left:?}");
        // What the next one is asked for.
        let _ = world.helper(action, &stdin).done();
    }
}

scenario!(the_plugin_leaves_no_token, needs(REAL_PARTS, STRACE));
fn the_plugin_leaves_no_token() {
    let world = World::of_real_parts();
    let first = world.gitea.add_token("admin", "write:package");
    let second = world.gitea.add_token("admin", "write:package");
    let login = format!(
        "docker login -u admin -p {first}\nREGISTRY_AUTH={}\n",
        auth("admin", &first)
    );
    fs::write(world.home().join("notes"), login).unwrap();
    for (line, stdin) in [
        ("login [REGISTRY] -u admin --token-stdin", first.as_str()),
        ("sync -n [NAMESPACE]", ""),
        ("status -n [NAMESPACE]", ""),
        ("where --offline --scan .", ""),
        ("rotate [REGISTRY] -n [NAMESPACE] --token-stdin", second.as_str()),
        ("logout [REGISTRY]", ""),
    ] {
        let line = line
            .replace("[REGISTRY]", &world.registry())
            .replace("[NAMESPACE]", &world.namespace);
        let args: Vec<&str> = line.split_whitespace().collect();
        let left = left(&world, Path::new(PLUGIN), &args, stdin, &[&first, &second]);
        assert!(left.is_empty(), "{line}: {left:?}");
    }
}

scenario!(no_core_is_dumped);
/// Killed as a crash would kill it, while it waits for the rest of a token.
fn no_core_is_dumped() {
    let folder = tempfile::tempdir().unwrap();
    let crash = |args: &[&str], is_ready: &dyn Fn(&Path) -> bool| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -S -c $(ulimit -H -c) && exec \"$@\"", "sh"]);
        shell.args(args).current_dir(&folder).stdin(Stdio::piped());
        let mut running = Running::start(&mut shell);
        let mut stdin = running.0.stdin.take().unwrap();
        stdin.write_all(b"{\"ServerURL\":\"s3cret").unwrap();
        let process = Path::new("/proc").join(running.0.id().to_string());
        until("it has begun", || is_ready(&process));
        // Rust's own handler lets the first SIGSEGV pass that comes from outside.
        running.signal("ABRT");
        let status = running.0.wait().unwrap();
        assert_eq!(status.signal(), Some(6), "{args:?}");
        // Not by what wait(2) says of it: Linux 6.18 says so too where the limit let nothing be written.
        let cores: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        for core in &cores {
            fs::remove_file(core).unwrap();
        }
        !cores.is_empty()
    };
    let runs = |process: &Path, program: &str| {
        let comm = fs::read_to_string(process.join("comm")).unwrap();
        // The kernel keeps fifteen characters of a name.
        program.rsplit('/').next().unwrap().starts_with(comm.trim_end())
    };
    // The shell before it can have the same limit.
    let has_no_limit_left = |program: &str| {
        let program = program.to_owned();
        move |process: &Path| {
            let limits = fs::read_to_string(process.join("limits")).unwrap();
            let core = limits.lines().find(|line| line.starts_with("Max core file size"));
            runs(process, &program) && core.unwrap().split_whitespace().nth(4) == Some("0")
        }
    };
    let login = "login gitea.example.com -u admin --token-stdin --no-verify";
    let plugin: Vec<&str> = std::iter::once(PLUGIN).chain(login.split(' ')).collect();
    for args in [&plugin[..], &[HELPER, "store"]] {
        assert!(!crash(args, &has_no_limit_left(args[0])), "{args:?}");
    }
    // What shows that the look itself sees one, where this machine writes any.
    let dumps = crash(&["cat"], &|process| runs(process, "cat"));
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    assert!(
        dumps || pattern.starts_with('|') || !can_dump(),
        "cat was to leave a core"
    );
}

/// Whether the limit that this process may not raise lets one be written.
fn can_dump() -> bool {
    let limit = Command::new("sh").args(["-c", "ulimit -H -c"]).output().unwrap();
    limit.stdout != b"0\n"
}

scenario!(a_token_would_be_seen, needs(REAL_PARTS, STRACE));
/// The look itself: a program that zeroes nothing is found out.
fn a_token_would_be_seen() {
    let world = World::of_real_parts();
    let secret = "0123456789abcdef0123456789abcdef01234567";
    let shell = fs::canonicalize("/bin/sh").unwrap();
    let left = left(
        &world,
        &shell,
        &["-c", "read secret; unset secret"],
        &format!("{secret}\n"),
        &[secret],
    );
    assert!(!left.is_empty());
}

/// Runs a program until it is about to end, and says where something of `secrets` lies.
fn left(world: &World, program: &Path, args: &[&str], stdin: &str, secrets: &[&str]) -> Vec<String> {
    let log = world.folder().join("tmp/exit.log");
    let mut strace = world.command("strace");
    // It is not waited out: once strace is gone, the program ends.
    strace.args([
        "-q",
        "-e",
        "trace=exit_group",
        "--inject=exit_group:delay_enter=3600s",
        "-o",
    ]);
    strace.arg(&log).arg(program).args(args).stdin(Stdio::piped());
    let mut running = Running::start(&mut strace);
    running.0.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    let mut code = None;
    until("the program is about to end", || {
        code = exit_code(&fs::read_to_string(&log).unwrap_or_default());
        code.is_some()
    });
    // 3 is a status that found something.
    assert!(
        matches!(code.as_deref(), Some("0" | "3")),
        "{args:?} ends with {code:?}"
    );
    let strace = running.0.id();
    let children = fs::read_to_string(format!("/proc/{strace}/task/{strace}/children")).unwrap();
    let process = Path::new("/proc").join(children.trim());
    assert_eq!(fs::read_link(process.join("exe")).unwrap(), program);
    let found = search(&process, secrets);
    fs::remove_file(log).unwrap();
    found
}

/// What the program that strace watches is about to end with.
fn exit_code(log: &str) -> Option<String> {
    let (_, call) = log.split_once("exit_group(")?;
    let code: String = call.chars().take_while(char::is_ascii_digit).collect();
    (!code.is_empty()).then_some(code)
}

/// The writable mappings with one of `secrets` in them, in whatever form. Half of one is enough: whoever allocates
/// writes over the begin of what was freed.
fn search(process: &Path, secrets: &[&str]) -> Vec<String> {
    let forms: Vec<String> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    let halves: Vec<&[u8]> = forms
        .iter()
        .flat_map(|form| <[&[u8]; 2]>::from(form.as_bytes().split_at(form.len() / 2)))
        .collect();
    let mut found = None;
    // The stack of a thread that ends in between is not there any more.
    until("the memory's mappings stay", || {
        found = search_once(process, &halves).ok();
        found.is_some()
    });
    found.unwrap()
}

fn search_once(process: &Path, halves: &[&[u8]]) -> io::Result<Vec<String>> {
    let memory = File::open(process.join("mem"))?;
    let maps = fs::read_to_string(process.join("maps"))?;
    let writable: Vec<&str> = maps.lines().filter(|line| line.contains(" rw")).collect();
    assert!(writable.iter().any(|line| line.ends_with("[heap]")), "{maps}");
    let mut found = Vec::new();
    for mapping in writable {
        let used = used(&memory, mapping)?;
        let hit = |half: &&&[u8]| used.windows(half.len()).any(|window| window == **half);
        found.extend(halves.iter().find(hit).map(|_| mapping.to_owned()));
    }
    Ok(found)
}

/// What lies in a mapping, without pages that were never touched.
fn used(memory: &File, mapping: &str) -> io::Result<Vec<u8>> {
    let range = mapping
        .split(' ')
        .next()
        .and_then(|range| range.split_once('-'))
        .unwrap();
    let [start, end] = <[&str; 2]>::from(range).map(|address| u64::from_str_radix(address, 16).unwrap());
    let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
    memory.read_exact_at(&mut bytes, start)?;
    let used = bytes.chunks(PAGE).filter(|page| **page != [0; PAGE]);
    Ok(used.flatten().copied().collect())
}
