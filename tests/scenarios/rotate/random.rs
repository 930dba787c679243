//! Any order of commands, failures and rights: no token is revoked that a known place needs, and none stays alive in
//! silence.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use regcred::model::Use;
use serde_json::{Value, json};

use super::fixture::{Context, Rotation, SECRET, token};
use crate::support::api_server::{self, Fault};
use crate::support::control_plane::{self, ControlPlane};
use crate::support::gitea;
use crate::support::parts::{GITEA, REAL_PARTS};
use crate::support::plane::Plane;
use crate::support::world::{Ran, World};

/// Set to a number, it makes a longer run.
const CASES: &str = "REGCRED_TEST_CASES";
const USUAL_CASES: u32 = 24;
/// On real servers.
const REAL_CASES: u32 = 2;

#[derive(Clone, Debug)]
enum Event {
    Sync {
        cluster: usize,
        namespace: usize,
    },
    SyncAll {
        cluster: usize,
    },
    Rotate(Scope),
    Resume,
    ResumeWithout {
        cluster: usize,
    },
    Abort,
    Logout,
    /// The cluster does not answer, or answers again.
    Reach {
        cluster: usize,
        answers: bool,
    },
    /// Its Secrets may be listed, or may not.
    List {
        cluster: usize,
        may: bool,
    },
    /// Somebody takes the label off.
    Unlabel {
        cluster: usize,
        namespace: usize,
    },
    /// Somebody freezes the Secret.
    Freeze {
        cluster: usize,
        namespace: usize,
    },
    /// Somebody deletes the Secret.
    Delete {
        cluster: usize,
        namespace: usize,
    },
    /// A context leads to the second cluster, or none does.
    Context {
        is_there: bool,
    },
}

#[derive(Clone, Copy, Debug)]
enum Scope {
    Everywhere,
    All { cluster: usize },
    Namespace { cluster: usize, namespace: usize },
    KeychainAlone,
}

fn event() -> impl Strategy<Value = Event> {
    let at = || (0..2_usize, 0..2_usize);
    prop_oneof![
        3 => at().prop_map(|(cluster, namespace)| Event::Sync { cluster, namespace }),
        1 => (0..2_usize).prop_map(|cluster| Event::SyncAll { cluster }),
        4 => prop_oneof![
            2 => Just(Scope::Everywhere),
            1 => (0..2_usize).prop_map(|cluster| Scope::All { cluster }),
            1 => at().prop_map(|(cluster, namespace)| Scope::Namespace { cluster, namespace }),
            1 => Just(Scope::KeychainAlone),
        ]
        .prop_map(Event::Rotate),
        3 => Just(Event::Resume),
        1 => (0..2_usize).prop_map(|cluster| Event::ResumeWithout { cluster }),
        1 => Just(Event::Abort),
        1 => Just(Event::Logout),
        2 => (0..2_usize, any::<bool>()).prop_map(|(cluster, answers)| Event::Reach { cluster, answers }),
        2 => (0..2_usize, any::<bool>()).prop_map(|(cluster, may)| Event::List { cluster, may }),
        1 => at().prop_map(|(cluster, namespace)| Event::Unlabel { cluster, namespace }),
        1 => at().prop_map(|(cluster, namespace)| Event::Freeze { cluster, namespace }),
        1 => at().prop_map(|(cluster, namespace)| Event::Delete { cluster, namespace }),
        1 => any::<bool>().prop_map(|is_there| Event::Context { is_there }),
    ]
}

/// A workstation, two clusters, and what the promise is about.
struct Two {
    rotation: Rotation,
    second: Plane,
    /// Two in each cluster.
    namespaces: [[String; 2]; 2],
    /// Whether a cluster answers, and whether its Secrets may be listed.
    answers: [bool; 2],
    lists: [bool; 2],
    /// Places that were given up by name, until they are written again.
    skipped: BTreeSet<(usize, usize)>,
    has_context: bool,
}

impl Two {
    fn new(world: World, second: Plane) -> Self {
        let rotation = Rotation::with(world, Use::Cluster, &[]);
        let first = &rotation.world;
        let this = Self {
            namespaces: [
                [first.namespace.clone(), first.another_namespace("team-b")],
                [second.namespace(), second.namespace()],
            ],
            second,
            answers: [true; 2],
            lists: [true; 2],
            skipped: BTreeSet::new(),
            has_context: true,
            rotation,
        };
        for (cluster, names) in this.namespaces.iter().enumerate() {
            if let Plane::Real(plane) = this.plane(cluster) {
                may_not_list(plane, names);
            }
        }
        this.contexts();
        this
    }

    /// Where a real cluster does not answer or list, that is the kubeconfig's doing.
    fn contexts(&self) {
        let context = |(cluster, name): (usize, &'static str)| {
            let plane = self.plane(cluster);
            let nowhere = "{server: 'https://127.0.0.1:1'}";
            Context {
                name,
                cluster: match (plane.is_real(), self.answers[cluster]) {
                    (true, false) => nowhere.to_owned(),
                    _ => plane.in_kubeconfig(),
                },
                token: match (plane.is_real(), self.lists[cluster]) {
                    (false, _) => api_server::ADMIN_TOKEN,
                    (true, true) => control_plane::ADMIN_TOKEN,
                    (true, false) => control_plane::PLAIN_TOKEN,
                },
            }
        };
        let count = if self.has_context { 2 } else { 1 };
        let contexts: Vec<_> = ["one", "two"]
            .into_iter()
            .enumerate()
            .take(count)
            .map(context)
            .collect();
        self.rotation.write_contexts(&contexts);
    }

    fn plane(&self, cluster: usize) -> &Plane {
        [&self.rotation.world.plane, &self.second][cluster]
    }

    fn held(&self, cluster: usize, namespace: usize) -> Option<String> {
        let secret = self
            .plane(cluster)
            .secret(&self.namespaces[cluster][namespace], SECRET)?;
        token(&secret, &self.rotation.world.registry())
    }

    fn change(&self, cluster: usize, namespace: usize, change: &Value) {
        if self.held(cluster, namespace).is_some() {
            self.plane(cluster)
                .patch_secret(&self.namespaces[cluster][namespace], SECRET, change);
        }
    }

    /// The cluster answers, or lists, as it is said of it now.
    fn set_up(&self, cluster: usize) {
        self.contexts();
        let Plane::Double(double) = self.plane(cluster) else {
            return;
        };
        double.recover();
        if !self.answers[cluster] {
            double.fail(Fault::Cut, u32::MAX);
        }
        if !self.lists[cluster] {
            double.forbid("list", "");
        }
    }

    fn go(&mut self, event: &Event) -> Option<Ran> {
        let context = |cluster: &usize| ["one", "two"][*cluster];
        Some(match event {
            Event::Sync { cluster, namespace } => self.regcred(&format!(
                "sync -n {} --context {} --registry [REGISTRY]",
                self.namespaces[*cluster][*namespace],
                context(cluster)
            )),
            Event::SyncAll { cluster } => self.regcred(&format!("sync -A --context {}", context(cluster))),
            Event::Rotate(scope) => {
                let scope = match scope {
                    Scope::Everywhere => String::new(),
                    Scope::All { cluster } => format!("-A --context {}", context(cluster)),
                    Scope::Namespace { cluster, namespace } => {
                        let name = &self.namespaces[*cluster][*namespace];
                        format!("-n {name} --context {}", context(cluster))
                    }
                    Scope::KeychainAlone => "--no-secrets".to_owned(),
                };
                self.rotation.rotate(&format!("--mint --password-stdin {scope}"))
            }
            Event::Resume => self.rotation.rotate("--resume --password-stdin"),
            Event::ResumeWithout { cluster } => {
                if self.rotation.kept().rotation.is_some() {
                    self.skipped.extend((0..2).map(|namespace| (*cluster, namespace)));
                }
                let line = format!("--resume --password-stdin --skip-context {}", context(cluster));
                self.rotation.rotate(&line)
            }
            Event::Abort => self.rotation.rotate("--abort --password-stdin"),
            Event::Logout => {
                let before = self.rotation.served();
                let line = "logout [REGISTRY] --use cluster --revoke --password-stdin";
                let ran = self.rotation.world.regcred_with(line, "password of admin\n");
                if ran.code == 0 {
                    assert!(!self.rotation.works(&before), "{ran}");
                    // For the next event.
                    let token = self.rotation.another_token();
                    let login = "login [REGISTRY] -u admin --use cluster --token-stdin";
                    self.rotation.world.regcred_with(login, &token).done();
                }
                ran
            }
            Event::Reach { cluster, answers } => {
                self.answers[*cluster] = *answers;
                self.set_up(*cluster);
                return None;
            }
            Event::List { cluster, may } => {
                self.lists[*cluster] = *may;
                self.set_up(*cluster);
                return None;
            }
            Event::Unlabel { cluster, namespace } => {
                self.change(*cluster, *namespace, &json!({"metadata": {"labels": null}}));
                return None;
            }
            Event::Freeze { cluster, namespace } => {
                self.change(*cluster, *namespace, &json!({"immutable": true}));
                return None;
            }
            Event::Delete { cluster, namespace } => {
                if self.held(*cluster, *namespace).is_some() {
                    self.plane(*cluster)
                        .delete_secret(&self.namespaces[*cluster][*namespace], SECRET);
                }
                return None;
            }
            Event::Context { is_there } => {
                self.has_context = *is_there;
                self.contexts();
                return None;
            }
        })
    }

    fn regcred(&self, line: &str) -> Ran {
        self.rotation.world.regcred(line)
    }

    /// Every place has a token that works, and no token is alive that is neither in use nor to be revoked.
    fn check(&mut self, when: &str) {
        let served = self.rotation.served();
        assert!(self.rotation.works(&served), "{when}: the keychain's token is dead");
        let mut held = vec![served];
        for cluster in 0..2 {
            for (namespace, name) in self.namespaces[cluster].clone().iter().enumerate() {
                let Some(token) = self.held(cluster, namespace) else {
                    continue;
                };
                let works = self.rotation.works(&token);
                if works {
                    self.skipped.remove(&(cluster, namespace));
                }
                let is_skipped = self.skipped.contains(&(cluster, namespace));
                assert!(
                    works || is_skipped,
                    "{when}: the token in {name} of cluster {cluster} is dead"
                );
                held.push(token);
            }
        }
        if self.rotation.kept().rotation.is_some() {
            return;
        }
        held.sort();
        held.dedup();
        held.retain(|token| self.rotation.works(token));
        assert_eq!(
            self.rotation.alive(),
            held.len(),
            "{when}: a token is alive that nothing needs, and no rotation is pending"
        );
    }

    fn run(&mut self, events: &[Event]) {
        self.check("at the beginning");
        for (at, event) in events.iter().enumerate() {
            let ran = self.go(event);
            let said = ran.map_or_else(String::new, |ran| ran.to_string());
            self.check(&format!("after event {at}, {event:?}\n{said}"));
        }
    }
}

/// `plain` may write Secrets of these namespaces, and not list them.
fn may_not_list(plane: &ControlPlane, namespaces: &[String]) {
    for name in namespaces {
        let verbs = "--verb=get,create,update,patch";
        plane.kubectl_ok(
            &["create", "role", "write", "-n", name, verbs, "--resource=secrets"],
            "",
        );
        plane.kubectl_ok(
            &[
                "create",
                "rolebinding",
                "write",
                "-n",
                name,
                "--role=write",
                "--user=plain",
            ],
            "",
        );
    }
}

scenario!(any_order_of_commands_and_failures);
fn any_order_of_commands_and_failures() {
    let cases = std::env::var(CASES).ok().and_then(|text| text.parse().ok());
    let mut runner = TestRunner::new(Config {
        cases: cases.unwrap_or(USUAL_CASES),
        max_shrink_iters: 60,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&prop::collection::vec(event(), 1..10), |events| {
            Two::new(World::of_doubles(), Plane::double()).run(&events);
            Ok(())
        })
        .unwrap();
}

scenario!(the_same_on_real_servers, needs(REAL_PARTS, GITEA));
/// The same few each time, because each takes seconds.
fn the_same_on_real_servers() {
    let config = Config {
        cases: REAL_CASES,
        max_shrink_iters: 0,
        failure_persistence: None,
        ..Config::default()
    };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, random);
    let rotation_first = prop::collection::vec(event(), 6..9).prop_map(|mut events| {
        events.insert(2, Event::Rotate(Scope::Everywhere));
        events.push(Event::Resume);
        events
    });
    runner
        .run(&rotation_first, |events| {
            let world = World::of_real_gitea(gitea::Settings::default());
            Two::new(world, Plane::second_real()).run(&events);
            Ok(())
        })
        .unwrap();
}
