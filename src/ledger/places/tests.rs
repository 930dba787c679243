use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::ledger::error::LedgerError;
use crate::model::{EarlierTokens, FingerprintKey, Token};
use zeroize::Zeroizing;

fn parse(text: &str) -> Result<Ledger, LedgerError> {
    Ledger::parse(Path::new("/home/op/ledger.json"), text.as_bytes())
}

fn now(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn registry() -> Registry {
    "gitea.example.com".parse().unwrap()
}

fn id(usage: Use, token: &str) -> TokenId {
    let key = FingerprintKey::new(Zeroizing::new([7; 32]));
    TokenId {
        registry: registry(),
        usage,
        username: "admin".parse().unwrap(),
        fingerprints: EarlierTokens::with_key(key).fingerprints(&Token::verbatim(token.to_owned())),
    }
}

fn cluster(name: &str) -> ClusterId {
    ClusterId::Uid(name.to_owned())
}

fn target(text: &str) -> Target {
    text.parse().unwrap()
}

fn holders(ledger: &Ledger, id: &TokenId) -> Vec<String> {
    let token = ledger.token(id).into_iter().flat_map(|token| &token.secrets);
    token
        .map(|place| format!("{} {}", place.cluster, place.target))
        .collect()
}

#[test]
fn a_secret_holds_one_token_of_a_registry() {
    let (old, new) = (id(Use::Cluster, "old"), id(Use::Cluster, "new"));
    let mut ledger = Ledger::default();
    ledger.saw_cluster(&cluster("a"), "https://10.0.0.1", "prod", now(0));
    ledger.holds(&old, &cluster("a"), &target("shop/s"), now(0));
    ledger.will_write(&new, &cluster("a"), &target("shop/s"), &[], now(1));
    assert_eq!(holders(&ledger, &old).len(), 1, "not yet: the write may fail");
    assert_eq!(holders(&ledger, &new).len(), 1, "it may have succeeded");
    ledger.holds(&new, &cluster("a"), &target("shop/s"), now(2));
    assert!(holders(&ledger, &old).is_empty());
    ledger.is_current(&new, now(3));
    ledger.tidy();
    assert_eq!(ledger.token(&old), None, "nothing is left to be said of it");
    ledger.holds_none(&registry(), &cluster("a"), &target("shop/s"));
    ledger.tidy();
    assert!(ledger.token(&new).is_some() && ledger.clusters.is_empty());
}

#[test]
fn a_token_that_is_replaced_and_still_somewhere_is_remembered() {
    let (old, new) = (id(Use::Cluster, "old"), id(Use::Cluster, "new"));
    let mut ledger = Ledger::default();
    for name in ["a", "b"] {
        ledger.saw_cluster(&cluster(name), name, name, now(0));
        ledger.holds(&old, &cluster(name), &target("shop/s"), now(0));
    }
    ledger.holds(&new, &cluster("a"), &target("shop/s"), now(1));
    ledger.is_current(&new, now(1));
    ledger.tidy();
    assert_eq!(holders(&ledger, &old), ["uid:b secret/s in namespace shop"]);
    assert_eq!(ledger.token(&old).unwrap().replaced, Some(now(1)));
    ledger.revoked(&old, now(2));
    ledger.tidy();
    assert!(
        ledger.token(&old).unwrap().revoked.is_some(),
        "a dead token is in a Secret"
    );
    let known = ledger.clusters_of(&registry());
    assert_eq!(known.len(), 2);
}

#[test]
fn a_cluster_is_known_by_more_than_a_context() {
    let token = id(Use::Cluster, "one");
    let mut ledger = Ledger::default();
    let by_server = ClusterId::Server("https://10.0.0.1".to_owned());
    ledger.saw_cluster(&by_server, "https://10.0.0.1", "prod", now(0));
    ledger.holds(&token, &by_server, &target("shop/s"), now(0));
    // With more rights than before.
    ledger.saw_cluster(&cluster("a"), "https://10.0.0.1", "prod", now(1));
    assert_eq!(holders(&ledger, &token), ["uid:a secret/s in namespace shop"]);
    // The name leads elsewhere by now.
    ledger.saw_cluster(&cluster("b"), "https://10.0.0.2", "prod", now(2));
    ledger.holds(&token, &cluster("b"), &target("shop/s"), now(2));
    ledger.tidy();
    let contexts = |name: &str| ledger.cluster(&cluster(name)).unwrap().contexts.len();
    assert_eq!((contexts("a"), contexts("b")), (0, 1));
}

#[test]
fn a_cluster_whose_uid_may_not_be_read_is_the_one_that_was_there() {
    let (token, address) = (id(Use::Cluster, "one"), "https://10.0.0.1");
    let by_address = ClusterId::Server(address.to_owned());
    let mut ledger = Ledger::default();
    assert_eq!(ledger.cluster_at(address, by_address.clone()), by_address);
    ledger.saw_cluster(&cluster("a"), address, "prod", now(0));
    ledger.holds(&token, &cluster("a"), &target("shop/s"), now(0));
    assert_eq!(ledger.cluster_at(address, by_address.clone()), cluster("a"));
    assert_eq!(ledger.cluster_at("https://10.0.0.2", by_address.clone()), by_address);
    assert_eq!(ledger.cluster_at(address, cluster("b")), cluster("b"));
    // Who could not read it before has noted this one by its address.
    ledger.holds(&token, &by_address, &target("shop/t"), now(0));
    let seen = ledger.secrets_at(address, &cluster("a"), &registry());
    assert_eq!(seen, [target("shop/s"), target("shop/t")].into());
    ledger.saw_cluster(&cluster("b"), address, "prod", now(1));
    assert_eq!(
        ledger.cluster_at(address, by_address.clone()),
        by_address,
        "one of the two"
    );
}

#[test]
fn a_proof_has_its_time() {
    let token = id(Use::Docker, "one");
    let mut ledger = Ledger::default();
    let is_proved = |ledger: &Ledger, at| ledger.is_proved(&token, SignedDuration::from_mins(10), now(at));
    assert!(!is_proved(&ledger, 0));
    ledger.proved(&token, now(0));
    assert!(is_proved(&ledger, 0) && is_proved(&ledger, 600));
    assert!(!is_proved(&ledger, 601) && !is_proved(&ledger, -1));
    ledger.revoked(&token, now(1));
    assert!(!is_proved(&ledger, 2));
}

#[test]
fn the_file_says_no_more_than_it_has_to() {
    let token = id(Use::Docker, "s3cret-token");
    let mut ledger = Ledger::default();
    ledger.saw_cluster(&cluster("a"), "https://10.0.0.1", "prod", now(0));
    ledger.will_write(
        &token,
        &cluster("a"),
        &target("shop/s"),
        &["default".parse().unwrap()],
        now(0),
    );
    ledger.was_in_file(
        &token,
        KnownPath::new(Path::new("/home/op/registry.env")).unwrap(),
        now(0),
    );
    let text = ledger.text();
    assert!(!text.contains("s3cret"), "{text}");
    assert_eq!(parse(&text).unwrap(), ledger);
    for (text, what) in [
        ("7", "damaged"),
        ("{\"version\":2,\"clusters\":7}", "another version"),
        ("{\"version\":1,\"clusters\":7}", "damaged"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(
            error.contains(what) && error.contains("/home/op/ledger.json"),
            "{error}"
        );
    }
}

#[derive(Clone, Debug)]
enum Event {
    Plan(u8, u8, u8),
    Write(u8, u8, u8),
    Lose(u8, u8),
    Rotate(u8),
}

fn event() -> impl Strategy<Value = Event> {
    let (token, cluster, secret) = (0..3_u8, 0..2_u8, 0..3_u8);
    prop_oneof![
        (token.clone(), cluster.clone(), secret.clone()).prop_map(|(t, c, s)| Event::Plan(t, c, s)),
        (token.clone(), cluster.clone(), secret.clone()).prop_map(|(t, c, s)| Event::Write(t, c, s)),
        (cluster, secret).prop_map(|(c, s)| Event::Lose(c, s)),
        token.prop_map(Event::Rotate),
    ]
}

proptest! {
    /// Whatever was written and not overwritten since is found, in any order of events, read and written in between.
    #[test]
    fn nothing_that_was_written_is_forgotten(events in prop::collection::vec(event(), 0..40)) {
        let token = |number: u8| id(Use::Cluster, &format!("token-{number}"));
        let place = |number: u8| target(&format!("shop/s{number}"));
        let mut ledger = Ledger::default();
        let mut truth = std::collections::BTreeMap::new();
        for (second, event) in events.into_iter().enumerate() {
            let at = now(i64::try_from(second).unwrap());
            match event {
                Event::Plan(t, c, s) => {
                    let c = cluster(&c.to_string());
                    ledger.saw_cluster(&c, &c.to_string(), "", at);
                    ledger.will_write(&token(t), &c, &place(s), &[], at);
                }
                Event::Write(t, c, s) => {
                    let id = cluster(&c.to_string());
                    ledger.saw_cluster(&id, &id.to_string(), "", at);
                    ledger.will_write(&token(t), &id, &place(s), &[], at);
                    ledger.holds(&token(t), &id, &place(s), at);
                    truth.insert((c, s), t);
                }
                Event::Lose(c, s) => {
                    ledger.holds_none(&registry(), &cluster(&c.to_string()), &place(s));
                    truth.remove(&(c, s));
                }
                Event::Rotate(t) => ledger.is_current(&token(t), at),
            }
            ledger.tidy();
            ledger = parse(&ledger.text()).unwrap();
            for ((c, s), t) in &truth {
                let id = cluster(&c.to_string());
                let known = ledger.token(&token(*t)).unwrap();
                prop_assert!(known.secrets.get(&id, &place(*s)).is_some());
                prop_assert!(ledger.secrets_in(&registry(), &id).contains(&place(*s)));
                prop_assert!(ledger.cluster(&id).is_some());
            }
        }
    }
}

#[test]
fn a_secret_of_actions_has_the_token_that_the_server_took_last() {
    let secret: ActionsSecret = "repo:acme/web/T".parse().unwrap();
    let (old, new) = (id(Use::Docker, "old"), id(Use::Docker, "new"));
    let mut ledger = Ledger::default();
    ledger.will_write_actions(&old, &secret, now(0));
    assert!(!ledger.has_actions(&old, &secret), "nobody knows");
    ledger.wrote_actions(&old, &secret, now(0));
    assert!(ledger.has_actions(&old, &secret));
    // Killed here, it may have either.
    ledger.will_write_actions(&new, &secret, now(0));
    assert!(!ledger.has_actions(&old, &secret) && !ledger.has_actions(&new, &secret));
    assert_eq!(ledger.actions_with(&old).len() + ledger.actions_with(&new).len(), 2);
    ledger.did_not_write_actions(&new, &secret);
    assert!(ledger.has_actions(&old, &secret));
    ledger.wrote_actions(&new, &secret, now(0));
    assert!(ledger.has_actions(&new, &secret) && ledger.actions_with(&old).is_empty());
    // It is remembered as long as it is there.
    ledger.revoked(&new, now(0));
    ledger.tidy();
    let read = parse(&ledger.text()).unwrap();
    assert_eq!(read.actions_with(&new).into_iter().collect::<Vec<_>>(), [&secret]);
    assert!(!read.text().contains("\"new\""));
}

/// The same token, as two keychains know it, and as one that both were merged into.
fn ids_of_two_keychains(usage: Use, token: &str) -> [TokenId; 3] {
    let with_key = |key| EarlierTokens::with_key(FingerprintKey::new(Zeroizing::new([key; 32])));
    let (first, second) = (with_key(7), with_key(8));
    let mut both = second.clone();
    both.merge(first.clone());
    [first, second, both].map(|earlier| TokenId {
        fingerprints: earlier.fingerprints(&Token::verbatim(token.to_owned())),
        ..id(usage, token)
    })
}

#[test]
fn what_two_keychains_noted_of_a_token_is_joined() {
    let (first, second): (ActionsSecret, ActionsSecret) =
        ("repo:a/b/X".parse().unwrap(), "repo:a/b/Y".parse().unwrap());
    let [of_first, of_second, of_both] = ids_of_two_keychains(Use::Docker, "t");
    let mut ledger = Ledger::default();
    ledger.is_current(&of_second, now(0));
    ledger.wrote_actions(&of_second, &second, now(0));
    ledger.wrote_actions(&of_first, &first, now(1));
    ledger.holds(&of_first, &cluster("a"), &target("shop/s"), now(1));
    ledger.is_current(&of_first, now(1));
    assert_eq!(ledger.actions_with(&of_first).into_iter().collect::<Vec<_>>(), [&first]);
    assert_eq!(ledger.actions_with(&of_both).len(), 2);
    assert!(ledger.has_actions(&of_both, &first) && ledger.has_actions(&of_both, &second));
    let for_another_use = TokenId {
        usage: Use::Cluster,
        ..of_both.clone()
    };
    assert_eq!(ledger.actions_with(&for_another_use).len(), 2);
    let known: BTreeSet<Fingerprint> = of_second.fingerprints.iter().cloned().collect();
    let others = ledger.actions_without(&registry(), &known);
    assert_eq!(others.into_iter().collect::<Vec<_>>(), [&first]);
    ledger.proved(&of_both, now(2));
    let tokens = &ledger.credential(&registry(), Use::Docker).unwrap().tokens;
    assert_eq!((tokens.len(), tokens[0].actions.len()), (1, 2));
    assert_eq!((tokens[0].replaced, tokens[0].proved), (None, Some(now(2))));
    assert_eq!(holders(&ledger, &of_both).len(), 1);
    ledger.revoked(&of_both, now(3));
    assert!(
        ledger.actions_without(&registry(), &BTreeSet::new()).is_empty(),
        "it is dead"
    );
}

#[test]
fn a_secret_can_hold_two_tokens_and_keeps_its_service_accounts() {
    let (old, current, lost) = (
        id(Use::Docker, "old"),
        id(Use::Docker, "current"),
        id(Use::Cluster, "lost"),
    );
    let (a, secret) = (cluster("a"), target("shop/s"));
    let accounts: Vec<ServiceAccountName> = vec!["default".parse().unwrap(), "builder".parse().unwrap()];
    let mut ledger = Ledger::default();
    ledger.will_write(&lost, &a, &secret, &accounts[..1], now(0));
    ledger.will_write(&old, &a, &secret, &accounts[1..], now(0));
    ledger.holds_all(&[current.clone(), old.clone()], &a, &secret, now(1));
    assert_eq!((holders(&ledger, &old).len(), holders(&ledger, &current).len()), (1, 1));
    assert!(holders(&ledger, &lost).is_empty());
    // It is attached as a Secret, whatever tokens it holds.
    let mut detached = ledger.clone();
    detached.not_attached(&a, &secret, &accounts[..1]);
    assert_eq!(detached.service_accounts(&a, &secret), accounts[1..].iter().collect());
    assert_eq!(
        (holders(&detached, &old).len(), holders(&detached, &current).len()),
        (1, 1)
    );
    ledger.holds(&current, &a, &secret, now(2));
    assert!(holders(&ledger, &old).is_empty());
    assert_eq!(ledger.service_accounts(&a, &secret), accounts.iter().collect());
    // By the cluster's address, as one whose uid could not be read.
    let by_address = ClusterId::Server("https://10.0.0.1".to_owned());
    ledger.will_write(&current, &by_address, &secret, &["other".parse().unwrap()], now(3));
    ledger.saw_cluster(&a, "https://10.0.0.1", "prod", now(3));
    assert_eq!(ledger.service_accounts(&a, &secret).len(), 3);
}
