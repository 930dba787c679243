//! Proxies, base64 and the kubeconfig.

use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use regcred::cluster::{Cluster, ConnectOptions, block_on};
use regcred::sys::env::Env;
use regcred::sys::proxy::proxy_for;
use regcred::tls::pem;
use serde_json::json;

use crate::support::oracle::{ask, assert_none, bytes_of, generated};
use crate::support::parts::ORACLE;

scenario!(base64, needs(ORACLE));
fn base64() {
    let pieces = select(vec![
        "YWJj", "YW", "Y", "=", "==", "\n", "\r\n", " ", "+/", "-_", "Zh", "\t", "é", "A",
    ]);
    let mut texts: Vec<String> = generated(&vec(pieces, 0..8).prop_map(|pieces| pieces.concat()));
    texts.extend(["", "YQ==", "YR==", "YQ=\n=", "YQ==\n", "YQ==YQ==", "YWI=", "YWJ="].map(str::to_owned));
    let questions: Vec<_> = texts
        .iter()
        .map(|text| json!({"ask": "base64", "text": text, "padded": true}))
        .collect();
    let differences = texts.iter().zip(ask(&questions)).filter_map(|(text, go)| {
        let go = go.ok().map(|answer| bytes_of(&answer["bytes"]));
        let ours = pem::decode_base64(text.as_bytes()).map(|bytes| bytes.to_vec());
        (ours != go).then(|| format!("{text:?}: Go {go:?}, ours {ours:?}"))
    });
    assert_none(texts.len(), differences.collect());
}

scenario!(proxies, needs(ORACLE));
fn proxies() {
    let servers = select(vec![
        "https://api.example.com:6443",
        "https://API.example.com",
        "http://api.example.com",
        "https://example.com",
        "https://10.1.2.3:6443",
        "https://[fd00::1]:6443",
        "https://localhost:6443",
        "https://127.0.0.1",
        "http://[::1]:80",
    ]);
    let urls = || {
        option::of(select(vec![
            "",
            "p.example:3128",
            "p.example",
            "http://p.example:3128",
            "http://user:pass@p.example:3128/",
            "https://p.example",
            "socks5://p.example",
            "socks5h://p.example:9",
            "HTTP://p.example:1",
            "ftp://p.example",
            "http://",
            "10.0.0.1:8080",
            "http://[fd00::2]:3128",
        ]))
    };
    let entry = select(vec![
        "*",
        "example.com",
        ".example.com",
        "*.example.com",
        "api.example.com:6443",
        "api.example.com:443",
        "API.EXAMPLE.COM",
        " example.com ",
        "10.0.0.0/8",
        "10.1.2.3",
        "10.1.2.3:6443",
        "10.1.2.3:1",
        "fd00::/8",
        "fd00::1",
        "[fd00::1]:6443",
        "[fd00::1]",
        "",
        "notexample.com",
        "example.com:",
        ":6443",
        "10.0.0.0/33",
    ]);
    let no_proxy = vec(entry, 0..4).prop_map(|entries| entries.join(","));
    let inputs = generated(&(servers, urls(), urls(), no_proxy));
    let questions: Vec<_> = inputs
        .iter()
        .map(|(server, http, https, no_proxy)| {
            json!({
                "ask": "proxy", "server": server, "http_proxy": http.unwrap_or_default(),
                "https_proxy": https.unwrap_or_default(), "no_proxy": no_proxy
            })
        })
        .collect();
    let differences = inputs
        .iter()
        .zip(ask(&questions))
        .filter_map(|((server, http, https, no_proxy), go)| {
            let env: Env = [
                ("HTTP_PROXY", http.unwrap_or_default()),
                ("HTTPS_PROXY", https.unwrap_or_default()),
                ("NO_PROXY", no_proxy),
            ]
            .into_iter()
            .collect();
            let go = go.ok().and_then(|answer| {
                let text = |name: &str| answer[name].as_str().unwrap().to_owned();
                let scheme = text("scheme");
                if text("host") == "http" {
                    // Not as Go, which reads `http://` as `http://http://`: a proxy named http. Ours says that it has no host.
                    return None;
                }
                let port = match (scheme.as_str(), text("port").as_str()) {
                    ("socks5" | "socks5h", "") => "1080".to_owned(),
                    (_, port) => port.to_owned(),
                };
                Some((scheme.replace("socks5h", "socks5"), text("host"), port))
            });
            let ours = proxy_for(&server.parse().unwrap(), None, &env).ok().map(|proxy| {
                proxy.map_or_else(Default::default, |proxy| {
                    let host = proxy.host().unwrap().trim_matches(['[', ']']).to_owned();
                    let port = proxy.port().map_or_else(String::new, |port| port.as_str().to_owned());
                    (proxy.scheme_str().unwrap().to_owned(), host, port)
                })
            });
            (ours != go)
                .then(|| format!("{server} http={http:?} https={https:?} no={no_proxy:?}: Go {go:?}, ours {ours:?}"))
        });
    assert_none(inputs.len(), differences.collect());
}

scenario!(kubeconfig, needs(ORACLE));
/// A kubeconfig of one context, out of lines that are there or not. The certificates are judged elsewhere.
fn kubeconfig() {
    let cluster = vec(
        select(vec![
            "server: https://api.example.com:6443",
            "server: api.example.com",
            "server: ''",
            "insecure-skip-tls-verify: true",
            "tls-server-name: other.example.com",
            "proxy-url: http://proxy.example.com:3128",
            "proxy-url: proxy.example.com:3128",
            "proxy-url: socks5://proxy.example.com",
            "proxy-url: socks5h://proxy.example.com",
            "proxy-url: ''",
            "certificate-authority: /nonexistent/ca.pem",
            "certificate-authority-data: '!'",
            "unknown: x",
        ]),
        0..4,
    );
    let user = vec(
        select(vec![
            "token: t",
            "token: ''",
            "username: u",
            "password: p",
            "client-certificate: /nonexistent/cert.pem",
            "client-key: /nonexistent/key.pem",
            "client-certificate-data: '!'",
            "tokenFile: /nonexistent/token",
        ]),
        0..3,
    );
    let namespace = select(vec!["", "namespace: team", "namespace: ''"]);
    let folder = tempfile::tempdir().unwrap();
    let mut inputs = Vec::new();
    for (at, (mut cluster, mut user, namespace)) in generated(&(cluster, user, namespace)).into_iter().enumerate() {
        let key = |line: &&str| line.split(':').next().unwrap().to_owned();
        // A key that stands twice is another comparison's.
        cluster.sort_unstable_by_key(key);
        cluster.dedup_by_key(|line| key(&&**line));
        user.sort_unstable_by_key(key);
        user.dedup_by_key(|line| key(&&**line));
        let mut text =
            "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts:\n- name: c\n  context:\n".to_owned();
        let _ = writeln!(
            text,
            "    cluster: k\n    user: u\n    {namespace}\nclusters:\n- name: k\n  cluster:"
        );
        let lines = |lines: &[&str]| match lines {
            [] => "    {}\n".to_owned(),
            lines => lines
                .iter()
                .fold(String::new(), |text, line| text + "    " + line + "\n"),
        };
        let _ = write!(text, "{}users:\n- name: u\n  user:\n{}", lines(&cluster), lines(&user));
        let file = folder.path().join(at.to_string());
        std::fs::write(&file, &text).unwrap();
        inputs.push((text, file));
    }
    let questions: Vec<_> = inputs
        .iter()
        .map(|(_, file)| json!({"ask": "kubeconfig", "files": [file]}))
        .collect();
    let differences = inputs.iter().zip(ask(&questions)).filter_map(|((text, file), go)| {
        let options = ConnectOptions {
            kubeconfig: Some(file.clone()),
            ..ConnectOptions::default()
        };
        let ours = block_on(Cluster::connect(&Env::default(), &options)).unwrap();
        let seen = ours.as_ref().ok().map(|cluster| cluster.namespace().to_string());
        let expected = go
            .as_ref()
            .ok()
            .map(|answer| answer["namespace"].as_str().unwrap().to_owned());
        let ours = ours
            .map(|cluster| cluster.server().to_owned())
            .map_err(|error| error.to_string());
        (seen != expected).then(|| format!("{text}  Go {go:?}\n  ours {ours:?} {seen:?}"))
    });
    assert_none(inputs.len(), differences.collect());
}
