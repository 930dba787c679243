//! What a rotation says: its document, where it stands, and the commands that finish it or go back.

use serde::Serialize;

use crate::commands::args::{DocumentFormat, DryRunArg, OutputFormat};
use crate::commands::shared::apply::{Interrupted, Item};
use crate::commands::shared::document;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::keychain::Name;
use crate::model::rotation::{Phase, Step, Way, Which};
use crate::model::{CommandLine, Hint};

/// Why it stopped before its end.
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

/// What became of the token that is no longer used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Revocation {
    /// It is valid.
    Not,
    /// The registry no longer knows it.
    Done,
    /// This is for a person to do.
    ByHand,
}

/// What was done so far; the document of `-o json|yaml`.
pub(super) struct Report {
    pub(super) way: Way,
    pub(super) dry_run: DryRunArg,
    /// What prints the lines of single Secrets: nothing, where a document is printed in the end.
    pub(super) lines: Option<OutputFormat>,
    steps: Vec<String>,
    /// How many of them are done.
    pub(super) done: usize,
    /// It was to go back, and had to go forward.
    pub(super) turned: bool,
    /// Secrets were read back in this run.
    pub(super) has_read_back: bool,
    pub(super) items: Vec<Item>,
    pub(super) restarts: Vec<Item>,
    pub(super) revocation: Revocation,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RotateResult<'a> {
    registry: &'a str,
    #[serde(rename = "use")]
    usage: &'a str,
    way: &'static str,
    dry_run: &'static str,
    steps: &'a [String],
    steps_done: usize,
    items: &'a [Item],
    restarts: &'a [Item],
    current: &'static str,
    pending: Option<&'static str>,
    revocation: Revocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hints: Vec<Hint>,
}

impl Report {
    pub(super) fn new(way: Way, dry_run: DryRunArg, output: Option<DocumentFormat>) -> Self {
        Self {
            way,
            dry_run,
            lines: output.map(|_| OutputFormat::Json),
            steps: Vec::new(),
            done: 0,
            turned: false,
            has_read_back: false,
            items: Vec::new(),
            restarts: Vec::new(),
            revocation: Revocation::Not,
        }
    }

    /// These come next.
    pub(super) fn plan(&mut self, steps: &[Step]) {
        self.steps.truncate(self.done);
        self.steps.extend(steps.iter().copied().map(word));
    }

    /// Whether what was to go forward had gone back before.
    pub(super) fn went_back(&self) -> bool {
        self.way == Way::Forward && !self.steps.iter().any(|step| step == "check new")
    }

    /// Prints the document.
    pub(super) fn print(
        &self,
        name: &Name,
        pending: Option<Phase>,
        current: Which,
        error: Option<&CommandError>,
        format: DocumentFormat,
        system: &mut System<'_>,
    ) -> Result<(), CommandError> {
        let result = RotateResult {
            registry: name.registry.as_str(),
            usage: name.usage.as_str(),
            way: match self.way {
                Way::Forward => "forward",
                Way::Back => "back",
            },
            dry_run: self.dry_run.as_str(),
            steps: &self.steps,
            steps_done: self.done,
            items: &self.items,
            restarts: &self.restarts,
            current: match current {
                Which::Old => "old",
                Which::New => "new",
            },
            pending: pending.map(Phase::as_str),
            revocation: self.revocation,
            error: error.map(ToString::to_string),
            hints: error.map(|error| error.next().to_vec()).unwrap_or_default(),
        };
        document::print("RotateResult", &result, format, system)
    }
}

/// A step in a document: `write new`.
fn word(step: Step) -> String {
    match step {
        Step::Prove(which) => format!("prove {which}"),
        Step::Sweep => "sweep".to_owned(),
        Step::Mint => "mint".to_owned(),
        Step::Keep(phase) => format!("keep {phase}"),
        Step::Write(which) => format!("write {which}"),
        Step::Check(which) => format!("check {which}"),
        Step::Restart => "restart".to_owned(),
        Step::Revoke(which) => format!("revoke {which}"),
        Step::Forget => "forget".to_owned(),
    }
}

/// Which tokens are alive, and who has which.
pub(super) fn standing(phase: Phase) -> &'static str {
    match phase {
        Phase::Minting => "the old token is in use everywhere; a new one may have been made",
        Phase::Writing => "both tokens are alive: the old one is current, and Secrets hold the old one or the new one",
        Phase::Promoted => "both tokens are alive: the new one is current, and the Secrets of this rotation hold it",
        Phase::Revoking => "the new token is in use everywhere; the old one may be alive",
        Phase::Reverted => "the old token is in use everywhere; the new one may be alive",
    }
}

/// The two commands that end a pending rotation.
pub(super) fn ways_out(name: &Name, phase: Phase) -> Vec<String> {
    let command = CommandLine::new("kubectl regcred rotate")
        .value("REGISTRY", name.registry.as_str())
        .option("--use", "USE", name.usage.as_str());
    let abort = format!("{command} --abort goes back to the old token");
    match phase {
        Phase::Reverted => vec![format!("{command} --abort finishes going back")],
        _ => vec![format!("{command} --resume finishes it"), abort],
    }
}

/// Refuses to begin while one is pending.
pub(super) fn pending(name: &Name, phase: Phase) -> CommandError {
    CommandError::failed(format_args!(
        "a rotation of the token of {} for {} is pending ({phase})",
        name.registry, name.usage
    ))
    .hints(ways_out(name, phase))
}
