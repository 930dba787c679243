//! A real workstation: docker, skopeo, podman and buildah over a real gnome-keyring, kubectl's plugin, and a person who
//! types. Afterwards the token lies nowhere but in the keyring and in the cluster.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use snapbox::str;

use crate::support::PLUGIN;
use crate::support::image::private_image;
use crate::support::keyring::files_with;
use crate::support::parts::REAL_PARTS;
use crate::support::world::World;

/// Looks at the command line and environment of every process, again and again, until it is asked what it saw.
struct Lookout {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<BTreeSet<String>>,
}

impl Lookout {
    fn for_text(text: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (asked, text) = (stop.clone(), text.to_owned());
        let thread = std::thread::spawn(move || {
            let mut seen = BTreeSet::new();
            loop {
                // Once more after it was asked, so that even a short scenario is looked at.
                let last = asked.load(Ordering::SeqCst);
                for process in fs::read_dir("/proc").unwrap().flatten() {
                    for part in ["cmdline", "environ"] {
                        let file = process.path().join(part);
                        let content = fs::read(&file).unwrap_or_default();
                        if content.windows(text.len()).any(|window| window == text.as_bytes()) {
                            seen.insert(format!("{}: {}", file.display(), String::from_utf8_lossy(&content)));
                        }
                    }
                }
                if last {
                    return seen;
                }
            }
        });
        Self { stop, thread }
    }

    fn seen(self) -> BTreeSet<String> {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

/// The token, and its base64 form that docker's files and Secrets hold.
pub fn forms(token: &str) -> [String; 2] {
    use base64::Engine as _;
    [
        token.to_owned(),
        base64::engine::general_purpose::STANDARD.encode(format!("admin:{token}")),
    ]
}

fn assert_nowhere(world: &World, token: &str) {
    for form in forms(token) {
        let found: Vec<PathBuf> = files_with(world.folder(), &form);
        assert!(found.is_empty(), "{found:?}");
    }
}

/// An image that is there before, and no token of whoever pushed it.
fn push_image(world: &World) {
    world.gitea.revoke(&private_image(world));
}

/// The configuration that makes a client ask our helper for this registry.
fn configure(world: &World, file: PathBuf) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, format!(r#"{{"credHelpers":{{"{}":"gitea"}}}}"#, world.registry())).unwrap();
}

scenario!(docker_login_feeds_sync, needs(REAL_PARTS, "docker", "skopeo"));
fn docker_login_feeds_sync() {
    let world = World::of_real_parts();
    push_image(&world);
    let token = world.gitea.add_token("admin", "write:package");
    configure(&world, world.home().join(".docker/config.json"));
    let lookout = Lookout::for_text(&token);

    let mut login = world.command("docker");
    login.args(["login", "-u", "admin", "--password-stdin", &world.registry()]);
    let said = world.run(&mut login, &token).done();
    assert!(said.contains("Login Succeeded"), "{said}");
    world.regcred("list").says(str![[r#"
exit 0
--- stdout
REGISTRY   USERNAME   USE   AGE
[REGISTRY]   admin   docker   <1h
--- stderr

"#]]);
    let config = fs::read_to_string(world.home().join(".docker/config.json")).unwrap();
    assert!(
        config.contains("\"credHelpers\"") && !config.contains("\"auth\":"),
        "{config}"
    );
    world.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials created in namespace [NAMESPACE]
--- stderr

"#]]);

    let mut inspect = world.command("docker");
    inspect.args([
        "manifest",
        "inspect",
        "--insecure",
        &format!("{}/admin/web:1", world.registry()),
    ]);
    assert!(world.run(&mut inspect, "").done().contains("sha256:"));
    assert_nowhere(&world, &token);

    let mut logout = world.command("docker");
    world.run(logout.args(["logout", &world.registry()]), "").done();
    world.regcred("list").says(str![[r#"
exit 0
--- stdout
--- stderr
the keychain holds no credential
hint: kubectl regcred login REGISTRY -u USER

"#]]);
    world.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 1
--- stdout
--- stderr
error: the keychain holds no credential
hint: kubectl regcred login REGISTRY -u USER

"#]]);
    assert_eq!(lookout.seen(), BTreeSet::new());
    assert_nowhere(&world, &token);

    // What the Secret holds is enough for a pull, by a client that knows nothing of the keychain.
    let pulled = world.folder().join("tmp/pulled");
    let auth = world.folder().join("tmp/from-secret.json");
    fs::write(&auth, world.document("gitea-credentials")).unwrap();
    let mut skopeo = world.command("skopeo");
    skopeo
        .args(["--insecure-policy", "copy", "--src-tls-verify=false", "--authfile"])
        .arg(auth);
    skopeo
        .arg(format!("docker://{}/admin/web:1", world.registry()))
        .arg(format!("oci:{}", pulled.display()));
    world.run(&mut skopeo, "").done();
    assert!(pulled.join("index.json").is_file());
}

scenario!(skopeo, needs(REAL_PARTS, "skopeo"));
fn skopeo() {
    other_client("skopeo");
}

scenario!(podman, needs(REAL_PARTS, "podman", "skopeo"));
fn podman() {
    other_client("podman");
}

scenario!(buildah, needs(REAL_PARTS, "buildah", "skopeo"));
fn buildah() {
    other_client("buildah");
}

/// Logs in, looks at an image and logs out with one of podman's family, each through our helper.
fn other_client(name: &str) {
    let world = World::of_real_parts();
    push_image(&world);
    let token = world.gitea.add_token("admin", "write:package");
    // The only file through which this family also writes to a helper.
    configure(&world, world.folder().join("run/containers/auth.json"));
    let lookout = Lookout::for_text(&token);
    let storage = |kind: &str| world.folder().join("tmp").join(kind).into_os_string();
    let client = || {
        let mut client = world.command(name);
        match name {
            "podman" => {
                client
                    .arg("--root")
                    .arg(storage("root"))
                    .arg("--runroot")
                    .arg(storage("runroot"));
                client.args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"]);
            }
            "buildah" => {
                client
                    .arg("--root")
                    .arg(storage("root"))
                    .arg("--runroot")
                    .arg(storage("runroot"));
                client.args(["--storage-driver", "vfs"]);
            }
            _ => (),
        }
        client
    };
    let mut login = client();
    login.args([
        "login",
        "--tls-verify=false",
        "-u",
        "admin",
        "--password-stdin",
        &world.registry(),
    ]);
    let said = world.run(&mut login, &token).done();
    assert!(said.contains("Login Succeeded"), "{said}");
    assert!(
        world.regcred("list").done().contains("admin"),
        "{name} stored it in the keychain"
    );

    let image = format!("docker://{}/admin/web:1", world.registry());
    match name {
        "skopeo" => {
            let said = world
                .run(client().args(["inspect", "--tls-verify=false", &image]), "")
                .done();
            assert!(said.contains("sha256:"), "{said}");
        }
        _ => drop(
            world
                .run(client().args(["pull", "--tls-verify=false", &image]), "")
                .done(),
        ),
    }
    assert_nowhere(&world, &token);
    world.run(client().args(["logout", &world.registry()]), "").done();
    assert_eq!(world.regcred("list").done(), "", "{name} took it out of the keychain");
    // With nothing there, erase and get still answer as these clients need it: their old versions crash otherwise.
    let again = world.run(client().args(["logout", &world.registry()]), "");
    assert!(!again.stderr.contains("goroutine"), "{again}");
    assert_eq!(lookout.seen(), BTreeSet::new());
    assert_nowhere(&world, &token);
}

scenario!(a_person_types_the_token, needs(REAL_PARTS));
fn a_person_types_the_token() {
    let world = World::of_real_parts();
    let token = world.gitea.add_token("admin", "write:package");
    let mut login = Command::new(PLUGIN);
    login
        .env_clear()
        .envs(world.env().iter())
        .env("TERM", "xterm")
        .args(["login", &world.registry()]);
    let mut person = rexpect::session::spawn_command(login, Some(60_000)).unwrap();
    person.exp_string(&format!("User at {}", world.registry())).unwrap();
    person.send_line("admin").unwrap();
    person
        .exp_string(&format!("Token of admin at {}", world.registry()))
        .unwrap();
    person.send_line(&token).unwrap();
    let shown = person.exp_string("logged in to").unwrap();
    let shown = shown + &person.exp_eof().unwrap();
    assert!(shown.contains("write:package") && !shown.contains(&token), "{shown}");
    assert!(world.helper("get", "[REGISTRY]").done().contains(&token));

    // With two registries in the keychain, a person is asked which one is meant.
    world
        .regcred_with("login zot.example.com -u other --token-stdin --no-verify", "other")
        .done();
    let mut sync = Command::new(PLUGIN);
    sync.env_clear()
        .envs(world.env().iter())
        .env("TERM", "xterm")
        .args(["sync", "-n", &world.namespace]);
    let mut person = rexpect::session::spawn_command(sync, Some(60_000)).unwrap();
    person.exp_string(&format!("1) {}", world.registry())).unwrap();
    let shown = person.exp_string("Which registry").unwrap();
    assert!(shown.contains("2) zot.example.com"), "{shown}");
    assert!(
        !shown.contains("\x1b[?25l"),
        "Ctrl-C would leave the cursor hidden: {shown}"
    );
    person.send_line("1").unwrap();
    person.exp_string("gitea-credentials created").unwrap();
    person.exp_eof().unwrap();
    assert!(world.document("gitea-credentials").contains(&token));
}

scenario!(nobody_else_sees_the_token, needs(REAL_PARTS));
fn nobody_else_sees_the_token() {
    let mut world = World::of_real_parts();
    let token = world.gitea.add_token("admin", "write:package");
    // A kubeconfig's plugin is a child of ours: the token's variable is not handed on to it.
    let plugin = world.folder().join("tmp/plugin");
    let config = fs::read_to_string(world.folder().join("kubeconfig")).unwrap();
    let (_, cluster_token) = config.split_once("token: ").unwrap();
    let cluster_token = cluster_token.trim_end().trim_end_matches('}').trim();
    fs::write(
        &plugin,
        format!(
            "#!/bin/sh\nenv > {}/tmp/plugin.env\necho '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"{cluster_token}\"}}}}'\n",
            world.folder().display()
        ),
    )
    .unwrap();
    fs::set_permissions(&plugin, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let config = config.replace(
        &format!("token: {cluster_token}"),
        &format!(
            "exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: {}}}",
            plugin.display()
        ),
    );
    fs::write(world.folder().join("kubeconfig"), config).unwrap();
    world
        .variables
        .insert("REGISTRY_TOKEN".to_owned(), token.clone().into());
    let ran = world.regcred("sync -n [NAMESPACE] --registry [REGISTRY] -u admin --token-env REGISTRY_TOKEN");
    ran.says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials created in namespace [NAMESPACE]
--- stderr

"#]]);
    assert!(world.document("gitea-credentials").contains(&token));
    let handed_on = fs::read_to_string(world.folder().join("tmp/plugin.env")).unwrap();
    assert!(handed_on.contains("HOME="), "{handed_on}");
    assert_nowhere(&world, &token);
}
