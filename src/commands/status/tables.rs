//! The tables of tokens: the keychain's with `-o wide`, and the accounts' with `--tokens`.

use super::credentials::StoredCredentials;
use super::document;
use super::snapshot::Snapshot;
use crate::commands::shared::token_age::TokenAge;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::output::Tone;
use crate::registry::Scopes;

/// Tables with their headings, in the order in which they are printed.
#[derive(Default)]
pub(in crate::commands) struct Tables(Vec<(Vec<&'static str>, Vec<Vec<String>>)>);

impl Tables {
    pub(super) fn new(credentials: &StoredCredentials, snapshot: &Snapshot, is_wide: bool) -> Self {
        let kept = is_wide.then(|| of_keychain(credentials, snapshot));
        let listed = (!snapshot.listings.is_empty()).then(|| of_accounts(credentials, snapshot));
        let tables = kept.into_iter().chain(listed);
        Self(tables.filter(|(_, rows)| !rows.is_empty()).collect())
    }

    pub(in crate::commands) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Prints them, with an empty line before each but the first.
    pub(in crate::commands) fn print(&self, mut is_first: bool, system: &mut System<'_>) -> Result<(), CommandError> {
        for (heading, rows) in &self.0 {
            if !std::mem::take(&mut is_first) {
                system.output.line("")?;
            }
            system.output.toned_table(heading, rows, |_, _| Tone::Plain)?;
        }
        Ok(())
    }
}

fn of_keychain(credentials: &StoredCredentials, snapshot: &Snapshot) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let rows = credentials.held.iter().map(|held| {
        let verdict = snapshot.verdicts.of(&held.credential);
        vec![
            held.credential.registry.to_string(),
            held.usage.to_string(),
            held.credential.username.to_string(),
            document::state(&verdict).to_owned(),
            snapshot.age(held, credentials).shown(snapshot.taken),
            scopes(verdict.verified().and_then(|verified| verified.scopes.as_ref())),
        ]
    });
    let heading = vec!["REGISTRY", "USE", "USER", "TOKEN", "AGE", "SCOPES"];
    (heading, rows.collect())
}

fn of_accounts(credentials: &StoredCredentials, snapshot: &Snapshot) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let users = snapshot.users(credentials);
    let mut rows = Vec::new();
    for listing in &snapshot.listings {
        for token in listing.tokens.iter().flat_map(|known| &known.tokens) {
            let age = |time| TokenAge::default().and_created(time).shown(snapshot.taken);
            let used_by = users.of(&listing.registry, token).join(",");
            rows.push(vec![
                listing.registry.to_string(),
                listing.username.to_string(),
                token.id.to_string(),
                token.name.clone(),
                age(token.created),
                age(token.last_used),
                scopes(token.scopes.as_ref()),
                if used_by.is_empty() { "-".to_owned() } else { used_by },
            ]);
        }
    }
    let heading = vec![
        "REGISTRY",
        "ACCOUNT",
        "ID",
        "TOKEN",
        "AGE",
        "LAST USED",
        "SCOPES",
        "USED BY",
    ];
    (heading, rows)
}

fn scopes(scopes: Option<&Scopes>) -> String {
    scopes.map_or_else(|| "-".to_owned(), ToString::to_string)
}
