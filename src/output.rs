//! The one place that prints: data on stdout, everything else on stderr.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::{self, Write};

use crate::error::CommandError;
use crate::model::{printable_around, strip_control};

/// stdout and stderr of a command, as writers so that tests and the quickstart can capture them.
#[allow(clippy::struct_excessive_bools, reason = "what each of the two streams is good for")]
pub struct Output<'a> {
    data: Box<dyn Write + 'a>,
    /// The first error of writing data; nothing more is written after it.
    data_failure: Option<io::Error>,
    /// Whether data goes to a terminal, where no token should be printed.
    data_is_terminal: bool,
    /// The terminal's width in columns.
    columns: Option<usize>,
    /// Whether to use colours.
    is_coloured: bool,
    messages: Box<dyn Write + 'a>,
    /// The errors that were printed as warnings.
    warned: BTreeSet<String>,
    is_verbose: bool,
    /// The longest line of progress that stderr has room for, in columns; `None` if none is shown.
    progress_columns: Option<usize>,
    /// The width of the current progress line in columns; 0 if there is none.
    progress: usize,
}

/// The highlighting of a part of a line. It must not carry information of its own: not every terminal has colours, and
/// not everybody sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    /// A heading.
    Strong,
    /// In order.
    Good,
    /// Out of step.
    Bad,
    /// Not known.
    Doubtful,
}

impl Tone {
    /// The terminal code (ECMA-48, Select Graphic Rendition).
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Good => Some("32"),
            Self::Bad => Some("31"),
            Self::Doubtful => Some("33"),
        }
    }
}

impl<'a> Output<'a> {
    /// Writes data to `data` and messages to `messages`.
    pub fn new(data: impl Write + 'a, data_is_terminal: bool, messages: impl Write + 'a) -> Self {
        Self {
            data: Box::new(data),
            data_failure: None,
            data_is_terminal,
            columns: None,
            is_coloured: false,
            messages: Box::new(messages),
            warned: BTreeSet::new(),
            is_verbose: false,
            progress_columns: None,
            progress: 0,
        }
    }

    /// Shows progress on stderr, which must be a terminal of `columns`.
    #[must_use]
    pub fn with_progress(mut self, columns: usize) -> Self {
        // In the last column, some terminals begin a new line at once.
        self.progress_columns = Some(columns.saturating_sub(1));
        self
    }

    /// Sets the terminal's width and whether it shows colours.
    #[must_use]
    pub fn with_screen(mut self, columns: Option<usize>, is_coloured: bool) -> Self {
        self.columns = columns;
        self.is_coloured = is_coloured;
        self
    }

    /// The width for lines of data; `None` if data does not go to a terminal, and nothing is truncated.
    pub fn columns(&self) -> Option<usize> {
        self.columns
    }

    /// Turns [`Output::detail`] on or off.
    pub fn set_verbose(&mut self, is_verbose: bool) {
        self.is_verbose = is_verbose;
    }

    /// Prints a message only with `-v`.
    pub fn detail(&mut self, text: impl Display) {
        if self.is_verbose {
            self.info(text);
        }
    }

    /// Whether stdout is a terminal.
    pub fn data_is_terminal(&self) -> bool {
        self.data_is_terminal
    }

    /// Shows progress in one line, cut to the terminal's width, that the next message or [`Output::end_progress`] overwrites.
    ///
    /// Uses only a carriage return and spaces, which work on every terminal.
    pub fn progress(&mut self, text: impl Display) {
        let Some(columns) = self.progress_columns else {
            return;
        };
        let text = printable_around(&text.to_string(), columns);
        let width = text.chars().count();
        let rest = self.progress.saturating_sub(width);
        let _ = write!(self.messages, "\r{text}{:rest$}", "");
        let _ = self.messages.flush();
        self.progress = self.progress.max(width);
    }

    /// Does `work` while a progress line tells what is waited for.
    pub fn waiting<T>(&mut self, what: impl Display, work: impl FnOnce() -> T) -> T {
        self.progress(what);
        let done = work();
        self.end_progress();
        done
    }

    /// Clears the progress line.
    pub fn end_progress(&mut self) {
        let width = std::mem::take(&mut self.progress);
        if width > 0 {
            let _ = write!(self.messages, "\r{:width$}\r", "");
            let _ = self.messages.flush();
        }
    }

    /// Prints a line of data.
    ///
    /// A write error is reported only by [`Output::flush`]: `sync | head` must not stop in the middle of the namespaces
    /// because its reader has ended.
    pub fn line(&mut self, text: impl Display) -> io::Result<()> {
        // stdout and stderr may be the same terminal.
        self.end_progress();
        let text = text.to_string();
        self.give(|data| writeln!(data, "{}", strip_control(&text)));
        Ok(())
    }

    /// Prints a document that contains its own line breaks; write errors are handled as in [`Output::line`]. The caller
    /// escapes control characters; any that remain are removed.
    pub fn document(&mut self, text: &str) -> io::Result<()> {
        self.give(|data| data.write_all(strip_control(text).as_bytes()));
        Ok(())
    }

    fn give(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.data_failure.is_none() {
            self.data_failure = write(&mut *self.data).err();
        }
    }

    /// Prints a line of data with highlighted parts.
    pub fn toned(&mut self, parts: &[(Tone, &str)]) -> io::Result<()> {
        let is_coloured = self.is_coloured;
        self.end_progress();
        self.give(|data| {
            for (tone, text) in parts {
                match tone.code().filter(|_| is_coloured) {
                    Some(code) => write!(data, "\u{1b}[{code}m{}\u{1b}[0m", strip_control(text))?,
                    None => write!(data, "{}", strip_control(text))?,
                }
            }
            writeln!(data)
        });
        Ok(())
    }

    /// Prints a table with a heading, with columns three spaces apart as in kubectl.
    pub fn table<const N: usize>(&mut self, heading: [&str; N], rows: &[[String; N]]) -> io::Result<()> {
        self.toned_table(&heading, rows, |_, _| Tone::Plain)
    }

    /// Prints a table with highlighted cells; `tone` gets the column's index and the cell's text.
    pub fn toned_table<R: AsRef<[String]>>(
        &mut self,
        heading: &[&str],
        rows: &[R],
        tone: impl Fn(usize, &str) -> Tone,
    ) -> io::Result<()> {
        let mut widths: Vec<usize> = heading.iter().map(|cell| cell.chars().count()).collect();
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row.as_ref()) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let print = |output: &mut Self, row: &[String], tone: &dyn Fn(usize, &str) -> Tone| {
            let last = row.iter().rposition(|cell| !cell.is_empty()).unwrap_or(0);
            let mut parts: Vec<(Tone, String)> = Vec::new();
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate().take(last + 1) {
                parts.push((tone(at, cell), cell.clone()));
                if at < last {
                    parts.push((Tone::Plain, " ".repeat(width + 3 - cell.chars().count())));
                }
            }
            let parts: Vec<(Tone, &str)> = parts.iter().map(|(tone, text)| (*tone, text.as_str())).collect();
            output.toned(&parts)
        };
        let heading: Vec<String> = heading.iter().map(|cell| (*cell).to_owned()).collect();
        print(self, &heading, &|_, _| Tone::Plain)?;
        for row in rows {
            print(self, row.as_ref(), &tone)?;
        }
        Ok(())
    }

    /// Prints a message. Errors of writing to stderr are ignored.
    pub fn info(&mut self, text: impl Display) {
        self.end_progress();
        let _ = writeln!(self.messages, "{}", strip_control(&text.to_string()));
    }

    /// Prints a warning.
    pub fn warn(&mut self, text: impl Display) {
        self.info(format_args!("warning: {text}"));
    }

    /// Prints an error that ends nothing as a warning, with its hints. The same one is not printed twice: several steps of a
    /// command can meet it.
    pub fn warn_of(&mut self, error: &CommandError) {
        if self.warned.insert(error.to_string()) {
            self.with_hints("warning", error);
        }
    }

    /// Prints an error with its hints.
    pub fn error(&mut self, error: &CommandError) {
        self.with_hints("error", error);
    }

    fn with_hints(&mut self, label: &str, error: &CommandError) {
        self.info(format_args!("{label}: {error}"));
        for hint in error.next() {
            self.info(format_args!("hint: {hint}"));
        }
    }

    /// Prints text verbatim, such as a help page.
    pub fn message(&mut self, text: &str) {
        let _ = self.messages.write_all(text.as_bytes());
    }

    /// Flushes both streams, and reports the first error of writing data.
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
        let mut output = Output::new(&mut stdout, false, &mut stderr);
        if shows_progress {
            output = output.with_progress(80);
        }
        output.progress("10/200");
        output.progress("9/10");
        output.info("hello");
        output.end_progress();
        output.progress("1/2");
        output.line("data").unwrap();
        assert_eq!(output.waiting("asking", || 1), 1);
        drop(output);
        assert_eq!(stdout, b"data\n");
        String::from_utf8(stderr).unwrap()
    }

    #[test]
    fn the_same_warning_is_printed_once() {
        let mut stderr = Vec::new();
        let mut output = Output::new(io::sink(), false, &mut stderr);
        for what in ["the ledger", "the ledger", "the other"] {
            output.warn_of(&CommandError::failed(format_args!("{what} cannot be read")).hint("look"));
        }
        drop(output);
        assert_eq!(
            String::from_utf8(stderr).unwrap(),
            "warning: the ledger cannot be read\nhint: look\nwarning: the other cannot be read\nhint: look\n"
        );
    }

    #[test]
    fn control_characters_are_not_printed() {
        let evil = "context ev\u{1b}[31mil\u{202e}";
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut output = Output::new(&mut stdout, true, &mut stderr).with_progress(80);
        output.line(evil).unwrap();
        output.table(["NAME"], &[[evil.to_owned()]]).unwrap();
        output.document(evil).unwrap();
        output.error(&CommandError::failed(evil).hint(evil).hint("two\nlines"));
        output.progress(evil);
        drop(output);
        for printed in [&stdout, &stderr] {
            let text = String::from_utf8(printed.clone()).unwrap();
            assert!(
                text.contains("context ev[31mil") && !text.contains(['\u{1b}', '\u{202e}']),
                "{text:?}"
            );
        }
        assert!(String::from_utf8(stderr).unwrap().contains("hint: two\nlines\n"));
    }

    #[test]
    fn colours_only_highlight() {
        let shown = |is_coloured| {
            let mut stdout = Vec::new();
            let mut output = Output::new(&mut stdout, true, io::sink()).with_screen(Some(80), is_coloured);
            let rows = [
                ["a".to_owned(), "stale\u{1b}[2J".to_owned()],
                ["bb".to_owned(), String::new()],
            ];
            let tone = |at, _: &str| if at == 1 { Tone::Bad } else { Tone::Plain };
            output.toned_table(&["N", "STATE"], &rows, tone).unwrap();
            drop(output);
            String::from_utf8(stdout).unwrap()
        };
        assert_eq!(shown(false), "N    STATE\na    stale[2J\nbb\n");
        assert_eq!(shown(true), "N    STATE\na    \u{1b}[31mstale[2J\u{1b}[0m\nbb\n");
    }

    /// A pipe whose reader has ended.
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
    fn a_write_error_is_reported_at_the_end() {
        let mut output = Output::new(Left(0), false, io::sink());
        output.line("one").unwrap();
        output.document("two\n").unwrap();
        output.table(["A"], &[["b".to_owned()]]).unwrap();
        assert_eq!(output.flush().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_progress_line_fits_the_terminal() {
        let mut stderr = Vec::new();
        let mut output = Output::new(io::sink(), false, &mut stderr).with_progress(21);
        output.progress("reading the list of gitea.example.com: 10/200");
        output.end_progress();
        drop(output);
        let text = String::from_utf8(stderr).unwrap();
        assert_eq!(text, format!("\rreadi…le.com: 10/200\r{:20}\r", ""));
    }

    #[test]
    fn a_progress_line_is_overwritten() {
        assert_eq!(
            shown(true),
            "\r10/200\r9/10  \r      \rhello\n\r1/2\r   \r\rasking\r      \r"
        );
        assert_eq!(shown(false), "hello\n");
    }
}
