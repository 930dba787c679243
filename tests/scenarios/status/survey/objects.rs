//! What is seen of Secrets, ServiceAccounts and workloads, and the explanation of one pod.

use std::cell::RefCell;

use regcred::cluster::survey::{
    Cause, ContainerKind, Found, HeldToken, Login, NamespaceSelection, PullOutcome, Question, State, TokenSlot, survey,
};
use regcred::cluster::{Cluster, Ownership, Resource, SyncOptions};
use regcred::model::Registry;
use regcred::model::pull::{EntryAt, Pull};
use serde_json::json;

use super::fixture::{IMAGE, Keychain, REGISTRY, Surveyed, TOKEN, document, of_pod, spec, status, waits};
use crate::support::api_server::Fault;
use crate::support::parts::{ON_CONTROL_PLANE, ON_DOUBLE};
use crate::support::plane::{Plane, Who};
use crate::sync::library::gitea;

scenario!(secrets_are_cut_down_to_what_matters, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn secrets_are_cut_down_to_what_matters(plane: &Plane) {
    let surveyed = Surveyed::new(plane);
    plane
        .sync_as(Who::Admin, &surveyed.namespace, &gitea(TOKEN), SyncOptions::default())
        .unwrap();
    let legacy = document(&json!({"https://gitea.example.com/v2/": "old-token"})).to_string();
    surveyed.secret_of("legacy", "kubernetes.io/dockercfg", ".dockercfg", &legacy, &json!({}));
    surveyed.secret("others", &json!({"ghcr.io": "x"}));
    surveyed.secret(
        "wild",
        &json!({"*.example.com": "docker-token", "ghcr.io": "x", "gitea.example.com": {}}),
    );
    let text = json!({"auths": document(&json!({"gitea.example.com": "old-token"}))}).to_string();
    let by_helm = json!({
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": r#"{"data":{".dockerconfigjson":"e30="}}"#},
    });
    surveyed.secret_of(
        "helms",
        "kubernetes.io/dockerconfigjson",
        ".dockerconfigjson",
        &text,
        &by_helm,
    );
    surveyed.secret("unused-broken", &json!({"gitea.example.com": {"auth": 1}}));

    let survey = surveyed.survey_for(&Keychain::new(), &["gitea-credentials", "nowhere", "others"]);
    let names: Vec<_> = survey
        .secrets
        .iter()
        .map(|secret| secret.target.secret.as_str())
        .collect();
    assert_eq!(names, ["gitea-credentials", "helms", "legacy", "others", "wild"]);
    assert_eq!(survey.missing_targets, [surveyed.target("nowhere")]);
    let see = |name| survey.secret(&surveyed.target(name)).unwrap();
    let logins = |name| {
        let State::Entries(entries) = &see(name).state else {
            panic!("{:?}", see(name))
        };
        let logins = entries.iter().map(|entry| entry.login.as_ref().map(|held| held.token));
        logins.collect::<Vec<_>>()
    };

    let ours = see("gitea-credentials");
    assert!(ours.is_managed && ours.ownership == Ownership::Ours && !ours.has_applied_copy && !ours.is_legacy);
    assert_eq!(ours.declared[0].registry.as_str(), REGISTRY);
    let State::Entries(entries) = &ours.state else {
        panic!("{ours:#?}")
    };
    let held = Login {
        username: "admin".into(),
        token: HeldToken::Stored(TokenSlot::Cluster),
    };
    assert_eq!((entries[0].key.as_str(), &entries[0].login), (REGISTRY, &Some(held)));
    assert!(ours.written.is_some());

    let helms = see("helms");
    assert!(helms.has_applied_copy && !helms.is_managed);
    assert!(
        matches!(&helms.ownership, Ownership::Foreign(owner) if owner.name == "Helm"),
        "{helms:#?}"
    );
    assert!(see("legacy").is_legacy);
    // The same token in two Secrets is one to ask the registry about.
    assert_eq!(logins("legacy"), [Some(HeldToken::Other(0))]);
    assert_eq!(logins("helms"), [Some(HeldToken::Other(0))]);
    assert_eq!(survey.other_tokens.len(), 1);
    assert_eq!(survey.other_tokens[0].username, "admin");
    // A wildcard is the registry's too; what is another registry's is nobody's business.
    assert_eq!(logins("wild"), [Some(HeldToken::Stored(TokenSlot::Docker)), None, None]);
    assert!(!format!("{survey:?}").contains("-token"), "no token is shown");
}

scenario!(what_is_named_and_not_there, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn what_is_named_and_not_there(plane: &Plane) {
    let surveyed = Surveyed::new(plane);
    surveyed.secret("good", &json!({"gitea.example.com": TOKEN}));
    surveyed.account("builder", &["good", "gone", "gone-too"]);
    let labels = json!({"app": "api"});
    let template = |spec| json!({"metadata": {"labels": labels}, "spec": spec});
    let mut job = spec(IMAGE, &["gone"], "default");
    job["restartPolicy"] = "Never".into();
    surveyed.apply("deployments", &json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template(spec(IMAGE, &[], "builder"))},
    }));
    surveyed.apply(
        "jobs",
        &json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"},
            "spec": {"template": {"spec": job}},
        }),
    );
    surveyed.apply("deployments", &json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "public"},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template(spec("nginx", &["gone"], "default"))},
    }));
    surveyed.pod(
        "done",
        &json!({}),
        &spec(IMAGE, &["gone"], "default"),
        &json!({"phase": "Succeeded"}),
    );

    let survey = surveyed.survey(&Keychain::new());
    let missing: Vec<_> = survey.missing.iter().map(|one| one.target.secret.as_str()).collect();
    assert_eq!(missing, ["gone", "gone-too"]);
    assert_eq!(survey.missing[0].pullers, ["deployment.apps/api", "job.batch/once"]);
    assert_eq!(survey.missing[0].accounts, ["builder"]);
    let target = surveyed.target("good");
    let users: Vec<_> = survey
        .users(&target)
        .map(|puller| (puller.shown(), puller.account.as_str()))
        .collect();
    assert_eq!(users, [("deployment.apps/api".to_owned(), "builder")]);
    assert_eq!(survey.accounts.len(), 1);
    assert_eq!(survey.accounts[0].pull_secrets, ["good", "gone", "gone-too"]);
    assert!(survey.unseen.is_empty() && survey.stuck.is_empty());
}

scenario!(one_pod_is_explained, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn one_pod_is_explained(plane: &Plane) {
    let surveyed = Surveyed::new(plane);
    surveyed.secret("good", &json!({"gitea.example.com": TOKEN, "ghcr.io": "x"}));
    surveyed.secret_of("opaque", "Opaque", "x", "y", &json!({}));
    surveyed.account("builder", &["elsewhere"]);
    let mut pod = spec(IMAGE, &["gone", "opaque", "good"], "builder");
    pod["initContainers"] = json!([{"name": "init", "image": "docker.io/library/busybox"}]);
    let side = json!({"name": "side", "image": "ghcr.io/owner/side:2"});
    pod["containers"].as_array_mut().unwrap().push(side);
    let mut said = waits("side", "ghcr.io/owner/side:2", "ErrImagePull", "unauthorized");
    said["initContainerStatuses"] = json!([{"name": "init", "image": "busybox", "imageID": "sha256:0", "ready": true,
        "restartCount": 0, "state": {"terminated": {"exitCode": 0}}}]);
    surveyed.pod("api", &json!({}), &pod, &said);

    assert!(surveyed.explain(&Keychain::new(), "nobody").is_none());
    let pod = surveyed.explain(&Keychain::new(), "api").unwrap();
    let found: Vec<_> = pod
        .secrets
        .iter()
        .map(|secret| (secret.name.as_str(), &secret.found))
        .collect();
    assert!(matches!(found[0], ("gone", Found::Missing)), "{found:?}");
    assert!(matches!(found[1], ("opaque", Found::WrongType)), "{found:?}");
    assert!(matches!(found[2], ("good", Found::Seen(_))), "{found:?}");
    assert_eq!(
        (pod.account.as_str(), pod.account_secrets),
        ("builder", Some(vec!["elsewhere".to_owned()]))
    );
    let images: Vec<_> = pod
        .images
        .iter()
        .map(|image| (image.kind, image.container.as_str()))
        .collect();
    let main = ContainerKind::Main;
    assert_eq!(images, [(ContainerKind::Init, "init"), (main, "app"), (main, "side")]);
    assert!(matches!(pod.images[0].outcome, PullOutcome::Pulled));
    assert!(pod.images[0].pull.entries().is_empty());
    assert!(matches!(pod.images[1].outcome, PullOutcome::NotYet));
    // serde_json sorts what a test writes: ghcr.io comes first.
    assert_eq!(pod.images[1].pull.entries(), [EntryAt { secret: 2, entry: 1 }]);
    assert!(matches!(pod.images[2].outcome, PullOutcome::Stuck));
    let stuck = pod.survey.stuck.iter().find(|stuck| stuck.container == "side").unwrap();
    assert_eq!(pod.registries[stuck.interest], "ghcr.io".parse::<Registry>().unwrap());
    assert_eq!(stuck.pull, pod.images[2].pull);
    assert!(
        matches!(&stuck.cause, Cause::TokenRejected { secret, .. } if secret == "good"),
        "{stuck:#?}"
    );
}

scenario!(long_lists_come_in_pages, on(ON_DOUBLE));
fn long_lists_come_in_pages(plane: &Plane) {
    let surveyed = Surveyed::new(plane);
    let Plane::Double(double) = plane else {
        panic!("on the double")
    };
    for number in 0..1100 {
        let name = format!("pod-{number}");
        let mut pod = json!({"metadata": {"name": name}, "spec": spec(IMAGE, &["gone"], "default")});
        pod["status"] = waits("app", IMAGE, "ErrImagePull", "401 Unauthorized");
        double.put_object("pods", &surveyed.namespace, &pod);
    }
    // The server forgets a list that was begun.
    double.fail_after(9, Fault::Status(410, None), 1);
    let steps = RefCell::new(Vec::new());
    let keychain = Keychain::new();
    let question = Question {
        places: NamespaceSelection::All,
        targets: Vec::new(),
        named: Vec::new(),
        interests: keychain.interests(),
    };
    let survey = plane.connected(Who::Admin, async |cluster: &Cluster| {
        survey(cluster, &question, &|step| steps.borrow_mut().push(step))
            .await
            .unwrap()
    });
    assert_eq!(survey.stuck.len(), 1100);
    assert_eq!(survey.missing.len(), 1);
    assert_eq!(survey.missing[0].pullers.len(), 1100);
    let of_pods = steps
        .into_inner()
        .into_iter()
        .filter(|step| step.resource == Resource::Pods);
    assert!(
        of_pods
            .into_iter()
            .any(|step| step.seen == 500 && step.of == Some(1100))
    );
    let asked = double.recorded();
    let pages = asked.iter().filter(|request| request.path == "/api/v1/pods");
    assert!(pages.clone().count() >= 3 && pages.clone().all(|request| request.query["limit"] == "500"));
}

scenario!(an_image_can_be_a_volume, on(ON_DOUBLE));
fn an_image_can_be_a_volume(plane: &Plane) {
    const MODEL: &str = "gitea.example.com/owner/model:1";
    let surveyed = Surveyed::new(plane);
    surveyed.secret("good", &json!({"gitea.example.com": TOKEN}));
    let mut spec = spec("nginx:1", &["good"], "default");
    spec["volumes"] = json!([{"name": "model", "image": {"reference": MODEL}}, {"name": "empty", "emptyDir": {}}]);
    // kubelet says it on the container.
    let message = format!(r#"failed to pull image "{MODEL}": 403 Forbidden"#);
    surveyed.pod(
        "api",
        &json!({}),
        &spec,
        &json!({"containerStatuses": [status("app", "nginx:1", "ErrImagePull", &message)]}),
    );
    let survey = surveyed.survey(&Keychain::new());
    let stuck = of_pod(&survey, "api");
    assert_eq!(
        (stuck.kind, stuck.container.as_str(), stuck.image.as_str()),
        (ContainerKind::Volume, "model", MODEL)
    );
    assert_eq!(
        stuck.pull,
        Pull::Tries {
            entries: vec![EntryAt { secret: 0, entry: 0 }],
            mismatches: vec![]
        }
    );
    assert!(matches!(stuck.cause, Cause::TokenRejected { .. }), "{stuck:#?}");
}
