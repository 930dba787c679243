//! Asks registries whether everything of an image is there.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use super::plan::{Plan, Question};
use super::platform::fits;
use crate::commands::images::budget::{Budget, MAX_DEPTH, MAX_NAMED};
use crate::commands::shared::connections::Connections;
use crate::commands::status::tokens::{Verdict, Verdicts};
use crate::model::manifest::{Content, Manifest};
use crate::model::{Digest, Repository, Version};
use crate::output::Output;
use crate::registry::{Images, ImagesError};
use crate::sys::env::Env;
use crate::sys::workers;

/// Requests at the same time: a small server is not hurried.
const AT_ONCE: usize = 4;
/// The most manifests, configs and layers of one image that are asked for. An image for ten platforms has some 200.
const MAX_PARTS: usize = 10_000;
/// The most missing parts that are shown.
const MAX_SHOWN: usize = 3;

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    There(Image),
    /// The registry has no such tag or digest.
    Missing,
    /// The registry does not give the image to any of the credentials.
    Refused(String),
    /// There is no clear answer.
    Unclear(String),
}

impl Answer {
    /// Whether kubelet can pull the image with the credential that got this answer.
    fn is_pull(&self) -> bool {
        matches!(self, Self::There(image) if image.missing.is_empty())
    }

    /// How much it tells where kubelet can pull the image with none of the credentials. One that is unclear counts most: the
    /// next pull with it may succeed. A refusal tells less than what the registry says to another credential.
    fn weight(&self) -> u8 {
        match self {
            Self::Refused(_) => 0,
            Self::Missing => 1,
            Self::There(_) => 2,
            Self::Unclear(_) => 3,
        }
    }
}

/// An image that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Image {
    /// Of the manifest.
    pub(super) digest: Digest,
    /// All digests by which a node may name it: of its manifest, of those of an index, and of configurations.
    pub(super) ids: BTreeSet<Digest>,
    /// The platforms that it is for, as far as it says so.
    pub(super) platforms: Vec<String>,
    /// What is not there, of what the nodes would pull.
    pub(super) missing: Vec<String>,
}

/// Asks every question of a plan, with the credentials that their registries accept.
pub(super) fn ask(
    plan: &Plan<'_>,
    verdicts: &Verdicts,
    platforms: &BTreeSet<String>,
    connections: &Connections,
    env: &Env,
    output: &mut Output<'_>,
) -> Vec<Answer> {
    let needed: BTreeSet<usize> = plan
        .questions
        .iter()
        .flat_map(|question| &question.logins)
        .copied()
        .collect();
    let mut opened = BTreeMap::new();
    for at in needed {
        let credential = &plan.credentials[at];
        // A refused one is not tried again and again, which may lock the account.
        let images = match verdicts.of(credential) {
            Verdict::Accepted(_) => Images::open(credential, &connections.options(&credential.registry), env)
                .map_err(|error| error.to_string()),
            Verdict::Refused { .. } => continue,
            Verdict::Silent { cause, .. } => Err(cause),
            Verdict::NotAsked | Verdict::Unknown => Err(format!(
                "the token of {} was not tried at {}, so that the account is not locked",
                credential.username, credential.registry
            )),
        };
        opened.insert(at, images);
    }
    let asker = Asker {
        opened,
        platforms,
        blobs: Mutex::default(),
        budget: Budget::new(MAX_NAMED),
    };
    let total = plan.questions.len();
    let mut answers: Vec<Option<Answer>> = vec![None; total];
    let mut done = 0;
    let work = |(at, question): (usize, &Question)| (at, asker.answer(question));
    workers::each(
        plan.questions.iter().enumerate().collect(),
        AT_ONCE,
        work,
        |(at, answer)| {
            done += 1;
            output.progress(format_args!("asking registries: {done}/{total} images"));
            answers[at] = Some(answer);
            ControlFlow::<()>::Continue(())
        },
    );
    output.end_progress();
    let unasked = || Answer::Unclear("it was not asked".to_owned());
    answers
        .into_iter()
        .map(|answer| answer.unwrap_or_else(unasked))
        .collect()
}

struct Asker<'a> {
    opened: BTreeMap<usize, Result<Images<'a>, String>>,
    platforms: &'a BTreeSet<String>,
    /// Layers that were asked for before, by repository: images share them.
    blobs: Mutex<BTreeMap<(usize, Repository, Digest), bool>>,
    /// For all images together.
    budget: Budget,
}

impl Asker<'_> {
    /// Asks with one credential after the other until the image can be pulled: kubelet goes on after any error.
    fn answer(&self, question: &Question) -> Answer {
        let none = format!("{} accepts none of the tokens for it", question.registry);
        let mut answer = Answer::Refused(none);
        for login in &question.logins {
            // The registry refuses that one whatever is asked.
            let Some(images) = self.opened.get(login) else { continue };
            let next = match images {
                Err(why) => Answer::Unclear(why.clone()),
                Ok(images) => match self.image(*login, images, question) {
                    Ok(Some(image)) => Answer::There(image),
                    Ok(None) => Answer::Missing,
                    Err(error @ ImagesError::Refused { .. }) => Answer::Refused(error.to_string()),
                    Err(error) => Answer::Unclear(error.to_string()),
                },
            };
            if next.is_pull() {
                return next;
            }
            if next.weight() >= answer.weight() {
                answer = next;
            }
        }
        answer
    }

    fn image(&self, login: usize, images: &Images<'_>, question: &Question) -> Result<Option<Image>, ImagesError> {
        let repository = &question.repository;
        let Some(fetched) = images.manifest(repository, &question.version)? else {
            return Ok(None);
        };
        let mut image = Image {
            ids: [fetched.digest.clone()].into(),
            digest: fetched.digest,
            platforms: Vec::new(),
            missing: Vec::new(),
        };
        if let Content::Image { config, .. } = &fetched.manifest.content {
            let config = images.config(repository, &config.digest)?;
            image.platforms.extend(config.and_then(|config| config.platform));
        }
        let mut walk = Walk {
            asker: self,
            login,
            images,
            repository,
            budget: Budget::new(MAX_PARTS),
            asked: BTreeSet::new(),
            image: &mut image,
        };
        walk.manifest(&fetched.manifest, 1)?;
        let mut seen = BTreeSet::new();
        image.platforms.retain(|platform| seen.insert(platform.clone()));
        let more = image.missing.len().saturating_sub(MAX_SHOWN);
        image.missing.truncate(MAX_SHOWN);
        if more > 0 {
            image.missing.push(format!("{more} more"));
        }
        Ok(Some(image))
    }

    /// Whether a node would pull the image for this platform. If the nodes are not known, all are wanted.
    fn is_wanted(&self, platform: Option<&str>) -> bool {
        self.platforms.is_empty()
            || platform.is_none_or(|platform| self.platforms.iter().any(|node| fits(node, platform)))
    }

    fn has_blob(
        &self,
        login: usize,
        images: &Images<'_>,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<bool, ImagesError> {
        let key = (login, repository.clone(), digest.clone());
        let blobs = || self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = blobs().get(&key) {
            return Ok(*known);
        }
        let is_there = images.has_blob(repository, digest)?;
        blobs().insert(key, is_there);
        Ok(is_there)
    }
}

/// The way through everything that an image is made of.
struct Walk<'a> {
    asker: &'a Asker<'a>,
    login: usize,
    images: &'a Images<'a>,
    repository: &'a Repository,
    /// For this image.
    budget: Budget,
    /// Manifests that an index names, which may name one twice.
    asked: BTreeSet<Digest>,
    image: &'a mut Image,
}

impl Walk<'_> {
    /// Asks for what a manifest is made of; `depth` counts indexes within indexes.
    fn manifest(&mut self, manifest: &Manifest, depth: usize) -> Result<(), ImagesError> {
        if !self.budget.take(manifest) {
            return Err(self.unread(format!("it is made of more than {MAX_PARTS} manifests and layers")));
        }
        if !self.asker.budget.take(manifest) {
            return Err(self.unread(format!(
                "all images together are made of more than {MAX_NAMED} manifests and layers"
            )));
        }
        // What describes a part of it, such as an attestation, is not pulled.
        for child in manifest.children().iter().filter(|child| child.attests.is_none()) {
            self.image.ids.insert(child.digest.clone());
            self.image.platforms.extend(child.platform.clone());
            if !self.asker.is_wanted(child.platform.as_deref()) || !self.asked.insert(child.digest.clone()) {
                continue;
            }
            if depth == MAX_DEPTH {
                return Err(self.unread("it is made of indexes that are made of indexes, and so on".to_owned()));
            }
            match self
                .images
                .manifest(self.repository, &Version::Digest(child.digest.clone()))?
            {
                Some(fetched) => self.manifest(&fetched.manifest, depth + 1)?,
                None => self.image.missing.push(match &child.platform {
                    Some(platform) => format!("the manifest for {platform}, {}", child.digest),
                    None => format!("the manifest {}", child.digest),
                }),
            }
        }
        if let Content::Image { config, .. } = &manifest.content {
            self.image.ids.insert(config.digest.clone());
        }
        for blob in manifest.blobs() {
            if !self
                .asker
                .has_blob(self.login, self.images, self.repository, &blob.digest)?
            {
                self.image.missing.push(format!("the content {}", blob.digest));
            }
        }
        Ok(())
    }

    fn unread(&self, why: String) -> ImagesError {
        ImagesError::Unread {
            what: format!("{}@{}", self.repository, self.image.digest),
            why,
        }
    }
}
