//! `kubectl regcred list`.

use clap::{Args, ValueEnum};
use k8s_openapi::jiff::Timestamp;
use serde::Serialize;

use super::args::DocumentFormat;
use super::shared::document;
use super::shared::token_age::TokenAge;
use super::system::System;
use crate::error::CommandError;
use crate::keychain::{CredentialInfo, Part};

/// `list`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred list
  kubectl regcred list -o json
  for registry in $(kubectl regcred list -o name); do kubectl regcred logout $registry; done")]
pub struct ListArgs {
    /// `wide` adds a column, `name` prints only the registries; `json` and `yaml` print a document
    #[arg(short, long, value_name = "wide|name|json|yaml")]
    pub output: Option<ListFormat>,
}

/// `-o` of `list`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// A table with more columns
    Wide,
    /// Each registry once
    Name,
    /// JSON
    Json,
    /// YAML
    Yaml,
}

#[derive(Serialize)]
struct List<'a> {
    items: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    registry: &'a str,
    username: &'a str,
    #[serde(rename = "use")]
    usage: &'a str,
    #[serde(rename = "identityToken", skip_serializing_if = "std::ops::Not::not")]
    is_identity_token: bool,
    /// Since when the keychain has had the token.
    since: Option<String>,
}

pub(super) fn run(args: &ListArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    let items = system.keychain()?.list_with_remains()?;
    let format = match args.output {
        Some(ListFormat::Json) => Some(DocumentFormat::Json),
        Some(ListFormat::Yaml) => Some(DocumentFormat::Yaml),
        Some(ListFormat::Name | ListFormat::Wide) | None => None,
    };
    if let Some(format) = format {
        let items = items
            .iter()
            .map(|(item, part)| Row {
                registry: item.registry.as_str(),
                username: item.username.as_str(),
                usage: item.usage.as_str(),
                is_identity_token: is_identity_token(item, *part),
                since: TokenAge::kept(item.since).since().map(|since| since.to_string()),
            })
            .collect();
        return document::print("CredentialList", &List { items }, format, system);
    }
    if items.is_empty() {
        system.output.info("the keychain holds no credential");
        system.output.info("hint: kubectl regcred login REGISTRY -u USER");
        return Ok(());
    }
    if args.output == Some(ListFormat::Name) {
        let mut names: Vec<_> = items.iter().map(|(item, _)| &item.registry).collect();
        names.dedup();
        for name in names {
            system.output.line(name)?;
        }
        return Ok(());
    }
    let now = Timestamp::now();
    let age = |item: &CredentialInfo| TokenAge::kept(item.since).shown(now);
    if args.output == Some(ListFormat::Wide) {
        let kind = |item: &CredentialInfo, part: Part| {
            if is_identity_token(item, part) {
                "identity token"
            } else {
                "token or password"
            }
        };
        let rows: Vec<_> = items
            .iter()
            .map(|(item, part)| {
                [
                    item.registry.to_string(),
                    item.username.to_string(),
                    item.usage.to_string(),
                    age(item),
                    kind(item, *part).to_owned(),
                ]
            })
            .collect();
        return Ok(system
            .output
            .table(["REGISTRY", "USERNAME", "USE", "AGE", "KIND"], &rows)?);
    }
    let rows: Vec<_> = items
        .iter()
        .map(|(item, part)| {
            let kind = if is_identity_token(item, *part) {
                " (identity token)"
            } else {
                ""
            };
            [
                item.registry.to_string(),
                format!("{}{kind}", item.username),
                item.usage.to_string(),
                age(item),
            ]
        })
        .collect();
    Ok(system.output.table(["REGISTRY", "USERNAME", "USE", "AGE"], &rows)?)
}

/// Whether only docker's clients can use it, as also what is left of docker's login in the browser.
fn is_identity_token(item: &CredentialInfo, part: Part) -> bool {
    item.username.is_identity_token() || part != Part::Login
}
