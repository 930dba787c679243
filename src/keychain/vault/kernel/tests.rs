//! On the real kernel. Tests that need a different kind of process run [`in_another_process`].

use std::process::Command;
use std::time::Instant;

use super::*;

const KEY: &str = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ";

/// For [`in_another_process`]: the vault's id, and what to do with its key.
const ID: &str = "REGCRED_TEST_VAULT_ID";
const TASK: &str = "REGCRED_TEST_VAULT_TASK";

/// If set, a kernel that keeps no keys is a failure.
const REQUIRE: &str = "REGCRED_TEST_REQUIRE_PARTS";

/// The id of a test's vault. Its keys are removed on drop.
struct Vault(String);

impl Vault {
    /// `None`, with a message, if the kernel keeps no keys for us.
    fn new() -> Option<Self> {
        if let Err(refused) = probe() {
            assert!(std::env::var_os(REQUIRE).is_none(), "{refused}");
            skipped(&refused.to_string());
            return None;
        }
        let random = RandomState::new().hash_one(std::process::id());
        Some(Self(format!("test-{random:016x}")))
    }

    fn get(&self) -> Option<UnlockedKey> {
        get(&self.0).unwrap()
    }

    fn key(&self) -> Option<String> {
        self.get().map(|held| held.key.to_string())
    }

    /// Runs [`in_another_process`] with `wrapper`, if that works here.
    fn run(&self, wrapper: &[&str], task: &str) -> bool {
        let within = |program: &std::path::Path| {
            let mut command = Command::new(wrapper[0]);
            command.args(&wrapper[1..]).arg(program);
            command
        };
        if !within("true".as_ref())
            .output()
            .is_ok_and(|output| output.status.success())
        {
            assert!(std::env::var_os(REQUIRE).is_none(), "{wrapper:?} does not work");
            skipped(&format!("{wrapper:?} does not work here"));
            return false;
        }
        let test = concat!(module_path!(), "::in_another_process");
        let test = test.split_once("::").unwrap().1;
        let output = within(&std::env::current_exe().unwrap())
            .args(["--exact", test, "--ignored"])
            .env(ID, &self.0)
            .env(TASK, task)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && told.contains("1 passed"),
            "{wrapper:?} {task}: {told}"
        );
        true
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        let _ = remove(&self.0);
    }
}

#[expect(
    clippy::print_stderr,
    reason = "there is no other way to say that a test did not take place"
)]
fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

#[test]
#[ignore = "run by the other tests, in a process of another kind"]
fn in_another_process() {
    let id = std::env::var(ID).unwrap();
    match std::env::var(TASK).unwrap().as_str() {
        "find" => assert_eq!(*get(&id).unwrap().unwrap().key, KEY),
        "find nothing" => assert!(get(&id).unwrap().is_none()),
        "keep" => {
            put(&id, KEY, None).unwrap();
            assert_eq!(*get(&id).unwrap().unwrap().key, KEY);
        }
        "remove" => {
            assert!(remove(&id).unwrap());
            assert!(get(&id).unwrap().is_none());
        }
        "be forbidden" => {
            assert_eq!(get(&id).unwrap_err(), KernelKeyringError::Forbidden);
            assert_eq!(put(&id, KEY, None).unwrap_err(), KernelKeyringError::Forbidden);
            assert_eq!(remove(&id).unwrap_err(), KernelKeyringError::Forbidden);
            assert_eq!(probe().unwrap_err(), KernelKeyringError::Forbidden);
        }
        "be without" => {
            assert_eq!(get(&id).unwrap_err(), KernelKeyringError::Absent);
            assert_eq!(probe().unwrap_err(), KernelKeyringError::Absent);
        }
        "be unable to keep" => {
            assert!(get(&id).unwrap().is_none());
            assert_eq!(probe().unwrap_err(), KernelKeyringError::Absent);
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_key_is_there_until_it_is_removed() {
    let Some(vault) = Vault::new() else { return };
    assert!(vault.get().is_none());
    assert_eq!(put(&vault.0, KEY, None), Ok(None));
    let held = vault.get().unwrap();
    assert_eq!((held.key.as_str(), held.until), (KEY, None));
    assert_eq!(remove(&vault.0), Ok(true));
    assert!(vault.get().is_none());
    assert_eq!(remove(&vault.0), Ok(false));
}

#[test]
fn each_vault_has_its_key() {
    let (Some(one), Some(other)) = (Vault::new(), Vault::new()) else {
        return;
    };
    put(&one.0, KEY, None).unwrap();
    put(&other.0, "AGE-SECRET-KEY-1OTHER", None).unwrap();
    assert_eq!(one.key().as_deref(), Some(KEY));
    assert_eq!(remove(&other.0), Ok(true));
    assert_eq!(one.key().as_deref(), Some(KEY));
}

#[test]
fn a_key_expires() {
    let Some(vault) = Vault::new() else { return };
    let before = SystemTime::now();
    let until = put(&vault.0, KEY, Some(Duration::from_millis(700))).unwrap().unwrap();
    assert!(until <= SystemTime::now() + Duration::from_secs(1) && until > before - Duration::from_secs(1));
    gone(&vault);
    assert_eq!(remove(&vault.0), Ok(false));
    // An expired key does not block the next one.
    put(&vault.0, KEY, None).unwrap();
    assert_eq!(vault.key().as_deref(), Some(KEY));
}

#[test]
fn the_next_key_replaces_the_one_before_and_its_time() {
    let Some(vault) = Vault::new() else { return };
    let hour = Duration::from_secs(3600);
    let until = put(&vault.0, "AGE-SECRET-KEY-1OLD", Some(hour)).unwrap();
    assert_eq!(vault.get().unwrap().until, until);
    assert_eq!(put(&vault.0, KEY, None), Ok(None));
    let held = vault.get().unwrap();
    assert_eq!((held.key.as_str(), held.until), (KEY, None));
    put(&vault.0, KEY, Some(Duration::from_secs(1))).unwrap();
    gone(&vault);
}

/// Waits until the key has expired.
fn gone(vault: &Vault) {
    let end = Instant::now() + Duration::from_secs(60);
    while vault.get().is_some() {
        assert!(Instant::now() < end, "it is still there");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn foreign_keys_are_ignored_and_replaced() {
    let Some(vault) = Vault::new() else { return };
    for payload in [
        &b"\xff\xfe"[..],
        b"\n12",
        b"KEY\nsoon",
        b"KEY\n1\n2",
        &[b'x'; MAX_PAYLOAD + 1],
    ] {
        keep(&description(&vault.0), payload, None).unwrap();
        assert!(vault.get().is_none(), "{payload:?}");
    }
    put(&vault.0, KEY, None).unwrap();
    assert_eq!(vault.key().as_deref(), Some(KEY));
}

#[test]
fn unreadable_keys_are_not_kept() {
    for key in ["", "two\nlines", "KEY\n12", &"x".repeat(MAX_PAYLOAD + 1)] {
        assert_eq!(put("test-unfit", key, None), Err(KernelKeyringError::Unfit));
    }
}

#[test]
fn only_the_user_s_own_keyring_holds_a_key() {
    let Some(vault) = Vault::new() else { return };
    put(&vault.0, KEY, None).unwrap();
    let thread = ring(KeyRingIdentifier::Thread).unwrap();
    assert_eq!(thread.search(&description(&vault.0)), Err(KeyError::KeyDoesNotExist));
    // /proc/keys shows the same one.
    assert_eq!(
        visible_keys(&description(&vault.0)),
        Vec::from_iter(search(&description(&vault.0)).unwrap())
    );
}

#[test]
fn a_probe_leaves_nothing() {
    if Vault::new().is_none() {
        return;
    }
    let before = probes();
    probe().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    // Other tests' keys come and go.
    while probes().iter().any(|line| !before.contains(line)) {
        assert!(Instant::now() < end, "{:?}", probes());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn probes() -> Vec<String> {
    let listing = fs::read(KEYS).unwrap();
    let listing = String::from_utf8_lossy(&listing).into_owned();
    listing
        .lines()
        .filter(|line| line.contains(":probe:"))
        .map(str::to_owned)
        .collect()
}

/// A session whose keyring does not link to the user's, as after `sshd` without `pam_keyinit`; and a daemon's child.
#[test]
fn processes_that_do_not_possess_the_key_find_keep_and_remove_it() {
    let Some(vault) = Vault::new() else { return };
    for wrapper in [&["keyctl", "session", "-"][..], &["setsid", "--wait"]] {
        put(&vault.0, KEY, None).unwrap();
        if !vault.run(wrapper, "find") {
            continue;
        }
        vault.run(wrapper, "remove");
        assert!(vault.get().is_none());
        vault.run(wrapper, "keep");
        assert_eq!(vault.key().as_deref(), Some(KEY));
    }
}

#[test]
fn a_user_namespace_finds_and_removes_the_key_of_outside() {
    let Some(vault) = Vault::new() else { return };
    // Another vault's key is not mistaken for it.
    let Some(older) = Vault::new() else { return };
    put(&older.0, "AGE-SECRET-KEY-1OLDER", None).unwrap();
    for namespace in [
        &["unshare", "--user", "--map-root-user"][..],
        &["unshare", "--user", "--map-current-user"],
    ] {
        if !vault.run(namespace, "find nothing") {
            continue;
        }
        put(&vault.0, KEY, None).unwrap();
        vault.run(namespace, "find");
        vault.run(&[namespace, &["unshare", "--user", "--map-root-user"]].concat(), "find");
        vault.run(namespace, "remove");
        assert!(vault.get().is_none());
        assert!(older.get().is_some());
    }
}

#[test]
fn a_user_namespaces_key_ends_with_it() {
    let Some(vault) = Vault::new() else { return };
    if vault.run(&["unshare", "--user", "--map-root-user"], "keep") {
        gone(&vault);
    }
}

/// `EPERM` comes from docker's default seccomp profile, `ENOSYS` from gVisor; podman's profile allows only keyctl(2).
#[test]
fn kernel_errors_have_names() {
    let Some(vault) = Vault::new() else { return };
    let injected = |calls: &str, error: &str| format!("--inject={calls}:error={error}");
    for (calls, error, task) in [
        ("keyctl,add_key", "EPERM", "be forbidden"),
        ("keyctl,add_key", "EACCES", "be forbidden"),
        ("keyctl,add_key", "ENOSYS", "be without"),
        ("add_key", "ENOSYS", "be unable to keep"),
    ] {
        let inject = injected(calls, error);
        vault.run(&["strace", "-f", "-qq", "-o", "/dev/null", &inject], task);
    }
}

#[test]
fn refusals_by_number() {
    let new = |cause| refused("keep a key", cause);
    assert_eq!(new(KeyError::AccessDenied), KernelKeyringError::Forbidden);
    assert_eq!(new(KeyError::PermissionDenied), KernelKeyringError::Forbidden);
    assert_eq!(new(KeyError::QuotaExceeded), KernelKeyringError::Quota);
    assert_eq!(new(KeyError::OperationNotSupported), KernelKeyringError::Absent);
    let other = new(KeyError::Unknown(5)).to_string();
    assert!(
        other.starts_with("the kernel's keyring failed to keep a key: ") && other.contains('5'),
        "{other}"
    );
}

#[test]
fn every_refusal_of_the_kernel_names_the_file() {
    for refused in [
        KernelKeyringError::Forbidden,
        KernelKeyringError::Absent,
        KernelKeyringError::Quota,
        refused("x", KeyError::OutOfMemory),
    ] {
        assert!(
            refused.hint().unwrap().contains("REGCRED_VAULT_KEY_FILE"),
            "{refused:?}"
        );
    }
}

#[test]
fn a_lifetime_is_rounded_up() {
    assert_eq!(seconds(Duration::ZERO), 1);
    assert_eq!(seconds(Duration::from_millis(1)), 1);
    assert_eq!(seconds(Duration::from_millis(1001)), 2);
    assert_eq!(seconds(Duration::from_secs(43200)), 43200);
    assert_eq!(seconds(Duration::MAX), u32::MAX);
}

#[test]
fn a_line_of_proc_keys_is_the_key_of_that_user_and_name() {
    let line = |user: &str, kind: &str, name: &str| {
        format!("1e6f3611 I--Q---     1  12h 3f0b0000 {user:>5} 65534 {kind:<9} {name}: 74")
    };
    let found =
        |line: &str| serial(line, 1000, |name| name == "kubectl-regcred:vault:a").map(|serial| serial.as_raw_id());
    assert_eq!(
        found(&line("1000", "user", "kubectl-regcred:vault:a")),
        Some(0x1e6f_3611)
    );
    for other in [
        line("1001", "user", "kubectl-regcred:vault:a"),
        line("1000", "logon", "kubectl-regcred:vault:a"),
        line("1000", "user", "kubectl-regcred:vault:ab"),
        line("1000", "user", "x kubectl-regcred:vault:a"),
        "1e6f3611 I--Q---".to_owned(),
        String::new(),
    ] {
        assert_eq!(found(&other), None, "{other}");
    }
}

#[test]
fn a_key_is_not_in_debug_output() {
    let held = UnlockedKey {
        key: Zeroizing::new(KEY.to_owned()),
        until: None,
    };
    assert!(!format!("{held:?}").contains("SECRET"));
}
