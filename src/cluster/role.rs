//! The least that somebody needs to be allowed.

use std::fmt::Write as _;

use super::names::Namespace;

/// YAML of a Role, and its binding, that allow `sync` in a namespace.
///
/// `create` stands in a rule of its own, because RBAC cannot limit it to a name. Without `user`, whom the server
/// did not name, the binding is left out.
#[must_use]
pub fn role_for(namespace: &Namespace, secret: Option<&str>, user: Option<&str>) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let only = secret.map_or_else(String::new, |name| format!("\n  resourceNames: [{}]", quoted(name)));
    let mut yaml = format!(
        r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: kubectl-regcred
  namespace: {namespace}
rules:
- apiGroups: [""]
  resources: [secrets]{only}
  verbs: [get, patch]
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
"#
    );
    if let Some(user) = user {
        let subject = match user
            .strip_prefix("system:serviceaccount:")
            .and_then(|rest| rest.split_once(':'))
        {
            Some((of, name)) => format!(
                "kind: ServiceAccount\n  name: {}\n  namespace: {}",
                quoted(name),
                quoted(of)
            ),
            None => format!(
                "kind: User\n  name: {}\n  apiGroup: rbac.authorization.k8s.io",
                quoted(user)
            ),
        };
        let _ = write!(
            yaml,
            "---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: kubectl-regcred
  namespace: {namespace}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: kubectl-regcred
subjects:
- {subject}
"
        );
    }
    yaml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_is_yaml_and_allows_no_more_than_needed() {
        let yaml = role_for(
            &"team".parse().unwrap(),
            Some("x"),
            Some("system:serviceaccount:ci:deploy"),
        );
        let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(&yaml).unwrap();
        assert_eq!(documents[0]["rules"][0]["verbs"], serde_json::json!(["get", "patch"]));
        assert_eq!(documents[0]["rules"][0]["resourceNames"], serde_json::json!(["x"]));
        assert_eq!(documents[1]["subjects"][0]["kind"], "ServiceAccount");
        let user = role_for(&"team".parse().unwrap(), None, Some("a: \"b\"\n- c"));
        let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(&user).unwrap();
        assert_eq!(documents[1]["subjects"][0]["name"], "a: \"b\"\n- c");
    }
}
