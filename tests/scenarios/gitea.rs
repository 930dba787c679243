//! Everything that speaks to Gitea, on a real one and on the double of the same version: the same words on the screen.

mod sites;
mod tokens;

use std::cell::RefCell;

use libtest_mimic::Trial;

use crate::main_job::missing_parts;
use crate::support::gitea::{self, Profile, Settings};
use crate::support::nginx::missing_nginx;
use crate::support::part::{missing, trial, trial_with};
use crate::support::world::{Ran, World};

const PASSWORD: &str = "password of admin";
const LOGIN: &str = "login [REGISTRY] -u admin --token-stdin";
const DEAD: &str = "0123456789abcdef0123456789abcdef01234567";
/// The version whose words are written down here. Those of the others are compared with their doubles'.
const WRITTEN: Profile = Profile::V1_26;

/// What happens, at a Gitea that is set up like this.
type Scenario = (&'static str, Settings, fn(&Stage));

pub fn trials() -> Vec<Trial> {
    let usual = Settings::default();
    let below = Settings {
        below: "/code",
        ..usual
    };
    let closed = Settings {
        require_signin: true,
        ..usual
    };
    let without_passwords = Settings {
        without_passwords: true,
        ..usual
    };
    let scenarios: [Scenario; 11] = [
        ("login_and_logout", usual, tokens::login_and_logout),
        ("tokens_that_do_not_do", usual, tokens::tokens_that_do_not_do),
        ("made_and_revoked", usual, tokens::made_and_revoked),
        ("rotated", usual, tokens::rotated),
        ("second_factor", usual, sites::second_factor),
        ("closed_accounts", usual, sites::closed_accounts),
        ("visibility", usual, sites::visibility),
        ("where_all_sign_in", closed, sites::where_all_sign_in),
        ("without_passwords", without_passwords, sites::without_passwords),
        ("below_a_path", below, sites::below_a_path),
        ("bot_of_an_organisation", usual, sites::bot_of_an_organisation),
    ];
    let parts = [missing_parts(), gitea::missing().to_vec(), missing(&["skopeo"])].concat();
    scenarios
        .into_iter()
        .flat_map(|(name, settings, test)| {
            let lacks = if settings.below.is_empty() {
                &[]
            } else {
                missing_nginx()
            };
            [
                trial(&format!("gitea/double/{name}"), move || {
                    test(&Stage::new(World::of_doubles_as(WRITTEN, settings), WRITTEN));
                }),
                trial_with(&format!("gitea/real/{name}"), &[&parts, lacks].concat(), move || {
                    at_a_real_one(settings, test);
                }),
            ]
        })
        .chain([trial_with(
            "gitea/real/a_person_with_a_second_factor",
            &parts,
            sites::a_person_with_a_second_factor,
        )])
        .collect()
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
