//! What setting up and removing do, in this process.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use libtest_mimic::Trial;
use snapbox::{assert_data_eq, str};

use super::place::Place;
use crate::support::gate::Manner;
use crate::support::part::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("docker/double: there and back", there_and_back),
        trial("docker/double: a dry run shows no token and changes nothing", dry_run),
        trial("docker/double: every registry", by_default),
        trial("docker/double: credentials that differ", differing),
        trial("docker/double: what cannot be verified or moved is said", said),
        trial("docker/double: podman's files", podman),
        trial("docker/double: other helpers are asked", other_helpers),
        trial("docker/double: links, modes and times stay", links_and_modes),
        trial("docker/double: killed at the keychain", killed),
        trial("docker/double: remove without memory", without_memory),
    ]
}

const PLAIN: &str = r#"{
  "auths": {
    "https://[REGISTRY]/v2/": {"auth": "[auth:admin:TOKEN]", "email": "a@example.com"}
  },
  "detachKeys": "ctrl-e,e"
}
"#;

fn with_token(place: &Place) -> String {
    let token = place.world.gitea.add_token("admin", "write:package");
    place.write_docker(&PLAIN.replace("TOKEN", &token));
    token
}

fn there_and_back() {
    let place = Place::of_doubles();
    let token = with_token(&place);
    assert_data_eq!(
        place.world.regcred("docker setup").to_string(),
        str![[r#"
exit 0
--- stdout
credential/[REGISTRY] stored (admin, from [FOLDER]/.docker/config.json)
credHelpers/[REGISTRY] configured in [FOLDER]/.docker/config.json
auths/https://[REGISTRY]/v2/ emptied in [FOLDER]/.docker/config.json
--- stderr
verified at [REGISTRY], the token of admin, scopes write:package

"#]]
    );
    assert_eq!(place.kept(), Some(("admin".to_owned(), token.clone())));
    assert_data_eq!(
        place.read(&place.docker),
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
    let before = Place::trace(&place.docker);
    assert_data_eq!(
        place.world.regcred("docker setup").to_string(),
        str![[r#"
exit 0
--- stdout
[FOLDER]/.docker/config.json unchanged
--- stderr

"#]]
    );
    assert_eq!(
        Place::trace(&place.docker),
        before,
        "nothing is written where nothing changes"
    );
    assert_data_eq!(
        place.world.regcred("docker remove").to_string(),
        str![[r#"
exit 0
--- stdout
credHelpers/[REGISTRY] removed from [FOLDER]/.docker/config.json
--- stderr
the tokens stay in the keychain, where docker no longer asks for them
hint: docker login REGISTRY gives docker one of its own; kubectl regcred docker setup goes back to the keychain

"#]]
    );
    assert_data_eq!(
        place.read(&place.docker),
        str![[r#"
{
  "auths": {
    "https://[REGISTRY]/v2/": {"email": "a@example.com"}
  },
  "detachKeys": "ctrl-e,e"
}

"#]]
    );
    assert_eq!(place.kept(), Some(("admin".to_owned(), token)));
    assert_data_eq!(
        place.world.regcred("docker remove").to_string(),
        str![[r#"
exit 0
--- stdout
[FOLDER]/.docker/config.json unchanged
--- stderr

"#]]
    );
    assert!(!place.world.home().join(".local/state/regcred/docker.json").exists());

    // A file of our own making goes again.
    fs::remove_file(&place.docker).unwrap();
    place.world.regcred("docker setup").done();
    let mode = fs::metadata(&place.docker).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_data_eq!(
        place.read(&place.docker),
        str![[r#"
{
	"credHelpers": {
		"[REGISTRY]": "gitea"
	}
}
"#]]
    );
    place.world.regcred("docker remove").done();
    assert!(!place.docker.exists());
}

fn dry_run() {
    let place = Place::of_doubles();
    let token = with_token(&place);
    let before = Place::trace(&place.docker);
    let ran = place.world.regcred("docker setup --dry-run=client");
    assert_data_eq!(
        ran.to_string(),
        str![[r#"
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

"#]]
    );
    assert!(!ran.stdout.contains(&token));
    assert_eq!(Place::trace(&place.docker), before);
    assert_eq!(place.kept(), None);
    assert!(!place.world.home().join(".local").exists());
    assert!(place.world.gitea.requests().is_empty(), "nobody is asked");
    assert_eq!(place.world.regcred("docker setup --dry-run=server").code, 2);

    place.world.regcred("docker setup").done();
    let before = Place::trace(&place.docker);
    assert_data_eq!(
        place.world.regcred("docker remove --dry-run=client").to_string(),
        str![[r#"
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

"#]]
    );
    assert_eq!(Place::trace(&place.docker), before);
}

fn by_default() {
    let place = Place::of_doubles();
    place.keep("admin", "t");
    place.write_docker(r#"{"credHelpers":{"[REGISTRY]":"","other.example.com":"ecr-login"}}"#);
    assert_data_eq!(
        place.world.regcred("docker setup --default").to_string(),
        str![[r#"
exit 0
--- stdout
credHelpers/[REGISTRY] configured in [FOLDER]/.docker/config.json
credsStore configured in [FOLDER]/.docker/config.json
--- stderr

"#]]
    );
    assert_eq!(
        place.read(&place.docker),
        r#"{"credHelpers":{"[REGISTRY]":"gitea","other.example.com":"ecr-login"},"credsStore":"gitea"}"#
    );
    let ran = place.world.regcred("docker remove [REGISTRY]");
    assert_data_eq!(
        ran.to_string(),
        str![[r#"
exit 0
--- stdout
credHelpers/[REGISTRY] removed from [FOLDER]/.docker/config.json
--- stderr
warning: credsStore in [FOLDER]/.docker/config.json still names gitea, for every registry
hint: kubectl regcred docker remove

"#]]
    );
    place.world.regcred("docker remove").done();
    assert_eq!(
        place.read(&place.docker),
        r#"{"credHelpers":{"[REGISTRY]":"","other.example.com":"ecr-login"}}"#
    );
}

fn differing() {
    // The registry accepts one of the two.
    for dead_in_keychain in [false, true] {
        let place = Place::of_doubles();
        let token = place.world.gitea.add_token("admin", "write:package");
        let dead = place.world.gitea.add_token("admin", "write:package");
        place.world.gitea.revoke(&dead);
        let (kept, filed) = if dead_in_keychain {
            (&dead, &token)
        } else {
            (&token, &dead)
        };
        place.keep("admin", kept);
        place.write_docker(&PLAIN.replace("TOKEN", filed));
        let ran = place.world.regcred("docker setup");
        assert_eq!(ran.code, 0, "{ran}");
        assert!(
            ran.stderr.contains("does not accept the credential of admin from"),
            "{ran}"
        );
        assert_eq!(place.kept().unwrap().1, token);
        assert!(!place.read(&place.docker).contains("\"auth\""));
    }
    // It accepts both: nothing of it is touched.
    let place = Place::of_doubles();
    let one = place.world.gitea.add_token("admin", "write:package");
    let two = place.world.gitea.add_token("admin", "read:package");
    place.keep("admin", &one);
    place.write_docker(&PLAIN.replace("TOKEN", &two));
    let before = Place::trace(&place.docker);
    let ran = place.world.regcred("docker setup");
    assert_data_eq!(
        ran.to_string(),
        str![[r#"
exit 1
--- stdout
[FOLDER]/.docker/config.json unchanged
--- stderr
error: [REGISTRY]: the keychain and [FOLDER]/.docker/config.json hold different credentials, and the registry does not settle which one is right: all of them stay
hint: to keep the keychain's: docker logout [REGISTRY] (or podman logout), then set up again
hint: to keep the other: kubectl regcred logout [REGISTRY], then set up again

"#]]
    );
    assert_eq!(Place::trace(&place.docker), before);
    assert_eq!(place.kept().unwrap().1, one);
    // The second of the commands that it names.
    place.world.regcred("logout [REGISTRY]").done();
    place.world.regcred("docker setup").done();
    assert_eq!(place.kept().unwrap().1, two);
}

fn said() {
    let place = Place::of_doubles();
    place.write_docker(
        r#"{"auths":{"[REGISTRY]":{"auth":"[auth:admin:dead]"},"[REGISTRY]/org":{"auth":"[auth:admin:below]"},
"127.0.0.1:1":{"identitytoken":"idtok"},"other.example.com":{"registrytoken":"bearer"},"done.example.com":{}}}"#,
    );
    assert_data_eq!(
        place.world.regcred("docker setup").to_string(),
        str![[r#"
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
warning: 127.0.0.1:1: the credential of <token> is moved although it could not be verified: this is an identity token of docker's own login, which nobody else can verify
warning: [REGISTRY]: the credential of admin is moved although it could not be verified: [REGISTRY] does not accept the token: invalid username, password or token

"#]]
    );
    assert_eq!(place.kept(), Some(("admin".to_owned(), "dead".to_owned())));
    assert_data_eq!(
        place.read(&place.docker),
        str![[r#"
{"auths":{"[REGISTRY]":{},"[REGISTRY]/org":{"auth":"YWRtaW46YmVsb3c="},
"127.0.0.1:1":{},"other.example.com":{"registrytoken":"bearer"},"done.example.com":{}},"credHelpers":{"127.0.0.1:1":"gitea","[REGISTRY]":"gitea"}}
"#]]
    );
    let got = place.world.helper("get", "127.0.0.1:1").done();
    assert!(got.contains(r#""Username":"<token>","Secret":"idtok""#), "{got}");

    // Nobody is asked where nobody should be.
    let place = Place::of_doubles();
    place.write_docker(r#"{"auths":{"[REGISTRY]":{"auth":"[auth:admin:dead]"}}}"#);
    assert_data_eq!(
        place.world.regcred("docker setup --no-verify").to_string(),
        str![[r#"
exit 0
--- stdout
credential/[REGISTRY] stored (admin, from [FOLDER]/.docker/config.json)
credHelpers/[REGISTRY] configured in [FOLDER]/.docker/config.json
auths/[REGISTRY] emptied in [FOLDER]/.docker/config.json
--- stderr
not verified at [REGISTRY]

"#]]
    );
    assert!(place.world.gitea.requests().is_empty());
    // A registry that there is no credential of.
    assert_data_eq!(
        place.world.regcred("docker setup new.example.com").to_string(),
        str![[r#"
exit 0
--- stdout
credHelpers/new.example.com configured in [FOLDER]/.docker/config.json
--- stderr
the keychain holds no credential of new.example.com yet
hint: kubectl regcred login new.example.com -u USER

"#]]
    );
}

fn podman() {
    let place = Place::of_doubles();
    let token = place.world.gitea.add_token("admin", "write:package");
    let text = r#"{"auths":{"[REGISTRY]":{"auth":"[auth:admin:TOKEN]"}}}"#.replace("TOKEN", &token);
    place.write(&place.podman, &text);
    let config = place.world.home().join(".config/containers/auth.json");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    place.write(&config, &text);
    place.keep("admin", &token);
    place
        .world
        .keychain()
        .put(
            regcred::model::Use::Docker,
            &regcred::model::Credential {
                registry: "docker.io".parse().unwrap(),
                ..place.credential("hub", "t")
            },
        )
        .unwrap();
    assert_data_eq!(
        place.world.regcred("docker setup").to_string(),
        str![[r#"
exit 0
--- stdout
credHelpers/[REGISTRY] configured in [FOLDER]/.docker/config.json
credHelpers/https://index.docker.io/v1/ configured in [FOLDER]/.docker/config.json
credHelpers/[REGISTRY] configured in [FOLDER]/run/containers/auth.json
credHelpers/docker.io configured in [FOLDER]/run/containers/auth.json
auths/[REGISTRY] emptied in [FOLDER]/run/containers/auth.json
auths/[REGISTRY] emptied in [FOLDER]/.config/containers/auth.json
--- stderr

"#]]
    );
    assert_eq!(
        place.read(&place.podman),
        r#"{"auths":{"[REGISTRY]":{}},"credHelpers":{"[REGISTRY]":"gitea","docker.io":"gitea"}}"#,
        "podman's own name of Docker Hub"
    );
    assert_eq!(
        place.read(&config),
        r#"{"auths":{"[REGISTRY]":{}}}"#,
        "podman writes only to the first"
    );
    place.world.regcred("docker remove").done();
    assert_eq!(place.read(&place.podman), r#"{"auths":{"[REGISTRY]":{}}}"#);
    assert!(!place.docker.exists());
}

/// A helper that answers with one login, and says what it was asked.
fn other_helper(place: &mut Place, name: &str, answer: &str) {
    let folder = place.world.folder().join("bin");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(format!("docker-credential-{name}"));
    fs::write(&file, format!("#!/bin/sh\n{answer}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
    let path = place.world.variables["PATH"].clone();
    let path = std::iter::once(folder)
        .chain(std::env::split_paths(&path))
        .chain(["/usr/bin".into(), "/bin".into()]);
    let path = std::env::join_paths(path).unwrap();
    place.world.variables.insert("PATH".to_owned(), path);
}

fn other_helpers() {
    let login = |token: &str| {
        format!(
            r#"case $1 in
list) echo '{{"[REGISTRY]":"admin"}}' ;;
*) echo '{{"ServerURL":"x","Username":"admin","Secret":"{token}"}}' ;;
esac"#
        )
    };
    for flags in ["", " --default"] {
        let mut place = Place::of_doubles();
        let token = place.world.gitea.add_token("admin", "write:package");
        let answer = login(&token).replace("[REGISTRY]", &place.world.registry());
        other_helper(&mut place, "pass", &answer);
        let before = if flags.is_empty() {
            r#"{"credHelpers":{"[REGISTRY]":"pass"}}"#
        } else {
            r#"{"credsStore":"pass"}"#
        };
        place.write_docker(before);
        let ran = place.world.regcred(&format!("docker setup [REGISTRY]{flags}"));
        assert_eq!(ran.code, 0, "{ran}");
        assert!(ran.stdout.contains("(admin, from docker-credential-pass)"), "{ran}");
        assert!(ran.stdout.contains("(was pass)"), "{ran}");
        assert_eq!(place.kept(), Some(("admin".to_owned(), token)));
        assert!(place.read(&place.docker).contains("\"gitea\""));
        place.world.regcred("docker remove").done();
        assert_eq!(place.read(&place.docker), before);
    }
    // One that fails: nothing of that registry changes.
    let mut place = Place::of_doubles();
    other_helper(&mut place, "pass", "echo 'the store is locked'; exit 1");
    place.write_docker(r#"{"credHelpers":{"[REGISTRY]":"pass"}}"#);
    let before = Place::trace(&place.docker);
    let ran = place.world.regcred("docker setup [REGISTRY]");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("the store is locked"), "{ran}");
    assert_eq!(Place::trace(&place.docker), before);

    // What docker finds by itself is written down, as it no longer looks for it.
    let mut place = Place::of_doubles();
    other_helper(
        &mut place,
        "pass",
        "echo 'credentials not found in native keychain'; exit 1",
    );
    other_helper(&mut place, "x", "exit 1");
    fs::write(place.world.folder().join("bin/pass"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(place.world.folder().join("bin/pass"), fs::Permissions::from_mode(0o700)).unwrap();
    place.keep("admin", "t");
    let ran = place.world.regcred("docker setup");
    assert!(ran.stdout.contains("credsStore set to pass in"), "{ran}");
    assert!(place.read(&place.docker).contains("\"credsStore\": \"pass\""));
    place.world.regcred("docker remove").done();
    assert!(!place.docker.exists());
}

fn links_and_modes() {
    let place = Place::of_doubles();
    let token = place.world.gitea.add_token("admin", "write:package");
    let dotfiles = place.world.folder().join("dotfiles/docker");
    fs::create_dir_all(&dotfiles).unwrap();
    let file = dotfiles.join("config.json");
    place.write(&file, &PLAIN.replace("TOKEN", &token));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    // A chain, relative and absolute.
    symlink("dotfiles", place.world.folder().join("link")).unwrap();
    symlink(place.world.folder().join("link/docker/config.json"), &place.docker).unwrap();
    // podman's is a link to the same file.
    symlink(&place.docker, &place.podman).unwrap();
    let ran = place.world.regcred("docker setup");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(place.docker.symlink_metadata().unwrap().is_symlink());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o640);
    assert!(place.read(&file).contains("credHelpers"));
    assert_eq!(place.kept().unwrap().1, token);
    let left: Vec<_> = fs::read_dir(&dotfiles)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["config.json"]);
    place.world.regcred("docker remove").done();
    assert!(!place.read(&file).contains("credHelpers"));
}

/// Wherever it is killed, the token is in the file or in the keychain, and the next run ends it.
fn killed() {
    for number in 0.. {
        let place = Place::of_doubles();
        let token = with_token(&place);
        let before = Place::trace(&place.docker);
        place.world.gate.stop_at(number, Manner::Fail);
        let ran = place.world.regcred("docker setup");
        let was_stopped = place.world.gate.is_stopped();
        place.world.gate.open();
        if !was_stopped {
            assert_eq!(ran.code, 0, "{ran}");
            assert!(number >= 2, "before and after the keychain's write");
            break;
        }
        assert_eq!(ran.code, 1, "{ran}");
        assert_eq!(Place::trace(&place.docker), before, "the file keeps it");
        place.world.regcred("docker setup").done();
        assert_eq!(place.kept().unwrap().1, token);
        assert!(!place.read(&place.docker).contains("\"auth\""));
    }
}

fn without_memory() {
    let place = Place::of_doubles();
    let token = with_token(&place);
    place.world.regcred("docker setup").done();
    let memory = place.world.home().join(".local/state/regcred/docker.json");
    let text = fs::read_to_string(&memory).unwrap();
    assert!(!text.contains(&token), "{text}");
    assert_eq!(fs::metadata(&memory).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(&memory, "{").unwrap();
    let ran = place.world.regcred("docker remove");
    assert_data_eq!(
        ran.to_string(),
        str![[r#"
exit 1
--- stdout
--- stderr
error: [FOLDER]/.local/state/regcred/docker.json, where setting up is remembered, cannot be read
hint: move [FOLDER]/.local/state/regcred/docker.json away: our helper can be taken out without it, but what it replaced does not come back

"#]]
    );
    fs::remove_file(&memory).unwrap();
    place.world.regcred("docker remove").done();
    assert!(!place.read(&place.docker).contains("gitea\""));
}
