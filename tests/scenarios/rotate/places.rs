//! The flags for what is written and what is done with its pods, each beside the same command without it.

use regcred::model::Use;
use serde_json::json;

use super::fixture::{Rotation, SECRET, token};
use crate::status::fixture::stuck_pod;
use crate::support::parts::{DOUBLES, REAL};
use crate::support::world::{Ran, World};

/// `rotate` with a new token, which leaves the old one alive.
fn rotate(rotation: &Rotation, args: &str) -> Ran {
    let new = rotation.another_token();
    rotation.rotate_with(&format!("-n [NAMESPACE] --token-stdin --keep-old {args}"), &new)
}

fn held(rotation: &Rotation, name: &str) -> String {
    let secret = rotation.world.secret(name).unwrap();
    token(&secret, &rotation.world.registry()).unwrap()
}

scenario!(the_secret_that_is_named, on(DOUBLES, REAL));
fn the_secret_that_is_named(world: World) {
    let rotation = Rotation::with(world, Use::Cluster, &[]);
    rotation
        .world
        .regcred("sync -n [NAMESPACE] --registry [REGISTRY] --secret pull")
        .done();
    let ran = rotate(&rotation, "--secret pull");
    assert_eq!(ran.code, 0, "{ran}");
    let new = rotation.served();
    assert_eq!(
        (held(&rotation, SECRET), held(&rotation, "pull")),
        (rotation.old.clone(), new.clone()),
        "{ran}"
    );
    rotation
        .world
        .regcred("sync -n [NAMESPACE] --registry [REGISTRY]")
        .done();
    let ran = rotate(&rotation, "");
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(
        (held(&rotation, SECRET), held(&rotation, "pull")),
        (rotation.served(), new),
        "{ran}"
    );
}

scenario!(the_secret_of_a_deployment, on(DOUBLES, REAL));
/// As stack-orchestrator names it.
fn the_secret_of_a_deployment(mut world: World) {
    world.variables.insert("TOKEN".to_owned(), "of the spec".into());
    let rotation = Rotation::with(world, Use::Cluster, &[]);
    let world = &rotation.world;
    let spec = world.home().join("spec.yml");
    let text = "registry-credentials: {server: '[REGISTRY]', username: admin, token-env: TOKEN}\n";
    world.write(&spec, text);
    let file = format!("-f {}", spec.display());
    for verb in ["status -n [NAMESPACE] --offline", "rotate -n [NAMESPACE]"] {
        let ran = world.regcred(&format!("{verb} {file}"));
        assert!(
            ran.code == 2 && ran.stderr.contains("--deployment NAME"),
            "{verb}: {ran}"
        );
    }
    let flags = format!("{file} --deployment shop");
    let status = world.regcred(&format!("status -n [NAMESPACE] --offline {flags}"));
    let missing = "secret-missing: secret/shop-registry in namespace [NAMESPACE]";
    assert!(status.stdout.contains(missing), "{status}");
    world
        .regcred("sync -n [NAMESPACE] --registry [REGISTRY] --secret shop-registry")
        .done();
    let ran = rotate(&rotation, &flags);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(
        (held(&rotation, SECRET), held(&rotation, "shop-registry")),
        (rotation.old.clone(), rotation.served()),
        "{ran}"
    );
}

scenario!(pods_that_are_stuck);
/// The double has no controller that would make the pod again.
fn pods_that_are_stuck() {
    let rotation = Rotation::with(World::of_doubles(), Use::Cluster, &[]);
    let world = &rotation.world;
    let image = format!("{}/admin/api:1", world.registry());
    let mut pod = stuck_pod("api", &image, &[SECRET], "401 Unauthorized");
    pod["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "api", "uid": "api", "controller": true}]);
    world.api_server().put_object("pods", &world.namespace, &pod);
    let is_there = || world.api_server().object("pods", &world.namespace, "api").is_some();
    let ran = rotate(&rotation, "");
    assert!(ran.code == 0 && is_there(), "{ran}");
    let ran = rotate(&rotation, "--unstick --dry-run=client");
    assert!(ran.code == 0 && is_there(), "{ran}");
    let deleted = "pod/api deleted in namespace [NAMESPACE]";
    assert!(ran.stdout.contains(&format!("{deleted} (dry run)\n")), "{ran}");
    let ran = rotate(&rotation, "--unstick");
    assert!(ran.code == 0 && !is_there(), "{ran}");
    assert!(ran.stdout.contains(&format!("{deleted}\n")), "{ran}");
}
