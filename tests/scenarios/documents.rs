//! README and docs/: what they tell people to type is typed here, in their order, and does what they say.
//!
//! trycmd was looked at: it starts single programs without a shell or a terminal, so neither pipes nor hidden prompts nor
//! servers that one session talks to all the time can be had with it.

pub mod blocks;
mod ci;
mod elsewhere;
mod fixture;
mod messages;
mod pictures;
pub mod session;
mod timers;

use std::path::PathBuf;

use libtest_mimic::Trial;

use crate::support::part::missing;
use crate::support::parts::REAL_PARTS;
use crate::support::scenario::{Need, Part, Table};
use blocks::Block;
use fixture::{Has, Workstation};

/// The documents that are played, and what is on the desk before the first line. Of README and docs/, all that hold
/// commands: the others stand in [`elsewhere::LIST`].
const PLAYED: [(&str, &[Has]); 9] = [
    ("README.md", &[Has::Files]),
    ("docs/install.md", &[Has::Login, Has::Secrets]),
    ("docs/login.md", &[Has::Files, Has::DockerLogin]),
    ("docs/sync.md", &[Has::Files, Has::Login]),
    ("docs/rotate.md", &[Has::Login, Has::Secrets]),
    ("docs/docker.md", &[Has::Login, Has::DockerLogin]),
    ("docs/team.md", &[Has::Login]),
    ("docs/vault.md", &[Has::Login]),
    ("docs/where.md", &[Has::Login, Has::Secrets]),
];

/// What a document says that its commands print: in the block that begins so, somewhere.
const CLAIMS: [(&str, &str, &str); 17] = [
    ("README.md", "set -a", "Login Succeeded"),
    (
        "README.md",
        "kubectl regcred login",
        "gitea-credentials configured in namespace honeydue",
    ),
    ("README.md", "kubectl regcred login", "last-applied-configuration"),
    // "After the four commands it says that the cluster holds a token that can push."
    ("README.md", "kubectl regcred login", "token-over-scoped: "),
    ("README.md", "kubectl regcred rotate", "revoked the old token"),
    (
        "docs/rotate.md",
        "kubectl regcred rotate --resume",
        "no rotation is pending on this machine",
    ),
    (
        "docs/docker.md",
        "kubectl regcred docker setup",
        "auths/gitea.example.com emptied in",
    ),
    (
        "docs/docker.md",
        "kubectl regcred docker remove",
        "credHelpers/gitea.example.com removed from",
    ),
    (
        "docs/sync.md",
        "kubectl regcred rbac",
        "role.rbac.authorization.k8s.io/",
    ),
    (
        "docs/vault.md",
        "kubectl regcred keychain use vault",
        "created a vault, an encrypted file: /home/admin/.local/share/regcred/vault.age",
    ),
    (
        "docs/vault.md",
        "kubectl regcred keychain use vault",
        "unlocked until this machine is rebooted, holds 1 credential",
    ),
    ("docs/vault.md", "kubectl regcred keychain lock", "the vault is locked"),
    (
        "docs/vault.md",
        "kubectl regcred keychain lock",
        "the vault is unlocked for 12h",
    ),
    (
        "docs/vault.md",
        "kubectl regcred keychain passphrase",
        "its key is also new",
    ),
    (
        "docs/vault.md",
        "kubectl regcred keychain use vault --key-file",
        "the vault is open to everyone who can read /home/admin/.config/regcred/vault.key",
    ),
    ("docs/where.md", "kubectl regcred where", "current, as remembered"),
    // "The second command shows what is in it."
    ("docs/vault.md", "cp -p", "gitea.example.com"),
];

scenarios!(commands_do_what_is_written);
fn commands_do_what_is_written(table: &Table) -> Vec<Trial> {
    let trial = |(document, has)| {
        let vault = Part::new(|| missing(&fixture::VAULT_PROGRAMS));
        let mut needs: Vec<&dyn Need> = vec![&REAL_PARTS, &DESK_PROGRAMS];
        if document == "docs/vault.md" {
            needs.push(&vault);
        }
        table.alone(document, &needs, move || play(document, has))
    };
    PLAYED.into_iter().map(trial).collect()
}

const DESK_PROGRAMS: Part = Part::new(|| missing(&fixture::PROGRAMS));

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(document: &str) -> String {
    std::fs::read_to_string(root().join(document)).unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// README and what lies in docs/.
pub fn documents() -> Vec<String> {
    let folder = std::fs::read_dir(root().join("docs")).unwrap();
    let files = folder.map(|entry| entry.unwrap().path());
    let mut pages: Vec<String> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "md"))
        .map(|file| format!("docs/{}", file.file_name().unwrap().to_str().unwrap()))
        .collect();
    pages.sort();
    pages.insert(0, "README.md".to_owned());
    pages
}

scenario!(every_block_is_played_or_listed);
fn every_block_is_played_or_listed() {
    let mut used = vec![false; elsewhere::LIST.len()];
    for document in documents() {
        let is_played = PLAYED.iter().any(|(name, _)| *name == document);
        for block in blocks::of(&document) {
            let listed = elsewhere::LIST.iter().position(|entry| entry.is(&block));
            match listed {
                Some(entry) => used[entry] = true,
                None => assert!(is_played, "neither played nor listed: {block}"),
            }
        }
    }
    for (entry, used) in elsewhere::LIST.iter().zip(used) {
        assert!(used, "listed, and gone: {} {:?}", entry.document, entry.begins);
        assert!(!entry.why.is_empty());
    }
}

fn play(document: &str, has: &[Has]) {
    let workstation = Workstation::with(has);
    let mut claims: Vec<_> = CLAIMS.iter().filter(|claim| claim.0 == document).collect();
    for block in blocks::of(document) {
        if elsewhere::LIST.iter().any(|entry| entry.is(&block)) {
            continue;
        }
        let shown = play_block(&workstation, &block);
        claims.retain(|(_, begins, text)| !(block.text.starts_with(begins) && shown.contains(text)));
    }
    assert!(claims.is_empty(), "{document} says what was not to be seen: {claims:?}");
}

/// Types the block, holds every exit code and what the block itself shows against what came, and returns all of that.
fn play_block(workstation: &Workstation, block: &Block) -> String {
    let commands = block.commands();
    let lines: Vec<&str> = commands.iter().map(|command| command.line.as_str()).collect();
    let ran = workstation.type_in(&lines);
    assert_eq!(ran.len(), commands.len(), "{block}\nended early: {ran:#?}");
    let mut all = String::new();
    for (command, ran) in commands.iter().zip(ran) {
        // Of status and of a search for copies, 3 is an answer.
        let answers = ["kubectl regcred status", "kubectl regcred where"];
        let is_answer = answers.iter().any(|begins| command.line.starts_with(begins));
        let is_right = ran.code == 0 || (ran.code == 3 && is_answer);
        assert!(
            is_right,
            "{}: {}\nexit {}\n{}",
            block.document, command.line, ran.code, ran.shown
        );
        if !command.shown.is_empty() {
            snapbox::assert_data_eq!(ran.shown.trim_end(), command.shown.trim_end().to_owned());
        }
        all += &ran.shown;
    }
    all
}

scenario!(the_outputs_documents_are_json_of_their_kind);
fn the_outputs_documents_are_json_of_their_kind() {
    for block in blocks::of("docs/output.md") {
        let document: serde_json::Value =
            serde_json::from_str(&block.text).unwrap_or_else(|error| panic!("{error}: {block}"));
        assert_eq!(document["apiVersion"], "regcred/v1", "{block}");
        let kind = document["kind"].as_str().unwrap();
        assert!(
            read("docs/output.md").contains(&format!("## {kind}: `kubectl regcred ")),
            "{kind}"
        );
    }
}
