//! The Gitea double refuses what Gitea refuses where tokens are made and deleted: what is tested on it can be trusted.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::support::gitea::{Gitea, Profile};
use crate::support::part::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("double: tokens are made and deleted by Gitea's rules", tokens),
        trial("double: a token describes and deletes itself since 1.27", own_token),
        trial("double: lists of tokens come in pages without a Link", pages),
    ]
}

/// Who asks: nobody, `user:password`, or a token.
#[derive(Clone, Copy)]
enum Who<'a> {
    Nobody,
    Basic(&'a str),
    Token(&'a str),
}

fn call(gitea: &Gitea, method: &str, path: &str, who: Who, body: Option<&Value>) -> (u16, http::HeaderMap, Value) {
    use base64::Engine as _;
    let mut request = http::Request::builder()
        .method(method)
        .uri(format!("http://{}/api/v1{path}", gitea.registry()));
    request = match who {
        Who::Nobody => request,
        Who::Basic(pair) => {
            let pair = base64::engine::general_purpose::STANDARD.encode(pair);
            request.header("authorization", format!("Basic {pair}"))
        }
        Who::Token(token) => request.header("authorization", format!("token {token}")),
    };
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .allow_non_standard_methods(true)
        .build()
        .into();
    let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
    let reply = agent.run(request.body(body).unwrap()).unwrap();
    let (head, mut body) = reply.into_parts();
    let text = body.read_to_string().unwrap();
    (
        head.status.as_u16(),
        head.headers,
        serde_json::from_str(&text).unwrap_or_default(),
    )
}

fn tokens() {
    for profile in Profile::ALL {
        let gitea = Gitea::start(profile);
        gitea.add_user("admin");
        gitea.add_user("other");
        let package = gitea.add_token("admin", "write:package");
        let user = gitea.add_token("admin", "write:user");
        let password = Who::Basic("admin:password of admin");
        let mint = |who: Who<'_>, name: &str, scopes: &[&str]| {
            let body = json!({"name": name, "scopes": scopes});
            let (status, _, reply) = call(&gitea, "POST", "/users/admin/tokens", who, Some(&body));
            (status, reply)
        };
        let (status, made) = mint(password, "ci", &["read:package"]);
        assert_eq!(
            (status, made["scopes"].clone()),
            (201, json!(["read:package"])),
            "{profile:?}"
        );
        assert_eq!(made["sha1"].as_str().unwrap().len(), 40);
        let message =
            |(status, reply): (u16, Value)| (status, reply["message"].as_str().unwrap_or_default().to_owned());
        let (status, text) = message(mint(password, "ci", &["read:package"]));
        assert_eq!(
            (status, text.as_str()),
            (400, "access token name has been used already")
        );
        assert_eq!(mint(password, "", &["read:package"]).0, 422);
        assert_eq!(mint(password, "bad", &["read:everything"]).0, 400);
        assert!(
            mint(Who::Basic("admin:wrong"), "wrong", &["all"]).0 >= 401,
            "{profile:?}"
        );
        // A token in the header is not enough, and a token in place of the password is.
        let header = message(mint(Who::Token(&user), "header", &["read:user"]));
        assert_eq!(header, (401, "auth required".to_owned()), "{profile:?}");
        let as_password = format!("admin:{user}");
        assert_eq!(
            mint(Who::Basic(&as_password), "by token", &["read:user"]).0,
            201,
            "{profile:?}"
        );
        let broader = mint(Who::Basic(&as_password), "broader", &["all"]).0;
        assert_eq!(
            broader,
            if profile == Profile::V1_27 { 403 } else { 201 },
            "{profile:?}"
        );
        let without = mint(Who::Basic(&format!("admin:{package}")), "without", &["read:package"]).0;
        assert_eq!(
            without,
            // Before 1.20 scopes are not looked at here.
            if matches!(profile, Profile::V1_17 | Profile::V1_19) {
                201
            } else {
                403
            },
            "{profile:?}"
        );
        assert_eq!(mint(Who::Basic("other:password of other"), "foreign", &["all"]).0, 403);

        let id = made["id"].as_i64().unwrap();
        let delete = |which: &str| {
            call(
                &gitea,
                "DELETE",
                &format!("/users/admin/tokens/{which}"),
                password,
                None,
            )
            .0
        };
        assert_eq!(
            (delete(&id.to_string()), delete(&id.to_string())),
            (204, 404),
            "{profile:?}"
        );
        assert_eq!(delete("by%20token"), 204, "{profile:?}");
    }
}

fn own_token() {
    for profile in Profile::ALL {
        let gitea = Gitea::start(profile);
        let id = gitea.add_user("admin");
        let token = gitea.add_token("admin", "read:package");
        let (status, _, reply) = call(&gitea, "GET", "/token", Who::Token(&token), None);
        if profile != Profile::V1_27 {
            assert_eq!(status, 404, "{profile:?}");
            continue;
        }
        assert_eq!((status, &reply["user"]), (200, &json!({"id": id, "login": "admin"})));
        assert_eq!(call(&gitea, "GET", "/token", Who::Nobody, None).0, 401);
        assert_eq!(
            call(&gitea, "GET", "/token", Who::Basic(&format!("admin:{token}")), None).0,
            404
        );
        assert_eq!(call(&gitea, "DELETE", "/token", Who::Token(&token), None).0, 204);
        assert_eq!(call(&gitea, "GET", "/token", Who::Token(&token), None).0, 401);
    }
}

fn pages() {
    let gitea = Gitea::start(Profile::V1_27);
    gitea.add_user("admin");
    let tokens: Vec<String> = (0..70).map(|_| gitea.add_token("admin", "read:package")).collect();
    let page = |query: &str| {
        let who = Who::Basic("admin:password of admin");
        let (_, headers, reply) = call(&gitea, "GET", &format!("/users/admin/tokens?{query}"), who, None);
        assert_eq!(
            (headers["x-total-count"].to_str().unwrap(), headers.get("link")),
            ("70", None)
        );
        let shown = reply.to_string();
        assert!(
            !tokens.iter().any(|token| shown.contains(token)),
            "a list shows no token"
        );
        reply.as_array().unwrap().len()
    };
    assert_eq!(
        (page(""), page("limit=100"), page("page=2&limit=50"), page("page=9")),
        (30, 50, 20, 0)
    );
}
