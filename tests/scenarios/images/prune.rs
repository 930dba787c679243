//! `images prune` and `images restore`, from setting aside to the end of the grace.

use regcred::model::Use;
use serde_json::{Value, json};
use snapbox::str;

use super::fixture::{DAY, ON_DOUBLES, ON_GITEA, Stage};
use crate::support::world::{World, credential};

const PRUNE: &str = "prune admin --keep 1 --yes";

scenario!(sets_aside_and_restores, on(ON_DOUBLES, ON_GITEA));
fn sets_aside_and_restores(stage: &Stage) {
    let pusher = &stage.pusher;
    let (old, parts) = pusher.multi("admin/team/api", "1", "one");
    let signature = pusher.sign("admin/team/api", &old);
    stage.age(DAY);
    let (new, _) = pusher.multi("admin/team/api", "2", "two");
    stage.age(DAY);

    stage.images(PRUNE).done();
    assert!(pusher.pull("admin/team/api", "1").is_err());
    let aside = stage.aside("admin/team/api", "1");
    assert_eq!(pusher.pull("admin/team/api", &aside), Ok(old.clone()), "its bytes stay");

    stage.images("restore admin/team/api:1").says(str![[r#"
exit 0
--- stdout
admin/team/api:1 restored
--- stderr

"#]]);
    assert_eq!(
        pusher.pull("admin/team/api", "1"),
        Ok(old.clone()),
        "whole, and the same"
    );
    assert_eq!(
        pusher.tags("admin/team/api").len(),
        3,
        "{:?}",
        pusher.tags("admin/team/api")
    );

    // It counts as pushed now, and is let alone for two hours.
    stage.images(PRUNE).done();
    assert_eq!(pusher.pull("admin/team/api", "1"), Ok(old.clone()));
    // Then it is the newest.
    stage.age(DAY);
    stage.images(PRUNE).done();
    assert_eq!(pusher.pull("admin/team/api", "1"), Ok(old.clone()));
    let aside = stage.aside("admin/team/api", "2");
    assert_eq!(pusher.pull("admin/team/api", &aside), Ok(new.clone()));

    // In its grace nothing happens, however often it is run; the clock of the registry counts, not only the name.
    stage.age(DAY);
    stage.images(PRUNE).done();
    assert_eq!(pusher.pull("admin/team/api", &aside), Ok(new));
    for digest in &parts {
        assert!(pusher.pull("admin/team/api", digest).is_ok());
    }
    assert!(pusher.pull("admin/team/api", &signature).is_ok());
}

scenario!(what_would_be_restored, on(ON_DOUBLES, ON_GITEA));
fn what_would_be_restored(stage: &Stage) {
    stage.push_each("admin/api", &["1", "2", "3"]);
    stage.age(DAY);
    stage.images(PRUNE).done();
    let before = stage.pusher.tags("admin/api");
    for (image, lines) in [
        ("admin/api:1", &["admin/api:1 would be restored"][..]),
        (
            "admin/api",
            &["admin/api:1 would be restored", "admin/api:2 would be restored"],
        ),
    ] {
        let ran = stage.images(&format!("restore {image} --dry-run=client")).done();
        let mut said: Vec<&str> = ran.lines().collect();
        said.sort_unstable();
        assert_eq!(said, lines);
        assert_eq!(stage.pusher.tags("admin/api"), before, "{image}");
    }
    assert_eq!(stage.images("restore admin/api:1").done(), "admin/api:1 restored\n");
    assert_ne!(stage.pusher.tags("admin/api"), before);
}

scenario!(deletes_for_good_when_the_grace_is_over, on(ON_DOUBLES, ON_GITEA));
/// Set aside by another machine, years ago; the registry has it for a month.
fn deletes_for_good_when_the_grace_is_over(stage: &Stage) {
    let pusher = &stage.pusher;
    let (old, parts) = pusher.multi("admin/api", "regcred-trash.20200101000000.1", "one");
    let signature = pusher.sign("admin/api", &old);
    stage.age(3 * DAY);
    pusher.multi("admin/api", "2", "two");
    stage.age(3 * DAY);
    let ran = stage.images(PRUNE);
    assert!(
        ran.stdout.contains("set aside until "),
        "the registry's clock counts too: {ran}"
    );
    assert_eq!(
        pusher.pull("admin/api", "regcred-trash.20200101000000.1"),
        Ok(old.clone())
    );
    stage.age(3 * DAY);
    let ran = stage.images(PRUNE);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("are deleted for good, which frees up to"), "{ran}");
    assert_eq!(pusher.tags("admin/api"), ["2"], "{ran}");
    for reference in parts.iter().chain([&old, &signature]) {
        assert!(pusher.pull("admin/api", reference).is_err(), "{reference}: {ran}");
    }
    assert!(pusher.pull("admin/api", "2").is_ok());
}

scenario!(only_what_matches_goes, on(ON_DOUBLES, ON_GITEA));
fn only_what_matches_goes(stage: &Stage) {
    let pusher = &stage.pusher;
    for repository in ["admin/api", "admin/web"] {
        for tag in ["pr-1", "1.0", "pr-2", "2.0"] {
            stage.age(DAY);
            pusher.image(repository, tag, &format!("{repository}:{tag}"), "amd64");
        }
    }
    stage.age(DAY);
    let line = "prune admin --keep 1 --match pr-* --exclude */web:* --grace 0";
    // A document is for programs, which are not asked.
    let planned = stage.images(&format!("{line} -o json"));
    let document: Value = serde_json::from_str(&planned.stdout).unwrap();
    assert!(document["kind"].is_string(), "{planned}");
    assert!(planned.stderr.contains("nothing was changed: --yes does"), "{planned}");
    assert_eq!(pusher.tags("admin/api").len(), 4, "{planned}");
    stage.images(&format!("{line} --yes")).done();
    let tags = |repository| {
        let mut tags = pusher.tags(repository);
        tags.sort();
        tags
    };
    assert_eq!(tags("admin/api"), ["1.0", "2.0", "pr-2"]);
    assert_eq!(tags("admin/web"), ["1.0", "2.0", "pr-1", "pr-2"]);
}

scenario!(only_what_is_older_goes, on(ON_DOUBLES, ON_GITEA));
fn only_what_is_older_goes(stage: &Stage) {
    stage.push_each("admin/api", &["1", "2", "3", "4"]);
    stage.age(DAY);
    let line = "prune admin --keep 1 --grace 0";
    stage.images(&format!("{line} --older-than 60h --yes")).done();
    let mut tags = stage.pusher.tags("admin/api");
    tags.sort();
    assert_eq!(tags, ["3", "4"], "the others are 3 and 4 days old");
    stage.images(&format!("{line} --yes")).done();
    assert_eq!(stage.pusher.tags("admin/api"), ["4"]);
}

scenario!(one_registry_of_several, on(ON_DOUBLES, ON_GITEA));
fn one_registry_of_several(stage: &Stage) {
    let other = credential("ghcr.io", "org", "t0ken");
    stage.world.keychain().put(Use::Docker, &other).unwrap();
    stage.push_each("admin/api", &["1", "2"]);
    stage.age(DAY);
    for line in ["list admin", PRUNE, "restore admin/api:1"] {
        let ran = stage.images(line);
        assert!(ran.code == 2 && ran.stderr.contains("ghcr.io"), "{line}: {ran}");
        stage.images(&format!("{line} --registry [REGISTRY]")).done();
    }
}

scenario!(deletes_at_once_without_grace, on(ON_DOUBLES, ON_GITEA));
fn deletes_at_once_without_grace(stage: &Stage) {
    let pusher = &stage.pusher;
    let (old, parts) = pusher.multi("admin/api", "1", "one");
    let signature = pusher.sign("admin/api", &old);
    stage.age(DAY);
    pusher.image("admin/api", "2", "two", "amd64");
    stage.age(DAY);
    let ran = stage.images("prune admin --keep 1 --grace 0 --yes");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("there is no way back"), "{ran}");
    assert!(
        ran.stdout
            .ends_with("asked for the 1 manifests that stay again: all are there\n"),
        "{ran}"
    );
    assert_eq!(pusher.tags("admin/api"), ["2"]);
    for reference in parts.iter().chain([&old, &signature]) {
        assert!(pusher.pull("admin/api", reference).is_err(), "{reference}");
    }
    assert!(pusher.pull("admin/api", "2").is_ok());
    let ran = stage.images("restore admin/api:1");
    ran.says(str![[r#"
exit 1
--- stdout
--- stderr
error: admin/api:1 is not set aside
hint: kubectl regcred images list admin/api

"#]]);
}

scenario!(an_index_keeps_what_only_a_tag_holds, on(ON_DOUBLES, ON_GITEA));
/// The child of an index was pushed by a tag: with the tag, the index would lose it.
fn an_index_keeps_what_only_a_tag_holds(stage: &Stage) {
    let pusher = &stage.pusher;
    let child = pusher.image("admin/api", "one", "child", "amd64");
    stage.age(DAY);
    let index = pusher.index("admin/api", "multi", &[("amd64", &child)]);
    stage.age(DAY);
    let ran = stage.images("prune admin --keep 1 --grace 0 --yes");
    assert!(ran.stdout.contains("is made of it, and nothing else holds it"), "{ran}");
    assert_eq!(pusher.pull("admin/api", "multi"), Ok(index.clone()));
    stage.images(PRUNE).done();
    assert!(pusher.pull("admin/api", "one").is_err());
    assert_eq!(pusher.pull("admin/api", "multi"), Ok(index));
}

scenario!(
    tags_that_share_a_digest_are_deleted_one_by_one,
    on(ON_DOUBLES, ON_GITEA)
);
fn tags_that_share_a_digest_are_deleted_one_by_one(stage: &Stage) {
    let pusher = &stage.pusher;
    let digest = pusher.image("admin/api", "old", "same", "amd64");
    stage.age(DAY);
    assert_eq!(pusher.image("admin/api", "new", "same", "amd64"), digest);
    stage.age(DAY);
    stage.images("prune admin --keep 1 --grace 0 --yes").done();
    assert_eq!(pusher.tags("admin/api"), ["new"]);
    assert_eq!(pusher.pull("admin/api", "new"), Ok(digest));
}

scenario!(charts_stay_unless_their_image_is_named, on(ON_DOUBLES, ON_GITEA));
fn charts_stay_unless_their_image_is_named(stage: &Stage) {
    for tag in ["0.1.0", "0.2.0"] {
        stage.pusher.chart("admin/chart", tag);
        stage.age(DAY);
    }
    let ran = stage.images(PRUNE);
    assert!(
        ran.stdout
            .contains("no image but application/vnd.cncf.helm.config.v1+json"),
        "{ran}"
    );
    assert_eq!(stage.pusher.tags("admin/chart"), ["0.1.0", "0.2.0"]);
    stage.images("prune admin/chart --keep 1 --yes").done();
    assert!(stage.pusher.pull("admin/chart", "0.1.0").is_err());
    stage.aside("admin/chart", "0.1.0");
}

scenario!(nothing_goes_without_an_answer, on(ON_DOUBLES, ON_GITEA));
fn nothing_goes_without_an_answer(stage: &Stage) {
    stage.push_each("admin/api", &["1", "2", "latest"]);
    stage.age(DAY);
    let all = ["1", "2", "latest"];
    let ran = stage.images("prune admin --keep 1");
    assert!(
        ran.stderr
            .contains("nothing was changed: --yes does what the plan says"),
        "{ran}"
    );
    assert!(ran.stderr.contains("warning: no cluster was looked into"), "{ran}");
    assert_eq!(ran.code, 0);
    stage.images("prune admin --keep 1 --yes --dry-run=client").done();
    assert_eq!(stage.pusher.tags("admin/api"), all);
}

scenario!(somebody_types_how_many_go);
fn somebody_types_how_many_go() {
    let stage = Stage::new(World::of_doubles());
    stage.push_each("admin/api", &["1", "2", "3"]);
    stage.age(DAY);
    let line = "images prune admin --keep 1";
    for wrong in ["", "y", "yes", "1", "22"] {
        let ran = stage.world.regcred_typing(line, wrong);
        assert!(ran.code == 0 && ran.stderr.contains("nothing was changed"), "{ran}");
        assert_eq!(stage.pusher.tags("admin/api"), ["1", "2", "3"], "{wrong}");
    }
    let ran = stage.world.regcred_typing(line, " 2 ");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(
        ran.stderr.contains("? Type 2 to set aside or delete that many\n"),
        "{ran}"
    );
    assert!(ran.stdout.contains("2 done\n"), "{ran}");
    stage.aside("admin/api", "1");
    stage.aside("admin/api", "2");
}

scenario!(
    a_token_that_may_only_read_is_refused_before_anything_is_touched,
    on(ON_DOUBLES, ON_GITEA)
);
fn a_token_that_may_only_read_is_refused_before_anything_is_touched(stage: &mut Stage) {
    stage.push_each("admin/api", &["1", "2"]);
    stage.age(DAY);
    let token = stage.world.gitea.add_token("admin", "read:package");
    stage.world.variables.insert("READS".to_owned(), token.into());
    let flags = "--registry [REGISTRY] -u admin --token-env READS";
    stage.images(&format!("list admin {flags}")).done();
    stage
        .images(&format!("prune admin --keep 1 --dry-run=client {flags}"))
        .done();
    for line in ["prune admin --keep 1 --yes", "restore admin/api"] {
        stage.images(&format!("{line} {flags}")).says(str![[r#"
exit 1
--- stdout
--- stderr
error: the token of admin for [REGISTRY] may not delete images: its scopes are read:package
hint: deleting needs the scope write:package
hint: kubectl regcred login [REGISTRY] -u admin --mint --scopes write:package

"#]]);
    }
    assert_eq!(stage.pusher.tags("admin/api"), ["1", "2"]);
}

scenario!(a_saved_plan_is_applied_as_far_as_it_is_true, on(ON_DOUBLES, ON_GITEA));
fn a_saved_plan_is_applied_as_far_as_it_is_true(stage: &Stage) {
    stage.push_each("admin/api", &["1", "2", "3", "4"]);
    stage.age(DAY);
    let file = stage.world.folder().join("plan.json");
    let file = file.display();
    let ran = stage.images(&format!("prune admin --keep 1 --plan {file}"));
    assert!(ran.stderr.contains("nothing was changed"), "{ran}");
    assert_eq!(stage.pusher.tags("admin/api").len(), 4);
    // One that was made in a pod is for that pod's cluster, whatever contexts there are here.
    let mut plan: Value = serde_json::from_slice(&std::fs::read(file.to_string()).unwrap()).unwrap();
    plan["clusters"] = json!([{"context": null, "id": "uid:6e0c", "server": "https://10.43.0.1:443"}]);
    let of_pod = stage.world.folder().join("of-pod.json");
    std::fs::write(&of_pod, plan.to_string()).unwrap();
    let ran = stage.images(&format!("prune --apply {} --yes", of_pod.display()));
    let says = "error: the plan was made in a pod, for the cluster of that pod, and this does not run in one\nhint: apply it in a pod";
    assert!(ran.code == 1 && ran.stderr.contains(says), "{ran}");
    assert_eq!(stage.pusher.tags("admin/api").len(), 4);
    stage.pusher.image("admin/api", "2", "another one", "amd64");
    stage.pusher.image("admin/api", "5", "not in the plan", "amd64");
    let ran = stage.images(&format!("prune --apply {file} --yes"));
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stderr.contains("admin/api:2 was left: it was pushed again"),
        "{ran}"
    );
    let tags = stage.pusher.tags("admin/api");
    let named: Vec<&String> = tags.iter().filter(|tag| !tag.contains("trash")).collect();
    assert_eq!(named, ["2", "4", "5"], "{ran}");
    stage.aside("admin/api", "1");
    stage.aside("admin/api", "3");
}

/// Saves a plan, and what is to go by it.
fn saved_plan(stage: &Stage, flags: &str) -> (String, Value) {
    let file = stage.world.folder().join("plan.json").display().to_string();
    stage
        .images(&format!("prune admin --keep 1 {flags} --plan {file}"))
        .done();
    let plan = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    (file, plan)
}

scenario!(what_is_taken_out_of_a_saved_plan_stays_whole, on(ON_DOUBLES, ON_GITEA));
fn what_is_taken_out_of_a_saved_plan_stays_whole(stage: &Stage) {
    let pusher = &stage.pusher;
    let aside = "regcred-trash.20200101000000.1";
    let (old, parts) = pusher.multi("admin/api", aside, "one");
    let signature = pusher.sign("admin/api", &old);
    stage.age(9 * DAY);
    pusher.multi("admin/api", "2", "two");
    stage.age(DAY);
    let (file, mut plan) = saved_plan(stage, "");
    let items = plan["items"].as_array_mut().unwrap();
    let goes = |item: &Value| item["action"] == "delete";
    assert_eq!(
        items.iter().filter(|item| goes(item)).count(),
        2 + parts.len(),
        "{items:?}"
    );
    items.retain(|item| item["name"] != aside);
    std::fs::write(&file, plan.to_string()).unwrap();
    let ran = stage.images(&format!("prune --apply {file} --yes"));
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stderr.contains(" was left: it belongs to something that stays\n"),
        "{ran}"
    );
    stage.images("restore admin/api:1").done();
    for reference in parts.iter().chain([&old, &signature]) {
        assert!(pusher.pull("admin/api", reference).is_ok(), "{reference}: {ran}");
    }
}

scenario!(
    what_is_pushed_after_a_plan_was_saved_stays_whole,
    on(ON_DOUBLES, ON_GITEA)
);
/// Another index under the same tag, and of the same part.
fn what_is_pushed_after_a_plan_was_saved_stays_whole(stage: &Stage) {
    let pusher = &stage.pusher;
    let (_, parts) = pusher.multi("admin/api", "1", "one");
    stage.age(DAY);
    stage.push_each("admin/api", &["2"]);
    stage.age(DAY);
    let (file, _) = saved_plan(stage, "--grace 0");
    pusher.index("admin/api", "1", &[("amd64", &parts[0])]);
    stage.age(DAY);
    stage.push_each("admin/api", &["3"]);
    stage.age(DAY);
    let ran = stage.images(&format!("prune --apply {file} --yes"));
    assert!(
        ran.stderr.contains("admin/api:1 was left: it was pushed again\n"),
        "{ran}"
    );
    for reference in ["1", parts[0].as_str()] {
        assert!(pusher.pull("admin/api", reference).is_ok(), "{reference}: {ran}");
    }
    // What belonged to the earlier index alone goes.
    assert!(pusher.pull("admin/api", &parts[1]).is_err(), "{ran}");
}

scenario!(what_is_restored_while_it_prunes_stays_whole, on(ON_DOUBLES, ON_GITEA));
fn what_is_restored_while_it_prunes_stays_whole(stage: &Stage) {
    let pusher = &stage.pusher;
    let aside = "regcred-trash.20200101000000.1";
    let (old, parts) = pusher.multi("admin/api", aside, "one");
    let signature = pusher.sign("admin/api", &old);
    stage.age(9 * DAY);
    pusher.multi("admin/api", "2", "two");
    stage.age(DAY);
    let other = pusher.clone();
    let deletes = "DELETE /api/v1/packages/admin/container/api/regcred";
    stage
        .world
        .gitea
        .meanwhile(deletes, move || other.retag("admin/api", aside, "1"));
    let ran = stage.images(PRUNE);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stderr.contains(" was left: what it belongs to is there again\n"),
        "{ran}"
    );
    for reference in parts.iter().chain([&old, &signature]) {
        assert!(pusher.pull("admin/api", reference).is_ok(), "{reference}: {ran}");
    }
    assert_eq!(pusher.tags("admin/api").len(), 3, "2, 1 and the signature's: {ran}");
}

scenario!(a_saved_plan_is_for_the_clusters_that_it_was_made_with);
fn a_saved_plan_is_for_the_clusters_that_it_was_made_with() {
    let stage = Stage::new(World::of_doubles());
    let cluster = stage.world.api_server();
    stage.push_each("admin/api", &["1", "2", "3"]);
    stage.age(DAY);
    cluster.create_namespace("kube-system");
    let file = stage.world.folder().join("plan.json");
    let apply = format!("prune --apply {} --yes", file.display());
    stage
        .images(&format!(
            "prune admin --keep 1 --context double --plan {}",
            file.display()
        ))
        .done();
    // From now on the context leads to another cluster, at the same address.
    cluster.create_namespace("kube-system");
    let ran = stage.images(&apply);
    assert!(
        ran.code == 1 && ran.stderr.contains("error: the plan is for the cluster uid:"),
        "{ran}"
    );
    assert!(
        ran.stderr.contains(", and context double leads to the cluster uid:"),
        "{ran}"
    );
    assert_eq!(stage.pusher.tags("admin/api").len(), 3, "{ran}");
    // One whose uid may not be read is known by its address.
    cluster.forbid("get namespaces", "");
    stage.images(&apply).done();
    stage.aside("admin/api", "1");
    stage.aside("admin/api", "2");
    let text = std::fs::read_to_string(&file).unwrap();
    let moved = text.replace(&cluster.url(), "https://10.0.0.1:6443");
    std::fs::write(&file, moved).unwrap();
    let ran = stage.images(&apply);
    assert!(
        ran.code == 1
            && ran
                .stderr
                .contains(" at https://10.0.0.1:6443, and context double leads"),
        "{ran}"
    );
}

scenario!(untagged_leftovers_of_a_repushed_tag_go, on(ON_DOUBLES, ON_GITEA));
fn untagged_leftovers_of_a_repushed_tag_go(stage: &Stage) {
    let pusher = &stage.pusher;
    let (old, parts) = pusher.multi("admin/api", "main", "one");
    stage.age(DAY);
    let (new, _) = pusher.multi("admin/api", "main", "two");
    assert!(pusher.pull("admin/api", &old).is_err(), "the tag has another one now");
    assert!(pusher.pull("admin/api", &parts[0]).is_ok(), "and its parts lie there");
    stage.age(DAY);
    stage.images("prune admin --keep 1 --grace 0 --yes").done();
    for digest in &parts {
        assert!(pusher.pull("admin/api", digest).is_err());
    }
    assert_eq!(pusher.pull("admin/api", "main"), Ok(new));
}

scenario!(a_tag_that_is_pushed_meanwhile_stays, on(ON_DOUBLES, ON_GITEA));
fn a_tag_that_is_pushed_meanwhile_stays(stage: &Stage) {
    // Each time somebody is faster: before the manifest is read again, before it is set aside, before it is deleted.
    for (image, request) in [
        ("admin/read", "GET /v2/admin/read/manifests/1"),
        ("admin/put", "PUT /v2/admin/put/manifests/regcred"),
        ("admin/ask", "HEAD /v2/admin/ask/manifests/1"),
    ] {
        stage.push_each(image, &["1", "2", "3"]);
        stage.age(DAY);
        let gitea = &stage.world.gitea;
        // The first reading is that of the list.
        gitea.meanwhile(&format!("GET /v2/{image}/manifests/1"), || {});
        let other = stage.pusher.clone();
        gitea.meanwhile(request, move || other.retag(image, "3", "1"));
        let ran = stage.images(&format!("prune {image} --keep 1 --yes"));
        assert_eq!(ran.code, 1, "{request}: {ran}");
        assert!(
            ran.stderr.contains(&format!("{image}:1 was left: it was pushed again")),
            "{request}: {ran}"
        );
        let three = stage.pusher.pull(image, "3");
        assert_eq!(stage.pusher.pull(image, "1"), three, "{request}");
        assert!(three.is_ok());
        let tags = stage.pusher.tags(image);
        assert_eq!(tags.iter().filter(|tag| tag.contains("trash")).count(), 1, "{tags:?}");
    }
}

scenario!(what_is_pushed_while_it_prunes_stays, on(ON_DOUBLES, ON_GITEA));
/// A new tag of something that goes, and a new image: between the plan and the first change, and before a deletion.
fn what_is_pushed_while_it_prunes_stays(stage: &Stage) {
    for (image, request, grace) in [
        ("admin/first", "PUT /v2/admin/first/manifests/regcred", "7d"),
        ("admin/later", "DELETE /api/v1/packages/admin/container/later/", "7d"),
        ("admin/gone", "DELETE /api/v1/packages/admin/container/gone/", "0"),
    ] {
        let digests = stage.push_each(image, &["1", "2", "3"]);
        stage.age(DAY);
        let other = stage.pusher.clone();
        stage.world.gitea.meanwhile(request, move || {
            other.retag(image, "1", "again");
            other.retag(image, "2", "too");
            other.multi(image, "new", "new");
        });
        let ran = stage.images(&format!("prune {image} --keep 1 --grace {grace} --yes"));
        assert_eq!(ran.code, 0, "{request}: {ran}");
        for (tag, digest) in [("again", &digests[0]), ("too", &digests[1]), ("3", &digests[2])] {
            let pulled = stage.pusher.pull(image, tag);
            assert_eq!(pulled.as_ref(), Ok(digest), "{tag}, {request}: {ran}");
        }
        assert!(stage.pusher.pull(image, "new").is_ok(), "{request}: {ran}");
        assert!(stage.pusher.pull(image, "1").is_err(), "{request}: {ran}");
    }
}

scenario!(a_list_that_changes_is_read_again, on(ON_DOUBLES, ON_GITEA));
fn a_list_that_changes_is_read_again(stage: &Stage) {
    stage.push_each("admin/api", &["1", "2"]);
    for number in 0..70 {
        stage.pusher.retag("admin/api", "1", &format!("t{number}"));
    }
    stage.age(DAY);
    // A deletion moves a row from the second page to the first, which was read before.
    let other = stage.pusher.clone();
    stage
        .world
        .gitea
        .meanwhile("page=2", move || other.delete("admin/api", "t69"));
    // Another push and deletion leave the total as it is.
    let other = stage.pusher.clone();
    stage.world.gitea.meanwhile("page=2", move || {
        other.delete("admin/api", "t68");
        other.retag("admin/api", "1", "new");
    });
    let ran = stage.images("list admin -o json").done();
    let list: Value = serde_json::from_str(&ran).unwrap();
    let tags: usize = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["tags"].as_array().unwrap().len())
        .sum();
    assert_eq!(tags, 71);
    for _ in 0..4 {
        let other = stage.pusher.clone();
        stage
            .world
            .gitea
            .meanwhile("page=2", move || other.retag("admin/api", "1", "new"));
    }
    let ran = stage.images("prune admin --keep 1 --yes");
    ran.says(str![[r#"
exit 1
--- stdout
--- stderr
error: the list of admin's images changes while it is read
hint: run it again when fewer images are pushed

"#]]);
    assert_eq!(stage.pusher.tags("admin/api").len(), 71);
}

scenario!(an_error_ends_its_image_and_no_other, on(ON_DOUBLES, ON_GITEA));
fn an_error_ends_its_image_and_no_other(stage: &Stage) {
    for image in ["admin/a", "admin/b", "admin/c"] {
        stage.push_each(image, &["1", "2", "3"]);
    }
    stage.age(DAY);
    let path = "/api/v1/packages/admin/container/b/2";
    stage
        .world
        .gitea
        .replace(path, crate::support::http::Answer::empty(500));
    let ran = stage.images(PRUNE);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stdout.contains("4 done, 1 failed, 1 were not tried after that"),
        "{ran}"
    );
    let plain = |image: &str| {
        stage
            .pusher
            .tags(image)
            .into_iter()
            .filter(|tag| !tag.contains("trash"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (plain("admin/a"), plain("admin/c")),
        (vec!["3".to_owned()], vec!["3".to_owned()])
    );
    assert_eq!(plain("admin/b"), ["1", "2", "3"]);
    stage.world.gitea.recover();
    stage.images(PRUNE).done();
    assert_eq!(plain("admin/b"), ["3"]);
}

scenario!(what_a_proxy_hides_is_not_said_to_be_gone, on(ON_DOUBLES, ON_GITEA));
/// A reverse proxy that decodes `%2F`: Gitea finds no package with a slash in its name.
fn what_a_proxy_hides_is_not_said_to_be_gone(stage: &Stage) {
    let pusher = &stage.pusher;
    let image = "admin/team/api";
    let (_, parts) = pusher.multi(image, "main", "one");
    stage.age(DAY);
    pusher.multi(image, "main", "two");
    stage.age(DAY);
    for digest in parts {
        let path = format!(
            "/api/v1/packages/admin/container/team%2Fapi/{}",
            digest.replace(':', "%3A")
        );
        stage
            .world
            .gitea
            .replace(&path, crate::support::http::Answer::empty(404));
    }
    let ran = stage.images(PRUNE);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("does a reverse proxy decode %2F?"), "{ran}");
}

scenario!(what_cannot_be_read_whole_leaves_everything, on(ON_DOUBLES, ON_GITEA));
fn what_cannot_be_read_whole_leaves_everything(stage: &Stage) {
    use crate::support::http::{Answer, Manner};
    stage.push_each("admin/a", &["1", "2", "3"]);
    stage.push_each("admin/b", &["1", "2", "3"]);
    stage.age(DAY);
    for (path, answer) in [
        ("/api/v1/packages/admin", Answer::empty(500)),
        ("/api/v1/packages/admin", Answer::html(200, "<html>")),
        (
            "/api/v1/packages/admin",
            Answer::json(
                200,
                &serde_json::json!([{"id": 1, "name": "../x", "version": "1", "type": "container", "created_at": "2026-01-01T00:00:00Z"}]),
            ),
        ),
        ("/v2/admin/b/manifests/3", Answer::empty(500)),
        ("/v2/admin/b/manifests/3", Answer::empty(404)),
        ("/v2/admin/b/manifests/3", Answer::json(200, &serde_json::json!({}))),
        (
            "/v2/admin/b/manifests/3",
            Answer::json(200, &serde_json::json!({"mediaType": "application/x"})).in_manner(Manner::Cut),
        ),
        (
            "/v2/admin/b/manifests/3",
            Answer::new(200, "application/vnd.oci.image.manifest.v1+json", "{}")
                .with("docker-content-digest", &super::fixture::unknown()),
        ),
        (
            "/v2/admin/b/manifests/3",
            Answer::new(200, "application/vnd.oci.image.manifest.v1+json", "{").in_manner(Manner::Endless),
        ),
    ] {
        stage.world.gitea.replace(path, answer.clone());
        let ran = stage.images(PRUNE);
        assert_eq!(ran.code, 1, "{path} {answer:?}: {ran}");
        stage.world.gitea.recover();
        for image in ["admin/a", "admin/b"] {
            assert_eq!(stage.pusher.tags(image), ["1", "2", "3"], "{path} {answer:?}: {ran}");
        }
    }
}

scenario!(
    a_tag_that_is_pushed_before_it_is_restored_stays,
    on(ON_DOUBLES, ON_GITEA)
);
fn a_tag_that_is_pushed_before_it_is_restored_stays(stage: &Stage) {
    stage.push_each("admin/api", &["1", "2"]);
    stage.age(DAY);
    stage.images(PRUNE).done();
    let aside = stage.aside("admin/api", "1");
    // The first reading is that of the list.
    let gitea = &stage.world.gitea;
    gitea.meanwhile(&format!("GET /v2/admin/api/manifests/{aside}"), || {});
    let other = stage.pusher.clone();
    gitea.meanwhile(&format!("GET /v2/admin/api/manifests/{aside}"), move || {
        other.retag("admin/api", "2", "1");
    });
    let ran = stage.images("restore admin/api:1");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("admin/api:1 was pushed again, as sha256:"), "{ran}");
    assert_eq!(stage.pusher.pull("admin/api", "1"), stage.pusher.pull("admin/api", "2"));
    assert!(stage.pusher.pull("admin/api", &aside).is_ok(), "it is still set aside");
}
