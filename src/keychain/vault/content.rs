//! The encrypted content: items as in a Secret Service, as JSON.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Every item, by service and account.
#[derive(Default)]
pub(super) struct Items(BTreeMap<(String, String), VaultItem>);

pub(super) struct VaultItem {
    pub(super) attributes: HashMap<String, String>,
    pub(super) secret: Zeroizing<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    items: Vec<Entry<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    service: Cow<'a, str>,
    #[serde(borrow)]
    account: Cow<'a, str>,
    attributes: BTreeMap<String, String>,
    /// In base64, because JSON strings with escapes would be copied while they are parsed.
    secret: &'a str,
}

impl Items {
    /// `None` if the content has another format.
    pub(super) fn parse(plain: &[u8]) -> Option<Self> {
        let document: Content<'_> = serde_json::from_slice(plain).ok()?;
        let item = |row: Entry<'_>| {
            let item = VaultItem {
                attributes: row.attributes.into_iter().collect(),
                secret: Zeroizing::new(BASE64_STANDARD.decode(row.secret).ok()?),
            };
            Some(((row.service.into_owned(), row.account.into_owned()), item))
        };
        document.items.into_iter().map(item).collect::<Option<_>>().map(Self)
    }

    pub(super) fn text(&self) -> serde_json::Result<Zeroizing<Vec<u8>>> {
        let secrets: Vec<_> = self
            .0
            .values()
            .map(|item| Zeroizing::new(BASE64_STANDARD.encode(&item.secret)))
            .collect();
        let rows = self.0.iter().zip(&secrets);
        let items = rows
            .map(|(((service, account), item), secret)| Entry {
                service: service.into(),
                account: account.into(),
                attributes: item.attributes.clone().into_iter().collect(),
                secret,
            })
            .collect();
        let document = Content { items };
        // Allocated at full size: a buffer that grows leaves copies behind.
        let mut length = Length(0);
        serde_json::to_writer(&mut length, &document)?;
        let mut text = Zeroizing::new(Vec::with_capacity(length.0));
        serde_json::to_writer(&mut *text, &document)?;
        Ok(text)
    }

    pub(super) fn get(&self, service: &str, account: &str) -> Option<&VaultItem> {
        self.0.get(&(service.to_owned(), account.to_owned()))
    }

    pub(super) fn set(&mut self, service: &str, account: &str, item: VaultItem) {
        self.0.insert((service.to_owned(), account.to_owned()), item);
    }

    /// Returns whether there was one.
    pub(super) fn remove(&mut self, service: &str, account: &str) -> bool {
        self.0.remove(&(service.to_owned(), account.to_owned())).is_some()
    }

    /// Service, account and item of each.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str, &VaultItem)> {
        self.0
            .iter()
            .map(|((service, account), item)| (service.as_str(), account.as_str(), item))
    }
}

/// Counts the written bytes.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_content_is_read_back() {
        let mut items = Items::default();
        let item = |secret: &[u8]| VaultItem {
            attributes: HashMap::from([("username".to_owned(), "a\"b".to_owned())]),
            secret: Zeroizing::new(secret.to_vec()),
        };
        items.set(
            "kubectl-regcred",
            "docker gitea.example.com",
            item(b"{\"token\":\"x\"}"),
        );
        items.set("kubectl-regcred", "docker gitea.example.com", item(b"\xff\0"));
        items.set("other", "docker gitea.example.com", item(b""));
        let text = items.text().unwrap();
        assert_eq!(text.len(), text.capacity(), "no copy was left behind");
        let read = Items::parse(&text).unwrap();
        assert_eq!(read.iter().count(), 2);
        let found = read.get("kubectl-regcred", "docker gitea.example.com").unwrap();
        assert_eq!(
            (found.secret.as_slice(), found.attributes["username"].as_str()),
            (&b"\xff\0"[..], "a\"b")
        );
        assert!(items.remove("other", "docker gitea.example.com"));
        assert!(!items.remove("other", "docker gitea.example.com"));
    }

    #[test]
    fn invalid_content_is_none() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"items":[{"service":"s","account":"a","attributes":{},"secret":"?"}]}"#,
        ] {
            assert!(Items::parse(text.as_bytes()).is_none(), "{text}");
        }
    }
}
