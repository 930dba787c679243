//! Pods that are stuck on a pull, each for another reason.

use regcred::commands::status::Code;
use serde_json::json;

use super::fixture::{DOUBLES, REAL, SECRET, pull_secret};
use crate::support::http::Answer;
use crate::support::world::World;

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
fn pod_secret_missing_no_such_secret(world: &mut World) {
    world.login("cluster", "read:package");
    world.stuck("api", IMAGE, &["pull"], UNAUTHORIZED);
    world.mends(Code::PodSecretMissing, &[]);
}

finding!(
    pod_entry_missing_of_another_registry,
    Code::PodEntryMissing,
    on(DOUBLES, REAL)
);
fn pod_entry_missing_of_another_registry(world: &mut World) {
    world.login("cluster", "read:package");
    world.put_pull_secret("pull", &[("ghcr.io", "x")]);
    world.stuck("api", IMAGE, &["pull"], UNAUTHORIZED);
    world.mends(Code::PodEntryMissing, &[]);
}

finding!(
    pod_key_mismatch_only_below_a_path,
    Code::PodKeyMismatch,
    on(DOUBLES, REAL)
);
fn pod_key_mismatch_only_below_a_path(world: &mut World) {
    let token = world.login("cluster", "read:package");
    world.put_pull_secret("pull", &[("[REGISTRY]/other", &token)]);
    world.stuck("api", IMAGE, &["pull"], UNAUTHORIZED);
    world.says(LINE, Code::PodKeyMismatch, &["only for images below"]);
    world.mends(Code::PodKeyMismatch, &[]);
}

finding!(
    pod_token_rejected_an_old_token,
    Code::PodTokenRejected,
    on(DOUBLES, REAL)
);
fn pod_token_rejected_an_old_token(world: &mut World) {
    let old = world.login("cluster", "read:package");
    world.sync();
    world.login("cluster", "read:package");
    world.gitea.revoke(&old);
    world.stuck("api", IMAGE, &[SECRET], NO_TOKEN);
    let ran = world.status();
    assert!(ran.stdout.contains("rejected\n"), "{ran}");
    world.mends(Code::PodTokenRejected, &[]);
}

finding!(
    pod_image_refused_somebody_elses_image,
    Code::PodImageRefused,
    on(DOUBLES, REAL)
);
/// The token is alive, the Secret older than the pod, and the registry does not give this image to it.
fn pod_image_refused_somebody_elses_image(world: &mut World) {
    world.well();
    world.next_second();
    world.stuck("api", IMAGE, &[SECRET], UNAUTHORIZED);
    world.registry_says("/v2/owner/app/manifests/1", Answer::text(401, "reqPackageAccess"));
    world.says(
        LINE,
        Code::PodImageRefused,
        &["not for", "/owner/app:1", "one of its teams"],
    );
    // Somebody lets the account in.
    world.registry_says_instead("/v2/owner/app/manifests/1", Answer::empty(200));
    world.is_gone(LINE, Code::PodImageRefused);
}

finding!(pod_image_missing_no_such_tag, Code::PodImageMissing, on(DOUBLES, REAL));
fn pod_image_missing_no_such_tag(world: &mut World) {
    world.well();
    world.stuck("api", IMAGE, &[SECRET], NOT_FOUND);
    world.says(
        LINE,
        Code::PodImageMissing,
        &["[REGISTRY] has no [REGISTRY]/owner/app:1", "push"],
    );
    // Nobody asks, and it says so.
    let offline = world.regcred("status -n [NAMESPACE] --offline");
    assert!(offline.stdout.contains("kubelet reports that"), "{offline}");
    // Somebody pushes it.
    world.registry_says("/v2/owner/app/manifests/1", Answer::empty(200));
    world.is_gone(LINE, Code::PodImageMissing);
}

finding!(
    pod_image_missing_as_an_event_has_it,
    Code::PodImageMissing,
    on(DOUBLES, REAL)
);
/// An older kubelet keeps the reason to its Events.
fn pod_image_missing_as_an_event_has_it(world: &mut World) {
    world.well();
    let bare = format!("{BACK_OFF} \"[REGISTRY]/owner/app:1\"");
    world.stuck("api", IMAGE, &[SECRET], &world.denormal(&bare));
    world.says(
        LINE,
        Code::PodStuck,
        &["Back-off pulling image", "kubectl describe pod api"],
    );
    world.event("api", "BackOff", &bare);
    world.event(
        "api",
        "Failed",
        &format!("Failed to pull image \"{IMAGE}\": {NOT_FOUND}"),
    );
    world.says(LINE, Code::PodImageMissing, &["has no [REGISTRY]/owner/app:1"]);
    let pod = world.regcred("status --pod [NAMESPACE]/api");
    assert!(pod.stdout.contains("pod-image-missing: "), "{pod}");
    // Somebody pushes it.
    world.registry_says("/v2/owner/app/manifests/1", Answer::empty(200));
    world.is_gone(LINE, Code::PodImageMissing);
}

finding!(pod_stuck_its_secrets_by_an_event, Code::PodStuck, on(DOUBLES));
/// Secrets that this user may not see, and kubelet not get; and Events that the user may not see.
fn pod_stuck_its_secrets_by_an_event(world: &mut World) {
    world.login("cluster", "read:package");
    world.stuck("api", IMAGE, &["pull"], BACK_OFF);
    let told = "Unable to retrieve some image pull secrets (pull); attempting to pull the image may not succeed.";
    world.event("api", "FailedToRetrieveImagePullSecret", told);
    let namespace = world.namespace.clone();
    for verb in ["list secrets", "get secrets"] {
        world.api_server().forbid(verb, &namespace);
    }
    world.says(LINE, Code::PodStuck, &["image pull secrets (pull)"]);
    world.api_server().forbid("list events", &namespace);
    let ran = world.status();
    let (text, _) = world.found(Code::PodStuck, &ran);
    assert!(text.contains(BACK_OFF), "{text}");
    assert!(!ran.stdout.contains("events"), "it goes on without: {ran}");
    for verb in ["list secrets", "get secrets", "list events"] {
        world.api_server().allow(verb, &namespace);
    }
    world.is_gone(LINE, Code::PodStuck);
}

finding!(
    pod_older_than_account_a_list_that_it_does_not_have,
    Code::PodOlderThanAccount,
    on(DOUBLES, REAL)
);
fn pod_older_than_account_a_list_that_it_does_not_have(world: &mut World) {
    world.well();
    world.stuck_of("web", "web-1", IMAGE, UNAUTHORIZED);
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"},
        "imagePullSecrets": [{"name": SECRET}]});
    world.put("serviceaccounts", &account);
    world.mends(Code::PodOlderThanAccount, &[]);
    assert!(!world.has("pods", "web-1"), "its controller makes another");
}

finding!(
    pod_without_secret_no_list_at_all,
    Code::PodWithoutSecret,
    on(DOUBLES, REAL)
);
fn pod_without_secret_no_list_at_all(world: &mut World) {
    world.login("cluster", "read:package");
    world.stuck_of("web", "web-1", IMAGE, UNAUTHORIZED);
    world.mends(Code::PodWithoutSecret, &[]);
    assert!(
        !world.has("pods", "web-1"),
        "its controller makes another, with the list of its ServiceAccount"
    );
}

finding!(
    pod_secret_broken_one_spoils_them_all,
    Code::PodSecretBroken,
    on(DOUBLES, REAL)
);
fn pod_secret_broken_one_spoils_them_all(world: &mut World) {
    world.well();
    let registry = world.registry();
    let document = json!({"auths": {registry: {"auth": "no base64!"}}});
    world.put_secret(&pull_secret("spoiled", &document));
    world.stuck_for("api", IMAGE, &[SECRET, "spoiled"], NO_BASE64, NO_BASE64);
    world.says(LINE, Code::PodSecretBroken, &["spoiled cannot be decoded"]);
    // As the finding about the Secret says.
    world.mends(Code::SecretBroken, &[]);
    world.is_gone(LINE, Code::PodSecretBroken);
}

finding!(pod_will_retry_right_by_now, Code::PodWillRetry, on(REAL));
fn pod_will_retry_right_by_now(world: &mut World) {
    world.registry_says("/v2/owner/app/manifests/1", Answer::empty(200));
    world.login("cluster", "read:package");
    world.stuck_of_with("web", "web-1", IMAGE, &[SECRET], UNAUTHORIZED);
    world.next_second();
    world.sync();
    world.registry_says("/v2/owner/app/manifests/1", Answer::empty(200));
    world.says(LINE, Code::PodWillRetry, &["within five minutes"]);
    world.mends(Code::PodWillRetry, &[]);
}

finding!(
    pod_registry_unreachable_no_such_host,
    Code::PodRegistryUnreachable,
    on(DOUBLES, REAL)
);
fn pod_registry_unreachable_no_such_host(world: &mut World) {
    world.well();
    world.stuck("api", IMAGE, &[SECRET], NO_HOST);
    world.says(LINE, Code::PodRegistryUnreachable, &["no such host", "crictl"]);
    world.delete("pods", "api");
    world.is_gone(LINE, Code::PodRegistryUnreachable);
}

finding!(
    pod_registry_unreachable_a_page_in_between,
    Code::PodRegistryUnreachable,
    on(DOUBLES, REAL)
);
fn pod_registry_unreachable_a_page_in_between(world: &mut World) {
    world.well();
    world.stuck("api", IMAGE, &[SECRET], PAGE);
    world.says(LINE, Code::PodRegistryUnreachable, &["a web page comes", "/v2/"]);
    world.delete("pods", "api");
    world.is_gone(LINE, Code::PodRegistryUnreachable);
}

finding!(
    pod_image_platform_for_another_kind_of_node,
    Code::PodImagePlatform,
    on(DOUBLES, REAL)
);
fn pod_image_platform_for_another_kind_of_node(world: &mut World) {
    world.well();
    world.stuck("api", IMAGE, &[SECRET], OTHER_PLATFORM);
    world.says(
        LINE,
        Code::PodImagePlatform,
        &["docker buildx build --platform", "kubernetes.io/arch"],
    );
    world.delete("pods", "api");
    world.is_gone(LINE, Code::PodImagePlatform);
}

finding!(pod_image_name_upper_case, Code::PodImageName, on(DOUBLES, REAL));
fn pod_image_name_upper_case(world: &mut World) {
    world.well();
    let image = "[REGISTRY]/Owner/App:1";
    world.stuck_for("api", image, &[SECRET], "InvalidImageName", UPPER_CASE);
    world.says(
        LINE,
        Code::PodImageName,
        &["must be lowercase", "correct the image in the pod"],
    );
    world.delete("pods", "api");
    world.is_gone(LINE, Code::PodImageName);
}

finding!(
    pod_image_never_pulled_pulling_is_forbidden,
    Code::PodImageNeverPulled,
    on(DOUBLES, REAL)
);
fn pod_image_never_pulled_pulling_is_forbidden(world: &mut World) {
    world.well();
    let told = r#"Container image "[REGISTRY]/owner/app:1" is not present with pull policy of Never"#;
    world.stuck_for("api", IMAGE, &[SECRET], "ErrImageNeverPull", told);
    world.says(LINE, Code::PodImageNeverPulled, &["imagePullPolicy: IfNotPresent"]);
    world.delete("pods", "api");
    world.is_gone(LINE, Code::PodImageNeverPulled);
}

finding!(
    pod_key_mismatch_the_image_has_the_default_port,
    Code::PodKeyMismatch,
    on(DOUBLES)
);
/// kubelet knows no default port: no entry that sync writes does for this name.
fn pod_key_mismatch_the_image_has_the_default_port(world: &mut World) {
    let line = "status -n [NAMESPACE] --registry gitea.example.com --offline";
    world.put_pull_secret("pull", &[("gitea.example.com", "x")]);
    world.stuck("api", "gitea.example.com:443/owner/app:1", &["pull"], UNAUTHORIZED);
    world.says(
        line,
        Code::PodKeyMismatch,
        &["write the image as gitea.example.com/owner/app:1 in the pod"],
    );
    let (_, commands) = world.found(Code::PodKeyMismatch, &world.regcred(line));
    assert!(commands.is_empty(), "{commands:?}");
    world.delete("pods", "api");
    world.is_gone(line, Code::PodKeyMismatch);
}

finding!(
    pod_entry_missing_of_a_registry_that_secrets_name_alone,
    Code::PodEntryMissing,
    on(DOUBLES, REAL)
);
/// Anybody can name a registry in a Secret: its pods are checked, and nobody is told to log in to it.
fn pod_entry_missing_of_a_registry_that_secrets_name_alone(world: &mut World) {
    world.well();
    world.put_pull_secret("pull", &[("ghcr.io", "x")]);
    world.put_pull_secret("other", &[("quay.io", "x")]);
    world.stuck("api", "ghcr.io/owner/app:1", &["other"], BACK_OFF);
    world.stuck("web", "private.example.com/app:1", &["other"], BACK_OFF);
    let line = "status -n [NAMESPACE] --offline";
    world.says(
        line,
        Code::PodEntryMissing,
        &["no entry for ghcr.io", "only the cluster names ghcr.io"],
    );
    let ran = world.regcred(line);
    assert!(!ran.stdout.contains("$ kubectl regcred login"), "{ran}");
    assert!(
        ran.stdout
            .contains("except 1 pod that waits for images of other registries"),
        "{ran}"
    );
    world.delete("pods", "api");
    world.is_gone(line, Code::PodEntryMissing);
}

finding!(pod_stuck_the_reason_is_at_the_end, Code::PodStuck, on(DOUBLES, REAL));
/// containerd names the image again and again, and what happened last.
fn pod_stuck_the_reason_is_at_the_end(world: &mut World) {
    world.well();
    let image = format!("[REGISTRY]/owner/{}:1", "a-long-name-".repeat(20));
    let again = format!("failed to pull and unpack image {image}: ").repeat(4);
    world.stuck(
        "api",
        &image,
        &[SECRET],
        &world.denormal(&format!("{again}no space left on device")),
    );
    world.says(LINE, Code::PodStuck, &["no space left on device"]);
    let document: serde_json::Value =
        serde_json::from_str(&world.regcred("status -n [NAMESPACE] -o json").stdout).unwrap();
    let findings = document["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["code"] == "pod-stuck").unwrap();
    let (cause, message) = (found["cause"].as_str().unwrap(), found["message"].as_str().unwrap());
    assert!(cause.ends_with("no space left on device"), "{cause}");
    assert!(
        message.len() > cause.len() && message.ends_with("no space left on device"),
        "{message}"
    );
    world.delete("pods", "api");
    world.is_gone(LINE, Code::PodStuck);
}

finding!(pod_stuck_something_else, Code::PodStuck, on(DOUBLES, REAL));
fn pod_stuck_something_else(world: &mut World) {
    world.well();
    world.stuck(
        "api",
        IMAGE,
        &[SECRET],
        "write /var/lib/containerd/x: no space left on device",
    );
    world.says(
        LINE,
        Code::PodStuck,
        &["no space left on device", "kubectl describe pod api -n [NAMESPACE]"],
    );
    // Somebody makes room, and kubelet makes it run.
    world.delete("pods", "api");
    world.is_gone(LINE, Code::PodStuck);
}
