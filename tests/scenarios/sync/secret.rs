//! What becomes of a Secret, on either kind of server.

use regcred::cluster::{
    Action, DryRun, Error, Note, Outcome, Over, Refusal, SecretReader, SyncOptions, Synced, Wanted, remove, sync,
};
use regcred::model::{Credential, DockerConfig, OwnTokens, Use};
use serde_json::{Value, json};

use crate::support::api_server::{ApiServer, Fault};
use crate::support::part::until;
use crate::support::parts::{API_SERVER, ON_CONTROL_PLANE, ON_DOUBLE};
use crate::support::plane::{Plane, SECRET, Who};
use crate::support::world::credential;
use crate::sync::library::{document, gitea, made_by_runbook, manifest, pull_secret, target};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

fn holds(secret: &Value, token: &str) -> bool {
    DockerConfig::parse(document(secret).as_bytes())
        .unwrap()
        .holds(&gitea(token))
}

fn with_dry_run(dry_run: DryRun) -> SyncOptions {
    SyncOptions {
        dry_run,
        ..SyncOptions::default()
    }
}

scenario!(creates, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn creates(plane: &Plane) {
    let namespace = plane.namespace();
    let synced = plane.sync(&namespace, &gitea("first")).unwrap();
    assert_eq!(
        (synced.outcome, &synced.plan.action),
        (Outcome::Created, &Action::Create)
    );
    let secret = plane.secret(&namespace, SECRET).unwrap();
    assert_eq!(secret["type"], "kubernetes.io/dockerconfigjson");
    assert_eq!(
        secret["metadata"]["labels"],
        json!({"app.kubernetes.io/managed-by": "kubectl-regcred"})
    );
    assert_eq!(
        secret["metadata"]["annotations"],
        json!({
            "kubectl-regcred/registry": "gitea.example.com",
            "kubectl-regcred/username": "admin",
            "kubectl-regcred/use": "cluster",
        })
    );
    assert!(holds(&secret, "first"));
    let managers = secret["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!(
        (managers.len(), &managers[0]["manager"]),
        (1, &"kubectl-regcred".into())
    );
    assert_eq!(plane.our_writes(&namespace), ["create"]);
}

scenario!(updates_in_place, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn updates_in_place(plane: &Plane) {
    let namespace = plane.namespace();
    plane.sync(&namespace, &gitea("first")).unwrap();
    let before = plane.secret(&namespace, SECRET).unwrap();
    assert_eq!(
        plane.sync(&namespace, &gitea("second")).unwrap().outcome,
        Outcome::Configured
    );
    let after = plane.secret(&namespace, SECRET).unwrap();
    assert_eq!(before["metadata"]["uid"], after["metadata"]["uid"]);
    assert_ne!(
        before["metadata"]["resourceVersion"],
        after["metadata"]["resourceVersion"]
    );
    assert!(holds(&after, "second") && !document(&after).contains("first"));
}

scenario!(leaves_what_is_right_alone, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn leaves_what_is_right_alone(plane: &Plane) {
    let namespace = plane.namespace();
    plane.sync(&namespace, &gitea("first")).unwrap();
    let before = plane.secret(&namespace, SECRET).unwrap();
    for _ in 0..2 {
        assert_eq!(
            plane.sync(&namespace, &gitea("first")).unwrap().outcome,
            Outcome::Unchanged
        );
    }
    assert_eq!(plane.secret(&namespace, SECRET).unwrap(), before);
    assert_eq!(plane.our_writes(&namespace), ["create"], "the first one's");
}

scenario!(adopts_what_the_runbook_made, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn adopts_what_the_runbook_made(plane: &Plane) {
    let namespace = plane.namespace();
    plane.runbook(&namespace, "old-pat");
    let before = plane.secret(&namespace, SECRET).unwrap();
    assert!(before["metadata"]["annotations"][LAST_APPLIED].is_string());
    let synced = plane.sync(&namespace, &gitea("new-pat")).unwrap();
    assert_eq!(synced.outcome, Outcome::Configured);
    assert!(matches!(
        &synced.plan.notes[..],
        [Note::Adopted { from: Some(_) }, Note::LastAppliedRemoved]
    ));
    let after = plane.secret(&namespace, SECRET).unwrap();
    assert_eq!(before["metadata"]["uid"], after["metadata"]["uid"]);
    assert!(after["metadata"]["annotations"][LAST_APPLIED].is_null());
    assert!(holds(&after, "new-pat"));
    assert_eq!(
        plane.sync(&namespace, &gitea("new-pat")).unwrap().outcome,
        Outcome::Unchanged
    );
}

scenario!(keeps_other_registries_byte_for_byte, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn keeps_other_registries_byte_for_byte(plane: &Plane) {
    let namespace = plane.namespace();
    let other = r#""ghcr.io\/org" : {"auth": "YTpi" , "x":1.0e0}"#;
    let text = format!("{{ \"HttpHeaders\":{{}}, \"auths\": {{ {other} }} }}\n");
    plane.create_secret(&namespace, &pull_secret(&json!({}), &text), "kubectl-create");
    plane.sync(&namespace, &gitea("first")).unwrap();
    plane.sync(&namespace, &gitea("second")).unwrap();
    let after = document(&plane.secret(&namespace, SECRET).unwrap());
    assert!(
        after.contains(other) && after.starts_with("{ \"HttpHeaders\":{}, ") && after.ends_with("}\n"),
        "{after}"
    );
    assert!(holds(&plane.secret(&namespace, SECRET).unwrap(), "second"));
}

scenario!(takes_back_what_kubectl_edited, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn takes_back_what_kubectl_edited(plane: &Plane) {
    let namespace = plane.namespace();
    plane.sync(&namespace, &gitea("first")).unwrap();
    plane.edit(&namespace, &pull_secret(&json!({}), r#"{"auths":{}}"#)["data"]);
    assert_eq!(
        plane.sync(&namespace, &gitea("first")).unwrap().outcome,
        Outcome::Configured
    );
    assert!(holds(&plane.secret(&namespace, SECRET).unwrap(), "first"));
}

/// The Secret is refused for this reason, with a way out, and nothing is changed.
fn refused(plane: &Plane, namespace: &str) -> Refusal {
    let before = plane.secret(namespace, SECRET).unwrap();
    let error = plane.sync(namespace, &gitea("new")).unwrap_err();
    assert!(error.hint().unwrap().to_string().contains("--secret NAME"), "{error}");
    assert_eq!(plane.secret(namespace, SECRET).unwrap(), before);
    assert!(plane.our_writes(namespace).is_empty());
    match error {
        Error::Refused { refusal, .. } => refusal,
        other => panic!("{other}"),
    }
}

scenario!(refuses_another_type, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn refuses_another_type(plane: &Plane) {
    let namespace = plane.namespace();
    plane.create_secret(
        &namespace,
        &manifest("Opaque", &json!({}), "token", "x"),
        "kubectl-create",
    );
    assert_eq!(
        refused(plane, &namespace),
        Refusal::Type {
            type_name: "Opaque".into()
        }
    );
}

scenario!(refuses_an_immutable_one, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn refuses_an_immutable_one(plane: &Plane) {
    let namespace = plane.namespace();
    let mut secret = pull_secret(&json!({}), r#"{"auths":{}}"#);
    secret["immutable"] = true.into();
    plane.create_secret(&namespace, &secret, "kubectl-create");
    assert_eq!(refused(plane, &namespace), Refusal::Immutable);
}

scenario!(several_at_once_lose_nothing, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn several_at_once_lose_nothing(plane: &Plane) {
    let namespace = plane.namespace();
    let credentials: Vec<_> = (0..4)
        .map(|n| credential(&format!("r{n}.example.com"), "admin", "t"))
        .collect();
    let outcomes = plane.connected(Who::Admin, async |cluster| {
        let target = target(&namespace);
        let syncs = credentials.iter().map(|credential| {
            let target = &target;
            async move {
                sync(
                    &SecretReader::new(cluster),
                    target,
                    None,
                    &[Wanted {
                        credential,
                        usage: Use::Cluster,
                        others: &[],
                        replaces: None,
                        over: Over::Anything,
                        writer: None,
                    }],
                    SyncOptions::default(),
                )
                .await
            }
        });
        futures_util::future::join_all(syncs).await
    });
    for outcome in outcomes {
        assert_ne!(outcome.unwrap().outcome, Outcome::Unchanged);
    }
    let secret = plane.secret(&namespace, SECRET).unwrap();
    let config = DockerConfig::parse(document(&secret).as_bytes()).unwrap();
    assert!(
        credentials.iter().all(|credential| config.holds(credential)),
        "{:?}",
        config.keys()
    );
    let registries = &secret["metadata"]["annotations"]["kubectl-regcred/registry"];
    assert_eq!(
        registries,
        "r0.example.com,r1.example.com,r2.example.com,r3.example.com"
    );
}

scenario!(dry_runs_change_nothing, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn dry_runs_change_nothing(plane: &Plane) {
    let namespace = plane.namespace();
    for dry_run in [DryRun::Client, DryRun::Server] {
        let synced = plane
            .sync_as(Who::Admin, &namespace, &gitea("first"), with_dry_run(dry_run))
            .unwrap();
        assert_eq!(synced.outcome, Outcome::Created);
        assert_eq!(plane.secret(&namespace, SECRET), None, "{dry_run:?}");
    }
    assert_eq!(plane.our_writes(&namespace), ["create"], "the server's dry run");
    plane.runbook(&namespace, "old-pat");
    let before = plane.secret(&namespace, SECRET).unwrap();
    for dry_run in [DryRun::Client, DryRun::Server] {
        let synced = plane
            .sync_as(Who::Admin, &namespace, &gitea("new-pat"), with_dry_run(dry_run))
            .unwrap();
        assert_eq!(synced.outcome, Outcome::Configured);
        assert_eq!(plane.secret(&namespace, SECRET).unwrap(), before, "{dry_run:?}");
    }
}

scenario!(a_missing_namespace_is_named, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn a_missing_namespace_is_named(plane: &Plane) {
    for dry_run in [DryRun::None, DryRun::Client, DryRun::Server] {
        let error = plane
            .sync_as(Who::Admin, "nowhere", &gitea("x"), with_dry_run(dry_run))
            .unwrap_err();
        assert_eq!(error.to_string(), "namespace nowhere not found");
        assert_eq!(error.hint().unwrap().to_string(), "kubectl create namespace nowhere");
    }
}

scenario!(a_namespace_on_its_way_out_is_named, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn a_namespace_on_its_way_out_is_named(plane: &Plane) {
    let namespace = plane.namespace();
    plane.terminate(&namespace);
    for dry_run in [DryRun::None, DryRun::Client, DryRun::Server] {
        let error = plane
            .sync_as(Who::Admin, &namespace, &gitea("x"), with_dry_run(dry_run))
            .unwrap_err();
        assert_eq!(error.to_string(), format!("namespace {namespace} is being deleted"));
    }
}

scenario!(
    forbidden_names_the_verb_and_prints_a_role,
    on(ON_DOUBLE, ON_CONTROL_PLANE)
);
fn forbidden_names_the_verb_and_prints_a_role(plane: &Plane) {
    let namespace = plane.namespace();
    let error = plane
        .sync_as(Who::Plain, &namespace, &gitea("x"), SyncOptions::default())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("plain may not get secrets in namespace {namespace}")
    );
    let Error::Forbidden(forbidden) = error else { panic!() };
    let role = forbidden.role().unwrap();
    match plane {
        Plane::Real(real) => {
            real.kubectl_ok(&["apply", "-f", "-"], &role);
            // RBAC learns of it from a watch: the API server says when it has.
            let may = |verb| {
                [
                    "auth",
                    "can-i",
                    verb,
                    "secrets/gitea-credentials",
                    "--as=plain",
                    "-n",
                    &namespace,
                ]
                .map(str::to_owned)
            };
            for verb in ["get", "patch"] {
                let question = may(verb);
                let question: Vec<_> = question.iter().map(String::as_str).collect();
                until("the Role is in force", || real.kubectl(&question, "").status.success());
            }
            let synced = plane
                .sync_as(Who::Plain, &namespace, &gitea("x"), SyncOptions::default())
                .unwrap();
            assert_eq!(synced.outcome, Outcome::Created);
        }
        Plane::Double(double) => {
            for verb in ["get", "create", "patch"] {
                assert!(role.contains(verb), "{role}");
            }
            for (verb, token) in [("create", "x"), ("patch", "y")] {
                let namespace = plane.namespace();
                double.forbid("create", &namespace);
                if verb == "patch" {
                    double.put_secret(&namespace, &pull_secret(&json!({}), r#"{"auths":{}}"#));
                    double.forbid(verb, &namespace);
                }
                let error = plane.sync(&namespace, &gitea(token)).unwrap_err();
                assert_eq!(
                    error.to_string(),
                    format!("admin may not {verb} secrets in namespace {namespace}")
                );
            }
        }
    }
}

scenario!(a_write_in_between_is_not_lost, on(API_SERVER));
fn a_write_in_between_is_not_lost(double: &ApiServer) {
    double.create_namespace("team");
    double.put_secret("team", &pull_secret(&json!({}), r#"{"auths":{}}"#));
    double.before_next_write(|store| {
        let secret = pull_secret(&json!({}), r#"{"auths":{"ghcr.io":{"auth":"YTpi"}}}"#);
        store.update("team", SECRET, "kubectl-edit", |there| {
            there["data"] = secret["data"].clone();
        });
    });
    let kubeconfig = double.kubeconfig();
    let synced = sync_once(&kubeconfig, "new").unwrap();
    assert_eq!(synced.outcome, Outcome::Configured);
    let after = double.secret("team", SECRET).unwrap();
    assert!(holds(&after, "new") && document(&after).contains(r#""ghcr.io":{"auth":"YTpi"}"#));
}

scenario!(one_created_in_between_is_looked_at, on(API_SERVER));
fn one_created_in_between_is_looked_at(double: &ApiServer) {
    double.create_namespace("team");
    double.before_next_write(|store| store.put("team", &manifest("Opaque", &json!({}), "token", "x")));
    let error = sync_once(&double.kubeconfig(), "new").unwrap_err();
    assert!(
        matches!(
            error,
            Error::Refused {
                refusal: Refusal::Type { .. },
                ..
            }
        ),
        "{error}"
    );
}

scenario!(
    one_deleted_in_between_is_not_made_again,
    on(ON_DOUBLE, ON_CONTROL_PLANE)
);
fn one_deleted_in_between_is_not_made_again(plane: &Plane) {
    let namespace = plane.namespace();
    let (target, new) = (target(&namespace), gitea("new"));
    let own = OwnTokens::only(vec![gitea("old").token]);
    let deleted_in_between = |replaces: Option<&OwnTokens>| {
        plane.sync(&namespace, &gitea("old")).unwrap();
        let wanted = [Wanted {
            replaces,
            ..wanted(&new)
        }];
        plane.connected(Who::Admin, async |cluster| {
            let reader = SecretReader::new(cluster);
            let seen = reader.observe(&target).await.unwrap();
            reader.give_back(&target, seen);
            std::thread::scope(|scope| scope.spawn(|| plane.delete_secret(&namespace, SECRET)).join().unwrap());
            let synced = sync(&reader, &target, None, &wanted, SyncOptions::default()).await;
            synced.unwrap().outcome
        })
    };
    assert_eq!(deleted_in_between(Some(&own)), Outcome::LeftAlone);
    assert_eq!(plane.secret(&namespace, SECRET), None);
    // One that the user has named is made.
    assert_eq!(deleted_in_between(None), Outcome::Created);
    assert!(holds(&plane.secret(&namespace, SECRET).unwrap(), "new"));
}

scenario!(one_deleted_in_between_is_not_made_again_by_a_removal, on(API_SERVER));
fn one_deleted_in_between_is_not_made_again_by_a_removal(double: &ApiServer) {
    double.create_namespace("team");
    let text = r#"{"auths":{"gitea.example.com":{"auth":"YTpi"},"ghcr.io":{"auth":"YTpi"}}}"#;
    double.put_secret("team", &pull_secret(&json!({}), text));
    double.before_next_write(|store| store.remove("team", SECRET));
    let removed = remove_once(&double.kubeconfig()).unwrap();
    assert_eq!(removed.outcome, Outcome::Unchanged);
    assert_eq!(double.secret("team", SECRET), None);
}

scenario!(a_killed_removal_is_completed_by_the_next, on(API_SERVER));
fn a_killed_removal_is_completed_by_the_next(double: &ApiServer) {
    double.create_namespace("team");
    let check = || {
        let after = double.secret("team", SECRET).unwrap();
        assert_eq!(document(&after), r#"{"auths":{}}"#);
        assert_eq!(after["metadata"]["annotations"][LAST_APPLIED], Value::Null);
    };
    double.put_secret("team", &made_by_runbook("old-pat"));
    // The look and the apply go through; then nothing does any more, for as long as the first run lasts.
    double.fail_after(2, Fault::Cut, 3);
    let error = remove_once(&double.kubeconfig()).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert_eq!(remove_once(&double.kubeconfig()).unwrap().outcome, Outcome::Configured);
    check();
    assert_eq!(remove_once(&double.kubeconfig()).unwrap().outcome, Outcome::Unchanged);
    // Somebody else writes between the two writes.
    double.put_secret("team", &made_by_runbook("old-pat"));
    double.before_next_write(|_| ());
    double.before_next_write(|store| {
        store.update("team", SECRET, "robot", |there| {
            there["metadata"]["labels"] = json!({"round": "1"});
        });
    });
    assert_eq!(remove_once(&double.kubeconfig()).unwrap().outcome, Outcome::Configured);
    check();
}

scenario!(a_killed_run_is_completed_by_the_next, on(API_SERVER));
fn a_killed_run_is_completed_by_the_next(double: &ApiServer) {
    double.create_namespace("team");
    double.put_secret("team", &made_by_runbook("old-pat"));
    // The look and the apply go through; then nothing does any more, for as long as the first run lasts.
    double.fail_after(2, Fault::Cut, 3);
    assert!(matches!(
        sync_once(&double.kubeconfig(), "new-pat"),
        Err(Error::Unreachable { .. })
    ));
    let between = double.secret("team", SECRET).unwrap();
    assert!(holds(&between, "new-pat") && between["metadata"]["annotations"][LAST_APPLIED].is_string());
    assert_eq!(
        sync_once(&double.kubeconfig(), "new-pat").unwrap().outcome,
        Outcome::Configured
    );
    assert!(double.secret("team", SECRET).unwrap()["metadata"]["annotations"][LAST_APPLIED].is_null());
}

scenario!(endless_conflicts_end, on(API_SERVER));
fn endless_conflicts_end(double: &ApiServer) {
    double.create_namespace("team");
    double.put_secret("team", &pull_secret(&json!({}), r#"{"auths":{}}"#));
    for round in 0..50 {
        double.before_next_write(move |store| {
            store.update("team", SECRET, "robot", |there| {
                there["metadata"]["annotations"] = json!({"round": round.to_string()});
            });
        });
    }
    let error = sync_once(&double.kubeconfig(), "new").unwrap_err();
    assert!(matches!(error, Error::Contended { tries: 2.., .. }), "{error}");
}

fn sync_once(kubeconfig: &str, token: &str) -> Result<Synced, Error> {
    crate::sync::library::connected(
        kubeconfig,
        &regcred::cluster::ConnectOptions::default(),
        async |cluster| {
            let credential = gitea(token);
            sync(
                &SecretReader::new(cluster),
                &target("team"),
                None,
                &[wanted(&credential)],
                SyncOptions::default(),
            )
            .await
        },
    )
    .unwrap()
}

fn remove_once(kubeconfig: &str) -> Result<Synced, Error> {
    let registry = "gitea.example.com".parse().unwrap();
    crate::sync::library::connected(
        kubeconfig,
        &regcred::cluster::ConnectOptions::default(),
        async |cluster| remove(cluster, &target("team"), &registry, None, SyncOptions::default()).await,
    )
    .unwrap()
}

fn wanted(credential: &Credential) -> Wanted<'_> {
    Wanted {
        credential,
        usage: Use::Cluster,
        others: &[],
        replaces: None,
        over: Over::Anything,
        writer: None,
    }
}
