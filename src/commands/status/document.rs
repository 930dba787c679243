//! `-o json|yaml`: the document, which follows docs/status.schema.json.

use serde::Serialize;

use super::code::{Code, Severity};
use super::credentials::StoredCredentials;
use super::finding::Finding;
use super::given_flags::GivenFlags;
use super::report::Report;
use super::row::Row;
use super::snapshot::Snapshot;
use super::tokens::Verdict;
use crate::commands::args::DocumentFormat;
use crate::commands::shared::document;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::CommandLine;
use crate::registry::Server;

/// Fields with the findings about them.
#[derive(Serialize)]
pub(in crate::commands) struct WithFindings<'a, T> {
    /// The exit code.
    exit: u8,
    #[serde(flatten)]
    fields: &'a T,
    findings: Vec<OfFinding<'a>>,
}

impl<'a, T: Serialize> WithFindings<'a, T> {
    pub(in crate::commands) fn new(fields: &'a T, report: &'a Report, flags: &GivenFlags) -> Self {
        Self {
            exit: report.exit().code(),
            fields,
            findings: report.findings.iter().map(|found| finding(found, flags)).collect(),
        }
    }
}

#[derive(Serialize)]
struct Status<'a> {
    items: &'a [Row],
    credentials: Vec<OfKeychain<'a>>,
    /// Only with `--tokens`.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<Vec<OfAccount<'a>>>,
    /// Not with `--offline`.
    #[serde(rename = "runningImages", skip_serializing_if = "Option::is_none")]
    running: Option<OfRunning>,
}

/// How many images pods run, of registries that accept a token, and of how many the registry told whether it has them.
#[derive(Serialize)]
struct OfRunning {
    running: usize,
    asked: usize,
}

#[derive(Serialize)]
struct OfKeychain<'a> {
    registry: &'a str,
    #[serde(rename = "use")]
    usage: &'a str,
    username: &'a str,
    /// Whether the registry accepts it.
    state: &'static str,
    /// The token's user, as the registry reports it.
    owner: Option<&'a str>,
    scopes: Option<String>,
    server: Option<String>,
    /// When the server made the token.
    created: Option<String>,
    /// When it was made, or since when it is kept here.
    since: Option<String>,
    /// The phase of its rotation.
    rotation: Option<&'static str>,
}

/// A token that an account has at its server.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfAccount<'a> {
    registry: &'a str,
    username: &'a str,
    id: i64,
    name: &'a str,
    scopes: Option<String>,
    created: Option<String>,
    last_used: Option<String>,
    used_by: Vec<String>,
}

#[derive(Serialize)]
struct OfFinding<'a> {
    code: Code,
    weight: Severity,
    object: OfObject<'a>,
    cause: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    commands: Vec<CommandLine>,
    advice: Option<&'a str>,
}

#[derive(Serialize)]
struct OfObject<'a> {
    context: Option<&'a str>,
    namespace: Option<&'a str>,
    kind: &'a str,
    name: &'a str,
}

pub(super) fn print(
    report: &Report,
    credentials: &StoredCredentials,
    snapshot: &Snapshot,
    flags: &GivenFlags,
    format: DocumentFormat,
    system: &mut System<'_>,
) -> Result<(), CommandError> {
    let known: Vec<Verdict> = credentials
        .held
        .iter()
        .map(|held| snapshot.verdicts.of(&held.credential))
        .collect();
    let tokens = (!snapshot.listings.is_empty()).then(|| of_accounts(credentials, snapshot));
    let age = |held| snapshot.age(held, credentials);
    let credentials = credentials.held.iter().zip(&known).map(|(held, verdict)| {
        let verified = verdict.verified();
        OfKeychain {
            registry: held.credential.registry.as_str(),
            usage: held.usage.as_str(),
            username: held.credential.username.as_str(),
            state: state(verdict),
            owner: verified.and_then(|verified| verified.who.as_deref()),
            scopes: verified
                .and_then(|verified| verified.scopes.as_ref())
                .map(ToString::to_string),
            server: verified.and_then(|verified| server(&verified.server)),
            created: age(held).created().map(|time| time.to_string()),
            since: age(held).since().map(|time| time.to_string()),
            rotation: held.rotation.as_ref().map(|rotation| rotation.phase.as_str()),
        }
    });
    let fields = Status {
        items: &report.rows,
        credentials: credentials.collect(),
        tokens,
        running: (!snapshot.is_offline).then_some(OfRunning {
            running: snapshot.running.all,
            asked: snapshot.running.known,
        }),
    };
    document::print("Status", &WithFindings::new(&fields, report, flags), format, system)
}

fn of_accounts<'a>(credentials: &StoredCredentials, snapshot: &'a Snapshot) -> Vec<OfAccount<'a>> {
    let users = snapshot.users(credentials);
    let mut tokens = Vec::new();
    for listing in &snapshot.listings {
        for token in listing.tokens.iter().flat_map(|known| &known.tokens) {
            tokens.push(OfAccount {
                registry: listing.registry.as_str(),
                username: listing.username.as_str(),
                id: token.id,
                name: &token.name,
                scopes: token.scopes.as_ref().map(ToString::to_string),
                created: token.created.map(|time| time.to_string()),
                last_used: token.last_used.map(|time| time.to_string()),
                used_by: users.of(&listing.registry, token),
            });
        }
    }
    tokens
}

fn finding<'a>(found: &'a Finding, flags: &GivenFlags) -> OfFinding<'a> {
    OfFinding {
        code: found.code,
        weight: found.code.severity(),
        object: OfObject {
            context: found.object.context.as_deref(),
            namespace: found.object.namespace.as_deref(),
            kind: found.object.kind,
            name: &found.object.name,
        },
        cause: &found.cause,
        message: found.message.as_deref(),
        commands: found.remedy.lines(flags),
        advice: found.remedy.advice.as_deref(),
    }
}

/// The word for a verdict.
pub(super) fn state(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Accepted(_) => "accepted",
        Verdict::Refused { code, .. } if *code == Code::TokenUnclear => "unclear",
        Verdict::Refused { .. } => "refused",
        Verdict::Silent { .. } => "silent",
        Verdict::NotAsked | Verdict::Unknown => "notAsked",
    }
}

fn server(server: &Server) -> Option<String> {
    match server {
        Server::Gitea { version: Some(version) } => Some(format!("Gitea {version}")),
        Server::Gitea { version: None } => Some("Gitea".to_owned()),
        Server::Forgejo { version } => Some(format!("Forgejo {version}")),
        Server::Other => None,
    }
}
