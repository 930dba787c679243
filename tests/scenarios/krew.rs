//! krew, the real one: a release of this tree is installed, used, upgraded and taken away again, on a real keyring.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

use crate::support::http::{Answer, Server, Shown};
use crate::support::krew::{self, Release, VERSION};
use crate::support::parts::{KREW, REAL_PARTS};
use crate::support::world::{Ran, World};

const DOCUMENT: &str = include_str!("../../docs/install.md");
const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/krew/regcred.yaml");

scenario!(one_version_and_the_same_platforms);
fn one_version_and_the_same_platforms() {
    let manifest: Value = serde_saphyr::from_str(&fs::read_to_string(MANIFEST).unwrap()).unwrap();
    assert_eq!(manifest["spec"]["version"], VERSION);
    let platforms = manifest["spec"]["platforms"].as_array().unwrap();
    let names: Vec<String> = platforms
        .iter()
        .map(|platform| {
            let labels = &platform["selector"]["matchLabels"];
            format!(
                "{}-{}",
                labels["os"].as_str().unwrap(),
                labels["arch"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(names, krew::platforms());
    // What is released is what cargo-deny looks at.
    let deny = include_str!("../../deny.toml");
    for target in krew::targets() {
        assert!(deny.contains(&format!("\"{target}\",")), "{target}");
    }
}

scenario!(the_changelog_of_a_version);
fn the_changelog_of_a_version() {
    let ask = |version: &str| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/krew/changelog.sh");
        let output = Command::new(script).arg(version).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    // What is on top: unreleased, or the version that is about to be.
    let changelog = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/CHANGELOG.md"));
    let heading = changelog.lines().find_map(|line| line.strip_prefix("## ")).unwrap();
    let (done, text, _) = ask(heading.split(' ').next().unwrap());
    assert!(done && text.contains("\n### Added\n"), "{text}");
    assert!(
        !text.starts_with('\n') && !text.contains(&format!("## {heading}")),
        "{text}"
    );
    assert!(!text.contains("\n## "), "one section only: {text}");
    let (done, text, said) = ask("v99.0.0");
    assert!(!done && text.is_empty());
    assert_data_eq!(
        said,
        str![[r###"
changelog: CHANGELOG.md has no section "## 99.0.0"
hint: give "## Unreleased" that heading, with the day of the release

"###]]
    );
}

scenario!(the_workflows_of_both_servers);
/// They cannot be run here. Parsed they are, and held against what they call.
fn the_workflows_of_both_servers() {
    for (text, is_release) in [
        (include_str!("../../.gitea/workflows/release.yml"), true),
        (include_str!("../../.github/workflows/release.yml"), true),
        (include_str!("../../.github/workflows/ci.yml"), false),
        (include_str!("../../.github/workflows/fuzz.yml"), false),
    ] {
        let workflow: Value = serde_saphyr::from_str(text).unwrap();
        let jobs = workflow["jobs"].as_object().unwrap();
        if is_release {
            let built = jobs["build"]["strategy"]["matrix"]["include"].as_array().unwrap();
            let targets: Vec<&str> = built.iter().map(|row| row["target"].as_str().unwrap()).collect();
            assert_eq!(targets, krew::targets());
        }
        let mut scripts = 0;
        // A job that is another workflow has no steps.
        for step in jobs.values().filter_map(|job| job["steps"].as_array()).flatten() {
            if let Some(action) = step["uses"].as_str() {
                let commit = action.rsplit_once('@').unwrap().1;
                let is_commit = commit.len() == 40 && commit.chars().all(|digit| digit.is_ascii_hexdigit());
                assert!(is_commit, "{action} is not pinned");
                continue;
            }
            let run = step["run"].as_str().unwrap();
            assert!(!run.contains("secrets."), "a secret in a command line: {run}");
            let syntax = Command::new("bash").args(["-n", "-c", run]).output().unwrap();
            assert!(syntax.status.success(), "{run}: {syntax:?}");
            for word in run.split(|character: char| character.is_whitespace() || character == '(') {
                let mut folders = [".ci/", "krew/", "tests/"].into_iter();
                if folders.any(|folder| word.starts_with(folder)) {
                    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(word).is_file(), "{word}");
                    scripts += 1;
                }
            }
        }
        let expected = if is_release { 6 } else { 1 };
        assert!(scripts >= expected, "only {scripts} scripts were found in the workflow");
    }
}

scenario!(nothing_is_released_that_was_not_tested);
/// What publishes waits for a job that runs all of `.ci/run`, in its own steps or in a workflow that it calls.
fn nothing_is_released_that_was_not_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| -> Value { serde_saphyr::from_str(&fs::read_to_string(root.join(name)).unwrap()).unwrap() };
    let runs = |job: &Value, command: &str| {
        let mut steps = job["steps"].as_array().into_iter().flatten();
        steps.any(|step| step["run"].as_str().is_some_and(|run| run.contains(command)))
    };
    for (server, publishes) in [(".github", "gh release create"), (".gitea", "krew/publish.sh")] {
        let release = read(&format!("{server}/workflows/release.yml"));
        let jobs = release["jobs"].as_object().unwrap();
        let publishing: Vec<&Value> = jobs.values().filter(|job| runs(job, publishes)).collect();
        assert_eq!(publishing.len(), 1, "{server}");
        let needs = publishing[0]["needs"].as_array().unwrap();
        let tests = |name: &Value| {
            let job = &jobs[name.as_str().unwrap()];
            let Some(called) = job["uses"].as_str() else {
                return runs(job, ".ci/run");
            };
            let called = read(called);
            assert!(called["on"].as_object().unwrap().contains_key("workflow_call"));
            let mut jobs = called["jobs"].as_object().unwrap().values();
            jobs.any(|job| runs(job, ".ci/run"))
        };
        assert!(needs.iter().any(tests), "{server}: {needs:?}");
    }
}

scenario!(a_draft_until_all_is_there, needs("curl", "jq"));
/// What it asks of Gitea, and that its token is in no argument: the double answers as Gitea's API does.
fn a_draft_until_all_is_there() {
    const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";
    let releases = "/api/v1/repos/regcred/regcred/releases";
    let bodies: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = bodies.clone();
    let server = Server::start(move |request| {
        if request.shown() != Shown::Token(TOKEN.to_owned()) {
            return Answer::json(401, &json!({"message": "token is required"}));
        }
        kept.lock()
            .unwrap()
            .push(String::from_utf8_lossy(&request.body).into_owned());
        match (request.method.as_str(), request.path.strip_prefix(releases)) {
            ("POST", Some("")) => Answer::json(201, &json!({"id": 7, "draft": true})),
            ("POST", Some("/7/assets")) => Answer::json(201, &json!({"name": request.parameter("name")})),
            ("PATCH", Some("/7")) => Answer::json(200, &json!({"id": 7, "draft": false})),
            _ => Answer::json(404, &json!({"message": "not found"})),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let (notes, dist) = (folder.path().join("notes.md"), folder.path().join("dist"));
    fs::create_dir(&dist).unwrap();
    fs::write(&notes, "### Added\n\n- \"quoted\" & `code`\n").unwrap();
    for (name, text) in [("a.tar.gz", "archive"), ("checksums.txt", "sums")] {
        fs::write(dist.join(name), text).unwrap();
    }
    let run = |token: &str| {
        Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/krew/publish.sh"))
            .args([Path::new("v0.1.0"), &notes, &dist])
            .env("GITHUB_API_URL", format!("http://{}/api/v1", server.registry()))
            .env("GITHUB_REPOSITORY", "regcred/regcred")
            .env("RELEASE_TOKEN", token)
            .output()
            .unwrap()
    };
    let output = run("of-somebody-else");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("hint: ") && !said.contains("of-somebody-else"), "{said}");
    assert!(bodies.lock().unwrap().is_empty());

    let output = run(TOKEN);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "a.tar.gz\nchecksums.txt\n");
    let bodies = bodies.lock().unwrap();
    let [made, archive, sums, published] = bodies.as_slice() else {
        panic!("{bodies:?}")
    };
    let made: Value = serde_json::from_str(made).unwrap();
    assert_eq!(
        made,
        json!({
            "tag_name": "v0.1.0", "name": "v0.1.0", "draft": true,
            "body": "### Added\n\n- \"quoted\" & `code`\n",
        })
    );
    assert!(archive.contains("\r\n\r\narchive\r\n") && sums.contains("\r\n\r\nsums\r\n"));
    assert_eq!(published.trim(), r#"{"draft": false}"#);
}

fn validate(manifest: &Path, more: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(krew::programs().unwrap().join("validate-krew-manifest"))
        .arg("-manifest")
        .arg(manifest)
        .args(more)
        .env_clear()
        .env("HOME", folder.path())
        .env("TMPDIR", folder.path())
        .env("PATH", krew::path(folder.path()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

scenario!(the_manifest_in_the_tree_is_valid, needs(KREW));
fn the_manifest_in_the_tree_is_valid() {
    validate(Path::new(MANIFEST), &["-skip-install"]);
}

scenario!(a_release_is_valid_on_every_platform, needs(KREW));
/// krew's own check downloads, unpacks and installs for all five, and looks for the licence.
fn a_release_is_valid_on_every_platform() {
    let release = Release::of_stand_ins();
    let manifest = release.dist().join("regcred.yaml");
    let text = fs::read_to_string(&manifest).unwrap();
    assert!(
        !text.contains("example.com/regcred") && !text.contains("00000000"),
        "{text}"
    );
    assert_eq!(text.matches("\n      sha256: ").count(), krew::platforms().len());
    validate(&manifest, &[]);
    let sums = Command::new("sha256sum")
        .args(["--check", "--strict", "checksums.txt"])
        .current_dir(release.dist())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&sums.stdout);
    assert!(sums.status.success(), "{said}");
    assert_eq!(said.lines().count(), krew::platforms().len() + 3, "{said}");
}

scenario!(the_formula_installs_on_every_system, needs("ruby", KREW));
fn the_formula_installs_on_every_system() {
    let release = Release::of_stand_ins();
    for (system, processor, platform) in [
        ("macos", "arm", "darwin-arm64"),
        ("macos", "intel", "darwin-amd64"),
        ("linux", "arm", "linux-arm64"),
        ("linux", "intel", "linux-amd64"),
    ] {
        let prefix = tempfile::tempdir().unwrap();
        let output = Command::new("ruby")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/formula.rb"))
            .arg(release.dist().join("regcred.rb"))
            .args([system, processor])
            .args([&release.dist(), prefix.path()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).unwrap();
        let address = said.lines().next().unwrap();
        let name = format!("regcred-{VERSION}-{platform}.tar.gz");
        assert!(
            address.ends_with(&format!("/releases/download/{VERSION}/{name}")),
            "{address}"
        );
        assert!(said.contains("kubectl regcred docker remove"), "{said}");
        for file in [
            "bin/kubectl-regcred",
            "bin/docker-credential-gitea",
            "bin/kubectl_complete-regcred",
            "etc/bash_completion.d/kubectl-regcred",
            "share/zsh/site-functions/_kubectl-regcred",
            "share/fish/vendor_completions.d/kubectl-regcred.fish",
        ] {
            assert!(prefix.path().join(file).is_file(), "{platform}: {file}");
        }
    }
}

scenario!(the_scoop_manifest_names_the_archive, needs("unzip", KREW));
fn the_scoop_manifest_names_the_archive() {
    let release = Release::of_stand_ins();
    let manifest: Value = serde_json::from_slice(&fs::read(release.dist().join("regcred.json")).unwrap()).unwrap();
    assert_eq!(format!("v{}", manifest["version"].as_str().unwrap()), VERSION);
    let archive = &manifest["architecture"]["64bit"];
    let name = format!("regcred-{VERSION}-windows-amd64.zip");
    let address = archive["url"].as_str().unwrap();
    assert!(
        address.ends_with(&format!("/releases/download/{VERSION}/{name}")),
        "{address}"
    );
    let sums = fs::read_to_string(release.dist().join("checksums.txt")).unwrap();
    assert!(
        sums.contains(&format!("{}  {name}\n", archive["hash"].as_str().unwrap())),
        "{sums}"
    );
    let listed = Command::new("unzip")
        .arg("-Z1")
        .arg(release.dist().join(name))
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for program in manifest["bin"].as_array().unwrap() {
        assert!(listed.lines().any(|line| line == program), "{program}: {listed}");
    }
    for member in ["description", "homepage", "license"] {
        assert!(manifest[member].is_string(), "{member}");
    }
}

/// A workstation with krew, and nothing of ours.
fn workstation() -> World {
    let mut world = World::of_real_parts();
    let path = krew::path(&world.home());
    world.variables.insert("PATH".to_owned(), path);
    world
}

fn kubectl(world: &World, line: &str, stdin: &str) -> Ran {
    let line = line
        .replace("[REGISTRY]", &world.registry())
        .replace("[NAMESPACE]", &world.namespace);
    world.run(world.command("kubectl").args(line.split_whitespace()), stdin)
}

fn add_index(world: &World, release: &Release) {
    let line = format!("krew index add regcred {}", release.index().display());
    let _ = kubectl(world, &line, "").done();
}

/// What docker would run, by its name.
fn helper(world: &World, action: &str) -> Ran {
    world.run(world.command("docker-credential-gitea").arg(action), &world.registry())
}

/// Every file and link below the home folder, but for those of the system's own programs.
pub fn left(world: &World) -> BTreeSet<String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), found);
            } else {
                found.push(entry.path());
            }
        }
    }
    let (home, mut found) = (world.home(), Vec::new());
    walk(&home, &mut found);
    let relative = found
        .iter()
        .map(|file| file.strip_prefix(&home).unwrap().display().to_string());
    relative
        .filter(|file| !file.starts_with(".local/share/keyrings/") && !file.starts_with(".kube/cache/"))
        // The shell's own.
        .filter(|file| file != ".bash_history")
        .collect()
}

fn store(world: &World) -> Vec<String> {
    let versions = fs::read_dir(world.home().join(".krew/store/regcred")).unwrap();
    versions
        .map(|version| version.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// The first commands below a heading of docs/install.md, as they stand there.
fn commands(heading: &str) -> String {
    let (_, section) = DOCUMENT.split_once(&format!("\n## {heading}\n")).unwrap();
    let lines = section.lines().skip_while(|line| !line.starts_with("    "));
    let block = lines.take_while(|line| line.starts_with("    "));
    block.fold(String::new(), |all, line| all + line.trim() + "\n")
}

/// Runs them, with this world's names in place of the example's.
fn bash(world: &World, release: &Release, commands: &str) -> Ran {
    let index = release.index().display().to_string();
    let commands = commands
        .replace("https://gitea.example.com/regcred/krew-index.git", &index)
        .replace("gitea.example.com", &world.registry());
    world.run(world.command("bash").args(["-e", "-c", &commands]), "")
}

scenario!(installed_used_upgraded_and_gone, needs(REAL_PARTS, KREW));
/// What docs/install.md says, word for word.
fn installed_used_upgraded_and_gone() {
    let release = Release::of_this_tree();
    let world = workstation();
    let before = left(&world);
    let token = world.gitea.add_token("admin", "write:package");
    release.publish(&release.manifest(None));

    let install = commands("With krew");
    let (krew, setup) = install.split_at(install.find("kubectl regcred").unwrap());
    let said = bash(&world, &release, krew);
    assert!(
        said.stderr.contains("kubectl regcred docker setup"),
        "the caveats: {said}"
    );
    let _ = said.done();
    assert_eq!(store(&world), [VERSION]);
    let version = kubectl(&world, "regcred version", "").done();
    assert!(version.contains(&VERSION[1..]), "{version}");

    let login = "regcred login [REGISTRY] -u admin --token-stdin";
    let _ = kubectl(&world, login, &token).done();
    let setup = bash(&world, &release, setup).done();
    let link = "link [FOLDER]/home/.krew/bin/docker-credential-gitea";
    assert!(setup.starts_with(&format!("{link} created\n")), "{setup}");
    assert!(helper(&world, "get").done().contains(&token));
    let _ = kubectl(&world, "regcred sync -n [NAMESPACE]", "").done();

    let higher = "v99.0.0";
    release.publish(&release.manifest(Some(higher)));
    let _ = bash(&world, &release, &commands("Upgrade")).done();
    assert_eq!(store(&world), [higher], "krew keeps no older version");
    assert!(helper(&world, "get").done().contains(&token), "through the same link");
    let unchanged = kubectl(&world, "regcred sync -n [NAMESPACE]", "").done();
    assert!(unchanged.contains(" unchanged in namespace "), "{unchanged}");

    let removed = bash(&world, &release, &commands("Uninstall")).done();
    assert!(removed.contains(&format!("{link} removed\n")), "{removed}");
    assert_eq!(left(&world), before);
    assert_eq!(world.keychain().list().unwrap(), []);
    let name = kubectl(
        &world,
        "get secrets -n [NAMESPACE] -l app.kubernetes.io/managed-by=kubectl-regcred -o name",
        "",
    );
    assert_eq!(
        name.done(),
        "secret/gitea-credentials\n",
        "Secrets are not krew's to take away"
    );
}

scenario!(installed_from_files_and_uninstalled_at_once, needs(REAL_PARTS, KREW));
/// From two files, and taken away without `docker remove`: what is left of it is in krew's way.
fn installed_from_files_and_uninstalled_at_once() {
    let release = Release::of_this_tree();
    let world = workstation();
    let token = world.gitea.add_token("admin", "write:package");
    let archive = release.dist().join(format!("regcred-{VERSION}-{}.tar.gz", krew::HERE));
    // krew wants an index even for a manifest that comes from none.
    add_index(&world, &release);
    let install = format!(
        "krew install --manifest={} --archive={}",
        release.manifest(None).display(),
        archive.display()
    );
    let _ = kubectl(&world, &install, "").done();
    let _ = kubectl(&world, "regcred login [REGISTRY] -u admin --token-stdin", &token).done();
    let _ = kubectl(&world, "regcred docker setup", "").done();
    let _ = kubectl(&world, "krew uninstall regcred", "").done();
    let link = world.home().join(".krew/bin/docker-credential-gitea");
    assert!(link.is_symlink() && !link.exists(), "krew knows nothing of it");

    // A krew without a single receipt takes what lies in its bin folder for the remains of an old krew. Where krew has
    // installed itself or anything else, it does not come to that.
    let refused = kubectl(&world, &install, "");
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("not supported anymore"), "{refused}");
    assert!(DOCUMENT.contains("rm ~/.krew/bin/docker-credential-gitea ~/.krew/bin/kubectl_complete-regcred\n"));
    fs::remove_file(&link).unwrap();
    let _ = kubectl(&world, &install, "").done();
    let _ = kubectl(&world, "regcred docker setup", "").done();
    assert!(helper(&world, "get").done().contains(&token));
    let _ = kubectl(&world, "regcred docker remove", "").done();
    assert!(!link.is_symlink());
}
