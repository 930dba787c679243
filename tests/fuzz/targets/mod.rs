//! What is fuzzed: a file for each kind of hostile input. The variable `FUZZ_TARGET` names the one that is meant.

use std::sync::LazyLock;

mod client_config;
mod docker_config_json;
mod env_file;
mod helper_stdin;
mod jwt;
mod manifest;
mod regcred_yaml;
mod registries_conf;
mod registry_name;
mod spec_yml;
mod vault_header;
mod www_authenticate;

/// A function that panics if an input breaks what has to hold for any.
type Check = fn(&[u8]);

const TARGETS: [(&str, Check); 12] = [
    ("client_config", client_config::check),
    ("docker_config_json", docker_config_json::check),
    ("env_file", env_file::check),
    ("helper_stdin", helper_stdin::check),
    ("jwt", jwt::check),
    ("manifest", manifest::check),
    ("regcred_yaml", regcred_yaml::check),
    ("registries_conf", registries_conf::check),
    ("registry_name", registry_name::check),
    ("spec_yml", spec_yml::check),
    ("vault_header", vault_header::check),
    ("www_authenticate", www_authenticate::check),
];

static CHECK: LazyLock<Check> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target.unwrap_or_else(|| panic!("FUZZ_TARGET={name} names no target")).1
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| CHECK(input));

/// A number that follows from the input, for what a target does not choose by its text.
fn number(input: &[u8]) -> u64 {
    // FNV-1a
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    input.iter().fold(0xcbf2_9ce4_8422_2325, mix)
}
