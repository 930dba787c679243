//! The blocks of a Markdown document that are set as code: fenced or indented ones.

use std::fmt;

/// A block of code.
pub struct Block {
    pub document: String,
    /// Its first line in the document, counted from 1.
    at: usize,
    /// Without the indentation.
    pub text: String,
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}\n{}", self.document, self.at, self.text)
    }
}

/// A command of a block.
pub struct Command {
    /// As it is typed: a line that ends with a backslash goes on in the next one.
    pub line: String,
    /// What the block shows below it.
    pub shown: String,
}

impl Block {
    /// Its commands. Where lines begin with `$ `, those are, and the rest is what they print; otherwise all are.
    pub fn commands(&self) -> Vec<Command> {
        let is_session = self.text.lines().any(|line| line.starts_with("$ "));
        let mut commands: Vec<Command> = Vec::new();
        let mut goes_on = false;
        for line in self.text.lines() {
            let typed = if is_session {
                line.strip_prefix("$ ")
            } else {
                Some(line)
            };
            match (typed, commands.last_mut()) {
                (_, Some(last)) if goes_on => last.line.extend(["\n", line]),
                (Some(typed), _) => commands.push(Command {
                    line: typed.to_owned(),
                    shown: String::new(),
                }),
                (None, Some(last)) => last.shown.extend([line, "\n"]),
                (None, None) => panic!("{self}\nshows something before the first command"),
            }
            goes_on = line.ends_with('\\');
        }
        commands
    }
}

/// Those of one document, in order.
pub fn of(document: &str) -> Vec<Block> {
    let text = super::read(document);
    let mut blocks: Vec<Block> = Vec::new();
    let mut fence: Option<&str> = None;
    let mut before = "";
    let mut lines: Vec<&str> = Vec::new();
    let mut at = 0;
    let mut end = |lines: &mut Vec<&str>, at: usize| {
        let text = std::mem::take(lines).join("\n");
        if !text.trim().is_empty() {
            blocks.push(Block {
                document: document.to_owned(),
                at,
                text: text.trim_end().to_owned(),
            });
        }
    };
    for (number, line) in text.lines().enumerate() {
        if let Some(mark) = fence {
            if line.starts_with(mark) {
                fence = None;
                end(&mut lines, at);
            } else {
                lines.push(line);
            }
        } else if line.starts_with("```") {
            end(&mut lines, at);
            (fence, at) = (Some("```"), number + 2);
        } else if let Some(code) = line
            .strip_prefix("    ")
            .filter(|_| before.is_empty() || !lines.is_empty())
        {
            if lines.is_empty() {
                at = number + 1;
            }
            lines.push(code);
        } else if line.is_empty() && !lines.is_empty() {
            // A block goes on below an empty line if what follows is indented as well.
            lines.push("");
        } else {
            end(&mut lines, at);
        }
        before = line;
    }
    end(&mut lines, at);
    assert!(fence.is_none(), "{document}: a fence without an end");
    blocks
}
