//! A pull Secret's dockerconfigjson: our entry is set and found, everything else keeps its bytes and its meaning, and
//! setting it twice changes nothing.

use std::collections::BTreeMap;

use regcred::model::{Credential, DockerConfig, JsonEdit, Registry, Token};
use serde::de::IgnoredAny;

/// Everything that is not an entry of ours, with its exact text, as often as it is there.
fn others(config: &DockerConfig, registry: &Registry) -> BTreeMap<(String, String), usize> {
    let json = JsonEdit::parse(config.as_str()).unwrap();
    let mut found = BTreeMap::new();
    for (key, raw) in json.members(&[]).unwrap() {
        let is_auths = key.to_lowercase().replace('\u{17f}', "s") == "auths";
        match JsonEdit::parse(raw) {
            Ok(inner) if is_auths => {
                for (name, raw) in inner.members(&[]).unwrap() {
                    if !registry.is_named_by(&name) {
                        *found.entry((name, raw.to_owned())).or_default() += 1;
                    }
                }
            }
            _ if is_auths => {}
            _ => *found.entry((format!("/{key}"), raw.to_owned())).or_default() += 1,
        }
    }
    found
}

/// The logins that kubelet finds for other registries.
fn others_logins(config: &DockerConfig, registry: &Registry) -> Vec<(String, String)> {
    let logins = config
        .logins()
        .into_iter()
        .filter(|(key, _)| !registry.is_named_by(key));
    let shown = |login: Result<Option<(String, Token)>, &str>| match login {
        Ok(None) => "nothing".to_owned(),
        Ok(Some((user, token))) => format!("{user:?} {:?}", token.expose()),
        Err(what) => what.to_owned(),
    };
    logins.map(|(key, login)| (key, shown(login))).collect()
}

fn sets_and_removes(mut config: DockerConfig) {
    let credential = Credential {
        registry: "gitea.example.com".parse().unwrap(),
        username: "admin".parse().unwrap(),
        token: Token::verbatim("d1ac49c2b0f3e5a7".to_owned()),
    };
    let registry = &credential.registry;
    let old = config.login(registry);
    let (before, logins) = (others(&config, registry), others_logins(&config, registry));
    assert!(config.problems().len() <= 10);
    let readable = config.has_readable_headers();
    let held = config.holds(&credential);
    let text = config.as_str().to_owned();
    let Ok(()) = config.set(&credential) else { return };
    assert_eq!(held, config.as_str() == text, "set only if something has to change");
    assert!(config.holds(&credential), "{}", config.as_str());
    assert_eq!(others(&config, registry), before, "{}", config.as_str());
    assert_eq!(others_logins(&config, registry), logins, "{}", config.as_str());
    assert_eq!(config.has_readable_headers(), readable);
    let (user, token) = config.login(registry).unwrap();
    assert_eq!((user.as_str(), token.expose()), ("admin", credential.token.expose()));
    if let Some((_, old)) = old.filter(|(_, old)| old.expose().len() > 8 && *old != credential.token) {
        for login in config.logins_of(registry).into_iter().flatten() {
            assert_ne!(login.1, old, "the old token is still there");
        }
    }
    let once = config.as_str().to_owned();
    config.set(&credential).unwrap();
    assert_eq!(config.as_str(), once, "set twice");
    assert_eq!(DockerConfig::parse(once.as_bytes()).unwrap(), config);
    assert!(config.remove(registry).unwrap());
    assert!(config.logins_of(registry).is_empty() && config.login(registry).is_none());
    assert_eq!(others(&config, registry), before, "{}", config.as_str());
    assert_eq!(others_logins(&config, registry), logins, "{}", config.as_str());
}

/// Go's decoder refuses what is no JSON, however it is wrapped.
fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_str::<IgnoredAny>(&String::from_utf8_lossy(bytes)).is_ok()
}

pub fn check(bytes: &[u8]) {
    if let Ok(config) = DockerConfig::parse(bytes) {
        assert!(is_json(bytes));
        sets_and_removes(config);
    }
    if let Ok(config) = DockerConfig::parse_legacy(bytes) {
        assert!(is_json(bytes));
        sets_and_removes(config);
    }
}
