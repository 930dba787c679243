//! What people read: help, scripts and pages that are made from the command line's own description, and what a mistyped
//! word is answered with. That every page is complete and fits is a unit test of `commands::cli::help`.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use snapbox::str;

use crate::support::parts::{DOUBLES, REAL, REAL_WITH_VAULT};
use crate::support::world::World;
use crate::support::{PLUGIN, generated};

scenario!(scripts_are_current);
fn scripts_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    let verbs = ["bash", "zsh", "fish", "powershell"];
    for ((name, text), verb) in generated::completions().into_iter().zip(verbs) {
        let is_current = fs::read_to_string(folder.join(&name)).unwrap() == text;
        assert!(
            is_current,
            "{name}: cargo run --example generate -- completions completions"
        );
        let printed = Command::new(PLUGIN).args(["completion", verb]).output().unwrap();
        assert!(printed.stdout == text.as_bytes(), "{verb} is printed as it is kept");
        assert!(text.contains("completion install"), "{name} says what else there is");
    }
    let zsh = fs::read_to_string(folder.join("_kubectl-regcred")).unwrap();
    assert!(zsh.starts_with("#compdef kubectl-regcred\n"));
}

scenario!(bash_knows_the_flags_of_a_verb, needs("bash"));
/// bash asks the script as it does when somebody presses Tab.
fn bash_knows_the_flags_of_a_verb() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions/kubectl-regcred.bash");
    let ask = "source \"$1\"; COMP_WORDS=(kubectl-regcred docker setup --no); COMP_CWORD=3
        _kubectl__regcred kubectl-regcred --no setup; echo \"${COMPREPLY[@]}\"";
    let answer = Command::new("bash")
        .args(["-c", ask, "bash"])
        .arg(script)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&answer.stdout), "--no-verify\n", "{answer:?}");
}

scenario!(a_token_has_no_flag);
/// Whatever other tools call it; and it is not said again.
fn a_token_has_no_flag() {
    let world = World::of_doubles();
    for line in [
        "login [REGISTRY] -u admin --token s3cret",
        "login [REGISTRY] -u admin --token=s3cret",
        "login [REGISTRY] -u admin -p s3cret",
        "login [REGISTRY] --password=s3cret",
        "sync --docker-password s3cret",
    ] {
        let ran = world.regcred(line);
        assert_eq!(ran.code, 2, "{ran}");
        assert!(
            ran.stdout.is_empty() && ran.stderr.starts_with("error: there is no -"),
            "{line}: {ran}"
        );
        assert!(
            ran.stderr.contains("--token-stdin") && !ran.stderr.contains("s3cret"),
            "{line}: {ran}"
        );
    }
}

scenario!(a_token_in_the_wrong_place_is_not_shown);
fn a_token_in_the_wrong_place_is_not_shown() {
    let world = World::of_doubles();
    for (line, names) in [
        (
            "login https://admin:s3cret@[REGISTRY]",
            "for '[REGISTRY]': a registry's name holds no user name",
        ),
        (
            "login [REGISTRY] -u admin:s3cret",
            "for '--username <NAME>': the user name holds a colon",
        ),
        ("login [REGISTRY] -u admin s3cret", "unexpected argument '…'"),
        ("login [REGISTRY] -u admin --token-stdin=s3cret", "for '--token-stdin'"),
        ("-v login [REGISTRY] --use s3cret!", "for '--use <USE>'"),
        ("sync --registry admin:s3cret@[REGISTRY]", "for '--registry <REGISTRY>'"),
        ("rotate [REGISTRY] s3cret", "unexpected argument '…'"),
        ("logout [REGISTRY] --password-stdin=s3cret", "for '--password-stdin'"),
        ("keychain unlock --passphrase-stdin=s3cret", "for '--passphrase-stdin'"),
    ] {
        let ran = world.regcred(line);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{line}: {ran}");
        assert!(!ran.stderr.contains("s3cret"), "{line}: {ran}");
        assert!(
            ran.stderr.contains("'…'") && ran.stderr.contains("revoke it"),
            "{line}: {ran}"
        );
        assert!(ran.stderr.contains(names), "{line}: {ran}");
    }
    // Elsewhere, what was typed helps.
    let ran = world.regcred("list extra");
    assert!(
        ran.stderr.contains("'extra'") && !ran.stderr.contains("revoke"),
        "{ran}"
    );
}

scenario!(what_is_mistyped);
fn what_is_mistyped() {
    let world = World::of_doubles();
    for (line, nearest) in [
        ("stauts", "'status'"),
        ("docker remvoe", "'remove'"),
        ("sync --namespce x", "'--namespace'"),
        ("rotate --mnt", "'--mint'"),
    ] {
        let ran = world.regcred(line);
        assert_eq!(ran.code, 2, "{ran}");
        assert!(
            ran.stderr.contains("a similar") && ran.stderr.contains(nearest),
            "{ran}"
        );
    }
    // The help of what is wrong is at hand.
    let short = world.regcred("sync -h").done();
    assert!(
        short.contains("see more with '--help'") && !short.contains("--as-group"),
        "{short}"
    );
    assert!(world.regcred("sync --help").done().contains("--as-group"));
}

scenario!(man_pages, needs("mandoc"));
fn man_pages() {
    let folder = tempfile::tempdir().unwrap();
    let pages = generated::man("2026-11-22");
    for (name, text) in &pages {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        let lint = Command::new("mandoc")
            .args(["-T", "lint", "-W", "warning"])
            .arg(&file)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&lint.stdout);
        assert!(lint.status.success(), "{name}: {said}");
    }
    let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
    for name in [
        "kubectl-regcred.1",
        "kubectl-regcred-sync.1",
        "kubectl-regcred-docker-setup.1",
        "docker-credential-gitea.1",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    let shown = Command::new("mandoc")
        .args(["-T", "ascii"])
        .arg(folder.path().join("kubectl-regcred-sync.1"))
        .output();
    let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
    assert!(
        shown.contains("      kubectl regcred sync -n honeydue -n staging --context prod\n"),
        "{shown}"
    );
}

scenario!(wrong_usage, on(DOUBLES, REAL, REAL_WITH_VAULT));
fn wrong_usage(world: &World) {
    for line in [
        "sync -n UPPER",
        "sync --secret a_b",
        "login ftp://x -u a",
        "login a@b -u a",
        "sync --dry-run=maybe",
    ] {
        let ran = world.regcred(line);
        assert_eq!(ran.code, 2, "{ran}");
        assert!(ran.stdout.is_empty() && ran.stderr.starts_with("error: "), "{ran}");
    }
    world.regcred("snyc").says(str![[r#"
exit 2
--- stdout
--- stderr
error: unrecognized subcommand 'snyc'

  tip: a similar subcommand exists: 'sync'

Usage: kubectl regcred [OPTIONS] <COMMAND>

For more information, try '--help'.

"#]]);
    world.regcred("").says(str![[r#"
exit 0
--- stdout
Keep one registry token in the OS keychain and feed docker and Kubernetes from it

Usage: kubectl regcred [OPTIONS] <COMMAND>

Commands:
  login   Verify a token at its registry and store it in the keychain
  logout   Forget a registry's token
  list   List registries, users and uses in the keychain, never a token
  sync   Write the token to pull Secrets
  status   Show what is out of step, and the command that fixes it
  where   Show every place of every token, in every context
  rotate   Put a new token everywhere, and revoke the old one last
  docker   Make docker and podman use the keychain
  images   List the images of a registry, and delete those that nobody needs
  keychain   Choose the keychain; unlock and lock the vault
  rbac   Print the permissions that a command needs in the cluster
  completion  Complete `kubectl regcred` with the Tab key
  version   Print the version

Options:
  -h, --help   Print help (see more with '--help')
  -V, --version  Print version

Start with:
  kubectl regcred login gitea.example.com -u admin   # asks for the token, verifies and stores it
  kubectl regcred docker setup   # docker and podman take it from the keychain
  kubectl regcred sync -n honeydue   # writes or refreshes the pull Secret
  kubectl regcred status   # what is out of step, and what to type
--- stderr

"#]]);
    assert_eq!(
        world.regcred("version").done(),
        format!("kubectl-regcred v{}\n", env!("CARGO_PKG_VERSION"))
    );
    let document: Value = serde_json::from_str(&world.regcred("version -o json").done()).unwrap();
    assert_eq!(
        document,
        json!({"apiVersion": "regcred/v1", "kind": "Version", "version": env!("CARGO_PKG_VERSION")})
    );
}
