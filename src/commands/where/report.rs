//! What `where` prints: a table, or a document; then what could not be looked at.

use std::path::PathBuf;

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;

use super::args::WhereFormat;
use crate::cluster::Target;
use crate::commands::args::DocumentFormat;
use crate::commands::shared::document;
use crate::commands::shared::search::Unseen;
use crate::commands::system::System;
use crate::error::{CommandError, Exit};
use crate::model::{ClusterId, Registry, Use};

/// What was seen, and what is remembered.
#[derive(Default)]
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
    pub(super) unseen: Vec<Unseen>,
}

/// One place of a credential.
pub(super) struct Row {
    pub(super) registry: Registry,
    pub(super) usage: Option<Use>,
    pub(super) username: Option<String>,
    pub(super) place: Place,
    pub(super) state: State,
    /// When it was last seen to hold the token.
    pub(super) seen: Option<Timestamp>,
    pub(super) service_accounts: Vec<String>,
    /// It was not looked at now.
    pub(super) is_remembered: bool,
}

pub(super) enum Place {
    Keychain,
    Client {
        client: &'static str,
        file: Option<PathBuf>,
    },
    Secret {
        cluster: ClusterId,
        context: Option<String>,
        target: Target,
        /// Whether `-A` finds it.
        is_labelled: bool,
    },
    /// The token was read from it.
    File(PathBuf),
}

/// Which token is there.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum State {
    /// The one that the keychain has.
    Current,
    /// One that it had.
    Earlier,
    /// One that it had, which was revoked.
    Revoked,
    /// Some login in plain text.
    PlainText,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CredentialPlaces<'a> {
    items: Vec<Item<'a>>,
    not_looked_at: Vec<NotLookedAt>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    registry: &'a str,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    usage: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labelled: Option<bool>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    service_accounts: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    token: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<String>,
    remembered: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NotLookedAt {
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    reason: String,
}

impl Row {
    pub(super) fn new(registry: &Registry, place: Place, state: State) -> Self {
        Self {
            registry: registry.clone(),
            usage: None,
            username: None,
            place,
            state,
            seen: None,
            service_accounts: Vec::new(),
            is_remembered: false,
        }
    }

    fn order(&self) -> (&Registry, Option<Use>, u8, String) {
        let kind = match self.place {
            Place::Keychain => 0,
            Place::Client { .. } => 1,
            Place::Secret { .. } => 2,
            Place::File(_) => 3,
        };
        (&self.registry, self.usage, kind, self.shown_place())
    }

    fn shown_place(&self) -> String {
        match &self.place {
            Place::Keychain => "keychain".to_owned(),
            Place::Client {
                client,
                file: Some(file),
            } => format!("{client}, {}", file.display()),
            Place::Client { client, file: None } => (*client).to_owned(),
            Place::Secret {
                context: Some(context),
                target,
                ..
            } => format!("{target} of context {context}"),
            Place::Secret {
                context: None,
                target,
                cluster,
                ..
            } => format!("{target} of cluster {cluster}"),
            Place::File(path) => format!("file {}", path.display()),
        }
    }

    fn shown_state(&self) -> String {
        let state = match (self.state, &self.place) {
            (State::Current, Place::Client { .. }) => "asks the keychain",
            (State::Current, _) => "current",
            (State::Earlier, _) => "earlier",
            (State::Revoked, _) => "revoked",
            (State::PlainText, _) => "a copy in plain text",
        };
        match (&self.place, self.is_remembered) {
            (Place::File(_), _) => format!("{state}, when it was read"),
            (_, true) => format!("{state}, as remembered"),
            _ => state.to_owned(),
        }
    }

    fn item(&self) -> Item<'_> {
        let mut item = Item {
            registry: self.registry.as_str(),
            usage: self.usage.map(Use::as_str),
            username: self.username.as_deref(),
            kind: "keychain",
            cluster: None,
            context: None,
            namespace: None,
            secret: None,
            labelled: None,
            service_accounts: &self.service_accounts,
            file: None,
            token: self.state,
            seen: self.seen.map(|seen| seen.to_string()),
            remembered: self.is_remembered,
        };
        match &self.place {
            Place::Keychain => {}
            Place::Client { client, file } => {
                item.kind = client;
                item.file = file.as_ref().map(|file| file.display().to_string());
            }
            Place::Secret {
                cluster,
                context,
                target,
                is_labelled,
            } => {
                item.kind = "secret";
                item.cluster = Some(cluster.to_string());
                item.context = context.as_deref();
                item.namespace = Some(target.namespace.as_str());
                item.secret = Some(target.secret.as_str());
                item.labelled = Some(*is_labelled).filter(|_| !self.is_remembered);
            }
            Place::File(path) => {
                item.kind = "file";
                item.file = Some(path.display().to_string());
            }
        }
        item
    }
}

impl Report {
    /// Prints it. Exit 1 where something could not be looked at: that it is not shown means nothing then.
    pub(super) fn print(mut self, format: Option<WhereFormat>, system: &mut System<'_>) -> Result<Exit, CommandError> {
        self.rows.sort_by(|one, other| one.order().cmp(&other.order()));
        let is_complete = self.unseen.is_empty();
        match format {
            Some(WhereFormat::Json) => self.document(DocumentFormat::Json, system)?,
            Some(WhereFormat::Yaml) => self.document(DocumentFormat::Yaml, system)?,
            Some(WhereFormat::Wide) => self.wide(system)?,
            None => self.table(system)?,
        }
        if is_complete {
            return Ok(Exit::Done);
        }
        for unseen in self.unseen {
            system.output.error(&unseen.error());
        }
        Ok(Exit::Failed)
    }

    fn table(&self, system: &mut System<'_>) -> Result<(), CommandError> {
        if self.rows.is_empty() {
            system
                .output
                .info("the keychain holds no credential, and none is remembered");
            return Ok(());
        }
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                [
                    row.registry.to_string(),
                    row.usage.map_or_else(String::new, |usage| usage.to_string()),
                    row.shown_place(),
                    row.shown_state(),
                ]
            })
            .collect();
        Ok(system.output.table(["REGISTRY", "USE", "PLACE", "TOKEN"], &rows)?)
    }

    fn wide(&self, system: &mut System<'_>) -> Result<(), CommandError> {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                [
                    row.registry.to_string(),
                    row.usage.map_or_else(String::new, |usage| usage.to_string()),
                    row.username.clone().unwrap_or_default(),
                    row.shown_place(),
                    row.service_accounts.join(","),
                    row.shown_state(),
                    row.seen
                        .map_or_else(String::new, |seen| seen.strftime("%F %R").to_string()),
                ]
            })
            .collect();
        let heading = [
            "REGISTRY",
            "USE",
            "USERNAME",
            "PLACE",
            "SERVICEACCOUNTS",
            "TOKEN",
            "SEEN",
        ];
        Ok(system.output.table(heading, &rows)?)
    }

    fn document(&mut self, format: DocumentFormat, system: &mut System<'_>) -> Result<(), CommandError> {
        let not_looked_at = std::mem::take(&mut self.unseen).into_iter().map(|unseen| {
            let mut entry = NotLookedAt {
                context: None,
                cluster: None,
                namespace: None,
                secret: None,
                reason: String::new(),
            };
            match &unseen {
                Unseen::Context { context, .. } | Unseen::Search { context, .. } => {
                    entry.context = Some(context.clone());
                }
                Unseen::Secret { context, target, .. } => {
                    entry.context = Some(context.clone());
                    entry.namespace = Some(target.namespace.to_string());
                    entry.secret = Some(target.secret.to_string());
                }
                Unseen::Lost { cluster, .. } => entry.cluster = Some(cluster.to_string()),
            }
            entry.reason = unseen.error().to_string();
            entry
        });
        let places = CredentialPlaces {
            items: self.rows.iter().map(Row::item).collect(),
            not_looked_at: not_looked_at.collect(),
        };
        document::print("CredentialPlaces", &places, format, system)
    }
}
