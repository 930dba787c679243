//! A cluster, a keychain and a registry's verdict, for the tests of findings.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Code;
use super::cluster_view::{ClusterView, Expected, other};
use super::credentials::{StoredCredential, StoredCredentials};
use super::finding::Finding;
use super::findings::{missing, secrets};
use super::given_flags::GivenFlags;
use super::tokens::{Verdict, Verdicts};
use crate::cluster::survey::{
    HeldToken, Login, MissingSecret, OtherToken, Puller, SeenAccount, SeenEntry, SeenSecret, State, Survey, TokenSlot,
};
use crate::cluster::{Entry, Namespace, Owner, Ownership, Resource, SecretFormat, Target};
use crate::model::{Credential, Registry, Token, Use};
use crate::registry::{Flow, Scopes, Server, Verified};

pub(super) const REGISTRY: &str = "gitea.example.com";
/// The keychain's token for clusters.
pub(super) const KEPT: HeldToken = HeldToken::Stored(TokenSlot::Cluster);
/// A token that the keychain does not have.
pub(super) const OTHER: HeldToken = HeldToken::Other(0);

pub(super) struct Fixture {
    pub(super) survey: Survey,
    pub(super) credentials: StoredCredentials,
    pub(super) verdicts: Verdicts,
    pub(super) expected: Vec<Expected>,
    registries: Vec<Registry>,
    namespace: Namespace,
    pub(super) flags: GivenFlags,
    pub(super) lost: BTreeSet<Namespace>,
}

impl Fixture {
    /// With a credential of this use in the keychain.
    pub(super) fn with(usage: Use) -> Self {
        let token = |text: &str| Token::parse(text).unwrap();
        let credential = Credential {
            registry: REGISTRY.parse().unwrap(),
            username: "admin".parse().unwrap(),
            token: token("kept"),
        };
        Self {
            survey: Survey {
                other_tokens: vec![OtherToken {
                    interest: 0,
                    username: "admin".to_owned(),
                    token: token("other"),
                }],
                ..Survey::default()
            },
            credentials: StoredCredentials {
                held: vec![StoredCredential {
                    usage,
                    credential,
                    since: None,
                    rotation: None,
                }],
                ..StoredCredentials::default()
            },
            verdicts: Verdicts::default(),
            expected: Vec::new(),
            registries: vec![REGISTRY.parse().unwrap()],
            namespace: "web".parse().unwrap(),
            flags: GivenFlags::default(),
            lost: BTreeSet::new(),
        }
    }

    pub(super) fn new() -> Self {
        Self::with(Use::Cluster)
    }

    /// Sets the registry's verdict on the keychain's token or on the other one.
    pub(super) fn registry_says(mut self, of: HeldToken, verdict: Verdict) -> Self {
        let credential = match of {
            HeldToken::Stored(_) => self.credentials.held[0].credential.clone(),
            HeldToken::Other(at) => other(&self.survey, at, &self.registries).unwrap(),
        };
        self.verdicts = self.verdicts.with(credential, verdict);
        self
    }

    pub(super) fn view(&self) -> ClusterView<'_> {
        ClusterView {
            context: "prod",
            flag: None,
            namespace: &self.namespace,
            survey: &self.survey,
            registries: &self.registries,
            known: self.registries.len(),
            lost: &self.lost,
            expected: &self.expected,
            credentials: &self.credentials,
            verdicts: &self.verdicts,
            flags: &self.flags,
        }
    }

    /// The flags for printed commands.
    pub(super) fn typed(&self) -> &GivenFlags {
        &self.flags
    }

    /// Each row's state, and the findings.
    pub(super) fn judged(&self) -> (Vec<String>, Vec<Finding>) {
        let (mut rows, mut findings) = secrets::judge(&self.view());
        let (more, found) = missing::judge(&self.view());
        rows.extend(more);
        findings.extend(found);
        (rows.iter().map(|row| row.state.to_string()).collect(), findings)
    }

    /// The findings as text: code, cause and commands.
    pub(super) fn shown(&self, findings: &[Finding]) -> Vec<String> {
        let shown = findings.iter().map(|finding| {
            let advice = finding.remedy.advice.iter().cloned();
            let lines = finding.remedy.lines(&self.flags);
            let lines: Vec<String> = lines.iter().map(ToString::to_string).chain(advice).collect();
            format!("{}: {} | {}", finding.code, finding.cause, lines.join(" | "))
        });
        shown.collect()
    }
}

pub(super) fn accepted(scopes: &str) -> Verdict {
    Verdict::Accepted(Arc::new(Verified {
        who: None,
        scopes: Scopes::parse(scopes),
        created: None,
        server: Server::Other,
        flow: Flow::Bearer,
        notes: Vec::new(),
    }))
}

pub(super) fn refused() -> Verdict {
    Verdict::Refused {
        code: Code::TokenRejected,
        cause: "the registry does not accept it".to_owned(),
        hint: None,
    }
}

pub(super) fn target(name: &str) -> Target {
    Target {
        namespace: "web".parse().unwrap(),
        secret: name.parse().unwrap(),
    }
}

/// A managed Secret with this token under the registry's key.
pub(super) fn secret(name: &str, token: HeldToken) -> SeenSecret {
    SeenSecret {
        target: target(name),
        is_legacy: false,
        is_immutable: false,
        format: SecretFormat::DockerConfigJson,
        is_of_argo_cd: false,
        is_managed: true,
        declared: vec![Entry {
            registry: REGISTRY.parse().unwrap(),
            username: "admin".to_owned(),
            usage: Use::Cluster,
            writer: None,
        }],
        ownership: Ownership::Ours,
        resource_version: "1".to_owned(),
        written: None,
        has_applied_copy: false,
        state: State::Entries(vec![SeenEntry {
            key: REGISTRY.to_owned(),
            interest: Some(0),
            login: Some(Login {
                username: "admin".to_owned(),
                token,
            }),
        }]),
        holds: match token {
            HeldToken::Stored(slot) => vec![(0, slot)],
            HeldToken::Other(_) => Vec::new(),
        },
    }
}

/// The same, created with kubectl.
pub(super) fn by_hand(name: &str, token: HeldToken) -> SeenSecret {
    SeenSecret {
        is_managed: false,
        declared: Vec::new(),
        ownership: Ownership::Adoptable { from: None },
        ..secret(name, token)
    }
}

/// The same, owned by Helm.
pub(super) fn of_helm(name: &str, token: HeldToken) -> SeenSecret {
    SeenSecret {
        ownership: Ownership::Foreign(Box::new(Owner {
            name: "Helm".to_owned(),
            object: None,
            what_happens: "the next upgrade writes it again",
            instead: "change the chart's values".to_owned(),
            stays: true,
        })),
        ..by_hand(name, token)
    }
}

pub(super) fn account(name: &str, secrets: &[&str]) -> SeenAccount {
    SeenAccount {
        namespace: "web".parse().unwrap(),
        name: name.to_owned(),
        pull_secrets: secrets.iter().map(|&name| name.to_owned()).collect(),
    }
}

/// A Deployment with these pull Secrets.
pub(super) fn puller(secrets: &[&str]) -> Puller {
    let secrets: Vec<String> = secrets.iter().map(|&name| name.to_owned()).collect();
    Puller {
        resource: Resource::Deployments,
        namespace: "web".parse().unwrap(),
        name: "api".to_owned(),
        registries: vec![0],
        own_secrets: secrets.clone(),
        account: "default".to_owned(),
        pull_secrets: secrets,
        made_by: None,
    }
}

pub(super) fn missing_secret(name: &str, accounts: &[&str]) -> MissingSecret {
    MissingSecret {
        target: target(name),
        is_of_wrong_type: false,
        pullers: Vec::new(),
        accounts: accounts.iter().map(|&name| name.to_owned()).collect(),
    }
}
