//! WWW-Authenticate: a broken challenge hides none that follows, and a token goes to the registry's own origin only.

use regcred::model::Registry;
use regcred::registry::fuzzing::{Chosen, chosen, realm};

/// A line is a header.
pub fn check(text: &[u8]) {
    let fields: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let length = text.len();
    if let Some(Chosen::Bearer {
        realm: at,
        service,
        gitea,
    }) = chosen(&fields)
    {
        // A byte that is no text becomes three.
        assert!(!at.is_empty() && at.len() + service.as_ref().map_or(0, String::len) <= 3 * length);
        if let Some(path) = gitea {
            assert!(
                at.contains(&*path) && !path.contains("..") && !path.contains("//"),
                "{path}"
            );
            assert!(
                path.bytes().all(|c| c.is_ascii_graphic() && !b"?#@\\%\"'".contains(&c)),
                "{path}"
            );
        }
        let quoted = |text: &str| text.replace('\\', r"\\").replace('"', r#"\""#);
        let mut printed = format!("Bearer realm=\"{}\"", quoted(&at));
        if let Some(service) = &service {
            printed += &format!(",service=\"{}\"", quoted(service));
        }
        match chosen(&[printed.as_bytes()]) {
            Some(Chosen::Bearer {
                realm, service: again, ..
            }) => assert_eq!((realm, again), (at.clone(), service)),
            other => panic!("{printed}: {other:?}"),
        }
        for (name, https) in [
            ("gitea.example.com", true),
            ("gitea.example.com:3000", false),
            ("docker.io", true),
        ] {
            let registry: Registry = name.parse().unwrap();
            if let Some((scheme, host, port)) = realm(&registry, https, &at) {
                assert_eq!(scheme.eq_ignore_ascii_case("https"), https);
                let hosts: &[&str] = match name {
                    "docker.io" => &["registry-1.docker.io", "auth.docker.io"],
                    _ => &["gitea.example.com"],
                };
                assert!(hosts.contains(&host.to_ascii_lowercase().as_str()), "{at}");
                assert_eq!(
                    port.unwrap_or(if https { 443 } else { 80 }),
                    if https { 443 } else { 3000 }
                );
            }
        }
    }
    let good: &[u8] = br#"Bearer realm="https://gitea.example.com/v2/token",service="container_registry""#;
    let expected = match chosen(&fields) {
        Some(first @ Chosen::Bearer { .. }) => Some(first),
        _ => chosen(&[good]),
    };
    assert_eq!(
        chosen(&[&*fields, &[good]].concat()),
        expected,
        "a header hides the next one"
    );
}
