//! Faults of real parts at a known moment: servers that are killed, stopped and cut off, a keychain that is killed and
//! locked, disks that are full and read-only, a clock that is wrong, another version of regcred at the same places.
//!
//! Nothing is lost, and nothing is there twice. docs/faults.md shows the same table, and one scenario compares them.

mod clock;
mod cluster;
mod disk;
mod gitea;
mod keychain;
mod versions;

use std::fmt::Write as _;

use crate::support::part::is_exhaustive;
use crate::support::world::Ran;

/// A row of the table.
pub struct Row {
    /// What happens, and to what.
    fault: &'static str,
    /// When it strikes.
    when: &'static str,
    /// How often in each run of the tests.
    times: usize,
    /// What the command that it strikes says, or one of several that a ` / ` parts; nothing where it ends well.
    says: &'static str,
    /// What is seen to be so afterwards.
    then: &'static str,
}

impl Row {
    /// The command said what it should: an error and what to do, or that it is done. No token is on the screen.
    #[track_caller]
    fn check_said(&self, ran: &Ran, tokens: &[String]) {
        let shown = format!("{}{}", ran.stdout, ran.stderr);
        for token in tokens {
            assert!(
                !shown.contains(token),
                "{}: a token is on the screen: {ran}",
                self.fault
            );
        }
        assert!(matches!(ran.code, 0 | 1), "{}: {ran}", self.fault);
        if ran.code == 1 {
            let is_said = self.says.split(" / ").any(|says| ran.stderr.contains(says));
            assert!(is_said && ran.stderr.contains("hint: "), "{}: {ran}", self.fault);
        }
    }

    /// It was tried as often as the table says; in the exhaustive run, at least.
    #[track_caller]
    fn check_times(&self, times: usize) {
        let is_so = times == self.times || (is_exhaustive() && times > self.times);
        assert!(is_so, "{}: {times} times, and not {}", self.fault, self.times);
    }
}

scenario!(the_page_says_what_happens);
fn the_page_says_what_happens() {
    let mut table = "| fault | strikes | times | the command says | and then |\n|---|---|---|---|---|\n".to_owned();
    let rows = [
        &cluster::ROWS[..],
        &gitea::ROWS,
        &keychain::ROWS,
        &disk::ROWS,
        &clock::ROWS,
        &versions::ROWS,
    ];
    for row in rows.into_iter().flatten() {
        let Row {
            fault,
            when,
            times,
            says,
            then,
        } = row;
        let _ = writeln!(table, "| {fault} | {when} | {times} | {says} | {then} |");
    }
    let page = include_str!("../../docs/faults.md");
    assert!(page.contains(&table), "docs/faults.md lacks this table:\n{table}");
}
