//! Lists of Gitea's API, which come in pages.
//!
//! Pages are requested by number: the links in an answer use the server's configured address, which may be wrong.

use std::collections::BTreeSet;

use http::header::HeaderName;

use super::ReachError;
use super::http::{Auth, Client, Reply};
use super::origin::Endpoint;

/// Entries per page: Gitea's default `MAX_RESPONSE_ITEMS`. A server with a lower limit gives fewer.
pub(super) const PAGE_SIZE: usize = 50;
/// Page limit, in case a server's list never ends.
const MAX_PAGES: usize = 200;
/// The length of the whole list.
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// The entries of one page, and the length of the whole list if the server tells it.
pub(super) struct Page<T> {
    pub entries: Vec<T>,
    pub total: Option<usize>,
}

/// Requests the page with this number.
pub(super) fn get(client: &Client, list: &Endpoint, number: usize, auth: Auth<'_>) -> Result<Reply, ReachError> {
    let (page, limit) = (number.to_string(), PAGE_SIZE.to_string());
    client.get(list, &[("page", page.as_str()), ("limit", limit.as_str())], auth)
}

/// The length of the whole list, as a page tells it.
pub(super) fn total(page: &Reply) -> Option<usize> {
    page.header(&TOTAL).and_then(|total| total.parse().ok())
}

/// Reads a list to its end. `None` if it never ends, or ends before all entries were seen that the server counts.
///
/// Entries are the same if their keys are: one may be seen again on the next page, because the list has changed.
pub(super) fn whole<T, K: Ord, E>(
    key: impl Fn(&T) -> K,
    mut page: impl FnMut(usize) -> Result<Page<T>, E>,
) -> Result<Option<Vec<T>>, E> {
    let mut seen = BTreeSet::new();
    let mut whole = Vec::new();
    for number in 1..=MAX_PAGES {
        let before = seen.len();
        let Page { entries, total } = page(number)?;
        whole.extend(entries.into_iter().filter(|entry| seen.insert(key(entry))));
        let is_over = seen.len() == before;
        match total {
            Some(total) if seen.len() >= total => return Ok(Some(whole)),
            Some(_) if is_over => return Ok(None),
            None if is_over => return Ok(Some(whole)),
            _ => {}
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn read(pages: &[&[u32]], total: Option<usize>) -> (Option<Vec<u32>>, usize) {
        let mut asked = 0;
        let whole = whole(
            |entry| *entry,
            |number| {
                asked = number;
                let entries = pages.get(number - 1).map(|page| page.to_vec()).unwrap_or_default();
                Ok::<_, Infallible>(Page { entries, total })
            },
        );
        (whole.unwrap(), asked)
    }

    #[test]
    fn a_list_ends_with_its_last_entry() {
        assert_eq!(read(&[&[3, 2], &[1]], Some(3)), (Some(vec![3, 2, 1]), 2));
        assert_eq!(read(&[], Some(0)), (Some(vec![]), 1));
        assert_eq!(
            read(&[&[3, 2], &[2, 1]], Some(3)),
            (Some(vec![3, 2, 1]), 2),
            "moved by a new one"
        );
    }

    #[test]
    fn without_a_total_it_ends_with_a_page_that_has_nothing_new() {
        assert_eq!(read(&[&[2, 1]], None), (Some(vec![2, 1]), 2));
        assert_eq!(read(&[&[2, 1], &[2, 1]], None), (Some(vec![2, 1]), 2));
    }

    #[test]
    fn a_list_that_ends_too_early_or_never_is_not_known() {
        assert_eq!(read(&[&[2, 1]], Some(3)), (None, 2));
        let pages: Vec<[u32; 1]> = (0..1000).map(|number| [number]).collect();
        let pages: Vec<&[u32]> = pages.iter().map(<[u32; 1]>::as_slice).collect();
        assert_eq!(read(&pages, None), (None, MAX_PAGES));
    }
}
