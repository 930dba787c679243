//! stack-orchestrator's `spec.yml`. Only its section `registry-credentials` is read; its deployments pull with a Secret
//! named `{deployment}-registry`.

use std::ffi::OsString;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_saphyr::Spanned;

use super::yaml::{self, AnyKey, Reading};
use crate::cluster::SecretName;
use crate::error::CommandError;
use crate::model::{Registry, Username};

/// The section's name.
const SECTION: &str = "registry-credentials";

/// The section; everything else in the file is ignored.
struct Document(Option<Spanned<Section>>);

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Section {
    server: Option<Spanned<String>>,
    username: Option<Spanned<String>>,
    token_env: Option<Spanned<String>>,
}

/// The content of the section.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spec {
    pub(super) registry: Registry,
    pub(super) username: Username,
    pub(super) token_env: OsString,
}

/// The top-level keys that identify the format of a file.
pub(super) struct Top {
    pub(super) has_registries: bool,
    pub(super) has_section: bool,
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SectionVisitor;
        impl<'de> Visitor<'de> for SectionVisitor {
            type Value = Document;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
                let mut section = None;
                while let Some(AnyKey(key)) = map.next_key()? {
                    if key.as_deref() == Some(SECTION) {
                        section = map.next_value()?;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Document(section))
            }
        }
        deserializer.deserialize_map(SectionVisitor)
    }
}

impl<'de> Deserialize<'de> for Top {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TopVisitor;
        impl<'de> Visitor<'de> for TopVisitor {
            type Value = Top;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Top, A::Error> {
                let mut top = Top {
                    has_registries: false,
                    has_section: false,
                };
                while let Some(AnyKey(key)) = map.next_key()? {
                    // `null` counts as absent.
                    let is_there = map.next_value::<Option<IgnoredAny>>()?.is_some();
                    match key.as_deref() {
                        Some("registries") => top.has_registries = is_there,
                        Some(SECTION) => top.has_section = is_there,
                        _ => {}
                    }
                }
                Ok(top)
            }
        }
        deserializer.deserialize_map(TopVisitor)
    }
}

/// Parses the file without reading the token's variable.
pub(super) fn parse(text: &str) -> Result<Spec, CommandError> {
    let document: Document = yaml::parse(text, Reading::Lenient)?;
    let section = document
        .0
        .ok_or_else(|| CommandError::failed(format_args!("there is no section {SECTION}")))?;
    let Section {
        server,
        username,
        token_env,
    } = section.value;
    let needs = |key: &str, text: Option<Spanned<String>>| {
        text.filter(|text| !text.value.is_empty())
            .ok_or_else(|| yaml::at(&section.referenced, format_args!("{SECTION} has no `{key}`")))
    };
    Ok(Spec {
        registry: yaml::value("server", &needs("server", server)?)?,
        username: yaml::value("username", &needs("username", username)?)?,
        token_env: needs("token-env", token_env)?.value.into(),
    })
}

/// The error for a missing `--deployment`.
pub(super) fn no_deployment() -> CommandError {
    CommandError::usage("a spec.yml does not name its deployment")
        .hint("name it with --deployment NAME: its Secret is NAME-registry")
}

/// The name that stack-orchestrator gives the Secret.
pub(super) fn secret_name(deployment: &str) -> Result<SecretName, CommandError> {
    format!("{deployment}-registry").parse().map_err(|error| {
        CommandError::usage(format_args!(
            "--deployment {deployment:?} gives no Secret's name: {error}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = "\
stack: my-stack
deploy-to: k8s
network:
  http-proxy:
    - {host-name: app.example.com, routes: [{path: '/', proxy-to: web:80}]}
resources: {containers: {limits: {cpus: 1.5}}}
1: 2
~: nothing
? [a, b]
: {~: 1}
true: {? {c: d} : e}
1.5: .inf
.nan: -.inf
stack: again
registry-credentials:
  server: ghcr.io
  username: your-org
  token-env: REGISTRY_TOKEN
  since: never
";

    #[test]
    fn another_tools_file_is_read_leniently() {
        let spec = parse(SPEC).unwrap();
        assert_eq!(
            (spec.registry.as_str(), spec.username.as_str()),
            ("ghcr.io", "your-org")
        );
        assert_eq!(spec.token_env, "REGISTRY_TOKEN");
        assert_eq!(secret_name("my-deployment").unwrap().as_str(), "my-deployment-registry");
    }

    #[test]
    fn a_long_file_is_read_and_a_longer_one_is_refused() {
        let long = |lines: usize| format!("{SPEC}config:\n{}", "  - a: b\n".repeat(lines));
        assert_eq!(parse(&long(30_000)).unwrap().token_env, "REGISTRY_TOKEN");
        let deep = format!("{SPEC}x: {}{}\n", "[".repeat(70), "]".repeat(70));
        let error = parse(&deep).unwrap_err().to_string();
        assert!(
            error.contains(
                "the file is too large: the limit is 250000 values, including keys, and 64 levels of nesting"
            ),
            "{error}"
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        for (text, says) in [
            ("stack: a\n".to_owned(), "there is no section registry-credentials"),
            (
                "registry-credentials:\n".into(),
                "there is no section registry-credentials",
            ),
            (
                SPEC.replace("  server: ghcr.io\n", ""),
                "registry-credentials has no `server`",
            ),
            (SPEC.replace("your-org", "''"), "registry-credentials has no `username`"),
            (
                SPEC.replace("token-env", "token_env"),
                "registry-credentials has no `token-env`",
            ),
            (
                SPEC.replace("ghcr.io", "ftp://a"),
                "line 16 column 11: server: a registry is reached",
            ),
        ] {
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let error = secret_name("My_App").unwrap_err().to_string();
        assert!(error.contains("My_App"), "{error}");
    }
}
