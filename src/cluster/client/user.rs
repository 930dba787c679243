//! The kubeconfig's user, made such that kube logs in as client-go would.

use kube::config::AuthInfo;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::options::Impersonate;
use super::server::{material, named_file};
use crate::cluster::error::Error;
use crate::cluster::untrusted::untrusted;
use crate::tls::Identity;

/// The user as kube has to see it, so that it does what client-go would.
pub fn credentials(mut user: AuthInfo) -> Result<AuthInfo, Error> {
    let error = |what: &str| Error::Config {
        part: "user",
        what: what.to_owned(),
    };
    one_method(&mut user)?;
    read_token_file(&mut user)?;
    // client-go's `HTTPWrappersForConfig`.
    if user.username.is_some() && user.token.is_some() {
        return Err(error("it has both a token file and a user name"));
    }
    // client-go sends a name without a password, and no password without a name; kube wants both.
    user.password = match user.username {
        Some(_) => Some(user.password.unwrap_or_default()),
        None => None,
    };
    if let Some(provider) = user.auth_provider.take() {
        // The only provider that client-go still has. Its token is not renewed here.
        let is_known = provider.name == "oidc";
        let token = provider.config.get("id-token").filter(|_| is_known);
        let has_other = user.token.is_some() || user.username.is_some();
        match token {
            // What is already there to authenticate a request is not replaced.
            _ if is_known && has_other => {}
            Some(token) => user.token = Some(SecretString::from(token.as_str())),
            None => {
                let name = untrusted(&provider.name);
                return Err(error(&format!(
                    "auth provider {name} is not supported; kubectl has moved to credential plugins"
                )));
            }
        }
    }
    Ok(user)
}

/// What clientcmd keeps of a user for a server without TLS: only the impersonation. It still checks the rest.
pub fn without_tls(mut user: AuthInfo) -> Result<AuthInfo, Error> {
    one_method(&mut user)?;
    materials(&mut user)?;
    Ok(AuthInfo {
        impersonate: user.impersonate,
        impersonate_uid: user.impersonate_uid,
        impersonate_groups: user.impersonate_groups,
        impersonate_user_extra: user.impersonate_user_extra,
        ..AuthInfo::default()
    })
}

/// clientcmd's `validateAuthInfo`: a password alone contradicts a token, too. What is empty is not there.
fn one_method(user: &mut AuthInfo) -> Result<(), Error> {
    let is_secret = |secret: &SecretString| !secret.expose_secret().is_empty();
    user.token = user.token.take().filter(is_secret);
    user.username = user.username.take().filter(|name| !name.is_empty());
    user.password = user.password.take().filter(is_secret);
    if user.token.is_some() && (user.username.is_some() || user.password.is_some()) {
        return Err(Error::Config {
            part: "user",
            what: "it has both a token and a user name or password".to_owned(),
        });
    }
    Ok(())
}

/// client-go: a token file that can be read and is not empty wins over the token beside it.
fn read_token_file(user: &mut AuthInfo) -> Result<(), Error> {
    let Some(file) = user.token_file.take().filter(|file| !file.is_empty()) else {
        return Ok(());
    };
    let read = named_file(&file);
    let from_file = read
        .as_ref()
        .ok()
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .map(str::trim)
        .filter(|text| !text.is_empty());
    match (from_file, &user.token) {
        (Some(token), _) => user.token = Some(SecretString::from(token)),
        (None, Some(_)) => {}
        (None, None) => {
            let why = read
                .err()
                .map_or_else(|| "it is empty or no text".to_owned(), |why| why.to_string());
            return Err(Error::Config {
                part: "user",
                what: format!("token file {}: {why}", untrusted(&file)),
            });
        }
    }
    Ok(())
}

/// The client certificate, taken out of the user: kube is not to judge it as well.
pub fn identity(user: &mut AuthInfo) -> Result<Option<Identity>, Error> {
    let found = materials(user)?;
    let identity = found.map(|(certificate, key)| Identity::parse(&certificate, &key));
    Ok(identity.transpose()?)
}

type Bytes = Zeroizing<Vec<u8>>;

/// What stands for the client certificate and its key, taken out of the user.
fn materials(user: &mut AuthInfo) -> Result<Option<(Bytes, Bytes)>, Error> {
    let error = |part| move |what: String| Error::Config { part, what };
    let certificate = (user.client_certificate_data.take(), user.client_certificate.take());
    let certificate =
        material(certificate.0.as_deref(), certificate.1.as_deref()).map_err(error("client certificate"))?;
    let key = (user.client_key_data.take(), user.client_key.take());
    let key_data = key.0.as_ref().map(SecretString::expose_secret);
    // client-go has no use for a key alone: it does not look for its file, but its data has to be base64.
    let key_file = key.1.filter(|_| certificate.is_some());
    let key = material(key_data, key_file.as_deref()).map_err(error("client key"))?;
    match (certificate, key) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(error("client certificate")(
            "there is no client key beside it".to_owned(),
        )),
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
    }
}

pub fn impersonate(user: &mut AuthInfo, wanted: &Impersonate) -> Result<(), Error> {
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

    /// What client-go would send for this user: the token, or the name and password.
    #[derive(Debug, PartialEq, Eq)]
    enum Sent {
        Nothing,
        Token(String),
        Basic(String, String),
        Refused(String),
    }

    fn sent(user: AuthInfo) -> Sent {
        let text = |secret: &SecretString| secret.expose_secret().to_owned();
        let user = match credentials(user) {
            Ok(user) => user,
            Err(error) => return Sent::Refused(error.to_string()),
        };
        match (&user.username, &user.password, &user.token) {
            (None, None, None) => Sent::Nothing,
            (None, None, Some(token)) => Sent::Token(text(token)),
            (Some(name), Some(password), None) => Sent::Basic(name.clone(), text(password)),
            other => panic!("kube would not see what client-go does: {other:?}"),
        }
    }

    #[test]
    fn names_passwords_and_tokens_are_client_gos() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "f\n").unwrap();
        let file = file.to_str().unwrap();
        let user = |token: &str, token_file: &str, name: &str, password: &str| AuthInfo {
            token: Some(SecretString::from(token)),
            token_file: Some(token_file.to_owned()),
            username: Some(name.to_owned()),
            password: Some(SecretString::from(password)),
            ..Default::default()
        };
        let token = |token: &str| Sent::Token(token.to_owned());
        let basic = |name: &str, password: &str| Sent::Basic(name.to_owned(), password.to_owned());
        for (given, expected) in [
            (user("", "", "", ""), Sent::Nothing),
            (user("t", "", "", ""), token("t")),
            (user("t", file, "", ""), token("f")),
            (user("t", "/nonexistent/token", "", ""), token("t")),
            (user("", file, "", ""), token("f")),
            // A password alone is no login, and is passed over beside a token file.
            (user("", "", "", "p"), Sent::Nothing),
            (user("", file, "", "p"), token("f")),
            (user("", "", "u", ""), basic("u", "")),
            (user("", "", "u", "p"), basic("u", "p")),
        ] {
            let shown = format!("{given:?}");
            assert_eq!(sent(given), expected, "{shown}");
        }
        for given in [
            user("t", "", "u", ""),
            user("t", "", "", "p"),
            user("t", "", "u", "p"),
            user("t", file, "", "p"),
            user("", file, "u", ""),
            user("", "/nonexistent/token", "", ""),
        ] {
            let shown = format!("{given:?}");
            assert!(matches!(sent(given), Sent::Refused(_)), "{shown}");
        }
    }

    #[test]
    fn a_key_without_a_certificate_is_not_looked_for() {
        let user = |data: Option<&str>| AuthInfo {
            client_key: Some("/nonexistent/key.pem".to_owned()),
            client_key_data: data.map(SecretString::from),
            ..Default::default()
        };
        assert!(identity(&mut user(None)).unwrap().is_none());
        assert!(identity(&mut user(Some("YQ=="))).unwrap().is_none());
        assert!(identity(&mut user(Some("!"))).is_err());
    }
}
