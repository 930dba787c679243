//! What a Gitea remembers, and whom it takes a request for.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use k8s_openapi::jiff::Timestamp;

use super::super::gate::Gate;
use super::super::http::{Answer, Request, Shown};
use super::actions::Actions;
use super::images::Images;
use super::profile::{Fault, Profile};

/// The registry that keeps the images: it gets a request that Gitea lets pass, for one repository and some actions.
pub type Upstream = Arc<dyn Fn(Request, String, Vec<&'static str>) -> BoxFuture<'static, Answer> + Send + Sync>;

/// An account.
#[allow(clippy::struct_excessive_bools, reason = "Gitea's own table has them")]
#[derive(Clone, Debug)]
pub struct User {
    pub id: i64,
    pub login: String,
    pub password: String,
    pub visibility: Visibility,
    pub active: bool,
    pub prohibited: bool,
    pub admin: bool,
    /// The administrator wants a new password first.
    pub must_change_password: bool,
    /// The code that the account's authenticator shows.
    pub code: Option<String>,
    /// A security key is enrolled.
    pub security_key: bool,
    /// The account signs in through another service.
    pub elsewhere: bool,
    /// Who belongs to it, where it is an organisation.
    pub members: Vec<Member>,
}

/// Somebody in a team of an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: i64,
    /// The team may write packages.
    pub writes: bool,
}

/// Who sees an account and what it owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    Public,
    /// Whoever is signed in.
    Limited,
    /// The account itself, and administrators.
    Private,
}

impl Visibility {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Limited => "limited",
            Self::Private => "private",
        }
    }
}

/// The scope that takes from the others.
pub const PUBLIC: &str = "public-only";

/// A Personal Access Token.
#[derive(Clone)]
pub struct Pat {
    pub id: i64,
    pub owner: i64,
    pub name: String,
    pub value: String,
    /// As Gitea stores them: separated by commas.
    pub scopes: String,
    /// When it was made, and last used.
    pub created: Timestamp,
    pub used: Timestamp,
}

/// Which requests lose their `Authorization` in a reverse proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strip {
    Nothing,
    Everything,
    Registry,
    Api,
}

/// Somebody who changes something at the same time.
pub type Intruder = Box<dyn FnOnce(&mut State) + Send>;

/// Everything that a Gitea knows.
pub struct State {
    pub profile: Profile,
    pub users: Vec<User>,
    pub tokens: Vec<Pat>,
    /// `REQUIRE_SIGNIN_VIEW`
    pub require_signin: bool,
    /// `ENABLE_BASIC_AUTHENTICATION`
    pub enable_basic: bool,
    /// `REGISTER_EMAIL_CONFIRM`
    pub confirms_email: bool,
    /// How far its clock is behind the real one.
    pub behind: Duration,
    /// `ROOT_URL`, with a slash at its end.
    pub root_url: String,
    /// A realm that is not what it should be.
    pub realm: Option<String>,
    pub strip: Strip,
    /// Paths that something else answers.
    pub replaced: Vec<(String, Answer)>,
    /// What others do just before a request is answered whose method, path and query have this in them.
    pub before: Vec<(String, Intruder)>,
    /// The same, by requests of their own.
    pub meanwhile: Vec<(String, Box<dyn FnOnce() + Send>)>,
    /// Repositories, and the secrets of their pipelines.
    pub actions: Actions,
    /// Codes that are good for no second request.
    pub used_codes: Vec<String>,
    /// Its images, where no other registry keeps them.
    pub images: Images,
    /// Another registry that keeps the images.
    pub upstream: Option<Upstream>,
    /// Every token that is made or deleted crosses this gate.
    pub gate: Gate,
    /// Where a real one is that stands behind.
    pub(super) real: Option<std::net::SocketAddr>,
    /// What the registry's own tokens are signed with.
    pub secret: ring::hmac::Key,
    /// The newest account's and the newest token's id. A site's first of each are its administrator's.
    last_user: i64,
    pub last_token: i64,
}

/// Whom a request comes from.
#[derive(Clone)]
pub enum Doer {
    Nobody,
    /// What was shown is wrong.
    Wrong {
        fault: Fault,
        user: i64,
        name: String,
    },
    Somebody {
        user: User,
        pat: Option<Pat>,
        basic: bool,
    },
}

impl User {
    /// Whether an account, or nobody, sees this one and what it owns.
    pub fn is_seen_by(&self, who: Option<&User>) -> bool {
        match (self.visibility, who) {
            (Visibility::Public, _) | (Visibility::Limited, Some(_)) => true,
            (_, None) => false,
            (Visibility::Private, Some(who)) => who.id == self.id || who.admin || self.member(who).is_some(),
        }
    }

    /// What somebody is in an organisation.
    pub fn member(&self, who: &User) -> Option<Member> {
        self.members.iter().copied().find(|member| member.id == who.id)
    }
}

impl Doer {
    /// The account, where it is one.
    pub fn user(&self) -> Option<&User> {
        match self {
            Self::Somebody { user, .. } => Some(user),
            Self::Nobody | Self::Wrong { .. } => None,
        }
    }
}

impl Strip {
    pub fn hits(self, path: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Registry => !path.contains("/api/"),
            Self::Api => path.contains("/api/"),
        }
    }
}

impl State {
    pub fn new(profile: Profile) -> Self {
        let random = ring::rand::SystemRandom::new();
        Self {
            profile,
            users: Vec::new(),
            tokens: Vec::new(),
            require_signin: false,
            enable_basic: true,
            confirms_email: false,
            behind: Duration::ZERO,
            root_url: String::new(),
            realm: None,
            strip: Strip::Nothing,
            replaced: Vec::new(),
            before: Vec::new(),
            meanwhile: Vec::new(),
            actions: Actions::default(),
            used_codes: Vec::new(),
            images: Images::default(),
            upstream: None,
            gate: Gate::default(),
            real: None,
            secret: ring::hmac::Key::generate(ring::hmac::HMAC_SHA256, &random).unwrap(),
            last_user: 1,
            last_token: 1,
        }
    }

    pub fn add_user(&mut self, login: &str) -> i64 {
        self.last_user += 1;
        let id = self.last_user;
        self.users.push(User {
            id,
            login: login.to_owned(),
            password: super::password_of(login),
            visibility: Visibility::Public,
            active: true,
            prohibited: false,
            admin: false,
            must_change_password: false,
            code: None,
            security_key: false,
            elsewhere: false,
            members: Vec::new(),
        });
        id
    }

    pub fn add_token(&mut self, login: &str, name: &str, scopes: &str) -> String {
        let owner = self.user(login).expect("add the user first").id;
        let random: [u8; 20] = ring::rand::generate(&ring::rand::SystemRandom::new()).unwrap().expose();
        let value = hex(&random);
        self.last_token += 1;
        let now = Timestamp::now();
        self.tokens.push(Pat {
            id: self.last_token,
            owner,
            name: name.to_owned(),
            value: value.clone(),
            scopes: scopes.to_owned(),
            created: now,
            used: now,
        });
        value
    }

    pub fn user(&self, login: &str) -> Option<&User> {
        self.users.iter().find(|user| user.login.eq_ignore_ascii_case(login))
    }

    pub fn user_by_id(&self, id: i64) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// `/gitea` for a `ROOT_URL` below a path, else nothing.
    pub fn sub_path(&self) -> String {
        let rest = self.root_url.split_once("://").map_or("", |(_, rest)| rest);
        let path = rest.find('/').map_or("", |slash| &rest[slash..]);
        path.trim_end_matches('/').to_owned()
    }

    pub fn by_token(&mut self, token: &str, basic: bool) -> Option<Doer> {
        let pat = self.tokens.iter_mut().find(|pat| pat.value == token)?;
        pat.used = Timestamp::now();
        let pat = pat.clone();
        let user = self.user_by_id(pat.owner)?.clone();
        Some(Doer::Somebody {
            user,
            pat: Some(pat),
            basic,
        })
    }

    /// Basic authorization: a token is taken wherever it stands and the name beside it is ignored, else it is a password,
    /// with the second factor's code if the account has one.
    pub fn by_basic(&mut self, name: &str, password: &str, code: Option<&str>) -> Doer {
        let candidate = if matches!(password, "" | "x-oauth-basic") {
            name
        } else {
            password
        };
        if let Some(doer) = self.by_token(candidate, true) {
            return doer;
        }
        let profile = self.profile;
        let consumed = code.is_some_and(|code| self.used_codes.iter().any(|used| used == code));
        let user = self.users.iter().find(|user| user.login.eq_ignore_ascii_case(name));
        let fault = match user {
            _ if !self.enable_basic => Some(Fault::Disabled),
            None => Some(Fault::Password),
            Some(user) if user.elsewhere => Some(Fault::Elsewhere),
            Some(user) if user.password != candidate => Some(Fault::Password),
            Some(user) if user.prohibited => Some(Fault::Prohibited),
            Some(user) if user.security_key && profile.refuses_security_keys() => Some(Fault::SecurityKey),
            Some(user) if user.code.is_some() && (user.code.as_deref() != code || consumed) => Some(Fault::Code),
            Some(_) => None,
        };
        match (user, fault) {
            (Some(user), None) => {
                if let Some(code) = user.code.clone().filter(|_| profile.consumes_codes()) {
                    self.used_codes.push(code);
                }
                Doer::Somebody {
                    user: user.clone(),
                    pat: None,
                    basic: true,
                }
            }
            (user, fault) => Doer::Wrong {
                fault: fault.unwrap_or(Fault::Password),
                user: user.map_or(0, |user| user.id),
                name: name.to_owned(),
            },
        }
    }

    /// Whom the API takes a request for.
    pub fn api_doer(&mut self, request: &Request) -> Doer {
        match request.shown() {
            Shown::Nothing | Shown::Other => Doer::Nobody,
            Shown::Basic { user, password } => self.by_basic(&user, &password, self.code_of(request).as_deref()),
            Shown::Bearer(token) | Shown::Token(token) => self.by_token(&token, false).unwrap_or(Doer::Wrong {
                fault: Fault::Token,
                user: 0,
                name: String::new(),
            }),
        }
    }

    /// The second factor's code: Forgejo has a header of its own besides Gitea's.
    pub fn code_of(&self, request: &Request) -> Option<String> {
        let own = self.profile.is_forgejo().then_some("x-forgejo-otp");
        let found = own
            .into_iter()
            .chain(["x-gitea-otp"])
            .find_map(|name| request.headers.get(name))?;
        found.to_str().ok().map(str::to_owned)
    }
}

/// Whether these scopes open nothing but what everybody may see.
pub fn is_public_only(scopes: &str) -> bool {
    scopes.split(',').any(|scope| scope == PUBLIC)
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

impl Pat {
    /// Whether it opens nothing but what everybody may see.
    pub fn is_public_only(&self) -> bool {
        is_public_only(&self.scopes)
    }

    /// Whether the token has one scope: `read:x` comes with `write:x`, and everything with `all`.
    pub fn has(&self, profile: Profile, wanted: &str) -> bool {
        let kind = wanted.split_once(':').map_or(wanted, |(_, kind)| kind);
        let more = wanted.starts_with("read:").then(|| format!("write:{kind}"));
        let all_of_it = profile.has_old_scopes().then_some(kind);
        let opens = |scope: &str| {
            scope == "all" || scope == wanted || Some(scope) == more.as_deref() || Some(scope) == all_of_it
        };
        !profile.has_scopes() || self.scopes.split(',').any(opens)
    }
}
