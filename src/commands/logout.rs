//! `kubectl regcred logout`.

use super::choose;
use super::system::System;
use crate::cli::LogoutArgs;
use crate::error::CommandError;
use crate::model::Use;

pub(super) fn run(args: &LogoutArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    let keychain = system.keychain()?;
    let items = match args.registry {
        Some(_) => Vec::new(),
        None => keychain.list()?,
    };
    let registry = choose::registry(args.registry.clone(), &items, "kubectl regcred logout REGISTRY", system)?;
    let mut forgotten = Vec::new();
    for usage in args.usage.map_or(vec![Use::Docker, Use::Cluster], |usage| vec![usage]) {
        if keychain.delete(&registry, usage)? {
            forgotten.push(usage.as_str());
        }
    }
    // Like docker logout: that there is nothing left to forget is what was asked for.
    system.output.say(match forgotten.as_slice() {
        [] => format!("not logged in to {registry}"),
        uses => format!("forgot the credential of {registry} for {}", uses.join(" and ")),
    });
    Ok(())
}
