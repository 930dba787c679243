//! The claims of the token that Gitea's registry issues.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// The claims about the user in the token from `GET /v2/token`.
///
/// The signature is not checked: the token came from the registry itself, which checks it when the token is used. Here
/// it only tells which user the registry has recognised.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Claims {
    /// The account's id. For an unknown user Gitea issues a token for `-1`, its "ghost" user, also with status 200.
    #[serde(rename = "UserID")]
    pub user: Option<i64>,
    /// The token's scopes, since Gitea 1.22.2 and Forgejo 7.0.8; empty for a password at Forgejo and for the ghost
    /// user.
    #[serde(rename = "Scope")]
    pub scope: Option<String>,
}

impl Claims {
    /// Parses the payload of `header.payload.signature` (RFC 7519 §3).
    pub fn of(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&payload).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn tokens_of_all_versions_are_parsed() {
        for (payload, user, scope) in [
            (r#"{"exp":1,"nbf":1,"UserID":2}"#, Some(2), None),
            (
                r#"{"exp":1,"nbf":1,"UserID":2,"Scope":"read:package","ActionsUserTaskID":0}"#,
                Some(2),
                Some("read:package"),
            ),
            (r#"{"UserID":-1,"Scope":""}"#, Some(-1), Some("")),
            (r#"{"iss":"someone","sub":"else"}"#, None, None),
        ] {
            let claims = Claims::of(&token(payload)).unwrap();
            assert_eq!((claims.user, claims.scope.as_deref()), (user, scope), "{payload}");
        }
    }

    #[test]
    fn an_invalid_jwt_is_none() {
        for text in [
            String::new(),
            "opaque".to_owned(),
            "a.b".to_owned(),
            "a.%%%.c".to_owned(),
            "a.b.c.d".to_owned(),
            token("not json"),
            token("[]"),
            token(r#"{"UserID":"2"}"#),
        ] {
            assert_eq!(Claims::of(&text), None, "{text}");
        }
    }
}
