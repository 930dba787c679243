//! Killed before and after everything that it changes; then finished, or taken back.

#![allow(
    clippy::print_stderr,
    reason = "how many kills there were is a figure that is asked for"
)]

use libtest_mimic::Trial;
use regcred::model::Use;

use super::place::{PASSWORD, Place};
use crate::support::gate::Manner;
use crate::support::gitea;
use crate::support::part::is_in_sample;
use crate::support::parts::{GITEA, REAL_PARTS};
use crate::support::scenario::Table;
use crate::support::world::World;

/// A way to rotate.
#[derive(Clone, Copy, Debug)]
struct Case {
    usage: Use,
    mints: bool,
}

const CASES: [Case; 4] = [
    Case {
        usage: Use::Docker,
        mints: false,
    },
    Case {
        usage: Use::Cluster,
        mints: false,
    },
    Case {
        usage: Use::Docker,
        mints: true,
    },
    Case {
        usage: Use::Cluster,
        mints: true,
    },
];

scenarios!(killed_at_every_change);
fn killed_at_every_change(table: &Table) -> Vec<Trial> {
    let doubles = CASES.map(|case| table.alone(&format!("{}/double", case.name()), &[], move || on_doubles(case)));
    let real = [CASES[0], CASES[3]].map(|case| {
        table.alone(case.name(), &[&REAL_PARTS], move || {
            kill_on(World::of_gated_parts(), case);
        })
    });
    let case = CASES[3];
    let gitea = table.alone(case.name(), &[&REAL_PARTS, &GITEA], move || {
        kill_on(World::of_real_gitea(gitea::Settings::default()).gated(), case);
    });
    doubles.into_iter().chain(real).chain([gitea]).collect()
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let source = if self.mints { "made" } else { "given" };
        write!(f, "a {source} token for {}", self.usage)
    }
}

impl Case {
    /// As it stands in the names of scenarios.
    fn name(self) -> &'static str {
        match (self.mints, self.usage) {
            (false, Use::Docker) => "a_given_token_for_docker",
            (false, Use::Cluster) => "a_given_token_for_cluster",
            (true, Use::Docker) => "a_made_token_for_docker",
            (true, Use::Cluster) => "a_made_token_for_cluster",
        }
    }

    /// A place, and the command line that begins a rotation there.
    fn set_up(self, world: World) -> (Place, String) {
        let mut place = Place::new(world, self.usage);
        let line = self.begin(&mut place);
        (place, line)
    }

    /// The command line that begins a rotation.
    fn begin(self, place: &mut Place) -> String {
        let source = if self.mints {
            "--mint --password-stdin"
        } else {
            let token = place.another_token();
            place.world.variables.insert("NEW_TOKEN".to_owned(), token.into());
            "--token-env NEW_TOKEN"
        };
        format!("{} {source} --plain-http", place.flags())
    }
}

/// Kills a rotation at every point (of the sample), and the command that ends it at points of its own: the model's own test is what tries
/// all pairs of them; here it is every fifth.
fn on_doubles(case: Case) {
    let (place, begin) = case.set_up(World::of_doubles());
    place.rotate(&begin).done();
    place.check_ended("unharmed");
    assert_ne!(place.served(), place.old);
    assert!(!place.works(&place.old), "the old token is revoked");
    let points = place.world.gate.crossed();
    let (mut killed, mut killed_twice) = (0, 0);
    for (number, what) in points.iter().enumerate() {
        for (shift, way) in ["--resume", "--abort"].into_iter().enumerate() {
            if !is_in_sample(number + shift) {
                continue;
            }
            let kill = || {
                let (place, begin) = case.set_up(World::of_doubles());
                place.world.gate.stop_at(number, Manner::Fail);
                let ran = place.rotate(&begin);
                assert!(place.world.gate.is_stopped() && ran.code != 0, "{ran}");
                place.world.gate.open();
                place.check(&format!("{case} killed {what}"));
                place
            };
            let when = format!("{case} killed {what}, then {way}");
            let place = kill();
            let points_of_the_end = end(&place, way, case, &when);
            killed += 1;
            for (again, what) in points_of_the_end.iter().enumerate() {
                if (number + again) % 5 != 0 {
                    continue;
                }
                let place = kill();
                place.world.gate.stop_at(again, Manner::Fail);
                let ran = place.rotate(&format!("{way} --password-stdin"));
                assert!(place.world.gate.is_stopped(), "{when}\n{ran}");
                place.world.gate.open();
                let last = if killed_twice % 2 == 0 { "--resume" } else { "--abort" };
                let when = format!("{when}, killed {what}, then {last}");
                place.check(&when);
                end(&place, last, case, &when);
                killed_twice += 1;
            }
        }
    }
    eprintln!(
        "rotate/double: {case}: {} kill points, {killed} runs killed there, {killed_twice} killed a second time",
        points.len()
    );
}

/// The program itself, killed while gnome-keyring, the API server or Gitea have a change of its in their hands.
fn kill_on(world: World, case: Case) {
    let (mut place, _) = case.set_up(world);
    let (mut points, mut runs) = (Vec::new(), 0);
    for (shift, way) in ["--resume", "--abort"].into_iter().enumerate() {
        // Of each three points one is resumed, and another one is taken back.
        for number in (0..).filter(|number| is_in_sample(number + shift)) {
            place.again();
            let begin = case.begin(&mut place);
            place.world.gate.stop_at(number, Manner::Hold);
            let line = format!("rotate [REGISTRY] --use {} {begin}", case.usage);
            let mut child = place.world.start_regcred(&line, &format!("{PASSWORD}\n"));
            place.world.gate.wait(|| child.try_wait().unwrap().is_some());
            let is_stopped = place.world.gate.is_stopped();
            // SIGKILL: it gets no chance to clean anything up.
            let _ = child.kill();
            let status = child.wait().unwrap();
            if !is_stopped {
                assert!(status.success(), "{case}: it ended by itself");
                place.check_ended("unharmed");
                points = place.world.gate.crossed();
                break;
            }
            let what = place.world.gate.crossed().pop().unwrap();
            let when = format!("{case} killed {what}, then {way}");
            place.world.gate.open();
            place.check(&when);
            place.check_really(&when);
            end(&place, way, case, &when);
            place.check_really(&when);
            runs += 1;
        }
    }
    eprintln!(
        "rotate/real: {case}: {} kill points, {runs} runs killed there by SIGKILL",
        points.len()
    );
}

/// Ends a rotation that was killed, and sees that nothing is left of it. Returns what was changed for that.
fn end(place: &Place, way: &str, case: Case, when: &str) -> Vec<String> {
    place.world.gate.open();
    let was_pending = place.kept().rotation.is_some();
    let old_was_alive = place.works(&place.old);
    let ran = place.rotate(&format!("{way} --password-stdin"));
    let changed = place.world.gate.crossed();
    // Going back is not possible once the old token is gone, which is said, and the rotation is finished instead.
    let turns = way == "--abort" && was_pending && !old_was_alive;
    assert_eq!(ran.code, i32::from(turns), "{when}\n{ran}");
    place.check_ended(when);
    let alive = place.alive();
    let again = place.rotate(way);
    assert_eq!(
        (again.code, again.stderr.as_str()),
        (0, "no rotation is pending\n"),
        "{when}"
    );
    place.check_ended(when);
    if was_pending {
        let went_back = place.served() == place.old;
        // A token that was made is gone, and so is the old one; one that was given stays.
        let expected = if went_back && !case.mints { 2 } else { 1 };
        assert_eq!(alive, expected, "{when}\n{ran}");
    }
    changed
}
