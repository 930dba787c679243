//! What `status` says, before it is printed.

use super::code::Severity;
use super::finding::Finding;
use super::row::Row;
use crate::error::Exit;

/// Everything that was found.
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
    pub(super) findings: Vec<Finding>,
    /// What was looked at, for the last line where all is well: `2 registries accept their tokens`.
    pub(super) looked_at: Vec<String>,
}

impl Report {
    /// How the command ends: what could not be looked at weighs more than what is out of step, because nobody knows what is
    /// behind it.
    pub(super) fn exit(&self) -> Exit {
        match self.findings.iter().map(|finding| finding.code.severity()).max() {
            None | Some(Severity::Note) => Exit::Done,
            Some(Severity::Drift) => Exit::Drift,
            Some(Severity::Unknown) => Exit::Failed,
        }
    }
}

/// `1 Secret`, `2 Secrets`.
pub(super) fn count(count: usize, what: &str) -> String {
    format!("{count} {}", plural(count, what))
}

pub(super) fn plural(count: usize, what: &str) -> String {
    match (count, what.strip_suffix('y')) {
        (1, _) => what.to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        _ => format!("{what}s"),
    }
}
