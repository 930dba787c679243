//! The error of a command, with its exit code and hints.

use std::fmt;

use crate::model::Hint;
use crate::sys::link::LinkError;
use crate::{cluster, docker, keychain, ledger, registry};

/// The exit codes, the same for every verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// Something failed, entirely or partly.
    Failed,
    /// The command line is wrong.
    Usage,
    /// `status` found something out of step.
    Drift,
    /// Ctrl-C ended it before everything was done.
    Interrupted,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Drift => 3,
            // 128 + SIGINT, as a shell reports a program that Ctrl-C ended. Loops and pipelines stop on it.
            Self::Interrupted => 130,
        }
    }
}

/// What failed, why, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandError {
    exit: Exit,
    message: String,
    hints: Vec<Hint>,
}

impl CommandError {
    /// The command could not be carried out.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Failed,
            message: message.to_string(),
            hints: Vec::new(),
        }
    }

    /// The command line is wrong.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Usage,
            message: message.to_string(),
            hints: Vec::new(),
        }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hints.push(hint.into());
        self
    }

    #[must_use]
    pub fn without_hints(mut self) -> Self {
        self.hints.clear();
        self
    }

    /// Adds hints.
    #[must_use]
    pub fn hints<H: Into<Hint>>(mut self, hints: impl IntoIterator<Item = H>) -> Self {
        self.hints.extend(hints.into_iter().map(Into::into));
        self
    }

    /// Prefixes the message with what it is about.
    #[must_use]
    pub fn on(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    pub fn exit(&self) -> Exit {
        self.exit
    }

    pub fn next(&self) -> &[Hint] {
        &self.hints
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CommandError {}

/// Writing to stdout or stderr failed, or reading from stdin.
impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        // Ctrl-C at a prompt.
        let exit = match error.kind() {
            std::io::ErrorKind::Interrupted => Exit::Interrupted,
            _ => Exit::Failed,
        };
        Self {
            exit,
            ..Self::failed(error)
        }
    }
}

impl From<keychain::Error> for CommandError {
    fn from(error: keychain::Error) -> Self {
        Self::failed(&error).hints(error.hints())
    }
}

impl From<keychain::ConfigError> for CommandError {
    fn from(error: keychain::ConfigError) -> Self {
        keychain::Error::from(error).into()
    }
}

impl From<keychain::vault::Error> for CommandError {
    fn from(error: keychain::vault::Error) -> Self {
        keychain::Error::from(error).into()
    }
}

impl From<ledger::LedgerError> for CommandError {
    fn from(error: ledger::LedgerError) -> Self {
        Self::failed(&error).hints(error.hint())
    }
}

impl From<docker::Error> for CommandError {
    fn from(error: docker::Error) -> Self {
        Self::failed(&error).hints(error.hint())
    }
}

impl From<docker::other_helper::AskError> for CommandError {
    fn from(error: docker::other_helper::AskError) -> Self {
        Self::failed(&error).hints(error.hint())
    }
}

impl From<LinkError> for CommandError {
    fn from(error: LinkError) -> Self {
        Self::failed(&error).hint(error.hint())
    }
}

impl From<registry::VerifyError> for CommandError {
    fn from(error: registry::VerifyError) -> Self {
        Self::failed(&error).hints(error.hint())
    }
}

impl From<registry::ImagesError> for CommandError {
    fn from(error: registry::ImagesError) -> Self {
        Self::failed(&error).hints(error.hint())
    }
}

impl From<registry::MintError> for CommandError {
    fn from(error: registry::MintError) -> Self {
        Self::failed(&error).hints(error.hint())
    }
}

impl From<registry::ActionsError> for CommandError {
    fn from(error: registry::ActionsError) -> Self {
        Self::failed(&error).hints(error.hint())
    }
}

impl From<registry::RevokeError> for CommandError {
    fn from(error: registry::RevokeError) -> Self {
        Self::failed(&error).hints(error.hint())
    }
}

impl From<registry::AccountTokensError> for CommandError {
    fn from(error: registry::AccountTokensError) -> Self {
        Self::failed(&error).hints(error.hint())
    }
}

impl From<cluster::Error> for CommandError {
    fn from(error: cluster::Error) -> Self {
        let role = match &error {
            cluster::Error::Forbidden(forbidden) => forbidden.role(),
            _ => None,
        };
        let hint = error.hint().map(|hint| match role {
            Some(manifest) => Hint::Manifest {
                what: hint.line(),
                manifest,
            },
            None => hint,
        });
        Self::failed(&error).hints(hint)
    }
}
