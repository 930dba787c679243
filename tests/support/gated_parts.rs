//! Real parts behind a gate: proxies before the API server and the session bus, which a program can be killed at.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::Method;
use http::header::HOST;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::forward::forward;
use super::gate::Gate;
use super::http::{Answer, Request, Server};

/// The methods of the Secret Service that put something into a keychain.
const WRITES: [&[u8]; 2] = [b"SetSecret", b"CreateItem"];

/// Plain http before an API server with TLS. Every write crosses the gate. It reads answers whole, so it carries no watch.
pub fn before_api_server(to: SocketAddr, authority: &Path, gate: &Gate) -> Server {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (tls, gate) = (TlsConnector::from(Arc::new(config)), gate.clone());
    Server::serve(
        Arc::new(move |request| {
            let (tls, gate) = (tls.clone(), gate.clone());
            Box::pin(async move {
                let what = format!("{} {}", request.method, request.path);
                let is_write = request.method != Method::GET;
                let passes = if is_write {
                    gate.pass(|| format!("before {what}")).await
                } else {
                    gate.glance(&what).await
                };
                if gate.is_cut_off() {
                    std::future::pending::<()>().await;
                }
                if !passes {
                    return Answer::none();
                }
                let answer = over_tls(to, &tls, request).await;
                if gate.is_cut_off() {
                    std::future::pending::<()>().await;
                }
                if is_write && !gate.pass(|| format!("after {what}")).await {
                    return Answer::none();
                }
                answer
            })
        }),
        None,
    )
}

async fn over_tls(to: SocketAddr, tls: &TlsConnector, request: Request) -> Answer {
    let connect = async {
        let stream = tokio::net::TcpStream::connect(to).await?;
        tls.connect(ServerName::from(to.ip()), stream).await
    };
    match connect.await {
        Ok(stream) => forward(stream, request, (HOST, to.to_string())).await,
        Err(_) => Answer::none(),
    }
}

/// A socket before the session bus. Every write to a keychain crosses the gate. It ends with the process.
pub fn before_bus(bus: &Path, gate: &Gate) -> PathBuf {
    let path = bus.with_file_name("gated-bus");
    let listener = UnixListener::bind(&path).unwrap();
    let (bus, gate) = (bus.to_owned(), gate.clone());
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            // The bus is gone when its test is over.
            let Ok(service) = UnixStream::connect(&bus) else { return };
            carry(client, service, &gate);
        }
    });
    path
}

/// Both directions of one connection, a thread each.
fn carry(client: UnixStream, service: UnixStream, gate: &Gate) {
    let is_written = Arc::new(AtomicBool::new(false));
    let (mut from, mut to) = (client.try_clone().unwrap(), service.try_clone().unwrap());
    let (waits, calls) = (is_written.clone(), gate.clone());
    std::thread::spawn(move || {
        copy(&mut from, &mut to, |bytes| {
            let is_write = WRITES
                .iter()
                .any(|name| bytes.windows(name.len()).any(|window| window == *name));
            // Set before the call is on its way, so that no answer to it is missed.
            waits.fetch_or(is_write, Ordering::SeqCst);
            let stopped = if is_write {
                calls.cross(|| "before keychain write".to_owned())
            } else {
                calls.look()
            };
            stopped.is_none()
        });
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
    let (mut from, mut to, answers) = (service, client, gate.clone());
    std::thread::spawn(move || {
        copy(&mut from, &mut to, |_| {
            let stopped = if is_written.swap(false, Ordering::SeqCst) {
                answers.cross(|| "after keychain write".to_owned())
            } else {
                answers.look()
            };
            stopped.is_none()
        });
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}

/// Hands on what `may_pass`; from the first that may not, nothing more, with both ends open until the program is dead.
fn copy(from: &mut UnixStream, to: &mut UnixStream, mut may_pass: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 256 * 1024];
    let mut passes = true;
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        passes = passes && may_pass(&buffer[..length]);
        if passes && to.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}
