//! The one place that prints: data on stdout, everything else on stderr.

use std::fmt::Display;
use std::io::{self, Write};

use crate::error::CommandError;

/// stdout and stderr of a command, which are writers so that tests and the quickstart can look at them.
pub struct Output<'a> {
    data: Box<dyn Write + 'a>,
    /// Why nothing more can be written to it.
    data_failure: Option<io::Error>,
    /// Whether data goes to a screen, where a token has no business.
    data_is_terminal: bool,
    messages: Box<dyn Write + 'a>,
    /// `-v`
    is_verbose: bool,
    /// Whether somebody watches stderr, who is shown how far it is.
    shows_progress: bool,
    /// How many columns the line of progress takes up, while one stands there.
    progress: usize,
}

impl<'a> Output<'a> {
    /// Data to `data`, messages to `messages`.
    pub fn new(data: impl Write + 'a, data_is_terminal: bool, messages: impl Write + 'a) -> Self {
        Self {
            data: Box::new(data),
            data_failure: None,
            data_is_terminal,
            messages: Box::new(messages),
            is_verbose: false,
            shows_progress: false,
            progress: 0,
        }
    }

    /// The same, with progress on stderr: for a terminal that can go back to the start of a line.
    #[must_use]
    pub fn with_progress(mut self, shows_progress: bool) -> Self {
        self.shows_progress = shows_progress;
        self
    }

    /// From here on with what [`Output::detail`] says, or without.
    pub fn set_verbose(&mut self, is_verbose: bool) {
        self.is_verbose = is_verbose;
    }

    /// A line of how it is done, for those who asked with `-v`.
    pub fn detail(&mut self, text: impl Display) {
        if self.is_verbose {
            self.say(text);
        }
    }

    /// Whether stdout is a screen.
    #[must_use]
    pub fn data_is_terminal(&self) -> bool {
        self.data_is_terminal
    }

    /// How far it is, in one short line that the next message or [`Output::end_progress`] overwrites.
    ///
    /// Without colour and escape sequences: a carriage return and blanks do on every terminal.
    pub fn progress(&mut self, text: impl Display) {
        if !self.shows_progress {
            return;
        }
        let text = text.to_string();
        let width = text.chars().count();
        let rest = self.progress.saturating_sub(width);
        let _ = write!(self.messages, "\r{text}{:rest$}", "");
        let _ = self.messages.flush();
        self.progress = self.progress.max(width);
    }

    /// Takes the line of progress away.
    pub fn end_progress(&mut self) {
        let width = std::mem::take(&mut self.progress);
        if width > 0 {
            let _ = write!(self.messages, "\r{:width$}\r", "");
            let _ = self.messages.flush();
        }
    }

    /// A line of what the command was asked for.
    ///
    /// Where it cannot be written, [`Output::flush`] says so, and not this: `sync | head` must not stop in the middle of
    /// the namespaces because nobody reads any more.
    pub fn line(&mut self, text: impl Display) -> io::Result<()> {
        // Both may be the same screen.
        self.end_progress();
        self.give(|data| writeln!(data, "{text}"));
        Ok(())
    }

    /// A document that ends its own lines; it fails as [`Output::line`] does.
    pub fn document(&mut self, text: &str) -> io::Result<()> {
        self.give(|data| data.write_all(text.as_bytes()));
        Ok(())
    }

    fn give(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.data_failure.is_none() {
            self.data_failure = write(&mut *self.data).err();
        }
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
            self.line(line.trim_end())?;
        }
        Ok(())
    }

    /// A line for the person who waits. A stderr that is gone is not worth failing for.
    pub fn say(&mut self, text: impl Display) {
        self.end_progress();
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

    /// Hands everything over before the process ends, or says why data could not be written.
    pub fn flush(&mut self) -> io::Result<()> {
        let _ = self.messages.flush();
        match self.data_failure.take() {
            Some(failure) => Err(failure),
            None => self.data.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(shows_progress: bool) -> String {
        let mut stderr = Vec::new();
        let mut stdout = Vec::new();
        let mut output = Output::new(&mut stdout, false, &mut stderr).with_progress(shows_progress);
        output.progress("10/200");
        output.progress("9/10");
        output.say("hello");
        output.end_progress();
        output.progress("1/2");
        output.line("data").unwrap();
        drop(output);
        assert_eq!(stdout, b"data\n");
        String::from_utf8(stderr).unwrap()
    }

    /// A pipe whose reader has left.
    struct Left(usize);

    impl Write for Left {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            self.0 += 1;
            assert_eq!(self.0, 1, "it is not tried again");
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_who_leaves_stops_no_work_and_is_not_forgotten() {
        let mut output = Output::new(Left(0), false, io::sink());
        output.line("one").unwrap();
        output.document("two\n").unwrap();
        output.table(["A"], &[["b".to_owned()]]).unwrap();
        assert_eq!(output.flush().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_line_of_progress_is_overwritten_by_whatever_comes_next() {
        assert_eq!(shown(true), "\r10/200\r9/10  \r      \rhello\n\r1/2\r   \r");
        assert_eq!(shown(false), "hello\n");
    }
}
