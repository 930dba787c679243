//! `-o json|yaml`: the document, which follows docs/images-check.schema.json.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ask::Answer;
use super::observe::Observed;
use super::plan::Plan;
use crate::cluster::Namespace;
use crate::commands::args::DocumentFormat;
use crate::commands::shared::document;
use crate::commands::status::document::WithFindings;
use crate::commands::status::given_flags::GivenFlags;
use crate::commands::status::report::Report;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::Digest;

#[derive(Serialize)]
struct Check<'a> {
    /// The contexts that were looked into.
    contexts: Vec<&'a str>,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    image: String,
    /// How the registry has it.
    state: &'static str,
    /// Of its manifest.
    digest: Option<&'a str>,
    platforms: &'a [String],
    used_by: Vec<Used<'a>>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Used<'a> {
    context: &'a str,
    namespace: Option<&'a str>,
    object: &'a str,
    container: &'a str,
    how: String,
    /// The digest that runs.
    running: Option<&'a str>,
}

pub(super) fn print(
    report: &Report,
    clusters: &[Observed],
    plan: &Plan<'_>,
    answers: &[Answer],
    flags: &GivenFlags,
    format: DocumentFormat,
    system: &mut System<'_>,
) -> Result<(), CommandError> {
    let fields = Check {
        contexts: clusters.iter().map(|cluster| cluster.context.as_str()).collect(),
        items: items(clusters, plan, answers),
    };
    document::print("ImageCheck", &WithFindings::new(&fields, report, flags), format, system)
}

fn items<'a>(clusters: &'a [Observed], plan: &'a Plan<'_>, answers: &'a [Answer]) -> Vec<Item<'a>> {
    let mut items: BTreeMap<(String, Option<usize>), Item<'a>> = BTreeMap::new();
    for planned in &plan.planned {
        let answer = planned.question.and_then(|at| answers.get(at));
        let key = (planned.image.to_string(), planned.question);
        let item = items.entry(key).or_insert_with(|| {
            let there = match answer {
                Some(Answer::There(there)) => Some(there),
                _ => None,
            };
            Item {
                image: planned.image.to_string(),
                state: match answer {
                    Some(Answer::There(there)) if there.missing.is_empty() => "complete",
                    Some(Answer::There(_)) => "incomplete",
                    Some(Answer::Missing) => "missing",
                    Some(Answer::Refused(_)) => "refused",
                    Some(Answer::Unclear(_)) => "unclear",
                    None => "notAsked",
                },
                digest: there.map(|there| there.digest.as_str()),
                platforms: there.map_or(&[][..], |there| &there.platforms),
                used_by: Vec::new(),
            }
        });
        item.used_by.push(Used {
            context: clusters.get(planned.cluster).map_or("", |cluster| &cluster.context),
            namespace: planned.used.namespace.as_ref().map(Namespace::as_str),
            object: &planned.used.object,
            container: &planned.used.container,
            how: planned.used.how.to_string(),
            running: planned.used.running.as_ref().map(Digest::as_str),
        });
    }
    let mut items: Vec<Item<'a>> = items.into_values().collect();
    for item in &mut items {
        item.used_by.sort();
    }
    items
}
