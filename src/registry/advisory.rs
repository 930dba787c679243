//! Versions of Gitea with a known vulnerability in their container registry.

/// A published vulnerability and the affected versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advisory {
    /// `CVE-…`, or the project's own report.
    pub id: &'static str,
    /// Its effect, as a clause.
    pub what: &'static str,
    /// The first fixed version.
    pub fixed: &'static str,
    /// A workaround until the upgrade.
    pub until_then: Option<&'static str>,
    since: [u32; 3],
    until: [u32; 3],
}

/// Only vulnerabilities with a published fix. Forgejo is reported to share the first one, but no fixed version of it is
/// known, so Forgejo is left out.
const ADVISORIES: &[Advisory] = &[
    Advisory {
        id: "CVE-2026-27771",
        what: "anybody can pull private images without a login",
        fixed: "1.26.2",
        until_then: Some("set REQUIRE_SIGNIN_VIEW = true in the section [service] of app.ini"),
        // The container registry came with 1.17.
        since: [1, 17, 0],
        until: [1, 26, 2],
    },
    // Before 1.19 tokens have no scopes.
    Advisory {
        id: "go-gitea/gitea#31967",
        what: "a token without any package scope opens all of its owner's images",
        fixed: "1.22.2",
        until_then: None,
        since: [1, 19, 0],
        until: [1, 22, 2],
    },
];

/// The vulnerabilities of a version of Gitea, as reported by its API.
///
/// None for a version that cannot be parsed, or for a release candidate or development build of the fixed version,
/// about which nothing is known.
pub fn advisories(version: &str) -> Vec<Advisory> {
    let Some(number) = number(version) else {
        return Vec::new();
    };
    let concerns = |advisory: &&Advisory| advisory.since <= number && number < advisory.until;
    ADVISORIES.iter().filter(concerns).copied().collect()
}

/// Parses versions such as `1.26.0+dev-5-gabc`, `v1.26.2-rc0`, `1.25.4` and `1.26`.
fn number(version: &str) -> Option<[u32; 3]> {
    let version = version.trim().trim_start_matches('v');
    let end = version
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(version.len());
    let parts: Vec<u32> = version[..end]
        .split('.')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    match parts.as_slice() {
        [major, minor] => Some([*major, *minor, 0]),
        [major, minor, patch] => Some([*major, *minor, *patch]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_affected_versions_are_reported() {
        for (version, ids) in [
            ("1.16.9", vec![]),
            ("1.17.4", vec!["CVE-2026-27771"]),
            ("1.21.11", vec!["CVE-2026-27771", "go-gitea/gitea#31967"]),
            ("1.22.2", vec!["CVE-2026-27771"]),
            ("1.26.1", vec!["CVE-2026-27771"]),
            ("v1.26.1+dev-7-gabcdef", vec!["CVE-2026-27771"]),
            ("1.26.2", vec![]),
            ("1.26.2-rc0", vec![]),
            ("1.27", vec![]),
            ("1.27.3", vec![]),
            ("main-nightly", vec![]),
            ("", vec![]),
            ("1", vec![]),
        ] {
            let found: Vec<_> = advisories(version).iter().map(|advisory| advisory.id).collect();
            assert_eq!(found, ids, "{version}");
        }
    }
}
