//! The output of `docker setup` and `docker remove`: a line for each change and, in a dry run, the diff of each file.

use std::path::Path;

use similar::TextDiff;

use crate::commands::args::LocalDryRunArg;
use crate::commands::system::System;
use crate::docker::{After, Change, FilePlan, HELPER};
use crate::error::CommandError;
use crate::model::go_json::is_field;
use crate::model::{CommandLine, JsonEdit, printable};

/// The longest key or name from a file that is shown, in characters.
const MAX_KEY: usize = 100;

/// Members of the document that can hold secrets: logins, `Authorization` headers, proxies with a password.
const SECRET: [&str; 3] = ["auths", "HttpHeaders", "proxies"];

/// The suffix of every line in a dry run.
pub(super) fn suffix(dry_run: LocalDryRunArg) -> &'static str {
    match dry_run {
        LocalDryRunArg::None => "",
        LocalDryRunArg::Client => " (dry run)",
    }
}

/// The lines of one file.
pub(super) fn file(plan: &FilePlan, dry_run: LocalDryRunArg, system: &mut System<'_>) -> Result<(), CommandError> {
    let path = plan.file.path.display();
    let suffix = suffix(dry_run);
    if plan.changes.is_empty() {
        system.output.line(format_args!("{path} unchanged{suffix}"))?;
        return Ok(());
    }
    for change in &plan.changes {
        system
            .output
            .line(format_args!("{}{suffix}", line(change, &plan.file.path)))?;
    }
    let moved = plan.changes.iter().any(|change| matches!(change, Change::Moved(_)));
    if let Some(names) = plan.file.other_names.as_ref().filter(|_| moved) {
        system.output.warn(format_args!(
            "{path} had another name, a hard link: the token stays there in plain text"
        ));
        let find = CommandLine::new("find").value("FOLDER", names.mount.display().to_string());
        let find = find.words("-xdev -inum").value("NUMBER", names.inode.to_string());
        system
            .output
            .info(format_args!("hint: find it, and see who needs it: {find}"));
    }
    if matches!(plan.after, After::Gone) {
        system
            .output
            .line(format_args!("{path} removed, as nothing else was in it{suffix}"))?;
    }
    Ok(())
}

fn line(change: &Change, path: &Path) -> String {
    let path = path.display();
    let shown = |text: &String| printable(text, MAX_KEY);
    let with = |what: &str, other: &Option<String>| {
        other
            .as_ref()
            .map_or(String::new(), |other| format!(" ({what} {})", shown(other)))
    };
    match change {
        Change::Helper(key, before) => {
            format!("credHelpers/{} configured in {path}{}", shown(key), with("was", before))
        }
        Change::Default(before) => format!("credsStore configured in {path}{}", with("was", before)),
        Change::Detected(store) => {
            format!("credsStore set to {store} in {path}, which docker used by default until now")
        }
        Change::Moved(key) => format!("auths/{} emptied in {path}", shown(key)),
        Change::HelperGone(key, back) => {
            format!(
                "credHelpers/{} removed from {path}{}",
                shown(key),
                with("back to", back)
            )
        }
        Change::StoreGone(wrote, back) if wrote == HELPER => {
            format!("credsStore removed from {path}{}", with("back to", back))
        }
        Change::StoreGone(wrote, back) => {
            format!(
                "credsStore {} removed from {path}{}",
                shown(wrote),
                with("back to", back)
            )
        }
    }
}

/// Prints the diff of one file as in `diff -u`, with every secret masked.
pub(super) fn difference(plan: &FilePlan, system: &mut System<'_>) -> Result<(), CommandError> {
    let after = match &plan.after {
        After::Same => return Ok(()),
        After::Document(config) => masked(config.as_str()),
        After::Gone => String::new(),
    };
    let before = if plan.file.exists() {
        masked(plan.file.config.as_str())
    } else {
        String::new()
    };
    let path = plan.file.path.display().to_string();
    let (old, new) = (
        if plan.file.exists() { path.as_str() } else { "/dev/null" },
        if plan.after == After::Gone {
            "/dev/null"
        } else {
            path.as_str()
        },
    );
    let difference = TextDiff::from_lines(&before, &after);
    let text = difference.unified_diff().header(old, new).to_string();
    // Keys can contain anything, so each line is printed separately and stripped of control characters.
    for line in text.lines() {
        system.output.line(line)?;
    }
    Ok(())
}

fn masked(text: &str) -> String {
    JsonEdit::parse(text).map_or_else(
        |_| String::new(),
        |json| {
            // docker ignores the case of the keys.
            let is_secret = |name: &str| SECRET.iter().any(|secret| is_field(name, secret));
            json.masked(|path| path.first().is_some_and(|first| is_secret(first)))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown() {
        let shown = masked(
            r#"{"auths":{"r":{"auth":"s3cret","x":{"y":["s3cret"]}}},"HttpHeaders":{"Authorization":"s3cret"},
            "proxies":{"default":{"httpProxy":"http://u:s3cret@p"}},"credsStore":"pass"}"#,
        );
        assert!(
            !shown.contains("s3cret") && shown.contains(r#""credsStore":"pass""#),
            "{shown}"
        );
        let shown = masked(r#"{"Auths":{"r":{"Auth":"s3cret"}},"httpheaders":{"Authorization":"s3cret"}}"#);
        assert!(!shown.contains("s3cret") && shown.contains("Auths"), "{shown}");
        assert_eq!(masked(" "), "");
    }
}
