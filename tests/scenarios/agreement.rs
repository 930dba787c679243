//! The Gitea double and a real Gitea of the same version are asked the same, and answer the same: status, the headers that a
//! client reads, and the body. What is tested on the double can so be trusted.

mod accounts;
mod images;
mod packages;
mod pair;

use serde_json::json;

use crate::support::gitea::Settings;
use crate::support::parts::{GITEA, NGINX};
use pair::Pair;

const OWNERS: [&str; 5] = ["admin", "other", "limited", "private", "unknown"];

scenario!(registry, needs(GITEA));
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

scenario!(secrets_of_actions, needs(GITEA));
fn secrets_of_actions() {
    let mut pair = Pair::start(Settings::default());
    let data = json!({"data": "text"});
    for place in ["user", "repos/admin/unknown", "orgs/unknown"] {
        let secrets = format!("/api/v1/{place}/actions/secrets");
        for caller in [
            None,
            Some("read"),
            Some("user"),
            Some("all"),
            Some("password"),
            Some("wrong password"),
        ] {
            pair.ask(caller, "GET", &secrets, None);
            for name in ["T", "t", "GITEA_T", "1T", "a-b"] {
                pair.ask(caller, "PUT", &format!("{secrets}/{name}"), Some(&data));
            }
            pair.ask(caller, "PUT", &format!("{secrets}/T"), Some(&json!({"data": ""})));
            pair.ask(caller, "DELETE", &format!("{secrets}/UNKNOWN"), None);
        }
    }
    pair.ask(Some("password"), "DELETE", "/api/v1/user/actions/secrets/T", None);
    pair.agree();
}

scenario!(accounts, needs(GITEA));
fn accounts() {
    let mut pair = Pair::start(Settings::default());
    for path in [
        "/api/v1/version",
        "/api/v1/user",
        "/api/v1/token",
        "/api/v1/users/other",
        "/api/v1/users/unknown",
        "/api/v1/users/search?uid=1000000",
    ] {
        pair.ask_all("GET", path, None);
    }
    for owner in OWNERS {
        for caller in [None, Some("read"), Some("user"), Some("public"), Some("password")] {
            pair.ask(caller, "GET", &format!("/api/v1/users/{owner}"), None);
        }
    }
    pair.ask_all("DELETE", "/api/v1/token", None);
    pair.agree();
}

scenario!(tokens, needs(GITEA));
fn tokens() {
    let mut pair = Pair::start(Settings::default());
    let path = "/api/v1/users/admin/tokens";
    pair.ask_all("GET", path, None);
    pair.ask_all("GET", "/api/v1/users/other/tokens", None);
    for owner in ["limited", "private", "unknown"] {
        pair.ask_all("GET", &format!("/api/v1/users/{owner}/tokens"), None);
    }
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

scenario!(packages, needs(GITEA));
/// Where no image is: who is let in, and what the others are told.
fn packages() {
    let mut pair = Pair::start(Settings::default());
    pair.ask_all("GET", "/api/v1/packages/admin?type=container", None);
    for owner in OWNERS {
        for caller in [
            None,
            Some("password"),
            Some("read"),
            Some("read in the header"),
            Some("issue"),
            Some("public"),
            Some("other"),
        ] {
            pair.ask(caller, "GET", &format!("/api/v1/packages/{owner}?type=container"), None);
            let version = format!("/api/v1/packages/{owner}/container/app/latest");
            pair.ask(caller, "GET", &version, None);
            pair.ask(caller, "DELETE", &version, None);
        }
    }
    pair.agree();
}

scenario!(sign_in_required, needs(GITEA));
fn sign_in_required() {
    let mut pair = Pair::start(Settings {
        require_signin: true,
        ..Settings::default()
    });
    for path in [
        "/v2/",
        "/v2/token",
        "/api/v1/version",
        "/api/v1/token",
        "/api/v1/user",
        "/api/v1/users/other",
        "/v2/other/app/manifests/latest",
    ] {
        pair.ask_all("GET", path, None);
    }
    pair.agree();
}

scenario!(below_a_path, needs(GITEA, NGINX));
/// The real one behind nginx.
fn below_a_path() {
    let mut pair = Pair::start(Settings {
        below: "/code",
        ..Settings::default()
    });
    for path in ["/v2/", "/v2/token", "/code/v2/token", "/code/api/v1/version"] {
        pair.ask_all("GET", path, None);
    }
    for caller in [None, Some("read in the header"), Some("password")] {
        for path in ["/code/api/v1/token", "/code/api/v1/user", "/code/api/v1/users/unknown"] {
            pair.ask(caller, "GET", path, None);
        }
        pair.ask(caller, "GET", "/v2/admin/app/manifests/latest", None);
    }
    let body = json!({"name": "a/b", "scopes": ["read:package"]});
    pair.ask(Some("password"), "POST", "/code/api/v1/users/admin/tokens", Some(&body));
    // What is escaped stays so on its way.
    pair.ask(
        Some("password"),
        "DELETE",
        "/code/api/v1/users/admin/tokens/a%2Fb",
        None,
    );
    pair.agree();
}
