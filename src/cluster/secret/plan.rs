//! The plan for one Secret, as data. Pure: it uses only the observed state.

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

use super::annotations::{
    Entry, FORMAT_ANNOTATION, INSTALLATION_ANNOTATION, LAST_APPLIED, MANAGED_BY_LABEL, MANAGER, WRITTEN_BY_ANNOTATION,
};
use super::format::SecretFormat;
use super::left_alone::{Holds, LeftAlone, may_remove, may_write};
use super::manifest::Manifest;
use super::owner::{Owner, Ownership, owner};
use super::pull_secret::{Observed, Over, PULL_SECRET_TYPE, Wanted};
use crate::cluster::untrusted::untrusted;
use crate::model::{DockerConfig, DockerConfigError, EntryProblem, OwnTokens, Registry, Target, Token, Use, Writer};

/// What to do to one Secret.
#[derive(Clone, Debug)]
pub struct Plan {
    pub target: Target,
    /// What to do.
    pub action: Action,
    /// Notes for the user.
    pub notes: Vec<Note>,
    /// Registries whose credential is not written, because the Secret holds no token of ours.
    pub left_alone: Vec<LeftAlone>,
    /// The credentials that the Secret holds once this is done, by registry and use.
    pub given: Vec<(Registry, Use)>,
    /// The Secret as it should be.
    pub manifest: Manifest,
    /// The object that this was planned for, and its version.
    pub uid: Option<String>,
    pub resource_version: Option<String>,
    /// Take fields over from those who own them now.
    pub force: bool,
}

impl Plan {
    /// The credentials of [`Plan::given`] that the Secret holds before anything is done.
    #[must_use]
    pub fn held(&self) -> Vec<(Registry, Use)> {
        let is_missing = |registry: &Registry| match &self.action {
            Action::Create => true,
            Action::Configure { changes } => changes.contains(&Change::Credential(registry.clone())),
            Action::Unchanged | Action::LeaveAlone => false,
        };
        let held = self.given.iter().filter(|(registry, _)| !is_missing(registry));
        held.cloned().collect()
    }
}

/// What to do to the Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// There is none.
    Create,
    /// There is one, and it differs in these.
    Configure {
        /// At least one.
        changes: Vec<Change>,
    },
    /// Nothing.
    Unchanged,
    /// Nothing: [`Plan::left_alone`] says why.
    LeaveAlone,
}

/// What differs: names, never values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The entry of this registry is another or missing.
    Credential(Registry),
    /// Every entry of this registry, to be taken out.
    Removal(Registry),
    /// Our label.
    Label(&'static str),
    /// Our label and annotations, to be removed: nothing of ours is left.
    Release,
    /// One of our annotations.
    Annotation(String),
    /// kubectl's copy of the Secret, to be removed.
    LastApplied,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(registry) => write!(f, "credential for {registry}"),
            Self::Removal(registry) => write!(f, "credential for {registry} (removed)"),
            Self::Label(name) => write!(f, "label {name}"),
            Self::Release => write!(f, "label {MANAGED_BY_LABEL} (removed)"),
            Self::Annotation(name) => write!(f, "annotation {name}"),
            Self::LastApplied => write!(f, "annotation {LAST_APPLIED} (removed)"),
        }
    }
}

/// A note for the user about a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The Secret was made by hand, and is ours from now on.
    Adopted {
        /// The program that it was made with, where known.
        from: Option<String>,
    },
    /// kubectl's copy of the Secret goes.
    LastAppliedRemoved,
    /// An entry of another registry on which kubelet fails. It is kept.
    BreaksKubelet(EntryProblem),
    /// No entry is left.
    Empty,
    /// Another owner's Secret is written because `--force-conflicts` was given.
    Overrides(Box<Owner>),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Adopted { from: Some(from) } => write!(f, "adopted from {from}"),
            Self::Adopted { from: None } => f.write_str("adopted"),
            Self::LastAppliedRemoved => {
                write!(
                    f,
                    "removed the annotation {LAST_APPLIED}, which held a token in plain text"
                )
            }
            Self::BreaksKubelet(problem) => write!(
                f,
                "the entry {:?} breaks kubelet for every pull Secret of a pod: {}",
                untrusted(&problem.key),
                problem.what
            ),
            Self::Empty => f.write_str("no entry is left in it: delete it, or pods that name it pull as nobody"),
            Self::Overrides(owner) if owner.stays => write!(
                f,
                "belongs to {owner}: {}; it stays marked as {}'s, so that the next change needs --force-conflicts too",
                owner.what_happens, owner.name
            ),
            Self::Overrides(owner) => write!(f, "taken over from {owner}: {}", owner.what_happens),
        }
    }
}

/// Why a Secret cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Not a pull Secret, and the type of a Secret cannot be changed.
    #[error("its type is {:?}, not {PULL_SECRET_TYPE}, and a Secret's type cannot be changed", untrusted(.type_name))]
    Type {
        /// Its type.
        type_name: String,
    },
    /// A pull Secret, where another format was asked for.
    #[error("its type is {PULL_SECRET_TYPE}, which is not the format {0}, and a Secret's type cannot be changed")]
    Format(SecretFormat),
    /// `immutable: true`.
    #[error("it is immutable: its data cannot be changed")]
    Immutable,
    /// Its document cannot be merged into.
    #[error("its .dockerconfigjson is no docker config: {0}")]
    Document(#[from] DockerConfigError),
    /// It is in one of the formats that have room for one registry.
    #[error("a Secret in the format {format} is for one registry: {registries}")]
    OneRegistry { format: SecretFormat, registries: String },
    /// It is in such a format, and would be left without its login.
    #[error("it is in the format {0}, where nothing is left without the login")]
    NothingLeft(SecretFormat),
    /// Argo CD uses it for another registry.
    #[error("its url is of {there}, not of {registry}")]
    OtherUrl { there: Registry, registry: Registry },
    /// It is being deleted.
    #[error("it is being deleted")]
    Deleting,
    /// Another tool owns it.
    #[error("it belongs to {}: {}", .0, .0.what_happens)]
    Foreign(Box<Owner>),
    /// Its entry of the registry has a token of which it is not known whether it may be replaced.
    #[error("{0}")]
    OtherToken(Box<OtherToken>),
}

/// A token in a Secret that the credential may not take the place of as yet. Its texts come from the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherToken {
    pub registry: Registry,
    pub username: String,
    pub token: Token,
    /// The use of the credential that would take its place.
    pub usage: Use,
    /// Who wrote it, as the annotations have it.
    pub writer: Option<Writer>,
}

impl fmt::Display for OtherToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (registry, username) = (&self.registry, untrusted(&self.username));
        write!(f, "it holds another token of {registry}, of the user {username:?}")?;
        match &self.writer {
            Some(writer) => write!(f, ", written by {writer}"),
            None => Ok(()),
        }
    }
}

impl Refusal {
    /// The way out.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Format(_) => "name another Secret in the list, or leave `format` out".to_owned(),
            Self::Type { .. } => "take a new name with --secret NAME".to_owned(),
            // kubelet stops watching an immutable Secret, so nodes do not notice if it is recreated under the same name.
            Self::Immutable => {
                "take a new name with --secret NAME, and do not delete and recreate this one: kubelet would go on with the old data".to_owned()
            }
            Self::Document(_) => "repair it, or take a new name with --secret NAME".to_owned(),
            Self::OneRegistry { .. } => "give each registry a Secret of its own".to_owned(),
            Self::NothingLeft(_) => "delete the Secret, if nothing uses it any more".to_owned(),
            Self::OtherUrl { .. } => "name the Secret of this registry".to_owned(),
            Self::Deleting => "run this again when it is gone, or take a new name with --secret NAME".to_owned(),
            Self::OtherToken(_) => "--take-over writes it all the same".to_owned(),
            Self::Foreign(owner) => {
                let force = if owner.stays { "writes it anyway" } else { "takes it over" };
                format!("{}; or take a new name with --secret NAME; --force-conflicts {force}", owner.instead)
            }
        }
    }
}

/// Plans the changes so that the Secret holds the wanted credentials, in this format; without one, in the format that it
/// has. Of several credentials for one registry, its content decides.
pub fn plan(
    format: Option<&SecretFormat>,
    target: &Target,
    observed: Option<&Observed>,
    wanted: &[Wanted<'_>],
    force_conflicts: bool,
) -> Result<Plan, Refusal> {
    let format = format
        .cloned()
        .or_else(|| observed.map(Observed::format))
        .unwrap_or_default();
    let (wanted, left_alone) = may_write(observed, wanted);
    if wanted.is_empty() {
        return Ok(Plan {
            action: Action::LeaveAlone,
            left_alone,
            ..unchanged(target)
        });
    }
    let given = wanted
        .iter()
        .map(|one| (one.credential.registry.clone(), one.usage))
        .collect();
    // At least one is wanted.
    let registry = &wanted[0].credential.registry;
    if !format.is_for_kubelet() && wanted.len() > 1 {
        let registries: Vec<&str> = wanted.iter().map(|one| one.credential.registry.as_str()).collect();
        return Err(Refusal::OneRegistry {
            format,
            registries: registries.join(", "),
        });
    }
    let Some(observed) = observed else {
        let mut document = DockerConfig::default();
        for one in &wanted {
            document.set(one.credential)?;
        }
        return Ok(Plan {
            target: target.clone(),
            action: Action::Create,
            notes: Vec::new(),
            left_alone,
            manifest: Manifest::new(target, &document, Entry::write(wanted.iter().map(entry).collect()))
                .in_format(&format, &document, registry, None),
            given,
            uid: None,
            resource_version: None,
            force: false,
        });
    };
    let mut document = document_of(observed, &format, registry)?;
    let mut changes = Vec::new();
    let mut other = None;
    for one in &wanted {
        if !document.holds(one.credential) {
            changes.push(Change::Credential(one.credential.registry.clone()));
            other = other.or_else(|| other_token(observed, &document, one));
            document.set(one.credential)?;
        }
    }
    if observed.label(MANAGED_BY_LABEL) != Some(MANAGER) {
        changes.push(Change::Label(MANAGED_BY_LABEL));
    }
    let mut annotations = Entry::write(kept_entries(observed, &document, &wanted));
    if !format.is_for_kubelet() {
        annotations.insert(FORMAT_ANNOTATION.to_owned(), format.to_string());
    }
    let (of_writer, of_content): (Vec<_>, Vec<_>) = annotations
        .iter()
        .filter(|(name, value)| observed.annotation(name) != Some(value))
        .partition(|(name, _)| [WRITTEN_BY_ANNOTATION, INSTALLATION_ANNOTATION].contains(&name.as_str()));
    changes.extend(of_content.into_iter().map(|(name, _)| Change::Annotation(name.clone())));
    // A Secret that is right is not written to say who else finds it so.
    if !changes.is_empty() {
        changes.extend(of_writer.into_iter().map(|(name, _)| Change::Annotation(name.clone())));
    }
    let plan = configured(
        target,
        observed,
        (&format, &document),
        changes,
        annotations,
        force_conflicts,
    )?;
    if let Some(other) = other {
        return Err(Refusal::OtherToken(Box::new(other)));
    }
    let manifest = plan
        .manifest
        .clone()
        .in_format(&format, &document, registry, Some(observed.type_name()));
    Ok(Plan {
        left_alone,
        given,
        manifest,
        ..plan
    })
}

/// Decides what to do so that the Secret holds nothing of the registry. Everything else in it keeps every byte; where no
/// entry of ours is left, neither are our label and annotations. With `own`, nothing is removed unless these are the tokens
/// that it holds. What an earlier attempt left in kubectl's copy of it is removed too.
pub fn plan_removal(
    target: &Target,
    observed: Option<&Observed>,
    registry: &Registry,
    own: Option<&OwnTokens>,
    force_conflicts: bool,
) -> Result<Plan, Refusal> {
    let Some(observed) = observed else {
        return Ok(unchanged(target));
    };
    let copy = observed.last_applied().filter(|copy| copy.has_entry_of(registry));
    if let Some(own) = own
        && let Err(holds) = may_remove(observed, registry, own)
    {
        let is_own_copy = |copy: &Observed| may_remove(copy, registry, own).is_ok();
        match holds {
            Holds::NoEntry if copy.as_ref().is_some_and(is_own_copy) => {}
            Holds::NoEntry => return Ok(unchanged(target)),
            holds => {
                return Ok(Plan {
                    action: Action::LeaveAlone,
                    left_alone: vec![LeftAlone {
                        registry: registry.clone(),
                        holds,
                    }],
                    ..unchanged(target)
                });
            }
        }
    }
    let format = observed.format();
    let mut document = document_of(observed, &format, registry)?;
    if !format.is_for_kubelet() && document.login(registry).is_some() {
        return Err(Refusal::NothingLeft(format));
    }
    let mut changes = Vec::new();
    if document.remove(registry)? {
        changes.push(Change::Removal(registry.clone()));
    }
    let declares = |entry: &Entry| entry.registry == *registry;
    if changes.is_empty() && copy.is_none() && !observed.entries().iter().any(declares) {
        return Ok(unchanged(target));
    }
    let mut entries = kept_entries(observed, &document, &[]);
    entries.retain(|entry| !declares(entry));
    let is_marked = observed.label(MANAGED_BY_LABEL) == Some(MANAGER) || !observed.entries().is_empty();
    let annotations = if entries.is_empty() {
        if is_marked {
            changes.push(Change::Release);
        }
        BTreeMap::new()
    } else {
        Entry::write(entries)
    };
    for (name, value) in &annotations {
        if observed.annotation(name) != Some(value) {
            changes.push(Change::Annotation(name.clone()));
        }
    }
    let mut plan = configured(
        target,
        observed,
        (&format, &document),
        changes,
        annotations,
        force_conflicts,
    )?;
    if document.keys().is_empty() {
        plan.notes.push(Note::Empty);
    }
    Ok(plan)
}

/// A plan without changes and notes.
fn unchanged(target: &Target) -> Plan {
    Plan {
        target: target.clone(),
        action: Action::Unchanged,
        notes: Vec::new(),
        left_alone: Vec::new(),
        given: Vec::new(),
        manifest: Manifest::new(target, &DockerConfig::default(), BTreeMap::new()),
        uid: None,
        resource_version: None,
        force: false,
    }
}

/// The document of a Secret in this format.
fn document_of(observed: &Observed, format: &SecretFormat, registry: &Registry) -> Result<DockerConfig, Refusal> {
    match (observed.type_name() == PULL_SECRET_TYPE, format.is_for_kubelet()) {
        (true, false) => return Err(Refusal::Format(format.clone())),
        (false, true) => {
            return Err(Refusal::Type {
                type_name: observed.type_name().to_owned(),
            });
        }
        _ => {}
    }
    if let (SecretFormat::ArgoCdRepository { .. }, Some(there)) = (format, observed.registry_of_url())
        && there != *registry
    {
        return Err(Refusal::OtherUrl {
            there,
            registry: registry.clone(),
        });
    }
    Ok(observed.document_in(format, Some(registry))?)
}

/// The plan for a Secret that is there, as far as its owner and its state allow one.
fn configured(
    target: &Target,
    observed: &Observed,
    (format, document): (&SecretFormat, &DockerConfig),
    mut changes: Vec<Change>,
    annotations: BTreeMap<String, String>,
    force_conflicts: bool,
) -> Result<Plan, Refusal> {
    let has_last_applied = observed.annotation(LAST_APPLIED).is_some();
    if has_last_applied {
        changes.push(Change::LastApplied);
    }
    let mut notes: Vec<_> = document.problems().into_iter().map(Note::BreaksKubelet).collect();
    if !changes.is_empty() {
        if observed.metadata().deletion_timestamp.is_some() {
            return Err(Refusal::Deleting);
        }
        if observed.is_immutable() {
            return Err(Refusal::Immutable);
        }
        match owner(observed.metadata(), format) {
            Ownership::Ours => {}
            Ownership::Adoptable { from } => notes.insert(0, Note::Adopted { from }),
            Ownership::Foreign(owner) if force_conflicts => notes.insert(0, Note::Overrides(owner)),
            Ownership::Foreign(owner) => return Err(Refusal::Foreign(owner)),
        }
        if has_last_applied {
            notes.push(Note::LastAppliedRemoved);
        }
    }
    Ok(Plan {
        target: target.clone(),
        action: if changes.is_empty() {
            Action::Unchanged
        } else {
            Action::Configure { changes }
        },
        notes,
        left_alone: Vec::new(),
        given: Vec::new(),
        manifest: Manifest::new(target, document, annotations),
        uid: observed.metadata().uid.clone(),
        resource_version: observed.metadata().resource_version.clone(),
        force: !is_ours_alone(observed),
    })
}

fn entry(wanted: &Wanted<'_>) -> Entry {
    Entry {
        registry: wanted.credential.registry.clone(),
        username: wanted.credential.username.to_string(),
        usage: wanted.usage,
        writer: wanted.writer.cloned(),
    }
}

/// The first token in the registry's entries that this one may not take the place of.
fn other_token(observed: &Observed, document: &DockerConfig, wanted: &Wanted<'_>) -> Option<OtherToken> {
    let Over::Known { own, cleared } = wanted.over else {
        return None;
    };
    let credential = wanted.credential;
    let registry = &credential.registry;
    let writer = observed.writer(registry);
    let own_id = wanted.writer.and_then(|writer| writer.installation.as_ref());
    let is_anothers = writer.as_ref().is_some_and(|writer| writer.is_other_than(own_id));
    for (username, token) in document.logins_of(registry).into_iter().flatten() {
        let is_cleared = cleared.iter().any(|(of, one)| of == registry && *one == token);
        if is_cleared
            || token.expose().is_empty()
            || token == credential.token && username == credential.username.as_str()
        {
            continue;
        }
        let is_own = own.has(&token);
        // What another installation wrote keeps its user, even where it is a token that both have.
        if !is_own || is_anothers && username != credential.username.as_str() {
            return Some(OtherToken {
                registry: registry.clone(),
                username,
                token,
                usage: wanted.usage,
                writer,
            });
        }
    }
    None
}

/// What our annotations are to say: what is wanted, and other registries of ours that are still in the document.
fn kept_entries(observed: &Observed, document: &DockerConfig, wanted: &[Wanted<'_>]) -> Vec<Entry> {
    let keys = document.keys();
    let mut entries = observed.entries();
    entries.retain(|entry| {
        wanted.iter().all(|one| entry.registry != one.credential.registry)
            && keys.iter().any(|key| entry.registry.is_named_by(key))
    });
    entries.extend(wanted.iter().map(entry));
    entries
}

/// Whether a server-side apply of ours can meet no other owner of a field. Otherwise it has to take the fields over;
/// that this is right was decided by [`owner()`], and the resource version makes sure that it still is.
fn is_ours_alone(observed: &Observed) -> bool {
    let managers = observed.metadata().managed_fields.as_deref().unwrap_or_default();
    !managers.is_empty()
        && managers
            .iter()
            .all(|entry| entry.manager.as_deref() == Some(MANAGER) && entry.operation.as_deref() == Some("Apply"))
}

#[cfg(test)]
mod tests;
