use super::*;
use crate::model::steps;

fn credential(token: &str) -> Credential {
    Credential {
        registry: "gitea.example.com".parse().unwrap(),
        username: "admin".parse().unwrap(),
        token: Token::parse(token).unwrap(),
    }
}

fn document(text: &str) -> DockerConfig {
    DockerConfig::parse(text.as_bytes()).unwrap()
}

#[test]
fn a_new_document_is_like_kubectls() {
    let mut config = DockerConfig::default();
    config.set(&credential("new")).unwrap();
    assert_eq!(
        config.as_str(),
        r#"{"auths":{"gitea.example.com":{"username":"admin","password":"new","auth":"YWRtaW46bmV3"}}}"#
    );
    assert!(config.holds(&credential("new")) && !config.holds(&credential("old")));
    assert!(config.problems().is_empty());
}

#[test]
fn other_registries_and_unknown_fields_keep_every_byte() {
    let mut config = document(
        "{ \"HttpHeaders\" : {\"X\":\"\\u00e9\"},\n\"auths\": { \"ghcr.io\\/org\" : {\"auth\": \"YTpi\" , \"x\":1.0e0},\n \"https://gitea.example.com/v2/\": {\"auth\":\"YWRtaW46b2xk\", \"email\":\"a@b\", \"identitytoken\":\"t\"} } }\n",
    );
    assert_eq!(
        config.login(&"gitea.example.com".parse().unwrap()).unwrap().1.expose(),
        "old"
    );
    config.set(&credential("new")).unwrap();
    assert_eq!(
        config.as_str(),
        "{ \"HttpHeaders\" : {\"X\":\"\\u00e9\"},\n\"auths\": { \"ghcr.io\\/org\" : {\"auth\": \"YTpi\" , \"x\":1.0e0},\n \"https://gitea.example.com/v2/\": {\"auth\":\"YWRtaW46bmV3\", \"email\":\"a@b\", \"username\":\"admin\", \"password\":\"new\"} } }\n"
    );
    let again = config.clone();
    config.set(&credential("new")).unwrap();
    assert_eq!(config, again, "setting twice changes nothing");
}

#[test]
fn every_spelling_of_the_registry_is_written_and_paths_below_it_are_not() {
    let mut config = document(
        r#"{"auths":{"gitea.example.com":{"auth":"YTpi"},"https://gitea.example.com":null,"gitea.example.com/org":{"auth":"YTpi"}}}"#,
    );
    assert!(!config.holds(&credential("new")));
    config.set(&credential("new")).unwrap();
    assert!(config.holds(&credential("new")));
    assert!(
        config
            .as_str()
            .ends_with(r#""gitea.example.com/org":{"auth":"YTpi"}}}"#),
        "{}",
        config.as_str()
    );
}

#[test]
fn entries_that_break_kubelet_are_reported() {
    let config = document(
        r#"{"auths":{"a":{"auth":1},"b":{"auth":"?"},"c":{"auth":"YWI="},"d":{"auth":"YTpi"},"e":{"auth":"YTpiYw"},"f":{},"g":[],"h":{"username":"u","password":"p"}}}"#,
    );
    let keys: Vec<_> = config.problems().into_iter().map(|problem| problem.key).collect();
    assert_eq!(keys, ["a", "b", "c", "g"]);
    let many: Vec<_> = (0..1000).map(|at| format!(r#""{at}":7"#)).collect();
    let config = document(&format!(r#"{{"auths":{{{}}}}}"#, many.join(",")));
    assert_eq!(
        config.problems().len(),
        MAX_PROBLEMS,
        "of thousands, nobody wants to read every one"
    );
}

#[test]
fn an_auth_is_read_as_go_reads_it() {
    for (auth, password) in [
        ("YTpiYw==", "bc"),
        ("YTpiYw", "bc"),
        (r"YTpi\nYw==\r\n", "bc"),
        ("YTpiY3==", "bc"),
        ("YTpiOmM=", "b:c"),
    ] {
        let config = document(&format!(
            r#"{{"auths":{{"k":{{"auth":"{auth}","username":"x","password":"y"}}}}}}"#
        ));
        let (_, login) = config.logins().remove(0);
        let (user, token) = login.unwrap().unwrap();
        assert_eq!((user.as_str(), token.expose()), ("a", password), "{auth}");
    }
}

#[test]
fn a_spelling_that_kubelet_ignores_is_not_an_entry() {
    for key in ["gitea.example.com:443", "gitea.example.com/v2", "Gitea.example.com"] {
        let mut config = document(&format!(r#"{{"auths":{{"{key}":{{"auth":"YWRtaW46bmV3"}}}}}}"#));
        assert!(!config.holds(&credential("new")), "{key}");
        config.set(&credential("new")).unwrap();
        assert!(config.holds(&credential("new")), "{key}");
        assert_eq!(config.keys(), [key, "gitea.example.com"]);
    }
}

#[test]
fn images_with_a_port_have_their_own_entry() {
    let mut config = DockerConfig::default();
    config.set(&credential("old")).unwrap();
    let new = Credential {
        registry: "gitea.example.com:443".parse().unwrap(),
        ..credential("new")
    };
    assert!(!config.holds(&new));
    config.set(&new).unwrap();
    assert!(config.holds(&new));
    assert_eq!(config.keys(), ["gitea.example.com", "gitea.example.com:443"]);
    for key in config.keys() {
        let image = format!("{key}/t/app:1");
        let pull = crate::model::pull::pull(&image, &[crate::model::pull::PullSecret::Entries(vec![&key])]);
        assert_eq!(pull.entries().len(), 1, "{image}");
    }
    // Without the port, the entry stays and gets the new token.
    config.set(&credential("newer")).unwrap();
    assert!(config.holds(&credential("newer")) && !config.mentions(&new.token));
}

#[test]
fn the_older_form_has_the_same_entries() {
    let legacy = DockerConfig::parse_legacy(b" {\"a\":{\"auth\":\"YTpi\"}}\n").unwrap();
    assert_eq!(legacy.logins(), document(r#"{"auths":{"a":{"auth":"YTpi"}}}"#).logins());
    assert!(DockerConfig::parse_legacy(b" null ").unwrap().keys().is_empty());
    for text in ["[]", "", r#"{},"x":{}"#] {
        assert!(DockerConfig::parse_legacy(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn headers_of_another_type_break_kubelet_too() {
    for (headers, readable) in [
        (r#"{"X":"y"}"#, true),
        ("null", true),
        (r#"{"X":1}"#, false),
        ("[]", false),
    ] {
        let config = document(&format!(r#"{{"HttpHeaders":{headers}}}"#));
        assert_eq!(config.has_readable_headers(), readable, "{headers}");
    }
    assert!(document("{}").has_readable_headers());
}

#[test]
fn docker_hub_has_its_own_key() {
    let mut config = DockerConfig::default();
    let hub = Credential {
        registry: "docker.io".parse().unwrap(),
        ..credential("t")
    };
    config.set(&hub).unwrap();
    assert_eq!(config.keys(), ["https://index.docker.io/v1/"]);
}

/// Sets the credential twice: the second time changes nothing.
fn converged(text: &str) -> DockerConfig {
    let new = credential("new");
    let mut config = document(text);
    assert!(!config.holds(&new), "{text}");
    config.set(&new).unwrap();
    assert!(
        config.holds(&new) && config.problems().is_empty(),
        "{}",
        config.as_str()
    );
    assert_eq!(
        config.login(&new.registry).map(|(_, token)| token),
        Some(new.token.clone()),
        "{}",
        config.as_str()
    );
    let once = config.clone();
    config.set(&new).unwrap();
    assert_eq!(config, once, "{text}");
    config
}

#[test]
fn entries_that_a_later_null_discards_stay_discarded() {
    let text = r#"{"auths":{"ghcr.io":{"auth":"YTpi"}},"Auths":null}"#;
    let mut config = converged(text);
    let entry = r#"{"gitea.example.com":{"username":"admin","password":"new","auth":"YWRtaW46bmV3"}}"#;
    assert_eq!(
        config.as_str(),
        format!(r#"{{"auths":{{"ghcr.io":{{"auth":"YTpi"}}}},"Auths":null,"Auths":{entry}}}"#)
    );
    assert_eq!(config.logins().len(), 1);
    assert!(config.remove(&credential("new").registry).unwrap());
    assert!(config.logins().is_empty());
}

#[test]
fn no_old_token_stays_in_any_field() {
    const OLD: &str = "YWRtaW46b2xk";
    const NEW: &str = r#"{"username":"admin","password":"new","auth":"YWRtaW46bmV3"}"#;
    let r = "gitea.example.com";
    for (before, after) in [
        // The case of names is ignored.
        (
            format!(r#"{{"auths":{{"{r}":{{"Username":"admin","Password":"old"}}}}}}"#),
            format!(r#"{{"auths":{{"{r}":{NEW}}}}}"#),
        ),
        (
            format!(r#"{{"auths":{{"{r}":{{"Auth":"{OLD}"}}}}}}"#),
            format!(r#"{{"auths":{{"{r}":{NEW}}}}}"#),
        ),
        // The last one is used, but the ones before could still be read by people.
        (
            format!(r#"{{"auths":{{"{r}":{{"auth":"{OLD}", "auth":"YWRtaW46bmV3"}}}}}}"#),
            format!(r#"{{"auths":{{"{r}":{{"auth":"YWRtaW46bmV3","username":"admin","password":"new"}}}}}}"#),
        ),
        (
            format!(r#"{{"auths":{{"{r}":{{"auth":"YWRtaW46bmV3","password":"old"}}}}}}"#),
            format!(r#"{{"auths":{{"{r}":{{"auth":"YWRtaW46bmV3","password":"new","username":"admin"}}}}}}"#),
        ),
        (
            format!(r#"{{"auths":{{"{r}":{{"auth":"{OLD}"}},"{r}":{NEW}}}}}"#),
            format!(
                r#"{{"auths":{{"{r}":{{"auth":"YWRtaW46bmV3","username":"admin","password":"new"}},"{r}":{NEW}}}}}"#
            ),
        ),
        (
            format!(r#"{{"Auths":{{"{r}":{{"auth":"{OLD}"}}}},"auths":{{"x":null}}}}"#),
            format!(
                r#"{{"Auths":{{"{r}":{{"auth":"YWRtaW46bmV3","username":"admin","password":"new"}}}},"auths":{{"x":null}}}}"#
            ),
        ),
        // `null` discards what was before it.
        (
            format!(r#"{{"auths":{{"{r}":{NEW}}},"AUTHS":null}}"#),
            format!(r#"{{"auths":{{"{r}":{NEW}}},"AUTHS":{{"{r}":{NEW}}}}}"#),
        ),
        // Our own entry is rewritten even if it broke kubelet.
        (
            format!(r#"{{"auths":{{"{r}":["old"]}}}}"#),
            format!(r#"{{"auths":{{"{r}":{NEW}}}}}"#),
        ),
        (
            format!(r#"{{"auths":{{"{r}":{{"email":7,"x":1,"identityToken":"old"}}}}}}"#),
            format!(r#"{{"auths":{{"{r}":{{"x":1,"username":"admin","password":"new","auth":"YWRtaW46bmV3"}}}}}}"#),
        ),
        (
            format!(r#"{{"auths":{{"{r}":{{"auth":"YWRtaW46bmV3="}}}}}}"#),
            format!(r#"{{"auths":{{"{r}":{{"auth":"YWRtaW46bmV3","username":"admin","password":"new"}}}}}}"#),
        ),
        // The API server accepts it.
        (" null\n".to_owned(), format!(r#"{{"auths":{{"{r}":{NEW}}}}}"#)),
    ] {
        assert_eq!(converged(&before).as_str(), after, "{before}");
    }
}

#[test]
fn a_token_is_found_wherever_it_is_kept() {
    let old = Token::parse("old").unwrap();
    for entry in [
        r#"{"auth":"YWRtaW46b2xk"}"#,
        r#"{"auth":"YWRtaW46bmV3","Password":"old"}"#,
        r#"{"auth":"YWRtaW46b2xk","auth":"YWRtaW46bmV3"}"#,
        r#"{"identitytoken":"o\u006cd"}"#,
        r#"{"whatever":"old"}"#,
    ] {
        for text in [
            format!(r#"{{"auths":{{"x":{entry}}}}}"#),
            format!(r#"{{"Auths":{{"x":{entry}}},"auths":null}}"#),
        ] {
            assert!(document(&text).mentions(&old), "{text}");
        }
    }
    assert!(!document(r#"{"auths":{"old":{"auth":"YWRtaW46bmV3"}}}"#).mentions(&old));
}

#[test]
fn invalid_utf_8_is_read_as_in_go_and_not_written() {
    let mut config =
        DockerConfig::parse(b"{\"auths\":{\"a\xff\":{\"auth\":\"YTpi\"},\"b\":{\"auth\":\"YTr/\"}}}").unwrap();
    assert_eq!(config.keys(), ["a\u{fffd}", "b"]);
    assert!(config.problems().is_empty() && config.mentions(&Token::parse("b").unwrap()));
    assert_eq!(config.set(&credential("new")), Err(DockerConfigError::NotText));
    // Half of a surrogate pair is not an error in Go.
    assert_eq!(document(r#"{"auths":{"a\ud800":{}}}"#).keys(), ["a\u{fffd}"]);
}

/// Keys that all name the registry, as `host?1`, `host?2` …
fn aliases(count: usize) -> String {
    let entries: Vec<_> = (0..count)
        .map(|at| format!(r#""gitea.example.com?{at}":{{"auth":"YWRtaW46b2xk","x{at}":{at}}}"#))
        .collect();
    format!(r#"{{"auths":{{{}}}}}"#, entries.join(","))
}

/// How often each octet of the document is read when a credential is written.
fn readings(text: &str) -> usize {
    let mut config = document(text);
    let (steps, done) = steps::of(|| config.set(&credential("new")));
    done.unwrap();
    steps / text.len()
}

#[test]
fn a_document_of_thousands_of_our_keys_is_written_at_once() {
    let fields = |count| {
        let fields = vec![r#""auth":"YWRtaW46b2xk","Password":"old","IDENTITYTOKEN":"old""#; count].join(",");
        format!(r#"{{"auths":{{"gitea.example.com":{{{fields}}}}}}}"#)
    };
    let taken_back = |count| {
        let auths = vec![r#""auths":{"x":{"auth":"YTpi"}},"auths":null"#; count].join(",");
        format!("{{{auths}}}")
    };
    let makers: [&dyn Fn(usize) -> String; 3] = [&aliases, &fields, &taken_back];
    for make in makers {
        let (few, many) = (readings(&make(20)), readings(&make(2000)));
        assert!(
            few <= 40 && many <= few,
            "each octet is read {few} times, and {many} times among more"
        );
    }
    let config = converged(&aliases(500));
    assert_eq!(config.as_str().matches("YWRtaW46bmV3").count(), 500);
    assert!(!config.as_str().contains("b2xk"));
    assert_eq!(
        converged(&fields(500)).as_str(),
        r#"{"auths":{"gitea.example.com":{"auth":"YWRtaW46bmV3","username":"admin","password":"new"}}}"#
    );
    assert!(
        converged(&taken_back(500))
            .keys()
            .contains(&"gitea.example.com".to_owned())
    );
}

#[test]
fn invalid_documents_are_refused() {
    for text in ["", "[]", "nonsense", r#"{"auths":[]}"#, r#"{"auths":"x"}"#] {
        assert!(DockerConfig::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert!(DockerConfig::parse(&[0xff]).is_err());
    // White space to a reader, and not to Go's.
    for text in ["\u{a0}{}", "{}\u{a0}", "\x0c{}", "\u{2028}null"] {
        assert!(DockerConfig::parse(text.as_bytes()).is_err(), "{text:?}");
        assert!(DockerConfig::parse_legacy(text.as_bytes()).is_err(), "{text:?}");
    }
    assert!(document("{}").keys().is_empty() && document(r#"{"auths":null}"#).keys().is_empty());
}

/// Prints the table of docs/security.md. Nothing is asserted, because these are times.
#[test]
#[ignore = "prints times; tests/bench/tenants.sh runs it"]
#[allow(clippy::print_stdout, reason = "that is what it is for")]
fn figures() {
    use std::time::Instant;

    use crate::model::pull::{PullSecret, pull};

    let row = |input: &str, sizes: &[usize], work: &dyn Fn(usize) -> Box<dyn FnOnce()>| {
        for size in sizes {
            let work = work(*size);
            let begin = Instant::now();
            work();
            println!("{input} | {size} | {:.1} ms", begin.elapsed().as_secs_f64() * 1000.0);
        }
    };
    let image = "gitea.a.example.com/app";
    row("a key of stars", &[20, 60, 80, 200_000], &|size| {
        let key = format!("{}z.example.com", "*".repeat(size));
        Box::new(move || assert!(pull(image, &[PullSecret::Entries(vec![&key])]).entries().is_empty()))
    });
    row("keys that name our registry", &[1000, 2000, 4000, 16_000], &|size| {
        let mut config = document(&aliases(size));
        Box::new(move || config.set(&credential("new")).unwrap())
    });
    row("members of our entry", &[1000, 2000, 4000, 16_000], &|size| {
        let fields = vec![r#""identitytoken":"old""#; size].join(",");
        let mut config = document(&format!(r#"{{"auths":{{"gitea.example.com":{{{fields}}}}}}}"#));
        Box::new(move || config.set(&credential("new")).unwrap())
    });
    row("keys of Docker Hub", &[1000, 2000, 4000, 16_000], &|size| {
        let keys: Vec<String> = (0..size)
            .map(|at| format!("https://index.docker.io/v1/?{at}"))
            .collect();
        Box::new(move || {
            let keys = keys.iter().map(String::as_str).collect();
            assert_eq!(pull("nginx", &[PullSecret::Entries(keys)]).entries().len(), size);
        })
    });
}

#[test]
fn removing_an_entry_keeps_the_others() {
    let text = r#"{ "auths" : {
  "ghcr.io": { "auth":"YTpi" } ,
  "https://gitea.example.com/v2/": {"username":"a"},
  "gitea.example.com": {"username":"b"},
  "gitea.example.com.evil.example": {"username":"c"}
}, "HttpHeaders": {} }"#;
    let mut config = DockerConfig::parse(text.as_bytes()).unwrap();
    let registry = "gitea.example.com".parse().unwrap();
    assert!(config.remove(&registry).unwrap());
    assert_eq!(
        config.as_str(),
        r#"{ "auths" : {
  "ghcr.io": { "auth":"YTpi" },
  "gitea.example.com.evil.example": {"username":"c"}
}, "HttpHeaders": {} }"#
    );
    let before = config.clone();
    assert!(!config.remove(&registry).unwrap());
    assert_eq!(config, before);
    assert!(config.remove(&"ghcr.io".parse().unwrap()).unwrap());
    assert!(
        config
            .remove(&"gitea.example.com.evil.example".parse().unwrap())
            .unwrap()
    );
    assert!(config.keys().is_empty() && config.as_str().ends_with(r#""HttpHeaders": {} }"#));
    // Go reads all of these.
    let text = r#"{"Auths":{"gitea.example.com":{}},"auths":{"gitea.example.com":{},"x":{}},"auths":{"gitea.example.com":{}}}"#;
    let mut config = document(text);
    assert!(config.remove(&registry).unwrap());
    assert_eq!(config.as_str(), r#"{"Auths":{},"auths":{"x":{}},"auths":{}}"#);
}
