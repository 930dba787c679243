use super::cases::{self, Miss, Secret};
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

#[test]
fn a_key_means_what_kubelet_takes_it_for() {
    for (key, image, is_taken) in cases::KEYS {
        let image = cases::image(image);
        assert_eq!(!entries(&image, &[&[key]]).is_empty(), *is_taken, "{key} {image}");
    }
    assert_eq!(mismatch("jenkins", "https://index.docker.io/v1/"), None);
}

#[test]
fn a_key_is_for_all_images_of_a_host_or_for_some() {
    const HOST: &str = "git.example.com";
    for (key, is_for_all, is_for_some) in [
        (HOST, true, true),
        ("https://git.example.com/v2/", true, true),
        ("*.example.com", true, true),
        ("git.example.com/owner", true, true),
        ("git.example.com/team", false, true),
        ("*.example.com/team", false, true),
        ("https://git.example.com/v2/team", false, true),
        ("git.example.com/v2", false, false),
        ("git.example.com:443", false, false),
        ("git.example.com:443/team", false, false),
        ("Git.example.com", false, false),
        ("other.example.com", false, false),
        ("*.com", false, false),
    ] {
        assert_eq!(
            (takes(key, HOST), takes_some(key, HOST)),
            (is_for_all, is_for_some),
            "{key}"
        );
    }
    assert!(takes_some("https://index.docker.io/v1/", "docker.io") && takes_some("docker.io/library", "docker.io"));
}

#[test]
fn entries_are_tried_in_kubelets_order() {
    for case in cases::CASES {
        let secrets = case.secrets.iter().map(|secret| match secret {
            Secret::Missing => PullSecret::Missing,
            Secret::OtherType | Secret::Empty => PullSecret::Unusable,
            Secret::Broken => PullSecret::Broken,
            Secret::Keys(keys) => PullSecret::Entries(keys.to_vec()),
        });
        let secrets: Vec<_> = secrets.collect();
        let tried = match pull(case.image, &secrets) {
            Pull::Fails { secret } => {
                let first = secrets.iter().position(|secret| *secret == PullSecret::Broken);
                assert_eq!(Some(secret), first);
                None
            }
            Pull::Tries { entries, .. } => Some(entries),
        };
        let expected = case.tried.map(|places| {
            let entries = places.iter().map(|&(secret, entry)| EntryAt { secret, entry });
            entries.collect::<Vec<_>>()
        });
        assert_eq!(tried, expected, "{} {secrets:?}", case.image);
    }
}

#[test]
fn near_misses_are_told_from_other_registries() {
    for miss in cases::misses() {
        let Miss { image, key, why, meant } = miss;
        assert_eq!(mismatch(image, key), Some(why), "{key}");
        if let Some(meant) = meant {
            assert_eq!(mismatch(image, meant), None, "{meant}");
        }
    }
    let port = Mismatch::Port { key: None, image: None };
    assert!(port.is_near() && !Mismatch::OtherHost.is_near());
}

#[test]
fn of_a_repeated_key_the_last_one_counts() {
    let secret = PullSecret::Entries(vec!["git.example.com", "git.example.com"]);
    let Pull::Tries { mismatches, .. } = pull("git.example.com/app", &[secret]) else {
        panic!("it is not broken");
    };
    assert_eq!(mismatches, [(EntryAt { secret: 0, entry: 0 }, Mismatch::Repeated)]);
}

/// A stack for each star, and the time that doubles with each: what came of a match that calls itself.
#[test]
fn a_key_of_stars_takes_as_many_steps_as_it_has() {
    let steps = |key: &str, image: &str| steps::of(|| entries(image, &[&[key]])).0;
    let image = format!("{}.example.com/app", "a".repeat(60));
    for count in [60, 80, 20_000, 200_000] {
        let key = format!("{}z.example.com", "*".repeat(count));
        let stars = steps(&key, &image);
        // The stars, and the letter behind them at each place of the label; and once more to say why not.
        assert!(stars <= 2 * (count + 60 + 20), "{count} stars: {stars} steps");
        let key = format!("{}z.example.com", "*a".repeat(count));
        let both = steps(&key, &image);
        assert!(
            both <= 2 * (2 * count + 60 * 60),
            "{count} stars and letters: {both} steps"
        );
    }
    // No DNS name is that long, and no key is compared with it.
    let long = format!("{}.example.com/app", "a".repeat(100_000));
    assert_eq!(steps(&format!("*{}b.example.com", "a".repeat(50_000)), &long), 0);
}

#[test]
fn thousands_of_keys_of_docker_hub_are_told_from_its_own() {
    let own = vec!["https://index.docker.io/v1/?"; 1];
    let keys: Vec<String> = (0..20_000)
        .map(|at| format!("https://index.docker.io/v1/?{at}"))
        .collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).chain(own).collect();
    assert_eq!(entries("nginx", &[&keys]).len(), 20_001);
}
