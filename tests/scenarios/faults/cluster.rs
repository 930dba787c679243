//! The API server and its etcd: killed, restarted, stopped and cut off, while Secrets are written and while `images prune`
//! asks what runs.

use std::time::{Duration, Instant};

use regcred::model::Use;
use serde_json::{Value, json};

use super::Row;
use crate::images::fixture::DAY;
use crate::rotate::fixture::{PASSWORD, Rotation, SECRET};
use crate::support::control_plane::{ControlPlane, Own};
use crate::support::gate::{Gate, Manner};
use crate::support::part::is_exhaustive;
use crate::support::parts::REAL_PARTS;
use crate::support::pusher::Pusher;
use crate::support::world::{Ran, World};

const API_SERVER: &str = "kube-apiserver";
const ETCD: &str = "etcd";
/// What each command is told, in seconds. The one that is restarted is waited for.
const TIMEOUT: u64 = 3;
const PATIENT: u64 = 60;
/// How long a command may take in all: a few requests of that time, on a busy machine.
const LIMIT: Duration = Duration::from_secs(40);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// With SIGKILL. It stays away until the command has ended.
    Killed,
    /// The same, and it is back before the request is sent again.
    Restarted,
    /// With SIGSTOP: connections are taken, and nobody answers.
    Stopped,
    /// The network between takes everything and delivers nothing.
    CutOff,
    /// Its database is killed, and it is not.
    EtcdKilled,
}

const FAULTS: [Fault; 5] = [
    Fault::Killed,
    Fault::Restarted,
    Fault::Stopped,
    Fault::CutOff,
    Fault::EtcdKilled,
];

/// What sync and rotate are struck at: the first change on its way, and the answer to the second.
const WRITES: [(usize, &str); 2] = [(0, "before PATCH"), (1, "after PATCH")];
/// What prune is struck at: its first and its second look at what runs.
const READS: [(usize, &str); 2] = [(0, "GET /api/v1/pods"), (1, "GET /api/v1/pods")];

const EVEN: &str =
    "`sync`: before its first write; `rotate --mint`: after its second; `images prune`: its first look at what runs";
const ODD: &str = "`rotate --mint`: before its first write; `images prune`: its second look at what runs";
const THEN: &str =
    "every Secret has a token that works; the same command, `--resume` or `--abort` ends it; nothing is pruned";

pub const ROWS: [Row; 5] = [
    Row {
        fault: "the API server is killed",
        when: EVEN,
        times: 3,
        says: "cannot reach the API server",
        then: THEN,
    },
    Row {
        fault: "the API server is killed and started again",
        when: ODD,
        times: 2,
        says: "",
        then: "the request is sent again: the command ends well",
    },
    Row {
        fault: "the API server hangs (SIGSTOP)",
        when: EVEN,
        times: 3,
        says: "did not answer within 3 s",
        then: THEN,
    },
    Row {
        fault: "the API server is cut off: the network takes everything and delivers nothing",
        when: ODD,
        times: 2,
        says: "did not answer within 3 s",
        then: THEN,
    },
    Row {
        fault: "etcd is killed",
        when: EVEN,
        times: 3,
        says: "did not answer within 3 s",
        then: THEN,
    },
];

/// A cluster of its own with a workstation, and how a fault strikes and ends.
struct Site<'a> {
    plane: &'static ControlPlane,
    gate: &'a Gate,
    fault: Fault,
    row: &'a Row,
}

impl Site<'_> {
    fn arm(&self, point: (usize, &'static str)) {
        let plane = self.plane;
        let [server, etcd] = [API_SERVER, ETCD].map(|name| plane.process(name));
        let cut = self.gate.cutter();
        let strike = |manner, fault: Box<dyn FnOnce() + Send>| self.gate.strike_at(point, manner, fault);
        match self.fault {
            Fault::Killed => strike(Manner::Fail, Box::new(move || server.kill())),
            Fault::Restarted => strike(
                Manner::Fail,
                Box::new(move || {
                    server.kill();
                    plane.restart(API_SERVER);
                    plane.await_ready();
                }),
            ),
            Fault::Stopped => strike(Manner::Hold, Box::new(move || server.signal("STOP"))),
            Fault::CutOff => strike(Manner::Hold, Box::new(move || cut(true))),
            Fault::EtcdKilled => strike(Manner::Fail, Box::new(move || etcd.kill())),
        }
    }

    fn mend(&self) {
        match self.fault {
            Fault::Killed => self.plane.restart(API_SERVER),
            Fault::Restarted => {}
            Fault::Stopped => self.plane.process(API_SERVER).signal("CONT"),
            Fault::CutOff => self.gate.cutter()(false),
            Fault::EtcdKilled => self.plane.restart(ETCD),
        }
        self.plane.await_ready();
        self.gate.open();
    }

    /// Runs a command that the fault strikes, and sees how it ends. Then everything is well again.
    fn strike(&self, point: (usize, &'static str), tokens: &[String], run: impl FnOnce(u64) -> Ran) -> Ran {
        self.arm(point);
        let begun = Instant::now();
        let is_quick = self.fault == Fault::Restarted;
        let ran = run(if is_quick { PATIENT } else { TIMEOUT });
        let took = begun.elapsed();
        let is_struck = !self.gate.is_armed();
        self.mend();
        let when = format!("{:?} at {point:?}", self.fault);
        assert!(is_struck, "{when}: {ran}");
        assert!(took < LIMIT, "{when}: {took:?}");
        self.row.check_said(&ran, tokens);
        assert_eq!(ran.code, i32::from(!is_quick), "{when}: {ran}");
        ran
    }
}

scenario!(while_secrets_are_written, needs(REAL_PARTS));
fn while_secrets_are_written() {
    let own = Own::start();
    let mut rotation = Rotation::with(World::of_own_cluster(own.plane()).gated(), Use::Cluster, &["second"]);
    for (at, (fault, row)) in FAULTS.into_iter().zip(&ROWS).enumerate() {
        let mut times = 0;
        for number in 0..4 {
            let (point, way) = (number % 2, ["--resume", "--abort"][(number / 2 + at) % 2]);
            // In the usual run, `sync` at the first point for each second fault, and `rotate` at one of the points.
            let is_sync = number / 2 == 0;
            let is_usual = if is_sync {
                point == 0 && at % 2 == 0
            } else {
                point != at % 2
            };
            if !is_exhaustive() && !is_usual {
                continue;
            }
            let gate = rotation.world.gate.clone();
            let site = Site {
                plane: own.plane(),
                gate: &gate,
                fault,
                row,
            };
            rotation.again();
            if is_sync {
                sync(&site, &rotation, WRITES[point]);
            } else {
                rotate(&site, &rotation, WRITES[point], way);
            }
            times += 1;
        }
        // The last one is `images prune`.
        row.check_times(times + 1);
    }
}

/// A token that the keychain has and no Secret yet.
fn sync(site: &Site<'_>, rotation: &Rotation, point: (usize, &'static str)) {
    let (old, new) = (rotation.old.clone(), rotation.another_token());
    let login = "login [REGISTRY] -u admin --use cluster --token-stdin --no-verify";
    rotation.world.regcred_with(login, &new).done();
    let line = format!("sync {}", rotation.flags());
    let ran = site.strike(point, &[old.clone(), new.clone()], |timeout| {
        rotation.world.regcred(&format!("{line} --request-timeout={timeout}"))
    });
    rotation.check(&format!("{ran}"));
    for held in rotation.all_held() {
        assert!(held == old || held == new, "{ran}");
    }
    let again = rotation.world.regcred(&line);
    assert_eq!(again.code, 0, "{ran}{again}");
    assert_eq!(rotation.all_held(), [&new[..]; 2], "{ran}{again}");
    let third = rotation.world.regcred(&line);
    assert_eq!(third.stdout.matches(" unchanged in namespace ").count(), 2, "{third}");
    check_single(rotation, &new);
}

fn rotate(site: &Site<'_>, rotation: &Rotation, point: (usize, &'static str), way: &str) {
    let line = format!(
        "rotate [REGISTRY] --use cluster {} --mint --password-stdin --plain-http",
        rotation.flags()
    );
    let ran = site.strike(point, std::slice::from_ref(&rotation.old), |timeout| {
        let line = format!("{line} --request-timeout={timeout}");
        rotation.world.regcred_with(&line, &format!("{PASSWORD}\n"))
    });
    rotation.check(&format!("{ran}"));
    let is_pending = rotation.kept().rotation.is_some();
    assert_eq!(is_pending, ran.code == 1, "{ran}");
    rotation.end(way, true, &format!("{ran}"));
    assert_eq!(rotation.alive(), 1, "{ran}");
    check_single(rotation, &rotation.served());
}

/// Nothing is there twice: in each namespace one Secret, with one entry for the registry, of one manager; in the ledger
/// one place for each.
fn check_single(rotation: &Rotation, token: &str) {
    let world = &rotation.world;
    let registry = world.registry();
    let what = ["get", "secrets", "-A", "-o", "json", "--show-managed-fields"];
    let listed: Value = serde_json::from_str(&world.plane.control_plane().kubectl_ok(&what, "")).unwrap();
    for namespace in &rotation.namespaces {
        let items = listed["items"].as_array().unwrap().iter();
        let items: Vec<_> = items
            .filter(|item| item["metadata"]["namespace"] == **namespace)
            .collect();
        assert_eq!(items.len(), 1, "{namespace}");
        assert_eq!(items[0]["metadata"]["name"], SECRET);
        assert_eq!(
            items[0]["metadata"]["annotations"]["kubectl-regcred/registry"],
            registry.as_str()
        );
        check_managers(items[0]);
    }
    let ledger = world.home().join(".local/state/regcred/ledger.json");
    let ledger: Value = serde_json::from_str(&std::fs::read_to_string(ledger).unwrap()).unwrap();
    assert_eq!(ledger["clusters"].as_array().unwrap().len(), 1);
    let known = ledger["credentials"][0]["tokens"].as_array().unwrap().iter();
    let alive: Vec<_> = known
        .filter(|known| known["replaced"].is_null() && known["revoked"].is_null())
        .collect();
    assert_eq!(alive.len(), 1, "{ledger}");
    let places = alive[0]["secrets"].as_array().unwrap();
    assert_eq!(places.len(), rotation.namespaces.len(), "{ledger}");
    assert!(rotation.works(token));
}

/// No manager but ours, once for making the Secret and once for writing it.
pub fn check_managers(secret: &Value) {
    let managers = secret["metadata"]["managedFields"].as_array().unwrap().iter();
    let text = |of: &Value, key: &str| of[key].as_str().unwrap().to_owned();
    let mut shown: Vec<_> = managers
        .map(|one| format!("{} {}", text(one, "manager"), text(one, "operation")))
        .collect();
    shown.sort();
    let ours = ["kubectl-regcred Apply", "kubectl-regcred Update"];
    assert!(shown == ours || shown == ours[..1], "{shown:?}");
}

scenario!(while_prune_asks_what_runs, needs(REAL_PARTS));
fn while_prune_asks_what_runs() {
    let own = Own::start();
    let world = World::of_own_cluster(own.plane()).gated();
    let token = world.gitea.add_token("admin", "write:package");
    let login = "login [REGISTRY] -u admin --token-stdin --plain-http";
    world.regcred_with(login, &token).done();
    let pusher = Pusher::new(&world.gitea, "admin", &token);
    for tag in ["1", "2", "3", "4"] {
        pusher.image("admin/web", tag, tag, "amd64");
        world.gitea.age_images(DAY);
    }
    let namespace = world.namespace.clone();
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    world.plane.put("serviceaccounts", &namespace, &account);
    let image = format!("{}/admin/web:1", world.registry());
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"},
        "spec": {"containers": [{"name": "c", "image": image}]}});
    world.plane.put("pods", &namespace, &pod);

    let line = "images prune admin/web --keep 1 --grace 0 --yes --context real";
    let mut before = world.gitea.versions("admin/web");
    for (at, (fault, row)) in FAULTS.into_iter().zip(&ROWS).enumerate() {
        for (number, point) in READS.into_iter().enumerate() {
            if !is_exhaustive() && number != at % 2 {
                continue;
            }
            let site = Site {
                plane: own.plane(),
                gate: &world.gate,
                fault,
                row,
            };
            let ran = site.strike(point, std::slice::from_ref(&token), |timeout| {
                world.regcred(&format!("{line} --request-timeout={timeout}"))
            });
            let left = world.gitea.versions("admin/web");
            if fault != Fault::Restarted {
                assert_eq!(left, before, "{ran}");
                continue;
            }
            // All is well: what runs stays, and the newest. Then there is something to prune again.
            assert_eq!(sorted(left), ["1", "4"], "{ran}");
            for tag in ["2", "3", "4"] {
                world.gitea.age_images(DAY);
                pusher.image("admin/web", tag, tag, "amd64");
            }
            world.gitea.age_images(DAY);
            before = world.gitea.versions("admin/web");
        }
    }
}

fn sorted(mut tags: Vec<String>) -> Vec<String> {
    tags.sort();
    tags
}
