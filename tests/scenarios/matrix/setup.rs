//! What is on the workstation before a client runs: images, and the files that the clients read.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::fixture::{Config, Situation, Workstation};
use crate::support::HELPER;
use crate::support::image::oci_layout;
use crate::support::part::program;

impl Workstation {
    /// Images in the registry, and what the clients' own files need to say.
    pub(super) fn set_up(&self) {
        let (folder, home, registry) = (self.folder(), self.home(), self.gitea.registry());
        let programs = folder.join("bin");
        for new in [
            programs.clone(),
            folder.join("run-without-bus"),
            home.join(".docker/cli-plugins"),
            home.join(".config/containers"),
        ] {
            fs::create_dir_all(new).unwrap();
        }
        fs::set_permissions(folder.join("run-without-bus"), fs::Permissions::from_mode(0o700)).unwrap();
        symlink(HELPER, programs.join("docker-credential-gitea")).unwrap();
        if let Some(buildx) = program("buildx") {
            symlink(buildx, home.join(".docker/cli-plugins/docker-buildx")).unwrap();
        }
        let write = |name: &str, content: &str| {
            let file = home.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        };
        let containers = ".config/containers";
        write(
            &format!("{containers}/registries.conf"),
            &format!("[[registry]]\nlocation = \"{registry}\"\ninsecure = true\n"),
        );
        write(
            &format!("{containers}/policy.json"),
            r#"{"default": [{"type": "insecureAcceptAnything"}]}"#,
        );
        write(
            &format!("{containers}/storage.conf"),
            &format!(
                "[storage]\ndriver = \"vfs\"\ngraphroot = \"{0}/tmp/graph\"\nrunroot = \"{0}/tmp/graph-run\"\n",
                folder.display()
            ),
        );
        write(
            &format!("{containers}/containers.conf"),
            &format!("[engine]\ntmp_dir = \"{}/tmp/libpod\"\n", folder.display()),
        );
        write("chart/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");
        write("layer.tar", &"\0".repeat(1024));
        let image = oci_layout(&home.join("image"));
        for (owner, context) in [("admin", "private"), ("open", "public")] {
            let base = format!("FROM {registry}/{owner}/web:1\nCOPY Dockerfile /\n");
            write(&format!("{context}/Dockerfile"), &base);
            let token = self.gitea.add_token(owner, "write:package");
            let auth = folder.join("tmp/push.json");
            let basic = STANDARD.encode(format!("{owner}:{token}"));
            fs::write(&auth, format!(r#"{{"auths":{{"{registry}":{{"auth":"{basic}"}}}}}}"#)).unwrap();
            let line = format!(
                "skopeo copy --authfile {} {image} docker://{registry}/{owner}/web:1",
                auth.display()
            );
            let (code, output) = self.run(&line, "", Situation::Nothing);
            assert_eq!(code, 0, "{output}");
            fs::remove_file(auth).unwrap();
        }
    }

    /// The clients' files as they are after setting up, and nothing that an earlier step left in them.
    pub(super) fn configure(&self, config: Config, situation: Situation) {
        let ours = self.home().join(".config/regcred/config.toml");
        if situation.is_vault() {
            fs::create_dir_all(ours.parent().unwrap()).unwrap();
            fs::write(ours, "keychain = \"vault\"\n").unwrap();
        } else {
            let _ = fs::remove_file(ours);
        }
        let registry = self.gitea.registry();
        let helpers = format!(r#"{{"credHelpers": {{"{registry}": "gitea"}}}}"#);
        let docker = match config {
            Config::CredHelpers | Config::DockersFile => helpers.clone(),
            Config::CredsStore => r#"{"credsStore": "gitea"}"#.to_owned(),
        };
        fs::write(self.home().join(".docker/config.json"), docker).unwrap();
        for situation in [Situation::Stored, Situation::NoBus] {
            let containers = self.runtime(situation).join("containers");
            let _ = fs::remove_dir_all(&containers);
            if config == Config::CredHelpers {
                fs::create_dir(&containers).unwrap();
                fs::write(containers.join("auth.json"), &helpers).unwrap();
            }
        }
        let _ = fs::remove_dir_all(self.home().join(".config/helm"));
    }
}
