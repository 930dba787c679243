//! The snapshot of one cluster with the credentials to compare it to, which the findings about Secrets and pods share.

use std::collections::BTreeSet;

use super::credentials::{StoredCredential, StoredCredentials};
use super::finding::{Finding, Object, Remedy, Sync};
use super::given_flags::GivenFlags;
use super::tokens::{Verdict, Verdicts};
use crate::cluster::survey::{
    Cause, HeldToken, Interest, SeenSecret, State, StuckPull, Survey, TokenSlot, Verdict as OfToken,
};
use crate::cluster::{Namespace, SecretName, ServiceAccountName, Target};
use crate::model::rotation::TokenVersion;
use crate::model::{CommandLine, Credential, Registry, Use};

/// A Secret that should exist, because of -n, -l or -f.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) struct Expected {
    pub(in crate::commands) target: Target,
    /// Its registry; `None` if several are possible.
    pub(in crate::commands) registries: Vec<Registry>,
    /// The uses that the list names, each with its registry.
    pub(in crate::commands) uses: Vec<(Registry, Use)>,
    /// The ServiceAccounts that it should be attached to.
    pub(in crate::commands) service_accounts: Vec<ServiceAccountName>,
    /// Whether it was named, so that another Secret in its namespace cannot replace it.
    pub(in crate::commands) is_by_name: bool,
    /// Whether kubelet is to pull with it.
    pub(in crate::commands) is_for_kubelet: bool,
}

/// The snapshot of one cluster and what it is compared to.
pub(in crate::commands) struct ClusterView<'a> {
    /// The context's name; empty for the in-cluster configuration.
    pub(in crate::commands) context: &'a str,
    /// The value for `--context` in the printed commands, if it was given.
    pub(in crate::commands) flag: Option<&'a str>,
    /// The context's own namespace.
    pub(in crate::commands) namespace: &'a Namespace,
    pub(in crate::commands) survey: &'a Survey,
    /// The registries in the survey, in its order.
    pub(in crate::commands) registries: &'a [Registry],
    /// How many of them the user has named or has a credential for. The others are named only by Secrets in the cluster.
    pub(in crate::commands) known: usize,
    /// Namespaces that were named and do not exist.
    pub(in crate::commands) lost: &'a BTreeSet<Namespace>,
    /// Sorted by target, without duplicates.
    pub(in crate::commands) expected: &'a [Expected],
    pub(in crate::commands) credentials: &'a StoredCredentials,
    pub(in crate::commands) verdicts: &'a Verdicts,
    pub(in crate::commands) flags: &'a GivenFlags,
}

/// The keychain's credentials for a registry. The one that sync uses comes first, which matters if two have the same token.
pub(in crate::commands) fn interest<'a>(registry: &Registry, credentials: &'a StoredCredentials) -> Interest<'a> {
    let mut kept: Vec<(TokenSlot, &Credential)> = Vec::new();
    let for_clusters = [Use::Cluster, Use::Docker].map(|usage| credentials.for_use(registry, usage));
    let is_named = |held: &&StoredCredential| held.credential.registry == *registry && held.usage.name().is_some();
    let named = credentials.held.iter().filter(is_named);
    let all: Vec<_> = for_clusters.into_iter().flatten().chain(named).collect();
    kept.extend(all.iter().map(|held| (credentials.slot(held), &held.credential)));
    for held in all {
        let new = held
            .rotation
            .as_ref()
            .filter(|rotation| rotation.phase.current() == TokenVersion::Old);
        let new = new.and_then(|rotation| rotation.other.as_ref());
        kept.extend(new.map(|credential| (TokenSlot::Pending, credential)));
    }
    Interest {
        registry: registry.clone(),
        kept,
    }
}

/// The login command for a registry, with `--from-docker` if docker has a credential for it.
pub(in crate::commands) fn login(
    credentials: &StoredCredentials,
    registry: &Registry,
    user: Option<&str>,
    flags: &GivenFlags,
) -> CommandLine {
    if credentials.in_docker.contains(registry) {
        let login = CommandLine::new("kubectl regcred login").value("REGISTRY", registry.as_str());
        return flags.registry(login.words("--from-docker"));
    }
    flags.login(registry.as_str(), user)
}

/// A token in a Secret that is not in the keychain, as a credential that the registry can verify.
pub(in crate::commands) fn other(survey: &Survey, at: usize, registries: &[Registry]) -> Option<Credential> {
    let other = survey.other_tokens.get(at)?;
    Some(Credential {
        registry: registries.get(other.interest)?.clone(),
        username: other.username.parse().ok()?,
        token: other.token.clone(),
    })
}

impl<'a> ClusterView<'a> {
    /// What sync would write for this registry if nothing names another use.
    pub(in crate::commands) fn held(&self, registry: &Registry) -> Option<&'a StoredCredential> {
        self.credentials.for_cluster(registry)
    }

    /// The expectation for this Secret, if there is one.
    pub(in crate::commands) fn expected(&self, target: &Target) -> Option<&'a Expected> {
        let at = self
            .expected
            .binary_search_by(|expected| expected.target.cmp(target))
            .ok()?;
        self.expected.get(at)
    }

    /// What sync would write to this Secret: for the use that the list names, or that of the token in it.
    pub(in crate::commands) fn due(&self, secret: &SeenSecret, registry: &Registry) -> Option<&'a StoredCredential> {
        let (namespace, name) = (secret.target.namespace.as_str(), secret.target.secret.as_str());
        let named = self.named_use(namespace, name, registry);
        match named.or_else(|| self.use_in(secret, registry)) {
            Some(usage) => self.credentials.for_use(registry, usage),
            None => self.held(registry),
        }
    }

    /// What sync would write to a Secret that does not exist.
    pub(in crate::commands) fn due_to_new(
        &self,
        namespace: &str,
        secret: &str,
        registry: &Registry,
    ) -> Option<&'a StoredCredential> {
        match self.named_use(namespace, secret, registry) {
            Some(usage) => self.credentials.for_use(registry, usage),
            None => self.held(registry),
        }
    }

    /// The use that the list names for a Secret.
    fn named_use(&self, namespace: &str, secret: &str, registry: &Registry) -> Option<Use> {
        let key = |expected: &Expected| {
            let target = &expected.target;
            (target.namespace.as_str(), target.secret.as_str()).cmp(&(namespace, secret))
        };
        let expected = self.expected.get(self.expected.binary_search_by(key).ok()?)?;
        let mut uses = expected.uses.iter();
        uses.find(|(of, _)| of == registry).map(|(_, usage)| *usage)
    }

    /// Whether the Secret holds this credential just as `sync` writes it.
    pub(in crate::commands) fn holds(&self, secret: &SeenSecret, held: &StoredCredential) -> bool {
        let registry = &held.credential.registry;
        let interest = self.registries.iter().position(|one| one == registry);
        interest.is_some_and(|at| secret.holds.contains(&(at, self.credentials.slot(held))))
    }

    /// The use of the user's own whose token the Secret holds, or held, for the registry.
    fn use_in(&self, secret: &SeenSecret, registry: &Registry) -> Option<Use> {
        let mut tokens = secret
            .entries_of(registry)
            .filter_map(|entry| Some(entry.login.as_ref()?.token));
        tokens.find_map(|token| match token {
            HeldToken::Stored(TokenSlot::Named(at)) => Some(self.credentials.held.get(at)?.usage),
            HeldToken::Stored(_) => None,
            HeldToken::Other(at) => {
                let other = self.survey.other_tokens.get(at)?;
                let earlier = &self.credentials.own.get(registry)?.earlier;
                earlier.name_of(&other.token).flatten().map(Use::Named)
            }
        })
    }

    /// Whether the list names another use for the Secret than that of the token in it.
    pub(in crate::commands) fn is_for_other_use(&self, secret: &SeenSecret, registry: &Registry) -> bool {
        let (namespace, name) = (secret.target.namespace.as_str(), secret.target.secret.as_str());
        let Some(named) = self.named_use(namespace, name, registry) else {
            return false;
        };
        if let Some(usage) = self.use_in(secret, registry) {
            return usage != named;
        }
        let mut tokens = secret
            .entries_of(registry)
            .filter_map(|entry| Some(entry.login.as_ref()?.token));
        named.name().is_some() && tokens.any(|token| self.stored(registry, token).is_some())
    }

    /// The credential whose token a Secret holds.
    pub(in crate::commands) fn stored(&self, registry: &Registry, token: HeldToken) -> Option<&'a StoredCredential> {
        let mut held = self.credentials.held.iter();
        held.find(|one| one.credential.registry == *registry && self.is_token_of(one, token))
    }

    /// Whether this is the token of that credential.
    pub(in crate::commands) fn is_token_of(&self, held: &StoredCredential, token: HeldToken) -> bool {
        token == HeldToken::Stored(self.credentials.slot(held))
    }

    /// The registry's verdict on a token in a Secret.
    pub(in crate::commands) fn verdict(&self, registry: &Registry, token: HeldToken) -> Verdict {
        let kept = |wanted: TokenSlot| {
            let kept = interest(registry, self.credentials).kept;
            kept.into_iter().find(|(keeping, _)| *keeping == wanted)
        };
        match token {
            HeldToken::Stored(wanted) => kept(wanted).map(|(_, credential)| self.verdicts.of(credential)),
            HeldToken::Other(at) => {
                other(self.survey, at, self.registries).map(|credential| self.verdicts.of(&credential))
            }
        }
        .unwrap_or(Verdict::Unknown)
    }

    /// The cause for each stuck pod, from the state of the cluster and the registries' verdicts on its tokens.
    pub(in crate::commands) fn causes(&self) -> Vec<Cause> {
        let cause = |pod: &StuckPull| {
            let registry = self.registries.get(pod.interest);
            let ask = |token| match self.verdict(registry?, token) {
                Verdict::Accepted(_) => Some(OfToken::Accepted),
                verdict if verdict.is_refused() => Some(OfToken::Rejected),
                _ => None,
            };
            self.survey.diagnose(pod, &ask)
        };
        self.survey.stuck.iter().map(cause).collect()
    }

    pub(in crate::commands) fn secret(&self, target: &Target) -> Object {
        self.object("secret", target.namespace.as_str(), target.secret.as_str())
    }

    pub(in crate::commands) fn object(&self, kind: &'static str, namespace: &str, name: &str) -> Object {
        Object {
            context: self.context_name(),
            namespace: Some(namespace.to_owned()),
            kind,
            name: name.to_owned(),
        }
    }

    pub(in crate::commands) fn context_name(&self) -> Option<String> {
        Some(self.context.to_owned()).filter(|context| !context.is_empty())
    }

    /// Secrets with our label that hold no token of this user and that were not named: namespace, name and registry.
    pub(in crate::commands) fn unproven(&self) -> BTreeSet<(&'a str, &'a str, &'a str)> {
        let mut unproven = BTreeSet::new();
        for secret in self.survey.secrets.iter().filter(|secret| secret.is_managed) {
            if self.expected(&secret.target).is_some() {
                continue;
            }
            for (at, registry) in self.registries.iter().enumerate() {
                if !self.holds_own(secret, at, registry) {
                    let target = &secret.target;
                    unproven.insert((target.namespace.as_str(), target.secret.as_str(), registry.as_str()));
                }
            }
        }
        unproven
    }

    /// Whether an entry of the registry has a token that the keychain has or had.
    fn holds_own(&self, secret: &SeenSecret, at: usize, registry: &Registry) -> bool {
        let State::Entries(entries) = &secret.state else {
            return false;
        };
        let logins = entries.iter().filter(|entry| entry.interest == Some(at));
        let mut tokens = logins.filter_map(|entry| Some(entry.login.as_ref()?.token));
        tokens.any(|token| self.is_own(registry, token))
    }

    /// Whether the keychain has or had this token.
    pub(in crate::commands) fn is_own(&self, registry: &Registry, token: HeldToken) -> bool {
        match token {
            HeldToken::Stored(_) => true,
            HeldToken::Other(at) => {
                let other = self.survey.other_tokens.get(at);
                let own = self.credentials.own.get(registry);
                other.zip(own).is_some_and(|(other, own)| own.has(&other.token))
            }
        }
    }

    /// Removes the command from a finding about one of these Secrets: pasted with others, it would give the token to the
    /// person who created the Secret.
    pub(in crate::commands) fn guarded(
        &self,
        mut finding: Finding,
        unproven: &BTreeSet<(&str, &str, &str)>,
    ) -> Finding {
        let remedy = &finding.remedy;
        let is_one = remedy.sync.as_ref().is_some_and(|sync| {
            unproven.contains(&(sync.namespace.as_str(), sync.secret.as_str(), sync.registry.as_str()))
        });
        if is_one {
            let commands: Vec<String> = remedy.lines(self.flags).iter().map(ToString::to_string).collect();
            let commands = commands.join(" && ");
            let more = remedy
                .advice
                .as_ref()
                .map_or_else(String::new, |advice| format!("; {advice}"));
            finding.remedy = Remedy::advice(format!(
                "whoever may create Secrets can give one regcred's label, and nothing in this one proves that it is \
                 yours; if it is: {commands}{more}"
            ));
        }
        finding
    }

    /// The sync command that writes this Secret.
    pub(in crate::commands) fn sync(&self, namespace: &str, secret: &str, registry: &Registry) -> Sync {
        Sync {
            context: self.flag.map(str::to_owned),
            secret: secret.to_owned(),
            registry: registry.to_string(),
            usage: self.named_use(namespace, secret, registry),
            service_accounts: Vec::new(),
            more: Vec::new(),
            namespace: namespace.to_owned(),
        }
    }

    /// The user that a Secret has for the registry; text from the cluster.
    pub(in crate::commands) fn user_in(&self, target: &Target, registry: &Registry) -> Option<&'a str> {
        let own = self.survey.secret(target)?.entries_of(registry).next()?;
        Some(own.login.as_ref()?.username.as_str())
    }

    /// Whether only a Secret in the cluster names the registry, which any tenant can do.
    pub(in crate::commands) fn is_claimed(&self, registry: &Registry) -> bool {
        !self.registries.iter().take(self.known).any(|known| known == registry)
            && !self.credentials.in_docker.contains(registry)
    }

    /// The remedy, preceded by a login if the keychain has no credential. `user` is the one in the Secret or pod.
    pub(in crate::commands) fn after_login(&self, registry: &Registry, user: Option<&str>, remedy: Remedy) -> Remedy {
        if self.credentials.has_any_of(registry) {
            return remedy;
        }
        if self.is_claimed(registry) {
            return Remedy::advice(format!(
                "only the cluster names {registry}: where it is a registry of yours, log in to it with kubectl regcred login, \
                 and look again"
            ));
        }
        let mut commands = vec![self.login(registry, user)];
        commands.extend(remedy.commands);
        Remedy { commands, ..remedy }
    }

    /// The login command for a registry that this user knows.
    pub(in crate::commands) fn login(&self, registry: &Registry, user: Option<&str>) -> CommandLine {
        login(self.credentials, registry, user, self.flags)
    }

    /// The sync command that writes a new Secret to replace one that cannot be changed.
    pub(in crate::commands) fn sync_another(&self, namespace: &Namespace, registry: &Registry) -> CommandLine {
        let sync = CommandLine::new("kubectl regcred sync")
            .option("-n", "NAMESPACE", namespace.as_str())
            .option("--registry", "REGISTRY", registry.as_str())
            .words("--secret NEW-NAME");
        self.flags.cluster(self.flag, sync)
    }

    pub(in crate::commands) fn sync_of(&self, target: &Target, registry: &Registry) -> Remedy {
        Remedy::sync(self.sync(target.namespace.as_str(), target.secret.as_str(), registry))
    }

    /// A Secret by a name from the cluster; `None` if it is not a valid name.
    pub(in crate::commands) fn target(namespace: &Namespace, name: &str) -> Option<Target> {
        Some(Target {
            namespace: namespace.clone(),
            secret: name.parse::<SecretName>().ok()?,
        })
    }
}
