//! Which of several credentials of one registry the keychain should hold. Pure.
//!
//! The rule: copies of what the keychain holds are dropped. If they differ, the registry verifies them, and if it accepts
//! exactly one and refuses all others, that one is kept. Otherwise the person decides, or nothing of that registry is
//! changed. A credential that is being rotated is never replaced.

use crate::docker::StoredIn;
use crate::keychain::{Name, Part};
use crate::model::Credential;

/// A credential that is not in the keychain, or also there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) credential: Credential,
    /// Where; another credential helper keeps it whatever we do.
    pub(super) place: StoredIn,
}

/// All that is known about one registry, or about one of the tokens that Docker Hub's login in the browser leaves
/// beside its own.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// What the keychain's item for it is called.
    pub(super) name: Name,
    /// What the keychain holds for docker.
    pub(super) kept: Option<Credential>,
    /// Whether that is being rotated.
    pub(super) is_rotating: bool,
    pub(super) found: Vec<Found>,
}

/// What a registry says about a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted,
    Refused,
    Unknown,
}

/// What becomes of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The keychain stays as it is; what else was found goes.
    Keep,
    /// This is put into the keychain; what else was found goes.
    Store(Credential),
    /// The credentials differ and it is not known which is right.
    Open,
    /// They differ, and the keychain's must not be touched now.
    Rotating,
}

/// Whether they are one: Gitea goes by the token alone, and who spelled the user differently has lost nothing.
pub(super) fn is_same(one: &Credential, other: &Credential) -> bool {
    one.token == other.token && one.username.is_identity_token() == other.username.is_identity_token()
}

impl Case {
    /// Whether the credential is one that its registry can verify.
    pub(super) fn is_login(&self) -> bool {
        self.name.part == Part::Login
    }

    /// What it is called in messages.
    pub(super) fn title(&self) -> String {
        match self.name.part {
            Part::Login => self.name.registry.to_string(),
            _ => self.name.server(),
        }
    }

    /// Every credential once, the keychain's first.
    pub(super) fn distinct(&self) -> Vec<&Credential> {
        let mut distinct: Vec<&Credential> = Vec::new();
        for credential in self.kept.iter().chain(self.found.iter().map(|found| &found.credential)) {
            if !distinct.iter().any(|known| is_same(known, credential)) {
                distinct.push(credential);
            }
        }
        distinct
    }

    /// What is clear without asking the registry.
    pub(super) fn decide(&self) -> Decision {
        match (self.distinct().as_slice(), &self.kept) {
            ([], _) | ([_], Some(_)) => Decision::Keep,
            ([only], None) => Decision::Store((*only).clone()),
            _ if self.is_rotating => Decision::Rotating,
            _ => Decision::Open,
        }
    }

    /// What is clear once the registry has said something about each of [`Case::distinct`].
    pub(super) fn settle(&self, verdicts: &[Verdict]) -> Decision {
        let distinct = self.distinct();
        let mut accepted = distinct
            .iter()
            .zip(verdicts)
            .filter(|(_, verdict)| **verdict == Verdict::Accepted);
        let others_refused =
            verdicts.iter().filter(|verdict| **verdict == Verdict::Refused).count() + 1 == distinct.len();
        match (accepted.next(), accepted.next()) {
            (Some((right, _)), None) if others_refused => self.choose(right),
            // Another helper's stays where it is, so nothing is lost.
            _ if self.kept.is_some() && self.found.iter().all(|found| self.is_safe(found)) => Decision::Keep,
            _ => Decision::Open,
        }
    }

    /// This one of [`Case::distinct`] is right.
    pub(super) fn choose(&self, right: &Credential) -> Decision {
        match &self.kept {
            Some(kept) if is_same(kept, right) => Decision::Keep,
            _ => Decision::Store(right.clone()),
        }
    }

    fn is_safe(&self, found: &Found) -> bool {
        matches!(found.place, StoredIn::Helper(_))
            || self.kept.as_ref().is_some_and(|kept| is_same(kept, &found.credential))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Token, Use};

    fn credential(username: &str, token: &str) -> Credential {
        Credential {
            registry: "gitea.example.com".parse().unwrap(),
            username: username.parse().unwrap(),
            token: Token::parse(token).unwrap(),
        }
    }

    fn case(kept: Option<&str>, found: &[&str]) -> Case {
        let place = |token: &str| match token.strip_prefix("helper-") {
            Some(_) => StoredIn::Helper("pass".parse().unwrap()),
            None => StoredIn::File("/config.json".into()),
        };
        Case {
            name: Name::of_server("gitea.example.com", Use::Docker).unwrap(),
            kept: kept.map(|token| credential("admin", token)),
            is_rotating: false,
            found: found
                .iter()
                .map(|token| Found {
                    credential: credential("Admin", token),
                    place: place(token),
                })
                .collect(),
        }
    }

    #[test]
    fn copies_are_one() {
        assert_eq!(case(None, &[]).decide(), Decision::Keep);
        assert_eq!(case(Some("a"), &["a", "a"]).decide(), Decision::Keep);
        assert_eq!(
            case(None, &["a", "a"]).decide(),
            Decision::Store(credential("Admin", "a"))
        );
        assert_eq!(case(Some("a"), &["b"]).decide(), Decision::Open);
        assert_eq!(case(None, &["a", "b"]).decide(), Decision::Open);
        let mut identity = case(Some("a"), &[]);
        identity.found.push(Found {
            credential: credential("<token>", "a"),
            place: StoredIn::File("/config.json".into()),
        });
        assert_eq!(identity.decide(), Decision::Open, "another kind of token");
    }

    #[test]
    fn a_rotation_is_left_alone() {
        let rotating = |found: &[&str]| Case {
            is_rotating: true,
            ..case(Some("a"), found)
        };
        assert_eq!(rotating(&["a"]).decide(), Decision::Keep);
        assert_eq!(rotating(&["b"]).decide(), Decision::Rotating);
    }

    #[test]
    fn the_registry_settles_it_only_where_it_accepts_one_and_refuses_the_rest() {
        use Verdict::{Accepted, Refused, Unknown};
        for (kept, found, verdicts, decision) in [
            (Some("a"), &["b"][..], &[Accepted, Refused][..], Decision::Keep),
            (
                Some("a"),
                &["b"],
                &[Refused, Accepted],
                Decision::Store(credential("Admin", "b")),
            ),
            (
                None,
                &["a", "b"],
                &[Refused, Accepted],
                Decision::Store(credential("Admin", "b")),
            ),
            (Some("a"), &["b"], &[Accepted, Accepted], Decision::Open),
            (Some("a"), &["b"], &[Refused, Refused], Decision::Open),
            (Some("a"), &["b"], &[Accepted, Unknown], Decision::Open),
            (Some("a"), &["b"], &[Unknown, Accepted], Decision::Open),
            (Some("a"), &["b", "c"], &[Accepted, Refused, Unknown], Decision::Open),
            (Some("a"), &["helper-b"], &[Unknown, Unknown], Decision::Keep),
            (
                Some("a"),
                &["helper-b"],
                &[Refused, Accepted],
                Decision::Store(credential("Admin", "helper-b")),
            ),
            (
                Some("a"),
                &["helper-b", "c"],
                &[Unknown, Unknown, Unknown],
                Decision::Open,
            ),
        ] {
            assert_eq!(
                case(kept, found).settle(verdicts),
                decision,
                "{kept:?} {found:?} {verdicts:?}"
            );
        }
    }
}
