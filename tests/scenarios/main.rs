//! Every scenario, in one binary: first on doubles, then on the real parts that are here.

#![allow(clippy::unwrap_used, reason = "a scenario that cannot go on says where")]

#[macro_use]
#[path = "../support/mod.rs"]
mod support;

mod agreement;
mod ci;
mod clients;
mod cluster;
mod completion;
mod container;
mod docker_files;
mod docker_link;
mod docker_login;
mod docker_status;
mod documents;
mod double;
mod gitea;
mod help;
mod helper;
mod keychain;
mod krew;
mod main_job;
mod matrix;
mod memory;
mod mint;
mod newcomer;
mod node;
mod oracle;
mod other_helpers;
mod owners;
mod rbac;
mod remove;
mod rotate;
mod rough;
mod server;
mod status;
mod strace;
mod survey;
mod targets;
mod vault;
mod vault_status;
mod verify;
mod workloads;
mod workstation;

use libtest_mimic::Arguments;

fn main() -> std::process::ExitCode {
    let _control_plane = support::control_plane::StopAtEnd;
    let _node = support::node::StopAtEnd;
    let arguments = Arguments::from_args();
    libtest_mimic::run(&arguments, support::scenario::all()).exit_code()
}
