//! registry.env: a value in quotes is read as it is, the last assignment counts, and a message quotes no value.

use regcred::commands::fuzzing::{assigned, env_file};
use regcred::model::has_control;

/// A value that a message would show if it quoted one.
const CANARY: &str = "d1ac49c2b0f3e5a7";

pub fn check(text: &[u8]) {
    match assigned(text) {
        Ok([registry, username, token]) => {
            // One more assignment at the end changes its own variable, and no other.
            let more = [text, b"\nREGISTRY_TOKEN=", CANARY.as_bytes(), b"\n"].concat();
            let expected = [registry.clone(), username.clone(), Some(CANARY.as_bytes().to_vec())];
            assert_eq!(assigned(&more), Ok(expected));
            // And what was read can be written and read again.
            let names = [
                ("REGISTRY", &registry),
                ("REGISTRY_USERNAME", &username),
                ("REGISTRY_TOKEN", &token),
            ];
            let mut printed = b"set -a # all\n".to_vec();
            for (name, value) in names {
                if let Some(value) = value {
                    printed.extend([b"export ", name.as_bytes(), b"=", &*quoted(value), b" # quoted\r\n"].concat());
                }
            }
            assert_eq!(assigned(&printed), Ok([registry, username, token]));
        }
        Err(message) => {
            assert!(message.len() < 1000 && !has_control(&message), "{message:?}");
            let (line, _) = message.strip_prefix("line ").unwrap().split_once(':').unwrap();
            let line: usize = line.parse().unwrap();
            assert!(line >= 1 && line <= 1 + text.iter().filter(|byte| **byte == b'\n').count());
        }
    }
    if let Err(message) = env_file(&[b"REGISTRY_TOKEN=", CANARY.as_bytes(), b"\n", text].concat()) {
        assert!(!message.contains(CANARY) && !has_control(&message), "{message:?}");
    }
    // Any text as a value.
    if !text.contains(&0) {
        let line = [b"REGISTRY_USERNAME=", &*quoted(text)].concat();
        assert_eq!(assigned(&line), Ok([None, Some(text.to_vec()), None]));
    }
}

/// In single quotes, as a shell needs it.
fn quoted(value: &[u8]) -> Vec<u8> {
    let inner = value.iter().flat_map(|byte| match byte {
        b'\'' => br"'\''".to_vec(),
        byte => vec![*byte],
    });
    [b'\''].into_iter().chain(inner).chain([b'\'']).collect()
}
