//! regcred.yaml: every name in it is one that Kubernetes allows, and a message is short and clean.

use regcred::commands::fuzzing::listed;
use regcred::model::{Registry, has_control};

pub fn check(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    match listed(text) {
        Ok(lines) => {
            for [registry, namespace, secret] in &lines {
                assert_eq!(registry.parse::<Registry>().unwrap().as_str(), registry);
                for name in [namespace, secret] {
                    let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-.".contains(&c);
                    assert!(
                        !name.is_empty() && name.len() <= 253 && name.bytes().all(allowed),
                        "{name:?}"
                    );
                }
            }
            let mut printed = "registries:\n".to_owned();
            for [registry, namespace, secret] in &lines {
                printed +=
                    &format!("- registry: {registry:?}\n  secrets: [{{namespace: {namespace:?}, name: {secret:?}}}]\n");
            }
            if !lines.is_empty() {
                assert_eq!(listed(&printed).as_ref(), Ok(&lines), "{printed}");
            }
        }
        Err(message) => assert!(message.len() < 2000 && !has_control(&message), "{message:?}"),
    }
}
