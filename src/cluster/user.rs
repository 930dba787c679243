//! The kubeconfig's user, made such that kube logs in as client-go would.

use kube::config::AuthInfo;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::connect::Impersonate;
use super::error::{Error, untrusted};
use super::server::material;
use crate::tls::Identity;

/// The user as kube has to see it, so that it does what client-go would.
pub(super) fn credentials(mut user: AuthInfo) -> Result<AuthInfo, Error> {
    let error = |what: String| Error::Config { part: "user", what };
    // client-go: a token file that can be read and is not empty wins over the token beside it.
    if let Some(file) = user.token_file.take().filter(|file| !file.is_empty()) {
        let read = std::fs::read_to_string(&file).map(Zeroizing::new);
        let from_file = read
            .as_ref()
            .ok()
            .map(|text| text.trim())
            .filter(|text| !text.is_empty());
        match (from_file, &user.token) {
            (Some(token), _) => user.token = Some(SecretString::from(token)),
            (None, Some(_)) => {}
            (None, None) => {
                let why = read
                    .err()
                    .map_or_else(|| "it is empty".to_owned(), |why| why.to_string());
                return Err(error(format!("token file {}: {why}", untrusted(&file))));
            }
        }
    }
    user.token = user.token.filter(|token| !token.expose_secret().is_empty());
    user.username = user.username.filter(|name| !name.is_empty());
    if user.username.is_some() && user.token.is_some() {
        return Err(error("it has both a token and a user name with password".to_owned()));
    }
    if let Some(provider) = user.auth_provider.take() {
        // The only provider that client-go still has. Its token is not renewed here.
        let token = provider.config.get("id-token").filter(|_| provider.name == "oidc");
        let token = token.ok_or_else(|| {
            let name = untrusted(&provider.name);
            error(format!(
                "auth provider {name} is not supported; kubectl has moved to credential plugins"
            ))
        })?;
        user.token = Some(SecretString::from(token.as_str()));
    }
    Ok(user)
}

/// The client certificate, taken out of the user: kube is not to judge it as well.
pub(super) fn identity(user: &mut AuthInfo) -> Result<Option<Identity>, Error> {
    let error = |part| move |what: String| Error::Config { part, what };
    let certificate = (user.client_certificate_data.take(), user.client_certificate.take());
    let certificate =
        material(certificate.0.as_deref(), certificate.1.as_deref()).map_err(error("client certificate"))?;
    let key = (user.client_key_data.take(), user.client_key.take());
    let key_data = key.0.as_ref().map(SecretString::expose_secret);
    let key = material(key_data, key.1.as_deref()).map_err(error("client key"))?;
    match (certificate, key) {
        // client-go has no use for a key alone.
        (None, _) => Ok(None),
        (Some(_), None) => Err(error("client certificate")(
            "there is no client key beside it".to_owned(),
        )),
        (Some(certificate), Some(key)) => Ok(Some(Identity::parse(&certificate, &key)?)),
    }
}

pub(super) fn impersonate(user: &mut AuthInfo, wanted: &Impersonate) -> Result<(), Error> {
    if let Some(name) = &wanted.user {
        user.impersonate = Some(name.clone());
    }
    if !wanted.groups.is_empty() {
        user.impersonate_groups = Some(wanted.groups.clone());
    }
    if let Some(uid) = &wanted.uid {
        user.impersonate_uid = Some(uid.clone());
    }
    let more = user.impersonate_groups.is_some() || user.impersonate_uid.is_some();
    if more && user.impersonate.as_deref().is_none_or(str::is_empty) {
        return Err(Error::Config {
            part: "user",
            what: "a group or uid to act as needs a user to act as (--as)".to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_file_wins_where_it_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "from-file\n").unwrap();
        let user = |file: &str, token: Option<&str>| AuthInfo {
            token_file: Some(file.to_owned()),
            token: token.map(SecretString::from),
            ..Default::default()
        };
        let token = |user| credentials(user).map(|user| user.token.unwrap().expose_secret().to_owned());
        assert_eq!(
            token(user(file.to_str().unwrap(), Some("inline"))).unwrap(),
            "from-file"
        );
        assert_eq!(token(user("/nonexistent/token", Some("inline"))).unwrap(), "inline");
        assert!(
            token(user("/nonexistent/token", None))
                .unwrap_err()
                .to_string()
                .contains("/nonexistent/token")
        );
    }
}
