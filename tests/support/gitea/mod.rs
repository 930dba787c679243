//! A Gitea on loopback, in the generations that differ in what a registry client sees.
//!
//! It answers as the real one does, with its statuses, headers and texts, and refuses what the real one refuses: scopes,
//! names, the kind of authorization. What differs between the generations is in [`profile`], once.

mod api;
mod profile;
mod registry;
mod state;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio_rustls::TlsAcceptor;

#[allow(unused_imports, reason = "not every program that uses this double names them all")]
pub use profile::{Fault, Profile};
#[allow(unused_imports, reason = "not every program that uses this double names them all")]
pub use state::{State, Strip, Upstream, hex};

use super::http::{Answer, Request, Seen, Server};

/// A running Gitea.
pub struct Gitea {
    server: Server,
    state: Arc<Mutex<State>>,
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
            Box::pin(async move { answer(&shared, request).await })
        };
        let server = Server::serve(Arc::new(handler), tls);
        state.lock().unwrap().root_url = format!("http://{}/", server.address());
        Self { server, state }
    }

    /// `127.0.0.1:port`, as users name it.
    #[must_use]
    pub fn registry(&self) -> String {
        self.server.registry()
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// A user who is active, public and has a password.
    pub fn add_user(&self, login: &str) -> i64 {
        self.state().add_user(login)
    }

    /// A token of `login` with `scopes`, separated by commas. Returns the token.
    #[must_use]
    pub fn add_token(&self, login: &str, scopes: &str) -> String {
        let mut state = self.state();
        let name = format!("token {}", state.tokens.len() + 1);
        state.add_token(login, &name, scopes)
    }

    /// Deletes a token.
    pub fn revoke(&self, token: &str) {
        self.state().tokens.retain(|pat| pat.value != token);
    }

    /// Everything that can be set: users, what a proxy does, the root URL.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// From now on, `path` is answered by something else than Gitea.
    pub fn replace(&self, path: &str, answer: Answer) {
        self.state().replaced.push((path.to_owned(), answer));
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
    // Nobody is there to be answered.
    let dead = Answer::empty(503);
    let is_write = request.path.contains("/api/v1/") && request.method != http::Method::GET;
    if !is_write {
        return if gate.glance().await {
            judge(shared, request).await
        } else {
            dead
        };
    }
    let what = format!("{} {}", request.method, request.path);
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
    let (reply, upstream) = {
        let mut state = shared.lock().unwrap();
        if let Some((_, answer)) = state.replaced.iter().find(|(path, _)| *path == request.path) {
            return answer.clone();
        }
        if state.strip.hits(&request.path) {
            request.headers.remove(http::header::AUTHORIZATION);
        }
        let path = request.path.clone();
        let below = state.sub_path();
        if path == "/v2" || path.starts_with("/v2/") {
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
        (registry::Reply::Forward { repository, actions }, Some(upstream)) => {
            upstream(request, repository, actions).await
        }
        (registry::Reply::Forward { .. }, None) => {
            registry::error(404, "NAME_UNKNOWN", "repository name not known to registry")
        }
    }
}
