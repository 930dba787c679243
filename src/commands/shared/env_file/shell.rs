//! What a POSIX shell assigns when it reads a file of variables with `set -a; . FILE` (XCU 2.2 Quoting, 2.9.1 Simple
//! Commands): the same, or a refusal with the line and the reason. No code is run, and no value is ever quoted.
//!
//! One thing differs from a shell: a carriage return at the end of a line, as Windows editors write it, is dropped. A
//! shell would make it a part of the value.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

/// A value as it is in the file; it may not be UTF-8.
pub(super) type Value = Zeroizing<Vec<u8>>;

/// The assignments in the file.
pub(super) struct Assigned<const N: usize> {
    /// The last value of each requested name.
    pub(super) values: [Option<Value>; N],
    /// How each requested name is assigned, each time.
    pub(super) forms: [Vec<Form>; N],
    /// Whether other variables are assigned too.
    pub(super) has_others: bool,
}

/// How an assignment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `NAME=value`, which is a whole line.
    Line,
    /// `export NAME=value`, which is a whole line.
    ExportLine,
    /// In any other form: in a line with more, or in several lines.
    Other,
}

/// Why a file cannot be read as a list of assignments.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {what}")]
pub(super) struct Refused {
    line: usize,
    what: String,
}

/// The fault of a value; the message follows the variable's name.
#[derive(Clone, Copy)]
enum Fault {
    Dollar,
    Code,
    Unclosed,
    Space,
    Operator(u8),
    Tilde,
    Pattern(u8),
    Append,
    Element,
    Backslash,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dollar => f.write_str("has a $ in it, which a shell replaces: put the value in single quotes"),
            Self::Code => f.write_str("is shell code, not a plain value"),
            Self::Unclosed => f.write_str("has a quote that is not closed"),
            Self::Space => f.write_str("has a space in it: put the value in quotes"),
            Self::Operator(c) => write!(
                f,
                "has a {} outside of quotes, where a shell ends the value: put the value in single quotes",
                char::from(*c)
            ),
            Self::Tilde => f.write_str("has a ~ that a shell replaces: put the value in single quotes"),
            Self::Pattern(c) => write!(
                f,
                "has a {} that some shells replace after `export`: put the value in single quotes",
                char::from(*c)
            ),
            Self::Append => f.write_str("is extended with +=, which is bash's own: assign the whole value"),
            Self::Element => f.write_str("is used as an array, which is bash's own"),
            Self::Backslash => f.write_str("ends with a backslash that escapes nothing"),
        }
    }
}

const COMMAND: &str = "this is a command: only NAME=value is read here, with or without `export`";
const SPACED: &str = "there is a space before the =, where a shell takes the name for a command";
const EMPTY: &str = "a ; stands there with nothing before it";
const MARK: &str =
    "it begins with a byte order mark, which a shell takes for a part of the first word: save it as UTF-8 without one";
const NUL: &str = "there is a NUL in it";

/// The values that a shell would give to `names`.
pub(super) fn assigned<const N: usize>(text: &[u8], names: [&'static str; N]) -> Result<Assigned<N>, Refused> {
    let line_of = |at: usize| text[..at].split(|byte| *byte == b'\n').count();
    let refused = |at: usize, what: &str| Refused {
        line: line_of(at),
        what: what.to_owned(),
    };
    if text.starts_with("\u{feff}".as_bytes()) {
        return Err(refused(0, MARK));
    }
    if let Some(at) = text.iter().position(|byte| *byte == 0) {
        return Err(refused(at, NUL));
    }
    let mut reader = Reader {
        text,
        at: 0,
        line: 1,
        names,
        words: Vec::new(),
        found: Assigned {
            values: std::array::from_fn(|_| None),
            forms: std::array::from_fn(|_| Vec::new()),
            has_others: false,
        },
    };
    reader.file()?;
    Ok(reader.found)
}

struct Reader<'a, const N: usize> {
    text: &'a [u8],
    at: usize,
    line: usize,
    names: [&'static str; N],
    /// The variables of the command that is being read: the index of each that is a requested one.
    words: Vec<Option<usize>>,
    found: Assigned<N>,
}

/// The assignment whose value is being read.
struct Assignment {
    /// The index of the variable in the requested names.
    slot: Option<usize>,
    is_export: bool,
}

impl<'a, const N: usize> Reader<'a, N> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        self.line += usize::from(byte == b'\n');
        Some(byte)
    }

    fn starts_with(&self, text: &[u8]) -> bool {
        self.text[self.at..].starts_with(text)
    }

    /// The end of a line, or of the file.
    fn is_line_end(&self) -> bool {
        let rest = &self.text[self.at..];
        rest.is_empty() || rest.starts_with(b"\n") || rest.starts_with(b"\r\n") || rest == b"\r"
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) || self.starts_with(b"\\\n") {
            self.next();
        }
    }

    fn rest_of_line(&mut self) {
        while self.peek().is_some_and(|byte| byte != b'\n') {
            self.next();
        }
    }

    fn refused<T>(&self, what: &str) -> Result<T, Refused> {
        Err(Refused {
            line: self.line,
            what: what.to_owned(),
        })
    }

    fn fault<T>(&self, line: usize, slot: Option<usize>, fault: Fault) -> Result<T, Refused> {
        // Only requested names are printed: another word could be a misplaced token.
        let name = slot.map_or("a variable", |slot| self.names[slot]);
        Err(Refused {
            line,
            what: format!("{name} {fault}"),
        })
    }

    fn file(&mut self) -> Result<(), Refused> {
        loop {
            self.blanks();
            match self.peek() {
                None => return Ok(()),
                Some(b'#') => self.rest_of_line(),
                Some(b';') => return self.refused(EMPTY),
                Some(_) if self.is_line_end() => {
                    self.next();
                }
                Some(_) => {
                    let start = self.at;
                    self.words.clear();
                    self.command()?;
                    self.note_forms(start);
                }
            }
        }
    }

    /// Notes how the command that began at `start` is written.
    fn note_forms(&mut self, start: usize) {
        let form = match *self.words.as_slice() {
            [Some(slot)] => self.form(start, self.names[slot]),
            _ => Form::Other,
        };
        for slot in self.words.iter().flatten() {
            self.found.forms[*slot].push(form);
        }
    }

    /// The form of a command with one assignment.
    fn form(&self, start: usize, name: &str) -> Form {
        let (before, command) = (&self.text[..start], &self.text[start..self.at]);
        let is_line_start = before.is_empty() || (before.ends_with(b"\n") && !before.ends_with(b"\\\n"));
        if !is_line_start || !self.is_line_end() || command.contains(&b'\n') || command.ends_with(b";") {
            return Form::Other;
        }
        let begins_with = |words: &str| command.starts_with(format!("{words}{name}=").as_bytes());
        if begins_with("") {
            Form::Line
        } else if begins_with("export ") {
            Form::ExportLine
        } else {
            Form::Other
        }
    }

    /// Assignments up to the end of the line, or to a `;`.
    fn command(&mut self) -> Result<(), Refused> {
        let mut is_export = false;
        // Whether `export` can still have the end of its options.
        let mut has_operand = false;
        let mut last = None;
        for is_first in std::iter::once(true).chain(std::iter::repeat(false)) {
            self.blanks();
            if self.is_line_end() {
                return Ok(());
            }
            match self.peek() {
                Some(b'#') => {
                    self.rest_of_line();
                    return Ok(());
                }
                Some(b';') => {
                    self.next();
                    return Ok(());
                }
                _ => {}
            }
            let name = self.name();
            match (name, self.peek()) {
                (Some(name), Some(b'=')) => {
                    self.next();
                    last = Some(self.assignment(name, is_export)?);
                }
                (Some(name), Some(b'+')) if self.starts_with(b"+=") => {
                    return self.fault(self.line, self.slot(name), Fault::Append);
                }
                (Some(name), Some(b'[')) => return self.fault(self.line, self.slot(name), Fault::Element),
                (Some(b"export"), _) if is_first && self.is_word_end() => is_export = true,
                (Some(b"set"), _) if is_first && self.is_word_end() => return self.set(),
                // A name alone is given no value.
                (Some(name), _) if is_export && self.is_word_end() && !self.is_before_equals() => {
                    has_operand = true;
                    self.words.push(self.slot(name));
                }
                (None, Some(b'-')) if is_export && !has_operand && last.is_none() && self.starts_with(b"-- ") => {
                    self.at += 2;
                    has_operand = true;
                }
                (_, Some(c)) if last.is_some() && is_operator(c) => {
                    return self.fault(self.line, last.flatten(), Fault::Operator(c));
                }
                _ if last.is_some() => return self.fault(self.line, last.flatten(), Fault::Space),
                _ if self.is_before_equals() => return self.refused(SPACED),
                _ => return self.refused(COMMAND),
            }
        }
        Ok(())
    }

    /// `set -a` and its equivalents, which are common in such files. Other forms of `set` are refused.
    fn set(&mut self) -> Result<(), Refused> {
        self.blanks();
        for known in ["-a", "+a", "-o allexport", "+o allexport"] {
            if self.starts_with(known.as_bytes()) {
                self.at += known.len();
                self.blanks();
                if self.is_line_end() || matches!(self.peek(), Some(b'#')) {
                    self.rest_of_line();
                    return Ok(());
                }
                if self.peek() == Some(b';') {
                    self.next();
                    return Ok(());
                }
                break;
            }
        }
        self.refused(COMMAND)
    }

    /// The name at the start of a word.
    fn name(&mut self) -> Option<&'a [u8]> {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let text: &'a [u8] = self.text;
        let rest = &text[self.at..];
        let length = rest.iter().take_while(|byte| is_part(byte)).count();
        if length == 0 || rest[0].is_ascii_digit() {
            return None;
        }
        self.at += length;
        Some(&rest[..length])
    }

    fn slot(&self, name: &[u8]) -> Option<usize> {
        self.names.iter().position(|known| known.as_bytes() == name)
    }

    fn is_word_end(&self) -> bool {
        self.is_line_end() || matches!(self.peek(), Some(b' ' | b'\t' | b';'))
    }

    /// Whether only blanks are between here and a `=`.
    fn is_before_equals(&self) -> bool {
        let mut rest = self.text[self.at..].iter();
        rest.find(|byte| !matches!(byte, b' ' | b'\t')) == Some(&b'=')
    }

    /// Reads an assignment. Returns the index of the name if it is a requested one.
    fn assignment(&mut self, name: &[u8], is_export: bool) -> Result<Option<usize>, Refused> {
        let slot = self.slot(name);
        let value = self.value(&Assignment { slot, is_export })?;
        match slot {
            // A later one wins.
            Some(slot) => self.found.values[slot] = Some(value),
            None => self.found.has_others = true,
        }
        self.words.push(slot);
        Ok(slot)
    }

    fn value(&mut self, assignment: &Assignment) -> Result<Value, Refused> {
        // Room for all of it at once: a buffer that grows leaves copies behind.
        let room = if assignment.slot.is_some() {
            self.text.len() - self.at
        } else {
            0
        };
        let mut value = Value::new(Vec::with_capacity(room));
        let mut keep = |byte: u8| {
            if assignment.slot.is_some() {
                value.push(byte);
            }
        };
        // What stands before a ~ that is replaced: the = itself, or a colon.
        let mut before = b'=';
        while !self.is_word_end() {
            let line = self.line;
            let Some(byte) = self.next() else { break };
            match byte {
                b'\'' => loop {
                    match self.next() {
                        None => return self.fault(line, assignment.slot, Fault::Unclosed),
                        Some(b'\'') => break,
                        Some(byte) => keep(byte),
                    }
                },
                b'"' => loop {
                    match self.next() {
                        None => return self.fault(line, assignment.slot, Fault::Unclosed),
                        Some(b'"') => break,
                        Some(b'\\') => match self.peek() {
                            Some(b'\n') => {
                                self.next();
                            }
                            Some(hidden @ (b'$' | b'`' | b'"' | b'\\')) => {
                                self.next();
                                keep(hidden);
                            }
                            _ => keep(b'\\'),
                        },
                        Some(b'$') => self.expansion(assignment, true)?,
                        Some(b'`') => return self.fault(self.line, assignment.slot, Fault::Code),
                        Some(byte) => keep(byte),
                    }
                },
                b'\\' => match self.next() {
                    Some(b'\n') => continue,
                    None | Some(b'\r') => return self.fault(line, assignment.slot, Fault::Backslash),
                    Some(hidden) => keep(hidden),
                },
                b'$' => self.expansion(assignment, false)?,
                b'`' => return self.fault(line, assignment.slot, Fault::Code),
                b'~' if matches!(before, b'=' | b':') && assignment.slot.is_some() => {
                    return self.fault(line, assignment.slot, Fault::Tilde);
                }
                c if is_operator(c) => return self.fault(line, assignment.slot, Fault::Operator(c)),
                c if assignment.is_export && assignment.slot.is_some() && b"*?[{}".contains(&c) => {
                    return self.fault(line, assignment.slot, Fault::Pattern(c));
                }
                byte => keep(byte),
            }
            before = byte;
        }
        Ok(value)
    }

    /// Skips an expansion after a `$`, which is allowed in the value of an unneeded variable. Expansions that could assign
    /// a variable (`${A=b}`, `$((A=b))`) or that only bash has (`$'…'`) are refused.
    fn expansion(&mut self, assignment: &Assignment, is_quoted: bool) -> Result<(), Refused> {
        let is_code = matches!(self.peek(), Some(b'(')) || (!is_quoted && matches!(self.peek(), Some(b'\'' | b'"')));
        if is_code {
            return self.fault(self.line, assignment.slot, Fault::Code);
        }
        // Unquoted after `export`, some shells split it into words of which each may be an assignment.
        if assignment.slot.is_some() || (assignment.is_export && !is_quoted) {
            return self.fault(self.line, assignment.slot, Fault::Dollar);
        }
        if self.peek() == Some(b'{') {
            self.next();
            if self.name().is_none() || self.next() != Some(b'}') {
                return self.fault(self.line, assignment.slot, Fault::Code);
            }
        }
        Ok(())
    }
}

/// Whether this is a shell operator that ends a word, without `;`.
fn is_operator(byte: u8) -> bool {
    b"&|<>()".contains(&byte)
}

#[cfg(test)]
mod tests;
