//! Any order of commands, failures and rights: no token is revoked that a known place needs, and none stays alive in
//! silence.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use regcred::model::Use;
use serde_json::Value;

use super::fixture::{Rotation, SECRET, token};
use crate::support::api_server::{ApiServer, Fault};
use crate::support::world::{Ran, World};

/// Set to a number, it makes a longer run.
const CASES: &str = "REGCRED_TEST_CASES";
const USUAL_CASES: u32 = 24;
const NAMESPACES: [&str; 2] = ["team-a", "team-b"];

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
    second: ApiServer,
    /// Places that were given up by name, until they are written again.
    skipped: BTreeSet<(usize, usize)>,
    has_context: bool,
}

impl Two {
    fn new() -> Self {
        let rotation = Rotation::with(World::of_doubles(), Use::Cluster, &[]);
        let this = Self {
            rotation,
            second: ApiServer::start(),
            skipped: BTreeSet::new(),
            has_context: true,
        };
        for name in NAMESPACES {
            this.second.create_namespace(name);
        }
        this.rotation.world.api_server().create_namespace(NAMESPACES[1]);
        this.contexts();
        this
    }

    fn contexts(&self) {
        let mut names = vec![("one", self.rotation.world.api_server().url())];
        if self.has_context {
            names.push(("two", self.second.url()));
        }
        self.rotation.set_contexts(&names);
    }

    fn cluster(&self, cluster: usize) -> &ApiServer {
        [self.rotation.world.api_server(), &self.second][cluster]
    }

    fn held(&self, cluster: usize, namespace: usize) -> Option<String> {
        let secret = self.cluster(cluster).secret(NAMESPACES[namespace], SECRET)?;
        token(&secret, &self.rotation.world.registry())
    }

    fn change(&self, cluster: usize, namespace: usize, change: impl FnOnce(&mut Value)) {
        if self.held(cluster, namespace).is_some() {
            self.cluster(cluster)
                .update_secret(NAMESPACES[namespace], SECRET, "somebody", change);
        }
    }

    fn go(&mut self, event: &Event) -> Option<Ran> {
        let context = |cluster: &usize| ["one", "two"][*cluster];
        Some(match event {
            Event::Sync { cluster, namespace } => self.regcred(&format!(
                "sync -n {} --context {} --registry [REGISTRY]",
                NAMESPACES[*namespace],
                context(cluster)
            )),
            Event::SyncAll { cluster } => self.regcred(&format!("sync -A --context {}", context(cluster))),
            Event::Rotate(scope) => {
                let scope = match scope {
                    Scope::Everywhere => String::new(),
                    Scope::All { cluster } => format!("-A --context {}", context(cluster)),
                    Scope::Namespace { cluster, namespace } => {
                        format!("-n {} --context {}", NAMESPACES[*namespace], context(cluster))
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
                match answers {
                    true => self.cluster(*cluster).recover(),
                    false => self.cluster(*cluster).fail(Fault::Cut, u32::MAX),
                }
                return None;
            }
            Event::List { cluster, may } => {
                match may {
                    true => self.cluster(*cluster).recover(),
                    false => self.cluster(*cluster).forbid("list", ""),
                }
                return None;
            }
            Event::Unlabel { cluster, namespace } => {
                self.change(*cluster, *namespace, |secret| {
                    secret["metadata"]["labels"] = Value::Null;
                });
                return None;
            }
            Event::Freeze { cluster, namespace } => {
                self.change(*cluster, *namespace, |secret| secret["immutable"] = true.into());
                return None;
            }
            Event::Delete { cluster, namespace } => {
                self.cluster(*cluster)
                    .remove_object("secrets", NAMESPACES[*namespace], SECRET);
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
            for (namespace, name) in NAMESPACES.into_iter().enumerate() {
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
        let alive: Vec<String> = {
            let state = self.rotation.world.gitea.state();
            state.tokens.iter().map(|token| token.value.clone()).collect()
        };
        for token in alive {
            let is_needed = held.contains(&token);
            assert!(
                is_needed,
                "{when}: a token is alive that nothing needs, and no rotation is pending"
            );
        }
    }
}

scenario!(any_order_of_commands_and_failures);
fn any_order_of_commands_and_failures() {
    let cases = std::env::var(CASES).ok().and_then(|text| text.parse().ok());
    let config = Config {
        cases: cases.unwrap_or(USUAL_CASES),
        max_shrink_iters: 60,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    runner
        .run(&prop::collection::vec(event(), 1..10), |events| {
            let mut two = Two::new();
            two.check("at the beginning");
            for (at, event) in events.iter().enumerate() {
                let ran = two.go(event);
                let said = ran.map_or_else(String::new, |ran| ran.to_string());
                two.check(&format!("after event {at}, {event:?}\n{said}"));
            }
            Ok(())
        })
        .unwrap();
}
