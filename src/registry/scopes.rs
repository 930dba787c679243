//! The scopes of a Gitea token.

use std::fmt;

use crate::model::{ActionsScope, printable};

/// Longest list of scopes that is shown, in characters; all of Gitea's scopes take about 300.
const MAX_SHOWN: usize = 400;

/// The scopes of a Personal Access Token, as its server names them.
///
/// Both sets of names are understood: those of Gitea 1.19 (`package` for all access to packages, `delete:package`) and
/// those of Gitea 1.20 and Forgejo (`read:package`, `write:package`, and `all`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// Parses Gitea's comma-separated list. `None` if it is empty.
    pub fn parse(text: &str) -> Option<Self> {
        Self::of(text.split(','))
    }

    /// From single names. `None` if there are none.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut left = MAX_SHOWN;
        let mut kept = Vec::new();
        for name in names {
            let name = printable(name, left);
            if !name.is_empty() {
                left = left.saturating_sub(name.chars().count() + 1);
                kept.push(name);
            }
        }
        (!kept.is_empty()).then_some(Self(kept))
    }

    /// Whether images can be pulled with it.
    pub fn may_pull(&self) -> bool {
        self.any(&["all", "package", "read:package", "write:package"])
    }

    /// Whether images can be pushed with it, and deleted.
    pub fn may_push(&self) -> bool {
        self.any(&["all", "package", "write:package"])
    }

    /// Whether images can be pushed or deleted with it: more than a cluster needs.
    pub fn may_change(&self) -> bool {
        self.may_push() || self.any(&["delete:package"])
    }

    /// Whether it gives access to anything besides packages, which is more than a registry needs and a cluster should
    /// have.
    pub fn reaches_beyond_packages(&self) -> bool {
        const WITHIN: [&str; 5] = [
            "package",
            "read:package",
            "write:package",
            "delete:package",
            "public-only",
        ];
        self.0.iter().any(|name| !WITHIN.contains(&name.as_str()))
    }

    /// Those of these scopes that give something that the other ones do not; `None` if there are none.
    pub fn beyond(&self, other: &Self) -> Option<Self> {
        let is_limit = |name: &str| name == "public-only";
        let has = |name: &str| other.any(&[name]);
        let covers = |name: &String| {
            if is_limit(name) || has(name) || has("all") {
                return true;
            }
            let Some((_, category)) = name.split_once(':') else {
                return false;
            };
            has(category) || !name.starts_with("write:") && has(&format!("write:{category}"))
        };
        let more: Vec<String> = self.0.iter().filter(|name| !covers(name)).cloned().collect();
        if more.is_empty() && has("public-only") && !self.any(&["public-only"]) {
            // Without the limit, the same scopes reach private packages.
            return Some(self.clone());
        }
        (!more.is_empty()).then_some(Self(more))
    }

    /// Whether the names of a place's Actions secrets can be listed with it, by an account that may.
    pub fn may_list_actions(&self, scope: &ActionsScope) -> bool {
        let kind = match scope {
            ActionsScope::Repository { .. } => "repository",
            ActionsScope::Organisation(_) => "organization",
            ActionsScope::User(_) => return false, // Gitea has no list of them
        };
        self.any(&["all", &format!("read:{kind}"), &format!("write:{kind}")])
    }

    /// Whether it can read its owner's account, as `GET /api/v1/user` requires.
    pub(super) fn may_read_user(&self) -> bool {
        self.any(&["all", "user", "read:user", "write:user"])
    }

    fn any(&self, names: &[&str]) -> bool {
        self.0.iter().any(|name| names.contains(&name.as_str()))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_grant_the_right_access() {
        for (text, pull, push, beyond) in [
            ("read:package", true, false, false),
            ("write:package", true, true, false),
            ("public-only,read:package", true, false, false),
            ("package", true, true, false),
            ("delete:package", false, false, false),
            ("read:package,read:user", true, false, true),
            ("all", true, true, true),
            ("write:repository", false, false, true),
            ("read:package2", false, false, true),
        ] {
            let scopes = Scopes::parse(text).unwrap();
            let said = (scopes.may_pull(), scopes.may_push(), scopes.reaches_beyond_packages());
            assert_eq!(said, (pull, push, beyond), "{text}");
            assert_eq!(scopes.may_change(), push || text == "delete:package", "{text}");
            assert_eq!(scopes.to_string(), text);
        }
    }

    #[test]
    fn actions_secrets_are_listed_with_the_scope_of_their_place() {
        let repository = ActionsScope::Repository {
            owner: "acme".to_owned(),
            name: "web".to_owned(),
        };
        let organisation = ActionsScope::Organisation("acme".to_owned());
        let account = ActionsScope::User("jane".to_owned());
        for (text, may) in [
            ("write:package", [false, false, false]),
            ("read:repository,write:package", [true, false, false]),
            ("write:organization", [false, true, false]),
            // Gitea has no list of an account's.
            ("read:user", [false, false, false]),
            ("all", [true, true, false]),
        ] {
            let scopes = Scopes::parse(text).unwrap();
            let found = [&repository, &organisation, &account].map(|scope| scopes.may_list_actions(scope));
            assert_eq!(found, may, "{text}");
        }
    }

    #[test]
    fn scopes_that_give_more_are_known() {
        for (ours, theirs, more) in [
            ("read:package", "read:package", None),
            ("read:package", "write:package", None),
            ("write:package", "read:package", Some("write:package")),
            ("write:package", "package", None),
            ("delete:package", "write:package", None),
            ("package", "write:package", Some("package")),
            ("write:package", "all", None),
            ("all", "write:package", Some("all")),
            ("write:package,read:user", "write:package", Some("read:user")),
            ("read:package", "public-only,read:package", Some("read:package")),
            ("public-only,read:package", "read:package", None),
        ] {
            let [ours, theirs] = [ours, theirs].map(|text| Scopes::parse(text).unwrap());
            let beyond = ours.beyond(&theirs).map(|more| more.to_string());
            assert_eq!(beyond.as_deref(), more, "{ours} beyond {theirs}");
        }
    }

    #[test]
    fn control_characters_in_scopes_are_removed() {
        assert_eq!(Scopes::parse(" , \n"), None);
        let scopes = Scopes::parse("read:package\u{1b}[31m, write:user").unwrap();
        assert_eq!(scopes.to_string(), "read:package [31m,write:user");
        assert!(!scopes.may_pull());
        let long = Scopes::parse(&"read:package,".repeat(10_000)).unwrap();
        assert!(long.to_string().chars().count() <= MAX_SHOWN + 1);
    }
}
