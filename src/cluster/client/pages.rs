//! Reading lists page by page, so that memory does not grow with the number of objects: fields that are not needed are not
//! parsed, and each page is reduced before the next one is requested.
//!
//! A list is either read completely or fails: an object that could not be read must never count as missing.

use std::collections::HashSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta;
use kube::api::{ListParams, ObjectMeta};
use kube::core::Request;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::answer::Malformed;
use super::connect::Cluster;
use crate::cluster::resource::Resource;
use crate::model::Namespace;

/// Objects in a page, as in kubectl.
const PAGE: u32 = 500;
/// The most pages of a list: five million objects, more than any cluster can hold.
const MAX_PAGES: usize = 10_000;
/// How often a list is started again because the server no longer has its later pages (HTTP 410).
const TRIES: u32 = 3;

/// The fields of a list that paging needs. Every list of an API server has all of them.
#[derive(Deserialize)]
pub struct Page<T> {
    kind: String,
    pub metadata: ListMeta,
    #[serde(deserialize_with = "items", bound(deserialize = "T: Deserialize<'de>"))]
    items: Vec<T>,
}

/// `null` where a list of metadata is empty; a list without the field is no list.
fn items<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl<T> Page<T> {
    pub fn objects(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }

    /// The number of objects.
    pub fn len(&self) -> usize {
        self.items.len()
    }
}

/// What every object has.
#[derive(Deserialize)]
pub struct Named {
    pub metadata: ObjectMeta,
}

/// How much of each object is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    Whole,
    /// Only the metadata.
    Metadata,
}

/// One page of a kind's objects: of one namespace, or of all if none is named.
pub async fn page<K: DeserializeOwned>(
    cluster: &Cluster,
    resource: Resource,
    namespace: Option<&Namespace>,
    extent: Extent,
    params: &ListParams,
) -> Result<Page<K>, kube::Error> {
    let path = path(resource, namespace);
    page_at(cluster, &path, (resource.kind(), resource.plural()), extent, params).await
}

/// One page of the objects at this path, whose kind has this name, and this one in the plural.
pub async fn page_at<K: DeserializeOwned>(
    cluster: &Cluster,
    path: &str,
    (kind, plural): (&str, &str),
    extent: Extent,
    params: &ListParams,
) -> Result<Page<K>, kube::Error> {
    let request = Request::new(path);
    let request = match extent {
        Extent::Whole => request.list(params),
        Extent::Metadata => request.list_metadata(params),
    };
    let request = request.map_err(kube::Error::BuildRequest)?;
    let page: Page<K> = cluster.client().request(request).await?;
    let is_of_the_kind = match page.kind.strip_suffix("List") {
        Some("PartialObjectMetadata") => extent == Extent::Metadata,
        listed => listed == Some(kind),
    };
    if !is_of_the_kind {
        return Err(malformed(plural, "it is of another kind"));
    }
    Ok(page)
}

/// The whole list that `ask` gets page by page, reduced by `of`, with the list's version. Empty if the server does not
/// have the kind.
pub async fn all<K, T>(
    resource: Resource,
    params: ListParams,
    ask: impl AsyncFn(&ListParams) -> Result<Page<K>, kube::Error>,
    of: impl Fn(K) -> Option<T>,
) -> Result<(Vec<T>, String), kube::Error> {
    match whole(resource.plural(), &params, ask, of).await {
        Err(kube::Error::Api(status)) if status.reason == "NotFound" && resource.may_be_absent() => {
            Ok((Vec::new(), String::new()))
        }
        other => other,
    }
}

/// The same of a kind that the server has, by the name of its list: `secrets`.
pub async fn whole<K, T>(
    plural: &str,
    params: &ListParams,
    ask: impl AsyncFn(&ListParams) -> Result<Page<K>, kube::Error>,
    of: impl Fn(K) -> Option<T>,
) -> Result<(Vec<T>, String), kube::Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut found = Vec::new();
        let kept = |object| found.extend(of(object));
        match each(plural, params.clone(), &ask, kept).await {
            Ok(version) => return Ok((found, version)),
            Err(kube::Error::Api(status)) if status.code == 410 && tries < TRIES => {}
            Err(error) => return Err(error),
        }
    }
}

/// Hands each object to `keep` as soon as its page is there. Returns the list's version.
pub async fn each<K>(
    plural: &str,
    params: ListParams,
    ask: impl AsyncFn(&ListParams) -> Result<Page<K>, kube::Error>,
    mut keep: impl FnMut(K),
) -> Result<String, kube::Error> {
    let page = params.limit.unwrap_or(PAGE);
    let mut params = params.limit(page);
    let mut seen = HashSet::new();
    loop {
        let page = ask(&params).await?;
        page.items.into_iter().for_each(&mut keep);
        let Some(next) = page.metadata.continue_.filter(|token| !token.is_empty()) else {
            return Ok(page.metadata.resource_version.unwrap_or_default());
        };
        params = params.continue_token(&next);
        if seen.len() >= MAX_PAGES {
            return Err(malformed(plural, "it does not end"));
        }
        if !seen.insert(next) {
            return Err(malformed(plural, "its pages go round in a circle"));
        }
    }
}

/// The error for a list that cannot be right.
pub fn malformed(plural: &str, why: &str) -> kube::Error {
    Malformed(format!("a list of {plural} was asked for, and {why}")).into()
}

/// The path of a kind's objects: in one namespace, or in all if none is named.
pub fn path(resource: Resource, namespace: Option<&Namespace>) -> String {
    let root = match resource.group() {
        "" => "/api/v1".to_owned(),
        group => format!("/apis/{group}/v1"),
    };
    let within = namespace.map_or_else(String::new, |namespace| format!("/namespaces/{namespace}"));
    format!("{root}{within}/{}", resource.plural())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn is_a_page(answer: serde_json::Value) -> bool {
        serde_json::from_value::<Page<Named>>(answer).is_ok()
    }

    #[test]
    fn a_page_has_all_that_a_list_of_the_api_has() {
        let whole = json!({"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": []});
        assert!(is_a_page(whole.clone()));
        for field in ["kind", "metadata", "items"] {
            let mut part = whole.clone();
            part.as_object_mut().unwrap().remove(field);
            assert!(!is_a_page(part), "{field}");
        }
        let mut empty = whole;
        empty["items"] = serde_json::Value::Null;
        assert!(is_a_page(empty), "a list of metadata has null where it is empty");
    }

    #[test]
    fn pages_that_go_round_end() {
        let ask = async |params: &ListParams| {
            let next = match params.continue_token.as_deref() {
                Some("a") => "b",
                _ => "a",
            };
            let page = json!({"kind": "SecretList", "metadata": {"continue": next}, "items": []});
            Ok(serde_json::from_value::<Page<Named>>(page).unwrap())
        };
        let read = crate::cluster::block_on(all(Resource::Secrets, ListParams::default(), ask, Some));
        assert!(matches!(read.unwrap(), Err(kube::Error::Service(_))));
    }
}
