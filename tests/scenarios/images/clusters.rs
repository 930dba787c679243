//! `images prune` knows what clusters run and could roll back to, and touches nothing where it does not.

use serde_json::json;

use super::fixture::{DAY, ON_DOUBLES, ON_GITEA, ON_REAL, Stage};
use crate::support::api_server::Fault;
use crate::support::world::World;

scenario!(what_a_cluster_needs_stays, on(ON_DOUBLES, ON_GITEA, ON_REAL));
fn what_a_cluster_needs_stays(stage: &Stage) {
    let digests = stage.push_each("admin/api", &["1", "2", "3", "4", "5", "6", "7"]);
    stage.age(DAY);
    let registry = stage.world.registry();
    stage.run_pod("admin/api:1");
    stage.put(
        "statefulsets",
        "apps/v1",
        "StatefulSet",
        "by-digest",
        &json!({"spec": {
            "selector": {"matchLabels": {"app": "x"}}, "serviceName": "x",
            "template": {"metadata": {"labels": {"app": "x"}}, "spec": {
                "containers": [{"name": "c", "image": format!("{registry}/admin/api@{}", digests[1])}],
            }},
        }}),
    );
    stage.put(
        "cronjobs",
        "batch/v1",
        "CronJob",
        "nightly",
        &json!({"spec": {
            "schedule": "0 3 * * *", "suspend": true,
            "jobTemplate": {"spec": {"template": {"spec": {
                "restartPolicy": "Never",
                "initContainers": [{"name": "i", "image": format!("{registry}/admin/api:3")}],
                "containers": [{"name": "c", "image": "elsewhere.example.com/app:1"}],
            }}}},
        }}),
    );
    let line = format!("prune admin --keep 1 --yes --context {}", stage.world.plane.context());
    let ran = stage.images(&line);
    assert_eq!(ran.code, 0, "{ran}");
    let tags = stage.pusher.tags("admin/api");
    let plain: Vec<&String> = tags.iter().filter(|tag| !tag.contains("trash")).collect();
    assert_eq!(plain, ["1", "2", "3", "7"], "{ran}");
    for why in [
        "pod/app runs it in",
        "statefulset.apps/by-digest",
        "cronjob.batch/nightly",
    ] {
        assert!(ran.stdout.contains(why), "{why}: {ran}");
    }
}

scenario!(what_custom_resources_name_stays, on(ON_DOUBLES));
/// Each in a repository of its own, with an older version that is named, one that is not, and the newest.
fn what_custom_resources_name_stays(stage: &Stage) {
    stage
        .world
        .api_server()
        .define("images.example.com", "v1", "sets", "Set");
    let repository = |name: &str| format!("{}/admin/{name}", stage.world.registry());
    let named = &["1", "3"][..];
    let whole = &["1", "2", "3"][..];
    let shapes = [
        (json!({"images": [{"name": repository("a"), "newTag": "1"}]}), named),
        (json!({"image": {"name": format!("{}:1", repository("b"))}}), named),
        (json!({"imageRepository": repository("c"), "imageTag": "1"}), whole),
        (json!({"image": {"name": repository("d"), "tag": "1"}}), named),
        (json!({"newName": repository("e"), "newTag": "1"}), named),
        (
            json!({"registry": stage.world.registry(), "image": "admin/f", "tag": 1}),
            named,
        ),
        (
            json!({"kustomize": {"images": [format!("app={}:1", repository("g"))]}}),
            named,
        ),
        (json!({"values": {"image": repository("h")}}), whole),
        (
            json!({"parameters": [{"name": "repository", "value": repository("i")}]}),
            whole,
        ),
        (json!({"template": format!("{}:${{TAG}}", repository("j"))}), whole),
    ];
    for ((spec, _), name) in shapes.iter().zip('a'..) {
        stage.push_each(&format!("admin/{name}"), &["1", "2", "3"]);
        stage.put(
            "sets",
            "images.example.com/v1",
            "Set",
            &name.to_string(),
            &json!({"spec": spec}),
        );
    }
    stage.age(DAY);
    let ran = stage.images("prune admin --keep 1 --grace 0 --yes --context double");
    assert_eq!(ran.code, 0, "{ran}");
    for ((spec, stays), name) in shapes.iter().zip('a'..) {
        assert_eq!(&stage.pusher.tags(&format!("admin/{name}")), stays, "{spec}: {ran}");
    }
}

scenario!(what_was_deployed_after_it_was_set_aside_is_not_deleted);
fn what_was_deployed_after_it_was_set_aside_is_not_deleted() {
    let stage = Stage::new(World::of_doubles());
    let digests = stage.push_each("admin/api", &["1", "2"]);
    stage.age(DAY);
    // Set aside long ago.
    {
        let images = &mut stage.world.gitea.state().images;
        images.retag("admin/api", "1", "regcred-trash.20200101000000.1");
        images.delete("admin/api", "1");
    }
    stage.age(30 * DAY);
    stage.run_pod("admin/api:1");
    let ran = stage.images("prune admin --keep 1 --yes --context double");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(
        ran.stdout
            .contains("set aside, but team-a/pod/app runs it in double: restore it")
            || ran
                .stdout
                .contains("set aside, but [NAMESPACE]/pod/app runs it in double: restore it"),
        "{ran}"
    );
    assert_eq!(stage.pusher.pull("admin/api", &digests[0]).as_ref(), Ok(&digests[0]));
    stage.images("restore admin/api:1").done();
    assert_eq!(stage.pusher.pull("admin/api", "1").as_ref(), Ok(&digests[0]));
    // Without the cluster, what is left in a grace that is over goes for good.
    {
        let images = &mut stage.world.gitea.state().images;
        images.retag("admin/api", "1", "regcred-trash.20200101000000.1");
        images.delete("admin/api", "1");
    }
    stage.age(30 * DAY);
    stage.images("prune admin --keep 1 --yes").done();
    assert!(stage.pusher.pull("admin/api", &digests[0]).is_err());
}

scenario!(
    a_context_that_cannot_be_read_whole_leaves_everything,
    on(ON_DOUBLES, ON_GITEA)
);
fn a_context_that_cannot_be_read_whole_leaves_everything(stage: &Stage) {
    stage.push_each("admin/api", &["1", "2", "3"]);
    stage.age(DAY);
    let server = stage.world.api_server();
    let untouched = |what: &str, ran: &crate::support::world::Ran| {
        assert_eq!(ran.code, 1, "{what}: {ran}");
        assert!(ran.stderr.contains("nothing was changed"), "{what}: {ran}");
        assert_eq!(stage.pusher.tags("admin/api"), ["1", "2", "3"], "{what}: {ran}");
    };
    for resource in ["pods", "deployments", "replicasets", "secrets", "controllerrevisions"] {
        server.fail_lists_of(resource, Fault::Status(403, None));
        untouched(resource, &stage.images("prune admin --keep 1 --yes --context double"));
        server.recover();
    }
    let ran = stage.images("prune admin --keep 1 --yes --context double --context gone");
    untouched("a context that is not there", &ran);
    // Known at first, and gone when it is asked again, just before anything is deleted.
    let whole = stage.images("prune admin --keep 1 --context double");
    assert_eq!(whole.code, 0, "{whole}");
    let requests = server.recorded().len();
    stage.images("prune admin --keep 1 --context double").done();
    let each = server.recorded().len() - requests;
    for after in [each / 2, each, each + each / 2] {
        server.fail_after(u32::try_from(after).unwrap(), Fault::Status(403, None), u32::MAX);
        untouched("half-way", &stage.images("prune admin --keep 1 --yes --context double"));
        server.recover();
    }
    // The list says what it could not look at, and shows the rest.
    server.fail_lists_of("pods", Fault::Status(403, None));
    let ran = stage.images("list admin --context double");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stdout.contains("admin/api"), "{ran}");
    server.recover();
    stage.images("prune admin --keep 1 --yes --context double").done();
    assert_eq!(
        stage
            .pusher
            .tags("admin/api")
            .iter()
            .filter(|tag| !tag.contains("trash"))
            .count(),
        1
    );
}

scenario!(a_cluster_may_know_the_registry_by_another_name);
fn a_cluster_may_know_the_registry_by_another_name() {
    let stage = Stage::new(World::of_doubles());
    stage.push_each("admin/api", &["1", "2", "3"]);
    stage.age(DAY);
    stage.put(
        "pods",
        "v1",
        "Pod",
        "app",
        &json!({
            "spec": {"containers": [{"name": "c", "image": "mirror.example.com/admin/api:1"}]},
        }),
    );
    let line = "prune admin --keep 1 --context double --dry-run=client";
    let ran = stage.images(line);
    assert!(!ran.stdout.contains("runs it"), "{ran}");
    let ran = stage.images(&format!("{line} --known-as mirror.example.com"));
    assert!(ran.stdout.contains("runs it in double"), "{ran}");
}
