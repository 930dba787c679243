//! What differs on Windows: its paths, its Credential Manager, and files that cannot be replaced while they are open.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use snapbox::str;

use super::ON_WINDOWS;
use crate::support::elsewhere::Elsewhere;
use crate::support::part::until;

/// With docker's file as people on Windows have it, and a token in it that opens the registry.
fn with_docker_file(elsewhere: &Elsewhere) -> (PathBuf, String) {
    let token = elsewhere.gitea.add_token("admin", "write:package");
    let auth = STANDARD.encode(format!("admin:{token}"));
    let text = format!(
        "{{\r\n\t\"auths\": {{\r\n\t\t\"{}\": {{\r\n\t\t\t\"auth\": \"{auth}\"\r\n\t\t}}\r\n\t}},\r\n\t\"detachKeys\": \
         \"ctrl-e,e\"\r\n}}\r\n",
        elsewhere.gitea.registry()
    );
    let file = elsewhere.home().join(".docker/config.json");
    fs::create_dir(file.parent().unwrap()).unwrap();
    fs::write(&file, text).unwrap();
    (file, token)
}

/// Takes the helper off PATH, as krew and Scoop's users have it.
fn without_helper(elsewhere: &Elsewhere) -> PathBuf {
    let helper = elsewhere.programs().join("docker-credential-gitea.exe");
    fs::remove_file(&helper).unwrap();
    helper
}

scenario!(docker_setup_status_and_remove, on(ON_WINDOWS));
fn docker_setup_status_and_remove(elsewhere: &Elsewhere) {
    let helper = without_helper(elsewhere);
    let (file, token) = with_docker_file(elsewhere);
    let before = fs::read_to_string(&file).unwrap();
    elsewhere.regcred("docker setup --dry-run=client").says(str![[r#"
exit 0
--- stdout
link [FOLDER]/bin/docker-credential-gitea.exe created (dry run)
credential/[REGISTRY] stored (admin, from [HOME]/.docker/config.json) (dry run)
credHelpers/[REGISTRY] configured in [HOME]/.docker/config.json (dry run)
auths/[REGISTRY] emptied in [HOME]/.docker/config.json (dry run)
--- [HOME]/.docker/config.json
+++ [HOME]/.docker/config.json
@@ -1,8 +1,10 @@
 {
 	"auths": {
 		"[REGISTRY]": {
-			"auth": "***"
 		}
 	},
-	"detachKeys": "ctrl-e,e"
+	"detachKeys": "ctrl-e,e",
+	"credHelpers": {
+		"[REGISTRY]": "gitea"
+	}
 }
--- stderr

"#]]);
    assert!(!helper.exists() && fs::read_to_string(&file).unwrap() == before);
    elsewhere.regcred("docker setup").says(str![[r#"
exit 0
--- stdout
link [FOLDER]/bin/docker-credential-gitea.exe created
credential/[REGISTRY] stored (admin, from [HOME]/.docker/config.json)
credHelpers/[REGISTRY] configured in [HOME]/.docker/config.json
auths/[REGISTRY] emptied in [HOME]/.docker/config.json
--- stderr
verified at [REGISTRY], the token of admin, scopes write:package

"#]]);
    assert!(elsewhere.helper("get", "[REGISTRY]").done().contains(&token));
    let after = fs::read_to_string(&file).unwrap();
    assert!(!after.contains(&STANDARD.encode(format!("admin:{token}"))), "{after}");
    assert!(after.contains("\"detachKeys\": \"ctrl-e,e\""), "{after}");
    assert_eq!(
        after.matches('\n').count(),
        after.matches("\r\n").count(),
        "every line ends as before: {after:?}"
    );
    elsewhere.regcred("docker status").says(str![[r#"
exit 0
--- stdout
REGISTRY          CLIENT   ANSWERED BY          AS SAID IN
[REGISTRY]   docker   keychain, as admin   [HOME]/.docker/config.json
--- stderr

"#]]);
    // An upgrade replaces the plugin; the helper's name is made anew.
    elsewhere.regcred("docker setup").says(str![[r#"
exit 0
--- stdout
[HOME]/.docker/config.json unchanged
--- stderr

"#]]);
    elsewhere.regcred("docker remove").says(str![[r#"
exit 0
--- stdout
credHelpers/[REGISTRY] removed from [HOME]/.docker/config.json
link [FOLDER]/bin/docker-credential-gitea.exe removed
--- stderr
the tokens stay in the keychain, where docker no longer asks for them
hint: docker login REGISTRY gives docker one of its own; kubectl regcred docker setup goes back to the keychain

"#]]);
    assert!(!helper.exists());
    let left = fs::read_to_string(&file).unwrap();
    assert!(!left.contains("gitea\"") && left.contains("detachKeys"), "{left}");
}

/// Ends what holds a file open.
fn close(mut holder: Child) {
    drop(holder.stdin.take());
    assert!(holder.wait().unwrap().success());
}

scenario!(a_file_that_another_program_has_open, on(ON_WINDOWS));
fn a_file_that_another_program_has_open(elsewhere: &Elsewhere) {
    let (file, token) = with_docker_file(elsewhere);
    let before = fs::read_to_string(&file).unwrap();
    let holder = elsewhere.holds_open(&file);
    elsewhere.regcred("docker setup").says(str![[r#"
exit 1
--- stdout
credential/[REGISTRY] stored (admin, from [HOME]/.docker/config.json)
--- stderr
verified at [REGISTRY], the token of admin, scopes write:package
error: cannot change [HOME]/.docker/config.json: Access denied. (os error 5)
hint: close the program that has it open, and try again

"#]]);
    // The token is in the keychain by then, and still in the file: nobody is without one.
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    let drafts = fs::read_dir(file.parent().unwrap()).unwrap().count();
    assert_eq!(drafts, 1, "nothing is left beside it");
    close(holder);
    elsewhere.regcred("docker setup").done();
    assert!(
        !fs::read_to_string(&file)
            .unwrap()
            .contains(&STANDARD.encode(format!("admin:{token}")))
    );
}

scenario!(a_file_that_another_program_has_open_for_a_moment, on(ON_WINDOWS));
fn a_file_that_another_program_has_open_for_a_moment(elsewhere: &Elsewhere) {
    let (file, token) = with_docker_file(elsewhere);
    let holder = elsewhere.holds_open(&file);
    let mut setup = elsewhere
        .command("kubectl-regcred")
        .args(["docker", "setup"])
        .spawn()
        .unwrap();
    // Its new file stands beside the old one: it is about to replace it, or was just refused.
    until("the file is to be replaced", || {
        file.with_file_name(".config.json.regcred").exists()
    });
    close(holder);
    assert!(setup.wait().unwrap().success());
    assert!(
        !fs::read_to_string(&file)
            .unwrap()
            .contains(&STANDARD.encode(format!("admin:{token}")))
    );
}

scenario!(a_token_that_is_too_long_changes_nothing, on(ON_WINDOWS));
fn a_token_that_is_too_long_changes_nothing(elsewhere: &Elsewhere) {
    let token = elsewhere.gitea.add_token("admin", "write:package");
    let login = "login [REGISTRY] -u admin --no-verify --token-stdin";
    elsewhere.regcred_with(login, &token).done();
    let long = "x".repeat(2_600);
    elsewhere.regcred_with(login, &long).says(str![[r#"
exit 1
--- stdout
--- stderr
not verified at [REGISTRY]
error: the credential is too long for this keychain: it takes 2560 bytes at most
hint: a vault takes longer ones: kubectl regcred keychain use vault --key-file FILE

"#]]);
    assert!(elsewhere.helper("get", "[REGISTRY]").done().contains(&token));
}

scenario!(a_person_types_at_a_console, on(ON_WINDOWS));
/// Wine's console shows on a terminal of this system what it would show in a window. It makes the terminal raw when the
/// program reads, which may be after somebody has typed: it is raw from the beginning.
fn a_person_types_at_a_console(elsewhere: &Elsewhere) {
    let token = elsewhere.gitea.add_token("admin", "write:package");
    let login = elsewhere.command("kubectl-regcred");
    let mut raw = Command::new("sh");
    raw.args(["-c", r#"stty raw -echo && exec "$0" "$@""#])
        .arg(login.get_program())
        .args(login.get_args())
        .args(["login", &elsewhere.gitea.registry()])
        .env_clear()
        .envs(login.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("TERM", "xterm")
        .current_dir(elsewhere.home());
    let mut person = rexpect::session::spawn_command(raw, Some(60_000)).unwrap();
    let mut types = |question: &str, answer: &str| {
        let shown = person.exp_string(question).unwrap();
        person.send(&format!("{answer}\r")).unwrap();
        person.flush().unwrap();
        shown
    };
    types("User at", "admin");
    let mut shown = types("Token of admin at", &token);
    shown += &person.exp_string("logged in to").unwrap();
    shown += &person.exp_eof().unwrap();
    assert!(shown.contains("[hidden]") && !shown.contains(&token), "{shown}");
    assert!(elsewhere.helper("get", "[REGISTRY]").done().contains(&token));
}

scenario!(from_credential_manager_to_a_vault, on(ON_WINDOWS));
fn from_credential_manager_to_a_vault(elsewhere: Elsewhere) {
    let token = elsewhere.gitea.add_token("admin", "write:package");
    elsewhere
        .regcred_with("login [REGISTRY] -u admin --token-stdin", &token)
        .done();
    elsewhere.regcred("keychain status").says(str![[r#"
exit 0
--- stdout
in use           system, the default on this system
vault            none
key file         none
kernel keyring   not available: this system has no kernel keyring, so the vault opens with a key file
system           open, holds 1 credential
--- stderr

"#]]);
    let elsewhere = elsewhere.with_vault();
    elsewhere.helper("get", "[REGISTRY]").says(str![[r#"
exit 1
--- stdout
credentials not found in native keychain
--- stderr

"#]]);
    elsewhere.regcred("keychain migrate").says(str![[r#"
exit 0
--- stdout
credential/[REGISTRY] for docker moved
--- stderr
moved 1 credential from this system's keychain into the vault

"#]]);
    assert!(elsewhere.helper("get", "[REGISTRY]").done().contains(&token));
    elsewhere.regcred("keychain use system").done();
    elsewhere.helper("get", "[REGISTRY]").says(str![[r#"
exit 1
--- stdout
credentials not found in native keychain
--- stderr

"#]]);
}

scenario!(the_folder_of_docker_is_named_with_a_drive, on(ON_WINDOWS));
/// `DOCKER_CONFIG` with either slash.
fn the_folder_of_docker_is_named_with_a_drive(elsewhere: &Elsewhere) {
    let (_, token) = with_docker_file(elsewhere);
    let named = elsewhere.home().join("docker of mine");
    fs::rename(elsewhere.home().join(".docker"), &named).unwrap();
    for path in [elsewhere.native(&named), elsewhere.native(&named).replace('\\', "/")] {
        let mut setup: Command = elsewhere.command("kubectl-regcred");
        setup.args(["docker", "setup"]).env("DOCKER_CONFIG", path);
        elsewhere.run(&mut setup, "").done();
    }
    let after = fs::read_to_string(named.join("config.json")).unwrap();
    assert!(after.contains("credHelpers") && !after.contains(&token), "{after}");
    assert!(!elsewhere.home().join(".docker").exists());
}
