//! The place of a secret of Gitea's or Forgejo's Actions, from which a pipeline takes a token.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The most characters of an owner, a repository or a secret's name.
const MAX: usize = 255;

/// A secret of Actions, at the Gitea of a registry: `repo:acme/web/REGISTRY_TOKEN`, `org:acme/REGISTRY_TOKEN` or
/// `user:admin/REGISTRY_TOKEN`. Gitea compares owners and repositories without case, and has names in upper case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionsSecret {
    pub scope: ActionsScope,
    name: String,
}

/// Whose pipelines can read it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionsScope {
    Repository {
        owner: String,
        name: String,
    },
    Organisation(String),
    /// All repositories of an account.
    User(String),
}

/// The text is no place of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ActionsSecretError {
    #[error("a secret of Actions is written as repo:OWNER/REPOSITORY/NAME, org:ORGANISATION/NAME or user:ACCOUNT/NAME")]
    Form,
    #[error("the name of a secret has letters, digits and `_`, and does not begin with a digit")]
    Name,
    #[error("names of secrets that begin with GITEA_ or GITHUB_ are reserved")]
    Reserved,
}

impl ActionsSecret {
    /// In upper case, as Gitea has it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for ActionsSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            ActionsScope::Repository { owner, name } => write!(f, "repo:{owner}/{name}/{}", self.name),
            ActionsScope::Organisation(name) => write!(f, "org:{name}/{}", self.name),
            ActionsScope::User(name) => write!(f, "user:{name}/{}", self.name),
        }
    }
}

impl FromStr for ActionsSecret {
    type Err = ActionsSecretError;

    fn from_str(text: &str) -> Result<Self, ActionsSecretError> {
        let (kind, place) = text.split_once(':').ok_or(ActionsSecretError::Form)?;
        let parts: Vec<&str> = place.split('/').collect();
        let owner = |text: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            let is_one = (1..=MAX).contains(&text.len()) && text.chars().all(plain) && !matches!(text, "." | "..");
            is_one
                .then(|| text.to_ascii_lowercase())
                .ok_or(ActionsSecretError::Form)
        };
        let (scope, name) = match (kind, parts.as_slice()) {
            ("repo", [of, repository, name]) => {
                let scope = ActionsScope::Repository {
                    owner: owner(of)?,
                    name: owner(repository)?,
                };
                (scope, name)
            }
            ("org", [of, name]) => (ActionsScope::Organisation(owner(of)?), name),
            ("user", [of, name]) => (ActionsScope::User(owner(of)?), name),
            _ => return Err(ActionsSecretError::Form),
        };
        let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !(1..=MAX).contains(&name.len())
            || !name.chars().all(is_of_a_name)
            || name.starts_with(|c: char| c.is_ascii_digit())
        {
            return Err(ActionsSecretError::Name);
        }
        let name = name.to_ascii_uppercase();
        if name.starts_with("GITEA_") || name.starts_with("GITHUB_") {
            return Err(ActionsSecretError::Reserved);
        }
        Ok(Self { scope, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_what_it_is_read_as() {
        for (text, shown) in [
            ("repo:acme/web/REGISTRY_TOKEN", "repo:acme/web/REGISTRY_TOKEN"),
            (
                "repo:Acme/My.Repo-1/registry_token",
                "repo:acme/my.repo-1/REGISTRY_TOKEN",
            ),
            ("org:acme/T", "org:acme/T"),
            ("user:admin/_9", "user:admin/_9"),
        ] {
            let place: ActionsSecret = text.parse().unwrap();
            assert_eq!(place.to_string(), shown);
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for (text, error) in [
            ("", ActionsSecretError::Form),
            ("acme/web/T", ActionsSecretError::Form),
            ("repo:acme/T", ActionsSecretError::Form),
            ("org:a/b/T", ActionsSecretError::Form),
            ("repo:../web/T", ActionsSecretError::Form),
            ("repo:a b/web/T", ActionsSecretError::Form),
            ("repo:/web/T", ActionsSecretError::Form),
            ("team:acme/T", ActionsSecretError::Form),
            ("org:acme/", ActionsSecretError::Name),
            ("org:acme/9T", ActionsSecretError::Name),
            ("org:acme/a-b", ActionsSecretError::Name),
            ("org:acme/gitea_token", ActionsSecretError::Reserved),
            ("org:acme/GITHUB_TOKEN", ActionsSecretError::Reserved),
        ] {
            assert_eq!(text.parse::<ActionsSecret>(), Err(error), "{text}");
        }
    }
}
