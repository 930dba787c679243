//! Asking a Gitea, real or double, and all that it answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::Value;

/// What was answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Reply {
    /// The body where it is JSON, else null.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// `Basic`, with this user and password or token.
#[must_use]
pub fn basic(user: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{secret}")))
}

/// One request to `registry`, with this `Authorization`, more headers, and a body of JSON.
#[must_use]
pub fn ask(
    registry: &str,
    request: (&str, &str),
    authorization: Option<&str>,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Reply {
    let kind = body.map(|_| ("content-type", "application/json"));
    let who = authorization.map(|value| ("authorization", value));
    let headers: Vec<(&str, String)> = headers
        .iter()
        .copied()
        .chain(kind)
        .chain(who)
        .map(|(name, value)| (name, value.to_owned()))
        .collect();
    let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
    send(registry, request, &headers, &body)
}

/// One request to `registry`, with a body of any kind.
#[must_use]
pub fn send(registry: &str, (method, path): (&str, &str), headers: &[(&str, String)], body: &[u8]) -> Reply {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .allow_non_standard_methods(true)
        .build()
        .into();
    let mut request = http::Request::builder()
        .method(method)
        .uri(format!("http://{registry}{path}"));
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let (head, mut body) = agent.run(request.body(body.to_vec()).unwrap()).unwrap().into_parts();
    Reply {
        status: head.status.as_u16(),
        headers: head.headers,
        body: body.read_to_string().unwrap(),
    }
}
