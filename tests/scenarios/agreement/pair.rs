//! Two Giteas with the same accounts and tokens, and what they answer.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::gitea::{Gitea, Reply, Settings, Visibility, ask, basic, send};

/// A token that nobody issued.
pub const DEAD: &str = "0123456789abcdef0123456789abcdef01234567";
/// How many differences are shown: the others are mostly of the same kind.
const SHOWN: usize = 20;
/// The headers that a client looks at.
const HEADERS: [&str; 8] = [
    "content-type",
    "docker-content-digest",
    "docker-distribution-api-version",
    "www-authenticate",
    "x-total-count",
    "link",
    "location",
    "allow",
];

/// One Gitea, with the accounts and tokens of these scenarios.
pub struct Site {
    pub gitea: Gitea,
    /// What each is called, and the `Authorization` that it makes.
    callers: Vec<(&'static str, String)>,
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
            ("public", "public in the header", "public-only,read:package,read:user"),
            ("all", "all in the header", "all"),
        ] {
            let token = gitea.add_token("admin", scopes);
            // The name beside a token does not matter.
            callers.push((name, basic("anybody", &token)));
            callers.push((header, format!("token {token}")));
        }
        callers.push(("other", basic("other", &gitea.add_token("other", "write:package"))));
        let mut this = Self { gitea, callers };
        for (caller, name) in [
            (None, "exchanged by nobody"),
            (Some("password"), "exchanged by password"),
            (Some("read"), "exchanged by read"),
            (Some("write"), "exchanged by write"),
            (Some("public"), "exchanged by public"),
            (Some("other"), "exchanged by other"),
        ] {
            this.exchange(caller, name);
        }
        this
    }

    /// Another caller: with the token that the registry gives to this one, where it gives one.
    pub fn exchange(&mut self, caller: Option<&str>, name: &'static str) {
        let reply = self.ask(caller, "GET", "/v2/token", None);
        if let Some(token) = reply.json()["token"].as_str() {
            self.callers.push((name, format!("Bearer {token}")));
        }
    }

    pub fn has(&self, caller: &str) -> bool {
        self.callers.iter().any(|(name, _)| *name == caller)
    }

    pub fn add_caller(&mut self, name: &'static str, authorization: String) {
        self.callers.push((name, authorization));
    }

    fn authorization(&self, caller: &str) -> &str {
        let (_, value) = self.callers.iter().find(|(name, _)| *name == caller).unwrap();
        value
    }

    fn ask(&self, caller: Option<&str>, method: &str, path: &str, body: Option<&Value>) -> Reply {
        self.ask_with(caller, (method, path), &[], body)
    }

    fn ask_with(
        &self,
        caller: Option<&str>,
        request: (&str, &str),
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Reply {
        let who = caller.map(|caller| self.authorization(caller));
        ask(&self.gitea.registry(), request, who, headers, body)
    }

    /// The status of a request with a body of any kind, and where it leads.
    pub fn put(&self, caller: &str, request: (&str, &str), kind: &str, body: &[u8]) -> (u16, Option<String>) {
        let headers = [
            ("authorization", self.authorization(caller).to_owned()),
            ("content-type", kind.to_owned()),
        ];
        let reply = send(&self.gitea.registry(), request, &headers, body);
        let location = reply.headers.get("location").map(|to| to.to_str().unwrap().to_owned());
        (reply.status, location)
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
        let body = if is_json && !of_registry && !reply.body.is_empty() {
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
pub struct Pair {
    pub double: Site,
    pub real: Site,
    asked: usize,
    differences: Vec<String>,
}

impl Pair {
    pub fn start(settings: Settings) -> Self {
        let [double, real] = [false, true].map(|is_real| Site::new(Gitea::start_either(is_real, settings)));
        Self {
            double,
            real,
            asked: 0,
            differences: Vec::new(),
        }
    }

    pub fn both(&mut self) -> [&mut Site; 2] {
        [&mut self.double, &mut self.real]
    }

    pub fn ask(&mut self, caller: Option<&str>, method: &str, path: &str, body: Option<&Value>) {
        self.ask_with(caller, (method, path), |_| Vec::new(), body);
    }

    /// The same with more headers, which differ from one to the other.
    pub fn ask_with(
        &mut self,
        caller: Option<&str>,
        (method, path): (&str, &str),
        headers: impl Fn(&Site) -> Vec<(&'static str, String)>,
        body: Option<&Value>,
    ) {
        // Where nobody gets in without signing in, nothing is exchanged.
        if caller
            .is_some_and(|caller| caller.starts_with("exchanged") && !self.double.has(caller) && !self.real.has(caller))
        {
            return;
        }
        let [double, real] = [&self.double, &self.real].map(|site| {
            let headers = headers(site);
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            site.said(&site.ask_with(caller, (method, path), &headers, body))
        });
        self.asked += 1;
        if (double.0, &double.1) != (real.0, &real.1) || !within(&double.2, &real.2) {
            let who = caller.unwrap_or("nobody");
            self.differences.push(format!(
                "{method} {path} by {who}\n  double: {double:?}\n  real:   {real:?}"
            ));
        }
    }

    /// The same request by every caller, and by nobody.
    pub fn ask_all(&mut self, method: &str, path: &str, body: Option<&Value>) {
        self.ask(None, method, path, body);
        let callers: Vec<&str> = self.double.callers.iter().map(|(name, _)| *name).collect();
        for caller in callers {
            self.ask(Some(caller), method, path, body);
        }
    }

    /// What was found by other means than by asking both.
    pub fn compare(&mut self, what: &str, double: &impl std::fmt::Debug, real: &impl std::fmt::Debug) {
        self.asked += 1;
        let (double, real) = (format!("{double:?}"), format!("{real:?}"));
        if double != real {
            self.differences
                .push(format!("{what}\n  double: {double}\n  real:   {real}"));
        }
    }

    pub fn agree(self) {
        assert!(self.asked > 0, "nothing was asked");
        assert!(
            self.differences.is_empty(),
            "{} of {} answers differ:\n{}",
            self.differences.len(),
            self.asked,
            self.differences
                .iter()
                .take(SHOWN)
                .cloned()
                .collect::<Vec<_>>()
                .join("\n")
        );
    }
}
