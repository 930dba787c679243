//! The Gitea double refuses what Gitea refuses where tokens are made and deleted: what is tested on it can be trusted.

mod generations;

use serde_json::{Value, json};

use crate::support::gitea::{Gitea, Profile};

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

scenario!(tokens_are_made_and_deleted_by_giteas_rules);
fn tokens_are_made_and_deleted_by_giteas_rules() {
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
        // The answer tells the scopes since 1.22.3.
        let tells = matches!(
            profile,
            Profile::V1_22 | Profile::V1_23 | Profile::V1_24 | Profile::V1_25 | Profile::V1_26 | Profile::V1_27
        );
        let scopes = if tells { json!(["read:package"]) } else { Value::Null };
        assert_eq!((status, made["scopes"].clone()), (201, scopes), "{profile:?}");
        assert_eq!(made["sha1"].as_str().unwrap().len(), 40);
        let message =
            |(status, reply): (u16, Value)| (status, reply["message"].as_str().unwrap_or_default().to_owned());
        let (status, text) = message(mint(password, "ci", &["read:package"]));
        assert_eq!(
            (status, text.as_str()),
            (400, "access token name has been used already")
        );
        assert_eq!(mint(password, "", &["read:package"]).0, 422);
        let unknown = if profile == Profile::V1_17 { 201 } else { 400 };
        assert_eq!(mint(password, "bad", &["read:everything"]).0, unknown, "{profile:?}");
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
        let foreign = mint(Who::Basic("other:password of other"), "foreign", &["all"]).0;
        let ignored = matches!(profile, Profile::V1_17 | Profile::V1_19 | Profile::V1_20);
        assert_eq!(foreign, if ignored { 201 } else { 403 }, "{profile:?}");

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

scenario!(a_token_describes_and_deletes_itself_since_1_27);
fn a_token_describes_and_deletes_itself_since_1_27() {
    for profile in Profile::ALL {
        let gitea = Gitea::start(profile);
        let id = gitea.add_user("admin");
        let token = gitea.add_token("admin", "read:package");
        let (status, _, reply) = call(&gitea, "GET", "/token", Who::Token(&token), None);
        if profile != Profile::V1_27 {
            assert_eq!((status, reply), (404, Value::Null), "{profile:?}");
            assert_eq!(call(&gitea, "DELETE", "/token", Who::Token(&token), None).0, 404);
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

scenario!(lists_of_tokens_come_in_pages_without_a_link);
fn lists_of_tokens_come_in_pages_without_a_link() {
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

scenario!(names_that_look_like_ids);
fn names_that_look_like_ids() {
    for profile in Profile::ALL {
        let gitea = Gitea::start(profile);
        gitea.add_user("admin");
        let victim = gitea.add_token("admin", "read:package");
        let id = gitea.state().tokens[0].id;
        let password = Who::Basic("admin:password of admin");
        for name in [
            format!("{id}"),
            format!("{id:#x}"),
            format!("0{id:o}"),
            format!("+{id}"),
        ] {
            let kept = gitea.state().tokens[0].clone();
            gitea.state().add_token("admin", &name, "read:package");
            let path = format!("/users/admin/tokens/{}", name.replace('+', "%2B"));
            assert_eq!(call(&gitea, "DELETE", &path, password, None).0, 204, "{name}");
            let mut state = gitea.state();
            assert!(
                state.tokens.iter().all(|pat| pat.value != victim),
                "{profile:?}: {name} is the other one's id"
            );
            state.tokens = vec![kept];
        }
        for _ in 0..2 {
            gitea.state().add_token("admin", "twice", "read:package");
        }
        let (status, _, reply) = call(&gitea, "DELETE", "/users/admin/tokens/twice", password, None);
        assert_eq!(
            (status, &reply["message"]),
            (422, &json!("multiple matches for token name 'twice'"))
        );
        assert_eq!(
            call(&gitea, "DELETE", "/users/admin/tokens/none", password, None).0,
            404
        );
    }
}

scenario!(scopes_are_stored_in_order_and_inherited);
fn scopes_are_stored_in_order_and_inherited() {
    let gitea = Gitea::start(Profile::V1_27);
    gitea.add_user("admin");
    let mint = |who: Who<'_>, name: &str, scopes: &[&str]| {
        let body = json!({"name": name, "scopes": scopes});
        call(&gitea, "POST", "/users/admin/tokens", who, Some(&body)).2["scopes"].clone()
    };
    let password = Who::Basic("admin:password of admin");
    assert_eq!(
        mint(
            password,
            "order",
            &["read:user", "write:package", "read:package", "public-only"]
        ),
        json!(["public-only", "write:package", "read:user"])
    );
    assert_eq!(mint(password, "all", &["read:package", "all"]), json!(["all"]));
    let public = gitea.add_token("admin", "public-only,write:user,write:package");
    assert_eq!(
        mint(Who::Basic(&format!("admin:{public}")), "inherited", &["read:package"]),
        json!(["public-only", "read:package"])
    );
}
