//! Who sits at the terminal, and what they see.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::rc::Rc;

use regcred::commands::Prompter;
use zeroize::Zeroizing;

/// Somebody who answers questions with a choice or a word.
#[derive(Default)]
pub(super) struct Chooser {
    pub(super) choices: RefCell<Vec<usize>>,
    pub(super) words: RefCell<Vec<String>>,
    pub(super) asked: RefCell<String>,
}

impl Prompter for &Chooser {
    fn secret(&self, question: &str) -> io::Result<Zeroizing<String>> {
        panic!("not a choice: {question}")
    }

    fn word(&self, question: &str) -> io::Result<String> {
        let _ = writeln!(self.asked.borrow_mut(), "? {question}");
        Ok(self.words.borrow_mut().remove(0))
    }

    fn choice(&self, question: &str, options: &[String]) -> io::Result<usize> {
        let mut asked = self.asked.borrow_mut();
        let _ = writeln!(asked, "? {question}");
        for option in options {
            let _ = writeln!(asked, "  - {option}");
        }
        Ok(self.choices.borrow_mut().remove(0))
    }
}

/// What a command in this process writes to.
#[derive(Clone, Default)]
pub(super) struct Stream(Rc<RefCell<Vec<u8>>>);

impl Stream {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Somebody who knows one secret, and whose screen shows what dialoguer's would.
pub(super) struct AtScreen(pub(super) Stream, pub(super) String);

impl Prompter for AtScreen {
    fn secret(&self, question: &str) -> io::Result<Zeroizing<String>> {
        writeln!(self.0.clone(), "{question}: [hidden]")?;
        Ok(Zeroizing::new(self.1.clone()))
    }

    fn word(&self, question: &str) -> io::Result<String> {
        panic!("{question}?")
    }

    fn choice(&self, question: &str, _: &[String]) -> io::Result<usize> {
        panic!("{question}?")
    }
}
