//! Pods that are stuck on a pull, each for another reason.

use regcred::commands::status::Code;
use serde_json::json;

use super::place::{DOUBLES, REAL};
use super::place::{Place, SECRET, pull_secret};
use crate::support::http::Answer;

const LINE: &str = "status -n [NAMESPACE]";
const IMAGE: &str = "[REGISTRY]/owner/app:1";
/// All that an older kubelet says at every other look.
const BACK_OFF: &str = "Back-off pulling image";
// What kubelet 1.37.2 and containerd 1.6.20 say (scenarios/node has them say it).
const UNAUTHORIZED: &str = r#"Back-off pulling image "[REGISTRY]/owner/app:1": ErrImagePull: failed to pull and unpack image "[REGISTRY]/owner/app:1": failed to resolve reference "[REGISTRY]/owner/app:1": pulling from host [REGISTRY] failed with status code [manifests 1]: 401 Unauthorized"#;
const NO_TOKEN: &str = r#"Back-off pulling image "[REGISTRY]/owner/app:1": ErrImagePull: failed to pull and unpack image "[REGISTRY]/owner/app:1": failed to resolve reference "[REGISTRY]/owner/app:1": failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized"#;
const NOT_FOUND: &str = r#"rpc error: code = NotFound desc = failed to pull and unpack image "[REGISTRY]/owner/app:1": failed to resolve reference "[REGISTRY]/owner/app:1": [REGISTRY]/owner/app:1: not found"#;
const NO_HOST: &str = r#"Back-off pulling image "[REGISTRY]/owner/app:1": ErrImagePull: failed to pull and unpack image "[REGISTRY]/owner/app:1": failed to resolve reference "[REGISTRY]/owner/app:1": failed to do request: Head "https://[REGISTRY]/v2/owner/app/manifests/1": dial tcp: lookup x on 10.43.0.10:53: no such host"#;
const PAGE: &str = r#"Back-off pulling image "[REGISTRY]/owner/app:1": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "[REGISTRY]/owner/app:1": failed to unpack image on snapshotter native: unexpected media type text/html for sha256:6b0828a0cf9e9774682e7830d7c3b67698f55dfe458cd97544b25e0e5d64a8aa: not found"#;
const OTHER_PLATFORM: &str = r#"Back-off pulling image "[REGISTRY]/owner/app:1": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "[REGISTRY]/owner/app:1": no match for platform in manifest: not found"#;
const UPPER_CASE: &str = r#"Failed to apply default image tag "[REGISTRY]/Owner/App:1": couldn't parse image name "[REGISTRY]/Owner/App:1": invalid reference format: repository name (Owner/App) must be lowercase"#;
const NO_BASE64: &str = "illegal base64 data at input byte 2";

finding!(
    pod_secret_missing_no_such_secret,
    Code::PodSecretMissing,
    on(DOUBLES, REAL)
);
fn pod_secret_missing_no_such_secret(place: &mut Place) {
    place.login("cluster", "read:package");
    place.stuck("api", IMAGE, &["pull"], UNAUTHORIZED);
    place.mends(Code::PodSecretMissing, &[]);
}

finding!(
    pod_entry_missing_of_another_registry,
    Code::PodEntryMissing,
    on(DOUBLES, REAL)
);
fn pod_entry_missing_of_another_registry(place: &mut Place) {
    place.login("cluster", "read:package");
    place.put_pull_secret("pull", &[("ghcr.io", "x")]);
    place.stuck("api", IMAGE, &["pull"], UNAUTHORIZED);
    place.mends(Code::PodEntryMissing, &[]);
}

finding!(
    pod_key_mismatch_only_below_a_path,
    Code::PodKeyMismatch,
    on(DOUBLES, REAL)
);
fn pod_key_mismatch_only_below_a_path(place: &mut Place) {
    let token = place.login("cluster", "read:package");
    place.put_pull_secret("pull", &[("[REGISTRY]/other", &token)]);
    place.stuck("api", IMAGE, &["pull"], UNAUTHORIZED);
    place.says(LINE, Code::PodKeyMismatch, &["only for images below"]);
    place.mends(Code::PodKeyMismatch, &[]);
}

finding!(
    pod_token_rejected_an_old_token,
    Code::PodTokenRejected,
    on(DOUBLES, REAL)
);
fn pod_token_rejected_an_old_token(place: &mut Place) {
    let old = place.login("cluster", "read:package");
    place.sync();
    place.login("cluster", "read:package");
    place.world.gitea.revoke(&old);
    place.stuck("api", IMAGE, &[SECRET], NO_TOKEN);
    let ran = place.status();
    assert!(ran.stdout.contains("rejected\n"), "{ran}");
    place.mends(Code::PodTokenRejected, &[]);
}

finding!(
    pod_image_refused_somebody_elses_image,
    Code::PodImageRefused,
    on(DOUBLES, REAL)
);
/// The token is alive, the Secret older than the pod, and the registry does not give this image to it.
fn pod_image_refused_somebody_elses_image(place: &mut Place) {
    place.well();
    place.next_second();
    place.stuck("api", IMAGE, &[SECRET], UNAUTHORIZED);
    place.registry_says("/v2/owner/app/manifests/1", Answer::text(401, "reqPackageAccess"));
    place.says(
        LINE,
        Code::PodImageRefused,
        &["not for", "/owner/app:1", "one of its teams"],
    );
    // Somebody lets the account in.
    place.registry_says_instead("/v2/owner/app/manifests/1", Answer::empty(200));
    place.is_gone(LINE, Code::PodImageRefused);
}

finding!(pod_image_missing_no_such_tag, Code::PodImageMissing, on(DOUBLES, REAL));
fn pod_image_missing_no_such_tag(place: &mut Place) {
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

finding!(
    pod_image_missing_as_an_event_has_it,
    Code::PodImageMissing,
    on(DOUBLES, REAL)
);
/// An older kubelet keeps the reason to its Events.
fn pod_image_missing_as_an_event_has_it(place: &mut Place) {
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

finding!(pod_stuck_its_secrets_by_an_event, Code::PodStuck, on(DOUBLES));
/// Secrets that this user may not see, and kubelet not get; and Events that the user may not see.
fn pod_stuck_its_secrets_by_an_event(place: &mut Place) {
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

finding!(
    pod_older_than_account_a_list_that_it_does_not_have,
    Code::PodOlderThanAccount,
    on(DOUBLES, REAL)
);
fn pod_older_than_account_a_list_that_it_does_not_have(place: &mut Place) {
    place.well();
    place.stuck_of("web", "web-1", IMAGE, UNAUTHORIZED);
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"},
        "imagePullSecrets": [{"name": SECRET}]});
    place.put("serviceaccounts", &account);
    place.mends(Code::PodOlderThanAccount, &[]);
    assert!(!place.has("pods", "web-1"), "its controller makes another");
}

finding!(
    pod_without_secret_no_list_at_all,
    Code::PodWithoutSecret,
    on(DOUBLES, REAL)
);
fn pod_without_secret_no_list_at_all(place: &mut Place) {
    place.login("cluster", "read:package");
    place.stuck_of("web", "web-1", IMAGE, UNAUTHORIZED);
    place.mends(Code::PodWithoutSecret, &[]);
    assert!(
        !place.has("pods", "web-1"),
        "its controller makes another, with the list of its ServiceAccount"
    );
}

finding!(
    pod_secret_broken_one_spoils_them_all,
    Code::PodSecretBroken,
    on(DOUBLES, REAL)
);
fn pod_secret_broken_one_spoils_them_all(place: &mut Place) {
    place.well();
    let registry = place.world.registry();
    let document = json!({"auths": {registry: {"auth": "no base64!"}}});
    place.world.put_secret(&pull_secret("spoiled", &document));
    place.stuck_for("api", IMAGE, &[SECRET, "spoiled"], NO_BASE64, NO_BASE64);
    place.says(LINE, Code::PodSecretBroken, &["spoiled cannot be decoded"]);
    // As the finding about the Secret says.
    place.mends(Code::SecretBroken, &[]);
    place.is_gone(LINE, Code::PodSecretBroken);
}

finding!(pod_will_retry_right_by_now, Code::PodWillRetry, on(REAL));
fn pod_will_retry_right_by_now(place: &mut Place) {
    place.registry_says("/v2/owner/app/manifests/1", Answer::empty(200));
    place.login("cluster", "read:package");
    place.stuck_of_with("web", "web-1", IMAGE, &[SECRET], UNAUTHORIZED);
    place.next_second();
    place.sync();
    place.registry_says("/v2/owner/app/manifests/1", Answer::empty(200));
    place.says(LINE, Code::PodWillRetry, &["within five minutes"]);
    place.mends(Code::PodWillRetry, &[]);
}

finding!(
    pod_registry_unreachable_no_such_host,
    Code::PodRegistryUnreachable,
    on(DOUBLES, REAL)
);
fn pod_registry_unreachable_no_such_host(place: &mut Place) {
    place.well();
    place.stuck("api", IMAGE, &[SECRET], NO_HOST);
    place.says(LINE, Code::PodRegistryUnreachable, &["no such host", "crictl"]);
    place.delete("pods", "api");
    place.is_gone(LINE, Code::PodRegistryUnreachable);
}

finding!(
    pod_registry_unreachable_a_page_in_between,
    Code::PodRegistryUnreachable,
    on(DOUBLES, REAL)
);
fn pod_registry_unreachable_a_page_in_between(place: &mut Place) {
    place.well();
    place.stuck("api", IMAGE, &[SECRET], PAGE);
    place.says(LINE, Code::PodRegistryUnreachable, &["a web page comes", "/v2/"]);
    place.delete("pods", "api");
    place.is_gone(LINE, Code::PodRegistryUnreachable);
}

finding!(
    pod_image_platform_for_another_kind_of_node,
    Code::PodImagePlatform,
    on(DOUBLES, REAL)
);
fn pod_image_platform_for_another_kind_of_node(place: &mut Place) {
    place.well();
    place.stuck("api", IMAGE, &[SECRET], OTHER_PLATFORM);
    place.says(
        LINE,
        Code::PodImagePlatform,
        &["docker buildx build --platform", "kubernetes.io/arch"],
    );
    place.delete("pods", "api");
    place.is_gone(LINE, Code::PodImagePlatform);
}

finding!(pod_image_name_upper_case, Code::PodImageName, on(DOUBLES, REAL));
fn pod_image_name_upper_case(place: &mut Place) {
    place.well();
    let image = "[REGISTRY]/Owner/App:1";
    place.stuck_for("api", image, &[SECRET], "InvalidImageName", UPPER_CASE);
    place.says(
        LINE,
        Code::PodImageName,
        &["must be lowercase", "correct the image in the pod"],
    );
    place.delete("pods", "api");
    place.is_gone(LINE, Code::PodImageName);
}

finding!(
    pod_image_never_pulled_pulling_is_forbidden,
    Code::PodImageNeverPulled,
    on(DOUBLES, REAL)
);
fn pod_image_never_pulled_pulling_is_forbidden(place: &mut Place) {
    place.well();
    let told = r#"Container image "[REGISTRY]/owner/app:1" is not present with pull policy of Never"#;
    place.stuck_for("api", IMAGE, &[SECRET], "ErrImageNeverPull", told);
    place.says(LINE, Code::PodImageNeverPulled, &["imagePullPolicy: IfNotPresent"]);
    place.delete("pods", "api");
    place.is_gone(LINE, Code::PodImageNeverPulled);
}

finding!(
    pod_key_mismatch_the_image_has_the_default_port,
    Code::PodKeyMismatch,
    on(DOUBLES)
);
/// kubelet knows no default port: no entry that sync writes does for this name.
fn pod_key_mismatch_the_image_has_the_default_port(place: &mut Place) {
    let line = "status -n [NAMESPACE] --registry gitea.example.com --offline";
    place.put_pull_secret("pull", &[("gitea.example.com", "x")]);
    place.stuck("api", "gitea.example.com:443/owner/app:1", &["pull"], UNAUTHORIZED);
    place.says(
        line,
        Code::PodKeyMismatch,
        &["write the image as gitea.example.com/owner/app:1 in the pod"],
    );
    let (_, commands) = place.found(Code::PodKeyMismatch, &place.world.regcred(line));
    assert!(commands.is_empty(), "{commands:?}");
    place.delete("pods", "api");
    place.is_gone(line, Code::PodKeyMismatch);
}

finding!(
    pod_entry_missing_of_a_registry_that_secrets_name_alone,
    Code::PodEntryMissing,
    on(DOUBLES, REAL)
);
/// Anybody can name a registry in a Secret: its pods are looked at, and nobody is told to log in to it.
fn pod_entry_missing_of_a_registry_that_secrets_name_alone(place: &mut Place) {
    place.well();
    place.put_pull_secret("pull", &[("ghcr.io", "x")]);
    place.put_pull_secret("other", &[("quay.io", "x")]);
    place.stuck("api", "ghcr.io/owner/app:1", &["other"], BACK_OFF);
    place.stuck("web", "private.example.com/app:1", &["other"], BACK_OFF);
    let line = "status -n [NAMESPACE] --offline";
    place.says(
        line,
        Code::PodEntryMissing,
        &["no entry for ghcr.io", "only the cluster names ghcr.io"],
    );
    let ran = place.world.regcred(line);
    assert!(!ran.stdout.contains("$ kubectl regcred login"), "{ran}");
    assert!(
        ran.stdout
            .contains("but for 1 pod that waits for images of other registries"),
        "{ran}"
    );
    place.delete("pods", "api");
    place.is_gone(line, Code::PodEntryMissing);
}

finding!(pod_stuck_the_reason_is_at_the_end, Code::PodStuck, on(DOUBLES, REAL));
/// containerd names the image again and again, and what happened last.
fn pod_stuck_the_reason_is_at_the_end(place: &mut Place) {
    place.well();
    let image = format!("[REGISTRY]/owner/{}:1", "a-long-name-".repeat(20));
    let again = format!("failed to pull and unpack image {image}: ").repeat(4);
    place.stuck(
        "api",
        &image,
        &[SECRET],
        &place.denormal(&format!("{again}no space left on device")),
    );
    place.says(LINE, Code::PodStuck, &["no space left on device"]);
    let document: serde_json::Value =
        serde_json::from_str(&place.world.regcred("status -n [NAMESPACE] -o json").stdout).unwrap();
    let findings = document["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["code"] == "pod-stuck").unwrap();
    let (cause, message) = (found["cause"].as_str().unwrap(), found["message"].as_str().unwrap());
    assert!(cause.ends_with("no space left on device"), "{cause}");
    assert!(
        message.len() > cause.len() && message.ends_with("no space left on device"),
        "{message}"
    );
    place.delete("pods", "api");
    place.is_gone(LINE, Code::PodStuck);
}

finding!(pod_stuck_something_else, Code::PodStuck, on(DOUBLES, REAL));
fn pod_stuck_something_else(place: &mut Place) {
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
