//! A real Gitea: the program that `tests/parts/gitea.sh` makes, with `SQLite`, in a folder of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::background::{Background, Process};
use super::super::part::{cache, free_ports, until};
use super::Settings;
use super::ask::{Reply, ask, basic};
use super::browser::Browser;
use super::one_time::Authenticator;
use super::state::Visibility;

/// What the suite runs on; `tests/versions.sh` runs it on the others too.
const NEWEST: &str = "1.26.4";
/// The site's administrator. Nobody else is one.
const ADMINISTRATOR: &str = "root";

/// A running Gitea; all that it knows goes with it.
pub struct Real {
    server: Mutex<Background>,
    address: SocketAddr,
    programs: PathBuf,
    folder: TempDir,
    /// The administrator's token, which opens everything: passwords may be switched off.
    token: String,
    /// By account.
    authenticators: Mutex<BTreeMap<String, Authenticator>>,
}

/// The folder with the program and its files.
fn programs() -> Option<PathBuf> {
    let named = std::env::var_os("REGCRED_TEST_GITEA").map(PathBuf::from);
    let folder = named.or_else(|| Some(cache()?.join(format!("regcred/parts/gitea-{NEWEST}"))))?;
    folder.join("gitea").is_file().then_some(folder)
}

/// What is missing for one.
#[must_use]
pub fn missing() -> &'static [&'static str] {
    if programs().is_some() {
        &[]
    } else {
        &["Gitea (tests/parts/gitea.sh)"]
    }
}

/// The version of the one that is here: `1.26.4`.
#[must_use]
pub fn version() -> Option<String> {
    let said = Command::new(programs()?.join("gitea")).arg("--version").output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    said.split(' ')
        .skip_while(|word| *word != "version")
        .nth(1)
        .map(str::to_owned)
}

impl Real {
    /// Starts one that believes to be at `public`, and waits until it answers.
    pub fn start(public: SocketAddr, settings: Settings) -> Self {
        let programs = programs().unwrap();
        let folder = tempfile::Builder::new().prefix("gitea-").tempdir().unwrap();
        let [port] = free_ports();
        let config = folder.path().join("app.ini");
        let (path, statics) = (folder.path().display(), programs.display());
        let (below, signin, passwords) = (settings.below, settings.require_signin, !settings.without_passwords);
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap();
        let user = user.trim();
        let text = format!(
            "RUN_USER = {user}
RUN_MODE = prod
WORK_PATH = {path}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://{public}{below}/
STATIC_ROOT_PATH = {statics}
OFFLINE_MODE = true
DISABLE_SSH = true
[database]
DB_TYPE = sqlite3
PATH = {path}/gitea.db
[security]
INSTALL_LOCK = true
SECRET_KEY = of no other server
INTERNAL_TOKEN = of.no.other
[oauth2]
ENABLED = false
JWT_SECRET = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
[service]
REQUIRE_SIGNIN_VIEW = {signin}
ENABLE_BASIC_AUTHENTICATION = {passwords}
[session]
PROVIDER = memory
[log]
LEVEL = warn
MODE = console
"
        );
        std::fs::write(&config, text).unwrap();
        let log = folder.path().join("log");
        let arguments = [
            "web".as_ref(),
            "--config".as_ref(),
            config.as_os_str(),
            "--work-path".as_ref(),
            folder.path().as_os_str(),
        ];
        let server = Background::start(&programs.join("gitea"), &arguments, &log);
        let mut this = Self {
            server: Mutex::new(server),
            address: ([127, 0, 0, 1], port).into(),
            programs,
            folder,
            token: String::new(),
            authenticators: Mutex::default(),
        };
        until(&format!("Gitea is ready, {}", log.display()), || this.is_ready());
        let password = super::password_of(ADMINISTRATOR);
        let said = this.cli(&[
            "user",
            "create",
            "--username",
            ADMINISTRATOR,
            "--password",
            &password,
            "--email",
            "root@example.com",
            "--admin",
            "--must-change-password=false",
            "--access-token",
        ]);
        let token = said.split_once("Access token was successfully created... ");
        let (token, _) = token.and_then(|(_, rest)| rest.split_once('\n')).unwrap();
        token.clone_into(&mut this.token);
        this
    }

    fn is_ready(&self) -> bool {
        // Whoever must sign in is answered too, with 403.
        std::net::TcpStream::connect(self.address).is_ok()
            && ask(&self.address.to_string(), ("GET", "/api/healthz"), None, &[], None).status == 200
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn process(&self) -> Process {
        self.server.lock().unwrap().process()
    }

    /// Starts it anew with the same data, and waits until it answers.
    pub fn restart(&self) {
        self.server.lock().unwrap().restart();
        until("Gitea is ready again", || self.is_ready());
    }

    /// The administrator's.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// `gitea admin`, as whoever runs the server types it.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let said = Command::new(self.programs.join("gitea"))
            .args(["admin", "--config"])
            .arg(self.folder().join("app.ini"))
            .arg("--work-path")
            .arg(self.folder())
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .output()
            .unwrap();
        assert!(said.status.success(), "gitea admin {arguments:?}: {said:?}");
        String::from_utf8(said.stdout).unwrap()
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The API, as the site's administrator.
    pub fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let who = basic(ADMINISTRATOR, &self.token);
        let path = format!("/api/v1{path}");
        ask(&self.address.to_string(), (method, &path), Some(&who), &[], body)
    }

    /// The same, for what has to work.
    pub fn api_ok(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let reply = self.api(method, path, body);
        assert!(reply.status < 300, "{method} {path}: {reply:?}");
        reply.json()
    }

    pub fn add_user(&self, login: &str) -> i64 {
        let body = json!({
            "username": login, "email": format!("{login}@example.com"), "password": super::password_of(login),
            "must_change_password": false, "visibility": "public",
        });
        self.api_ok("POST", "/admin/users", Some(&body))["id"].as_i64().unwrap()
    }

    pub fn set_visibility(&self, login: &str, visibility: Visibility) {
        let changed = self.change_user(login, &json!({"visibility": visibility.name()}));
        // The API up to 1.23 takes this for no change, and makes nobody public again.
        if changed["visibility"] != visibility.name() && visibility == Visibility::Public {
            let password = super::password_of(login);
            Browser::sign_in(&self.address.to_string(), login, &password).show_to_all();
        }
        let user = self.api_ok("GET", &format!("/users/{login}"), None);
        assert_eq!(user["visibility"], visibility.name(), "{login}");
    }

    /// Changes what the administrator may change about an account, and says how it is then.
    pub fn change_user(&self, login: &str, change: &Value) -> Value {
        let mut body = json!({"login_name": login, "source_id": 0});
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        self.api_ok("PATCH", &format!("/admin/users/{login}"), Some(&body))
    }

    /// All images were pushed that much earlier, in its database.
    pub fn age_images(&self, by: Duration) {
        let database = self.folder().join("gitea.db");
        let change = format!(
            "UPDATE package_version SET created_unix = created_unix - {};",
            by.as_secs()
        );
        let said = Command::new("sqlite3")
            .args(["-cmd", ".timeout 10000"])
            .arg(database)
            .arg(change)
            .output()
            .unwrap();
        assert!(said.status.success(), "{said:?}");
    }

    /// The rows of one image.
    pub fn versions(&self, repository: &str) -> Vec<String> {
        let (owner, name) = repository.split_once('/').unwrap();
        let mut versions = Vec::new();
        for page in 1.. {
            let path = format!(
                "/packages/{owner}?type=container&limit=50&page={page}&q={}",
                name.replace('/', "%2F")
            );
            let rows = self.api_ok("GET", &path, None);
            let rows = rows.as_array().unwrap();
            if rows.is_empty() {
                break;
            }
            let of_it = rows.iter().filter(|row| row["name"] == name);
            versions.extend(of_it.map(|row| row["version"].as_str().unwrap().to_owned()));
        }
        versions
    }

    pub fn add_organisation(&self, name: &str, visibility: Visibility) {
        let body = json!({"username": name, "visibility": visibility.name()});
        self.api_ok("POST", "/orgs", Some(&body));
    }

    /// A team of its own for each, so that nobody gets more with the next.
    pub fn join(&self, organisation: &str, login: &str, writes: bool) {
        let level = if writes { "write" } else { "read" };
        let body = json!({
            "name": format!("team-of-{login}"), "permission": "read", "units": ["repo.packages"],
            "units_map": {"repo.packages": level},
        });
        let team = self.api_ok("POST", &format!("/orgs/{organisation}/teams"), Some(&body));
        self.api_ok("PUT", &format!("/teams/{}/members/{login}", team["id"]), None);
    }

    /// A repository of an account or an organisation.
    pub fn add_repository(&self, owner: &str, name: &str) {
        let body = json!({"name": name});
        self.api_ok("POST", &format!("/admin/users/{owner}/repos"), Some(&body));
    }

    pub fn delete_repository(&self, owner: &str, name: &str) {
        self.api_ok("DELETE", &format!("/repos/{owner}/{name}"), None);
    }

    /// Makes an account an owner of an organisation.
    pub fn make_owner(&self, organisation: &str, login: &str) {
        let teams = self.api_ok("GET", &format!("/orgs/{organisation}/teams"), None);
        let owners = teams
            .as_array()
            .unwrap()
            .iter()
            .find(|team| team["name"] == "Owners")
            .unwrap();
        self.api_ok("PUT", &format!("/teams/{}/members/{login}", owners["id"]), None);
    }

    /// The names of the secrets of Actions below a path such as `/repos/acme/web`.
    pub fn actions_secrets(&self, path: &str) -> Vec<String> {
        let listed = self.api_ok("GET", &format!("{path}/actions/secrets"), None);
        let listed = listed.as_array().unwrap().iter();
        listed
            .map(|secret| secret["name"].as_str().unwrap().to_owned())
            .collect()
    }

    pub fn enrol(&self, login: &str) {
        let mut browser = Browser::sign_in(&self.address.to_string(), login, &super::password_of(login));
        let authenticator = Authenticator::new(browser.enrol());
        self.authenticators
            .lock()
            .unwrap()
            .insert(login.to_owned(), authenticator);
    }

    pub fn code(&self, login: &str) -> String {
        self.authenticators.lock().unwrap().get_mut(login).unwrap().code()
    }

    pub fn wrong_code(&self, login: &str) -> String {
        self.authenticators.lock().unwrap()[login].wrong_code()
    }

    pub fn add_token(&self, login: &str, name: &str, scopes: &str) -> String {
        let scopes: Vec<&str> = scopes.split(',').collect();
        let body = json!({"name": name, "scopes": scopes});
        let made = self.api_ok("POST", &format!("/users/{login}/tokens"), Some(&body));
        made["sha1"].as_str().unwrap().to_owned()
    }

    /// The tokens of an account, oldest first, as the API lists them.
    pub fn tokens(&self, login: &str) -> Vec<Value> {
        let mut list = Vec::new();
        for page in 1.. {
            let path = format!("/users/{login}/tokens?limit=50&page={page}");
            let listed = self.api_ok("GET", &path, None);
            let listed = listed.as_array().unwrap();
            list.extend(listed.iter().cloned());
            if listed.len() < 50 {
                break;
            }
        }
        list.sort_by_key(|token| token["id"].as_i64());
        list
    }

    /// Deletes a token, where it is still there.
    pub fn revoke(&self, login: &str, token: &str) {
        for listed in self.tokens(login) {
            if listed["token_last_eight"] == token[32..] {
                self.api_ok("DELETE", &format!("/users/{login}/tokens/{}", listed["id"]), None);
            }
        }
    }
}
