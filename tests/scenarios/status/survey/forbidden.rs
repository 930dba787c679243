//! What may not be seen, and clusters that do not answer.

use std::time::Duration;

use regcred::cluster::survey::{Cause, NamespaceSelection, Question, survey};
use regcred::cluster::{Access, Cluster, ConnectOptions, Error, Feature, Namespace, Resource, Scope, Subject};
use serde_json::json;

use super::fixture::{IMAGE, Keychain, Surveyed, TOKEN, ask, of_pod};
use crate::support::api_server::Fault;
use crate::support::part::until;
use crate::support::parts::{ON_CONTROL_PLANE, ON_DOUBLE};
use crate::support::plane::{Plane, Who};
use crate::sync::library::connected;

scenario!(who_may_do_nothing_sees_what_is_missing, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn who_may_do_nothing_sees_what_is_missing(plane: &Plane) {
    let surveyed = Surveyed::new(plane);
    let keychain = Keychain::new();
    let mut question = Question {
        places: NamespaceSelection::Named(vec![surveyed.namespace.parse().unwrap()]),
        targets: vec![surveyed.target("gitea-credentials")],
        named: Vec::new(),
        interests: keychain.interests(),
    };
    let survey = ask(plane, Who::Plain, &question).unwrap();
    let unseen: Vec<_> = survey.unseen.iter().map(|unseen| unseen.object.resource).collect();
    let all = [
        Resource::Secrets,
        Resource::ServiceAccounts,
        Resource::Pods,
        Resource::Deployments,
        Resource::StatefulSets,
        Resource::DaemonSets,
        Resource::Jobs,
        Resource::CronJobs,
    ];
    assert_eq!(unseen, all);
    // Not known to be missing.
    assert!(survey.missing_targets.is_empty() && survey.secrets.is_empty());
    let Error::Forbidden(forbidden) = &survey.unseen[0].error else {
        panic!("{:?}", survey.unseen[0])
    };
    let role = forbidden.role().unwrap();
    for part in [
        "kind: Role\n",
        &surveyed.namespace,
        "secrets, serviceaccounts, pods",
        "verbs: [list]",
        "name: \"plain\"",
    ] {
        assert!(role.contains(part), "{part}: {role}");
    }
    question.places = NamespaceSelection::All;
    let survey = ask(plane, Who::Plain, &question).unwrap();
    let Error::Forbidden(forbidden) = &survey.unseen[0].error else {
        panic!("{:?}", survey.unseen[0])
    };
    let role = forbidden.role().unwrap();
    assert!(role.contains("kind: ClusterRole\n"), "{role}");
}

scenario!(the_role_is_enough, on(ON_CONTROL_PLANE));
fn the_role_is_enough(plane: &Plane) {
    let Plane::Real(real) = plane else {
        panic!("on a real API server")
    };
    let surveyed = Surveyed::new(plane);
    surveyed.secret("good", &json!({"gitea.example.com": TOKEN}));
    surveyed.stuck("api", IMAGE, &["good", "gone"], "default", "401 Unauthorized");
    let keychain = Keychain::new();
    let namespace: Namespace = surveyed.namespace.parse().unwrap();
    let question = Question {
        places: NamespaceSelection::Named(vec![namespace.clone()]),
        targets: Vec::new(),
        named: Vec::new(),
        interests: keychain.interests(),
    };
    let access = Access::to(Feature::Status);
    let role = access.role(&Scope::Namespace(Some(namespace)), &[Subject::of_user("plain")]);
    real.kubectl_ok(&["apply", "-f", "-"], &role);
    // Its authorizer hears of a new Role a moment later.
    until("the Role to hold", || {
        ask(plane, Who::Plain, &question).unwrap().unseen.is_empty()
    });
    let survey = ask(plane, Who::Plain, &question).unwrap();
    assert_eq!(
        (survey.secrets.len(), survey.missing.len(), survey.stuck.len()),
        (1, 1, 1)
    );
}

scenario!(each_namespace_is_asked_where_not_all_may_be, on(ON_DOUBLE));
fn each_namespace_is_asked_where_not_all_may_be(plane: &Plane) {
    let Plane::Double(double) = plane else {
        panic!("on the double")
    };
    let (open, closed) = (Surveyed::new(plane), Surveyed::new(plane));
    for surveyed in [&open, &closed] {
        surveyed.secret("good", &json!({"gitea.example.com": TOKEN}));
        surveyed.stuck("api", IMAGE, &["good"], "default", "401 Unauthorized");
    }
    double.forbid("list secrets", "");
    double.forbid("list secrets", &closed.namespace);
    double.forbid("get secrets", &closed.namespace);
    let keychain = Keychain::new();
    let question = Question {
        places: NamespaceSelection::All,
        targets: Vec::new(),
        named: Vec::new(),
        interests: keychain.interests(),
    };
    let survey = ask(plane, Who::Admin, &question).unwrap();
    let targets: Vec<_> = survey.secrets.iter().map(|secret| secret.target.clone()).collect();
    assert_eq!(targets, [open.target("good")]);
    assert_eq!(survey.unseen.len(), 1);
    assert_eq!(
        (survey.unseen[0].object.resource, survey.unseen[0].namespaces),
        (Resource::Secrets, 1)
    );
    assert!(survey.missing.is_empty(), "what is not seen is not missing");
    let cause = |surveyed: &Surveyed| {
        let stuck = survey
            .stuck
            .iter()
            .find(|stuck| stuck.namespace.as_str() == surveyed.namespace);
        stuck.unwrap().cause.clone()
    };
    assert_eq!(cause(&closed), Cause::Unknown);
    assert!(matches!(cause(&open), Cause::TokenRejected { .. }));
}

scenario!(a_secret_that_may_be_got_need_not_be_listed, on(ON_DOUBLE));
fn a_secret_that_may_be_got_need_not_be_listed(plane: &Plane) {
    let Plane::Double(double) = plane else {
        panic!("on the double")
    };
    let surveyed = Surveyed::new(plane);
    surveyed.secret("good", &json!({"gitea.example.com": TOKEN}));
    surveyed.secret_of("opaque", "Opaque", "x", "y", &json!({}));
    surveyed.stuck("api", IMAGE, &["good"], "default", "401 Unauthorized");
    surveyed.stuck("worker", IMAGE, &["opaque"], "default", "401 Unauthorized");
    double.forbid("list secrets", &surveyed.namespace);
    let survey = surveyed.survey_for(&Keychain::new(), &["nowhere"]);
    assert_eq!(survey.secrets.len(), 1);
    assert_eq!(survey.missing_targets, [surveyed.target("nowhere")]);
    assert!(matches!(of_pod(&survey, "api").cause, Cause::TokenRejected { .. }));
    assert!(matches!(of_pod(&survey, "worker").cause, Cause::WrongType { .. }));
    // Others may be there all the same.
    assert_eq!(survey.unseen[0].object.resource, Resource::Secrets);
}

scenario!(a_cluster_that_does_not_answer_is_an_error, on(ON_DOUBLE));
fn a_cluster_that_does_not_answer_is_an_error(plane: &Plane) {
    let Plane::Double(double) = plane else {
        panic!("on the double")
    };
    let keychain = Keychain::new();
    let question = Question {
        places: NamespaceSelection::All,
        targets: Vec::new(),
        named: Vec::new(),
        interests: keychain.interests(),
    };
    let options = ConnectOptions {
        request_timeout: "200ms".parse().unwrap(),
        ..ConnectOptions::default()
    };
    let ask = |kubeconfig: &str, options: &ConnectOptions| {
        connected(kubeconfig, options, async |cluster: &Cluster| {
            survey(cluster, &question, &|_| {}).await
        })
        .unwrap()
    };
    double.fail(Fault::Hang, 100);
    let error = ask(&double.kubeconfig(), &options).unwrap_err();
    assert!(
        matches!(error, Error::Timeout { after, .. } if after == Duration::from_millis(200)),
        "{error:?}"
    );
    double.recover();
    let stranger = double.kubeconfig_for("{token: nobody}");
    assert!(matches!(
        ask(&stranger, &ConnectOptions::default()),
        Err(Error::Unauthorized { .. })
    ));
}
