//! The programs of other systems: Windows, Linux on arm64, and one without a kernel keyring.

mod arm64;
mod windows;
mod without_kernel_keyring;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use snapbox::str;

use crate::helper::{entry, start};
use crate::support::elsewhere::{Elsewhere, System};
use crate::support::part::program;
use crate::support::parts::CONTROL_PLANE;
use crate::support::scenario::{Part, Place};
use crate::support::world::script;

const ON_WINDOWS: Place<Elsewhere> = Place::named("windows", Part::new(|| System::Windows.missing()), || {
    Elsewhere::start(System::Windows)
});
/// The same with a real cluster.
const ON_WINDOWS_WITH_CLUSTER: Place<Elsewhere> = Place::named(
    "windows_with_cluster",
    Part::new(|| [System::Windows.missing(), (CONTROL_PLANE.missing)()].concat()),
    || Elsewhere::with_real_cluster(System::Windows),
);
/// Without a keychain.
const ON_ARM64: Place<Elsewhere> = Place::named("arm64", Part::new(|| System::Arm64.missing()), || {
    Elsewhere::start(System::Arm64)
});
/// With a vault and not with a Secret Service, which has to answer within seconds: an emulator takes its time.
const ON_ARM64_WITH_VAULT: Place<Elsewhere> =
    Place::named("arm64_with_vault", Part::new(|| System::Arm64.missing()), || {
        Elsewhere::start(System::Arm64).with_vault()
    });
/// The same with a real cluster.
const ON_ARM64_WITH_CLUSTER: Place<Elsewhere> = Place::named(
    "arm64_with_cluster",
    Part::new(|| [System::Arm64.missing(), (CONTROL_PLANE.missing)()].concat()),
    || Elsewhere::with_real_cluster(System::Arm64).with_vault(),
);
/// Without a keychain.
const WITHOUT_KERNEL_KEYRING: Place<Elsewhere> = Place::named(
    "without_kernel_keyring",
    Part::new(|| System::WithoutKernelKeyring.missing()),
    || Elsewhere::start(System::WithoutKernelKeyring),
);

scenario!(the_helpers_protocol, on(ON_WINDOWS, ON_ARM64_WITH_VAULT));
/// Everything that docker's clients ask, and on Windows that a token of more than 2,560 bytes changes nothing.
fn the_helpers_protocol(elsewhere: &Elsewhere) {
    ask_everything(elsewhere);
}

fn ask_everything(elsewhere: &Elsewhere) {
    let helper = elsewhere.command("docker-credential-gitea");
    let mut script = Command::new("bash");
    script
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/protocol.sh"))
        .arg(helper.get_program())
        .args(helper.get_args())
        .env_clear()
        .envs(helper.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let said = elsewhere.run(&mut script, "");
    assert!(
        said.code == 0 && said.stdout.contains("questions answered as they should be"),
        "{said}"
    );
}

scenario!(
    a_passphrase_is_not_asked_for_in_vain,
    on(ON_WINDOWS, WITHOUT_KERNEL_KEYRING)
);
fn a_passphrase_is_not_asked_for_in_vain(elsewhere: &Elsewhere) {
    elsewhere
        .regcred_with("keychain use vault --passphrase-stdin", "correct horse")
        .says(str![[r#"
exit 1
--- stdout
--- stderr
error: this system has no kernel keyring, so the vault opens with a key file
hint: set REGCRED_VAULT_KEY_FILE to a file with the vault's key, or create one: kubectl regcred keychain use vault --key-file FILE

"#]]);
}

scenario!(
    a_vault_opens_with_a_key_file,
    on(ON_WINDOWS, ON_ARM64, WITHOUT_KERNEL_KEYRING)
);
fn a_vault_opens_with_a_key_file(elsewhere: &Elsewhere) {
    elsewhere
        .regcred("keychain use vault --key-file [HOME]/vault.key")
        .says(str![[r#"
exit 0
--- stdout
--- stderr
created a key file: [HOME]/vault.key
hint: keep a copy of it elsewhere: the vault cannot be opened without it
created a vault, an encrypted file: [HOME]/.local/share/regcred/vault.age
the vault is open to everyone who can read [HOME]/vault.key (--key-file)
docker and kubectl regcred use the vault from now on

"#]]);
    let entry = r#"{"ServerURL":"[REGISTRY]","Username":"admin","Secret":"s3cret"}"#;
    elsewhere.helper("store", entry).done();
    assert!(elsewhere.helper("get", "[REGISTRY]").done().contains("s3cret"));
    elsewhere.regcred("list -o name").says(str![[r#"
exit 0
--- stdout
[REGISTRY]
--- stderr

"#]]);
    elsewhere.regcred("keychain status").says(str![[r#"
exit 0
--- stdout
in use           vault, chosen in [HOME]/.config/regcred/config.toml
vault            open by its key file, holds 1 credential
vault file       [HOME]/.local/share/regcred/vault.age
key file         [HOME]/vault.key, named by config.toml
kernel keyring   not available: [..]
[..]
--- stderr

"#]]);
    // Without its key file it is locked, which is not the same as holding nothing.
    let (key, away) = (elsewhere.home().join("vault.key"), elsewhere.home().join("away"));
    fs::rename(&key, &away).unwrap();
    elsewhere.helper("get", "[REGISTRY]").says(str![[r#"
exit 1
--- stdout
the vault's key file [HOME]/vault.key cannot be used: [..] (os error 2)
--- stderr
docker-credential-gitea: the vault's key file [HOME]/vault.key cannot be used: [..] (os error 2); hint: see where it is configured with: kubectl regcred keychain status

"#]]);
    fs::rename(&away, &key).unwrap();
    elsewhere.regcred("keychain lock").says(str![[r#"
exit 0
--- stdout
--- stderr
the vault is open to everyone who can read [HOME]/vault.key (config.toml)

"#]]);
    let vault = fs::read(elsewhere.home().join(".local/share/regcred/vault.age")).unwrap();
    assert!(!String::from_utf8_lossy(&vault).contains("s3cret"));
    ask_everything(elsewhere);
}

scenario!(only_a_missing_tool_is_forgiven);
/// Where these programs are built, `tests/run.sh` takes the scenarios that run them out if a tool is missing. If the code
/// does not compile for a system, that fails.
fn only_a_missing_tool_is_forgiven() {
    let script_of_all = include_str!("../run.sh");
    let (_, rest) = script_of_all.split_once("\nsystems() {").unwrap();
    let (stage, _) = rest.split_once("\n}\n").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let parts = folder.path().join("tests/parts");
    fs::create_dir_all(&parts).unwrap();
    script(&parts.join("without-kernel-keyring.sh"), "echo built");
    for (code, in_ci, passes) in [
        (0, true, true),
        (3, true, false),
        (3, false, true),
        (1, false, false),
        (101, false, false),
    ] {
        script(&parts.join("systems.sh"), &format!("exit {code}"));
        let stage = format!("set -euo pipefail\nci={in_ci}\nsystems() {{{stage}\n}}\nsystems");
        let ran = Command::new("bash")
            .args(["-c", &stage])
            .current_dir(folder.path())
            .status()
            .unwrap();
        assert_eq!(ran.success(), passes, "exit {code}, CI {in_ci}");
    }
    // With nothing else on PATH, what it needs is missing.
    for name in ["bash", "dirname"] {
        symlink(program(name).unwrap(), folder.path().join(name)).unwrap();
    }
    let builds = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parts/systems.sh");
    for system in ["arm64", "windows"] {
        let ran = Command::new("bash")
            .arg(&builds)
            .arg(system)
            .env("PATH", folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(
            ran.status.code() == Some(3) && said.contains(" is missing"),
            "{system}: {said}"
        );
    }
}

/// Without the columns.
fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

scenario!(many_writers_at_once, on(ON_WINDOWS, ON_ARM64_WITH_VAULT));
/// Each is another registry's login, and none takes another's away: in the system's keychain, and in a vault.
fn many_writers_at_once(elsewhere: Elsewhere) {
    store_at_once(&elsewhere);
    store_at_once(&elsewhere.with_vault());
}

fn store_at_once(elsewhere: &Elsewhere) {
    let name = |number| format!("registry-{number}.example.com");
    let writers: Vec<_> = (0..8)
        .map(|number| {
            let mut store = start(elsewhere.command("docker-credential-gitea"), "store");
            let entry = entry(&name(number), "alice", &format!("token-{number}"));
            store.stdin.take().unwrap().write_all(entry.as_bytes()).unwrap();
            store
        })
        .collect();
    for writer in writers {
        let output = writer.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    for number in 0..8 {
        let got = elsewhere.helper("get", &name(number)).done();
        assert!(got.contains(&format!("token-{number}")), "{got}");
    }
}

scenario!(
    from_login_to_logout,
    on(
        ON_WINDOWS,
        ON_WINDOWS_WITH_CLUSTER,
        ON_ARM64_WITH_VAULT,
        ON_ARM64_WITH_CLUSTER
    )
);
fn from_login_to_logout(elsewhere: &Elsewhere) {
    let [first, second] = [(); 2].map(|()| elsewhere.gitea.add_token("admin", "write:package"));
    elsewhere
        .regcred_with("login [REGISTRY] -u admin --token-stdin", &format!("{first}\r\n"))
        .says(str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of admin, scopes write:package
logged in to [REGISTRY] as admin for docker

"#]]);
    let listed = elsewhere.regcred("list").done();
    assert!(words(&listed).contains("[REGISTRY] admin docker"), "{listed}");
    elsewhere.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials created in namespace [NAMESPACE]
--- stderr

"#]]);
    assert!(elsewhere.document().contains(&first));
    elsewhere.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials unchanged in namespace [NAMESPACE]
--- stderr

"#]]);
    let status = elsewhere.regcred("status -n [NAMESPACE]");
    assert!(
        matches!(status.code, 0 | 3) && status.stdout.contains("in sync"),
        "{status}"
    );
    elsewhere
        .regcred_with("rotate [REGISTRY] --token-stdin -n [NAMESPACE]", &second)
        .done();
    assert!(elsewhere.document().contains(&second));
    assert!(elsewhere.helper("get", "[REGISTRY]").done().contains(&second));
    let places = elsewhere.regcred("where --offline").done();
    let places: Vec<String> = places.lines().skip(1).map(words).collect();
    assert_eq!(
        places,
        [
            "[REGISTRY] docker keychain current",
            "[REGISTRY] docker secret/gitea-credentials in namespace [NAMESPACE] of context [CONTEXT] current, as \
             remembered",
        ]
    );
    elsewhere.regcred("logout [REGISTRY]").says(str![[r#"
exit 0
--- stdout
--- stderr
forgot the credential of [REGISTRY] for docker
warning: secret/gitea-credentials in namespace [NAMESPACE] of context [CONTEXT] still holds it, and it is still valid
hint: to take it out of a Secret: kubectl regcred sync --remove --registry [REGISTRY] -n [..] --secret gitea-credentials --context [CONTEXT]

"#]]);
    elsewhere.helper("get", "[REGISTRY]").says(str![[r#"
exit 1
--- stdout
credentials not found in native keychain
--- stderr

"#]]);
    // What is written down on the way holds no token, and Windows' own lines end as everywhere.
    let ledger = fs::read_to_string(elsewhere.home().join(".local/state/regcred/ledger.json")).unwrap();
    for token in [&first, &second] {
        assert!(!ledger.contains(token.as_str()), "{ledger}");
    }
}
