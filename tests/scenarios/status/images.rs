//! `images check`: each of its codes by something that is out of step, and gone once that is put right.

use regcred::commands::status::Code;
use regcred::model::Use;
use serde_json::{Value, json};

use super::fixture::{DOUBLES, QUIET_REAL_GITEA, SECRET, entry, healthy_doubles, pull_secret};
use crate::images::helm;
use crate::support::gitea::{Gitea, Profile, ask, basic, sha256};
use crate::support::http::{Answer, Request, Server, Shown};
use crate::support::pusher::{IMAGE, INDEX, Pusher};
use crate::support::schema::schema;
use crate::support::world::{World, credential};

const LINE: &str = "images check -n [NAMESPACE]";
const REPOSITORY: &str = "admin/app";
const OTHER: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn pusher(world: &World) -> Pusher {
    Pusher::new(&world.gitea, "admin", &world.token("write:package"))
}

/// A pod that runs this image of ours, and has it by this digest.
fn run(world: &World, image: &str, secrets: &[&str], digest: &str) {
    let image = format!("{}/{image}", world.registry());
    let secrets: Vec<Value> = secrets.iter().map(|name| json!({"name": name})).collect();
    let (repository, _) = image.rsplit_once(':').unwrap();
    world.put(
        "pods",
        &json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api"},
            "spec": {
                "containers": [{"name": "app", "image": image}], "imagePullSecrets": secrets,
                "serviceAccountName": "default", "automountServiceAccountToken": false,
            },
            "status": {"phase": "Running", "containerStatuses": [{
                "name": "app", "image": image, "imageID": format!("{repository}@{digest}"), "ready": true, "restartCount": 0,
                "state": {"running": {}},
            }]},
        }),
    );
}

fn template(world: &World, resource: &str, kind: &str, name: &str, image: &str, spec: &Value) {
    let image = format!("{}/{image}", world.registry());
    let mut pod = json!({"containers": [{"name": "app", "image": image}], "imagePullSecrets": [{"name": SECRET}]});
    pod.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    world.put(
        resource,
        &json!({
            "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name},
            "spec": {
                "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
            },
        }),
    );
}

fn node(world: &World, name: &str, architecture: &str) {
    world.api_server().put_object(
        "nodes",
        "",
        &json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "labels": {"kubernetes.io/arch": architecture}},
            "status": {"nodeInfo": {"operatingSystem": "linux", "architecture": architecture}},
        }),
    );
}

scenario!(status_finds_what_is_gone, on(DOUBLES, QUIET_REAL_GITEA));
/// With one request for each image, and without their manifests.
fn status_finds_what_is_gone(world: &mut World) {
    const STATUS: &str = "status -n [NAMESPACE]";
    world.well();
    let pusher = pusher(world);
    let digest = pusher.image(REPOSITORY, "1", "one", "amd64");
    run(world, "admin/app:1", &[SECRET], &digest);
    let before = world.gitea.requests().len();
    world.is_gone(STATUS, Code::ImageMissing);
    let asked: Vec<_> = world.gitea.requests().split_off(before);
    let manifests: Vec<&str> = asked
        .iter()
        .filter(|seen| seen.path.contains("/manifests/"))
        .map(|seen| seen.method.as_str())
        .collect();
    assert_eq!(manifests, ["HEAD"], "{asked:?}");
    pusher.delete(REPOSITORY, "1");
    world.says(
        STATUS,
        Code::ImageMissing,
        &[
            "admin/app:1",
            "needed by pod/api in namespace [NAMESPACE]",
            "images restore",
        ],
    );
    assert_eq!(world.regcred(STATUS).code, 3);
    world.is_gone("status -n [NAMESPACE] --offline", Code::ImageMissing);
    pusher.image(REPOSITORY, "1", "one", "amd64");
    world.is_gone(STATUS, Code::ImageMissing);
}

/// A pod of this name that runs this image of ours.
fn running(world: &World, name: &str, image: &str) {
    let image = format!("{}/{image}", world.registry());
    world.put(
        "pods",
        &json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"containers": [{"name": "app", "image": image}], "imagePullSecrets": [{"name": SECRET}]},
            "status": {"phase": "Running", "containerStatuses": [{
                "name": "app", "image": image, "imageID": format!("{image}@{OTHER}"), "ready": true, "restartCount": 0,
                "state": {"running": {}},
            }]},
        }),
    );
}

scenario!(status_does_not_ask_for_everything);
fn status_does_not_ask_for_everything() {
    let world = World::of_doubles();
    world.well();
    let pusher = pusher(&world);
    pusher.image(REPOSITORY, "1", "one", "amd64");
    for number in 0..110 {
        let tag = format!("t{number}");
        world.gitea.state().images.retag(REPOSITORY, "1", &tag);
        running(&world, &tag, &format!("{REPOSITORY}:{tag}"));
    }
    let before = world.gitea.requests().len();
    let ran = world.regcred("status -n [NAMESPACE]");
    assert!(
        ran.code == 0 && ran.stdout.contains("100 of 110 images asked for"),
        "{ran}"
    );
    let asked = world.gitea.requests().split_off(before);
    let of_images = asked.iter().filter(|seen| seen.path.contains("/manifests/"));
    assert_eq!(of_images.count(), 100);
    let document = world.regcred("status -n [NAMESPACE] -o json").done();
    let document: Value = serde_json::from_str(&document).unwrap();
    crate::support::schema::validate("status.schema.json", &document);
    assert_eq!(document["runningImages"], json!({"running": 110, "asked": 100}));
}

scenario!(status_does_not_wait_for_a_slow_registry);
fn status_does_not_wait_for_a_slow_registry() {
    let world = World::of_doubles();
    world.well();
    let tags: Vec<String> = (1..=8).map(|number| number.to_string()).collect();
    for tag in &tags {
        pusher(&world).image(REPOSITORY, tag, tag, "amd64");
        running(&world, &format!("app-{tag}"), &format!("{REPOSITORY}:{tag}"));
    }
    // As many as are asked for at a time.
    for tag in &tags[1..5] {
        let silent = Answer::empty(200).in_manner(crate::support::http::Manner::Hang);
        world
            .gitea
            .replace(&format!("/v2/{REPOSITORY}/manifests/{tag}"), silent);
    }
    let ran = world.regcred("status -n [NAMESPACE]");
    assert!(ran.code == 0 && ran.stdout.contains("1 of 8 images asked for"), "{ran}");
    let asked = world.gitea.requests();
    let is_asked_for = |tag: &String| {
        let path = format!("/v2/{REPOSITORY}/manifests/{tag}");
        asked.iter().any(|seen| seen.method == "HEAD" && seen.path == path)
    };
    assert!(!tags[5..].iter().any(is_asked_for), "it is not asked further");
}

scenario!(all_is_well, on(DOUBLES, QUIET_REAL_GITEA));
/// An image of several platforms, a tag that still is what runs, and what could be rolled back to.
fn all_is_well(world: &mut World) {
    world.well();
    let pusher = pusher(world);
    let (index, _) = pusher.multi(REPOSITORY, "1", "one");
    pusher.image(REPOSITORY, "0", "zero", "amd64");
    run(world, "admin/app:1", &[SECRET], &index);
    template(world, "replicasets", "ReplicaSet", "app-0", "admin/app:0", &json!({}));
    let ran = world.regcred(LINE);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("all is well: 2 images checked\n"), "{ran}");
    // A node names what it runs by an image of the index, too.
    let document: Value = serde_json::from_str(&world.regcred(&format!("{LINE} -o json")).stdout).unwrap();
    let states: Vec<&Value> = document["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["state"])
        .collect();
    assert_eq!(states, ["complete", "complete"], "{document}");
}

finding!(
    image_missing_that_a_rollback_would_need,
    Code::ImageMissing,
    on(DOUBLES, QUIET_REAL_GITEA)
);
fn image_missing_that_a_rollback_would_need(world: &mut World) {
    world.well();
    let manifest = helm::manifest(&format!("{}/admin/app:7", world.registry()));
    helm::secret(&world.plane, &world.namespace, 1, "superseded", &manifest);
    let secrets = json!([{"name": SECRET}]);
    world.put(
        "serviceaccounts",
        &json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}, "imagePullSecrets": secrets}),
    );
    world.says(
        LINE,
        Code::ImageMissing,
        &[
            "admin/app:7",
            "secret/sh.helm.release.v1.api.v1",
            "Helm revision 1, superseded",
        ],
    );
    assert_eq!(world.regcred(LINE).code, 3);
    pusher(world).image(REPOSITORY, "7", "seven", "amd64");
    world.is_gone(LINE, Code::ImageMissing);
}

finding!(
    image_incomplete_without_a_child,
    Code::ImageIncomplete,
    on(DOUBLES, QUIET_REAL_GITEA)
);
/// Somebody has deleted the tag that also held the image of one platform.
fn image_incomplete_without_a_child(world: &mut World) {
    world.well();
    let pusher = pusher(world);
    let amd = pusher.image(REPOSITORY, "1-amd64", "one", "amd64");
    let arm = pusher.image(REPOSITORY, "1-arm64", "two", "arm64");
    let index = pusher.index(REPOSITORY, "1", &[("amd64", &amd), ("arm64", &arm)]);
    run(world, "admin/app:1", &[SECRET], &index);
    world.regcred(LINE).done();
    let token = basic("admin", &world.token("write:package"));
    let path = "/api/v1/packages/admin/container/app/1-arm64";
    let deleted = ask(&world.gitea.registry(), ("DELETE", path), Some(&token), &[], None);
    assert_eq!(deleted.status, 204, "{deleted:?}");
    world.says(LINE, Code::ImageIncomplete, &["the manifest for linux/arm64", &arm]);
    if !world.is_real() {
        // Nobody would pull that one.
        node(world, "amd", "amd64");
        world.is_gone(LINE, Code::ImageIncomplete);
        world.api_server().remove_object("nodes", "", "amd");
    }
    pusher.image(REPOSITORY, "1-arm64", "two", "arm64");
    world.is_gone(LINE, Code::ImageIncomplete);
}

finding!(image_incomplete_without_a_layer, Code::ImageIncomplete, on(DOUBLES));
fn image_incomplete_without_a_layer(world: &mut World) {
    world.well();
    let digest = pusher(world).image(REPOSITORY, "1", "one", "amd64");
    run(world, "admin/app:1", &[SECRET], &digest);
    world.regcred(LINE).done();
    let asked = world.gitea.requests();
    let layer = asked
        .iter()
        .rfind(|seen| seen.method == "HEAD" && seen.path.contains("/blobs/"));
    world.registry_says(&layer.unwrap().path, Answer::empty(404));
    world.says(LINE, Code::ImageIncomplete, &["the content sha256:"]);
    world.registry_recovers();
    world.is_gone(LINE, Code::ImageIncomplete);
}

/// The registry has this manifest under a tag, or else under its digest; the digest.
fn serve(world: &World, tag: Option<&str>, manifest: &Value) -> String {
    let text = manifest.to_string();
    let digest = sha256(text.as_bytes());
    let kind = manifest["mediaType"].as_str().unwrap();
    let path = format!("/v2/{REPOSITORY}/manifests/{}", tag.unwrap_or(&digest));
    world.registry_says(&path, Answer::new(200, kind, text));
    digest
}

fn index(children: &[Value]) -> Value {
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children})
}

finding!(
    image_incomplete_in_an_index_within_an_index,
    Code::ImageIncomplete,
    on(DOUBLES)
);
/// Gitea takes none; other registries do.
fn image_incomplete_in_an_index_within_an_index(world: &mut World) {
    world.well();
    let amd = pusher(world).image(REPOSITORY, "1-amd64", "one", "amd64");
    let child = |digest: &str, architecture: &str| {
        json!({
            "mediaType": IMAGE, "digest": digest, "size": 1, "platform": {"os": "linux", "architecture": architecture},
        })
    };
    let nested = |children: &[Value]| {
        world.registry_recovers();
        let inner = serve(world, None, &index(children));
        serve(
            world,
            Some("1"),
            &index(&[json!({"mediaType": INDEX, "digest": inner, "size": 1})]),
        )
    };
    let outer = nested(&[child(&amd, "amd64"), child(OTHER, "arm64")]);
    run(world, "admin/app:1", &[SECRET], &outer);
    world.says(LINE, Code::ImageIncomplete, &["the manifest for linux/arm64", OTHER]);
    // A node says that it runs the image of the inner index.
    nested(&[child(&amd, "amd64")]);
    run(world, "admin/app:1", &[SECRET], &amd);
    world.is_gone(LINE, Code::ImageIncomplete);
    world.is_gone(LINE, Code::TagMoved);
}

finding!(image_unclear_of_indexes_within_indexes, Code::ImageUnclear, on(DOUBLES));
fn image_unclear_of_indexes_within_indexes(world: &mut World) {
    world.well();
    let amd = pusher(world).image(REPOSITORY, "1-amd64", "one", "amd64");
    let nested = |depth: usize| {
        world.registry_recovers();
        let mut digest = amd.clone();
        for level in (0..depth).rev() {
            let manifest = index(&[json!({"mediaType": INDEX, "digest": digest, "size": 1})]);
            digest = serve(world, (level == 0).then_some("1"), &manifest);
        }
        digest
    };
    let outer = nested(8);
    run(world, "admin/app:1", &[SECRET], &outer);
    world.says(LINE, Code::ImageUnclear, &["indexes that are made of indexes"]);
    let outer = nested(7);
    run(world, "admin/app:1", &[SECRET], &outer);
    world.is_gone(LINE, Code::ImageUnclear);
}

finding!(image_unclear_of_too_many_parts, Code::ImageUnclear, on(DOUBLES));
fn image_unclear_of_too_many_parts(world: &mut World) {
    world.well();
    let digest = pusher(world).image(REPOSITORY, "1", "one", "amd64");
    run(world, "admin/app:1", &[SECRET], &digest);
    let mut manifest: Value = serde_json::from_str(&pusher(world).text(REPOSITORY, "1")).unwrap();
    let layer = manifest["layers"][0].clone();
    manifest["layers"] = vec![layer; 10_000].into();
    serve(world, Some("1"), &manifest);
    world.says(LINE, Code::ImageUnclear, &["more than 10000 manifests and layers"]);
    world.registry_recovers();
    world.is_gone(LINE, Code::ImageUnclear);
}

finding!(image_refused_of_another_owner, Code::ImageRefused, on(DOUBLES));
fn image_refused_of_another_owner(world: &mut World) {
    world.well();
    run(world, "admin/app:1", &[SECRET], OTHER);
    world.registry_says("/v2/admin/app/manifests/1", Answer::text(403, "reqPackageAccess"));
    world.says(LINE, Code::ImageRefused, &["refuses", "pod/api in namespace"]);
    world.registry_recovers();
    world.is_gone(LINE, Code::ImageRefused);
}

finding!(
    image_refused_with_a_dead_token,
    Code::ImageRefused,
    on(DOUBLES, QUIET_REAL_GITEA)
);
/// What counts is the token in the Secret, not the keychain's.
fn image_refused_with_a_dead_token(world: &mut World) {
    let token = world.well();
    let digest = pusher(world).image(REPOSITORY, "1", "one", "amd64");
    let put = |token: &str| {
        let auths = json!({"auths": {world.registry(): entry(token)}});
        world.put("secrets", &pull_secret("old", &auths));
    };
    put("0123456789abcdef0123456789abcdef01234567");
    run(world, "admin/app:1", &["old"], &digest);
    world.says(LINE, Code::ImageRefused, &["accepts none of the tokens for it"]);
    put(&token);
    world.is_gone(LINE, Code::ImageRefused);
}

/// A registry that is no Gitea, and has `owner/app:1` for the user `able`. It accepts other users too: `unable` gets no token
/// for the image, and for `blind` it is not there.
fn other_registry() -> Server {
    const PATH: &str = "/v2/owner/app/manifests/1";
    let config = json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": OTHER, "size": 2});
    let manifest = json!({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": []}).to_string();
    Server::start(move |request: &Request| {
        let host = request.headers["host"].to_str().unwrap();
        match (request.path.as_str(), request.shown()) {
            ("/token", Shown::Basic { user, .. }) if user == "unable" && request.parameter("scope").is_some() => {
                Answer::json(403, &json!({"errors": [{"code": "DENIED", "message": "not for you"}]}))
            }
            ("/token", Shown::Basic { user, .. }) => Answer::json(200, &json!({"token": user})),
            (PATH, Shown::Bearer(user)) if user == "able" => Answer::new(200, IMAGE, manifest.clone()),
            (PATH, Shown::Bearer(_)) => Answer::empty(404),
            (_, Shown::Bearer(_)) => Answer::json(200, &json!({})),
            _ => Answer::empty(401).with(
                "www-authenticate",
                &format!(r#"Bearer realm="http://{host}/token",service="other""#),
            ),
        }
    })
}

scenario!(each_credential_is_tried_as_kubelet_does);
fn each_credential_is_tried_as_kubelet_does() {
    let world = healthy_doubles();
    world.well();
    let other = other_registry();
    let registry = other.registry();
    for user in ["able", "unable", "blind"] {
        let login = json!({"username": user, "password": format!("token of {user}")});
        world.put_secret(&pull_secret(user, &json!({"auths": {registry.as_str(): login}})));
    }
    let line = format!("images check -n [NAMESPACE] --registry {registry}");
    for (secrets, code) in [
        (vec!["able"], None),
        (vec!["unable"], Some(Code::ImageRefused)),
        (vec!["blind"], Some(Code::ImageMissing)),
        (vec!["unable", "able"], None),
        (vec!["blind", "able"], None),
        (vec!["unable", "blind"], Some(Code::ImageMissing)),
    ] {
        let names: Vec<Value> = secrets.iter().map(|name| json!({"name": name})).collect();
        let image = format!("{registry}/owner/app:1");
        world.put(
            "pods",
            &json!({
                "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api"},
                "spec": {"containers": [{"name": "app", "image": image}], "imagePullSecrets": names},
            }),
        );
        let ran = world.regcred(&line);
        match code {
            None => assert_eq!(ran.code, 0, "{secrets:?}: {ran}"),
            Some(code) => {
                assert_eq!(ran.code, 3, "{secrets:?}: {ran}");
                world.says(&line, code, &["owner/app:1"]);
            }
        }
    }
    let refused = "failed to pull: 403 Forbidden";
    world.stuck("api", &format!("{registry}/owner/app:1"), &["unable"], refused);
    world.says("status -n [NAMESPACE]", Code::PodImageRefused, &["owner/app:1"]);
}

finding!(
    secret_missing_that_an_image_is_pulled_with,
    Code::SecretMissing,
    on(DOUBLES, QUIET_REAL_GITEA)
);
/// Of what runs, and of what could be rolled back to.
fn secret_missing_that_an_image_is_pulled_with(world: &mut World) {
    let token = world.well();
    let pusher = pusher(world);
    let digest = pusher.image(REPOSITORY, "1", "one", "amd64");
    pusher.image(REPOSITORY, "0", "zero", "amd64");
    let with = |name: &str| json!({"imagePullSecrets": [{"name": name}]});
    run(world, "admin/app:1", &["gone"], &digest);
    world.says(
        LINE,
        Code::SecretMissing,
        &[
            "secret/gone",
            "it does not exist",
            "admin/app:1",
            "pod/api in namespace",
        ],
    );
    world.is_gone(LINE, Code::ImageWithoutCredential);
    run_again(world, &digest);
    world.is_gone(LINE, Code::SecretMissing);
    assert_eq!(world.regcred(LINE).code, 0);

    template(world, "replicasets", "ReplicaSet", "app-0", "admin/app:0", &with("old"));
    world.says(
        LINE,
        Code::SecretMissing,
        &[
            "secret/old",
            "it does not exist",
            "admin/app:0",
            "replicaset.apps/app-0",
        ],
    );
    assert_eq!(world.regcred(LINE).code, 3);
    // One with other tokens than those of our registries is looked at too.
    world.put_pull_secret("old", &[("other.example.com", "other-token")]);
    world.says(LINE, Code::ImageWithoutCredential, &["admin/app:0"]);
    assert_eq!(world.regcred(LINE).code, 0);

    let opaque = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": "odd"}});
    world.put_secret(&opaque);
    template(
        world,
        "replicasets",
        "ReplicaSet",
        "app-odd",
        "admin/app:0",
        &with("odd"),
    );
    world.says(
        LINE,
        Code::SecretMissing,
        &["secret/odd", "has a type that kubelet ignores"],
    );

    let broken = json!({"auths": {"other.example.com": {"auth": "?"}}});
    world.put_secret(&pull_secret("broken", &broken));
    template(
        world,
        "replicasets",
        "ReplicaSet",
        "app-2",
        "admin/app:0",
        &with("broken"),
    );
    world.says(LINE, Code::ImageRefused, &["cannot decode the Secret broken"]);

    world.put_pull_secret("good", &[("[REGISTRY]", &token)]);
    template(
        world,
        "replicasets",
        "ReplicaSet",
        "app-3",
        "admin/app:1",
        &with("good"),
    );
    let ran = world.regcred(LINE);
    assert!(!ran.stdout.contains("app-3"), "{ran}");
}

finding!(image_unclear_of_too_many_secrets, Code::ImageUnclear, on(DOUBLES));
/// A template can name more than are looked for.
fn image_unclear_of_too_many_secrets(world: &mut World) {
    let token = world.well();
    pusher(world).image(REPOSITORY, "0", "zero", "amd64");
    let names: Vec<Value> = (100..250)
        .map(|number| json!({"name": format!("pull-{number}")}))
        .collect();
    let spec = json!({"imagePullSecrets": names});
    template(world, "replicasets", "ReplicaSet", "app-0", "admin/app:0", &spec);
    world.says(LINE, Code::ImageUnclear, &["the Secret pull-200", "was not looked at"]);
    assert_eq!(world.regcred(LINE).code, 1);
    world.put_pull_secret("pull-249", &[("[REGISTRY]", &token)]);
    world.is_gone(LINE, Code::ImageUnclear);
    assert_eq!(world.regcred(LINE).code, 0);
}

finding!(image_platform_that_a_node_has, Code::ImagePlatform, on(DOUBLES));
fn image_platform_that_a_node_has(world: &mut World) {
    world.well();
    pusher(world).image(REPOSITORY, "1", "one", "amd64");
    node(world, "amd", "amd64");
    node(world, "arm", "arm64");
    template(world, "deployments", "Deployment", "app", "admin/app:1", &json!({}));
    world.says(
        LINE,
        Code::ImagePlatform,
        &["it is for linux/amd64, and a node is linux/arm64"],
    );
    let only = json!({"nodeSelector": {"kubernetes.io/arch": "amd64"}});
    template(world, "deployments", "Deployment", "app", "admin/app:1", &only);
    world.is_gone(LINE, Code::ImagePlatform);
}

finding!(
    tag_moved_since_it_was_pulled,
    Code::TagMoved,
    on(DOUBLES, QUIET_REAL_GITEA)
);
fn tag_moved_since_it_was_pulled(world: &mut World) {
    world.well();
    let pusher = pusher(world);
    let first = pusher.image(REPOSITORY, "1", "one", "amd64");
    run(world, "admin/app:1", &[SECRET], &first);
    world.is_gone(LINE, Code::TagMoved);
    let second = pusher.image(REPOSITORY, "1", "another", "amd64");
    world.says(
        LINE,
        Code::TagMoved,
        &[&format!("it runs as {first}"), &format!("the tag is {second} by now")],
    );
    run(world, "admin/app:1", &[SECRET], &second);
    world.is_gone(LINE, Code::TagMoved);
}

finding!(
    image_name_invalid_in_upper_case,
    Code::ImageNameInvalid,
    on(DOUBLES, QUIET_REAL_GITEA)
);
fn image_name_invalid_in_upper_case(world: &mut World) {
    world.well();
    template(world, "deployments", "Deployment", "app", "admin/App:1", &json!({}));
    world.says(
        LINE,
        Code::ImageNameInvalid,
        &["admin/App:1", "deployment.apps/app in namespace"],
    );
    pusher(world).image(REPOSITORY, "1", "one", "amd64");
    template(world, "deployments", "Deployment", "app", "admin/app:1", &json!({}));
    world.is_gone(LINE, Code::ImageNameInvalid);
}

finding!(
    image_without_credential_of_the_default_account,
    Code::ImageWithoutCredential,
    on(DOUBLES, QUIET_REAL_GITEA)
);
fn image_without_credential_of_the_default_account(world: &mut World) {
    world.well();
    let digest = pusher(world).image(REPOSITORY, "1", "one", "amd64");
    run(world, "admin/app:1", &[], &digest);
    world.says(
        LINE,
        Code::ImageWithoutCredential,
        &["neither the pod nor its ServiceAccount"],
    );
    // A note.
    assert_eq!(world.regcred(LINE).code, 0);
    run_again(world, &digest);
    world.is_gone(LINE, Code::ImageWithoutCredential);
}

/// The same pod, with the Secret: a pod's list cannot be changed.
fn run_again(world: &World, digest: &str) {
    if world.is_real() {
        world.kubectl(&["delete", "pod", "api", "--force", "--grace-period=0"], "");
    }
    run(world, "admin/app:1", &[SECRET], digest);
}

finding!(
    images_unread_of_a_broken_release,
    Code::ImagesUnread,
    on(DOUBLES, QUIET_REAL_GITEA)
);
fn images_unread_of_a_broken_release(world: &mut World) {
    world.well();
    helm::secret_of(&world.plane, &world.namespace, 1, "deployed", "?");
    world.says(
        LINE,
        Code::ImagesUnread,
        &["sh.helm.release.v1.api.v1", "its release is not base64"],
    );
    assert_eq!(world.regcred(LINE).code, 1);
    let manifest = helm::manifest("docker.io/library/busybox:1");
    helm::secret(&world.plane, &world.namespace, 1, "deployed", &manifest);
    world.is_gone(LINE, Code::ImagesUnread);
}

finding!(image_unclear_of_a_registry_that_is_ill, Code::ImageUnclear, on(DOUBLES));
fn image_unclear_of_a_registry_that_is_ill(world: &mut World) {
    world.well();
    let digest = pusher(world).image(REPOSITORY, "1", "one", "amd64");
    run(world, "admin/app:1", &[SECRET], &digest);
    world.registry_says("/v2/admin/app/manifests/1", Answer::text(500, "no more files"));
    world.says(LINE, Code::ImageUnclear, &["500"]);
    assert_eq!(world.regcred(LINE).code, 1);
    world.registry_recovers();
    world.is_gone(LINE, Code::ImageUnclear);
}

scenario!(only_the_registry_that_is_named_is_asked);
fn only_the_registry_that_is_named_is_asked() {
    let world = World::of_doubles();
    world.well();
    pusher(&world).image(REPOSITORY, "1", "one", "amd64");
    running(&world, "api", &format!("{REPOSITORY}:1"));
    let other = Gitea::start(Profile::V1_27);
    other.add_user("admin");
    let token = other.add_token("admin", "read:package");
    let kept = credential(&other.registry(), "admin", &token);
    world.keychain().put(Use::Cluster, &kept).unwrap();
    Pusher::new(&other, "admin", &other.add_token("admin", "write:package")).image("admin/web", "1", "two", "amd64");
    let image = format!("{}/admin/web:1", other.registry());
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "app", "image": image}]},
    });
    world.put("pods", &pod);
    let asked = |flags: &str| {
        let before = [&world.gitea, &other].map(|gitea| gitea.requests().len());
        let _ = world.regcred(&format!("{LINE} {flags}"));
        let after = [&world.gitea, &other].map(|gitea| gitea.requests().len());
        [after[0] > before[0], after[1] > before[1]]
    };
    assert_eq!(asked(""), [true, true]);
    assert_eq!(asked("--registry [REGISTRY]"), [true, false]);
    assert_eq!(asked(&format!("--registry {}", other.registry())), [false, true]);
}

scenario!(what_is_not_allowed_prints_the_role);
fn what_is_not_allowed_prints_the_role() {
    let world = healthy_doubles();
    world.well();
    for kind in ["replicasets", "nodes", "serviceaccounts"] {
        for place in ["", &world.namespace] {
            world.api_server().forbid(&format!("list {kind}"), place);
        }
    }
    let ran = world.regcred(LINE);
    assert_eq!(ran.code, 1, "{ran}");
    for kind in ["replicasets", "nodes", "serviceaccounts"] {
        assert!(ran.stdout.contains(kind), "{kind}: {ran}");
    }
    for (line, place) in [
        (LINE, "-n [NAMESPACE]"),
        ("images check -A", "-A"),
        ("images check -l team=web", "-l team=web"),
    ] {
        let ran = world.regcred(line);
        let grant = format!("$ kubectl regcred rbac {place} --images --user admin | kubectl apply");
        assert!(ran.stdout.contains(&grant), "{line}: {ran}");
    }
}

scenario!(a_repository_without_a_version_is_not_asked_for);
/// Which of its versions a program takes is not known.
fn a_repository_without_a_version_is_not_asked_for() {
    let world = healthy_doubles();
    world.well();
    let registry = world.registry();
    world
        .api_server()
        .define("images.example.com", "v1", "repositories", "Repository");
    let put = |spec: &Value| {
        let object = json!({
            "apiVersion": "images.example.com/v1", "kind": "Repository", "metadata": {"name": "app"}, "spec": spec,
        });
        world.put("repositories", &object);
    };
    let repository = format!("{registry}/admin/app");
    for spec in [
        json!({"image": repository}),
        json!({"newName": repository}),
        json!({"imageRepository": repository, "imageTag": "2"}),
        json!({"url": format!("oci://{repository}")}),
    ] {
        put(&spec);
        assert_eq!(world.regcred(LINE).code, 0, "{spec}");
    }
    put(&json!({"newName": repository, "newTag": "5"}));
    world.says(
        LINE,
        Code::ImageMissing,
        &["admin/app:5", "repository.images.example.com/app"],
    );
}

scenario!(nobody_else_gets_a_token);
/// An image of one registry in a namespace whose Secret has a token for another one.
fn nobody_else_gets_a_token() {
    let world = healthy_doubles();
    world.well();
    world.put_pull_secret("others", &[("other.example.com", "other-token")]);
    run(&world, "admin/app:1", &["others"], OTHER);
    let ran = world.regcred(LINE);
    assert!(ran.stdout.contains(Code::ImageMissing.as_str()), "{ran}");
    assert!(!world.gitea.received("other-token"));
}

scenario!(check_keeps_to_its_schema);
fn check_keeps_to_its_schema() {
    let schema = schema("images-check.schema.json");
    let world = healthy_doubles();
    world.well();
    let digest = pusher(&world).image(REPOSITORY, "1", "one", "amd64");
    run(&world, "admin/app:1", &[SECRET], &digest);
    template(&world, "deployments", "Deployment", "gone", "admin/app:2", &json!({}));
    for line in [LINE, "images check -A", "images check --context nowhere"] {
        let ran = world.regcred(&format!("{line} -o json"));
        let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
        let faults: Vec<String> = schema.iter_errors(&document).map(|fault| format!("{fault}")).collect();
        assert!(faults.is_empty(), "{line}: {faults:#?}\n{ran}");
        assert_eq!(document["exit"], ran.code, "{line}");
        let yaml = world.regcred(&format!("{line} -o yaml")).stdout;
        assert!(yaml.starts_with("apiVersion: regcred/v1\nkind: ImageCheck\n"), "{yaml}");
    }
}
