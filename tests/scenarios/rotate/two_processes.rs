//! Two processes of one machine at the same token: while one waits for a password or a server, another one is started.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Cursor, Read};

use regcred::commands::{self, System};
use regcred::keychain::Keychain;
use regcred::model::{Use, rotation::Phase};
use regcred::output::Output;
use regcred::sys::env::Env;

use super::fixture::{PASSWORD, Rotation};
use crate::support::gate::Manner;
use crate::support::gitea::Profile;
use crate::support::world::{Ran, World, credential};

const MINT: &str = "--mint --password-stdin";
/// What a process says that finds the keychain's item changed.
const CHANGED: &str = "error: another program changed the keychain's item for ";

/// `kubectl regcred` at a workstation, to be run in any thread.
struct Process {
    env: Env,
    keychain: Keychain,
    line: String,
}

impl Process {
    fn new(world: &World, line: &str) -> Self {
        Self {
            env: world.env(),
            keychain: world.keychain(),
            line: line.replace("[REGISTRY]", &world.registry()),
        }
    }

    fn rotate(rotation: &Rotation, args: &str) -> Self {
        let line = format!("rotate [REGISTRY] --use {} {args}", rotation.usage);
        Self::new(&rotation.world, &line)
    }

    /// As where files cannot be locked: it sees no lock of others.
    fn without_locks(mut self) -> Self {
        let pairs = self.env.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut pairs: BTreeMap<OsString, OsString> = pairs.collect();
        let home = self.env.home().unwrap();
        pairs.insert("XDG_STATE_HOME".into(), home.join("state of another").into());
        self.env = pairs.into_iter().collect();
        self
    }

    fn run(self, stdin: impl Read) -> Ran {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let code = {
            let keychain = self.keychain;
            let mut system = System {
                env: self.env,
                stdin: Box::new(stdin),
                output: Output::new(&mut stdout, false, &mut stderr),
                person: None,
                open_keychain: Box::new(move |_| Ok(keychain.clone())),
                handles_interrupts: false,
            };
            let args = std::iter::once("kubectl-regcred").chain(self.line.split_whitespace());
            commands::run(args, &mut system).code().into()
        };
        Ran {
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
            code,
        }
    }

    /// Runs it where something happens between the question for the password and the answer.
    fn run_while(self, meanwhile: impl FnOnce()) -> Ran {
        let stdin = Slow {
            meanwhile: Some(meanwhile),
            text: Cursor::new(format!("{PASSWORD}\n")),
        };
        self.run(stdin)
    }

    /// Runs both: the other one begins while this one waits for the password, and runs to its end.
    fn run_during(self, other: Self) -> (Ran, Ran) {
        let mut second = None;
        let first = self.run_while(|| {
            let thread = std::thread::spawn(move || other.run(Cursor::new(format!("{PASSWORD}\n"))));
            second = Some(thread.join().unwrap());
        });
        let second = second.unwrap_or_else(|| panic!("nobody asked for the password: {first}"));
        (first, second)
    }
}

/// A standard input on which the answer takes its time.
struct Slow<F> {
    meanwhile: Option<F>,
    text: Cursor<String>,
}

impl<F: FnOnce()> Read for Slow<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if let Some(meanwhile) = self.meanwhile.take() {
            meanwhile();
        }
        self.text.read(buffer)
    }
}

/// A rotation that was killed after Gitea has made the token: before the keychain has it, or after.
fn killed(phase: Phase) -> Rotation {
    let unharmed = Rotation::new(World::of_doubles(), Use::Cluster);
    unharmed.rotate(MINT).done();
    let points = unharmed.world.gate.crossed();
    let made = points
        .iter()
        .position(|point| point.starts_with("after POST "))
        .unwrap();
    let number = match phase {
        Phase::Minting => made,
        _ => {
            made + points[made..]
                .iter()
                .position(|point| point == "after keychain write")
                .unwrap()
        }
    };
    let rotation = Rotation::new(World::of_doubles(), Use::Cluster);
    rotation.world.gate.stop_at(number, Manner::Fail);
    let ran = rotation.rotate(MINT);
    rotation.world.gate.open();
    let pending = rotation.kept().rotation.map(|rotation| rotation.phase);
    assert_eq!(pending, Some(phase), "{ran}");
    assert_eq!(rotation.alive(), 2, "{ran}");
    rotation
}

/// A rotation at a Gitea that revokes only with the account's password, with a new token in `NEW_TOKEN`.
fn with_given_token() -> Rotation {
    let mut rotation = Rotation::new(World::of_doubles(), Use::Cluster);
    rotation.world.gitea.state().profile = Profile::V1_22;
    let token = rotation.another_token();
    rotation.world.variables.insert("NEW_TOKEN".to_owned(), token.into());
    rotation
}

fn check_refused(rotation: &Rotation, ran: &Ran) {
    let says = format!(
        "error: another `kubectl regcred rotate` of the token of {} for cluster is running\nhint: wait until it has ended",
        rotation.world.registry()
    );
    assert!(ran.code == 1 && ran.stderr.starts_with(&says), "{says}\n{ran}");
}

/// It says why it stopped, and nothing of a rotation that is not as it thinks.
fn check_overtaken(ran: &Ran) {
    assert!(ran.code == 1 && ran.stderr.contains(CHANGED), "{ran}");
    assert!(
        !ran.stderr.contains(" finishes it") && !ran.stderr.contains("deleted the token"),
        "{ran}"
    );
}

scenario!(one_that_waits_for_a_password_keeps_others_out);
fn one_that_waits_for_a_password_keeps_others_out() {
    for way in ["--resume", "--abort"] {
        for others in ["--resume", "--abort", MINT] {
            let rotation = killed(Phase::Minting);
            let others = others.trim_end_matches(" --password-stdin");
            let other = Process::rotate(&rotation, &format!("{others} --password-stdin"));
            let this = Process::rotate(&rotation, &format!("{way} --password-stdin"));
            let (first, second) = this.run_during(other);
            check_refused(&rotation, &second);
            assert_eq!(first.code, 0, "{first}");
            rotation.check_ended(&format!("{way}, during it {others}\n{first}{second}"));
            assert_eq!(rotation.alive(), 1, "{first}{second}");
        }
    }
}

scenario!(one_that_writes_keeps_others_out);
fn one_that_writes_keeps_others_out() {
    let rotation = killed(Phase::Writing);
    let other = Process::rotate(&rotation, "--abort --password-stdin");
    let (give, take) = std::sync::mpsc::channel();
    rotation.world.gitea.meanwhile("GET /api/v1/token", move || {
        give.send(other.run(Cursor::new(format!("{PASSWORD}\n")))).unwrap();
    });
    let first = rotation.rotate("--resume");
    let second = take.recv().unwrap();
    check_refused(&rotation, &second);
    assert_eq!(first.code, 0, "{first}");
    rotation.check_ended(&format!("{first}{second}"));
    assert_ne!(rotation.served(), rotation.old, "{first}{second}");
    assert_eq!(rotation.alive(), 1, "{first}{second}");
}

scenario!(a_plan_keeps_nobody_out);
fn a_plan_keeps_nobody_out() {
    let rotation = with_given_token();
    let plan = Process::rotate(&rotation, "--mint --dry-run=client");
    let this = Process::rotate(&rotation, "--token-env NEW_TOKEN --password-stdin");
    let (first, second) = this.run_during(plan);
    assert_eq!(first.code, 0, "{first}");
    assert!(second.stderr.contains(" is pending (revoking)"), "{second}");
    rotation.check_ended(&format!("{first}{second}"));
}

scenario!(what_another_one_made_is_not_deleted);
/// The name of the token that may be there is known from before the prompt, and by then it may be in use.
fn what_another_one_made_is_not_deleted() {
    for way in ["--resume", "--abort"] {
        let rotation = killed(Phase::Minting);
        let other = Process::rotate(&rotation, "--resume --password-stdin").without_locks();
        let this = Process::rotate(&rotation, &format!("{way} --password-stdin"));
        let (first, second) = this.run_during(other);
        assert_eq!(second.code, 0, "{second}");
        check_overtaken(&first);
        rotation.check_ended(&format!("{way}\n{first}{second}"));
        assert_ne!(rotation.served(), rotation.old, "{first}{second}");
        assert_eq!(rotation.alive(), 1, "{first}{second}");
    }
}

scenario!(an_attempt_that_fails_again_and_again_leaves_one_name);
fn an_attempt_that_fails_again_and_again_leaves_one_name() {
    let rotation = killed(Phase::Minting);
    let journal = || rotation.kept().rotation.unwrap().journal;
    let before = journal();
    for _ in 0..3 {
        let ran = rotation.rotate_with("--resume --password-stdin", "wrong\n");
        assert_eq!(ran.code, 1, "{ran}");
        assert_eq!(journal(), before, "{ran}");
    }
    rotation.end("--resume", true, "with the right password");
}

scenario!(a_token_that_is_current_again_is_not_revoked);
fn a_token_that_is_current_again_is_not_revoked() {
    let rotation = with_given_token();
    let other = Process::rotate(&rotation, "--abort").without_locks();
    let this = Process::rotate(&rotation, "--token-env NEW_TOKEN --password-stdin");
    let (first, second) = this.run_during(other);
    assert_eq!(second.code, 0, "{second}");
    check_overtaken(&first);
    rotation.check_ended(&format!("{first}{second}"));
    assert_eq!(rotation.served(), rotation.old, "{first}{second}");
}

scenario!(a_token_that_is_stored_for_another_use_is_not_revoked);
fn a_token_that_is_stored_for_another_use_is_not_revoked() {
    let rotation = with_given_token();
    let (keychain, again) = (
        rotation.world.keychain(),
        credential(&rotation.world.registry(), "admin", &rotation.old),
    );
    let this = Process::rotate(&rotation, "--token-env NEW_TOKEN --password-stdin");
    let ran = this.run_while(|| keychain.put("ci".parse().unwrap(), &again).unwrap());
    let says = "error: the same token is also stored for ci, which would stop working when it is revoked\n";
    assert!(ran.code == 1 && ran.stderr.contains(says), "{says}\n{ran}");
    assert!(rotation.works(&rotation.old), "{ran}");
    rotation.rotate("--resume --keep-old").done();
    rotation.check_ended("without revoking it");
    assert!(rotation.works(&rotation.old));
}

scenario!(logout_revokes_nothing_that_is_rotated_or_stored_meanwhile);
fn logout_revokes_nothing_that_is_rotated_or_stored_meanwhile() {
    let logged_in = || {
        let mut world = World::of_doubles();
        world.gitea.state().profile = Profile::V1_22;
        let [old, new] = ["write:package"; 2].map(|scopes| world.gitea.add_token("admin", scopes));
        world.keep("admin", &old);
        world.variables.insert("NEW_TOKEN".to_owned(), new.into());
        (world, old)
    };
    let logout = "logout [REGISTRY] --use docker --revoke --password-stdin";

    let (world, old) = logged_in();
    // Without a password it cannot revoke the old token, and stays pending.
    let other = Process::new(
        &world,
        "rotate [REGISTRY] --use docker --no-secrets --token-env NEW_TOKEN",
    );
    let (first, second) = Process::new(&world, logout).run_during(other);
    assert!(
        second.code == 1 && second.stderr.contains("--resume finishes it"),
        "{second}"
    );
    let says = format!(
        "error: the credential of {} (docker) is being rotated\n",
        world.registry()
    );
    assert!(first.code == 1 && first.stderr.contains(&says), "{says}\n{first}");
    assert!(world.gitea.knows("admin", &old), "{first}");

    let (world, old) = logged_in();
    let (keychain, again) = (world.keychain(), credential(&world.registry(), "admin", &old));
    let ran = Process::new(&world, logout).run_while(|| keychain.put(Use::Cluster, &again).unwrap());
    let says = "error: the same token is also stored for cluster, which would stop working\n";
    assert!(ran.code == 1 && ran.stderr.contains(says), "{says}\n{ran}");
    assert!(world.gitea.knows("admin", &old), "{ran}");
}
