//! Why images could not be read or changed.

use thiserror::Error;

use crate::registry::VerifyError;

#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImagesError {
    /// The registry was not reached, or does not accept the credential.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The credential is accepted, but not for this.
    #[error("{registry} refuses {what}{}", said.as_ref().map(|said| format!(": {said}")).unwrap_or_default())]
    Refused {
        registry: String,
        what: String,
        said: Option<String>,
    },
    /// An answer that is not what it should be.
    #[error("{what} could not be read whole: {why}")]
    Unread { what: String, why: String },
    #[error("{registry} has no user or organisation {owner:?}")]
    NoOwner { registry: String, owner: String },
    /// Pages do not fit together, however often they are read.
    #[error("the list of {owner}'s images changes while it is read")]
    Changing { owner: String },
    /// Only Gitea's API lists what an owner has.
    #[error("{registry} is no Gitea, and lists no owner's images")]
    NotGitea { registry: String },
}

impl ImagesError {
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Verify(error) => error.hint(),
            Self::Refused { .. } => {
                Some("the token needs read:package, and write:package to change anything".to_owned())
            }
            Self::NoOwner { .. } => Some("check the spelling, and whether the token may see it".to_owned()),
            Self::Changing { .. } => Some("run it again when fewer images are pushed".to_owned()),
            Self::NotGitea { .. } => Some("name the image too: OWNER/NAME".to_owned()),
            Self::Unread { .. } => {
                Some("try again; if it stays so, the registry's log or a proxy before it is what to look at".to_owned())
            }
        }
    }
}
