//! Rows and findings of existing Secrets. Pure.

use crate::cluster::survey::{HeldToken, Login, Puller, SeenEntry, SeenSecret, State as Document, TokenSlot};
use crate::cluster::{Owner, Ownership};
use crate::commands::shared::another::{Another, Side, another};
use crate::commands::status::cluster_view::ClusterView;
use crate::commands::status::code::Code;
use crate::commands::status::credentials::StoredCredential;
use crate::commands::status::finding::{Finding, Remedy};
use crate::commands::status::findings::registries::is_too_much_for_a_cluster;
use crate::commands::status::row::{Row, State, WrittenBy};
use crate::commands::status::tokens::Verdict;
use crate::model::pull::takes;
use crate::model::{CommandLine, EntryProblem, Registry, Use, printable};

/// The longest name from a cluster that is shown.
const MAX_SHOWN: usize = 80;
/// What an empty document looks like in a Secret: `{}` in base64.
/// kubectl takes YAML as well, which needs no double quotes: Windows PowerShell would lose those. Not with a brace before
/// it: kubectl then takes it for JSON and sends it as it is, and API servers refuse it.
const EMPTY_DOCUMENT: &str = "data: {.dockerconfigjson: e30=}";

/// The result of comparing a Secret with the keychain.
struct Comparison {
    state: State,
    username: Option<String>,
    /// Why it is out of step; `None` if it is not or if the reason is not known.
    cause: Option<String>,
    token: Option<HeldToken>,
    /// Why the token in it is another's.
    another: Option<Another>,
}

/// Rows and findings of the existing Secrets.
pub fn judge(view: &ClusterView<'_>) -> (Vec<Row>, Vec<Finding>) {
    let mut rows = Vec::new();
    let mut findings = Vec::new();
    for secret in &view.survey.secrets {
        let before = rows.len();
        one(view, secret, &mut rows, &mut findings);
        let (is_shown, row) = (rows.len() > before, rows.last());
        if secret.has_applied_copy && is_shown {
            findings.push(applied_copy(view, secret));
        }
        // If workloads could not be read, some of them may use the Secret.
        let sees_users = view.survey.has_seen_users(&secret.target.namespace);
        if let Some(row) = row.filter(|_| is_shown && sees_users) {
            findings.extend(unused(view, secret, row));
        }
    }
    (rows, findings)
}

fn one(view: &ClusterView<'_>, secret: &SeenSecret, rows: &mut Vec<Row>, findings: &mut Vec<Finding>) {
    let entries = match &secret.state {
        Document::Broken { problems } => {
            rows.push(row(view, secret, None, None, State::Broken));
            findings.push(broken(view, secret, problems));
            return;
        }
        Document::Empty => &Vec::new(),
        Document::Entries(entries) => entries,
    };
    let expected = view.expected(&secret.target);
    for (at, registry) in view.registries.iter().enumerate() {
        let own: Vec<&SeenEntry> = entries.iter().filter(|entry| entry.interest == Some(at)).collect();
        let is_ours = secret.is_managed && secret.declared.iter().any(|entry| entry.registry == *registry);
        let is_asked_for = expected.is_some_and(|expected| expected.registries.contains(registry));
        if own.is_empty() && !is_ours && !is_asked_for {
            continue;
        }
        let comparison = compare(view, secret, registry, &own);
        let (state, found) = if view.is_claimed(registry) && view.due(secret, registry).is_none() && !is_ours {
            // Anyone can add an entry for any registry: it is shown, but does not count as drift.
            (State::Unknown, None)
        } else {
            found(view, secret, registry, &comparison)
        };
        rows.push(row(view, secret, Some(registry), comparison.username.clone(), state));
        findings.extend(found);
        findings.extend(over_scoped(view, secret, registry, &comparison));
    }
    // Entries of sync for registries that are not in the keychain (any more).
    for entry in secret.declared.iter().filter(|_| secret.is_managed) {
        if !view.registries.contains(&entry.registry) {
            let username = Some(printable(&entry.username, MAX_SHOWN));
            rows.push(row(view, secret, Some(&entry.registry), username, State::Unknown));
        }
    }
}

fn row(
    view: &ClusterView<'_>,
    secret: &SeenSecret,
    registry: Option<&Registry>,
    username: Option<String>,
    state: State,
) -> Row {
    let accounts = view.survey.accounts_of(&secret.target);
    Row {
        context: view.context_name(),
        namespace: secret.target.namespace.to_string(),
        secret: secret.target.secret.to_string(),
        registry: registry.map(ToString::to_string),
        username,
        state,
        usage: registry
            .and_then(|registry| view.due(secret, registry))
            .map(|held| held.usage),
        managed: secret.is_managed,
        owner: match &secret.ownership {
            Ownership::Foreign(owner) => Some(owner.to_string()),
            Ownership::Ours | Ownership::Adoptable { .. } => None,
        },
        written_by: registry
            .and_then(|registry| secret.declared.iter().find(|entry| entry.registry == *registry))
            .and_then(|entry| entry.writer.as_ref())
            .map(|writer| WrittenBy::new(writer, view.credentials.installation.as_ref())),
        used_by: view
            .survey
            .users(&secret.target)
            .map(Puller::shown)
            .chain(view.survey.readers_of(&secret.target).cloned())
            .collect(),
        service_accounts: accounts.map(|account| account.name.clone()).collect(),
    }
}

/// Compares the Secret's entry for the registry with the keychain.
fn compare(view: &ClusterView<'_>, secret: &SeenSecret, registry: &Registry, entries: &[&SeenEntry]) -> Comparison {
    let comparison = |state, cause: Option<String>, username, token| Comparison {
        state,
        username,
        cause,
        token,
        another: None,
    };
    let held = view.due(secret, registry);
    let is_held = held.is_some_and(|held| view.holds(secret, held));
    let is_right = |entry: &SeenEntry| {
        entry.login.as_ref().zip(held).is_some_and(|(login, held)| {
            view.is_token_of(held, login.token) && login.username == held.credential.username.as_str()
        })
    };
    // sync writes the entries of the whole registry, and leaves those for a path below it and wildcards alone.
    let whole: Vec<&SeenEntry> = secret.entries_of(registry).collect();
    // What another tool makes can be meant for some images, or for several registries.
    let is_meant_so = whole.is_empty() && matches!(secret.ownership, Ownership::Foreign(_));
    let compared: &[&SeenEntry] = if is_meant_so { entries } else { &whole };
    let Some(entry) = compared.iter().find(|entry| !is_right(entry)).or(compared.first()) else {
        let (cause, login) = match entries.first() {
            Some(other) => (
                format!(
                    "it has no entry for {registry} as a whole, only for {}",
                    printable(&other.key, MAX_SHOWN)
                ),
                other.login.as_ref(),
            ),
            None => (format!("it has no entry for {registry}"), None),
        };
        let state = if held.is_some() { State::Stale } else { State::Unknown };
        let username = login.map(|login| printable(&login.username, MAX_SHOWN));
        return comparison(state, held.map(|_| cause), username, login.map(|login| login.token));
    };
    let Some(login) = &entry.login else {
        let cause = format!("its entry for {registry} has neither user nor password");
        return comparison(State::Stale, Some(cause), None, None);
    };
    let username = Some(printable(&login.username, MAX_SHOWN));
    let token = Some(login.token);
    let verdict = view.verdict(registry, login.token);
    let Some(held) = held else {
        return comparison(State::Unknown, None, username, token);
    };
    if is_held || is_right(entry) {
        let (state, cause) = if verdict.is_refused() {
            (State::Rejected, None)
        } else if is_held || is_meant_so {
            (State::InSync, None)
        } else {
            (State::Stale, Some(unlike(&held.credential.registry, compared)))
        };
        return comparison(state, cause, username, token);
    }
    if login.token == HeldToken::Stored(TokenSlot::Pending) {
        return comparison(State::Rotating, None, username, token);
    }
    if let Some(another) = anothers(view, secret, registry, login, held, &verdict) {
        let works = if verdict.verified().is_some() {
            ", which works"
        } else {
            ""
        };
        let rotated = match &another {
            Another::Installation(_) if view.verdicts.of(&held.credential).is_refused() => {
                ". The keychain's is refused: it was probably rotated there"
            }
            _ => "",
        };
        let cause = format!("it holds another token of {registry}{works}: {another}{rotated}");
        return Comparison {
            another: Some(another),
            ..comparison(State::OfAnother, Some(cause), username, token)
        };
    }
    let (state, cause) = match &verdict {
        _ if view.is_token_of(held, login.token) => (
            State::Stale,
            format!("its user for {registry} is not {}", held.credential.username),
        ),
        Verdict::Refused { code, cause, .. } if *code != Code::TokenUnclear => (
            State::Rejected,
            format!("it holds another token than the keychain, and {cause}"),
        ),
        _ if matches!(login.token, HeldToken::Stored(_)) => (
            State::Stale,
            match view.stored(registry, login.token) {
                Some(other) if other.usage != Use::Docker || held.usage != Use::Cluster => {
                    format!(
                        "it holds the token of {registry} for {}, not the one for {}",
                        other.usage, held.usage
                    )
                }
                _ => format!("it holds the token of {registry} for this workstation, and there is one for clusters"),
            },
        ),
        _ => (
            State::Stale,
            format!("it holds another token of {registry} than the keychain"),
        ),
    };
    comparison(state, Some(cause), username, token)
}

/// Why sync would write a Secret with these entries of the registry, which have the right user and token.
fn unlike(registry: &Registry, entries: &[&SeenEntry]) -> String {
    let written = registry.as_written();
    let is_untaken = |name: &&str| !entries.iter().any(|entry| takes(&entry.key, name));
    match [registry.as_str(), &*written].into_iter().find(is_untaken) {
        Some(name) => format!("it has no entry that kubelet takes for images of {name}"),
        None => format!("its entry for {registry} has more in it than the user and the token"),
    }
}

/// Why the token in the Secret is another's: sync does not replace such a one without `--take-over`.
fn anothers(
    view: &ClusterView<'_>,
    secret: &SeenSecret,
    registry: &Registry,
    login: &Login,
    held: &StoredCredential,
    verdict: &Verdict,
) -> Option<Another> {
    if matches!(verdict, Verdict::Refused { .. }) {
        return None;
    }
    let declared = secret.declared.iter().find(|entry| entry.registry == *registry);
    let writer = declared.and_then(|entry| entry.writer.as_ref());
    let own = view.credentials.installation.as_ref();
    let user = held.credential.username.as_str();
    let is_anothers = writer.is_some_and(|writer| writer.is_other_than(own));
    if view.is_own(registry, login.token) && !(is_anothers && login.username != user) {
        return None;
    }
    let verdict_on_ours = view.verdicts.of(&held.credential);
    let ours = Side {
        username: user,
        verified: verdict_on_ours.verified(),
    };
    let theirs = Side {
        username: &login.username,
        verified: verdict.verified(),
    };
    another(ours, theirs, writer, own)
}

/// What to do about a Secret of another's: nothing that writes it.
fn ask(view: &ClusterView<'_>, secret: &SeenSecret, registry: &Registry, another: &Another) -> Remedy {
    const TAKE_OVER: &str = "sync --take-over puts the keychain's token in its place";
    let held = view.due(secret, registry);
    let is_dead = held.is_some_and(|held| view.verdicts.of(&held.credential).is_refused());
    match another {
        Another::Installation(writer) if is_dead => Remedy::advice(format!(
            "log in with the new token, which {writer} has, or with one of your own"
        )),
        Another::Installation(writer) => Remedy::advice(format!("leave it, or ask {writer}; {TAKE_OVER}")),
        Another::User { theirs, .. } => Remedy::advice(format!("leave it, or ask {theirs}; {TAKE_OVER}")),
        Another::Rights { .. } => Remedy::advice(format!(
            "leave it, or keep a token for clusters that may only pull, with login --use cluster; {TAKE_OVER}"
        )),
    }
}

/// The state that is shown, and the finding about it.
fn found(
    view: &ClusterView<'_>,
    secret: &SeenSecret,
    registry: &Registry,
    comparison: &Comparison,
) -> (State, Option<Finding>) {
    let finding = |code, cause: String, remedy| Finding {
        message: None,
        code,
        object: view.secret(&secret.target),
        cause,
        remedy,
    };
    let sync = || writable(view, secret, registry);
    if let (Ownership::Foreign(owner), Some(cause)) = (&secret.ownership, &comparison.cause) {
        let cause = format!("{cause}, and {owner} manages it: {}", owner.what_happens);
        let remedy = Remedy::advice(owner.instead.clone());
        let found = finding(Code::SecretOwnedByOther, cause, remedy);
        return (State::OwnedBy(owner.name.clone()), Some(found));
    }
    if let (Some(another), Some(cause)) = (&comparison.another, &comparison.cause) {
        let remedy = ask(view, secret, registry, another);
        return (
            State::OfAnother,
            Some(finding(Code::SecretOfAnother, cause.clone(), remedy)),
        );
    }
    if !secret.is_managed && !matches!(secret.ownership, Ownership::Foreign(_)) {
        let cause = match (&comparison.cause, &comparison.state) {
            (Some(cause), _) => format!("regcred does not manage it; {cause}"),
            (None, State::InSync | State::Rejected) => {
                format!("regcred does not manage it, though it holds the keychain's token of {registry}")
            }
            (None, _) => format!("regcred does not manage it, though it holds a credential of {registry}"),
        };
        let state = match comparison.state {
            State::Rejected => State::Rejected,
            _ => State::NotManaged,
        };
        return (state, Some(finding(Code::SecretUnmanaged, cause, sync())));
    }
    let code = match comparison.state {
        // The keychain's own token is reported once, not for each Secret.
        State::Rejected => Code::TokenRejected,
        _ => Code::SecretStale,
    };
    let found = comparison.cause.clone().map(|cause| finding(code, cause, sync()));
    (comparison.state.clone(), found)
}

/// The sync that fixes the Secret, or why none can.
fn writable(view: &ClusterView<'_>, secret: &SeenSecret, registry: &Registry) -> Remedy {
    let name = &secret.target.secret;
    let instead = || {
        let another = view.sync_another(&secret.target.namespace, registry);
        format!("create another with {another}, and let the pods use that")
    };
    if secret.is_immutable {
        return Remedy::advice(format!(
            "{name} is immutable, so its data cannot be changed: {}",
            instead()
        ));
    }
    if secret.is_legacy {
        return Remedy::advice(format!(
            "{name} is of the old type kubernetes.io/dockercfg, and a Secret's type cannot be changed: {}",
            instead()
        ));
    }
    let user = view.user_in(&secret.target, registry);
    let mut sync = view.sync(secret.target.namespace.as_str(), name.as_str(), registry);
    if view.is_for_other_use(secret, registry) {
        sync.more = vec!["--take-over"];
    }
    view.after_login(registry, user, Remedy::sync(sync))
}

fn broken(view: &ClusterView<'_>, secret: &SeenSecret, problems: &[EntryProblem]) -> Finding {
    let what = match problems {
        [] => "its document is not a docker config".to_owned(),
        [problem, ..] => format!("{}: {}", printable(&problem.key, MAX_SHOWN), problem.what),
    };
    let registries: Vec<Option<Registry>> = problems.iter().map(|problem| problem.key.parse().ok()).collect();
    let declared = secret.declared.first().map(|entry| &entry.registry);
    let known = declared.filter(|registry| view.held(registry).is_some());
    let known = known.or_else(|| view.registries.iter().find(|registry| view.held(registry).is_some()));
    let remedy = match (&secret.ownership, registries.first().and_then(Option::as_ref)) {
        (Ownership::Foreign(owner), _) => Remedy::advice(owner.instead.clone()),
        // sync replaces the entry by a credential of that registry.
        (_, Some(registry)) if view.held(registry).is_some() => writable(view, secret, registry),
        (_, Some(registry)) => view.after_login(registry, None, view.sync_of(&secret.target, registry)),
        (_, None) => {
            let target = &secret.target;
            let patch = CommandLine::new("kubectl patch secret")
                .value("SECRET", target.secret.as_str())
                .option("-n", "NAMESPACE", target.namespace.as_str())
                .words("--type=merge")
                .option("-p", "PATCH", EMPTY_DOCUMENT);
            let sync = known.map(|registry| view.sync(target.namespace.as_str(), target.secret.as_str(), registry));
            Remedy {
                commands: vec![view.flags.cluster(view.flag, patch)],
                sync,
                advice: Some("the first command deletes its content, which kubelet cannot read anyway".to_owned()),
            }
        }
    };
    Finding {
        message: None,
        code: Code::SecretBroken,
        object: view.secret(&secret.target),
        cause: format!("{what}; kubelet then uses none of the pull Secrets of a pod that names this one"),
        remedy,
    }
}

/// The finding for the workstation's token in a cluster, unless the Secret is out of step anyway.
fn over_scoped(
    view: &ClusterView<'_>,
    secret: &SeenSecret,
    registry: &Registry,
    comparison: &Comparison,
) -> Option<Finding> {
    let token = comparison.token?;
    let held = view.due(secret, registry)?;
    let is_current = view.is_token_of(held, token) && held.usage == Use::Docker;
    let foreign: Option<&Owner> = match &secret.ownership {
        Ownership::Foreign(owner) => Some(owner),
        Ownership::Ours | Ownership::Adoptable { .. } => None,
    };
    if !is_current && foreign.is_none() {
        return None;
    }
    let verdict = view.verdict(registry, token);
    let scopes = verdict.verified()?.scopes.as_ref();
    let scopes = scopes.filter(|scopes| is_too_much_for_a_cluster(scopes))?;
    let user = held.credential.username.as_str();
    let login = CommandLine::new("kubectl regcred login")
        .value("REGISTRY", registry.as_str())
        .option("-u", "USER", user)
        .words("--use cluster --mint");
    let remedy = match foreign {
        Some(owner) => Remedy::advice(format!("give it a token with only read:package: {}", owner.instead)),
        None if held.rotation.is_some() => Remedy::default(),
        None => Remedy {
            commands: vec![view.flags.registry(login)],
            ..writable(view, secret, registry).and("login --mint asks for the account's password at Gitea")
        },
    };
    Some(Finding {
        message: None,
        code: Code::TokenOverScoped,
        object: view.secret(&secret.target),
        cause: format!("it holds a token with the scopes {scopes}, and kubelet needs only read:package"),
        remedy,
    })
}

/// The finding for a Secret of sync that nothing uses. `row` is one of its rows.
fn unused(view: &ClusterView<'_>, secret: &SeenSecret, row: &Row) -> Option<Finding> {
    // What cannot be seen may use it; and nobody knows of all that reads another format than kubelet's.
    let is_known = view.survey.unseen_consumers.is_empty() && secret.format.is_for_kubelet();
    let is_ours = is_known && secret.is_managed && matches!(secret.ownership, Ownership::Ours);
    if !is_ours || row.state == State::OfAnother || !row.used_by.is_empty() || !row.service_accounts.is_empty() {
        return None;
    }
    let registry = secret.declared.iter().map(|entry| &entry.registry);
    let registry = registry
        .chain(view.registries)
        .find(|registry| view.due(secret, registry).is_some())?;
    let target = &secret.target;
    let mut sync = view.sync(target.namespace.as_str(), target.secret.as_str(), registry);
    sync.service_accounts = vec!["default".to_owned()];
    Some(Finding {
        message: None,
        code: Code::SecretUnused,
        object: view.secret(target),
        cause: "nothing pulls with it yet: no workload, no pod and no ServiceAccount of its namespace names it".to_owned(),
        remedy: Remedy::sync(sync).and(
            "this lets every pod of the ServiceAccount default pull with it, unless the pod names others; or name it in \
             imagePullSecrets; or delete it, if nothing is to come",
        ),
    })
}

fn applied_copy(view: &ClusterView<'_>, secret: &SeenSecret) -> Finding {
    let target = &secret.target;
    let annotate = CommandLine::new("kubectl annotate secret")
        .value("SECRET", target.secret.as_str())
        .option("-n", "NAMESPACE", target.namespace.as_str())
        .words("kubectl.kubernetes.io/last-applied-configuration-");
    let remedy = Remedy::command(view.flags.cluster(view.flag, annotate));
    Finding {
        message: None,
        code: Code::LastAppliedToken,
        object: view.secret(target),
        cause: "its annotation last-applied-configuration holds the token in plain text".to_owned(),
        remedy: match &secret.ownership {
            Ownership::Foreign(owner) => remedy.and(format!("{owner} may write it again")),
            Ownership::Ours | Ownership::Adoptable { .. } => remedy,
        },
    }
}

#[cfg(test)]
mod tests;
