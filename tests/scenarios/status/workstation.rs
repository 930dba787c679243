//! What is out of step at the workstation and at the registry.

use regcred::commands::status::Code;

use super::fixture::{DOUBLES, Feed, REAL, REAL_GITEA, SECRET, entry, pull_secret};
use crate::support::api_server::ApiServer;
use crate::support::gitea::Profile;
use crate::support::http::Answer;
use crate::support::server::KernelKeys;
use crate::support::world::World;

const LINE: &str = "status -n [NAMESPACE]";

finding!(keychain_unreadable_no_bus, Code::KeychainUnreadable, on(REAL));
fn keychain_unreadable_no_bus(world: &mut World) {
    world.well();
    let nowhere = "unix:path=/nonexistent/bus";
    world
        .variables
        .insert("DBUS_SESSION_BUS_ADDRESS".to_owned(), nowhere.into());
    let ways = ["D-Bus", "kubectl regcred keychain use vault", "--token-env"];
    world.says(LINE, Code::KeychainUnreadable, &ways);
    assert_eq!(world.status().code, 1);
    // Somebody starts it.
    world.variables.remove("DBUS_SESSION_BUS_ADDRESS");
    world.is_gone(LINE, Code::KeychainUnreadable);
}

finding!(
    keychain_unreadable_not_needed_where_a_list_brings_the_tokens,
    Code::KeychainUnreadable,
    on(REAL)
);
/// CI has no keychain, and its list says where the tokens are.
fn keychain_unreadable_not_needed_where_a_list_brings_the_tokens(world: &mut World) {
    let token = world.well();
    let (registry, namespace) = (world.registry(), world.namespace.clone());
    let file = world.home().join("regcred.yaml");
    let list = format!(
        "registries:\n- registry: {registry}\n  username: admin\n  token-env: CI_TOKEN\n  secrets:\n  - {{namespace: {namespace}}}\n"
    );
    std::fs::write(&file, list).unwrap();
    let line = format!("status -f {}", file.display());
    let nowhere = "unix:path=/nonexistent/bus";
    world
        .variables
        .insert("DBUS_SESSION_BUS_ADDRESS".to_owned(), nowhere.into());
    // Without the variable, nothing can be compared.
    world.says(&line, Code::KeychainUnreadable, &["D-Bus"]);
    world.variables.insert("CI_TOKEN".to_owned(), token.into());
    let ran = world.regcred(&line);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("in sync"), "{ran}");
    world.is_gone(&line, Code::KeychainUnreadable);
}

finding!(keychain_unreadable_a_locked_vault, Code::KeychainUnreadable, on(REAL));
fn keychain_unreadable_a_locked_vault(world: &mut World) {
    let _kernel_keys = KernelKeys::take();
    world.well();
    let passphrase = "correct horse battery staple";
    // Should this fail half-way, the kernel forgets the key by itself.
    let use_vault = "keychain use vault --passphrase-stdin --for 10m";
    world.regcred_with(use_vault, passphrase).done();
    world.regcred("keychain lock").done();
    world.says(LINE, Code::KeychainUnreadable, &["the vault is locked"]);
    let unlock = Feed {
        to: "keychain unlock",
        flags: "--passphrase-stdin --for 10m",
        stdin: passphrase.to_owned(),
    };
    world.mends(Code::KeychainUnreadable, &[unlock]);
    world.regcred("keychain lock").done();
}

finding!(
    registry_unreachable_it_fails,
    Code::RegistryUnreachable,
    on(DOUBLES, REAL)
);
fn registry_unreachable_it_fails(world: &mut World) {
    world.well();
    world.registry_says("/v2/", Answer::text(503, "no upstream"));
    world.says(LINE, Code::RegistryUnreachable, &["registry [REGISTRY]", "503"]);
    let ran = world.status();
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stdout.contains("in sync"), "the rest is looked at: {ran}");
    // And nobody asks it where nobody wants it asked.
    let offline = world.regcred("status -n [NAMESPACE] --offline");
    assert_eq!(offline.code, 0, "{offline}");
    world.registry_recovers();
    world.is_gone(LINE, Code::RegistryUnreachable);
}

finding!(
    token_unclear_dead_or_without_scope,
    Code::TokenUnclear,
    on(DOUBLES, REAL)
);
/// With its API out of reach, a Gitea 1.27 does not say which of the two it is.
fn token_unclear_dead_or_without_scope(world: &mut World) {
    let token = world.login("docker", "write:package");
    world.registry_says("/api/v1/version", Answer::empty(404));
    world.gitea.revoke(&token);
    world.says(
        LINE,
        Code::TokenUnclear,
        &[
            "it is wrong, or has no access to packages",
            "/user/settings/applications",
        ],
    );
    let new = world.token("write:package");
    world.mends(Code::TokenUnclear, &[Feed::token("login", &new)]);
}

finding!(
    token_rejected_in_the_keychain_alone,
    Code::TokenRejected,
    on(DOUBLES, REAL)
);
fn token_rejected_in_the_keychain_alone(world: &mut World) {
    let token = world.login("docker", "write:package");
    world.gitea.revoke(&token);
    let new = world.token("write:package");
    world.mends(Code::TokenRejected, &[Feed::token("login", &new)]);
    // Once was enough: what is refused may count as a wrong password.
    let tries = world
        .gitea
        .shown()
        .iter()
        .filter(|shown| shown.starts_with("basic"))
        .count();
    assert!(tries <= 4, "{:?}", world.gitea.shown());
}

finding!(token_rejected_and_in_a_secret, Code::TokenRejected, on(DOUBLES, REAL));
fn token_rejected_and_in_a_secret(world: &mut World) {
    let token = world.well();
    world.gitea.revoke(&token);
    let ran = world.status();
    assert!(ran.stdout.contains("rejected\n"), "{ran}");
    assert_eq!(ran.stdout.matches("token-rejected").count(), 1, "{ran}");
    let new = world.token("read:package");
    world.mends(Code::TokenRejected, &[Feed::token("rotate", &new)]);
    assert!(world.document(SECRET).contains(&new));
    assert_eq!(world.status().code, 0);
}

finding!(
    token_without_package_scope_at_login_it_was_not_verified,
    Code::TokenWithoutPackageScope,
    on(DOUBLES, REAL)
);
fn token_without_package_scope_at_login_it_was_not_verified(world: &mut World) {
    let token = world.token("read:user");
    let login = "login [REGISTRY] -u admin --no-verify --token-stdin";
    world.regcred_with(login, &token).done();
    let new = world.token("write:package");
    world.mends(Code::TokenWithoutPackageScope, &[Feed::token("login", &new)]);
}

finding!(
    token_over_scoped_the_one_for_clusters,
    Code::TokenOverScoped,
    on(DOUBLES, REAL)
);
fn token_over_scoped_the_one_for_clusters(world: &mut World) {
    world.login("cluster", "write:package,read:user");
    world.sync();
    world.says(
        LINE,
        Code::TokenOverScoped,
        &["credential [REGISTRY] for cluster", "write:package,read:user"],
    );
    world.mends(Code::TokenOverScoped, &[Feed::password("rotate")]);
}

finding!(
    token_over_scoped_this_workstations_in_a_secret,
    Code::TokenOverScoped,
    on(DOUBLES, REAL)
);
fn token_over_scoped_this_workstations_in_a_secret(world: &mut World) {
    world.login("docker", "write:package");
    world.sync();
    world.says(
        LINE,
        Code::TokenOverScoped,
        &["secret/gitea-credentials", "needs only read:package"],
    );
    world.mends(Code::TokenOverScoped, &[Feed::password("login")]);
    assert_eq!(world.status().code, 0);
}

finding!(
    credential_missing_of_a_secret,
    Code::CredentialMissing,
    on(DOUBLES, REAL)
);
fn credential_missing_of_a_secret(world: &mut World) {
    let token = world.well();
    world.regcred("logout [REGISTRY]").done();
    let ran = world.status();
    assert!(ran.stdout.contains("unknown\n"), "{ran}");
    // A label and an annotation are what any tenant can write: nobody is told to type their registry's name.
    let (text, commands) = world.found(Code::CredentialMissing, &ran);
    assert!(
        commands.is_empty() && text.contains("where it is a registry of yours"),
        "{text}"
    );
    let login = "login [REGISTRY] -u admin --use cluster --token-stdin";
    assert_eq!(world.regcred_with(login, &token).code, 0);
    world.is_gone(LINE, Code::CredentialMissing);
}

finding!(
    credential_missing_docker_has_it,
    Code::CredentialMissing,
    on(DOUBLES, REAL)
);
/// docker knows the registry and the user: nobody has to look them up, nor the token.
fn credential_missing_docker_has_it(world: &mut World) {
    let token = world.token("read:package");
    world.put_pull_secret("pull", &[("[REGISTRY]", &token)]);
    world.stuck("api", "[REGISTRY]/owner/app:1", &["missing"], "Back-off pulling image");
    let auth = entry(&token)["auth"].clone();
    let login = serde_json::json!({"auths": {world.registry(): {"auth": auth}}}).to_string();
    let file = world.home().join(".docker/config.json");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, login).unwrap();
    let ran = world.status();
    let (_, commands) = world.found(Code::CredentialMissing, &ran);
    let registry = world.registry();
    assert_eq!(commands, [format!("kubectl regcred login {registry} --from-docker")]);
    world.found(Code::PodSecretMissing, &ran);
    world.mends(Code::CredentialMissing, &[]);
    world.mends(Code::PodSecretMissing, &[]);
}

finding!(
    credential_missing_of_anything,
    Code::CredentialMissing,
    on(DOUBLES, REAL)
);
fn credential_missing_of_anything(world: &mut World) {
    world.says(
        LINE,
        Code::CredentialMissing,
        &["keychain of this user", "kubectl regcred login REGISTRY -u USER"],
    );
    world.login("docker", "write:package");
    world.is_gone(LINE, Code::CredentialMissing);
}

finding!(
    rotation_pending_it_failed_in_part,
    Code::RotationPending,
    on(DOUBLES, REAL)
);
fn rotation_pending_it_failed_in_part(world: &mut World) {
    let token = world.well();
    let late = format!("{}-late", world.namespace);
    world.create_namespace(&late);
    let auths = serde_json::json!({"auths": {world.registry(): entry(&token)}});
    let mut frozen = pull_secret(SECRET, &auths);
    frozen["immutable"] = true.into();
    world.within(&late, |world| world.put_secret(&frozen));
    let new = world.token("read:package");
    let line = format!("rotate [REGISTRY] --use cluster --token-stdin -n [NAMESPACE] -n {late}");
    let ran = world.regcred_with(&line, &new);
    assert_eq!(ran.code, 1, "{ran}");
    world.says(LINE, Code::RotationPending, &["the phase writing", "--abort"]);
    world.within(&late, |world| world.delete("secrets", SECRET));
    world.mends(Code::RotationPending, &[]);
}

finding!(
    registry_advisory_an_old_version,
    Code::RegistryAdvisory,
    on(DOUBLES, REAL)
);
fn registry_advisory_an_old_version(world: &mut World) {
    world.gitea.state().profile = Profile::V1_25;
    world.well();
    world.says(
        LINE,
        Code::RegistryAdvisory,
        &[
            "Gitea 1.25.5",
            "CVE-2026-27771",
            "upgrade it to Gitea 1.26.2",
            "REQUIRE_SIGNIN_VIEW",
        ],
    );
    assert_eq!(world.status().code, 3);
    // Somebody upgrades it.
    world.gitea.state().profile = Profile::V1_27;
    world.is_gone(LINE, Code::RegistryAdvisory);
}

finding!(env_file_in_git_registry_env, Code::EnvFileInGit, on(DOUBLES, REAL));
fn env_file_in_git_registry_env(world: &mut World) {
    world.well();
    let token = world.token("write:package");
    let home = world.home();
    std::fs::create_dir_all(home.join("deploy")).unwrap();
    std::fs::write(
        home.join("deploy/registry.env"),
        format!("REGISTRY=r\nREGISTRY_TOKEN={token}\n"),
    )
    .unwrap();
    std::fs::write(
        home.join("deploy/example.env"),
        "REGISTRY_TOKEN=<your token here, please>\n",
    )
    .unwrap();
    world.git(&["init", "-q"]).done();
    world.variables.insert("PWD".to_owned(), home.join("deploy").into());
    // Everything that --env-file takes is a token that lies there.
    let lines = [
        format!("export REGISTRY_TOKEN={token} # of the robot"),
        format!("REGISTRY_TOKEN='{token}'\t# x"),
        "REGISTRY_TOKEN=\"abcdefgh/ijkl+mnop==\"".to_owned(),
    ];
    for (at, line) in lines.iter().enumerate() {
        std::fs::write(home.join(format!("deploy/found-{at}.env")), format!("{line}\n")).unwrap();
    }
    world.is_gone(LINE, Code::EnvFileInGit);
    world.git(&["add", "deploy"]).done();
    world.git(&["commit", "-q", "-m", "x"]).done();
    let ran = world.status();
    assert!(
        !ran.stdout.contains(&token) && !ran.stdout.contains("example.env"),
        "{ran}"
    );
    world.says(LINE, Code::EnvFileInGit, &["4 files", "deploy/registry.env", "history"]);
    for at in 0..lines.len() {
        assert!(ran.stdout.contains(&format!("deploy/found-{at}.env")), "{ran}");
    }
    world.mends(Code::EnvFileInGit, &[]);
    assert!(home.join("deploy/registry.env").exists(), "the file itself stays");
}

finding!(
    env_file_in_git_an_older_git_runs_nothing_of_the_repositorys,
    Code::EnvFileInGit,
    on(DOUBLES)
);
/// git before 2.39.4 fetches what a partial clone lacks, whatever `GIT_NO_LAZY_FETCH` says, by a program that the
/// repository's configuration names.
fn env_file_in_git_an_older_git_runs_nothing_of_the_repositorys(world: &mut World) {
    world.well();
    let home = world.home();
    let (programs, mark) = (home.join("programs"), home.join("mark"));
    std::fs::create_dir_all(&programs).unwrap();
    let git = programs.join("git");
    let found = world.run(world.command("sh").args(["-c", "command -v git"]), "");
    let older = format!(
        "#!/bin/sh\nunset GIT_NO_LAZY_FETCH\nexec {} \"$@\"\n",
        found.stdout.trim()
    );
    std::fs::write(&git, older).unwrap();
    std::fs::set_permissions(&git, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(programs).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(path).unwrap();
    std::fs::write(home.join("registry.env"), "REGISTRY=r\n").unwrap();
    world.git(&["init", "-q"]).done();
    world.git(&["add", "registry.env"]).done();
    world.git(&["commit", "-q", "-m", "x"]).done();
    let object = world.git(&["rev-parse", "HEAD:registry.env"]).stdout.trim().to_owned();
    std::fs::remove_file(home.join(".git/objects").join(&object[..2]).join(&object[2..])).unwrap();
    for (name, value) in [
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.url", "ssh://git.example.com/x"),
        ("remote.origin.promisor", "true"),
        ("core.sshCommand", &format!("touch {}; false", mark.display())),
    ] {
        world.git(&["config", name, value]).done();
    }
    world.variables.insert("PWD".to_owned(), home.into());
    world.variables.insert("PATH".to_owned(), path);
    // Such a git does run it.
    let ran = world.git(&["grep", "--cached", "-e", "TOKEN"]);
    std::fs::remove_file(&mark).unwrap_or_else(|error| panic!("nothing was run: {error}\n{ran}"));
    world.is_gone(LINE, Code::EnvFileInGit);
    assert!(!mark.exists());
}

finding!(token_left_behind, Code::TokenLeftBehind, on(DOUBLES));
/// In a cluster that nobody looks at today.
fn token_left_behind(world: &mut World) {
    world.well();
    let second = ApiServer::start();
    second.create_namespace(&world.namespace);
    let one = world.folder().join("kubeconfig");
    let two = world.folder().join("kubeconfig-2");
    std::fs::write(&two, second.kubeconfig().replace("double", "second")).unwrap();
    let both = std::env::join_paths([&one, &two]).unwrap();
    world.variables.insert("KUBECONFIG".to_owned(), both);
    world.regcred("sync -n [NAMESPACE] --context second").done();
    let new = world.token("read:package");
    let ran = world.regcred_with(
        "rotate [REGISTRY] --use cluster -n [NAMESPACE] --keep-old --token-stdin",
        &new,
    );
    assert_eq!(ran.code, 0, "{ran}");
    world.says(
        LINE,
        Code::TokenLeftBehind,
        &["1 Secret of context second", "is still valid"],
    );
    world.mends(Code::TokenLeftBehind, &[]);
}

finding!(token_left_behind_beside, Code::TokenLeftBehind, on(DOUBLES));
/// In a namespace that nobody looks at today, of a cluster that is looked at; its context may have another name by now.
fn token_left_behind_beside(world: &mut World) {
    world.well();
    let other = world.another_namespace("beside");
    world.regcred(&format!("sync -n {other}")).done();
    let new = world.token("read:package");
    let ran = world.regcred_with(
        "rotate [REGISTRY] --use cluster -n [NAMESPACE] --keep-old --token-stdin",
        &new,
    );
    assert_eq!(ran.code, 0, "{ran}");
    let file = world.folder().join("kubeconfig");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        text.replace("{name: double, context:", "{name: other, context:")
            .replace("current-context: double", "current-context: other"),
    )
    .unwrap();
    world.says(
        LINE,
        Code::TokenLeftBehind,
        &["1 Secret of context double that was not looked at", "is still valid"],
    );
    world.mends(Code::TokenLeftBehind, &[]);
}

finding!(actions_secret_stale, Code::ActionsSecretStale, on(DOUBLES));
fn actions_secret_stale(world: &mut World) {
    world.well();
    world.gitea.add_repository("admin", "web");
    let given = |world: &World| {
        let token = world.token("write:package");
        world
            .regcred_with("login [REGISTRY] -u admin --use ci --token-stdin", &token)
            .done();
    };
    given(world);
    let line = "sync --registry [REGISTRY] --use ci --password-stdin --actions-secret repo:admin/web/T";
    world.regcred_with(line, "password of admin\n").done();
    world.is_gone(LINE, Code::ActionsSecretStale);
    given(world);
    world.says(
        LINE,
        Code::ActionsSecretStale,
        &["repo:admin/web/T", "was replaced and is still valid"],
    );
    world.mends(Code::ActionsSecretStale, &[Feed::password("sync")]);
}

finding!(actions_secret_unkept, Code::ActionsSecretUnkept, on(DOUBLES));
/// Its credential was forgotten.
fn actions_secret_unkept(world: &mut World) {
    world.well();
    world.gitea.add_repository("admin", "web");
    let token = world.token("write:package");
    world
        .regcred_with("login [REGISTRY] -u admin --use ci --token-stdin", &token)
        .done();
    let line = "sync --registry [REGISTRY] --use ci --password-stdin --actions-secret repo:admin/web/T";
    world.regcred_with(line, "password of admin\n").done();
    world.regcred("logout [REGISTRY] --use ci").done();
    world.says(LINE, Code::ActionsSecretUnkept, &["repo:admin/web/T"]);
    world.mends(
        Code::ActionsSecretUnkept,
        &[Feed::token("login", &token), Feed::password("sync")],
    );
}

const PASSWORD: &str = "password of admin\n";

impl World {
    /// A pipeline with a token of these scopes, which the keychain has for `ci`.
    fn with_pipeline(&self, scopes: &str) -> String {
        self.well();
        self.gitea.add_repository("admin", "web");
        let token = self.token(scopes);
        let login = "login [REGISTRY] -u admin --use ci --token-stdin";
        self.regcred_with(login, &token).done();
        let line = "sync --registry [REGISTRY] --use ci --password-stdin --actions-secret repo:admin/web/T";
        self.regcred_with(line, PASSWORD).done();
        token
    }
}

finding!(
    actions_secret_missing,
    Code::ActionsSecretMissing,
    on(DOUBLES, REAL_GITEA)
);
/// A token that may read the repository sees that it was deleted.
fn actions_secret_missing(world: &mut World) {
    let token = world.with_pipeline("write:package,read:repository");
    world.is_gone(LINE, Code::ActionsSecretMissing);
    world.is_gone(LINE, Code::ActionsSecretUnseen);
    world.gitea.delete_actions_secret("admin", "web", "T");
    world.says(
        LINE,
        Code::ActionsSecretMissing,
        &["repo:admin/web/T", "it was deleted there"],
    );
    world.is_gone("status -n [NAMESPACE] --offline", Code::ActionsSecretMissing);
    world.mends(Code::ActionsSecretMissing, &[Feed::password("sync")]);
    assert!(world.gitea.pipeline_has("repos/admin/web", "T", &token));
    world.gitea.delete_repository("admin", "web");
    world.says(
        LINE,
        Code::ActionsSecretMissing,
        &["no such repository any more", "--skip-actions"],
    );
}

finding!(
    actions_secret_unseen,
    Code::ActionsSecretUnseen,
    on(DOUBLES, REAL_GITEA)
);
/// No token may list them; the account's password may.
fn actions_secret_unseen(world: &mut World) {
    world.with_pipeline("write:package");
    world.says(
        LINE,
        Code::ActionsSecretUnseen,
        &["repo:admin/web/T", "no token of the keychain may list them"],
    );
    assert_eq!(world.status().code, 0, "only a note: {}", world.status());
    world.is_gone("status -n [NAMESPACE] --offline", Code::ActionsSecretUnseen);
    let tokens = "status -n [NAMESPACE] --tokens --password-stdin";
    let ran = world.regcred_with(tokens, PASSWORD);
    assert!(ran.code == 0 && !ran.stdout.contains("actions-secret"), "{ran}");
    world.gitea.delete_actions_secret("admin", "web", "T");
    let ran = world.regcred_with(tokens, PASSWORD);
    assert!(
        ran.code == 3
            && ran
                .stdout
                .contains("actions-secret-missing: actions secret repo:admin/web/T"),
        "{ran}"
    );
}

scenario!(an_accounts_own_secrets_are_not_asked_for, on(DOUBLES, REAL_GITEA));
/// Gitea has no list of them, so there is nothing that somebody could do about it.
fn an_accounts_own_secrets_are_not_asked_for(world: &mut World) {
    world.well();
    let token = world.token("all");
    let login = "login [REGISTRY] -u admin --use ci --token-stdin";
    world.regcred_with(login, &token).done();
    let line = "sync --registry [REGISTRY] --use ci --password-stdin --actions-secret user:admin/T";
    world.regcred_with(line, PASSWORD).done();
    world.is_gone(LINE, Code::ActionsSecretMissing);
    world.is_gone(LINE, Code::ActionsSecretUnseen);
}

finding!(token_in_file_that_login_has_read, Code::TokenInFile, on(DOUBLES, REAL));
fn token_in_file_that_login_has_read(world: &mut World) {
    let token = world.token("read:package");
    let (home, registry) = (world.home(), world.registry());
    let file = home.join("deploy/registry.env");
    let text = format!("REGISTRY={registry}\nREGISTRY_USERNAME=admin\nREGISTRY_TOKEN={token}\nOTHER=x\n");
    world.write(&file, &text);
    let login = format!("login --use cluster --env-file {}", file.display());
    world.regcred(&login).done();
    world.sync();
    let ran = world.status();
    assert!(!ran.to_string().contains(&token), "{ran}");
    world.says(LINE, Code::TokenInFile, &["deploy/registry.env", "for cluster"]);
    world.mends(Code::TokenInFile, &[]);
    assert!(world.read(&file).contains("OTHER=x"), "the rest stays");
    assert_eq!(world.status().code, 0);
}

finding!(token_in_file_of_this_folder, Code::TokenInFile, on(DOUBLES, REAL));
fn token_in_file_of_this_folder(world: &mut World) {
    let token = world.well();
    let folder = world.home().join("deploy");
    world.variables.insert("PWD".to_owned(), folder.clone().into());
    let file = folder.join(".env.production");
    // As another program names it, and encoded.
    world.write(&file, &format!("CI_AUTH=[auth:admin:{token}]\n"));
    world.write(&folder.join("notes.txt"), &token);
    world.says(LINE, Code::TokenInFile, &[".env.production", "delete the token"]);
    assert!(!world.status().stdout.contains("notes.txt"));
    assert_eq!(world.status().code, 3);
    // Somebody deletes it.
    world.write(&file, "CI_AUTH=\n");
    world.is_gone(LINE, Code::TokenInFile);
    // Where git tracks it too, that is what is said.
    world.write(&folder.join("registry.env"), &format!("REGISTRY_TOKEN={token}\n"));
    world.says(LINE, Code::TokenInFile, &["registry.env"]);
    world.git(&["init", "-q"]).done();
    world.git(&["add", "deploy"]).done();
    world.says(LINE, Code::EnvFileInGit, &["registry.env"]);
    world.is_gone(LINE, Code::TokenInFile);
}
