//! Deleting tokens: which one, when it needs a password, and when it is believed.

use regcred::registry::{AccountError, RevokeError, Revoked, SiteError, revoke};
use regcred::sys::env::Env;
use serde_json::json;

use super::mint::{PASSWORD, account, assert_is, end, gitea, knows, options};
use crate::support::gitea::Profile;
use crate::support::http::{self, Answer};
use crate::support::world::credential;

scenario!(what_is_gone_already_needs_no_password);
fn what_is_gone_already_needs_no_password() {
    for profile in Profile::ALL {
        let gitea = gitea(profile);
        let token = gitea.add_token("admin", "read:package");
        gitea.revoke(&token);
        let ended = end(&gitea, &token, None);
        if matches!(profile, Profile::V1_17 | Profile::V1_19) {
            // They take whoever shows a dead token for nobody.
            assert_is!(ended, Err(RevokeError::NotSeen { .. }), "{profile:?}");
            let ended = end(&gitea, &token, Some(&account(PASSWORD, None)));
            assert_is!(ended, Err(RevokeError::NotListed { .. }), "{profile:?}");
        } else {
            assert_eq!(ended.unwrap(), Revoked::Before, "{profile:?}");
            let basic = gitea
                .shown()
                .into_iter()
                .filter(|shown| shown.starts_with("basic"))
                .count();
            assert_eq!(basic, 0, "{profile:?}: a dead token is never tried as a password");
        }
    }
}

scenario!(a_password_is_not_taken_for_a_revoked_token);
/// It stays valid, and is not tried as one.
fn a_password_is_not_taken_for_a_revoked_token() {
    for profile in Profile::ALL {
        let gitea = gitea(profile);
        let ended = end(&gitea, PASSWORD, None);
        if matches!(profile, Profile::V1_17 | Profile::V1_19) {
            assert_is!(ended, Err(RevokeError::NotSeen { .. }), "{profile:?}");
        } else {
            assert_is!(ended, Err(RevokeError::Password), "{profile:?}");
        }
        let is_basic = |shown: &String| shown.starts_with("basic");
        assert!(!gitea.shown().iter().any(is_basic), "{profile:?}");
    }
}

scenario!(one_of_many_and_never_one_of_two);
fn one_of_many_and_never_one_of_two() {
    for profile in [Profile::V1_19, Profile::V1_22, Profile::V1_26, Profile::Forgejo15] {
        let gitea = gitea(profile);
        let token = gitea.add_token("admin", "read:package");
        // Old enough to stand on the third page; and names that look like its id.
        let id = gitea.state().tokens[0].id;
        for number in 0..120 {
            gitea.state().add_token("admin", &format!("{number}"), "read:package");
        }
        gitea.state().add_token("somebody", &id.to_string(), "read:package");
        assert_eq!(
            end(&gitea, &token, Some(&account(PASSWORD, None))).unwrap(),
            Revoked::Now,
            "{profile:?}"
        );
        assert_eq!(gitea.state().tokens.len(), 121, "{profile:?}");
        assert!(!knows(&gitea, &token));

        let token = gitea.add_token("admin", "read:package");
        let twin = gitea.add_token("admin", "read:package");
        {
            let mut state = gitea.state();
            let twin = state.tokens.iter_mut().find(|pat| pat.value == twin).unwrap();
            twin.value.replace_range(32.., &token[32..]);
        }
        let error = end(&gitea, &token, Some(&account(PASSWORD, None))).unwrap_err();
        assert!(error.page().unwrap().ends_with("/user/settings/applications"));
        assert_is!(error, RevokeError::Ambiguous { .. }, "{profile:?}");
        assert_eq!(gitea.state().tokens.len(), 123, "{profile:?}: none was deleted");
        // Somebody else's token is in nobody's list.
        let token = gitea.add_token("somebody", "read:package");
        let ended = end(&gitea, &token, Some(&account(PASSWORD, None)));
        assert_is!(ended, Err(RevokeError::NotListed { .. }), "{profile:?}");
    }
}

scenario!(who_needs_a_password_is_told_the_page);
fn who_needs_a_password_is_told_the_page() {
    for profile in Profile::ALL.into_iter().filter(|profile| *profile != Profile::V1_27) {
        let gitea = gitea(profile);
        let token = gitea.add_token("admin", "read:package");
        let error = end(&gitea, &token, None).unwrap_err();
        let page = format!("http://{}/user/settings/applications", gitea.registry());
        assert_eq!(error.page(), Some(page.as_str()), "{profile:?}");
        assert!(
            error.wants_password() && error.hint().unwrap().contains(&page),
            "{error:?}"
        );
        assert!(knows(&gitea, &token));
    }
    // No Gitea: there is nothing to ask, and nothing is sent.
    let other = http::Server::start(|_| Answer::empty(401).with("www-authenticate", r#"Basic realm="x""#));
    let ended = revoke(
        &credential(&other.registry(), "admin", "0123456789abcdef"),
        None,
        &options(),
        &Env::default(),
    );
    assert_is!(
        ended,
        Err(RevokeError::Site(SiteError::NotGitea { .. })),
        "another registry"
    );
    assert_eq!(other.with_credential(), 0);
}

scenario!(a_server_that_only_says_so_is_not_believed);
fn a_server_that_only_says_so_is_not_believed() {
    let gitea = gitea(Profile::V1_27);
    let token = gitea.add_token("admin", "read:package");
    gitea.replace("/api/v1/token", Answer::empty(204));
    assert_is!(
        end(&gitea, &token, None),
        Err(RevokeError::StillAccepted { .. }),
        "a 204 of somebody else"
    );
    for answer in [
        Answer::json(500, &json!({"message": "no"})),
        Answer::json(418, &json!({"message": "tea"})),
    ] {
        let gitea = super::mint::gitea(Profile::V1_27);
        let token = gitea.add_token("admin", "read:package");
        gitea.replace("/api/v1/token", answer);
        assert!(end(&gitea, &token, None).is_err());
        assert!(knows(&gitea, &token));
    }
}

scenario!(an_account_that_may_not_sign_in);
/// The server says so where the token is to delete itself, and the password would not help.
fn an_account_that_may_not_sign_in() {
    // The API of 1.26 says it only where it knows the path that is asked for.
    for profile in Profile::ALL.into_iter().filter(|profile| *profile != Profile::V1_26) {
        for password in [None, Some(account(PASSWORD, None))] {
            let gitea = gitea(profile);
            let token = gitea.add_token("admin", "read:package");
            gitea.state().users[1].must_change_password = true;
            match end(&gitea, &token, password.as_ref()) {
                Err(RevokeError::Account { error, .. }) => {
                    let page = "/user/settings/change_password";
                    assert!(error.hint().unwrap().ends_with(page), "{profile:?}: {error:?}");
                    assert_is!(error, AccountError::MustChangePassword { .. }, "{profile:?}");
                }
                other => panic!("{profile:?}: {other:?}"),
            }
            gitea.state().users[1].prohibited = true;
            match end(&gitea, &token, password.as_ref()) {
                Err(RevokeError::Account { error, .. }) => {
                    assert!(error.to_string().contains("prohibited from signing in"), "{error}");
                    assert_is!(error, AccountError::Prohibited { .. }, "{profile:?}");
                }
                other => panic!("{profile:?}: {other:?}"),
            }
            assert!(knows(&gitea, &token));
            assert!(
                gitea.shown().iter().all(|shown| shown == "bearer /api/v1/token"),
                "{profile:?}"
            );
        }
    }
}
