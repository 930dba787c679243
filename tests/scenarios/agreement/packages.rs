//! Images that the double keeps itself: what the packages API lists and deletes, and what is left then.

use std::time::Duration;

use super::pair::Pair;
use crate::support::gitea::{Settings, sha256};
use crate::support::parts::GITEA;
use crate::support::pusher::{IMAGE, INDEX, Pusher};

const APP: &str = "admin/team/app";

scenario!(lists_and_deletions, needs(GITEA));
fn lists_and_deletions() {
    let mut pair = Pair::start(Settings::default());
    let mut made = Vec::new();
    for site in pair.both() {
        let token = site.gitea.add_token("admin", "write:package");
        let pusher = Pusher::new(&site.gitea, "admin", &token);
        let one = pusher.image(APP, "One", "one", "amd64");
        let (index, parts) = pusher.multi(APP, "multi", "many");
        let signature = pusher.sign(APP, &index);
        let of_tag = pusher.index(APP, "of-tag", &[("amd64", &one)]);
        let chart = pusher.chart("admin/chart", "0.1.0");
        pusher.image(APP, "again", "earlier", "amd64");
        pusher.image(APP, "again", "later", "amd64");
        site.gitea.age_images(Duration::from_secs(3600));
        made.push((vec![one, index, of_tag, chart], parts, signature));
    }
    let (real, double) = (made.pop().unwrap(), made.pop().unwrap());
    pair.compare("what was pushed", &double, &real);
    let (digests, parts, signature) = real;
    let packages = "/api/v1/packages/admin";
    let version = |name: &str| format!("{packages}/container/team%2Fapp/{name}");
    let manifest = |reference: &str| format!("/v2/{APP}/manifests/{reference}");
    let caller = Some("write in the header");
    let exchanged = Some("exchanged by write");
    let accept = |_: &super::pair::Site| vec![("accept", format!("{IMAGE}, {INDEX}"))];

    let look = |pair: &mut Pair| {
        for query in [
            "?type=container",
            "?type=container&limit=3&page=2",
            "?type=container&limit=3",
            "?type=container&page=9",
            "?type=container&q=app",
            "?type=container&q=TEAM",
            "?type=container&q=nothing",
            "?type=npm",
            "",
        ] {
            pair.ask(caller, "GET", &format!("{packages}{query}"), None);
        }
        for name in [
            "one",
            "One",
            "multi",
            "again",
            "gone",
            &parts[0],
            &digests[1],
            &signature,
        ] {
            pair.ask(caller, "GET", &version(name), None);
            for method in ["GET", "HEAD"] {
                pair.ask_with(exchanged, (method, &manifest(name)), accept, None);
            }
        }
        for digest in &parts {
            pair.ask_with(exchanged, ("GET", &manifest(digest)), accept, None);
        }
        for blob in [
            sha256(&[0; 4096]),
            sha256("one".repeat(100).as_bytes()),
            sha256(b"unknown"),
        ] {
            pair.ask(exchanged, "HEAD", &format!("/v2/{APP}/blobs/{blob}"), None);
        }
        pair.ask(exchanged, "GET", &format!("/v2/{APP}/tags/list"), None);
        pair.ask(exchanged, "GET", &format!("/v2/{APP}/tags/list?n=2&last=again"), None);
        pair.ask(exchanged, "GET", &format!("/v2/{APP}/referrers/{}", digests[1]), None);
    };
    look(&mut pair);

    // Who may not delete, and what is not there.
    for caller in ["read in the header", "other", "issue in the header"] {
        pair.ask(Some(caller), "DELETE", &version("one"), None);
    }
    pair.ask(None, "DELETE", &version("one"), None);
    pair.ask(caller, "DELETE", &version("gone"), None);
    pair.ask(caller, "DELETE", &format!("{packages}/container/team/app/one"), None);

    // The tag of the child of an index; a part of another by its digest; a tag that others do not share.
    pair.ask(caller, "DELETE", &version("one"), None);
    look(&mut pair);
    pair.ask(caller, "DELETE", &version(&parts[1]), None);
    pair.ask(caller, "DELETE", &version("multi"), None);
    look(&mut pair);
    pair.ask(exchanged, "DELETE", &manifest("gone"), None);
    pair.ask(exchanged, "DELETE", &manifest(&parts[0]), None);
    pair.ask(exchanged, "DELETE", &manifest("again"), None);
    look(&mut pair);
    pair.agree();
}

scenario!(a_manifest_again, needs(GITEA));
/// Under a second tag before its own is deleted, and after: its layers are out of reach then.
fn a_manifest_again() {
    let mut pair = Pair::start(Settings::default());
    let mut said = Vec::new();
    for site in pair.both() {
        let token = site.gitea.add_token("admin", "write:package");
        let pusher = Pusher::new(&site.gitea, "admin", &token);
        let digest = pusher.image("admin/app", "one", "one", "amd64");
        let text = site
            .put("exchanged by write", ("GET", "/v2/admin/app/manifests/one"), "", &[])
            .0;
        let manifest = pusher.text("admin/app", "one");
        let mut steps = vec![text];
        let put = |tag: &str| {
            site.put(
                "exchanged by write",
                ("PUT", &format!("/v2/admin/app/manifests/{tag}")),
                IMAGE,
                manifest.as_bytes(),
            )
            .0
        };
        let delete = |tag: &str| {
            site.put(
                "write in the header",
                ("DELETE", &format!("/api/v1/packages/admin/container/app/{tag}")),
                "",
                &[],
            )
            .0
        };
        steps.push(put("regcred-trash.20261128101500.one"));
        steps.push(delete("one"));
        steps.push(u16::from(pusher.pull("admin/app", "one").is_ok()));
        steps.push(u16::from(pusher.pull("admin/app", &digest).is_ok()));
        steps.push(put("one"));
        steps.push(delete("regcred-trash.20261128101500.one"));
        steps.push(u16::from(pusher.pull("admin/app", "one").as_ref() == Ok(&digest)));
        steps.push(put(&digest));
        steps.push(delete("one"));
        steps.push(u16::from(pusher.pull("admin/app", &digest).is_ok()));
        steps.push(delete(&digest));
        steps.push(put("one"));
        let index = format!(
            r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{{"mediaType":"{IMAGE}","digest":"{digest}","size":1}}]}}"#
        );
        steps.push(
            site.put(
                "exchanged by write",
                ("PUT", "/v2/admin/app/manifests/index"),
                INDEX,
                index.as_bytes(),
            )
            .0,
        );
        steps.push(
            site.put(
                "exchanged by write",
                ("PUT", &format!("/v2/admin/app/manifests/{digest}")),
                INDEX,
                index.as_bytes(),
            )
            .0,
        );
        said.push(steps);
    }
    pair.compare("each step", &said[0], &said[1]);
    assert_eq!(&said[1][1..4], [201, 204, 0], "what setting aside builds on");
    pair.agree();
}
