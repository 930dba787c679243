//! A JWT of a token server: what was put into its payload is what is read, and anything else is nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regcred::registry::fuzzing::claims;
use serde_json::{Value, json};

use super::number;

fn token(payload: impl AsRef<[u8]>) -> String {
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
}

pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if claims(&text).is_some() {
        assert_eq!(text.split('.').count(), 3);
    }
    // The payload, whatever it is: the same as another reader makes of it, or nothing.
    let found = claims(&token(bytes));
    if let (Some((user, scope)), Ok(read)) = (&found, serde_json::from_slice::<Value>(bytes)) {
        if let Value::Object(read) = &read {
            assert_eq!(read.get("UserID").and_then(Value::as_i64), *user);
            assert_eq!(read.get("Scope").and_then(Value::as_str), scope.as_deref());
        }
    }
    let user = number(bytes).cast_signed();
    let token = token(json!({"exp": 1, "UserID": user, "Scope": text}).to_string());
    assert_eq!(claims(&token), Some((Some(user), Some(text.into_owned()))));
    assert_eq!(claims(&format!("{token}.more")), None);
}
