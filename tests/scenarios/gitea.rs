//! Everything that speaks to Gitea, on a real one and on the double of the same version: the same words on the screen.

/// `at_gitea!(name)`, or `at_gitea!(name, below("/code"))`: a scenario at a Gitea with these settings.
macro_rules! at_gitea {
    ($test:ident $(, $setting:ident($value:expr))*) => {
        inventory::submit! {
            crate::support::scenario::Scenario {
                module: module_path!(),
                trials: |table| {
                    #[allow(clippy::needless_update, reason = "some scenarios set nothing")]
                    let settings = crate::support::gitea::Settings { $($setting: $value,)* ..Default::default() };
                    super::at_gitea(table, stringify!($test), settings, $test)
                },
            }
        }
    };
}
mod sites;
mod tokens;

use std::cell::RefCell;

use libtest_mimic::Trial;

use crate::support::gitea::{self, Profile, Settings};
use crate::support::parts::{GITEA, NGINX, REAL_PARTS};
use crate::support::scenario::{Need, Table};
use crate::support::world::{Ran, World};

const PASSWORD: &str = "password of admin";
const LOGIN: &str = "login [REGISTRY] -u admin --token-stdin";
const DEAD: &str = "0123456789abcdef0123456789abcdef01234567";
/// The version whose words are written down here. Those of the others are compared with their doubles'.
const WRITTEN: Profile = Profile::V1_26;

/// On the double and on a real Gitea, both set up like this.
fn at_gitea(table: &Table, name: &str, settings: Settings, test: fn(&Stage)) -> Vec<Trial> {
    let double = table.alone(&format!("{name}/double"), &[], move || {
        test(&Stage::new(World::of_doubles_as(WRITTEN, settings), WRITTEN));
    });
    let mut needs: Vec<&dyn Need> = vec![&REAL_PARTS, &GITEA, &"skopeo"];
    if !settings.below.is_empty() {
        needs.push(&NGINX);
    }
    let real = table.alone(name, &needs, move || at_a_real_one(settings, test));
    vec![double, real]
}

fn at_a_real_one(settings: Settings, test: fn(&Stage)) {
    let profile = gitea::profile();
    let real = Stage::new(World::of_real_gitea(settings), profile);
    test(&real);
    if profile != WRITTEN {
        let double = Stage::new(World::of_doubles_as(profile, settings), profile);
        test(&double);
        assert_eq!(
            *real.said.borrow(),
            *double.said.borrow(),
            "{profile:?}: not as the double"
        );
    }
    assert!(!real.said.borrow().is_empty(), "nothing was said");
}

/// A workstation, and what was to be read there.
struct Stage {
    world: World,
    profile: Profile,
    said: RefCell<Vec<String>>,
}

impl Stage {
    fn new(world: World, profile: Profile) -> Self {
        Self {
            world,
            profile,
            said: RefCell::default(),
        }
    }

    /// Keeps what a program said; where this version's words are written down, they are to be these.
    #[track_caller]
    fn says(&self, ran: &Ran, words: impl snapbox::IntoData) {
        let said = ran.to_string();
        if self.profile == WRITTEN {
            snapbox::assert_data_eq!(&said, words.into_data());
        }
        let unnamed = said.split_inclusive([' ', '\n']).map(without_time);
        self.said.borrow_mut().push(unnamed.collect());
    }
}

/// A token's name, without the time at which it was made.
fn without_time(word: &str) -> &str {
    match word.split_once("-20") {
        Some((name, _)) if word.matches('-').count() >= 2 => name,
        _ => word,
    }
}
