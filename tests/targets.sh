#!/usr/bin/env bash
# Checks the code for macOS and Windows: clippy without a warning. Arguments are other targets to check instead:
# x86_64-apple-darwin, aarch64-unknown-linux-gnu, x86_64-unknown-linux-musl.
#
# Debian's own Rust does it, which brings the source of the standard library (packages rustc-web, cargo-web, rust-web-src,
# rust-web-clippy): rustup's toolchain holds the library for this machine only. Nothing is linked. The C code of ring is
# compiled by zig (krew/zig.sh). What is compiled stays in a folder of its own in the cache, so a second run is short.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Windows is released for msvc, whose headers are not to be had here; the code is the same for gnu.
targets=("$@")
((${#targets[@]})) || targets=(aarch64-apple-darwin x86_64-pc-windows-gnu)

if [[ ! -x /usr/bin/rustc || ! -x /usr/bin/cargo-clippy || ! -d /usr/lib/rustlib/src/rust/library ]]; then
    echo "targets: not checked: Debian's packages rustc-web, cargo-web, rust-web-src and rust-web-clippy are missing" >&2
    [[ ${CI:-} != true ]] || exit 1
    exit 0
fi
zig=$(krew/zig.sh)

arguments=()
for target in "${targets[@]}"; do
    case $target in
    *-apple-darwin) system=${target%%-*}-macos ;;
    *-windows-gnu) system=${target%%-*}-windows-gnu ;;
    *-linux-gnu) system=${target%%-*}-linux-gnu ;;
    *-linux-musl) system=${target%%-*}-linux-musl ;;
    *)
        echo "targets: $target is none of ours" >&2
        exit 2
        ;;
    esac
    export "CC_${target//-/_}=$zig/zig-cc $system" "AR_${target//-/_}=$zig/zig-ar"
    arguments+=(--target "$target")
done

# Called by its path: cargo would look for cargo-clippy in CARGO_HOME first, where rustup's is.
unset RUSTUP_TOOLCHAIN RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
export RUSTC=/usr/bin/rustc CARGO=/usr/bin/cargo RUSTC_BOOTSTRAP=1 CARGO_INCREMENTAL=0
export CARGO_TARGET_DIR=${XDG_CACHE_HOME:-${HOME:?}/.cache}/regcred/targets
PATH=/usr/bin:$PATH nice /usr/bin/cargo-clippy clippy --quiet --locked -Zbuild-std --lib --bins \
    "${arguments[@]}" -- -D warnings
echo "targets: ${targets[*]}: no warning" >&2
