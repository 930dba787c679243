//! `docs/clients.md`: what a run gives, compared with what stands there.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use snapbox::IntoData as _;

use super::cell::{PROGRAM, Row};
use super::clients::{Client, Kind};
use super::fixture::Situation;
use crate::support::part::parts_are_required;

const PAGE: &str = "docs/clients.md";
/// The clients run at once and write to one page.
static WRITING: Mutex<()> = Mutex::new(());

/// A client's part of the page.
pub fn section(client: &Client, version: &str, rows: &[Row]) -> String {
    let mut text = format!("## {} {version}\n\n", client.name);
    text += "| | with a credential | without one | locked keyring | no keychain | locked vault |\n|---|---|---|---|---|---|\n";
    for row in rows {
        let cells = Situation::ALL.map(|situation| row.shown(situation)).join(" | ");
        let _ = writeln!(text, "| `{}` | {cells} |", typed(row.line));
    }
    let pull = client.steps.iter().find(|(kind, _)| *kind == Kind::Pull);
    let Some(row) = rows.iter().find(|row| pull.is_some_and(|(_, line)| *line == row.line)) else {
        return text;
    };
    text += "\n```console\n";
    for (situation, printed) in &row.printed {
        let what = match situation {
            Situation::Stored | Situation::Vault => continue,
            Situation::Nothing => "without a credential",
            Situation::Locked => "with a locked keyring",
            Situation::NoBus => "without a keychain",
            Situation::LockedVault => "with a locked vault",
        };
        let _ = writeln!(text, "$ {}    # {what}\n{}", typed(row.line), without_hints(printed));
    }
    text + "```\n"
}

/// What the page says of a step in a situation, with the registry named in the clients' own files; `None` where it tells
/// of another version than this.
pub fn written(client: &Client, version: &str, line: &str, situation: Situation) -> Option<String> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE)).unwrap();
    let heading = format!("## {} {version}\n", client.name);
    let (_, section) = page.split_once(&heading)?;
    let row = format!("| `{}` |", typed(line));
    let cells = section
        .lines()
        .find_map(|of| of.strip_prefix(&row))
        .expect("the page has every step");
    let column = Situation::ALL.iter().position(|of| *of == situation).unwrap();
    let cell = cells.split('|').nth(column).unwrap().trim();
    Some(cell.split("<br>").next().unwrap_or_default().to_owned())
}

/// A step as a person would type it.
fn typed(line: &str) -> String {
    line.replace("[REGISTRY]", "gitea.example.com").replace("[FOLDER]", "~")
}

/// What a client printed, with our own hints cut off, which are the same for all of them, and each line of ours once,
/// however many of a client's workers asked.
fn without_hints(printed: &str) -> String {
    let lines = printed
        .trim_end()
        .lines()
        .map(|line| match line.split_once("; hint: ") {
            Some((what, _)) if what.starts_with(PROGRAM) => format!("{what}; hint: …"),
            _ => line.to_owned(),
        });
    let mut lines: Vec<_> = lines.collect();
    lines.dedup_by(|line, before| line == before && line.starts_with(PROGRAM));
    lines.join("\n")
}

#[allow(clippy::print_stderr, reason = "what is left out is said")]
/// Compares a part with that of the page, or writes it there where `SNAPSHOTS=overwrite` says so.
pub fn compare(name: &str, section: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let [begin, end] = [
        format!("<!-- {name}: written by tests/matrix.sh -->\n"),
        format!("<!-- /{name} -->\n"),
    ];
    let _one = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let page = fs::read_to_string(&file).unwrap();
    let (head, rest) = page.split_once(&begin).expect("the page has a place for every client");
    let (recorded, tail) = rest
        .split_once(&end)
        .expect("the page has an end of every client's place");
    if std::env::var_os("SNAPSHOTS").is_some_and(|mode| mode == "overwrite") {
        if recorded != section {
            fs::write(&file, format!("{head}{begin}{section}{end}{tail}")).unwrap();
        }
        return;
    }
    let heading = |text: &str| text.lines().next().map(str::to_owned);
    if heading(section) != heading(recorded) && !parts_are_required() {
        // Another version may do things its own way; that our rules hold with it too has been seen.
        eprintln!("{PAGE} tells of another version than {name}'s here: not compared");
        return;
    }
    // As it is: a backslash in a message is no path.
    snapbox::assert_data_eq!(section, recorded.to_owned().raw());
}
