//! Making and deleting tokens: every generation, every refusal, and servers that want the password.

use std::time::Duration;

use regcred::model::{Token, Use};
use regcred::registry::{
    Account, AccountError, MintError, MintScopes, Minted, Options, RevokeError, Revoked, SiteError, TokenName, mint,
    revoke,
};
use regcred::sys::env::Env;
use serde_json::json;

use crate::support::gitea::{Gitea, Profile, State, Strip};
use crate::support::http::Answer;
use crate::support::world::credential;

pub const PASSWORD: &str = "password of admin";
const TOKENS: &str = "basic /api/v1/users/admin/tokens";

pub fn options() -> Options {
    Options {
        timeout: Duration::from_secs(20),
        ..Options::default()
    }
}

pub fn account(password: &str, code: Option<&str>) -> Account {
    Account {
        username: "admin".parse().unwrap(),
        password: Token::verbatim(password.to_owned()),
        code: code.map(|code| code.parse().unwrap()),
    }
}

pub fn gitea(profile: Profile) -> Gitea {
    let gitea = Gitea::start(profile);
    gitea.add_user("somebody");
    gitea.add_user("admin");
    gitea
}

pub fn make_with(registry: &str, account: &Account, options: &Options, env: &Env) -> Result<Minted, MintError> {
    let name: TokenName = "ci".parse().unwrap();
    let made = mint(
        &registry.parse().unwrap(),
        account,
        &name,
        &MintScopes::for_use(Use::Cluster),
        options,
        env,
    );
    let shown = match &made {
        Ok(minted) => format!("{minted:?}"),
        Err(error) => format!("{error} {error:?} {:?}", error.hint()),
    };
    assert!(!shown.contains(account.password.expose()), "the password is in {shown}");
    if let Ok(minted) = &made {
        assert!(!shown.contains(minted.token.expose()), "the token is in {shown}");
    }
    made
}

fn make(gitea: &Gitea, account: &Account) -> Result<Minted, MintError> {
    make_with(&gitea.registry(), account, &options(), &Env::default())
}

pub fn end(gitea: &Gitea, token: &str, account: Option<&Account>) -> Result<Revoked, RevokeError> {
    let ended = revoke(
        &credential(&gitea.registry(), "admin", token),
        account,
        &options(),
        &Env::default(),
    );
    if let Err(error) = &ended {
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert!(!shown.contains(token) && !shown.contains(PASSWORD), "{shown}");
    }
    ended
}

pub fn knows(gitea: &Gitea, token: &str) -> bool {
    gitea.state().tokens.iter().any(|pat| pat.value == token)
}

/// Says what did not match.
macro_rules! assert_is {
    ($outcome:expr, $pattern:pat $(if $guard:expr)?, $($context:tt)+) => {
        match $outcome {
            $pattern $(if $guard)? => {}
            other => panic!("expected {}, got {other:?}: {}", stringify!($pattern), format_args!($($context)+)),
        }
    };
}
pub(crate) use assert_is;

scenario!(every_generation_makes_and_deletes_a_token);
fn every_generation_makes_and_deletes_a_token() {
    for profile in Profile::ALL {
        let gitea = gitea(profile);
        let made = make(&gitea, &account(PASSWORD, None)).unwrap();
        let token = made.token.expose().to_owned();
        assert_eq!(gitea.shown(), [TOKENS], "{profile:?}: the password is sent once");
        {
            let state = gitea.state();
            let kept = state.tokens.last().unwrap();
            assert_eq!(
                (kept.id, kept.name.as_str(), &kept.value),
                (made.id, "ci", &token),
                "{profile:?}"
            );
            assert_eq!(kept.scopes, "read:package", "{profile:?}");
        }
        let tells = !matches!(
            profile,
            Profile::V1_17 | Profile::V1_19 | Profile::V1_20 | Profile::V1_21
        ) && !profile.is_forgejo();
        let scopes = made.scopes.map(|scopes| scopes.to_string());
        assert_eq!(scopes.as_deref(), tells.then_some("read:package"), "{profile:?}");

        // Some other token, which nothing happens to.
        let other = gitea.add_token("admin", "all");
        let ended = if profile == Profile::V1_27 {
            end(&gitea, &token, None)
        } else {
            assert_is!(
                end(&gitea, &token, None),
                Err(RevokeError::NeedsPassword { .. }),
                "{profile:?}"
            );
            end(&gitea, &token, Some(&account(PASSWORD, None)))
        };
        assert_eq!(ended.unwrap(), Revoked::Now, "{profile:?}");
        assert!(!knows(&gitea, &token) && knows(&gitea, &other), "{profile:?}");
    }
}

scenario!(a_wrong_password_is_sent_once);
fn a_wrong_password_is_sent_once() {
    for profile in Profile::ALL {
        let gitea = gitea(profile);
        let error = make(&gitea, &account("hunter2 hunter2", None)).unwrap_err();
        match error {
            MintError::Account(AccountError::NotSeen { .. }) if profile == Profile::V1_17 => {}
            MintError::Account(AccountError::PasswordOrCode { with_code: false, .. }) => {
                assert!(
                    matches!(profile, Profile::V1_25 | Profile::V1_26 | Profile::V1_27),
                    "{profile:?}"
                );
                assert!(
                    error.wants_code() && error.to_string().contains("second factor"),
                    "{error}"
                );
            }
            MintError::Account(AccountError::WrongPassword { .. }) => assert!(!error.wants_code(), "{profile:?}"),
            other => panic!("{profile:?}: {other:?}"),
        }
        assert_eq!(gitea.shown(), [TOKENS], "{profile:?}: one refusal ends it");
        let token = gitea.add_token("admin", "read:package");
        let ended = end(&gitea, &token, Some(&account("hunter2 hunter2", None)));
        let tried = gitea.shown().into_iter().filter(|shown| shown == TOKENS).count();
        if profile == Profile::V1_27 {
            assert_eq!(
                (ended.unwrap(), tried),
                (Revoked::Now, 1),
                "where no password is needed, none is sent"
            );
        } else {
            assert_is!(ended, Err(RevokeError::Account { .. }), "{profile:?}");
            assert_eq!((tried, knows(&gitea, &token)), (2, true), "{profile:?}");
        }
    }
}

scenario!(one_time_codes_by_generation);
fn one_time_codes_by_generation() {
    for profile in Profile::ALL {
        let gitea = gitea(profile);
        gitea.state().users[1].code = Some("123456".to_owned());
        let tells = !matches!(profile, Profile::V1_25 | Profile::V1_26 | Profile::V1_27);
        let error = make(&gitea, &account(PASSWORD, None)).unwrap_err();
        if profile == Profile::V1_17 {
            assert_is!(error, MintError::Account(AccountError::NotSeen { .. }), "{profile:?}");
            continue;
        }
        assert!(
            error.wants_code() && error.hint().unwrap().contains("--password-stdin"),
            "{profile:?}"
        );
        if tells {
            assert_is!(
                error,
                MintError::Account(AccountError::CodeWanted { .. }),
                "{profile:?}"
            );
        } else {
            assert_is!(
                error,
                MintError::Account(AccountError::PasswordOrCode { .. }),
                "{profile:?}"
            );
        }
        let error = make(&gitea, &account(PASSWORD, Some("654321"))).unwrap_err();
        assert!(!error.wants_code(), "{profile:?}");
        if tells {
            assert_is!(error, MintError::Account(AccountError::CodeWrong { .. }), "{profile:?}");
        }
        assert_eq!(
            gitea.shown(),
            [TOKENS, TOKENS],
            "{profile:?}: nothing is tried by itself"
        );
        let made = make(&gitea, &account(PASSWORD, Some("123 456"))).unwrap();
        // Where it is good for one request, the list and the deletion do with one more.
        let next = if profile.consumes_codes() { "123457" } else { "123456" };
        gitea.state().users[1].code = Some(next.to_owned());
        let ended = end(&gitea, made.token.expose(), Some(&account(PASSWORD, Some(next))));
        assert_eq!(ended.unwrap(), Revoked::Now, "{profile:?}");
        assert!(gitea.state().tokens.is_empty(), "{profile:?}: nothing is left of it");
    }
    for profile in [Profile::V1_26, Profile::V1_27] {
        let gitea = gitea(profile);
        gitea.state().users[1].code = Some("123456".to_owned());
        make(&gitea, &account(PASSWORD, Some("123456"))).unwrap();
        let again = make(&gitea, &account(PASSWORD, Some("123456")));
        assert!(again.as_ref().is_err_and(MintError::refuses_code), "{profile:?}");
        assert_is!(
            again,
            Err(MintError::Account(AccountError::PasswordOrCode { with_code: true, .. })),
            "{profile:?}: a used code"
        );
    }
}

type Change = fn(&mut State);

scenario!(accounts_that_may_not);
fn accounts_that_may_not() {
    let outcome = |profile: Profile, change: Change| {
        let gitea = gitea(profile);
        change(&mut gitea.state());
        let made = make(&gitea, &account(PASSWORD, None));
        assert_eq!(gitea.shown(), [TOKENS], "{profile:?}");
        (made, format!("http://{}/user/settings/applications", gitea.registry()))
    };
    for profile in Profile::ALL.into_iter().filter(|profile| *profile != Profile::V1_17) {
        let generic = matches!(profile, Profile::V1_25 | Profile::V1_26 | Profile::V1_27);
        match outcome(profile, |state| state.users[1].security_key = true) {
            (Ok(_), _) => assert!(
                profile.is_forgejo()
                    || !generic && !matches!(profile, Profile::V1_22 | Profile::V1_23 | Profile::V1_24),
                "{profile:?}"
            ),
            (Err(error), page) => {
                assert!(error.hint().unwrap().contains(&page), "{error:?}");
                assert_is!(
                    error,
                    MintError::Account(AccountError::SecurityKey { .. }),
                    "{profile:?}"
                );
            }
        }
        let (elsewhere, page) = outcome(profile, |state| state.users[1].elsewhere = true);
        match elsewhere.unwrap_err() {
            MintError::Account(AccountError::PasswordOrCode { .. }) => assert!(generic, "{profile:?}"),
            error => {
                assert!(error.hint().unwrap().contains(&page), "{error:?}");
                assert_is!(
                    error,
                    MintError::Account(AccountError::SignsInElsewhere { .. }),
                    "{profile:?}"
                );
            }
        }
        let (disabled, page) = outcome(profile, |state| state.enable_basic = false);
        let error = disabled.unwrap_err();
        let hint = error.hint().unwrap();
        assert!(
            hint.contains("ENABLE_BASIC_AUTHENTICATION") && hint.contains(&page),
            "{hint}"
        );
        assert_is!(error, MintError::Account(AccountError::NotSeen { .. }), "{profile:?}");

        let (prohibited, _) = outcome(profile, |state| state.users[1].prohibited = true);
        match prohibited.unwrap_err() {
            MintError::Account(AccountError::PasswordOrCode { .. }) => assert!(generic, "{profile:?}"),
            error => assert_is!(
                error,
                MintError::Account(AccountError::Prohibited { .. }),
                "{profile:?}"
            ),
        }
        let (inactive, _) = outcome(profile, |state| {
            state.users[1].active = false;
            state.confirms_email = true;
        });
        assert_is!(
            inactive,
            Err(MintError::Account(AccountError::Prohibited { said, .. })) if said.contains("not activated"),
            "{profile:?}"
        );
        let (stale, _) = outcome(profile, |state| state.users[1].must_change_password = true);
        let error = stale.unwrap_err();
        assert!(
            error.hint().unwrap().contains("/user/settings/change_password"),
            "{error:?}"
        );
        assert_is!(
            error,
            MintError::Account(AccountError::MustChangePassword { .. }),
            "{profile:?}"
        );
    }
    // An account is let in by its e-mail address, and not found by it.
    let gitea = gitea(Profile::V1_27);
    let mut by_mail = account(PASSWORD, None);
    by_mail.username = "admin@example.com".parse().unwrap();
    "admin@example.com".clone_into(&mut gitea.state().users[1].login);
    gitea.replace(
        "/api/v1/users/admin%40example.com/tokens",
        Answer::json(
            404,
            &json!({"message": "user redirect does not exist [name: admin@example.com]"}),
        ),
    );
    let error = make(&gitea, &by_mail).unwrap_err();
    assert!(error.hint().unwrap().contains("e-mail"), "{error:?}");
    assert_is!(
        error,
        MintError::Account(AccountError::NoSuchAccount { .. }),
        "by e-mail"
    );
}

scenario!(names_and_scopes_that_are_refused);
fn names_and_scopes_that_are_refused() {
    for profile in Profile::ALL {
        let gitea = gitea(profile);
        let registry = gitea.registry().parse().unwrap();
        let ask = |name: &str, scopes: &str| {
            let (name, scopes) = (name.parse().unwrap(), scopes.parse().unwrap());
            mint(
                &registry,
                &account(PASSWORD, None),
                &name,
                &scopes,
                &options(),
                &Env::default(),
            )
        };
        ask("ci", "read:package").unwrap();
        let error = ask("ci", "read:package").unwrap_err();
        let hint = error.hint().unwrap();
        assert!(
            hint.contains("--token-name") && hint.contains("/user/settings/applications"),
            "{hint}"
        );
        assert_is!(error, MintError::NameTaken { name, .. } if name.as_str() == "ci", "{profile:?}");
        if profile == Profile::V1_17 {
            // It knows no scopes, and takes any.
            ask("any", "read:everything").unwrap();
            continue;
        }
        let error = ask("other", "read:package,read:everything").unwrap_err();
        assert!(error.hint().unwrap().contains("--scopes read:package"), "{error:?}");
        assert_is!(error, MintError::InvalidScope { said, .. } if said == "read:everything", "{profile:?}");
        let old = ask("old", "package");
        if profile == Profile::V1_19 {
            old.unwrap();
        } else {
            assert_is!(old, Err(MintError::InvalidScope { .. }), "{profile:?}");
        }
    }
    // A server may want a scope that it does not say which.
    let gitea = gitea(Profile::V1_27);
    let body = json!({"message": "access token must have a scope", "url": "x"});
    gitea.replace("/api/v1/users/admin/tokens", Answer::json(400, &body));
    let error = make(&gitea, &account(PASSWORD, None)).unwrap_err();
    assert!(error.hint().unwrap().contains("--scopes"), "{error:?}");
    assert_is!(error, MintError::NoScope { .. }, "no scope");
}

scenario!(a_token_in_place_of_the_password);
fn a_token_in_place_of_the_password() {
    for profile in Profile::ALL {
        let gitea = gitea(profile);
        let package = gitea.add_token("admin", "write:package");
        let made = make(&gitea, &account(&package, None));
        match made {
            // These do not look at scopes here.
            Ok(_) => assert!(matches!(profile, Profile::V1_17 | Profile::V1_19), "{profile:?}"),
            Err(MintError::Account(AccountError::TokenAsPassword { scopes })) => {
                let told = matches!(
                    profile,
                    Profile::V1_23 | Profile::V1_24 | Profile::V1_25 | Profile::V1_26 | Profile::V1_27
                );
                assert_eq!(
                    scopes.map(|scopes| scopes.to_string()),
                    told.then(|| "write:package".to_owned())
                );
            }
            Err(other) => panic!("{profile:?}: {other:?}"),
        }
        let user = gitea.add_token("admin", "write:user");
        let narrow = mint(
            &gitea.registry().parse().unwrap(),
            &account(&user, None),
            &"by token".parse().unwrap(),
            &MintScopes::for_use(Use::Docker),
            &options(),
            &Env::default(),
        );
        match narrow {
            Ok(_) => assert_ne!(profile, Profile::V1_27),
            Err(MintError::BroaderScope { .. }) => assert_eq!(profile, Profile::V1_27),
            Err(other) => panic!("{profile:?}: {other:?}"),
        }
    }
}

scenario!(a_proxy_that_removes_the_password);
fn a_proxy_that_removes_the_password() {
    for profile in Profile::ALL {
        let gitea = gitea(profile);
        let token = gitea.add_token("admin", "read:package");
        gitea.state().strip = Strip::Api;
        for require_signin in [false, true] {
            gitea.state().require_signin = require_signin;
            let error = make(&gitea, &account(PASSWORD, None)).unwrap_err();
            assert_is!(error, MintError::Account(AccountError::NotSeen { .. }), "{profile:?}");
            // Nobody's token is not a token that is gone.
            assert_is!(
                end(&gitea, &token, None),
                Err(RevokeError::NotSeen { .. }),
                "{profile:?}"
            );
        }
        assert!(knows(&gitea, &token));
    }
}

scenario!(below_a_path);
fn below_a_path() {
    for profile in Profile::ALL {
        let gitea = gitea(profile);
        gitea.state().root_url = format!("http://{}/code/gitea/", gitea.address());
        let page = format!("http://{}/code/gitea/user/settings/applications", gitea.registry());
        let tells = profile.is_forgejo()
            || matches!(
                profile,
                Profile::V1_17 | Profile::V1_19 | Profile::V1_20 | Profile::V1_21
            );
        let made = make(&gitea, &account(PASSWORD, None));
        if tells {
            assert_eq!(made.unwrap().page, page, "{profile:?}");
        } else {
            // The realm names the host alone: nothing is guessed, and nothing sent.
            let error = made.unwrap_err();
            assert!(error.hint().unwrap().contains("--gitea-path"), "{error:?}");
            assert_is!(error, MintError::Site(SiteError::NoApi { .. }), "{profile:?}");
            assert_eq!(gitea.shown(), [""; 0], "{profile:?}");
        }
        let there = Options {
            gitea_path: Some("/code/gitea/".parse().unwrap()),
            ..options()
        };
        gitea.state().tokens.clear();
        let made = make_with(&gitea.registry(), &account(PASSWORD, None), &there, &Env::default()).unwrap();
        assert_eq!(made.page, page);
        let of_token = credential(&gitea.registry(), "admin", made.token.expose());
        match revoke(&of_token, None, &there, &Env::default()) {
            Ok(Revoked::Now) => assert_eq!(profile, Profile::V1_27),
            Err(error) => {
                assert_eq!(error.page(), Some(page.as_str()));
                assert_is!(error, RevokeError::NeedsPassword { .. }, "{profile:?}");
            }
            other => panic!("{profile:?}: {other:?}"),
        }
    }
    // Another application's API at the root is not Gitea's: the password stays here.
    let gitea = gitea(Profile::V1_27);
    gitea.state().root_url = format!("http://{}/code/", gitea.address());
    gitea.replace("/api/v1/version", Answer::json(200, &json!({"version": "harbour"})));
    assert_is!(
        make(&gitea, &account(PASSWORD, None)),
        Err(MintError::Site(SiteError::NoApi { .. })),
        "another application"
    );
    assert_eq!(gitea.shown(), [""; 0]);
}
