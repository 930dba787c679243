#!/usr/bin/env bash
# Checks the code for every system of a release: clippy without a warning, of the programs and of the unit tests. Arguments
# are the targets to check instead of all.
#
# Debian's own Rust does it, which brings the source of the standard library (packages rustc-web, cargo-web, rust-web-src,
# rust-web-clippy): rustup's toolchain holds the library for this machine only. Nothing is linked. The C code of ring is
# compiled by zig (krew/zig.sh). What is compiled stays in a folder of its own in the cache, so a second run is short.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Windows is released for msvc, whose headers are not to be had here; the code is the same for gnu. Linux is released static;
# who builds on Linux gets gnu.
targets=("$@")
((${#targets[@]})) || targets=(aarch64-apple-darwin x86_64-apple-darwin x86_64-pc-windows-gnu
    aarch64-unknown-linux-gnu x86_64-unknown-linux-musl)

# shellcheck source=krew/rust.sh
source krew/rust.sh
if [[ ! -x /usr/bin/cargo-clippy ]] || ! debians_rust 2>/dev/null; then
    echo "targets: not checked: Debian's packages rustc-web, cargo-web, rust-web-src and rust-web-clippy are missing" >&2
    [[ ${CI:-} != true ]] || exit 1
    exit 0
fi
rust_for "${targets[@]}"

# The profile of tests checks the library as the programs use it and once more with its unit tests, and compiles what both
# depend on once. clippy is called by its path: cargo would look for cargo-clippy in CARGO_HOME first, where rustup's is.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
export CARGO_INCREMENTAL=0 CARGO_TARGET_DIR=${XDG_CACHE_HOME:-${HOME:?}/.cache}/regcred/targets
nice /usr/bin/cargo-clippy clippy --quiet --locked --keep-going -Zbuild-std --lib --bins --profile test "${targets[@]/#/--target=}" -- \
    -D warnings
echo "targets: ${targets[*]}: no warning" >&2
