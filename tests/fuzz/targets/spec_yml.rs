//! spec.yml: what was written is read, and a message is short and clean.

use regcred::commands::fuzzing::spec;
use regcred::model::has_control;

pub fn check(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    match spec(text) {
        Ok([server, username, variable]) => {
            assert!(!server.is_empty() && !username.is_empty() && !variable.is_empty());
            let section = serde_json::json!({"server": server, "username": username, "token-env": variable});
            let printed = format!("registry-credentials: {section}\n");
            let [again, user, name] = spec(&printed).unwrap();
            assert_eq!((again, user), (server, username));
            assert_eq!(name, variable);
        }
        Err(message) => assert!(message.len() < 2000 && !has_control(&message), "{message:?}"),
    }
}
