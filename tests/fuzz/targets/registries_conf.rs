//! podman's registries.conf: helpers that were written are read, and what podman could not read is nothing.

use regcred::docker::fuzzing::stores;

pub fn check(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Some(found) = stores(text.as_bytes()) else { return };
    assert!(!found.is_empty() && found.iter().map(String::len).sum::<usize>() <= 4 * text.len());
    let listed: Vec<String> = found
        .iter()
        .map(|name| serde_json::json!(name).to_string().replace('\u{7f}', "\\u007f"))
        .collect();
    let printed = format!("credential-helpers = [{}]\n", listed.join(", "));
    assert_eq!(stores(printed.as_bytes()), Some(found), "{printed}");
}
