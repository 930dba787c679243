//! Reads a line from the terminal without echo. Ctrl-C ends it with an error.
//!
//! Ctrl-C is read as a byte and not received as a signal: a signal would leave the terminal without echo, and a command
//! that handles signals itself would still wait for the line.

use std::io::{self, Write as _};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// The longest line, in octets: more than any token or password.
const MAX: usize = 16 * 1024;

/// The terminal on standard input without echo, until this is dropped.
struct Quiet {
    before: Termios,
}

impl Quiet {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN);
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        let this = Self { before };
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(this)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // If the terminal is gone, this error does not matter.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}

/// The line typed so far.
#[derive(Debug, Default)]
struct Line(Zeroizing<Vec<u8>>);

#[derive(Debug, PartialEq, Eq)]
enum Key {
    More,
    Enter,
    Interrupt,
    End,
}

impl Line {
    fn press(&mut self, byte: u8) -> Key {
        match byte {
            b'\r' | b'\n' => return Key::Enter,
            // Ctrl-C, and Ctrl-D on an empty line.
            0x03 => return Key::Interrupt,
            0x04 if self.0.is_empty() => return Key::End,
            // Backspace: a character is up to four octets.
            0x08 | 0x7f => while self.0.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            // Ctrl-U.
            0x15 => self.0.clear(),
            0x04 | 0x1a => {}
            byte => self.0.push(byte),
        }
        Key::More
    }

    fn text(&self) -> io::Result<Zeroizing<String>> {
        let text = std::str::from_utf8(&self.0);
        let text = text.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "what was typed is not UTF-8"))?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

/// Prompts on standard error. Fails with [`io::ErrorKind::Interrupted`] after Ctrl-C.
pub(super) fn ask(question: &str) -> io::Result<Zeroizing<String>> {
    let mut stderr = io::stderr();
    let quiet = Quiet::begin()?;
    write!(stderr, "{question}: ")?;
    stderr.flush()?;
    let mut line = Line::default();
    let key = loop {
        let mut byte = Zeroizing::new([0; 1]);
        let read = match rustix::io::read(io::stdin(), byte.as_mut_slice()) {
            Err(rustix::io::Errno::INTR) => continue,
            read => read?,
        };
        let key = if read == 0 { Key::End } else { line.press(byte[0]) };
        if key != Key::More || line.0.len() > MAX {
            break key;
        }
    };
    drop(quiet);
    writeln!(stderr, "{}", if key == Key::Enter { "[hidden]" } else { "" })?;
    match key {
        Key::Enter => line.text(),
        Key::Interrupt => Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted")),
        Key::End => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "nothing was typed")),
        Key::More => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is too long for a token or a password",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> (Key, String) {
        let mut line = Line::default();
        let mut last = Key::More;
        for key in keys {
            last = line.press(*key);
            if last != Key::More {
                break;
            }
        }
        (
            last,
            line.text()
                .map_or_else(|_| "no text".to_owned(), |text| text.to_string()),
        )
    }

    #[test]
    fn keys_edit_the_line_as_at_other_prompts() {
        for (keys, key, text) in [
            (&b"token\r"[..], Key::Enter, "token"),
            (b"token\n", Key::Enter, "token"),
            (b"tok\x03", Key::Interrupt, "tok"),
            (b"\x04", Key::End, ""),
            (b"a\x04b\n", Key::Enter, "ab"),
            (b"ab\x7f\x08c\n", Key::Enter, "c"),
            (b"\x7fa\n", Key::Enter, "a"),
            ("a\u{e9}\u{1f600}\x7f\x7fb\n".as_bytes(), Key::Enter, "ab"),
            (b"wrong\x15right\n", Key::Enter, "right"),
            (b"\xff\n", Key::Enter, "no text"),
        ] {
            assert_eq!(typed(keys), (key, text.to_owned()), "{keys:?}");
        }
    }
}
