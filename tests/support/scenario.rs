//! How a scenario declares itself, in one line above its function:
//!
//! ```ignore
//! scenario!(says_who_is_missing);
//! scenario!(docker_logs_in, needs("docker", "skopeo", CONTROL_PLANE));
//! scenario!(keeps_foreign_entries, on(DOUBLES, REAL));
//! scenario!(pulls_an_image, on(DOUBLES, REAL), needs("skopeo"));
//! scenarios!(every_row);
//! ```
//!
//! Its name is its module's and its function's: `sync/secrets/keeps_foreign_entries`. Where it runs on places, its
//! function takes what the place starts (by value or by reference), and the place's name is added: `…/double`,
//! `…/real`. A scenario without a place that needs a real server has `real` added, too. What it needs is for the real
//! places: a double needs nothing but this process. Where something is missing, the scenario is reported as ignored.
//! `scenarios!` is for tables: its function takes a [`Table`] and returns one trial for each row.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use libtest_mimic::Trial;

use super::attempts::trial_with;
use super::part::missing;

/// A declared scenario, or a table of them.
pub struct Scenario {
    /// Where it stands, as `module_path!` has it.
    pub module: &'static str,
    pub trials: fn(&Table) -> Vec<Trial>,
}

inventory::collect!(Scenario);

/// Every declared scenario, in the same mixed order each time: neighbours by name wait for the same thing, such as the
/// kernel's keyring or a container engine, and the processors would wait with them.
#[must_use]
pub fn all() -> Vec<Trial> {
    let declared = inventory::iter::<Scenario>.into_iter();
    let mut trials: Vec<Trial> = declared
        .flat_map(|scenario| (scenario.trials)(&Table::of(scenario.module)))
        .collect();
    trials.sort_by_cached_key(|trial| {
        let mut hasher = DefaultHasher::new();
        trial.name().hash(&mut hasher);
        hasher.finish()
    });
    trials
}

/// What a scenario needs beside this process.
pub trait Need {
    /// What of it is not here.
    fn missing(&self) -> Vec<&'static str>;

    /// What is added to the name of a scenario that needs it and has no place.
    fn place(&self) -> Option<&'static str> {
        None
    }
}

/// A program.
impl Need for &'static str {
    fn missing(&self) -> Vec<&'static str> {
        missing(&[*self])
    }
}

/// Programs and rights that belong together.
#[derive(Clone, Copy)]
pub struct Part {
    pub missing: fn() -> Vec<&'static str>,
    pub place: Option<&'static str>,
}

impl Part {
    pub const fn new(missing: fn() -> Vec<&'static str>) -> Self {
        Self { missing, place: None }
    }

    /// With a real server.
    pub const fn real(missing: fn() -> Vec<&'static str>) -> Self {
        let place = Some("real");
        Self { missing, place }
    }
}

impl Need for Part {
    fn missing(&self) -> Vec<&'static str> {
        (self.missing)()
    }

    fn place(&self) -> Option<&'static str> {
        self.place
    }
}

/// What a scenario can run on.
pub struct Place<W> {
    pub name: &'static str,
    /// `None` where all of it is in this process.
    pub part: Option<Part>,
    pub start: fn() -> W,
}

impl<W> Place<W> {
    pub const fn double(start: fn() -> W) -> Self {
        Self {
            name: "double",
            part: None,
            start,
        }
    }

    pub const fn real(part: Part, start: fn() -> W) -> Self {
        Self::named("real", part, start)
    }

    pub const fn named(name: &'static str, part: Part, start: fn() -> W) -> Self {
        Self {
            name,
            part: Some(part),
            start,
        }
    }
}

/// A scenario's function: it takes what its place starts, as it likes.
pub trait Test<W, How> {
    fn run(&self, world: W);
}

pub struct ByValue;
pub struct ByReference;
pub struct ByMutableReference;

impl<W, F: Fn(W)> Test<W, ByValue> for F {
    fn run(&self, world: W) {
        self(world);
    }
}

impl<W, F: Fn(&W)> Test<W, ByReference> for F {
    fn run(&self, world: W) {
        self(&world);
    }
}

impl<W, F: Fn(&mut W)> Test<W, ByMutableReference> for F {
    fn run(&self, mut world: W) {
        self(&mut world);
    }
}

/// The scenarios of one module.
pub struct Table {
    module: String,
}

impl Table {
    fn of(module: &str) -> Self {
        let (_binary, module) = module.split_once("::").unwrap();
        Self {
            // `r#` is not part of a name.
            module: module.replace("::", "/").replace("r#", ""),
        }
    }

    /// A row's name may be a text.
    fn name(&self, name: &str, place: &str) -> String {
        let is_kept = |char: char| char.is_alphanumeric() || "/.-".contains(char);
        let words: Vec<_> = name
            .split(|char| !is_kept(char))
            .filter(|word| !word.is_empty())
            .collect();
        let words = words.join("_");
        let parts = [self.module.as_str(), &words, place].into_iter();
        parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
    }

    /// A scenario that runs on no place, or makes its own.
    pub fn alone(&self, name: &str, needs: &[&dyn Need], test: impl Fn() + Send + 'static) -> Trial {
        let real = needs.iter().filter_map(|need| need.place()).max();
        let place = real.unwrap_or_default();
        let missing: Vec<_> = needs.iter().flat_map(|need| need.missing()).collect();
        trial_with(&self.name(name, place), &missing, test)
    }

    /// A scenario on one of its places.
    pub fn on<W: 'static, How>(
        &self,
        name: &str,
        place: &Place<W>,
        needs: &[&dyn Need],
        test: impl Test<W, How> + Send + 'static,
    ) -> Trial {
        let start = place.start;
        let missing: Vec<_> = place.part.map_or_else(Vec::new, |part| {
            let needs = needs.iter().flat_map(|need| need.missing());
            part.missing().into_iter().chain(needs).collect()
        });
        trial_with(&self.name(name, place.name), &missing, move || test.run(start()))
    }
}

macro_rules! scenario {
    ($test:ident) => {
        scenario!($test, needs());
    };
    ($test:ident, needs($($need:expr),*)) => {
        inventory::submit! {
            $crate::support::scenario::Scenario {
                module: module_path!(),
                trials: |table| vec![table.alone(stringify!($test), &[$(&$need),*], $test)],
            }
        }
    };
    ($test:ident, on($($place:expr),+)) => {
        scenario!($test, on($($place),+), needs());
    };
    ($test:ident, on($($place:expr),+), needs($($need:expr),*)) => {
        scenario!(@places $test, ($($place),+), [$(&$need),*]);
    };
    (@places $test:ident, ($($place:expr),+), $needs:tt) => {
        inventory::submit! {
            $crate::support::scenario::Scenario {
                module: module_path!(),
                trials: |table| vec![$(table.on(stringify!($test), &$place, &$needs, $test)),+],
            }
        }
    };
}

macro_rules! scenarios {
    ($rows:ident) => {
        inventory::submit! {
            $crate::support::scenario::Scenario { module: module_path!(), trials: $rows }
        }
    };
}
