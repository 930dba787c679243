//! The Gitea double refuses what Gitea refuses where tokens are made and deleted: what is tested on it can be trusted.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::support::gitea::{Gitea, Profile, State};
use crate::support::part::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("double: tokens are made and deleted by Gitea's rules", tokens),
        trial("double: a token describes and deletes itself since 1.27", own_token),
        trial("double: lists of tokens come in pages without a Link", pages),
        trial("double: refusals, in the words of every generation", refusals),
        trial("double: /v2, in the words of every generation", registry),
        trial("double: names that look like ids", names_like_ids),
        trial("double: scopes are stored in order, and inherited", scopes),
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
        // The answer tells the scopes since 1.22.3.
        let tells = matches!(
            profile,
            Profile::V1_22 | Profile::V1_25 | Profile::V1_26 | Profile::V1_27
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

/// What the API says, by generation, to whoever may not.
fn refusals() {
    for profile in Profile::ALL {
        let message = |change: fn(&mut State), who: Who<'_>, method: &str, path: &str| {
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
        };
        const PATH: &str = "/users/admin/tokens";
        let right = Who::Basic("admin:password of admin");
        let nothing: fn(&mut State) = |_| {};
        let is = |said: (u16, String), status: u16, text: &str| {
            assert_eq!((said.0, said.1.as_str()), (status, text), "{profile:?}");
        };
        let minor = match profile {
            Profile::V1_17 => 17,
            Profile::V1_19 => 19,
            Profile::V1_20 => 20,
            Profile::V1_22 => 22,
            Profile::V1_25 => 25,
            Profile::V1_26 => 26,
            Profile::V1_27 => 27,
            _ => 21,
        };
        let generic = minor >= 25;
        let nobody = if minor <= 20 {
            (401, "auth required")
        } else {
            (403, "doer should be the site admin or be same as the contextUser")
        };
        // Anonymous, and where everybody must sign in.
        is(message(nothing, Who::Nobody, "POST", PATH), nobody.0, nobody.1);
        is(message(nothing, Who::Nobody, "GET", "/user"), 401, "token is required");
        is(
            message(|state| state.require_signin = true, Who::Nobody, "GET", "/version"),
            403,
            "Only signed in user is allowed to call APIs.",
        );
        is(
            message(|state| state.enable_basic = false, right, "POST", PATH),
            nobody.0,
            nobody.1,
        );
        // A wrong token in the header.
        match message(
            nothing,
            Who::Token("0123456789abcdef0123456789abcdef01234567"),
            "GET",
            "/user",
        ) {
            said if minor < 20 => is(said, 401, "token is required"),
            said if generic => is(said, 401, "invalid username, password or token"),
            said => is(said, 401, "user does not exist [uid: 0, name: ]"),
        }
        // Passwords. 1.17 takes whoever shows a wrong one for nobody.
        let wrong: [(fn(&mut State), Who<'_>, &str); 4] = [
            (
                nothing,
                Who::Basic("admin:wrong"),
                "user's password is invalid [uid: 2, name: admin]",
            ),
            (
                |state| state.users[0].code = Some("123456".to_owned()),
                right,
                "invalid provided OTP",
            ),
            (
                |state| state.users[0].elsewhere = true,
                right,
                "Login source is unknown",
            ),
            (
                |state| state.users[0].prohibited = true,
                right,
                "user is not allowed login [uid: 2, name: admin]",
            ),
        ];
        for (change, who, text) in wrong {
            let said = message(change, who, "POST", PATH);
            match minor {
                17 => is(said, nobody.0, nobody.1),
                // Up to 1.20.5 a missing code is plain text.
                19 if text.contains("OTP") => is(said, 401, ""),
                25.. => is(said, 401, "invalid username, password or token"),
                _ => is(said, 401, text),
            }
        }
        let key = message(|state| state.users[0].security_key = true, right, "POST", PATH);
        match minor {
            ..22 => assert_eq!(key.0, 201, "{profile:?}"),
            22 => is(key, 401, "Basic authorization is not allowed while webAuthn enrolled"),
            _ => is(key, 401, "basic authorization is not allowed while WebAuthn enrolled"),
        }
        // Accounts.
        is(
            message(|state| state.users[0].active = false, right, "POST", PATH),
            403,
            "This account is not activated.",
        );
        let (status, text) = message(|state| state.users[0].must_change_password = true, right, "POST", PATH);
        assert!(
            status == 403 && text.starts_with("You must change your password. Change it at: http"),
            "{text}"
        );
        // Scopes.
        let gitea = Gitea::start(profile);
        gitea.add_user("admin");
        let token = gitea.add_token("admin", "read:package");
        let (status, _, reply) = call(&gitea, "GET", "/user", Who::Token(&token), None);
        let lacks = match minor {
            17 => Value::Null,
            19 => json!("token does not have required scope: read:user"),
            20..23 => json!("token does not have at least one of required scope(s): [read:user]"),
            _ => json!(
                "token does not have at least one of required scope(s), required=[read:user], token scope=read:package"
            ),
        };
        assert_eq!(
            (status, &reply["message"]),
            (if minor == 17 { 200 } else { 403 }, &lacks),
            "{profile:?}"
        );
    }
}

/// The container registry's side, line by line of what the generations are known to answer.
fn registry() {
    for profile in Profile::ALL {
        let gitea = Gitea::start(profile);
        gitea.state().root_url = format!("http://{}/code/", gitea.registry());
        gitea.add_user("admin");
        let package = gitea.add_token("admin", "read:package");
        let other = gitea.add_token("admin", "write:issue");
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .into();
        let ask = |path: &str, who: Option<&str>| {
            use base64::Engine as _;
            let mut request = agent.get(format!("http://{}{path}", gitea.registry()));
            if let Some(token) = who {
                let pair = base64::engine::general_purpose::STANDARD.encode(format!("anybody:{token}"));
                request = request.header("authorization", format!("Basic {pair}"));
            }
            let (head, mut body) = request.call().unwrap().into_parts();
            (head.status.as_u16(), head.headers, body.read_to_string().unwrap())
        };
        let (status, headers, body) = ask("/v2/", None);
        assert_eq!(
            (status, headers["docker-distribution-api-version"].as_bytes()),
            (401, &b"registry/2.0"[..])
        );
        assert_eq!(
            body,
            "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"authentication required\"}]}\n"
        );
        let below = if profile.realm_has_path() { "/code" } else { "" };
        let challenge = format!(
            "Bearer realm=\"http://{}{below}/v2/token\",service=\"container_registry\",scope=\"*\"",
            gitea.registry()
        );
        let offered: Vec<_> = headers.get_all("www-authenticate").iter().collect();
        assert_eq!(offered, [challenge.as_str()], "{profile:?}");
        gitea.state().require_signin = true;
        let lines = ask("/v2/", None).1.get_all("www-authenticate").iter().count();
        let since_1_26 = matches!(profile, Profile::V1_26 | Profile::V1_27);
        assert_eq!(lines, if since_1_26 { 2 } else { 1 }, "{profile:?}");
        gitea.state().require_signin = false;

        let claims = |body: &str| {
            use base64::Engine as _;
            let reply: Value = serde_json::from_str(body).unwrap();
            assert_eq!(reply.as_object().unwrap().len(), 1, "token, and no lifetime");
            let payload = reply["token"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
            let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD
                .decode(payload)
                .unwrap();
            serde_json::from_slice::<Value>(&payload).unwrap()
        };
        let (status, _, body) = ask("/v2/token", None);
        let ghost = claims(&body);
        assert_eq!((status, &ghost["UserID"]), (200, &json!(-1)), "{profile:?}");
        let (status, _, body) = ask("/v2/token", Some(&package));
        let known = claims(&body);
        assert_eq!(
            (status, known["UserID"].as_i64().unwrap() > 0),
            (200, true),
            "{profile:?}"
        );
        let carries = !matches!(
            profile,
            Profile::V1_17 | Profile::V1_19 | Profile::V1_20 | Profile::V1_21 | Profile::Forgejo7
        );
        assert_eq!(
            known.get("Scope"),
            carries.then(|| json!("read:package")).as_ref(),
            "{profile:?}"
        );
        assert_eq!(known.get("ActionsUserTaskID").is_some(), since_1_26, "{profile:?}");

        let (status, headers, body) = ask("/v2/token", Some("0123456789abcdef0123456789abcdef01234567"));
        match profile {
            Profile::V1_17 => assert_eq!((status, &claims(&body)["UserID"]), (200, &json!(-1))),
            Profile::V1_26 | Profile::V1_27 => {
                assert_eq!(
                    (status, headers.get("www-authenticate").is_some()),
                    (401, true),
                    "{profile:?}"
                );
            }
            _ => {
                let text = if profile == Profile::V1_25 {
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
        let (status, headers, _) = ask("/v2/token", Some(&other));
        let refuses = matches!(
            profile,
            Profile::V1_22 | Profile::V1_25 | Profile::V1_26 | Profile::V1_27
        );
        assert_eq!(status, if refuses { 401 } else { 200 }, "{profile:?}");
        assert_eq!(headers.get("www-authenticate").is_some(), refuses, "{profile:?}");
        // From 1.23 to 1.25 Basic is not looked at for /v2/ itself.
        assert_eq!(
            ask("/v2/", Some(&package)).0,
            if profile == Profile::V1_25 { 401 } else { 200 },
            "{profile:?}"
        );
        // A token of Gitea's own is no token of its registry's.
        let bearer = agent
            .get(format!("http://{}/v2/", gitea.registry()))
            .header("authorization", format!("Bearer {package}"))
            .call()
            .unwrap();
        assert_eq!(bearer.status(), 401, "{profile:?}");
        let posted = agent
            .post(format!("http://{}/v2/token", gitea.registry()))
            .send_empty()
            .unwrap();
        assert_eq!(
            (
                posted.status().as_u16(),
                posted.into_body().read_to_string().unwrap().as_str()
            ),
            (404, "")
        );
    }
}

fn names_like_ids() {
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

fn scopes() {
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
