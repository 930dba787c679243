//! Finds tokens of the keychain in the files that `login --env-file` has read and in the env files of the current folder.
//! `where --scan` searches everything.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::code::Code;
use super::credentials::StoredCredentials;
use super::finding::{Finding, Object, Remedy};
use crate::commands::shared::copies::{Needles, Owner, Reading, Which};
use crate::commands::shared::env_file;
use crate::ledger::Ledger;
use crate::model::{Token, printable};
use crate::sys::env::Env;
use crate::sys::whole_file;

/// The longest file of variables, in octets.
const MAX_FILE: u64 = 256 * 1024;
/// The most files that are read.
const MAX_FILES: usize = 100;

pub(super) fn look(credentials: &StoredCredentials, ledger: &Ledger, env: &Env) -> Vec<Finding> {
    let kept = credentials.held.iter().flat_map(|held| {
        let owner = Owner {
            registry: held.credential.registry.clone(),
            usage: held.usage,
            username: held.credential.username.to_string(),
            is_current: true,
        };
        let other = held.rotation.as_ref().and_then(|rotation| rotation.other.as_ref());
        let tokens = std::iter::once(&held.credential).chain(other);
        tokens.map(move |one| (owner.clone(), one.token.clone()))
    });
    let needles = Needles::new(kept, []);
    if needles.is_empty() {
        return Vec::new();
    }
    let files: BTreeSet<PathBuf> = remembered(ledger)
        .chain(here(env))
        // As git names them, and each once.
        .filter_map(|file| fs::canonicalize(file).ok())
        .collect();
    let never = || false;
    let mut reading = Reading::new(&needles, &never);
    let found = files.iter().take(MAX_FILES);
    found.filter_map(|file| finding(file, &needles, &mut reading)).collect()
}

/// Whether `finding` is about a file for which there is one already.
pub(super) fn is_named_by(findings: &[Finding], finding: &Finding) -> bool {
    let is_it = |other: &Finding| other.code == Code::EnvFileInGit && other.object == finding.object;
    finding.code == Code::TokenInFile && findings.iter().any(is_it)
}

/// The files that a token was read from.
fn remembered(ledger: &Ledger) -> impl Iterator<Item = PathBuf> {
    let tokens = ledger.credentials.iter().flat_map(|credential| &credential.tokens);
    tokens
        .flat_map(|token| &token.files)
        .map(|file| file.path.as_path().to_owned())
}

/// The env files of the current folder.
fn here(env: &Env) -> Vec<PathBuf> {
    let folder = env.path("PWD").filter(|folder| folder.is_absolute());
    let Some(entries) = folder.and_then(|folder| fs::read_dir(folder).ok()) else {
        return Vec::new();
    };
    let entries = entries.filter_map(Result::ok);
    let files = entries.filter(|entry| {
        env_file::is_name(&entry.file_name().to_string_lossy()) && entry.file_type().is_ok_and(|kind| kind.is_file())
    });
    files.map(|entry| entry.path()).take(MAX_FILES).collect()
}

fn finding(file: &Path, needles: &Needles, reading: &mut Reading<'_>) -> Option<Finding> {
    let text = whole_file::read(file, MAX_FILE).ok()??;
    let found = reading.search(&mut text.as_slice(), None).ok()?.found;
    let Which::Kept(token) = found.first()?.which else {
        return None;
    };
    let owner = needles.owners(token).first()?;
    let is_it = |token: &Token| {
        let there = reading.search(&mut token.expose().as_bytes(), None);
        there.is_ok_and(|there| !there.found.is_empty())
    };
    // Where it is once, that line is all of it.
    let removal = match found.as_slice() {
        [one] if one.count == 1 => env_file::removal(file, is_it),
        _ => None,
    };
    let remedy = match removal {
        Some(command) => Remedy::command(command),
        None => Remedy::advice("delete the token from it"),
    };
    Some(Finding {
        message: None,
        code: Code::TokenInFile,
        object: Object::here("file", printable(&file.display().to_string(), 300)),
        cause: format!(
            "it holds the token of {} for {}, which the keychain has",
            owner.registry, owner.usage
        ),
        remedy,
    })
}
