//! Images that are there: who may pull and push them, of every kind of owner. The double's are in a docker-registry.

use ring::digest::{SHA256, digest};
use serde_json::json;

use super::pair::{Pair, Site};
use crate::support::docker_registry::DockerRegistry;
use crate::support::gitea::{Settings, Visibility, basic, hex};
use crate::support::parts::{DOCKER_REGISTRY, GITEA};

/// Everybody who owns an image, and the visibility of those that are organisations.
const OWNERS: [&str; 7] = ["admin", "other", "limited", "private", "guild", "lodge", "order"];
const ORGANISATIONS: [(&str, Visibility); 3] = [
    ("guild", Visibility::Public),
    ("lodge", Visibility::Limited),
    ("order", Visibility::Private),
];
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

scenario!(pulled_and_pushed, needs(GITEA, DOCKER_REGISTRY));
fn pulled_and_pushed() {
    everywhere(Settings::default());
}

scenario!(where_all_sign_in, needs(GITEA, DOCKER_REGISTRY));
fn where_all_sign_in() {
    everywhere(Settings {
        require_signin: true,
        ..Settings::default()
    });
}

fn everywhere(settings: Settings) {
    let mut pair = Pair::start(settings);
    let _images = DockerRegistry::behind(&pair.double.gitea);
    let mut digests = Vec::new();
    for site in pair.both() {
        set_up(site);
        digests.push(OWNERS.map(|owner| push(site, "administrator", owner, "1")));
    }
    let [double, real] = [0, 1].map(|number| digests[number].clone());
    pair.compare("every owner's image is pushed", &double, &real);
    let (status, manifest) = real[0].clone();
    assert_eq!(status, 201, "an administrator pushes everywhere");
    for owner in OWNERS {
        for caller in [
            None,
            Some("exchanged by nobody"),
            Some("read"),
            Some("exchanged by read"),
            Some("password"),
            Some("exchanged by password"),
            Some("public"),
            Some("exchanged by public"),
            Some("issue"),
            Some("exchanged by other"),
            Some("reads for the organisations"),
            Some("exchanged by writes"),
        ] {
            for method in ["HEAD", "GET"] {
                pull(&mut pair, caller, method, &format!("/v2/{owner}/app/manifests/1"));
            }
        }
        for path in [
            format!("/v2/{owner}/app/manifests/{manifest}"),
            format!("/v2/{owner}/app/tags/list"),
        ] {
            for caller in ["exchanged by read", "exchanged by nobody", "administrator"] {
                pull(&mut pair, Some(caller), "GET", &path);
            }
        }
        for what in ["gone", &format!("sha256:{}", "0".repeat(64))] {
            let path = format!("/v2/{owner}/app/manifests/{what}");
            pull(&mut pair, Some("administrator"), "HEAD", &path);
        }
        for caller in [
            "exchanged by nobody",
            "exchanged by read",
            "exchanged by write",
            "exchanged by other",
            "exchanged by public",
            "reads for the organisations",
            "exchanged by writes",
        ] {
            if !pair.double.has(caller) {
                continue;
            }
            let [double, real] = [&pair.double, &pair.real].map(|site| push(site, caller, owner, "2").0);
            pair.compare(&format!("{caller} pushes to {owner}"), &double, &real);
            let path = format!("/v2/{owner}/app/manifests/{manifest}");
            let [double, real] = [&pair.double, &pair.real].map(|site| site.put(caller, ("DELETE", &path), "", &[]).0);
            // It comes back with the next.
            for site in [&pair.double, &pair.real] {
                push(site, "administrator", owner, "1");
            }
            pair.compare(&format!("{caller} deletes an image of {owner}"), &double, &real);
        }
    }
    pair.agree();
}

/// As clients do, who say what they can read.
fn pull(pair: &mut Pair, caller: Option<&str>, method: &str, path: &str) {
    pair.ask_with(caller, (method, path), |_| vec![("accept", MANIFEST.to_owned())], None);
}

/// Organisations and who is in them, and an administrator.
fn set_up(site: &mut Site) {
    let gitea = &site.gitea;
    for (name, visibility) in ORGANISATIONS {
        gitea.add_organisation(name, visibility);
    }
    let mut tokens = Vec::new();
    for (login, writes) in [("reader", false), ("bot", true)] {
        gitea.add_user(login);
        for (organisation, _) in ORGANISATIONS {
            gitea.join(organisation, login, writes);
        }
        tokens.push(gitea.add_token(login, "write:package"));
    }
    let administrator = gitea.add_administrator();
    site.add_caller("administrator", basic("root", &administrator));
    site.add_caller("reads for the organisations", basic("reader", &tokens[0]));
    site.add_caller("writes", basic("bot", &tokens[1]));
    site.exchange(Some("writes"), "exchanged by writes");
}

/// Pushes the smallest image there is, and says how that ended: the first status that is a refusal, or the last.
fn push(site: &Site, caller: &str, owner: &str, tag: &str) -> (u16, String) {
    // Two empty blocks end a tar archive (POSIX.1, pax interchange format).
    let layer = [0; 1024];
    let layer_digest = sha256(&layer);
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
    });
    let config = config.to_string().into_bytes();
    let config_digest = sha256(&config);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config_digest, "size": config.len(),
        },
        "layers": [{
            "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer_digest, "size": layer.len(),
        }],
    });
    let manifest = manifest.to_string().into_bytes();
    let image_digest = sha256(&manifest);
    for (blob, digest) in [(layer.as_slice(), &layer_digest), (config.as_slice(), &config_digest)] {
        let (status, location) = site.put(caller, ("POST", &format!("/v2/{owner}/app/blobs/uploads/")), "", &[]);
        let Some(location) = location.filter(|_| status == 202) else {
            return (status, image_digest);
        };
        let path = location.split_once("/v2/").map_or("", |(_, rest)| rest);
        let joint = if path.contains('?') { '&' } else { '?' };
        let path = format!("/v2/{path}{joint}digest={digest}");
        let (status, _) = site.put(caller, ("PUT", &path), "application/octet-stream", blob);
        if status != 201 {
            return (status, image_digest);
        }
    }
    let path = format!("/v2/{owner}/app/manifests/{tag}");
    (site.put(caller, ("PUT", &path), MANIFEST, &manifest).0, image_digest)
}

fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(digest(&SHA256, bytes).as_ref()))
}
