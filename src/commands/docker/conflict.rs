//! Resolves different credentials for one registry, or reports them.

use super::args::SetupArgs;
use super::decide::{Case, Decision, Verdict, is_same};
use crate::commands::shared::verify;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{CommandLine, Credential, Hint};
use crate::registry::Flow;

/// Lets the registry decide, or else the user.
pub(super) fn settle(case: &Case, args: &SetupArgs, system: &mut System<'_>) -> Result<Decision, CommandError> {
    let mut verdicts = Vec::new();
    for credential in case.distinct() {
        let verdict = if args.no_verify || !case.is_login() {
            Verdict::Unknown
        } else {
            match verify::verify(credential, &args.connection, system) {
                Ok(verified) if verified.flow != Flow::Open => Verdict::Accepted,
                Err(error) if error.is_refusal() => Verdict::Refused,
                Ok(_) | Err(_) => Verdict::Unknown,
            }
        };
        verdicts.push(verdict);
    }
    let decision = case.settle(&verdicts);
    let distinct = case.distinct();
    for (credential, verdict) in distinct.iter().zip(&verdicts) {
        if decision != Decision::Open && *verdict == Verdict::Refused {
            system.output.info(format_args!(
                "{} does not accept the credential of {} from {}",
                case.title(),
                credential.username,
                place_of(case, credential)
            ));
        }
    }
    match (&decision, &system.person) {
        (Decision::Open, Some(person)) => {
            let mut options: Vec<String> = distinct
                .iter()
                .map(|credential| format!("the one of {} in {}", credential.username, place_of(case, credential)))
                .collect();
            options.push("none: leave everything as it is".to_owned());
            let at = person.choice(
                &format!("Which credential of {} should be kept", case.title()),
                &options,
            )?;
            Ok(distinct.get(at).map_or(Decision::Open, |chosen| case.choose(chosen)))
        }
        _ => Ok(decision),
    }
}

/// Where a credential is stored.
pub(super) fn place_of(case: &Case, credential: &Credential) -> String {
    match case.found.iter().find(|found| is_same(&found.credential, credential)) {
        _ if case.kept.as_ref().is_some_and(|kept| is_same(kept, credential)) => "the keychain".to_owned(),
        Some(found) => found.place.to_string(),
        None => String::new(),
    }
}

pub(super) fn places(case: &Case) -> String {
    let mut places: Vec<String> = case.found.iter().map(|found| found.place.to_string()).collect();
    places.dedup();
    if case.kept.is_some() {
        places.insert(0, "the keychain".to_owned());
    }
    places.join(" and ")
}

pub(super) fn undecided(case: &Case) -> CommandError {
    let registry = &case.name.registry;
    let error = CommandError::failed(format_args!(
        "{} hold different credentials, and the registry does not decide which one is right: nothing was changed",
        places(case)
    ));
    let of = |program| CommandLine::new(program).value("REGISTRY", registry.as_str());
    let setup = |keep| of("kubectl regcred docker setup").words(keep);
    let keychain = setup("--keep keychain");
    let login = of("kubectl regcred login").words("-u USER").then(&keychain);
    // Not docker logout: where docker asks our helper, that deletes the keychain's.
    match (&case.kept, case.only_in_files()) {
        (Some(_), Some(_)) => error
            .hint(Hint::to("to keep the keychain's", keychain))
            .hint(Hint::to("to keep the file's", setup("--keep file"))),
        (Some(_), None) => error
            .hint(Hint::to("to keep the keychain's", keychain))
            .hint(Hint::to("to keep another", login)),
        (None, Some(_)) => error
            .hint(Hint::to("to keep the file's", setup("--keep file")))
            .hint(Hint::to("to keep another", login)),
        (None, None) => error.hint(Hint::to("to keep one", login)),
    }
}
