//! The reply, in the protocol of kubectl's and cobra's shell scripts (`completions.go` in spf13/cobra): one candidate on
//! each line, with a tab before its description, and at the end a colon and a number that tells the shell what to do.

use std::io::{self, Write};

use crate::model::printable;

/// No blank after the only candidate (cobra's `ShellCompDirectiveNoSpace`).
const NO_SPACE: u8 = 2;
/// No names of files (cobra's `ShellCompDirectiveNoFileComp`).
const NO_FILES: u8 = 4;

/// The longest description, in characters.
const DESCRIPTION: usize = 100;

/// Candidates for one word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reply {
    /// The prefix of each candidate.
    pub before: String,
    /// The text that each candidate has to begin with.
    typed: String,
    /// Values that were already given and cannot be repeated.
    pub given: Vec<String>,
    /// Whether the shell completes names of files.
    pub files: bool,
    /// Candidates and descriptions.
    found: Vec<(String, String)>,
    is_written: bool,
}

impl Reply {
    /// Sets the typed part of the word.
    pub(super) fn to(&mut self, typed: &str) {
        typed.clone_into(&mut self.typed);
    }

    /// Adds a candidate if it matches.
    pub(super) fn offer(&mut self, text: &str, about: &str) {
        let fits = text.starts_with(&self.typed) && !self.given.iter().any(|given| given == text);
        if fits && is_plain(text) && !self.found.iter().any(|(found, _)| found == text) {
            self.found.push((text.to_owned(), about.to_owned()));
        }
    }

    /// The protocol's number.
    fn directive(&self) -> u8 {
        if self.files {
            return 0;
        }
        let open = |(text, _): &(String, String)| text.ends_with(['=', '/', ':']);
        let goes_on = !self.found.is_empty() && self.found.iter().all(open);
        NO_FILES | if goes_on { NO_SPACE } else { 0 }
    }

    /// The lines of the protocol.
    pub(super) fn lines(&self, with_descriptions: bool) -> String {
        let mut text = String::new();
        for (candidate, about) in &self.found {
            text.push_str(&self.before);
            text.push_str(candidate);
            let about = printable(about, DESCRIPTION);
            if with_descriptions && !about.is_empty() {
                text.push('\t');
                text.push_str(&about);
            }
            text.push('\n');
        }
        text + &format!(":{}\n", self.directive())
    }

    /// Writes it, once. If the reader is gone, errors are ignored.
    pub(super) fn write(&mut self, with_descriptions: bool, stdout: &mut dyn Write) {
        if !std::mem::replace(&mut self.is_written, true) {
            let _ = self.write_to(with_descriptions, stdout);
        }
    }

    fn write_to(&self, with_descriptions: bool, stdout: &mut dyn Write) -> io::Result<()> {
        stdout.write_all(self.lines(with_descriptions).as_bytes())?;
        stdout.flush()
    }
}

/// Whether the text is safe for a shell. Names come from clusters and kubeconfigs, and some completion scripts evaluate
/// them: bash's `compgen -W` expands `$(…)`.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@=+,%#".contains(c);
    !text.is_empty() && !text.starts_with('#') && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(typed: &str, candidates: &[&str]) -> Reply {
        let mut reply = Reply::default();
        reply.to(typed);
        for candidate in candidates {
            reply.offer(candidate, "about\nit");
        }
        reply
    }

    #[test]
    fn the_last_line_is_the_directive() {
        let lines = |typed: &str, candidates: &[&str]| reply(typed, candidates).lines(true);
        assert_eq!(lines("", &[]), ":4\n");
        assert_eq!(
            lines("ho", &["honeydue", "other", "honeydue"]),
            "honeydue\tabout it\n:4\n"
        );
        assert_eq!(lines("", &["team/", "web/"]), "team/\tabout it\nweb/\tabout it\n:6\n");
        assert_eq!(
            lines("--wa", &["--wait", "--wait="]),
            "--wait\tabout it\n--wait=\tabout it\n:4\n"
        );
        assert_eq!(reply("", &["a"]).lines(false), "a\n:4\n");
        let files = Reply {
            files: true,
            ..Reply::default()
        };
        assert_eq!(files.lines(true), ":0\n");
    }

    #[test]
    fn a_candidate_that_a_shell_would_expand_is_not_offered() {
        let arn = "arn:aws:eks:eu-west-1:1:cluster/prod";
        let candidates = [
            "$(id)",
            "`id`",
            "a b",
            "a;b",
            "a\nb",
            "a\tb",
            "#c",
            "x\u{1b}[31m",
            "kind-a@b.c",
            arn,
        ];
        assert_eq!(reply("", &candidates).lines(false), format!("kind-a@b.c\n{arn}\n:4\n"));
    }

    #[test]
    fn it_is_written_once() {
        let mut stdout = Vec::new();
        let mut reply = reply("", &["a"]);
        reply.write(false, &mut stdout);
        reply.write(false, &mut stdout);
        assert_eq!(stdout, b"a\n:4\n");
    }
}
