//! The protocol with an in-memory store and with failing stores.

use std::any::Any;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::sync::Arc;

use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential as CoreCredential, Entry as CoreEntry, Result as CoreResult};

use crate::keychain::{Error, Keychain};
use crate::sys::private::NotPrivate;

const NOT_FOUND: &str = "credentials not found in native keychain\n";

fn sample() -> Keychain {
    Keychain::with_store(keyring_core::sample::Store::new().unwrap())
}

/// stdout, stderr and exit code.
fn ask(keychain: &Keychain, action: &str, stdin: &[u8]) -> (String, String, u8) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let args = [OsString::from(action)];
    let code = super::run(&args, &mut &*stdin, &mut stdout, &mut stderr, || Ok(keychain.clone()));
    (
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
        code,
    )
}

fn store(keychain: &Keychain, server: &str, username: &str, secret: &str) {
    let input = serde_json::json!({"ServerURL": server, "Username": username, "Secret": secret});
    let answer = ask(keychain, "store", input.to_string().as_bytes());
    assert_eq!(answer, (String::new(), String::new(), 0), "{server}");
}

#[test]
fn the_helper_is_recognised_by_its_name() {
    for (argv0, unix, windows) in [
        ("docker-credential-gitea", true, true),
        ("/home/a/.krew/bin/docker-credential-gitea", true, true),
        ("docker-credential-gitea.exe", false, true),
        ("Docker-Credential-Gitea.EXE", false, true),
        ("kubectl-regcred", false, false),
        ("docker-credential-gitea-2", false, false),
        ("", false, false),
        ("/", false, false),
    ] {
        assert_eq!(super::called(argv0.as_ref(), false), unix, "{argv0}");
        assert_eq!(super::called(argv0.as_ref(), true), windows, "{argv0}");
    }
}

#[test]
fn missing_credentials_and_invalid_servers() {
    for (action, stdin, stdout, code) in [
        ("get", "gitea.example.com", NOT_FOUND, 1),
        ("get", "garbage in\nthe input", NOT_FOUND, 1),
        ("get", "ftp://gitea.example.com", NOT_FOUND, 1),
        ("get", "", "no credentials server URL\n", 1),
        ("get", " \n", "no credentials server URL\n", 1),
        ("erase", "gitea.example.com", "", 0),
        ("erase", "garbage in\nthe input", "", 0),
        ("erase", "", "no credentials server URL\n", 1),
        ("list", "unused", "{}\n", 0),
        ("store", "{}", "no credentials server URL\n", 1),
        (
            "store",
            r#"{"ServerURL":"  ","Username":"u"}"#,
            "no credentials server URL\n",
            1,
        ),
        (
            "store",
            r#"{"ServerURL":"gitea.example.com"}"#,
            "no credentials username\n",
            1,
        ),
        (
            "store",
            r#"{"ServerURL":"gitea.example.com","Username":null}"#,
            "no credentials username\n",
            1,
        ),
        ("list", "", "{}\n", 0),
    ] {
        let expected = (stdout.to_owned(), String::new(), code);
        assert_eq!(ask(&sample(), action, stdin.as_bytes()), expected, "{action} {stdin:?}");
    }
    assert_eq!(ask(&sample(), "get", &[0xff, 0xfe]).0, NOT_FOUND);
    assert_eq!(ask(&sample(), "erase", &[0xff, 0xfe]).2, 0);
}

#[test]
fn invalid_credentials_are_explained() {
    for stdin in [
        "",
        "nonsense",
        "[]",
        r#"{"ServerURL":"gitea.example.com","Username":"u","Secret":4711}"#,
        r#"{"ServerURL":"ftp://gitea.example.com","Username":"u","Secret":"s"}"#,
        r#"{"ServerURL":"gitea.example.com","Username":"a:b","Secret":"s"}"#,
        r#"{"ServerURL":"gitea.example.com","Username":"u","Secret":"s"#,
    ] {
        let (stdout, stderr, code) = ask(&sample(), "store", stdin.as_bytes());
        assert_eq!(
            (code, stdout.lines().count(), stderr.lines().count()),
            (1, 1, 1),
            "{stdin}"
        );
        assert_eq!(stderr, format!("docker-credential-gitea: {stdout}"));
        assert!(!stdout.contains("4711"), "{stdout}");
    }
}

#[test]
fn input_is_parsed_as_in_go() {
    for stdin in [
        r#"{"serverurl":"gitea.example.com","USERNAME":"u","secret":"s"}"#,
        r#" {"Extra":{"a":[1]},"ServerURL":"gitea.example.com","Username":"u","Secret":"s"} trailing"#,
        r#"{"ServerURL":"gitea.example.com","Username":"x","Username":"u","Secret":"s","Secret":null}"#,
        "{\n\"ServerURL\":\"gitea.example.com\",\n\"Username\":\"u\",\n\"Secret\":\"s\"\n}\n",
    ] {
        let keychain = sample();
        assert_eq!(ask(&keychain, "store", stdin.as_bytes()).2, 0, "{stdin}");
        let answer = ask(&keychain, "get", b"gitea.example.com\n").0;
        assert_eq!(
            answer,
            "{\"ServerURL\":\"gitea.example.com\",\"Username\":\"u\",\"Secret\":\"s\"}\n"
        );
    }
}

#[test]
fn secrets_come_back_as_they_were() {
    let keychain = sample();
    for secret in [
        "s3cret".to_owned(),
        String::new(),
        " spaces \n and lines\t".to_owned(),
        "\"quotes\\ <&> é 𝄞 \u{0}".to_owned(),
        "x".repeat(100_000),
    ] {
        store(&keychain, "gitea.example.com", "<token>", &secret);
        let (stdout, stderr, code) = ask(&keychain, "get", b"gitea.example.com");
        let answer: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((stderr.as_str(), code), ("", 0));
        assert_eq!(answer["Secret"], secret.as_str());
        assert_eq!(answer["Username"], "<token>");
    }
    let (stdout, _, code) = ask(&keychain, "store", &vec![b' '; 2 * 1024 * 1024]);
    assert!(code == 1 && stdout.contains("longer than"), "{stdout}");
}

#[test]
fn docker_hub_keeps_its_three_entries_apart() {
    let keychain = sample();
    let hub = "https://index.docker.io/v1/";
    for (path, secret) in [("", "pat"), ("access-token", "access"), ("refresh-token", "refresh")] {
        store(&keychain, &format!("{hub}{path}"), "alice", secret);
    }
    assert_eq!(
        ask(&keychain, "list", b"").0,
        format!("{{\"{hub}\":\"alice\",\"{hub}access-token\":\"alice\",\"{hub}refresh-token\":\"alice\"}}\n")
    );
    assert!(ask(&keychain, "get", b"docker.io/library/alpine").0.contains("\"pat\""));
    assert_eq!(ask(&keychain, "erase", format!("{hub}access-token").as_bytes()).2, 0);
    assert!(ask(&keychain, "get", b"registry-1.docker.io").0.contains("\"pat\""));
    assert!(
        ask(&keychain, "get", format!("{hub}refresh-token").as_bytes())
            .0
            .contains("\"refresh\"")
    );
}

#[test]
fn a_credential_for_clusters_is_not_dockers() {
    let keychain = sample();
    let credential = crate::model::Credential {
        registry: "gitea.example.com".parse().unwrap(),
        username: "robot".parse().unwrap(),
        token: crate::model::Token::parse("t").unwrap(),
    };
    keychain.put(crate::model::Use::Cluster, &credential).unwrap();
    assert_eq!(ask(&keychain, "get", b"gitea.example.com").0, NOT_FOUND);
    assert_eq!(ask(&keychain, "list", b"").0, "{}\n");
    assert_eq!(ask(&keychain, "erase", b"gitea.example.com").2, 0);
    assert_eq!(keychain.list().unwrap().len(), 1);
}

#[test]
fn arguments_and_the_program_itself() {
    let run = |args: &[&str]| {
        let args: Vec<_> = args.iter().map(OsString::from).collect();
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let code = super::run(&args, &mut Terminal, &mut stdout, &mut stderr, || {
            panic!("no keychain is needed")
        });
        assert!(stderr.is_empty());
        (String::from_utf8(stdout).unwrap(), code)
    };
    let usage = "Usage: docker-credential-gitea <store|get|erase|list|version>\n".to_owned();
    assert_eq!(run(&[]), (usage.clone(), 1));
    assert_eq!(run(&["get", "gitea.example.com"]), (usage.clone(), 1));
    assert_eq!(run(&["--help"]), (usage, 0));
    assert_eq!(
        run(&["login"]),
        ("docker-credential-gitea: unknown action: login\n".to_owned(), 1)
    );
    let version = format!("docker-credential-gitea (regcred) v{}\n", env!("CARGO_PKG_VERSION"));
    for flag in ["version", "--version", "-v"] {
        assert_eq!(run(&[flag]), (version.clone(), 0));
    }
}

/// A terminal: reading from it would block.
struct Terminal;

impl Read for Terminal {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("stdin is not to be read");
    }
}

/// The stdout of a client that has exited.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn listing_reads_no_stdin() {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let code = super::run(&["list".into()], &mut Terminal, &mut stdout, &mut stderr, || {
        Ok(sample())
    });
    assert_eq!((code, stdout.as_slice()), (0, &b"{}\n"[..]));
}

#[test]
fn closed_stdout_is_a_failure() {
    let mut stderr = Vec::new();
    let code = super::run(&["version".into()], &mut io::empty(), &mut Closed, &mut stderr, || {
        Ok(sample())
    });
    assert_eq!((code, stderr.len()), (1, 0));
}

/// A store whose operations all fail.
struct Failing(fn() -> Error);

impl CredentialStoreApi for Failing {
    fn vendor(&self) -> String {
        String::new()
    }

    fn id(&self) -> String {
        String::new()
    }

    fn build(&self, _: &str, _: &str, _: Option<&HashMap<&str, &str>>) -> CoreResult<CoreEntry> {
        Ok(CoreEntry::new_with_credential(Arc::new(Self(self.0))))
    }

    fn search(&self, _: &HashMap<&str, &str>) -> CoreResult<Vec<CoreEntry>> {
        Err((self.0)().into())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Failing")
    }
}

impl CredentialApi for Failing {
    fn set_secret(&self, _: &[u8]) -> CoreResult<()> {
        Err((self.0)().into())
    }

    fn get_secret(&self) -> CoreResult<Vec<u8>> {
        Err((self.0)().into())
    }

    fn delete_credential(&self) -> CoreResult<()> {
        Err((self.0)().into())
    }

    fn get_credential(&self) -> CoreResult<Option<Arc<CoreCredential>>> {
        Err((self.0)().into())
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Failing")
    }
}

#[test]
fn keychain_errors_are_not_reported_as_not_found() {
    let stored = br#"{"ServerURL":"gitea.example.com","Username":"u","Secret":"s3cret"}"#;
    for error in [|| Error::Locked, || Error::NoBus, || Error::NoService, || Error::Died] {
        let keychain = Keychain::with_store(Arc::new(Failing(error)));
        let (message, hint) = (error().to_string(), super::hint(&error()).unwrap().to_string());
        assert!(
            !hint.contains("--"),
            "whoever reads it typed a client's command line: {hint}"
        );
        for (action, stdin) in [
            ("get", &b"gitea.example.com"[..]),
            ("erase", b"gitea.example.com"),
            ("list", b""),
            ("store", stored),
        ] {
            let expected = (
                format!("{message}\n"),
                format!("docker-credential-gitea: {message}; hint: {hint}\n"),
                1,
            );
            assert_eq!(ask(&keychain, action, stdin), expected, "{action}");
        }
    }
}

#[test]
fn a_runtime_folder_that_others_may_use_is_closed_to_them() {
    let hint = |why| {
        let path = "/run/user/1000".into();
        super::hint(&Error::ForeignRuntimeFolder { path, why })
            .unwrap()
            .to_string()
    };
    assert_eq!(hint(NotPrivate::Mode(0o777)), "chmod 700 it");
    assert!(hint(NotPrivate::Owner(7)).contains("su -"));
}

#[test]
fn a_keychain_that_cannot_be_opened_is_a_failure_too() {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let code = super::run(
        &["get".into()],
        &mut &b"gitea.example.com"[..],
        &mut stdout,
        &mut stderr,
        || Err(Error::NoBus),
    );
    assert_eq!(code, 1);
    assert!(String::from_utf8(stdout).unwrap().contains("no D-Bus session bus"));
    let stderr = String::from_utf8(stderr).unwrap();
    for way in ["kubectl regcred keychain use vault", "kubectl regcred docker remove"] {
        assert!(stderr.contains(way), "{stderr}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_locked_vault_names_the_command_on_stdout() {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let code = super::run(
        &["get".into()],
        &mut &b"gitea.example.com"[..],
        &mut stdout,
        &mut stderr,
        || Err(crate::keychain::vault::Error::Locked.into()),
    );
    assert_eq!(code, 1);
    assert_eq!(
        String::from_utf8(stdout).unwrap(),
        "the vault is locked; unlock it: kubectl regcred keychain unlock\n"
    );
    assert_eq!(
        String::from_utf8(stderr).unwrap(),
        "docker-credential-gitea: the vault is locked; hint: unlock it: kubectl regcred keychain unlock\n"
    );
}
