//! Builds the survey from the objects that were read. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::consumers::{UnseenConsumers, Uses};
use super::diagnose::Named;
use super::gather::{Finished, Gathered, MAX_REGISTRIES};
use super::question::Question;
use super::report::{Counts, MissingSecret, Puller, SeenAccount, Survey};
use super::secret::{OtherToken, SeenSecret, State};
use super::stuck::{Cause, StuckPull};
use crate::cluster::resource::Resource;
use crate::cluster::workload::controllers::Controllers;
use crate::cluster::workload::message::PullFailure;
use crate::cluster::workload::model::{Image, Workload};
use crate::model::pull::Pull;
use crate::model::{Namespace, Registry, Target};

/// Keys that the images of one namespace are compared with. Thousands of pods that name a Secret of thousands of entries
/// are one tenant's doing, and no other namespace is to wait for them: those that come last stay unexplained.
const MAX_COMPARED: usize = 100_000;

/// The objects that were read, with indexes.
struct View<'a> {
    gathered: &'a Gathered,
    controllers: Controllers<'a>,
    accounts: HashMap<(&'a Namespace, &'a str), &'a [String]>,
}

impl Survey {
    pub(super) fn new(finished: Finished<'_>, question: &Question<'_>, others: Vec<OtherToken>, taken: i64) -> Self {
        let view = View::new(&finished.gathered);
        let targets = question.targets.as_slice();
        let pullers = view.pullers();
        let missing = view.missing(&pullers, &question.named, &finished.absent);
        let stuck = view.stuck(&finished);
        let in_use = view.in_use(&pullers);
        let wanted: HashSet<&Target> = targets.iter().chain(&question.named).collect();
        let matters = |secret: &SeenSecret| {
            let target = &secret.target;
            secret.is_managed || has_entry(secret) || in_use.contains(target) || wanted.contains(target)
        };
        let namespaces = match &finished.places {
            Some(places) => places.len(),
            None => view.namespaces(&pullers),
        };
        let (readers, unseen_consumers) = readers(&finished.gathered);
        let gathered = finished.gathered;
        let claimed = claimed(gathered.secrets.values());
        let of_wrong_type = targets
            .iter()
            .filter(|target| finished.absent.get(*target) == Some(&true));
        let mut survey = Self {
            claimed,
            passed_over: gathered.passed_over,
            targets_of_wrong_type: of_wrong_type.cloned().collect(),
            secrets: gathered.secrets.into_values().filter(matters).collect(),
            accounts: gathered.accounts,
            pullers,
            missing,
            stuck: Vec::new(),
            running: gathered.running,
            other_tokens: others,
            blind: gathered.unseen.blind.clone(),
            unseen: gathered.unseen.into_kinds(),
            places: finished.places.map(BTreeSet::from_iter),
            missing_targets: targets
                .iter()
                .filter(|target| finished.absent.contains_key(*target))
                .cloned()
                .collect(),
            readers,
            unseen_consumers,
            counts: Counts {
                namespaces,
                secrets: finished.secrets,
                pods: finished.pods,
                passed_over: gathered.pods_passed_over,
            },
            taken,
        };
        survey
            .accounts
            .sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
        let mut compared: HashMap<Namespace, usize> = HashMap::new();
        for mut one in stuck {
            let named = Named::new(&survey, &one.namespace, &one.pull_secrets);
            let compared = compared.entry(one.namespace.clone()).or_default();
            *compared = compared.saturating_add(named.keys());
            if *compared <= MAX_COMPARED {
                one.pull = named.pull(&one.image);
                one.cause = survey.diagnose(&one, &|_| None);
            } else {
                // What the message says, too, tells nothing without the Secrets.
                one.said = PullFailure::Else;
                one.pull = Pull::NONE;
            }
            survey.stuck.push(one);
        }
        survey
    }

    /// One of the relevant Secrets.
    #[must_use]
    pub fn secret(&self, target: &Target) -> Option<&SeenSecret> {
        let at = self.secrets.binary_search_by(|secret| secret.target.cmp(target)).ok()?;
        Some(&self.secrets[at])
    }

    /// Those of them that are in this namespace.
    #[must_use]
    pub fn secrets_in<'a>(&'a self, namespace: &Namespace) -> &'a [SeenSecret] {
        within(&self.secrets, namespace, |secret| &secret.target.namespace)
    }

    /// Whether the kind was read in the namespace.
    #[must_use]
    pub fn has_seen(&self, resource: Resource, namespace: &Namespace) -> bool {
        self.blind.has_seen(resource, namespace)
    }

    /// Whether everything was read there that may use a Secret.
    #[must_use]
    pub fn has_seen_users(&self, namespace: &Namespace) -> bool {
        self.blind.has_seen_all_but(Resource::Secrets, namespace)
    }

    /// Whether this Secret was looked for, by its name or among those of its namespace.
    #[must_use]
    pub fn has_looked_for(&self, target: &Target) -> bool {
        let is_place = |places: &BTreeSet<Namespace>| places.contains(&target.namespace);
        self.secret(target).is_some()
            || self.missing_targets.contains(target)
            || self.places.as_ref().is_none_or(is_place) && self.has_seen(Resource::Secrets, &target.namespace)
    }

    /// A Secret that is named and missing.
    #[must_use]
    pub fn missing_secret(&self, target: &Target) -> Option<&MissingSecret> {
        let at = self
            .missing
            .binary_search_by(|missing| missing.target.cmp(target))
            .ok()?;
        Some(&self.missing[at])
    }

    /// What pulls images of the registries with this Secret.
    pub fn users<'a>(&'a self, target: &'a Target) -> impl Iterator<Item = &'a Puller> {
        within(&self.pullers, &target.namespace, |puller| &puller.namespace)
            .iter()
            .filter(|puller| puller.pull_secrets.iter().any(|name| name == target.secret.as_str()))
    }

    /// What else than kubelet reads this Secret of ours.
    pub fn readers_of(&self, target: &Target) -> impl Iterator<Item = &String> {
        self.readers.get(target).into_iter().flatten()
    }

    /// The ServiceAccounts that name this Secret.
    pub fn accounts_of<'a>(&'a self, target: &'a Target) -> impl Iterator<Item = &'a SeenAccount> {
        within(&self.accounts, &target.namespace, |account| &account.namespace)
            .iter()
            .filter(|account| account.pull_secrets.iter().any(|name| name == target.secret.as_str()))
    }
}

impl<'a> View<'a> {
    fn new(gathered: &'a Gathered) -> Self {
        let accounts = gathered.accounts.iter();
        Self {
            gathered,
            controllers: Controllers::new(&gathered.workloads),
            accounts: accounts
                .map(|account| {
                    (
                        (&account.namespace, account.name.as_str()),
                        account.pull_secrets.as_slice(),
                    )
                })
                .collect(),
        }
    }

    fn of_account(&self, workload: &Workload) -> &'a [String] {
        let key = (&workload.namespace, workload.account.as_str());
        self.accounts.get(&key).copied().unwrap_or_default()
    }

    /// The top-level workloads and the orphan pods. Of the pods of an unknown controller, only one is included.
    fn pullers(&self) -> Vec<Puller> {
        let mut found = Vec::new();
        let mut strange = BTreeSet::new();
        for workload in self.gathered.workloads.iter().chain(&self.gathered.pods) {
            let top = self.controllers.top(workload);
            if top.is_other {
                continue;
            }
            let made_by = top.controller.map(|controller| controller.shown.clone());
            let is_pod = workload.resource == Resource::Pods;
            if is_pod
                && made_by
                    .as_ref()
                    .is_some_and(|by| !strange.insert((&workload.namespace, by.clone())))
            {
                continue;
            }
            // A pod has what it was made with, whatever its ServiceAccount has by now.
            let inherited = if is_pod { &[] } else { self.of_account(workload) };
            found.push(puller(workload, inherited, made_by));
        }
        found.sort_by(|one: &Puller, other| {
            let key = |puller: &Puller| (puller.resource, puller.name.clone());
            one.namespace
                .cmp(&other.namespace)
                .then_with(|| key(one).cmp(&key(other)))
        });
        found
    }

    /// The missing Secrets, with the pods, workloads and ServiceAccounts that name them. What names those of `named` is no
    /// such object.
    fn missing(&self, pullers: &[Puller], named: &[Target], absent: &BTreeMap<Target, bool>) -> Vec<MissingSecret> {
        let unnamed = |target: Target, is_of_wrong_type| MissingSecret {
            target,
            is_of_wrong_type,
            pullers: Vec::new(),
            accounts: Vec::new(),
        };
        let mut found: BTreeMap<Target, MissingSecret> = named
            .iter()
            .filter_map(|target| Some((target.clone(), unnamed(target.clone(), *absent.get(target)?))))
            .collect();
        let mut known = HashSet::new();
        let mut name = |namespace: &Namespace, names: &[String], who: &str, is_account: bool| {
            for target in targets(namespace, names) {
                let Some(&is_of_wrong_type) = absent.get(&target) else {
                    continue;
                };
                if !known.insert((target.clone(), who.to_owned(), is_account)) {
                    continue;
                }
                let missing = found
                    .entry(target.clone())
                    .or_insert_with(|| unnamed(target, is_of_wrong_type));
                let list = if is_account {
                    &mut missing.accounts
                } else {
                    &mut missing.pullers
                };
                list.push(who.to_owned());
            }
        };
        for puller in pullers {
            name(&puller.namespace, &puller.pull_secrets, &puller.shown(), false);
        }
        for pod in &self.gathered.pods {
            let who = self.controllers.top(pod).shown().unwrap_or_else(|| pod.shown());
            name(&pod.namespace, &pod.own_secrets, &who, false);
        }
        for account in &self.gathered.accounts {
            name(&account.namespace, &account.pull_secrets, &account.name, true);
        }
        found.into_values().collect()
    }

    /// The Secrets that images of the registries are pulled with.
    fn in_use(&self, pullers: &[Puller]) -> BTreeSet<Target> {
        let of_pullers = pullers.iter().map(|puller| (&puller.namespace, &puller.pull_secrets));
        let of_pods = self.gathered.pods.iter().map(|pod| (&pod.namespace, &pod.own_secrets));
        of_pullers
            .chain(of_pods)
            .flat_map(|(namespace, names)| targets(namespace, names))
            .collect()
    }

    fn namespaces(&self, pullers: &[Puller]) -> usize {
        let mut found: BTreeSet<&Namespace> = self.gathered.secrets.keys().map(|target| &target.namespace).collect();
        found.extend(self.gathered.accounts.iter().map(|account| &account.namespace));
        found.extend(pullers.iter().map(|puller| &puller.namespace));
        found.len()
    }

    /// What waits for an image of the registries, without a verdict yet.
    fn stuck(&self, finished: &Finished<'_>) -> Vec<StuckPull> {
        let mut found = Vec::new();
        for pod in &self.gathered.pods {
            for image in &pod.images {
                found.extend(self.stuck_pull(pod, image, finished.registries.of(&image.reference)));
            }
        }
        found.sort_by(|one, other| (&one.namespace, &one.pod).cmp(&(&other.namespace, &other.pod)));
        found
    }

    fn stuck_pull(&self, pod: &'a Workload, image: &Image, interest: Option<usize>) -> Option<StuckPull> {
        let waiting = image.waiting.as_ref()?;
        let top = self.controllers.top(pod);
        let sees_accounts = self
            .gathered
            .unseen
            .blind
            .has_seen(Resource::ServiceAccounts, &pod.namespace);
        Some(StuckPull {
            namespace: pod.namespace.clone(),
            pod: pod.name.clone(),
            template_has_secrets: top.maker().map(|maker| !maker.own_secrets.is_empty()),
            controller: top.shown(),
            container: image.container.clone(),
            kind: image.kind,
            image: image.reference.clone(),
            interest: interest?,
            reason: waiting.reason.clone(),
            message: waiting.message.clone(),
            said: waiting.said,
            created: pod.created,
            pull_secrets: pod.own_secrets.clone(),
            account: pod.account.clone(),
            account_secrets: sees_accounts.then(|| self.of_account(pod).to_vec()),
            pull: Pull::Fails { secret: 0 },
            cause: Cause::Unknown,
        })
    }
}

/// Those of a namespace, out of a list that is sorted by it: of thousands of namespaces, none walks through all the others.
fn within<'a, T>(sorted: &'a [T], namespace: &Namespace, of: impl Fn(&T) -> &Namespace) -> &'a [T] {
    let from = sorted.partition_point(|one| of(one) < namespace);
    let rest = &sorted[from..];
    &rest[..rest.partition_point(|one| of(one) == namespace)]
}

/// What reads our Secrets besides kubelet, and what could not be asked about that.
fn readers(gathered: &Gathered) -> (Uses, BTreeSet<UnseenConsumers>) {
    let mut found = Uses::new();
    for (target, secret) in gathered.secrets.iter().filter(|(_, secret)| secret.is_managed) {
        let noted = gathered.reads.get(target).into_iter().flatten();
        let named = gathered.consumers.of(target);
        let mut all: BTreeSet<String> = noted.chain(named).cloned().collect();
        if secret.is_of_argo_cd {
            all.insert("Argo CD".to_owned());
        }
        if all.is_empty() {
            // It may be one of those that were not noted.
            all.extend(gathered.reads_many.get(&target.namespace).cloned());
        }
        if !all.is_empty() {
            found.insert(target.clone(), all);
        }
    }
    (found, gathered.consumers.unseen.clone())
}

/// The registries outside the question that entries name.
fn claimed<'a>(secrets: impl Iterator<Item = &'a SeenSecret>) -> BTreeSet<Registry> {
    let mut found = BTreeSet::new();
    for secret in secrets {
        let State::Entries(entries) = &secret.state else {
            continue;
        };
        let strange = entries.iter().filter(|entry| entry.interest.is_none());
        for registry in strange.filter_map(|entry| entry.key.parse().ok()) {
            if found.len() >= MAX_REGISTRIES {
                return found;
            }
            found.insert(registry);
        }
    }
    found
}

fn has_entry(secret: &SeenSecret) -> bool {
    match &secret.state {
        State::Entries(entries) => entries.iter().any(|entry| entry.interest.is_some()),
        State::Empty | State::Broken { .. } => false,
    }
}

/// The Secrets of these names; a name that no Secret can have is passed over, as kubelet does.
pub(super) fn targets(namespace: &Namespace, names: &[String]) -> impl Iterator<Item = Target> {
    names.iter().filter_map(|name| {
        Some(Target {
            namespace: namespace.clone(),
            secret: name.parse().ok()?,
        })
    })
}

fn puller(workload: &Workload, inherited: &[String], made_by: Option<String>) -> Puller {
    let effective = if workload.own_secrets.is_empty() {
        inherited
    } else {
        &workload.own_secrets
    };
    Puller {
        resource: workload.resource,
        namespace: workload.namespace.clone(),
        name: workload.name.clone(),
        registries: workload.registries.clone(),
        own_secrets: workload.own_secrets.clone(),
        account: workload.account.clone(),
        pull_secrets: effective.to_vec(),
        made_by,
    }
}
