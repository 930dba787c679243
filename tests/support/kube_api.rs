//! Requests to a real API server as its administrator. kubectl would do as well, but takes ten times as long to start as the
//! server takes to answer.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::control_plane::ADMIN_TOKEN;

/// What the body of a request is.
pub enum Body<'a> {
    None,
    New(&'a Value),
    /// RFC 7386.
    MergePatch(&'a Value),
    /// Server-side apply.
    Apply(&'a Value),
}

/// A client of one API server.
pub struct KubeApi {
    runtime: Runtime,
    connector: TlsConnector,
    address: SocketAddr,
}

impl KubeApi {
    /// Of the server there, whose certificate this authority has signed. Sends nothing yet.
    pub fn new(address: SocketAddr, authority: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
        let config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            runtime: Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap(),
            connector: TlsConnector::from(Arc::new(config)),
            address,
        }
    }

    /// The answer, which has to be well.
    pub fn ask(&self, method: &Method, path: &str, body: &Body<'_>) -> Value {
        let (status, answer) = self.answer(method, path, body);
        assert!(status.is_success(), "{method} {path}: {answer}");
        answer
    }

    /// An object or a list; `None` where there is none.
    pub fn get(&self, path: &str) -> Option<Value> {
        let (status, answer) = self.answer(&Method::GET, path, &Body::None);
        assert!(
            status.is_success() || status == StatusCode::NOT_FOUND,
            "{path}: {answer}"
        );
        status.is_success().then_some(answer)
    }

    fn answer(&self, method: &Method, path: &str, body: &Body<'_>) -> (StatusCode, Value) {
        let (kind, body) = match *body {
            Body::None => ("application/json", String::new()),
            Body::New(body) => ("application/json", body.to_string()),
            Body::MergePatch(change) => ("application/merge-patch+json", change.to_string()),
            Body::Apply(object) => ("application/apply-patch+yaml", object.to_string()),
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.address.to_string())
            .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
            .header("user-agent", "tests")
            .header("content-type", kind)
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        self.runtime.block_on(async {
            let stream = TcpStream::connect(self.address).await.unwrap();
            let name = ServerName::from(self.address.ip());
            let stream = self.connector.connect(name, stream).await.unwrap();
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
            let connection = tokio::spawn(connection);
            let answer = sender.send_request(request).await.unwrap();
            let status = answer.status();
            let bytes = answer.into_body().collect().await.unwrap().to_bytes();
            drop(sender);
            // The server may end it in its own way.
            let _ = connection.await;
            (status, serde_json::from_slice(&bytes).unwrap_or_default())
        })
    }
}

/// Where the objects of a kind are, named as kubectl has it: in a namespace, in the singular too. `None` for a kind that only
/// kubectl knows to find.
pub fn path(resource: &str, namespace: &str) -> Option<String> {
    let plural = resource.strip_suffix('s').unwrap_or(resource).to_owned() + "s";
    let group = match plural.as_str() {
        "configmaps" | "events" | "pods" | "secrets" | "serviceaccounts" => "api/v1",
        "daemonsets" | "deployments" | "replicasets" | "statefulsets" => "apis/apps/v1",
        "cronjobs" | "jobs" => "apis/batch/v1",
        _ => return None,
    };
    Some(format!("/{group}/namespaces/{namespace}/{plural}"))
}
