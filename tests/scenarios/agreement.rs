//! The Gitea double and a real Gitea of the same version are asked the same, and answer the same: status, the headers that a
//! client reads, and the body. What is tested on the double can so be trusted.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::support::gitea::{Gitea, Profile, Reply, Settings, Visibility, ask, basic, missing, version};
use crate::support::part::trial_with;

pub fn trials() -> Vec<Trial> {
    let scenarios: [(&str, fn()); 4] = [
        ("registry", registry),
        ("accounts", accounts),
        ("tokens", tokens),
        ("sign_in_required", sign_in_required),
    ];
    scenarios
        .into_iter()
        .map(|(name, test)| trial_with(&format!("agreement/{name}"), missing(), test))
        .collect()
}

/// A token that nobody issued.
const DEAD: &str = "0123456789abcdef0123456789abcdef01234567";
/// The headers that a client looks at.
const HEADERS: [&str; 7] = [
    "content-type",
    "docker-distribution-api-version",
    "www-authenticate",
    "x-total-count",
    "link",
    "location",
    "allow",
];

/// One Gitea, with the accounts and tokens of these scenarios.
struct Site {
    gitea: Gitea,
    /// What each is called, and the `Authorization` that it makes.
    callers: Vec<(&'static str, String)>,
}

/// The double's profile of the version that the real one is of.
fn profile() -> Profile {
    let version = version().unwrap();
    let minor = version.split('.').nth(1).unwrap();
    match minor {
        "23" => Profile::V1_23,
        "24" => Profile::V1_24,
        "25" => Profile::V1_25,
        "26" => Profile::V1_26,
        _ => panic!("the double has no profile of {version}"),
    }
}

impl Site {
    fn new(gitea: Gitea) -> Self {
        for login in ["admin", "other", "limited", "private"] {
            gitea.add_user(login);
        }
        gitea.set_visibility("limited", Visibility::Limited);
        gitea.set_visibility("private", Visibility::Private);
        let mut callers = vec![
            ("password", basic("admin", "password of admin")),
            ("wrong password", basic("admin", "wrong")),
            ("nobody's password", basic("nobody", "wrong")),
            ("dead token", basic("admin", DEAD)),
            ("dead token in the header", format!("token {DEAD}")),
            ("dead bearer", format!("Bearer {DEAD}")),
        ];
        for (name, header, scopes) in [
            ("read", "read in the header", "read:package"),
            ("write", "write in the header", "write:package"),
            ("issue", "issue in the header", "write:issue"),
            ("user", "user in the header", "write:user"),
            ("all", "all in the header", "all"),
        ] {
            let token = gitea.add_token("admin", scopes);
            // The name beside a token does not matter.
            callers.push((name, basic("anybody", &token)));
            callers.push((header, format!("token {token}")));
        }
        Self { gitea, callers }
    }

    fn ask(&self, caller: Option<&str>, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let who = caller.map(|caller| {
            let (_, value) = self.callers.iter().find(|(name, _)| *name == caller).unwrap();
            value.as_str()
        });
        ask(&self.gitea.registry(), (method, path), who, &[], body)
    }

    /// Status, headers and body, without what differs from one server to the next.
    fn said(&self, reply: &Reply) -> (u16, Vec<String>, Value) {
        let plain = |text: &str| text.replace(&self.gitea.registry(), "[REGISTRY]");
        let mut headers: Vec<String> = Vec::new();
        for name in HEADERS {
            for value in reply.headers.get_all(name) {
                headers.push(format!("{name}: {}", plain(value.to_str().unwrap())));
            }
        }
        let is_json = headers
            .iter()
            .any(|header| header.starts_with("content-type: application/json"));
        let of_registry = reply.body.starts_with("{\"errors\":[");
        let body = if is_json && !of_registry {
            let mut body: Value = serde_json::from_str(&plain(&reply.body)).unwrap();
            normalize(&mut body);
            body
        } else if reply.body.contains("<html") {
            // A page for people.
            json!("<html>")
        } else {
            json!(plain(&reply.body))
        };
        (reply.status, headers, body)
    }
}

/// Takes out what no two servers have in common: numbers, times, and the tokens themselves.
fn normalize(value: &mut Value) {
    match value {
        Value::Array(list) => {
            list.iter_mut().for_each(normalize);
            // Tokens of one second come in any order.
            list.sort_by_key(|item| item["name"].as_str().unwrap_or_default().to_owned());
        }
        Value::Object(map) => {
            if let Some(token) = map.get("token").and_then(Value::as_str) {
                let claims = token.split('.').nth(1).unwrap();
                let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
                let lasts = claims["exp"].as_i64().unwrap() - claims["nbf"].as_i64().unwrap();
                map.insert("token".to_owned(), claims);
                map.insert("lasts".to_owned(), lasts.into());
            }
            for (key, value) in map {
                let empty = *value == "" || *value == "0001-01-01T00:00:00Z";
                match key.as_str() {
                    "id" => *value = json!("[ID]"),
                    "UserID" if value.as_i64() > Some(0) => *value = json!("[ID]"),
                    "exp" | "nbf" | "created_at" | "last_used_at" | "sha1" | "token_last_eight" if !empty => {
                        *value = json!("[SET]");
                    }
                    _ => normalize(value),
                }
            }
        }
        _ => {}
    }
}

/// Of an account, the double knows what the program reads.
fn within(double: &Value, real: &Value) -> bool {
    match (double, real) {
        (Value::Array(double), Value::Array(real)) => {
            double.len() == real.len() && double.iter().zip(real).all(|(double, real)| within(double, real))
        }
        (Value::Object(double), Value::Object(real)) => {
            (double.contains_key("login") || double.len() == real.len())
                && double
                    .iter()
                    .all(|(key, value)| real.get(key).is_some_and(|real| within(value, real)))
        }
        _ => double == real,
    }
}

/// Asks both, and collects what they do not agree on.
struct Pair {
    double: Site,
    real: Site,
    asked: usize,
    differences: Vec<String>,
}

impl Pair {
    fn start(settings: Settings) -> Self {
        let double = Gitea::start(profile());
        double.state().require_signin = settings.require_signin;
        Self {
            double: Site::new(double),
            real: Site::new(Gitea::start_real(settings)),
            asked: 0,
            differences: Vec::new(),
        }
    }

    fn ask(&mut self, caller: Option<&str>, method: &str, path: &str, body: Option<&Value>) {
        let double = self.double.said(&self.double.ask(caller, method, path, body));
        let real = self.real.said(&self.real.ask(caller, method, path, body));
        self.asked += 1;
        if (double.0, &double.1) != (real.0, &real.1) || !within(&double.2, &real.2) {
            let who = caller.unwrap_or("nobody");
            self.differences.push(format!(
                "{method} {path} by {who}\n  double: {double:?}\n  real:   {real:?}"
            ));
        }
    }

    /// The same request by every caller, and by nobody.
    fn ask_all(&mut self, method: &str, path: &str, body: Option<&Value>) {
        self.ask(None, method, path, body);
        let callers: Vec<&str> = self.double.callers.iter().map(|(name, _)| *name).collect();
        for caller in callers {
            self.ask(Some(caller), method, path, body);
        }
    }

    fn agree(self) {
        assert!(
            self.differences.is_empty(),
            "{} of {} answers differ:\n{}",
            self.differences.len(),
            self.asked,
            self.differences.join("\n")
        );
    }
}

const OWNERS: [&str; 5] = ["admin", "other", "limited", "private", "unknown"];

fn registry() {
    let mut pair = Pair::start(Settings::default());
    for path in [
        "/v2/",
        "/v2/token",
        "/v2/token?service=container_registry&scope=repository:admin/app:pull",
    ] {
        pair.ask_all("GET", path, None);
    }
    pair.ask(Some("write"), "POST", "/v2/token", None);
    pair.ask(None, "POST", "/v2/token", None);
    for owner in OWNERS {
        for caller in [None, Some("read"), Some("issue"), Some("dead token")] {
            pair.ask(caller, "GET", &format!("/v2/{owner}/app/manifests/latest"), None);
            pair.ask(caller, "GET", &format!("/v2/{owner}/app/tags/list"), None);
            pair.ask(caller, "POST", &format!("/v2/{owner}/app/blobs/uploads/?mount=x"), None);
        }
    }
    pair.ask(Some("write"), "GET", "/v2/admin/App/manifests/latest", None);
    pair.ask(Some("write"), "GET", "/v2/admin/a__b/manifests/latest", None);
    pair.ask(Some("write"), "DELETE", "/v2/admin/app/manifests/latest", None);
    pair.agree();
}

fn accounts() {
    let mut pair = Pair::start(Settings::default());
    for path in [
        "/api/v1/version",
        "/api/v1/user",
        "/api/v1/token",
        "/api/v1/users/other",
        "/api/v1/users/unknown",
    ] {
        pair.ask_all("GET", path, None);
    }
    for owner in OWNERS {
        for caller in [None, Some("read"), Some("user"), Some("password")] {
            pair.ask(caller, "GET", &format!("/api/v1/users/{owner}"), None);
        }
    }
    pair.ask_all("DELETE", "/api/v1/token", None);
    pair.agree();
}

fn tokens() {
    let mut pair = Pair::start(Settings::default());
    let path = "/api/v1/users/admin/tokens";
    pair.ask_all("GET", path, None);
    pair.ask_all("GET", "/api/v1/users/other/tokens", None);
    pair.ask_all("GET", "/api/v1/users/unknown/tokens", None);
    let body = |name: &str, scopes: &[&str]| json!({"name": name, "scopes": scopes});
    for (number, caller) in [
        "password",
        "user",
        "all",
        "read",
        "wrong password",
        "dead token",
        "user in the header",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("made {number}");
        pair.ask(Some(caller), "POST", path, Some(&body(&name, &["read:package"])));
    }
    pair.ask(None, "POST", path, Some(&body("made by nobody", &["read:package"])));
    for (name, scopes) in [
        ("made 0", &["read:package"][..]),
        ("", &["read:package"]),
        ("unknown scope", &["read:everything"]),
        ("no scope", &[]),
        ("order", &["read:user", "write:package", "read:package", "public-only"]),
        ("123", &["read:package"]),
        ("twice", &["read:package"]),
    ] {
        pair.ask(Some("password"), "POST", path, Some(&body(name, scopes)));
    }
    for caller in ["read", "user in the header", "wrong password", "user"] {
        pair.ask(Some(caller), "DELETE", &format!("{path}/twice"), None);
    }
    for which in ["twice", "123456789", "made%200", "gone"] {
        pair.ask(Some("password"), "DELETE", &format!("{path}/{which}"), None);
    }
    pair.ask(Some("password"), "GET", &format!("{path}?page=1&limit=50"), None);
    pair.ask(Some("password"), "GET", &format!("{path}?page=9&limit=50"), None);
    pair.agree();
}

fn sign_in_required() {
    let mut pair = Pair::start(Settings { require_signin: true });
    for path in [
        "/v2/",
        "/v2/token",
        "/api/v1/version",
        "/api/v1/users/other",
        "/v2/other/app/manifests/latest",
    ] {
        pair.ask_all("GET", path, None);
    }
    pair.agree();
}
