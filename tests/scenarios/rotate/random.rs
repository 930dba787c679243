//! Any order of commands, failures and rights: no token is revoked that a known place needs, and none stays alive in
//! silence.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use regcred::keychain::{Name, StoredItem};
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
/// Each has a token of its own. The named one is for pipelines, and can be in Secrets too.
const USES: [&str; 2] = ["cluster", "ci"];
/// Repositories whose pipelines get a token: `repo:admin/web/T`.
const PIPELINES: [&str; 2] = ["web", "api"];

#[derive(Clone, Debug)]
enum Event {
    Sync {
        cluster: usize,
        namespace: usize,
        of: usize,
    },
    SyncAll {
        cluster: usize,
    },
    /// Writes the token to a secret of Actions.
    Pipeline {
        pipeline: usize,
        of: usize,
    },
    Rotate(Scope, usize),
    Resume(usize),
    ResumeWithout {
        cluster: usize,
        of: usize,
    },
    ResumeWithoutPipeline {
        pipeline: usize,
        of: usize,
    },
    Abort(usize),
    Logout(usize),
    /// The repository is deleted with its secrets, or made anew.
    Repository {
        pipeline: usize,
        is_there: bool,
    },
    /// Somebody deletes the secret of Actions.
    DeletePipeline {
        pipeline: usize,
    },
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
    // Of three, two are about the clusters' token.
    let of = || prop_oneof![2 => Just(0_usize), 1 => Just(1_usize)];
    prop_oneof![
        3 => (at(), of()).prop_map(|((cluster, namespace), of)| Event::Sync { cluster, namespace, of }),
        1 => (0..2_usize).prop_map(|cluster| Event::SyncAll { cluster }),
        3 => (0..2_usize, of()).prop_map(|(pipeline, of)| Event::Pipeline { pipeline, of }),
        4 => (prop_oneof![
            2 => Just(Scope::Everywhere),
            1 => (0..2_usize).prop_map(|cluster| Scope::All { cluster }),
            1 => at().prop_map(|(cluster, namespace)| Scope::Namespace { cluster, namespace }),
            1 => Just(Scope::KeychainAlone),
        ], of())
        .prop_map(|(scope, of)| Event::Rotate(scope, of)),
        3 => of().prop_map(Event::Resume),
        1 => (0..2_usize, of()).prop_map(|(cluster, of)| Event::ResumeWithout { cluster, of }),
        1 => (0..2_usize, of()).prop_map(|(pipeline, of)| Event::ResumeWithoutPipeline { pipeline, of }),
        1 => of().prop_map(Event::Abort),
        1 => of().prop_map(Event::Logout),
        1 => (0..2_usize, any::<bool>()).prop_map(|(pipeline, is_there)| Event::Repository { pipeline, is_there }),
        1 => (0..2_usize).prop_map(|pipeline| Event::DeletePipeline { pipeline }),
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
    skipped_pipelines: BTreeSet<usize>,
    has_repository: [bool; 2],
    has_context: bool,
}

impl Two {
    fn new(world: World, second: Plane) -> Self {
        let rotation = Rotation::with(world, Use::Cluster, &[]);
        let first = &rotation.world;
        for name in PIPELINES {
            first.gitea.add_repository("admin", name);
        }
        let token = first.gitea.add_token("admin", "write:package");
        let login = "login [REGISTRY] -u admin --use ci --token-stdin --no-verify";
        first.regcred_with(login, &token).done();
        let this = Self {
            namespaces: [
                [first.namespace.clone(), first.another_namespace("team-b")],
                [second.namespace(), second.namespace()],
            ],
            second,
            answers: [true; 2],
            lists: [true; 2],
            skipped: BTreeSet::new(),
            skipped_pipelines: BTreeSet::new(),
            has_repository: [true; 2],
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

    #[allow(clippy::too_many_lines, reason = "one of each event")]
    fn go(&mut self, event: &Event) -> Option<Ran> {
        let context = |cluster: &usize| ["one", "two"][*cluster];
        Some(match event {
            Event::Sync { cluster, namespace, of } => self.regcred(&format!(
                "sync -n {} --context {} --registry [REGISTRY] --use {}",
                self.namespaces[*cluster][*namespace],
                context(cluster),
                USES[*of],
            )),
            Event::SyncAll { cluster } => self.regcred(&format!("sync -A --context {}", context(cluster))),
            Event::Pipeline { pipeline, of } => {
                let line = format!(
                    "sync --registry [REGISTRY] --use {} --password-stdin --rewrite --actions-secret {}",
                    USES[*of],
                    place(*pipeline)
                );
                self.rotation.world.regcred_with(&line, "password of admin\n")
            }
            Event::Rotate(scope, of) => {
                let scope = match scope {
                    Scope::Everywhere => String::new(),
                    Scope::All { cluster } => format!("-A --context {}", context(cluster)),
                    Scope::Namespace { cluster, namespace } => {
                        let name = &self.namespaces[*cluster][*namespace];
                        format!("-n {name} --context {}", context(cluster))
                    }
                    Scope::KeychainAlone => "--no-secrets".to_owned(),
                };
                self.rotate(*of, &format!("--mint {scope}"))
            }
            Event::Resume(of) => self.rotate(*of, "--resume"),
            Event::ResumeWithout { cluster, of } => {
                if self.is_pending(*of) {
                    self.skipped.extend((0..2).map(|namespace| (*cluster, namespace)));
                }
                self.rotate(*of, &format!("--resume --skip-context {}", context(cluster)))
            }
            Event::ResumeWithoutPipeline { pipeline, of } => {
                if self.is_pending(*of) {
                    self.skipped_pipelines.insert(*pipeline);
                }
                self.rotate(*of, &format!("--resume --skip-actions {}", place(*pipeline)))
            }
            Event::Abort(of) => self.rotate(*of, "--abort"),
            Event::Logout(of) => {
                let before = self.served(*of);
                let line = format!("logout [REGISTRY] --use {} --revoke --password-stdin", USES[*of]);
                let ran = self.rotation.world.regcred_with(&line, "password of admin\n");
                if ran.code == 0 {
                    assert!(!self.rotation.works(&before), "{ran}");
                    // For the next event.
                    let token = self.rotation.another_token();
                    let login = format!("login [REGISTRY] -u admin --use {} --token-stdin", USES[*of]);
                    self.rotation.world.regcred_with(&login, &token).done();
                }
                ran
            }
            Event::Repository { pipeline, is_there } => {
                if self.has_repository[*pipeline] != *is_there {
                    let gitea = &self.rotation.world.gitea;
                    if *is_there {
                        gitea.add_repository("admin", PIPELINES[*pipeline]);
                    } else {
                        gitea.delete_repository("admin", PIPELINES[*pipeline]);
                    }
                    self.has_repository[*pipeline] = *is_there;
                }
                return None;
            }
            Event::DeletePipeline { pipeline } => {
                let name = PIPELINES[*pipeline];
                let gitea = &self.rotation.world.gitea;
                if self.has_repository[*pipeline] && gitea.has_pipeline(&format!("repos/admin/{name}"), "T") {
                    gitea.delete_actions_secret("admin", name, "T");
                }
                return None;
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

    fn rotate(&self, of: usize, args: &str) -> Ran {
        let line = format!("rotate [REGISTRY] --use {} --password-stdin {args}", USES[of]);
        self.rotation.world.regcred_with(&line, "password of admin\n")
    }

    fn kept(&self, of: usize) -> StoredItem {
        let registry = self.rotation.world.registry().parse().unwrap();
        let name = Name::login(&registry, USES[of].parse().unwrap());
        self.rotation.world.keychain().item(&name).unwrap().unwrap()
    }

    fn served(&self, of: usize) -> String {
        self.kept(of).current.token.expose().to_owned()
    }

    fn is_pending(&self, of: usize) -> bool {
        self.kept(of).rotation.is_some()
    }

    /// What a pipeline gets. A real Gitea does not tell.
    fn in_pipeline(&self, pipeline: usize) -> Option<String> {
        let gitea = &self.rotation.world.gitea;
        if gitea.real().is_some() {
            return None;
        }
        let key = (format!("repos/admin/{}", PIPELINES[pipeline]), "T".to_owned());
        gitea.state().actions.secrets.get(&key).cloned()
    }

    /// Every place has a token that works, and no token is alive that is neither in use nor to be revoked.
    fn check(&mut self, when: &str) {
        let mut held = Vec::new();
        for (of, usage) in USES.iter().enumerate() {
            let served = self.served(of);
            assert!(
                self.rotation.works(&served),
                "{when}: the keychain's token for {usage} is dead"
            );
            held.push(served);
        }
        for pipeline in 0..PIPELINES.len() {
            let Some(token) = self.in_pipeline(pipeline) else {
                continue;
            };
            let works = self.rotation.works(&token);
            if works {
                self.skipped_pipelines.remove(&pipeline);
            }
            assert!(
                works || self.skipped_pipelines.contains(&pipeline),
                "{when}: the token of {} is dead",
                place(pipeline)
            );
            held.push(token);
        }
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
        if (0..USES.len()).any(|of| self.is_pending(of)) {
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

fn place(pipeline: usize) -> String {
    format!("repo:admin/{}/T", PIPELINES[pipeline])
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
        events.insert(0, Event::Pipeline { pipeline: 0, of: 0 });
        events.insert(1, Event::Pipeline { pipeline: 1, of: 1 });
        events.insert(3, Event::Rotate(Scope::Everywhere, 0));
        events.push(Event::Rotate(Scope::Everywhere, 1));
        events.push(Event::Resume(0));
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
