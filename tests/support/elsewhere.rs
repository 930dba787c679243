//! The programs of another system, run on this one: Windows, by Wine. `tests/parts/systems.sh` builds them;
//! `tests/run.sh` says where they are.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::container::output;
use super::gitea::{Gitea, Profile, Visibility};
use super::plane::{Plane, SECRET, Who};
use super::world::Ran;

/// Debian's, which is not on PATH.
const WINE: &str = "/usr/lib/wine/wine64";
/// Keeps the addresses free that Windows' programs need. Without it, one of a thousand programs finds the heap there, and ends.
const WINE_PRELOADER: &str = "/usr/lib/wine/wine64-preloader";
const WINE_SERVER: &str = "/usr/lib/wine/wineserver64";

/// The folder of its programs.
fn built() -> Option<PathBuf> {
    std::env::var_os("REGCRED_TEST_WINDOWS").map(PathBuf::from)
}

/// What is missing to run them.
#[must_use]
pub fn missing_windows() -> Vec<&'static str> {
    let is_built = built().is_some_and(|folder| folder.join("kubectl-regcred.exe").is_file());
    let has_wine = [WINE, WINE_PRELOADER].iter().all(|file| Path::new(file).is_file());
    let parts = [
        (is_built, "its programs (tests/parts/systems.sh)"),
        (has_wine, "wine64 and wine64-preloader"),
    ];
    let lacks = parts.into_iter().filter(|(is_here, _)| !is_here);
    lacks.map(|(_, name)| name).collect()
}

/// Somebody at such a system, with a registry and a cluster on loopback.
pub struct Elsewhere {
    folder: TempDir,
    pub gitea: Gitea,
    pub cluster: Plane,
    /// A namespace of this one's own.
    pub namespace: String,
    /// Runs as long as this.
    session: Option<Child>,
}

impl Elsewhere {
    /// With the double of a cluster.
    pub fn start() -> Self {
        Self::with(Plane::double())
    }

    /// With the real one that all scenarios share.
    pub fn with_real_cluster() -> Self {
        Self::with(Plane::real())
    }

    fn with(cluster: Plane) -> Self {
        let folder = tempfile::Builder::new().prefix("elsewhere-").tempdir().unwrap();
        let mut this = Self {
            folder,
            gitea: Gitea::start(Profile::V1_27),
            namespace: cluster.namespace(),
            cluster,
            session: None,
        };
        let built = built().unwrap();
        fs::create_dir(this.programs()).unwrap();
        this.make_wine_prefix(&built.join("prefix"));
        for name in ["kubectl-regcred", "docker-credential-gitea"] {
            this.install(&built, name);
        }
        this.gitea.add_user("admin");
        this.gitea.set_visibility("admin", Visibility::Private);
        this.write_kubeconfig();
        // Without a program that stays, Wine's server would end with each one: what starts at such a moment fails.
        this.session = Some(this.holds(None));
        this
    }

    /// The cluster's certificate authority is a file of this system.
    fn write_kubeconfig(&self) {
        let mut text = self.cluster.kubeconfig(Who::Admin);
        if let Plane::Real(plane) = self.cluster {
            let authority = plane.authority();
            text = text.replace(&authority.display().to_string(), &self.native(&authority));
        }
        fs::write(self.at("kubeconfig"), text).unwrap();
    }

    /// Puts a program on that system's PATH, and what Wine lacks beside it.
    fn install(&self, built: &Path, name: &str) {
        for name in [&format!("{name}.exe"), "bcryptprimitives.dll"] {
            fs::copy(built.join(name), self.programs().join(name)).unwrap();
        }
    }

    /// A registry, a home and a server of its own; Windows' own files are those that were made once.
    fn make_wine_prefix(&self, made: &Path) {
        let prefix = self.at("wine");
        fs::create_dir_all(prefix.join("drive_c")).unwrap();
        for name in ["system.reg", "user.reg", "userdef.reg", ".update-timestamp"] {
            fs::copy(made.join(name), prefix.join(name)).unwrap();
        }
        for name in ["windows", "Program Files", "Program Files (x86)", "ProgramData"] {
            symlink(made.join("drive_c").join(name), prefix.join("drive_c").join(name)).unwrap();
        }
        fs::create_dir(prefix.join("dosdevices")).unwrap();
        symlink("../drive_c", prefix.join("dosdevices/c:")).unwrap();
        symlink("/", prefix.join("dosdevices/z:")).unwrap();
        fs::create_dir_all(self.home().join("Temp")).unwrap();
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of its programs, which is on its PATH.
    pub fn programs(&self) -> PathBuf {
        self.at("bin")
    }

    /// The home folder, as this system sees it.
    pub fn home(&self) -> PathBuf {
        // Wine names it after the user of this system.
        let made = built().unwrap().join("prefix/drive_c/users");
        let mut users = fs::read_dir(made).unwrap().map(|user| user.unwrap().file_name());
        let user = users.find(|name| name != "Public").unwrap();
        self.at("wine/drive_c/users").join(user)
    }

    /// How that system names a path.
    pub fn native(&self, path: &Path) -> String {
        let path = path.display().to_string();
        let drive = self.at("wine/drive_c").display().to_string();
        let path = match path.strip_prefix(&drive) {
            Some(below) => format!("C:{below}"),
            None => format!("Z:{path}"),
        };
        path.replace('/', "\\")
    }

    /// A program of that system by its name, with the environment of whoever works there.
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(WINE);
        command.arg(self.programs().join(format!("{name}.exe")));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(self.programs()).chain(std::env::split_paths(&path));
        command
            .env_clear()
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("KUBECONFIG", self.native(&self.at("kubeconfig")))
            .env("REGCRED_NAME", "jane@desk")
            .current_dir(self.home());
        self.wine_environment(&mut command);
        command
    }

    fn wine_environment(&self, command: &mut Command) {
        command
            .env("HOME", self.folder.path())
            .env("LANG", "C.UTF-8")
            .env("WINEPREFIX", self.at("wine"))
            .env("WINEPATH", self.native(&self.programs()))
            .env("WINEDEBUG", "-all");
    }

    /// `kubectl regcred` with this command line and standard input; `[REGISTRY]`, `[NAMESPACE]` and `[HOME]` are
    /// this one's.
    pub fn regcred_with(&self, line: &str, stdin: &str) -> Ran {
        let words = line.split_whitespace().map(|word| {
            let word = word.replace("[REGISTRY]", &self.gitea.registry());
            let word = word.replace("[NAMESPACE]", &self.namespace);
            word.replace("[HOME]", &self.native(&self.home()))
        });
        self.run(self.command("kubectl-regcred").args(words), stdin)
    }

    pub fn regcred(&self, line: &str) -> Ran {
        self.regcred_with(line, "")
    }

    /// `docker-credential-gitea`, as docker calls it.
    pub fn helper(&self, action: &str, stdin: &str) -> Ran {
        let stdin = stdin.replace("[REGISTRY]", &self.gitea.registry());
        self.run(self.command("docker-credential-gitea").arg(action), &stdin)
    }

    /// A vault that opens with a key file, chosen as the keychain.
    pub fn with_vault(self) -> Self {
        let key = self.native(&self.home().join("vault.key"));
        let mut command = self.command("kubectl-regcred");
        command.args(["keychain", "use", "vault", "--key-file", &key]);
        self.run(&mut command, "").done();
        self
    }

    /// Runs it to its end. What differs from one run to the next has a name in what it says.
    pub fn run(&self, command: &mut Command, stdin: &str) -> Ran {
        let output = output(command, stdin.as_bytes());
        let text = |bytes: &[u8]| self.normal(&String::from_utf8_lossy(bytes));
        Ran {
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            code: output.status.code().unwrap_or(-1),
        }
    }

    fn normal(&self, text: &str) -> String {
        text.replace(&self.gitea.registry(), "[REGISTRY]")
            .replace(&self.native(&self.home()), "[HOME]")
            .replace(&self.native(self.folder.path()), "[FOLDER]")
            .replace(&format!("namespace {}", self.namespace), "namespace [NAMESPACE]")
            .replace(&format!("context {}", self.cluster.context()), "context [CONTEXT]")
    }

    /// A program of that system that has a file open until its standard input ends.
    pub fn holds_open(&self, file: &Path) -> Child {
        self.holds(Some(file))
    }

    /// Its standard error is nobody's: Wine's services, which the first program starts, have it until they end.
    fn holds(&self, file: Option<&Path>) -> Child {
        let mut command = Command::new(WINE);
        command.arg(built().unwrap().join("hold.exe")).env_clear();
        command.args(file.map(|file| self.native(file)));
        self.wine_environment(&mut command);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut said = [0; 4];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut said).unwrap();
        assert_eq!(&said, b"open");
        child
    }

    /// The cluster's Secret, where there is one.
    pub fn document(&self) -> String {
        use base64::Engine as _;
        let secret = self.cluster.secret(&self.namespace, SECRET).unwrap();
        let text = secret["data"][".dockerconfigjson"].as_str().unwrap();
        String::from_utf8(base64::engine::general_purpose::STANDARD.decode(text).unwrap()).unwrap()
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // Ends the server of this prefix, and what still runs in it; then waits until it is gone.
        for option in ["-k", "-w"] {
            let mut server = Command::new(WINE_SERVER);
            server.arg(option).env("WINEPREFIX", self.at("wine"));
            let _ = server.stdin(Stdio::null()).stderr(Stdio::null()).status();
        }
        if let Some(mut session) = self.session.take() {
            let _ = session.wait();
        }
    }
}
