//! docker's config.json and podman's auth.json: setting up and taking out gives the same bytes again, and nothing but
//! what was meant changes.

use regcred::docker::{Config, DesiredConfig, EntryContent, FileRecord, HELPER};
use regcred::model::JsonEdit;

/// The members that are not ours to change, with their exact text.
fn others(config: &Config) -> Vec<(String, String)> {
    let json = JsonEdit::parse(config.as_str()).unwrap_or_else(|_| JsonEdit::parse("{}").unwrap());
    let ours = ["auths", "credhelpers", "credsstore"];
    let members = json.members(&[]).unwrap().into_iter();
    let members = members.filter(|(key, _)| !ours.contains(&key.to_lowercase().replace('\u{17f}', "s").as_str()));
    members.map(|(key, raw)| (key, raw.to_owned())).collect()
}

pub fn check(text: &[u8]) {
    let Ok(config) = Config::parse(text) else { return };
    assert_eq!(config.as_str().as_bytes(), text, "what is not changed keeps its bytes");
    for number in 0..8 {
        sets_up_and_takes_out(&config, number);
    }
    moves_a_login_out(&config);
}

fn sets_up_and_takes_out(config: &Config, number: u8) {
    let key = match number & 1 {
        0 => "gitea.example.com",
        _ => "https://index.docker.io/v1/",
    };
    let wanted = DesiredConfig {
        helpers: vec![key.to_owned()],
        default: number & 2 != 0,
        detected: (number & 4 != 0).then(|| "secretservice".to_owned()),
        moved: vec![],
    };
    let mut edited = config.clone();
    let mut record = FileRecord::default();
    edited
        .set_up(&wanted, &mut record)
        .expect("what was read can be set up");
    assert_eq!(edited.helper_for(&key.parse().unwrap()).as_deref(), Some(HELPER));
    assert!(!wanted.default || edited.default_helper().as_deref() == Some(HELPER));
    assert_eq!(edited.entries(), config.entries());
    for (other, helper) in config.helpers() {
        assert!(other == key || edited.helpers().contains(&(other, helper)));
    }
    assert_eq!(others(&edited), others(config));
    let once = edited.as_str().to_owned();
    let again = Config::parse(once.as_bytes()).expect("it can be read again");
    assert_eq!(again.as_str(), once);
    assert!(edited.set_up(&wanted, &mut record).unwrap().is_empty(), "set up twice");
    assert_eq!(edited.as_str(), once);
    // A record that was kept in a file.
    let mut record: FileRecord = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
    let taken = edited.take_out(None, &mut record);
    assert!(taken.is_ok() && !edited.names_us(), "{}", edited.as_str());
    assert_eq!(edited.entries(), config.entries());
    assert_eq!(others(&edited), others(config));
    if !config.names_us() {
        assert_eq!(edited.as_str(), config.as_str(), "taken out, it is as it was");
    }
}

/// Moving a login out leaves nothing of it, and the others as they are.
fn moves_a_login_out(config: &Config) {
    let logins = config.entries();
    let mut found = logins.iter();
    let Some(first) = found.find(|entry| matches!(entry.held, EntryContent::Login(..))) else {
        return;
    };
    let mut moved = config.clone();
    let wanted = DesiredConfig {
        moved: vec![first.key.clone()],
        ..DesiredConfig::default()
    };
    let changes = moved.set_up(&wanted, &mut FileRecord::default()).unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(moved.entries().len(), logins.len());
    for (before, after) in logins.iter().zip(moved.entries()) {
        if before.key == first.key {
            assert_eq!(after.held, EntryContent::Nothing);
        } else {
            assert_eq!(*before, after);
        }
    }
    assert_eq!(others(&moved), others(config));
    assert_eq!(moved.helpers(), config.helpers());
}
