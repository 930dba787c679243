//! `docker-credential-gitea`: docker's way to the keychain.

use std::process::ExitCode;

use regcred::env::Env;

fn main() -> ExitCode {
    regcred::helper::main(std::env::args_os().skip(1), &Env::of_process())
}
