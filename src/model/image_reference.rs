//! A reference to an image, as kubelet and docker read it.
//!
//! Source: github.com/distribution/reference, `ParseNormalizedNamed`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::image::split_host;
use super::registry::Registry;

const HUB: &str = "docker.io";
const OLD_HUB: &str = "index.docker.io";
/// Where Docker Hub's own images are.
const HUB_LIBRARY: &str = "library";
/// The tag of a reference that has none.
const DEFAULT_TAG: &str = "latest";
/// Longest path of a repository, in octets.
const MAX_REPOSITORY: usize = 255;
/// Longest tag, in octets.
const MAX_TAG: usize = 128;
/// The digest algorithms of the OCI image specification that Go's clients know, and the hexadecimal digits of each.
const ALGORITHMS: [(&str, usize); 3] = [("sha256", 64), ("sha384", 96), ("sha512", 128)];

/// The path of a repository below its registry: `owner/app`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository(String);

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

/// A digest: `sha256:` and 64 hexadecimal digits, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

/// What a registry is asked for in a repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    Tag(Tag),
    Digest(Digest),
}

/// A reference to an image: `gitea.example.com/owner/app:1.2`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageReference {
    registry: Registry,
    /// As it is written, which decides what kubelet logs in with.
    host: String,
    repository: Repository,
    tag: Option<Tag>,
    digest: Option<Digest>,
}

/// Why a text is not a reference to an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReferenceError {
    #[error("the registry of an image is a host name or an IP address, with or without a port")]
    Registry,
    #[error("64 hexadecimal digits are an image's id, not its name")]
    Id,
    #[error("the name of an image is in lower case letters, digits, and single . _ - or / between them")]
    Repository,
    #[error("the name of an image has at most {MAX_REPOSITORY} characters")]
    LongRepository,
    #[error("a tag has at most {MAX_TAG} letters, digits, and . _ - after the first")]
    Tag,
    #[error("a digest is sha256: and 64 hexadecimal digits in lower case")]
    Digest,
}

impl Repository {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Tag {
    /// The tag that is meant where a reference names none.
    #[must_use]
    pub fn of_default() -> Self {
        Self(DEFAULT_TAG.to_owned())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Digest {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Version {
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tag(tag) => tag.as_str(),
            Self::Digest(digest) => digest.as_str(),
        }
    }
}

impl ImageReference {
    /// The same with this tag.
    #[must_use]
    pub fn with_tag(&self, tag: Tag) -> Self {
        Self {
            tag: Some(tag),
            ..self.clone()
        }
    }

    /// The same with this digest.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self {
            digest: Some(digest),
            ..self.clone()
        }
    }

    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The tag as written. With a digest beside it, nobody asks a registry for it.
    #[must_use]
    pub fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref()
    }

    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// What is asked of the registry: the digest, or else the tag, or else `latest`.
    #[must_use]
    pub fn version(&self) -> Version {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => Version::Digest(digest.clone()),
            (None, Some(tag)) => Version::Tag(tag.clone()),
            (None, None) => Version::Tag(Tag::of_default()),
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl FromStr for Repository {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if !text.split('/').all(is_component) {
            return Err(ReferenceError::Repository);
        }
        if text.len() > MAX_REPOSITORY {
            return Err(ReferenceError::LongRepository);
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for Tag {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_tag = text.len() <= MAX_TAG
            && text.bytes().next().is_some_and(is_word)
            && text.bytes().all(|byte| is_word(byte) || b".-".contains(&byte));
        is_tag.then(|| Self(text.to_owned())).ok_or(ReferenceError::Tag)
    }
}

impl FromStr for Digest {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_digest = text.split_once(':').is_some_and(|(algorithm, digits)| {
            ALGORITHMS.contains(&(algorithm, digits.len())) && digits.bytes().all(is_hex)
        });
        is_digest.then(|| Self(text.to_owned())).ok_or(ReferenceError::Digest)
    }
}

impl FromStr for ImageReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if format!("sha256:{text}").parse::<Digest>().is_ok() {
            return Err(ReferenceError::Id);
        }
        let (host, rest) = match split_host(text) {
            Some((OLD_HUB, rest)) => (HUB, rest),
            Some((host, rest)) => (host, rest),
            None => (HUB, text),
        };
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (rest, None),
        };
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(tag.parse()?)),
            None => (rest, None),
        };
        let repository = if host == HUB && !path.contains('/') {
            format!("{HUB_LIBRARY}/{path}").parse()?
        } else {
            path.parse()?
        };
        if !is_host(host) {
            return Err(ReferenceError::Registry);
        }
        Ok(Self {
            registry: host.parse().map_err(|_| ReferenceError::Registry)?,
            host: host.to_owned(),
            repository,
            tag,
            digest,
        })
    }
}

/// A part of a path: letters and digits with `.`, `_`, `__` or any number of `-` between them.
fn is_component(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let words = text.split(['.', '_', '-']);
    let ends_well = text.bytes().next().is_some_and(is_word) && text.bytes().last().is_some_and(is_word);
    // What is between two words: the empty parts tell how many separators there are, the text which.
    let separators = text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    ends_well
        && words.flat_map(str::bytes).all(is_word)
        && separators
            .filter(|separator| !separator.is_empty())
            .all(|separator| matches!(separator, "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-'))
}

/// A host name of labels, an IPv4 address or an IPv6 address in brackets, with or without a port.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if !port.is_none_or(is_port) {
        return false;
    }
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
    }
    host.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

#[cfg(test)]
mod cases;

#[cfg(test)]
mod tests {
    use super::cases::{HEX, IMAGES, REFUSED, row};
    use super::*;

    #[test]
    fn references_are_read_as_go_reads_them() {
        for case in IMAGES {
            let (text, host, repository, tag, digest) = row(case);
            let parsed: ImageReference = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(parsed.host, host, "{text}");
            assert_eq!(parsed.repository.as_str(), repository, "{text}");
            assert_eq!(parsed.tag().map_or("", Tag::as_str), tag, "{text}");
            assert_eq!(parsed.digest().map_or("", Digest::as_str), digest, "{text}");
            assert_eq!(parsed.to_string().parse(), Ok(parsed), "{text}");
        }
        for text in REFUSED {
            let text = text.replace("HEX", HEX);
            assert!(text.parse::<ImageReference>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_go_reads_and_no_registry_can_have_is_refused() {
        for text in ["a.example.com:65536/app", "[::1::2]/app", "a_b.example.com/app"] {
            assert_eq!(text.parse::<ImageReference>(), Err(ReferenceError::Registry), "{text}");
        }
    }

    #[test]
    fn a_digest_is_asked_for_before_a_tag_and_latest_last() {
        let digest = format!("sha256:{HEX}");
        for (text, asked) in [
            ("git.example.com/a/app", "latest"),
            ("git.example.com/a/app:1", "1"),
            (&*format!("git.example.com/a/app:1@{digest}"), &digest),
        ] {
            let reference: ImageReference = text.parse().unwrap();
            assert_eq!(reference.version().as_str(), asked, "{text}");
        }
    }

    #[test]
    fn names_have_a_longest_length() {
        let name = "a".repeat(255);
        assert!(format!("git.example.com/{name}").parse::<ImageReference>().is_ok());
        let text = format!("git.example.com/{name}a");
        assert_eq!(text.parse::<ImageReference>(), Err(ReferenceError::LongRepository));
        let tag = "a".repeat(128);
        assert!(tag.parse::<Tag>().is_ok());
        assert_eq!(format!("{tag}a").parse::<Tag>(), Err(ReferenceError::Tag));
    }
}
