//! Encrypted copies in git that are older than the token.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use regcred::commands::status::Code;

use super::fixture::DOUBLES;
use crate::support::world::World;

const SEALED: &str = "\
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: gitea-credentials, namespace: team-a}
spec: {encryptedData: {.dockerconfigjson: AgBy3i4OJSWK}}
";

finding!(sealed_copy_old_by_its_last_commit, Code::SealedCopyOld, on(DOUBLES));
fn sealed_copy_old_by_its_last_commit(world: &mut World) {
    world.well();
    let folder = world.home().join("deploy");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("sealed.yaml"), SEALED).unwrap();
    let git = |world: &World, args: &[&str], date: &str| {
        let identity = ["-c", "user.name=jane", "-c", "user.email=jane@example.com"];
        let mut git = world.command("git");
        git.arg("-C").arg(&folder).args(identity).args(args);
        git.env("GIT_COMMITTER_DATE", date).env("GIT_AUTHOR_DATE", date);
        assert!(git.status().unwrap().success());
    };
    git(world, &["init", "-q"], "");
    git(world, &["add", "."], "");
    world.variables.insert("PWD".to_owned(), folder.clone().into());
    let line = "status -n [NAMESPACE]";
    // Never committed: nothing applies it.
    world.is_gone(line, Code::SealedCopyOld);
    git(world, &["commit", "-q", "-m", "sealed"], "2020-01-01T00:00:00Z");
    let words = ["deploy/sealed.yaml", "kubeseal has encrypted", "| kubeseal -o yaml > "];
    world.says(line, Code::SealedCopyOld, &words);
    assert_eq!(world.regcred(line).code, 0, "only a note");
    std::fs::write(folder.join("sealed.yaml"), format!("{SEALED}# again\n")).unwrap();
    let tomorrow = Timestamp::now() + SignedDuration::from_hours(24);
    git(
        world,
        &["commit", "-q", "-a", "-m", "sealed again"],
        &tomorrow.to_string(),
    );
    world.is_gone(line, Code::SealedCopyOld);
}
