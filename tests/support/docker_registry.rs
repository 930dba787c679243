//! Debian's real `docker-registry`: with passwords, or as the store behind a Gitea.
//!
//! Gitea's tokens open its registry whatever scope a client asks for, which docker-registry's do not. So the Gitea double
//! is the one server that clients see: it judges every request by Gitea's rules, and hands on those that it lets pass
//! with a token of docker-registry's own kind, made for that one request.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::AUTHORIZATION;
use rcgen::{CertificateParams, KeyPair};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::json;
use tempfile::TempDir;

use super::forward::forward;
use super::gitea::Gitea;
use super::http::{Answer, Request};
use super::part::program;

/// The programs that this needs.
pub const PROGRAMS: [&str; 2] = ["docker-registry", "htpasswd"];

const ISSUER: &str = "gitea double";
const SERVICE: &str = "container_registry";

/// A running docker-registry.
pub struct DockerRegistry {
    child: Child,
    address: SocketAddr,
    /// Its images; they go with it.
    _folder: TempDir,
}

/// What signs the tokens that docker-registry takes.
struct Signer {
    key: EcdsaKeyPair,
    certificate: String,
}

impl DockerRegistry {
    /// One that asks for a user's password.
    #[must_use]
    pub fn with_password(user: &str, password: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("htpasswd");
        let mut child = Command::new(program("htpasswd").unwrap())
            .args(["-c", "-B", "-i"])
            .arg(&file)
            .arg(user)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        let auth = json!({"htpasswd": {"realm": "Registry", "path": file}});
        Self::start(folder, &auth)
    }

    /// One that keeps `gitea`'s images.
    #[must_use]
    pub fn behind(gitea: &Gitea) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let signer = Arc::new(Signer::new(&folder.path().join("root.pem")));
        let auth = json!({"token": {
            "realm": format!("http://{}/v2/token", gitea.registry()),
            "service": SERVICE, "issuer": ISSUER, "rootcertbundle": folder.path().join("root.pem"),
        }});
        let registry = Self::start(folder, &auth);
        let address = registry.address;
        gitea.state().upstream = Some(Arc::new(move |request, repository, actions| {
            let token = signer.token(&repository, &actions);
            Box::pin(with_token(address, request, token))
        }));
        registry
    }

    fn start(folder: TempDir, auth: &serde_json::Value) -> Self {
        let config = json!({
            "version": 0.1,
            "log": {"level": "info"},
            "storage": {"filesystem": {"rootdirectory": folder.path().join("images")}, "delete": {"enabled": true}},
            "http": {"addr": "127.0.0.1:0", "relativeurls": true},
            "auth": auth,
        });
        let file = folder.path().join("config.yml");
        // JSON is YAML.
        std::fs::write(&file, config.to_string()).unwrap();
        let mut child = Command::new(program("docker-registry").unwrap())
            .arg("serve")
            .arg(&file)
            .env_clear()
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (found, address) = mpsc::channel();
        // Reads the log to its end, so that the registry never waits for a reader.
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                let rest = line.split_once("listening on ").map(|(_, rest)| rest);
                let address = rest.and_then(|rest| rest.split(['"', ',', ' ']).next()?.parse().ok());
                if let Some(address) = address {
                    let _ = found.send(address);
                }
            }
        });
        match address.recv_timeout(Duration::from_secs(60)) {
            Ok(address) => Self {
                child,
                address,
                _folder: folder,
            },
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                panic!("docker-registry did not start: {error}");
            }
        }
    }

    /// `127.0.0.1:port`
    #[must_use]
    pub fn registry(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Signer {
    fn new(root: &Path) -> Self {
        let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = CertificateParams::default().self_signed(&pair).unwrap();
        std::fs::write(root, certificate.pem()).unwrap();
        let der = pair.serialize_der();
        Self {
            key: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &SystemRandom::new()).unwrap(),
            certificate: STANDARD.encode(certificate.der()),
        }
    }

    /// A token for one repository, for a minute.
    fn token(&self, repository: &str, actions: &[&str]) -> String {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let head = json!({"typ": "JWT", "alg": "ES256", "x5c": [self.certificate]});
        let claims = json!({
            "iss": ISSUER, "sub": "", "aud": SERVICE, "jti": "", "iat": now, "nbf": now - 10, "exp": now + 60,
            "access": [{"type": "repository", "name": repository, "actions": actions}],
        });
        let encoded = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encoded(&head), encoded(&claims));
        let signature = self.key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Asks docker-registry with a token of its own.
async fn with_token(to: SocketAddr, request: Request, token: String) -> Answer {
    match tokio::net::TcpStream::connect(to).await {
        Ok(stream) => forward(stream, request, (AUTHORIZATION, format!("Bearer {token}"))).await,
        Err(error) => Answer::text(502, &error.to_string()),
    }
}
