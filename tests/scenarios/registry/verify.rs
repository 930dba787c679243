//! Verifying a credential: every generation of Gitea, other registries, every failure, and servers that want the token.

use std::time::Duration;

use regcred::model::{Credential, Token, Version};
use regcred::registry::{
    CaFile, Flow, ImageAccess, Images, Note, Options, ReachError, Server, Verified, VerifyError, image_access, verify,
};
use regcred::sys::env::Env;
use serde_json::json;

use crate::support::gitea::{Gitea, Profile, Strip, Visibility};
use crate::support::http::{self, Answer, Manner, Request, Shown};
use crate::support::socks::SocksProxy;
use crate::support::tls::{Authority, Valid};

/// A name that no test's machine is called by; tests reach it through a proxy of their own.
const NAME: &str = "gitea.example.com";
/// A token that nobody issued.
const DEAD: &str = "0123456789abcdef0123456789abcdef01234567";

fn options() -> Options {
    Options {
        timeout: Duration::from_secs(20),
        ..Options::default()
    }
}

fn ask(registry: &str, token: &str, options: &Options, env: &Env) -> Result<Verified, VerifyError> {
    let credential = Credential {
        registry: registry.parse().unwrap(),
        username: "admin".parse().unwrap(),
        token: Token::parse(token).unwrap(),
    };
    let outcome = verify(&credential, options, env);
    let shown = match &outcome {
        Ok(verified) => format!("{verified:?}"),
        Err(error) => format!("{error} {error:?} {:?}", error.hint()),
    };
    assert!(!shown.contains(token), "the token is in {shown}");
    assert!(
        !shown.contains(credential.basic().as_str()),
        "the credential is in {shown}"
    );
    outcome
}

fn check(registry: &str, token: &str) -> Result<Verified, VerifyError> {
    ask(registry, token, &options(), &Env::default())
}

fn refused(registry: &str, token: &str) -> VerifyError {
    check(registry, token).expect_err("it was accepted")
}

/// Says what did not match.
macro_rules! assert_is {
    ($error:expr, $pattern:pat $(if $guard:expr)?) => {
        match $error {
            $pattern $(if $guard)? => {}
            other => panic!("expected {}, got {other:?}", stringify!($pattern)),
        }
    };
}

fn gitea(profile: Profile) -> Gitea {
    let gitea = Gitea::start(profile);
    gitea.add_user("somebody");
    gitea.add_user("admin");
    gitea
}

/// Those whose registry neither looks at a token's scopes when it signs in nor tells them.
const SILENT: [Profile; 5] = [
    Profile::V1_17,
    Profile::V1_19,
    Profile::V1_20,
    Profile::V1_21,
    Profile::Forgejo7,
];
const API_TOKEN: &str = "bearer /api/v1/token";
const API_USER: &str = "bearer /api/v1/user";
const EXCHANGE: &str = "basic /v2/token";

scenario!(a_token_for_packages_is_accepted_by_every_generation);
fn a_token_for_packages_is_accepted_by_every_generation() {
    for profile in Profile::ALL {
        let gitea = gitea(profile);
        let token = gitea.add_token("admin", "read:package");
        let verified = check(&gitea.registry(), &token).unwrap();
        assert_eq!(verified.who.as_deref(), Some("admin"), "{profile:?}");
        assert_eq!((verified.flow, verified.notes.len()), (Flow::Bearer, 0), "{profile:?}");
        let version = profile.version().to_owned();
        let server = match profile {
            profile if profile.is_forgejo() => Server::Forgejo { version },
            _ => Server::Gitea { version: Some(version) },
        };
        assert_eq!(verified.server, server);
        let scopes = verified.scopes.map(|scopes| {
            assert!(scopes.may_pull() && !scopes.may_push() && !scopes.reaches_beyond_packages());
            scopes.to_string()
        });
        let tells = !SILENT.contains(&profile);
        assert_eq!(scopes.as_deref(), tells.then_some("read:package"), "{profile:?}");
        let shown: &[&str] = match profile {
            profile if SILENT.contains(&profile) => &[API_TOKEN, EXCHANGE, API_USER],
            _ => &[API_TOKEN, EXCHANGE],
        };
        assert_eq!(gitea.shown(), shown, "{profile:?}");
        gitea.revoke(&token);
        assert!(check(&gitea.registry(), &token).is_err(), "{profile:?}");
    }
}

scenario!(a_dead_token_is_shown_as_few_times_as_the_generation_allows);
fn a_dead_token_is_shown_as_few_times_as_the_generation_allows() {
    for profile in Profile::ALL {
        let gitea = gitea(profile);
        let error = refused(&gitea.registry(), DEAD);
        let shown: &[&str] = match profile {
            // The answer of 1.26 to a dead token is the one to a token without the scope: its API tells.
            Profile::V1_17 | Profile::V1_26 => &[API_TOKEN, EXCHANGE, API_USER],
            Profile::V1_19 => &[API_TOKEN, EXCHANGE],
            _ => &[API_TOKEN],
        };
        assert_eq!(gitea.shown(), shown, "{profile:?}");
        if profile == Profile::V1_17 {
            // It answers as to nobody, whatever is wrong.
            assert_is!(error, VerifyError::NotSeen { .. });
        } else {
            assert!(error.hint().unwrap().contains("read:package"), "{profile:?}");
            assert_is!(error, VerifyError::Rejected { page: Some(_), .. });
        }
    }
    // Without its API, a 401 in JSON has two possible reasons, and no second attempt finds out which.
    for another in [
        Answer::html(404, "<html>another application</html>"),
        Answer::json(200, &json!({"version": "harbour"})),
        Answer::json(200, &json!({"version": "v2"})),
    ] {
        let gitea = gitea(Profile::V1_27);
        gitea.replace("/api/v1/version", another);
        assert_is!(
            refused(&gitea.registry(), DEAD),
            VerifyError::RejectedOrNoPackageScope { .. }
        );
        assert_eq!(gitea.shown(), [EXCHANGE], "another application's API gets no token");
    }
}

scenario!(a_token_without_packages_is_told_from_a_dead_one);
fn a_token_without_packages_is_told_from_a_dead_one() {
    for profile in Profile::ALL {
        for scopes in ["write:repository", "read:user,write:issue"] {
            let gitea = gitea(profile);
            let token = gitea.add_token("admin", scopes);
            let outcome = check(&gitea.registry(), &token);
            let told = match profile {
                // Their registry does not look at scopes.
                profile if SILENT.contains(&profile) => {
                    assert!(outcome.is_ok(), "{profile:?} {outcome:?}");
                    continue;
                }
                Profile::V1_22 => None,
                Profile::V1_23 | Profile::V1_24 | Profile::V1_25 | Profile::V1_26 if scopes.contains("read:user") => {
                    None
                }
                _ => Some(scopes),
            };
            match outcome.unwrap_err() {
                VerifyError::NoPackageScope { scopes, .. } => {
                    assert_eq!(scopes.map(|scopes| scopes.to_string()).as_deref(), told, "{profile:?}");
                }
                other => panic!("{profile:?}: {other:?}"),
            }
            let shown: &[&str] = match profile {
                Profile::V1_27 => &[API_TOKEN],
                Profile::Forgejo11 | Profile::Forgejo15 => &[API_TOKEN, EXCHANGE],
                _ => &[API_TOKEN, EXCHANGE, API_USER],
            };
            assert_eq!(gitea.shown(), shown, "{profile:?} {scopes}");
        }
    }
}

scenario!(a_stripped_authorization_header_is_no_success);
fn a_stripped_authorization_header_is_no_success() {
    for profile in Profile::ALL {
        for signin in [false, true] {
            for (strip, works) in [(Strip::Everything, false), (Strip::Registry, false), (Strip::Api, true)] {
                let gitea = gitea(profile);
                gitea.state().strip = strip;
                gitea.state().require_signin = signin;
                let token = gitea.add_token("admin", "write:package");
                match check(&gitea.registry(), &token) {
                    Ok(_) => assert!(works, "{profile:?} {strip:?} {signin}"),
                    Err(VerifyError::NotSeen { .. }) => assert!(!works, "{profile:?} {strip:?} {signin}"),
                    // The API, which the header reaches, knows the token and the registry does not.
                    Err(VerifyError::SignInRefused { .. }) => {
                        assert!(signin && strip == Strip::Registry && profile == Profile::V1_27);
                    }
                    // Where everybody must sign in, these say the same to a token that lacks the scope.
                    Err(VerifyError::NoPackageScope { scopes: None, .. }) => {
                        assert!(signin && strip == Strip::Registry);
                        assert!(profile.is_forgejo() || matches!(profile, Profile::V1_21 | Profile::V1_22));
                    }
                    Err(other) => panic!("{profile:?} {strip:?} {signin}: {other:?}"),
                }
            }
        }
    }
}

scenario!(where_everybody_must_sign_in);
fn where_everybody_must_sign_in() {
    for profile in Profile::ALL {
        let gitea = gitea(profile);
        gitea.state().require_signin = true;
        let token = gitea.add_token("admin", "read:package,read:user");
        let verified = check(&gitea.registry(), &token).unwrap();
        assert_eq!(verified.who.as_deref(), Some("admin"), "{profile:?}");
        assert_eq!(verified.server, Server::Gitea { version: None }, "{profile:?}");
        let error = refused(&gitea.registry(), DEAD);
        assert!(
            matches!(error, VerifyError::Rejected { .. })
                || (profile == Profile::V1_17 && matches!(error, VerifyError::NotSeen { .. })),
            "{profile:?} {error:?}"
        );
    }
}

scenario!(the_tokens_owner_counts_not_the_name_beside_it);
fn the_tokens_owner_counts_not_the_name_beside_it() {
    for profile in Profile::ALL {
        let gitea = gitea(profile);
        let token = gitea.add_token("somebody", "write:package");
        assert_eq!(
            check(&gitea.registry(), &token).unwrap().who.as_deref(),
            Some("somebody"),
            "{profile:?}"
        );
    }
    // A private account is found by nobody, and needs not be.
    let gitea = gitea(Profile::V1_25);
    let token = gitea.add_token("admin", "write:package");
    gitea.set_visibility("admin", Visibility::Private);
    let verified = check(&gitea.registry(), &token).unwrap();
    assert_eq!(verified.who, None);
    assert!(verified.scopes.unwrap().may_push());
}

scenario!(an_accounts_password_where_the_api_does_not_forbid_it);
fn an_accounts_password_where_the_api_does_not_forbid_it() {
    for profile in Profile::ALL {
        let gitea = gitea(profile);
        let outcome = check(&gitea.registry(), "password of admin");
        if matches!(profile, Profile::V1_17 | Profile::V1_19 | Profile::V1_26) {
            assert_eq!(outcome.unwrap().who.as_deref(), Some("admin"), "{profile:?}");
        } else {
            // Asking about the token comes first, and a password is none.
            assert_is!(outcome.unwrap_err(), VerifyError::Rejected { .. });
            assert_eq!(gitea.shown(), [API_TOKEN], "{profile:?}");
        }
    }
}

scenario!(a_password_beyond_ascii_is_sent_as_docker_sends_it);
/// A header's token is ASCII; docker sends these in base64.
fn a_password_beyond_ascii_is_sent_as_docker_sends_it() {
    for profile in Profile::ALL {
        let gitea = gitea(profile);
        let password = "pässwörd ☃";
        for user in &mut gitea.state().users {
            password.clone_into(&mut user.password);
        }
        check(&gitea.registry(), password).unwrap_or_else(|error| panic!("{profile:?}: {error}"));
        let error = check(&gitea.registry(), "pässwört").unwrap_err().to_string();
        assert!(
            !error.contains("HTTP") && !error.contains("pässw"),
            "{profile:?}: {error}"
        );
    }
}

scenario!(an_account_that_may_not_sign_in);
fn an_account_that_may_not_sign_in() {
    // The API of 1.26 says it only where it knows the path that is asked for.
    for profile in Profile::ALL.into_iter().filter(|profile| *profile != Profile::V1_26) {
        let gitea = gitea(profile);
        let token = gitea.add_token("admin", "read:package");
        gitea.state().users[1].prohibited = true;
        match refused(&gitea.registry(), &token) {
            VerifyError::AccountRefused { said: Some(said), .. } => assert!(said.contains("prohibited"), "{said}"),
            other => panic!("{profile:?}: {other:?}"),
        }
        assert_eq!(gitea.shown(), [API_TOKEN], "{profile:?}");
    }
}

scenario!(below_a_path);
fn below_a_path() {
    for profile in Profile::ALL {
        let gitea = gitea(profile);
        let root = format!("http://{}/code/gitea/", gitea.address());
        gitea.state().root_url = root;
        let token = gitea.add_token("admin", "read:package");
        let verified = check(&gitea.registry(), &token).unwrap();
        assert!(verified.notes.is_empty(), "{profile:?}");
        let api = gitea
            .shown()
            .iter()
            .any(|shown| shown == "bearer /code/gitea/api/v1/token");
        // Only a realm with the path tells where the API is.
        assert_eq!(api, profile.realm_has_path(), "{profile:?}");
        if api {
            assert_eq!(verified.who.as_deref(), Some("admin"), "{profile:?}");
        }
    }
}

scenario!(a_realm_that_is_off_is_avoided_and_said);
fn a_realm_that_is_off_is_avoided_and_said() {
    for profile in [Profile::V1_21, Profile::V1_27] {
        let thief = http::Server::start(|_| Answer::json(200, &json!({"token": "thanks"})));
        let gitea = gitea(profile);
        let realm = format!("http://{}/v2/token", thief.registry());
        gitea.state().realm = Some(realm.clone());
        let token = gitea.add_token("admin", "read:package");
        let verified = check(&gitea.registry(), &token).unwrap();
        assert_eq!(verified.notes, [Note::RealmElsewhere { realm: realm.clone() }]);
        assert!(verified.notes[0].to_string().contains("ROOT_URL"));
        assert_eq!(thief.seen(), []);
        assert!(gitea.received(&token), "the exchange was made where it belongs");
    }
}

fn challenge(realm: &str) -> Answer {
    let value = format!(r#"Bearer realm="{realm}",service="registry.example",scope="x""#);
    Answer::empty(401).with("www-authenticate", &value)
}

/// A registry with a token server at `/token`, which accepts one token and gives `answer` for it.
fn distribution(token: &'static str, answer: fn() -> Answer) -> http::Server {
    http::Server::start(
        move |request: &Request| match (request.path.as_str(), request.shown()) {
            ("/v2/", Shown::Bearer(given)) if given == "exchanged" => {
                Answer::json(200, &json!({})).with("docker-distribution-api-version", "registry/2.0")
            }
            ("/v2/", _) => challenge(&format!("http://{}/token", request.headers["host"].to_str().unwrap())),
            ("/token", Shown::Basic { user, password }) if user == "admin" && password == token => {
                assert_eq!(request.parameter("service").as_deref(), Some("registry.example"));
                assert_eq!(request.parameter("account").as_deref(), Some("admin"));
                assert_eq!(request.parameter("scope"), None);
                answer()
            }
            ("/token", _) => Answer::json(401, &json!({"errors": [{"message": "who are you"}]})),
            _ => Answer::empty(404),
        },
    )
}

scenario!(only_a_gitea_is_said_to_have_giteas_pages);
/// Reading images goes another way than verifying.
fn only_a_gitea_is_said_to_have_giteas_pages() {
    // A token server that does not accept the credential, and one that does, but gives no token for the image.
    for (status, says) in [
        (401, "does not accept the token: who are you"),
        (403, "refuses a token to pull admin/app: who are you"),
    ] {
        let harbor = http::Server::start(move |request| match request.path.as_str() {
            "/v2/" => challenge(&format!("http://{}/token", request.headers["host"].to_str().unwrap())),
            "/token" => Answer::json(status, &json!({"errors": [{"message": "who are you"}]})),
            _ => Answer::empty(404),
        });
        let credential = Credential {
            registry: harbor.registry().parse().unwrap(),
            username: "admin".parse().unwrap(),
            token: Token::parse(DEAD).unwrap(),
        };
        let (options, env) = (options(), Env::default());
        let images = Images::open(&credential, &options, &env).unwrap();
        let error = images
            .digest(&"admin/app".parse().unwrap(), &Version::Tag("1".parse().unwrap()))
            .unwrap_err();
        assert!(error.to_string().ends_with(says), "{error}");
        let hint = error.hint().unwrap();
        assert!(!hint.contains("/user/settings"), "{hint}");
        let again = images.digest(&"admin/app".parse().unwrap(), &Version::Tag("2".parse().unwrap()));
        assert_eq!(again.unwrap_err().to_string(), error.to_string());
        assert_eq!(harbor.with_credential(), 1, "a refused credential is not tried again");
        let access = image_access(&"x.example/admin/app:1".parse().unwrap(), &credential, &options, &env);
        if status == 403 {
            assert_eq!(access.unwrap(), ImageAccess::Refused);
        } else {
            assert_is!(access.unwrap_err(), VerifyError::Rejected { page: None, .. });
        }
    }
}

scenario!(nobody_else_receives_the_token);
fn nobody_else_receives_the_token() {
    // Each registry sends us to the thief in its own way, before or after it saw the token itself.
    type Trick = fn(&Request, &str) -> Answer;
    let tricks: [(&str, usize, Trick); 6] = [
        ("realm on another port", 0, |_, thief| {
            challenge(&format!("http://{thief}/token"))
        }),
        ("realm with a user name", 0, |request, thief| {
            let own = request.headers["host"].to_str().unwrap();
            challenge(&format!("http://{own}@{thief}/token"))
        }),
        ("redirect of the first question", 0, |_, thief| {
            Answer::redirect(&format!("http://{thief}/v2/"))
        }),
        ("redirect of the exchange", 1, |request, thief| {
            match request.path.as_str() {
                "/v2/" => challenge(&format!("http://{}/token", request.headers["host"].to_str().unwrap())),
                _ => Answer::redirect(&format!("http://{thief}/token")),
            }
        }),
        ("redirect of Basic", 1, |request, thief| match request.shown() {
            Shown::Nothing => Answer::empty(401).with("www-authenticate", "Basic realm=x"),
            _ => Answer::redirect(&format!("http://{thief}/v2/")),
        }),
        ("redirect of the last step", 2, |request, thief| {
            match (request.path.as_str(), request.shown()) {
                ("/v2/", Shown::Nothing) => {
                    challenge(&format!("http://{}/token", request.headers["host"].to_str().unwrap()))
                }
                ("/token", _) => Answer::json(200, &json!({"access_token": "exchanged"})),
                _ => Answer::redirect(&format!("http://{thief}/v2/")),
            }
        }),
    ];
    for (name, shown, trick) in tricks {
        let thief = http::Server::start(|_| Answer::json(200, &json!({"token": "thanks"})));
        let address = thief.registry();
        let registry = http::Server::start(move |request| trick(request, &address));
        let error = refused(&registry.registry(), DEAD);
        assert_eq!(thief.seen(), [], "{name}");
        assert!(!thief.received(DEAD), "{name}");
        assert_eq!(registry.with_credential(), shown, "{name}: {error}");
        match name {
            "realm on another port" => assert_is!(error, VerifyError::RealmElsewhere { .. }),
            "realm with a user name" => assert_is!(error, VerifyError::Malformed { .. }),
            _ => assert_is!(error, VerifyError::Redirected { to, .. } if to.contains(&thief.registry())),
        }
    }
}

/// An environment in which `NAME` leads to `proxy`.
fn through(proxy: &http::Server) -> Env {
    Env::from_iter([("HTTPS_PROXY", format!("http://{}", proxy.registry()))])
}

scenario!(over_https_nothing_falls_back_to_http);
fn over_https_nothing_falls_back_to_http() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let trusting = Options {
        ca_file: Some(authority.write_to(folder.path()).into()),
        ..options()
    };
    let thief = http::Server::start(|_| Answer::json(200, &json!({"token": "thanks"})));
    for (realm, elsewhere) in [
        (format!("http://{NAME}/token"), false),
        (format!("http://{}/token", thief.registry()), true),
        (format!("https://{NAME}:8443/token"), true),
    ] {
        let answer = challenge(&realm);
        let tls = authority.server(&[NAME], Valid::Now);
        let registry = http::Server::start_tls(tls, move |_| answer.clone());
        let proxy = http::Server::tunnel(registry.address());
        let env = Env::from_iter([
            ("HTTPS_PROXY", format!("http://{}", proxy.registry())),
            ("HTTP_PROXY", format!("http://{}", thief.registry())),
        ]);
        match ask(NAME, DEAD, &trusting, &env).unwrap_err() {
            VerifyError::RealmElsewhere { .. } if elsewhere => {}
            VerifyError::RealmPlainHttp { .. } if !elsewhere => {}
            other => panic!("{realm}: {other:?}"),
        }
        assert_eq!((registry.with_credential(), thief.seen().len()), (0, 0), "{realm}");
    }
    // A Gitea that does not know that it is behind TLS: the exchange is made over https all the same.
    let gitea = Gitea::start_tls(Profile::V1_27, NAME, authority.server(&[NAME], Valid::Now));
    gitea.add_user("admin");
    let token = gitea.add_token("admin", "read:package");
    gitea.state().realm = Some(format!("http://{NAME}/v2/token"));
    let proxy = http::Server::tunnel(gitea.address());
    let verified = ask(NAME, &token, &trusting, &through(&proxy)).unwrap();
    assert_eq!(verified.notes.len(), 1);
    assert!(!proxy.received(&token), "the proxy sees only what is encrypted");
}

scenario!(other_registries);
fn other_registries() {
    let answers: [fn() -> Answer; 2] = [
        || Answer::json(200, &json!({"token": "exchanged"})),
        || Answer::json(200, &json!({"access_token": "exchanged", "expires_in": 60})),
    ];
    for answer in answers {
        let registry = distribution("right", answer);
        let verified = check(&registry.registry(), "right").unwrap();
        assert_eq!(
            (verified.flow, verified.server, verified.who),
            (Flow::Bearer, Server::Other, None)
        );
        match refused(&registry.registry(), DEAD) {
            VerifyError::Rejected { said, page: None, .. } => assert_eq!(said.as_deref(), Some("who are you")),
            other => panic!("{other:?}"),
        }
        assert_eq!(
            registry.with_credential(),
            3,
            "two for the right one, one for the dead one"
        );
    }
    // The token server and the registry do not agree.
    let registry = distribution("right", || Answer::json(200, &json!({"token": "another"})));
    assert_is!(
        refused(&registry.registry(), "right"),
        VerifyError::ExchangeUseless { status: 401, .. }
    );
    // GitHub says 403.
    let registry = distribution("right", || {
        Answer::json(403, &json!({"errors": [{"code": "DENIED", "message": "denied"}]}))
    });
    assert_is!(refused(&registry.registry(), "right"), VerifyError::Rejected { .. });

    let basic = http::Server::start(|request| match request.shown() {
        Shown::Basic { user, password } if user == "admin" && password == "right" => Answer::json(200, &json!({})),
        _ => Answer::json(401, &json!({"errors": [{"message": "authentication required"}]}))
            .with("www-authenticate", r#"Basic realm="Registry""#),
    });
    assert_eq!(check(&basic.registry(), "right").unwrap().flow, Flow::Basic);
    assert_is!(
        refused(&basic.registry(), DEAD),
        VerifyError::Rejected { page: None, .. }
    );
    assert_eq!(basic.with_credential(), 2);

    // Nobody has to sign in: nothing is sent, and nothing is proven.
    for open in [
        Answer::empty(200).with("docker-distribution-api-version", "registry/2.0"),
        Answer::json(200, &json!({})),
        Answer::text(200, ""),
    ] {
        let open = http::Server::start(move |_| open.clone());
        assert_eq!(check(&open.registry(), DEAD).unwrap().flow, Flow::Open);
        assert_eq!(open.with_credential(), 0);
    }
    // Something that looks like Gitea, and whose tokens are not Gitea's.
    let alike = http::Server::start(|request| match (request.path.as_str(), request.shown()) {
        ("/v2/", Shown::Bearer(_)) => Answer::json(200, &json!({})),
        ("/v2/", _) => {
            let host = request.headers["host"].to_str().unwrap();
            let value = format!(r#"Bearer realm="http://{host}/v2/token",service="container_registry""#);
            Answer::empty(401).with("www-authenticate", &value)
        }
        ("/v2/token", Shown::Basic { .. }) => Answer::json(200, &json!({"token": "opaque"})),
        _ => Answer::empty(404),
    });
    assert_eq!(check(&alike.registry(), "right").unwrap().server, Server::Other);

    let identity = Credential {
        registry: alike.registry().parse().unwrap(),
        username: "<token>".parse().unwrap(),
        token: Token::parse("refresh").unwrap(),
    };
    let error = verify(&identity, &options(), &Env::default()).unwrap_err();
    assert_is!(error, VerifyError::IdentityToken);
}

scenario!(what_is_no_registry);
fn what_is_no_registry() {
    let page = "<!DOCTYPE html><html><body>Sign in to continue</body></html>";
    for (name, answer) in [
        ("a web server", Answer::html(404, page)),
        ("a Gitea without packages", Answer::text(404, "Not found.")),
        ("a login page for every address", Answer::html(200, page)),
        ("a page that says that it is none", Answer::new(200, "text/plain", page)),
        ("a page without a type", Answer::new(200, "", page)),
        ("text", Answer::text(200, "hello")),
        ("401 without a challenge", Answer::html(401, page)),
    ] {
        let status = answer.status;
        let server = http::Server::start(move |_| answer.clone());
        let error = refused(&server.registry(), DEAD);
        assert!(error.hint().is_some());
        assert_eq!(server.with_credential(), 0, "{name}");
        assert_is!(error, VerifyError::NotARegistry { status: given, .. } if given == status);
    }
    let portal = http::Server::start(|_| Answer::redirect("https://login.hotel.example/?next=x"));
    assert_is!(refused(&portal.registry(), DEAD), VerifyError::Redirected { to, .. } if to.contains("login.hotel.example"));
    let windows = http::Server::start(|_| Answer::empty(401).with("www-authenticate", "Negotiate, NTLM"));
    assert_is!(refused(&windows.registry(), DEAD), VerifyError::UnknownSignIn { schemes, .. } if schemes == "negotiate, ntlm");
    let wall = http::Server::start(|_| Answer::text(403, "your address is not on the list"));
    assert_is!(refused(&wall.registry(), DEAD), VerifyError::Blocked { said: Some(said), .. } if said.contains("list"));
    for server in [portal, windows, wall] {
        assert_eq!(server.with_credential(), 0);
    }
}

/// Lets `path` of a healthy Gitea give `answer`, and returns the refusal.
fn with_answer(path: &str, answer: Answer, timeout: Duration) -> (VerifyError, Vec<String>) {
    let gitea = gitea(Profile::V1_27);
    let token = gitea.add_token("admin", "read:package");
    gitea.replace(path, answer);
    let options = Options { timeout, ..options() };
    let error = ask(&gitea.registry(), &token, &options, &Env::default()).expect_err(path);
    (error, gitea.shown())
}

scenario!(a_server_in_trouble);
fn a_server_in_trouble() {
    let enough = Duration::from_secs(20);
    for (path, shown) in [("/v2/", 0), ("/api/v1/token", 1), ("/v2/token", 2)] {
        for status in [500, 502, 503, 504] {
            let (error, made) = with_answer(path, Answer::html(status, "<h1>Bad Gateway</h1>"), enough);
            assert_is!(error, VerifyError::ServerFailed { status: given, said: None, .. } if given == status);
            assert_eq!(made.len(), shown, "{path}");
        }
        let (error, made) = with_answer(path, Answer::text(429, "slow down").with("retry-after", "120"), enough);
        assert!(error.hint().unwrap().contains("120"));
        assert_is!(error, VerifyError::TooManyRequests { .. });
        assert_eq!(made.len(), shown, "{path}");

        let long = json!({"token": "x".repeat(5000)});
        let (error, _) = with_answer(path, Answer::json(200, &long).in_manner(Manner::Cut), enough);
        assert_is!(error, VerifyError::Reach(ReachError::Cut { .. }));
        let large = Answer::json(200, &json!({"token": "x".repeat(2 << 20)}));
        for answer in [large, Answer::empty(200).in_manner(Manner::Endless)] {
            let (error, _) = with_answer(path, answer, enough);
            assert_is!(error, VerifyError::Reach(ReachError::TooLarge { .. }));
        }
        let short = Duration::from_millis(600);
        for manner in [Manner::Hang, Manner::HangInBody] {
            let (error, _) = with_answer(path, Answer::json(200, &long).in_manner(manner), short);
            assert_is!(error, VerifyError::Reach(ReachError::TimedOut { after, .. }) if after == short);
        }
    }
    // What is only asked to know more does not fail what is known.
    for path in ["/api/v1/version", "/api/v1/user", "/api/v1/users/search"] {
        let gitea = gitea(Profile::V1_25);
        let token = gitea.add_token("admin", "read:package");
        gitea.replace(path, Answer::text(500, "broken"));
        check(&gitea.registry(), &token).expect(path);
    }
}

scenario!(answers_that_make_no_sense);
fn answers_that_make_no_sense() {
    let enough = Duration::from_secs(20);
    for answer in [
        Answer::html(200, "<html></html>"),
        Answer::new(200, "application/json", "{"),
        Answer::new(200, "application/json", "[]"),
        Answer::json(200, &json!({})),
        Answer::json(200, &json!({"token": ""})),
        Answer::json(200, &json!({"token": 7})),
        Answer::json(200, &json!({"token": "with\r\nheader: x"})),
        Answer::json(200, &json!({"token": "opaque"})),
        Answer::json(200, &json!({"token": "a.b.c"})),
    ] {
        let (error, shown) = with_answer("/v2/token", answer.clone(), enough);
        assert!(error.hint().is_some());
        assert_is!(error, VerifyError::Malformed { .. });
        assert_eq!(shown, [API_TOKEN, EXCHANGE], "{answer:?}");
    }
    let (error, _) = with_answer("/api/v1/token", Answer::json(200, &json!({"id": 1})), enough);
    assert_is!(error, VerifyError::Malformed { .. });
    for answer in [Answer::empty(204), Answer::empty(404), Answer::text(418, "teapot")] {
        // Only the API of 1.27 has said before that the token is good.
        let (error, _) = with_answer("/v2/token", answer.clone(), enough);
        assert_is!(error, VerifyError::SignInRefused { .. });
        let old = gitea(Profile::V1_22);
        let token = old.add_token("admin", "read:package");
        old.replace("/v2/token", answer);
        assert_is!(refused(&old.registry(), &token), VerifyError::Malformed { .. });
    }
    for bytes in [
        b"SSH-2.0-OpenSSH_9.2\r\n" as &[u8],
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"HTTP/9.9 hello\r\n\r\n",
    ] {
        let server = http::Server::raw(bytes);
        let plain = Options {
            plain_http: true,
            ..options()
        };
        let error = ask(&server.registry(), DEAD, &plain, &Env::default()).unwrap_err();
        assert_is!(error, VerifyError::Reach(ReachError::NotHttp { .. }));
    }
    let header = http::Server::start(|_| Answer::empty(200).with("x-large", &"x".repeat(1 << 20)));
    assert_is!(
        refused(&header.registry(), DEAD),
        VerifyError::Reach(ReachError::TooLarge { .. })
    );
}

scenario!(a_registry_that_cannot_be_reached);
fn a_registry_that_cannot_be_reached() {
    let error = refused("no-such-host.invalid", DEAD);
    assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
    assert_is!(error, VerifyError::Reach(ReachError::UnknownHost { .. }));

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap().to_string();
    drop(closed);
    assert_is!(refused(&address, DEAD), VerifyError::Reach(ReachError::Refused { .. }));

    let silent = http::Server::raw(b"");
    assert_is!(
        refused(&silent.registry(), DEAD),
        VerifyError::Reach(ReachError::Cut { .. })
    );
}

scenario!(tls_failures);
fn tls_failures() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let ours = Some(authority.write_to(folder.path()));
    let fails = |names: &[&str], valid: Valid, ca_file: Option<&std::path::PathBuf>| {
        let server = http::Server::start_tls(authority.server(names, valid), |_| Answer::empty(200));
        let proxy = http::Server::tunnel(server.address());
        let options = Options {
            ca_file: ca_file.cloned().map(CaFile::from),
            ..options()
        };
        let error = ask(NAME, DEAD, &options, &through(&proxy)).unwrap_err();
        assert_eq!(server.seen(), []);
        match error {
            VerifyError::Reach(error) => error,
            other => panic!("{other:?}"),
        }
    };
    let unknown = fails(&[NAME], Valid::Now, None);
    assert!(unknown.hint().unwrap().contains("--ca-file"));
    assert_is!(unknown, ReachError::UnknownAuthority { .. });
    let wrong = fails(&["other.example.com"], Valid::Now, ours.as_ref());
    assert_is!(wrong, ReachError::WrongName { names, .. } if names == "other.example.com");
    assert_is!(fails(&[NAME], Valid::Past, ours.as_ref()), ReachError::Expired { .. });
    assert_is!(
        fails(&[NAME], Valid::Future, ours.as_ref()),
        ReachError::NotYetValid { .. }
    );

    let plain = http::Server::start(|_| Answer::json(200, &json!({})));
    let proxy = http::Server::tunnel(plain.address());
    let error = ask(NAME, DEAD, &options(), &through(&proxy)).unwrap_err();
    assert!(error.hint().unwrap().contains("--plain-http"));
    assert_is!(error, VerifyError::Reach(ReachError::NotTls { .. }));
    assert_eq!(plain.with_credential(), 0);
}

scenario!(the_page_for_a_new_token_is_where_gitea_is);
fn the_page_for_a_new_token_is_where_gitea_is() {
    for profile in [Profile::V1_22, Profile::V1_27, Profile::Forgejo15] {
        let gitea = gitea(profile);
        gitea.state().root_url = format!("http://{}/code/gitea/", gitea.address());
        let there = Options {
            gitea_path: Some("/code/gitea".parse().unwrap()),
            ..options()
        };
        let issues = gitea.add_token("admin", "write:issue");
        for token in [DEAD, &issues] {
            let error = ask(&gitea.registry(), token, &there, &Env::default()).unwrap_err();
            let page = format!(" http://{}/code/gitea/user/settings/applications", gitea.registry());
            let hint = error.hint().unwrap();
            assert!(hint.contains(&page), "{profile:?}: {hint}");
        }
    }
}

scenario!(a_ca_file_that_is_a_pipe_is_read_once);
fn a_ca_file_that_is_a_pipe_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let pem = std::fs::read(authority.write_to(folder.path())).unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut writer, &pem).unwrap();
    drop(writer);
    let path = std::path::PathBuf::from(format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader)));
    let trusting = Options {
        ca_file: Some(path.into()),
        ..options()
    };
    let gitea = Gitea::start_tls(Profile::V1_27, NAME, authority.server(&[NAME], Valid::Now));
    gitea.add_user("admin");
    let token = gitea.add_token("admin", "write:package");
    let proxy = http::Server::tunnel(gitea.address());
    for _ in 0..2 {
        ask(NAME, &token, &trusting, &through(&proxy)).unwrap();
    }
}

scenario!(ca_files);
fn ca_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let garbage = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    let cut = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n";
    let server = http::Server::start(|_| Answer::empty(200));
    let with = |ca_file: std::path::PathBuf| Options {
        ca_file: Some(ca_file.into()),
        ..options()
    };
    for content in ["", "hello", garbage, cut] {
        let error = ask(
            &server.registry(),
            DEAD,
            &with(file("ca.pem", content)),
            &Env::default(),
        )
        .unwrap_err();
        assert!(error.to_string().contains("ca.pem"), "{error}");
        assert_is!(error, VerifyError::Reach(ReachError::CaFileContent { .. }));
    }
    let error = ask(
        &server.registry(),
        DEAD,
        &with(folder.path().join("missing")),
        &Env::default(),
    )
    .unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
    assert_is!(error, VerifyError::Reach(ReachError::CaFile { .. }));
    assert_eq!(server.seen(), []);
}

scenario!(proxies);
fn proxies() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let trusting = Options {
        ca_file: Some(authority.write_to(folder.path()).into()),
        ..options()
    };
    let gitea = Gitea::start_tls(Profile::V1_27, NAME, authority.server(&[NAME], Valid::Now));
    gitea.add_user("admin");
    let token = gitea.add_token("admin", "write:package");
    let proxy = http::Server::tunnel(gitea.address());
    let verified = ask(NAME, &token, &trusting, &through(&proxy)).unwrap();
    assert_eq!((verified.who.as_deref(), verified.notes.len()), (Some("admin"), 0));
    assert!(proxy.seen().iter().all(|seen| seen.path == format!("{NAME}:443")));
    assert!(!proxy.seen().is_empty() && !proxy.received(&token));

    let closed = http::Server::raw(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    let error = ask(NAME, &token, &trusting, &through(&closed)).unwrap_err();
    assert!(error.to_string().contains("407"), "{error}");
    assert_is!(error, VerifyError::Reach(ReachError::ProxyRefused { .. }));
    let nowhere = Env::from_iter([("https_proxy", "http://no-such-proxy.invalid:3128")]);
    let error = ask(NAME, &token, &trusting, &nowhere).unwrap_err();
    assert_is!(error, VerifyError::Reach(ReachError::UnknownHost { host, .. }) if host == "no-such-proxy.invalid");
    let password = Env::from_iter([("HTTPS_PROXY", "ftp://user:s3cret@proxy.example")]);
    let error = ask(NAME, &token, &trusting, &password).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    assert_is!(error, VerifyError::Reach(ReachError::Proxy(_)));
}

scenario!(a_socks_proxy_looks_the_name_up);
fn a_socks_proxy_looks_the_name_up() {
    const NAME: &str = "gitea.only-the-proxy-knows.invalid";
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let trusting = Options {
        ca_file: Some(authority.write_to(folder.path()).into()),
        ..options()
    };
    let gitea = Gitea::start_tls(Profile::V1_27, NAME, authority.server(&[NAME], Valid::Now));
    gitea.add_user("admin");
    let token = gitea.add_token("admin", "write:package");
    let open = SocksProxy::start(gitea.address(), None);
    let closed = SocksProxy::start(gitea.address(), Some(("us@er", "pass:word")));
    for url in [
        format!("socks5://{}", open.address()),
        format!("socks5h://{}", open.address()),
        format!("socks5://us%40er:pass%3Aword@{}", closed.address()),
    ] {
        let env = Env::from_iter([("HTTPS_PROXY", url.as_str())]);
        ask(NAME, &token, &trusting, &env).expect(&url);
    }
    for proxy in [open, closed] {
        assert!(!proxy.asked().is_empty());
        assert!(proxy.asked().iter().all(|host| host == NAME), "{:?}", proxy.asked());
    }
}

scenario!(a_servers_own_certificate_as_its_authority);
/// A server's own certificate as its authority: curl, Go and docker's certs.d take it, and nothing beside it.
fn a_servers_own_certificate_as_its_authority() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    // Each time as another process, because one process reads it once.
    let trusting = || Options {
        ca_file: Some(file.clone().into()),
        ..options()
    };
    for is_authority in [true, false] {
        let (tls, pem) = Authority::of_server_alone(&["localhost"], is_authority);
        let (_, of_another) = Authority::of_server_alone(&["localhost"], is_authority);
        let gitea = Gitea::start_tls(Profile::V1_27, "localhost", tls);
        gitea.add_user("admin");
        let token = gitea.add_token("admin", "read:package");
        let by_name = gitea.registry().replace("127.0.0.1", "localhost");
        let by_address = by_name.replace("localhost", "127.0.0.1");
        std::fs::write(&file, pem).unwrap();
        ask(&by_name, &token, &trusting(), &Env::default()).unwrap();
        let error = ask(&by_address, &token, &trusting(), &Env::default()).unwrap_err();
        assert_is!(error, VerifyError::Reach(ReachError::WrongName { names, .. }) if names == "localhost");
        std::fs::write(&file, of_another).unwrap();
        let error = ask(&by_name, &token, &trusting(), &Env::default()).unwrap_err();
        let text = format!("{error} {}", error.hint().unwrap_or_default());
        assert!(!text.contains("UsedAs") && !text.contains("Other("), "{text}");
    }
    let authority = Authority::new();
    let nameless = Gitea::start_tls(Profile::V1_27, "localhost", authority.server(&[], Valid::Now));
    let trusting = Options {
        ca_file: Some(authority.write_to(folder.path()).into()),
        ..options()
    };
    let by_name = nameless.registry().replace("127.0.0.1", "localhost");
    let error = ask(&by_name, DEAD, &trusting, &Env::default()).unwrap_err();
    assert!(error.to_string().contains("names no host"), "{error}");
    assert_is!(error, VerifyError::Reach(ReachError::NoName { .. }));
}

scenario!(loopback_over_https_http_and_ipv6);
fn loopback_over_https_http_and_ipv6() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let gitea = Gitea::start_tls(
        Profile::V1_27,
        "127.0.0.1",
        authority.server(&["127.0.0.1", "localhost"], Valid::Now),
    );
    gitea.add_user("admin");
    let token = gitea.add_token("admin", "read:package");
    // A certificate that is not trusted is not a reason to try without one.
    let error = refused(&gitea.registry(), &token);
    assert_is!(error, VerifyError::Reach(ReachError::UnknownAuthority { .. }));
    assert_eq!(gitea.requests(), []);
    let trusting = Options {
        ca_file: Some(authority.write_to(folder.path()).into()),
        ..options()
    };
    let proxied = Env::from_iter([("HTTPS_PROXY", "http://no-such-proxy.invalid:3128")]);
    let name = gitea.registry().replace("127.0.0.1", "localhost");
    for name in [gitea.registry(), name] {
        ask(&name, &token, &trusting, &proxied).unwrap();
    }
    // Finding out that there is no TLS shows nothing: what speaks TLS first is told nothing but the greeting.
    let trap = http::Server::raw(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    refused(&trap.registry(), &token);
    assert_eq!(trap.seen().len(), 2, "once with TLS, once without");
    assert!(trap.with_credential() == 0 && !trap.received(&token));

    for host in ["localhost", "gitea.localhost"] {
        let plain = distribution("right", || Answer::json(200, &json!({"token": "exchanged"})));
        let name = plain.registry().replace("127.0.0.1", host);
        assert_eq!(check(&name, "right").unwrap().flow, Flow::Bearer, "{name}");
    }
    if std::net::TcpListener::bind("[::1]:0").is_ok() {
        let open = http::Server::start_on("::1".parse().unwrap(), |_| Answer::json(200, &json!({})));
        assert!(open.registry().starts_with("[::1]:"));
        assert_eq!(check(&open.registry(), DEAD).unwrap().flow, Flow::Open);
    }
}

scenario!(what_a_server_says_is_cut_cleaned_and_without_the_token);
fn what_a_server_says_is_cut_cleaned_and_without_the_token() {
    let basic = |text: &'static str| {
        http::Server::start(move |request| match request.shown() {
            Shown::Nothing => Answer::empty(401).with("www-authenticate", "Basic realm=x"),
            Shown::Basic { user, password } => {
                let shown = request.headers["authorization"].to_str().unwrap();
                Answer::text(401, &format!("{text} {user} {password} {shown}"))
            }
            _ => Answer::empty(500),
        })
    };
    let said = |server: &http::Server| match refused(&server.registry(), DEAD) {
        VerifyError::Rejected { said, .. } => said.unwrap(),
        other => panic!("{other:?}"),
    };
    // Here `ask` itself looks for the token and for the credential.
    let echo = said(&basic("you sent"));
    // A word between two secrets goes with them.
    assert_eq!(echo, "you sent admin [redacted]");
    let rude = said(&basic("\u{1b}[2J\u{202e}evil\r\n"));
    assert!(rude.starts_with("[2J evil") || rude.starts_with("[2Jevil"), "{rude:?}");
    assert!(!rude.contains(char::is_control));
    let long = basic(Box::leak("x".repeat(100_000).into_boxed_str()));
    assert!(said(&long).chars().count() <= 200);
    // The same in a redirect, and in what Gitea's API tells.
    let away = http::Server::start(|request| match request.shown() {
        Shown::Nothing => Answer::empty(401).with("www-authenticate", "Basic realm=x"),
        Shown::Basic { password, .. } => Answer::redirect(&format!("https://else.example/?t={password}")),
        _ => Answer::empty(500),
    });
    let error = refused(&away.registry(), DEAD);
    assert_is!(error, VerifyError::Redirected { to, .. } if to == "https://else.example/?t=[redacted]");
    let gitea = gitea(Profile::V1_27);
    let token = gitea.add_token("admin", "read:package");
    let login = format!("{token}\u{1b}]0;x\u{7}");
    let scopes = json!(["read:package", token, "\u{1b}[31m"]);
    gitea.replace(
        "/api/v1/token",
        Answer::json(200, &json!({"scopes": scopes, "user": {"id": 2, "login": login}})),
    );
    let verified = check(&gitea.registry(), &token).unwrap();
    assert_eq!(verified.who.as_deref(), Some("[redacted] ]0;x"));
    assert_eq!(verified.scopes.unwrap().to_string(), "read:package,[redacted],[31m");
}
