//! Single cases, and the property that removing undoes setting up for any document.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn config(text: &str) -> Config {
    Config::parse(text.as_bytes()).unwrap()
}

fn key_of(registry: &str) -> String {
    let registry: Registry = registry.parse().unwrap();
    registry.config_key().to_owned()
}

fn helpers(registries: &[&str]) -> DesiredConfig {
    DesiredConfig {
        helpers: registries.iter().map(|name| key_of(name)).collect(),
        ..DesiredConfig::default()
    }
}

/// Sets up and removes; returns the document in between.
fn there_and_back(before: &str, wanted: &DesiredConfig) -> String {
    let mut document = config(before);
    let mut remembered = FileRecord::default();
    document.set_up(wanted, &mut remembered).unwrap();
    let between = document.as_str().to_owned();
    assert_eq!(document.set_up(wanted, &mut remembered).unwrap(), [], "the second time");
    assert_eq!(document.as_str(), between, "the second time");
    document.take_out(None, &mut remembered).unwrap();
    assert_eq!(document.as_str(), before);
    between
}

#[test]
fn additions_match_the_formatting_and_leave_no_trace() {
    for (before, between) in [
        ("", "{\n\t\"credHelpers\": {\n\t\t\"a.example.com\": \"gitea\"\n\t}\n}"),
        (
            "\n",
            "{\n\t\"credHelpers\": {\n\t\t\"a.example.com\": \"gitea\"\n\t}\n}\n",
        ),
        ("{}", r#"{"credHelpers":{"a.example.com":"gitea"}}"#),
        (
            "{\n  \"auths\": {}\n}\n",
            "{\n  \"auths\": {},\n  \"credHelpers\": {\n    \"a.example.com\": \"gitea\"\n  }\n}\n",
        ),
        (
            r#"{"credHelpers":{"a.example.com":"p\u0061ss","b.example.com":"ecr-login"}}"#,
            r#"{"credHelpers":{"a.example.com":"gitea","b.example.com":"ecr-login"}}"#,
        ),
        (
            r#"{"credHelpers": null}"#,
            "{\"credHelpers\": {\"a.example.com\":\"gitea\"}}",
        ),
        (
            r#"{"credHelpers":{"a.example.com":null}}"#,
            r#"{"credHelpers":{"a.example.com":"gitea"}}"#,
        ),
    ] {
        assert_eq!(
            there_and_back(before, &helpers(&["a.example.com"])),
            between,
            "{before:?}"
        );
    }
}

#[test]
fn the_detected_store_is_written_and_removed_again() {
    let wanted = DesiredConfig {
        detected: Some("pass".to_owned()),
        ..helpers(&["docker.io"])
    };
    let between = there_and_back(r#"{"psFormat":"x"}"#, &wanted);
    assert_eq!(
        between,
        r#"{"psFormat":"x","credsStore":"pass","credHelpers":{"https://index.docker.io/v1/":"gitea"}}"#
    );
    let between = there_and_back(r#"{"auths":{"r":{}}}"#, &wanted);
    assert!(!between.contains("pass"), "docker detects nothing here: {between}");
    let mut document = config("{}");
    let mut remembered = FileRecord::default();
    document.set_up(&wanted, &mut remembered).unwrap();
    document.set_up(&helpers(&["a.example.com"]), &mut remembered).unwrap();
    let only = ["docker.io".parse().unwrap()];
    document.take_out(Some(&only), &mut remembered).unwrap();
    assert_eq!(
        document.as_str(),
        r#"{"credsStore":"pass","credHelpers":{"a.example.com":"gitea"}}"#,
        "as long as docker finds none"
    );
    document.take_out(None, &mut remembered).unwrap();
    assert_eq!((document.as_str(), remembered), ("{}", FileRecord::default()));
}

#[test]
fn without_a_record_all_our_values_are_removed() {
    let mut document =
        config(r#"{"credsStore":"gitea","credHelpers":{"a":"gitea","b":"pass","http://c/v2/":"gitea"}}"#);
    let changes = document.take_out(None, &mut FileRecord::default()).unwrap();
    assert_eq!(document.as_str(), r#"{"credHelpers":{"b":"pass"}}"#);
    assert_eq!(changes.len(), 3);
}

#[test]
fn only_the_credential_is_removed_from_an_entry() {
    let mut document = config(
        r#"{"auths": {"a": {"auth":"eDp5","email":"e"}, "b":{ "auth" : "eDp5" }, "c":{"auth":"eDp5"}, "d":null}}"#,
    );
    let wanted = DesiredConfig {
        moved: ["a", "b", "d", "e"].map(str::to_owned).to_vec(),
        ..DesiredConfig::default()
    };
    let changes = document.set_up(&wanted, &mut FileRecord::default()).unwrap();
    assert_eq!(
        document.as_str(),
        r#"{"auths": {"a": {"email":"e"}, "b":{ }, "c":{"auth":"eDp5"}, "d":null}}"#
    );
    assert_eq!(changes, [Change::Moved("a".into()), Change::Moved("b".into())]);
}

#[test]
fn registries_are_set_up_and_removed_in_any_order() {
    let all = DesiredConfig {
        default: true,
        ..DesiredConfig::default()
    };
    let before = r#"{"credsStore":"desktop"}"#;
    assert_eq!(there_and_back(before, &all), r#"{"credsStore":"gitea"}"#);
    let mut document = config(before);
    let mut remembered = FileRecord::default();
    document.set_up(&all, &mut remembered).unwrap();
    document.set_up(&helpers(&["a.example.com"]), &mut remembered).unwrap();
    let only = ["a.example.com".parse().unwrap()];
    let changes = document.take_out(Some(&only), &mut remembered).unwrap();
    assert_eq!(document.as_str(), r#"{"credsStore":"gitea"}"#);
    assert_eq!(changes.len(), 1);
    document.take_out(None, &mut remembered).unwrap();
    assert_eq!(document.as_str(), before);
}

const REGISTRIES: [&str; 4] = ["a.example.com", "b.example.com:5000", "docker.io", "[::1]:5000"];
const KEYS: [&str; 7] = [
    "a.example.com",
    "b.example.com:5000",
    "https://index.docker.io/v1/",
    "[::1]:5000",
    "x",
    "k\\u0061\\\"",
    "",
];

fn space() -> impl Strategy<Value = String> {
    vec(select(vec![" ", "\n", "\t", "\r\n", ""]), 0..3).prop_map(|parts| parts.concat())
}

/// The text of any JSON value.
fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        select(vec![
            "null",
            "true",
            "0",
            "-1.50e+300",
            "1e400",
            "\"\"",
            r#""\u00e9\ud83d\ude00\/\n""#,
            "\"gitea\""
        ])
        .prop_map(str::to_owned),
        any::<String>().prop_map(|text| json!(text).to_string()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            object(vec((key(), inner.clone()), 0..4)),
            (vec(inner, 0..4), space()).prop_map(|(items, space)| format!("[{space}{}{space}]", items.join(","))),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        select(KEYS.to_vec()).prop_map(|key| format!("\"{key}\"")),
        any::<String>().prop_map(|text| json!(text).to_string()),
    ]
}

/// The text of an object with these members, spaced in any way.
fn object(members: impl Strategy<Value = Vec<(String, String)>>) -> impl Strategy<Value = String> {
    (members, vec(space(), 5)).prop_map(|(members, space)| {
        let members: Vec<String> = members
            .into_iter()
            .map(|(key, value)| format!("{}{key}{}:{}{value}{}", space[0], space[1], space[2], space[3]))
            .collect();
        format!("{{{}{}}}", members.join(","), space[4])
    })
}

fn helper_value() -> impl Strategy<Value = String> {
    select(vec!["\"pass\"", "\"\"", "null", r#""desk\u0074op""#, "7", "{}"]).prop_map(str::to_owned)
}

/// The text of any document, well-formed or not.
fn document() -> impl Strategy<Value = String> {
    let member = |name: &'static str, value: BoxedStrategy<String>| (Just(format!("\"{name}\"")), value);
    let entry = object(vec(
        (
            select(vec![
                "\"auth\"",
                "\"email\"",
                "\"identitytoken\"",
                "\"username\"",
                "\"password\"",
            ])
            .prop_map(str::to_owned),
            prop_oneof![Just("\"dXNlcjpwYXNz\"".to_owned()), json_text()],
        ),
        0..3,
    ));
    let any_member = prop_oneof![
        3 => (key(), json_text()),
        2 => member("auths", prop_oneof![4 => object(vec((key(), entry), 0..4)), 1 => json_text()].boxed()),
        2 => member("credHelpers", prop_oneof![4 => object(vec((key(), helper_value()), 0..4)), 1 => json_text()].boxed()),
        1 => member("credsStore", prop_oneof![4 => helper_value(), 1 => json_text()].boxed()),
    ];
    let text = (space(), object(vec(any_member, 0..6)), space()).prop_map(|(a, object, b)| a + &object + &b);
    prop_oneof![20 => text, 1 => space(), 1 => json_text()]
}

#[derive(Clone, Debug)]
enum Step {
    SetUp(DesiredConfig),
    TakeOut(Vec<Registry>),
}

fn step() -> impl Strategy<Value = Step> {
    let registries = || vec(select(REGISTRIES.to_vec()), 0..3);
    prop_oneof![
           3 => (registries(), any::<bool>(), proptest::option::of(Just("secretservice".to_owned()))).prop_map(
               |(names, default, detected)| Step::SetUp(DesiredConfig {
    helpers: names.into_iter().map(key_of).collect(), default, detected, moved: Vec::new() })
           ),
           1 => registries().prop_map(|names| Step::TakeOut(names.into_iter().map(|name| name.parse().unwrap()).collect())),
       ]
}

fn run(step: &Step, document: &mut Config, remembered: &mut FileRecord) {
    match step {
        Step::SetUp(wanted) => document.set_up(wanted, remembered).unwrap(),
        Step::TakeOut(only) => document.take_out(Some(only), remembered).unwrap(),
    };
}

/// The members that must not change, byte for byte.
fn others(document: &Config) -> Vec<(String, String)> {
    let members = document.json.members(&[]).unwrap();
    let foreign = members.into_iter().filter(|(key, _)| key != HELPERS && key != STORE);
    foreign.map(|(key, raw)| (key, raw.to_owned())).collect()
}

/// The helpers that are not ours, byte for byte.
fn other_helpers(document: &Config) -> Vec<(String, String)> {
    let members = document.json.members(&[HELPERS]).unwrap();
    let foreign = members.into_iter().filter(|(_, raw)| *raw != "\"gitea\"");
    foreign.map(|(key, raw)| (key, raw.to_owned())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn taking_out_gives_back_what_was_there_before(text in document(), steps in vec(step(), 1..6)) {
        let Ok(before) = Config::parse(text.as_bytes()) else {
            // Refused: nothing is written.
            return Ok(());
        };
        prop_assume!(!before.names_us());
        let (mut document, mut remembered) = (before.clone(), FileRecord::default());
        for step in &steps {
            run(step, &mut document, &mut remembered);
            let parsed = Config::parse(document.as_str().as_bytes()).unwrap();
            prop_assert_eq!(&parsed, &document, "every step is a document");
            prop_assert_eq!(others(&document), others(&before));
            // The record is stored between the commands.
            let stored = serde_json::to_string(&remembered).unwrap();
            prop_assert_eq!(&serde_json::from_str::<FileRecord>(&stored).unwrap(), &remembered);
            if let Step::SetUp(wanted) = step {
                for key in &wanted.helpers {
                    prop_assert_eq!(document.helper_for(&key.parse().unwrap()), Some(HELPER.to_owned()));
                }
                prop_assert!(!wanted.default || document.default_helper().as_deref() == Some(HELPER));
                let (once, noted) = (document.clone(), remembered.clone());
                run(step, &mut document, &mut remembered);
                prop_assert_eq!((&document, &remembered), (&once, &noted), "twice is once");
            }
        }
        document.take_out(None, &mut remembered).unwrap();
        prop_assert_eq!(document.as_str(), text);
        prop_assert_eq!(document, before);
    }

    #[test]
    fn what_somebody_else_does_in_between_stays(
        text in document(),
        first in step(),
        edits in vec((select(vec!["new", "auths", "credHelpers", "credsStore"]), select(KEYS.to_vec()), select(vec!["\"pass\"", "\"\""])), 1..4),
        second in step(),
    ) {
        let Ok(mut document) = Config::parse(text.as_bytes()) else { return Ok(()) };
        let mut remembered = FileRecord::default();
        run(&first, &mut document, &mut remembered);
        if document.blank.is_some() {
            document = config("{}");
        }
        for (place, key, value) in edits {
            let key: String = serde_json::from_str(&format!("\"{key}\"")).unwrap();
            match place {
                "auths" => document.json.set(&["auths", &key], "{}").unwrap(),
                "credHelpers" => document.json.set(&[HELPERS, &key], value).unwrap(),
                place => document.json.set(&[place], value).unwrap(),
            }
        }
        let theirs = (others(&document), document.helper_for(&"x".parse().unwrap()));
        let named = other_helpers(&document);
        let store = document.default_helper();
        run(&second, &mut document, &mut remembered);
        document.take_out(None, &mut remembered).unwrap();
        prop_assert_eq!(others(&document), theirs.0);
        let left = other_helpers(&document);
        for helper in named {
            prop_assert!(left.contains(&helper), "{:?} is gone", helper);
        }
        if let Some(store) = store.filter(|name| name != HELPER && name != "secretservice") {
            prop_assert_eq!(document.default_helper(), Some(store));
        }
        prop_assert!(!document.names_us());
        Config::parse(document.as_str().as_bytes()).unwrap();
    }

    #[test]
    fn moving_entries_touches_nothing_else(text in document()) {
        let Ok(before) = Config::parse(text.as_bytes()) else { return Ok(()) };
        let moved: Vec<String> = before
            .entries()
            .into_iter()
            .filter(|entry| matches!(entry.held, super::super::EntryContent::Login(..)))
            .map(|entry| entry.key)
            .collect();
        let mut document = before.clone();
        let wanted = DesiredConfig { moved: moved.clone(), ..DesiredConfig::default() };
        let changes = document.set_up(&wanted, &mut FileRecord::default()).unwrap();
        prop_assert_eq!(changes.len(), moved.len());
        prop_assert_eq!(document.entries().len(), before.entries().len());
        for (now, then) in document.entries().iter().zip(before.entries()) {
            if moved.contains(&now.key) {
                prop_assert_eq!(&now.held, &super::super::EntryContent::Nothing);
            } else {
                prop_assert_eq!(now, &then);
            }
        }
        let rest = |document: &Config| -> Vec<(String, String)> {
            let members = document.json.members(&[]).unwrap();
            members.into_iter().filter(|(key, _)| key != "auths").map(|(key, raw)| (key, raw.to_owned())).collect()
        };
        prop_assert_eq!(rest(&document), rest(&before));
    }
}
