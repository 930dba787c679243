//! A machine whose clock is wrong. What was pushed and set aside a moment ago is not taken for old.

use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use regcred::model::Use;

use super::Row;
use crate::images::fixture::{DAY, Stage};
use crate::rotate::fixture::Rotation;
use crate::support::control_plane::ControlPlane;
use crate::support::parts::{FAKETIME, REAL_PARTS, faketime};
use crate::support::world::{Ran, World};

pub const ROWS: [Row; 4] = [
    Row {
        fault: "the clock is 3 hours or 9 days ahead",
        when: "`images prune` of what was pushed just now",
        times: 3,
        says: "",
        then: "it stays for two hours by the registry's clock",
    },
    Row {
        fault: "the clock is 9 days ahead",
        when: "`images prune` of what was set aside just now",
        times: 2,
        says: "",
        then: "it stays for its grace by the registry's clock",
    },
    Row {
        fault: "the clock is a day behind",
        when: "`images prune`, and again with the right clock",
        times: 1,
        says: "",
        then: "what is set aside stays for its whole grace",
    },
    Row {
        fault: "the clock is 100 days ahead, or a day behind",
        when: "`rotate --if-older 90d --mint`, `sync`",
        times: 2,
        says: "",
        then: "a token is replaced too early, or later; every Secret has one that works",
    },
];

const HOUR: Duration = Duration::from_secs(3600);

/// Three tags, of which the oldest two may go as far as `--keep` is concerned.
fn push(stage: &Stage) {
    for tag in ["1", "2", "3"] {
        stage.pusher.image("admin/web", tag, tag, "amd64");
    }
}

fn tags(stage: &Stage) -> Vec<String> {
    let mut tags = stage.pusher.tags("admin/web");
    tags.sort();
    tags
}

/// The server's clock is behind, which is the same as this machine's ahead: what is pushed gets earlier times too.
fn ahead(stage: &Stage, by: Duration) {
    stage.world.gitea.state().behind = by;
    stage.age(by);
}

scenario!(ahead_of_the_registrys);
fn ahead_of_the_registrys() {
    let mut times = 0;
    for by in [3 * HOUR, 9 * DAY] {
        let stage = Stage::new(World::of_doubles());
        push(&stage);
        ahead(&stage, by);
        for grace in ["0", "7d"] {
            let ran = stage.images(&format!("prune admin/web --keep 1 --grace {grace} --yes"));
            assert_eq!(ran.code, 0, "{ran}");
            assert_eq!(tags(&stage), ["1", "2", "3"], "{ran}");
            assert!(ran.stderr.contains("warning: this machine's clock is "), "{ran}");
        }
        // Two hours later by the registry's clock.
        stage.age(3 * HOUR);
        stage.images("prune admin/web --keep 1 --grace 0 --yes").done();
        assert_eq!(tags(&stage), ["3"]);
        times += 1;
    }
    // The third is on real programs.
    ROWS[0].check_times(times + 1);
}

scenario!(ahead_of_the_registrys_in_the_grace);
fn ahead_of_the_registrys_in_the_grace() {
    let stage = Stage::new(World::of_doubles());
    push(&stage);
    stage.age(DAY);
    // Somebody whose clock is right has set it aside just now.
    let now = Timestamp::now() - SignedDuration::from_hours(9 * 24);
    let aside = now.strftime("regcred-trash.%Y%m%d%H%M%S.1").to_string();
    stage.pusher.retag("admin/web", "1", &aside);
    stage.pusher.delete("admin/web", "1");
    ahead(&stage, 9 * DAY);
    let line = "prune admin/web --keep 2 --grace 7d --yes";
    let ran = stage.images(line);
    assert_eq!(tags(&stage), ["2", "3", &aside], "{ran}");
    stage.images("restore admin/web").done();
    assert_eq!(tags(&stage), ["1", "2", "3"]);
    ROWS[1].check_times(2);
}

/// Another time for every program of this machine from now on; none for the right one.
fn set_clock(world: &mut World, offset: Option<&str>) {
    let library = faketime().unwrap().into_os_string();
    for (name, value) in [
        ("LD_PRELOAD", offset.map(|_| library)),
        ("FAKETIME", offset.map(Into::into)),
    ] {
        match value {
            Some(value) => drop(world.variables.insert(name.to_owned(), value)),
            None => drop(world.variables.remove(name)),
        }
    }
}

scenario!(of_the_whole_machine, needs(REAL_PARTS, FAKETIME));
fn of_the_whole_machine() {
    let mut stage = Stage::new(World::of_own_cluster(ControlPlane::shared()));
    push(&stage);
    let line = |grace: &str| format!("prune admin/web --keep 1 --grace {grace} --yes");
    set_clock(&mut stage.world, Some("+9d"));
    let ran = stage.images(&line("0"));
    assert_eq!(tags(&stage), ["1", "2", "3"], "{ran}");
    ran.done();

    stage.age(DAY);
    set_clock(&mut stage.world, Some("-1d"));
    stage.images(&line("7d")).done();
    assert_eq!(tags(&stage), ["1", "2", "3"], "they are of tomorrow");
    stage.age(DAY);
    stage.images(&line("7d")).done();
    let aside = tags(&stage);
    assert_eq!(aside.iter().filter(|tag| tag.starts_with("regcred-trash.")).count(), 2);
    for clock in [None, Some("+9d")] {
        set_clock(&mut stage.world, clock);
        let ran = stage.images(&line("7d"));
        assert_eq!(tags(&stage), aside, "{clock:?}: {ran}");
    }
    set_clock(&mut stage.world, None);
    stage.images("restore admin/web").done();
    assert_eq!(tags(&stage), ["1", "2", "3"]);
    ROWS[2].check_times(1);
}

scenario!(where_the_age_of_a_token_counts, needs(REAL_PARTS, FAKETIME));
fn where_the_age_of_a_token_counts() {
    let row = &ROWS[3];
    let mut rotation = Rotation::with(World::of_own_cluster(ControlPlane::shared()), Use::Cluster, &["second"]);
    let mut times = 0;
    for (clock, is_replaced) in [("-1d", false), ("+100d", true)] {
        rotation.again();
        set_clock(&mut rotation.world, Some(clock));
        let line = format!("sync {} --plain-http", rotation.flags());
        rotation.world.regcred(&line).done();
        let line = format!(
            "{} --mint --password-stdin --plain-http --if-older 90d",
            rotation.flags()
        );
        let ran: Ran = rotation.rotate(&line);
        set_clock(&mut rotation.world, None);
        row.check_said(&ran, std::slice::from_ref(&rotation.old));
        assert_eq!(ran.code, 0, "{ran}");
        rotation.check_ended(&format!("{clock}: {ran}"));
        assert_eq!(rotation.served() != rotation.old, is_replaced, "{ran}");
        assert_eq!(rotation.alive(), 1, "{ran}");
        // By the right clock the next one is young.
        let again = rotation.rotate(&line);
        assert!(
            again.code == 0 && again.stderr.contains("is not replaced yet"),
            "{again}"
        );
        times += 1;
    }
    row.check_times(times);
}
