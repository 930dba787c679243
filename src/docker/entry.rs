//! An entry of `auths` as docker reads it.

use std::fmt;

use super::other_name;
use crate::model::auth_entry::{AuthEntry, EntryError, Field};
use crate::model::{Credential, Registry, Token, Username};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key as written; untrusted text.
    pub key: String,
    pub held: EntryContent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryContent {
    /// No secret: `{}`, as docker leaves it after a login through a helper, or a user alone.
    Nothing,
    /// A login in plain text. An `identitytoken` is a login of the user `<token>`, as in credential helpers.
    Login(Username, Token),
    /// A secret that no credential helper can store.
    Unmovable(Unmovable),
}

/// Why a secret cannot be moved to a credential helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unmovable {
    /// `registrytoken`, which is sent to the registry as it is, without a user.
    RegistryToken,
    /// Both a password and an identity token; a helper can store only one.
    Two,
    /// The entry is not what docker writes.
    Damaged(&'static str),
}

impl fmt::Display for Unmovable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RegistryToken => "it is a registry token, which credential helpers cannot carry",
            Self::Two => "it holds a password and an identity token, and a credential helper keeps one of them",
            Self::Damaged(what) => what,
        })
    }
}

impl Entry {
    pub(super) fn read(key: String, raw: &str) -> Self {
        let held = held(raw).unwrap_or_else(|what| EntryContent::Unmovable(Unmovable::Damaged(what)));
        Self { key, held }
    }

    /// The registry that the key names, in any spelling. `None` if the key is a path below a registry, which podman
    /// uses and no helper can serve, or not a registry at all.
    pub fn registry(&self) -> Option<Registry> {
        let registry: Registry = self.server().parse().ok()?;
        registry.is_named_by(self.server()).then_some(registry)
    }

    /// The key without `http://`: clients cut it off before they compare, so port 80 is not left out of a name.
    pub fn server(&self) -> &str {
        self.key.strip_prefix("http://").unwrap_or(&self.key)
    }

    /// The name by which clients ask for that registry.
    pub(super) fn name(&self) -> Option<String> {
        let registry = self.registry()?;
        let name = other_name(&registry, &self.key).unwrap_or(registry.as_str());
        Some(name.to_owned())
    }

    pub fn has_secret(&self) -> bool {
        self.held != EntryContent::Nothing
    }

    /// The credential in plain text, if the entry is for a whole registry.
    pub fn credential(&self) -> Option<Credential> {
        let EntryContent::Login(username, token) = &self.held else {
            return None;
        };
        Some(Credential {
            registry: self.registry()?,
            username: username.clone(),
            token: token.clone(),
        })
    }
}

/// Whether a member of this name is part of the credential. Others, such as `email`, are not touched.
pub(super) fn is_secret(name: &str) -> bool {
    Field::of(name).is_some_and(|field| field != Field::Email)
}

/// The fields that docker reads (`AuthConfig` of docker/cli's `cli/config/types`).
fn held(raw: &str) -> Result<EntryContent, &'static str> {
    let entry = AuthEntry::read(raw).map_err(EntryError::as_str)?;
    let text = |field| entry.text(field).map_err(EntryError::as_str);
    let (registry_token, identity_token) = (text(Field::RegistryToken)?, text(Field::IdentityToken)?);
    let pair = entry.login().map_err(EntryError::as_str)?;
    // docker trims zero bytes, with which some old tools padded it.
    let (user, password) = (pair.username.as_str(), pair.password.trim_matches('\0'));
    if !registry_token.is_empty() {
        return Ok(EntryContent::Unmovable(Unmovable::RegistryToken));
    }
    let username = |text: &str| text.parse::<Username>().map_err(|_| "its user name cannot be one");
    if !identity_token.is_empty() {
        if !password.is_empty() {
            return Ok(EntryContent::Unmovable(Unmovable::Two));
        }
        return Ok(EntryContent::Login(username("<token>")?, token(identity_token)?));
    }
    match (user.is_empty(), password.is_empty()) {
        (_, true) => Ok(EntryContent::Nothing),
        (true, false) => Err("it has a password and no user"),
        (false, false) => Ok(EntryContent::Login(username(user)?, token(password)?)),
    }
}

fn token(text: &str) -> Result<Token, &'static str> {
    Token::given(text.to_owned()).map_err(|_| "its token or password holds a character that cannot be seen")
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn read(raw: &str) -> EntryContent {
        Entry::read("r.example.com".to_owned(), raw).held
    }

    fn login(user: &str, token: &str) -> EntryContent {
        EntryContent::Login(user.parse().unwrap(), Token::verbatim(token.to_owned()))
    }

    #[test]
    fn every_form_that_docker_reads_is_read() {
        let auth = STANDARD.encode("admin:s3:cret");
        for (raw, held) in [
            ("{}".to_owned(), EntryContent::Nothing),
            ("null".to_owned(), EntryContent::Nothing),
            (r#"{"username":"admin"}"#.to_owned(), EntryContent::Nothing),
            (
                format!(r#"{{"auth":"{}"}}"#, STANDARD.encode("admin:")),
                EntryContent::Nothing,
            ),
            (
                r#"{"email":"a@example.com","auth":""}"#.to_owned(),
                EntryContent::Nothing,
            ),
            (format!(r#"{{"auth":"{auth}"}}"#), login("admin", "s3:cret")),
            (
                format!(r#"{{"auth":"{}"}}"#, auth.trim_end_matches('=')),
                login("admin", "s3:cret"),
            ),
            (
                format!(r#"{{"username":"old","password":"old","auth":"{auth}"}}"#),
                login("admin", "s3:cret"),
            ),
            (
                r#"{"username":"admin","password":"p\"w"}"#.to_owned(),
                login("admin", "p\"w"),
            ),
            (
                r#"{"Username":"admin","Password":"old","PASSWORD":"new"}"#.to_owned(),
                login("admin", "new"),
            ),
            (r#"{"identitytoken":"tok"}"#.to_owned(), login("<token>", "tok")),
            // Azure's registry.
            (
                format!(
                    r#"{{"auth":"{}","identitytoken":"tok"}}"#,
                    STANDARD.encode("00000000-0000-0000-0000-000000000000:")
                ),
                login("<token>", "tok"),
            ),
            (
                format!(r#"{{"auth":"{auth}","identitytoken":"tok"}}"#),
                EntryContent::Unmovable(Unmovable::Two),
            ),
            (
                r#"{"registrytoken":"tok"}"#.to_owned(),
                EntryContent::Unmovable(Unmovable::RegistryToken),
            ),
        ] {
            assert_eq!(read(&raw), held, "{raw}");
        }
    }

    #[test]
    fn unusual_entries_stay_and_are_not_quoted() {
        for (raw, says) in [
            (r#"["s3cret"]"#, "no JSON object"),
            (r#"{"auth":7}"#, "not text"),
            (r#"{"auth":"YTpi","Auth":"YTpiYw="}"#, "not base64"),
            (r#"{"auth":"%%%"}"#, "not base64"),
            (r#"{"auth":"czNjcmV0"}"#, "no colon"),
            (r#"{"password":"s3cret"}"#, "no user"),
            (r#"{"username":"a\nb","password":"s3cret"}"#, "cannot be one"),
        ] {
            let EntryContent::Unmovable(why) = read(raw) else {
                panic!("{raw}")
            };
            assert!(
                why.to_string().contains(says) && !why.to_string().contains("s3cret"),
                "{raw}: {why}"
            );
        }
    }

    #[test]
    fn spellings_are_one_registry_and_paths_are_not() {
        for (key, registry) in [
            ("gitea.example.com", Some("gitea.example.com")),
            ("https://Gitea.example.com:443/v2/", Some("gitea.example.com")),
            ("https://index.docker.io/v1/", Some("docker.io")),
            ("docker.io", Some("docker.io")),
            ("http://gitea.example.com/v1/", Some("gitea.example.com")),
            ("http://gitea.example.com:80", Some("gitea.example.com:80")),
            ("gitea.example.com/org", None),
            ("https://index.docker.io/v1/access-token", None),
            ("", None),
        ] {
            let entry = Entry::read(key.to_owned(), "{}");
            assert_eq!(entry.registry().as_ref().map(Registry::as_str), registry, "{key}");
        }
    }
}
