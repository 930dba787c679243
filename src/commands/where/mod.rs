//! `kubectl regcred where`: every place of every credential, in every cluster that a context leads to.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;

use super::shared::copies::{Needles, Owner, Which};
use super::shared::known_tokens::{Held, KnownTokens};
use super::shared::ledger_writer;
use super::shared::search::{self, Search, every_context};
use super::system::System;
use crate::cluster::{self, KubeconfigError, Target};
use crate::docker::{self, Source};
use crate::error::{CommandError, Exit};
use crate::ledger::{KnownCredential, KnownToken, Ledger, SecretPlace, Skipped};
use crate::model::{ClusterId, Fingerprint, Registry, Use};

mod args;
mod report;
mod scan;

pub use args::WhereArgs;
use report::{Place, Report, Row, State};

pub(super) fn run(args: &WhereArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let keychain = system.keychain()?;
    let ledger = ledger_writer::read(system);
    let tokens = KnownTokens::read(&keychain, &ledger, args.registry.as_ref())?;
    let mut report = Report::default();
    report.rows.extend(tokens.stored().map(|stored| Row {
        usage: Some(stored.name.usage),
        username: Some(stored.credential.username.to_string()),
        ..Row::new(&stored.name.registry, Place::Keychain, State::Current)
    }));
    docker_rows(&tokens.stored_registries(), &mut report, system);
    let read = if args.offline {
        Vec::new()
    } else {
        cluster::block_on(look(args, &tokens, &ledger, &mut report, system))??
    };
    remembered(args, &tokens, &ledger, &read, &mut report);
    if !args.scan.is_empty() {
        let needles = Arc::new(tokens.needles());
        copies(&args.scan, &needles, &ledger, &mut report, system)?;
    }
    report.print(args.output, system)
}

/// The Secrets of one cluster that were read.
struct Read {
    cluster: ClusterId,
    by_address: ClusterId,
    targets: BTreeSet<Target>,
}

impl Read {
    fn has(&self, place: &SecretPlace) -> bool {
        [&self.cluster, &self.by_address].contains(&&place.cluster) && self.targets.contains(&place.target)
    }
}

/// Looks into the clusters, and corrects the ledger by what it saw. Returns what it read.
async fn look(
    args: &WhereArgs,
    tokens: &KnownTokens,
    ledger: &Ledger,
    report: &mut Report,
    system: &mut System<'_>,
) -> Result<Vec<Read>, CommandError> {
    let mut contexts = every_context(&system.env, &args.search.options()).map_err(cluster::Error::from)?;
    if !args.contexts.is_empty() {
        let there: Vec<String> = contexts.iter().filter_map(|one| one.context.clone()).collect();
        if let Some(missing) = args.contexts.iter().find(|name| !there.contains(name)) {
            let missing = KubeconfigError::NoSuch {
                kind: "context",
                name: missing.clone(),
                there,
            };
            return Err(cluster::Error::from(missing).into());
        }
        contexts.retain(|one| one.context.as_ref().is_some_and(|name| args.contexts.contains(name)));
    }
    let registries = tokens.registries();
    system.output.progress(match contexts.len() {
        1 => "looking into 1 context".to_owned(),
        count => format!("looking into {count} contexts"),
    });
    let search = Search {
        env: &system.env,
        contexts,
        has_every_context: args.contexts.is_empty(),
        registries: &registries,
        ledger,
        skipped: &Skipped::default(),
    };
    let looked = search
        .look(&|secret| Some(tokens.held_by(secret)).filter(|held| !held.is_empty()))
        .await;
    system.output.end_progress();
    let read = looked.clusters.iter().map(|cluster| {
        let is_in_it = |place: &&search::Place<_>| place.cluster == cluster.id;
        let holding = looked.places.iter().filter(is_in_it).map(|place| &place.target);
        Read {
            cluster: cluster.id.clone(),
            by_address: ClusterId::Server(cluster.server.clone()),
            targets: holding.chain(&cluster.empty).cloned().collect(),
        }
    });
    let read = read.collect();
    let now = Timestamp::now();
    ledger_writer::update(system, |ledger, _| {
        for cluster in &looked.clusters {
            ledger.saw_cluster(&cluster.id, &cluster.server, &cluster.context, now);
            for target in &cluster.empty {
                for registry in &registries {
                    ledger.holds_none(registry, &cluster.id, target);
                }
            }
        }
        for place in &looked.places {
            for registry in &registries {
                let held = place.holds.iter().filter(|held| held.registry == *registry);
                note(
                    ledger,
                    registry,
                    &held.collect::<Vec<_>>(),
                    &place.cluster,
                    &place.target,
                    now,
                );
            }
        }
    });
    for place in looked.places {
        for held in &place.holds {
            let known = known(ledger, held);
            let is_revoked = known.is_some_and(|(_, token)| token.revoked.is_some());
            report.rows.push(Row {
                usage: held.usage.or(known.map(|(credential, _)| credential.usage)),
                username: Some(held.username.clone()),
                seen: Some(now),
                service_accounts: ledger
                    .service_accounts(&place.cluster, &place.target)
                    .into_iter()
                    .map(ToString::to_string)
                    .collect(),
                ..Row::new(
                    &held.registry,
                    Place::Secret {
                        cluster: place.cluster.clone(),
                        context: Some(place.context.clone()).filter(|name| !name.is_empty()),
                        target: place.target.clone(),
                        is_labelled: place.is_labelled,
                    },
                    match (held.is_current, is_revoked) {
                        (true, _) => State::Current,
                        (false, true) => State::Revoked,
                        (false, false) => State::Earlier,
                    },
                )
            });
        }
    }
    report.unseen.extend(looked.unseen);
    Ok(read)
}

/// Notes which tokens of the registry a Secret holds.
fn note(
    ledger: &mut Ledger,
    registry: &Registry,
    held: &[&Held],
    cluster: &ClusterId,
    target: &Target,
    now: Timestamp,
) {
    let id_of = |held: &Held| {
        let mut id = held.id.clone()?;
        if let (None, Some((credential, _))) = (held.usage, known(ledger, held)) {
            id.usage = credential.usage;
        }
        Some((id, held.is_current))
    };
    let ids: Vec<_> = held.iter().filter_map(|held| id_of(held)).collect();
    for (id, _) in ids.iter().filter(|(_, is_current)| *is_current) {
        ledger.has_current(&id.registry, id.usage, cluster);
    }
    let ids: Vec<_> = ids.into_iter().map(|(id, _)| id).collect();
    if held.is_empty() {
        ledger.holds_none(registry, cluster, target);
    } else if ids.len() == held.len() {
        ledger.holds_all(&ids, cluster, target, now);
    } else {
        for id in &ids {
            ledger.holds_too(id, cluster, target, now);
        }
    }
}

/// What is remembered and was not read now.
fn remembered(args: &WhereArgs, tokens: &KnownTokens, ledger: &Ledger, read: &[Read], report: &mut Report) {
    let recognised = tokens.registries();
    for credential in &ledger.credentials {
        // A keychain that recognises none of its tokens read them in vain.
        let read = if recognised.contains(&credential.registry) {
            read
        } else {
            &[]
        };
        if args
            .registry
            .as_ref()
            .is_some_and(|registry| *registry != credential.registry)
        {
            continue;
        }
        for token in &credential.tokens {
            let state = if token.revoked.is_some() {
                State::Revoked
            } else if tokens.is_current(&credential.registry, &token.fingerprint) {
                State::Current
            } else {
                State::Earlier
            };
            let row = |place| Row {
                usage: Some(credential.usage),
                username: Some(token.username.to_string()),
                is_remembered: true,
                ..Row::new(&credential.registry, place, state)
            };
            for place in &token.actions {
                report.rows.push(Row {
                    seen: place.written,
                    ..row(Place::Actions(place.secret.clone()))
                });
            }
            for place in token
                .secrets
                .iter()
                .filter(|place| !read.iter().any(|read| read.has(place)))
            {
                let known = ledger.cluster(&place.cluster);
                report.rows.push(Row {
                    seen: place.seen,
                    service_accounts: place.service_accounts.iter().map(ToString::to_string).collect(),
                    ..row(Place::Secret {
                        cluster: place.cluster.clone(),
                        context: known.and_then(|known| known.contexts.first().cloned()),
                        target: place.target.clone(),
                        is_labelled: true,
                    })
                });
            }
            for file in &token.files {
                report.rows.push(Row {
                    seen: Some(file.seen),
                    ..row(Place::File(file.path.as_path().to_owned()))
                });
            }
        }
    }
}

/// Copies in files. A file that a token was read from, and that was found to hold it, is no longer only remembered.
fn copies(
    folders: &[PathBuf],
    needles: &Arc<Needles>,
    ledger: &Ledger,
    report: &mut Report,
    system: &mut System<'_>,
) -> Result<(), CommandError> {
    for owner in needles.too_short() {
        system.output.warn(format_args!(
            "the token of {} for {} is so short that it is not searched for",
            owner.registry, owner.usage
        ));
    }
    let mut scan = scan::scan(folders, needles, system)?;
    report.summary = Some(scan.summary());
    report.unread = std::mem::take(&mut scan.unread);
    report.unread.sort_by(|one, other| one.file.cmp(&other.file));
    report.is_interrupted = scan.is_interrupted;
    for copy in scan.copies {
        let is_it = |row: &Row| matches!(&row.place, Place::File(file) if *file == copy.file);
        report.rows.retain(|row| !is_it(row));
        let row = |registry: &Registry, state| Row::new(registry, Place::Copy(copy.clone()), state);
        match &copy.found.which {
            Which::Kept(token) => report.rows.extend(needles.owners(*token).iter().map(|owner: &Owner| {
                let state = if owner.is_current {
                    State::Current
                } else {
                    State::Earlier
                };
                Row {
                    usage: Some(owner.usage),
                    username: Some(owner.username.clone()),
                    ..row(&owner.registry, state)
                }
            })),
            Which::Earlier { registry, fingerprints } => {
                let known = in_ledger(ledger, registry, fingerprints);
                let is_revoked = known.is_some_and(|(_, token)| token.revoked.is_some());
                report.rows.push(Row {
                    usage: known.map(|(credential, _)| credential.usage),
                    username: known.map(|(_, token)| token.username.to_string()),
                    ..row(registry, if is_revoked { State::Revoked } else { State::Earlier })
                });
            }
        }
    }
    Ok(())
}

/// What the ledger knows of a token in a Secret.
fn known<'a>(ledger: &'a Ledger, held: &Held) -> Option<(&'a KnownCredential, &'a KnownToken)> {
    in_ledger(ledger, &held.registry, &held.id.as_ref()?.fingerprints)
}

/// What the ledger knows of an earlier token.
fn in_ledger<'a>(
    ledger: &'a Ledger,
    registry: &Registry,
    fingerprints: &[Fingerprint],
) -> Option<(&'a KnownCredential, &'a KnownToken)> {
    let credentials = ledger.credentials.iter().filter(|one| one.registry == *registry);
    credentials
        .flat_map(|credential| credential.tokens.iter().map(move |token| (credential, token)))
        .find(|(_, token)| fingerprints.contains(&token.fingerprint))
}

/// Docker's and podman's files that lead to the keychain, or hold a login themselves.
fn docker_rows(registries: &[Registry], report: &mut Report, system: &mut System<'_>) {
    let workstation = match docker::observe(&system.env) {
        Ok(workstation) => workstation,
        Err(error) => {
            system.output.warn_of(&error.into());
            return;
        }
    };
    let mut seen = Vec::new();
    for answer in workstation.answers(registries) {
        if !registries.contains(&answer.registry) {
            continue;
        }
        let state = match answer.source {
            Source::Keychain => State::Current,
            Source::PlainText => State::PlainText,
            Source::Helper(_) | Source::Environment | Source::Nobody => continue,
        };
        // A client can ask for a registry by several names.
        let place = (answer.registry, answer.client, answer.file, state);
        if seen.contains(&place) {
            continue;
        }
        let (registry, client, file, _) = place.clone();
        seen.push(place);
        report.rows.push(Row {
            usage: Some(Use::Docker),
            ..Row::new(
                &registry,
                Place::Client {
                    client: client.as_str(),
                    file,
                },
                state,
            )
        });
    }
}
