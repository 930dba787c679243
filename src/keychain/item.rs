//! The name and content of a keychain item.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::json;
use zeroize::{Zeroize, Zeroizing};

use super::braces;
use crate::model::{CommandLine, Credential, JsonEdit, Registry, Token, Use, Username};

/// The service name of all our items.
pub(super) const SERVICE: &str = "kubectl-regcred";

/// The member of an item's secret that holds a rotation.
pub(super) const ROTATION: &str = "rotation";

/// What the use of an item's account begins with if it is a name of the user's own. Items of other kinds have one word there.
const NAMED: &str = "named:";

/// An item's key: there is one item for each name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    pub registry: Registry,
    pub usage: Use,
    pub part: Part,
}

/// Which of a registry's secrets an item holds.
///
/// `docker login` without a password logs in to Docker Hub in the browser (OAuth 2) and stores three entries through
/// its credential helper: the one that every client asks for, and two under paths below Docker Hub's key that only
/// docker uses. The helper has to return each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The credential for the registry itself.
    Login,
    /// Docker Hub's `https://index.docker.io/v1/access-token`.
    AccessToken,
    /// Docker Hub's `https://index.docker.io/v1/refresh-token`.
    RefreshToken,
}

impl Part {
    /// The parts that a registry can have for this use, the login first.
    pub fn of(registry: &Registry, usage: Use) -> &'static [Self] {
        if registry.is_docker_hub() && usage == Use::Docker {
            &[Self::Login, Self::AccessToken, Self::RefreshToken]
        } else {
            &[Self::Login]
        }
    }

    const PATHS: [(Self, &'static str); 2] = [
        (Self::AccessToken, "access-token"),
        (Self::RefreshToken, "refresh-token"),
    ];

    fn path(self) -> Option<&'static str> {
        Self::PATHS
            .iter()
            .find(|(part, _)| *part == self)
            .map(|(_, path)| *path)
    }

    fn of_path(path: &str) -> Option<Self> {
        Self::PATHS
            .iter()
            .find(|(_, known)| *known == path)
            .map(|(part, _)| *part)
    }
}

impl Name {
    /// The name of the registry's credential.
    pub fn login(registry: &Registry, usage: Use) -> Self {
        Self {
            registry: registry.clone(),
            usage,
            part: Part::Login,
        }
    }

    /// The name for a `server` as clients of a credential helper send it; `None` if it is not a registry.
    pub fn of_server(server: &str, usage: Use) -> Option<Self> {
        let registry: Registry = server.parse().ok()?;
        let part = server
            .strip_prefix(registry.config_key())
            .filter(|_| registry.is_docker_hub())
            .and_then(Part::of_path)
            .unwrap_or(Part::Login);
        Some(Self { registry, usage, part })
    }

    /// `rotate` for this credential. Without its use, the command could be about another one of the registry.
    pub fn rotate_command(&self) -> CommandLine {
        CommandLine::new("kubectl regcred rotate")
            .value("REGISTRY", self.registry.as_str())
            .option("--use", "USE", self.usage.as_str())
    }

    /// The server as clients of a credential helper spell it; the inverse of [`Name::of_server`].
    pub fn server(&self) -> String {
        format!("{}{}", self.registry.config_key(), self.part.path().unwrap_or_default())
    }

    /// The account of the keychain's item: `docker gitea.example.com`, or `named:ci gitea.example.com`.
    pub(super) fn account(&self) -> String {
        let prefix = match self.usage {
            Use::Docker | Use::Cluster => "",
            Use::Named(_) => NAMED,
        };
        match self.part.path() {
            None => format!("{prefix}{} {}", self.usage, self.registry),
            Some(path) => format!("{prefix}{} {}/{path}", self.usage, self.registry),
        }
    }

    pub(super) fn of_account(account: &str) -> Option<Self> {
        let (usage, rest) = account.split_once(' ')?;
        let usage = match usage.strip_prefix(NAMED) {
            Some(name) => Use::Named(name.parse().ok()?),
            // Other words are items of another kind.
            None => usage.parse().ok().filter(|usage: &Use| usage.name().is_none())?,
        };
        let (registry, part) = match rest.split_once('/') {
            None => (rest, Part::Login),
            Some((registry, path)) => (registry, Part::of_path(path)?),
        };
        Some(Self {
            registry: registry.parse().ok()?,
            usage,
            part,
        })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.server(), self.usage)
    }
}

/// An item without its secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CredentialInfo {
    pub registry: Registry,
    pub usage: Use,
    pub username: Username,
    /// Since when the keychain has had the token; `None` for one that an earlier version of this program stored.
    pub since: Option<SystemTime>,
}

/// The secret of an item: a JSON object with `username`, `token` and other members.
///
/// The user is in here with the token, so that one write changes both.
#[derive(Clone, Debug)]
pub(super) struct Secret(pub(super) JsonEdit);

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    username: Cow<'a, str>,
    #[serde(borrow)]
    token: Cow<'a, str>,
}

impl Drop for Fields<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(token) = &mut self.token {
            token.zeroize();
        }
    }
}

impl PartialEq for Secret {
    /// Compares every byte: members that a later version of this program has added count.
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Default for Secret {
    fn default() -> Self {
        Self(JsonEdit::parse("{}").expect("a constant"))
    }
}

impl Secret {
    /// Reads an item's bytes, which are zeroed; `None` if they are not a JSON object.
    pub(super) fn parse(bytes: Vec<u8>) -> Option<Self> {
        let bytes = Zeroizing::new(bytes);
        let text = braces::unescape(std::str::from_utf8(&bytes).ok()?);
        JsonEdit::parse(&text).ok().map(Self)
    }

    /// The text to store in the keychain.
    pub(super) fn text(&self) -> Zeroizing<String> {
        braces::escape(self.0.as_str())
    }

    /// The credential in it, if it has one.
    pub(super) fn credential(&self, registry: &Registry) -> Option<Credential> {
        let fields: Fields<'_> = serde_json::from_str(self.0.as_str()).ok()?;
        Some(Credential {
            registry: registry.clone(),
            username: fields.username.parse().ok()?,
            token: Token::verbatim(fields.token.as_ref().to_owned()),
        })
    }

    /// The tokens in it that a pull Secret can hold; during a rotation there are two. kubelet cannot use an identity
    /// token.
    pub(super) fn tokens(&self, registry: &Registry) -> Vec<Token> {
        let other = self
            .rotation(registry)
            .ok()
            .flatten()
            .and_then(|rotation| rotation.other);
        let credentials = self.credential(registry).into_iter().chain(other);
        credentials
            .filter(|credential| !credential.username.is_identity_token())
            .map(|credential| credential.token)
            .collect()
    }

    /// Sets the credential and keeps the other members, such as the journal of a rotation.
    pub(super) fn set(&mut self, credential: &Credential) {
        let token = Zeroizing::new(json!(credential.token.expose()).to_string());
        for (field, value) in [
            ("username", &json!(credential.username.as_str()).to_string()),
            ("token", &*token),
        ] {
            self.0.set(&[field], value).expect("the document is an object");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_the_account_and_the_server_spelling() {
        for (server, account, listed) in [
            ("gitea.example.com", "docker gitea.example.com", "gitea.example.com"),
            (
                "https://gitea.example.com/owner/image",
                "docker gitea.example.com",
                "gitea.example.com",
            ),
            ("[::1]:5000", "docker [::1]:5000", "[::1]:5000"),
            (
                "https://index.docker.io/v1/",
                "docker docker.io",
                "https://index.docker.io/v1/",
            ),
            (
                "docker.io/access-token",
                "docker docker.io",
                "https://index.docker.io/v1/",
            ),
            (
                "https://index.docker.io/v1/access-token",
                "docker docker.io/access-token",
                "https://index.docker.io/v1/access-token",
            ),
            (
                "https://index.docker.io/v1/refresh-token",
                "docker docker.io/refresh-token",
                "https://index.docker.io/v1/refresh-token",
            ),
            (
                "gitea.example.com/access-token",
                "docker gitea.example.com",
                "gitea.example.com",
            ),
        ] {
            let name = Name::of_server(server, Use::Docker).unwrap();
            assert_eq!((name.account().as_str(), name.server().as_str()), (account, listed));
            assert_eq!(Name::of_account(account), Some(name.clone()));
            assert_eq!(Name::of_server(&name.server(), Use::Docker), Some(name));
        }
    }

    #[test]
    fn unknown_accounts_are_not_names() {
        for account in [
            "",
            "docker",
            "docker ",
            "other gitea.example.com",
            "docker docker.io/v2",
            "ci gitea.example.com",
            "named: gitea.example.com",
            "named:docker gitea.example.com",
        ] {
            assert_eq!(Name::of_account(account), None, "{account:?}");
        }
        let name = Name::login(&"gitea.example.com".parse().unwrap(), "ci".parse().unwrap());
        assert_eq!(name.account(), "named:ci gitea.example.com");
        assert_eq!(Name::of_account(&name.account()), Some(name));
        assert_eq!(Name::of_server("a b", Use::Docker), None);
    }

    #[test]
    fn a_secret_keeps_its_other_members() {
        let mut secret = Secret::parse(br#"{"username":"a","token":"old","pending":{"token":"x"}}"#.to_vec()).unwrap();
        let registry: Registry = "gitea.example.com".parse().unwrap();
        let credential = Credential {
            registry: registry.clone(),
            username: "<token>".parse().unwrap(),
            token: Token::parse(r#"n"ew"#).unwrap(),
        };
        secret.set(&credential);
        assert_eq!(
            secret.text().as_str(),
            r#"{"username":"<token>","token":"n\"ew","pending":{"token":"x"}}"#
        );
        assert_eq!(secret.credential(&registry), Some(credential));
    }

    #[test]
    fn other_secrets_hold_no_credential() {
        let registry: Registry = "gitea.example.com".parse().unwrap();
        for bytes in [&b"tok"[..], b"[]", b"\xff", b""] {
            assert!(Secret::parse(bytes.to_vec()).is_none());
        }
        for text in ["{}", r#"{"username":"a"}"#, r#"{"username":"","token":"t"}"#] {
            let secret = Secret::parse(text.into()).unwrap();
            assert_eq!(secret.credential(&registry), None, "{text}");
        }
    }
}
