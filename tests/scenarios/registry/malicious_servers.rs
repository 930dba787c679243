//! Servers and what stands before them, that want the password or the token.

use regcred::registry::{MintError, Options, RevokeError, SiteError, VerifyError, revoke};
use regcred::sys::env::Env;
use serde_json::json;

use super::mint::{PASSWORD, account, assert_is, make_with, options};
use crate::support::gitea::{Gitea, Profile};
use crate::support::http::{self, Answer, Manner};
use crate::support::tls::{Authority, Valid};
use crate::support::world::credential;

/// A name that no test's machine is called by; tests reach it through a proxy of their own.
const NAME: &str = "gitea.example.com";
const TOKENS: &str = "/api/v1/users/admin/tokens";

/// What the registry answers there, given the thief's address.
type Trick = fn(&str) -> Answer;

fn thief() -> http::Server {
    http::Server::start(|_| Answer::json(201, &json!({"id": 1, "sha1": "0123456789abcdef", "token": "thanks"})))
}

scenario!(nobody_else_receives_the_password);
fn nobody_else_receives_the_password() {
    // Where the trick is, and how many requests with the password the registry itself gets.
    let tricks: [(&str, Trick, usize); 5] = [
        ("/v2/", |thief| Answer::redirect(&format!("http://{thief}/v2/")), 0),
        (
            "/api/v1/version",
            |thief| Answer::redirect(&format!("http://{thief}/api/v1/version")),
            0,
        ),
        (TOKENS, |thief| Answer::redirect(&format!("http://{thief}{TOKENS}")), 1),
        (
            TOKENS,
            |thief| Answer::empty(303).with("location", &format!("http://{thief}{TOKENS}")),
            1,
        ),
        // A link of another address in an answer that is otherwise right, and a body without a token.
        (
            TOKENS,
            |thief| {
                Answer::json(201, &json!({"id": 1, "sha1": ""}))
                    .with("link", &format!("<http://{thief}/>; rel=\"next\""))
            },
            1,
        ),
    ];
    for (path, trick, sent) in tricks {
        let thief = thief();
        let gitea = Gitea::start(Profile::V1_27);
        gitea.add_user("admin");
        gitea.replace(path, trick(&thief.registry()));
        let error = make_with(&gitea.registry(), &account(PASSWORD, None), &options(), &Env::default()).unwrap_err();
        assert_eq!(thief.seen(), [], "{path}: {error}");
        assert_eq!(gitea.shown().len(), sent, "{path}: {error}");
    }
    // A realm that leads elsewhere, on a second line as well: the API is looked for at the registry itself.
    for fields in [1, 2] {
        let thief = thief();
        let gitea = Gitea::start(Profile::V1_22);
        gitea.add_user("admin");
        let realm = format!(
            r#"Bearer realm="http://{}/v2/token",service="container_registry""#,
            thief.registry()
        );
        let mut answer = Answer::empty(401);
        for _ in 0..fields {
            answer = answer.with("www-authenticate", r#"Basic realm="Gitea Container Registry""#);
            answer = answer.with("www-authenticate", &realm);
        }
        gitea.replace("/v2/", answer);
        make_with(&gitea.registry(), &account(PASSWORD, None), &options(), &Env::default()).unwrap();
        assert_eq!(thief.seen(), []);
        assert_eq!(gitea.shown(), [format!("basic {TOKENS}")]);
    }
}

scenario!(over_https_nothing_falls_back_to_http);
fn over_https_nothing_falls_back_to_http() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let trusting = Options {
        ca_file: Some(authority.write_to(folder.path()).into()),
        ..options()
    };
    let thief = thief();
    let gitea = Gitea::start_tls(Profile::V1_25, NAME, authority.server(&[NAME], Valid::Now));
    gitea.add_user("admin");
    // It believes that it is spoken to without TLS.
    gitea.state().realm = Some(format!("http://{NAME}/v2/token"));
    let proxy = http::Server::tunnel(gitea.address());
    let env = Env::from_iter([
        ("HTTPS_PROXY", format!("http://{}", proxy.registry())),
        ("HTTP_PROXY", format!("http://{}", thief.registry())),
    ]);
    let made = make_with(NAME, &account(PASSWORD, None), &trusting, &env).unwrap();
    let of_token = credential(NAME, "admin", made.token.expose());
    assert_is!(
        revoke(&of_token, None, &trusting, &env),
        Err(RevokeError::NeedsPassword { page, .. }) if page == format!("https://{NAME}/user/settings/applications"),
        "1.25"
    );
    revoke(&of_token, Some(&account(PASSWORD, None)), &trusting, &env).unwrap();
    assert_eq!(thief.seen(), []);
    for secret in [PASSWORD, made.token.expose()] {
        assert!(!proxy.received(secret), "the proxy sees only what is encrypted");
    }
    // Without TLS a name that is not this machine's is asked only with --plain-http: here nothing answers https.
    let plain = Gitea::start(Profile::V1_27);
    plain.add_user("admin");
    let proxy = http::Server::tunnel(plain.address());
    let env = Env::from_iter([("HTTPS_PROXY", format!("http://{}", proxy.registry()))]);
    assert_is!(
        make_with(NAME, &account(PASSWORD, None), &options(), &env),
        Err(MintError::Site(SiteError::Verify(VerifyError::Reach(_)))),
        "no TLS"
    );
    assert_eq!(plain.shown(), [""; 0]);
}

scenario!(an_answer_that_does_not_arrive_whole);
fn an_answer_that_does_not_arrive_whole() {
    let whole = json!({"id": 1, "name": "ci", "sha1": "0123456789abcdef0123456789abcdef01234567", "scopes": null});
    let answers = [
        Answer::json(201, &whole).in_manner(Manner::Cut),
        Answer::json(502, &json!({"message": "bad gateway"})),
        Answer::json(201, &json!({"id": 1})),
        Answer::json(201, &json!({"id": 1, "sha1": "short"})),
        Answer::json(201, &json!({"id": 1, "sha1": "with a blank in it and a\nline"})),
        Answer::html(201, "<html>"),
    ];
    for answer in answers {
        let gitea = Gitea::start(Profile::V1_27);
        gitea.add_user("admin");
        gitea.replace(TOKENS, answer.clone());
        let error = make_with(&gitea.registry(), &account(PASSWORD, None), &options(), &Env::default()).unwrap_err();
        let hint = error.hint().unwrap();
        assert!(
            hint.contains("ci") && hint.contains("/user/settings/applications"),
            "{answer:?}: {hint}"
        );
        assert_is!(error, MintError::Uncertain { .. }, "{answer:?}");
        assert_eq!(gitea.shown().len(), 1, "{answer:?}: it is not tried again");
    }
}

scenario!(what_a_server_says_is_without_the_password);
fn what_a_server_says_is_without_the_password() {
    let basic = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(format!("admin:{PASSWORD}"))
    };
    for status in [400, 401, 403, 418] {
        let gitea = Gitea::start(Profile::V1_27);
        gitea.add_user("admin");
        let said = format!("\u{1b}[2Jno: {PASSWORD} and {basic} {}", "long ".repeat(1000));
        gitea.replace(TOKENS, Answer::json(status, &json!({"message": said})));
        let error = make_with(&gitea.registry(), &account(PASSWORD, None), &options(), &Env::default()).unwrap_err();
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert!(
            !shown.contains(PASSWORD) && !shown.contains(&basic) && !error.to_string().contains('\u{1b}'),
            "{shown}"
        );
        assert!(error.to_string().chars().count() < 400, "{shown}");
    }
    // The token itself comes back in the list of scopes.
    let gitea = Gitea::start(Profile::V1_27);
    gitea.add_user("admin");
    let token = "0123456789abcdef0123456789abcdef01234567";
    let made = json!({"id": 1, "sha1": token, "scopes": [format!("read:{token}"), PASSWORD]});
    gitea.replace(TOKENS, Answer::json(201, &made));
    let made = make_with(&gitea.registry(), &account(PASSWORD, None), &options(), &Env::default()).unwrap();
    let shown = made.scopes.unwrap().to_string();
    assert!(!shown.contains(token) && !shown.contains(PASSWORD), "{shown}");
}

scenario!(nobody_else_receives_the_token_or_the_password);
fn nobody_else_receives_the_token_or_the_password() {
    for profile in [Profile::V1_25, Profile::V1_27] {
        let tricks: [(&str, Trick); 5] = [
            ("/v2/", |thief| Answer::redirect(&format!("http://{thief}/v2/"))),
            ("/api/v1/token", |thief| {
                Answer::redirect(&format!("http://{thief}/api/v1/token"))
            }),
            ("/api/v1/user", |thief| {
                Answer::redirect(&format!("http://{thief}/api/v1/user"))
            }),
            (TOKENS, |thief| Answer::redirect(&format!("http://{thief}{TOKENS}"))),
            // A list that says that it goes on elsewhere.
            (TOKENS, |thief| {
                Answer::json(200, &json!([])).with("link", &format!("<http://{thief}{TOKENS}>; rel=\"next\""))
            }),
        ];
        for (path, trick) in tricks {
            let thief = thief();
            let gitea = Gitea::start(profile);
            gitea.add_user("admin");
            let token = gitea.add_token("admin", "write:package");
            gitea.replace(path, trick(&thief.registry()));
            let of_token = credential(&gitea.registry(), "admin", &token);
            let ended = revoke(&of_token, Some(&account(PASSWORD, None)), &options(), &Env::default());
            // On 1.27 the list is not looked at.
            let untouched = profile == Profile::V1_27 && path == TOKENS;
            assert_eq!(ended.is_ok(), untouched, "{profile:?} {path}: {ended:?}");
            assert_eq!(thief.seen(), [], "{profile:?} {path}");
            let with_password = gitea.shown().iter().filter(|shown| shown.starts_with("basic")).count();
            assert!(with_password <= 1, "{profile:?} {path}");
        }
    }
}
