//! Somebody types lines at a terminal, and answers what the programs ask.

use std::process::Command;

use rexpect::ReadUntil;
use rexpect::session::PtySession;

/// What one line came to.
#[derive(Debug)]
pub struct Ran {
    /// What was to be seen.
    pub shown: String,
    pub code: i32,
}

/// Questions, as far as they are always the same.
pub const TOKEN: &str = "Token of admin at ";
pub const PASSWORD: &str = "Password of admin at ";
pub const NEW_PASSPHRASE: &str = "New passphrase of the vault";
pub const AGAIN: &str = "Repeat the passphrase";
pub const PASSPHRASE: &str = "Passphrase of the vault";
const QUESTIONS: [&str; 5] = [TOKEN, PASSWORD, NEW_PASSPHRASE, AGAIN, PASSPHRASE];

/// Stands before each line's output, and with `=` before its exit code. No program prints it.
const MARK: char = '\u{1e}';

/// Runs the lines in one bash, on a terminal of their own. `answer` is told which line asks which question.
pub fn run(mut bash: Command, lines: &[String], answer: impl Fn(&str, &str) -> String) -> Vec<Ran> {
    let marked = lines
        .iter()
        .flat_map(|line| ["printf '\\036'\n", line, "\nprintf '\\036=%s' $?\n"]);
    let script: String = marked.collect();
    bash.arg("-c").arg(script);
    let mut terminal = rexpect::session::spawn_command(bash, Some(300_000)).unwrap();
    let mut seen = String::new();
    loop {
        let questions = QUESTIONS.map(|text| ReadUntil::String(text.to_owned()));
        let until = questions.into_iter().chain([ReadUntil::EOF]).collect();
        let (before, matched) = terminal
            .exp_any(until)
            .unwrap_or_else(|error| panic!("{error}\n{seen}"));
        seen += &before;
        seen += &matched;
        if !QUESTIONS.contains(&matched.as_str()) {
            break;
        }
        let at = seen.matches(MARK).count().div_ceil(2);
        seen += &self::answer(&mut terminal, &answer(&lines[at - 1], &matched));
    }
    parsed(&seen)
}

/// Types what is asked for. dialoguer shows the question once more, with a word in place of the answer. Returns what was to
/// be seen.
pub fn answer(terminal: &mut PtySession, text: &str) -> String {
    terminal.send_line(text).unwrap();
    let hidden = "[hidden]";
    terminal.exp_string(hidden).unwrap() + hidden
}

fn parsed(seen: &str) -> Vec<Ran> {
    let mut parts = seen.split(MARK).skip(1);
    let mut ran = Vec::new();
    while let (Some(shown), Some(code)) = (parts.next(), parts.next()) {
        let code = code.strip_prefix('=').unwrap();
        ran.push(Ran {
            shown: shown.lines().map(visible).collect(),
            code: code.parse().unwrap_or_else(|_| panic!("{seen}")),
        });
    }
    ran
}

/// What is left of a line to be seen: a carriage return overwrites.
fn visible(line: &str) -> String {
    let line = line.trim_end_matches('\r');
    let last = line.rsplit('\r').find(|part| !part.trim().is_empty());
    last.unwrap_or_default().trim_end().to_owned() + "\n"
}
