//! `--if-older`: whether the token is old enough to be replaced.

use k8s_openapi::jiff::Timestamp;

use super::args::RotateArgs;
use super::report::{NotDue, Report};
use crate::commands::shared::token_age::TokenAge;
use crate::commands::shared::token_id::token_id;
use crate::commands::shared::{ledger_writer, verify};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::keychain::{CredentialInfo, Keychain, Name};
use crate::model::rotation::{Direction, TokenVersion};
use crate::model::{Credential, MaxAge, age};

/// Whether the rotation is to begin. Says why, or why not.
pub(super) fn is_due(
    limit: MaxAge,
    name: &Name,
    token: &Credential,
    keychain: &Keychain,
    args: &RotateArgs,
    system: &mut System<'_>,
) -> Result<bool, CommandError> {
    let age = age_of(name, token, keychain, args, system)?;
    let now = Timestamp::now();
    let of = format!("the token of {} for {}", name.registry, name.usage);
    match (age.exceeds(limit, now), age.since()) {
        (Some(false), Some(since)) => {
            let until = since.checked_add(limit.duration()).unwrap_or(Timestamp::MAX);
            let left = until.duration_since(now).unsigned_abs();
            system.output.info(format_args!(
                "{of} is not replaced yet: {}, and --if-older {limit} is reached in {}",
                age.sentence(now),
                age::show(left)
            ));
            if let Some(format) = args.output {
                let mut report = Report::new(Direction::Forward, args.dry_run.mode, args.output);
                report.not_due = Some(NotDue::new(since, until));
                report.print(name, None, TokenVersion::Old, None, format, system)?;
            }
            Ok(false)
        }
        (Some(_), _) => {
            system
                .output
                .info(format_args!("{of} is replaced: {}", age.sentence(now)));
            Ok(true)
        }
        // Unknown once: from then on the keychain knows since when it has the token.
        (None, _) => {
            system.output.info(format_args!(
                "{of} is replaced: {}, so it may be older than {limit}",
                age.sentence(now)
            ));
            Ok(true)
        }
    }
}

/// What the keychain, the ledger and the registry know. A registry that does not answer is no reason to stop: the keychain
/// knows since when it has the token.
fn age_of(
    name: &Name,
    token: &Credential,
    keychain: &Keychain,
    args: &RotateArgs,
    system: &mut System<'_>,
) -> Result<TokenAge, CommandError> {
    let is_it = |info: &&CredentialInfo| info.registry == name.registry && info.usage == name.usage;
    let since = keychain.list()?.iter().find(is_it).and_then(|info| info.since);
    let mut age = TokenAge::kept(since);
    if let Some(id) = token_id(keychain, name.usage, token)? {
        age = age.and_remembered(ledger_writer::read(system).token(&id));
    }
    match verify::verify(token, &args.connection, system) {
        Ok(verified) => Ok(age.and_created(verified.created)),
        Err(error) if error.is_dead() => Err(CommandError::from(error)
            .on("the token does not work, whatever its age is")
            .hint(format_args!("{} replaces it", name.rotate_command()))),
        Err(error) => {
            system.output.warn(error);
            Ok(age)
        }
    }
}
