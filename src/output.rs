//! The one place that prints: data on stdout, everything else on stderr.

use std::fmt::Display;
use std::io::{self, Write};

use crate::error::CommandError;

/// stdout and stderr of a command, which are writers so that tests and the quickstart can look at them.
pub struct Output<'a> {
    data: Box<dyn Write + 'a>,
    /// Whether data goes to a screen, where a token has no business.
    data_is_terminal: bool,
    messages: Box<dyn Write + 'a>,
}

impl<'a> Output<'a> {
    /// Data to `data`, messages to `messages`.
    pub fn new(data: impl Write + 'a, data_is_terminal: bool, messages: impl Write + 'a) -> Self {
        Self {
            data: Box::new(data),
            data_is_terminal,
            messages: Box::new(messages),
        }
    }

    /// Whether stdout is a screen.
    #[must_use]
    pub fn data_is_terminal(&self) -> bool {
        self.data_is_terminal
    }

    /// A line of what the command was asked for.
    pub fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.data, "{text}")
    }

    /// A document that ends its own lines.
    pub fn document(&mut self, text: &str) -> io::Result<()> {
        self.data.write_all(text.as_bytes())
    }

    /// A table with a heading: columns three spaces apart, as kubectl prints them.
    pub fn table<const N: usize>(&mut self, heading: [&str; N], rows: &[[String; N]]) -> io::Result<()> {
        let mut widths = heading.map(|cell| cell.chars().count());
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in std::iter::once(&heading.map(str::to_owned)).chain(rows) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width + 3 - cell.chars().count()));
            }
            writeln!(self.data, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// A line for the person who waits. A stderr that is gone is not worth failing for.
    pub fn say(&mut self, text: impl Display) {
        let _ = writeln!(self.messages, "{text}");
    }

    /// Something that went well but should be known.
    pub fn warn(&mut self, text: impl Display) {
        self.say(format_args!("warning: {text}"));
    }

    /// Why the command, or a part of it, failed, and what to type next.
    pub fn error(&mut self, error: &CommandError) {
        self.say(format_args!("error: {error}"));
        for hint in error.next() {
            let mut lines = hint.lines();
            self.say(format_args!("hint: {}", lines.next().unwrap_or_default()));
            for line in lines {
                self.say(line);
            }
        }
    }

    /// Text that is ready to be shown, such as a help page.
    pub fn message(&mut self, text: &str) {
        let _ = self.messages.write_all(text.as_bytes());
    }

    /// Hands everything over before the process ends.
    pub fn flush(&mut self) -> io::Result<()> {
        let _ = self.messages.flush();
        self.data.flush()
    }
}
