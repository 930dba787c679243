//! Two versions of regcred at the same places: what another one has left behind or writes meanwhile.

use regcred::keychain::{Rotation as Pending, StoredItem};
use regcred::model::rotation::Phase;
use regcred::model::{Credential, Token, Use};
use serde_json::{Value, json};

use super::Row;
use super::cluster::check_managers;
use crate::rotate::fixture::{Rotation, SECRET};
use crate::support::gate::Manner;
use crate::support::parts::{DOUBLES, REAL, REAL_PARTS};
use crate::support::world::World;

pub const ROWS: [Row; 4] = [
    Row {
        fault: "an earlier version writes the old token back",
        when: "`rotate`: after it has written a Secret, before it reads it back",
        times: 2,
        says: "does not hold what was written / holds the old token / not every Secret",
        then: "the old token is not revoked; `--resume` or `--abort` ends it, with one entry and one manager in each Secret",
    },
    Row {
        fault: "an earlier version (0.1.0) has begun a rotation",
        when: "`rotate --resume`, `--abort`",
        times: 2,
        says: "",
        then: "it is ended",
    },
    Row {
        fault: "a later version has begun a rotation",
        when: "`rotate --resume`, `--abort`, `rotate`",
        times: 3,
        says: "begun by another version of regcred (journal 2) / is pending",
        then: "nothing is changed",
    },
    Row {
        fault: "a later version has written the ledger",
        when: "`sync`, `rotate --mint`",
        times: 2,
        says: "written by another version of regcred (format 2)",
        then: "Secrets are written, the ledger is not; no token is revoked that it may know of",
    },
];

/// What version 0.1.0 writes: the same field manager, and nothing about who wrote it.
fn written_by_an_earlier_one(registry: &str, token: &str) -> Value {
    let entry = json!({"username": "admin", "password": token, "auth": crate::support::world::auth("admin", token)});
    let auths = serde_json::Map::from_iter([(registry.to_owned(), entry)]);
    let document = json!({"auths": auths});
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
        "metadata": {
            "name": SECRET,
            "labels": {"app.kubernetes.io/managed-by": "kubectl-regcred"},
            "annotations": {
                "kubectl-regcred/registry": registry, "kubectl-regcred/username": "admin", "kubectl-regcred/use": "cluster",
            },
        },
        "stringData": {".dockerconfigjson": document.to_string()},
    })
}

scenario!(an_earlier_one_writes_meanwhile, needs(REAL_PARTS));
fn an_earlier_one_writes_meanwhile() {
    let row = &ROWS[0];
    let mut rotation = Rotation::new(World::of_gated_parts(), Use::Cluster);
    let plane = rotation.world.plane.control_plane();
    let mut times = 0;
    for way in ["--resume", "--abort"] {
        rotation.again();
        let namespace = rotation.namespaces[1].clone();
        let theirs = written_by_an_earlier_one(&rotation.world.registry(), &rotation.old).to_string();
        let point = format!("after PATCH /api/v1/namespaces/{namespace}/");
        rotation.world.gate.strike_at((0, &point), Manner::Pass, move || {
            let apply = [
                "apply",
                "--server-side",
                "--force-conflicts",
                "--field-manager=kubectl-regcred",
            ];
            plane.kubectl_ok(&[&apply[..], &["-n", &namespace, "-f", "-"]].concat(), &theirs);
        });
        let ran = rotation.rotate(&format!("{} --mint --password-stdin --plain-http", rotation.flags()));
        let when = format!("{way}: {ran}");
        assert!(!rotation.world.gate.is_armed(), "{when}");
        rotation.world.gate.open();
        row.check_said(&ran, std::slice::from_ref(&rotation.old));
        assert_eq!(ran.code, 1, "{when}");
        assert!(rotation.works(&rotation.old), "{when}");
        rotation.check(&when);
        rotation.end(way, true, &when);
        assert_eq!(rotation.alive(), 1, "{when}");
        for namespace in &rotation.namespaces {
            let secret = rotation.world.secret_in(namespace, SECRET).unwrap();
            let annotations = &secret["metadata"]["annotations"];
            assert_eq!(
                annotations["kubectl-regcred/registry"],
                rotation.world.registry(),
                "{when}"
            );
            check_managers(&secret);
        }
        times += 1;
    }
    row.check_times(times);
}

/// A rotation in the keychain that another version has begun, with a new token beside the old one.
fn begun_by_another(rotation: &Rotation, journal: &Value) -> String {
    let new = rotation.another_token();
    let before = rotation.kept();
    let other = Credential {
        token: Token::parse(&new).unwrap(),
        ..before.current.clone()
    };
    let pending = StoredItem {
        rotation: Some(Pending {
            phase: Phase::Writing,
            other: Some(other),
            journal: journal.to_string(),
        }),
        ..before.clone()
    };
    rotation
        .world
        .keychain()
        .replace(&rotation.name(), &before, &pending)
        .unwrap();
    new
}

scenario!(an_earlier_one_has_begun, on(DOUBLES, REAL));
fn an_earlier_one_has_begun(world: World) {
    let mut rotation = Rotation::new(world, Use::Cluster);
    let context = rotation.world.plane.context();
    let mut times = 0;
    for way in ["--resume", "--abort"] {
        rotation.again();
        let secrets: Vec<Value> = rotation
            .namespaces
            .iter()
            .map(|namespace| json!({"namespace": namespace, "name": SECRET}))
            .collect();
        // As 0.1.0 wrote it: src/commands/rotate/journal/written_by_0.1.0.json.
        let journal = json!({
            "version": 1, "mints": false, "keepOld": false, "forceConflicts": false, "restart": false, "unstick": false,
            "places": [{"context": context, "secrets": secrets}],
            "givenUp": {"contexts": [], "namespaces": [], "secrets": [], "searches": []},
            "connect": {}, "registry": {"plainHttp": true},
        });
        let new = begun_by_another(&rotation, &journal);
        rotation.check(way);
        rotation.end(way, false, way);
        let kept = if way == "--resume" { &new } else { &rotation.old };
        assert_eq!(&rotation.served(), kept, "{way}");
        times += 1;
    }
    ROWS[1].check_times(times);
}

scenario!(a_later_one_has_begun, on(DOUBLES, REAL));
fn a_later_one_has_begun(world: World) {
    let row = &ROWS[2];
    let rotation = Rotation::new(world, Use::Cluster);
    let new = begun_by_another(&rotation, &json!({"version": 2, "places": {"changed": true}}));
    let before = rotation.kept();
    let mut times = 0;
    for args in ["--resume", "--abort", "--mint --password-stdin"] {
        let ran = rotation.rotate(args);
        row.check_said(&ran, &[rotation.old.clone(), new.clone()]);
        assert_eq!(ran.code, 1, "{ran}");
        assert_eq!(rotation.kept(), before, "{ran}");
        assert_eq!(rotation.alive(), 2, "{ran}");
        rotation.check(args);
        times += 1;
    }
    row.check_times(times);
}

scenario!(a_later_one_has_written_the_ledger, on(DOUBLES, REAL));
fn a_later_one_has_written_the_ledger(world: World) {
    let row = &ROWS[3];
    let rotation = Rotation::new(world, Use::Cluster);
    let ledger = rotation.world.home().join(".local/state/regcred/ledger.json");
    let before = std::fs::read_to_string(&ledger).unwrap();
    let theirs = before.replacen("\"version\": 1", "\"version\": 2", 1);
    assert_ne!(theirs, before);
    std::fs::write(&ledger, &theirs).unwrap();

    let new = rotation.another_token();
    let login = "login [REGISTRY] -u admin --use cluster --token-stdin --no-verify";
    rotation.world.regcred_with(login, &new).done();
    let ran = rotation
        .world
        .regcred(&format!("sync {} --plain-http", rotation.flags()));
    assert!(ran.code == 0 && ran.stderr.contains(row.says), "{ran}");
    assert_eq!(rotation.all_held(), [&new[..]; 3], "{ran}");

    let alive = rotation.alive();
    let ran = rotation.rotate(&format!("{} --mint --password-stdin --plain-http", rotation.flags()));
    row.check_said(&ran, &[rotation.old.clone(), new.clone()]);
    assert_eq!(ran.code, 1, "{ran}");
    rotation.check(&format!("{ran}"));
    assert_eq!(rotation.alive(), alive + 1, "nothing was revoked: {ran}");
    assert_eq!(std::fs::read_to_string(&ledger).unwrap(), theirs, "{ran}");
    // With that version gone, or in use again, it is ended.
    std::fs::write(&ledger, &before).unwrap();
    let ran = rotation.rotate("--resume");
    assert_eq!(ran.code, 0, "{ran}");
    rotation.check_ended(&format!("{ran}"));
    row.check_times(2);
}
