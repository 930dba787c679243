//! Tokens that are older than `--max-token-age`. Pure.

use std::time::Duration;

use crate::commands::shared::token_age::TokenAge;
use crate::commands::status::code::Code;
use crate::commands::status::credentials::{StoredCredential, StoredCredentials};
use crate::commands::status::finding::{Finding, Remedy};
use crate::commands::status::given_flags::GivenFlags;
use crate::commands::status::snapshot::Snapshot;
use crate::model::{CommandLine, MaxAge, age};

/// Younger tokens are not worth a word in the summary.
const WORTH_A_WORD: Duration = Duration::from_secs(86_400);

pub fn judge(limit: MaxAge, credentials: &StoredCredentials, snapshot: &Snapshot, flags: &GivenFlags) -> Vec<Finding> {
    let of = |held: &StoredCredential| finding(limit, held, snapshot.age(held, credentials), snapshot, flags);
    credentials.held.iter().filter_map(of).collect()
}

fn finding(
    limit: MaxAge,
    held: &StoredCredential,
    token: TokenAge,
    snapshot: &Snapshot,
    flags: &GivenFlags,
) -> Option<Finding> {
    let (code, cause) = match token.exceeds(limit, snapshot.taken) {
        Some(false) => return None,
        Some(true) => (
            Code::TokenOld,
            format!("{}, which is more than {limit}", token.sentence(snapshot.taken)),
        ),
        None => (
            Code::TokenAgeUnknown,
            "its age is not known, so it may be too old".to_owned(),
        ),
    };
    // Everywhere, so that the old token is revoked in the end.
    let rotate = CommandLine::new("kubectl regcred rotate")
        .value("REGISTRY", held.credential.registry.as_str())
        .option("--use", "USE", held.usage.as_str());
    Some(Finding {
        message: None,
        code,
        object: held.object(),
        cause,
        remedy: match &held.rotation {
            // The pending rotation has to end first, which is a finding of its own.
            Some(_) => Remedy::default(),
            None => Remedy::command(flags.both(rotate)).and("it asks for the new token; with --mint Gitea makes it"),
        },
    })
}

/// The age of the oldest token, for the summary: ` (the oldest 92d old)`.
pub fn oldest(credentials: &StoredCredentials, snapshot: &Snapshot) -> String {
    let ages = credentials.held.iter();
    let ages = ages.filter_map(|held| snapshot.age(held, credentials).age(snapshot.taken));
    let oldest = ages.max().filter(|oldest| *oldest >= WORTH_A_WORD);
    let which = if credentials.held.len() > 1 { "the oldest " } else { "" };
    oldest.map_or_else(String::new, |oldest| format!(" ({which}{} old)", age::show(oldest)))
}
