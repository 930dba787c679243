//! Errors, by what the server answers.

use super::*;
use crate::cluster::Target;
use crate::cluster::resource::Resource;
use crate::cluster::untrusted::MAX_SHOWN;

fn error(status: serde_json::Value) -> Error {
    let target = Target {
        namespace: "honeydue".parse().unwrap(),
        secret: "gitea-credentials".parse().unwrap(),
    };
    about(
        Object::from(&target),
        kube::Error::Api(Box::new(serde_json::from_value(status).unwrap())),
    )
}

fn about(object: Object, error: kube::Error) -> Error {
    let server = Server {
        url: "https://api:6443",
        context: "prod",
        secrets: &Mutex::default(),
    };
    Call { server, object }.error(error)
}

fn denied(object: Object, message: &str) -> Error {
    let status = serde_json::json!({"code": 403, "reason": "Forbidden", "message": message});
    about(
        object,
        kube::Error::Api(Box::new(serde_json::from_value(status).unwrap())),
    )
}

#[test]
fn text_of_a_server_is_cut_and_stripped() {
    assert_eq!(untrusted(" a\u{1b}[31mb\r\nc\u{202e}d "), "a [31mb cd");
    assert_eq!(untrusted(&"x".repeat(1000)).chars().count(), MAX_SHOWN);
}

#[test]
fn forbidden_names_the_verb_that_the_server_names() {
    let message = r#"secrets "gitea-credentials" is forbidden: User "jane" cannot create resource "secrets" in API group "" in the namespace "honeydue""#;
    let error = error(serde_json::json!({"code": 403, "reason": "Forbidden", "message": message}));
    assert_eq!(error.to_string(), "jane may not create secrets in namespace honeydue");
    let Error::Forbidden(forbidden) = error else { panic!() };
    let role: Vec<serde_json::Value> = serde_saphyr::from_multiple(&forbidden.role().unwrap()).unwrap();
    assert_eq!(role[0]["metadata"]["namespace"], "honeydue");
    // Nobody has said what else is to be done: the one verb is all that is known to be missing.
    assert_eq!(
        role[0]["rules"],
        serde_json::json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}])
    );
}

#[test]
fn other_refusals_are_not_taken_for_missing_permission() {
    let quota =
        r#"secrets "x" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=1, limited: secrets=1"#;
    assert!(matches!(
        error(serde_json::json!({"code": 403, "message": quota})),
        Error::Denied { .. }
    ));
    let going =
        serde_json::json!({"code": 403, "message": "x", "details": {"causes": [{"reason": "NamespaceTerminating"}]}});
    assert!(matches!(error(going), Error::NamespaceTerminating { .. }));
    let gone = serde_json::json!({"code": 404, "message": "x", "details": {"name": "honeydue", "kind": "namespaces"}});
    assert_eq!(
        error(gone).hint().unwrap().to_string(),
        "kubectl create namespace honeydue"
    );
}

#[test]
fn a_rule_refuses_with_any_status() {
    let policy = "secrets \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no";
    let webhook = r#"admission webhook "w.example.com" denied the request: no"#;
    for (code, message) in [
        (422, policy),
        (401, policy),
        (413, policy),
        (400, webhook),
        (422, webhook),
        (503, webhook),
    ] {
        let error = error(serde_json::json!({"code": code, "reason": "Invalid", "message": message}));
        assert_eq!(
            error.to_string(),
            format!(
                "the API server refused the request about secret/gitea-credentials in namespace honeydue: {message}"
            ),
            "{code}"
        );
        let hint = error.hint().unwrap().to_string();
        assert!(hint.starts_with("a rule of the cluster decided so"), "{code}: {hint}");
    }
    for (code, message) in [(401, "Unauthorized"), (500, "is forbidden: nothing"), (503, "starting")] {
        let error = error(serde_json::json!({"code": code, "message": message}));
        assert!(!matches!(error, Error::Denied { .. }), "{error}");
    }
}

#[test]
fn an_invalid_object_is_no_fault_of_the_server() {
    let message = r#"Secret "x" is invalid: data: Forbidden: field is immutable when `immutable` is set"#;
    let error = error(serde_json::json!({"code": 422, "reason": "Invalid", "message": message}));
    assert_eq!(
        error.to_string(),
        format!("the API server does not take secret/gitea-credentials in namespace honeydue: {message}")
    );
    assert_eq!(
        error.hint().unwrap().to_string(),
        "the message says which field is wrong; this shows what is there: kubectl describe secrets -n honeydue gitea-credentials"
    );
}

#[test]
fn only_authorizations_own_words_name_an_account() {
    let namespace: Namespace = "honeydue".parse().unwrap();
    let secret = || Object::new(Resource::Secrets, &namespace, "x");
    let words = r#"User "system:serviceaccount:ci:deployer" cannot patch resource "secrets" in API group "" in the namespace "honeydue""#;
    for (object, message) in [
        (secret(), format!(r#"secrets "x" is forbidden: {words}"#)),
        (secret(), format!("secrets is forbidden: {words}")),
        (secret(), format!(r#"secrets "x" is forbidden: {words}: RBAC: role "a" not found"#)),
        (
            Object::all(Resource::Deployments, &namespace),
            r#"deployments.apps "api" is forbidden: User "system:serviceaccount:ci:deployer" cannot list resource "deployments" in API group "apps" in the namespace "honeydue""#.to_owned(),
        ),
        (
            Object::everywhere(Resource::Secrets),
            r#"secrets is forbidden: User "system:serviceaccount:ci:deployer" cannot list resource "secrets" in API group "" at the cluster scope"#.to_owned(),
        ),
    ] {
        let Error::Forbidden(forbidden) = denied(object, &message) else {
            panic!("{message}")
        };
        assert_eq!(forbidden.user.as_deref(), Some("system:serviceaccount:ci:deployer"), "{message}");
    }
    let evil = r#"User "system:serviceaccount:evil:default" cannot patch resource "secrets" in API group "" in the namespace "honeydue""#;
    for message in [
        format!(r#"admission webhook "w.example.com" denied the request: {evil}"#),
        format!(r#"admission webhook "w" denied the request: secrets "x" is forbidden: {evil}"#),
        format!(r#"secrets "x" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: {evil}"#),
        format!(r#"secrets "x" is forbidden: exceeded quota: {evil}"#),
        format!(r#"secrets "x" is forbidden: {evil} and more"#),
        format!(r#"configmaps "x" is forbidden: {evil}"#),
        format!(r#"secrets "x" is forbidden: {}"#, evil.replace("honeydue", "other")),
        format!(r#"secrets "x" is forbidden: {}"#, evil.replace("in the namespace \"honeydue\"", "at the cluster scope")),
        r#"users "bob" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope"#.to_owned(),
        evil.to_owned(),
    ] {
        assert!(matches!(denied(secret(), &message), Error::Denied { .. }), "{message}");
    }
    // A name that cannot be said as it is gets no Role.
    let odd = format!(r#"secrets "x" is forbidden: {}"#, evil.replace("evil", r#"ev\"il"#));
    let Error::Forbidden(forbidden) = denied(secret(), &odd) else {
        panic!("{odd}")
    };
    assert_eq!(forbidden.user, None);
}

#[test]
fn nobody_gets_no_role() {
    let namespace: Namespace = "honeydue".parse().unwrap();
    let message = r#"secrets "x" is forbidden: User "system:anonymous" cannot get resource "secrets" in API group "" in the namespace "honeydue""#;
    let error = denied(Object::new(Resource::Secrets, &namespace, "x"), message);
    assert_eq!(
        error.to_string(),
        r#"context "prod" gives no credential: to the API server https://api:6443 we are system:anonymous"#
    );
    assert!(error.hint().is_some() && error.is_about_the_cluster());
}

#[test]
fn a_request_that_cannot_be_made_is_our_own_fault() {
    let unsent = "/\n".parse::<http::Uri>().unwrap_err();
    let namespace: Namespace = "honeydue".parse().unwrap();
    let error = about(
        Object::all(Resource::Secrets, &namespace),
        kube::Error::HttpError(unsent.into()),
    );
    let shown = error.to_string();
    assert!(
        shown.starts_with("the request about secrets in namespace honeydue cannot be made: "),
        "{shown}"
    );
}
