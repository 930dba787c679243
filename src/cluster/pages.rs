//! Reading lists page by page, so that thousands of objects need no memory of their own: what is not asked for is not
//! even parsed, and each page is cut down before the next one is asked for.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta;
use kube::api::{ListParams, ObjectMeta};
use kube::core::Request;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::connect::Cluster;
use super::names::Namespace;
use super::resource::Resource;

/// Objects a page: what kubectl takes.
pub(super) const PAGE: u32 = 500;
/// How often a list is begun anew whose later pages the server has forgotten (HTTP 410).
const TRIES: u32 = 3;

/// Only the fields of a list that paging needs.
#[derive(Deserialize)]
pub(super) struct Page<T> {
    #[serde(default)]
    pub(super) metadata: ListMeta,
    /// `null` where a list of metadata is empty.
    items: Option<Vec<T>>,
}

impl<T> Page<T> {
    /// How many objects it has.
    pub(super) fn len(&self) -> usize {
        self.items.as_ref().map_or(0, Vec::len)
    }

    /// Its objects.
    pub(super) fn into_items(self) -> impl Iterator<Item = T> {
        self.items.into_iter().flatten()
    }
}

/// What every object has.
#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) metadata: ObjectMeta,
}

/// How much of each object is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    /// Neither data nor spec: only what every object has.
    Metadata,
}

/// One page of a kind's objects; those of all namespaces where none is named.
pub(super) async fn page<K: DeserializeOwned>(
    cluster: &Cluster,
    resource: Resource,
    namespace: Option<&Namespace>,
    extent: Extent,
    params: &ListParams,
) -> Result<Page<K>, kube::Error> {
    let request = Request::new(path(resource, namespace));
    let request = match extent {
        Extent::Whole => request.list(params),
        Extent::Metadata => request.list_metadata(params),
    };
    let request = request.map_err(kube::Error::BuildRequest)?;
    cluster.client().request(request).await
}

/// Every page that `ask` gets, of which only what `of` takes is kept, with the version of the list; nothing where the
/// server does not have the kind.
pub(super) async fn all<K, T>(
    params: ListParams,
    ask: impl AsyncFn(&ListParams) -> Result<Page<K>, kube::Error>,
    of: impl Fn(K) -> Option<T>,
) -> Result<(Vec<T>, String), kube::Error> {
    let mut tries = 0;
    'anew: loop {
        tries += 1;
        let mut found = Vec::new();
        let mut params = params.clone().limit(PAGE);
        loop {
            let mut page = match ask(&params).await {
                Ok(page) => page,
                Err(kube::Error::Api(status)) if status.code == 410 && tries < TRIES => continue 'anew,
                Err(kube::Error::Api(status)) if status.code == 404 => return Ok((Vec::new(), String::new())),
                Err(error) => return Err(error),
            };
            let metadata = std::mem::take(&mut page.metadata);
            found.extend(page.into_items().filter_map(&of));
            match metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok((found, metadata.resource_version.unwrap_or_default())),
            }
        }
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
