//! Asks whether a registry has an image and lets a credential pull it, with kubelet's first request.

use http::StatusCode;
use thiserror::Error;

use super::challenge::{self, SignIn};
use super::http::{Auth, Reply};
use super::session::Session;
use super::{Options, VerifyError};
use crate::model::{Credential, ImageReference, Repository, Version};
use crate::sys::env::Env;

/// The media types that containerd accepts: images and indexes of both specifications.
pub(super) const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// An image within its registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Image {
    repository: Repository,
    version: Version,
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
    /// Reads a reference as kubelet does: `gitea.example.com/owner/app:1` is `owner/app` and `1`, and `nginx` is Docker
    /// Hub's `library/nginx` and `latest`. If there are a tag and a digest, the digest is used.
    pub fn of(image: &str) -> Result<Self, ImageError> {
        let reference: ImageReference = image.parse().map_err(|_| ImageError)?;
        Ok(Self {
            repository: reference.repository().clone(),
            version: reference.version(),
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
    let path = format!("/v2/{}/manifests/{}", image.repository, image.version);
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
        let digest = format!("sha256:{}", "0a".repeat(32));
        let beside = format!("h.example/owner/app:1@{digest}");
        for (image, repository, version) in [
            ("gitea.example.com/owner/app", "owner/app", "latest"),
            ("gitea.example.com:3000/owner/team/app:V_1", "owner/team/app", "V_1"),
            (beside.as_str(), "owner/app", digest.as_str()),
            ("[::1]:5000/a", "a", "latest"),
            // Docker Hub's have no host, and its own no owner either.
            ("nginx", "library/nginx", "latest"),
            ("docker.io/nginx:1", "library/nginx", "1"),
            ("owner/app:1", "owner/app", "1"),
        ] {
            let parsed = Image::of(image).unwrap();
            assert_eq!(
                (parsed.repository.as_str(), parsed.version.as_str()),
                (repository, version),
                "{image}"
            );
        }
        for image in ["h.example/owner/../api", "h.example/owner/app?x=1", "h.example/a%2fb"] {
            assert_eq!(Image::of(image), Err(ImageError), "{image}");
        }
    }
}
