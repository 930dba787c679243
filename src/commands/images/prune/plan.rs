//! What is to go, and why everything else stays. Pure: what the registry holds, what the clusters need, and the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::rules::{JUST_PUSHED, LeftOut, Rules};
use crate::commands::images::demand::{Demand, Usage};
use crate::commands::images::holding::{HeldRow, Holding, Role};
use crate::commands::images::set_aside::SetAside;
use crate::model::manifest::Content;
use crate::model::{Digest, Repository, Tag, Version};

/// The tag that a reference without one means.
const LATEST: &str = "latest";
/// Shown hexadecimal digits of a digest, as docker shows them.
const SHORT: usize = 12;

/// What would be done with one image, row by row, in the order in which it is done: what goes comes first, indexes before
/// what they are made of, and anything before what describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePlan {
    pub repository: Repository,
    pub rows: Vec<PlannedRow>,
    /// What the image is made of after everything that goes is gone for good.
    pub kept: BTreeSet<Digest>,
}

/// A tag, or a manifest without one, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedRow {
    pub row: HeldRow,
    pub fate: Fate,
    /// The bytes that are free once it is deleted for good, and that no row before it frees.
    pub frees: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Keep(Reason),
    /// It gets this tag of ours, and loses its own name.
    SetAside(Tag, Cause),
    /// For good.
    Delete(Cause),
}

/// Why something stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    Used(Vec<Usage>),
    /// A workload names it, and cannot pull it: it is set aside.
    UsedAside(Vec<Usage>),
    Latest,
    /// One of the newest; the first is the newest.
    Newest(usize),
    /// As new as these, but something of it is missing, so it is not counted.
    NewestIncomplete,
    /// All others go.
    Last,
    JustPushed,
    Young,
    LeftOut(LeftOut),
    /// A chart or another artifact, in an image that was not named.
    NoImage(String),
    LongName,
    /// An index of which something is missing: the registry takes it under no other name.
    Incomplete,
    InGrace {
        until: Timestamp,
    },
    PartOf(Digest),
    /// The only row with a manifest that this index is made of.
    LastHolder(Digest),
    Describes(Digest),
    /// A signature in an image that has nothing that could be signed: cosign can keep them apart.
    Apart,
}

/// Why something goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Older than those that stay.
    Old,
    /// No tag leads to it.
    Untagged,
    /// What it describes is gone.
    NoSubject,
    GraceOver {
        since: Timestamp,
    },
    /// What it is a part of, or describes, goes for good.
    WithIt,
}

/// Plans one image.
///
/// `elsewhere`: every manifest that was read, of the other images too. `is_named`: the command line names this image, and
/// not only its owner.
pub fn plan(
    holding: &Holding,
    elsewhere: &BTreeSet<&Digest>,
    demand: &Demand,
    rules: &Rules,
    is_named: bool,
    now: Timestamp,
) -> ImagePlan {
    let mut parents: BTreeMap<&Digest, Vec<&Digest>> = BTreeMap::new();
    for (digest, manifest) in &holding.manifests {
        for child in manifest.children() {
            parents.entry(&child.digest).or_default().push(digest);
        }
    }
    let planner = Planner {
        holding,
        elsewhere,
        parents,
        demand,
        rules,
        is_named,
        now,
    };
    let fates = planner.fates();
    planner.in_order(fates)
}

struct Planner<'a> {
    holding: &'a Holding,
    elsewhere: &'a BTreeSet<&'a Digest>,
    /// The indexes that name a manifest.
    parents: BTreeMap<&'a Digest, Vec<&'a Digest>>,
    demand: &'a Demand,
    rules: &'a Rules,
    is_named: bool,
    now: Timestamp,
}

impl<'a> Planner<'a> {
    fn fates(&self) -> Vec<Fate> {
        let roles: Vec<Role> = self.holding.rows.iter().map(|row| self.holding.role(row)).collect();
        let mut fates = self.tags(&roles);
        self.kept_apart(&roles, &mut fates);
        let before = self.reachable(&roles, &fates);
        self.orphans(&roles, &before, &mut fates);
        self.dependents(&roles, &mut fates);
        self.last_holders(&mut fates);
        fates
            .into_iter()
            .map(|fate| fate.unwrap_or(Fate::Delete(Cause::WithIt)))
            .collect()
    }

    /// What people named, and what is set aside.
    fn tags(&self, roles: &[Role]) -> Vec<Option<Fate>> {
        let mut fates: Vec<Option<Fate>> = vec![None; roles.len()];
        let mut rank = 0;
        let mut newest_that_goes = None;
        let mut stays = false;
        for (at, (row, role)) in self.holding.rows.iter().zip(roles).enumerate() {
            let fate = match role {
                Role::Tag => {
                    let fate = self.tag(row, &mut rank);
                    if matches!(fate, Fate::Keep(_)) {
                        stays = true;
                    } else if newest_that_goes.is_none() {
                        newest_that_goes = Some(at);
                    }
                    fate
                }
                Role::SetAside(aside) => self.set_aside(row, aside),
                Role::Untagged | Role::Describes(_) => continue,
            };
            fates[at] = Some(fate);
        }
        if let (false, Some(at)) = (stays, newest_that_goes) {
            fates[at] = Some(Fate::Keep(Reason::Last));
        }
        fates
    }

    fn tag(&self, row: &HeldRow, rank: &mut usize) -> Fate {
        let left_out = self.rules.left_out(&self.holding.repository, &row.version);
        let is_latest = row.version.as_str() == LATEST;
        let is_whole = self.is_whole(&row.digest);
        // `latest` mostly has the digest of another tag, and what cannot be pulled is no version to go back to.
        if left_out.is_none() && !is_latest && is_whole {
            *rank += 1;
        }
        let newest = if is_whole {
            (*rank <= self.rules.keep).then_some(Reason::Newest(*rank))
        } else {
            (*rank < self.rules.keep).then_some(Reason::NewestIncomplete)
        };
        let users = self.users(row, row.version.as_str());
        let reason = if !users.is_empty() {
            Some(Reason::Used(users))
        } else if is_latest {
            Some(Reason::Latest)
        } else if let Some(left_out) = left_out {
            Some(Reason::LeftOut(left_out))
        } else if newest.is_some() {
            newest
        } else if let Some(kind) = self.artifact(row).filter(|_| !self.is_named) {
            Some(Reason::NoImage(kind.to_owned()))
        } else {
            self.too_young(row)
        };
        reason.map_or_else(|| self.goes(row, Cause::Old), Fate::Keep)
    }

    fn set_aside(&self, row: &HeldRow, aside: &SetAside) -> Fate {
        let by_name = self.demand.of_tag(&self.holding.repository, aside.original.as_str());
        let by_name: Vec<Usage> = by_name.cloned().collect();
        if !by_name.is_empty() {
            return Fate::Keep(Reason::UsedAside(by_name));
        }
        let users = self.users(row, row.version.as_str());
        if !users.is_empty() {
            return Fate::Keep(Reason::Used(users));
        }
        if let Some(left_out) = self.rules.left_out(&self.holding.repository, &aside.original) {
            return Fate::Keep(Reason::LeftOut(left_out));
        }
        // The name is as good as the clock that made it, so the server's clock counts too.
        let since = row.pushed.map_or(aside.since, |pushed| pushed.max(aside.since));
        let until = since.saturating_add(self.rules.grace.0).unwrap_or(Timestamp::MAX);
        if until > self.now {
            return Fate::Keep(Reason::InGrace { until });
        }
        Fate::Delete(Cause::GraceOver { since: aside.since })
    }

    /// Signatures of what is, or may be, in another image.
    fn kept_apart(&self, roles: &[Role], fates: &mut [Option<Fate>]) {
        let could_be_signed = |(row, role): (&HeldRow, &Role)| *role == Role::Tag || self.holding.can_run(&row.digest);
        let is_apart = !self.holding.rows.iter().zip(roles).any(could_be_signed);
        for (at, (row, role)) in self.holding.rows.iter().zip(roles).enumerate() {
            let subject = match role {
                Role::Describes(subject) => Some(subject),
                Role::Untagged => self.subject(&row.digest),
                Role::Tag | Role::SetAside(_) => None,
            };
            let Some(subject) = subject.filter(|subject| !self.holding.manifests.contains_key(*subject)) else {
                continue;
            };
            if self.elsewhere.contains(subject) {
                fates[at] = Some(Fate::Keep(Reason::Describes(subject.clone())));
            } else if is_apart {
                fates[at] = Some(Fate::Keep(Reason::Apart));
            }
        }
    }

    /// Manifests to which no tag leads, and signatures of what is gone.
    fn orphans(&self, roles: &[Role], before: &BTreeSet<&Digest>, fates: &mut [Option<Fate>]) {
        let mut going = Vec::new();
        for (at, (row, role)) in self.holding.rows.iter().zip(roles).enumerate() {
            if fates[at].is_some() {
                continue;
            }
            let cause = match role {
                Role::Untagged if !before.contains(&row.digest) => Cause::Untagged,
                Role::Describes(subject) if !self.holding.manifests.contains_key(subject) => Cause::NoSubject,
                _ => continue,
            };
            let users = self.users(row, row.version.as_str());
            let left_out = self.rules.left_out(&self.holding.repository, &row.version);
            let reason = if !users.is_empty() {
                Some(Reason::Used(users))
            } else if let Some(left_out) = left_out {
                Some(Reason::LeftOut(left_out))
            } else {
                self.too_young(row)
            };
            match reason {
                Some(reason) => fates[at] = Some(Fate::Keep(reason)),
                None => going.push((at, cause)),
            }
        }
        let all: BTreeSet<&Digest> = going.iter().map(|(at, _)| &self.holding.rows[*at].digest).collect();
        for (at, cause) in &going {
            let row = &self.holding.rows[*at];
            // One that is a part of another, or describes it, goes with that.
            let mut above = self.parents(&row.digest).chain(self.subject(&row.digest));
            let is_part = *cause == Cause::Untagged && above.any(|above| *above != row.digest && all.contains(above));
            if !is_part {
                fates[*at] = Some(self.goes(row, cause.clone()));
            }
        }
    }

    /// Parts of what stays and what describes it stay; the others go with what they belong to.
    fn dependents(&self, roles: &[Role], fates: &mut [Option<Fate>]) {
        let young: Vec<usize> = (0..roles.len())
            .filter(|at| fates[*at].is_none() && self.too_young(&self.holding.rows[*at]) == Some(Reason::JustPushed))
            .collect();
        for at in young {
            fates[at] = Some(Fate::Keep(Reason::JustPushed));
        }
        let held = self.held(fates);
        for (at, (row, role)) in self.holding.rows.iter().zip(roles).enumerate() {
            if fates[at].is_some() {
                continue;
            }
            let users = self.users(row, row.version.as_str());
            let left_out = self.rules.left_out(&self.holding.repository, &row.version);
            fates[at] = match role {
                _ if !users.is_empty() => Some(Fate::Keep(Reason::Used(users))),
                // It need not match --match, because it goes with what does.
                _ if left_out == Some(LeftOut::Excluded) => Some(Fate::Keep(Reason::LeftOut(LeftOut::Excluded))),
                Role::Describes(subject) if held.contains(subject) => {
                    Some(Fate::Keep(Reason::Describes(subject.clone())))
                }
                Role::Untagged if held.contains(&row.digest) => Some(Fate::Keep(self.belonging(&row.digest, &held))),
                _ => None,
            };
        }
    }

    /// No manifest that is still needed loses its last row.
    fn last_holders(&self, fates: &mut [Option<Fate>]) {
        let held = self.held(fates);
        let stays = |fate: &Option<Fate>| matches!(fate, Some(Fate::Keep(_) | Fate::SetAside(..)));
        let mut holders: BTreeSet<&Digest> = BTreeSet::new();
        for (row, fate) in self.holding.rows.iter().zip(fates.iter()) {
            if stays(fate) {
                holders.insert(&row.digest);
            }
        }
        for (row, fate) in self.holding.rows.iter().zip(fates.iter_mut()) {
            if !stays(fate) && held.contains(&row.digest) && holders.insert(&row.digest) {
                let reason = match self.belonging(&row.digest, &held) {
                    Reason::PartOf(index) => Reason::LastHolder(index),
                    other => other,
                };
                *fate = Some(Fate::Keep(reason));
            }
        }
    }

    /// What is whole as long as these rows are there; what is set aside still is.
    fn held(&self, fates: &[Option<Fate>]) -> BTreeSet<&'a Digest> {
        let holds = |fate: &Option<Fate>| matches!(fate, Some(Fate::Keep(_) | Fate::SetAside(..)));
        let rows = self.holding.rows.iter().zip(fates);
        let kept = rows.filter(|(_, fate)| holds(fate)).map(|(row, _)| &row.digest);
        let needed = self.needed();
        self.holding.whole(kept.chain(needed))
    }

    /// What tags lead to now, signatures that stay, and what clusters need by its digest.
    ///
    /// What was set aside without a tag is not reached by that alone: if it still has its own row, a run was killed before
    /// it was done.
    fn reachable(&self, roles: &[Role], fates: &[Option<Fate>]) -> BTreeSet<&'a Digest> {
        let mut tagged: Vec<&'a Digest> = self.needed().collect();
        let mut below: BTreeSet<&'a Digest> = BTreeSet::new();
        for ((row, role), fate) in self.holding.rows.iter().zip(roles).zip(fates) {
            match role {
                Role::SetAside(aside) if aside.original == Version::Digest(row.digest.clone()) => {
                    let whole = self.holding.whole([&row.digest]);
                    below.extend(whole.into_iter().filter(|digest| **digest != row.digest));
                }
                Role::Tag | Role::SetAside(_) => tagged.push(&row.digest),
                Role::Untagged | Role::Describes(_) if fate.is_some() => tagged.push(&row.digest),
                Role::Untagged | Role::Describes(_) => {}
            }
        }
        below.extend(self.holding.whole(tagged));
        below
    }

    /// What something that stays belongs to.
    fn belonging(&self, digest: &Digest, held: &BTreeSet<&Digest>) -> Reason {
        if let Some(parent) = self.parents(digest).find(|parent| held.contains(parent)) {
            return Reason::PartOf(parent.clone());
        }
        match self.subject(digest) {
            Some(subject) => Reason::Describes(subject.clone()),
            None => Reason::Used(self.users_of([digest]).into_iter().cloned().collect()),
        }
    }

    fn parents(&self, digest: &Digest) -> impl Iterator<Item = &'a Digest> {
        self.parents.get(digest).into_iter().flatten().copied()
    }

    fn subject(&self, digest: &Digest) -> Option<&'a Digest> {
        self.holding.manifests.get(digest)?.subject.as_ref()
    }

    /// Who needs the row: by its name, or by the digest of its manifest or of a part of it.
    fn users(&self, row: &HeldRow, name: &str) -> Vec<Usage> {
        let mut users = self.users_of(self.holding.parts([&row.digest]));
        users.extend(self.demand.of_tag(&self.holding.repository, name));
        users.extend(self.demand.of_repository(&self.holding.repository));
        users.into_iter().cloned().collect()
    }

    fn users_of<'b>(&'b self, digests: impl IntoIterator<Item = &'b Digest>) -> BTreeSet<&'b Usage> {
        let manifests = digests
            .into_iter()
            .filter_map(|digest| self.holding.manifests.get_key_value(digest));
        manifests
            .flat_map(|(digest, manifest)| self.demand.of_manifest(digest, manifest))
            .collect()
    }

    /// The manifests that clusters need by a digest.
    fn needed(&self) -> impl Iterator<Item = &'a Digest> {
        let manifests = self.holding.manifests.iter();
        let needed = manifests.filter(|(digest, manifest)| self.demand.of_manifest(digest, manifest).next().is_some());
        needed.map(|(digest, _)| digest)
    }

    /// What it is instead of an image.
    fn artifact(&self, row: &HeldRow) -> Option<&'a str> {
        if self.holding.can_run(&row.digest) {
            return None;
        }
        let mut kind = None;
        for part in self.holding.parts([&row.digest]) {
            match &self.holding.manifests[part].content {
                Content::Image { .. } => return None,
                Content::Artifact { kind: found, .. } => kind = Some(found.as_str()),
                Content::Index { .. } => {}
            }
        }
        kind
    }

    fn too_young(&self, row: &HeldRow) -> Option<Reason> {
        let pushed = row.pushed?;
        if self.now.duration_since(pushed) < JUST_PUSHED {
            return Some(Reason::JustPushed);
        }
        self.rules.is_young(pushed, self.now).then_some(Reason::Young)
    }

    fn goes(&self, row: &HeldRow, cause: Cause) -> Fate {
        if self.rules.grace.0 == SignedDuration::ZERO {
            return Fate::Delete(cause);
        }
        if !self.is_whole(&row.digest) {
            return Fate::Keep(Reason::Incomplete);
        }
        let aside = SetAside {
            original: row.version.clone(),
            since: self.now,
        };
        aside
            .name()
            .map_or(Fate::Keep(Reason::LongName), |name| Fate::SetAside(name, cause))
    }

    /// Whether everything that it is made of is there.
    fn is_whole(&self, digest: &Digest) -> bool {
        let manifest = |digest: &Digest| self.holding.manifests.get(digest);
        let is_there = |part: &&Digest| {
            let children = manifest(part).map_or(&[][..], |manifest| manifest.children());
            children.iter().all(|child| manifest(&child.digest).is_some())
        };
        self.holding.parts([digest]).iter().all(is_there)
    }

    fn in_order(&self, fates: Vec<Fate>) -> ImagePlan {
        let kept: Vec<Option<Fate>> = fates
            .iter()
            .map(|fate| matches!(fate, Fate::Keep(_)).then(|| fate.clone()))
            .collect();
        let kept = self.held(&kept).into_iter().cloned().collect();
        let rows = self.holding.rows.iter().cloned().zip(fates);
        let mut rows: Vec<PlannedRow> = rows.map(|(row, fate)| PlannedRow { row, fate, frees: 0 }).collect();
        let is_index = |row: &PlannedRow| {
            let manifest = self.holding.manifests.get(&row.row.digest);
            manifest.is_some_and(|manifest| !manifest.children().is_empty())
        };
        let describes = |row: &PlannedRow| matches!(self.holding.role(&row.row), Role::Describes(_));
        rows.sort_by_key(|row| match &row.fate {
            Fate::SetAside(..) => 0,
            Fate::Delete(Cause::WithIt) if !is_index(row) => 4,
            // A list of referrers: as long as its subject is there, its signatures are found.
            Fate::Delete(Cause::WithIt) if describes(row) => 3,
            Fate::Delete(_) if !is_index(row) => 2,
            Fate::Delete(_) => 1,
            Fate::Keep(_) => 5,
        });
        ImagePlan {
            repository: self.holding.repository.clone(),
            rows,
            kept,
        }
    }
}

impl PlannedRow {
    /// Whether it loses its name.
    pub fn goes(&self) -> bool {
        !matches!(self.fate, Fate::Keep(_))
    }
}

/// Counts what each row frees that goes: what nothing that stays needs, in any of the images, and each layer once.
pub fn count_space(plans: &mut [ImagePlan], holdings: &BTreeMap<Repository, Holding>) {
    let mut taken: BTreeSet<Digest> = BTreeSet::new();
    for plan in &*plans {
        let Some(holding) = holdings.get(&plan.repository) else {
            continue;
        };
        for digest in &plan.kept {
            taken.insert(digest.clone());
            if let Some(manifest) = holding.manifests.get(digest) {
                taken.extend(manifest.blobs().map(|blob| blob.digest.clone()));
            }
        }
    }
    for plan in plans {
        let Some(holding) = holdings.get(&plan.repository) else {
            continue;
        };
        for row in plan.rows.iter_mut().filter(|row| row.goes()) {
            for digest in holding.whole([&row.row.digest]) {
                let manifest = &holding.manifests[digest];
                let blobs = manifest.blobs().map(|blob| (&blob.digest, blob.size));
                for (digest, size) in std::iter::once((digest, manifest.size)).chain(blobs) {
                    if taken.insert(digest.clone()) {
                        row.frees = row.frees.saturating_add(size);
                    }
                }
            }
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Used(users) => f.write_str(&usages(users)),
            Self::UsedAside(users) => write!(f, "set aside, but {}: restore it", usages(users)),
            Self::Latest => f.write_str("latest is never deleted"),
            Self::Newest(rank) => write!(f, "number {rank} of the newest"),
            Self::NewestIncomplete => {
                f.write_str("one of the newest; something of it is missing, so it does not count in --keep")
            }
            Self::Last => f.write_str("the last tag of its image"),
            Self::JustPushed => f.write_str("pushed in the last two hours"),
            Self::Young => f.write_str("younger than --older-than"),
            Self::LeftOut(LeftOut::Excluded) => f.write_str("matches --exclude"),
            Self::LeftOut(LeftOut::NotMatched) => f.write_str("does not match --match"),
            Self::NoImage(kind) => write!(f, "no image but {kind}, and its name was not given"),
            Self::LongName => f.write_str("its name is too long to be set aside; --grace 0 deletes it at once"),
            Self::Incomplete => {
                f.write_str("an index of which something is missing cannot be set aside; --grace 0 deletes it")
            }
            Self::InGrace { until } => write!(f, "set aside until {}", until.strftime("%Y-%m-%d %H:%MZ")),
            Self::PartOf(index) => write!(f, "part of {}", short(index)),
            Self::LastHolder(index) => write!(f, "{} is made of it, and nothing else holds it", short(index)),
            Self::Describes(subject) => write!(f, "signature or attestation of {}", short(subject)),
            Self::Apart => f.write_str("signature or attestation of something that is not in this image"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Old => f.write_str("older than those that stay"),
            Self::Untagged => f.write_str("no tag leads to it"),
            Self::NoSubject => f.write_str("what it signs or describes is gone"),
            Self::GraceOver { since } => write!(f, "set aside since {}", since.strftime("%Y-%m-%d %H:%MZ")),
            Self::WithIt => f.write_str("goes with what it is a part of"),
        }
    }
}

/// `sha256:0123456789ab`
pub fn short(digest: &Digest) -> &str {
    let text = digest.as_str();
    let end = text.find(':').map_or(0, |colon| colon + 1 + SHORT);
    text.get(..end).unwrap_or(text)
}

/// The first place, and how many more there are.
fn usages(users: &[Usage]) -> String {
    let Some(first) = users.first() else {
        return "a cluster needs it".to_owned();
    };
    let more = match users.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{first}{more}")
}

#[cfg(test)]
mod tests;
