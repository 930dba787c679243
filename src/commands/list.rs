//! `kubectl regcred list`.

use serde::Serialize;

use super::document;
use super::system::System;
use crate::cli::ListArgs;
use crate::error::CommandError;

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
}

pub(super) fn run(args: &ListArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    let items = system.keychain()?.list()?;
    if let Some(format) = args.output {
        let items = items
            .iter()
            .map(|item| Row {
                registry: item.registry.as_str(),
                username: item.username.as_str(),
                usage: item.usage.as_str(),
            })
            .collect();
        return document::print("CredentialList", &List { items }, format, system);
    }
    if items.is_empty() {
        system.output.say("the keychain holds no credential");
        system.output.say("hint: kubectl regcred login REGISTRY -u USER");
        return Ok(());
    }
    let rows: Vec<_> = items
        .iter()
        .map(|item| {
            [
                item.registry.to_string(),
                item.username.to_string(),
                item.usage.to_string(),
            ]
        })
        .collect();
    Ok(system.output.table(["REGISTRY", "USERNAME", "USE"], &rows)?)
}
