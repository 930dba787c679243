//! Every reason for which a pull fails that can be had on one node, each in kubelet's and containerd's own words: what
//! `status` makes of it, and that what it says mends it.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::fixture::{Pods, Waits, is_about};
use crate::status::fixture::{SECRET, pull_secret};
use crate::support::control_plane::ControlPlane;
use crate::support::gitea::Visibility;
use crate::support::http::Answer;
use crate::support::node::{minor, mirror};
use crate::support::parts::{GITEA, NODE, REAL_PARTS};

/// How a pod gets its image in the end.
enum Cure {
    /// The commands that `status` prints, as they stand; nobody touches the pod.
    Typed,
    /// The image is pushed, for this kind of node.
    Pushed(&'static str),
    /// The pod is told another image, as `status` says.
    Corrected,
    /// It is made again as `status` says, to pull the image, with the Secret.
    MadeAgain,
    /// What stood between is gone, or the owner lets the account in.
    Elsewhere,
    /// Nothing here mends it.
    None,
}

struct Case {
    pod: &'static str,
    image: String,
    secrets: &'static [&'static str],
    changes: Value,
    /// kubelet's reason.
    reason: &'static str,
    /// What is in its message.
    words: &'static str,
    code: &'static str,
    /// What is in the cause that `status` tells.
    cause: &'static str,
    cure: Cure,
}

const PULL: &str = "ErrImagePull";
/// What containerd says where nothing but the answer to its request for the manifest is wrong.
const UNAUTHORIZED: &str = "failed with status code [manifests 1]: 401 Unauthorized";
const UNAUTHORIZED_TOKEN: &str =
    "failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized";

fn case(pod: &'static str, image: String, secrets: &'static [&'static str]) -> Case {
    Case {
        pod,
        image,
        secrets,
        changes: json!({}),
        reason: PULL,
        words: "",
        code: "",
        cause: "",
        cure: Cure::Typed,
    }
}

impl Case {
    fn with(mut self, changes: Value) -> Self {
        self.changes = changes;
        self
    }

    /// What kubelet says.
    fn is(mut self, reason: &'static str, words: &'static str) -> Self {
        (self.reason, self.words) = (reason, words);
        self
    }

    /// What `status` says, and how that is mended.
    fn found(mut self, code: &'static str, cause: &'static str, cure: Cure) -> Self {
        (self.code, self.cause, self.cure) = (code, cause, cure);
        self
    }

    /// Whether kubelet says this: at once, or while it waits before it tries again.
    fn is_said(&self, waits: &Waits) -> bool {
        let reason = if waits.reason == "ImagePullBackOff" {
            PULL
        } else {
            waits.reason.as_str()
        };
        reason == self.reason && waits.message.contains(self.words)
    }
}

/// Sees every case, mends it, and sees that the pods run.
fn play(pods: &Pods, cases: &[Case], mend: impl FnOnce()) {
    for case in cases {
        pods.pod_with(case.pod, &case.image, case.secrets, &case.changes);
    }
    let mut wrong = Vec::new();
    for case in cases {
        let waits = pods.stuck(case.pod);
        if !case.is_said(&waits) {
            wrong.push(format!("{}: kubelet says {waits:?}", case.pod));
        }
    }
    let findings = pods.findings();
    for case in cases {
        let found = findings.iter().find(|finding| is_about(finding, case.pod));
        let found = found.cloned().unwrap_or_default();
        let cause = found["cause"].as_str().unwrap_or_default();
        if found["code"] != case.code || !cause.contains(case.cause) {
            wrong.push(format!("{}: status says {found:#}", case.pod));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    mend();
    // What mends a Secret is said of the Secret.
    for finding in &findings {
        let typed = cases.iter().any(|case| {
            matches!(case.cure, Cure::Typed) && (is_about(finding, case.pod) || is_about_a_secret_of(finding, case))
        });
        if typed
            && finding["commands"]
                .as_array()
                .is_some_and(|commands| !commands.is_empty())
        {
            pods.type_in(finding);
        }
    }
    for case in cases {
        match case.cure {
            Cure::Pushed(architecture) => {
                let name = case.image.split_once('/').unwrap().1;
                pods.push(name, &[architecture]);
            }
            Cure::Corrected => {
                let image = format!("app={}", pods.image("admin/app:1"));
                pods.kubectl(&["set", "image", &format!("pod/{}", case.pod), &image]);
            }
            Cure::MadeAgain => {
                pods.delete(case.pod);
                pods.pod_with(case.pod, &case.image, &[SECRET], &json!({}));
            }
            Cure::None => pods.delete(case.pod),
            Cure::Typed | Cure::Elsewhere => {}
        }
    }
    for case in cases.iter().filter(|case| !matches!(case.cure, Cure::None)) {
        pods.runs(case.pod);
    }
    let findings = pods.findings();
    let left = findings.iter().filter(|finding| finding["object"]["kind"] == "pod");
    assert_eq!(left.count(), 0, "{findings:#?}");
}

fn is_about_a_secret_of(finding: &Value, case: &Case) -> bool {
    let name = finding["object"]["name"].as_str().unwrap_or_default();
    finding["object"]["kind"] == "secret" && name != SECRET && case.secrets.contains(&name)
}

/// A pull Secret whose entry for the registry is this.
fn put_entry(pods: &Pods, name: &str, entry: &Value) {
    let document = json!({"auths": {pods.world.registry(): entry}});
    pods.world.put_secret(&pull_secret(name, &document));
}

scenario!(every_cause, needs(REAL_PARTS, GITEA, NODE, "sh", "kubectl"));
#[allow(clippy::too_many_lines, reason = "a table")]
pub fn every_cause() {
    let pods = Pods::new();
    let world = &pods.world;
    pods.well();
    let of_admin = |name: &str| pods.image(&format!("admin/{name}"));
    let app = || of_admin("app:1");

    // Somebody whose packages the account of the token may not see.
    world.gitea.add_user("other");
    world.gitea.set_visibility("other", Visibility::Private);
    let of_other = world.gitea.add_token("other", "write:package");
    pods.push_as(("other", &of_other), "other/app:1", &["amd64"]);
    // On the node by another pod's credential.
    pods.push("admin/there:1", &["amd64"]);
    pods.pod("there", &of_admin("there:1"), &[SECRET]);
    pods.runs("there");
    pods.push("admin/arm:1", &["arm64"]);

    pods.world.put_pull_secret("elsewhere", &[("ghcr.io", "x")]);
    pods.world.put_pull_secret("below", &[("[REGISTRY]/other", "x")]);
    pods.world
        .put_pull_secret("dead", &[("[REGISTRY]", "0123456789abcdef0123456789abcdef01234567")]);
    pods.world
        .put_pull_secret("no-scope", &[("[REGISTRY]", &pods.world.token("write:issue"))]);
    put_entry(&pods, "no-base64", &json!({"auth": "no base64!"}));
    put_entry(&pods, "no-text", &json!({"auth": 5}));
    put_entry(&pods, "no-colon", &json!({"auth": STANDARD.encode("admin")}));
    let opaque = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": "opaque"},
        "stringData": {".dockerconfigjson": "{}"}});
    pods.apply(&opaque);

    let mut cases = vec![
        case("without", app(), &[]).is(PULL, UNAUTHORIZED).found(
            "pod-without-secret",
            "private or does not exist",
            Cure::MadeAgain,
        ),
        case("no-secret", app(), &["own"]).is(PULL, UNAUTHORIZED).found(
            "pod-secret-missing",
            "own does not exist",
            Cure::Typed,
        ),
        case("opaque", app(), &["opaque"]).is(PULL, UNAUTHORIZED).found(
            "pod-secret-missing",
            "has a type that kubelet ignores",
            Cure::MadeAgain,
        ),
        case("elsewhere", app(), &["elsewhere"]).is(PULL, UNAUTHORIZED).found(
            "pod-entry-missing",
            "no entry for",
            Cure::Typed,
        ),
        case("below", app(), &["below"]).is(PULL, UNAUTHORIZED).found(
            "pod-key-mismatch",
            "only for images below",
            Cure::Typed,
        ),
        case("dead", app(), &["dead"]).is(PULL, UNAUTHORIZED_TOKEN).found(
            "pod-token-rejected",
            "does not accept the token",
            Cure::Typed,
        ),
        case("no-scope", app(), &["no-scope"])
            .is(PULL, UNAUTHORIZED_TOKEN)
            .found("pod-token-rejected", "does not accept the token", Cure::Typed),
        case("refused", pods.image("other/app:1"), &[SECRET])
            .is(PULL, UNAUTHORIZED)
            .found("pod-image-refused", "but not for", Cure::Elsewhere),
        case("no-base64", app(), &[SECRET, "no-base64"])
            .is(
                "illegal base64 data at input byte 2",
                "illegal base64 data at input byte 2",
            )
            .found("pod-secret-broken", "no-base64 cannot be decoded", Cure::Typed),
        case("no-text", app(), &["no-text", SECRET])
            .is(
                "json: cannot unmarshal number into Go struct field DockerConfigJSON.auths.auth of type string",
                "cannot unmarshal number",
            )
            .found("pod-secret-broken", "no-text cannot be decoded", Cure::Typed),
        case("no-colon", app(), &["no-colon"])
            .is(
                "unable to parse auth field, must be formatted as base64(username:password)",
                "unable to parse auth field",
            )
            .found("pod-secret-broken", "no-colon cannot be decoded", Cure::Typed),
        case("no-tag", of_admin("app:2"), &[SECRET])
            .is(
                PULL,
                "rpc error: code = NotFound desc = failed to pull and unpack image",
            )
            .found("pod-image-missing", "has no", Cure::Pushed("amd64")),
        case("no-image", of_admin("none:1"), &[SECRET])
            .is(PULL, "admin/none:1: not found")
            .found("pod-image-missing", "has no", Cure::Pushed("amd64")),
        case("no-owner", pods.image("nobody/none:1"), &[SECRET])
            .is(PULL, "nobody/none:1: not found")
            .found("pod-image-missing", "has no", Cure::Corrected),
        case(
            "no-digest",
            of_admin(&format!("app@sha256:{}", "0".repeat(64))),
            &[SECRET],
        )
        .is(PULL, ": not found")
        .found("pod-image-missing", "has no", Cure::Corrected),
        case("init", app(), &[SECRET])
            .with(json!({"initContainers": [{"name": "first", "image": of_admin("init:1")}]}))
            .is(PULL, "admin/init:1: not found")
            .found("pod-image-missing", "/admin/init:1", Cure::None),
        case("volume", app(), &[SECRET])
            .with(json!({
                "volumes": [{"name": "files", "image": {"reference": of_admin("files:1"), "pullPolicy": "Always"}}],
                "volumeMounts": [{"name": "files", "mountPath": "/files"}],
            }))
            .is(PULL, "admin/files:1: not found")
            .found("pod-image-missing", "/admin/files:1", Cure::None),
        case("arm", of_admin("arm:1"), &[SECRET])
            .is(PULL, "no match for platform in manifest: not found")
            .found("pod-image-platform", "not for the platform", Cure::Pushed("amd64")),
        case("upper-case", pods.image("Admin/App:1"), &[SECRET])
            .is("InvalidImageName", "repository name (Admin/App) must be lowercase")
            .found("pod-image-name", "must be lowercase", Cure::Corrected),
        case("scheme", format!("http://{}", app()), &[SECRET])
            .is("InvalidImageName", "invalid reference format")
            .found("pod-image-name", "invalid reference format", Cure::Corrected),
        case("never", of_admin("never:1"), &[SECRET])
            .with(json!({"imagePullPolicy": "Never"}))
            .is("ErrImageNeverPull", "is not present with pull policy of Never")
            .found("pod-image-never-pulled", "imagePullPolicy: Never", Cure::None),
        // kubelet has no other words for an image that it has, by a pull with a credential that this pod does not have.
        case("there-for-others", of_admin("there:1"), &[])
            .with(json!({"imagePullPolicy": "Never"}))
            .is("ErrImageNeverPull", "is not present with pull policy of Never")
            .found(
                "pod-image-never-pulled",
                "or only from a pull with another credential",
                Cure::MadeAgain,
            ),
    ];
    // Before 1.35 the API server knows no volume that is an image, and kubelet has no record of who pulled what.
    cases.retain(|case| !["volume", "there-for-others"].contains(&case.pod) || minor() >= 35);
    play(&pods, &cases, || {
        world.gitea.set_visibility("other", Visibility::Public);
    });
}

scenario!(a_server_that_is_none, needs(REAL_PARTS, GITEA, NODE, "sh", "kubectl"));
/// What stands in the registry's place, or before it.
pub fn a_server_that_is_none() {
    let pods = Pods::new();
    let world = &pods.world;
    pods.well();
    let registry = world.registry();
    let gitea: SocketAddr = registry.parse().unwrap();
    // Of a service that nobody runs any more.
    let closed = "127.0.0.1:1";
    mirror("plain.example.com", "https", gitea);
    mirror("untrusted.example.com", "https", ControlPlane::shared().address());
    let others = [
        closed,
        "plain.example.com",
        "untrusted.example.com",
        "no-such-host.invalid",
    ];
    pods.world
        .put_pull_secret("others", &others.map(|registry| (registry, "x")));

    let answers = [
        ("page", Answer::html(200, "<html><body>Sign in</body></html>")),
        ("gateway", Answer::html(502, "<html>Bad Gateway</html>")),
        ("busy", Answer::text(503, "busy")),
        ("slow", Answer::text(429, "slow down")),
        ("broken", Answer::text(500, "oh no")),
    ];
    for (name, answer) in answers {
        pods.push(&format!("admin/{name}:401"), &["amd64"]);
        world.gitea.replace(&format!("/v2/admin/{name}/manifests/401"), answer);
    }
    let at = |name: &'static str| case(name, pods.image(&format!("admin/{name}:401")), &[SECRET]);
    let other = |pod, registry: &str| case(pod, format!("{registry}/owner/app:1"), &["others"]);
    let cases = [
        at("page").is(PULL, "(text/html) from remote: not found").found(
            "pod-registry-unreachable",
            "a web page comes",
            Cure::Elsewhere,
        ),
        at("gateway")
            .is(PULL, "failed with status code [manifests 401]: 502 Bad Gateway")
            .found("pod-registry-unreachable", "502 Bad Gateway", Cure::Elsewhere),
        at("busy")
            .is(PULL, "failed with status code [manifests 401]: 503 Service Unavailable")
            .found("pod-registry-unreachable", "503 Service Unavailable", Cure::Elsewhere),
        // The tag is no answer.
        at("slow")
            .is(PULL, "failed with status code [manifests 401]: 429 Too Many Requests")
            .found("pod-stuck", "429 Too Many Requests", Cure::Elsewhere),
        at("broken")
            .is(
                PULL,
                "failed with status code [manifests 401]: 500 Internal Server Error",
            )
            .found("pod-stuck", "500 Internal Server Error", Cure::Elsewhere),
        other("closed", closed).is(PULL, "connect: connection refused").found(
            "pod-registry-unreachable",
            "connection refused",
            Cure::None,
        ),
        other("plain", "plain.example.com")
            .is(PULL, "server gave HTTP response to HTTPS client")
            .found("pod-registry-unreachable", "HTTP response to HTTPS client", Cure::None),
        other("untrusted", "untrusted.example.com")
            .is(PULL, "x509: certificate signed by unknown authority")
            .found("pod-registry-unreachable", "x509:", Cure::None),
        other("no-host", "no-such-host.invalid")
            .is(PULL, "dial tcp: lookup no-such-host.invalid")
            .found("pod-registry-unreachable", "lookup no-such-host.invalid", Cure::None),
    ];
    play(&pods, &cases, || world.gitea.recover());
}
