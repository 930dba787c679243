//! `/actions/secrets` of a repository, an organisation and an account, and the repositories themselves.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use super::super::http::{Answer, Request};
use super::api::{lacking, not_found, refusal};
use super::state::{Doer, State};

/// Repositories and what their pipelines get.
#[derive(Default)]
pub struct Actions {
    /// `owner/name`, in lower case.
    pub repositories: Vec<String>,
    /// Who owns an organisation: its name and the account's.
    pub owners: Vec<(String, String)>,
    /// By place, such as `repos/acme/web`, and name: what a pipeline would get.
    pub secrets: BTreeMap<(String, String), String>,
}

/// Whose secrets a request is about.
pub enum Scope<'a> {
    Repository(&'a str, &'a str),
    Organisation(&'a str),
    Own,
}

pub fn answer(state: &mut State, request: &Request, doer: &Doer, scope: &Scope<'_>, rest: &[&str]) -> Answer {
    let reads = request.method == Method::GET;
    let kind = match scope {
        Scope::Repository(..) => "repository",
        Scope::Organisation(_) => "organization",
        Scope::Own => "user",
    };
    let wanted = format!("{}:{kind}", if reads { "read" } else { "write" });
    if let Scope::Organisation(name) = scope
        && state.user(&name.to_lowercase()).is_none()
        && (!matches!(doer, Doer::Somebody { .. }) || lacking(state, doer, &wanted).is_none())
    {
        return no_organisation(state, name);
    }
    let Doer::Somebody { user, .. } = doer else {
        return match scope {
            // Nobody is told whether there is one.
            Scope::Repository(..) => not_found(state, state.profile.not_found()),
            Scope::Organisation(_) | Scope::Own => refusal(state, 401, "token is required"),
        };
    };
    if let Some(refused) = lacking(state, doer, &wanted) {
        return refused;
    }
    let owns = |owner: &str| {
        let is_owner = |(organisation, login): &(String, String)| *organisation == owner && *login == user.login;
        user.admin || user.login.eq_ignore_ascii_case(owner) || state.actions.owners.iter().any(is_owner)
    };
    let place = match scope {
        Scope::Repository(owner, name) => {
            let (owner, path) = (owner.to_lowercase(), format!("{owner}/{name}").to_lowercase());
            if !state.actions.repositories.contains(&path) {
                return not_found(state, state.profile.not_found());
            }
            if !owns(&owner) {
                return refusal(state, 403, "user should be the owner of the repo");
            }
            format!("repos/{path}")
        }
        Scope::Organisation(name) => {
            let name = name.to_lowercase();
            if !owns(&name) {
                return refusal(state, 403, "Must be an organization owner");
            }
            format!("orgs/{name}")
        }
        Scope::Own => format!("user/{}", user.login.to_lowercase()),
    };
    match (rest, &request.method) {
        ([], &Method::GET) => {
            let names = state.actions.secrets.keys().filter(|(of, _)| *of == place);
            let listed: Vec<Value> = names
                .map(|(_, name)| json!({"name": name, "description": "", "created_at": "2026-01-01T00:00:00Z"}))
                .collect();
            Answer::json(200, &json!(listed)).with("x-total-count", &listed.len().to_string())
        }
        ([name], &Method::PUT) => put(state, request, place, name),
        ([name], &Method::DELETE) => match state.actions.secrets.remove(&(place, name.to_uppercase())) {
            Some(_) => Answer::empty(204),
            None => refusal(state, 404, "secret was not found [name: ]"),
        },
        _ => Answer::empty(405),
    }
}

/// What anybody is told of an organisation that is not there.
fn no_organisation(state: &State, name: &str) -> Answer {
    let body = format!(
        "{{\"errors\":[\"user redirect does not exist [name: {name}]\"],\"message\":\"GetOrgByName\",\"url\":\"{}api/swagger\"}}\n",
        state.root_url
    );
    Answer::new(404, "application/json;charset=utf-8", body)
}

fn put(state: &mut State, request: &Request, place: String, name: &str) -> Answer {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let data = body["data"].as_str().unwrap_or_default();
    if data.is_empty() {
        return refusal(state, 422, "[Data]: Required");
    }
    let name = name.to_uppercase();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_one = name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit());
    if !is_one || name.starts_with("GITEA_") || name.starts_with("GITHUB_") {
        return refusal(state, 400, "invalid variable or secret name");
    }
    match state.actions.secrets.insert((place, name), data.to_owned()) {
        None => Answer::empty(201),
        Some(_) => Answer::empty(204),
    }
}
