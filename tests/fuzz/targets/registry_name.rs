//! A registry's name: normalised once, it means the same when it is read again, and no control character is left.

use regcred::keychain::Name;
use regcred::model::{Registry, Use, has_control};

pub fn check(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(registry) = text.parse::<Registry>() else { return };
    let name = registry.as_str();
    assert!(!name.is_empty() && name.is_ascii() && name.len() <= text.len() + "registry-1.docker.io".len());
    assert!(
        !has_control(name) && !name.contains(['/', '@', ' ', '?', '#', '\\']),
        "{name}"
    );
    assert!(!registry.host().is_empty() && name.starts_with(registry.host()));
    for spelling in [
        name,
        registry.config_key(),
        &registry.as_written(),
        &format!("https://{name}/v2/"),
    ] {
        let again: Registry = spelling.parse().unwrap();
        assert_eq!(again, registry, "{spelling}");
        assert!(registry.is_named_by(spelling), "{spelling}");
        assert_eq!(again.is_loopback(), registry.is_loopback());
    }
    // Every spelling that docker sends leads to the same item.
    if let Some(found) = Name::of_server(text.trim(), Use::Docker) {
        assert_eq!(Name::of_server(&found.server(), Use::Docker), Some(found));
    }
}
