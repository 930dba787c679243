//! `-o json|yaml`.

use std::path::Path;

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;

use super::observation::Observation;
use super::observe::{Open, Unavailable};
use crate::keychain::vault::KeyState;
use crate::keychain::{Error, StoreName};
use crate::model::Hint;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    in_use: &'static str,
    chosen_in: Option<String>,
    answers: bool,
    keychains: Vec<Row>,
    key_file: Option<KeyFile>,
    kernel_keyring: Kernel,
    hints: Vec<Hint>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyFile {
    path: String,
    named_by: &'static str,
    exists: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kernel {
    takes_keys: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(super) fn of(observation: &Observation) -> Document {
    let here = &observation.here;
    let row = |name| row(name, observation.of(name));
    Document {
        in_use: observation.choice.store.as_str(),
        chosen_in: observation.choice.chosen_in.as_deref().map(text),
        answers: observation.in_use().is_ok(),
        keychains: vec![
            Row {
                path: here.path.as_deref().map(text),
                ..row(StoreName::Vault)
            },
            row(StoreName::System),
        ],
        key_file: here.key_file.as_ref().map(|file| KeyFile {
            path: text(&file.path),
            named_by: file.named_by,
            exists: file.exists,
        }),
        kernel_keyring: Kernel {
            takes_keys: here.kernel.is_ok(),
            error: here.kernel.as_ref().err().map(ToString::to_string),
        },
        hints: observation.hints(),
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn row(name: StoreName, found: &Result<Open, Error>) -> Row {
    let error = found.as_ref().err();
    let state = match error.map(Unavailable::of) {
        None => "open",
        Some(Unavailable::Absent) => "absent",
        Some(Unavailable::Locked) => "locked",
        Some(Unavailable::Failed) => "failed",
    };
    let key = found.as_ref().ok().and_then(|open| open.key.as_ref());
    let (opened_by, until) = match key {
        Some(KeyState::Unlocked { until }) => (Some("kernelKeyring"), *until),
        Some(KeyState::InFile { .. }) => (Some("keyFile"), None),
        Some(KeyState::Locked) | None => (None, None),
    };
    Row {
        name: name.as_str(),
        state,
        credentials: found.as_ref().ok().map(|open| open.credentials),
        path: None,
        opened_by,
        until: until
            .and_then(|until| Timestamp::try_from(until).ok())
            .map(|until| until.to_string()),
        error: error.map(ToString::to_string),
    }
}
