//! Accounts that are not let in, or not by a password alone.

use serde_json::json;

use super::pair::Pair;
use crate::support::gitea::{Closed, Settings, basic};
use crate::support::parts::GITEA;

const OWN_TOKENS: &str = "/api/v1/users/careful/tokens";

scenario!(closed, needs(GITEA));
fn closed() {
    let mut pair = Pair::start(Settings::default());
    let accounts = [
        ("prohibited", "token of prohibited", "its bearer", Closed::Prohibited),
        ("inactive", "token of inactive", "its bearer", Closed::Inactive),
        ("stale", "token of stale", "its bearer", Closed::MustChangePassword),
    ];
    for site in pair.both() {
        for (login, by_token, _, _) in accounts {
            site.gitea.add_user(login);
            let token = site.gitea.add_token(login, "write:package,write:user");
            site.add_caller(login, basic(login, &format!("password of {login}")));
            site.add_caller(by_token, basic("anybody", &token));
        }
        // What was exchanged before lives on.
        site.exchange(Some("token of prohibited"), "exchanged by prohibited");
        site.exchange(Some("token of inactive"), "exchanged by inactive");
        for (login, _, _, how) in accounts {
            site.gitea.close(login, how);
        }
    }
    for (login, by_token, _, _) in accounts {
        for caller in [login, by_token] {
            for path in [
                "/v2/",
                "/v2/token",
                "/v2/other/app/manifests/latest",
                "/api/v1/version",
                "/api/v1/token",
                "/api/v1/user",
            ] {
                pair.ask(Some(caller), "GET", path, None);
            }
            pair.ask(Some(caller), "DELETE", "/api/v1/token", None);
            let body = json!({"name": format!("made by {caller}"), "scopes": ["read:package"]});
            let tokens = format!("/api/v1/users/{login}/tokens");
            pair.ask(Some(caller), "POST", &tokens, Some(&body));
            pair.ask(Some(caller), "GET", &tokens, None);
        }
        pair.ask(None, "GET", &format!("/api/v1/users/{login}"), None);
        pair.ask(Some("user"), "GET", &format!("/api/v1/users/{login}"), None);
        pair.ask(Some("read"), "GET", &format!("/v2/{login}/app/manifests/latest"), None);
    }
    for caller in ["exchanged by prohibited", "exchanged by inactive"] {
        pair.ask(Some(caller), "GET", "/v2/", None);
        pair.ask(Some(caller), "GET", "/v2/other/app/manifests/latest", None);
    }
    pair.agree();
}

scenario!(second_factor, needs(GITEA));
/// A program has only the account's password and its code of the moment.
fn second_factor() {
    let mut pair = Pair::start(Settings::default());
    for site in pair.both() {
        site.gitea.add_user("careful");
        let token = site.gitea.add_token("careful", "write:package");
        site.add_caller("careful", basic("careful", "password of careful"));
        site.add_caller("careful, wrong", basic("careful", "wrong"));
        site.add_caller("its token", basic("careful", &token));
        site.gitea.enrol("careful");
    }
    let body = |name: &str| json!({"name": name, "scopes": ["read:package"]});
    // A token needs no code.
    for path in ["/v2/", "/v2/token", "/api/v1/user"] {
        pair.ask(Some("its token"), "GET", path, None);
        pair.ask(Some("careful"), "GET", path, None);
    }
    for caller in ["careful", "careful, wrong"] {
        pair.ask(Some(caller), "POST", OWN_TOKENS, Some(&body("without a code")));
        let wrong = |site: &super::pair::Site| vec![("x-gitea-otp", site.gitea.wrong_code("careful"))];
        pair.ask_with(
            Some(caller),
            ("POST", OWN_TOKENS),
            wrong,
            Some(&body("with a wrong code")),
        );
    }
    let right = |site: &super::pair::Site| vec![("x-gitea-otp", site.gitea.code("careful"))];
    pair.ask_with(
        Some("careful, wrong"),
        ("POST", OWN_TOKENS),
        right,
        Some(&body("wrong password")),
    );
    pair.ask_with(Some("careful"), ("POST", OWN_TOKENS), right, Some(&body("with a code")));
    // The registry knows no code, even where one comes along.
    pair.ask_with(Some("careful"), ("GET", "/v2/token"), right, None);
    // Whether one code is good for a second request.
    let [double, real] = pair.both().map(|site| site.gitea.code("careful"));
    for _ in 0..2 {
        let same = |site: &super::pair::Site| {
            let code = if site.gitea.real().is_some() { &real } else { &double };
            vec![("x-gitea-otp", code.clone())]
        };
        pair.ask_with(Some("careful"), ("GET", OWN_TOKENS), same, None);
    }
    pair.agree();
}

scenario!(passwords_off, needs(GITEA));
/// `ENABLE_BASIC_AUTHENTICATION = false`
fn passwords_off() {
    let mut pair = Pair::start(Settings {
        without_passwords: true,
        ..Settings::default()
    });
    for path in [
        "/v2/",
        "/v2/token",
        "/api/v1/version",
        "/api/v1/token",
        "/api/v1/user",
        "/api/v1/users/admin/tokens",
    ] {
        pair.ask_all("GET", path, None);
    }
    let body = json!({"name": "made", "scopes": ["read:package"]});
    for caller in [
        Some("password"),
        Some("wrong password"),
        Some("read"),
        Some("user"),
        None,
    ] {
        pair.ask(caller, "POST", "/api/v1/users/admin/tokens", Some(&body));
    }
    pair.agree();
}
