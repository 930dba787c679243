//! docs/ci.md: every example in it is run as it stands, on the real control plane.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use regcred::cluster::{self, Cluster, ConnectOptions, Over, SyncOptions, Target, Wanted, block_on};
use regcred::model::{Credential, Token, Use};
use regcred::sys::env::Env;
use serde_json::Value;

use crate::support::PLUGIN;
use crate::support::container::{Container, Profile as Calls};
use crate::support::control_plane::{self, ADMIN_TOKEN, ControlPlane};
use crate::support::gitea::{Gitea, Profile};
use crate::support::krew;
use crate::support::parts::{ARCHIVE, CONTROL_PLANE, DOCKER_CONTAINER};
use crate::support::tls::{Authority, Valid};
use crate::support::world::World;

const DOCUMENT: &str = include_str!("../../../docs/ci.md");
const REGISTRY: &str = "gitea.example.com";

/// The example whose first line is this comment.
fn example(first: &str) -> String {
    let blocks = DOCUMENT.split("```yaml\n").skip(1);
    let mut texts = blocks.map(|block| block.split_once("\n```").unwrap().0);
    texts
        .find(|text| text.starts_with(&format!("# {first}")))
        .unwrap()
        .to_owned()
}

/// The command of the text that begins like this.
fn code(start: &str) -> &'static str {
    DOCUMENT.split('`').find(|text| text.starts_with(start)).unwrap()
}

/// kubectl, and the program as its plugin.
fn path() -> OsString {
    let system = std::env::var_os("PATH").unwrap();
    let folders = [
        control_plane::programs().unwrap(),
        PathBuf::from(PLUGIN).parent().unwrap().to_owned(),
    ];
    std::env::join_paths(folders.into_iter().chain(std::env::split_paths(&system))).unwrap()
}

/// A Gitea, and a token of its user `reader`.
fn registry() -> (Gitea, String) {
    let gitea = Gitea::start(Profile::V1_27);
    gitea.add_user("reader");
    let token = gitea.add_token("reader", "read:package");
    (gitea, token)
}

/// The folder of a job: with namespaces of its own in place of the example's.
struct Job {
    folder: tempfile::TempDir,
    /// In place of the example's registry.
    gitea: Gitea,
    token: String,
    plane: &'static ControlPlane,
    honeydue: String,
    staging: String,
}

impl Job {
    fn new() -> Self {
        let plane = ControlPlane::shared();
        let (gitea, token) = registry();
        Self {
            folder: tempfile::tempdir().unwrap(),
            gitea,
            token,
            plane,
            honeydue: plane.namespace(),
            staging: plane.namespace(),
        }
    }

    fn run(&self, argv: &[&str], variables: &BTreeMap<String, String>) -> (String, String) {
        let argv = argv.iter().map(|word| word.replace(REGISTRY, &self.gitea.registry()));
        let argv: Vec<String> = argv.collect();
        let output = Command::new("env")
            .args(&argv)
            .env_clear()
            .env("PATH", path())
            .env("HOME", self.folder.path())
            .env("RUNNER_TEMP", self.folder.path())
            .envs(variables)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert!(output.status.success(), "{argv:?}\n{stdout}{stderr}");
        (stdout, stderr)
    }

    fn has_secret(&self, namespace: &str, name: &str) -> bool {
        self.plane
            .kubectl(&["get", "secret", name, "-n", namespace], "")
            .status
            .success()
    }
}

scenario!(the_workflow_of_github_and_gitea_actions, needs(CONTROL_PLANE));
fn the_workflow_of_github_and_gitea_actions() {
    let job = Job::new();
    let list = example("regcred.yaml")
        .replace("honeydue", &job.honeydue)
        .replace("staging", &job.staging)
        .replace(REGISTRY, &job.gitea.registry());
    std::fs::write(job.folder.path().join("regcred.yaml"), list).unwrap();
    let workflow: Value = serde_saphyr::from_str(&example(".github/workflows")).unwrap();
    let step = &workflow["jobs"]["sync"]["steps"][1];
    let secrets = [
        ("${{ secrets.KUBECONFIG }}", job.plane.kubeconfig_for(ADMIN_TOKEN)),
        ("${{ secrets.REGISTRY_TOKEN }}", job.token.clone()),
    ];
    let variables = step["env"].as_object().unwrap().iter().map(|(name, value)| {
        let (_, text) = secrets.iter().find(|(secret, _)| value == secret).unwrap();
        (name.clone(), text.clone())
    });
    let variables = variables.collect();
    // As the runner starts it.
    let script = step["run"].as_str().unwrap();
    let (stdout, _) = job.run(&["bash", "-e", "-c", script], &variables);
    assert_eq!(stdout.matches(" created in namespace ").count(), 2, "{stdout}");
    assert!(job.has_secret(&job.honeydue, "gitea-credentials") && job.has_secret(&job.staging, "pull"));
    assert!(!job.folder.path().join("kubeconfig").exists());
    // The lines beside it: the Roles, and what a pull request shows.
    let line = code("kubectl regcred rbac -f regcred.yaml");
    let (roles, _) = job.run(&["bash", "-e", "-c", line], &variables);
    let made = job
        .plane
        .kubectl_ok(&["create", "--dry-run=client", "-o", "name", "-f", "-"], &roles);
    assert_eq!(made.matches("role.rbac.authorization.k8s.io/").count(), 2, "{made}");
    let line = code("kubectl regcred sync -f regcred.yaml --dry-run=server");
    let with_config = variables
        .into_iter()
        .chain([("KUBECONFIG".into(), job.plane.kubeconfig().display().to_string())]);
    let (stdout, _) = job.run(&["bash", "-e", "-c", line], &with_config.collect());
    assert_eq!(stdout.matches(" unchanged in namespace ").count(), 2, "{stdout}");
}

scenario!(the_ansible_task, needs(CONTROL_PLANE));
fn the_ansible_task() {
    let job = Job::new();
    let tasks: Value = serde_saphyr::from_str(&example("tasks/main.yaml")).unwrap();
    let task = &tasks[0];
    // What Jinja would put in.
    let filled = |value: &Value| {
        let text = value.as_str().unwrap().replace("{{ namespace }}", &job.honeydue);
        let text = text.replace("{{ kubeconfig }}", &job.plane.kubeconfig().display().to_string());
        let text = text.replace("{{ lookup('file', '~/.credentials/gitea_token') }}", &job.token);
        assert!(!text.contains("{{"), "{text}");
        text
    };
    let argv: Vec<String> = task["ansible.builtin.command"]["argv"]
        .as_array()
        .unwrap()
        .iter()
        .map(filled)
        .collect();
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    let variables = task["environment"].as_object().unwrap().iter();
    let variables = variables.map(|(name, value)| (name.clone(), filled(value))).collect();
    let changed = task["changed_when"].as_str().unwrap();
    let (_, changed) = changed.split_once("'action', 'in', [").unwrap();
    let changed: Vec<&str> = changed
        .split(']')
        .next()
        .unwrap()
        .split('\'')
        .skip(1)
        .step_by(2)
        .collect();
    for action in ["created", "unchanged"] {
        let (stdout, _) = job.run(&argv, &variables);
        // What `changed_when` looks at.
        let document: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(document["items"][0]["action"], action);
        assert_eq!(changed.contains(&action), action == "created");
    }
    // What fails has an action too, or no document at all.
    assert!(!changed.contains(&"failed"));
    let fallback = task["changed_when"].as_str().unwrap().split('\'').nth(1).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(fallback).unwrap(),
        serde_json::json!({"items": []})
    );
    assert!(job.has_secret(&job.honeydue, "gitea-credentials"));
}

scenario!(the_cron_job_its_rights_and_its_connection, needs(CONTROL_PLANE));
/// Its `ClusterRole` and namespace belong to the whole cluster, which other tests share: they get names of this test's own.
fn the_cron_job_its_rights_and_its_connection() {
    let plane = ControlPlane::shared();
    let new = plane.namespace();
    let _ = plane.kubectl_ok(&["label", "namespace", &new, "pull-secret=gitea"], "");
    let mine = "regcred-cron-job";
    let manifests = manifests();
    // The rights are those that the program itself says it needs.
    let says = Command::new(PLUGIN)
        .args(code("kubectl regcred rbac -l").split(' ').skip(2))
        .output()
        .unwrap();
    let says: Vec<Value> = serde_saphyr::from_multiple(&String::from_utf8(says.stdout).unwrap()).unwrap();
    assert_eq!(says[0]["rules"], manifests[2]["rules"]);
    let token = install(plane, &manifests, mine);
    let argv = command_of(&manifests);
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    assert_eq!(argv[0], "kubectl-regcred");

    let folder = tempfile::tempdir().unwrap();
    let (env, options) = pod(plane, mine, &token, folder.path());
    let credential = Credential {
        registry: REGISTRY.parse().unwrap(),
        username: "reader".parse().unwrap(),
        token: Token::parse("from-a-pod").unwrap(),
    };
    block_on(async {
        let cluster = Cluster::connect(&env, &options).await.unwrap();
        assert_eq!((cluster.context(), cluster.namespace().as_str()), ("", mine));
        // A binding takes effect by a watch of the server's own.
        let end = Instant::now() + Duration::from_secs(60);
        let found = loop {
            assert!(Instant::now() < end, "the binding is not in force");
            match cluster::namespaces(&cluster, &"pull-secret=gitea".parse().unwrap()).await {
                Ok(found) => break found,
                Err(cluster::Error::Forbidden(_)) => {}
                Err(error) => panic!("{error}"),
            }
        };
        let names: Vec<_> = found.iter().map(|found| found.namespace.as_str()).collect();
        assert_eq!(names, [&new]);
        let target = Target {
            namespace: new.parse().unwrap(),
            secret: "gitea-credentials".parse().unwrap(),
        };
        let wanted = [Wanted {
            credential: &credential,
            usage: Use::Cluster,
            others: &[],
            replaces: None,
            over: Over::Anything,
            writer: None,
        }];
        let synced = cluster::sync(
            &cluster::SecretReader::new(&cluster),
            &target,
            None,
            &wanted,
            SyncOptions::default(),
        )
        .await
        .unwrap();
        assert_eq!(synced.outcome, cluster::Outcome::Created);
        // It may no more than the page says.
        let list = cluster::managed_secrets(&cluster).await;
        assert!(matches!(list, Err(cluster::Error::Forbidden(_))), "{list:?}");
    })
    .unwrap();

    // Its command line, with the same rights; only the way to the cluster is a kubeconfig's.
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, plane.kubeconfig_for(&token)).unwrap();
    let (gitea, rotated) = registry();
    let output = Command::new(PLUGIN)
        .args(argv[1..].iter().map(|word| word.replace(REGISTRY, &gitea.registry())))
        .env_clear()
        .env("KUBECONFIG", &kubeconfig)
        .env("REGISTRY_TOKEN", rotated)
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        stdout,
        format!("secret/gitea-credentials configured in namespace {new}\n"),
        "{output:?}"
    );
    let _ = plane.kubectl_ok(&["label", "namespace", &new, "pull-secret-"], "");
}

fn manifests() -> Vec<Value> {
    serde_saphyr::from_multiple(&example("regcred-cronjob.yaml")).unwrap()
}

/// Applies the page's manifests with this name in place of theirs. Returns a token of the ServiceAccount.
fn install(plane: &ControlPlane, manifests: &[Value], name: &str) -> String {
    for manifest in manifests {
        let manifest = manifest
            .to_string()
            .replace(r#""name":"regcred""#, &format!(r#""name":"{name}""#))
            .replace(r#""namespace":"regcred""#, &format!(r#""namespace":"{name}""#));
        let _ = plane.kubectl_ok(&["apply", "-f", "-"], &manifest);
    }
    let token = plane.kubectl_ok(&["create", "token", name, "-n", name], "");
    token.trim().to_owned()
}

/// The only container of the `CronJob`.
fn container_of(manifests: &[Value]) -> &Value {
    &manifests.last().unwrap()["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
}

fn command_of(manifests: &[Value]) -> Vec<String> {
    let words = container_of(manifests)["command"].as_array().unwrap().iter();
    words.map(|word| word.as_str().unwrap().to_owned()).collect()
}

scenario!(
    the_image_of_the_cron_job,
    needs(CONTROL_PLANE, DOCKER_CONTAINER, ARCHIVE, "buildah", "tar")
);
/// Built by the page's lines, and run as the page's `CronJob` runs it: as nobody, with nothing to write to. The registry's
/// certificate is checked with the image's authorities.
fn the_image_of_the_cron_job() {
    const PUSHED: &str = "registry.example.com/tools/kubectl-regcred:0.1.0";
    const LABEL: &str = "=image"; // another one than that of the other scenarios in this cluster
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let manifests = manifests();
    assert_eq!(
        container_of(&manifests)["image"],
        PUSHED,
        "the CronJob takes what was pushed"
    );
    let authority = Authority::new();
    build_image(PUSHED, folder.path(), &authority);
    let container = Container::start(Calls::Docker);
    container.load(&at("image.tar"));

    let (plane, mine) = (ControlPlane::shared(), "regcred-image");
    let new = plane.namespace();
    let _ = plane.kubectl_ok(&["label", "namespace", &new, &format!("pull-secret{LABEL}")], "");
    let token = install(plane, &manifests, mine);
    std::fs::create_dir(at("account")).unwrap();
    let (env, _) = pod(plane, mine, &token, &at("account"));
    let gitea = Gitea::start_tls(
        Profile::V1_27,
        "localhost",
        authority.server(&["localhost"], Valid::Now),
    );
    gitea.add_user("reader");
    let token = gitea.add_token("reader", "read:package");
    let name = gitea.registry().replace("127.0.0.1", "localhost");
    let variables: Vec<(String, String)> = env
        .iter()
        .map(|(name, value)| (name.to_str().unwrap().to_owned(), value.to_str().unwrap().to_owned()))
        .chain([("REGISTRY_TOKEN".to_owned(), token)])
        .collect();
    let mount = format!(
        "--volume={}:/var/run/secrets/kubernetes.io/serviceaccount:ro",
        at("account").display()
    );
    let options = ["--read-only", "--security-opt=no-new-privileges", &mount];
    let argv: Vec<String> = command_of(&manifests)
        .iter()
        .map(|word| word.replace(REGISTRY, &name).replace("=gitea", LABEL))
        .collect();
    let run = || {
        let output = container.run_image(PUSHED, &options, &argv, &variables);
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    };
    // A binding takes effect by a watch of the server's own.
    let mut said = run();
    let end = Instant::now() + Duration::from_secs(60);
    while said.1.contains("forbidden") && Instant::now() < end {
        said = run();
    }
    for done in ["created", "unchanged"] {
        assert_eq!(
            said.0,
            format!("secret/gitea-credentials {done} in namespace {new}\n"),
            "{said:?}"
        );
        assert_eq!(said.1, "", "nothing that it could not write or read");
        said = run();
    }
}

/// Runs the page's lines in this folder with this tree's archive, and with this authority in place of the system's. What
/// they push is in `image.tar` then.
fn build_image(name: &str, folder: &Path, authority: &Authority) {
    const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
    let dockerfile = concat!(env!("CARGO_MANIFEST_DIR"), "/Dockerfile");
    let archive = krew::archive().unwrap();
    for file in [Path::new(dockerfile), &archive] {
        std::fs::copy(file, folder.join(file.file_name().unwrap())).unwrap();
    }
    let manifests = manifests();
    let security = &container_of(&manifests)["securityContext"];
    assert_eq!(security["readOnlyRootFilesystem"], true);
    let user = format!("\nUSER {0}:{0}\n", security["runAsUser"]);
    assert!(std::fs::read_to_string(dockerfile).unwrap().contains(&user), "{user}");

    let blocks = DOCUMENT.split("```sh\n").skip(1);
    let mut texts = blocks.map(|block| block.split_once("\n```").unwrap().0);
    let text = texts.find(|text| text.contains("buildah")).unwrap();
    let (build, push) = text.rsplit_once('\n').unwrap();
    assert_eq!(push, format!("buildah push {name}"));
    assert!(build.contains(AUTHORITIES), "{build}");
    let own = folder.join("own").join(Path::new(AUTHORITIES).file_name().unwrap());
    std::fs::create_dir(own.parent().unwrap()).unwrap();
    std::fs::rename(authority.write_to(folder), &own).unwrap();
    let build = build.replace(AUTHORITIES, own.to_str().unwrap());
    let storage = "--storage-driver vfs --root \"$PWD/store\" --runroot \"$PWD/run\"";
    let script =
        format!("buildah() {{ command buildah {storage} \"$@\"; }}\n{build}\n{push} docker-archive:image.tar:{name}");
    let output = Command::new("bash")
        .args(["-e", "-c", &script])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", folder)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// What a pod finds: variables, and the folder of its ServiceAccount.
fn pod(plane: &ControlPlane, namespace: &str, token: &str, folder: &Path) -> (Env, ConnectOptions) {
    let admin: Value = serde_saphyr::from_str(&plane.kubeconfig_for(ADMIN_TOKEN)).unwrap();
    let cluster = &admin["clusters"][0]["cluster"];
    let server = cluster["server"].as_str().unwrap().strip_prefix("https://").unwrap();
    let (host, port) = server.rsplit_once(':').unwrap();
    let authority = cluster["certificate-authority"].as_str().unwrap();
    std::fs::copy(authority, folder.join("ca.crt")).unwrap();
    std::fs::write(folder.join("token"), token).unwrap();
    std::fs::write(folder.join("namespace"), namespace).unwrap();
    let variables = [("KUBERNETES_SERVICE_HOST", host), ("KUBERNETES_SERVICE_PORT", port)];
    let options = ConnectOptions {
        service_account: Some(folder.to_owned()),
        ..ConnectOptions::default()
    };
    (variables.into_iter().collect(), options)
}

scenario!(what_giteas_pipelines_get);
fn what_giteas_pipelines_get() {
    let world = World::of_doubles();
    world.gitea.add_repository("admin", "web");
    let (_, block) = DOCUMENT.split_once("```sh\nkubectl regcred login").unwrap();
    let (block, _) = block.split_once("\n```").unwrap();
    let mut given = Vec::new();
    for line in format!("kubectl regcred login{block}").lines() {
        let line = line
            .strip_prefix("kubectl regcred ")
            .unwrap()
            .replace(REGISTRY, "[REGISTRY]");
        world
            .regcred_with(&format!("{line} --password-stdin"), "password of admin\n")
            .done();
        given.extend(world.gitea.state().actions.secrets.values().cloned());
    }
    assert_eq!(given.len(), 2, "what sync gave, and what rotate did");
    assert!(!world.gitea.knows("admin", &given[0]) && world.gitea.knows("admin", &given[1]));
}
