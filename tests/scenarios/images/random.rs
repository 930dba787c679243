//! Random registries and clusters: whatever is there, what a cluster needs and what is new can be pulled whole afterwards,
//! and everything that was set aside can be brought back.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::fixture::{DAY, ON_DOUBLES, ON_GITEA, Stage};

/// Registries in the usual run, each with several commands; on a real Gitea fewer.
const CASES: u32 = 12;
const CASES_ON_GITEA: u32 = 3;

#[derive(Clone, Debug)]
enum Push {
    Image {
        tag: u8,
        content: u8,
    },
    Multi {
        tag: u8,
        content: u8,
    },
    /// An index of images that were pushed by a tag.
    OfTags {
        tag: u8,
        children: Vec<u8>,
    },
    Sign {
        tag: u8,
    },
    Chart {
        tag: u8,
    },
}

fn pushes() -> impl Strategy<Value = Vec<Push>> {
    let push = prop_oneof![
        3 => (0..6_u8, 0..4_u8).prop_map(|(tag, content)| Push::Image { tag, content }),
        3 => (0..6_u8, 0..4_u8).prop_map(|(tag, content)| Push::Multi { tag, content }),
        2 => (0..6_u8, prop::collection::vec(0..6_u8, 1..3)).prop_map(|(tag, children)| Push::OfTags { tag, children }),
        2 => (0..6_u8).prop_map(|tag| Push::Sign { tag }),
        1 => (0..6_u8).prop_map(|tag| Push::Chart { tag }),
    ];
    prop::collection::vec(push, 3..9)
}

scenario!(what_is_needed_can_be_pulled_afterwards, on(ON_DOUBLES, ON_GITEA));
fn what_is_needed_can_be_pulled_afterwards(stage: &Stage) {
    let cases = if stage.world.gitea.real().is_some() {
        CASES_ON_GITEA
    } else {
        CASES
    };
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        // A smaller case would need another registry each time.
        max_shrink_iters: 0,
        ..Config::default()
    });
    let number = std::cell::Cell::new(0);
    let strategy = (
        pushes(),
        prop::collection::vec(0..6_u8, 0..3),
        1..3_usize,
        any::<bool>(),
    );
    let ran = runner.run(&strategy, |(pushes, needed, keep, has_grace)| {
        number.set(number.get() + 1);
        one(stage, number.get(), &pushes, &needed, keep, has_grace);
        Ok(())
    });
    ran.unwrap();
}

fn one(stage: &Stage, number: u32, history: &[Push], needed: &[u8], keep: usize, has_grace: bool) {
    let (pusher, repository) = (&stage.pusher, format!("admin/random{number}"));
    let name = |tag: u8| format!("v{tag}");
    for push in history {
        match push {
            Push::Image { tag, content } => {
                pusher.image(&repository, &name(*tag), &content.to_string(), "amd64");
            }
            Push::Multi { tag, content } => {
                pusher.multi(&repository, &name(*tag), &content.to_string());
            }
            Push::OfTags { tag, children } => {
                let found = children
                    .iter()
                    .filter_map(|child| pusher.pull(&repository, &name(*child)).ok());
                let found: Vec<String> = found.collect();
                if found.is_empty() {
                    continue;
                }
                let children: Vec<_> = found.iter().map(|digest| ("amd64", digest.as_str())).collect();
                pusher.index(&repository, &name(*tag), &children);
            }
            Push::Sign { tag } => {
                if let Ok(digest) = pusher.pull(&repository, &name(*tag)) {
                    pusher.sign(&repository, &digest);
                }
            }
            Push::Chart { tag } => {
                pusher.chart(&repository, &name(*tag));
            }
        }
        stage.age(DAY);
    }
    let before: Vec<(String, String)> = pusher
        .tags(&repository)
        .into_iter()
        .filter_map(|tag| Some((tag.clone(), pusher.pull(&repository, &tag).ok()?)))
        .collect();
    if pusher.tags(&repository).is_empty() {
        return;
    }
    let mut containers = vec![serde_json::json!({"name": "c", "image": "elsewhere.example.com/app:1"})];
    for (at, tag) in needed.iter().enumerate() {
        let image = format!("{}/{repository}:{}", stage.world.registry(), name(*tag));
        containers.push(serde_json::json!({"name": format!("c{at}"), "image": image}));
    }
    let pod = format!("random{number}");
    stage.put(
        "pods",
        "v1",
        "Pod",
        &pod,
        &serde_json::json!({"spec": {"containers": containers}}),
    );
    let grace = if has_grace { "7d" } else { "0" };
    let context = stage.world.plane.context();
    let line = format!("prune {repository} --keep {keep} --grace {grace} --yes --context {context}");
    let what = format!("{history:?} {needed:?} {line}");
    let named: Vec<&String> = before
        .iter()
        .map(|(tag, _)| tag)
        .filter(|tag| !tag.starts_with("sha256-"))
        .collect();
    let ran = stage.images(&line);
    assert_eq!(ran.code, 0, "{what}\n{ran}");
    for (tag, digest) in &before {
        if needed.iter().any(|one| name(*one) == *tag) {
            assert_eq!(pusher.pull(&repository, tag).as_ref(), Ok(digest), "{what}\n{ran}");
        }
    }
    let after = pusher.tags(&repository);
    let left = after.iter().filter(|tag| named.contains(tag)).count();
    assert!(left >= keep.min(named.len()), "{what}\n{ran}");
    // Whatever tag is left leads to something whole.
    for tag in &after {
        let pulled = pusher.pull(&repository, tag);
        let was_whole = before.iter().find(|(before, _)| before == tag);
        assert!(
            pulled.is_ok() || (was_whole.is_none() && !tag.starts_with("regcred-trash")),
            "{tag}: {pulled:?} {what}\n{ran}"
        );
    }
    if has_grace && after.iter().any(|tag| tag.starts_with("regcred-trash")) {
        stage.images(&format!("restore {repository}")).done();
        for (tag, digest) in &before {
            assert_eq!(
                pusher.pull(&repository, tag).as_ref(),
                Ok(digest),
                "restored: {what}\n{ran}"
            );
        }
    }
}
