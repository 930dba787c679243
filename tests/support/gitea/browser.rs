//! Somebody with a browser, at a real Gitea's own pages: what its API has no way to do.

use std::collections::BTreeMap;

use super::ask::{Reply, send};
use super::one_time::{Secret, now};

/// Signed in, with the cookies to show for it.
pub struct Browser {
    server: String,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Opens the page, and fills it in.
    pub fn sign_in(server: &str, login: &str, password: &str) -> Self {
        let mut this = Self {
            server: server.to_owned(),
            cookies: BTreeMap::new(),
        };
        this.fill_in("/user/login", &[("user_name", login), ("password", password)]);
        this
    }

    /// Enrols a second factor, as an authenticator does that reads the page's picture.
    pub fn enrol(&mut self) -> Secret {
        let page = "/user/settings/security/two_factor/enroll";
        let shown = self.open(page);
        let mut texts = shown.body.split("alt=\"").filter_map(|rest| rest.split_once('"'));
        let secret = texts
            .find_map(|(text, _)| Secret::read(text))
            .expect("a page with a secret");
        // The page is not opened again: this would be another secret's.
        let code = secret.code(now());
        self.send_on(page, &shown, &[("passcode", &code)]);
        secret
    }

    /// Makes the own account public.
    pub fn show_to_all(&mut self) {
        let page = "/user/settings";
        let shown = self.open(page);
        self.send(page, &shown, &[("visibility", "0")]);
    }

    fn fill_in(&mut self, page: &str, fields: &[(&str, &str)]) {
        let shown = self.open(page);
        self.send_on(page, &shown, fields);
    }

    fn open(&mut self, page: &str) -> Reply {
        let reply = self.ask("GET", page, "");
        assert_eq!(reply.status, 200, "{page}: {reply:?}");
        reply
    }

    /// It leads on to the next page; to this one again, where something was wrong.
    fn send_on(&mut self, page: &str, shown: &Reply, fields: &[(&str, &str)]) {
        let next = self.send(page, shown, fields);
        assert!(!next.ends_with(page), "{page} is shown again");
    }

    /// What was shown may hold a token against forgery (up to 1.25), which goes back with what was filled in. Where it leads.
    fn send(&mut self, page: &str, shown: &Reply, fields: &[(&str, &str)]) -> String {
        let mut fields = fields.to_vec();
        let token = shown.body.split_once("name=\"_csrf\" value=\"");
        if let Some((token, _)) = token.and_then(|(_, rest)| rest.split_once('"')) {
            fields.push(("_csrf", token));
        }
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", escaped(value)))
            .collect();
        let reply = self.ask("POST", page, &fields.join("&"));
        assert_eq!(reply.status, 303, "{page}: {reply:?}");
        let next = reply.headers.get("location").map_or("", |to| to.to_str().unwrap());
        next.to_owned()
    }

    fn ask(&mut self, method: &str, page: &str, form: &str) -> Reply {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let headers = [
            ("cookie", cookies.join("; ")),
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ];
        let reply = send(&self.server, (method, page), &headers, form.as_bytes());
        for cookie in reply.headers.get_all("set-cookie") {
            let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        reply
    }
}

/// As a form has it.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let escape = |byte: u8| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(escape).collect()
}
