//! What to ask registries, and with which credentials. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::observe::{Observed, Seen};
use crate::cluster::Resource;
use crate::cluster::images::{ImageUse, Needed};
use crate::cluster::survey::{HeldToken, Logins};
use crate::commands::status::cluster_view::{interest, other};
use crate::commands::status::credentials::StoredCredentials;
use crate::model::{Credential, ImageReference, Namespace, Registry, Repository, Version};

/// A question to a registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Question {
    pub(super) registry: Registry,
    pub(super) repository: Repository,
    pub(super) version: Version,
    /// The credentials to ask it with, in kubelet's order, by their place in [`Plan::credentials`].
    pub(super) logins: Vec<usize>,
}

/// An image that is used somewhere, and how to find out whether it can be pulled there.
pub(super) struct Planned<'a> {
    /// The cluster, by its place.
    pub(super) cluster: usize,
    pub(super) image: &'a ImageReference,
    pub(super) used: &'a ImageUse,
    pub(super) source: Source,
    /// By its place in [`Plan::questions`]; `None` if there is nobody to ask as.
    pub(super) question: Option<usize>,
}

/// What kubelet would pull it with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A Secret.
    Secret,
    /// Nothing, unless the node has a credential. It is asked for with the keychain's.
    Anonymous,
    /// The same, because this Secret is not there, or has a type that kubelet passes over.
    Lacking { secret: String, is_of_wrong_type: bool },
    /// Nothing at all: one of the pod's Secrets cannot be decoded.
    Broken { secret: String },
    /// It is not known, because this Secret was not looked at. It is asked for with the keychain's.
    Unseen { secret: String },
    /// It is not known, because something could not be read, which is said for itself. It is asked for with the keychain's.
    Unknown,
}

#[derive(Default)]
pub(super) struct Plan<'a> {
    pub(super) credentials: Vec<Credential>,
    pub(super) questions: Vec<Question>,
    pub(super) planned: Vec<Planned<'a>>,
}

/// Plans the questions for everything that could have to be pulled.
pub(super) fn plan<'a>(clusters: &'a [Observed], registries: &[Registry], stored: &StoredCredentials) -> Plan<'a> {
    let mut planner = Planner {
        registries,
        stored,
        plan: Plan::default(),
        places: BTreeMap::new(),
    };
    for (at, cluster) in clusters.iter().enumerate() {
        if let Ok(seen) = &cluster.seen {
            planner.cluster(at, seen);
        }
    }
    planner.plan
}

struct Planner<'a, 'p> {
    registries: &'p [Registry],
    stored: &'p StoredCredentials,
    plan: Plan<'a>,
    places: BTreeMap<Question, usize>,
}

impl<'a> Planner<'a, '_> {
    fn cluster(&mut self, cluster: usize, seen: &'a Seen) {
        // Thousands of pods have few tokens: each is looked for among the others once.
        let mut known: BTreeMap<(usize, usize, HeldToken), Option<usize>> = BTreeMap::new();
        for need in &seen.needs.needs {
            let Needed::Image(image) = &need.needed else { continue };
            let Some(registry) = self.registries.iter().position(|one| one == image.registry()) else {
                continue;
            };
            for used in need.uses.iter().filter(|used| used.is_pulled()) {
                let (source, held) = self.held(seen, registry, image, used);
                let mut logins: Vec<usize> = Vec::new();
                for (of, token) in held {
                    let login = *known
                        .entry((registry, of, token))
                        .or_insert_with(|| self.login(seen, registry, of, token));
                    logins.extend(login.filter(|login| !logins.contains(login)));
                }
                let question = (!logins.is_empty()).then(|| self.question(image, logins));
                self.plan.planned.push(Planned {
                    cluster,
                    image,
                    used,
                    source,
                    question,
                });
            }
        }
    }

    /// What an image is pulled with, and the tokens to ask for it with, each with the registry among whose tokens it is.
    fn held(
        &self,
        seen: &Seen,
        registry: usize,
        image: &ImageReference,
        used: &ImageUse,
    ) -> (Source, Vec<(usize, HeldToken)>) {
        let own = || {
            let kept = interest(&self.registries[registry], self.stored).kept;
            kept.first()
                .map(|(slot, _)| (registry, HeldToken::Stored(*slot)))
                .into_iter()
                .collect()
        };
        let Some(namespace) = &used.namespace else {
            return (Source::Unknown, own());
        };
        match logins(seen, namespace, image, used) {
            Logins::Unseen { secret: Some(secret) } if seen.survey.has_seen(Resource::Secrets, namespace) => {
                (Source::Unseen { secret }, own())
            }
            Logins::Unseen { .. } => (Source::Unknown, own()),
            Logins::Lacks {
                secret,
                is_of_wrong_type,
            } => (
                Source::Lacking {
                    secret,
                    is_of_wrong_type,
                },
                own(),
            ),
            Logins::Fails { secret } => (Source::Broken { secret }, Vec::new()),
            Logins::Tries(tried) => {
                // kubelet sends each of them to this registry: a wildcard's entry is for several.
                let held = tried.into_iter().map(|tried| tried.entry);
                let held: Vec<_> = held
                    .filter_map(|entry| Some((entry.interest?, entry.login?.token)))
                    .collect();
                if held.is_empty() {
                    (Source::Anonymous, own())
                } else {
                    (Source::Secret, held)
                }
            }
        }
    }

    /// The credential for a registry with a token that is among those of another, or of the same.
    fn login(&mut self, seen: &Seen, registry: usize, of: usize, token: HeldToken) -> Option<usize> {
        let mut credential = match token {
            HeldToken::Other(at) => other(&seen.survey, at, self.registries)?,
            HeldToken::Stored(slot) => {
                let kept = interest(&self.registries[of], self.stored).kept;
                let found = kept.into_iter().find(|(kept, _)| *kept == slot)?;
                found.1.clone()
            }
        };
        if of != registry {
            credential.registry = self.registries[registry].clone();
        }
        let credentials = &mut self.plan.credentials;
        let at = credentials.iter().position(|one| *one == credential);
        Some(at.unwrap_or_else(|| {
            credentials.push(credential);
            credentials.len() - 1
        }))
    }

    fn question(&mut self, image: &ImageReference, logins: Vec<usize>) -> usize {
        let question = Question {
            registry: image.registry().clone(),
            repository: image.repository().clone(),
            version: image.version(),
            logins,
        };
        let questions = &mut self.plan.questions;
        *self.places.entry(question.clone()).or_insert_with(|| {
            questions.push(question);
            questions.len() - 1
        })
    }
}

/// What kubelet logs in with. An object without a pod of its own has the namespace's default.
fn logins(seen: &Seen, namespace: &Namespace, image: &ImageReference, used: &ImageUse) -> Logins {
    let (own, account) = match &used.pod {
        Some(pod) => (pod.pull_secrets.as_slice(), pod.account.as_str()),
        None => (&[][..], ""),
    };
    seen.survey.logins(namespace, own, account, &image.to_string())
}

/// The platforms that nodes of the clusters have; none if the nodes of one are not known.
pub(super) fn platforms(clusters: &[Observed]) -> BTreeSet<String> {
    let mut platforms = BTreeSet::new();
    for seen in clusters.iter().filter_map(|cluster| cluster.seen.as_ref().ok()) {
        match &seen.nodes {
            Ok(nodes) => platforms.extend(nodes.iter().map(|node| node.platform.clone())),
            Err(_) => return BTreeSet::new(),
        }
    }
    platforms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::images::{How, ImageNeed, Needs, PodSide};
    use crate::cluster::survey::{
        Login, NamespaceSelection, OtherToken, SeenEntry, SeenSecret, State, Survey, TokenSlot,
    };
    use crate::cluster::{Ownership, SecretFormat, Target};
    use crate::commands::status::credentials::StoredCredential;
    use crate::model::{Token, Use};

    fn credential(registry: &str, username: &str, token: &str) -> Credential {
        Credential {
            registry: registry.parse().unwrap(),
            username: username.parse().unwrap(),
            token: Token::parse(token).unwrap(),
        }
    }

    /// A pod of an image, and its pull Secret with this key.
    fn seen(image: &str, key: &str, token: HeldToken) -> Seen {
        let used = ImageUse {
            how: How::Runs,
            is_named: true,
            namespace: Some("web".parse().unwrap()),
            object: "pod/api".to_owned(),
            controller: None,
            container: "app".to_owned(),
            running: None,
            pod: Some(PodSide {
                pull_secrets: vec!["pull".to_owned()],
                ..PodSide::default()
            }),
        };
        let secret = SeenSecret {
            target: Target {
                namespace: "web".parse().unwrap(),
                secret: "pull".parse().unwrap(),
            },
            is_legacy: false,
            is_immutable: false,
            format: SecretFormat::DockerConfigJson,
            is_of_argo_cd: false,
            is_managed: false,
            declared: Vec::new(),
            ownership: Ownership::Ours,
            resource_version: "1".to_owned(),
            written: None,
            has_applied_copy: false,
            state: State::Entries(vec![SeenEntry {
                key: key.to_owned(),
                interest: Some(0),
                login: Some(Login {
                    username: "robot".to_owned(),
                    token,
                }),
            }]),
            holds: Vec::new(),
        };
        Seen {
            places: NamespaceSelection::All,
            survey: Survey {
                secrets: vec![secret],
                other_tokens: vec![OtherToken {
                    interest: 0,
                    username: "robot".to_owned(),
                    token: Token::parse("robots").unwrap(),
                }],
                ..Survey::default()
            },
            needs: Needs {
                needs: vec![ImageNeed {
                    needed: Needed::Image(image.parse().unwrap()),
                    uses: vec![used],
                }],
                ..Needs::default()
            },
            nodes: Ok(Vec::new()),
        }
    }

    /// In the survey, the entry is that of the first registry that kubelet takes its key for.
    #[test]
    fn the_entry_of_a_wildcard_counts_for_every_registry_that_kubelet_takes_it_for() {
        let registries = ["a.example.com", "b.example.com"].map(|name| name.parse().unwrap());
        let held = [("a.example.com", "of a"), ("b.example.com", "of b")];
        let held = held.map(|(registry, token)| StoredCredential {
            usage: Use::Docker,
            credential: credential(registry, "admin", &token.replace(' ', "-")),
            since: None,
            rotation: None,
        });
        let stored = StoredCredentials {
            held: held.to_vec(),
            ..StoredCredentials::default()
        };
        let kept = HeldToken::Stored(TokenSlot::Docker);
        for (registry, key, token, source, asked_with) in [
            (
                "a",
                "*.example.com",
                HeldToken::Other(0),
                Source::Secret,
                ("robot", "robots"),
            ),
            (
                "b",
                "*.example.com",
                HeldToken::Other(0),
                Source::Secret,
                ("robot", "robots"),
            ),
            ("a", "*.example.com", kept, Source::Secret, ("admin", "of-a")),
            ("b", "*.example.com", kept, Source::Secret, ("admin", "of-a")),
            // Not kubelet's for this image: it is asked for with the keychain's.
            (
                "b",
                "a.example.com",
                HeldToken::Other(0),
                Source::Anonymous,
                ("admin", "of-b"),
            ),
        ] {
            let registry = format!("{registry}.example.com");
            let cluster = Observed {
                context: "prod".to_owned(),
                flag: None,
                seen: Ok(seen(&format!("{registry}/owner/app:1"), key, token)),
            };
            let clusters = [cluster];
            let plan = plan(&clusters, &registries, &stored);
            let asked: Vec<_> = plan.questions.iter().flat_map(|question| &question.logins).collect();
            let asked: Vec<_> = asked.into_iter().map(|at| plan.credentials[*at].clone()).collect();
            assert_eq!(plan.planned[0].source, source, "{registry} {key}");
            assert_eq!(
                asked,
                [credential(&registry, asked_with.0, asked_with.1)],
                "{registry} {key}"
            );
        }
    }
}
