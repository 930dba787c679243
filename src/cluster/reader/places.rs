//! Reads all objects of a kind in some namespaces, and continues if some may not be read.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{StreamExt as _, iter};
use kube::api::ListParams;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use super::{Reader, Step};
use crate::cluster::client::connect::Cluster;
use crate::cluster::client::pages::Named;
use crate::cluster::error::Error;
use crate::cluster::list::{FoundNamespace, Selector, namespaces};
use crate::cluster::rbac::{Access, Feature};
use crate::cluster::resource::{Object, Resource};
use crate::model::Namespace;

/// Connections at a time where each page is a large one; memory is what they cost.
const PAGES_AT_ONCE: usize = 3;
/// Connections at a time where each namespace has a page of its own: as many as sync has.
pub const NAMESPACES_AT_ONCE: usize = 8;

/// Namespaces, as a command line selects them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamespaceSelection {
    /// All of the cluster, as far as they may be seen.
    All,
    /// Those with these labels.
    Selected(Selector),
    /// These.
    Named(Vec<Namespace>),
}

/// A part of the cluster that could not be read.
#[derive(Debug)]
pub struct Unreadable {
    /// The object or kind of object.
    pub object: Object,
    /// In how many namespaces, if each was read by itself.
    pub namespaces: usize,
    /// Why not, with the Role that would grant it where that is missing; of several namespaces, the first's.
    pub error: Error,
}

/// All that could not be read.
#[derive(Default)]
pub struct Unseen {
    kinds: BTreeMap<Resource, Unreadable>,
    pub blind: Blind,
}

/// Namespaces in which a kind could not be read; `None` for all of them.
#[derive(Clone, Debug, Default)]
pub struct Blind(BTreeSet<(Resource, Option<Namespace>)>);

impl Blind {
    /// Whether the kind was read in the namespace.
    pub fn has_seen(&self, resource: Resource, namespace: &Namespace) -> bool {
        !self.0.contains(&(resource, None)) && !self.0.contains(&(resource, Some(namespace.clone())))
    }

    /// Whether every kind but this one was read in the namespace.
    pub fn has_seen_all_but(&self, resource: Resource, namespace: &Namespace) -> bool {
        let hides = |(kind, place): &(Resource, Option<Namespace>)| {
            *kind != resource && place.as_ref().is_none_or(|place| place == namespace)
        };
        !self.0.iter().any(hides)
    }

    pub(in crate::cluster) fn add(&mut self, resource: Resource, namespace: Option<&Namespace>) -> bool {
        self.0.insert((resource, namespace.cloned()))
    }
}

impl Unseen {
    /// One of each kind.
    pub fn into_kinds(self) -> Vec<Unreadable> {
        self.kinds.into_values().collect()
    }
}

/// The namespaces, resolved.
pub enum Places {
    Everywhere,
    In(Vec<Namespace>),
}

/// Reads from the namespaces in question.
pub struct Reading<'a> {
    pub reader: Reader<'a>,
    pub places: Places,
    all: OnceCell<Vec<Namespace>>,
    access: Access,
    unseen: RefCell<Unseen>,
}

impl<'a> Reading<'a> {
    /// # Errors
    /// Where the namespaces that are meant cannot be found out.
    pub async fn new(
        cluster: &'a Cluster,
        selection: &NamespaceSelection,
        feature: Feature,
        progress: &'a dyn Fn(Step),
    ) -> Result<Self, Error> {
        let mut access = Access::to(feature);
        access.is_everywhere = !matches!(selection, NamespaceSelection::Named(_));
        let places = match selection {
            NamespaceSelection::All => Places::Everywhere,
            NamespaceSelection::Named(names) => Places::In(names.clone()),
            NamespaceSelection::Selected(selector) => {
                access.features.insert(Feature::Selector);
                let found = namespaces(cluster, selector).await;
                let found = found.map_err(|error| error.for_access(&access))?;
                Places::In(
                    found
                        .into_iter()
                        .map(|FoundNamespace { namespace, .. }| namespace)
                        .collect(),
                )
            }
        };
        let at_once = if matches!(places, Places::Everywhere) {
            PAGES_AT_ONCE
        } else {
            NAMESPACES_AT_ONCE
        };
        Ok(Self {
            reader: Reader::new(cluster, at_once, progress),
            places,
            all: OnceCell::new(),
            access,
            unseen: RefCell::default(),
        })
    }

    /// All objects of a kind in the places. If all namespaces may not be listed at once, each is listed by itself; what cannot be
    /// read is recorded, and is an error only where the cluster itself is out of reach.
    pub async fn read<K: DeserializeOwned, T>(
        &self,
        resource: Resource,
        params: &ListParams,
        of: impl Fn(K) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        let of = &of;
        let places = match &self.places {
            Places::In(places) => places,
            Places::Everywhere => match self.reader.list(resource, None, params, of).await {
                Ok(found) => return Ok(found),
                Err(error) => {
                    let is_forbidden = matches!(error, Error::Forbidden(_));
                    self.record(resource, None, error)?;
                    let all = self.all_namespaces().await?;
                    if !is_forbidden || all.is_empty() {
                        self.unseen.borrow_mut().blind.add(resource, None);
                        return Ok(Vec::new());
                    }
                    all
                }
            },
        };
        let mut lists = iter(places)
            .map(|namespace| async move { (namespace, self.reader.list(resource, Some(namespace), params, of).await) })
            .buffer_unordered(NAMESPACES_AT_ONCE);
        let mut found = Vec::new();
        while let Some((namespace, list)) = lists.next().await {
            match list {
                Ok(list) => found.extend(list),
                Err(error) => self.record(resource, Some(namespace), error)?,
            }
        }
        Ok(found)
    }

    /// The names of all namespaces; none where they may not be listed either.
    async fn all_namespaces(&self) -> Result<&Vec<Namespace>, Error> {
        let list = || async {
            let name = |object: Named| object.metadata.name?.parse::<Namespace>().ok();
            let params = ListParams::default();
            match self.reader.list(Resource::Namespaces, None, &params, name).await {
                Err(error) if error.is_fatal() => Err(error),
                Err(_) => Ok(Vec::new()),
                Ok(found) => Ok(found),
            }
        };
        self.all.get_or_try_init(list).await
    }

    /// Keeps the first error of a kind; hands back one that nothing else would get past.
    pub fn record(&self, resource: Resource, namespace: Option<&Namespace>, error: Error) -> Result<(), Error> {
        if error.is_fatal() {
            return Err(error);
        }
        let mut unseen = self.unseen.borrow_mut();
        // Secrets are read twice, once a type.
        let is_new = namespace.is_some() && unseen.blind.add(resource, namespace);
        let unseen = unseen.kinds.entry(resource).or_insert_with(|| Unreadable {
            object: namespace.map_or_else(
                || Object::everywhere(resource),
                |namespace| Object::all(resource, namespace),
            ),
            namespaces: 0,
            error: error.for_access(&self.access),
        });
        unseen.namespaces += usize::from(is_new);
        Ok(())
    }

    /// Whether the kind was read in the namespace.
    pub fn has_seen(&self, resource: Resource, namespace: &Namespace) -> bool {
        self.unseen.borrow().blind.has_seen(resource, namespace)
    }

    /// What could not be read until now.
    pub fn take_unseen(&self) -> Unseen {
        self.unseen.take()
    }
}
