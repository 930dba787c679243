//! Classifies kubelet's message about a failed pull, from the error texts of containerd, CRI-O, docker and kubelet.

/// The kind of failure that kubelet's message reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullFailure {
    /// The registry wants another credential, or one at all: 401, 403, unauthorized, denied.
    Rejected,
    /// The registry does not have the image: 404, manifest unknown, not found.
    NotFound,
    /// The pull Secrets could not be decoded.
    Undecodable,
    /// The registry could not be reached, or not be trusted.
    Unreachable,
    /// A web page came instead of the registry's answer.
    Page,
    /// The registry has the image, and not for the node's platform.
    OtherPlatform,
    /// Only that it waits before it tries again, as older kubelets do at every other look.
    Nothing,
    /// Something else.
    Else,
}

/// From kubelet's own decoding of pull Secrets: Go's `encoding/json` and `encoding/base64`, and
/// `decodeDockerConfigFieldAuth`.
const UNDECODABLE: &[&str] = &[
    "illegal base64 data",
    "unable to parse auth field",
    "cannot unmarshal",
    "unexpected end of json input",
    "invalid character",
];
/// The image is there, and not for the node's kind of machine. containerd ends this with `not found`.
const OTHER_PLATFORM: &[&str] = &[
    "no match for platform",
    "no matching manifest for",
    "no image found in manifest list for architecture",
    "no image found in image index for architecture",
    "does not match the specified platform",
];
/// A web page where the registry's answer should be: a sign-in page, a proxy or a firewall stands between.
const PAGE: &[&str] = &["text/html", "invalid character '<'"];
/// No response, or an untrusted TLS peer.
const UNREACHABLE: &[&str] = &[
    "dial tcp",
    "no such host",
    "connection refused",
    "connection reset",
    "no route to host",
    "i/o timeout",
    "deadline exceeded",
    "tls handshake",
    "x509:",
    "server gave http response to https client",
    "registry is unavailable",
    "502 bad gateway",
    "503 service unavailable",
    "504 gateway timeout",
];
/// docker and containerd say of a refusal that the repository may not exist: these come before [`NOT_FOUND`].
const REJECTED: &[&str] = &[
    "401",
    "403",
    "unauthorized",
    "authorization failed",
    "failed to authorize",
    "authentication required",
    "no basic auth credentials",
    "insufficient_scope",
    "access denied",
    "access to the resource is denied",
    "denied:",
    "forbidden",
    "invalid username/password",
];
const NOT_FOUND: &[&str] = &["404", "not found", "manifest unknown", "name unknown", "does not exist"];

/// What the message is about. The image's own name, and addresses, are no part of it: they can read like anything.
pub fn said(message: &str, image: &str) -> PullFailure {
    let text = message.replace(image, "");
    let text = without_request(&text);
    let words = text.split_whitespace().filter(|word| !word.contains("://"));
    let text = words.collect::<Vec<_>>().join(" ").to_lowercase();
    let has = |signs: &[&str]| signs.iter().any(|sign| has_word(&text, sign));
    // `Back-off pulling image "…"` alone: newer kubelets add what went wrong.
    let rest = text
        .trim()
        .trim_start_matches("back-off pulling image")
        .trim_matches(['"', ' ', '.']);
    if rest.is_empty() {
        PullFailure::Nothing
    } else if has(OTHER_PLATFORM) {
        PullFailure::OtherPlatform
    } else if has(PAGE) {
        PullFailure::Page
    } else if has(UNDECODABLE) {
        PullFailure::Undecodable
    } else if has(UNREACHABLE) {
        PullFailure::Unreachable
    } else if has(REJECTED) {
        PullFailure::Rejected
    } else if has(NOT_FOUND) {
        PullFailure::NotFound
    } else {
        PullFailure::Else
    }
}

/// containerd writes the request, with the image's tag, before the response: `[manifests 401]: 500 …`.
fn without_request(text: &str) -> String {
    let request = text.split_once("[manifests ").and_then(|(before, rest)| {
        let (_, after) = rest.split_once(']')?;
        Some(format!("{before}{after}"))
    });
    request.unwrap_or_else(|| text.to_owned())
}

/// Whether `sign` stands in the text, and not as a part of a longer word or number, such as a digest.
fn has_word(text: &str, sign: &str) -> bool {
    text.match_indices(sign).any(|(at, _)| {
        let is_of_word = |c: char| c.is_ascii_alphanumeric();
        let before = text[..at].chars().next_back().is_some_and(is_of_word);
        let after = text[at + sign.len()..].chars().next().is_some_and(is_of_word);
        !before && !after
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table")]
    fn messages_of_every_runtime_are_understood() {
        const IMAGE: &str = "gitea.example.com/owner/app-404:401";
        for (message, meant) in [
            ("", PullFailure::Nothing),
            (r#"Back-off pulling image "IMAGE""#, PullFailure::Nothing),
            (
                r#"Back-off pulling image "IMAGE": ErrImagePull: failed to pull and unpack image "IMAGE": failed to resolve reference "IMAGE": unexpected status from HEAD request to https://gitea.example.com/v2/owner/app-404/manifests/401: 401 Unauthorized"#,
                PullFailure::Rejected,
            ),
            (
                r#"rpc error: code = Unknown desc = failed to pull and unpack image "IMAGE": failed to resolve reference "IMAGE": failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized"#,
                PullFailure::Rejected,
            ),
            (
                r#"rpc error: code = Unknown desc = Error response from daemon: pull access denied for app, repository does not exist or may require 'docker login': denied: requested access to the resource is denied"#,
                PullFailure::Rejected,
            ),
            (
                "pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials",
                PullFailure::Rejected,
            ),
            (
                r#"rpc error: code = Unknown desc = Error reading manifest 401 in gitea.example.com/owner/app-404: unauthorized: reqPackageAccess"#,
                PullFailure::Rejected,
            ),
            (
                r#"rpc error: code = NotFound desc = failed to pull and unpack image "IMAGE": failed to resolve reference "IMAGE": IMAGE: not found"#,
                PullFailure::NotFound,
            ),
            (
                "rpc error: code = Unknown desc = reading manifest v2 in gitea.example.com/owner/app: manifest unknown",
                PullFailure::NotFound,
            ),
            (
                r#"failed to pull image "IMAGE": failed to do request: Head "https://gitea.example.com/v2/owner/app-404/manifests/401": dial tcp: lookup gitea.example.com: no such host"#,
                PullFailure::Unreachable,
            ),
            (
                "tls: failed to verify certificate: x509: certificate signed by unknown authority",
                PullFailure::Unreachable,
            ),
            ("illegal base64 data at input byte 4", PullFailure::Undecodable),
            (
                r#"failed to pull and unpack image "IMAGE": no match for platform in manifest: not found"#,
                PullFailure::OtherPlatform,
            ),
            (
                "no matching manifest for linux/arm64/v8 in the manifest list entries: no match for platform in manifest: not found",
                PullFailure::OtherPlatform,
            ),
            (
                "choosing image instance: no image found in image index for architecture \"arm64\", variant \"v8\", OS \"linux\"",
                PullFailure::OtherPlatform,
            ),
            (
                r#"failed to pull and unpack image "IMAGE": failed to resolve reference "IMAGE": unexpected media type text/html for sha256:0123: not found"#,
                PullFailure::Page,
            ),
            (
                "error parsing HTTP 200 response body: invalid character '<' looking for beginning of value",
                PullFailure::Page,
            ),
            (
                "json: cannot unmarshal number into Go struct field dockerConfigEntryWithAuth.auth of type string",
                PullFailure::Undecodable,
            ),
            // kubelet 1.37.2 with containerd 1.6.20, before Gitea 1.26.4.
            (
                r#"Back-off pulling image "IMAGE": ErrImagePull: failed to pull and unpack image "IMAGE": failed to resolve reference "IMAGE": pulling from host gitea.example.com failed with status code [manifests 401]: 401 Unauthorized"#,
                PullFailure::Rejected,
            ),
            (
                r#"failed to pull and unpack image "IMAGE": failed to resolve reference "IMAGE": failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized"#,
                PullFailure::Rejected,
            ),
            (
                r#"failed to pull and unpack image "IMAGE": failed to resolve reference "IMAGE": pulling from host gitea.example.com failed with status code [manifests 401]: 500 Internal Server Error"#,
                PullFailure::Else,
            ),
            (
                r#"failed to pull and unpack image "IMAGE": failed to resolve reference "IMAGE": pulling from host gitea.example.com failed with status code [manifests 401]: 502 Bad Gateway"#,
                PullFailure::Unreachable,
            ),
            (
                r#"Back-off pulling image "IMAGE": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "IMAGE": failed to unpack image on snapshotter native: unexpected media type text/html for sha256:6b0828a0cf9e9774682e7830d7c3b67698f55dfe458cd97544b25e0e5d64a8aa: not found"#,
                PullFailure::Page,
            ),
            (
                r#"rpc error: code = NotFound desc = failed to pull and unpack image "IMAGE": failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:6b90ba1a6d043fbe9b2bf3cdf06e3d039d0b360e427550e28786b12662220812 (text/html) from remote: not found"#,
                PullFailure::Page,
            ),
            (
                r#"Back-off pulling image "IMAGE": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "IMAGE": no match for platform in manifest: not found"#,
                PullFailure::OtherPlatform,
            ),
            ("illegal base64 data at input byte 2", PullFailure::Undecodable),
            (
                "json: cannot unmarshal number into Go struct field DockerConfigJSON.auths.auth of type string",
                PullFailure::Undecodable,
            ),
            (
                "write /var/lib/containerd/x: no space left on device",
                PullFailure::Else,
            ),
            ("sha256:4014034040 is not the digest", PullFailure::Else),
        ] {
            assert_eq!(said(&message.replace("IMAGE", IMAGE), IMAGE), meant, "{message}");
        }
    }
}
