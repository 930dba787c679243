#!/usr/bin/env bash
# Builds both programs for one target as they are released, and prints the folder that holds them.
# Usage: krew/build.sh TARGET [FOLDER]   FOLDER is cargo's target folder, target by default
#
# The same source, toolchain and linker give the same bytes, in whatever folder. cargo-auditable writes the list of
# dependencies into the programs; it is installed into a cache folder where it is not there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

triple=${1:?usage: krew/build.sh TARGET [FOLDER]}
folder=$(mkdir -p "${2:-target}" && cd "${2:-target}" && pwd)

AUDITABLE_VERSION=0.7.7
tools=${XDG_CACHE_HOME:-${HOME:?}/.cache}/regcred/tools
cargo install --quiet --locked --root "$tools" --version "$AUDITABLE_VERSION" cargo-auditable >&2 # at once if it is there

# No path of this machine gets into a message of a panic. Where the sources of the standard library are installed, rustc
# names them by where they lie; elsewhere by this name.
commit=$(rustc -vV | sed -n 's/^commit-hash: //p')
native() { if command -v cygpath >/dev/null; then cygpath -m "$1"; else echo "$1"; fi; } # rustc knows no /c/Users
flags=(
    "--remap-path-prefix=$(native "${CARGO_HOME:-$HOME/.cargo}")=/cargo"
    "--remap-path-prefix=$(native "$PWD")=/regcred"
    "--remap-path-prefix=$(native "$folder")=/target"
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

PATH=$tools/bin:$PATH CARGO_TARGET_DIR=$folder cargo auditable build --release --locked --bins --target "$triple" >&2
echo "$folder/$triple/release"
