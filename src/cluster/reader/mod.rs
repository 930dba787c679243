//! Reading lists of one cluster, a few at a time.

pub mod places;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use kube::api::ListParams;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use crate::cluster::client::connect::Cluster;
use crate::cluster::client::pages::{self, Extent, Named, Page};
use crate::cluster::error::Error;
use crate::cluster::resource::{Object, Resource};
use crate::model::Namespace;

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is being read.
    pub resource: Resource,
    /// How many of these were read so far.
    pub seen: usize,
    /// How many there are, where the server says so.
    pub of: Option<usize>,
}

impl fmt::Display for Step {
    /// `40/120 pods`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seen)?;
        if let Some(of) = self.of {
            write!(f, "/{of}")?;
        }
        write!(f, " {}", self.resource.plural())
    }
}

/// Reads lists from one cluster, a few at a time, and tells how far it has come.
pub struct Reader<'a> {
    pub cluster: &'a Cluster,
    at_once: Semaphore,
    progress: &'a dyn Fn(Step),
    seen: RefCell<BTreeMap<Resource, usize>>,
}

impl<'a> Reader<'a> {
    pub fn new(cluster: &'a Cluster, at_once: usize, progress: &'a dyn Fn(Step)) -> Self {
        Self {
            cluster,
            at_once: Semaphore::new(at_once),
            progress,
            seen: RefCell::default(),
        }
    }

    /// All objects of a kind that match the parameters, each cut down by `of` before the next page is asked for; nothing
    /// where the server does not have the kind.
    pub async fn list<K: DeserializeOwned, T>(
        &self,
        resource: Resource,
        namespace: Option<&Namespace>,
        params: &ListParams,
        of: impl Fn(K) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        let ask = async |params: &ListParams| {
            let page: Page<K> = self.page(resource, namespace, Extent::Whole, params).await?;
            self.tell(resource, page.len(), page.metadata.remaining_item_count);
            Ok(page)
        };
        match pages::all(resource, params.clone(), ask, of).await {
            Ok((found, _)) => Ok(found),
            Err(error) => {
                let object = namespace.map_or_else(
                    || Object::everywhere(resource),
                    |namespace| Object::all(resource, namespace),
                );
                Err(self.cluster.call(object).error(error))
            }
        }
    }

    /// The names of the objects that match the field selector, without anything else of them.
    pub async fn names(&self, resource: Resource, namespace: &Namespace, fields: &str) -> Result<Vec<String>, Error> {
        let params = ListParams::default().fields(fields);
        let ask = async |params: &ListParams| self.page(resource, Some(namespace), Extent::Metadata, params).await;
        match pages::all(resource, params, ask, |object: Named| object.metadata.name).await {
            Ok((found, _)) => Ok(found),
            Err(error) => Err(self.cluster.call(Object::all(resource, namespace)).error(error)),
        }
    }

    async fn page<K: DeserializeOwned>(
        &self,
        resource: Resource,
        namespace: Option<&Namespace>,
        extent: Extent,
        params: &ListParams,
    ) -> Result<Page<K>, kube::Error> {
        let _turn = self.at_once.acquire().await;
        pages::page(self.cluster, resource, namespace, extent, params).await
    }

    fn tell(&self, resource: Resource, read: usize, remaining: Option<i64>) {
        let seen = {
            let mut seen = self.seen.borrow_mut();
            let seen = seen.entry(resource).or_default();
            *seen += read;
            *seen
        };
        let remaining = remaining.and_then(|remaining| usize::try_from(remaining).ok());
        (self.progress)(Step {
            resource,
            seen,
            of: remaining.map(|remaining| seen + remaining),
        });
    }

    /// How many of a kind were read.
    pub fn seen(&self, resource: Resource) -> usize {
        self.seen.borrow().get(&resource).copied().unwrap_or_default()
    }
}
