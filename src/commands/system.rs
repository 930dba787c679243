//! The environment of a command: everything that it can access besides its arguments.

use std::io::{self, IsTerminal, Read};

use terminal_size::terminal_size_of;
use zeroize::Zeroizing;

use crate::keychain::{self, Keychain};
use crate::output::Output;
use crate::sys::env::Env;
use crate::sys::stdin;

#[cfg(unix)]
mod hidden;

/// The environment of one command: that of the process or, in tests and the quickstart, a fake keychain, scripted answers
/// to prompts, and loopback servers.
pub struct System<'a> {
    /// The environment variables at the start of the process.
    pub env: Env,
    /// Standard input, for `--token-stdin`.
    pub stdin: Box<dyn Read + 'a>,
    /// stdout and stderr.
    pub output: Output<'a>,
    /// Prompts, if there is a terminal.
    pub person: Option<Box<dyn Prompter + 'a>>,
    /// Opens the keychain, in commands that need it.
    pub open_keychain: OpenKeychain<'a>,
    /// Whether this command handles Ctrl-C; not if it runs inside another program.
    pub handles_interrupts: bool,
}

/// Opens the keychain.
pub type OpenKeychain<'a> = Box<dyn Fn(&Env) -> Result<Keychain, keychain::Error> + 'a>;

/// Prompts at a terminal, which are printed on stderr.
pub trait Prompter {
    /// Asks for a secret, which is not shown while it is typed.
    fn secret(&self, question: &str) -> io::Result<Zeroizing<String>>;
    /// Asks for a word.
    fn word(&self, question: &str) -> io::Result<String>;
    /// Asks for one of several options; returns its index.
    fn choice(&self, question: &str, options: &[String]) -> io::Result<usize>;
}

impl System<'static> {
    /// The environment of the process.
    #[must_use]
    pub fn of_process() -> Self {
        let there = io::stdin().is_terminal() && io::stderr().is_terminal();
        let env = Env::of_process();
        // A dumb terminal, such as an editor's shell buffer, cannot overwrite a line.
        let shows_progress = io::stderr().is_terminal() && env.var("TERM") != Some("dumb");
        // https://no-color.org: any value that is not empty. Old Windows consoles would print the escape sequences.
        let is_coloured = io::stdout().is_terminal()
            && env.os("NO_COLOR").is_none()
            && env.var("TERM").map_or(cfg!(unix), |term| term != "dumb");
        let columns = |(width, _): (terminal_size::Width, _)| usize::from(width.0);
        let mut output = Output::new(io::stdout(), io::stdout().is_terminal(), io::stderr())
            .with_screen(terminal_size_of(io::stdout()).map(columns), is_coloured);
        if shows_progress {
            output = output.with_progress(terminal_size_of(io::stderr()).map_or(80, columns));
        }
        Self {
            env,
            stdin: stdin::unbuffered(),
            output,
            person: there.then(|| Box::new(AtTerminal) as Box<dyn Prompter>),
            open_keychain: Box::new(Keychain::open),
            handles_interrupts: true,
        }
    }
}

impl System<'_> {
    /// Opens the keychain that this system has.
    pub fn keychain(&self) -> Result<Keychain, keychain::Error> {
        (self.open_keychain)(&self.env)
    }
}

struct AtTerminal;

impl Prompter for AtTerminal {
    #[cfg(unix)]
    fn secret(&self, question: &str) -> io::Result<Zeroizing<String>> {
        hidden::ask(question)
    }

    #[cfg(not(unix))]
    fn secret(&self, question: &str) -> io::Result<Zeroizing<String>> {
        let answer = dialoguer::Password::new()
            .with_prompt(question)
            .interact()
            .map_err(io_error)?;
        Ok(Zeroizing::new(answer))
    }

    fn word(&self, question: &str) -> io::Result<String> {
        dialoguer::Input::new()
            .with_prompt(question)
            .interact_text()
            .map_err(io_error)
    }

    fn choice(&self, question: &str, options: &[String]) -> io::Result<usize> {
        // By number, because a menu hides the cursor and leaves it hidden after Ctrl-C.
        let term = dialoguer::console::Term::stderr();
        for (at, option) in options.iter().enumerate() {
            term.write_line(&format!("{:>3}) {option}", at + 1))?;
        }
        let in_range = |number: &usize| {
            let is_there = (1..=options.len()).contains(number);
            is_there.then_some(()).ok_or("there is no such number")
        };
        let number: usize = dialoguer::Input::new()
            .with_prompt(question)
            .validate_with(in_range)
            .interact_text_on(&term)
            .map_err(io_error)?;
        Ok(number - 1)
    }
}

fn io_error(error: dialoguer::Error) -> io::Error {
    let dialoguer::Error::IO(error) = error;
    error
}
