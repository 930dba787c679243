//! `cargo run --example quickstart`: both of its acts, also where the kernel keeps no keys.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rcgen::{CertificateParams, KeyPair};
use regcred::sys::env::Env;

use crate::support::container::{Container, Profile};
use crate::support::parts::{DOCKER_CONTAINER, KERNEL_KEYRING};
use crate::support::scenario::Part;
use crate::support::vault::VaultHome;

const QUICKSTART: Part = Part::new(|| match program() {
    Some(_) => vec![],
    None => vec!["the quickstart (cargo build --example quickstart)"],
});

scenario!(shows_a_vault, needs(QUICKSTART, KERNEL_KEYRING));
fn shows_a_vault() {
    // Whoever tries it out may have one that is in use.
    let yours = VaultHome::start();
    let said = shown(|program, home| {
        Command::new(program)
            .env_clear()
            .env("HOME", home)
            .env("TMPDIR", home)
            .output()
            .unwrap()
    });
    assert!(
        said.contains("kubectl regcred keychain unlock --passphrase-stdin"),
        "{said}"
    );
    assert!(said.contains("docker-credential-gitea: the vault is locked"), "{said}");
    assert_eq!(yours.regcred("list", "").done(), "");
}

scenario!(where_keyrings_are_refused, needs(QUICKSTART, DOCKER_CONTAINER));
fn where_keyrings_are_refused() {
    let said = shown(|program, home| {
        // A program that knows no authority at all makes no TLS client, also where it would need none.
        let folder = tempfile::tempdir().unwrap();
        let trusted = folder.path().join("authority.pem");
        let key = KeyPair::generate().unwrap();
        let authority = CertificateParams::default().self_signed(&key).unwrap();
        std::fs::write(&trusted, authority.pem()).unwrap();
        let env: Env = [("HOME", home), ("TMPDIR", home), ("SSL_CERT_FILE", &trusted)]
            .into_iter()
            .collect();
        let container = Container::start(Profile::Docker);
        container.run(program, &[], b"", &env, &[home, folder.path()])
    });
    assert!(said.contains("this process may not use the kernel's keyring"), "{said}");
    assert!(
        said.contains("kubectl regcred keychain use vault --key-file "),
        "{said}"
    );
}

/// Where cargo puts it, beside the tests.
fn program() -> Option<PathBuf> {
    let target = std::env::current_exe().ok()?;
    let program = target.parent()?.parent()?.join("examples/quickstart");
    program.is_file().then_some(program)
}

/// What it shows, where everything is as it should be; and it leaves nothing.
fn shown(run: impl FnOnce(&Path, &Path) -> Output) -> String {
    let home = tempfile::tempdir().unwrap();
    let output = run(&program().unwrap(), home.path());
    let text = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{stderr}");
    assert_eq!(stderr, "");
    assert!(text.contains("\n$ kubectl regcred docker setup\n"), "{text}");
    let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    text
}
