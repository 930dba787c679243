//! A real node of the real control plane: kubelet, with Debian's containerd and runc, which pulls and runs.
//!
//! All of it lives in namespaces of processes and mounts of its own, so that it ends as a whole, with every container and
//! every mount, however this process ends. It has the network of this machine, and no scheduler: a pod names its node.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::control_plane::{self, ADMIN_TOKEN, ControlPlane};
use super::engine::is_root;
use super::image;
use super::part::{free_ports, missing as missing_programs, program, until};

/// The image of the sandboxes, which is on the node before anything is pulled.
const SANDBOX: &str = "sandbox.example.com/pause:1";

/// Keeps the node: when the standard input ends, which it does however the test ends, the first process of the inner
/// namespace ends, and the kernel ends all the others. Cgroups are of no namespace, and are called after the containers.
const OUTER: &str = r#"trap : INT TERM HUP
at=$1
unshare --mount --pid --mount-proc --fork --kill-child sh -c "$0" inner "$@"
for container in "$at"/containerd/root/io.containerd.grpc.v1.cri/*/*; do
    id=${container##*/}
    for cgroup in /sys/fs/cgroup/*/"$id" /sys/fs/cgroup/"$id"; do
        tries=0
        while [ -d "$cgroup" ] && ! rmdir "$cgroup" 2>/dev/null && [ $tries -lt 100 ]; do
            tries=$((tries + 1))
            sleep 0.05
        done
    done
done
rm -rf "$at"
"#;

/// The node. What containerd and kubelet keep outside of their folders goes with the mounts. The empty folder below `/run`
/// stays, as after any containerd: another node may have its mount there.
const INNER: &str = r#"at=$1 name=$2 kubelet=$3
exec 3<&0 </dev/null
mkdir -p /run/containerd
for folder in /run/containerd /var/lib /var/log; do mount -t tmpfs node "$folder" || exit; done
containerd --config "$at/containerd.toml" >"$at/containerd.log" 2>&1 3<&- &
(
    exec 3<&-
    until ctr --address "$at/socket" version >/dev/null 2>&1; do sleep 0.05; done
    ctr --address "$at/socket" --namespace k8s.io images import --snapshotter native "$at/sandbox.tar" || exit
    exec "$kubelet" --config "$at/kubelet.json" --kubeconfig "$at/kubeconfig" --root-dir "$at/kubelet" \
        --cert-dir "$at/kubelet/pki" --hostname-override "$name"
) >"$at/kubelet.log" 2>&1 &
cat <&3 >/dev/null
"#;

static SHARED: OnceLock<Mutex<Option<Node>>> = OnceLock::new();

/// A running node. It goes when this is dropped.
pub struct Node {
    keeper: Child,
    plane: &'static ControlPlane,
    name: &'static str,
    folder: TempDir,
}

/// Stops the shared node when it is dropped: for `main` to hold.
pub struct StopAtEnd;

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        if let Some(shared) = SHARED.get() {
            drop(shared.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

fn kubelet() -> Option<PathBuf> {
    let kubelet = control_plane::programs()?.join("kubelet");
    kubelet.is_file().then_some(kubelet)
}

/// Which Kubernetes it is of: 37 for 1.37.2.
///
/// # Panics
/// Where there is no kubelet.
#[must_use]
pub fn minor() -> u32 {
    let said = Command::new(kubelet().unwrap()).arg("--version").output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    said.split('.').nth(1).unwrap().parse().unwrap()
}

/// What is missing for one.
#[must_use]
pub fn missing() -> Vec<&'static str> {
    let mut lacks = missing_programs(&["containerd", "ctr", "runc", "unshare", "tar", "skopeo"]);
    lacks.extend(control_plane::missing_controllers());
    if kubelet().is_none() {
        lacks.push("kubelet (tests/parts/control-plane.sh)");
    }
    if !is_root() {
        lacks.push("root, which a node runs as");
    } else if !may_unshare() {
        lacks.push("namespaces, which this container may not make");
    }
    if std::env::consts::ARCH != "x86_64" {
        lacks.push("a machine that the images of these tests are for");
    }
    lacks
}

fn may_unshare() -> bool {
    let tried = Command::new("unshare")
        .args([
            "--mount",
            "--pid",
            "--mount-proc",
            "--fork",
            "mount",
            "-t",
            "tmpfs",
            "node",
            "/run",
        ])
        .output();
    tried.is_ok_and(|tried| tried.status.success())
}

impl Node {
    /// The one of this process, started by the first who asks.
    pub fn shared() -> &'static str {
        const NAME: &str = "node-that-pulls";
        let shared = SHARED.get_or_init(Mutex::default);
        shared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(|| Self::start(NAME, None));
        NAME
    }

    /// Starts one of this name, and waits until it is ready. It may have a login of its own: registry, user and token.
    ///
    /// # Panics
    /// Where it does not get there; its logs are in the message.
    pub fn start(name: &'static str, login: Option<[&str; 3]>) -> Self {
        let plane = ControlPlane::with_controllers();
        // A socket's path is short.
        let folder = tempfile::Builder::new().prefix("node-").tempdir().unwrap();
        furnish(folder.path(), &plane.kubeconfig_for(ADMIN_TOKEN), login);
        let keeper = Command::new("sh")
            .args(["-c", OUTER, INNER])
            .arg(folder.path())
            .arg(name)
            .arg(kubelet().unwrap())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut this = Self {
            keeper,
            plane,
            name,
            folder,
        };
        until("the node is ready", || {
            let ended = this.keeper.try_wait().unwrap();
            assert!(ended.is_none(), "the node ended: {}", this.logs());
            this.is_ready()
        });
        this
    }

    fn is_ready(&self) -> bool {
        let path = r#"jsonpath={.status.conditions[?(@.type=="Ready")].status}"#;
        let asked = ["get", "node", self.name, "--ignore-not-found", "-o", path];
        self.plane.kubectl_ok(&asked, "") == "True"
    }

    /// Where everything of it is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn logs(&self) -> String {
        let tail = |name: &str| {
            let log = std::fs::read_to_string(self.folder().join(name)).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            lines[lines.len().saturating_sub(15)..].join("\n")
        };
        format!(
            "kubelet: {}\ncontainerd: {}",
            tail("kubelet.log"),
            tail("containerd.log")
        )
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self
            .plane
            .kubectl(&["delete", "node", self.name, "--ignore-not-found"], "");
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// From now on the shared node asks this server for images of `registry`.
pub fn mirror(registry: &str, scheme: &str, server: SocketAddr) {
    let shared = SHARED.get().unwrap().lock().unwrap_or_else(PoisonError::into_inner);
    let folder = shared.as_ref().unwrap().folder().join("certs.d").join(registry);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("hosts.toml"),
        format!("[host.\"{scheme}://{server}\"]\n  capabilities = [\"pull\", \"resolve\"]\n"),
    )
    .unwrap();
}

/// Writes everything that the node starts with.
fn furnish(folder: &Path, kubeconfig: &str, login: Option<[&str; 3]>) {
    let at = |name: &str| folder.join(name).display().to_string();
    for name in ["cni", "certs.d", "containerd"] {
        std::fs::create_dir(at(name)).unwrap();
    }
    std::fs::write(at("kubeconfig"), kubeconfig).unwrap();
    std::fs::set_permissions(at("kubeconfig"), Permissions::from_mode(0o600)).unwrap();
    // Every pod has the machine's network; a node without a network of its own is not ready.
    let network = json!({"cniVersion": "0.4.0", "name": "none", "plugins": [{"type": "loopback"}]});
    std::fs::write(at("cni/none.conflist"), network.to_string()).unwrap();
    // Cgroups, profiles and priorities are what a container may not change.
    let containerd = format!(
        r#"version = 2
root = "{containerd}/root"
state = "{containerd}/state"
[grpc]
address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
path = "{containerd}/opt"
[plugins."io.containerd.grpc.v1.cri"]
disable_cgroup = true
disable_apparmor = true
restrict_oom_score_adj = true
sandbox_image = "{SANDBOX}"
stream_server_port = "0"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{cni}"
conf_dir = "{cni}"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "{certs}"
"#,
        containerd = at("containerd"),
        socket = at("socket"),
        cni = at("cni"),
        certs = at("certs.d"),
    );
    let login = login.map_or_else(String::new, |[registry, user, token]| {
        format!(
            r#"[plugins."io.containerd.grpc.v1.cri".registry.configs."{registry}".auth]
username = "{user}"
password = "{token}"
"#
        )
    });
    std::fs::write(at("containerd.toml"), containerd + &login).unwrap();
    std::fs::write(
        at("kubelet.json"),
        configuration(&at("socket"), &at("plugins")).to_string(),
    )
    .unwrap();
    let layout = folder.join("sandbox");
    image::runnable(&layout, SANDBOX, &["amd64"]);
    let made = Command::new(program("tar").unwrap())
        .args(["--create", "--file", &at("sandbox.tar"), "--directory"])
        .arg(&layout)
        .arg(".")
        .status();
    assert!(made.unwrap().success());
}

fn configuration(socket: &str, plugins: &str) -> Value {
    let [port] = free_ports();
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": format!("unix://{socket}"),
        "address": "127.0.0.1", "port": port, "healthzPort": 0,
        "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}},
        "authorization": {"mode": "AlwaysAllow"},
        // In a container, on a machine that may have swap and a full disk.
        "cgroupDriver": "cgroupfs", "cgroupsPerQOS": false, "enforceNodeAllocatable": [], "failCgroupV1": false,
        "failSwapOn": false, "makeIPTablesUtilChains": false, "volumePluginDir": plugins,
        "evictionHard": {"memory.available": "1Mi", "nodefs.available": "0%", "nodefs.inodesFree": "0%",
            "imagefs.available": "0%", "imagefs.inodesFree": "0%"},
        "imageGCHighThresholdPercent": 100,
        // Every pull is tried when it is due, whatever else is.
        "serializeImagePulls": false, "registryPullQPS": 0,
        // What other scenarios let controllers make stays away.
        "registerWithTaints": [{"key": "regcred", "value": "tests", "effect": "NoSchedule"}],
    })
}
