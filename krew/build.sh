#!/usr/bin/env bash
# Builds both programs for one target as they are released, and prints the folder that holds them.
# Usage: krew/build.sh TARGET [FOLDER]   FOLDER is cargo's target folder, target by default
#
# The same source, toolchain and linker give the same bytes, in whatever folder. cargo-auditable writes the list of
# dependencies into the programs; it is installed into a cache folder where it is not there.
#
# For Linux (TARGET ends in -linux-musl) the programs are static: krew/rust.sh says how. Both processors' programs can be
# built on either.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

triple=${1:?usage: krew/build.sh TARGET [FOLDER]}
folder=$(mkdir -p "${2:-target}" && cd "${2:-target}" && pwd)

# shellcheck source=krew/rust.sh
source krew/rust.sh
AUDITABLE_VERSION=0.7.7
options=() flags=()
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
case $triple in
*-windows-msvc) # one file that runs without Visual C++'s runtime, and without the time of the build
    flags+=(-Ctarget-feature=+crt-static -Clink-arg=/Brepro)
    ;;
*-linux-musl)
    # A toolchain that was chosen and has the library's source is what the release workflows use.
    [[ -d $(rustc --print sysroot)/lib/rustlib/src/rust/library ]] || debians_rust
    rust_for "$triple"
    options+=("-Zbuild-std=std,panic_abort")
    flags+=(-Clink-self-contained=no)
    ;;
esac
cargo install --quiet --locked --root "$rust_tools" --version "$AUDITABLE_VERSION" cargo-auditable >&2 # at once if it is there

# No path of this machine gets into a message of a panic. Where the sources of the standard library are installed, rustc
# names them by where they lie; elsewhere by this name.
commit=$(rustc -vV | sed -n 's/^commit-hash: //p')
library=$(rustc --print sysroot)/lib/rustlib/src/rust
native() { if command -v cygpath >/dev/null; then cygpath -m "$1"; else echo "$1"; fi; } # rustc knows no /c/Users
flags+=(
    "--remap-path-prefix=$(native "${CARGO_HOME:-$HOME/.cargo}")=/cargo"
    "--remap-path-prefix=$(native "$PWD")=/regcred"
    "--remap-path-prefix=$(native "$folder")=/target"
    "--remap-path-prefix=$library=/rustc/$commit"
)
if [[ -d $library ]]; then flags+=("--remap-path-prefix=$(native "$(realpath "$library")")=/rustc/$commit"); fi
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}")
export CARGO_ENCODED_RUSTFLAGS

# The bash of macOS takes an empty array for an unset variable.
PATH=$rust_tools/bin:$PATH CARGO_TARGET_DIR=$folder cargo auditable build --release --locked --bins --target "$triple" \
    ${options[@]+"${options[@]}"} >&2
echo "$folder/$triple/release"
