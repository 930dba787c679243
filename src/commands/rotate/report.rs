//! What a rotation prints: the result document, the state of the tokens, and the commands that finish or abort it.

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;

use crate::commands::args::{DocumentFormat, DryRunArg, OutputFormat};
use crate::commands::shared::apply::{Interrupted, Item};
use crate::commands::shared::document;
use crate::commands::shared::sealed::SealedCopy;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::keychain::Name;
use crate::model::rotation::{Direction, Phase, Step, TokenVersion};
use crate::model::{CommandLine, Hint};

/// Why the rotation stopped early.
pub(super) enum Stop {
    Error(CommandError),
    /// Ctrl-C.
    Interrupted,
}

impl From<Interrupted> for Stop {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

impl From<CommandError> for Stop {
    fn from(error: CommandError) -> Self {
        Self::Error(error)
    }
}

/// Whether the token that is no longer used was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Revocation {
    /// No: it is still valid.
    Not,
    /// The registry no longer knows it.
    Done,
    /// The user has to revoke it at the registry.
    ByHand,
}

/// The progress so far, for the document of `-o json|yaml`.
pub(super) struct Report {
    pub(super) direction: Direction,
    pub(super) dry_run: DryRunArg,
    /// The format of the lines for single Secrets. With `-o json|yaml` only the document is printed, at the end.
    pub(super) lines: Option<OutputFormat>,
    steps: Vec<String>,
    /// The number of completed steps.
    pub(super) done: usize,
    /// `--abort` was given, but the rotation could only be finished.
    pub(super) turned: bool,
    /// This run has read the Secrets back.
    pub(super) has_read_back: bool,
    pub(super) items: Vec<Item>,
    pub(super) restarts: Vec<Item>,
    pub(super) revocation: Revocation,
    /// `--if-older` was given, and the token is younger.
    pub(super) not_due: Option<NotDue>,
    /// Encrypted copies in git that hold the old token.
    pub(super) copies: Vec<SealedCopy>,
}

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct NotDue {
    /// When the token was made, or since when it is kept.
    since: String,
    /// When it is old enough.
    until: String,
}

impl NotDue {
    pub(super) fn new(since: Timestamp, until: Timestamp) -> Self {
        Self {
            since: since.to_string(),
            until: until.to_string(),
        }
    }
}

/// An encrypted copy in git.
#[derive(Serialize)]
struct Copy<'a> {
    file: String,
    namespace: Option<&'a str>,
    secret: Option<&'a str>,
    command: CommandLine,
}

impl<'a> Copy<'a> {
    fn new(copy: &'a SealedCopy, name: &Name) -> Self {
        let target = copy.target.as_ref();
        Self {
            file: copy.path().display().to_string(),
            namespace: target.map(|target| target.namespace.as_str()),
            secret: target.map(|target| target.secret.as_str()),
            command: copy.command(&name.registry),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RotateResult<'a> {
    registry: &'a str,
    #[serde(rename = "use")]
    usage: &'a str,
    #[serde(rename = "way")]
    direction: &'static str,
    dry_run: &'static str,
    steps: &'a [String],
    steps_done: usize,
    items: &'a [Item],
    restarts: &'a [Item],
    current: &'static str,
    pending: Option<&'static str>,
    revocation: Revocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_due: Option<&'a NotDue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sealed_copies: Vec<Copy<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hints: Vec<Hint>,
}

impl Report {
    pub(super) fn new(direction: Direction, dry_run: DryRunArg, output: Option<DocumentFormat>) -> Self {
        Self {
            direction,
            dry_run,
            lines: output.map(|_| OutputFormat::Json),
            steps: Vec::new(),
            done: 0,
            turned: false,
            has_read_back: false,
            items: Vec::new(),
            restarts: Vec::new(),
            revocation: Revocation::Not,
            not_due: None,
            copies: Vec::new(),
        }
    }

    /// Replaces the remaining steps.
    pub(super) fn plan(&mut self, steps: &[Step]) {
        self.steps.truncate(self.done);
        self.steps.extend(steps.iter().copied().map(word));
    }

    /// Whether `--resume` has finished an abort that had begun earlier.
    pub(super) fn went_back(&self) -> bool {
        self.direction == Direction::Forward && !self.steps.iter().any(|step| step == "check new")
    }

    /// Prints the document.
    pub(super) fn print(
        &self,
        name: &Name,
        pending: Option<Phase>,
        current: TokenVersion,
        error: Option<&CommandError>,
        format: DocumentFormat,
        system: &mut System<'_>,
    ) -> Result<(), CommandError> {
        let result = RotateResult {
            registry: name.registry.as_str(),
            usage: name.usage.as_str(),
            direction: match self.direction {
                Direction::Forward => "forward",
                Direction::Back => "back",
            },
            dry_run: self.dry_run.as_str(),
            steps: &self.steps,
            steps_done: self.done,
            items: &self.items,
            restarts: &self.restarts,
            current: match current {
                TokenVersion::Old => "old",
                TokenVersion::New => "new",
            },
            pending: pending.map(Phase::as_str),
            revocation: self.revocation,
            not_due: self.not_due.as_ref(),
            sealed_copies: self.copies.iter().map(|copy| Copy::new(copy, name)).collect(),
            error: error.map(ToString::to_string),
            hints: error.map(|error| error.next().to_vec()).unwrap_or_default(),
        };
        document::print("RotateResult", &result, format, system)
    }
}

/// A step as the document names it, such as `write new`.
fn word(step: Step) -> String {
    match step {
        Step::Verify(version) => format!("prove {version}"),
        Step::Sweep => "sweep".to_owned(),
        Step::Mint => "mint".to_owned(),
        Step::Store(phase) => format!("keep {phase}"),
        Step::Write(version) => format!("write {version}"),
        Step::Check(version) => format!("check {version}"),
        Step::Restart => "restart".to_owned(),
        Step::Revoke(version) => format!("revoke {version}"),
        Step::End => "forget".to_owned(),
    }
}

/// Describes which tokens are valid and where each is in use.
pub(super) fn describe_tokens(phase: Phase) -> &'static str {
    match phase {
        Phase::Minting => "the old token is in use; a new one may have been made",
        Phase::Writing => "both tokens are alive: the old one is current, and Secrets hold the old one or the new one",
        Phase::Promoted => "both tokens are alive: the new one is current, and the Secrets of this rotation hold it",
        Phase::Revoking => "the Secrets of this rotation hold the new token; the old one may be alive",
        Phase::Reverted => "the Secrets of this rotation hold the old token; the new one may be alive",
    }
}

/// The commands that end a pending rotation.
pub(super) fn ways_out(name: &Name, phase: Phase) -> Vec<String> {
    let command = name.rotate_command();
    let abort = format!("{command} --abort goes back to the old token");
    match phase {
        Phase::Reverted => vec![format!("{command} --abort finishes going back")],
        _ => vec![format!("{command} --resume finishes it"), abort],
    }
}

/// The error for a new rotation while another one is pending.
pub(super) fn pending(name: &Name, phase: Phase) -> CommandError {
    CommandError::failed(format_args!(
        "a rotation of the token of {} for {} is pending ({phase})",
        name.registry, name.usage
    ))
    .hints(ways_out(name, phase))
}
