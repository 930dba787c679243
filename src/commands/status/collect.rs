//! Observes everything at the same time. If something does not answer, it is reported and delays nothing else.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join3;
use futures_util::stream::FuturesUnordered;
use k8s_openapi::jiff::Timestamp;

use super::account_tokens::Told;
use super::actions_secrets::ActionsLists;
use super::args::StatusArgs;
use super::cluster_view::{ClusterView, interest, other};
use super::credentials::StoredCredentials;
use super::docker;
use super::given_flags::GivenFlags;
use super::running::{self, RunningImages};
use super::scope::{Scope, Where};
use super::snapshot::{ClusterSnapshot, Snapshot};
use super::tokens::{self, Images, Verdicts};
use super::tracked;
use crate::cluster::survey::{
    Cause, HeldToken, NamespaceSelection, Question, SeenEntry, SeenSecret, State, StuckPull, Survey, survey,
};
use crate::cluster::{self, Cluster, ConnectOptions, KubeconfigError, Namespace};
use crate::commands::shared::connections::Connections;
use crate::commands::system::System;
use crate::ledger::Ledger;
use crate::model::{Credential, ImageReference, Registry};
use crate::output::Output;
use crate::sys::env::Env;

/// The time limit for all requests to a registry about one token.
const PATIENCE: Duration = Duration::from_secs(15);
/// The most namespaces with a missing Secret for which it is checked whether they exist.
const MAX_NAMESPACES: usize = 50;

/// The progress line, which all parts share.
struct Screen<'o, 'a> {
    output: &'o mut Output<'a>,
    parts: BTreeMap<String, String>,
}

impl Screen<'_, '_> {
    fn set(&mut self, part: &str, text: String) {
        self.parts.insert(part.to_owned(), text);
        let parts: Vec<&str> = self.parts.values().map(String::as_str).collect();
        self.output.progress(parts.join("; "));
    }
}

pub(super) async fn snapshot(
    args: &StatusArgs,
    scope: &Scope,
    credentials: &StoredCredentials,
    ledger: Ledger,
    flags: &GivenFlags,
    told: Told,
    system: &mut System<'_>,
) -> Snapshot {
    let Told { listings, actions } = told;
    let env = system.env.clone();
    let asking = RegistryProbe::of(args, &ledger, system);
    let mut registries = scope.registries(credentials);
    let known = registries.len();
    let screen = RefCell::new(Screen {
        output: &mut system.output,
        parts: BTreeMap::new(),
    });
    let asked = |done: usize, of: usize| {
        screen.borrow_mut().set("", format!("{done}/{of} registries"));
    };
    let kept = credentials.held.iter().map(|held| held.credential.clone()).collect();
    let (verdicts, clusters, findings) = join3(
        asking.ask(Verdicts::default(), kept, asked),
        clusters(args, scope, &registries, (credentials, &ledger), &env, &screen),
        tracked::look(&env),
    )
    .await;
    let (mut clusters, notes) = without_kubeconfig(clusters, scope);
    registries.extend(named_by_secrets(&clusters, scope, known));
    if registries.len() > known {
        clusters = self::clusters(args, scope, &registries, (credentials, &ledger), &env, &screen).await;
    }
    let others = clusters
        .iter()
        .flat_map(|cluster| others(cluster, &registries))
        .collect();
    let verdicts = asking.ask(verdicts, others, asked).await;
    let actions = asking.actions(actions, &ledger, credentials, &verdicts).await;
    let running = asking.running(&clusters, &registries, credentials, &verdicts).await;
    let mut seen = Snapshot {
        registries,
        known,
        clusters,
        verdicts,
        images: Images::new(),
        running,
        findings,
        notes,
        ledger,
        actions,
        in_docker: docker::stored(&listings.iter().map(|one| one.registry.clone()).collect(), &env),
        listings,
        is_offline: args.offline,
        taken: Timestamp::now(),
    };
    seen.find_causes(credentials, flags);
    let views = seen
        .clusters
        .iter()
        .filter_map(|cluster| seen.view(cluster, credentials, flags));
    let images = asking.images(views).await;
    seen.images = images;
    seen
}

/// Registries that only Secrets name. They are added if no other registry is known, or if pods wait for their images. The
/// known ones keep their positions.
fn named_by_secrets(clusters: &[ClusterSnapshot], scope: &Scope, known: usize) -> BTreeSet<Registry> {
    let mut found = BTreeSet::new();
    if !scope.filter().is_empty() {
        return found;
    }
    for survey in clusters.iter().filter_map(|cluster| cluster.survey.as_ref().ok()) {
        let is_needed = |registry: &&Registry| known == 0 || survey.passed_over.contains(*registry);
        found.extend(survey.claimed.iter().filter(is_needed).cloned());
    }
    found
}

/// Removes the default cluster if there is no kubeconfig and no flag asks for a cluster, with a note about it.
fn without_kubeconfig(clusters: Vec<ClusterSnapshot>, scope: &Scope) -> (Vec<ClusterSnapshot>, Vec<String>) {
    let is_none =
        |cluster: &ClusterSnapshot| matches!(&cluster.survey, Err(cluster::Error::Kubeconfig(KubeconfigError::None)));
    if scope.is_default && clusters.iter().all(is_none) {
        let note = "there is no kubeconfig, so no cluster was checked";
        return (Vec::new(), vec![note.to_owned()]);
    }
    let notes = clusters.iter().filter_map(|cluster| cluster.note.clone()).collect();
    (clusters, notes)
}

/// Tokens in Secrets that are not in the keychain.
fn others(cluster: &ClusterSnapshot, registries: &[Registry]) -> Vec<Credential> {
    let Ok(survey) = &cluster.survey else {
        return Vec::new();
    };
    may_be_sent(survey, registries)
        .into_iter()
        .filter_map(|at| other(survey, at, registries))
        .collect()
}

/// The other tokens that may be sent to a registry: those of an entry that names the registry, or of one that kubelet
/// would use for a waiting pod. The token of a wildcard entry may be for another registry.
fn may_be_sent(survey: &Survey, registries: &[Registry]) -> BTreeSet<usize> {
    let place = |entry: &SeenEntry| match entry.login.as_ref()?.token {
        HeldToken::Other(at) => Some(at),
        HeldToken::Stored(_) => None,
    };
    let is_named = |entry: &&SeenEntry| {
        let registry = entry.interest.and_then(|at| registries.get(at));
        registry.is_some_and(|registry| registry.is_named_by(&entry.key))
    };
    let named = survey.secrets.iter().flat_map(entries).filter(is_named);
    let mut places: BTreeSet<usize> = named.filter_map(place).collect();
    for pod in &survey.stuck {
        for at in pod.pull.entries() {
            let target = pod
                .pull_secrets
                .get(at.secret)
                .and_then(|name| ClusterView::target(&pod.namespace, name));
            let secret = target.and_then(|target| survey.secret(&target));
            let entry = secret.and_then(|secret| entries(secret).get(at.entry));
            // A wildcard can match several registries: the token is sent only to the pod's registry.
            let entry = entry.filter(|entry| entry.interest == Some(pod.interest));
            places.extend(entry.and_then(place));
        }
    }
    places
}

fn entries(secret: &SeenSecret) -> &[SeenEntry] {
    match &secret.state {
        State::Entries(entries) => entries,
        State::Empty | State::Broken { .. } => &[],
    }
}

/// How registries are contacted.
pub(super) struct RegistryProbe {
    is_offline: bool,
    connections: Connections,
    env: Env,
}

impl RegistryProbe {
    pub(super) fn of(args: &StatusArgs, ledger: &Ledger, system: &System<'_>) -> Self {
        Self {
            is_offline: args.offline,
            connections: Connections::new(&args.connection, ledger, PATIENCE),
            env: system.env.clone(),
        }
    }

    /// Verifies tokens.
    pub(super) async fn ask(
        &self,
        verdicts: Verdicts,
        credentials: Vec<Credential>,
        progress: impl FnMut(usize, usize),
    ) -> Verdicts {
        if self.is_offline {
            return verdicts;
        }
        verdicts.ask(credentials, &self.connections, &self.env, progress).await
    }

    /// Checks that the secrets of Actions are still there.
    async fn actions(
        &self,
        lists: ActionsLists,
        ledger: &Ledger,
        credentials: &StoredCredentials,
        verdicts: &Verdicts,
    ) -> ActionsLists {
        if self.is_offline {
            return lists;
        }
        lists
            .ask(ledger, credentials, verdicts, &self.connections, &self.env)
            .await
    }

    /// Checks that the images that run are still there.
    async fn running(
        &self,
        clusters: &[ClusterSnapshot],
        registries: &[Registry],
        credentials: &StoredCredentials,
        verdicts: &Verdicts,
    ) -> RunningImages {
        if self.is_offline {
            return RunningImages::default();
        }
        let surveys = clusters.iter().filter_map(|cluster| cluster.survey.as_ref().ok());
        running::look(surveys, registries, credentials, verdicts, &self.connections, &self.env).await
    }

    /// Checks the images of stuck pods, if the registry can tell more than kubelet did.
    pub(super) async fn images<'a>(&self, views: impl IntoIterator<Item = ClusterView<'a>>) -> Images {
        if self.is_offline {
            return Images::new();
        }
        let mut wanted = BTreeMap::new();
        for view in views {
            for pod in &view.survey.stuck {
                if let Some((image, credential)) = wanted_image(&view, pod) {
                    wanted.entry(image).or_insert(credential);
                }
            }
        }
        tokens::images(wanted, &self.connections, &self.env).await
    }
}

/// The image with the credential that kubelet has, or should have, for it.
fn wanted_image(view: &ClusterView<'_>, pod: &StuckPull) -> Option<(ImageReference, Credential)> {
    let registry = view.registries.get(pod.interest)?;
    let token = match &pod.cause {
        Cause::TokenRejected { login, .. } => login.as_ref().map(|login| login.token),
        Cause::TagMissing { .. } => None,
        Cause::Heals { token, .. } => *token,
        _ => return None,
    };
    let theirs = token.and_then(|token| match token {
        HeldToken::Other(at) => other(view.survey, at, view.registries),
        HeldToken::Stored(_) => None,
    });
    let ours = || {
        token
            .and_then(|token| view.stored(registry, token))
            .or_else(|| view.held(registry))
    };
    let credential = theirs.or_else(|| Some(ours()?.credential.clone()))?;
    view.verdicts.of(&credential).verified()?;
    Some((pod.image.parse().ok()?, credential))
}

/// Observes all contexts at the same time; the results are in the order of the command line.
async fn clusters(
    args: &StatusArgs,
    scope: &Scope,
    registries: &[Registry],
    known: (&StoredCredentials, &Ledger),
    env: &Env,
    screen: &RefCell<Screen<'_, '_>>,
) -> Vec<ClusterSnapshot> {
    let mut under_way = FuturesUnordered::new();
    for (at, context) in scope.contexts.iter().enumerate() {
        let options = ConnectOptions {
            // Their credential plugins cannot share a terminal.
            is_unattended: scope.contexts.len() > 1,
            ..args.cluster.options(context.as_deref())
        };
        under_way.push(async move {
            let context = context.as_deref();
            (at, one(context, &options, scope, registries, known, env, screen).await)
        });
    }
    let mut seen = BTreeMap::new();
    while let Some((at, cluster)) = under_way.next().await {
        seen.insert(at, cluster);
    }
    seen.into_values().collect()
}

async fn one(
    flag: Option<&str>,
    options: &ConnectOptions,
    scope: &Scope,
    registries: &[Registry],
    (credentials, ledger): (&StoredCredentials, &Ledger),
    env: &Env,
    screen: &RefCell<Screen<'_, '_>>,
) -> ClusterSnapshot {
    let mut seen = ClusterSnapshot {
        flag: flag.map(str::to_owned),
        context: flag.unwrap_or_default().to_owned(),
        namespace: Namespace::of_default(),
        id: None,
        expected: Vec::new(),
        lost: BTreeSet::new(),
        note: None,
        survey: Ok(Survey::default()),
    };
    let cluster = match Cluster::connect(env, options).await {
        Ok(cluster) => cluster,
        Err(error) => {
            seen.survey = Err(error);
            return seen;
        }
    };
    cluster.context().clone_into(&mut seen.context);
    seen.namespace = cluster.namespace().clone();
    let found = match namespaces(&cluster, flag, scope).await {
        Ok(found) => found,
        Err(error) => {
            seen.survey = Err(error);
            return seen;
        }
    };
    if let (Where::Selected(selector), Some([])) = (&scope.places, found.as_deref()) {
        let of = match flag {
            Some(context) => format!(" of context {context}"),
            None => String::new(),
        };
        seen.note = Some(format!("warning: no namespace{of} matches the selector {selector}"));
    }
    seen.expected = scope.expected(flag, found.as_deref().unwrap_or_default(), &scope.own(credentials));
    let question = Question {
        places: found.map_or(NamespaceSelection::All, NamespaceSelection::Named),
        targets: seen.expected.iter().map(|expected| expected.target.clone()).collect(),
        named: Vec::new(),
        interests: registries
            .iter()
            .map(|registry| interest(registry, credentials))
            .collect(),
    };
    let name = if cluster.context().is_empty() {
        "cluster"
    } else {
        cluster.context()
    };
    let progress = |step: cluster::survey::Step| screen.borrow_mut().set(name, format!("{name}: {step}"));
    seen.survey = survey(&cluster, &question, &progress).await;
    // To compare with what is remembered of it.
    let mut tokens = ledger.credentials.iter().flat_map(|credential| &credential.tokens);
    if seen.survey.is_ok() && tokens.any(|token| token.replaced.is_some() && !token.secrets.is_empty()) {
        let id = cluster.id().await.ok();
        seen.id = id.map(|id| (id, cluster.server().to_owned()));
    }
    if let Ok(survey) = &seen.survey {
        let empty: BTreeSet<&Namespace> = survey.missing_targets.iter().map(|target| &target.namespace).collect();
        for namespace in empty.into_iter().take(MAX_NAMESPACES) {
            if cluster.has_namespace(namespace).await == Some(false) {
                seen.lost.insert(namespace.clone());
            }
        }
    }
    seen
}

/// The namespaces to observe; `None` for all.
async fn namespaces(
    cluster: &Cluster,
    context: Option<&str>,
    scope: &Scope,
) -> Result<Option<Vec<Namespace>>, cluster::Error> {
    Ok(match &scope.places {
        Where::All => None,
        Where::Selected(selector) => {
            let found = cluster::namespaces(cluster, selector).await?;
            let staying = found.into_iter().filter(|found| !found.is_terminating);
            Some(
                staying
                    .map(|found| found.namespace)
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .collect(),
            )
        }
        Where::Context | Where::Named(_) | Where::Listed => Some(scope.namespaces(context, cluster.namespace())),
    })
}

#[cfg(test)]
mod tests;
