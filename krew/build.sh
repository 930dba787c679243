#!/usr/bin/env bash
# Builds both programs for one target as they are released, and prints the folder that holds them.
# Usage: krew/build.sh TARGET [FOLDER]   FOLDER is cargo's target folder, target by default
#
# The same source, toolchain and linker give the same bytes, in whatever folder. cargo-auditable has to be installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

triple=${1:?usage: krew/build.sh TARGET [FOLDER]}
folder=$(mkdir -p "${2:-target}" && cd "${2:-target}" && pwd)

if ! cargo auditable --version >/dev/null 2>&1; then
    echo "build: no cargo-auditable, which writes the list of dependencies into the programs" >&2
    echo "hint: cargo install --locked cargo-auditable" >&2
    exit 1
fi

# No path of this machine gets into a message of a panic. Where the sources of the standard library are installed, rustc
# names them by where they lie; elsewhere by this name.
commit=$(rustc -vV | sed -n 's/^commit-hash: //p')
flags=(
    "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
    "--remap-path-prefix=$PWD=/regcred"
    "--remap-path-prefix=$folder=/target"
    "--remap-path-prefix=$(rustc --print sysroot)/lib/rustlib/src/rust=/rustc/$commit"
)
case $triple in
*-windows-msvc) # one file that runs without Visual C++'s runtime, and without the time of the build
    flags+=(-Ctarget-feature=+crt-static -Clink-arg=/Brepro)
    ;;
aarch64-unknown-linux-gnu)
    if [[ $(uname -m) != aarch64 ]]; then
        export CC_aarch64_unknown_linux_gnu=${CC_aarch64_unknown_linux_gnu:-aarch64-linux-gnu-gcc}
        export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=$CC_aarch64_unknown_linux_gnu
    fi
    ;;
esac
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}")
export CARGO_ENCODED_RUSTFLAGS
unset RUSTFLAGS

CARGO_TARGET_DIR=$folder cargo auditable build --release --locked --bins --target "$triple" >&2
echo "$folder/$triple/release"
