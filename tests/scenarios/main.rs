//! Every scenario of regcred, in one binary. A scenario runs commands from end to end: on doubles, in this process or on
//! loopback, and on the real programs that are here.
//!
//! Where does a scenario go? To its verb: a file or folder of this name, and in it to the file of its subject. That
//! `sync` refuses something is in `sync/refusals.rs`. What several verbs are about:
//!
//! - `helper`: docker's credential-helper protocol; `keychain/`: the stores, the vault and the verb `keychain`
//! - `cluster/`: reaching an API server, by every verb; `registry/`: the same with a registry, and verifying, minting and
//!   revoking in the library
//! - `gitea/`: every verb at a real Gitea; `agreement/` compares it with its double, `gitea_double` is the double's rules
//! - `main_job`: one session from login to logout; `newcomer`: the README, typed by somebody; `server/`: without a desktop
//! - `where`: the places of every token, and the ledger
//! - `clients/`: docker, podman and others that use our helper; `matrix/`: each of them in every situation
//! - `node/`: a real kubelet that pulls; `oracle/`: the same input read by Go's code
//! - `systems/`: the programs of other systems, which an emulator runs
//! - `strace`, `memory`: where a token must not be found; `io_errors`: closed streams, full disks, silent servers
//! - `faults`: servers killed and cut off, disks that are full, clocks that are wrong, at a known moment
//! - `hostile`: peers that lie, stall, flood and lead elsewhere
//! - `documents/`, `help`, `krew`: what is written, typed and released
//!
//! A scenario is a function with one line above it: `tests/support/scenario.rs` says how. Its name is its module's and
//! its own, and the place's where it runs on several: `sync/secret/creates/double`.

#![allow(clippy::unwrap_used, reason = "a scenario that cannot go on says where")]

#[macro_use]
#[path = "../support/mod.rs"]
mod support;

mod agreement;
mod clients;
mod cluster;
mod completion;
mod docker;
mod documents;
mod faults;
mod gitea;
mod gitea_double;
mod help;
mod helper;
mod hostile;
mod images;
mod io_errors;
mod keychain;
mod krew;
mod login;
mod main_job;
mod matrix;
mod memory;
mod newcomer;
mod node;
mod oracle;
mod rbac;
mod registry;
mod rotate;
mod server;
mod status;
mod strace;
mod sync;
mod systems;
mod r#where;

use libtest_mimic::Arguments;

fn main() -> std::process::ExitCode {
    let _control_plane = support::control_plane::StopAtEnd;
    let _node = support::node::StopAtEnd;
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert_with(threads);
    libtest_mimic::run(&arguments, support::scenario::all()).exit_code()
}

/// A scenario mostly waits: for a server, for another program, for a pod.
fn threads() -> usize {
    3 * std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
