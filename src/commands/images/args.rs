//! The flags that the verbs of `images` share.

use std::fmt;
use std::str::FromStr;

use clap::Args;
use thiserror::Error;

use crate::commands::args::{ClusterArgs, RegistryConnectionArgs, TokenArgs};
use crate::model::{Registry, Repository, Tag, Username};

/// The registry, and who asks it.
#[derive(Debug, Args)]
pub struct ImageRegistryArgs {
    /// The registry; may be left out if the keychain has only one
    #[arg(long, value_name = "REGISTRY")]
    pub registry: Option<Registry>,
    /// The user; needed with --token-env and --token-stdin
    #[arg(hide_short_help = true, short, long, value_name = "NAME")]
    pub username: Option<Username>,
    /// Where the token comes from.
    #[command(flatten)]
    pub token: TokenArgs,
    /// How to reach the registry.
    #[command(flatten)]
    pub connection: RegistryConnectionArgs,
}

/// The clusters that use the images.
#[derive(Clone, Debug, Args)]
pub struct ImageUsersArgs {
    /// Another name of the registry, by which clusters pull the same images, such as a mirror's (repeatable)
    #[arg(hide_short_help = true, long, value_name = "REGISTRY")]
    pub known_as: Vec<Registry>,
    /// How to reach them.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// The texts of flags that mean something else than for other verbs.
pub const TEXTS: [(&str, &str); 2] = [
    ("dry_run", "Only print the plan"),
    (
        "contexts",
        "A context whose cluster uses the images (repeatable) [default: none; in a pod, its own cluster]",
    ),
];

/// `OWNER` or `OWNER/NAME`: all images of a user or an organisation, or one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selection {
    /// The path as written, in lower case.
    path: Repository,
}

/// `OWNER/NAME` or `OWNER/NAME:TAG`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneImage {
    pub repository: Repository,
    pub tag: Option<Tag>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SelectionError {
    #[error(
        "write OWNER for all images of a user or an organisation, or OWNER/NAME for one, without the registry and the tag"
    )]
    Selection,
    #[error("write OWNER/NAME, or OWNER/NAME:TAG, without the registry")]
    OneImage,
}

impl Selection {
    /// One image.
    pub fn of(image: &Repository) -> Self {
        Self { path: image.clone() }
    }

    pub fn owner(&self) -> &str {
        let path = self.path.as_str();
        path.split_once('/').map_or(path, |(owner, _)| owner)
    }

    /// The image, if it is one.
    pub fn image(&self) -> Option<&Repository> {
        self.path.as_str().contains('/').then_some(&self.path)
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path.as_str())
    }
}

impl FromStr for Selection {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        // Gitea finds an owner in any case.
        let path = text.to_lowercase().parse().map_err(|_| SelectionError::Selection)?;
        Ok(Self { path })
    }
}

impl FromStr for OneImage {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let (path, tag) = match text.split_once(':') {
            Some((path, tag)) => (path, Some(tag.to_lowercase())),
            None => (text, None),
        };
        let repository: Repository = path.to_lowercase().parse().map_err(|_| SelectionError::OneImage)?;
        if !repository.as_str().contains('/') {
            return Err(SelectionError::OneImage);
        }
        let tag = tag
            .map(|tag| tag.parse())
            .transpose()
            .map_err(|_| SelectionError::OneImage)?;
        Ok(Self { repository, tag })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_is_an_owner_or_an_image() {
        let read = |text: &str| {
            let selection: Selection = text.parse().ok()?;
            Some((selection.owner().to_owned(), selection.image().map(ToString::to_string)))
        };
        assert_eq!(read("Admin"), Some(("admin".to_owned(), None)));
        assert_eq!(
            read("admin/team/api"),
            Some(("admin".to_owned(), Some("admin/team/api".to_owned())))
        );
        for text in [
            "",
            "admin/",
            "/api",
            "admin/api:1",
            "gitea.example.com:3000/admin",
            "admin/../x",
            "admin/a b",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn one_image_may_have_a_tag() {
        let image: OneImage = "admin/team/api:V1".parse().unwrap();
        assert_eq!(image.repository.as_str(), "admin/team/api");
        assert_eq!(
            image.tag.as_ref().map(Tag::as_str),
            Some("v1"),
            "Gitea keeps tags in lower case"
        );
        for text in ["admin", "admin/api:", "h:3000/admin/api:1", "admin/api@sha256:00", ""] {
            assert_eq!(text.parse::<OneImage>(), Err(SelectionError::OneImage), "{text}");
        }
    }
}
