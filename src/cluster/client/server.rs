//! The API server that the kubeconfig, or a pod's ServiceAccount, leads to.

use std::path::Path;
use std::sync::Arc;

use http::Uri;
use kube::config::AuthInfo;
use zeroize::Zeroizing;

use super::kubeconfig::Selection;
use crate::cluster::error::Error;
use crate::cluster::untrusted::untrusted;
use crate::model::Namespace;
use crate::sys::env::Env;
use crate::sys::whole_file::{self, ReadFileError};
use crate::tls::{Authorities, Trust, pem};

/// In octets: more than any certificate bundle, key or token has.
const MAX_NAMED_FILE: u64 = 4 * 1024 * 1024;

/// The server as a pod's ServiceAccount gives it.
pub fn in_cluster(env: &Env, folder: &Path) -> Option<Selection> {
    let (host, port) = (env.var("KUBERNETES_SERVICE_HOST")?, env.var("KUBERNETES_SERVICE_PORT")?);
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let file = |name: &str| Some(folder.join(name).to_str()?.to_owned());
    let token = file("token")?;
    std::fs::metadata(&token).ok()?;
    let namespace = named_file(&file("namespace")?).ok();
    let namespace = namespace.and_then(|name| std::str::from_utf8(&name).ok()?.trim().parse().ok());
    Some(Selection {
        context: String::new(),
        namespace: namespace.unwrap_or_else(Namespace::of_default),
        cluster: kube::config::Cluster {
            server: Some(format!("https://{host}:{port}")),
            certificate_authority: file("ca.crt"),
            ..Default::default()
        },
        user: AuthInfo {
            token_file: Some(token),
            ..Default::default()
        },
    })
}

pub fn server_url(cluster: &kube::config::Cluster) -> Result<Uri, Error> {
    let error = |what: &str| Error::Config {
        part: "cluster",
        what: what.to_owned(),
    };
    let text = cluster
        .server
        .as_deref()
        .filter(|server| !server.is_empty())
        .ok_or_else(|| error("it has no server"))?;
    // As in clientcmd, whatever certificates are given as well.
    let text = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let uri: Uri = text.parse().map_err(|_| error("its server is not a URL"))?;
    match uri.scheme_str() {
        Some("http" | "https") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(uri),
        _ => Err(error("its server is not an http or https URL")),
    }
}

/// The certificate authorities that the kubeconfig trusts for the API server.
pub fn trust(cluster: &kube::config::Cluster) -> Result<Trust, Error> {
    let error = |what: String| Error::Config {
        part: "certificate authority",
        what,
    };
    let data = cluster.certificate_authority_data.as_deref();
    let file = cluster.certificate_authority.as_deref();
    let pem = material(data, file).map_err(error)?;
    match (pem, cluster.insecure_skip_tls_verify == Some(true)) {
        (Some(_), true) => Err(error(
            "it stands beside insecure-skip-tls-verify, which contradicts it".to_owned(),
        )),
        (None, true) => Ok(Trust::Anybody),
        (None, false) => Ok(Trust::System),
        (Some(pem), false) => {
            let authorities = Authorities::parse(&pem).map_err(|why| error(why.to_string()))?;
            Ok(Trust::Only(Arc::new(authorities)))
        }
    }
}

/// A file that the kubeconfig names.
pub fn named_file(path: &str) -> Result<Zeroizing<Vec<u8>>, ReadFileError> {
    whole_file::read_named(path.as_ref(), MAX_NAMED_FILE)
}

/// The content of a `…-data` field (base64 as Go reads it) or of the file named beside it; `None` if neither is given.
pub fn material(data: Option<&str>, file: Option<&str>) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
    let (data, file) = (
        data.filter(|data| !data.is_empty()),
        file.filter(|file| !file.is_empty()),
    );
    match (data, file) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err("data and a file are both given, which kubectl refuses too: remove one".to_owned()),
        (Some(data), None) => {
            let decoded = pem::decode_base64(data.as_bytes()).ok_or("its data is not base64")?;
            Ok(Some(decoded))
        }
        (None, Some(file)) => match named_file(file) {
            Ok(content) => Ok(Some(content)),
            Err(why) => Err(format!("{}: {why}", untrusted(file))),
        },
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn a_pod_is_connected_by_its_service_account() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("token", "t"), ("ca.crt", "c"), ("namespace", "team\n")] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let env: Env = [
            ("KUBERNETES_SERVICE_HOST", "fd00::1"),
            ("KUBERNETES_SERVICE_PORT", "443"),
        ]
        .into_iter()
        .collect();
        let selection = in_cluster(&env, folder.path()).unwrap();
        assert_eq!(selection.namespace.as_str(), "team");
        assert_eq!(selection.cluster.server.as_deref(), Some("https://[fd00::1]:443"));
        assert!(in_cluster(&Env::default(), folder.path()).is_none());
        assert!(in_cluster(&env, &folder.path().join("none")).is_none());
    }

    #[test]
    fn a_server_without_a_scheme_has_no_tls() {
        let cluster = kube::config::Cluster {
            server: Some("api.example.com:6443".to_owned()),
            certificate_authority: Some("/etc/ca.pem".to_owned()),
            ..Default::default()
        };
        let server = server_url(&cluster).unwrap();
        assert_eq!(server.to_string(), "http://api.example.com:6443/");
    }

    #[test]
    fn nothing_of_a_credential_is_quoted() {
        let cluster = |data: &str| kube::config::Cluster {
            certificate_authority_data: Some(data.to_owned()),
            ..Default::default()
        };
        for data in [
            "s3cret!",
            &STANDARD.encode("s3cret"),
            &STANDARD.encode("-----BEGIN CERTIFICATE-----\ns3cret!\n-----END CERTIFICATE-----"),
        ] {
            let error = trust(&cluster(data)).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_without_an_end_is_not_read() {
        let why = material(None, Some("/dev/zero")).unwrap_err();
        assert!(why.starts_with("/dev/zero: "), "{why}");
    }
}
