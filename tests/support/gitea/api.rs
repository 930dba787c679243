//! `/api/v1`: the version, the token itself, its owner, and the tokens of a user.

use http::Method;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::super::http::{Answer, Request, decoded};
use super::actions::{self, Scope};
use super::images::PackageVersion;
use super::profile::{Profile, Saying};
use super::state::{Doer, PUBLIC, Pat, State, User, Visibility};

pub fn answer(state: &mut State, request: &Request, path: &str) -> Answer {
    // A path that is not there is then not there for anybody.
    let is_there = match path {
        "/token" => state.profile.has_own_token(),
        // There is no list of an account's own.
        "/user/actions/secrets" => false,
        _ => true,
    };
    if !is_there && state.profile.looks_for_the_path_first() {
        return no_such_path();
    }
    let mut doer = state.api_doer(request);
    if let Doer::Wrong { fault, user, name } = &doer {
        match state.profile.says(*fault, *user, name) {
            Saying::Json(message) => return refusal(state, 401, &message),
            Saying::Text(text) => return Answer::text(401, text),
            Saying::Nobody => doer = Doer::Nobody,
        }
    }
    if let Some(refused) = closed(state, &doer) {
        return refused;
    }
    let parts: Vec<String> = path.split('/').skip(1).map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (parts.as_slice(), &request.method) {
        (["version"], &Method::GET) => Answer::json(200, &json!({"version": state.profile.version()})),
        (["token"], _) if state.profile.has_own_token() => own_token(state, request, &doer),
        (["user"], &Method::GET) => own_user(state, &doer),
        (["repos", owner, name, "actions", "secrets", rest @ ..], _) if state.profile.has_actions_secrets() => {
            actions::answer(state, request, &doer, &Scope::Repository(owner, name), rest)
        }
        (["orgs", name, "actions", "secrets", rest @ ..], _) if state.profile.has_actions_secrets() => {
            actions::answer(state, request, &doer, &Scope::Organisation(name), rest)
        }
        (["user", "actions", "secrets", name], _) if state.profile.has_actions_secrets() => {
            actions::answer(state, request, &doer, &Scope::Own, &[name])
        }
        (["users", "search"], &Method::GET) => search(state, request, &doer),
        (["packages", owner, rest @ ..], _) => packages(state, request, &doer, owner, rest),
        (["users", name, "tokens", rest @ ..], _) => tokens(state, request, &doer, name, rest),
        (["users", name], &Method::GET) => somebody(state, &doer, name),
        _ => no_such_path(),
    }
}

/// What somebody reads who may not go on, whatever they want.
fn closed(state: &State, doer: &Doer) -> Option<Answer> {
    let Doer::Somebody { user, .. } = doer else {
        let message = json!({"message": "Only signed in user is allowed to call APIs."});
        return state.require_signin.then(|| Answer::json(403, &message));
    };
    let message = if !user.active && state.confirms_email {
        "This account is not activated.".to_owned()
    } else if !user.active || user.prohibited {
        "This account is prohibited from signing in, please contact your site administrator.".to_owned()
    } else if user.must_change_password {
        let page = format!("{}/user/change_password", state.root_url);
        format!("You must change your password. Change it at: {page}")
    } else {
        return None;
    };
    Some(Answer::json(403, &json!({"message": message})))
}

/// As Go's router says it.
fn no_such_path() -> Answer {
    Answer::new(404, "text/plain; charset=utf-8", "404 page not found\n")
}

pub(super) fn refusal(state: &State, status: u16, message: &str) -> Answer {
    let url = format!("{}api/swagger", state.root_url);
    Answer::json(status, &json!({"message": message, "url": url}))
}

/// What is not there, or not to be seen.
pub(super) fn not_found(state: &State, message: &str) -> Answer {
    let url = format!("{}api/swagger", state.root_url);
    Answer::json(404, &json!({"errors": null, "message": message, "url": url}))
}

fn no_such_user(state: &State, name: &str) -> Answer {
    refusal(state, 404, &format!("user redirect does not exist [name: {name}]"))
}

pub(super) fn lacking(state: &State, doer: &Doer, wanted: &str) -> Option<Answer> {
    match doer {
        Doer::Somebody { pat: Some(pat), .. } if !pat.has(state.profile, wanted) => {
            Some(refusal(state, 403, &state.profile.lacks_scope(wanted, &pat.scopes)))
        }
        _ => None,
    }
}

fn shown(user: &User, doer: &Doer) -> Value {
    // The rest is nobody else's business.
    let own = doer.user().is_some_and(|who| who.id == user.id || who.admin);
    json!({
        "id": user.id, "login": user.login, "full_name": "",
        "is_admin": own && user.admin, "prohibit_login": own && user.prohibited,
        "visibility": user.visibility.name(), "username": user.login,
    })
}

/// `GET` and `DELETE /token`: the token that asks, without any scope.
fn own_token(state: &mut State, request: &Request, doer: &Doer) -> Answer {
    let (user, pat) = match doer {
        Doer::Nobody | Doer::Wrong { .. } => return refusal(state, 401, "token is required"),
        Doer::Somebody {
            user,
            pat: Some(pat),
            basic: false,
        } => (user, pat),
        Doer::Somebody { .. } => return not_found(state, "not found"),
    };
    match request.method {
        Method::GET => {
            let mut body = described(state, pat, "");
            body["user"] = json!({"id": user.id, "login": user.login});
            Answer::json(200, &body)
        }
        Method::DELETE => {
            state.tokens.retain(|kept| kept.id != pat.id);
            Answer::empty(204)
        }
        _ => Answer::empty(405),
    }
}

fn own_user(state: &State, doer: &Doer) -> Answer {
    if let Some(refused) = lacking(state, doer, "read:user") {
        return refused;
    }
    match doer {
        Doer::Somebody { user, .. } => Answer::json(200, &shown(user, doer)),
        _ => refusal(state, 401, "token is required"),
    }
}

/// Whether the token that asks is for what is public, and the account is not.
fn is_limited(state: &State, doer: &Doer, account: &User) -> bool {
    let limited = matches!(doer, Doer::Somebody { pat: Some(pat), .. } if pat.is_public_only());
    limited && state.profile.public_only_counts() && account.visibility != Visibility::Public
}

fn somebody(state: &State, doer: &Doer, name: &str) -> Answer {
    if let Some(refused) = lacking(state, doer, "read:user") {
        return refused;
    }
    let Some(user) = state.user(name) else {
        return no_such_user(state, name);
    };
    if is_limited(state, doer, user) {
        return refusal(state, 403, "token scope is limited to public users");
    }
    if user.is_seen_by(doer.user()) {
        Answer::json(200, &shown(user, doer))
    } else {
        not_found(state, "Visit Project")
    }
}

fn search(state: &State, request: &Request, doer: &Doer) -> Answer {
    if let Some(refused) = lacking(state, doer, "read:user") {
        return refused;
    }
    let uid: Option<i64> = request.parameter("uid").and_then(|uid| uid.parse().ok());
    let found = state
        .users
        .iter()
        .filter(|user| user.is_seen_by(doer.user()) && uid.is_none_or(|uid| uid == user.id));
    let found: Vec<Value> = found.map(|user| shown(user, doer)).collect();
    let count = found.len().to_string();
    Answer::json(200, &json!({"ok": true, "data": found})).with("x-total-count", &count)
}

/// `/packages/{owner}`: what an owner has, or one version of it.
fn packages(state: &mut State, request: &Request, doer: &Doer, owner: &str, rest: &[&str]) -> Answer {
    let asks_who = || doer.user().is_none().then(|| refusal(state, 401, "token is required"));
    if let Some(refused) = asks_who().filter(|_| state.profile.packages_ask_who_first()) {
        return refused;
    }
    let reads = request.method == Method::GET;
    let wanted = if reads { "read:package" } else { "write:package" };
    if let Some(refused) = lacking(state, doer, wanted) {
        return refused;
    }
    let Some(owner) = state.user(owner) else {
        return no_such_user(state, owner);
    };
    let forbidden = || refusal(state, 403, "user should have specific permission or be a site admin");
    match rest {
        [] if !owner.is_seen_by(doer.user()) => forbidden(),
        [] => asks_who().unwrap_or_else(|| {
            let shown = |version: &PackageVersion| package(state, owner, version, doer);
            state.images.list(&owner.login, request, &state.root_url, &shown)
        }),
        ["container", image, version] => {
            let repository = format!("{}/{image}", owner.login);
            let Some(found) = state.images.version(&repository, version) else {
                return refusal(state, 404, state.profile.no_such_package());
            };
            if !owner.is_seen_by(doer.user()) || (!reads && !may_write(owner, doer)) {
                return forbidden();
            }
            match request.method {
                Method::GET => Answer::json(200, &package(state, owner, found, doer)),
                Method::DELETE => {
                    state.images.delete(&repository, version);
                    Answer::empty(204)
                }
                _ => no_such_path(),
            }
        }
        [_, _, _, _, ..] => no_such_path(),
        _ => refusal(state, 404, state.profile.no_such_package()),
    }
}

fn may_write(owner: &User, doer: &Doer) -> bool {
    doer.user()
        .is_some_and(|user| user.admin || user.id == owner.id || owner.member(user).is_some_and(|member| member.writes))
}

/// A version as the API tells it.
fn package(state: &State, owner: &User, version: &PackageVersion, doer: &Doer) -> Value {
    let (_, name) = version.repository.split_once('/').unwrap();
    let page = format!(
        "{}{}/-/packages/container/{}/{}",
        state.root_url,
        owner.login,
        name.replace('/', "%2F"),
        version.version
    );
    let created = Timestamp::try_from(version.created).unwrap();
    json!({
        "id": version.id, "owner": shown(owner, doer), "creator": shown(owner, doer), "repository": null, "type": "container", "name": name,
        "version": version.version, "html_url": page, "created_at": created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    })
}

/// `/users/{name}/tokens`: for the user or an administrator, with Basic authorization.
fn tokens(state: &mut State, request: &Request, doer: &Doer, name: &str, rest: &[&str]) -> Answer {
    let reads = request.method == Method::GET;
    let wanted = if reads { "read:user" } else { "write:user" };
    if let Some(refused) = lacking(state, doer, wanted).filter(|_| state.profile.minting_looks_at_scopes()) {
        return refused;
    }
    let Some(mut owner) = state.user(name).cloned() else {
        return no_such_user(state, name);
    };
    if is_limited(state, doer, &owner) {
        return refusal(state, 403, "token scope is limited to public users");
    }
    let hidden = owner.members.is_empty() && !owner.is_seen_by(doer.user());
    let (own, basic) = match doer {
        Doer::Somebody { user, pat, basic } if state.profile.ignores_name_in_path() => {
            owner = user.clone();
            (pat, *basic)
        }
        Doer::Somebody { user, pat, basic } if user.id == owner.id || user.admin => (pat, *basic),
        _ if hidden => return not_found(state, "Visit Project"),
        _ if state.profile.ignores_name_in_path() => return refusal(state, 401, "auth required"),
        _ => {
            return refusal(
                state,
                403,
                "doer should be the site admin or be same as the contextUser",
            );
        }
    };
    if !basic && (!reads || state.profile.listing_wants_basic()) {
        return refusal(state, 401, "auth required");
    }
    match (rest, &request.method) {
        ([], &Method::GET) => list(state, request, &owner),
        ([], &Method::POST) => mint(state, request, &owner, own.as_ref()),
        ([which], &Method::DELETE) => delete(state, &owner, which),
        _ => not_found(state, "not found"),
    }
}

fn described(state: &State, pat: &Pat, value: &str) -> Value {
    let scopes: Vec<&str> = pat.scopes.split(',').filter(|scope| !scope.is_empty()).collect();
    let mut body = json!({
        "id": pat.id, "name": pat.name, "sha1": value, "token_last_eight": &pat.value[32..], "scopes": scopes,
    });
    if state.profile.tokens_have_repositories() {
        body["repositories"] = Value::Null;
    }
    if state.profile.tokens_have_times() {
        body["created_at"] = json!(seconds(pat.created));
        body["last_used_at"] = json!(seconds(pat.used));
    }
    body
}

/// Gitea keeps whole seconds.
fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn list(state: &State, request: &Request, owner: &User) -> Answer {
    let number = |name: &str, default: usize| {
        let given = request.parameter(name).and_then(|text| text.parse().ok());
        given.filter(|number| *number > 0).unwrap_or(default)
    };
    let (page, limit) = (number("page", 1), number("limit", 30).min(50));
    let mine: Vec<&Pat> = state.tokens.iter().rev().filter(|pat| pat.owner == owner.id).collect();
    let shown: Vec<Value> = mine
        .iter()
        .skip((page - 1) * limit)
        .take(limit)
        .map(|pat| described(state, pat, ""))
        .collect();
    Answer::json(200, &json!(shown)).with("x-total-count", &mine.len().to_string())
}

fn mint(state: &mut State, request: &Request, owner: &User, own: Option<&Pat>) -> Answer {
    let profile = state.profile;
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let name = body["name"].as_str().unwrap_or_default();
    if name.is_empty() {
        return refusal(state, 422, "[Name]: Required");
    }
    if state.tokens.iter().any(|pat| pat.owner == owner.id && pat.name == name) {
        return refusal(state, 400, "access token name has been used already");
    }
    let scopes: Vec<&str> = body["scopes"]
        .as_array()
        .map_or(Vec::new(), |list| list.iter().filter_map(Value::as_str).collect());
    let known = |scope: &&&str| !is_scope(profile, scope);
    if let Some(unknown) = scopes.iter().find(known).filter(|_| profile.has_scopes()) {
        let message = format!("invalid access token scope provided: invalid access token scope: {unknown}");
        return refusal(state, 400, &message);
    }
    if scopes.is_empty() && profile.minting_wants_scope() {
        return refusal(state, 400, "access token must have a scope");
    }
    if let Some(own) = own
        && profile.minting_is_bounded()
        && !scopes.iter().all(|scope| own.has(profile, scope))
    {
        return refusal(
            state,
            403,
            "cannot create an access token with a broader scope than the authenticating token",
        );
    }
    let mut scopes = normal(profile, &scopes);
    if own.is_some_and(|own| profile.minting_is_bounded() && own.is_public_only()) {
        scopes = normal(profile, &[PUBLIC, &scopes]);
    }
    let value = state.add_token(&owner.login, name, &scopes);
    let made = state.tokens.last().unwrap().clone();
    let mut body = described(state, &made, &value);
    if !profile.minting_wants_scope() {
        body["scopes"] = Value::Null;
    }
    if profile.tokens_have_times() {
        body["created_at"] = json!("0001-01-01T00:00:00Z");
        body["last_used_at"] = json!("0001-01-01T00:00:00Z");
    }
    Answer::json(201, &body)
}

/// A number is taken as an id before it is taken as a name.
fn delete(state: &mut State, owner: &User, which: &str) -> Answer {
    let id = go_number(which);
    let hit = |pat: &Pat| pat.owner == owner.id && id.map_or(pat.name == which, |id| id == pat.id);
    match state.tokens.iter().filter(|pat| hit(pat)).count() {
        0 => return not_found(state, state.profile.not_found()),
        1 => {}
        _ => return refusal(state, 422, &format!("multiple matches for token name '{which}'")),
    }
    state.tokens.retain(|pat| !hit(pat));
    Answer::empty(204)
}

/// What Go's `strconv.ParseInt(text, 0, 64)` reads.
fn go_number(text: &str) -> Option<i64> {
    let (minus, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let digits = digits.to_ascii_lowercase();
    let (base, digits) = match (digits.get(..2), digits.strip_prefix('0')) {
        (Some("0x"), _) => (16, &digits[2..]),
        (Some("0b"), _) => (2, &digits[2..]),
        (Some("0o"), _) => (8, &digits[2..]),
        (_, Some(octal)) if !octal.is_empty() => (8, octal),
        _ => (10, digits.as_str()),
    };
    let number = i64::from_str_radix(&digits.replace('_', ""), base).ok()?;
    Some(if minus { -number } else { number })
}

/// In the order in which Gitea writes them.
const KINDS: [&str; 9] = [
    "activitypub",
    "admin",
    "misc",
    "notification",
    "organization",
    "package",
    "issue",
    "repository",
    "user",
];
/// Those of 1.19, as far as they differ.
const OLD: [&str; 9] = [
    "all",
    "repo",
    "package",
    "write:package",
    "read:package",
    "delete:package",
    "user",
    "read:user",
    "sudo",
];

fn is_scope(profile: Profile, scope: &str) -> bool {
    if profile.has_old_scopes() {
        return OLD.contains(&scope);
    }
    matches!(scope, "all" | PUBLIC)
        || scope
            .split_once(':')
            .is_some_and(|(level, kind)| matches!(level, "read" | "write") && KINDS.contains(&kind))
}

/// As Gitea stores scopes since 1.20: in order, each once, and without those that another one implies.
fn normal(profile: Profile, scopes: &[&str]) -> String {
    let given: Vec<&str> = scopes.iter().flat_map(|scope| scope.split(',')).collect();
    let has = |name: &str| given.contains(&name);
    if profile.has_old_scopes() || !profile.has_scopes() {
        return given.join(",");
    }
    let mut stored = Vec::new();
    if has(PUBLIC) {
        stored.push(PUBLIC.to_owned());
    }
    let writes = |kind: &str| has(&format!("write:{kind}"));
    if has("all") || KINDS.iter().all(|kind| writes(kind)) {
        stored.push("all".to_owned());
        return stored.join(",");
    }
    for kind in KINDS {
        if writes(kind) {
            stored.push(format!("write:{kind}"));
        } else if has(&format!("read:{kind}")) {
            stored.push(format!("read:{kind}"));
        }
    }
    stored.join(",")
}
