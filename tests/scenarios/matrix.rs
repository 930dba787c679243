//! Every client that knows docker's credential helpers, run for real over ours: what it does with a credential, without
//! one, with a locked keyring or vault and with no keychain at all. `docs/clients.md` shows what came of it.

mod cell;
mod clients;
mod fixture;
mod page;
mod setup;

use libtest_mimic::Trial;

use crate::support::part::missing;
use crate::support::parts::{DOCKER_ENGINE, GITEA};
use crate::support::scenario::{Need, Part, Table};
use cell::{Cell, Row};
use clients::{CLIENTS, Client, Kind};
use fixture::{Config, Situation, Workstation};

scenarios!(every_client);
fn every_client(table: &Table) -> Vec<Trial> {
    let trials = CLIENTS.iter().flat_map(|client| {
        let programs: Vec<&dyn Need> = client.programs.iter().map(|program| program as &dyn Need).collect();
        let mut needs = [&[&PARTS as &dyn Need][..], &programs].concat();
        if client.engine {
            needs.push(&DOCKER_ENGINE);
        }
        let with_gitea = [&needs[..], &[&GITEA]].concat();
        [
            table.alone(&format!("every_situation/{}", client.name), &needs, || matrix(client)),
            table.alone(&format!("at_a_real_gitea/{}", client.name), &with_gitea, || {
                at_real_gitea(client);
            }),
        ]
    });
    trials.collect()
}

const PARTS: Part = Part::new(|| missing(&fixture::PARTS));

/// What makes a difference to the registry, at a real Gitea: every step with a credential, and without one where it needs
/// one. It has to come out as the page says, which was written down at a double.
fn at_real_gitea(client: &'static Client) {
    let mut workstation = Workstation::at_real_gitea(client);
    let version = workstation.version();
    let mut faults = Vec::new();
    for &(kind, line) in client.steps {
        let without = matches!(kind, Kind::Push | Kind::Pull | Kind::Public);
        let more = without.then_some(Situation::Nothing);
        for situation in std::iter::once(Situation::Stored).chain(more) {
            let seen = workstation.observe(kind, line, Config::CredHelpers, situation);
            let mut found: Vec<String> = cell::broken_rules(client, kind, Config::CredHelpers, situation, false, &seen)
                .map(str::to_owned)
                .collect();
            let cell = Cell::of(kind, &seen).to_string();
            let written = page::written(client, &version, line, situation);
            if let Some(written) = written.filter(|written| *written != cell) {
                found.push(format!("{cell}, and the page says: {written}"));
            }
            let output = &seen.output;
            faults.extend(
                found
                    .iter()
                    .map(|fault| format!("{line}\n  {situation:?}: {fault}\n{output}")),
            );
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Every step of a client in every situation: each is judged by our rules, and all together by what the page says.
fn matrix(client: &'static Client) {
    let mut workstation = Workstation::new(client);
    let mut faults = Vec::new();
    let mut rows = Vec::new();
    for &(kind, line) in client.steps {
        let mut row = Row::new(line);
        for &config in Config::of(client) {
            // Whether it is the helper that this step gets its credential from.
            let mut asks = false;
            for situation in Situation::ALL {
                let seen = workstation.observe(kind, line, config, situation);
                let cell = Cell::of(kind, &seen);
                if situation == Situation::Stored {
                    asks = seen.code == 0
                        && match kind {
                            Kind::Login => seen.stored && !seen.plaintext,
                            Kind::Logout => !seen.kept,
                            Kind::Public => false,
                            Kind::Again | Kind::Push | Kind::Pull => seen.signed_in,
                        };
                }
                let broken = cell::broken_rules(client, kind, config, situation, asks, &seen);
                faults
                    .extend(broken.map(|rule| format!("{line}\n  {config:?}, {situation:?}: {rule}\n{}", seen.output)));
                row.put(config, situation, cell, &seen);
            }
        }
        rows.push(row);
    }
    // On an unlocked vault one step tells: that every other is as with the keyring is the helper's business.
    let &(kind, line) = client.steps.iter().find(|(kind, _)| *kind == Kind::Pull).unwrap();
    let seen = workstation.observe(kind, line, Config::CredHelpers, Situation::Vault);
    let broken = cell::broken_rules(client, kind, Config::CredHelpers, Situation::Vault, true, &seen);
    let unasked = (!seen.signed_in).then_some("the vault's credential was not shown to the registry");
    faults.extend(
        broken
            .chain(unasked)
            .map(|rule| format!("{line}\n  an unlocked vault: {rule}\n{}", seen.output)),
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    page::compare(client.name, &page::section(client, &workstation.version(), &rows));
}
