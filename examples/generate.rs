//! Writes what is made from the command line's own description, for releases and for `completions/`.
//!
//! `cargo run --example generate -- completions completions`, `cargo run --example generate -- man DIR 2026-11-22`
#![allow(clippy::print_stderr, reason = "a program for whoever builds this one")]
#![allow(clippy::unwrap_used, reason = "a generator that cannot go on says where")]

#[path = "../tests/support/generated.rs"]
mod generated;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (files, folder) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["completions", folder] => (generated::completions(), PathBuf::from(folder)),
        ["man", folder, date] => (generated::man(date), PathBuf::from(folder)),
        _ => {
            eprintln!("usage: generate completions FOLDER | man FOLDER DATE");
            return ExitCode::from(2);
        }
    };
    std::fs::create_dir_all(&folder).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    ExitCode::SUCCESS
}
