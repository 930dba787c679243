//! What `where` prints: a table, or a document; then what could not be looked at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;

use super::args::WhereFormat;
use super::scan::{self, Copy, Kind, Remedy, Unread};
use crate::cluster::Target;
use crate::commands::args::DocumentFormat;
use crate::commands::shared::copies::Encoding;
use crate::commands::shared::document;
use crate::commands::shared::search::Unseen;
use crate::commands::system::System;
use crate::error::{CommandError, Exit};
use crate::model::{ActionsSecret, ClusterId, CommandLine, Registry, Use, printable};

/// The most characters of a path that are shown.
const MAX_PATH: usize = 300;
/// The most lines of one file that are shown.
const MAX_LINES: usize = 5;
/// The most commands of one kind that are shown.
const MAX_COMMANDS: usize = 5;
/// The most files that could not be read and are shown.
const MAX_UNREAD: usize = 20;
/// As many characters of an object's id as git shows of it.
const SHORT_ID: usize = 12;

/// What was seen, and what is remembered.
#[derive(Default)]
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
    pub(super) unseen: Vec<Unseen>,
    /// Files that `--scan` could not read.
    pub(super) unread: Vec<Unread>,
    /// What `--scan` searched.
    pub(super) summary: Option<String>,
    /// Ctrl-C ended the scan.
    pub(super) is_interrupted: bool,
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
    /// A secret of Actions at the registry's Gitea, which nobody can read.
    Actions(ActionsSecret),
    /// The token was read from it.
    File(PathBuf),
    /// `--scan` found it there.
    Copy(Copy),
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
    actions_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(flatten)]
    copy: Option<CopyItem>,
    token: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<String>,
    remembered: bool,
}

#[derive(Default, Serialize)]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    reason: String,
}

/// What `--scan` knows of a place.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CopyItem {
    what: Kind,
    encoding: &'static str,
    lines: Vec<u64>,
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<ObjectItem>,
    commands: Vec<CommandLine>,
    advice: &'static str,
}

#[derive(Serialize)]
struct ObjectItem {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
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
            Place::Actions(_) => 3,
            Place::File(_) | Place::Copy(_) => 4,
        };
        (&self.registry, self.usage, kind, self.shown_place())
    }

    fn shown_place(&self) -> String {
        match &self.place {
            Place::Keychain => "keychain".to_owned(),
            Place::Client {
                client,
                file: Some(file),
            } => format!("{client}, {}", shown_path(file)),
            Place::Client { client, file: None } => (*client).to_owned(),
            Place::Secret {
                context: Some(context),
                target,
                ..
            } => format!("{target} of context {}", printable(context, MAX_PATH)),
            Place::Secret {
                context: None,
                target,
                cluster,
                ..
            } => format!("{target} of cluster {cluster}"),
            Place::Actions(secret) => format!("actions-secret/{secret}"),
            Place::File(path) => format!("file {}", shown_path(path)),
            Place::Copy(copy) => shown_copy(copy),
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
            (Place::Copy(copy), _) if copy.found.encoding == Encoding::Base64 => format!("{state}, in base64"),
            (_, true) => format!("{state}, as remembered"),
            _ => state.to_owned(),
        }
    }

    fn item(&self) -> Item<'_> {
        let mut item = Item {
            registry: self.registry.as_str(),
            usage: self.usage.as_ref().map(Use::as_str),
            username: self.username.as_deref(),
            kind: "keychain",
            cluster: None,
            context: None,
            namespace: None,
            secret: None,
            labelled: None,
            service_accounts: &self.service_accounts,
            actions_secret: None,
            file: None,
            copy: None,
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
            Place::Actions(secret) => {
                item.kind = "actionsSecret";
                item.actions_secret = Some(secret.to_string());
            }
            Place::File(path) => {
                item.kind = "file";
                item.file = Some(path.display().to_string());
            }
            Place::Copy(copy) => {
                item.kind = "copy";
                item.file = Some(copy.file.display().to_string());
                let Remedy { commands, advice } = self.remedy(copy);
                item.copy = Some(CopyItem {
                    what: copy.kind,
                    encoding: match copy.found.encoding {
                        Encoding::Plain => "plain",
                        Encoding::Base64 => "base64",
                    },
                    lines: copy.lines.clone(),
                    count: copy.found.count,
                    object: copy.object.as_ref().map(|object| ObjectItem {
                        id: object.id.clone(),
                        path: object.path.clone(),
                        commit: object.commit.clone(),
                    }),
                    commands,
                    advice,
                });
            }
        }
        item
    }

    fn remedy(&self, copy: &Copy) -> Remedy {
        let (is_current, is_dead) = (self.state == State::Current, self.state == State::Revoked);
        copy.remedy(&self.registry, self.usage, is_current, is_dead)
    }
}

fn shown_path(path: &Path) -> String {
    printable(&path.display().to_string(), MAX_PATH)
}

/// The file and the lines, or the git object.
fn shown_copy(copy: &Copy) -> String {
    let file = shown_path(&copy.file);
    let kind = copy.kind.as_str();
    if let Some(object) = &copy.object {
        let id = &object.id[..object.id.len().min(SHORT_ID)];
        let commit = object
            .commit
            .as_ref()
            .map(|commit| &commit[..commit.len().min(SHORT_ID)]);
        let place = match (commit, &object.path) {
            (Some(commit), Some(path)) => format!(" ({} of commit {commit})", printable(path, MAX_PATH)),
            (Some(commit), None) if id != commit => format!(" (of commit {commit})"),
            (Some(_), None) => " (a commit)".to_owned(),
            (None, _) => String::new(),
        };
        return format!("{kind} {id}{place} in {file}");
    }
    let lines: Vec<String> = copy.lines.iter().take(MAX_LINES).map(ToString::to_string).collect();
    let more = if copy.lines.len() > lines.len() {
        " and more"
    } else {
        ""
    };
    match lines.len() {
        0 => format!("{kind} {file}"),
        1 => format!("{kind} {file}, line {}", lines[0]),
        _ => format!("{kind} {file}, lines {}{more}", lines.join(", ")),
    }
}

impl Report {
    /// Prints it. Exit 1 where something could not be looked at: that it is not shown means nothing then.
    pub(super) fn print(mut self, format: Option<WhereFormat>, system: &mut System<'_>) -> Result<Exit, CommandError> {
        self.rows.sort_by(|one, other| one.order().cmp(&other.order()));
        let mut exit = if !self.unseen.is_empty() || !self.unread.is_empty() {
            Exit::Failed
        } else if self.copies().next().is_some() {
            Exit::Drift
        } else {
            Exit::Done
        };
        if self.is_interrupted {
            exit = Exit::Interrupted;
        }
        match format {
            Some(WhereFormat::Json) => self.document(DocumentFormat::Json, system)?,
            Some(WhereFormat::Yaml) => self.document(DocumentFormat::Yaml, system)?,
            Some(WhereFormat::Wide) | None if self.rows.is_empty() => system
                .output
                .info("the keychain holds no credential, and none is remembered"),
            Some(WhereFormat::Wide) => self.wide(system)?,
            None => self.table(system)?,
        }
        if let Some(summary) = &self.summary {
            system.output.info(summary);
        }
        if !matches!(format, Some(WhereFormat::Json | WhereFormat::Yaml)) {
            for hint in self.hints() {
                system.output.info(format_args!("hint: {hint}"));
            }
        }
        for unseen in self.unseen {
            system.output.error(&unseen.error());
        }
        for unread in self.unread.iter().take(MAX_UNREAD) {
            let file = shown_path(&unread.file);
            let error = CommandError::failed(format_args!("{file} was not looked at: {}", unread.reason));
            system.output.error(&error);
        }
        if let Some(more @ 1..) = self.unread.len().checked_sub(MAX_UNREAD) {
            system.output.error(&CommandError::failed(format_args!(
                "{more} more files and folders were not looked at; -o json has all of them"
            )));
        }
        if self.is_interrupted {
            system
                .output
                .error(&CommandError::failed("the search was ended by Ctrl-C"));
        }
        Ok(exit)
    }

    /// The rows of copies.
    fn copies(&self) -> impl Iterator<Item = (&Row, &Copy)> {
        self.rows.iter().filter_map(|row| match &row.place {
            Place::Copy(copy) => Some((row, copy)),
            _ => None,
        })
    }

    /// How to be rid of the copies: once for each kind, with the first commands, and for each token.
    fn hints(&self) -> Vec<String> {
        let mut kinds: BTreeMap<(Kind, &str), Vec<CommandLine>> = BTreeMap::new();
        let mut rotate: Vec<CommandLine> = Vec::new();
        for (row, copy) in self.copies() {
            let Remedy { commands, advice } = row.remedy(copy);
            let of_kind = kinds.entry((copy.kind, advice)).or_default();
            for command in commands {
                if !of_kind.contains(&command) {
                    of_kind.push(command);
                }
            }
            let command = scan::rotate(&row.registry, row.usage);
            if row.state == State::Current && !rotate.contains(&command) {
                rotate.push(command);
            }
        }
        let mut hints = Vec::new();
        for ((_, advice), commands) in kinds {
            hints.push(advice.to_owned());
            hints.extend(commands.iter().take(MAX_COMMANDS).map(ToString::to_string));
            if commands.len() > MAX_COMMANDS {
                hints.push(format!(
                    "and {} more; -o json has all of them",
                    commands.len() - MAX_COMMANDS
                ));
            }
        }
        for command in rotate {
            hints.push(format!("if others can read one of them, change the token: {command}"));
        }
        hints
    }

    fn table(&self, system: &mut System<'_>) -> Result<(), CommandError> {
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
        let of_clusters = std::mem::take(&mut self.unseen).into_iter().map(|unseen| {
            let mut entry = NotLookedAt::default();
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
        let files = std::mem::take(&mut self.unread).into_iter().map(|unread| NotLookedAt {
            file: Some(unread.file.display().to_string()),
            reason: unread.reason,
            ..NotLookedAt::default()
        });
        let not_looked_at = of_clusters.chain(files);
        let places = CredentialPlaces {
            items: self.rows.iter().map(Row::item).collect(),
            not_looked_at: not_looked_at.collect(),
        };
        document::print("CredentialPlaces", &places, format, system)
    }
}
