//! Tokens that an account has at its Gitea and that nothing uses here. Pure.

use crate::commands::status::account_tokens::AccountListing;
use crate::commands::status::code::Code;
use crate::commands::status::credentials::StoredCredentials;
use crate::commands::status::finding::{Finding, Object, Remedy};
use crate::commands::status::snapshot::Snapshot;
use crate::model::CommandLine;
use crate::registry::{AccountToken, AccountTokens};

pub fn judge(credentials: &StoredCredentials, snapshot: &Snapshot) -> Vec<Finding> {
    let users = snapshot.users(credentials);
    let mut findings = Vec::new();
    for listing in &snapshot.listings {
        match &listing.tokens {
            Err(error) => findings.push(Finding {
                message: None,
                code: Code::TokensNotListed,
                object: Object::here("account", format!("{} at {}", listing.username, listing.registry)),
                cause: error.to_string(),
                remedy: Remedy::of(error.next().to_vec()),
            }),
            Ok(known) => {
                let is_unused = |token: &&AccountToken| users.of(&listing.registry, token).is_empty();
                let unused = known.tokens.iter().filter(is_unused);
                findings.extend(unused.map(|token| finding(listing, known, token)));
            }
        }
    }
    findings
}

fn finding(listing: &AccountListing, known: &AccountTokens, token: &AccountToken) -> Finding {
    // Without a second factor, curl asks for the password and needs nothing else.
    let delete = CommandLine::new("curl --fail --request DELETE")
        .option("--user", "USER", listing.username.as_str())
        .value("URL", format!("{}/{}", known.url, token.id));
    Finding {
        message: None,
        code: Code::TokenUnused,
        object: Object::here(
            "token",
            format!("{} of {} at {}", token.name, listing.username, listing.registry),
        ),
        cause: "nothing here is known to use it".to_owned(),
        remedy: Remedy::command(delete).and(format!(
            "revoke it only if nothing elsewhere uses it; without curl, or with a second factor: {}",
            known.page
        )),
    }
}
