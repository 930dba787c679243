//! HTTP/2, where the API server speaks it: the real one does.

use std::collections::BTreeSet;
use std::process::{Command, Output, Stdio};

use hyper::Version;

use crate::support::PLUGIN;
use crate::support::api_server::{ApiServer, Fault, Recorded};
use crate::support::plane::SECRET;

const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";
const BOTH: [&str; 2] = ["h2", "http/1.1"];

fn namespaces() -> impl Iterator<Item = String> {
    (0..100).map(|number| format!("ns-{number}"))
}

/// What `sync` does with all of them.
fn sync(server: &ApiServer, variables: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    std::fs::write(&file, server.kubeconfig()).unwrap();
    namespaces().for_each(|name| server.create_namespace(&name));
    Command::new(PLUGIN)
        .env_clear()
        .env("HOME", folder.path())
        .env("KUBECONFIG", file)
        .env("THE_TOKEN", TOKEN)
        .envs(variables.iter().copied())
        .args("sync --no-verify --registry gitea.example.com -u admin --token-env THE_TOKEN".split(' '))
        .args(namespaces().flat_map(|name| ["-n".to_owned(), name]))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Every Secret is there, written once. Gives the versions that were spoken, and the connections.
fn assert_synced(server: &ApiServer, synced: &Output) -> (BTreeSet<String>, BTreeSet<usize>) {
    assert!(synced.status.success(), "{synced:?}");
    let asked = server.recorded();
    for name in namespaces() {
        assert!(server.secret(&name, SECRET).is_some(), "{name}");
        let path = format!("/api/v1/namespaces/{name}/secrets");
        let is_write = |asked: &&Recorded| asked.method != "GET" && asked.path == path && asked.status != 0;
        let writes = asked.iter().filter(is_write);
        assert_eq!(writes.count(), 1, "{name}");
    }
    let versions = asked.iter().map(|asked| format!("{:?}", asked.version));
    (versions.collect(), asked.iter().map(|asked| asked.connection).collect())
}

fn only(version: Version) -> BTreeSet<String> {
    BTreeSet::from([format!("{version:?}")])
}

scenario!(all_requests_take_one_connection);
fn all_requests_take_one_connection() {
    let server = ApiServer::start_tls(&BOTH);
    let (versions, connections) = assert_synced(&server, &sync(&server, &[]));
    assert_eq!((versions, connections.len()), (only(Version::HTTP_2), 1));
}

scenario!(a_server_without_it_is_asked_in_http_1);
fn a_server_without_it_is_asked_in_http_1() {
    for protocols in [&[][..], &["http/1.1"]] {
        let server = ApiServer::start_tls(protocols);
        let (versions, _) = assert_synced(&server, &sync(&server, &[]));
        assert_eq!(versions, only(Version::HTTP_11), "{protocols:?}");
    }
}

scenario!(it_can_be_switched_off_as_kubectls);
fn it_can_be_switched_off_as_kubectls() {
    let server = ApiServer::start_tls(&BOTH);
    let (versions, _) = assert_synced(&server, &sync(&server, &[("DISABLE_HTTP2", "1")]));
    assert_eq!(versions, only(Version::HTTP_11));
    let server = ApiServer::start_tls(&BOTH);
    let (versions, _) = assert_synced(&server, &sync(&server, &[("DISABLE_HTTP2", "")]));
    assert_eq!(versions, only(Version::HTTP_2));
}

scenario!(a_connection_that_the_server_ends_is_made_anew);
/// As `--goaway-chance` and a load balancer do it: nothing is lost, and nothing written twice.
fn a_connection_that_the_server_ends_is_made_anew() {
    let server = ApiServer::start_tls(&BOTH);
    server.end_connections_after(2);
    let (_, connections) = assert_synced(&server, &sync(&server, &[]));
    assert!(connections.len() > 1, "{connections:?}");
}

scenario!(a_request_that_was_not_looked_at_is_sent_again);
/// Even one that creates something, which is not sent again after any other failure.
fn a_request_that_was_not_looked_at_is_sent_again() {
    let server = ApiServer::start_tls(&BOTH);
    server.fail_after(50, Fault::Refuse, 5);
    let synced = sync(&server, &[]);
    assert_synced(&server, &synced);
    let asked = server.recorded().into_iter();
    let refused: Vec<_> = asked
        .filter(|asked| asked.status == 0)
        .map(|asked| asked.method)
        .collect();
    assert_eq!(refused, ["POST"; 5]);
}
