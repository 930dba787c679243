//! Hints: a command to paste into a shell, or a text.

use std::fmt;

use serde::{Serialize, Serializer};

use super::text::is_invisible;

/// Longest foreign word in a command, in characters; Kubernetes names have at most 253.
const MAX_FOREIGN: usize = 253;

/// A command line that is safe to paste and has the same meaning in bash, zsh, fish and PowerShell.
///
/// Only [`CommandLine::new`] and [`CommandLine::words`] take text verbatim, and only constants. Every other word is
/// quoted if there is a quoting for all four shells, and is otherwise replaced with a placeholder in capitals for the
/// user to fill in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandLine(String);

impl CommandLine {
    /// A program with its first arguments: `kubectl regcred sync`.
    pub fn new(program: &'static str) -> Self {
        Self(program.to_owned())
    }

    /// Appends constant words verbatim.
    #[must_use]
    pub fn words(mut self, words: &'static str) -> Self {
        self.0.push(' ');
        self.0.push_str(words);
        self
    }

    /// Appends a word from the user, or one with a validated syntax: a flag's value, a Kubernetes name, a local path.
    /// `placeholder` is used if it cannot be quoted.
    #[must_use]
    pub fn value(mut self, placeholder: &'static str, value: impl AsRef<str>) -> Self {
        self.0.push(' ');
        match quoted(value.as_ref()) {
            Some(word) => self.0.push_str(&word),
            None => self.0.push_str(placeholder),
        }
        self
    }

    /// Appends an untrusted word from a server, a cluster's tenant or a foreign file. `placeholder` is used unless it
    /// consists only of letters, digits and `. _ - / : @`.
    #[must_use]
    pub fn foreign(self, placeholder: &'static str, value: impl AsRef<str>) -> Self {
        let value = value.as_ref();
        if is_plain_name(value) {
            self.value(placeholder, value)
        } else {
            self.words(placeholder)
        }
    }

    /// Appends a flag with a word from the user.
    #[must_use]
    pub fn option(self, flag: &'static str, placeholder: &'static str, value: impl AsRef<str>) -> Self {
        self.words(flag).value(placeholder, value)
    }

    /// Pipes the output into another command.
    #[must_use]
    pub fn pipe(mut self, into: &Self) -> Self {
        self.0.push_str(" | ");
        self.0.push_str(&into.0);
        self
    }

    /// Appends a document from our own code, for the shell's `echo`. Unlike in arguments of programs, double quotes are
    /// safe there in PowerShell.
    #[must_use]
    pub fn document(mut self, document: &str) -> Self {
        match quoted(&document.replace('"', "")) {
            Some(_) if !document.starts_with('\'') => self.0 = format!("{} '{document}'", self.0),
            _ => self.0.push_str(" DOCUMENT"),
        }
        self
    }

    /// Redirects the output into a file.
    #[must_use]
    pub fn into_file(self, path: impl AsRef<str>) -> Self {
        self.words(">").value("FILE", path)
    }

    /// Appends a second command, which runs if the first succeeds (`&&`: PowerShell 7, fish 3).
    #[must_use]
    pub fn then(mut self, next: &Self) -> Self {
        self.0.push_str(" && ");
        self.0.push_str(&next.0);
        self
    }

    /// The command line as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for CommandLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Quotes `text` as one word for all four shells; `None` if there is no common quoting.
///
/// Single quotes preserve everything except: the quote itself, including curly quotes in PowerShell
/// (`about_Quoting_Rules`); a backslash before another one or before the closing quote, which is an escape in fish
/// (fish-doc, Quotes); a double quote, which Windows PowerShell drops when it calls a program (`about_Parsing`, passing
/// arguments that contain quote characters). A line break ends the command on some terminals.
fn quoted(text: &str) -> Option<String> {
    // A leading `-` is read as a flag; an empty word is dropped by Windows PowerShell.
    if text.starts_with('-') || text.is_empty() {
        return None;
    }
    // `=x` is a program's path in zsh, `@x` an array in PowerShell.
    let begins_plainly = !text.starts_with(['=', '@', '+', ':']);
    if begins_plainly
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-/:@=+".contains(c))
    {
        return Some(text.to_owned());
    }
    let cannot = |c: char| {
        c.is_control() || is_invisible(c) || matches!(c, '\'' | '"' | '\u{2018}'..='\u{201b}' | '\u{2028}' | '\u{2029}')
    };
    if text.contains(cannot) || text.contains(r"\\") || text.ends_with('\\') {
        return None;
    }
    Some(format!("'{text}'"))
}

/// Whether it consists only of characters that are safe in names.
fn is_plain_name(text: &str) -> bool {
    let begins_plainly = text.starts_with(|c: char| c.is_ascii_alphanumeric() || "._/".contains(c));
    begins_plainly
        && text.len() <= MAX_FOREIGN
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:@".contains(c))
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hint {
    /// A command, with an optional description.
    Command {
        /// Such as `unlock it`.
        what: Option<&'static str>,
        command: CommandLine,
    },
    /// A text, for what no single command does. It may contain a [`CommandLine`].
    Text(String),
    /// A manifest to apply, with a description.
    Manifest { what: String, manifest: String },
}

impl Hint {
    /// A command with a description.
    pub fn to(what: &'static str, command: CommandLine) -> Self {
        Self::Command {
            what: Some(what),
            command,
        }
    }

    pub fn command(&self) -> Option<&CommandLine> {
        match self {
            Self::Command { command, .. } => Some(command),
            Self::Text(_) | Self::Manifest { .. } => None,
        }
    }

    /// The first line, without the manifest.
    pub fn line(&self) -> String {
        match self {
            Self::Manifest { what, .. } => what.clone(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command { what: None, command } => write!(f, "{command}"),
            Self::Command {
                what: Some(what),
                command,
            } => write!(f, "{what}: {command}"),
            Self::Text(text) => f.write_str(text),
            Self::Manifest { what, manifest } => write!(f, "{what}\n{manifest}"),
        }
    }
}

impl Serialize for Hint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<CommandLine> for Hint {
    fn from(command: CommandLine) -> Self {
        Self::Command { what: None, command }
    }
}

impl From<String> for Hint {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Hint {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<fmt::Arguments<'_>> for Hint {
    fn from(text: fmt::Arguments<'_>) -> Self {
        Self::Text(text.to_string())
    }
}

#[cfg(test)]
mod tests;
