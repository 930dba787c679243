//! A workstation with a credential that is in Secrets of several namespaces, and the promise that holds at any moment.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred::keychain::{Name, StoredItem};
use regcred::model::{Credential, Token, Use};
use regcred::registry::{self, Options};
use serde_json::Value;

use crate::support::api_server::ADMIN_TOKEN;
use crate::support::world::{Ran, World};

pub const SECRET: &str = "gitea-credentials";
/// The account's own, at the double.
pub const PASSWORD: &str = "password of admin";

pub struct Rotation {
    pub world: World,
    pub usage: Use,
    pub namespaces: Vec<String>,
    /// The token that there was.
    pub old: String,
}

impl Rotation {
    /// Logged in for this use, with a Secret in each of three namespaces.
    pub fn new(world: World, usage: Use) -> Self {
        Self::with(world, usage, &["team-b", "team-c"])
    }

    /// The same with these namespaces besides the world's own.
    pub fn with(world: World, usage: Use, more: &[&str]) -> Self {
        let old = world.gitea.add_token("admin", scope(usage));
        let mut namespaces = vec![world.namespace.clone()];
        namespaces.extend(more.iter().map(|name| world.another_namespace(name)));
        let this = Self {
            world,
            usage,
            namespaces,
            old,
        };
        let login = format!("login [REGISTRY] -u admin --use {usage} --token-stdin --no-verify");
        this.world.regcred_with(&login, &this.old).done();
        this.world.regcred(&format!("sync {}", this.flags())).done();
        this.world.gate.open();
        this
    }

    /// Ready for the next rotation: what is current now is the old token, and no other is alive.
    pub fn again(&mut self) {
        self.old = self.served();
        self.world.gitea.revoke_others(&self.old);
        self.world.gate.open();
    }

    /// `-n` for each namespace.
    pub fn flags(&self) -> String {
        let flags: Vec<String> = self.namespaces.iter().map(|name| format!("-n {name}")).collect();
        flags.join(" ")
    }

    /// A token that could be the new one.
    pub fn another_token(&self) -> String {
        self.world.gitea.add_token("admin", scope(self.usage))
    }

    /// `rotate` in one of its ways. The standard input is the password, for those who ask for it.
    pub fn rotate(&self, args: &str) -> Ran {
        self.rotate_with(args, &format!("{PASSWORD}\n"))
    }

    pub fn rotate_with(&self, args: &str, stdin: &str) -> Ran {
        let usage = self.usage;
        let line = format!("rotate [REGISTRY] --use {usage} {args}");
        self.world.regcred_with(&line, stdin)
    }

    pub fn name(&self) -> Name {
        Name::login(&self.world.registry().parse().unwrap(), self.usage)
    }

    pub fn kept(&self) -> StoredItem {
        self.world.keychain().item(&self.name()).unwrap().unwrap()
    }

    /// The token in a Secret.
    pub fn held(&self, namespace: &str) -> Option<String> {
        token(&self.world.secret_in(namespace, SECRET)?, &self.world.registry())
    }

    /// The tokens of all Secrets.
    pub fn all_held(&self) -> Vec<String> {
        self.namespaces.iter().map(|name| self.held(name).unwrap()).collect()
    }

    /// Whether the registry knows it and lets it pull; the server's own word for it, because this is asked very often.
    pub fn works(&self, token: &str) -> bool {
        if self.world.gitea.real().is_some() {
            return self.world.gitea.knows("admin", token);
        }
        let state = self.world.gitea.state();
        let pat = state.tokens.iter().find(|pat| pat.value == token);
        pat.is_some_and(|pat| pat.has(state.profile, "read:package"))
    }

    /// Whether the registry lets somebody in with it, by asking it.
    pub fn opens(&self, token: &str) -> bool {
        let credential = Credential {
            registry: self.world.registry().parse().unwrap(),
            username: "admin".parse().unwrap(),
            token: Token::parse(token).unwrap(),
        };
        let options = Options {
            plain_http: true,
            ..Options::default()
        };
        registry::verify(&credential, &options, &self.world.env()).is_ok()
    }

    /// What docker gets, or sync.
    pub fn served(&self) -> String {
        if self.usage == Use::Docker {
            let answer = self.world.helper("get", "[REGISTRY]").done();
            let answer: Value = serde_json::from_str(&answer).unwrap();
            return answer["Secret"].as_str().unwrap().to_owned();
        }
        self.kept().current.token.expose().to_owned()
    }

    /// [`Rotation::check`], by asking the registry itself.
    pub fn check_really(&self, when: &str) {
        let mut tokens = self.all_held();
        tokens.push(self.served());
        tokens.sort();
        tokens.dedup();
        for token in tokens {
            assert!(
                self.opens(&token),
                "{when}: the registry does not accept a token that is in use"
            );
        }
    }

    /// The promise: every Secret, and whoever asks the keychain, has a token that the registry accepts right now.
    pub fn check(&self, when: &str) {
        let served = self.served();
        assert!(self.works(&served), "{when}: the keychain's token is dead");
        for namespace in &self.namespaces {
            let held = self.held(namespace).unwrap();
            assert!(self.works(&held), "{when}: the token in {namespace} is dead");
        }
    }

    /// How many tokens the account has.
    pub fn alive(&self) -> usize {
        self.world.gitea.tokens("admin").len()
    }

    /// The promise, and that nothing is left over: all have one token, and no rotation is pending.
    pub fn check_ended(&self, when: &str) {
        self.check(when);
        let served = self.served();
        assert!(
            self.all_held().iter().all(|held| *held == served),
            "{when}: not all hold one token"
        );
        assert_eq!(self.kept().rotation, None, "{when}");
    }

    /// Ends a rotation that was interrupted, and sees that nothing is left of it. Returns what was changed for that.
    /// `mints`: it makes its new token.
    pub fn end(&self, way: &str, mints: bool, when: &str) -> Vec<String> {
        self.world.gate.open();
        let was_pending = self.kept().rotation.is_some();
        let old_was_alive = self.works(&self.old);
        let ran = self.rotate(&format!("{way} --password-stdin"));
        let changed = self.world.gate.crossed();
        // Going back is not possible once the old token is gone, which is said, and the rotation is finished instead.
        let turns = way == "--abort" && was_pending && !old_was_alive;
        assert_eq!(ran.code, i32::from(turns), "{when}\n{ran}");
        self.check_ended(when);
        let alive = self.alive();
        let again = self.rotate(way);
        assert_eq!(
            (again.code, again.stderr.as_str()),
            (0, "no rotation is pending on this machine\n"),
            "{when}"
        );
        self.check_ended(when);
        if was_pending {
            let went_back = self.served() == self.old;
            // A token that was made is gone, and so is the old one; one that was given stays.
            let expected = if went_back && !mints { 2 } else { 1 };
            assert_eq!(alive, expected, "{when}\n{ran}");
        }
        changed
    }
}

pub fn token(secret: &Value, registry: &str) -> Option<String> {
    let document = STANDARD.decode(secret["data"][".dockerconfigjson"].as_str()?).unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    Some(document["auths"][registry]["password"].as_str()?.to_owned())
}

fn scope(usage: Use) -> &'static str {
    match usage {
        Use::Docker => "write:package",
        Use::Cluster | Use::Named(_) => "read:package",
    }
}

impl Rotation {
    /// The workstation's kubeconfig has these contexts from now on, each with the URL that it leads to.
    pub fn set_contexts(&self, contexts: &[(&'static str, String)]) {
        let context = |(name, url): &(&'static str, String)| Context {
            name,
            cluster: format!("{{server: '{url}'}}"),
            token: ADMIN_TOKEN,
        };
        self.write_contexts(&contexts.iter().map(context).collect::<Vec<_>>());
    }

    /// The same with more about each of them. The first one is the current one.
    pub fn write_contexts(&self, contexts: &[Context]) {
        let each = |line: &dyn Fn(&Context) -> String| -> String { contexts.iter().map(line).collect() };
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {}\nusers:\n{}clusters:\n{}contexts:\n{}",
            contexts[0].name,
            each(&|Context { name, token, .. }| format!("- {{name: {name}, user: {{token: {token}}}}}\n")),
            each(&|Context { name, cluster, .. }| format!("- {{name: {name}, cluster: {cluster}}}\n")),
            each(&|Context { name, .. }| format!("- {{name: {name}, context: {{cluster: {name}, user: {name}}}}}\n")),
        );
        std::fs::write(self.world.folder().join("kubeconfig"), kubeconfig).unwrap();
    }
}

/// A context of a kubeconfig.
pub struct Context {
    pub name: &'static str,
    /// As it stands in a kubeconfig.
    pub cluster: String,
    pub token: &'static str,
}
