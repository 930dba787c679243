//! Pods that are stuck on a pull, each for another reason.

use regcred::commands::status::Code;
use serde_json::json;

use super::Case;
use super::place::{Parts, Place, SECRET, pull_secret};
use crate::support::http::Answer;

pub const CASES: &[Case] = &[
    (Code::PodSecretMissing, "no such Secret", Parts::Both, secret_missing),
    (Code::PodEntryMissing, "of another registry", Parts::Both, entry_missing),
    (Code::PodKeyMismatch, "only below a path", Parts::Both, key_mismatch),
    (Code::PodTokenRejected, "an old token", Parts::Both, token_rejected),
    (
        Code::PodImageRefused,
        "somebody else's image",
        Parts::Both,
        image_refused,
    ),
    (Code::PodImageMissing, "no such tag", Parts::Both, image_missing),
    (
        Code::PodImageMissing,
        "as an Event has it",
        Parts::Both,
        missing_by_event,
    ),
    (
        Code::PodStuck,
        "its Secrets, by an Event",
        Parts::Doubles,
        stuck_by_event,
    ),
    (
        Code::PodOlderThanAccount,
        "a list that it does not have",
        Parts::Both,
        older,
    ),
    (Code::PodWithoutSecret, "no list at all", Parts::Both, without_secret),
    (Code::PodSecretBroken, "one spoils them all", Parts::Both, secret_broken),
    (Code::PodWillRetry, "right by now", Parts::Real, will_retry),
    (Code::PodRegistryUnreachable, "no such host", Parts::Both, unreachable),
    (Code::PodStuck, "something else", Parts::Both, something_else),
];

const LINE: &str = "status -n [NAMESPACE]";
const IMAGE: &str = "[REGISTRY]/owner/app:1";
const BACK_OFF: &str = "Back-off pulling image";
const UNAUTHORIZED: &str = "failed to authorize: unexpected status: 401 Unauthorized";
const NOT_FOUND: &str = "rpc error: code = NotFound desc = manifest unknown";

fn secret_missing(place: &mut Place) {
    place.login("cluster", "read:package");
    place.stuck("api", IMAGE, &["pull"], BACK_OFF);
    place.mends(Code::PodSecretMissing, &[]);
}

fn entry_missing(place: &mut Place) {
    place.login("cluster", "read:package");
    place.put_pull_secret("pull", &[("ghcr.io", "x")]);
    place.stuck("api", IMAGE, &["pull"], BACK_OFF);
    place.mends(Code::PodEntryMissing, &[]);
}

fn key_mismatch(place: &mut Place) {
    let token = place.login("cluster", "read:package");
    place.put_pull_secret("pull", &[("[REGISTRY]/other", &token)]);
    place.stuck("api", IMAGE, &["pull"], UNAUTHORIZED);
    place.says(LINE, Code::PodKeyMismatch, &["only for images below"]);
    place.mends(Code::PodKeyMismatch, &[]);
}

fn token_rejected(place: &mut Place) {
    let old = place.login("cluster", "read:package");
    place.sync();
    place.login("cluster", "read:package");
    place.world.gitea.revoke(&old);
    place.stuck("api", IMAGE, &[SECRET], UNAUTHORIZED);
    let ran = place.status();
    assert!(ran.stdout.contains("rejected\n"), "{ran}");
    place.mends(Code::PodTokenRejected, &[]);
}

/// The token is alive, the Secret older than the pod, and the registry does not give this image to it.
fn image_refused(place: &mut Place) {
    place.well();
    place.next_second();
    place.stuck("api", IMAGE, &[SECRET], UNAUTHORIZED);
    place.registry_says("/v2/owner/app/manifests/1", Answer::text(401, "reqPackageAccess"));
    place.says(
        LINE,
        Code::PodImageRefused,
        &["not for", "/owner/app:1", "team of that organisation"],
    );
    // Somebody lets the account in.
    place.registry_says_instead("/v2/owner/app/manifests/1", Answer::empty(200));
    place.is_gone(LINE, Code::PodImageRefused);
}

fn image_missing(place: &mut Place) {
    place.well();
    place.stuck("api", IMAGE, &[SECRET], NOT_FOUND);
    place.says(
        LINE,
        Code::PodImageMissing,
        &["[REGISTRY] has no [REGISTRY]/owner/app:1", "push"],
    );
    // Nobody asks, and it says so.
    let offline = place.world.regcred("status -n [NAMESPACE] --offline");
    assert!(offline.stdout.contains("kubelet was told"), "{offline}");
    // Somebody pushes it.
    place.registry_says("/v2/owner/app/manifests/1", Answer::empty(200));
    place.is_gone(LINE, Code::PodImageMissing);
}

/// An older kubelet keeps the reason to its Events.
fn missing_by_event(place: &mut Place) {
    place.well();
    let bare = format!("{BACK_OFF} \"[REGISTRY]/owner/app:1\"");
    place.stuck("api", IMAGE, &[SECRET], &place.denormal(&bare));
    place.says(
        LINE,
        Code::PodStuck,
        &["Back-off pulling image", "kubectl describe pod api"],
    );
    place.event("api", "BackOff", &bare);
    place.event(
        "api",
        "Failed",
        &format!("Failed to pull image \"{IMAGE}\": {NOT_FOUND}"),
    );
    place.says(LINE, Code::PodImageMissing, &["has no [REGISTRY]/owner/app:1"]);
    let pod = place.world.regcred("status --pod [NAMESPACE]/api");
    assert!(pod.stdout.contains("pod-image-missing: "), "{pod}");
    // Somebody pushes it.
    place.registry_says("/v2/owner/app/manifests/1", Answer::empty(200));
    place.is_gone(LINE, Code::PodImageMissing);
}

/// Secrets that this user may not see, and kubelet not get; and Events that the user may not see.
fn stuck_by_event(place: &mut Place) {
    place.login("cluster", "read:package");
    place.stuck("api", IMAGE, &["pull"], BACK_OFF);
    let told = "Unable to retrieve some image pull secrets (pull); attempting to pull the image may not succeed.";
    place.event("api", "FailedToRetrieveImagePullSecret", told);
    let namespace = place.world.namespace.clone();
    for verb in ["list secrets", "get secrets"] {
        place.world.api_server().forbid(verb, &namespace);
    }
    place.says(LINE, Code::PodStuck, &["image pull secrets (pull)"]);
    place.world.api_server().forbid("list events", &namespace);
    let ran = place.status();
    let (text, _) = place.found(Code::PodStuck, &ran);
    assert!(text.contains(BACK_OFF), "{text}");
    assert!(!ran.stdout.contains("events"), "it goes on without: {ran}");
    for verb in ["list secrets", "get secrets", "list events"] {
        place.world.api_server().allow(verb, &namespace);
    }
    place.is_gone(LINE, Code::PodStuck);
}

fn older(place: &mut Place) {
    place.well();
    place.replica_set("web");
    place.stuck_of("web", "web-1", IMAGE, BACK_OFF);
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"},
        "imagePullSecrets": [{"name": SECRET}]});
    place.put("serviceaccounts", &account);
    place.mends(Code::PodOlderThanAccount, &[]);
    assert!(!place.has("pods", "web-1"), "its controller makes another");
}

fn without_secret(place: &mut Place) {
    place.login("cluster", "read:package");
    place.replica_set("web");
    place.stuck_of("web", "web-1", IMAGE, UNAUTHORIZED);
    place.mends(Code::PodWithoutSecret, &[]);
    assert!(
        !place.has("pods", "web-1"),
        "its controller makes another, with the list of its ServiceAccount"
    );
}

fn secret_broken(place: &mut Place) {
    place.well();
    let registry = place.world.registry();
    let document = json!({"auths": {registry: {"auth": "no base64!"}}});
    place.world.put_secret(&pull_secret("spoiled", &document));
    place.stuck("api", IMAGE, &[SECRET, "spoiled"], BACK_OFF);
    place.says(LINE, Code::PodSecretBroken, &["spoiled cannot be decoded"]);
    // As the finding about the Secret says.
    place.mends(Code::SecretBroken, &[]);
    place.is_gone(LINE, Code::PodSecretBroken);
}

fn will_retry(place: &mut Place) {
    place.login("cluster", "read:package");
    place.replica_set("web");
    place.stuck_of_with("web", "web-1", IMAGE, &[SECRET], UNAUTHORIZED);
    place.next_second();
    place.sync();
    place.says(LINE, Code::PodWillRetry, &["within five minutes"]);
    place.mends(Code::PodWillRetry, &[]);
}

fn unreachable(place: &mut Place) {
    place.well();
    place.stuck(
        "api",
        IMAGE,
        &[SECRET],
        "failed to do request: dial tcp: lookup x: no such host",
    );
    place.says(LINE, Code::PodRegistryUnreachable, &["no such host", "crictl"]);
    place.delete("pods", "api");
    place.is_gone(LINE, Code::PodRegistryUnreachable);
}

fn something_else(place: &mut Place) {
    place.well();
    place.stuck(
        "api",
        IMAGE,
        &[SECRET],
        "write /var/lib/containerd/x: no space left on device",
    );
    place.says(
        LINE,
        Code::PodStuck,
        &["no space left on device", "kubectl describe pod api -n [NAMESPACE]"],
    );
    // Somebody makes room, and kubelet makes it run.
    place.delete("pods", "api");
    place.is_gone(LINE, Code::PodStuck);
}
