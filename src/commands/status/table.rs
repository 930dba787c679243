//! The text output: the table of targets, the findings, and a summary in one line.

use std::collections::BTreeSet;

use super::code::Severity;
use super::finding::{Group, Object, groups};
use super::given_flags::GivenFlags;
use super::report::Report;
use super::row::{Row, State};
use super::tables::Tables;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{Use, count};
use crate::output::Tone;

/// The most objects of one finding that are named.
const MAX_NAMED: usize = 5;
/// The most rows in sync that are shown; more of them are only counted.
const MAX_GOOD_ROWS: usize = 20;
/// The most workloads of a row that the wide table names.
const MAX_USERS: usize = 3;
/// On a narrower terminal, lines are not wrapped here.
const MIN_COLUMNS: usize = 40;

pub(in crate::commands) fn print(
    report: &Report,
    tables: &Tables,
    is_wide: bool,
    flags: &GivenFlags,
    system: &mut System<'_>,
) -> Result<(), CommandError> {
    table(&report.rows, is_wide, system)?;
    tables.print(report.rows.is_empty(), system)?;
    let has_tables = !report.rows.is_empty() || !tables.is_empty();
    let groups = print_findings(report, has_tables, flags, system)?;
    if has_tables || !groups.is_empty() {
        system.output.line("")?;
    }
    summary(report, &groups, system)
}

/// Prints a paragraph for each group of findings; `follows`: after an empty line.
pub(in crate::commands) fn print_findings<'a>(
    report: &'a Report,
    follows: bool,
    flags: &GivenFlags,
    system: &mut System<'_>,
) -> Result<Vec<Group<'a>>, CommandError> {
    let groups = groups(&report.findings, flags);
    let contexts: BTreeSet<&String> = report
        .findings
        .iter()
        .filter_map(|found| found.object.context.as_ref())
        .collect();
    for (at, group) in groups.iter().enumerate() {
        if at > 0 || follows {
            system.output.line("")?;
        }
        self::group(group, contexts.len() > 1, system)?;
    }
    Ok(groups)
}

fn table(rows: &[Row], is_wide: bool, system: &mut System<'_>) -> Result<(), CommandError> {
    let contexts = rows.iter().any(|row| row.context != rows[0].context);
    let mut heading = Vec::new();
    if contexts {
        heading.push("CONTEXT");
    }
    heading.extend(["NAMESPACE", "SECRET", "REGISTRY", "USER", "STATE"]);
    let state_at = heading.len() - 1;
    if is_wide {
        heading.extend(["USE", "OWNER", "SERVICE ACCOUNTS", "USED BY"]);
    }
    // Thousands of rows in sync would hide the one that is not.
    let good = rows.iter().filter(|row| row.state == State::InSync).count();
    let hides = !is_wide && rows.len() > MAX_GOOD_ROWS && good > MAX_GOOD_ROWS / 2;
    let shown: Vec<Vec<String>> = rows
        .iter()
        .filter(|row| !hides || row.state != State::InSync)
        .map(|row| cells(row, contexts, is_wide))
        .collect();
    if !shown.is_empty() {
        let tone = |at: usize, cell: &str| match cell {
            _ if at != state_at => Tone::Plain,
            "in sync" => Tone::Good,
            "unknown" | "rotating" | "another's" => Tone::Doubtful,
            _ => Tone::Bad,
        };
        system.output.toned_table(&heading, &shown, tone)?;
    }
    if hides {
        system.output.line(format_args!(
            "{} that are in sync are not shown; -o wide shows them",
            count::show(good, "Secret")
        ))?;
    }
    Ok(())
}

fn cells(row: &Row, contexts: bool, is_wide: bool) -> Vec<String> {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let some = |names: &[String]| match names {
        [] => "-".to_owned(),
        names if names.len() <= MAX_USERS => names.join(","),
        names => format!("{} +{}", names[..MAX_USERS].join(","), names.len() - MAX_USERS),
    };
    let mut cells = Vec::new();
    if contexts {
        cells.push(or_dash(row.context.as_deref()));
    }
    cells.extend([
        row.namespace.clone(),
        row.secret.clone(),
        or_dash(row.registry.as_deref()),
        or_dash(row.username.as_deref()),
        row.state.to_string(),
    ]);
    if is_wide {
        cells.extend([
            or_dash(row.usage.as_ref().map(Use::as_str)),
            match (&row.owner, row.managed) {
                (Some(owner), _) => owner.clone(),
                (None, true) => "kubectl-regcred".to_owned(),
                (None, false) => "-".to_owned(),
            },
            some(&row.service_accounts),
            some(&row.used_by),
        ]);
    }
    cells
}

fn group(group: &Group<'_>, names_context: bool, system: &mut System<'_>) -> Result<(), CommandError> {
    let output = &mut system.output;
    let tone = match group.code.severity() {
        Severity::Note => Tone::Strong,
        Severity::Drift => Tone::Bad,
        Severity::Unknown => Tone::Doubtful,
    };
    output.toned(&[
        (tone, group.code.as_str()),
        (Tone::Plain, ": "),
        (Tone::Strong, &objects(&group.objects, names_context)),
    ])?;
    wrapped("  ", group.cause, system)?;
    for command in &group.commands {
        // Commands are not wrapped, so that they can be pasted.
        system.output.line(format_args!("  $ {command}"))?;
    }
    if group.more_commands > 0 {
        let more = group.more_commands;
        wrapped(
            "  ",
            &format!(
                "and {more} more such {}: run this again afterwards, or see -o json",
                count::noun(more, "command")
            ),
            system,
        )?;
    }
    for advice in &group.advice {
        wrapped("  ", advice, system)?;
    }
    Ok(())
}

/// The objects of a group: `secret/gitea-credentials in namespace honeydue`, or their number.
fn objects(objects: &[&Object], names_context: bool) -> String {
    let [first, rest @ ..] = objects else {
        return String::new();
    };
    let context = match &first.context {
        Some(context) if names_context => format!(" (context {context})"),
        _ => String::new(),
    };
    let same_name = rest.iter().all(|object| object.name == first.name);
    let same_place = rest.iter().all(|object| object.namespace == first.namespace);
    let place = match &first.namespace {
        Some(namespace) => format!(" in namespace {namespace}"),
        None => String::new(),
    };
    let kind = if first.namespace.is_some() {
        format!("{}/", first.kind)
    } else {
        format!("{} ", first.kind)
    };
    let some = |names: Vec<&str>| {
        let shown = names.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
        match names.len().saturating_sub(MAX_NAMED) {
            0 => shown,
            more => format!("{shown} and {more} more"),
        }
    };
    let what = match (rest.is_empty(), same_name, same_place) {
        (true, ..) => format!("{kind}{}{place}", first.name),
        (_, true, false) => {
            let places = objects
                .iter()
                .filter_map(|object| object.namespace.as_deref())
                .collect();
            format!("{kind}{} in {} namespaces: {}", first.name, objects.len(), some(places))
        }
        (_, _, true) => {
            let names = objects.iter().map(|object| object.name.as_str()).collect();
            format!("{}{place}: {}", count::show(objects.len(), first.kind), some(names))
        }
        _ => {
            let names: Vec<String> = objects
                .iter()
                .map(|object| format!("{}/{}", object.namespace.as_deref().unwrap_or("-"), object.name))
                .collect();
            format!(
                "{}: {}",
                count::show(objects.len(), first.kind),
                some(names.iter().map(String::as_str).collect())
            )
        }
    };
    what + &context
}

fn summary(report: &Report, groups: &[Group<'_>], system: &mut System<'_>) -> Result<(), CommandError> {
    let of = |weight| {
        report
            .findings
            .iter()
            .filter(|finding| finding.code.severity() == weight)
            .count()
    };
    let (drift, unknown) = (of(Severity::Drift), of(Severity::Unknown));
    let (tone, head) = match (drift, unknown) {
        (0, 0) => (Tone::Good, "all is well".to_owned()),
        (0, _) => (Tone::Doubtful, format!("{unknown} could not be checked")),
        (_, 0) => (Tone::Bad, format!("{drift} out of step")),
        _ => (
            Tone::Bad,
            format!("{drift} out of step, {unknown} could not be checked"),
        ),
    };
    let is_note = |group: &&Group<'_>| group.code.severity() == Severity::Note;
    let notes = groups.iter().filter(is_note).count();
    let kinds = match groups.len() - notes {
        0 => String::new(),
        all if all == drift + unknown => String::new(),
        all => format!(", of {}", count::show(all, "kind")),
    };
    let aside = match notes {
        0 => String::new(),
        all => format!(", {} to note", count::show(all, "thing")),
    };
    let kinds = kinds + &aside;
    let good = report.rows.iter().filter(|row| row.state == State::InSync).count();
    let mut checked = report.checked.clone();
    if !report.rows.is_empty() {
        checked.insert(
            0,
            format!("{good} of {} in sync", count::show(report.rows.len(), "Secret")),
        );
    }
    let checked = checked.join(", ");
    let rest = if checked.is_empty() { kinds } else { kinds + ":" };
    let width = head.chars().count() + rest.chars().count() + 1 + checked.chars().count();
    if checked.is_empty() || system.output.columns().is_some_and(|columns| columns < width) {
        system.output.toned(&[(tone, &head), (Tone::Plain, &rest)])?;
        return match checked.as_str() {
            "" => Ok(()),
            text => wrapped("  ", text, system),
        };
    }
    let rest = format!("{rest} {checked}");
    Ok(system.output.toned(&[(tone, &head), (Tone::Plain, &rest)])?)
}

/// Prints a sentence wrapped to the width of the terminal, with each line indented.
fn wrapped(indent: &str, text: &str, system: &mut System<'_>) -> Result<(), CommandError> {
    let room = system.output.columns().filter(|columns| *columns >= MIN_COLUMNS);
    let Some(room) = room.map(|columns| columns - indent.len()) else {
        return Ok(system.output.line(format_args!("{indent}{text}"))?);
    };
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
            system.output.line(format_args!("{indent}{line}"))?;
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    Ok(system.output.line(format_args!("{indent}{line}"))?)
}
