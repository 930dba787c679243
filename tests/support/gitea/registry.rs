//! `/v2`: the challenge, the exchange, and who may pull and push.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::super::http::{Answer, Request, Shown};
use super::state::{Doer, Pat, State, User, Visibility, is_public_only};

/// An answer, or the leave to ask the registry that keeps the images.
pub enum Reply {
    Done(Answer),
    /// A real Gitea is to answer.
    HandOn(std::net::SocketAddr),
    Forward {
        repository: String,
        actions: Vec<&'static str>,
    },
}

/// Whom `/v2` takes a request for.
enum Guest {
    /// Shows nothing at all.
    Stranger,
    /// Shows something wrong.
    Wrong,
    /// Shows the token of the exchange, made for nobody.
    Ghost,
    /// The scopes are a token's; a password has none and needs none.
    Known { user: User, scopes: Option<String> },
}

pub fn answer(state: &mut State, request: &Request, path: &str) -> Reply {
    let path = path.trim_end_matches('/');
    let reply = match (path, &request.method) {
        ("/v2", &Method::GET) => root(state, request),
        ("/v2/token", &Method::GET) => exchange(state, request),
        ("/v2/token", _) => Answer::empty(404),
        ("/v2/_catalog", &Method::GET) => Answer::json(200, &json!({"repositories": []})),
        _ => return image(state, request, path),
    };
    Reply::Done(reply)
}

/// An error as the distribution specification has it. Its message is empty in every real Gitea that was asked.
pub fn error(status: u16, code: &str) -> Answer {
    let body = json!({"errors": [{"code": code, "message": ""}]});
    Answer::new(status, "application/json", format!("{body}\n")).with("docker-distribution-api-version", "registry/2.0")
}

/// A page of an image's tags that is asked for.
pub struct TagList {
    path: String,
    /// The last tag of the page before. The registry behind the double knows no pages, and gives all tags again.
    after: Option<String>,
}

impl TagList {
    pub fn asked_for(request: &Request) -> Option<Self> {
        let is_list = request.method == Method::GET && request.path.ends_with("/tags/list");
        is_list.then(|| Self {
            path: request.path.clone(),
            after: request.parameter("last"),
        })
    }
}

/// What the registry says that keeps the double's images, in Gitea's words.
pub fn as_gitea_says(answer: Answer, list: Option<TagList>) -> Answer {
    let mut said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if let Some(code) = said["errors"][0]["code"].as_str() {
        return error(answer.status, code);
    }
    let is_json = |(name, kind): &(String, String)| {
        name.eq_ignore_ascii_case("content-type") && kind.starts_with("application/json")
    };
    let Some(at) = answer.headers.iter().position(is_json) else {
        return answer;
    };
    let mut answer = answer;
    "application/json".clone_into(&mut answer.headers[at].1);
    let name = said["name"].take();
    let (Some(list), Some(tags)) = (list, said["tags"].as_array_mut()) else {
        return answer;
    };
    if let Some(after) = list.after {
        tags.retain(|tag| tag.as_str().is_some_and(|tag| tag > after.as_str()));
        let page = json!({"name": name, "tags": tags});
        answer.body = format!("{page}\n").into();
        answer
            .headers
            .retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
    }
    // Gitea says that there is more wherever there is something.
    let more = tags.last().and_then(Value::as_str).map(str::to_owned);
    match more {
        Some(tag) => answer.with("link", &format!("<{}?last={tag}>; rel=\"next\"", list.path)),
        None => answer,
    }
}

fn unauthorized(state: &State, request: &Request) -> Answer {
    let realm = realm(state, request);
    let challenge = format!(r#"Bearer realm="{realm}",service="container_registry",scope="*""#);
    let answer = error(401, "UNAUTHORIZED").with("www-authenticate", &challenge);
    // Since 1.26.1, for clients that know no other.
    let hidden = owner(state, request).is_some_and(|owner| owner.visibility != Visibility::Public);
    if (state.require_signin || hidden) && state.profile.bad_text().is_none() {
        return answer.with("www-authenticate", r#"Basic realm="Gitea Container Registry""#);
    }
    answer
}

/// Whose image a path below `/v2` is about.
fn owner<'a>(state: &'a State, request: &Request) -> Option<&'a User> {
    let (owner, _) = repository(&request.path)?.split_once('/')?;
    state.user(owner)
}

fn realm(state: &State, request: &Request) -> String {
    if let Some(realm) = &state.realm {
        return realm.clone();
    }
    if state.profile.realm_has_path() {
        return format!("{}v2/token", state.root_url);
    }
    let scheme = state.root_url.split(':').next().unwrap_or_default();
    let host = request
        .headers
        .get("host")
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    format!("{scheme}://{host}/v2/token")
}

fn bad(state: &State, request: &Request) -> Answer {
    match state.profile.bad_text() {
        Some(text) => Answer::text(401, text),
        None => unauthorized(state, request),
    }
}

fn guest(state: &mut State, request: &Request) -> Guest {
    let wrong = if state.profile.bad_is_ghost() {
        Guest::Stranger
    } else {
        Guest::Wrong
    };
    match request.shown() {
        Shown::Nothing => Guest::Stranger,
        Shown::Basic { user, password } => match state.by_basic(&user, &password, state.code_of(request).as_deref()) {
            Doer::Somebody { user, pat, .. } => Guest::Known {
                user,
                scopes: pat.map(|pat| pat.scopes),
            },
            _ => wrong,
        },
        // Only the token of the exchange: a Personal Access Token is none.
        Shown::Bearer(token) => match claims(state, &token) {
            Some(claims) => match claims["UserID"].as_i64().and_then(|id| state.user_by_id(id)) {
                Some(user) => Guest::Known {
                    user: user.clone(),
                    scopes: claims["Scope"]
                        .as_str()
                        .filter(|scope| !scope.is_empty())
                        .map(str::to_owned),
                },
                None => Guest::Ghost,
            },
            None => wrong,
        },
        _ => wrong,
    }
}

fn root(state: &mut State, request: &Request) -> Answer {
    let skipped = matches!(request.shown(), Shown::Basic { .. }) && !state.profile.root_takes_basic();
    match guest(state, request) {
        _ if skipped => bad(state, request),
        Guest::Wrong => bad(state, request),
        Guest::Stranger => unauthorized(state, request),
        Guest::Ghost if state.require_signin => unauthorized(state, request),
        Guest::Ghost | Guest::Known { .. } => {
            Answer::empty(200).with("docker-distribution-api-version", "registry/2.0")
        }
    }
}

fn exchange(state: &mut State, request: &Request) -> Answer {
    let profile = state.profile;
    let (user, scope) = match guest(state, request) {
        Guest::Wrong => return bad(state, request),
        Guest::Stranger | Guest::Ghost if state.require_signin && profile.exchange_wants_sign_in() => {
            return unauthorized(state, request);
        }
        // What it gave to nobody has no scope.
        Guest::Ghost if profile.exchange_wants_scope() => return unauthorized(state, request),
        Guest::Stranger | Guest::Ghost => (-1, String::new()),
        Guest::Known { user, scopes: None } => (user.id, profile.password_scope().to_owned()),
        Guest::Known {
            user,
            scopes: Some(scopes),
        } => {
            if profile.exchange_wants_scope() && !allows(state, &scopes, "read:package") {
                return unauthorized(state, request);
            }
            (user.id, scopes)
        }
    };
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let mut claims = json!({"exp": now + 86_400, "nbf": now, "UserID": user});
    if profile.claims_scope() {
        claims["Scope"] = json!(scope);
    }
    if profile.claims_task() {
        claims["ActionsUserTaskID"] = json!(0);
    }
    Answer::json(200, &json!({"token": signed(state, &claims)}))
}

fn image(state: &mut State, request: &Request, path: &str) -> Reply {
    let refused = |answer| Reply::Done(answer);
    let (user, scopes) = match guest(state, request) {
        Guest::Wrong => return refused(bad(state, request)),
        Guest::Stranger => return refused(unauthorized(state, request)),
        Guest::Ghost if state.require_signin => return refused(unauthorized(state, request)),
        Guest::Ghost => (None, None),
        Guest::Known { user, scopes } => (Some(user), scopes),
    };
    let Some(repository) = repository(path) else {
        return refused(Answer::new(404, "text/plain; charset=utf-8", "404 page not found\n"));
    };
    let (owner, image) = repository.split_once('/').unwrap_or((repository, ""));
    if !is_name(image) {
        return refused(error(400, "NAME_INVALID"));
    }
    let Some(owner) = state.user(owner) else {
        return refused(Answer::new(404, "text/plain;charset=utf-8", "Not found.\n"));
    };
    let writes = !matches!(request.method, Method::GET | Method::HEAD);
    // Whoever writes has to read before.
    for (wanted, is_write) in [("read:package", false), ("write:package", true)] {
        if is_write && !writes {
            break;
        }
        let allowed = scopes.as_ref().is_none_or(|scopes| allows(state, scopes, wanted));
        let permitted = match &user {
            Some(user) if user.admin => true,
            Some(user) if !user.active || user.prohibited => false,
            Some(user) if user.id == owner.id => true,
            Some(user) if owner.member(user).is_some_and(|member| member.writes) => true,
            user => owner.is_seen_by(user.as_ref()) && !is_write,
        };
        let public_only = scopes.as_deref().is_some_and(is_public_only);
        if allowed && public_only && state.profile.hides_from_public_only(owner.visibility) {
            return refused(Answer::text(403, "reqToken"));
        }
        if !allowed || !permitted {
            let answer = Answer::text(401, "reqPackageAccess");
            return refused(answer.with("www-authenticate", r#"Basic realm="Gitea Package API""#));
        }
    }
    let actions = if request.method == Method::DELETE {
        vec!["delete"]
    } else if writes {
        vec!["pull", "push"]
    } else {
        vec!["pull"]
    };
    Reply::Forward {
        repository: repository.to_owned(),
        actions,
    }
}

fn allows(state: &State, scopes: &str, wanted: &str) -> bool {
    let pat = Pat {
        id: 0,
        owner: 0,
        name: String::new(),
        value: String::new(),
        scopes: scopes.to_owned(),
        created: Timestamp::UNIX_EPOCH,
        used: Timestamp::UNIX_EPOCH,
    };
    pat.has(state.profile, wanted)
}

/// The `owner/image` of a path below `/v2`.
fn repository(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/v2/")?;
    let end = ["/blobs/", "/manifests/", "/tags/"]
        .iter()
        .filter_map(|part| rest.rfind(part))
        .max()?;
    Some(&rest[..end])
}

/// Lower-case letters and digits, with single separators between them.
fn is_name(image: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    image
        .split(['/', '.', '_', '-'])
        .all(|word| !word.is_empty() && word.chars().all(plain))
}

fn signed(state: &State, claims: &Value) -> String {
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let text = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let tag = ring::hmac::sign(&state.secret, text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn claims(state: &State, token: &str) -> Option<Value> {
    let (text, tag) = token.rsplit_once('.')?;
    let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
    ring::hmac::verify(&state.secret, text.as_bytes(), &tag).ok()?;
    let (_, payload) = text.split_once('.')?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}
