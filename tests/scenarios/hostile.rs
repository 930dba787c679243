//! Peers that lie, stall, flood and lead elsewhere: a registry, its token server, an API server and a Secret Service.
//! docs/hostile.md shows the same tables, and one scenario compares them.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use regcred::registry::{Options, verify};
use regcred::sys::env::Env;
use serde_json::json;

use crate::helper::ask;
use crate::support::fake_secrets::{Behaviour, FakeSecrets};
use crate::support::frames::{
    CONTINUATION, DATA, EARLY_HINTS, END_HEADERS, GOAWAY, HEADERS, OK_JSON, PING, REFUSED_STREAM, RST_STREAM, SETTINGS,
    frame,
};
use crate::support::http::{self, Answer};
use crate::support::part::until;
use crate::support::raw::{Peer, RawServer};
use crate::support::tls::{Authority, Valid};
use crate::support::world::credential;
use crate::support::{HELPER, PLUGIN};

const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";
/// How long a request may take here.
const LIMIT: Duration = Duration::from_secs(3);
/// How much of a flood is taken, with what lies in the system's buffers. Of an API server, whose lists are longer, more.
const TAKEN: [u64; 2] = [16 << 20, 160 << 20];

/// 300 MB of nothing.
static PACKED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..300 {
        std::io::Write::write_all(&mut packed, &[b' '; 1 << 20]).unwrap();
    }
    packed.finish().unwrap()
});

/// What a server on HTTP does, given the request's head and the address of somebody else.
type Play = fn(&str, &mut Peer<'_>, &str);

/// A row of the table: what it does, and what regcred says if a registry, its token server or an API server does it.
struct Row {
    does: &'static str,
    play: Play,
    says: [&'static str; 3],
}

const ROWS: [Row; 16] = [
    Row {
        does: "says nothing",
        play: |_, peer, _| peer.hold(),
        says: [
            "did not answer within",
            "did not answer within",
            "did not answer within",
        ],
    },
    Row {
        does: "says half of a header, and then nothing",
        play: |_, peer, _| {
            peer.send("HTTP/1.1 200 OK\r\nContent-Ty");
            peer.hold();
        },
        says: [
            "did not answer within",
            "did not answer within",
            "did not answer within",
        ],
    },
    Row {
        does: "says half of a body, and then nothing",
        play: |_, peer, _| {
            peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
            peer.hold();
        },
        says: [
            "did not answer within",
            "did not answer within",
            "did not answer within",
        ],
    },
    Row {
        does: "sends a header byte by byte, without end",
        play: |_, peer, _| {
            peer.send("HTTP/1.1 200 OK\r\nX: ");
            peer.drip("a");
        },
        says: [
            "did not answer within",
            "did not answer within",
            "did not answer within",
        ],
    },
    Row {
        does: "sends a body byte by byte, without end",
        play: |_, peer, _| {
            peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
            peer.drip(" ");
        },
        says: [
            "did not answer within",
            "did not answer within",
            "did not answer within",
        ],
    },
    Row {
        does: "sends interim responses without end",
        play: |_, peer, _| peer.flood("HTTP/1.1 103 Early Hints\r\n\r\n"),
        says: ["is too large", "is too large", "did not answer within"],
    },
    Row {
        does: "sends one header of 100 MB",
        play: |_, peer, _| {
            peer.send("HTTP/1.1 200 OK\r\nX: ");
            peer.flood("aaaaaaaa");
        },
        says: ["is too large", "is too large", "cannot reach the API server"],
    },
    Row {
        does: "sends 100 MB of headers",
        play: |_, peer, _| {
            peer.send("HTTP/1.1 200 OK\r\n");
            peer.flood("X-More: of it\r\n");
        },
        says: ["too many headers", "too many headers", "cannot reach the API server"],
    },
    Row {
        does: "sends a body without end",
        play: |_, peer, _| {
            peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
            peer.flood("        ");
        },
        says: ["is too large", "is too large", "cannot be read / did not answer within"],
    },
    Row {
        does: "sends a compressed body that unpacks without end",
        play: |_, peer, _| {
            peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\r\n");
            peer.send(&*PACKED);
        },
        says: [
            "is not a container registry",
            "gave an invalid answer",
            "it is too long",
        ],
    },
    Row {
        does: "hangs up in the middle",
        play: |_, peer, _| {
            peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
        },
        says: [
            "closed the connection",
            "closed the connection",
            "cannot reach the API server",
        ],
    },
    Row {
        does: "speaks something else than HTTP",
        play: |_, peer, _| {
            peer.send("SSH-2.0-OpenSSH_9.2\r\n");
        },
        says: [
            "does not answer in HTTP",
            "does not answer in HTTP",
            "cannot reach the API server",
        ],
    },
    Row {
        does: "redirects elsewhere",
        play: |_, peer, thief| {
            let to = format!("Location: http://{thief}/v2/");
            peer.send(format!(
                "HTTP/1.1 307 Temporary Redirect\r\n{to}\r\nContent-Length: 0\r\n\r\n"
            ));
        },
        says: ["where no credential is sent", "where no credential is sent", "307"],
    },
    Row {
        does: "names a token server elsewhere",
        play: |_, peer, thief| {
            let realm = format!("WWW-Authenticate: Bearer realm=\"http://{thief}/token\",service=\"x\"");
            peer.send(format!(
                "HTTP/1.1 401 Unauthorized\r\n{realm}\r\nContent-Length: 0\r\n\r\n"
            ));
        },
        says: [
            "which is not its own address",
            "does not accept the token",
            "does not accept the kubeconfig's credentials",
        ],
    },
    Row {
        does: "answers with escape sequences",
        play: |head, peer, _| {
            said(
                head,
                peer,
                "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{202e}no\r\nerror: all is well",
            );
        },
        says: ["does not accept the token", "does not accept the token", "403"],
    },
    Row {
        does: "says what it got",
        play: |head, peer, _| said(head, peer, head),
        says: ["does not accept the token", "does not accept the token", "403"],
    },
];

/// Refuses a request that shows a credential with this text; asks any other for one.
fn said(head: &str, peer: &mut Peer<'_>, text: &str) {
    if head.to_ascii_lowercase().contains("\nauthorization:") {
        let length = text.len();
        let kind = "Content-Type: text/plain; charset=utf-8";
        peer.send(format!(
            "HTTP/1.1 403 Forbidden\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{text}"
        ));
    } else {
        peer.send("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n");
    }
}

/// Somebody who would like to have the token.
fn thief() -> http::Server {
    http::Server::start(|_| Answer::json(200, &json!({"token": "thanks", "kind": "Status"})))
}

/// What is shown: what was expected, or one of several that a `/` parts where it is a question of speed, and neither the token nor anything that moves the cursor.
fn assert_shown(row: &str, shown: &str, says: &str) {
    assert!(says.split(" / ").any(|says| shown.contains(says)), "{row}: {shown}");
    assert!(!shown.contains(&TOKEN[..12]), "{row}: the token is in {shown}");
    assert!(
        !shown.contains(credential("x.example.com", "admin", TOKEN).basic().as_str()),
        "{row}: {shown}"
    );
    let lines = shown.split('\n');
    for line in lines {
        assert!(!regcred::model::has_control(line), "{row}: {line:?}");
        assert!(line.chars().count() < 1000, "{row}: {line}");
    }
}

/// Each row in a thread of its own: most of them wait.
fn every_row(check: impl Fn(&Row) + Sync) {
    LazyLock::force(&PACKED);
    std::thread::scope(|scope| {
        let check = &check;
        let rows: Vec<_> = ROWS.iter().map(|row| scope.spawn(move || check(row))).collect();
        for row in rows {
            if let Err(panic) = row.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

fn options() -> Options {
    Options {
        timeout: LIMIT,
        plain_http: true,
        ..Options::default()
    }
}

fn asked(registry: &str) -> String {
    let error = verify(&credential(registry, "admin", TOKEN), &options(), &Env::default()).unwrap_err();
    format!("{error}\n{}", error.hint().unwrap_or_default())
}

scenario!(a_registry);
fn a_registry() {
    every_row(|row| {
        let thief = thief();
        let (play, elsewhere) = (row.play, thief.registry());
        let server = RawServer::start(Arc::new(move |head, peer| play(head, peer, &elsewhere)));
        assert_shown(row.does, &asked(&server.address()), row.says[0]);
        assert_eq!(thief.seen(), [], "{}", row.does);
        assert!(server.taken() < TAKEN[0], "{}: {}", row.does, server.taken());
    });
}

scenario!(its_token_server);
fn its_token_server() {
    every_row(|row| {
        let thief = thief();
        let (play, elsewhere) = (row.play, thief.registry());
        let server = RawServer::start(Arc::new(move |head, peer| {
            if head.starts_with("GET /token") {
                return play(head, peer, &elsewhere);
            }
            let host = head
                .lines()
                .find_map(|line| line.strip_prefix("host: ").or(line.strip_prefix("Host: ")));
            let realm = format!("Bearer realm=\"http://{}/token\",service=\"x\"", host.unwrap());
            peer.send(format!(
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {realm}\r\nContent-Length: 0\r\n\r\n"
            ));
        }));
        assert_shown(row.does, &asked(&server.address()), row.says[1]);
        assert_eq!(thief.seen(), [], "{}", row.does);
        assert!(server.taken() < TAKEN[0], "{}: {}", row.does, server.taken());
    });
}

/// A kubeconfig for this server.
fn kubeconfig(cluster: &str) -> String {
    format!(
        "{{clusters: [{{name: c, cluster: {cluster}}}], users: [{{name: u, user: {{token: {TOKEN}}}}}], \
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}], current-context: c}}"
    )
}

/// What `sync` shows, which fails.
fn synced(cluster: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    std::fs::write(&file, kubeconfig(cluster)).unwrap();
    let mut command = Command::new(PLUGIN);
    command
        .env_clear()
        .env("HOME", folder.path())
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("KUBECONFIG", file)
        .env("THE_TOKEN", TOKEN)
        .args("sync --no-verify --registry gitea.example.com -u admin --token-env THE_TOKEN -n team".split(' '))
        .arg(format!("--request-timeout={}", LIMIT.as_secs()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    until("sync has ended", || child.try_wait().unwrap().is_some());
    let output = child.wait_with_output().unwrap();
    let shown = format!(
        "{}{}",
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap()
    );
    assert_eq!(output.status.code(), Some(1), "{shown}");
    shown
}

scenario!(an_api_server);
fn an_api_server() {
    every_row(|row| {
        let thief = thief();
        let (play, elsewhere) = (row.play, thief.registry());
        let server = RawServer::start(Arc::new(move |head, peer| play(head, peer, &elsewhere)));
        let shown = synced(&format!("{{server: 'http://{}'}}", server.address()));
        assert_shown(row.does, &shown, row.says[2]);
        assert_eq!(thief.seen(), [], "{}", row.does);
        assert!(server.taken() < TAKEN[1], "{}: {}", row.does, server.taken());
        assert!(
            server.heads().len() <= 10,
            "{}: {} requests",
            row.does,
            server.heads().len()
        );
    });
}

scenario!(one_whose_list_never_ends);
/// Every page has another continue token, and no object.
fn one_whose_list_never_ends() {
    let count = AtomicUsize::new(0);
    let server = http::Server::start(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        let page = json!({
            "kind": "SecretList", "apiVersion": "v1", "items": [],
            "metadata": {"continue": format!("token-{number}"), "resourceVersion": "1"},
        });
        Answer::json(200, &page)
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    std::fs::write(
        &file,
        kubeconfig(&format!("{{server: 'http://{}'}}", server.registry())),
    )
    .unwrap();
    let output = Command::new(PLUGIN)
        .env_clear()
        .env("HOME", folder.path())
        .env("KUBECONFIG", file)
        .env("THE_TOKEN", TOKEN)
        .args("sync --no-verify --registry gitea.example.com -u admin --token-env THE_TOKEN -A".split(' '))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stderr).unwrap();
    assert_shown("a list without end", &shown, "it does not end");
    assert_eq!(output.status.code(), Some(1));
}

scenario!(from_https_to_http);
/// The last row: whoever is asked over https gets nothing over http.
fn from_https_to_http() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let ca = authority.write_to(folder.path());
    let thief = thief();
    let away = format!("http://{}/", thief.registry());
    let tls = |answer: Answer| {
        let acceptor = authority.server(&["127.0.0.1"], Valid::Now);
        http::Server::start_tls(acceptor, move |_| answer.clone())
    };
    let options = Options {
        ca_file: Some(ca.clone().into()),
        timeout: LIMIT,
        ..Options::default()
    };
    let realm = format!("Bearer realm=\"{away}token\",service=\"x\"");
    let own = tls(Answer::redirect(&away));
    for (server, says) in [
        (&own, DOWNGRADE[0]),
        (&tls(Answer::empty(401).with("www-authenticate", &realm)), DOWNGRADE[1]),
    ] {
        let error = verify(
            &credential(&server.registry(), "admin", TOKEN),
            &options,
            &Env::default(),
        )
        .unwrap_err();
        assert_shown("downgrade", &error.to_string(), says);
        assert!(!server.received(TOKEN));
    }
    let shown = synced(&format!(
        "{{server: 'https://{}', certificate-authority: '{}'}}",
        own.registry(),
        ca.display()
    ));
    assert_shown("downgrade", &shown, DOWNGRADE[2]);
    assert_eq!(thief.seen(), []);
}

const DOES_DOWNGRADE: &str = "leads from https to http";
const DOWNGRADE: [&str; 3] = ["where no credential is sent", "over plain http", "307"];

/// What a server does that has agreed on HTTP/2, once it was asked.
type PlayFrames = fn(&mut Peer<'_>, u32);

/// A row of the table of HTTP/2: what an API server does, and what regcred says.
const FRAMES: [(&str, PlayFrames, &str); 12] = [
    ("answers no request", |peer, _| peer.hold(), "did not answer within"),
    (
        "says half of a body, and then nothing",
        |peer, stream| {
            peer.send(frame(HEADERS, END_HEADERS, stream, OK_JSON));
            peer.send(frame(DATA, 0, stream, b"{"));
            peer.hold();
        },
        "did not answer within",
    ),
    (
        "pings without end",
        |peer, _| peer.flood(frame(PING, 0, 0, &[0; 8])),
        "did not answer within",
    ),
    (
        "changes its settings without end",
        |peer, _| peer.flood(frame(SETTINGS, 0, 0, &[])),
        "did not answer within",
    ),
    (
        "sends interim responses without end",
        |peer, stream| peer.flood(frame(HEADERS, END_HEADERS, stream, EARLY_HINTS)),
        "did not answer within",
    ),
    (
        "sends headers without end",
        |peer, stream| {
            peer.send(frame(HEADERS, 0, stream, OK_JSON));
            peer.flood(frame(CONTINUATION, 0, stream, &[]));
        },
        "cannot reach the API server",
    ),
    (
        "sends headers that unpack to 48 MB",
        |peer, stream| {
            // One of 4 KB that is remembered, and 12,000 times the same.
            let mut block = b"\x40\x01x\x7f\xa1\x1e".to_vec();
            block.extend([b'a'; 4000]);
            block.extend([0xbe; 12_000]);
            peer.send(frame(HEADERS, 0, stream, OK_JSON));
            peer.send(frame(CONTINUATION, END_HEADERS, stream, &block));
            peer.hold();
        },
        "cannot reach the API server",
    ),
    (
        "sends more of a body than it was allowed to",
        |peer, stream| {
            peer.send(frame(HEADERS, END_HEADERS, stream, OK_JSON));
            peer.flood(frame(DATA, 0, stream, &[b' '; 16_384]));
        },
        "cannot reach the API server",
    ),
    (
        "refuses every request",
        |peer, mut stream| {
            while peer.send(frame(RST_STREAM, 0, stream, &REFUSED_STREAM)) {
                let Some(next) = peer.request() else { return };
                stream = next;
            }
        },
        "cannot reach the API server",
    ),
    (
        "goes away at every request",
        |peer, _| {
            peer.send(frame(GOAWAY, 0, 0, &[0; 8]));
        },
        "cannot reach the API server",
    ),
    (
        "hangs up in the middle",
        |peer, stream| {
            peer.send(frame(HEADERS, END_HEADERS, stream, OK_JSON));
            peer.send(frame(DATA, 0, stream, b"{"));
        },
        "cannot reach the API server",
    ),
    (
        "answers in HTTP/1",
        |peer, _| {
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        },
        "cannot reach the API server",
    ),
];

scenario!(an_api_server_on_http_2);
fn an_api_server_on_http_2() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let ca = authority.write_to(folder.path());
    let check = |does: &str, play: PlayFrames, says: &str| {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let trick = move |_: &str, peer: &mut Peer<'_>| {
            peer.greet();
            if let Some(stream) = peer.request() {
                count.fetch_add(1, Ordering::SeqCst);
                play(peer, stream);
            }
        };
        let server = RawServer::start_tls(&authority.server_of(&["127.0.0.1"], &["h2"]), Arc::new(trick));
        let (address, ca) = (server.address(), ca.display());
        let shown = synced(&format!(
            "{{server: 'https://{address}', certificate-authority: '{ca}'}}"
        ));
        assert_shown(does, &shown, says);
        assert!(server.taken() < TAKEN[0], "{does}: {}", server.taken());
        let asked = asked.load(Ordering::SeqCst);
        assert!((1..=10).contains(&asked), "{does}: {asked} connections");
    };
    std::thread::scope(|scope| {
        let check = &check;
        let rows = FRAMES.map(|(does, play, says)| scope.spawn(move || check(does, play, says)));
        for row in rows {
            if let Err(panic) = row.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

/// What a Secret Service does, and what the helper says to `get` and `list`.
const SERVICES: [(&str, Behaviour, [&str; 2]); 11] = [
    ("says nothing", Behaviour::Silent, ["did not answer within"; 2]),
    (
        "leaves the bus when it is asked",
        Behaviour::Dies,
        ["went away / no secret service is on"; 2],
    ),
    ("keeps everybody out", Behaviour::Denies, ["denies access"; 2]),
    (
        "sends signals without end, and no answer",
        Behaviour::Signals,
        ["did not answer within"; 2],
    ),
    (
        "answers with what is not in the specification",
        Behaviour::Nonsense,
        ["does not follow its specification"; 2],
    ),
    (
        "answers an error with escape sequences",
        Behaviour::Escapes,
        ["the secret service refused: "; 2],
    ),
    (
        "asks, and nobody answers",
        Behaviour::PromptUnanswered,
        ["the keyring is locked"; 2],
    ),
    (
        "finds an item, and says that it does not exist",
        Behaviour::Phantom,
        ["and says that it does not exist"; 2],
    ),
    (
        "hides what is locked",
        Behaviour::LockedAndMute,
        ["the keyring is locked"; 2],
    ),
    (
        "hides the attributes of what is locked",
        Behaviour::AliasBlinks,
        ["the keyring is locked"; 2],
    ),
    (
        "gives an item that is another's",
        Behaviour::Another,
        ["cannot be read", "the keyring is locked"],
    ),
];

scenario!(a_secret_service, needs("dbus-daemon"));
fn a_secret_service() {
    std::thread::scope(|scope| {
        for (does, behaviour, says) in SERVICES {
            scope.spawn(move || {
                let service = FakeSecrets::start(behaviour);
                for (action, stdin, says) in [("get", "gitea.example.com", says[0]), ("list", "", says[1])] {
                    let (stdout, stderr, code) = ask(service.bus().command(HELPER), action, stdin);
                    assert_shown(does, &stdout, says);
                    assert_shown(does, &stderr, says);
                    assert_eq!(code, 1, "{does}");
                }
            });
        }
    });
}

scenario!(the_page_says_what_happens);
fn the_page_says_what_happens() {
    let mut http = "| it | a registry | its token server | an API server |\n|---|---|---|---|\n".to_owned();
    for (does, says) in ROWS
        .iter()
        .map(|row| (row.does, row.says))
        .chain([(DOES_DOWNGRADE, DOWNGRADE)])
    {
        let _ = writeln!(http, "| {does} | {} | {} | {} |", says[0], says[1], says[2]);
    }
    let mut frames = "| it | an API server |\n|---|---|\n".to_owned();
    for (does, _, says) in FRAMES {
        let _ = writeln!(frames, "| {does} | {says} |");
    }
    let mut service = "| it | `get` | `list` |\n|---|---|---|\n".to_owned();
    for (does, _, says) in SERVICES {
        let _ = writeln!(service, "| {does} | {} | {} |", says[0], says[1]);
    }
    let page = include_str!("../../docs/hostile.md");
    for table in [http, frames, service] {
        assert!(page.contains(&table), "docs/hostile.md lacks this table:\n{table}");
    }
}
