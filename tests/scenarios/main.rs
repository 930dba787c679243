//! Every scenario, in one binary: first on doubles, then on the real parts that are here.

#![allow(clippy::unwrap_used, reason = "a scenario that cannot go on says where")]

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
#[path = "../support/mod.rs"]
mod support;
mod survey;
mod targets;
mod vault;
mod vault_status;
mod verify;
mod workloads;
mod workstation;

use libtest_mimic::{Arguments, Trial};

fn main() -> std::process::ExitCode {
    let _control_plane = support::control_plane::StopAtEnd;
    let _node = support::node::StopAtEnd;
    let arguments = Arguments::from_args();
    let trials: Vec<Vec<Trial>> = vec![
        agreement::trials(),
        ci::trials(),
        clients::trials(),
        cluster::trials(),
        completion::trials(),
        container::trials(),
        docker_files::trials(),
        docker_link::trials(),
        docker_login::trials(),
        docker_status::trials(),
        documents::trials(),
        double::trials(),
        gitea::trials(),
        help::trials(),
        helper::trials(),
        keychain::trials(),
        krew::trials(),
        main_job::trials(),
        matrix::trials(),
        memory::trials(),
        mint::trials(),
        newcomer::trials(),
        node::trials(),
        oracle::trials(),
        other_helpers::trials(),
        owners::trials(),
        rbac::trials(),
        remove::trials(),
        rotate::trials(),
        rough::trials(),
        server::trials(),
        status::trials(),
        strace::trials(),
        survey::trials(),
        targets::trials(),
        vault::trials(),
        vault_status::trials(),
        verify::trials(),
        workloads::trials(),
        workstation::trials(),
    ];
    let trials = trials.into_iter().flatten().collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
