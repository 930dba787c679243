//! Errors, by what the server answers.

use super::*;
use crate::cluster::Target;
use crate::cluster::error::MAX_SHOWN;

fn error(status: serde_json::Value) -> Error {
    let target = Target {
        namespace: "honeydue".parse().unwrap(),
        secret: "gitea-credentials".parse().unwrap(),
    };
    let call = Call {
        server: "https://api:6443",
        context: "prod",
        object: Object::from(&target),
    };
    call.error(kube::Error::Api(Box::new(serde_json::from_value(status).unwrap())))
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
    assert!(forbidden.role().contains("namespace: \"honeydue\""));
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
