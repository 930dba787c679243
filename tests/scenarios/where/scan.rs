//! `where --scan`: what is found, what is not looked at, and how much of either it can be.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use snapbox::str;

use crate::support::PLUGIN;
use crate::support::bus::Running;
use crate::support::part::until;
use crate::support::parts::{DOUBLES, REAL, REAL_PARTS};
use crate::support::world::{Ran, World, auth};

const MIB: u64 = 1024 * 1024;

/// The current token and an earlier one.
fn two_tokens(world: &World) -> (String, String) {
    let [old, new] = [(), ()].map(|()| {
        let token = world.gitea.add_token("admin", "write:package");
        world
            .regcred_with("login [REGISTRY] -u admin --token-stdin", &token)
            .done();
        token
    });
    (new, old)
}

fn scan(world: &World, folder: &Path) -> Ran {
    world.regcred(&format!("where --offline --scan {}", folder.display()))
}

/// The copies in the document.
fn copies(world: &World, folder: &Path) -> Vec<Value> {
    let ran = world.regcred(&format!("where --offline -o json --scan {}", folder.display()));
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{ran}"));
    let items = document["items"].as_array().unwrap().iter();
    items.filter(|item| item["kind"] == "copy").cloned().collect()
}

fn git(world: &World, folder: &Path, args: &[&str]) -> String {
    let mut command: Command = world.command("git");
    command
        .arg("-C")
        .arg(folder)
        .args(["-c", "user.name=x", "-c", "user.email=x@x"]);
    world.run(command.args(args), "").done().trim().to_owned()
}

scenario!(finds_every_kind_of_file, on(DOUBLES, REAL));
fn finds_every_kind_of_file(world: &mut World) {
    let (new, old) = two_tokens(world);
    let folder = world.folder().join("x");
    let write = |name: &str, text: &str| world.write(&folder.join(name), text);
    write(
        "deploy/registry.env",
        &format!("REGISTRY=[REGISTRY]\nREGISTRY_USERNAME=admin\nREGISTRY_TOKEN={new}\n"),
    );
    write("deploy/.envrc", &format!("export GITEA_PAT={new}\n"));
    write(
        ".bash_history",
        &format!("ls\ndocker login -u admin -p{old} [REGISTRY]\nls\ncurl -u admin:{new} https://[REGISTRY]/\n"),
    );
    write(".zsh_history", &format!(": 1:0;export X={new}\n"));
    write(
        "fish/fish_history",
        &format!("- cmd: docker login -p {new}\n  when: 1\n"),
    );
    write(
        ".docker/config.json",
        &format!(r#"{{"auths":{{"[REGISTRY]":{{"auth":"[auth:admin:{new}]"}}}}}}"#),
    );
    write(
        "containers/auth.json",
        &format!(r#"{{"auths":{{"[REGISTRY]":{{"auth":"[auth:admin:{old}]"}}}}}}"#),
    );
    write(
        ".kube/config",
        &format!("users: [{{name: x, user: {{token: {new}}}}}]\n"),
    );
    write(".git-credentials", &format!("https://admin:{new}@[REGISTRY]\n"));
    let document = format!(r#"{{"auths":{{"x":{{"auth":"{}"}}}}}}"#, auth("admin", &new));
    write(
        "secret.yaml",
        &format!(
            "kind: Secret\ndata: {{.dockerconfigjson: {}}}\n",
            STANDARD.encode(document)
        ),
    );
    write("program", &format!("\0\0{new}"));
    write("nothing", &new[1..]);
    let ran = scan(world, &folder);
    assert!(
        !ran.to_string().contains(&new[..12]) && !ran.to_string().contains(&old[..12]),
        "{ran}"
    );
    ran.says(str![[r#"
exit 3
--- stdout
REGISTRY   USE   PLACE   TOKEN
[REGISTRY]   docker config [FOLDER]/x/containers/auth.json, line 1   earlier, in base64
[REGISTRY]   shell history [FOLDER]/x/.bash_history, line 2   earlier
[REGISTRY]   docker   keychain   current
[REGISTRY]   docker   docker config [FOLDER]/x/.docker/config.json, line 1   current, in base64
[REGISTRY]   docker   env file [FOLDER]/x/deploy/.envrc, line 1   current
[REGISTRY]   docker   env file [FOLDER]/x/deploy/registry.env, line 3   current
[REGISTRY]   docker   file [FOLDER]/x/program   current
[REGISTRY]   docker   file [FOLDER]/x/secret.yaml, line 2   current, in base64
[REGISTRY]   docker   git credentials [FOLDER]/x/.git-credentials, line 1   current
[REGISTRY]   docker   kubeconfig [FOLDER]/x/.kube/config, line 1   current
[REGISTRY]   docker   shell history [FOLDER]/x/.bash_history, line 4   current
[REGISTRY]   docker   shell history [FOLDER]/x/.zsh_history, line 1   current
[REGISTRY]   docker   shell history [FOLDER]/x/fish/fish_history, line 1   current
--- stderr
searched 12 files (1 KiB): 12 copies
hint: env file: delete the line with the token, which the keychain has
hint: rm [FOLDER]/x/deploy/registry.env
hint: bash history: delete the line with an editor, then run "history -c; history -r" in every open bash, which would write it again when it ends
hint: fish history: run "history delete --contains docker", or another word of that command, in fish, and choose the command
hint: zsh history: run "unset HISTFILE" in every open zsh, which would write the line again when it ends, and delete the line with an editor
hint: docker config: let docker and podman ask the keychain
hint: kubectl regcred docker setup [REGISTRY]
hint: kubeconfig: delete the token from it; a registry's token is of no use there
hint: git credentials: delete the token from the file, and give git one of its own
hint: file: delete the token from it, or the file
hint: if others can read one of them, change the token: kubectl regcred rotate [REGISTRY] --use docker

"#]]);
}

scenario!(finds_nothing_where_there_is_nothing, on(DOUBLES, REAL));
fn finds_nothing_where_there_is_nothing(world: &mut World) {
    let (new, _) = two_tokens(world);
    let folder = world.folder().join("x");
    world.write(&folder.join("a"), "nothing\n");
    // What is compressed is not unpacked: docs/where.md says so.
    let mut gzip = world.command("gzip");
    gzip.arg("-c")
        .stdin(Stdio::piped())
        .stdout(File::create(folder.join("a.gz")).unwrap());
    let mut child = gzip.spawn().unwrap();
    child.stdin.take().unwrap().write_all(new.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    scan(world, &folder).says(str![[r#"
exit 0
--- stdout
REGISTRY   USE   PLACE   TOKEN
[REGISTRY]   docker   keychain   current
--- stderr
searched 2 files ([..] B): no copy of a token that is kept here

"#]]);
}

scenario!(finds_git_objects, on(DOUBLES, REAL));
fn finds_git_objects(world: &mut World) {
    let (new, old) = two_tokens(world);
    let folder = world.folder().join("x");
    let file = folder.join("deploy/registry.env");
    world.write(&file, &format!("REGISTRY_TOKEN={new}\n"));
    git(world, &folder, &["init", "-q"]);
    git(world, &folder, &["add", "."]);
    git(world, &folder, &["commit", "-q", "-m", "one"]);
    let first = git(world, &folder, &["rev-parse", "HEAD"]);
    let blob = git(world, &folder, &["rev-parse", "HEAD:deploy/registry.env"]);
    // It is deleted, packed, and its folder is named so that it would run something.
    fs::remove_file(&file).unwrap();
    git(
        world,
        &folder,
        &["commit", "-q", "-a", "-m", &format!("no {old} any more")],
    );
    git(world, &folder, &["gc", "-q"]);
    let last = git(world, &folder, &["rev-parse", "HEAD"]);
    // And an object that no commit has.
    world.write(&folder.join("loose"), &format!("{old} "));
    let loose = git(world, &folder, &["hash-object", "-w", "loose"]);
    fs::remove_file(folder.join("loose")).unwrap();
    let found = copies(world, &folder);
    let object = |id: &str| {
        let of_it: Vec<_> = found.iter().filter(|item| item["object"]["id"] == *id).collect();
        let [item] = of_it[..] else { panic!("{found:#?}") };
        assert_eq!(item["what"], "gitObject");
        assert!(item["file"].as_str().unwrap().ends_with("/x/.git"), "{item}");
        item
    };
    assert_eq!(object(&blob)["object"]["path"], "deploy/registry.env");
    assert_eq!(object(&blob)["object"]["commit"], first);
    assert_eq!(object(&blob)["token"], "current");
    assert_eq!(object(&last)["token"], "earlier");
    assert_eq!(object(&last)["object"]["commit"], last);
    assert_eq!(object(&loose)["object"]["commit"], Value::Null);
    // The message is also in git's log of what HEAD was, and in the last message, which are files.
    let files = found.iter().filter(|item| item["object"].is_null());
    assert!(files.clone().count() >= 1, "{found:#?}");
    assert!(
        files
            .clone()
            .all(|item| item["file"].as_str().unwrap().contains("/.git/")),
        "{found:#?}"
    );
    let ran = scan(world, &folder);
    assert_eq!(ran.code, 3, "{ran}");
    let registry = "[REGISTRY] --use docker";
    for says in [
        format!(
            "git object {} (deploy/registry.env of commit {})",
            &blob[..12],
            &first[..12]
        ),
        format!("git object {} (a commit)", &last[..12]),
        format!("hint: kubectl regcred rotate {registry}"),
        "git-filter-repo".to_owned(),
    ] {
        assert!(ran.to_string().contains(&says), "{says}\n{ran}");
    }
    assert!(
        !ran.to_string().contains(&new) && !ran.to_string().contains(&old),
        "{ran}"
    );
}

scenario!(a_worktree_leads_to_its_repository, on(DOUBLES));
fn a_worktree_leads_to_its_repository(world: &mut World) {
    let (new, _) = two_tokens(world);
    let (main, bare) = (world.home().join("main"), world.home().join("y/bare.git"));
    world.write(&main.join("a"), &new);
    git(world, &main, &["init", "-q"]);
    git(world, &main, &["add", "."]);
    git(world, &main, &["commit", "-q", "-m", "one"]);
    let blob = git(world, &main, &["rev-parse", "HEAD:a"]);
    let tree = world.home().join("x/tree");
    git(world, &main, &["worktree", "add", "-q", &tree.display().to_string()]);
    fs::create_dir_all(bare.parent().unwrap()).unwrap();
    git(
        world,
        &main,
        &["clone", "-q", "--bare", ".", &bare.display().to_string()],
    );
    for (folder, repository) in [(&tree, "main/.git"), (&bare, "y/bare.git")] {
        let found = copies(world, folder);
        let objects: Vec<_> = found.iter().filter(|item| item["object"]["id"] == *blob).collect();
        let [object] = objects[..] else { panic!("{found:#?}") };
        assert!(object["file"].as_str().unwrap().ends_with(repository), "{object}");
    }
}

scenario!(runs_nothing_of_a_repositorys_configuration, on(DOUBLES));
fn runs_nothing_of_a_repositorys_configuration(world: &mut World) {
    let (new, _) = two_tokens(world);
    let folder = world.folder().join("x");
    let mark = world.home().join("mark");
    world.write(&folder.join("a"), &new);
    world.write(&folder.join(".gitattributes"), "* diff=evil filter=evil\n");
    git(world, &folder, &["init", "-q"]);
    git(world, &folder, &["add", "."]);
    git(world, &folder, &["commit", "-q", "-m", "one"]);
    let run = format!("touch {}; false", mark.display());
    for (name, value) in [
        ("core.fsmonitor", run.as_str()),
        ("core.pager", &run),
        ("core.sshCommand", &run),
        ("diff.external", &run),
        ("diff.evil.textconv", &run),
        ("diff.evil.command", &run),
        ("filter.evil.smudge", &run),
        ("gpg.program", &run),
        ("log.showSignature", "true"),
        ("log.showRoot", "false"),
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.url", "ssh://git.example.com/x"),
        ("remote.origin.promisor", "true"),
    ] {
        git(world, &folder, &["config", name, value]);
    }
    // Another repository's variables lead nowhere.
    world.variables.insert("GIT_DIR".to_owned(), "/nonexistent".into());
    let found = copies(world, &folder);
    let objects: Vec<_> = found.iter().filter(|item| item["what"] == "gitObject").collect();
    assert_eq!(objects.len(), 1, "{found:#?}");
    assert_eq!(objects[0]["object"]["path"], "a");
    assert!(!mark.exists());
}

scenario!(follows_no_links_and_opens_no_pipes, on(DOUBLES, REAL));
fn follows_no_links_and_opens_no_pipes(world: &mut World) {
    let (new, _) = two_tokens(world);
    let (folder, other) = (world.folder().join("x"), world.home().join("other"));
    world.write(&folder.join("deep/er/file"), &format!("\n\n{new}\n{new}"));
    world.write(&other.join("file"), &new);
    symlink(&folder, folder.join("deep/loop")).unwrap();
    symlink(&other, folder.join("elsewhere")).unwrap();
    symlink(other.join("file"), folder.join("link")).unwrap();
    symlink("/dev/zero", folder.join("zero")).unwrap();
    let pipe = Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap();
    assert!(pipe.success());
    let _socket = UnixListener::bind(folder.join("socket")).unwrap();
    let found = copies(world, &folder);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["lines"], serde_json::json!([3, 4]));
    assert_eq!(found[0]["count"], 2);
    // The folder itself may be named by a link, and twice.
    let line = format!(
        "where --offline --scan {} --scan {}",
        folder.join("deep/loop").display(),
        folder.display()
    );
    world.regcred(&line).says(str![[r#"
exit 3
--- stdout
REGISTRY   USE   PLACE   TOKEN
[REGISTRY]   docker   keychain   current
[REGISTRY]   docker   file [FOLDER]/x/deep/er/file, lines 3, 4   current
--- stderr
searched 1 file (83 B): 1 copy
hint: file: delete the token from it, or the file
hint: if others can read one of them, change the token: kubectl regcred rotate [REGISTRY] --use docker

"#]]);
}

scenario!(what_cannot_be_read_is_said, on(DOUBLES, REAL));
fn what_cannot_be_read_is_said(world: &mut World) {
    let (new, _) = two_tokens(world);
    let folder = world.folder().join("x");
    world.write(&folder.join("file"), &new);
    // A repository that git cannot read, and a name that would move the cursor.
    for name in ["broken/objects", "broken/refs", "ev\u{1b}[31mil"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    fs::write(folder.join("broken/HEAD"), "nothing").unwrap();
    world.write(&folder.join("ev\u{1b}[31mil/it's; rm -rf $HOME.env"), &new);
    let line = format!(
        "where --offline --scan {} --scan {} --scan /proc",
        folder.display(),
        folder.join("missing").display()
    );
    let ran = world.regcred(&line);
    assert!(!ran.to_string().contains('\u{1b}'), "{ran:?}");
    ran.says(str![[r#"
exit 1
--- stdout
REGISTRY   USE   PLACE   TOKEN
[REGISTRY]   docker   keychain   current
[REGISTRY]   docker   env file [FOLDER]/x/ev [31mil/it's; rm -rf $HOME.env, line 1   current
[REGISTRY]   docker   file [FOLDER]/x/file, line 1   current
--- stderr
searched 3 files (87 B): 2 copies
hint: env file: delete the line with the token, which the keychain has
hint: file: delete the token from it, or the file
hint: if others can read one of them, change the token: kubectl regcred rotate [REGISTRY] --use docker
error: /proc was not looked at: the kernel makes what is in it; there are no files
error: [FOLDER]/x/broken was not looked at: its git objects: fatal: not a git repository (or any of the parent directories): .git
error: [FOLDER]/x/missing was not looked at: No such file or directory (os error 2)

"#]]);
    let ran = world.regcred(&format!("{line} -o json"));
    assert_eq!(ran.code, 1, "{ran}");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let unread = document["notLookedAt"].as_array().unwrap();
    assert_eq!(unread.len(), 3, "{ran}");
    assert!(unread.iter().all(|one| one["file"].is_string()), "{ran}");
}

scenario!(a_folder_without_the_right_to_read_it, needs(REAL_PARTS, "setpriv"));
/// Tests can run as root, who may read everything.
fn a_folder_without_the_right_to_read_it() {
    let world = World::of_real_parts();
    two_tokens(&world);
    let folder = world.folder().join("x");
    for name in ["folder/below", "file"] {
        world.write(&folder.join(name), "nothing");
    }
    for (name, mode) in [("folder", 0o000), ("file", 0o000)] {
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let mut command = world.command("setpriv");
    command.args(["--inh-caps=-all", "--bounding-set=-all", PLUGIN]);
    let ran = world.run(command.args(["where", "--offline", "--scan"]).arg(&folder), "");
    fs::set_permissions(folder.join("folder"), fs::Permissions::from_mode(0o700)).unwrap();
    ran.says(str![[r#"
exit 1
--- stdout
REGISTRY   USE   PLACE   TOKEN
[REGISTRY]   docker   keychain   current
--- stderr
searched 0 files (0 B): no copy of a token that is kept here
error: [FOLDER]/x/file was not looked at: Permission denied (os error 13)
error: [FOLDER]/x/folder was not looked at: Permission denied (os error 13)

"#]]);
}

scenario!(a_large_file_needs_little_memory, needs(REAL_PARTS));
fn a_large_file_needs_little_memory() {
    let world = World::of_real_parts();
    let (new, _) = two_tokens(&world);
    let folder = world.folder().join("x");
    fs::create_dir(&folder).unwrap();
    let mut file = File::create(folder.join("disk.img")).unwrap();
    // Across a border of what is read at once, and at the end.
    for at in [100 * MIB - 20, 256 * MIB - 40] {
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(new.as_bytes()).unwrap();
    }
    drop(file);
    let mut command = world.command("sh");
    // All of its memory, with the program itself and the stacks of its threads.
    command.args(["-c", "ulimit -v 200000 && exec \"$@\"", "sh", PLUGIN]);
    command
        .args(["where", "--offline", "-o", "json", "--scan"])
        .arg(&folder);
    let ran = world.run(&mut command, "");
    assert_eq!(ran.code, 3, "{ran}");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let items = document["items"].as_array().unwrap();
    let copy = items.iter().find(|item| item["kind"] == "copy").unwrap();
    assert_eq!(copy["count"], 2, "{ran}");
}

scenario!(ctrl_c_ends_it_with_what_was_found, needs(REAL_PARTS));
fn ctrl_c_ends_it_with_what_was_found() {
    let world = World::of_real_parts();
    let (new, _) = two_tokens(&world);
    let (found, endless) = (world.folder().join("a"), world.folder().join("b"));
    world.write(&found.join("file"), &new);
    fs::create_dir(&endless).unwrap();
    // Nobody waits until all of it is read.
    File::create(endless.join("hole")).unwrap().set_len(1 << 42).unwrap();
    let mut command = world.command(PLUGIN);
    command
        .args(["where", "--offline", "--scan"])
        .arg(&found)
        .arg("--scan")
        .arg(&endless);
    let mut running = Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let descriptors = Path::new("/proc").join(running.0.id().to_string()).join("fd");
    until("it reads the hole", || {
        let mut open = fs::read_dir(&descriptors).unwrap().flatten();
        open.any(|entry| fs::read_link(entry.path()).is_ok_and(|file| file.ends_with("hole")))
    });
    running.signal("INT");
    assert_eq!(running.0.wait().unwrap().code(), Some(130));
    let (mut stdout, mut stderr) = (String::new(), String::new());
    running.0.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    running.0.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert!(stdout.contains("/a/file, line 1"), "{stdout}");
    assert!(stderr.contains("ended by Ctrl-C"), "{stderr}");
}
