//! `kubectl regcred`: one registry token for docker and for Kubernetes.

use std::process::ExitCode;

use regcred::commands::{self, System};

fn main() -> ExitCode {
    commands::run(std::env::args_os(), &mut System::of_process())
        .code()
        .into()
}
