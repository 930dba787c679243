//! What every generation answers, word by word: at the API to whoever may not, and at `/v2` to whoever asks.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Who, call};
use crate::support::gitea::{Gitea, Profile, State};

const TOKENS: &str = "/users/admin/tokens";
const RIGHT: Who<'_> = Who::Basic("admin:password of admin");
const DEAD: &str = "0123456789abcdef0123456789abcdef01234567";
const GENERIC: &str = "invalid username, password or token";

type Change = fn(&mut State);
type Said = (u16, String);

/// The Gitea whose rules about accounts a generation follows: Forgejo left it at 1.21.
fn minor(profile: Profile) -> u32 {
    match profile {
        Profile::V1_17 => 17,
        Profile::V1_19 => 19,
        Profile::V1_20 => 20,
        Profile::V1_21 | Profile::Forgejo7 | Profile::Forgejo11 | Profile::Forgejo15 => 21,
        Profile::V1_22 => 22,
        Profile::V1_23 => 23,
        Profile::V1_24 => 24,
        Profile::V1_25 => 25,
        Profile::V1_26 => 26,
        Profile::V1_27 => 27,
    }
}

/// Status and message of one request to a fresh Gitea.
fn message(profile: Profile, change: Change, who: Who<'_>, method: &str, path: &str) -> Said {
    let gitea = Gitea::start(profile);
    gitea.add_user("admin");
    change(&mut gitea.state());
    let body = json!({"name": "x", "scopes": ["read:package"]});
    let body = (method == "POST").then_some(&body);
    let (status, _, reply) = call(&gitea, method, path, who, body);
    if let Some(url) = reply["url"].as_str() {
        assert!(url.ends_with("/api/swagger"), "{url}");
    }
    (status, reply["message"].as_str().unwrap_or_default().to_owned())
}

fn is(profile: Profile, said: &Said, status: u16, text: &str) {
    assert_eq!((said.0, said.1.as_str()), (status, text), "{profile:?}");
}

/// What the tokens' routes say to nobody.
fn stranger(profile: Profile) -> (u16, &'static str) {
    if minor(profile) <= 20 {
        (401, "auth required")
    } else {
        (403, "doer should be the site admin or be same as the contextUser")
    }
}

scenario!(who_is_not_signed_in_by_generation);
fn who_is_not_signed_in_by_generation() {
    for profile in Profile::ALL {
        let (status, text) = stranger(profile);
        is(
            profile,
            &message(profile, |_| {}, Who::Nobody, "POST", TOKENS),
            status,
            text,
        );
        is(
            profile,
            &message(profile, |state| state.enable_basic = false, RIGHT, "POST", TOKENS),
            status,
            text,
        );
        is(
            profile,
            &message(profile, |_| {}, Who::Nobody, "GET", "/user"),
            401,
            "token is required",
        );
        let closed = message(
            profile,
            |state| state.require_signin = true,
            Who::Nobody,
            "GET",
            "/version",
        );
        is(profile, &closed, 403, "Only signed in user is allowed to call APIs.");
        let text = match minor(profile) {
            ..20 => "token is required",
            20..25 => "user does not exist [uid: 0, name: ]",
            _ => GENERIC,
        };
        is(
            profile,
            &message(profile, |_| {}, Who::Token(DEAD), "GET", "/user"),
            401,
            text,
        );
    }
}

scenario!(paths_that_are_not_there_by_generation);
/// Up to 1.25 the credential comes first, since 1.26 the path.
fn paths_that_are_not_there_by_generation() {
    const WRONG: Who<'_> = Who::Basic("admin:wrong");
    let closed: [(Change, &str); 3] = [
        (
            |state| state.users[0].active = false,
            "This account is prohibited from signing in, please contact your site administrator.",
        ),
        (
            |state| {
                state.users[0].active = false;
                state.confirms_email = true;
            },
            "This account is not activated.",
        ),
        (
            |state| state.users[0].must_change_password = true,
            "You must change your password.",
        ),
    ];
    for profile in Profile::ALL.into_iter().filter(|profile| *profile != Profile::V1_27) {
        for method in ["GET", "DELETE"] {
            let asked = |change, who| message(profile, change, who, method, "/token");
            let is_404 = |said: Said| is(profile, &said, 404, "");
            is_404(asked(|_| {}, RIGHT));
            is_404(asked(|_| {}, Who::Nobody));
            let (dead, wrong) = (asked(|_| {}, Who::Token(DEAD)), asked(|_| {}, WRONG));
            match minor(profile) {
                17 | 26 => is_404(wrong),
                25 => is(profile, &wrong, 401, GENERIC),
                _ => is(profile, &wrong, 401, "user's password is invalid [uid: 2, name: admin]"),
            }
            match minor(profile) {
                17 | 19 | 26 => is_404(dead),
                25 => is(profile, &dead, 401, GENERIC),
                _ => is(profile, &dead, 401, "user does not exist [uid: 0, name: ]"),
            }
            for (change, text) in closed {
                let said = asked(change, RIGHT);
                if minor(profile) == 26 {
                    is_404(said);
                } else {
                    assert!(said.0 == 403 && said.1.starts_with(text), "{profile:?}: {said:?}");
                }
            }
            let anybody = asked(|state| state.require_signin = true, Who::Nobody);
            match minor(profile) {
                26 => is_404(anybody),
                _ => is(profile, &anybody, 403, "Only signed in user is allowed to call APIs."),
            }
        }
    }
}

scenario!(passwords_that_are_refused_by_generation);
fn passwords_that_are_refused_by_generation() {
    let refused: [(Change, Who<'_>, &str); 5] = [
        (
            |_| {},
            Who::Basic("admin:wrong"),
            "user's password is invalid [uid: 2, name: admin]",
        ),
        (
            |_| {},
            Who::Basic("nobody:wrong"),
            "user does not exist [uid: 0, name: nobody]",
        ),
        (
            |state| state.users[0].code = Some("123456".to_owned()),
            RIGHT,
            "invalid provided OTP",
        ),
        (
            |state| state.users[0].elsewhere = true,
            RIGHT,
            "Login source is unknown",
        ),
        (
            |state| state.users[0].prohibited = true,
            RIGHT,
            "user is not allowed login [uid: 2, name: admin]",
        ),
    ];
    for profile in Profile::ALL {
        for (change, who, text) in &refused {
            let said = message(profile, *change, *who, "POST", TOKENS);
            match minor(profile) {
                // It takes whoever shows a wrong password for nobody.
                17 => is(profile, &said, stranger(profile).0, stranger(profile).1),
                // Up to 1.20.5 a missing code is plain text.
                19 if text.contains("OTP") => is(profile, &said, 401, ""),
                25.. => is(profile, &said, 401, GENERIC),
                _ => is(profile, &said, 401, text),
            }
        }
        let key = message(
            profile,
            |state| state.users[0].security_key = true,
            RIGHT,
            "POST",
            TOKENS,
        );
        match minor(profile) {
            ..22 => assert_eq!(key.0, 201, "{profile:?}"),
            22..=23 => is(
                profile,
                &key,
                401,
                "Basic authorization is not allowed while webAuthn enrolled",
            ),
            _ => is(
                profile,
                &key,
                401,
                "basic authorization is not allowed while WebAuthn enrolled",
            ),
        }
    }
}

scenario!(accounts_and_scopes_that_are_refused_by_generation);
fn accounts_and_scopes_that_are_refused_by_generation() {
    for profile in Profile::ALL {
        let inactive: Change = |state| {
            state.users[0].active = false;
            state.confirms_email = true;
        };
        let inactive = message(profile, inactive, RIGHT, "POST", TOKENS);
        is(profile, &inactive, 403, "This account is not activated.");
        let closed = message(profile, |state| state.users[0].active = false, RIGHT, "POST", TOKENS);
        let text = "This account is prohibited from signing in, please contact your site administrator.";
        is(profile, &closed, 403, text);
        let stale: Change = |state| state.users[0].must_change_password = true;
        let (status, text) = message(profile, stale, RIGHT, "POST", TOKENS);
        assert!(
            status == 403 && text.starts_with("You must change your password. Change it at: http"),
            "{text}"
        );

        let gitea = Gitea::start(profile);
        gitea.add_user("admin");
        let token = gitea.add_token("admin", "read:package");
        let (status, _, reply) = call(&gitea, "GET", "/user", Who::Token(&token), None);
        let lacks = match minor(profile) {
            17 => Value::Null,
            19 => json!("token does not have required scope: read:user"),
            20..23 => json!("token does not have at least one of required scope(s): [read:user]"),
            _ => json!(
                "token does not have at least one of required scope(s), required=[read:user], token scope=read:package"
            ),
        };
        let expected = if profile == Profile::V1_17 { 200 } else { 403 };
        assert_eq!((status, &reply["message"]), (expected, &lacks), "{profile:?}");
    }
}

/// A Gitea below a path, with one account and a token of each kind.
struct Site {
    gitea: Gitea,
    package: String,
    other: String,
}

impl Site {
    fn of(profile: Profile) -> Self {
        let gitea = Gitea::start(profile);
        gitea.state().root_url = format!("http://{}/code/", gitea.registry());
        gitea.add_user("admin");
        let package = gitea.add_token("admin", "read:package");
        let other = gitea.add_token("admin", "write:issue");
        Self { gitea, package, other }
    }

    fn ask(&self, method: &str, path: &str, authorization: Option<String>) -> (u16, http::HeaderMap, String) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .into();
        let mut request = http::Request::builder().method(method);
        request = request.uri(format!("http://{}{path}", self.gitea.registry()));
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let (head, mut body) = agent.run(request.body(()).unwrap()).unwrap().into_parts();
        (head.status.as_u16(), head.headers, body.read_to_string().unwrap())
    }

    /// `GET`, with any user name beside the token.
    fn get(&self, path: &str, token: Option<&str>) -> (u16, http::HeaderMap, String) {
        let pair = token.map(|token| format!("Basic {}", STANDARD.encode(format!("anybody:{token}"))));
        self.ask("GET", path, pair)
    }
}

fn is_since_1_26(profile: Profile) -> bool {
    minor(profile) >= 26
}

/// The claims of an exchanged token, the only thing in its answer.
fn claims(body: &str) -> Value {
    let reply: Value = serde_json::from_str(body).unwrap();
    assert_eq!(reply.as_object().unwrap().len(), 1, "a token, and no lifetime");
    let payload = reply["token"].as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

scenario!(the_registrys_challenge_by_generation);
fn the_registrys_challenge_by_generation() {
    for profile in Profile::ALL {
        let site = Site::of(profile);
        let (status, headers, body) = site.get("/v2/", None);
        assert_eq!(
            (status, headers["docker-distribution-api-version"].as_bytes()),
            (401, &b"registry/2.0"[..])
        );
        assert_eq!(body, "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"\"}]}\n");
        // Since 1.22.1 the realm is on the host alone.
        let below = if minor(profile) < 22 { "/code" } else { "" };
        let challenge = format!(
            "Bearer realm=\"http://{}{below}/v2/token\",service=\"container_registry\",scope=\"*\"",
            site.gitea.registry()
        );
        let offered: Vec<_> = headers.get_all("www-authenticate").iter().collect();
        assert_eq!(offered, [challenge.as_str()], "{profile:?}");
        site.gitea.state().require_signin = true;
        let lines = site.get("/v2/", None).1.get_all("www-authenticate").iter().count();
        assert_eq!(lines, if is_since_1_26(profile) { 2 } else { 1 }, "{profile:?}");
    }
}

scenario!(the_registrys_exchange_by_generation);
fn the_registrys_exchange_by_generation() {
    for profile in Profile::ALL {
        let site = Site::of(profile);
        let (status, _, body) = site.get("/v2/token", None);
        assert_eq!(
            (status, &claims(&body)["UserID"]),
            (200, &json!(-1)),
            "{profile:?}: the ghost"
        );
        let (status, _, body) = site.get("/v2/token", Some(&site.package));
        let known = claims(&body);
        assert_eq!(
            (status, known["UserID"].as_i64().unwrap() > 0),
            (200, true),
            "{profile:?}"
        );
        let carries = minor(profile) >= 22 || matches!(profile, Profile::Forgejo11 | Profile::Forgejo15);
        let scope = carries.then(|| json!("read:package"));
        assert_eq!(known.get("Scope"), scope.as_ref(), "{profile:?}");
        assert_eq!(
            known.get("ActionsUserTaskID").is_some(),
            is_since_1_26(profile),
            "{profile:?}"
        );
        let (status, _, body) = site.ask("POST", "/v2/token", None);
        assert_eq!((status, body.as_str()), (404, ""), "{profile:?}");
        site.gitea.state().require_signin = true;
        let signed_in_only = if minor(profile) >= 21 { 401 } else { 200 };
        assert_eq!(site.get("/v2/token", None).0, signed_in_only, "{profile:?}");
    }
}

scenario!(the_registrys_refusals_by_generation);
fn the_registrys_refusals_by_generation() {
    for profile in Profile::ALL {
        let site = Site::of(profile);
        let (status, headers, body) = site.get("/v2/token", Some(DEAD));
        match minor(profile) {
            17 => assert_eq!((status, &claims(&body)["UserID"]), (200, &json!(-1)), "the ghost"),
            26.. => assert_eq!(
                (status, headers.get("www-authenticate").is_some()),
                (401, true),
                "{profile:?}"
            ),
            minor => {
                let text = if minor == 25 {
                    "Failed to authenticate user\n"
                } else {
                    "authGroup.Verify\n"
                };
                assert_eq!(
                    (status, body.as_str(), headers.get("www-authenticate")),
                    (401, text, None),
                    "{profile:?}"
                );
                assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
                assert_eq!(headers["x-content-type-options"], "nosniff");
            }
        }
        // A token without a scope for packages.
        let (status, headers, _) = site.get("/v2/token", Some(&site.other));
        let refuses = minor(profile) >= 22;
        assert_eq!(
            (status == 401, headers.contains_key("www-authenticate")),
            (refuses, refuses),
            "{profile:?}"
        );
        // From 1.23 to 1.25 Basic is not looked at for /v2/ itself.
        let root = site.get("/v2/", Some(&site.package)).0;
        assert_eq!(
            root,
            if (23..=25).contains(&minor(profile)) { 401 } else { 200 },
            "{profile:?}"
        );
        // A Personal Access Token is not one of the registry's own.
        let bearer = site.ask("GET", "/v2/", Some(format!("Bearer {}", site.package)));
        assert_eq!(bearer.0, 401, "{profile:?}");
    }
}
