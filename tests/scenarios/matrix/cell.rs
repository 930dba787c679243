//! What came of a step, in the words of the table, and what has to be so whatever the client.

use super::clients::{Client, Files, Kind};
use super::fixture::{Config, Seen, Situation};

/// What the helper's one line on stderr begins with, and what it says of each trouble.
pub const PROGRAM: &str = "docker-credential-gitea: ";
const TROUBLES: [(&str, &str); 3] = [
    ("the keyring is locked; hint: ", "says locked"),
    (
        "the vault is locked; hint: unlock it: kubectl regcred keychain unlock",
        "says locked",
    ),
    (
        "there is no keychain here: no D-Bus session bus was found; hint: ",
        "says no keychain",
    ),
];

/// A few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell(String);

/// A step in every situation.
pub struct Row {
    pub line: &'static str,
    /// In each situation, with each configuration.
    pub cells: Vec<(Situation, Config, Cell)>,
    /// What it printed, where the configuration names this registry.
    pub printed: Vec<(Situation, String)>,
}

impl Row {
    pub fn new(line: &'static str) -> Self {
        Self {
            line,
            cells: Vec::new(),
            printed: Vec::new(),
        }
    }

    pub fn put(&mut self, config: Config, situation: Situation, cell: Cell, seen: &Seen) {
        self.cells.push((situation, config, cell));
        if config == Config::CredHelpers {
            self.printed.push((situation, seen.output.clone()));
        }
    }

    /// What the table shows for a situation: a second line where another configuration makes a difference.
    pub fn shown(&self, situation: Situation) -> String {
        let cells = self.cells.iter().filter(|(of, _, _)| *of == situation);
        let mut lines: Vec<String> = Vec::new();
        for (_, config, Cell(words)) in cells {
            match lines.first() {
                None => lines.push(words.clone()),
                Some(first) if first == words => (),
                Some(_) => lines.push(format!("{}: {words}", config.label())),
            }
        }
        lines.join("<br>")
    }
}

impl Cell {
    pub fn of(kind: Kind, seen: &Seen) -> Self {
        let done = seen.code == 0;
        let outcome = match kind {
            Kind::Login if done && seen.plaintext => "works, in plaintext",
            Kind::Login if done && !seen.stored => "keeps nothing",
            Kind::Logout if done && seen.kept => "leaves it there",
            _ if done => "works",
            _ if is_crash(seen) => "crashes",
            Kind::Push | Kind::Pull | Kind::Public if seen.asked && !seen.signed_in => "refused, anonymous",
            _ => "fails",
        };
        Self([&[outcome], said(seen).as_slice()].concat().join(", "))
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which troubles the user reads of, in the helper's own line.
fn said(seen: &Seen) -> Vec<&'static str> {
    let lines: Vec<_> = seen
        .output
        .lines()
        .filter_map(|line| line.split_once(PROGRAM))
        .collect();
    let troubles = TROUBLES.iter();
    let heard = troubles.filter(|(text, _)| lines.iter().any(|(_, said)| said.starts_with(text)));
    heard.map(|(_, words)| *words).collect()
}

fn is_crash(seen: &Seen) -> bool {
    seen.code < 0
        || ["goroutine ", "panic: ", "stack overflow"]
            .iter()
            .any(|text| seen.output.contains(text))
}

/// Rules that are broken. `asks`: with a credential this step works, and has it from the helper.
pub fn broken_rules(
    client: &Client,
    kind: Kind,
    config: Config,
    situation: Situation,
    asks: bool,
    seen: &Seen,
) -> impl Iterator<Item = &'static str> {
    let said = said(seen);
    let is_trouble = matches!(situation, Situation::Locked | Situation::NoBus | Situation::LockedVault);
    let is_there = matches!(situation, Situation::Stored | Situation::Vault);
    let is_blind = client.files == Files::Podman
        && match config {
            Config::CredHelpers => false,
            Config::DockersFile => matches!(kind, Kind::Login | Kind::Logout),
            Config::CredsStore => true,
        };
    // Those of Debian 12 run out of stack on every failure of a helper's `erase`, also an honest one (go-multierror).
    let may_crash = client.files == Files::Podman && kind == Kind::Logout && is_trouble;
    let rules = [
        ("the client crashed", is_crash(seen) && !may_crash),
        ("the token was printed", seen.leaked),
        (
            "the helper complained, with nothing to complain about",
            !is_trouble && seen.output.contains(PROGRAM),
        ),
        (
            "with a credential it does not work",
            is_there && kind != Kind::Again && seen.code != 0 && !is_blind,
        ),
        (
            "what anybody may pull was not pulled",
            situation == Situation::Nothing && kind == Kind::Public && seen.code != 0,
        ),
        (
            "it worked without a credential",
            !is_there && matches!(kind, Kind::Push | Kind::Pull | Kind::Again) && seen.code == 0,
        ),
        (
            "the keychain's credential was shown to the registry, without the keychain",
            !is_there && kind != Kind::Login && seen.signed_in,
        ),
        (
            "nobody told the user what is the matter with the keychain",
            is_trouble && asks && said.is_empty(),
        ),
        (
            "the client made a copy of the token, of which nobody asked it",
            seen.plaintext && !(kind == Kind::Login && (is_blind || client.files == Files::Own)),
        ),
    ];
    rules.into_iter().filter(|(_, broken)| *broken).map(|(rule, _)| rule)
}
