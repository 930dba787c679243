//! The result of `status`.

use super::code::Severity;
use super::finding::Finding;
use super::row::Row;
use crate::error::Exit;

/// The rows and findings.
pub(in crate::commands) struct Report {
    pub(in crate::commands) rows: Vec<Row>,
    pub(in crate::commands) findings: Vec<Finding>,
    /// What was checked, for the last line if all is well, such as `2 registries accept their tokens`.
    pub(in crate::commands) checked: Vec<String>,
}

impl Report {
    /// The exit code. Something that could not be checked takes precedence over drift, because it may hide more.
    pub(in crate::commands) fn exit(&self) -> Exit {
        match self.findings.iter().map(|finding| finding.code.severity()).max() {
            None | Some(Severity::Note) => Exit::Done,
            Some(Severity::Drift) => Exit::Drift,
            Some(Severity::Unknown) => Exit::Failed,
        }
    }
}
