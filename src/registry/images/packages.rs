//! Gitea's packages API: one row for each tag, and for each manifest that was pushed by its digest.
//!
//! A list is read by page number. Links are not followed: Gitea makes them of its `ROOT_URL`, which may lead elsewhere.

use std::collections::BTreeSet;

use http::StatusCode;
use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;

use super::{Images, ImagesError, name};
use crate::model::{Digest, Repository, Version};
use crate::registry::http::{Auth, Client, Reply};
use crate::registry::origin::Endpoint;
use crate::registry::pages::{self, PAGE_SIZE};
use crate::registry::site::segment;
use crate::registry::{ReachError, VerifyError};

/// Row limit, in case a server's list never ends.
const MAX_ROWS: usize = 200_000;
/// How often a list is read again from its first page because it has changed meanwhile.
const ATTEMPTS: usize = 4;

/// A tag, or a manifest that was pushed by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageRow {
    /// Another one after each push of the tag.
    pub id: i64,
    pub repository: Repository,
    pub version: Version,
    /// When it was pushed, by the server's clock.
    pub pushed: Timestamp,
}

/// Hears how many rows were read, and of how many, if the server tells.
pub type ReadingPages<'a> = &'a mut dyn FnMut(usize, Option<usize>);

#[derive(Deserialize)]
struct Row {
    id: i64,
    name: String,
    version: String,
    #[serde(rename = "type")]
    kind: String,
    created_at: String,
}

struct Page {
    rows: Vec<PackageRow>,
    total: Option<usize>,
}

impl Page {
    fn ids(&self) -> Vec<i64> {
        self.rows.iter().map(|row| row.id).collect()
    }
}

impl Images<'_> {
    /// All rows of an owner, or of one of its images. The server sorts them, newest first.
    ///
    /// Rows that are pushed or deleted meanwhile move others to another page, and one of them would be missed: the pages
    /// must add up to the total that each of them names, and the first must be the same at the end.
    pub fn packages(
        &self,
        owner: &str,
        image: Option<&Repository>,
        progress: ReadingPages<'_>,
    ) -> Result<Vec<PackageRow>, ImagesError> {
        let query = image
            .and_then(|image| image.as_str().split_once('/'))
            .map(|(_, name)| name);
        for _ in 0..ATTEMPTS {
            if let Some(mut rows) = self.read_pages(owner, query, progress)? {
                // The server's search is for a part of a name.
                rows.retain(|row| image.is_none_or(|image| row.repository == *image));
                return Ok(rows);
            }
        }
        Err(ImagesError::Changing {
            owner: owner.to_owned(),
        })
    }

    /// `None` if the list has changed while it was read.
    fn read_pages(
        &self,
        owner: &str,
        query: Option<&str>,
        progress: ReadingPages<'_>,
    ) -> Result<Option<Vec<PackageRow>>, ImagesError> {
        let first = self.page(owner, query, 1)?;
        let (ids, total) = (first.ids(), first.total);
        let size = ids.len();
        let mut seen: BTreeSet<i64> = ids.iter().copied().collect();
        let mut rows = first.rows;
        progress(rows.len(), total);
        for number in 2.. {
            let is_all = total.is_some_and(|total| rows.len() >= total);
            if size == 0 || is_all {
                break;
            }
            let page = self.page(owner, query, number)?;
            if page.total != total {
                return Ok(None);
            }
            if page.rows.is_empty() {
                break;
            }
            for row in page.rows {
                if !seen.insert(row.id) {
                    return Ok(None);
                }
                rows.push(row);
            }
            if rows.len() > MAX_ROWS {
                return Err(unread_list(owner, "it does not end"));
            }
            progress(rows.len(), total);
        }
        if total.is_some_and(|total| rows.len() != total) {
            return Ok(None);
        }
        if rows.len() > size {
            let again = self.page(owner, query, 1)?;
            if again.ids() != ids || again.total != total {
                return Ok(None);
            }
        }
        Ok(Some(rows))
    }

    fn page(&self, owner: &str, query: Option<&str>, number: usize) -> Result<Page, ImagesError> {
        let mut path = format!(
            "/packages/{}?type=container&page={number}&limit={PAGE_SIZE}",
            segment(owner)
        );
        if let Some(name) = query {
            path.push_str("&q=");
            path.push_str(&segment(name));
        }
        let reply = self.api_call(&path, |client, to, auth| client.get(to, &[], auth))?;
        if reply.status == StatusCode::NOT_FOUND {
            return Err(ImagesError::NoOwner {
                registry: self.session.registry(),
                owner: owner.to_owned(),
            });
        }
        self.succeeded(&reply, || format!("the list of {owner}'s images"))?;
        let rows: Vec<Row> =
            serde_json::from_slice(&reply.body).map_err(|_| unread_list(owner, "it is no list of packages"))?;
        let rows = rows.iter().map(|row| self.parse_row(owner, row));
        Ok(Page {
            rows: rows.collect::<Result<_, _>>()?,
            total: pages::total(&reply),
        })
    }

    fn parse_row(&self, owner: &str, row: &Row) -> Result<PackageRow, ImagesError> {
        let version = if row.version.contains(':') {
            row.version.parse::<Digest>().ok().map(Version::Digest)
        } else {
            row.version.parse().ok().map(Version::Tag)
        };
        let repository = format!("{owner}/{}", row.name).parse().ok();
        let pushed = row.created_at.parse().ok();
        match (repository, version, pushed) {
            (Some(repository), Some(version), Some(pushed)) if row.kind == "container" => Ok(PackageRow {
                id: row.id,
                repository,
                version,
                pushed,
            }),
            _ => Err(unread_list(
                owner,
                &format!("a row of it is no image: {}", self.session.client.quote(&row.name)),
            )),
        }
    }

    /// Deletes one row, and no other with the same digest. Returns whether it was there.
    pub fn delete(&self, repository: &Repository, version: &Version) -> Result<bool, ImagesError> {
        let (owner, image) = repository.as_str().split_once('/').unwrap_or((repository.as_str(), ""));
        let path = format!(
            "/packages/{}/container/{}/{}",
            segment(owner),
            segment(image),
            segment(version.as_str())
        );
        let reply = self.api_call(&path, Client::delete)?;
        if reply.status == StatusCode::NOT_FOUND {
            return Ok(false);
        }
        self.succeeded(&reply, || name(repository, version))?;
        Ok(true)
    }

    fn api_call(
        &self,
        path: &str,
        call: impl FnOnce(&Client, &Endpoint, Auth<'_>) -> Result<Reply, ReachError>,
    ) -> Result<Reply, ImagesError> {
        let Some(api) = &self.api else {
            return Err(ImagesError::NotGitea {
                registry: self.session.registry(),
            });
        };
        let client = &self.session.client;
        let credential = self.session.credential;
        let auth = credential
            .token
            .as_bearer()
            .map_or(Auth::Basic(credential), Auth::Bearer);
        let to = client.own(&format!("{}{path}", api.base)).map_err(VerifyError::from)?;
        let reply = call(client, &to, auth).map_err(VerifyError::from)?;
        self.session.passing(&reply)?;
        if reply.status == StatusCode::UNAUTHORIZED {
            return Err(self.session.rejected(client.error_message(&reply)).into());
        }
        Ok(reply)
    }
}

fn unread_list(owner: &str, why: &str) -> ImagesError {
    ImagesError::Unread {
        what: format!("the list of {owner}'s images"),
        why: why.to_owned(),
    }
}
