//! What to do next: a command to paste into a shell, or words.

use std::fmt;

use serde::{Serialize, Serializer};

use super::text::is_invisible;

/// Longest word of somebody else's in a command, in characters: a name of Kubernetes has 253 at most.
const MAX_FOREIGN: usize = 253;

/// A command line that is safe to paste, and means the same, in bash, zsh, fish and PowerShell.
///
/// Only [`CommandLine::new`] and [`CommandLine::words`] take text as it stands, and only from the source code. Every
/// other word is quoted where that can be done for all four shells at once, and is else left as a word in capitals that
/// a person fills in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandLine(String);

impl CommandLine {
    /// A program with its first words: `kubectl regcred sync`.
    pub fn new(program: &'static str) -> Self {
        Self(program.to_owned())
    }

    /// Words of ours, as they stand.
    #[must_use]
    pub fn words(mut self, words: &'static str) -> Self {
        self.0.push(' ');
        self.0.push_str(words);
        self
    }

    /// A word that this user chose, or whose grammar is checked: a flag's value, a name of Kubernetes, a path here.
    /// `placeholder` stands there where it cannot be quoted.
    #[must_use]
    pub fn value(mut self, placeholder: &'static str, value: impl AsRef<str>) -> Self {
        self.0.push(' ');
        match quoted(value.as_ref()) {
            Some(word) => self.0.push_str(&word),
            None => self.0.push_str(placeholder),
        }
        self
    }

    /// A word that a server, a cluster's tenant or a file of somebody else's chose: `placeholder` stands there unless it
    /// is made of letters, digits and `. _ - / : @` alone.
    #[must_use]
    pub fn foreign(self, placeholder: &'static str, value: impl AsRef<str>) -> Self {
        let value = value.as_ref();
        if is_plain_name(value) {
            self.value(placeholder, value)
        } else {
            self.words(placeholder)
        }
    }

    /// A flag with a word that this user chose.
    #[must_use]
    pub fn option(self, flag: &'static str, placeholder: &'static str, value: impl AsRef<str>) -> Self {
        self.words(flag).value(placeholder, value)
    }

    /// The same, fed into another command.
    #[must_use]
    pub fn pipe(mut self, into: &Self) -> Self {
        self.0.push_str(" | ");
        self.0.push_str(&into.0);
        self
    }

    /// A document that our own code wrote, for the shell's `echo`: within PowerShell, double quotes are safe.
    #[must_use]
    pub fn document(mut self, document: &str) -> Self {
        match quoted(&document.replace('"', "")) {
            Some(_) if !document.starts_with('\'') => self.0 = format!("{} '{document}'", self.0),
            _ => self.0.push_str(" DOCUMENT"),
        }
        self
    }

    /// The same, written into a file.
    #[must_use]
    pub fn into_file(self, path: impl AsRef<str>) -> Self {
        self.words(">").value("FILE", path)
    }

    /// The same, and if that was done, another. PowerShell knows this from 7 on, fish from 3 on.
    #[must_use]
    pub fn then(mut self, next: &Self) -> Self {
        self.0.push_str(" && ");
        self.0.push_str(&next.0);
        self
    }

    /// The line to paste.
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

/// `text` as one word of each of the four shells; `None` where they differ about it.
///
/// Within single quotes all of them take everything as it is, but for: the quote itself, which PowerShell also sees in
/// the curly ones (`about_Quoting_Rules`); a backslash before another or before the closing quote, which fish takes for an
/// escape (fish-doc, Quotes); a double quote, which Windows PowerShell loses on the way to a program
/// (`about_Parsing`, passing arguments that contain quote characters). A line break ends the command on some terminals.
fn quoted(text: &str) -> Option<String> {
    // A program takes the first for a flag; the last is dropped by Windows PowerShell.
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

/// Whether it can be nothing but a name.
fn is_plain_name(text: &str) -> bool {
    let begins_plainly = text.starts_with(|c: char| c.is_ascii_alphanumeric() || "._/".contains(c));
    begins_plainly
        && text.len() <= MAX_FOREIGN
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:@".contains(c))
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hint {
    /// A command that does it, after a word about what it does.
    Command {
        /// `unlock it`
        what: Option<&'static str>,
        command: CommandLine,
    },
    /// What no command does by itself. It may name a [`CommandLine`].
    Text(String),
    /// A document to apply, after what to do with it.
    Manifest { what: String, manifest: String },
}

impl Hint {
    /// A command after a word about what it does.
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

    /// The first line, without the document that it is about.
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
