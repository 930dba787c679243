//! Reads pull Secrets: many of one name with a list, because a request for each costs a round trip, others one by one.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};

use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;

use super::observe::observe;
use super::pull_secret::Observed;
use crate::cluster::client::connect::Cluster;
use crate::cluster::client::pages::{self, Extent, Page, malformed};
use crate::cluster::error::Error;
use crate::cluster::resource::Resource;
use crate::model::{Namespace, SecretName, Target};

/// From so many targets of one name on, a list is worth it.
const MANY: usize = 32;
/// Secrets in the first page, before it is known how large they are.
const FIRST_PAGE: usize = 100;
/// The size that later pages are to have, in bytes, by the largest Secret of the pages before.
const PAGE_SIZE: usize = 8 << 20;
/// The most Secrets in a page, as in kubectl.
const MAX_PAGE: usize = 500;
/// A list that has more than this for each target is not worth it.
const OTHERS: usize = 4;
/// The largest Secret that is kept, in bytes. A larger one is read again when it is its turn.
const MAX_KEPT: usize = 64 << 10;
/// The most that is kept of all Secrets together, in bytes.
const MAX_KEPT_TOGETHER: usize = 16 << 20;

/// Reads pull Secrets of one cluster.
pub struct SecretReader<'a> {
    pub(super) cluster: &'a Cluster,
    /// What is known of a target. Each answer is given once, because it may be out of date later.
    known: RefCell<HashMap<Target, Option<Observed>>>,
}

impl<'a> SecretReader<'a> {
    /// Reads each Secret when it is asked for.
    #[must_use]
    pub fn new(cluster: &'a Cluster) -> Self {
        Self {
            cluster,
            known: RefCell::default(),
        }
    }

    /// Reads Secrets ahead where many of the targets have the same name. Where a list fails, for example because it is
    /// forbidden, its Secrets are read one by one.
    pub async fn ahead(cluster: &'a Cluster, targets: impl IntoIterator<Item = &Target>) -> Self {
        let mut by_name: BTreeMap<&SecretName, HashSet<&Namespace>> = BTreeMap::new();
        for target in targets {
            by_name.entry(&target.secret).or_default().insert(&target.namespace);
        }
        by_name.retain(|_, namespaces| namespaces.len() >= MANY);
        let mut kept = HashMap::new();
        let mut room = MAX_KEPT_TOGETHER;
        for (name, namespaces) in by_name {
            if let Ok(found) = list(cluster, name, &namespaces, &mut room).await {
                kept.extend(found);
            }
        }
        Self {
            cluster,
            known: RefCell::new(kept),
        }
    }

    #[must_use]
    pub fn cluster(&self) -> &'a Cluster {
        self.cluster
    }

    /// The Secret, or `None` if there is none: as it was read ahead the first time, from the server later.
    ///
    /// # Errors
    /// If the server does not give it.
    pub async fn observe(&self, target: &Target) -> Result<Option<Observed>, Error> {
        let known = self.known.borrow_mut().remove(target);
        let Some(observed) = known else {
            return observe(self.cluster, target).await;
        };
        if let Some(observed) = &observed {
            observed.keep_out_of_messages(&mut self.cluster.secrets());
        }
        Ok(observed)
    }

    /// Gives the same answer once more, because nothing was done with it.
    pub fn give_back(&self, target: &Target, observed: Option<Observed>) {
        self.known.borrow_mut().insert(target.clone(), observed);
    }
}

/// Lists the Secrets of this name. The answer has each of the namespaces but those whose Secret was too large to keep.
async fn list(
    cluster: &Cluster,
    name: &SecretName,
    namespaces: &HashSet<&Namespace>,
    room: &mut usize,
) -> Result<Vec<(Target, Option<Observed>)>, kube::Error> {
    let target = |namespace: &Namespace| Target {
        namespace: namespace.clone(),
        secret: name.clone(),
    };
    let (seen, largest) = (Cell::new(0), Cell::new(PAGE_SIZE / FIRST_PAGE));
    let ask = async |params: &ListParams| {
        if seen.get() > MAX_PAGE.max(namespaces.len() * OTHERS) {
            return Err(malformed(Resource::Secrets.plural(), "it is longer than expected"));
        }
        let size = u32::try_from((PAGE_SIZE / largest.get()).clamp(1, MAX_PAGE)).unwrap_or(1);
        let page: Page<Secret> = pages::page(
            cluster,
            Resource::Secrets,
            None,
            Extent::Whole,
            &params.clone().limit(size),
        )
        .await?;
        // Only what is larger than a usual Secret makes the next page smaller.
        largest.set(page.objects().map(size_of).max().unwrap_or(1).max(PAGE_SIZE / MAX_PAGE));
        seen.set(seen.get() + page.len());
        Ok(page)
    };
    let mut found: HashMap<Namespace, Option<Observed>> = HashMap::new();
    let params = ListParams::default().fields(&format!("metadata.name={name}"));
    pages::each(Resource::Secrets.plural(), params, ask, |secret: Secret| {
        let size = size_of(&secret);
        let is_named = secret.metadata.name.as_deref() == Some(name.as_str());
        let namespace = secret.metadata.namespace.as_deref().and_then(|text| text.parse().ok());
        let Some(namespace) = namespace.filter(|namespace| is_named && namespaces.contains(namespace)) else {
            return;
        };
        let observed = Observed::new(secret);
        let fits = size <= MAX_KEPT && size <= *room;
        if fits {
            *room -= size;
        }
        found.insert(namespace, fits.then_some(observed));
    })
    .await?;
    let answers = namespaces
        .iter()
        .filter_map(|namespace| match found.remove(*namespace) {
            Some(Some(observed)) => Some((target(namespace), Some(observed))),
            Some(None) => None,
            None => Some((target(namespace), None)),
        });
    Ok(answers.collect())
}

/// About how much memory a Secret takes, in bytes.
fn size_of(secret: &Secret) -> usize {
    /// What every Secret has beside its data and annotations.
    const BASE: usize = 4 << 10;
    let data = secret
        .data
        .iter()
        .flatten()
        .map(|(key, value)| key.len() + value.0.len());
    let annotations = secret.metadata.annotations.iter().flatten();
    let annotations = annotations.map(|(key, value)| key.len() + value.len());
    BASE + data.chain(annotations).sum::<usize>()
}
