//! What docker's clients write to the helper: what was stored is what `get` answers, and a failure is one clean line
//! that quotes no secret.

use std::ffi::OsString;

use regcred::helper;
use regcred::keychain::Keychain;
use regcred::model::{HelperEntry, has_control};

/// A secret that a failure would show if it quoted one.
const CANARY: &str = "d1ac49c2b0f3e5a7";

fn ask(keychain: &Keychain, action: &str, stdin: &[u8]) -> (String, String, u8) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let args = [OsString::from(action)];
    let code = helper::run(&args, &mut &*stdin, &mut stdout, &mut stderr, || Ok(keychain.clone()));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(stdout), text(stderr));
    assert!(code <= 1);
    if code == 0 {
        assert_eq!(stderr, "", "nothing on stderr on success");
    } else {
        for line in [&stdout, &stderr].into_iter().filter(|text| !text.is_empty()) {
            assert!(
                line.ends_with('\n') && !has_control(line.trim_end_matches('\n')),
                "{line:?}"
            );
            assert!(line.len() < 2000, "{line}");
        }
        assert!(!stdout.contains(CANARY) && !stderr.contains(CANARY), "{stdout}{stderr}");
    }
    (stdout, stderr, code)
}

pub fn check(input: &[u8]) {
    let keychain = Keychain::with_store(keyring_core::sample::Store::new().unwrap());
    let has_canary = input.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
    for action in ["get", "erase"] {
        // A server's name is no secret.
        if !has_canary {
            ask(&keychain, action, input);
        }
    }
    let (_, _, code) = ask(&keychain, "store", input);
    let (listed, _, listed_code) = ask(&keychain, "list", b"");
    assert_eq!(listed_code, 0);
    let listed: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&listed).unwrap();
    if code != 0 {
        assert!(listed.is_empty(), "{listed:?}");
        return;
    }
    let entry = HelperEntry::parse(input).unwrap();
    assert_eq!(listed.len(), 1);
    let (key, user) = listed.iter().next().unwrap();
    assert_eq!(user, &entry.username);
    for server in [entry.server.trim(), key] {
        let (found, _, code) = ask(&keychain, "get", server.as_bytes());
        assert_eq!(code, 0, "{server}: {found}");
        let found = HelperEntry::parse(found.as_bytes()).unwrap();
        assert_eq!((&found.username, &found.secret), (&entry.username, &entry.secret));
    }
    assert_eq!(ask(&keychain, "erase", entry.server.as_bytes()).2, 0);
    assert_eq!(ask(&keychain, "list", b"").0, "{}\n");
}
