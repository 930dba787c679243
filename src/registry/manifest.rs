//! Asks whether a registry has an image and lets a credential pull it, with kubelet's first request.

use http::StatusCode;
use thiserror::Error;

use super::challenge::{self, SignIn};
use super::http::{Auth, Reply};
use super::session::Session;
use super::{Options, VerifyError};
use crate::model::Credential;
use crate::sys::env::Env;

/// The media types that containerd accepts: images and indexes of both specifications.
pub(super) const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";
/// Longest repository name that the Distribution specification recommends, and longest tag, in characters.
const MAX_REPOSITORY: usize = 255;
const MAX_TAG: usize = 128;

/// An image within its registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Image {
    /// `owner/app`
    repository: String,
    /// A tag, or `sha256:…`.
    reference: String,
}

/// The text is not an image reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an image is REGISTRY/OWNER/NAME:TAG in lower case letters, digits and . _ - /")]
pub struct ImageError;

/// The result for an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageAccess {
    /// The credential can pull it.
    Allowed,
    /// The credential is accepted, but there is no such image or tag.
    Missing,
    /// The credential is accepted, but not for this image.
    Refused,
}

impl Image {
    /// Parses an image reference: `gitea.example.com/owner/app:1` is `owner/app` and `1`.
    ///
    /// If there are a tag and a digest, the digest is used, as kubelet does. The parts are validated because they
    /// become part of a URL path.
    pub fn of(image: &str) -> Result<Self, ImageError> {
        let (_, rest) = image.trim().split_once('/').ok_or(ImageError)?;
        let (name, digest) = match rest.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (rest, None),
        };
        let (repository, tag) = match name.rsplit_once(':') {
            Some((repository, tag)) => (repository, tag),
            None => (name, "latest"),
        };
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_part = |part: &str| {
            part.starts_with(is_word)
                && part.ends_with(is_word)
                && part.chars().all(|c| is_word(c) || "._-".contains(c))
        };
        let is_tag = |tag: &str| {
            tag.len() <= MAX_TAG
                && tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                && tag.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        let is_digest = |digest: &str| {
            digest.len() <= MAX_TAG
                && digest.split_once(':').is_some_and(|(kind, hex)| {
                    is_part(kind) && !hex.is_empty() && hex.chars().all(|c| c.is_ascii_hexdigit())
                })
        };
        let is_whole = repository.len() <= MAX_REPOSITORY
            && repository.split('/').all(is_part)
            && digest.map_or(is_tag(tag), is_digest);
        if !is_whole {
            return Err(ImageError);
        }
        Ok(Self {
            repository: repository.to_owned(),
            reference: digest.unwrap_or(tag).to_owned(),
        })
    }
}

/// Asks the credential's registry for the image's manifest as kubelet would, with the registry's authentication scheme,
/// and sending the credential only to its own origin.
///
/// # Errors
/// If the registry does not accept the credential at all, or does not answer.
pub fn image_access(
    image: &Image,
    credential: &Credential,
    options: &Options,
    env: &Env,
) -> Result<ImageAccess, VerifyError> {
    if credential.username.is_identity_token() {
        return Err(VerifyError::IdentityToken);
    }
    let (session, reply) = Session::begin(credential, options, env)?;
    let client = &session.client;
    let path = format!("/v2/{}/manifests/{}", image.repository, image.reference);
    let at = client.own(&path)?;
    let reply = match session.sign_in(&reply)? {
        None => client.head(&at, MANIFESTS, Auth::Anonymous)?,
        Some(SignIn::Basic) => client.head(&at, MANIFESTS, Auth::Basic(credential))?,
        Some(SignIn::Bearer { realm, service }) => {
            let is_gitea = challenge::gitea_prefix(&realm, service.as_deref()).is_some();
            let realm = session.token_server(&realm, service.as_deref())?;
            let scope = format!("repository:{}:pull", image.repository);
            let reply = session.exchange_for(&realm, service.as_deref(), Some(&scope))?;
            let reply = session.unrefused(reply, is_gitea)?;
            let token = session.exchanged(&reply)?;
            client.head(&at, MANIFESTS, Auth::Bearer(&token))?
        }
    };
    image_access_of(&session, &reply)
}

fn image_access_of(session: &Session<'_>, reply: &Reply) -> Result<ImageAccess, VerifyError> {
    session.passing(reply)?;
    match reply.status {
        StatusCode::OK => Ok(ImageAccess::Allowed),
        StatusCode::NOT_FOUND => Ok(ImageAccess::Missing),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Ok(ImageAccess::Refused),
        status => Err(VerifyError::ServerFailed {
            registry: session.registry(),
            status: status.as_u16(),
            said: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_parsed_as_in_kubelet() {
        for (image, repository, reference) in [
            ("gitea.example.com/owner/app", "owner/app", "latest"),
            ("gitea.example.com/owner/app:1.2", "owner/app", "1.2"),
            ("gitea.example.com:3000/owner/team/app:V_1", "owner/team/app", "V_1"),
            ("h/owner/app@sha256:0aF1", "owner/app", "sha256:0aF1"),
            ("h/owner/app:1@sha256:01", "owner/app", "sha256:01"),
            (" [::1]:5000/a ", "a", "latest"),
        ] {
            let parsed = Image::of(image).unwrap();
            assert_eq!(
                (parsed.repository.as_str(), parsed.reference.as_str()),
                (repository, reference),
                "{image}"
            );
        }
    }

    #[test]
    fn invalid_images_are_refused() {
        for image in [
            "nginx",
            "h/",
            "h/Owner/app",
            "h/owner/../api",
            "h/owner//app",
            "h/owner/app:a/b",
            "h/owner/app:",
            "h/owner/app?x=1",
            "h/owner/app:1#x",
            "h/owner/app@sha256:../..",
            "h/owner/app@01",
            "h/a%2fb",
        ] {
            assert_eq!(Image::of(image), Err(ImageError), "{image}");
        }
    }
}
