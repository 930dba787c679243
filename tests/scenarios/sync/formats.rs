//! Secrets in the formats of others than kubelet: `username` and `password`, and Argo CD's repositories.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::parts::{DOUBLES, REAL};
use crate::support::world::{Ran, World};

const LIST: &str = "regcred.yaml";
/// The account's own, at the double.
const PASSWORD: &str = "password of admin";

impl World {
    /// Logged in for clusters. Returns the token.
    fn ready(&self) -> String {
        let token = self.gitea.add_token("admin", "read:package");
        let login = "login [REGISTRY] -u admin --use cluster --token-stdin";
        self.regcred_with(login, &token).done();
        token
    }

    /// `sync -f` with these Secrets in the list.
    fn sync_listed(&self, secrets: &[&str]) -> Ran {
        self.list(secrets);
        self.regcred(&format!("sync -f {}", self.home().join(LIST).display()))
    }

    fn list(&self, secrets: &[&str]) {
        let lines = secrets
            .iter()
            .map(|secret| format!("  - {{namespace: {}, {secret}}}\n", self.namespace));
        let lines = lines.collect::<Vec<_>>().concat();
        let registry = self.registry();
        let text = format!("registries:\n- registry: {registry}\n  username: admin\n  secrets:\n{lines}");
        std::fs::write(self.home().join(LIST), text).unwrap();
    }

    /// A value of a Secret.
    fn value(&self, name: &str, key: &str) -> Option<String> {
        let secret = self.secret(name)?;
        let value = STANDARD.decode(secret["data"][key].as_str()?).unwrap();
        Some(String::from_utf8(value).unwrap())
    }
}

fn opaque(name: &str, data: &[(&str, &str)], labels: &Value) -> Value {
    let data: serde_json::Map<_, _> = data
        .iter()
        .map(|(key, value)| ((*key).to_owned(), STANDARD.encode(value).into()))
        .collect();
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": name, "labels": labels}, "data": data,
    })
}

scenario!(basic_auth_is_kept_in_place_and_rotated, on(DOUBLES, REAL));
/// As Flux's `HelmRepository` has it.
fn basic_auth_is_kept_in_place_and_rotated(world: &World) {
    let old = world.ready();
    let there = [
        ("username", "admin"),
        ("password", "dead"),
        ("caFile", "a certificate\n"),
    ];
    world.put_secret(&opaque("helm", &there, &json!({"team": "web"})));
    let uid = world.secret("helm").unwrap()["metadata"]["uid"].clone();
    let ran = world.sync_listed(&["name: helm, format: basic-auth"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, "secret/helm configured in namespace [NAMESPACE]\n"),
        "{ran}"
    );
    let secret = world.secret("helm").unwrap();
    assert_eq!((&secret["type"], &secret["metadata"]["uid"]), (&json!("Opaque"), &uid));
    assert_eq!(secret["data"].as_object().unwrap().len(), 3, "{secret}");
    assert_eq!(secret["metadata"]["labels"]["team"], "web");
    let value = |key| world.value("helm", key).unwrap();
    assert_eq!(
        (value("username"), value("password")),
        ("admin".to_owned(), old.clone())
    );
    assert_eq!(value("caFile"), "a certificate\n");
    // Once is enough, with the list and without it.
    let again = world.sync_listed(&["name: helm, format: basic-auth"]);
    assert!(again.code == 0 && again.stdout.contains("unchanged"), "{again}");
    let again = world.regcred("sync -n [NAMESPACE] --secret helm --registry [REGISTRY]");
    assert!(again.code == 0 && again.stdout.contains("unchanged"), "{again}");

    let list = world.home().join(LIST);
    let status = world.regcred(&format!("status -f {}", list.display()));
    assert!(
        status.code == 0 && status.stdout.contains("helm   [REGISTRY]   admin   in sync"),
        "{status}"
    );
    assert!(!status.stdout.contains("unused"), "{status}");
    let places = world.regcred("where").done();
    assert!(
        places.contains("[NAMESPACE]/helm") || places.contains("secret/helm"),
        "{places}"
    );

    let rotated = world.regcred_with("rotate [REGISTRY] --mint --password-stdin", PASSWORD);
    assert!(
        rotated.code == 0 && rotated.stdout.contains("secret/helm configured"),
        "{rotated}"
    );
    let new = value("password");
    assert!(new != old && !world.gitea.knows("admin", &old) && world.gitea.knows("admin", &new));
    assert_eq!(value("caFile"), "a certificate\n");
}

scenario!(
    the_old_token_stays_valid_while_such_a_secret_holds_it,
    on(DOUBLES, REAL)
);
fn the_old_token_stays_valid_while_such_a_secret_holds_it(world: &World) {
    let old = world.ready();
    world.sync_listed(&["name: helm, format: basic-auth"]).done();
    let secret = world.secret("helm").unwrap();
    assert_eq!(secret["type"], "kubernetes.io/basic-auth");
    // Only the other Secret is rotated.
    world
        .regcred("sync -n [NAMESPACE] --secret pull --registry [REGISTRY]")
        .done();
    world.list(&["name: pull"]);
    let list = world.home().join(LIST);
    let line = format!("rotate [REGISTRY] -f {} --mint --password-stdin", list.display());
    let ran = world.regcred_with(&line, PASSWORD);
    assert!(
        ran.code == 1 && ran.stderr.contains("is not revoked: it is also in secret/helm"),
        "{ran}"
    );
    assert!(world.gitea.knows("admin", &old));
    world
        .regcred("sync -n [NAMESPACE] --secret helm --registry [REGISTRY]")
        .done();
    let _ = world.regcred_with("rotate --resume --password-stdin", PASSWORD).done();
    assert!(!world.gitea.knows("admin", &old));
}

impl World {
    /// The ledger alone knows this Secret, and `sync` cannot write it: the token is not revoked, however often it is looked at.
    fn is_not_forgotten(&self, name: &str, old: &str, how: &str) {
        let line = format!("secret/{name} in namespace [NAMESPACE]");
        assert!(self.regcred("where").done().contains(&line));
        let ran = self.regcred_with("rotate [REGISTRY] --mint --password-stdin", PASSWORD);
        for says in [
            format!("warning: {line} is left as it is, although the token that is rotated is in it: its type is "),
            format!("error: the old token is not revoked: it is also in {line}\n"),
            format!("hint: {line}: its type is {how}; then use --resume\n"),
            format!(" --resume --skip-secret [NAMESPACE]/{name};"),
        ] {
            assert!(ran.code == 1 && ran.stderr.contains(&says), "{says}\n{ran}");
        }
        assert!(!ran.stderr.contains("kubectl regcred sync"), "{ran}");
        let places = self.regcred("where").done();
        let row = places.lines().find(|row| row.contains(&line));
        assert!(row.is_some_and(|row| row.ends_with("earlier")), "{places}");
        let ran = self.regcred_with("rotate --resume --password-stdin", PASSWORD);
        assert_eq!(ran.code, 1, "{ran}");
        assert!(self.gitea.knows("admin", old), "{ran}");
    }
}

scenario!(
    one_without_its_label_and_annotations_is_not_forgotten,
    on(DOUBLES, REAL)
);
fn one_without_its_label_and_annotations_is_not_forgotten(world: &World) {
    let old = world.ready();
    world.sync_listed(&["name: helm, format: basic-auth"]).done();
    let nothing = json!({"metadata": {"labels": null, "annotations": null}});
    world.plane.patch_secret(&world.namespace, "helm", &nothing);
    let how = "kubernetes.io/basic-auth: sync -f writes it if regcred.yaml has its `format`";
    world.is_not_forgotten("helm", &old, how);
    // As it says.
    world.sync_listed(&["name: helm, format: basic-auth"]).done();
    let _ = world.regcred_with("rotate --resume --password-stdin", PASSWORD).done();
    assert!(!world.gitea.knows("admin", &old));
}

scenario!(one_of_the_older_type_is_not_forgotten, on(DOUBLES, REAL));
fn one_of_the_older_type_is_not_forgotten(world: &World) {
    let old = world.ready();
    let document = json!({world.registry(): {"username": "admin", "password": old}});
    world.put_secret(&json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockercfg",
        "metadata": {"name": "old-form"}, "data": {".dockercfg": STANDARD.encode(document.to_string())},
    }));
    let ran = world.regcred("sync -n [NAMESPACE] --secret old-form --registry [REGISTRY]");
    assert_eq!(ran.code, 1, "{ran}");
    let how = "kubernetes.io/dockercfg: sync cannot write it: it needs a Secret of another name in its place";
    world.is_not_forgotten("old-form", &old, how);
}

scenario!(a_repository_of_argo_cd, on(DOUBLES, REAL));
fn a_repository_of_argo_cd(world: &World) {
    let token = world.ready();
    let url = format!("{}/admin/charts", world.registry());
    let there = [
        ("url", url.as_str()),
        ("type", "helm"),
        ("enableOCI", "true"),
        ("name", "charts"),
    ];
    let label = json!({"argocd.argoproj.io/secret-type": "repository"});
    world.put_secret(&opaque("there", &there, &label));
    let made = format!("name: new, format: argocd-repository, url: {url}");
    let ran = world.sync_listed(&["name: there, format: argocd-repository", &made]);
    assert_eq!(ran.code, 0, "{ran}");
    for (name, data) in [("there", &there[..]), ("new", &there[..3])] {
        for (key, text) in data {
            assert_eq!(world.value(name, key).as_deref(), Some(*text), "{name} {key}");
        }
        assert_eq!(world.value(name, "username").as_deref(), Some("admin"));
        assert_eq!(world.value(name, "password").as_deref(), Some(token.as_str()));
        let secret = world.secret(name).unwrap();
        assert_eq!(secret["data"].as_object().unwrap().len(), data.len() + 2);
        assert_eq!(
            secret["metadata"]["labels"]["argocd.argoproj.io/secret-type"],
            "repository"
        );
    }
    let list = world.home().join(LIST);
    let wide = world.regcred(&format!("status -f {} -o wide", list.display())).done();
    assert!(wide.contains("Argo CD"), "{wide}");
    // One of another registry is nobody's to give this token to.
    let other = [
        ("url", "ghcr.io/org/charts"),
        ("username", "org"),
        ("password", "theirs"),
    ];
    world.put_secret(&opaque("other", &other, &label));
    let ran = world.sync_listed(&["name: other, format: argocd-repository"]);
    assert!(
        ran.code == 1 && ran.stderr.contains("its url is of ghcr.io, not of [REGISTRY]"),
        "{ran}"
    );
    assert_eq!(world.value("other", "password").as_deref(), Some("theirs"));
}

scenario!(what_does_not_go_together_is_refused, on(DOUBLES));
fn what_does_not_go_together_is_refused(world: &World) {
    world.ready();
    world.regcred("sync -n [NAMESPACE] --secret pull").done();
    for (secret, says) in [
        (
            "name: pull, format: basic-auth",
            "its type is kubernetes.io/dockerconfigjson, which is not the format basic-auth",
        ),
        (
            "name: x, format: opaque",
            "a format is `dockerconfigjson`, `basic-auth` or `argocd-repository`",
        ),
        (
            "name: x, format: basic-auth, url: a",
            "url is for the format argocd-repository",
        ),
        (
            "name: x, format: basic-auth, service-accounts: [default]",
            "kubelet does not pull with the format basic-auth",
        ),
    ] {
        let ran = world.sync_listed(&[secret]);
        assert!(ran.code != 0 && ran.stderr.contains(says), "{secret}\n{ran}");
    }
    // Without the list's word, a Secret of another type is refused as ever.
    world.put_secret(&opaque("plain", &[("username", "a"), ("password", "b")], &json!({})));
    let ran = world.regcred("sync -n [NAMESPACE] --secret plain");
    assert!(ran.code == 1 && ran.stderr.contains("its type is \"Opaque\""), "{ran}");
    // What belongs to another tool belongs to it in every format.
    let mut helm = opaque(
        "of-helm",
        &[("username", "a"), ("password", "b")],
        &json!({"app.kubernetes.io/managed-by": "Helm"}),
    );
    helm["metadata"]["annotations"] = json!({"meta.helm.sh/release-name": "web"});
    world.put_secret(&helm);
    let ran = world.sync_listed(&["name: of-helm, format: basic-auth"]);
    assert!(ran.code == 1 && ran.stderr.contains("it belongs to Helm"), "{ran}");
    // Its login is all that such a Secret is.
    world.sync_listed(&["name: helm, format: basic-auth"]).done();
    let ran = world.regcred("sync -n [NAMESPACE] --secret helm --registry [REGISTRY] --remove");
    assert!(
        ran.code == 1 && ran.stderr.contains("nothing is left without the login"),
        "{ran}"
    );
}

scenario!(a_manifest_in_its_format, on(DOUBLES));
fn a_manifest_in_its_format(world: &World) {
    let token = world.ready();
    world.list(&["name: helm, format: basic-auth"]);
    let list = world.home().join(LIST);
    let line = format!("sync -f {} --dry-run=client -o json --show-token", list.display());
    let manifest: Value = serde_json::from_str(&world.regcred(&line).done()).unwrap();
    assert_eq!(manifest["type"], "kubernetes.io/basic-auth");
    assert_eq!(manifest["data"]["password"], STANDARD.encode(token));
    assert_eq!(
        manifest["metadata"]["annotations"]["kubectl-regcred/format"],
        "basic-auth"
    );
}

scenario!(kubelet_passes_over_it, on(DOUBLES));
/// A pod that names such a Secret has none to pull with.
fn kubelet_passes_over_it(world: &World) {
    world.ready();
    world.sync_listed(&["name: helm, format: basic-auth"]).done();
    let image = format!("{}/admin/app:1", world.registry());
    let spec = json!({"imagePullSecrets": [{"name": "helm"}], "containers": [{"name": "app", "image": image}]});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"}, "spec": spec});
    world.plane.put("pods", &world.namespace, &pod);
    let ran = world.regcred("status -n [NAMESPACE]");
    assert!(
        ran.code == 3 && ran.stdout.contains("it has a type that kubelet ignores"),
        "{ran}"
    );
}
