//! Asks whether a registry has an image and lets a credential pull it, with kubelet's first request.

use http::StatusCode;

use super::challenge::{self, SignIn};
use super::http::{Auth, Reply};
use super::session::Session;
use super::site::GiteaPath;
use super::{Options, VerifyError};
use crate::model::{Credential, ImageReference, Repository, Version};
use crate::sys::env::Env;

/// The media types that containerd accepts: images and indexes of both specifications.
pub(super) const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

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

/// The path of a manifest.
pub(super) fn manifest_path(repository: &Repository, version: &Version) -> String {
    format!("/v2/{repository}/manifests/{version}")
}

/// Asks the credential's registry for the image's manifest as kubelet would, with the registry's authentication scheme,
/// and sending the credential only to its own origin. The credential is one that the registry was seen to accept.
///
/// # Errors
/// If the registry does not accept the credential at all, or does not answer.
pub fn image_access(
    image: &ImageReference,
    credential: &Credential,
    options: &Options,
    env: &Env,
) -> Result<ImageAccess, VerifyError> {
    if credential.username.is_identity_token() {
        return Err(VerifyError::IdentityToken);
    }
    let (session, reply) = Session::begin(credential, options, env)?;
    let client = &session.client;
    let path = manifest_path(image.repository(), &image.version());
    let at = client.own(&path)?;
    let reply = match session.sign_in(&reply)? {
        None => client.head(&at, MANIFESTS, Auth::Anonymous)?,
        Some(SignIn::Basic) => client.head(&at, MANIFESTS, Auth::Basic(credential))?,
        Some(SignIn::Bearer { realm, service }) => {
            let prefix = challenge::gitea_prefix(&realm, service.as_deref());
            if let Some(prefix) = &prefix {
                session.set_below(options.gitea_path.as_ref().map_or(prefix, GiteaPath::as_str));
            }
            let is_gitea = prefix.is_some();
            let realm = session.token_server(&realm, service.as_deref())?;
            let scope = format!("repository:{}:pull", image.repository());
            let reply = session.exchange_for(&realm, service.as_deref(), Some(&scope))?;
            if Session::withholds(&reply, is_gitea) {
                return Ok(ImageAccess::Refused);
            }
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
    fn an_image_is_asked_for_as_kubelet_does() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let beside = format!("h.example/owner/app:1@{digest}");
        for (image, repository, version) in [
            ("gitea.example.com:3000/owner/team/app:V_1", "owner/team/app", "V_1"),
            (beside.as_str(), "owner/app", digest.as_str()),
            // Docker Hub's have no host, and its own no owner either.
            ("nginx", "library/nginx", "latest"),
            ("docker.io/nginx:1", "library/nginx", "1"),
            ("owner/app:1", "owner/app", "1"),
        ] {
            let image: ImageReference = image.parse().unwrap();
            assert_eq!(
                manifest_path(image.repository(), &image.version()),
                format!("/v2/{repository}/manifests/{version}")
            );
        }
    }
}
