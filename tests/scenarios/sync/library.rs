//! `sync` as the library does it, to a cluster of its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred::cluster::{
    Cluster, ConnectOptions, Error, Over, SecretReader, SyncOptions, Synced, Target, Wanted, block_on, sync,
};
use regcred::model::{Credential, Use};
use regcred::sys::env::Env;
use serde_json::{Value, json};

use crate::support::api_server::Recorded;
use crate::support::plane::{Plane, SECRET, Who};
use crate::support::world::credential;

pub fn gitea(token: &str) -> Credential {
    credential("gitea.example.com", "admin", token)
}

pub fn target(namespace: &str) -> Target {
    Target {
        namespace: namespace.parse().unwrap(),
        secret: SECRET.parse().unwrap(),
    }
}

/// The text of the document in a Secret.
pub fn document(secret: &Value) -> String {
    let encoded = secret["data"][".dockerconfigjson"].as_str().unwrap();
    String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
}

/// A Secret's manifest.
pub fn manifest(kind: &str, metadata: &Value, key: &str, text: &str) -> Value {
    let mut secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": metadata,
        "data": {key: STANDARD.encode(text)},
    });
    secret["metadata"]["name"] = SECRET.into();
    secret
}

pub fn pull_secret(metadata: &Value, text: &str) -> Value {
    manifest("kubernetes.io/dockerconfigjson", metadata, ".dockerconfigjson", text)
}

/// What the runbook's `kubectl create secret … | kubectl apply -f -` leaves behind.
pub fn made_by_runbook(token: &str) -> Value {
    let auth = STANDARD.encode(format!("admin:{token}"));
    let entry = json!({"username": "admin", "password": token, "auth": auth});
    let mut secret = pull_secret(&json!({}), &json!({"auths": {"gitea.example.com": entry}}).to_string());
    let applied = format!("{secret}\n");
    secret["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": applied});
    secret["metadata"]["managedFields"] = json!([{
        "manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "v1",
        "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1",
        "fieldsV1": {
            "f:data": {".": {}, "f:.dockerconfigjson": {}},
            "f:metadata": {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/last-applied-configuration": {}}},
            "f:type": {},
        },
    }]);
    secret
}

/// Connects with the text of a kubeconfig and nothing else around it, and runs `work`.
pub fn connected<T>(
    kubeconfig: &str,
    options: &ConnectOptions,
    work: impl AsyncFnOnce(&Cluster) -> T,
) -> Result<T, Error> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    std::fs::write(&file, kubeconfig).unwrap();
    let env: Env = [("KUBECONFIG", file)].into_iter().collect();
    block_on(async {
        let cluster = Cluster::connect(&env, options).await?;
        Ok(work(&cluster).await)
    })
    .unwrap()
}

impl Plane {
    pub fn connected<T>(&self, who: Who, work: impl AsyncFnOnce(&Cluster) -> T) -> T {
        connected(&self.kubeconfig(who), &ConnectOptions::default(), work).unwrap()
    }

    pub fn sync_as(
        &self,
        who: Who,
        namespace: &str,
        credential: &Credential,
        options: SyncOptions,
    ) -> Result<Synced, Error> {
        self.connected(who, async |cluster| {
            sync(
                &SecretReader::new(cluster),
                &target(namespace),
                None,
                &[Wanted {
                    credential,
                    usage: Use::Cluster,
                    others: &[],
                    replaces: None,
                    over: Over::Anything,
                    writer: None,
                }],
                options,
            )
            .await
        })
    }

    pub fn sync(&self, namespace: &str, credential: &Credential) -> Result<Synced, Error> {
        self.sync_as(Who::Admin, namespace, credential, SyncOptions::default())
    }

    /// `kubectl patch` of the data.
    pub fn edit(&self, namespace: &str, data: &Value) {
        match self {
            Self::Double(double) => double.update_secret(namespace, SECRET, "kubectl-patch", |secret| {
                secret["data"] = data.clone();
            }),
            Self::Real(real) => {
                let patch = json!({"data": data}).to_string();
                real.kubectl_ok(
                    &["patch", "secret", SECRET, "-n", namespace, "--type=merge", "-p", &patch],
                    "",
                );
            }
        }
    }

    /// The runbook's `kubectl create secret docker-registry … --dry-run=client -o yaml | kubectl apply -f -`.
    pub fn runbook(&self, namespace: &str, token: &str) {
        match self {
            Self::Real(real) => {
                let password = format!("--docker-password={token}");
                let yaml = real.kubectl_ok(
                    &[
                        "create",
                        "secret",
                        "docker-registry",
                        SECRET,
                        "-n",
                        namespace,
                        "--docker-server=gitea.example.com",
                        "--docker-username=admin",
                        &password,
                        "--dry-run=client",
                        "-o",
                        "yaml",
                    ],
                    "",
                );
                real.kubectl_ok(&["apply", "-f", "-"], &yaml);
            }
            Self::Double(double) => double.put_secret(namespace, &made_by_runbook(token)),
        }
    }

    /// The writes to Secrets of a namespace that came from us, by verb, as the server has them in its log.
    pub fn our_writes(&self, namespace: &str) -> Vec<String> {
        let is_ours = |user_agent: &str| user_agent == format!("kubectl-regcred/{}", env!("CARGO_PKG_VERSION"));
        match self {
            Self::Real(real) => {
                let events = real.audited(namespace).into_iter();
                let ours = events.filter(|event| is_ours(&event.user_agent) && event.verb != "get");
                ours.map(|event| event.verb).collect()
            }
            Self::Double(double) => {
                let prefix = format!("/api/v1/namespaces/{namespace}/");
                let requests = double.recorded().into_iter();
                let ours = requests.filter(|request| {
                    request.path.starts_with(&prefix)
                        && request.method != "GET"
                        && is_ours(&request.headers["user-agent"][0])
                });
                let verb = |request: &Recorded| if request.method == "POST" { "create" } else { "patch" };
                ours.map(|request| verb(&request).to_owned()).collect()
            }
        }
    }
}
