//! Decides which of several credentials for one registry the keychain should hold. Pure.
//!
//! The rule: copies of what the keychain holds are dropped. If they differ, the registry verifies them, and if it accepts
//! exactly one and refuses all others, that one is kept. Otherwise the user decides, or nothing is changed for that
//! registry. `--keep` decides without the registry. A credential that is being rotated is never replaced.

use super::args::KeepArg;
use crate::docker::StoredIn;
use crate::keychain::{Name, Part};
use crate::model::Credential;

/// A credential that was found outside of the keychain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) credential: Credential,
    /// Where it is stored; a credential helper keeps it in any case.
    pub(super) place: StoredIn,
}

/// The credentials for one registry, or for one of the extra tokens of Docker Hub's login in the browser.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// The name of the keychain's item.
    pub(super) name: Name,
    /// The keychain's credential for docker.
    pub(super) kept: Option<Credential>,
    /// Whether it is being rotated.
    pub(super) is_rotating: bool,
    pub(super) found: Vec<Found>,
}

/// A registry's verdict on a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted,
    Refused,
    Unknown,
}

/// What to do with a registry's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The keychain is unchanged, and the other copies are removed.
    Keep,
    /// This credential is stored in the keychain, and the other copies are removed.
    Store(Credential),
    /// The credentials differ and it is not known which is right.
    Open,
    /// They differ, and the keychain's must not be touched now.
    Rotating,
}

/// Whether two credentials are equivalent: Gitea ignores the user name, so only the token matters.
pub(super) fn is_same(one: &Credential, other: &Credential) -> bool {
    one.token == other.token && one.username.is_identity_token() == other.username.is_identity_token()
}

impl Case {
    /// Whether the registry can verify the credential.
    pub(super) fn is_login(&self) -> bool {
        self.name.part == Part::Login
    }

    /// The name in messages.
    pub(super) fn title(&self) -> String {
        match self.name.part {
            Part::Login => self.name.registry.to_string(),
            _ => self.name.server(),
        }
    }

    /// The distinct credentials, the keychain's first.
    pub(super) fn distinct(&self) -> Vec<&Credential> {
        let mut distinct: Vec<&Credential> = Vec::new();
        for credential in self.kept.iter().chain(self.found.iter().map(|found| &found.credential)) {
            if !distinct.iter().any(|known| is_same(known, credential)) {
                distinct.push(credential);
            }
        }
        distinct
    }

    /// The decision without asking the registry.
    pub(super) fn decide(&self) -> Decision {
        match (self.distinct().as_slice(), &self.kept) {
            ([], _) | ([_], Some(_)) => Decision::Keep,
            ([only], None) => Decision::Store((*only).clone()),
            _ if self.is_rotating => Decision::Rotating,
            _ => Decision::Open,
        }
    }

    /// The decision after the registry has verified each of [`Case::distinct`].
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
            // One that works must not give way to it.
            _ if verdicts.first() == Some(&Verdict::Refused) => Decision::Open,
            // Another helper keeps its credential, so nothing is lost.
            _ if self.kept.is_some() && self.found.iter().all(|found| self.is_safe(found)) => Decision::Keep,
            _ => Decision::Open,
        }
    }

    /// The decision of `--keep`; open if there is no such credential, or several.
    pub(super) fn keep(&self, keep: KeepArg) -> Decision {
        match (keep, &self.kept, self.only_in_files()) {
            (KeepArg::Keychain, Some(_), _) => Decision::Keep,
            (KeepArg::File, _, Some(only)) => self.choose(only),
            _ => Decision::Open,
        }
    }

    /// The only credential of the files that is not the keychain's.
    pub(super) fn only_in_files(&self) -> Option<&Credential> {
        let is_in_file = |credential: &Credential| {
            let mut found = self.found.iter();
            found.any(|found| matches!(found.place, StoredIn::File(_)) && is_same(&found.credential, credential))
        };
        let is_kept = |credential: &Credential| self.kept.as_ref().is_some_and(|kept| is_same(kept, credential));
        let distinct = self.distinct().into_iter();
        let mut others = distinct.filter(|credential| is_in_file(credential) && !is_kept(credential));
        others.next().filter(|_| others.next().is_none())
    }

    /// The decision for this one of [`Case::distinct`].
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
    fn a_flag_decides_if_it_means_one() {
        use KeepArg::{File, Keychain};
        let stored = |token| Decision::Store(credential("Admin", token));
        for (kept, found, keep, decision) in [
            (Some("a"), &["b", "c"][..], Keychain, Decision::Keep),
            (None, &["b", "c"], Keychain, Decision::Open),
            (Some("a"), &["b"], File, stored("b")),
            (Some("a"), &["a", "b", "helper-c"], File, stored("b")),
            (None, &["b", "helper-c"], File, stored("b")),
            (Some("a"), &["b", "c"], File, Decision::Open),
            (Some("a"), &["helper-c"], File, Decision::Open),
        ] {
            assert_eq!(case(kept, found).keep(keep), decision, "{kept:?} {found:?} {keep:?}");
        }
    }

    #[test]
    fn the_registry_decides_only_if_it_accepts_one_and_refuses_the_rest() {
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
            (Some("a"), &["helper-b"], &[Refused, Unknown], Decision::Open),
            (
                Some("a"),
                &["helper-b", "helper-c"],
                &[Refused, Accepted, Accepted],
                Decision::Open,
            ),
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
