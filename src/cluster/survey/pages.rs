//! Reading lists page by page, of minimal types: what is not asked for is not even parsed.

use std::cell::RefCell;
use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta;
use kube::api::{ListParams, ObjectMeta};
use kube::core::Request;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use super::Step;
use crate::cluster::call::Call;
use crate::cluster::connect::Cluster;
use crate::cluster::error::Error;
use crate::cluster::names::Namespace;
use crate::cluster::resource::{Object, Resource};
use crate::cluster::workloads::{PAGE, TRIES};

/// Only the fields of a list that paging needs.
#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    metadata: ListMeta,
    items: Vec<T>,
}

/// What every object has.
#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) metadata: ObjectMeta,
}

/// Reads lists from one cluster, a few at a time, and tells how far it has come.
pub(super) struct Reader<'a> {
    pub(super) cluster: &'a Cluster,
    at_once: Semaphore,
    progress: &'a dyn Fn(Step),
    seen: RefCell<BTreeMap<Resource, usize>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(cluster: &'a Cluster, at_once: usize, progress: &'a dyn Fn(Step)) -> Self {
        Self {
            cluster,
            at_once: Semaphore::new(at_once),
            progress,
            seen: RefCell::default(),
        }
    }

    /// All objects of a kind that match the field selector, each cut down by `of` before the next page is asked for;
    /// nothing where the server does not have the kind.
    pub(super) async fn list<K: DeserializeOwned, T>(
        &self,
        resource: Resource,
        namespace: Option<&Namespace>,
        fields: &str,
        of: impl Fn(K) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        let mut tries = 0;
        'anew: loop {
            tries += 1;
            let mut found = Vec::new();
            let mut params = ListParams::default().limit(PAGE);
            if !fields.is_empty() {
                params = params.fields(fields);
            }
            loop {
                let page: Page<K> = match self.page(resource, namespace, &params).await {
                    Ok(page) => page,
                    Err(kube::Error::Api(status)) if status.code == 410 && tries < TRIES => continue 'anew,
                    Err(kube::Error::Api(status)) if status.code == 404 => return Ok(Vec::new()),
                    Err(error) => {
                        let object = namespace.map_or_else(
                            || Object::everywhere(resource),
                            |namespace| Object::all(resource, namespace),
                        );
                        return Err(Call::new(self.cluster, object).error(error));
                    }
                };
                self.tell(resource, page.items.len(), page.metadata.remaining_item_count);
                found.extend(page.items.into_iter().filter_map(&of));
                match page.metadata.continue_.filter(|token| !token.is_empty()) {
                    Some(token) => params = params.continue_token(&token),
                    None => return Ok(found),
                }
            }
        }
    }

    /// The names of the objects that match the field selector, at most a page of them, without anything else of them.
    pub(super) async fn names(
        &self,
        resource: Resource,
        namespace: &Namespace,
        fields: &str,
    ) -> Result<Vec<String>, Error> {
        let params = ListParams::default().limit(PAGE).fields(fields);
        let request = Request::new(path(resource, Some(namespace)))
            .list_metadata(&params)
            .map_err(kube::Error::BuildRequest);
        let answer = async {
            let request = request?;
            let _turn = self.at_once.acquire().await;
            self.cluster.client().request::<Page<Named>>(request).await
        };
        match answer.await {
            Ok(page) => Ok(page
                .items
                .into_iter()
                .filter_map(|object| object.metadata.name)
                .collect()),
            Err(error) => Err(Call::new(self.cluster, Object::all(resource, namespace)).error(error)),
        }
    }

    async fn page<K: DeserializeOwned>(
        &self,
        resource: Resource,
        namespace: Option<&Namespace>,
        params: &ListParams,
    ) -> Result<Page<K>, kube::Error> {
        let request = Request::new(path(resource, namespace))
            .list(params)
            .map_err(kube::Error::BuildRequest)?;
        let _turn = self.at_once.acquire().await;
        self.cluster.client().request(request).await
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
    pub(super) fn seen(&self, resource: Resource) -> usize {
        self.seen.borrow().get(&resource).copied().unwrap_or_default()
    }
}

fn path(resource: Resource, namespace: Option<&Namespace>) -> String {
    let root = match resource.group() {
        "" => "/api/v1".to_owned(),
        group => format!("/apis/{group}/v1"),
    };
    let within = namespace.map_or_else(String::new, |namespace| format!("/namespaces/{namespace}"));
    format!("{root}{within}/{}", resource.plural())
}
