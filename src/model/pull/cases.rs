//! What kubelet does with which key for which image, as data: the tests beside this file hold our rules to it, and
//! `tests/scenarios/oracle` asks kubelet's own keyring the same.

use super::Mismatch;

/// A key, an image, and whether kubelet takes the entry for it where it is the only one.
///
/// The tables of kubelet's `TestURLsMatch`, `TestDockerKeyringForGlob` and `TestDockerKeyringMiss`, and more.
pub const KEYS: &[(&str, &str, bool)] = &[
    ("*.kubernetes.io", "prefix.kubernetes.io/a", true),
    ("prefix.*.io", "prefix.kubernetes.io/a", true),
    ("prefix.kubernetes.*", "prefix.kubernetes.io/a", true),
    ("*-good.kubernetes.io", "prefix-good.kubernetes.io/a", true),
    ("*.kubernetes.io/blah", "prefix.kubernetes.io/blah", true),
    ("prefix.*.io/foo", "prefix.kubernetes.io/foo/bar", true),
    ("*.kubernetes.io:1111/blah", "prefix.kubernetes.io:1111/blah", true),
    ("prefix.*.io:1111/foo", "prefix.kubernetes.io:1111/foo/bar", true),
    ("*.kubernetes.io", "kubernetes.io/a", false),
    ("*.*.kubernetes.io", "prefix.kubernetes.io/a", false),
    ("*.*.kubernetes.io", "kubernetes.io/a", false),
    ("kubernetes.io", "kubernetes.com/a", false),
    ("k*.io", "quay.io/a", false),
    ("*.kubernetes.io:1234/blah", "prefix.kubernetes.io:1111/blah", false),
    ("prefix.*.io/foo", "prefix.kubernetes.io:1111/foo/bar", false),
    ("https://hello.kubernetes.io", "hello.kubernetes.io/foo/bar", true),
    ("http://hello.kubernetes.io", "hello.kubernetes.io/foo/bar", true),
    ("https://prefix.docker.*/path", "prefix.docker.io/path/foo/bar", true),
    ("https://*.docker.io:8888", "prefix.docker.io:8888/foo/bar", true),
    ("https://*.docker.io/v1/", "prefix.docker.io/path/foo/bar", true),
    ("https://*.docker.io/v2/", "prefix.docker.io/path/foo/bar", true),
    ("https://*.docker.io/v2/path", "prefix.docker.io/path/foo/bar", true),
    ("prefix.docker.io:1111", "prefix.docker.io:1111/path/foo/bar", true),
    ("https://hello.kubernetes.io", "world.mesos.org/foo/bar", false),
    ("https://*.docker.com", "prefix.docker.io/foo/bar", false),
    ("https://suffix.*.io", "prefix.docker.io/foo/bar", false),
    ("https://prefix.docker.c*", "prefix.docker.io/foo/bar", false),
    (
        "https://prefix.*.io/path:1111",
        "prefix.docker.io/path/subpath:1111",
        false,
    ),
    // The path is a prefix of the text, not of the segments.
    ("git.example.com/foo", "git.example.com/foobar/app", true),
    ("git.example.com/foo/", "git.example.com/foobar/app", false),
    ("git.example.com/foo", "git.example.com/fo/app", false),
    ("git.example.com/v2", "git.example.com/owner/app", false),
    ("git.example.com/v2", "git.example.com/v2x/app", true),
    ("git.example.com:443", "git.example.com/owner/app", false),
    ("git.example.com", "git.example.com:443/owner/app", false),
    ("Git.example.com", "git.example.com/owner/app", false),
    ("git.example.com.", "git.example.com/owner/app", false),
    ("user:password@git.example.com", "git.example.com/owner/app", true),
    ("git.example.com?x=/y", "git.example.com/owner/app", true),
    ("[::1]:5000", "[::1]:5000/app", true),
    ("localhost:5000", "localhost:5000/app:1", true),
    // Go's `net/url` takes a bracket for an IPv6 address.
    ("git[a-z].example.com", "gitx.example.com/app", false),
    ("g**t.*.c*m*", "git.example.com/app", true),
    ("*a*b*.example.com", "xaxbx.example.com/app", true),
    ("*a*b.example.com", "xaxbx.example.com/app", false),
    ("[::1]", "[::1]/app", false),
    ("git.example.com:1:2", "git.example.com/app", false),
    ("git.example.com:", "git.example.com/app", true),
    ("git.example.com/a%2Fb", "git.example.com/a/b", true),
    ("git.example.com/a%2", "git.example.com/a", false),
    ("git.example.com/a%3fb", "git.example.com/a", true),
    ("git.example.com#%", "git.example.com/app", false),
    ("git%2eexample.com", "git.example.com/app", false),
    ("us er@git.example.com", "git.example.com/app", false),
    ("HTTPS://git.example.com", "git.example.com/app", false),
    ("git[^a-z].example.com", "gitx.example.com/app", false),
    ("git[.example.com", "git.example.com/app", false),
    ("gi?.example.com", "git.example.com/app", false),
    ("*.example.com", "other.example.com/app:1", true),
    ("*.example.com", "gitea.example.com/owner/app:1", true),
    // Tags and digests are no part of what is looked up.
    ("git.example.com/owner/app", "git.example.com/owner/app:1", true),
    ("git.example.com/owner/app", "git.example.com/owner/app@[DIGEST]", true),
    (
        "git.example.com/owner/app",
        "git.example.com/owner/app:1@[DIGEST]",
        true,
    ),
    ("git.example.com/owner/app:1", "git.example.com/owner/app", false),
    ("git.example.com/owner/app:1", "git.example.com/owner/app:1", false),
    (
        "git.example.com/owner/app:1",
        "git.example.com/owner/app:1@[DIGEST]",
        false,
    ),
    // Docker Hub has names of its own.
    ("https://index.docker.io/v1/", "jenkins", true),
    ("https://index.docker.io/v1/", "google/docker-registry:1", true),
    ("https://index.docker.io/v1/", "docker.io/google/docker-registry", true),
    (
        "https://index.docker.io/v1/",
        "index.docker.io/google/docker-registry",
        true,
    ),
    ("https://index.docker.io/v1/", "world.mesos.org/foo/bar", false),
    ("https://index.docker.io/v1/", "registry:5000/foo/bar", false),
    ("https://index.docker.io/v1/", "localhost/foo", true),
    ("index.docker.io", "jenkins", true),
    ("docker.io", "jenkins", true),
    ("docker.io/library", "jenkins", true),
    ("docker.io/library", "google/docker-registry", false),
    ("registry-1.docker.io", "jenkins", false),
];

/// The image of a row, with a digest where it has one.
pub fn image(row: &str) -> String {
    row.replace("[DIGEST]", &format!("sha256:{}", "0123456789abcdef".repeat(4)))
}

/// One of a pod's pull Secrets, as somebody could have made it.
#[derive(Clone, Copy)]
pub enum Secret {
    Missing,
    /// Of type `Opaque`.
    OtherType,
    /// Of the right type, with an empty document.
    Empty,
    /// Its document has an entry that cannot be decoded, beside one for `git.example.com`.
    Broken,
    /// With an entry for each of these keys.
    Keys(&'static [&'static str]),
}

/// A pod's image and pull Secrets, and the places of the entries that kubelet tries, in its order; `None` where it tries
/// nothing, since it cannot make a keyring of them.
pub struct Case {
    pub image: &'static str,
    pub secrets: &'static [Secret],
    pub tried: Option<&'static [(usize, usize)]>,
}

const HUB: &str = "https://index.docker.io/v1/";
const GOOD: Secret = Secret::Keys(&["git.example.com"]);

pub const CASES: &[Case] = &[
    // The most specific key comes first, and the order of the Secrets second.
    Case {
        image: "git.example.com/owner/app:1",
        secrets: &[
            Secret::Keys(&["*.example.com", "git.example.com", "ghcr.io"]),
            Secret::Keys(&[
                "git.example.com/owner",
                "https://git.example.com/v2/",
                "git.example.com/owner/app",
            ]),
        ],
        tried: Some(&[(1, 2), (1, 0), (0, 1), (1, 1), (0, 0)]),
    },
    Case {
        image: "git.example.com/owner/app:1",
        secrets: &[
            Secret::Keys(&["https://git.example.com"]),
            Secret::Keys(&["git.example.com/"]),
            Secret::Keys(&["http://git.example.com/v1/"]),
        ],
        tried: Some(&[(0, 0), (1, 0), (2, 0)]),
    },
    // By the bytes of the keys: a port is more than none, and a wildcard is less than a letter.
    Case {
        image: "git.example.com:5000/owner/app",
        secrets: &[
            Secret::Keys(&["g*.example.com:5000", "*.*.*:5000"]),
            Secret::Keys(&["git.example.com:5000", "git.*.com:5000"]),
        ],
        tried: Some(&[(1, 0), (1, 1), (0, 0), (0, 1)]),
    },
    // Docker Hub's own key is tried where nothing else matches, and only then.
    Case {
        image: "jenkins",
        secrets: &[Secret::Keys(&[HUB, "docker.io"])],
        tried: Some(&[(0, 1)]),
    },
    Case {
        image: "jenkins",
        secrets: &[Secret::Keys(&["ghcr.io", HUB]), Secret::Keys(&["index.docker.io"])],
        tried: Some(&[(0, 1), (1, 0)]),
    },
    // Of a key that is there twice the last one counts.
    Case {
        image: "git.example.com/app",
        secrets: &[Secret::Keys(&["git.example.com", "git.example.com"])],
        tried: Some(&[(0, 1)]),
    },
    // A broken Secret is the end of all, and one that is missing or of another type of nothing.
    Case {
        image: "git.example.com/app",
        secrets: &[GOOD, Secret::Missing, Secret::Broken, Secret::Broken],
        tried: None,
    },
    Case {
        image: "ghcr.io/owner/app",
        secrets: &[Secret::Broken],
        tried: None,
    },
    Case {
        image: "git.example.com/app",
        secrets: &[Secret::Missing, Secret::OtherType, Secret::Empty, GOOD],
        tried: Some(&[(3, 0)]),
    },
    Case {
        image: "git.example.com/app",
        secrets: &[Secret::OtherType, Secret::Empty],
        tried: Some(&[]),
    },
    Case {
        image: "git.example.com/app",
        secrets: &[],
        tried: Some(&[]),
    },
];

/// A key that kubelet does not take for an image, and why; and the key that somebody will have meant, which differs in
/// nothing else, and which kubelet takes.
pub struct Miss {
    pub image: &'static str,
    pub key: &'static str,
    pub why: Mismatch,
    pub meant: Option<&'static str>,
}

pub fn misses() -> Vec<Miss> {
    const IMAGE: &str = "gitea.example.com/owner/app:1";
    let port = |key: Option<&str>, image: Option<&str>| Mismatch::Port {
        key: key.map(str::to_owned),
        image: image.map(str::to_owned),
    };
    let path = |path: &str| Mismatch::Path { path: path.to_owned() };
    let rows = [
        (IMAGE, "ghcr.io", Mismatch::OtherHost, None),
        (IMAGE, "example.com", Mismatch::OtherHost, None),
        (
            IMAGE,
            "gitea.example.com:443",
            port(Some("443"), None),
            Some("gitea.example.com"),
        ),
        (
            IMAGE,
            "https://gitea.example.com:3000/v2/",
            port(Some("3000"), None),
            Some("https://gitea.example.com/v2/"),
        ),
        (
            "gitea.example.com:443/app",
            "gitea.example.com",
            port(None, Some("443")),
            Some("gitea.example.com:443"),
        ),
        (
            IMAGE,
            "gitea.example.com/v2",
            Mismatch::VersionPath,
            Some("gitea.example.com/v2/"),
        ),
        (
            IMAGE,
            "gitea.example.com/other",
            path("/other"),
            Some("gitea.example.com/owner"),
        ),
        (
            IMAGE,
            "Gitea.Example.com",
            Mismatch::Spelling,
            Some("gitea.example.com"),
        ),
        (
            IMAGE,
            "gitea.example.com.",
            Mismatch::Spelling,
            Some("gitea.example.com"),
        ),
        (
            IMAGE,
            "HTTPS://gitea.example.com",
            Mismatch::Spelling,
            Some("https://gitea.example.com"),
        ),
        (IMAGE, "gitae.example.com", Mismatch::Similar, Some("gitea.example.com")),
        (IMAGE, "*.com", Mismatch::Wildcard, Some("*.*.com")),
        (IMAGE, "gitea example.com", Mismatch::NotAnAddress, None),
        (IMAGE, "gitea.example.com:port", Mismatch::NotAnAddress, None),
        ("jenkins", "registry-1.docker.io", Mismatch::HubName, Some("docker.io")),
    ];
    rows.map(|(image, key, why, meant)| Miss { image, key, why, meant })
        .into()
}
