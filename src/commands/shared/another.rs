//! When a token in a Secret is another's: it works, and the own one is not simply a newer one in its place. Pure.

use std::fmt;

use crate::model::{InstallationId, Writer, printable};
use crate::registry::{Scopes, Verified};

/// The longest user name that is shown.
const MAX_USER: usize = 80;

/// One of the two tokens.
#[derive(Clone, Copy)]
pub(in crate::commands) struct Side<'a> {
    /// The user beside the token.
    pub(in crate::commands) username: &'a str,
    /// What the registry says of it, where it does.
    pub(in crate::commands) verified: Option<&'a Verified>,
}

impl<'a> Side<'a> {
    fn user(&self) -> &'a str {
        let who = self.verified.and_then(|verified| verified.who.as_deref());
        who.unwrap_or(self.username)
    }

    fn scopes(&self) -> Option<&'a Scopes> {
        self.verified?.scopes.as_ref()
    }
}

/// Why a token that works is another's. Its texts are fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Another {
    /// Another installation wrote it.
    Installation(Writer),
    /// It belongs to another user.
    User { theirs: String, ours: String },
    /// The own one may do more, which everyone who can read the Secret then could.
    Rights { more: String },
}

impl fmt::Display for Another {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installation(writer) => write!(f, "{writer} wrote it"),
            Self::User { theirs, ours } => write!(f, "it is {theirs}'s, and yours is {ours}'s"),
            Self::Rights { more } => write!(f, "yours may do more: {more}"),
        }
    }
}

/// Whether a token that is in a Secret, and works as far as is known, is another's.
pub(in crate::commands) fn another(
    ours: Side<'_>,
    theirs: Side<'_>,
    writer: Option<&Writer>,
    own: Option<&InstallationId>,
) -> Option<Another> {
    if let Some(writer) = writer.filter(|writer| writer.is_other_than(own)) {
        return Some(Another::Installation(writer.clone()));
    }
    // Without an answer there is nothing to compare.
    theirs.verified?;
    if !ours.user().eq_ignore_ascii_case(theirs.user()) {
        return Some(Another::User {
            theirs: printable(theirs.user(), MAX_USER),
            ours: printable(ours.user(), MAX_USER),
        });
    }
    let more = ours.scopes()?.beyond(theirs.scopes()?)?;
    Some(Another::Rights { more: more.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Flow, Server};

    fn verified(who: Option<&str>, scopes: &str) -> Verified {
        Verified {
            who: who.map(str::to_owned),
            scopes: Scopes::parse(scopes),
            created: None,
            server: Server::Other,
            flow: Flow::Bearer,
            notes: Vec::new(),
        }
    }

    #[test]
    fn each_reason_has_its_words() {
        let id = |octet| InstallationId::of([octet; 16]);
        let jane = Writer::new("jane@desk", Some(id(2))).unwrap();
        let ci = Writer::new("ci", None).unwrap();
        let read = verified(None, "read:package");
        let write = verified(None, "write:package");
        let bot = verified(Some("bot"), "read:package");
        let unknown = verified(None, "");
        let own = id(1);
        for (ours, theirs, writer, said) in [
            (Some(&read), Some(&read), None, None),
            (Some(&read), Some(&write), Some(&ci), None),
            (Some(&write), Some(&unknown), None, None),
            (Some(&unknown), Some(&read), None, None),
            (Some(&write), None, None, None),
            (Some(&read), None, Some(&jane), Some("jane@desk wrote it")),
            (Some(&read), Some(&read), Some(&jane), Some("jane@desk wrote it")),
            (Some(&read), Some(&bot), None, Some("it is bot's, and yours is Admin's")),
            (
                Some(&write),
                Some(&read),
                None,
                Some("yours may do more: write:package"),
            ),
            (None, Some(&read), None, None),
        ] {
            let ours = Side {
                username: "Admin",
                verified: ours,
            };
            let theirs = Side {
                username: "admin",
                verified: theirs,
            };
            let found = another(ours, theirs, writer, Some(&own)).map(|one| one.to_string());
            assert_eq!(found.as_deref(), said);
        }
    }
}
