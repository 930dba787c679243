//! Connecting as kubectl does, on the double; and what TLS has to do with it, on the real server.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred::cluster::{
    Cluster, ConnectOptions, Error, ExecError, Impersonate, Outcome, Over, SecretReader, SyncOptions, Wanted, block_on,
    observe, sync,
};
use regcred::model::Use;
use regcred::sys::env::Env;

use crate::support::api_server::{ADMIN_TOKEN, ApiServer, Fault};
use crate::support::control_plane::{self, ControlPlane};
use crate::support::parts::{API_SERVER, CONTROL_PLANE};
use crate::support::plane::{Plane, Who};
use crate::sync::library::{connected, gitea, target};

/// Looks for the Secret, which is a request and no more.
fn look(kubeconfig: &str, options: &ConnectOptions) -> Result<(), Error> {
    connected(kubeconfig, options, async |cluster| {
        observe(cluster, &target("default")).await.map(drop)
    })?
}

fn look_with(env: &Env) -> Result<(), Error> {
    block_on(async {
        let cluster = Cluster::connect(env, &ConnectOptions::default()).await?;
        observe(&cluster, &target("default")).await.map(drop)
    })
    .unwrap()
}

fn with_timeout(text: &str) -> ConnectOptions {
    ConnectOptions {
        request_timeout: text.parse().unwrap(),
        ..ConnectOptions::default()
    }
}

scenario!(we_name_ourselves_and_whom_we_act_as, on(API_SERVER));
fn we_name_ourselves_and_whom_we_act_as(double: &ApiServer) {
    let impersonate = Impersonate {
        user: Some("jane".into()),
        groups: vec!["a".into(), "b".into()],
        uid: Some("7".into()),
    };
    let options = ConnectOptions {
        impersonate,
        ..ConnectOptions::default()
    };
    connected(&double.kubeconfig(), &options, async |cluster| {
        assert_eq!(
            (cluster.context(), cluster.namespace().as_str()),
            ("double", "default"),
            "the empty namespace"
        );
        observe(cluster, &target("default")).await.unwrap();
    })
    .unwrap();
    let headers = &double.recorded()[0].headers;
    assert_eq!(
        headers["user-agent"],
        [format!("kubectl-regcred/{}", env!("CARGO_PKG_VERSION"))]
    );
    assert_eq!(
        (&headers["impersonate-user"][..], &headers["impersonate-uid"][..]),
        (&["jane".into()][..], &["7".into()][..])
    );
    assert_eq!(headers["impersonate-group"], ["a", "b"]);
    let group_alone = Impersonate {
        groups: vec!["a".into()],
        ..Impersonate::default()
    };
    let options = ConnectOptions {
        impersonate: group_alone,
        ..ConnectOptions::default()
    };
    assert!(matches!(
        look(&double.kubeconfig(), &options),
        Err(Error::Config { .. })
    ));
}

scenario!(files_of_kubeconfig_that_are_missing_are_skipped, on(API_SERVER));
fn files_of_kubeconfig_that_are_missing_are_skipped(double: &ApiServer) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("there");
    std::fs::write(&file, double.kubeconfig()).unwrap();
    let list = std::env::join_paths([Path::new("/nonexistent/config"), Path::new(""), &file]).unwrap();
    look_with(&[("KUBECONFIG", list)].into_iter().collect()).unwrap();
    let nowhere: Env = [("KUBECONFIG", "/nonexistent/config")].into_iter().collect();
    let error = look_with(&nowhere).unwrap_err();
    assert!(
        matches!(&error, Error::Kubeconfig(_))
            && error
                .to_string()
                .contains("none of the files that $KUBECONFIG names is there"),
        "{error}"
    );
}

/// A kubeconfig whose user runs `script` in a shell.
fn plugin(double: &ApiServer, folder: &Path, script: &str) -> String {
    let file = folder.join("plugin");
    std::fs::write(&file, script).unwrap();
    double.kubeconfig_for(&format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, provideClusterInfo: true, \
         command: /bin/sh, args: ['{}', '{}'], env: [{{name: OWN, value: entry}}]}}}}",
        file.display(),
        folder.display()
    ))
}

scenario!(the_plugin_runs_once_with_our_environment, on(API_SERVER));
fn the_plugin_runs_once_with_our_environment(double: &ApiServer) {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        r#"echo run >> "$1/runs"; /usr/bin/env > "$1/env"
printf '{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"{ADMIN_TOKEN}","expirationTimestamp":"2020-01-01T00:00:00Z"}}}}'"#
    );
    double.create_namespace("team");
    connected(
        &plugin(double, folder.path(), &script),
        &ConnectOptions::default(),
        async |cluster| {
            for token in ["one", "two"] {
                let credential = gitea(token);
                let wanted = [Wanted {
                    credential: &credential,
                    usage: Use::Cluster,
                    others: &[],
                    replaces: None,
                    over: Over::Anything,
                    writer: None,
                }];
                let synced = sync(
                    &SecretReader::new(cluster),
                    &target("team"),
                    None,
                    &wanted,
                    SyncOptions::default(),
                )
                .await
                .unwrap();
                assert_ne!(synced.outcome, Outcome::Unchanged);
            }
        },
    )
    .unwrap();
    assert_eq!(std::fs::read_to_string(folder.path().join("runs")).unwrap(), "run\n");
    let env = std::fs::read_to_string(folder.path().join("env")).unwrap();
    let names: Vec<_> = env
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .collect();
    assert!(
        names.contains(&"OWN") && names.contains(&"KUBECONFIG") && !names.contains(&"HOME"),
        "{names:?}"
    );
    let info = env
        .lines()
        .find_map(|line| line.strip_prefix("KUBERNETES_EXEC_INFO="))
        .unwrap();
    let info: serde_json::Value = serde_json::from_str(info).unwrap();
    assert_eq!(info["kind"], "ExecCredential");
    assert_eq!(info["spec"]["interactive"], false);
    assert_eq!(info["spec"]["cluster"]["server"], double.url());
}

scenario!(a_failing_plugin_is_not_quoted, on(API_SERVER));
fn a_failing_plugin_is_not_quoted(double: &ApiServer) {
    let folder = tempfile::tempdir().unwrap();
    for (script, what) in [
        ("echo s3cret; exit 3", "failed"),
        ("echo '{\"token\":\"s3cret\"}'", "did not print an ExecCredential"),
    ] {
        let error = look(&plugin(double, folder.path(), script), &ConnectOptions::default()).unwrap_err();
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert!(shown.contains(what) && !shown.contains("s3cret"), "{shown}");
    }
    assert!(double.recorded().is_empty(), "nothing was asked without a credential");
}

scenario!(a_missing_plugin_says_how_to_install_it, on(API_SERVER));
fn a_missing_plugin_says_how_to_install_it(double: &ApiServer) {
    let user = "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: no-such-plugin, installHint: 'brew install it'}}";
    let error = look(&double.kubeconfig_for(user), &ConnectOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Exec(ExecError::Start { .. })), "{error}");
    assert_eq!(error.hint().unwrap().to_string(), "brew install it");
}

/// A proxy for one connection, which reports what it was asked for.
fn proxy_to(double: &ApiServer) -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = double.url().trim_start_matches("http://").to_owned();
    let (report, asked) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap() == 1 {
            head.push(byte[0]);
        }
        report.send(String::from_utf8(head).unwrap()).unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let mut server = TcpStream::connect(server).unwrap();
        let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let up = std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
        let _ = std::io::copy(&mut server, &mut client);
        let _ = client.shutdown(std::net::Shutdown::Both);
        let _ = up.join();
    });
    (port, asked)
}

scenario!(a_proxy_of_the_kubeconfig_is_used, on(API_SERVER));
fn a_proxy_of_the_kubeconfig_is_used(double: &ApiServer) {
    let (port, asked) = proxy_to(double);
    let cluster = format!("server: 'http://api.invalid:6443', proxy-url: 'http://127.0.0.1:{port}'");
    let kubeconfig = double
        .kubeconfig()
        .replace(&format!("server: '{}'", double.url()), &cluster);
    // As kubectl, it sends no token to another machine without TLS: this server knows nobody else.
    look(&kubeconfig, &ConnectOptions::default()).unwrap_err();
    assert!(
        asked
            .recv()
            .unwrap()
            .starts_with("CONNECT api.invalid:6443 HTTP/1.1\r\n")
    );
    let recorded = double.recorded();
    assert_eq!(recorded.len(), 1);
    assert_eq!(recorded[0].headers.get("authorization"), None);
}

scenario!(loopback_needs_no_proxy, on(API_SERVER));
fn loopback_needs_no_proxy(double: &ApiServer) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    std::fs::write(&file, double.kubeconfig()).unwrap();
    let file = file.into_os_string();
    let env = |no_proxy: &str| -> Env {
        [
            ("KUBECONFIG", file.clone()),
            ("HTTP_PROXY", "http://192.0.2.1:1".into()),
            ("NO_PROXY", no_proxy.into()),
        ]
        .into_iter()
        .collect()
    };
    look_with(&env("")).unwrap();
    // kube would refuse this list.
    look_with(&env("a,,b,")).unwrap();
}

scenario!(a_busy_server_is_waited_for_a_little, on(API_SERVER));
fn a_busy_server_is_waited_for_a_little(double: &ApiServer) {
    double.fail(Fault::Status(429, Some(1)), 1);
    double.fail(Fault::Status(503, None), 1);
    look(&double.kubeconfig(), &ConnectOptions::default()).unwrap();
    let statuses: Vec<_> = double.recorded().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [429, 503, 404]);
}

scenario!(a_server_that_stays_busy_does_not_hang_us, on(API_SERVER));
fn a_server_that_stays_busy_does_not_hang_us(double: &ApiServer) {
    double.fail(Fault::Status(503, None), 1000);
    let error = look(&double.kubeconfig(), &ConnectOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Busy { status: 503, .. }), "{error}");
    assert_eq!(double.recorded().len(), 5);
}

scenario!(a_lost_connection_is_tried_again, on(API_SERVER));
fn a_lost_connection_is_tried_again(double: &ApiServer) {
    double.fail(Fault::Cut, 1);
    look(&double.kubeconfig(), &ConnectOptions::default()).unwrap();
    assert_eq!(double.recorded().len(), 2);
}

scenario!(a_server_that_hangs_is_left_in_time, on(API_SERVER));
fn a_server_that_hangs_is_left_in_time(double: &ApiServer) {
    double.fail(Fault::Hang, 1);
    let error = look(&double.kubeconfig(), &with_timeout("100ms")).unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert!(error.hint().unwrap().to_string().contains("--request-timeout"));
    assert_eq!(double.recorded().len(), 1, "it had its time");
}

scenario!(nobody_there_is_unreachable, on(API_SERVER));
fn nobody_there_is_unreachable(double: &ApiServer) {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let kubeconfig = double.kubeconfig().replace(&double.url(), &format!("http://{free}"));
    let error = look(&kubeconfig, &ConnectOptions::default()).unwrap_err();
    assert!(
        matches!(&error, Error::Unreachable { .. }) && error.is_about_the_cluster(),
        "{error}"
    );
    assert!(error.to_string().contains("refused"), "{error}");
}

scenario!(unknown_to_the_server, on(API_SERVER));
fn unknown_to_the_server(double: &ApiServer) {
    let error = look(&double.kubeconfig_for("{token: s3cret}"), &ConnectOptions::default()).unwrap_err();
    assert!(
        matches!(error, Error::Unauthorized { .. }) && !error.to_string().contains("s3cret"),
        "{error}"
    );
}

scenario!(a_server_error_is_shown, on(API_SERVER));
fn a_server_error_is_shown(double: &ApiServer) {
    double.fail(Fault::Status(500, None), 1);
    let error = look(&double.kubeconfig(), &ConnectOptions::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("answered HTTP 500: the double was told to misbehave"),
        "{error}"
    );
}

scenario!(another_ca_is_not_trusted, needs(CONTROL_PLANE));
fn another_ca_is_not_trusted() {
    let real = ControlPlane::shared();
    let key = rcgen::KeyPair::generate().unwrap();
    let other = rcgen::CertificateParams::new(Vec::new())
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("other.crt"), other.pem()).unwrap();
    let kubeconfig = Plane::Real(real).kubeconfig(Who::Admin);
    let ca = kubeconfig
        .split('\'')
        .find(|part| part.ends_with("ca.crt"))
        .unwrap()
        .to_owned();
    let kubeconfig = kubeconfig.replace(&ca, &folder.path().join("other.crt").display().to_string());
    let error = look(&kubeconfig, &ConnectOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error}");
}

/// What kubectl says with this kubeconfig, and what we say, each in one line.
fn both(kubeconfig: &str) -> (Result<(), String>, Result<(), Error>) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), kubeconfig).unwrap();
    let path = file.path().display().to_string();
    let arguments = [
        "get",
        "secret",
        "none",
        "--ignore-not-found",
        "-n",
        "default",
        "--kubeconfig",
        &path,
    ];
    let kubectl = ControlPlane::shared().kubectl(&arguments, "");
    let said = String::from_utf8_lossy(&kubectl.stderr).into_owned();
    let theirs = if kubectl.status.success() { Ok(()) } else { Err(said) };
    (theirs, look(kubeconfig, &ConnectOptions::default()))
}

/// A kubeconfig of this cluster and this user, each in YAML's flow style.
fn of(cluster: &str, user: &str) -> String {
    let server = ControlPlane::shared().address();
    format!(
        "apiVersion: v1
kind: Config
clusters:
- {{name: real, cluster: {{server: 'https://{server}', {cluster}}}}}
contexts:
- {{name: real, context: {{cluster: real, user: user}}}}
current-context: real
users:
- {{name: user, user: {{{user}}}}}
"
    )
}

scenario!(
    a_client_certificate_is_the_servers_to_judge,
    needs(CONTROL_PLANE, "openssl")
);
fn a_client_certificate_is_the_servers_to_judge() {
    let certificates = ControlPlane::shared().certificates();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let openssl = |arguments: &[&str]| {
        let output = std::process::Command::new("openssl").args(arguments).output().unwrap();
        assert!(output.status.success(), "openssl {arguments:?}: {output:?}");
    };
    let authority = certificates.join("ca.crt").display().to_string();
    let authority_key = certificates.join("ca.key").display().to_string();
    for (name, kind) in [
        ("rsa", ["RSA", "rsa_keygen_bits:2048"]),
        ("p256", ["EC", "ec_paramgen_curve:P-256"]),
        ("p521", ["EC", "ec_paramgen_curve:P-521"]),
    ] {
        let (key, request, certificate) = (file(&format!("{name}.key")), file("csr"), file(&format!("{name}.pem")));
        openssl(&["genpkey", "-algorithm", kind[0], "-pkeyopt", kind[1], "-out", &key]);
        let subject = "/O=system:masters/CN=someone";
        openssl(&["req", "-new", "-key", &key, "-subj", subject, "-out", &request]);
        // Without extensions it is of X.509 version 1, as some distributions of Kubernetes hand it out.
        openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &authority,
            "-CAkey",
            &authority_key,
            "-CAcreateserial",
            "-CAserial",
            &file("serial"),
            "-days",
            "2",
            "-out",
            &certificate,
        ]);
    }
    openssl(&[
        "rsa",
        "-in",
        &file("rsa.key"),
        "-traditional",
        "-out",
        &file("pkcs1.key"),
    ]);
    let pkcs1 = std::fs::read_to_string(file("pkcs1.key")).unwrap();
    std::fs::write(file("mislabelled.key"), pkcs1.replace("RSA PRIVATE KEY", "PRIVATE KEY")).unwrap();

    let cluster = format!("certificate-authority: '{authority}'");
    for (certificate, key) in [
        ("rsa.pem", "rsa.key"),
        ("rsa.pem", "pkcs1.key"),
        ("rsa.pem", "mislabelled.key"),
        ("p256.pem", "p256.key"),
    ] {
        let user = format!(
            "client-certificate: '{}', client-key: '{}'",
            file(certificate),
            file(key)
        );
        let (theirs, ours) = both(&of(&cluster, &user));
        assert_eq!(theirs, Ok(()), "{key}");
        ours.expect(key);
    }
    let user = format!(
        "client-certificate: '{}', client-key: '{}'",
        file("p521.pem"),
        file("p521.key")
    );
    let (theirs, ours) = both(&of(&cluster, &user));
    assert_eq!(theirs, Ok(()));
    let ours = ours.unwrap_err();
    assert!(ours.to_string().contains("P-521") && ours.hint().is_some(), "{ours}");
    // Somebody else's certificate: both are told by the server.
    let (other, other_key) = (file("other.pem"), file("other.key"));
    openssl(&[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        &other_key,
        "-subj",
        "/CN=other",
        "-out",
        &other,
    ]);
    let user = format!("client-certificate: '{other}', client-key: '{other_key}'");
    let (theirs, ours) = both(&of(&cluster, &user));
    assert!(theirs.is_err());
    assert!(matches!(ours, Err(Error::Unauthorized { .. })), "{ours:?}");
}

scenario!(authorities_are_kubectls, needs(CONTROL_PLANE));
fn authorities_are_kubectls() {
    let certificates = ControlPlane::shared().certificates();
    let read = |name: &str| std::fs::read(certificates.join(name)).unwrap();
    let user = format!("token: {}", control_plane::ADMIN_TOKEN);
    let encoded = STANDARD.encode(read("ca.crt"));
    let file = certificates.join("ca.crt").display().to_string();
    let lines: Vec<_> = encoded
        .as_bytes()
        .chunks(64)
        .map(|line| str::from_utf8(line).unwrap())
        .collect();
    let key = rcgen::KeyPair::generate().unwrap();
    let stranger = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let data = |text: &str| format!("certificate-authority-data: {text}");
    for (cluster, is_taken) in [
        (data(&encoded), true),
        (data(&format!("\"{}\\n\"", lines.join("\\n"))), true),
        (data(&format!("\"{}\"", lines.join(" "))), false),
        // The server's own certificate, which is no authority.
        (data(&STANDARD.encode(read("server.crt"))), true),
        (data(&STANDARD.encode(stranger.pem())), false),
        (data(&STANDARD.encode("nothing")), false),
        // Each is right, but kubectl wants one of them.
        (format!("{}, certificate-authority: '{file}'", data(&encoded)), false),
        (format!("{}, tls-server-name: other.example.com", data(&encoded)), false),
        ("insecure-skip-tls-verify: true".to_owned(), true),
    ] {
        let (theirs, ours) = both(&of(&cluster, &user));
        assert_eq!(theirs.is_ok(), is_taken, "kubectl: {cluster}: {theirs:?}");
        assert_eq!(ours.is_ok(), is_taken, "{cluster}: {ours:?}");
    }
}
