//! Webhooks and gateways that quote what they refuse: no message has a piece of a token in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::json;

use crate::support::api_server::{Fault, Quotation};
use crate::support::world::{Ran, World};

const QUOTATIONS: [Quotation; 7] = [
    Quotation::Whole,
    Quotation::Base64,
    Quotation::Document,
    Quotation::Escaped,
    Quotation::Cut(300),
    Quotation::Cut(397),
    Quotation::ByGateway,
];
const CODES: [u16; 4] = [403, 409, 422, 500];

/// Fails where a piece of the token is shown, or can be decoded from what is shown.
fn check(ran: &Ran, tokens: &[&str], what: &str) {
    let text = format!("{}\n{}", ran.stdout, ran.stderr);
    for token in tokens {
        let mut forms = vec![token.as_bytes().to_vec()];
        for before in 0..3 {
            let bytes = [&vec![0; before], token.as_bytes()].concat();
            let encoded = STANDARD_NO_PAD.encode(bytes).into_bytes();
            forms.push(encoded[before + usize::from(before > 0)..encoded.len() - 1].to_vec());
        }
        for form in forms {
            for piece in form.windows(8) {
                let piece = std::str::from_utf8(piece).unwrap();
                assert!(!text.contains(piece), "{what}: {piece} of {token}\n{ran}");
            }
        }
    }
    assert!(
        ran.stderr.contains("webhook") || ran.stderr.contains("gateway") || ran.stdout.contains("refused"),
        "{what}\n{ran}"
    );
}

fn world() -> (World, String) {
    let world = World::of_doubles();
    let token = world.gitea.add_token("admin", "write:package");
    world
        .regcred_with("login [REGISTRY] -u admin --token-stdin", &token)
        .done();
    world.regcred("sync -n [NAMESPACE]").done();
    (world, token)
}

scenario!(a_refused_secret_is_quoted_and_no_token_shown);
fn a_refused_secret_is_quoted_and_no_token_shown() {
    for (quotation, code) in QUOTATIONS.into_iter().zip(CODES.into_iter().cycle()) {
        let (world, old) = world();
        let new = world.gitea.add_token("admin", "write:package");
        let server = world.api_server();
        server.fail_writes(Fault::Quote(code, quotation));
        let rotate = "rotate [REGISTRY] -n [NAMESPACE] --token-stdin --plain-http";
        let ran = world.regcred_with(rotate, &new);
        let what = format!("{code} {quotation:?}");
        check(&ran, &[&old, &new], &what);
        assert_eq!(ran.code, 1, "{what}\n{ran}");
        server.recover();
        world.regcred("rotate [REGISTRY] --abort").done();

        server.create_namespace("new");
        server.fail_writes(Fault::Quote(code, quotation));
        for line in ["sync -n new", "sync -n new --dry-run=server", "sync -n new -o json"] {
            let ran = world.regcred(line);
            check(&ran, &[&old], &format!("{line} {what}"));
            assert_eq!(ran.code, 1, "{line} {what}\n{ran}");
        }
    }
}

scenario!(nor_one_of_a_secret_that_others_filled);
/// What kubectl left in an annotation, and other registries' entries, are quoted as well.
fn nor_one_of_a_secret_that_others_filled() {
    let (world, _) = world();
    let theirs = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
    let document = json!({"auths": {"ghcr.io": {"username": "org", "password": theirs}}}).to_string();
    let encoded = base64::engine::general_purpose::STANDARD.encode(&document);
    let secret = |annotations: serde_json::Value| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
            "metadata": {"name": "theirs", "annotations": annotations}, "data": {".dockerconfigjson": encoded},
        })
    };
    let copy = secret(json!({})).to_string();
    world.put_secret(&secret(
        json!({"kubectl.kubernetes.io/last-applied-configuration": copy}),
    ));
    for quotation in QUOTATIONS {
        world.api_server().fail_writes(Fault::Quote(422, quotation));
        let ran = world.regcred("sync -n [NAMESPACE] --secret theirs --registry [REGISTRY]");
        check(&ran, &[theirs], &format!("{quotation:?}"));
    }
}

scenario!(a_refused_restart_is_quoted_and_no_token_shown);
fn a_refused_restart_is_quoted_and_no_token_shown() {
    let (world, token) = world();
    let server = world.api_server();
    let image = format!("{}/admin/app:1", world.registry());
    server.put_object(
        "deployments",
        &world.namespace,
        &json!({
            "metadata": {"name": "app"},
            "spec": {"template": {"spec": {
                "imagePullSecrets": [{"name": "gitea-credentials"}],
                "containers": [{"name": "app", "image": image}],
            }}},
        }),
    );
    for quotation in QUOTATIONS {
        server.fail_writes(Fault::Quote(403, quotation));
        let ran = world.regcred("sync -n [NAMESPACE] --restart");
        check(&ran, &[&token], &format!("{quotation:?}"));
        assert_eq!(ran.code, 1, "{ran}");
    }
}
