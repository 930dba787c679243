//! Somebody at a workstation with a registry and a cluster: the same scenarios run in this process on doubles, and
//! through the programs on real parts.

mod desk;
mod people;
mod programs;
mod secrets;
mod workstation;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyring_core::CredentialStore;
use regcred::keychain::Keychain;
use regcred::sys::env::Env;

use super::api_server::ApiServer;
use super::control_plane::{ADMIN_TOKEN, ControlPlane};
use super::docker_registry::DockerRegistry;
use super::gate::Gate;
use super::gated_store::GatedStore;
use super::gitea::{Gitea, Profile, Settings, Visibility};
use super::http::Server;
use super::keyring::Keyring;
use super::plane::Plane;
use super::server::Server as NoDesktop;
use super::vault::PASSPHRASE;
use super::{HELPER, gated_parts};
pub use programs::Ran;
pub use workstation::{auth, credential, script, trace};

enum Keys {
    Memory(Arc<CredentialStore>),
    Real(Keyring),
    /// The vault, once somebody has chosen it.
    Chosen(NoDesktop),
}

/// The workstation and what it talks to.
pub struct World {
    keys: Keys,
    /// Its cluster.
    pub plane: Plane,
    /// Every change crosses it; on real parts, where they are behind [`World::of_gated_parts`].
    pub gate: Gate,
    /// The registry. Where it is a double, a docker-registry keeps its images on real parts.
    pub gitea: Gitea,
    _images: Option<DockerRegistry>,
    proxy: Option<Server>,
    folder: PathBuf,
    _own_folder: Option<tempfile::TempDir>,
    /// A namespace of this world's own.
    pub namespace: String,
    /// More environment variables for the programs.
    pub variables: BTreeMap<String, OsString>,
    /// Whether stdout is a screen; only in this process.
    pub at_screen: bool,
    /// How wide it is.
    pub columns: Option<usize>,
}

impl World {
    /// In this process: keychain, registry and cluster are doubles.
    pub fn of_doubles() -> Self {
        Self::of_doubles_as(Profile::V1_27, Settings::default())
    }

    /// The same, with this generation of Gitea, set up like this.
    pub fn of_doubles_as(profile: Profile, settings: Settings) -> Self {
        Self::of_doubles_at(Gitea::start_as(profile, settings))
    }

    /// The same at this Gitea, which may be a real one.
    pub fn of_doubles_at(gitea: Gitea) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let gate = Gate::default();
        let plane = ApiServer::start();
        plane.set_gate(&gate);
        plane.create_namespace("team-a");
        std::fs::write(folder.path().join("kubeconfig"), plane.kubeconfig()).unwrap();
        Self {
            keys: Keys::Memory(GatedStore::behind(&gate)),
            gate,
            plane: Plane::Double(plane),
            gitea,
            _images: None,
            proxy: None,
            folder: folder.path().to_owned(),
            _own_folder: Some(folder),
            namespace: "team-a".to_owned(),
            variables: BTreeMap::new(),
            at_screen: false,
            columns: None,
        }
        .with_admin()
    }

    /// Through the programs: gnome-keyring, etcd and kube-apiserver, docker-registry behind the Gitea double.
    pub fn of_real_parts() -> Self {
        let keyring = Keyring::start();
        let folder = keyring.bus().folder().to_owned();
        Self::with_real_parts(Keys::Real(keyring), folder)
    }

    /// The same, with a real Gitea too, set up like this.
    pub fn of_real_gitea(settings: Settings) -> Self {
        let keyring = Keyring::start();
        let folder = keyring.bus().folder().to_owned();
        let gitea = Gitea::start_real(settings);
        Self::with_gitea(Keys::Real(keyring), folder, gitea, None, ControlPlane::shared())
    }

    /// The same at the cluster without nodes and controllers, which would change what was put there.
    pub fn of_real_gitea_and_quiet_cluster() -> Self {
        let keyring = Keyring::start();
        let folder = keyring.bus().folder().to_owned();
        let gitea = Gitea::start_real(Settings::default());
        Self::with_gitea(Keys::Real(keyring), folder, gitea, None, ControlPlane::second())
    }

    /// The same at a cluster of the scenario's own, and with the double of Gitea, which keeps images too.
    pub fn of_own_cluster(plane: &'static ControlPlane) -> Self {
        let keyring = Keyring::start();
        let folder = keyring.bus().folder().to_owned();
        let gitea = Gitea::start(Profile::V1_27);
        Self::with_gitea(Keys::Real(keyring), folder, gitea, None, plane)
    }

    /// The same without a session bus, and so without a keychain until the vault is chosen.
    pub fn of_a_server() -> Self {
        let server = NoDesktop::start();
        let folder = server.folder().to_owned();
        Self::with_real_parts(Keys::Chosen(server), folder)
    }

    /// The same where it was chosen, and is unlocked.
    pub fn with_vault() -> Self {
        let this = Self::of_a_server();
        let line = "keychain use vault --passphrase-stdin";
        this.regcred_with(line, PASSPHRASE).done();
        this
    }

    fn with_real_parts(keys: Keys, folder: PathBuf) -> Self {
        let gitea = Gitea::start(Profile::V1_27);
        let images = DockerRegistry::behind(&gitea);
        Self::with_gitea(keys, folder, gitea, Some(images), ControlPlane::shared())
    }

    fn with_gitea(
        keys: Keys,
        folder: PathBuf,
        gitea: Gitea,
        images: Option<DockerRegistry>,
        plane: &'static ControlPlane,
    ) -> Self {
        std::fs::write(folder.join("kubeconfig"), plane.kubeconfig_for(ADMIN_TOKEN)).unwrap();
        Self {
            keys,
            gate: Gate::default(),
            plane: Plane::Real(plane),
            _images: images,
            proxy: None,
            gitea,
            folder,
            _own_folder: None,
            namespace: plane.namespace(),
            variables: BTreeMap::new(),
            at_screen: false,
            columns: None,
        }
        .with_admin()
    }

    /// The same as [`World::of_real_parts`], with a gate before the bus and the API server.
    pub fn of_gated_parts() -> Self {
        Self::of_real_parts().gated()
    }

    /// The same, with a gate before the bus, the API server and Gitea. Real parts only.
    pub fn gated(self) -> Self {
        let mut this = self;
        let (Keys::Real(keyring), Plane::Real(plane)) = (&this.keys, &this.plane) else {
            panic!("these are real")
        };
        let bus = keyring.bus().folder().join("run/bus");
        let bus = gated_parts::before_bus(&bus, &this.gate);
        let server = gated_parts::before_api_server(plane.address(), &plane.authority(), &this.gate);
        let kubeconfig = format!(
            "apiVersion: v1
kind: Config
clusters:
- {{name: real, cluster: {{server: 'http://{}'}}}}
contexts:
- {{name: real, context: {{cluster: real, user: user}}}}
current-context: real
users:
- {{name: user, user: {{token: {ADMIN_TOKEN}}}}}
",
            server.registry()
        );
        std::fs::write(this.folder.join("kubeconfig"), kubeconfig).unwrap();
        let bus = format!("unix:path={}", bus.display());
        this.variables.insert("DBUS_SESSION_BUS_ADDRESS".to_owned(), bus.into());
        this.proxy = Some(server);
        this
    }

    fn with_admin(self) -> Self {
        self.gitea.add_user("admin");
        self.gitea.set_visibility("admin", Visibility::Private);
        self.gitea.set_gate(&self.gate);
        self
    }

    /// From now on another keychain is in use, which is empty. Doubles only.
    pub fn change_keychain(&mut self) {
        let Keys::Memory(store) = &mut self.keys else {
            panic!("this one is real")
        };
        *store = GatedStore::behind(&self.gate);
    }

    /// Makes the keychain's fingerprints of the registry's earlier tokens unreadable. Doubles only.
    pub fn damage_fingerprints(&self) {
        let Keys::Memory(store) = &self.keys else {
            panic!("this one is real")
        };
        let account = format!("earlier {}", self.registry());
        let entry = store.build("kubectl-regcred", &account, None).unwrap();
        entry.set_password("no JSON").unwrap();
    }

    /// `127.0.0.1:port` of the Gitea.
    pub fn registry(&self) -> String {
        self.gitea.registry()
    }

    /// The folder that holds everything of this workstation: home, runtime and temporary folders.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The home folder.
    pub fn home(&self) -> PathBuf {
        match self.keys {
            Keys::Memory(_) => self.folder.clone(),
            Keys::Real(_) | Keys::Chosen(_) => self.folder.join("home"),
        }
    }

    /// The environment of everything that runs here.
    pub fn env(&self) -> Env {
        let mut pairs: BTreeMap<OsString, OsString> = match &self.keys {
            Keys::Memory(_) => [("HOME", self.home().into_os_string())]
                .map(|(k, v)| (k.into(), v))
                .into(),
            Keys::Real(keyring) => pairs(&keyring.env()),
            Keys::Chosen(server) => pairs(&server.env()),
        };
        let programs = Path::new(HELPER).parent().unwrap().to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(programs).chain(std::env::split_paths(&path));
        pairs.insert("PATH".into(), std::env::join_paths(path).unwrap());
        pairs.insert("KUBECONFIG".into(), self.folder.join("kubeconfig").into());
        pairs.insert("REGCRED_NAME".into(), "jane@desk".into());
        pairs.extend(self.variables.iter().map(|(k, v)| (k.into(), v.clone())));
        pairs.into_iter().collect()
    }

    /// The machine, where it has no desktop.
    pub fn server(&self) -> &NoDesktop {
        let Keys::Chosen(server) = &self.keys else {
            panic!("this one has a desktop")
        };
        server
    }

    /// Its Secret Service; fails where it has none.
    pub fn keyring(&mut self) -> &mut Keyring {
        let Keys::Real(keyring) = &mut self.keys else {
            panic!("this one has no Secret Service")
        };
        keyring
    }

    /// Whether its parts are real.
    pub fn is_real(&self) -> bool {
        self.plane.is_real()
    }

    /// The double of the API server; fails where it is a real one.
    pub fn api_server(&self) -> &ApiServer {
        self.plane.api_server()
    }

    /// Another namespace of this world's own.
    pub fn another_namespace(&self, name: &str) -> String {
        match &self.plane {
            Plane::Double(server) => {
                server.create_namespace(name);
                name.to_owned()
            }
            Plane::Real(plane) => plane.namespace(),
        }
    }

    /// The keychain, for looking into it.
    pub fn keychain(&self) -> Keychain {
        match &self.keys {
            Keys::Memory(store) => Keychain::with_store(store.clone()),
            Keys::Real(keyring) => Keychain::open(&keyring.env()).unwrap(),
            Keys::Chosen(server) => Keychain::open(&server.env()).unwrap(),
        }
    }
}

fn pairs(env: &Env) -> BTreeMap<OsString, OsString> {
    env.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}
