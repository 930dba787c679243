//! `images list`.

use serde_json::{Value, json};
use snapbox::str;

use super::fixture::{DAY, ON_DOUBLES, ON_GITEA, ON_REAL, Stage};
use crate::support::docker_registry::DockerRegistry;
use crate::support::gitea::Visibility;
use crate::support::http::{Answer, Server};
use crate::support::parts::DOCKER_REGISTRY;
use crate::support::pusher::Pusher;
use crate::support::schema::validate;
use crate::support::world::World;

/// The columns without digests, ages and sizes.
fn table(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| {
        let cells: Vec<&str> = line
            .split("   ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect();
        [0, 1, 5, 6, 7]
            .map(|at| cells.get(at).copied().unwrap_or(""))
            .join(" | ")
    });
    lines.collect()
}

scenario!(shows_what_is_there_and_who_uses_it, on(ON_DOUBLES, ON_GITEA, ON_REAL));
fn shows_what_is_there_and_who_uses_it(stage: &Stage) {
    let pusher = &stage.pusher;
    let (index, _) = pusher.multi("admin/team/api", "1.0", "one");
    pusher.sign("admin/team/api", &index);
    stage.age(DAY);
    pusher.image("admin/team/api", "1.1", "two", "arm64");
    pusher.image("admin/team/api", "stable", "two", "arm64");
    stage.age(DAY);
    pusher.chart("admin/web", "0.1.0");
    stage.run_pod("admin/team/api:1.0");
    let ran = stage.images(&format!("list admin --context {}", stage.world.plane.context()));
    assert_eq!(
        table(&ran.stdout),
        [
            "IMAGE | TAG | PLATFORM | WITH | USED BY",
            "admin/team/api | stable,1.1 | linux/arm64 | - | -",
            &format!(
                "admin/team/api | 1.0 | linux/amd64,linux/arm64 | 1 signature, 2 attestations | [NAMESPACE]/pod/app runs it in {}",
                stage.world.plane.context()
            ),
            "admin/web | 0.1.0 | - | - | -",
        ],
        "{ran}"
    );
    let ran = stage.images("list admin/team/api -o json").done();
    let list: Value = serde_json::from_str(&ran).unwrap();
    validate("images.schema.json", &list);
    assert_eq!(list["kind"], "ImageList");
    let one = &list["items"][1];
    assert_eq!((&one["tags"], &one["digest"]), (&json!(["1.0"]), &json!(index)));
    assert_eq!(one["usedBy"], json!([]), "no cluster was named");
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
}

scenario!(an_organisation_is_an_owner_too, on(ON_DOUBLES, ON_GITEA));
fn an_organisation_is_an_owner_too(stage: &Stage) {
    let gitea = &stage.world.gitea;
    gitea.add_organisation("acme", Visibility::Private);
    gitea.join("acme", "admin", true);
    stage.push_each("acme/team/api", &["1", "2", "3"]);
    stage.push_each("admin/api", &["1", "2", "3"]);
    stage.age(DAY);
    let ran = stage.images("list Acme -o json").done();
    let list: Value = serde_json::from_str(&ran).unwrap();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 3, "{ran}");
    assert!(items.iter().all(|item| item["image"] == "acme/team/api"), "{ran}");
    stage.images("prune acme --keep 1 --grace 0 --yes").done();
    assert_eq!(stage.pusher.tags("acme/team/api"), ["3"]);
    assert_eq!(stage.pusher.tags("admin/api"), ["1", "2", "3"]);
}

scenario!(what_is_not_there_is_said, on(ON_DOUBLES, ON_GITEA));
fn what_is_not_there_is_said(stage: &Stage) {
    stage.images("list admin").says(str![[r#"
exit 0
--- stdout
--- stderr
there are no images

"#]]);
    stage.images("list admin/api").says(str![[r#"
exit 1
--- stdout
--- stderr
error: there is no image admin/api
hint: check the spelling, and whether the token may see it

"#]]);
    stage.images("list nobody").says(str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] has no user or organisation "nobody"
hint: check the spelling, and whether the token may see it

"#]]);
}

scenario!(
    other_registries_are_listed_and_never_changed,
    needs(DOCKER_REGISTRY, "skopeo")
);
fn other_registries_are_listed_and_never_changed() {
    let registry = DockerRegistry::with_password("jane", "her password");
    let world = World::of_doubles();
    let login = format!("login {} -u jane --token-stdin", registry.registry());
    world.regcred_with(&login, "her password").done();
    let pusher = Pusher::with_password(&registry.registry(), "jane", "her password");
    for number in 0..7 {
        pusher.image("acme/app", &format!("V{number}"), &format!("{}", number % 2), "amd64");
    }
    let flags = format!("--registry {}", registry.registry());
    let ran = world.regcred(&format!("images list acme/app {flags} -o json")).done();
    let list: Value = serde_json::from_str(&ran).unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 2, "{ran}");
    let ran = world.regcred(&format!("images prune acme/app --keep 1 --yes {flags}"));
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr
            .contains("is no Gitea: its images can be listed, and not changed from here"),
        "{ran}"
    );
    let ran = world.regcred(&format!("images list acme {flags}"));
    assert!(ran.stderr.contains("hint: name the image too: OWNER/NAME"), "{ran}");
    assert_eq!(pusher.tags("acme/app").len(), 7);
}

scenario!(a_list_of_tags_that_never_ends_is_given_up);
/// Each page has thousands of tags, and says that there are more.
fn a_list_of_tags_that_never_ends_is_given_up() {
    const EACH: usize = 9000;
    let registry = Server::start(|request| {
        if request.path == "/v2/" {
            return Answer::json(200, &json!({})).with("docker-distribution-api-version", "registry/2.0");
        }
        let last = request.parameter("last").map_or(0, |last| last.parse().unwrap());
        let tags: Vec<String> = (last + 1..=last + EACH)
            .map(|number| format!("{number:0100}"))
            .collect();
        let next = format!("<{}?last={}>; rel=\"next\"", request.path, last + EACH);
        Answer::json(200, &json!({"name": "acme/app", "tags": tags})).with("link", &next)
    });
    let world = World::of_doubles();
    let line = format!(
        "images list acme/app --registry {} -u jane --token-stdin",
        registry.registry()
    );
    world.regcred_with(&line, "a password").says(str![[r#"
exit 1
--- stdout
--- stderr
error: the tags of acme/app could not be read whole: it has more than 100000 tags
hint: try again; if it stays so, the registry's log or a proxy before it is what to look at

"#]]);
    let pages = registry
        .seen()
        .iter()
        .filter(|seen| seen.path.ends_with("/tags/list"))
        .count();
    assert_eq!(pages, 100_000 / EACH + 1);
}

scenario!(a_list_is_given_up_at_the_first_row_that_is_no_image);
/// Whatever it says about its length: nothing of what is no image is kept.
fn a_list_is_given_up_at_the_first_row_that_is_no_image() {
    let stage = Stage::new(World::of_doubles());
    let row = json!({
        "id": 1, "name": "x".repeat(500_000), "version": "1", "type": "container", "created_at": "2026-11-30T10:00:00Z",
    });
    let path = "/api/v1/packages/admin";
    let page = Answer::json(200, &json!([row])).with("x-total-count", "200000");
    stage.world.gitea.replace(path, page);
    let ran = stage.images("list admin");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("a row of it is no image: xxx"), "{ran}");
    let requests = stage.world.gitea.requests();
    let pages = requests.iter().filter(|seen| seen.path == path).count();
    assert_eq!(pages, 1);
}

scenario!(one_role_is_enough_to_read);
fn one_role_is_enough_to_read() {
    let stage = Stage::new(World::of_doubles());
    stage.push_each("admin/api", &["1"]);
    let kinds = ["secrets", "pods", "deployments", "jobs"];
    for kind in kinds {
        for place in ["", &stage.world.namespace] {
            stage.world.api_server().forbid(&format!("list {kind}"), place);
        }
    }
    let ran = stage.images("list admin --context double");
    assert_eq!(ran.code, 1, "{ran}");
    for kind in kinds {
        assert!(ran.stderr.contains(&format!("may not list {kind}")), "{kind}: {ran}");
    }
    assert_eq!(ran.stderr.matches("\nkind: ClusterRole\n").count(), 1, "{ran}");
    // An error that stands alone has it too.
    let ran = stage.images("prune admin --keep 1 --context double");
    assert_eq!(ran.stderr.matches("\nkind: ClusterRole\n").count(), 1, "{ran}");
}
