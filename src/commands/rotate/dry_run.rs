//! `--dry-run`: the plan.

use super::engine::Engine;
use super::report::Stop;
use super::secrets::Pass;
use crate::cli::DryRunArg;
use crate::error::CommandError;
use crate::model::rotation::{Way, Which};
use crate::model::{Credential, Token};
use crate::registry::MintScopes;

/// Stands for a token that is not there yet: nothing that a registry would take.
const NO_TOKEN: &str = "not-a-token-but-the-plan-of-one";

impl Engine<'_, '_> {
    /// Says what would be done, in its order. Nobody is asked for a token or a password.
    pub(super) async fn dry_run(&mut self, dry_run: DryRunArg) -> Result<(), Stop> {
        let planned = self.planned(Way::Forward);
        self.result.plan(&planned);
        let (registry, username) = (self.subject.name.registry.clone(), self.subject.username.clone());
        if self.subject.new.is_some() {
            if self.prove(Which::New).await?.is_some() {
                return Err(CommandError::failed(format_args!("{registry} does not accept the new token")).into());
            }
            self.plan_line("would keep the new token beside the old one")?;
        } else if self.subject.journal.mints {
            let default = MintScopes::for_use(self.subject.name.usage).to_string();
            let scopes = self.subject.journal.scopes.clone().unwrap_or(default);
            self.plan_line(&format!(
                "would make a token of {username} at {registry} with the scopes {scopes}"
            ))?;
        } else {
            self.plan_line(&format!(
                "would take a new token of {username} at {registry} and prove it"
            ))?;
        }
        if self.subject.new.is_none() {
            self.subject.new = Some(Credential {
                registry,
                username,
                token: Token::verbatim(NO_TOKEN.to_owned()),
            });
        }
        let pass = Pass {
            dry_run,
            restart: self.subject.journal.restart,
            unstick: self.subject.journal.unstick,
            only_changes: false,
        };
        let ended = self.pass(Which::New, &pass).await?;
        let failed = ended.failed > 0 || ended.is_incomplete;
        self.result.items = ended.items;
        self.interrupted()?;
        self.plan_line(&format!(
            "would read {} back, and make the new token the one for {}",
            match self.subject.journal.count() {
                1 => "the Secret".to_owned(),
                count => format!("{count} Secrets"),
            },
            self.subject.name.usage
        ))?;
        self.plan_line(if self.subject.journal.keep_old {
            "would leave the old token alive"
        } else {
            "would revoke the old token, last, and only if all of this succeeded"
        })?;
        if failed {
            return Err(CommandError::failed("not all of it could be done").into());
        }
        Ok(())
    }

    /// A line of the plan; a document has them as its steps.
    fn plan_line(&mut self, text: &str) -> Result<(), CommandError> {
        if self.result.lines.is_none() {
            self.system.output.line(text)?;
        }
        Ok(())
    }
}
