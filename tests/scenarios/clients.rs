//! Real clients and a real registry with Gitea's sign-in: what they can do is what `verify` says.

pub mod workstation;

use std::path::Path;
use std::process::{Command, Output};

use libtest_mimic::Trial;
use regcred::model::{Credential, DockerConfig};
use regcred::registry::{Flow, Options, VerifyError, verify};
use regcred::sys::env::Env;

use crate::support::docker_registry::DockerRegistry;
use crate::support::gitea::{self, Gitea, Profile, Settings, Visibility};
use crate::support::image::oci_layout;
use crate::support::part::program;
use crate::support::parts::{DOCKER_REGISTRY, GITEA};
use crate::support::scenario::Table;
use crate::support::world::credential;

scenarios!(skopeo_pushes_and_pulls);
fn skopeo_pushes_and_pulls(table: &Table) -> Vec<Trial> {
    let doubles = Profile::ALL.into_iter().map(|profile| {
        let name = format!("skopeo_pushes_and_pulls_at_gitea_{}", profile.version());
        table.alone(&name, &[&DOCKER_REGISTRY, &"skopeo"], move || {
            let (gitea, _registry) = double(profile);
            scopes_count(&gitea, profile);
        })
    });
    let name = "skopeo_pushes_and_pulls";
    let real = table.alone(name, &[&DOCKER_REGISTRY, &"skopeo", &GITEA], || {
        scopes_count(&real(), gitea::profile());
    });
    doubles.chain([real]).collect()
}

scenarios!(docker_logs_in_with_a_token_and_not_with_a_dead_one);
fn docker_logs_in_with_a_token_and_not_with_a_dead_one(table: &Table) -> Vec<Trial> {
    let name = "docker_logs_in_with_a_token_and_not_with_a_dead_one";
    let doubles = table.alone(name, &[&DOCKER_REGISTRY, &"docker", &"skopeo"], || {
        for profile in [Profile::V1_22, Profile::V1_27, Profile::Forgejo11] {
            let (gitea, _registry) = double(profile);
            docker_login(&gitea, profile);
        }
    });
    let real = table.alone(name, &[&DOCKER_REGISTRY, &"docker", &"skopeo", &GITEA], || {
        docker_login(&real(), gitea::profile());
    });
    vec![doubles, real]
}

scenarios!(podman_pulls_with_what_a_pull_secret_holds);
fn podman_pulls_with_what_a_pull_secret_holds(table: &Table) -> Vec<Trial> {
    let name = "podman_pulls_with_what_a_pull_secret_holds";
    let double = table.alone(name, &[&DOCKER_REGISTRY, &"podman", &"skopeo"], || {
        let (gitea, _registry) = double(Profile::V1_27);
        podman_pull(&gitea);
    });
    let real = table.alone(name, &[&DOCKER_REGISTRY, &"podman", &"skopeo", &GITEA], || {
        podman_pull(&real());
    });
    vec![double, real]
}

/// A folder of one client, with nothing of this machine's user in its environment.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("run")).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name).unwrap());
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.path())
            .env("XDG_RUNTIME_DIR", self.path().join("run"))
            .env("DOCKER_CONFIG", self.path().join("docker"))
            .env("TMPDIR", self.path());
        command
    }

    /// The file that a pull Secret would become.
    fn authfile(&self, credential: &Credential) -> std::path::PathBuf {
        let file = self.path().join("pull-secret.json");
        let mut document = DockerConfig::default();
        document.set(credential).unwrap();
        std::fs::write(&file, document.as_str()).unwrap();
        file
    }

    fn skopeo(&self, credential: &Credential, arguments: &[&str]) -> Output {
        let (verb, rest) = arguments.split_first().unwrap();
        let insecure: &[&str] = match *verb {
            "copy" => &["--src-tls-verify=false", "--dest-tls-verify=false"],
            _ => &["--tls-verify=false"],
        };
        self.command("skopeo")
            .args(["--insecure-policy", verb])
            .args(insecure)
            .arg("--authfile")
            .arg(self.authfile(credential))
            .args(rest)
            .output()
            .unwrap()
    }
}

/// A Gitea whose images are in a real registry, with one private user.
fn double(profile: Profile) -> (Gitea, DockerRegistry) {
    let gitea = with_admin(Gitea::start(profile));
    let registry = DockerRegistry::behind(&gitea);
    (gitea, registry)
}

/// The same for real.
fn real() -> Gitea {
    with_admin(Gitea::start_real(Settings::default()))
}

fn with_admin(gitea: Gitea) -> Gitea {
    gitea.add_user("admin");
    gitea.set_visibility("admin", Visibility::Private);
    gitea
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn scopes_count(gitea: &Gitea, profile: Profile) {
    let desk = Desk::new();
    let local = oci_layout(&desk.path().join("image"));
    let remote = format!("docker://{}/admin/app/web:1", gitea.registry());
    let writer = credential(&gitea.registry(), "admin", &gitea.add_token("admin", "write:package"));
    let reader = credential(&gitea.registry(), "admin", &gitea.add_token("admin", "read:package"));

    let pushed = desk.skopeo(&writer, &["copy", &local, &remote]);
    assert!(pushed.status.success(), "{profile:?}: {}", text(&pushed));
    let inspected = desk.skopeo(&reader, &["inspect", &remote]);
    assert!(inspected.status.success(), "{profile:?}: {}", text(&inspected));
    assert!(text(&inspected).contains("sha256:"));
    let copy = format!("oci:{}:latest", desk.path().join("copy").display());
    let pulled = desk.skopeo(&reader, &["copy", &remote, &copy]);
    assert!(pulled.status.success(), "{profile:?}: {}", text(&pulled));
    assert!(desk.path().join("copy/index.json").is_file());

    let second = format!("docker://{}/admin/app/web:2", gitea.registry());
    let refused = desk.skopeo(&reader, &["copy", &local, &second]);
    // Before 1.22.2 the registry's own token did not carry the scopes.
    let enforced = !matches!(
        profile,
        Profile::V1_17 | Profile::V1_19 | Profile::V1_20 | Profile::V1_21 | Profile::Forgejo7
    );
    assert_eq!(refused.status.success(), !enforced, "{profile:?}: {}", text(&refused));
    if enforced {
        let verified = verify(&reader, &Options::default(), &Env::default()).unwrap();
        assert!(!verified.scopes.unwrap().may_push(), "{profile:?}");
    }

    gitea.revoke(reader.token.expose());
    let dead = desk.skopeo(&reader, &["inspect", &remote]);
    assert!(!dead.status.success(), "{profile:?}: {}", text(&dead));
    assert!(
        verify(&reader, &Options::default(), &Env::default()).is_err(),
        "{profile:?}"
    );
}

fn docker_login(gitea: &Gitea, profile: Profile) {
    let desk = Desk::new();
    let token = gitea.add_token("admin", "write:package");
    // With an entry in its file, docker looks for no keychain of this machine's.
    let config = desk.path().join("docker");
    std::fs::create_dir(&config).unwrap();
    std::fs::write(config.join("config.json"), r#"{"auths":{"other.invalid":{}}}"#).unwrap();
    let login = || {
        let secret = desk.path().join("secret");
        std::fs::write(&secret, &token).unwrap();
        desk.command("docker")
            .args(["login", "-u", "admin", "--password-stdin", &gitea.registry()])
            .stdin(std::fs::File::open(secret).unwrap())
            .output()
            .unwrap()
    };
    let done = login();
    assert!(done.status.success(), "{profile:?}: {}", text(&done));
    let image = format!("{}/admin/web:1", gitea.registry());
    let local = oci_layout(&desk.path().join("image"));
    let writer = credential(&gitea.registry(), "admin", &token);
    let pushed = desk.skopeo(&writer, &["copy", &local, &format!("docker://{image}")]);
    assert!(pushed.status.success(), "{profile:?}: {}", text(&pushed));
    let seen = desk
        .command("docker")
        .args(["manifest", "inspect", "--insecure", &image])
        .output()
        .unwrap();
    assert!(seen.status.success(), "{profile:?}: {}", text(&seen));
    gitea.revoke(&token);
    let refused = login();
    assert!(!refused.status.success(), "{profile:?}: {}", text(&refused));
    let error = verify(&writer, &Options::default(), &Env::default()).unwrap_err();
    assert!(matches!(error, VerifyError::Rejected { .. }), "{profile:?}: {error:?}");
}

fn podman_pull(gitea: &Gitea) {
    let desk = Desk::new();
    let token = gitea.add_token("admin", "write:package");
    let local = oci_layout(&desk.path().join("image"));
    let image = format!("{}/admin/web:1", gitea.registry());
    let writer = credential(&gitea.registry(), "admin", &token);
    let pushed = desk.skopeo(&writer, &["copy", &local, &format!("docker://{image}")]);
    assert!(pushed.status.success(), "{}", text(&pushed));
    let podman = |arguments: &[&str]| {
        desk.command("podman")
            .args(["--storage-driver", "vfs", "--root"])
            .arg(desk.path().join("root"))
            .arg("--runroot")
            .arg(desk.path().join("runroot"))
            .args(arguments)
            .output()
            .unwrap()
    };
    let authfile = desk.authfile(&writer).display().to_string();
    let pull = ["pull", "--tls-verify=false", "--authfile", &authfile, &image];
    let pulled = podman(&pull);
    assert!(pulled.status.success(), "{}", text(&pulled));
    gitea.revoke(&token);
    podman(&["rmi", "--force", &image]);
    let refused = podman(&pull);
    assert!(!refused.status.success(), "{}", text(&refused));
}

scenario!(verify_at_a_real_registry_with_passwords, needs(DOCKER_REGISTRY));
fn verify_at_a_real_registry_with_passwords() {
    let registry = DockerRegistry::with_password("admin", "correct horse");
    let right = credential(&registry.registry(), "admin", "correct horse");
    let verified = verify(&right, &Options::default(), &Env::default()).unwrap();
    assert_eq!((verified.flow, verified.who), (Flow::Basic, None));
    let wrong = credential(&registry.registry(), "admin", "battery staple");
    match verify(&wrong, &Options::default(), &Env::default()).unwrap_err() {
        VerifyError::Rejected { said, page: None, .. } => {
            assert_eq!(said.as_deref(), Some("authentication required"));
        }
        other => panic!("{other:?}"),
    }
}
