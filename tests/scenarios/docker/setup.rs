//! What setting up and taking out do, in this process.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use regcred::model::Use;
use snapbox::{assert_data_eq, str};

use super::fixture::{PLAIN, doubles};
use crate::support::world::{credential, trace};

scenario!(there_and_back);
fn there_and_back() {
    let world = doubles();
    let token = world.with_token();
    world.regcred("docker setup").says(str![[r#"
exit 0
--- stdout
credential/[REGISTRY] stored (admin, from [FOLDER]/.docker/config.json)
credHelpers/[REGISTRY] configured in [FOLDER]/.docker/config.json
auths/https://[REGISTRY]/v2/ emptied in [FOLDER]/.docker/config.json
--- stderr
verified at [REGISTRY], the token of admin, scopes write:package

"#]]);
    assert_eq!(world.kept(Use::Docker), Some(("admin".to_owned(), token.clone())));
    assert_data_eq!(
        world.read(&world.docker_file()),
        str![[r#"
{
  "auths": {
    "https://[REGISTRY]/v2/": {"email": "a@example.com"}
  },
  "detachKeys": "ctrl-e,e",
  "credHelpers": {
    "[REGISTRY]": "gitea"
  }
}

"#]]
    );
    let before = trace(&world.docker_file());
    world.regcred("docker setup").says(str![[r#"
exit 0
--- stdout
[FOLDER]/.docker/config.json unchanged
--- stderr

"#]]);
    assert_eq!(
        trace(&world.docker_file()),
        before,
        "nothing is written where nothing changes"
    );
    world.regcred("docker remove").says(str![[r#"
exit 0
--- stdout
credHelpers/[REGISTRY] removed from [FOLDER]/.docker/config.json
--- stderr
the tokens stay in the keychain, where docker no longer asks for them
hint: docker login REGISTRY gives docker one of its own; kubectl regcred docker setup goes back to the keychain

"#]]);
    assert_data_eq!(
        world.read(&world.docker_file()),
        str![[r#"
{
  "auths": {
    "https://[REGISTRY]/v2/": {"email": "a@example.com"}
  },
  "detachKeys": "ctrl-e,e"
}

"#]]
    );
    assert_eq!(world.kept(Use::Docker), Some(("admin".to_owned(), token)));
    world.regcred("docker remove").says(str![[r#"
exit 0
--- stdout
[FOLDER]/.docker/config.json unchanged
--- stderr

"#]]);
    assert!(!world.home().join(".local/state/regcred/docker.json").exists());

    // A file of our own making goes again.
    fs::remove_file(world.docker_file()).unwrap();
    world.regcred("docker setup").done();
    let mode = fs::metadata(world.docker_file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_data_eq!(
        world.read(&world.docker_file()),
        str![[r#"
{
	"credHelpers": {
		"[REGISTRY]": "gitea"
	}
}
"#]]
    );
    world.regcred("docker remove").done();
    assert!(!world.docker_file().exists());
}

scenario!(a_dry_run_shows_no_token_and_changes_nothing);
fn a_dry_run_shows_no_token_and_changes_nothing() {
    let world = doubles();
    let token = world.with_token();
    let before = trace(&world.docker_file());
    let ran = world.regcred("docker setup --dry-run=client");
    ran.says(str![[r#"
exit 0
--- stdout
credential/[REGISTRY] stored (admin, from [FOLDER]/.docker/config.json) (dry run)
credHelpers/[REGISTRY] configured in [FOLDER]/.docker/config.json (dry run)
auths/https://[REGISTRY]/v2/ emptied in [FOLDER]/.docker/config.json (dry run)
--- [FOLDER]/.docker/config.json
+++ [FOLDER]/.docker/config.json
@@ -1,6 +1,9 @@
 {
   "auths": {
-   "https://[REGISTRY]/v2/": {"auth": "***", "email": "***"}
+   "https://[REGISTRY]/v2/": {"email": "***"}
   },
-  "detachKeys": "ctrl-e,e"
+  "detachKeys": "ctrl-e,e",
+  "credHelpers": {
+   "[REGISTRY]": "gitea"
+  }
 }
--- stderr

"#]]);
    assert!(!ran.stdout.contains(&token));
    assert_eq!(trace(&world.docker_file()), before);
    assert_eq!(world.kept(Use::Docker), None);
    assert!(!world.home().join(".local").exists());
    assert!(world.gitea.requests().is_empty(), "nobody is asked");
    assert_eq!(world.regcred("docker setup --dry-run=server").code, 2);

    world.regcred("docker setup").done();
    let before = trace(&world.docker_file());
    world.regcred("docker remove --dry-run=client").says(str![[r#"
exit 0
--- stdout
credHelpers/[REGISTRY] removed from [FOLDER]/.docker/config.json (dry run)
--- [FOLDER]/.docker/config.json
+++ [FOLDER]/.docker/config.json
@@ -2,8 +2,5 @@
   "auths": {
   "https://[REGISTRY]/v2/": {"email": "***"}
   },
-  "detachKeys": "ctrl-e,e",
-  "credHelpers": {
-   "[REGISTRY]": "gitea"
-  }
+  "detachKeys": "ctrl-e,e"
 }
--- stderr
the tokens stay in the keychain, where docker no longer asks for them
hint: docker login REGISTRY gives docker one of its own; kubectl regcred docker setup goes back to the keychain

"#]]);
    assert_eq!(trace(&world.docker_file()), before);
}

scenario!(every_registry);
fn every_registry() {
    let world = doubles();
    world.keep("admin", "t");
    world.write_docker(r#"{"credHelpers":{"[REGISTRY]":"","other.example.com":"ecr-login"}}"#);
    world.regcred("docker setup --default").says(str![[r#"
exit 0
--- stdout
credHelpers/[REGISTRY] configured in [FOLDER]/.docker/config.json
credsStore configured in [FOLDER]/.docker/config.json
--- stderr
warning: while the keychain is locked or missing, buildx, crane, oras, helm and docker 29 now fail for public images too
hint: without --default, only for those of the registries you log in to: kubectl regcred docker remove && kubectl regcred docker setup

"#]]);
    assert_eq!(
        world.read(&world.docker_file()),
        r#"{"credHelpers":{"[REGISTRY]":"gitea","other.example.com":"ecr-login"},"credsStore":"gitea"}"#
    );
    let ran = world.regcred("docker remove [REGISTRY]");
    ran.says(str![[r#"
exit 0
--- stdout
credHelpers/[REGISTRY] removed from [FOLDER]/.docker/config.json
--- stderr
warning: credsStore in [FOLDER]/.docker/config.json still names gitea, for every registry
hint: kubectl regcred docker remove

"#]]);
    world.regcred("docker remove").done();
    assert_eq!(
        world.read(&world.docker_file()),
        r#"{"credHelpers":{"[REGISTRY]":"","other.example.com":"ecr-login"}}"#
    );
}

scenario!(what_cannot_be_verified_or_moved_is_said);
fn what_cannot_be_verified_or_moved_is_said() {
    let world = doubles();
    world.write_docker(
        r#"{"auths":{"[REGISTRY]":{"auth":"[auth:admin:dead]"},"[REGISTRY]/org":{"auth":"[auth:admin:below]"},
"127.0.0.1:1":{"identitytoken":"idtok"},"other.example.com":{"registrytoken":"bearer"},"done.example.com":{},
"ftp://x":{"auth":"[auth:admin:x]"}}}"#,
    );
    world.regcred("docker setup").says(str![[r#"
exit 0
--- stdout
credential/127.0.0.1:1 stored (<token>, from [FOLDER]/.docker/config.json)
credential/[REGISTRY] stored (admin, from [FOLDER]/.docker/config.json)
credHelpers/127.0.0.1:1 configured in [FOLDER]/.docker/config.json
credHelpers/[REGISTRY] configured in [FOLDER]/.docker/config.json
auths/[REGISTRY] emptied in [FOLDER]/.docker/config.json
auths/127.0.0.1:1 emptied in [FOLDER]/.docker/config.json
--- stderr
warning: auths/[REGISTRY]/org in [FOLDER]/.docker/config.json stays in plain text: a credential helper is asked about whole registries, not about a path below one
warning: auths/other.example.com in [FOLDER]/.docker/config.json stays in plain text: it is a registry token, which credential helpers cannot carry
warning: auths/ftp://x in [FOLDER]/.docker/config.json stays in plain text: that is not the name of a registry
warning: 127.0.0.1:1: the credential of <token> is moved although it could not be verified: this is an identity token of docker's own login, which nobody else can verify
warning: [REGISTRY]: the credential of admin is moved although it could not be verified: [REGISTRY] does not accept the token: invalid username, password or token

"#]]);
    assert_eq!(world.kept(Use::Docker), Some(("admin".to_owned(), "dead".to_owned())));
    assert_data_eq!(
        world.read(&world.docker_file()),
        str![[r#"
{"auths":{"[REGISTRY]":{},"[REGISTRY]/org":{"auth":"YWRtaW46YmVsb3c="},
"127.0.0.1:1":{},"other.example.com":{"registrytoken":"bearer"},"done.example.com":{},
"ftp://x":{"auth":"YWRtaW46eA=="}},"credHelpers":{"127.0.0.1:1":"gitea","[REGISTRY]":"gitea"}}
"#]]
    );
    let got = world.helper("get", "127.0.0.1:1").done();
    assert!(got.contains(r#""Username":"<token>","Secret":"idtok""#), "{got}");

    // Nobody is asked where nobody should be.
    let world = doubles();
    world.write_docker(r#"{"auths":{"[REGISTRY]":{"auth":"[auth:admin:dead]"}}}"#);
    world.regcred("docker setup --no-verify").says(str![[r#"
exit 0
--- stdout
credential/[REGISTRY] stored (admin, from [FOLDER]/.docker/config.json)
credHelpers/[REGISTRY] configured in [FOLDER]/.docker/config.json
auths/[REGISTRY] emptied in [FOLDER]/.docker/config.json
--- stderr
not verified at [REGISTRY]

"#]]);
    assert!(world.gitea.requests().is_empty());
    let empty = doubles();
    empty.regcred("docker setup").says(str![[r#"
exit 0
--- stdout
--- stderr
there is no credential to set up, neither in the keychain nor in docker's and podman's files
hint: kubectl regcred login REGISTRY -u USER

"#]]);
    assert!(!empty.docker_file().exists());
    // A registry that there is no credential of.
    world.regcred("docker setup new.example.com").says(str![[r#"
exit 0
--- stdout
credHelpers/new.example.com configured in [FOLDER]/.docker/config.json
--- stderr
the keychain holds no credential of new.example.com yet
hint: kubectl regcred login new.example.com -u USER

"#]]);
}

scenario!(links_modes_and_times_stay);
fn links_modes_and_times_stay() {
    let world = doubles();
    let token = world.gitea.add_token("admin", "write:package");
    let dotfiles = world.folder().join("dotfiles/docker");
    fs::create_dir_all(&dotfiles).unwrap();
    let file = dotfiles.join("config.json");
    world.write(&file, &PLAIN.replace("TOKEN", &token));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    // A chain, relative and absolute.
    symlink("dotfiles", world.folder().join("link")).unwrap();
    symlink(world.folder().join("link/docker/config.json"), world.docker_file()).unwrap();
    // podman's is a link to the same file.
    symlink(world.docker_file(), world.podman_file()).unwrap();
    let ran = world.regcred("docker setup");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(world.docker_file().symlink_metadata().unwrap().is_symlink());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o640);
    assert!(world.read(&file).contains("credHelpers"));
    assert_eq!(world.kept(Use::Docker).unwrap().1, token);
    let left: Vec<_> = fs::read_dir(&dotfiles)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["config.json"]);
    world.regcred("docker remove").done();
    assert!(!world.read(&file).contains("credHelpers"));
}

scenario!(folders_of_our_own_making_go_again);
fn folders_of_our_own_making_go_again() {
    let mut world = doubles();
    world.keep("admin", "t");
    let real = world.folder().join("real");
    fs::create_dir(&real).unwrap();
    symlink(&real, world.folder().join("link")).unwrap();
    let folder = world.folder().join("link/a/b");
    let variable = folder.clone().into_os_string();
    world.variables.insert("DOCKER_CONFIG".to_owned(), variable);
    world.regcred("docker setup").done();
    let mode = fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    world.regcred("docker remove").done();
    assert_eq!(fs::read_dir(&real).unwrap().count(), 0);
    assert!(real.exists(), "this one was there before");
    assert!(!world.home().join(".local/state/regcred/docker.json").exists());

    // Not where somebody has put something into one.
    world.regcred("docker setup").done();
    fs::write(real.join("a/other"), "").unwrap();
    world.regcred("docker remove").done();
    assert!(!folder.exists() && real.join("a/other").exists());
}

scenario!(names_in_other_spellings);
/// Clients compare names literally, so each gets a key of its own.
fn names_in_other_spellings() {
    let world = doubles();
    let before = r#"{"auths":{"a.example.com:443":{"auth":"[auth:admin:a]"},"https://B.example.com/v1/":{"auth":"[auth:admin:b]"},"registry-1.docker.io":{"auth":"[auth:admin:hub]"},"http://c.example.com:80":{"auth":"[auth:admin:c]"}}}"#;
    world.write_docker(before);
    world.regcred("docker setup --no-verify").done();
    let text = world.read(&world.docker_file());
    assert!(!text.contains("\"auth\""), "{text}");
    let file: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys: Vec<&String> = file["credHelpers"].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "B.example.com",
            "a.example.com",
            "a.example.com:443",
            "b.example.com",
            "c.example.com:80",
            "https://index.docker.io/v1/",
            "registry-1.docker.io",
        ]
    );
    for (name, token) in [
        ("a.example.com:443", "a"),
        ("B.example.com", "b"),
        ("registry-1.docker.io", "hub"),
        ("c.example.com:80", "c"),
    ] {
        let got = world.helper("get", name).done();
        assert!(got.contains(&format!(r#""Secret":"{token}""#)), "{name}: {got}");
    }
    let status = world.regcred("docker status").done();
    assert!(!status.contains("nobody"), "{status}");
    assert!(
        status.contains("a.example.com:443   docker   keychain, as admin"),
        "{status}"
    );
    world.regcred("docker setup a.example.com:443").says(str![[r#"
exit 0
--- stdout
[FOLDER]/.docker/config.json unchanged
--- stderr

"#]]);
    world.regcred("docker remove a.example.com").done();
    let text = world.read(&world.docker_file());
    assert!(
        !text.contains("\"a.example.com\"") && !text.contains(r#""a.example.com:443":"gitea""#),
        "{text}"
    );
    world.regcred("docker setup a.example.com:443").done();
    assert!(
        world
            .read(&world.docker_file())
            .contains(r#""a.example.com:443":"gitea""#)
    );
    world.regcred("docker remove").done();
    let moved = ["a", "b", "hub", "c"].iter().fold(before.to_owned(), |text, token| {
        text.replace(&format!(r#"{{"auth":"[auth:admin:{token}]"}}"#), "{}")
    });
    assert_eq!(world.read(&world.docker_file()), moved);

    // A spelling that asks somebody else is left to that helper.
    let world = doubles();
    world
        .keychain()
        .put(Use::Docker, &credential("a.example.com", "admin", "t"))
        .unwrap();
    world.write_docker(r#"{"auths":{"a.example.com:443":{}},"credHelpers":{"a.example.com:443":"pass"}}"#);
    world.regcred("docker setup").done();
    let text = world.read(&world.docker_file());
    assert!(
        text.contains(r#"{"a.example.com:443":"pass","a.example.com":"gitea"}"#),
        "{text}"
    );
}
