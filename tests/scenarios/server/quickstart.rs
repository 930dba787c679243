//! `cargo run --example quickstart`: both of its acts, also where the kernel keeps no keys.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::Trial;
use rcgen::{CertificateParams, KeyPair};
use regcred::sys::env::Env;

use crate::support::container::{Container, Profile, missing_container};
use crate::support::part::trial_with;

pub fn trials() -> Vec<Trial> {
    let lacks: &[_] = match program() {
        Some(_) => &[],
        None => &["the quickstart (cargo build --example quickstart)"],
    };
    let parts = [lacks, &missing_container(Profile::Docker)].concat();
    vec![
        trial_with("server/quickstart/shows_a_vault", lacks, || {
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
        }),
        trial_with("server/quickstart/where_keyrings_are_refused", &parts, || {
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
        }),
    ]
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
