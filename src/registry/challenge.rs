//! Parses the `WWW-Authenticate` headers of a 401 (RFC 9110 §11.6.1).

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

/// An authentication scheme that a server offers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    /// The scheme's name in lower case.
    scheme: String,
    parameters: Vec<(String, String)>,
}

/// The authentication scheme that we use.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SignIn {
    /// Fetch a token at `realm` first (the Distribution project's token authentication).
    Bearer { realm: String, service: Option<String> },
    /// Send user and token with each request.
    Basic,
}

impl Challenge {
    fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, _)| key == name)?;
        Some(&found.1)
    }
}

/// All challenges of a reply, in order. Gitea since 1.26 sends two headers, others put two challenges into one.
pub(super) fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let mut found = Vec::new();
    for field in headers.get_all(WWW_AUTHENTICATE) {
        parse(&String::from_utf8_lossy(field.as_bytes()), &mut found);
    }
    found
}

/// Bearer if it is offered with a realm, else Basic, as docker, containerd and podman choose.
pub(super) fn choose(challenges: &[Challenge]) -> Option<SignIn> {
    let bearer = challenges
        .iter()
        .filter(|challenge| challenge.scheme == "bearer")
        .find_map(|challenge| {
            Some(SignIn::Bearer {
                realm: challenge
                    .parameter("realm")
                    .filter(|realm| !realm.is_empty())?
                    .to_owned(),
                service: challenge.parameter("service").map(str::to_owned),
            })
        });
    let basic = || challenges.iter().any(|challenge| challenge.scheme == "basic");
    bearer.or_else(|| basic().then_some(SignIn::Basic))
}

/// The offered schemes, for a message.
pub(super) fn schemes(challenges: &[Challenge]) -> String {
    let names: Vec<&str> = challenges.iter().map(|challenge| challenge.scheme.as_str()).collect();
    names.join(", ")
}

/// Parses one header. Invalid parts are skipped, so that a broken challenge does not hide the next one.
fn parse(field: &str, found: &mut Vec<Challenge>) {
    let mut rest = field;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return;
        }
        let (word, after) = take_token(rest);
        if word.is_empty() {
            rest = rest.split_once(',').map_or("", |(_, after)| after);
            continue;
        }
        let value = after.trim_start_matches([' ', '\t']);
        if let Some(value) = value.strip_prefix('=') {
            let (value, after) = take_value(value.trim_start_matches([' ', '\t']));
            if let Some(challenge) = found.last_mut() {
                challenge.parameters.push((word.to_ascii_lowercase(), value));
            }
            rest = after;
        } else {
            found.push(Challenge {
                scheme: word.to_ascii_lowercase(),
                parameters: Vec::new(),
            });
            rest = after;
        }
    }
}

/// Splits a token (RFC 9110 §5.6.2) off the front.
fn take_token(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/".contains(c)))
        .unwrap_or(text.len());
    text.split_at(end)
}

/// Splits a quoted string or a bare value off the front.
fn take_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(c),
        }
    }
    (value, "")
}

/// The service in Gitea's challenge. GitLab uses the same one with another path.
pub(super) const GITEA_SERVICE: &str = "container_registry";
/// The path of the token exchange, relative to Gitea's own path.
pub(super) const GITEA_TOKEN_PATH: &str = "/v2/token";

/// If a challenge is Gitea's, the path that Gitea runs below, which may be empty. Only before 1.22.1 and in Forgejo the
/// realm contains it.
pub(super) fn gitea_prefix<'a>(realm: &'a str, service: Option<&str>) -> Option<&'a str> {
    if service != Some(GITEA_SERVICE) {
        return None;
    }
    let (_, rest) = realm.split_once("://")?;
    let path = rest.find('/').map_or("", |slash| &rest[slash..]);
    let prefix = path.strip_suffix(GITEA_TOKEN_PATH)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
    let safe = prefix.chars().all(plain) && !prefix.contains("..") && !prefix.contains("//");
    Some(if safe { prefix } else { "" })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn chosen(fields: &[&str]) -> Option<SignIn> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(field).unwrap());
        }
        choose(&challenges(&headers))
    }

    fn bearer(realm: &str, service: Option<&str>) -> SignIn {
        SignIn::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
        }
    }

    #[test]
    fn bearer_is_found_at_any_position() {
        let gitea = r#"Bearer realm="https://h/v2/token",service="container_registry",scope="*""#;
        let both = Some(bearer("https://h/v2/token", Some("container_registry")));
        for fields in [
            &[gitea] as &[&str],
            &[gitea, r#"Basic realm="Gitea Container Registry""#],
            &[r#"Basic realm="Gitea Container Registry""#, gitea],
            &[r#"Basic realm="a, b", bearer Realm = "https://h/v2/token" , service=container_registry"#],
            &[r#"Negotiate YII/aa==, Bearer realm="https://h/v2/token",service="container_registry""#],
            &[r#""broken", Bearer realm="https:\/\/h/v2/token",service="container_registry"#],
        ] {
            assert_eq!(chosen(fields), both, "{fields:?}");
        }
        assert_eq!(
            chosen(&["Bearer realm=https://h/token"]),
            Some(bearer("https://h/token", None))
        );
    }

    #[test]
    fn basic_is_the_fallback() {
        assert_eq!(chosen(&[r#"Basic realm="x""#]), Some(SignIn::Basic));
        assert_eq!(chosen(&["Bearer", "BASIC"]), Some(SignIn::Basic));
        for fields in [
            &[] as &[&str],
            &[""],
            &["Negotiate"],
            &[r#"Digest realm="Basic""#],
            &[",,="],
        ] {
            assert_eq!(chosen(fields), None, "{fields:?}");
        }
        let mut found = Vec::new();
        parse("Negotiate, NTLM", &mut found);
        assert_eq!(schemes(&found), "negotiate, ntlm");
    }

    #[test]
    fn giteas_challenge_is_recognised_with_its_path() {
        let gitea = Some("container_registry");
        for (realm, service, found) in [
            ("https://h/v2/token", gitea, Some("")),
            ("http://gitea:3000/v2/token", gitea, Some("")),
            ("https://h/gitea/v2/token", gitea, Some("/gitea")),
            ("https://h/a/b/v2/token", gitea, Some("/a/b")),
            ("https://h/../v2/token", gitea, Some("")),
            ("https://h//evil/v2/token", gitea, Some("")),
            ("https://h/%2e%2e/v2/token", gitea, Some("")),
            ("https://gitlab.com/jwt/auth", gitea, None),
            ("https://h/v2/token?x=1", gitea, None),
            ("https://h", gitea, None),
            ("https://ghcr.io/token", Some("ghcr.io"), None),
            ("https://h/v2/token", None, None),
        ] {
            assert_eq!(gitea_prefix(realm, service), found, "{realm}");
        }
    }
}
