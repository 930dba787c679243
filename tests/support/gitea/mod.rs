//! A Gitea on loopback, in the generations that differ in what a registry client sees.
//!
//! It answers as the real one does, with its statuses, headers and texts, and refuses what the real one refuses: scopes,
//! names, the kind of authorization. What differs between the generations is in [`profile`], once. A real Gitea stands
//! in its place where the scenario says so: `scenarios/gitea` holds the two to the same answers.

mod actions;
mod api;
mod ask;
mod browser;
mod images;
mod one_time;
mod profile;
mod real;
mod registry;
mod state;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use tokio_rustls::TlsAcceptor;

#[allow(unused_imports, reason = "not every program that uses this double names them all")]
pub use ask::{Reply, ask, basic, send};
#[allow(unused_imports, reason = "not every program that uses this double names them all")]
pub use images::sha256;
#[allow(unused_imports, reason = "not every program that uses this double names them all")]
pub use profile::{Fault, Profile};
#[allow(unused_imports, reason = "not every program that uses this double names them all")]
pub use real::{Real, missing, version};
#[allow(unused_imports, reason = "not every program that uses this double names them all")]
pub use state::{Member, State, Strip, Upstream, Visibility, hex};

use super::forward::forward;
use super::gate::Gate;
use super::http::{Answer, Request, Seen, Server};
use super::nginx::Nginx;

/// A running Gitea.
pub struct Gitea {
    server: Server,
    state: Arc<Mutex<State>>,
    real: Option<Real>,
    /// What stands before a real one that is below a path.
    proxy: Option<Nginx>,
}

/// What is set other than by default, on the double and on the real one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// `REQUIRE_SIGNIN_VIEW`
    pub require_signin: bool,
    /// `ENABLE_BASIC_AUTHENTICATION = false`
    pub without_passwords: bool,
    /// Where it is on its host: `/code`, or nothing for the root. Before a real one stands nginx then.
    pub below: &'static str,
}

/// What an administrator does to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    Prohibited,
    Inactive,
    MustChangePassword,
}

/// The double's profile of the version that the real one here is of.
///
/// # Panics
/// Where there is no real one, or none such.
#[must_use]
pub fn profile() -> Profile {
    let version = version().unwrap();
    let same = |profile: &Profile| !profile.is_forgejo() && minor(profile.version()) == minor(&version);
    let found = Profile::ALL.into_iter().find(same);
    found.unwrap_or_else(|| panic!("the double has no profile of {version}"))
}

fn minor(version: &str) -> Option<&str> {
    version.split('.').nth(1)
}

/// What every account signs in with.
fn password_of(login: &str) -> String {
    format!("password of {login}")
}

impl Gitea {
    /// Plain http, on a free loopback port.
    #[must_use]
    pub fn start(profile: Profile) -> Self {
        Self::serve(profile, None)
    }

    /// https, on a free loopback port. It believes its own name to be `host`.
    #[must_use]
    pub fn start_tls(profile: Profile, host: &str, tls: TlsAcceptor) -> Self {
        let gitea = Self::serve(profile, Some(tls));
        gitea.state().root_url = format!("https://{host}/");
        gitea
    }

    fn serve(profile: Profile, tls: Option<TlsAcceptor>) -> Self {
        let state = Arc::new(Mutex::new(State::new(profile)));
        let shared = state.clone();
        let handler = move |request: Request| -> futures_util::future::BoxFuture<'static, Answer> {
            let shared = shared.clone();
            Box::pin(async move {
                let answer = answer(&shared, request).await;
                let behind = shared.lock().unwrap().behind;
                if behind.is_zero() {
                    return answer;
                }
                let now = Timestamp::now() - SignedDuration::try_from(behind).unwrap();
                answer.with("date", &now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
            })
        };
        let server = Server::serve(Arc::new(handler), tls);
        state.lock().unwrap().root_url = format!("http://{}/", server.address());
        Self {
            server,
            state,
            real: None,
            proxy: None,
        }
    }

    /// The double, set up like this.
    #[must_use]
    pub fn start_as(profile: Profile, settings: Settings) -> Self {
        let gitea = Self::start(profile);
        {
            let mut state = gitea.state();
            state.require_signin = settings.require_signin;
            state.enable_basic = !settings.without_passwords;
            state.root_url = format!("http://{}{}/", gitea.address(), settings.below);
        }
        gitea
    }

    /// A real one, behind a server of this process, which remembers what it is asked and hands it on.
    #[must_use]
    pub fn start_real(settings: Settings) -> Self {
        let mut gitea = Self::start(profile());
        if !settings.below.is_empty() {
            gitea.proxy = Some(Nginx::before(gitea.server.address(), settings.below));
        }
        let real = Real::start(gitea.address(), settings);
        gitea.state.lock().unwrap().real = Some(real.address());
        gitea.real = Some(real);
        gitea
    }

    /// Real, or the double of the same version.
    #[must_use]
    pub fn start_either(is_real: bool, settings: Settings) -> Self {
        if is_real {
            Self::start_real(settings)
        } else {
            Self::start_as(profile(), settings)
        }
    }

    /// The real one, where it is one.
    #[must_use]
    pub fn real(&self) -> Option<&Real> {
        self.real.as_ref()
    }

    /// `127.0.0.1:port`, as users name it.
    #[must_use]
    pub fn registry(&self) -> String {
        self.address().to_string()
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let proxy = self.proxy.as_ref().map(Nginx::address);
        proxy.unwrap_or_else(|| self.server.address())
    }

    /// A user who is active, public and has a password.
    pub fn add_user(&self, login: &str) -> i64 {
        match &self.real {
            Some(real) => real.add_user(login),
            None => self.state().add_user(login),
        }
    }

    /// Whom everybody may see: `public`, `limited` to those who are signed in, `private`.
    pub fn set_visibility(&self, login: &str, visibility: Visibility) {
        if let Some(real) = &self.real {
            return real.set_visibility(login, visibility);
        }
        let mut state = self.state();
        let mut users = state.users.iter_mut();
        users.find(|user| user.login == login).unwrap().visibility = visibility;
    }

    /// A token of the site's administrator, `root`, that opens everything.
    #[must_use]
    pub fn add_administrator(&self) -> String {
        if let Some(real) = &self.real {
            return real.token().to_owned();
        }
        let mut state = self.state();
        state.add_user("root");
        state.users.last_mut().unwrap().admin = true;
        state.add_token("root", "administrator", "all")
    }

    /// Closes an account in one of the ways.
    pub fn close(&self, login: &str, how: Closed) {
        if let Some(real) = &self.real {
            real.change_user(
                login,
                &match how {
                    Closed::Prohibited => serde_json::json!({"prohibit_login": true}),
                    Closed::Inactive => serde_json::json!({"active": false}),
                    Closed::MustChangePassword => serde_json::json!({"must_change_password": true}),
                },
            );
            return;
        }
        let mut state = self.state();
        let user = state.users.iter_mut().find(|user| user.login == login).unwrap();
        match how {
            Closed::Prohibited => user.prohibited = true,
            Closed::Inactive => user.active = false,
            Closed::MustChangePassword => user.must_change_password = true,
        }
    }

    /// An organisation.
    pub fn add_organisation(&self, name: &str, visibility: Visibility) {
        if let Some(real) = &self.real {
            return real.add_organisation(name, visibility);
        }
        self.state().add_user(name);
        self.set_visibility(name, visibility);
    }

    /// Puts `login` into a team of `organisation`, which reads or writes its packages.
    pub fn join(&self, organisation: &str, login: &str, writes: bool) {
        if let Some(real) = &self.real {
            return real.join(organisation, login, writes);
        }
        let mut state = self.state();
        let id = state.user(login).unwrap().id;
        let found = state.users.iter_mut().find(|user| user.login == organisation);
        found.unwrap().members.push(Member { id, writes });
    }

    /// A repository of an account or an organisation.
    pub fn add_repository(&self, owner: &str, name: &str) {
        match &self.real {
            Some(real) => real.add_repository(owner, name),
            None => self.state().actions.repositories.push(format!("{owner}/{name}")),
        }
    }

    pub fn delete_repository(&self, owner: &str, name: &str) {
        if let Some(real) = &self.real {
            return real.delete_repository(owner, name);
        }
        let path = format!("{owner}/{name}");
        let place = format!("repos/{path}");
        let mut state = self.state();
        state.actions.repositories.retain(|known| *known != path);
        state.actions.secrets.retain(|(of, _), _| *of != place);
    }

    /// Deletes a secret of a repository's pipelines.
    pub fn delete_actions_secret(&self, owner: &str, repository: &str, name: &str) {
        if let Some(real) = &self.real {
            let path = format!("/repos/{owner}/{repository}/actions/secrets/{name}");
            let _ = real.api_ok("DELETE", &path, None);
        } else {
            let place = format!("repos/{owner}/{repository}");
            let removed = self.state().actions.secrets.remove(&(place, name.to_owned()));
            assert!(removed.is_some(), "{name}");
        }
    }

    /// Makes an account an owner of an organisation.
    pub fn make_owner(&self, organisation: &str, login: &str) {
        match &self.real {
            Some(real) => real.make_owner(organisation, login),
            None => self
                .state()
                .actions
                .owners
                .push((organisation.to_owned(), login.to_owned())),
        }
    }

    /// Whether a pipeline would get any token.
    pub fn has_pipeline(&self, place: &str, name: &str) -> bool {
        if let Some(real) = &self.real {
            let known = real.actions_secrets(&format!("/{place}"));
            known.iter().any(|known| known == name)
        } else {
            let key = (place.to_owned(), name.to_owned());
            self.state().actions.secrets.contains_key(&key)
        }
    }

    /// Whether a pipeline would get this token; the real one tells only whether it would get any.
    pub fn pipeline_has(&self, place: &str, name: &str, token: &str) -> bool {
        if self.real.is_some() {
            return self.has_pipeline(place, name);
        }
        let key = (place.to_owned(), name.to_owned());
        self.state().actions.secrets.get(&key).is_some_and(|held| held == token)
    }

    /// Enrols a second factor, with codes by the clock.
    pub fn enrol(&self, login: &str) {
        match &self.real {
            Some(real) => real.enrol(login),
            None => self.set_code(login, "100000"),
        }
    }

    fn set_code(&self, login: &str, code: &str) {
        let mut state = self.state();
        let user = state.users.iter_mut().find(|user| user.login == login).unwrap();
        user.code = Some(code.to_owned());
    }

    /// A one-time code that is good, and was not given before.
    #[must_use]
    pub fn code(&self, login: &str) -> String {
        if let Some(real) = &self.real {
            return real.code(login);
        }
        let before = self.state().user(login).unwrap().code.clone().unwrap();
        let code = (before.parse::<u32>().unwrap() + 1).to_string();
        self.set_code(login, &code);
        code
    }

    /// A one-time code that is not good.
    #[must_use]
    pub fn wrong_code(&self, login: &str) -> String {
        match &self.real {
            Some(real) => real.wrong_code(login),
            None => "000000".to_owned(),
        }
    }

    /// A token of `login` with `scopes`, separated by commas. Returns the token.
    #[must_use]
    pub fn add_token(&self, login: &str, scopes: &str) -> String {
        let name = format!("token {}", self.tokens(login).len() + 1);
        match &self.real {
            Some(real) => real.add_token(login, &name, scopes),
            None => self.state().add_token(login, &name, scopes),
        }
    }

    /// Makes a token this many days older. On the double alone: a real one has no clock to set.
    pub fn age(&self, token: &str, days: i64) {
        let mut state = self.state();
        let pat = state.tokens.iter_mut().find(|pat| pat.value == token).unwrap();
        let earlier = SignedDuration::from_hours(24 * days);
        pat.created -= earlier;
        pat.used -= earlier;
    }

    /// Names and scopes of an account's tokens, oldest first.
    #[must_use]
    pub fn tokens(&self, login: &str) -> Vec<(String, String)> {
        let Some(real) = &self.real else {
            let state = self.state();
            let id = state.user(login).unwrap().id;
            let mine = state.tokens.iter().filter(|pat| pat.owner == id);
            return mine.map(|pat| (pat.name.clone(), pat.scopes.clone())).collect();
        };
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let listed = real.tokens(login).into_iter();
        listed
            .map(|token| {
                let scopes = token["scopes"].as_array().unwrap();
                (
                    text(&token["name"]),
                    scopes.iter().map(text).collect::<Vec<_>>().join(","),
                )
            })
            .collect()
    }

    /// Whether it is one of the account's tokens.
    #[must_use]
    pub fn knows(&self, login: &str, token: &str) -> bool {
        match &self.real {
            Some(real) => real
                .tokens(login)
                .iter()
                .any(|listed| listed["token_last_eight"] == token[32..]),
            None => self.state().tokens.iter().any(|pat| pat.value == token),
        }
    }

    /// Deletes a token of `login`.
    pub fn revoke_of(&self, login: &str, token: &str) {
        match &self.real {
            Some(real) => real.revoke(login, token),
            None => self.revoke(token),
        }
    }

    /// Deletes a token. On the double, whose it is does not matter.
    pub fn revoke(&self, token: &str) {
        if self.real.is_some() {
            return self.revoke_of("admin", token);
        }
        self.state().tokens.retain(|pat| pat.value != token);
    }

    /// Deletes all tokens of `admin` but one.
    pub fn revoke_others(&self, token: &str) {
        match &self.real {
            Some(real) => {
                for listed in real.tokens("admin") {
                    if listed["token_last_eight"] != token[32..] {
                        real.api_ok("DELETE", &format!("/users/admin/tokens/{}", listed["id"]), None);
                    }
                }
            }
            None => self.state().tokens.retain(|pat| pat.value == token),
        }
    }

    /// Everything that is changed crosses this gate from now on.
    pub fn set_gate(&self, gate: &Gate) {
        self.state.lock().unwrap().gate = gate.clone();
    }

    /// Everything that can be set about a double: users, what a proxy does, the root URL.
    ///
    /// # Panics
    /// Where it is a real one, which none of it would reach.
    pub fn state(&self) -> MutexGuard<'_, State> {
        assert!(self.real.is_none(), "only on the double");
        self.state.lock().unwrap()
    }

    /// All its images were pushed that much earlier.
    pub fn age_images(&self, by: Duration) {
        match &self.real {
            Some(real) => real.age_images(by),
            None => self.state().images.age(by),
        }
    }

    /// From now on, `path` is answered by something else than Gitea.
    pub fn replace(&self, path: &str, answer: Answer) {
        self.state.lock().unwrap().replaced.push((path.to_owned(), answer));
    }

    /// Just before a request is answered that has this in its method, path and query, somebody else does something.
    pub fn before(&self, request: &str, intruder: impl FnOnce(&mut State) + Send + 'static) {
        self.state().before.push((request.to_owned(), Box::new(intruder)));
    }

    /// The same on the double and on a real one: somebody else asks it for something.
    pub fn meanwhile(&self, request: &str, intruder: impl FnOnce() + Send + 'static) {
        let mut state = self.state.lock().unwrap();
        state.meanwhile.push((request.to_owned(), Box::new(intruder)));
    }

    /// What it has of one image: the tags, and the digests of what was pushed without one.
    #[must_use]
    pub fn versions(&self, repository: &str) -> Vec<String> {
        if let Some(real) = &self.real {
            return real.versions(repository);
        }
        let state = self.state();
        let of_it = state.images.versions.iter().filter(|one| one.repository == repository);
        of_it.map(|one| one.version.clone()).collect()
    }

    /// Every path is answered by Gitea again.
    pub fn recover(&self) {
        self.state.lock().unwrap().replaced.clear();
    }

    /// What it knows, to be changed by something that outlives a borrow of this.
    #[must_use]
    pub fn shared(&self) -> Arc<Mutex<State>> {
        self.state.clone()
    }

    /// Every request so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        self.server.seen()
    }

    /// The requests that came with a credential, as `basic /v2/token`.
    #[must_use]
    pub fn shown(&self) -> Vec<String> {
        let seen = self.server.seen().into_iter().filter(|seen| seen.auth != "none");
        seen.map(|seen| format!("{} {}", seen.auth, seen.path)).collect()
    }

    /// Whether a secret arrived in any request.
    #[must_use]
    pub fn received(&self, secret: &str) -> bool {
        self.server.received(secret)
    }
}

async fn answer(shared: &Arc<Mutex<State>>, request: Request) -> Answer {
    let gate = shared.lock().unwrap().gate.clone();
    // Nobody is there to be answered; where a real one would be, the connection is closed.
    let dead = match shared.lock().unwrap().real {
        Some(_) => Answer::none(),
        None => Answer::empty(503),
    };
    let is_read = matches!(request.method, http::Method::GET | http::Method::HEAD);
    let is_write = !is_read && (request.path.contains("/api/v1/") || request.path.contains("/manifests/"));
    let what = format!("{} {}", request.method, request.path);
    if !is_write {
        return if gate.glance(&what).await {
            judge(shared, request).await
        } else {
            dead
        };
    }
    if !gate.pass(|| format!("before {what}")).await {
        return dead;
    }
    let answer = judge(shared, request).await;
    if gate.pass(|| format!("after {what}")).await {
        answer
    } else {
        dead
    }
}

async fn judge(shared: &Arc<Mutex<State>>, mut request: Request) -> Answer {
    let asked = format!("{} {}?{}", request.method, request.path, request.query);
    let other = {
        let mut state = shared.lock().unwrap();
        let at = state.meanwhile.iter().position(|(what, _)| asked.contains(what));
        at.map(|at| state.meanwhile.remove(at).1)
    };
    if let Some(other) = other {
        // It asks this same server.
        tokio::task::spawn_blocking(other).await.unwrap();
    }
    let (reply, upstream) = {
        let mut state = shared.lock().unwrap();
        if let Some((_, answer)) = state.replaced.iter().find(|(path, _)| *path == request.path) {
            return answer.clone();
        }
        if let Some(at) = state.before.iter().position(|(what, _)| asked.contains(what)) {
            let (_, intruder) = state.before.remove(at);
            intruder(&mut state);
        }
        if state.strip.hits(&request.path) {
            request.headers.remove(http::header::AUTHORIZATION);
        }
        let path = request.path.clone();
        let below = state.sub_path();
        if let Some(real) = state.real {
            (registry::Reply::HandOn(real), None)
        } else if path == "/v2" || path.starts_with("/v2/") {
            (registry::answer(&mut state, &request, &path), state.upstream.clone())
        } else {
            let reply = match path.strip_prefix(&below) {
                // Gitea's own path leads to the same routes.
                Some(path) if path.starts_with("/v2/") => registry::answer(&mut state, &request, path),
                Some(path) if path.starts_with("/api/v1/") => {
                    registry::Reply::Done(api::answer(&mut state, &request, &path["/api/v1".len()..]))
                }
                _ => registry::Reply::Done(Answer::html(404, "<html><title>Page Not Found</title></html>")),
            };
            (reply, None)
        }
    };
    match (reply, upstream) {
        (registry::Reply::Done(answer), _) => answer,
        (registry::Reply::HandOn(real), _) => hand_on(real, request).await,
        (registry::Reply::Forward { repository, actions }, Some(upstream)) => {
            let list = registry::TagList::asked_for(&request);
            registry::as_gitea_says(upstream(request, repository, actions).await, list)
        }
        (registry::Reply::Forward { repository, .. }, None) => {
            shared.lock().unwrap().images.answer(&request, &repository)
        }
    }
}

/// The real Gitea's answer. The name that the client used stays: realms are made of it.
async fn hand_on(to: SocketAddr, request: Request) -> Answer {
    let host = request.headers.get(http::header::HOST);
    let host = host.map_or_else(String::new, |host| host.to_str().unwrap().to_owned());
    match tokio::net::TcpStream::connect(to).await {
        Ok(stream) => forward(stream, request, (http::header::HOST, host)).await,
        Err(_) => Answer::none(),
    }
}
