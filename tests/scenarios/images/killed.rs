//! `images prune` and `images restore`, killed before and after every change at the registry.
//!
//! What is to stay can be pulled at every moment, what was set aside is never lost, and a second run finishes.

use std::collections::BTreeMap;

use super::fixture::{DAY, ON_DOUBLES, ON_GITEA, Stage, without_times};
use crate::support::gate::Manner;
use crate::support::part::{is_exhaustive, is_in_sample};
use crate::support::world::Ran;

/// On a real Gitea the usual run takes one point of so many.
const STEP_ON_GITEA: usize = 7;

scenario!(prune_is_run_again, on(ON_DOUBLES, ON_GITEA));
fn prune_is_run_again(stage: &Stage) {
    for grace in ["7d", "0"] {
        let unharmed = Filled::new(stage);
        unharmed.prune(grace).done();
        let points = stage.world.gate.crossed().len();
        let after = unharmed.named();
        assert!(points >= 10, "{points} points");
        for point in (0..points).filter(|point| is_chosen(stage, *point)) {
            let image = Filled::new(stage);
            let when = image.kill(point, |image| image.prune(grace));
            let when = format!("{grace}: prune killed {when}");
            image.check(&when);
            if grace != "0" {
                image.check_restorable(&when);
            }
            image.prune(grace).done();
            image.check(&when);
            assert_eq!(image.named(), after, "{when} and run again");
        }
    }
}

scenario!(prune_is_taken_back, on(ON_DOUBLES, ON_GITEA));
fn prune_is_taken_back(stage: &Stage) {
    let unharmed = Filled::new(stage);
    unharmed.prune("7d").done();
    let points = stage.world.gate.crossed().len();
    // Before the first change there is nothing to be taken back.
    for point in (2..points).filter(|point| is_chosen(stage, point + 1)) {
        let image = Filled::new(stage);
        let when = image.kill(point, |image| image.prune("7d"));
        let when = format!("prune killed {when}, and restored");
        image.restore().done();
        image.check(&when);
        image.check_everything_is_back(&when);
    }
}

scenario!(restore_is_run_again, on(ON_DOUBLES, ON_GITEA));
fn restore_is_run_again(stage: &Stage) {
    let unharmed = Filled::new(stage);
    unharmed.prune("7d").done();
    stage.world.gate.open();
    unharmed.restore().done();
    unharmed.check_everything_is_back("restored");
    let points = stage.world.gate.crossed().len();
    assert!(points >= 10, "{points} points");
    for point in (0..points).filter(|point| is_chosen(stage, *point)) {
        let image = Filled::new(stage);
        image.prune("7d").done();
        let when = image.kill(point, Filled::restore);
        let when = format!("restore killed {when}");
        image.check(&when);
        image.check_restorable(&when);
        let ran = image.restore();
        // The last answer alone was lost: everything was back.
        let was_back = point + 1 == points && ran.stderr.contains("is set aside");
        assert!(ran.code == 0 || was_back, "{when}\n{ran}");
        image.check(&when);
        image.check_everything_is_back(&when);
    }
}

fn is_chosen(stage: &Stage, point: usize) -> bool {
    match stage.world.gitea.real() {
        Some(_) => point.is_multiple_of(STEP_ON_GITEA) || is_exhaustive(),
        None => is_in_sample(point),
    }
}

/// An image of its own for each run, with some of everything.
struct Filled<'a> {
    stage: &'a Stage,
    repository: String,
    /// By tag or digest, all that could be pulled whole at first.
    before: BTreeMap<String, String>,
    /// What is to stay.
    stays: [String; 2],
}

impl<'a> Filled<'a> {
    fn new(stage: &'a Stage) -> Self {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static LAST: AtomicUsize = AtomicUsize::new(0);
        stage.world.gate.open();
        let repository = format!("admin/killed{}", LAST.fetch_add(1, Ordering::Relaxed));
        let pusher = &stage.pusher;
        let (old, _) = pusher.multi(&repository, "1", "one");
        pusher.sign(&repository, &old);
        let child = pusher.image(&repository, "child", "child", "amd64");
        stage.age(DAY);
        pusher.multi(&repository, "main", "earlier");
        stage.age(DAY);
        pusher.multi(&repository, "main", "later");
        stage.age(DAY);
        let index = pusher.index(&repository, "new", &[("amd64", &child)]);
        let signature = pusher.sign(&repository, &index);
        stage.age(DAY);
        let mut this = Self {
            stage,
            repository,
            before: BTreeMap::new(),
            stays: ["new".to_owned(), signature],
        };
        this.before = this.pulled();
        stage.world.gate.open();
        this
    }

    fn prune(&self, grace: &str) -> Ran {
        let line = format!("prune {} --keep 1 --grace {grace} --yes", self.repository);
        self.stage.images(&line)
    }

    fn restore(&self) -> Ran {
        self.stage.images(&format!("restore {}", self.repository))
    }

    /// Where it was killed.
    fn kill(&self, point: usize, run: impl Fn(&Self) -> Ran) -> String {
        let gate = &self.stage.world.gate;
        gate.stop_at(point, Manner::Fail);
        let ran = run(self);
        assert!(gate.is_stopped() && ran.code != 0, "{ran}");
        let what = gate.crossed().pop().unwrap();
        gate.open();
        what
    }

    /// Every row that can be pulled whole, with its digest.
    fn pulled(&self) -> BTreeMap<String, String> {
        let names = self.stage.world.gitea.versions(&self.repository).into_iter();
        let pull = |name: String| Some((name.clone(), self.stage.pusher.pull(&self.repository, &name).ok()?));
        names.filter_map(pull).collect()
    }

    /// The rows without the time in the names of what is set aside. What is set aside twice, as the first run was killed
    /// before its old name was gone, is one.
    fn named(&self) -> Vec<(String, String)> {
        let pulled = self.pulled().into_iter();
        let mut named: Vec<_> = pulled.map(|(name, digest)| (without_times(&name), digest)).collect();
        named.sort();
        named.dedup();
        // Each run has its own image, with the same digests.
        named
    }

    #[track_caller]
    fn check(&self, when: &str) {
        for name in &self.stays {
            let pulled = self.stage.pusher.pull(&self.repository, name);
            assert_eq!(pulled.as_ref(), Ok(&self.before[name]), "{name}: {when}");
        }
    }

    /// Nothing is lost: all manifests are there, with everything that they are made of.
    #[track_caller]
    fn check_restorable(&self, when: &str) {
        for (name, digest) in &self.before {
            let pulled = self.stage.pusher.pull(&self.repository, digest);
            assert_eq!(pulled.as_ref(), Ok(digest), "{name} cannot be restored: {when}");
        }
    }

    /// Every name is there again.
    #[track_caller]
    fn check_everything_is_back(&self, when: &str) {
        for (name, digest) in &self.before {
            let pulled = self.stage.pusher.pull(&self.repository, name);
            assert_eq!(pulled.as_ref(), Ok(digest), "{name} is not back: {when}");
        }
    }
}
