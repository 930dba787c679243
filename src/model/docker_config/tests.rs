use super::*;

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
fn a_new_document_is_what_kubectl_would_have_written() {
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
fn entries_that_break_kubelet_are_named() {
    let config = document(
        r#"{"auths":{"a":{"auth":1},"b":{"auth":"?"},"c":{"auth":"YWI="},"d":{"auth":"YTpi"},"e":{"auth":"YTpiYw"},"f":{},"g":[],"h":{"username":"u","password":"p"}}}"#,
    );
    let keys: Vec<_> = config.problems().into_iter().map(|problem| problem.key).collect();
    assert_eq!(keys, ["a", "b", "c", "g"]);
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
fn a_spelling_that_kubelet_does_not_take_is_no_entry_for_it() {
    for key in ["gitea.example.com:443", "gitea.example.com/v2", "Gitea.example.com"] {
        let mut config = document(&format!(r#"{{"auths":{{"{key}":{{"auth":"YWRtaW46bmV3"}}}}}}"#));
        assert!(!config.holds(&credential("new")), "{key}");
        config.set(&credential("new")).unwrap();
        assert!(config.holds(&credential("new")), "{key}");
        assert_eq!(config.keys(), [key, "gitea.example.com"]);
    }
}

#[test]
fn the_older_form_has_the_same_entries() {
    let legacy = DockerConfig::parse_legacy(b" {\"a\":{\"auth\":\"YTpi\"}}\n").unwrap();
    assert_eq!(legacy.logins(), document(r#"{"auths":{"a":{"auth":"YTpi"}}}"#).logins());
    assert!(DockerConfig::parse_legacy(b"[]").is_err());
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

#[test]
fn what_is_no_document_is_refused() {
    for text in ["", "[]", "nonsense", r#"{"auths":[]}"#, r#"{"auths":"x"}"#] {
        assert!(DockerConfig::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert_eq!(DockerConfig::parse(&[0xff]), Err(DockerConfigError::NotText));
    assert!(document("{}").keys().is_empty() && document(r#"{"auths":null}"#).keys().is_empty());
}
