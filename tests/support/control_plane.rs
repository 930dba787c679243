//! The real control plane: etcd and kube-apiserver on loopback, with RBAC and an audit log.
//!
//! One for the whole test process, because it takes a second or two; every test takes a namespace of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::{Value, json};

use super::background::{Background, Process};
use super::kube_api::{self, Body, KubeApi};
use super::part::{cache, free_ports};

/// The token of a user in `system:masters`.
pub const ADMIN_TOKEN: &str = "control-plane-admin-token";
/// The token of `plain`, who may do nothing.
pub const PLAIN_TOKEN: &str = "control-plane-plain-token";

/// How long a server may take to be ready, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

static SHARED: OnceLock<ControlPlane> = OnceLock::new();
/// Of another cluster, for scenarios with two.
static SECOND: OnceLock<ControlPlane> = OnceLock::new();
static CONTROLLERS: OnceLock<()> = OnceLock::new();
/// Those that make ServiceAccounts and pods; not the one that ends namespaces, which some scenarios want to hang.
const RUN: &str = "serviceaccount,deployment,replicaset,replicationcontroller,statefulset,daemonset,job";
static NAMESPACES: AtomicU32 = AtomicU32::new(0);

/// Running servers and their folder.
pub struct ControlPlane {
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
    api: OnceLock<KubeApi>,
    /// By the names of their programs.
    servers: Mutex<Vec<(String, Background)>>,
}

/// One that a scenario has to itself: it may kill, stop and restart its servers. They end when it is dropped.
pub struct Own(&'static ControlPlane);

/// A request as the API server's audit log has it.
#[derive(Debug)]
pub struct Audited {
    /// `get`, `create`, `patch` …
    pub verb: String,
    /// The client's `User-Agent`.
    pub user_agent: String,
    /// The HTTP status of the answer.
    pub status: u64,
}

/// Stops the shared control planes when it is dropped: for `main` to hold.
pub struct StopAtEnd;

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        for shared in [&SHARED, &SECOND].into_iter().filter_map(OnceLock::get) {
            shared.stop();
            let _ = std::fs::remove_dir_all(shared.folder.path());
        }
    }
}

impl Own {
    #[must_use]
    pub fn start() -> Self {
        // Everything that works with a cluster has it for ever: what is left of this one is some text.
        Self(Box::leak(Box::new(ControlPlane::start(programs().unwrap()))))
    }

    #[must_use]
    pub fn plane(&self) -> &'static ControlPlane {
        self.0
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.0.stop();
        let _ = std::fs::remove_dir_all(self.0.folder.path());
    }
}

/// The folder with the programs, where there is one.
#[must_use]
pub fn programs() -> Option<PathBuf> {
    let named = ["REGCRED_TEST_CONTROL_PLANE", "KUBEBUILDER_ASSETS"]
        .into_iter()
        .filter_map(std::env::var_os);
    let cache = cache().map(|cache| cache.join("regcred/parts/control-plane-1.37.2"));
    let has_all = |folder: &PathBuf| {
        ["etcd", "kube-apiserver", "kubectl"]
            .iter()
            .all(|name| folder.join(name).is_file())
    };
    named.map(PathBuf::from).chain(cache).find(has_all)
}

/// What is missing for [`ControlPlane::shared`].
#[must_use]
pub fn missing() -> &'static [&'static str] {
    if programs().is_some() {
        &[]
    } else {
        &["etcd, kube-apiserver and kubectl (tests/parts/control-plane.sh)"]
    }
}

/// What is missing for [`ControlPlane::with_controllers`].
#[must_use]
pub fn missing_controllers() -> &'static [&'static str] {
    if programs().is_some_and(|folder| folder.join("kube-controller-manager").is_file()) {
        &[]
    } else {
        &["kube-controller-manager (tests/parts/control-plane.sh)"]
    }
}

impl ControlPlane {
    /// The same one, with the controllers that make ServiceAccounts and pods. There is no scheduler and no kubelet.
    pub fn with_controllers() -> &'static Self {
        let shared = Self::shared();
        CONTROLLERS.get_or_init(|| {
            let kubeconfig = shared.kubeconfig().display().to_string();
            shared.run(
                "kube-controller-manager",
                &[
                    "--kubeconfig",
                    &kubeconfig,
                    "--controllers",
                    RUN,
                    "--leader-elect=false",
                    "--secure-port=0",
                    "--kube-api-qps=200",
                    "--kube-api-burst=400",
                ],
            );
        });
        shared
    }

    /// The one of this process, started by the first who asks. Nodes join it, and controllers change what is put there.
    pub fn shared() -> &'static Self {
        SHARED.get_or_init(|| Self::start(programs().unwrap()))
    }

    /// Another one, started by the first who asks, where no node joins and no controller changes anything.
    pub fn second() -> &'static Self {
        SECOND.get_or_init(|| Self::start(programs().unwrap()))
    }

    fn start(programs: PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let file = |name: &str| path.join(name).display().to_string();
        std::fs::write(
            file("tokens.csv"),
            format!("{ADMIN_TOKEN},admin,u1,\"system:masters\"\n{PLAIN_TOKEN},plain,u2\n"),
        )
        .unwrap();
        std::fs::write(
            file("audit.yaml"),
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- {level: Metadata, resources: [{group: '', resources: [secrets]}]}\n- {level: None}\n",
        )
        .unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        std::fs::write(file("sa.key"), key.serialize_pem()).unwrap();
        std::fs::write(file("sa.pub"), key.public_key_pem()).unwrap();
        certificates(folder.path());

        let [client, peer, port] = free_ports();
        let etcd = format!("http://127.0.0.1:{client}");
        let peer = format!("http://127.0.0.1:{peer}");
        let this = Self {
            programs,
            port,
            api: OnceLock::new(),
            servers: Mutex::default(),
            folder,
        };
        this.run(
            "etcd",
            &[
                "--data-dir",
                &file("etcd"),
                "--listen-client-urls",
                &etcd,
                "--advertise-client-urls",
                &etcd,
                "--listen-peer-urls",
                &peer,
                "--unsafe-no-fsync",
            ],
        );
        this.run(
            "kube-apiserver",
            &[
                "--etcd-servers",
                &etcd,
                "--bind-address",
                "127.0.0.1",
                "--secure-port",
                &port.to_string(),
                "--cert-dir",
                &file("certs"),
                "--tls-cert-file",
                &file("server.crt"),
                "--tls-private-key-file",
                &file("server.key"),
                "--client-ca-file",
                &file("ca.crt"),
                "--service-account-issuer",
                "https://kubernetes.default",
                "--service-account-key-file",
                &file("sa.pub"),
                "--service-account-signing-key-file",
                &file("sa.key"),
                "--authorization-mode",
                "RBAC",
                "--token-auth-file",
                &file("tokens.csv"),
                "--service-cluster-ip-range",
                "10.0.0.0/24",
                "--audit-policy-file",
                &file("audit.yaml"),
                "--audit-log-path",
                &file("audit.log"),
                // As often as it can: a connection of HTTP/2 ends in the middle of the work, as behind a load balancer.
                "--goaway-chance",
                "0.02",
            ],
        );
        std::fs::write(this.kubeconfig(), this.kubeconfig_for(ADMIN_TOKEN)).unwrap();
        this.await_ready();
        this
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let log = self.folder.path().join(format!("{program}.log"));
        let server = Background::start(&self.programs.join(program), arguments, &log);
        self.servers.lock().unwrap().push((program.to_owned(), server));
    }

    /// The process of one of its servers: `etcd` or `kube-apiserver`.
    #[must_use]
    pub fn process(&self, program: &str) -> Process {
        let servers = self.servers.lock().unwrap();
        let (_, server) = servers.iter().find(|(name, _)| name == program).unwrap();
        server.process()
    }

    /// Starts one of its servers anew, with the same data and at the same address.
    pub fn restart(&self, program: &str) {
        let mut servers = self.servers.lock().unwrap();
        let (_, server) = servers.iter_mut().find(|(name, _)| name == program).unwrap();
        server.restart();
    }

    /// Waits until it answers everything.
    pub fn await_ready(&self) {
        let start = Instant::now();
        let is_there = |question: &[&str]| self.kubectl(question, "").status.success();
        // The namespace that everything starts in, and the roles that every user has, such as the one for discovery.
        while !(is_there(&["get", "namespace", "default", "-o", "name"])
            && is_there(&["get", "--raw", "/readyz"])
            && is_there(&["auth", "can-i", "get", "/apis", "--as=plain", "-q"]))
        {
            if start.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(self.folder.path().join("kube-apiserver.log")).unwrap_or_default();
                let tail: Vec<_> = log.lines().rev().take(20).collect();
                self.stop();
                panic!("the control plane is not ready after {PATIENCE:?}; its log ends with {tail:#?}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn stop(&self) {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        // The last first.
        while servers.pop().is_some() {}
    }

    /// The administrator's kubeconfig file.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// The text of a kubeconfig with this token.
    #[must_use]
    pub fn kubeconfig_for(&self, token: &str) -> String {
        format!(
            "apiVersion: v1
kind: Config
clusters:
- {{name: real, cluster: {}}}
contexts:
- {{name: real, context: {{cluster: real, user: user}}}}
current-context: real
users:
- {{name: user, user: {{token: {token}}}}}
",
            self.in_kubeconfig()
        )
    }

    /// How a kubeconfig describes the cluster.
    #[must_use]
    pub fn in_kubeconfig(&self) -> String {
        let authority = self.authority();
        format!(
            "{{server: 'https://127.0.0.1:{}', certificate-authority: '{}'}}",
            self.port,
            authority.display()
        )
    }

    /// Where the API server listens.
    #[must_use]
    pub fn address(&self) -> std::net::SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The certificate of the authority that signed the API server's.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    /// The folder with `ca.crt` and `ca.key`, which sign the clients' certificates too, and `server.crt`.
    #[must_use]
    pub fn certificates(&self) -> &Path {
        self.folder.path()
    }

    /// Requests as administrator.
    pub fn api(&self) -> &KubeApi {
        self.api.get_or_init(|| KubeApi::new(self.address(), &self.authority()))
    }

    /// An object, with all that is stored of it.
    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        if let Some(path) = kube_api::path(resource, namespace) {
            return self.api().get(&format!("{path}/{name}"));
        }
        let what = ["get", resource, name, "-n", namespace, "-o", "json"];
        let how = ["--ignore-not-found", "--show-managed-fields"];
        let text = self.kubectl_ok(&[&what[..], &how].concat(), "");
        (!text.is_empty()).then(|| serde_json::from_str(&text).unwrap())
    }

    /// `kubectl apply --server-side`
    pub fn apply(&self, resource: &str, namespace: &str, object: &Value) {
        if let Some(path) = kube_api::path(resource, namespace) {
            let name = object["metadata"]["name"].as_str().unwrap();
            let path = format!("{path}/{name}?fieldManager=kubectl&force=true");
            self.api().ask(&Method::PATCH, &path, &Body::Apply(object));
            return;
        }
        let how = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "-n",
            namespace,
            "-f",
            "-",
        ];
        self.kubectl_ok(&how, &object.to_string());
    }

    /// Writes the status of an object over, as its controller does.
    pub fn set_status(&self, resource: &str, namespace: &str, name: &str, status: &Value) {
        let change = json!({"status": status});
        if let Some(path) = kube_api::path(resource, namespace) {
            let path = format!("{path}/{name}/status");
            self.api().ask(&Method::PATCH, &path, &Body::MergePatch(&change));
            return;
        }
        let what = ["patch", resource, name, "-n", namespace];
        let how = ["--subresource=status", "--type=merge", "-p", &change.to_string()];
        self.kubectl_ok(&[&what[..], &how].concat(), "");
    }

    /// A new namespace.
    #[must_use]
    pub fn namespace(&self) -> String {
        let name = format!("test-{:04}", NAMESPACES.fetch_add(1, Ordering::SeqCst));
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.api()
            .ask(&Method::POST, "/api/v1/namespaces", &Body::New(&namespace));
        name
    }

    /// Runs kubectl as administrator with this standard input.
    #[must_use]
    pub fn kubectl(&self, arguments: &[&str], stdin: &str) -> Output {
        let mut child = Command::new(self.programs.join("kubectl"))
            .env_clear()
            .env("HOME", self.folder.path())
            .env("KUBECONFIG", self.kubeconfig())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended without reading.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// The same, and its standard output; fails with its standard error.
    pub fn kubectl_ok(&self, arguments: &[&str], stdin: &str) -> String {
        let output = self.kubectl(arguments, stdin);
        assert!(
            output.status.success(),
            "kubectl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// What the audit log has about Secrets in a namespace so far. The server writes it before it answers.
    #[must_use]
    pub fn audited(&self, namespace: &str) -> Vec<Audited> {
        let log = std::fs::File::open(self.folder.path().join("audit.log")).unwrap();
        let events = BufReader::new(log)
            .lines()
            .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        events
            .filter(|event| event["objectRef"]["namespace"] == namespace)
            .map(|event| Audited {
                verb: event["verb"].as_str().unwrap_or_default().to_owned(),
                user_agent: event["userAgent"].as_str().unwrap_or_default().to_owned(),
                status: event["responseStatus"]["code"].as_u64().unwrap_or_default(),
            })
            .collect()
    }
}

/// A CA and a certificate for 127.0.0.1.
fn certificates(folder: &Path) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_certificate = ca.self_signed(&ca_key).unwrap();
    std::fs::write(folder.join("ca.key"), ca_key.serialize_pem()).unwrap();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let server = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    std::fs::write(folder.join("ca.crt"), ca_certificate.pem()).unwrap();
    std::fs::write(folder.join("server.crt"), server.pem()).unwrap();
    std::fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
}
