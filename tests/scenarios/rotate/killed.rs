//! Killed before and after everything that it changes; then finished, or taken back.

#![allow(
    clippy::print_stderr,
    reason = "how many kills there were is a figure that is asked for"
)]

use libtest_mimic::Trial;
use regcred::model::Use;

use super::fixture::{PASSWORD, Rotation};
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
        match (self.mints, self.usage == Use::Docker) {
            (false, true) => "a_given_token_for_docker",
            (false, false) => "a_given_token_for_cluster",
            (true, true) => "a_made_token_for_docker",
            (true, false) => "a_made_token_for_cluster",
        }
    }

    /// A place, and the command line that begins a rotation there.
    fn set_up(self, world: World) -> (Rotation, String) {
        let mut rotation = Rotation::new(world, self.usage);
        let line = self.begin(&mut rotation);
        (rotation, line)
    }

    /// The command line that begins a rotation.
    fn begin(self, rotation: &mut Rotation) -> String {
        let source = if self.mints {
            "--mint --password-stdin"
        } else {
            let token = rotation.another_token();
            rotation.world.variables.insert("NEW_TOKEN".to_owned(), token.into());
            "--token-env NEW_TOKEN"
        };
        format!("{} {source} --plain-http", rotation.flags())
    }
}

/// Kills a rotation at every point of the sample, and the command that ends it at every fifth of its own: the model's own test
/// is what tries all pairs of them.
fn on_doubles(case: Case) {
    let (rotation, begin) = case.set_up(World::of_doubles());
    rotation.rotate(&begin).done();
    rotation.check_ended("unharmed");
    assert_ne!(rotation.served(), rotation.old);
    assert!(!rotation.works(&rotation.old), "the old token is revoked");
    let points = rotation.world.gate.crossed();
    let (mut killed, mut killed_twice) = (0, 0);
    for (number, what) in points.iter().enumerate() {
        for (shift, way) in ["--resume", "--abort"].into_iter().enumerate() {
            if !is_in_sample(number + shift) {
                continue;
            }
            let kill = || {
                let (rotation, begin) = case.set_up(World::of_doubles());
                rotation.world.gate.stop_at(number, Manner::Fail);
                let ran = rotation.rotate(&begin);
                assert!(rotation.world.gate.is_stopped() && ran.code != 0, "{ran}");
                rotation.world.gate.open();
                rotation.check(&format!("{case} killed {what}"));
                rotation
            };
            let when = format!("{case} killed {what}, then {way}");
            let rotation = kill();
            let points_of_the_end = rotation.end(way, case.mints, &when);
            killed += 1;
            for (again, what) in points_of_the_end.iter().enumerate() {
                if (number + again) % 5 != 0 {
                    continue;
                }
                let rotation = kill();
                rotation.world.gate.stop_at(again, Manner::Fail);
                let ran = rotation.rotate(&format!("{way} --password-stdin"));
                assert!(rotation.world.gate.is_stopped(), "{when}\n{ran}");
                rotation.world.gate.open();
                let last = if killed_twice % 2 == 0 { "--resume" } else { "--abort" };
                let when = format!("{when}, killed {what}, then {last}");
                rotation.check(&when);
                rotation.end(last, case.mints, &when);
                killed_twice += 1;
            }
        }
    }
    assert!(points.len() >= 10 && killed > 0 && killed_twice > 0, "{points:?}");
    eprintln!(
        "rotate/double: {case}: {} kill points, {killed} runs killed there, {killed_twice} killed a second time",
        points.len()
    );
}

/// The program itself, killed while gnome-keyring, the API server or Gitea have a change of its in their hands.
fn kill_on(world: World, case: Case) {
    let (mut rotation, _) = case.set_up(world);
    let (mut points, mut runs) = (Vec::new(), 0);
    for (shift, way) in ["--resume", "--abort"].into_iter().enumerate() {
        // Of each five points one is resumed, and another one is taken back.
        for number in (0..).filter(|number| is_in_sample(number + shift)) {
            rotation.again();
            let begin = case.begin(&mut rotation);
            rotation.world.gate.stop_at(number, Manner::Hold);
            let line = format!("rotate [REGISTRY] --use {} {begin}", case.usage);
            let mut child = rotation.world.start_regcred(&line, &format!("{PASSWORD}\n"));
            rotation.world.gate.wait(|| child.try_wait().unwrap().is_some());
            let is_stopped = rotation.world.gate.is_stopped();
            // SIGKILL: it gets no chance to clean anything up.
            let _ = child.kill();
            let status = child.wait().unwrap();
            if !is_stopped {
                assert!(status.success(), "{case}: it ended by itself");
                rotation.check_ended("unharmed");
                points = rotation.world.gate.crossed();
                break;
            }
            let what = rotation.world.gate.crossed().pop().unwrap();
            let when = format!("{case} killed {what}, then {way}");
            rotation.world.gate.open();
            rotation.check(&when);
            rotation.check_really(&when);
            rotation.end(way, case.mints, &when);
            rotation.check_really(&when);
            runs += 1;
        }
    }
    assert!(points.len() >= 10 && runs > 0, "{points:?}");
    eprintln!(
        "rotate/real: {case}: {} kill points, {runs} runs killed there by SIGKILL",
        points.len()
    );
}
