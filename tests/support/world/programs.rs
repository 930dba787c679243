//! Running the programs: in this process over the doubles, or as cargo built them.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fmt;
use std::io::{Cursor, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;

use keyring_core::CredentialStore;
use regcred::commands::{self, Prompter, System};
use regcred::helper;
use regcred::keychain::Keychain;
use regcred::output::Output;

use super::super::{HELPER, PLUGIN};
use super::people::{AtScreen, Chooser, Stream};
use super::{Keys, World};

/// What a program printed, and how it ended.
#[derive(Debug)]
#[must_use = "compare it, or say that it was `done`"]
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl Ran {
    /// Compares all of it with a snapshot, in which the context's name, another one in each cluster, is `[CONTEXT]`.
    #[track_caller]
    pub fn says(&self, snapshot: impl snapbox::IntoData) {
        let said = ["double", "real"].iter().fold(self.to_string(), |said, name| {
            said.replace(&format!(r#""context": "{name}""#), r#""context": "[CONTEXT]""#)
        });
        snapbox::assert_data_eq!(said, snapshot.into_data());
    }

    /// For a step that is not what the scenario is about, but has to work.
    pub fn done(self) -> String {
        assert_eq!(self.code, 0, "{self}");
        self.stdout
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exit {}\n--- stdout\n{}--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }
}

impl World {
    /// A program of this workstation.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.env().iter()).current_dir(self.home());
        command
    }

    /// Runs it to its end, with this on its standard input.
    pub fn run(&self, command: &mut Command, stdin: &str) -> Ran {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended without reading.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| self.normal(&String::from_utf8_lossy(bytes));
        Ran {
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// `kubectl regcred`, with this command line.
    pub fn regcred(&self, line: &str) -> Ran {
        self.regcred_with(line, "")
    }

    /// The same, with somebody at the terminal who chooses these, one for each question. What was asked stands before
    /// what was printed. In this process alone.
    pub fn regcred_choosing(&self, line: &str, choices: &[usize]) -> Ran {
        let chooser = Chooser {
            choices: RefCell::new(choices.to_vec()),
            ..Chooser::default()
        };
        self.regcred_answered(line, &chooser)
    }

    /// The same, with somebody who types this when asked for a word.
    pub fn regcred_typing(&self, line: &str, word: &str) -> Ran {
        let chooser = Chooser {
            words: RefCell::new(vec![word.to_owned()]),
            ..Chooser::default()
        };
        self.regcred_answered(line, &chooser)
    }

    fn regcred_answered(&self, line: &str, chooser: &Chooser) -> Ran {
        assert!(!self.is_real(), "a real one asks at a terminal");
        let mut ran = self.run_regcred(line, "", Some(chooser));
        let (choices, words) = (&chooser.choices.borrow(), &chooser.words.borrow());
        assert!(choices.is_empty() && words.is_empty(), "nobody asked: {ran}");
        ran.stderr = self.normal(&chooser.asked.borrow()) + &ran.stderr;
        ran
    }

    /// `kubectl regcred`, with this command line and standard input. `[REGISTRY]` and `[NAMESPACE]` mean this world's.
    pub fn regcred_with(&self, line: &str, stdin: &str) -> Ran {
        self.run_regcred(line, stdin, None)
    }

    fn run_regcred(&self, line: &str, stdin: &str, chooser: Option<&Chooser>) -> Ran {
        let line = line
            .replace("[REGISTRY]", &self.registry())
            .replace("[NAMESPACE]", &self.namespace);
        let args: Vec<&str> = line.split_whitespace().collect();
        let Keys::Memory(store) = &self.keys else {
            return self.run(self.command(PLUGIN).args(args), stdin);
        };
        let (stdout, stderr) = (Stream::default(), Stream::default());
        let output = Output::new(stdout.clone(), self.at_screen, stderr.clone()).with_screen(self.columns, false);
        let person = chooser.map(|chooser| Box::new(chooser) as Box<dyn Prompter + '_>);
        let code = self.in_process(store, &args, stdin, output, person);
        Ran {
            stdout: self.normal(&stdout.text()),
            stderr: self.normal(&stderr.text()),
            code,
        }
    }

    /// `kubectl regcred` in this process.
    fn in_process(
        &self,
        store: &Arc<CredentialStore>,
        args: &[&str],
        stdin: &str,
        output: Output<'_>,
        person: Option<Box<dyn Prompter + '_>>,
    ) -> i32 {
        let store = store.clone();
        let mut system = System {
            env: self.env(),
            stdin: Box::new(Cursor::new(stdin.as_bytes().to_vec())),
            output,
            person,
            open_keychain: Box::new(move |_| Ok(Keychain::with_store(store.clone()))),
            handles_interrupts: false,
        };
        let args = std::iter::once("kubectl-regcred").chain(args.iter().copied());
        commands::run(args, &mut system).code().into()
    }

    /// What is to be seen on a wide screen, colours included, where somebody has this for every question. Doubles only.
    pub fn on_screen(&self, line: &str, secret: &str) -> String {
        let Keys::Memory(store) = &self.keys else {
            panic!("only on doubles")
        };
        let line = line.replace("[REGISTRY]", &self.registry());
        let args: Vec<&str> = line.split_whitespace().collect();
        let screen = Stream::default();
        let output = Output::new(screen.clone(), true, screen.clone()).with_screen(None, true);
        let person = AtScreen(screen.clone(), secret.to_owned());
        self.in_process(store, &args, "", output, Some(Box::new(person)));
        screen.text()
    }

    /// `docker-credential-gitea`, as docker calls it.
    pub fn helper(&self, action: &str, stdin: &str) -> Ran {
        let stdin = stdin.replace("[REGISTRY]", &self.registry());
        let Keys::Memory(store) = &self.keys else {
            return self.run(self.command(HELPER).arg(action), &stdin);
        };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let code = helper::run(
            &[action.into()],
            &mut stdin.as_bytes(),
            &mut stdout,
            &mut stderr,
            || Ok(Keychain::with_store(store.clone())),
        );
        let text = |bytes: &[u8]| self.normal(&String::from_utf8_lossy(bytes));
        Ran {
            stdout: text(&stdout),
            stderr: text(&stderr),
            code: code.into(),
        }
    }

    /// Starts `kubectl regcred` with this command line and standard input, and does not wait for it. Real parts only.
    pub fn start_regcred(&self, line: &str, stdin: &str) -> std::process::Child {
        let line = line.replace("[REGISTRY]", &self.registry());
        let mut child = self
            .command(PLUGIN)
            .args(line.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        child
    }

    /// What differs from one run to the next, down to the width of a column that holds a port.
    pub(super) fn normal(&self, text: &str) -> String {
        let text = text
            .replace(&self.registry(), "[REGISTRY]")
            .replace(&self.namespace, "[NAMESPACE]")
            .replace(&self.folder.display().to_string(), "[FOLDER]");
        let mut normal = String::with_capacity(text.len());
        for character in text.chars() {
            if character != ' ' || !normal.ends_with("   ") {
                normal.push(character);
            }
        }
        normal
    }
}
