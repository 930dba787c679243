//! What a manifest needs: the children of an index, the config and layers of an image, the subject of a signature.
//!
//! Source: the OCI image specification 1.1 and docker's image manifest V2, schema 2, as Go's clients read them.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use thiserror::Error;

use super::go_json::is_field;
use super::image_reference::Digest;
use super::text::printable;

/// Indexes and images of both specifications.
const INDEXES: [&str; 2] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];
const IMAGES: [&str; 2] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];
/// The configs of images that can run; every other config is that of something else, such as a chart.
const CONFIGS: [&str; 2] = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
];
/// How the media types of file system layers begin.
const LAYERS: [&str; 2] = [
    "application/vnd.oci.image.layer.",
    "application/vnd.docker.image.rootfs.",
];
/// buildx's annotation of a child that is no image, and that of the child that it describes.
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";
const REFERENCE_DIGEST: &str = "vnd.docker.reference.digest";
/// Sigstore's annotation of a bundle (cosign 3).
const PREDICATE_TYPE: &str = "dev.sigstore.bundle.predicateType";
/// Longest media type or platform that is kept, in characters.
const MAX_NAME: usize = 100;

/// A manifest, as far as it matters what it needs and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Its own size in bytes.
    pub size: u64,
    pub content: Content,
    /// The manifest that it describes, such as a signed image (OCI 1.1).
    pub subject: Option<Digest>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Something that runs.
    Image { config: Blob, layers: Vec<Blob> },
    /// Several manifests, mostly one for each kind of machine.
    Index { children: Vec<Child> },
    /// Something else, such as a chart or a signature.
    Artifact {
        /// Its own name for its kind: an artifact type, or the media type of its config.
        kind: String,
        /// What a bundle of Sigstore says of its subject, by the name of the statement's kind.
        predicate: Option<String>,
        blobs: Vec<Blob>,
    },
}

/// A config or a layer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Blob {
    pub digest: Digest,
    pub size: u64,
}

/// A manifest of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    pub digest: Digest,
    /// `linux/amd64`, `linux/arm/v7`
    pub platform: Option<String>,
    /// The image that it is an attestation of.
    pub attests: Option<Digest>,
}

/// Why a manifest cannot be read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ManifestError {
    #[error("it is no JSON object")]
    Json,
    #[error("it is of an unknown kind")]
    Kind,
    /// Clients would disagree about what it needs.
    #[error("it says the same thing twice, or is an image and an index at once")]
    Ambiguous,
    #[error("it names something without a valid digest or size")]
    Descriptor,
}

impl Manifest {
    /// Reads the text of a manifest. `kind` is the media type that the server gives it.
    pub fn parse(text: &[u8], kind: Option<&str>) -> Result<Self, ManifestError> {
        let document: Map<String, Value> = serde_json::from_slice(text).map_err(|_| ManifestError::Json)?;
        serde_json::from_slice::<WithoutTwins>(text).map_err(|_| ManifestError::Ambiguous)?;
        let fields = Fields(&document);
        let declared = fields.text("mediaType")?.or(kind);
        let declared = declared.map(|kind| kind.split(';').next().unwrap_or_default().trim());
        let (manifests, layers) = (fields.list("manifests")?, fields.list("layers")?);
        let config = fields.object("config")?;
        let is_image = config.is_some() || layers.is_some();
        if manifests.is_some() && is_image {
            return Err(ManifestError::Ambiguous);
        }
        let content = match declared {
            Some(kind) if INDEXES.contains(&kind) && !is_image => Content::Index {
                children: children(manifests.unwrap_or_default())?,
            },
            Some(kind) if IMAGES.contains(&kind) && manifests.is_none() => {
                let config = config.ok_or(ManifestError::Descriptor)?;
                image(fields, config, layers.unwrap_or_default())?
            }
            Some(kind) if INDEXES.contains(&kind) || IMAGES.contains(&kind) => return Err(ManifestError::Ambiguous),
            _ => return Err(ManifestError::Kind),
        };
        let subject = fields.object("subject")?;
        Ok(Self {
            size: text.len() as u64,
            content,
            subject: subject.map(|subject| digest(Fields(subject))).transpose()?,
        })
    }

    /// The manifests that it is made of.
    pub fn children(&self) -> &[Child] {
        match &self.content {
            Content::Index { children } => children,
            Content::Image { .. } | Content::Artifact { .. } => &[],
        }
    }

    /// Its config and layers.
    pub fn blobs(&self) -> impl Iterator<Item = &Blob> {
        let (config, rest) = match &self.content {
            Content::Image { config, layers } => (Some(config), layers.as_slice()),
            Content::Artifact { blobs, .. } => (None, blobs.as_slice()),
            Content::Index { .. } => (None, &[][..]),
        };
        config.into_iter().chain(rest)
    }
}

impl Digest {
    /// The SHA-256 digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::hashed("sha256", &Sha256::digest(bytes))
    }

    /// Whether these bytes have this digest.
    #[must_use]
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        let found = match self.as_str().split_once(':') {
            Some(("sha384", _)) => Self::hashed("sha384", &Sha384::digest(bytes)),
            Some(("sha512", _)) => Self::hashed("sha512", &Sha512::digest(bytes)),
            _ => Self::of(bytes),
        };
        found == *self
    }

    fn hashed(algorithm: &str, hash: &[u8]) -> Self {
        let mut text = format!("{algorithm}:");
        for byte in hash {
            let _ = write!(text, "{byte:02x}");
        }
        text.parse()
            .unwrap_or_else(|_| unreachable!("a hash in hexadecimal digits is a digest"))
    }
}

/// A document in which no object has two members of the same name: of two, one is lost in a [`Map`], and Go joins them if they are
/// objects.
struct WithoutTwins;

impl<'de> Deserialize<'de> for WithoutTwins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for WithoutTwins {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self, A::Error> {
        while elements.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        let mut names = BTreeSet::new();
        while let Some((name, _)) = members.next_entry::<String, Self>()? {
            if !names.insert(name) {
                return Err(de::Error::custom("a member is there twice"));
            }
        }
        Ok(self)
    }
}

/// The members of an object as Go finds them: in any case. Two that Go takes for the same field are refused.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    fn get(self, field: &str) -> Result<Option<&'a Value>, ManifestError> {
        let mut found = self.0.iter().filter(|(name, _)| is_field(name, field));
        let value = found.next().map(|(_, value)| value).filter(|value| !value.is_null());
        if found.next().is_some() {
            return Err(ManifestError::Ambiguous);
        }
        Ok(value)
    }

    fn text(self, field: &str) -> Result<Option<&'a str>, ManifestError> {
        let text = self.get(field)?.map(|value| value.as_str().ok_or(ManifestError::Json));
        Ok(text.transpose()?.filter(|text| !text.is_empty()))
    }

    fn list(self, field: &str) -> Result<Option<&'a [Value]>, ManifestError> {
        let list = self
            .get(field)?
            .map(|value| value.as_array().ok_or(ManifestError::Json));
        Ok(list.transpose()?.map(Vec::as_slice))
    }

    fn object(self, field: &str) -> Result<Option<&'a Map<String, Value>>, ManifestError> {
        let object = self
            .get(field)?
            .map(|value| value.as_object().ok_or(ManifestError::Json));
        object.transpose()
    }

    fn annotation(self, name: &str) -> Result<Option<&'a str>, ManifestError> {
        let annotations = self.object("annotations")?;
        Ok(annotations.and_then(|all| all.get(name)?.as_str()))
    }
}

fn image(manifest: Fields<'_>, config: &Map<String, Value>, layers: &[Value]) -> Result<Content, ManifestError> {
    let config_kind = Fields(config).text("mediaType")?.unwrap_or_default();
    let mut of_files = layers.is_empty();
    let mut first_kind = "";
    let mut blobs = Vec::with_capacity(layers.len());
    for layer in layers {
        let layer = Fields(layer.as_object().ok_or(ManifestError::Descriptor)?);
        let kind = layer.text("mediaType")?.unwrap_or_default();
        if blobs.is_empty() {
            first_kind = kind;
        }
        of_files |= LAYERS.iter().any(|begin| kind.starts_with(begin));
        blobs.push(blob(layer)?);
    }
    let config = blob(Fields(config))?;
    let kind = match manifest.text("artifactType")? {
        Some(kind) => kind,
        None if CONFIGS.contains(&config_kind) && of_files => return Ok(Content::Image { config, layers: blobs }),
        None if CONFIGS.contains(&config_kind) => first_kind,
        None => config_kind,
    };
    blobs.insert(0, config);
    Ok(Content::Artifact {
        kind: printable(kind, MAX_NAME),
        predicate: manifest
            .annotation(PREDICATE_TYPE)?
            .map(|predicate| printable(predicate, MAX_NAME)),
        blobs,
    })
}

fn children(manifests: &[Value]) -> Result<Vec<Child>, ManifestError> {
    manifests
        .iter()
        .map(|child| {
            let child = Fields(child.as_object().ok_or(ManifestError::Descriptor)?);
            let attests = match child.annotation(REFERENCE_TYPE)? {
                Some(_) => child
                    .annotation(REFERENCE_DIGEST)?
                    .and_then(|digest| digest.parse().ok()),
                None => None,
            };
            Ok(Child {
                digest: digest(child)?,
                platform: match child.object("platform")? {
                    Some(members) => platform(Fields(members))?,
                    None => None,
                },
                attests,
            })
        })
        .collect()
}

/// As docker writes it; `None` for what is no machine's.
fn platform(platform: Fields<'_>) -> Result<Option<String>, ManifestError> {
    let (os, architecture) = (platform.text("os")?, platform.text("architecture")?);
    let variant = platform.text("variant")?;
    Ok(match (os, architecture) {
        (Some(os), Some(architecture)) => name_platform(os, architecture, variant),
        _ => None,
    })
}

/// `linux/arm64`; `linux/arm/v7`.
pub fn name_platform(os: &str, architecture: &str, variant: Option<&str>) -> Option<String> {
    if os == "unknown" || architecture == "unknown" {
        return None;
    }
    let variant = variant.map_or(String::new(), |variant| format!("/{variant}"));
    Some(printable(&format!("{os}/{architecture}{variant}"), MAX_NAME))
}

fn blob(descriptor: Fields<'_>) -> Result<Blob, ManifestError> {
    let size = descriptor.get("size")?.and_then(Value::as_u64);
    Ok(Blob {
        digest: digest(descriptor)?,
        size: size.ok_or(ManifestError::Descriptor)?,
    })
}

fn digest(descriptor: Fields<'_>) -> Result<Digest, ManifestError> {
    let digest = descriptor.text("digest")?.and_then(|digest| digest.parse().ok());
    digest.ok_or(ManifestError::Descriptor)
}

#[cfg(test)]
mod tests;
