use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::commands::images::prune::rules::Age;
use crate::model::manifest::Manifest;

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The time of these tests, in hours since 1970.
const NOW: i64 = 500_000;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_second(hours * 3600).unwrap()
}

/// A registry's image that is filled like Gitea fills it, and loses rows like there.
struct Registry {
    holding: Holding,
    next: i64,
}

impl Registry {
    fn new() -> Self {
        Self {
            holding: Holding {
                repository: "admin/api".parse().unwrap(),
                rows: Vec::new(),
                manifests: BTreeMap::new(),
            },
            next: 1,
        }
    }

    fn keep(&mut self, text: &serde_json::Value) -> Digest {
        let text = text.to_string();
        let digest = Digest::of(text.as_bytes());
        let manifest = Manifest::parse(text.as_bytes(), None).unwrap();
        self.holding.manifests.insert(digest.clone(), manifest);
        digest
    }

    fn image(&mut self, name: &str) -> Digest {
        let layer = |of: &str| {
            json!({
                "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": Digest::of(of.as_bytes()).as_str(), "size": 1000,
            })
        };
        self.keep(&json!({
            "schemaVersion": 2, "mediaType": IMAGE,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": Digest::of(name.as_bytes()).as_str(), "size": 10,
            },
            "layers": [layer("base"), layer(&format!("layer of {name}"))],
        }))
    }

    fn index(&mut self, children: &[Digest]) -> Digest {
        let children = children.iter().map(|child| json!({
            "mediaType": IMAGE, "digest": child.as_str(), "size": 1, "platform": {"os": "linux", "architecture": "amd64"},
        }));
        self.keep(&json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children.collect::<Vec<_>>()}))
    }

    fn artifact(&mut self, kind: &str, name: &str, subject: Option<&Digest>) -> Digest {
        let mut text = json!({
            "schemaVersion": 2, "mediaType": IMAGE, "artifactType": kind,
            "config": {"mediaType": kind, "digest": Digest::of(name.as_bytes()).as_str(), "size": 2},
        });
        if let Some(subject) = subject {
            text["subject"] = json!({"mediaType": IMAGE, "digest": subject.as_str(), "size": 1});
        }
        self.keep(&text)
    }

    /// A push, that many hours ago.
    fn push(&mut self, name: &str, digest: &Digest, hours: i64) {
        let version = match name {
            "" => Version::Digest(digest.clone()),
            tag => Version::Tag(tag.parse().unwrap()),
        };
        self.holding.rows.retain(|row| row.version != version);
        let (id, pushed) = (self.next, Some(at(NOW - hours)));
        self.next += 1;
        self.holding.rows.push(HeldRow {
            id,
            version,
            digest: digest.clone(),
            pushed,
        });
        self.holding
            .rows
            .sort_by_key(|row| std::cmp::Reverse((row.pushed, row.id)));
    }

    fn tag(&mut self, name: &str, hours: i64) -> Digest {
        let digest = self.image(name);
        self.push(name, &digest, hours);
        digest
    }

    fn plan(&self, demand: &Demand, rules: &Rules) -> ImagePlan {
        plan_of(&self.holding, demand, rules, false, at(NOW))
    }

    /// Does it as `apply` does. A manifest is there as long as a row has it.
    fn apply(&mut self, plan: &ImagePlan) {
        for planned in plan.going() {
            if let Fate::SetAside(name, _) = &planned.fate {
                self.push(name.as_str(), &planned.row.digest, 0);
            }
            self.holding.rows.retain(|row| row.version != planned.row.version);
            self.forget();
        }
    }

    fn forget(&mut self) {
        let held: BTreeSet<Digest> = self.holding.rows.iter().map(|row| row.digest.clone()).collect();
        self.holding.manifests.retain(|digest, _| held.contains(digest));
    }

    /// Whether a tag or digest is there with everything that it is made of.
    fn pulls(&self, digest: &Digest) -> bool {
        let Some(manifest) = self.holding.manifests.get(digest) else {
            return false;
        };
        manifest.children().iter().all(|child| self.pulls(&child.digest))
    }

    fn pulls_tag(&self, name: &str, digest: &Digest) -> bool {
        let row = self.holding.rows.iter().find(|row| row.version.as_str() == name);
        row.is_some_and(|row| row.digest == *digest) && self.pulls(digest)
    }
}

impl ImagePlan {
    fn going(&self) -> impl Iterator<Item = &PlannedRow> {
        self.rows.iter().filter(|row| row.goes())
    }
}

/// Plans it where no other image was read.
fn plan_of(holding: &Holding, demand: &Demand, rules: &Rules, is_named: bool, now: Timestamp) -> ImagePlan {
    plan(
        holding,
        &holding.manifests.keys().collect(),
        demand,
        rules,
        is_named,
        now,
    )
}

fn rules(keep: usize) -> Rules {
    Rules {
        keep,
        older_than: None,
        matching: Vec::new(),
        exclude: Vec::new(),
        grace: "7d".parse().unwrap(),
    }
}

fn at_once(keep: usize) -> Rules {
    Rules {
        grace: Age(SignedDuration::ZERO),
        ..rules(keep)
    }
}

fn needs(name: &str) -> Demand {
    let mut demand = Demand::default();
    let version = name
        .parse::<Digest>()
        .map_or_else(|_| Version::Tag(name.parse().unwrap()), Version::Digest);
    let usage = Usage {
        context: "prod".to_owned(),
        place: "honeydue/deployment/api".to_owned(),
        how: "runs it".to_owned(),
    };
    demand.add(&"admin/api".parse().unwrap(), version, usage);
    demand
}

/// Each row's name with what becomes of it, in the order of the plan.
fn fates(plan: &ImagePlan) -> Vec<String> {
    let rows = plan.rows.iter();
    rows.map(|row| {
        let name = match &row.row.version {
            Version::Tag(tag) => tag.as_str(),
            Version::Digest(_) => "<none>",
        };
        let (does, why) = match &row.fate {
            Fate::Keep(reason) => ("keep", reason.to_string()),
            Fate::SetAside(_, cause) => ("set aside", cause.to_string()),
            Fate::Delete(cause) => ("delete", cause.to_string()),
        };
        format!(
            "{name}: {does}: {}",
            why.split_once("sha256").map_or(why.as_str(), |(text, _)| text)
        )
    })
    .collect()
}

#[test]
fn what_is_needed_new_or_the_last_stays() {
    let mut registry = Registry::new();
    for (name, hours) in [
        ("1", 500),
        ("2", 400),
        ("3", 300),
        ("4", 200),
        ("5", 1),
        ("latest", 600),
    ] {
        registry.tag(name, hours);
    }
    assert_eq!(
        fates(&registry.plan(&needs("2"), &rules(1))),
        [
            "4: set aside: older than those that stay",
            "3: set aside: older than those that stay",
            "1: set aside: older than those that stay",
            "5: keep: number 1 of the newest",
            "2: keep: honeydue/deployment/api runs it in prod",
            "latest: keep: latest is never deleted",
        ]
    );
    let young = Rules {
        older_than: Some("10d".parse().unwrap()),
        exclude: vec!["1".parse().unwrap()],
        ..rules(0)
    };
    assert_eq!(
        fates(&registry.plan(&Demand::default(), &young))[..4],
        [
            "3: set aside: older than those that stay",
            "2: set aside: older than those that stay",
            "5: keep: pushed in the last two hours",
            "4: keep: younger than --older-than",
        ]
    );
    let mut alone = Registry::new();
    alone.tag("1", 500);
    alone.tag("2", 400);
    let fates = fates(&alone.plan(&Demand::default(), &rules(0)));
    assert_eq!(
        fates,
        [
            "1: set aside: older than those that stay",
            "2: keep: the last tag of its image"
        ]
    );
}

#[test]
fn a_tag_that_shares_its_digest_is_judged_by_its_own_name() {
    let mut registry = Registry::new();
    let digest = registry.tag("1", 500);
    registry.push("old-name", &digest, 600);
    registry.tag("2", 400);
    let plan = registry.plan(&needs("1"), &at_once(1));
    assert_eq!(
        fates(&plan),
        [
            "old-name: delete: older than those that stay",
            "2: keep: number 1 of the newest",
            "1: keep: honeydue/deployment/api runs it in prod",
        ]
    );
    registry.apply(&plan);
    assert!(registry.pulls_tag("1", &digest));
    // By its digest, each name counts.
    registry.push("old-name", &digest, 600);
    let plan = registry.plan(&needs(digest.as_str()), &at_once(1));
    assert!(plan.going().next().is_none(), "{plan:?}");
}

#[test]
fn the_last_row_of_a_child_stays_as_long_as_its_index() {
    let mut registry = Registry::new();
    let child = registry.tag("one", 900);
    let index = registry.index(std::slice::from_ref(&child));
    registry.push("multi", &index, 400);
    let plan = registry.plan(&Demand::default(), &at_once(1));
    assert_eq!(fates(&plan)[1].split(" is made").next(), Some("one: keep: "));
    registry.apply(&plan);
    assert!(registry.pulls_tag("multi", &index));
    // Set aside, its own name is lost and the index whole.
    let plan = registry.plan(&Demand::default(), &rules(1));
    assert_eq!(fates(&plan)[0], "one: set aside: older than those that stay");
    registry.apply(&plan);
    assert!(registry.pulls_tag("multi", &index));
}

#[test]
fn a_running_child_keeps_the_index_and_its_tag() {
    let mut registry = Registry::new();
    let children = [registry.image("amd64"), registry.image("arm64")];
    for child in &children {
        registry.push("", child, 900);
    }
    let index = registry.index(&children);
    registry.push("1", &index, 900);
    registry.tag("2", 300);
    let plan = registry.plan(&needs(children[1].as_str()), &rules(1));
    assert!(plan.going().next().is_none(), "{:?}", fates(&plan));
}

#[test]
fn what_is_set_aside_goes_for_good_with_all_that_is_its_own() {
    let mut registry = Registry::new();
    let shared = registry.image("shared");
    let own = registry.image("own");
    for child in [&shared, &own] {
        registry.push("", child, 900);
    }
    let old = registry.index(&[shared.clone(), own.clone()]);
    registry.push("1", &old, 900);
    let new = registry.index(std::slice::from_ref(&shared));
    registry.push("2", &new, 300);
    let signature = registry.artifact("application/vnd.example.sig", "signature", None);
    registry.push(&format!("{}.sig", old.as_str().replace(':', "-")), &signature, 900);
    let referrer = registry.artifact("application/vnd.example.sbom", "sbom", Some(&own));
    registry.push("", &referrer, 900);

    let plan = registry.plan(&Demand::default(), &rules(1));
    assert_eq!(plan.going().count(), 1, "{:?}", fates(&plan));
    registry.apply(&plan);
    assert!(registry.pulls(&old) && !registry.pulls_tag("1", &old));
    let aside = registry.holding.rows[0].clone();
    assert!(aside.version.as_str().starts_with("regcred-trash."), "{aside:?}");

    // In grace nothing more happens, and it counts for nothing.
    let plan = registry.plan(&Demand::default(), &rules(1));
    assert!(plan.going().next().is_none(), "{:?}", fates(&plan));

    // Somebody deployed it again by its old name: it is not deleted, and they are told.
    let over = |plan: &Registry, demand: &Demand| plan_of(&plan.holding, demand, &rules(1), false, at(NOW + 24 * 8));
    let needed = over(&registry, &needs("1"));
    assert!(needed.going().next().is_none(), "{:?}", fates(&needed));
    let told = |row: &PlannedRow| matches!(row.fate, Fate::Keep(Reason::UsedAside(_)));
    assert!(needed.rows.iter().any(told), "{needed:?}");

    let mut plans = [over(&registry, &Demand::default())];
    let holdings = BTreeMap::from([("admin/api".parse().unwrap(), registry.holding.clone())]);
    count_space(&mut plans, &holdings);
    let [plan] = plans;
    let names: Vec<String> = fates(&plan).into_iter().take(4).collect();
    assert!(names[0].starts_with("regcred-trash."), "{names:?}");
    assert!(
        names[1..]
            .iter()
            .all(|name| name.ends_with("delete: goes with what it is a part of")),
        "{names:?}"
    );
    // The layer and config of `own`, the configs of both artifacts, and the manifests; the base layer is shared.
    let blobs = 1000 + 10 + 2 + 2;
    let manifests: u64 = [&old, &own, &signature, &referrer]
        .iter()
        .map(|digest| registry.holding.manifests[*digest].size)
        .sum();
    assert_eq!(plan.going().map(|row| row.frees).sum::<u64>(), blobs + manifests);
    registry.apply(&plan);
    assert!(registry.pulls_tag("2", &new));
    assert_eq!(registry.holding.rows.len(), 2, "{:?}", registry.holding.rows);
}

#[test]
fn orphans_are_set_aside_whole_and_young_ones_left() {
    let mut registry = Registry::new();
    registry.tag("1", 900);
    let child = registry.image("child");
    let index = registry.index(std::slice::from_ref(&child));
    for digest in [&child, &index] {
        registry.push("", digest, 500);
    }
    let pushing = registry.image("just pushed, before its index");
    registry.push("", &pushing, 1);
    let gone = Digest::of(b"gone");
    let signature = registry.artifact("application/vnd.example.sig", "signature", None);
    registry.push(&format!("{}.sig", gone.as_str().replace(':', "-")), &signature, 900);
    let plan = registry.plan(&Demand::default(), &rules(1));
    let fates = fates(&plan);
    assert!(
        fates[0].starts_with("<none>: set aside: no tag leads to it"),
        "{fates:?}"
    );
    assert!(
        fates[1].ends_with("set aside: what it signs or describes is gone"),
        "{fates:?}"
    );
    assert_eq!(plan.going().count(), 2, "{fates:?}");
    assert!(
        fates.contains(&"<none>: keep: pushed in the last two hours".to_owned()),
        "{fates:?}"
    );
    registry.apply(&plan);
    assert!(registry.pulls(&index), "it can be restored whole");
    let plan = plan_of(
        &registry.holding,
        &Demand::default(),
        &rules(1),
        false,
        at(NOW + 24 * 8),
    );
    registry.apply(&plan);
    assert!(!registry.pulls(&child) && !registry.pulls(&index));
}

/// Signatures and attestations of something, in both of cosign's forms: under a tag, and as a list of what refers to it.
fn sign(registry: &mut Registry, subject: &Digest) {
    let name = subject.as_str().replace(':', "-");
    let signature = registry.artifact("application/vnd.example.sig", &format!("signature of {subject}"), None);
    registry.push(&format!("{name}.sig"), &signature, 900);
    let bundle = registry.artifact(
        "application/vnd.example.bundle",
        &format!("bundle of {subject}"),
        Some(subject),
    );
    registry.push("", &bundle, 900);
    let list = json!({"mediaType": IMAGE, "digest": bundle.as_str(), "size": 1, "artifactType": "application/vnd.example.bundle"});
    let list = registry.keep(&json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [list]}));
    registry.push(&name, &list, 900);
}

#[test]
fn signatures_that_are_kept_apart_stay() {
    let mut registry = Registry::new();
    let subject = Registry::new().image("in another image");
    sign(&mut registry, &subject);
    for rules in [rules(1), at_once(1)] {
        let plan = plan_of(&registry.holding, &Demand::default(), &rules, true, at(NOW));
        assert_eq!(plan.going().count(), 0, "{:?}", fates(&plan));
        let told = |row: &PlannedRow| row.fate == Fate::Keep(Reason::Apart);
        assert!(plan.rows.iter().all(told), "{:?}", fates(&plan));
    }
    // In an image that has tags of its own, they stay if it is known what they are about.
    registry.tag("1", 500);
    let plan_with = |elsewhere: &BTreeSet<&Digest>| {
        plan(
            &registry.holding,
            elsewhere,
            &Demand::default(),
            &at_once(1),
            true,
            at(NOW),
        )
    };
    assert_eq!(plan_with(&BTreeSet::from([&subject])).going().count(), 0);
    assert_eq!(plan_with(&BTreeSet::new()).going().count(), 3);
}

#[test]
fn signatures_go_after_what_they_sign() {
    let mut registry = Registry::new();
    let old = registry.tag("1", 900);
    sign(&mut registry, &old);
    registry.tag("2", 500);
    let plan = registry.plan(&Demand::default(), &at_once(1));
    let going: Vec<&str> = plan.going().map(|row| row.row.version.as_str()).collect();
    let list = old.as_str().replace(':', "-");
    assert_eq!(going[..2], ["1", list.as_str()], "{going:?}");
    assert_eq!(going.len(), 4, "{going:?}");
}

#[test]
fn what_is_excluded_does_not_go_with_what_it_describes() {
    let mut registry = Registry::new();
    let old = registry.tag("1", 900);
    sign(&mut registry, &old);
    registry.tag("2", 500);
    let matching = Rules {
        matching: vec!["?".parse().unwrap()],
        ..at_once(1)
    };
    assert_eq!(registry.plan(&Demand::default(), &matching).going().count(), 4);
    let rules = Rules {
        exclude: vec!["*.sig".parse().unwrap()],
        ..at_once(1)
    };
    let plan = registry.plan(&Demand::default(), &rules);
    assert_eq!(plan.going().count(), 3, "{:?}", fates(&plan));
    let is_signature = |version: &str| version.strip_suffix(".sig").is_some();
    assert!(!plan.going().any(|row| is_signature(row.row.version.as_str())));
}

#[test]
fn a_chart_goes_only_if_its_image_is_named() {
    let mut registry = Registry::new();
    for (name, hours) in [("0.1", 500), ("0.2", 400)] {
        let chart = registry.artifact("application/vnd.cncf.helm.config.v1+json", name, None);
        registry.push(name, &chart, hours);
    }
    // An index of such, as oras makes it.
    let chart = registry.holding.rows[0].digest.clone();
    let index = json!({"mediaType": IMAGE, "digest": chart.as_str(), "size": 1});
    let index = registry.keep(&json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [index]}));
    registry.push("0.3", &index, 450);
    assert_eq!(registry.plan(&Demand::default(), &rules(1)).going().count(), 0);
    let plan = plan_of(&registry.holding, &Demand::default(), &rules(1), true, at(NOW));
    assert_eq!(plan.going().count(), 2);
}

#[test]
fn an_index_with_a_hole_stays_or_goes_at_once() {
    let mut registry = Registry::new();
    let child = registry.tag("1", 900);
    let index = registry.index(std::slice::from_ref(&child));
    // The push takes the name of its own child.
    registry.push("1", &index, 500);
    registry.forget();
    registry.tag("2", 400);
    let plan = registry.plan(&Demand::default(), &rules(1));
    let told = |row: &PlannedRow| row.fate == Fate::Keep(Reason::Incomplete);
    assert!(plan.rows.iter().any(told), "{plan:?}");
    assert_eq!(registry.plan(&Demand::default(), &at_once(1)).going().count(), 1);
}

#[test]
fn what_has_a_hole_is_not_one_of_the_newest() {
    let mut registry = Registry::new();
    registry.tag("1", 900);
    registry.tag("2", 800);
    let child = registry.tag("3", 700);
    let index = registry.index(std::slice::from_ref(&child));
    // The push takes the name of its own child.
    registry.push("3", &index, 600);
    registry.forget();
    for rules in [rules(1), at_once(1)] {
        let plan = registry.plan(&Demand::default(), &rules);
        let fate = |tag: &str| {
            &plan
                .rows
                .iter()
                .find(|row| row.row.version.as_str() == tag)
                .unwrap()
                .fate
        };
        assert_eq!(*fate("3"), Fate::Keep(Reason::NewestIncomplete));
        assert_eq!(*fate("2"), Fate::Keep(Reason::Newest(1)));
        assert!(!matches!(fate("1"), Fate::Keep(_)));
    }
}

#[test]
fn a_name_that_is_too_long_to_be_set_aside_stays() {
    let mut registry = Registry::new();
    registry.tag(&"a".repeat(120), 500);
    registry.tag("1", 400);
    assert_eq!(registry.plan(&Demand::default(), &rules(1)).going().count(), 0);
    assert_eq!(registry.plan(&Demand::default(), &at_once(1)).going().count(), 1);
}

/// One push into a random registry.
#[derive(Clone, Debug)]
enum Push {
    Image {
        tag: Option<u8>,
        content: u8,
    },
    Index {
        tag: Option<u8>,
        children: Vec<u8>,
    },
    /// A signature by cosign's tag, or a referrer, of an earlier push.
    About {
        of: u8,
        by_tag: bool,
    },
    Chart {
        tag: u8,
    },
}

fn pushes() -> impl Strategy<Value = Vec<(Push, u16)>> {
    let tag = || prop::option::weighted(0.7, 0..8_u8);
    let push = prop_oneof![
        4 => (tag(), 0..6_u8).prop_map(|(tag, content)| Push::Image { tag, content }),
        3 => (tag(), prop::collection::vec(0..6_u8, 0..3)).prop_map(|(tag, children)| Push::Index { tag, children }),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(of, by_tag)| Push::About { of, by_tag }),
        1 => (0..8_u8).prop_map(|tag| Push::Chart { tag }),
    ];
    prop::collection::vec((push, 0..2000_u16), 1..20)
}

fn filled(pushes: &[(Push, u16)]) -> Registry {
    let mut registry = Registry::new();
    let mut pushes = pushes.to_vec();
    pushes.sort_by_key(|(_, hours)| std::cmp::Reverse(*hours));
    let mut all: Vec<Digest> = Vec::new();
    let name = |tag: Option<u8>| match tag {
        None => String::new(),
        Some(0) => "latest".to_owned(),
        Some(tag) => format!("v{tag}"),
    };
    for (push, hours) in pushes {
        let hours = i64::from(hours);
        match push {
            Push::Image { tag, content } => {
                let digest = registry.image(&content.to_string());
                registry.push(&name(tag), &digest, hours);
                all.push(digest);
            }
            Push::Index { tag, children } => {
                let children: Vec<Digest> = children
                    .iter()
                    .map(|child| registry.image(&child.to_string()))
                    .collect();
                // As buildx does: what is there, whatever its name is, is not pushed again.
                for child in &children {
                    if !registry.holding.rows.iter().any(|row| row.digest == *child) {
                        registry.push("", child, hours);
                    }
                }
                let digest = registry.index(&children);
                registry.push(&name(tag), &digest, hours);
                all.push(digest);
            }
            Push::About { of, by_tag } => {
                let Some(subject) = all.get(usize::from(of) % all.len().max(1)).cloned() else {
                    continue;
                };
                let digest = registry.artifact(
                    "application/vnd.example.sig",
                    &format!("about {subject}"),
                    Some(&subject).filter(|_| !by_tag),
                );
                let tag = format!("{}.sig", subject.as_str().replace(':', "-"));
                registry.push(if by_tag { &tag } else { "" }, &digest, hours);
                all.push(digest);
            }
            Push::Chart { tag } => {
                let digest = registry.artifact(
                    "application/vnd.cncf.helm.config.v1+json",
                    &format!("chart {tag}"),
                    None,
                );
                registry.push(&name(Some(tag)), &digest, hours);
                all.push(digest);
            }
        }
        registry.forget();
    }
    registry
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a registry holds and clusters need, and however often it is pruned: the never-list, seen by pulling what
    /// remains.
    #[test]
    fn nothing_on_the_never_list_goes(
        pushes in pushes(),
        needed_tags in prop::collection::vec(0..8_u8, 0..3),
        needed_digests in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        keep in 0..4_usize,
        has_grace in any::<bool>(),
        stop in any::<prop::sample::Index>(),
    ) {
        let mut registry = filled(&pushes);
        let before = registry.holding.clone();
        let mut demand = Demand::default();
        let usage = Usage { context: String::new(), place: "a/pod/b".to_owned(), how: "runs it".to_owned() };
        for tag in &needed_tags {
            demand.add(&before.repository, Version::Tag(format!("v{tag}").parse().unwrap()), usage.clone());
        }
        let digests: Vec<Digest> = before.manifests.keys().cloned().collect();
        prop_assume!(!digests.is_empty());
        let needed: Vec<Digest> = needed_digests.iter().map(|index| index.get(&digests).clone()).collect();
        for digest in &needed {
            demand.add_digest(digest.clone(), usage.clone());
        }
        let rules = if has_grace { rules(keep) } else { at_once(keep) };

        // What can be pulled before can be pulled after, where it is on the list.
        let whole = |registry: &Registry, digest: &Digest| registry.pulls(digest);
        let mut never: Vec<(String, Digest)> = Vec::new();
        let mut rank = 0;
        for row in before.rows.iter().filter(|row| before.role(row) == Role::Tag) {
            let name = row.version.as_str();
            rank += usize::from(name != LATEST && whole(&registry, &row.digest));
            let is_needed = needed_tags.iter().any(|tag| name == format!("v{tag}"));
            let is_young = before.rows.iter().any(|one| one == row) && at(NOW).duration_since(row.pushed.unwrap()) < JUST_PUSHED;
            if is_needed || name == LATEST || is_young || (rank <= keep) {
                never.push((name.to_owned(), row.digest.clone()));
            }
        }
        never.retain(|(_, digest)| whole(&registry, digest));
        let needed: Vec<Digest> = needed.into_iter().filter(|digest| whole(&registry, digest)).collect();
        let had_tags = before.rows.iter().any(|row| before.role(row) == Role::Tag);
        let restorable: Vec<Digest> = before.rows.iter().map(|row| row.digest.clone()).filter(|digest| whole(&registry, digest)).collect();

        let first = registry.plan(&demand, &rules);
        // Killed after any row, what is left has no hole either.
        let going = first.going().count();
        let mut killed = Registry { holding: before.clone(), next: registry.next };
        let mut part = first.clone();
        let mut left = if going > 0 { stop.index(going) + 1 } else { 0 };
        part.rows.retain(|row| !row.goes() || { left = left.saturating_sub(1); left > 0 });
        killed.apply(&part);
        registry.apply(&first);
        for registry in [&registry, &killed] {
            for (name, digest) in &never {
                prop_assert!(registry.pulls_tag(name, digest), "{name} {digest}: {:?}", fates(&first));
            }
            for digest in &needed {
                prop_assert!(registry.pulls(digest), "{digest}: {:?}", fates(&first));
            }
            // Nothing that remains under a tag is broken that was whole.
            for row in registry.holding.rows.iter().filter(|row| matches!(row.version, Version::Tag(_))) {
                prop_assert!(registry.pulls(&row.digest) || !restorable.contains(&row.digest), "{row:?}: {:?}", fates(&first));
            }
            if has_grace {
                for digest in &restorable {
                    prop_assert!(registry.pulls(digest), "{digest} cannot be restored: {:?}", fates(&first));
                }
            }
        }
        prop_assert!(!had_tags || registry.holding.rows.iter().any(|row| registry.holding.role(row) == Role::Tag));
        // Signatures of what stays stay.
        for row in &before.rows {
            if let Role::Describes(subject) = before.role(row)
                && registry.holding.manifests.contains_key(&subject)
                && before.manifests.contains_key(&subject)
            {
                prop_assert!(registry.holding.rows.iter().any(|kept| kept.version == row.version), "{row:?}");
            }
        }
        // Killed between its two steps, a manifest without a tag is set aside again, and then done.
        for planned in first.going() {
            if let Fate::SetAside(name, _) = &planned.fate {
                let mut halfway = Registry { holding: before.clone(), next: registry.next };
                halfway.push(name.as_str(), &planned.row.digest, 0);
                let again = halfway.plan(&demand, &rules);
                let is_it = |row: &&PlannedRow| row.row.version == planned.row.version;
                prop_assert!(again.going().any(|row| is_it(&row)), "{planned:?}: {:?}", fates(&again));
            }
        }
        // A second run at the same time has nothing to do.
        let second = registry.plan(&demand, &rules);
        prop_assert_eq!(second.going().count(), 0, "{:?}", fates(&second));
        // After the grace, everything on the list is still there, and nothing is set aside twice.
        let last = plan_of(&registry.holding, &demand, &rules, false, at(NOW + 24 * 30));
        for row in last.going() {
            let is_ours = matches!(registry.holding.role(&row.row), Role::SetAside(_));
            prop_assert!(!(is_ours && matches!(row.fate, Fate::SetAside(..))), "{row:?}");
        }
        registry.apply(&last);
        for (name, digest) in &never {
            // By then the newest are still the newest.
            prop_assert!(registry.pulls_tag(name, digest) || last.rows.iter().any(|row| row.row.version.as_str() == name && row.goes()));
        }
        for digest in &needed {
            prop_assert!(registry.pulls(digest));
        }
    }
}
