use super::*;
use crate::model::steps;

fn entries(image: &str, secrets: &[&[&str]]) -> Vec<String> {
    let found: Vec<_> = secrets.iter().map(|keys| PullSecret::Entries(keys.to_vec())).collect();
    let pull = pull(image, &found);
    let shown = |at: &EntryAt| secrets[at.secret][at.entry].to_owned();
    pull.entries().iter().map(shown).collect()
}

fn mismatch(image: &str, key: &str) -> Option<Mismatch> {
    match pull(image, &[PullSecret::Entries(vec![key])]) {
        Pull::Tries { mut mismatches, .. } => mismatches.pop().map(|(_, why)| why),
        Pull::Fails { .. } => panic!("no Secret is broken"),
    }
}

/// The tables of kubelet's `TestURLsMatch`, `TestDockerKeyringForGlob` and `TestDockerKeyringMiss`, and more.
#[test]
fn keys_match_as_in_kubelet() {
    for (key, image, matches) in [
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
        // The path is a textual prefix, not a prefix of segments.
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
        // Go's `net/url` reads a bracket as an IPv6 address.
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
        ("git[.example.com", "git[.example.com/app", false),
        ("gi?.example.com", "git.example.com/app", false),
    ] {
        assert_eq!(!entries(image, &[&[key]]).is_empty(), matches, "{key} {image}");
    }
}

#[test]
fn tags_and_digests_are_ignored() {
    for image in [
        "git.example.com/owner/app",
        "git.example.com/owner/app:1",
        "git.example.com/owner/app@sha256:0123",
        "git.example.com/owner/app:1@sha256:0123",
    ] {
        assert_eq!(entries(image, &[&["git.example.com/owner/app"]]).len(), 1, "{image}");
        assert!(
            entries(image, &[&["git.example.com/owner/app:1"]]).is_empty(),
            "{image}"
        );
    }
}

#[test]
fn docker_hub_has_special_names() {
    const KEY: &str = "https://index.docker.io/v1/";
    for (key, image, matches) in [
        (KEY, "jenkins", true),
        (KEY, "google/docker-registry:1", true),
        (KEY, "docker.io/google/docker-registry", true),
        (KEY, "index.docker.io/google/docker-registry", true),
        (KEY, "world.mesos.org/foo/bar", false),
        (KEY, "registry:5000/foo/bar", false),
        (KEY, "localhost/foo", true),
        ("index.docker.io", "jenkins", true),
        ("docker.io", "jenkins", true),
        ("docker.io/library", "jenkins", true),
        ("docker.io/library", "google/docker-registry", false),
        ("registry-1.docker.io", "jenkins", false),
    ] {
        assert_eq!(!entries(image, &[&[key]]).is_empty(), matches, "{key} {image}");
    }
    // It is tried only if nothing else matches.
    assert_eq!(entries("jenkins", &[&[KEY, "docker.io"]]), ["docker.io"]);
    assert_eq!(mismatch("jenkins", "registry-1.docker.io"), Some(Mismatch::HubName));
    assert_eq!(mismatch("jenkins", KEY), None);
}

#[test]
fn the_most_specific_key_comes_first_and_the_order_of_secrets_second() {
    let secrets: [&[&str]; 2] = [
        &["*.example.com", "git.example.com", "ghcr.io"],
        &[
            "git.example.com/owner",
            "https://git.example.com/v2/",
            "git.example.com/owner/app",
        ],
    ];
    assert_eq!(
        entries("git.example.com/owner/app:1", &secrets),
        [
            "git.example.com/owner/app",
            "git.example.com/owner",
            "git.example.com",
            "https://git.example.com/v2/",
            "*.example.com"
        ]
    );
}

#[test]
fn a_broken_secret_fails_the_pull_and_a_missing_one_does_not() {
    let good = || PullSecret::Entries(vec!["git.example.com"]);
    let image = "git.example.com/app";
    let fails = pull(
        image,
        &[good(), PullSecret::Missing, PullSecret::Broken, PullSecret::Broken],
    );
    assert_eq!(fails, Pull::Fails { secret: 2 });
    let tries = pull(image, &[PullSecret::Missing, PullSecret::Unusable, good()]);
    assert_eq!(tries.entries(), [EntryAt { secret: 2, entry: 0 }]);
    assert!(pull(image, &[]).entries().is_empty());
}

#[test]
fn near_misses_are_distinguished_from_other_registries() {
    let image = "gitea.example.com/owner/app:1";
    let port = |key: Option<&str>, image: Option<&str>| Mismatch::Port {
        key: key.map(str::to_owned),
        image: image.map(str::to_owned),
    };
    for (key, why) in [
        ("ghcr.io", Mismatch::OtherHost),
        ("example.com", Mismatch::OtherHost),
        ("gitea.example.com:443", port(Some("443"), None)),
        ("https://gitea.example.com:3000/v2/", port(Some("3000"), None)),
        ("gitea.example.com/v2", Mismatch::VersionPath),
        ("gitea.example.com/other", Mismatch::Path { path: "/other".into() }),
        ("Gitea.Example.com", Mismatch::Spelling),
        ("gitea.example.com.", Mismatch::Spelling),
        ("HTTPS://gitea.example.com", Mismatch::Spelling),
        ("gitae.example.com", Mismatch::Similar),
        ("*.com", Mismatch::Wildcard),
        ("gitea example.com", Mismatch::NotAnAddress),
        ("gitea.example.com:port", Mismatch::NotAnAddress),
    ] {
        assert_eq!(mismatch(image, key), Some(why), "{key}");
    }
    assert_eq!(
        mismatch("gitea.example.com:443/app", "gitea.example.com"),
        Some(port(None, Some("443")))
    );
    assert!(port(None, None).is_near() && !Mismatch::OtherHost.is_near());
}

#[test]
fn the_last_of_repeated_keys_is_used() {
    let secret = PullSecret::Entries(vec!["git.example.com", "git.example.com"]);
    let Pull::Tries { entries, mismatches } = pull("git.example.com/app", &[secret]) else {
        panic!("it is not broken");
    };
    assert_eq!(entries, [EntryAt { secret: 0, entry: 1 }]);
    assert_eq!(mismatches, [(EntryAt { secret: 0, entry: 0 }, Mismatch::Repeated)]);
}

/// A recursive match would need a stack frame for each star and exponential time.
#[test]
fn a_key_of_stars_takes_linear_time() {
    let steps = |key: &str, image: &str| steps::of(|| entries(image, &[&[key]])).0;
    let image = format!("{}.example.com/app", "a".repeat(60));
    for count in [60, 80, 20_000, 200_000] {
        let key = format!("{}z.example.com", "*".repeat(count));
        let stars = steps(&key, &image);
        // Once for the match and once for the reason of the mismatch.
        assert!(stars <= 2 * (count + 60 + 20), "{count} stars: {stars} steps");
        let key = format!("{}z.example.com", "*a".repeat(count));
        let both = steps(&key, &image);
        assert!(
            both <= 2 * (2 * count + 60 * 60),
            "{count} stars and letters: {both} steps"
        );
    }
    // DNS names are shorter, so keys are not compared with it.
    let long = format!("{}.example.com/app", "a".repeat(100_000));
    assert_eq!(steps(&format!("*{}b.example.com", "a".repeat(50_000)), &long), 0);
}

#[test]
fn thousands_of_docker_hub_keys_take_linear_time() {
    let own = vec!["https://index.docker.io/v1/?"; 1];
    let keys: Vec<String> = (0..20_000)
        .map(|at| format!("https://index.docker.io/v1/?{at}"))
        .collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).chain(own).collect();
    assert_eq!(entries("nginx", &[&keys]).len(), 20_001);
}
