//! What Gitea's pipelines get is rotated too: written after the Secrets, and the old token is revoked only when all have the
//! new one.

use regcred::model::Use;
use snapbox::str;

use super::fixture::{PASSWORD, Rotation};
use crate::support::gate::Manner;
use crate::support::part::is_in_sample;
use crate::support::parts::{DOUBLES, REAL_GITEA};
use crate::support::world::World;

const PLACES: [(&str, &str); 2] = [
    ("repo:admin/web/REGISTRY_TOKEN", "repos/admin/web"),
    ("repo:admin/api/REGISTRY_TOKEN", "repos/admin/api"),
];

/// Two Secrets and two pipelines with one token.
fn with_pipelines(world: World) -> Rotation {
    let rotation = Rotation::with(world, Use::Cluster, &["team-b"]);
    for name in ["web", "api"] {
        rotation.world.gitea.add_repository("admin", name);
    }
    let places = PLACES.map(|(place, _)| format!("--actions-secret {place}")).join(" ");
    let line = format!("sync --registry [REGISTRY] --use cluster --password-stdin {places}");
    rotation.world.regcred_with(&line, &format!("{PASSWORD}\n")).done();
    rotation.world.gate.open();
    rotation
}

impl Rotation {
    /// Whether the pipeline would get this token.
    fn pipeline_has(&self, at: usize, token: &str) -> bool {
        self.world.gitea.pipeline_has(PLACES[at].1, "REGISTRY_TOKEN", token)
    }

    /// The tokens that pipelines get; on the double alone.
    fn in_pipelines(&self) -> Vec<String> {
        let state = self.world.gitea.state();
        state.actions.secrets.values().cloned().collect()
    }
}

scenario!(pipelines_get_the_new_token, on(DOUBLES, REAL_GITEA));
fn pipelines_get_the_new_token(world: World) {
    let rotation = with_pipelines(world);
    let ran = rotation.rotate("--mint --password-stdin");
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(
        ran.stderr.matches("wrote the new token to the Actions secret").count(),
        2,
        "{ran}"
    );
    rotation.check_ended("rotated");
    assert!(!rotation.works(&rotation.old));
    let served = rotation.served();
    assert!(rotation.pipeline_has(0, &served) && rotation.pipeline_has(1, &served));
}

scenario!(one_code_is_enough, on(DOUBLES, REAL_GITEA));
/// To ask whether the pipelines' secrets may be written, to make a token, to write them, and to revoke the old one.
fn one_code_is_enough(world: World) {
    let rotation = with_pipelines(world);
    let gitea = &rotation.world.gitea;
    gitea.enrol("admin");
    let given = format!("{PASSWORD}\n{}\n", gitea.code("admin"));
    let ran = rotation.rotate_with("--mint --password-stdin", &given);
    assert_eq!(ran.code, 0, "{ran}");
    rotation.check_ended("rotated");
    assert!(!rotation.works(&rotation.old));
    let served = rotation.served();
    assert!(rotation.pipeline_has(0, &served) && rotation.pipeline_has(1, &served));
    assert_eq!(rotation.alive(), 1, "what was made for it is gone");
}

scenario!(nothing_begins_without_the_right_to_write);
fn nothing_begins_without_the_right_to_write() {
    let mut rotation = with_pipelines(World::of_doubles());
    let token = rotation.another_token();
    rotation.world.variables.insert("NEW_TOKEN".to_owned(), token.into());
    let ran = rotation
        .world
        .regcred("rotate [REGISTRY] --use cluster --token-env NEW_TOKEN");
    ran.says(str![[r#"
exit 2
--- stdout
--- stderr
error: the Actions secret repo:admin/api/REGISTRY_TOKEN holds the token, and writing it needs the password of an account that may
hint: give it with --password-stdin, and the account with --actions-account
hint: or leave it as it is: --skip-actions repo:admin/api/REGISTRY_TOKEN

"#]]);
    assert!(rotation.kept().rotation.is_none());
    let ran = rotation.rotate("--token-env NEW_TOKEN --password-stdin --actions-account other");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(rotation.kept().rotation.is_none());
    rotation.check("nothing was changed");
    let flags = PLACES.map(|(place, _)| format!("--skip-actions {place}")).join(" ");
    let ran = rotation.world.regcred(&format!(
        "rotate [REGISTRY] --use cluster --token-env NEW_TOKEN --keep-old {flags}"
    ));
    assert_eq!(ran.code, 0, "{ran}");
    assert!(rotation.pipeline_has(0, &rotation.old), "it was given up");
}

scenario!(
    a_repository_that_is_gone_holds_the_old_token_until_it_is_skipped,
    on(DOUBLES, REAL_GITEA)
);
fn a_repository_that_is_gone_holds_the_old_token_until_it_is_skipped(world: World) {
    let rotation = with_pipelines(world);
    // Limited to a place, the pipelines keep the old one.
    let ran = rotation.rotate(&format!("--mint --password-stdin {}", rotation.flags()));
    assert!(
        ran.code == 1 && ran.stderr.contains("it is also in the Actions secret"),
        "{ran}"
    );
    assert!(rotation.works(&rotation.old), "{ran}");
    let line = format!(
        "sync --registry [REGISTRY] --use cluster --password-stdin --actions-secret {}",
        PLACES[0].0
    );
    rotation.world.regcred_with(&line, &format!("{PASSWORD}\n")).done();
    rotation.world.gitea.delete_repository("admin", "api");
    let ran = rotation.rotate("--resume --password-stdin");
    assert!(ran.code == 1 && ran.stderr.contains(PLACES[1].0), "{ran}");
    assert!(rotation.works(&rotation.old), "{ran}");
    let ran = rotation.rotate(&format!("--resume --password-stdin --skip-actions {}", PLACES[1].0));
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!rotation.works(&rotation.old), "{ran}");
}

scenario!(a_pipeline_that_another_keychain_gave_the_token_holds_it_until_it_has_the_new_one);
fn a_pipeline_that_another_keychain_gave_the_token_holds_it_until_it_has_the_new_one() {
    let mut rotation = with_pipelines(World::of_doubles());
    rotation.world.change_keychain();
    let login = "login [REGISTRY] -u admin --use cluster --token-stdin";
    rotation.world.regcred_with(login, &rotation.old).done();
    let mut ran = rotation.rotate("--mint --password-stdin");
    for (place, _) in PLACES.iter().rev() {
        assert!(
            ran.code == 1 && ran.stderr.contains("it may be in the Actions secret"),
            "{ran}"
        );
        assert!(ran.stderr.contains(&format!("--skip-actions {place}")), "{ran}");
        assert!(rotation.works(&rotation.old), "{ran}");
        let line = format!("sync --registry [REGISTRY] --use cluster --password-stdin --actions-secret {place}");
        rotation.world.regcred_with(&line, &format!("{PASSWORD}\n")).done();
        ran = rotation.rotate("--resume --password-stdin");
    }
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!rotation.works(&rotation.old), "{ran}");
}

scenario!(killed_at_every_change);
fn killed_at_every_change() {
    let points = {
        let rotation = with_pipelines(World::of_doubles());
        rotation.rotate("--mint --password-stdin").done();
        rotation.world.gate.crossed()
    };
    assert!(
        points.iter().any(|what| what.contains("/actions/secrets/")),
        "{points:?}"
    );
    for (number, what) in points.iter().enumerate() {
        for (shift, way) in ["--resume", "--abort"].into_iter().enumerate() {
            if !is_in_sample(number + shift) {
                continue;
            }
            let rotation = with_pipelines(World::of_doubles());
            rotation.world.gate.stop_at(number, Manner::Fail);
            let ran = rotation.rotate("--mint --password-stdin");
            assert!(rotation.world.gate.is_stopped() && ran.code != 0, "{ran}");
            rotation.world.gate.open();
            let when = format!("killed {what}");
            let check = |when: &str| {
                rotation.check(when);
                for token in rotation.in_pipelines() {
                    assert!(rotation.works(&token), "{when}: a pipeline has a dead token");
                }
            };
            check(&when);
            let ran = rotation.rotate(&format!("{way} --password-stdin"));
            let when = format!("{when}, then {way}\n{ran}");
            check(&when);
            rotation.check_ended(&when);
            let served = rotation.served();
            assert!(rotation.in_pipelines().iter().all(|token| *token == served), "{when}");
            assert_eq!(rotation.alive(), 1, "{when}");
        }
    }
}
