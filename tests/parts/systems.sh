#!/usr/bin/env bash
# Builds this tree's programs for another system, and prints the folder that holds them.
# Usage: tests/parts/systems.sh arm64|windows
#
# arm64    Linux on arm64, static as in a release; qemu-user runs them here
# windows  for gnu, and beside them what Wine lacks, which runs them here
#
# They are not optimised, because that would take as long as a release. What is compiled stays in the cache, so a second run
# compiles regcred alone.
#
# Where a tool is missing it exits with 3, and with another code where the programs cannot be built.
set -euo pipefail
readonly MISSING=3
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=krew/rust.sh
source krew/rust.sh
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS

system=${1:-}
case $system in
arm64)
    target=aarch64-unknown-linux-musl
    needs=(qemu-aarch64)
    ;;
windows)
    target=x86_64-pc-windows-gnu
    needs=(x86_64-w64-mingw32-gcc x86_64-w64-mingw32-strip /usr/lib/wine/wine64 /usr/lib/wine/wine64-preloader)
    ;;
*)
    echo "usage: tests/parts/systems.sh arm64|windows" >&2
    exit 2
    ;;
esac
for program in "${needs[@]}"; do
    command -v "$program" >/dev/null || {
        echo "systems: $program is missing" >&2
        exit "$MISSING"
    }
done
debians_rust || exit "$MISSING"
krew/zig.sh >/dev/null || exit "$MISSING"

# link_to_wine FOLDER: of what Wine has copied there, 650 MB, only what differs from its own stays a file
link_to_wine() {
    local file own
    for file in "$1"/*; do
        own=/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/${file##*/}
        if cmp -s "$file" "$own"; then ln -sf "$own" "$file"; fi
    done
}

# wine_prefix: makes Windows' own files once for each version of Wine, and prints their folder. Tests only read them.
wine_prefix() {
    local wine=/usr/lib/wine/wine64 parts made
    parts=${XDG_CACHE_HOME:-$HOME/.cache}/regcred/parts
    made=$parts/wine-$(stat --format %Y "$wine")
    if [[ ! -d $made ]]; then
        mkdir -p "$parts"
        rm -rf "$made.new"
        # No question whether to download .NET or a browser.
        env -i PATH="$PATH" HOME="$parts" LANG=C.UTF-8 WINEPREFIX="$made.new" WINEDEBUG=-all \
            WINEDLLOVERRIDES='mscoree,mshtml=' "$wine" cmd /c exit </dev/null >&2
        WINEPREFIX=$made.new "${wine%/*}/wineserver64" -k >&2 || true
        WINEPREFIX=$made.new "${wine%/*}/wineserver64" -w >&2
        link_to_wine "$made.new/drive_c/windows/system32"
        mv "$made.new" "$made"
    fi
    echo "$made"
}

rust_for "$target"
export CARGO_INCREMENTAL=0 CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUSTFLAGS=-Clink-self-contained=no
export CARGO_TARGET_DIR=${XDG_CACHE_HOME:-$HOME/.cache}/regcred/targets
# As for a release, whose library has none of the checks of a debug build: Wine keeps credentials at addresses that Windows
# would not. Of the types of Kubernetes' API few are used: the others are not compiled to machine code.
export CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
export CARGO_PROFILE_RELEASE_STRIP=none
nice cargo build --quiet --locked --release --bins --target "$target" -Zbuild-std=std,panic_abort -Zbuild-std-features= \
    -Zprofile-hint-mostly-unused --config 'profile.release.package.k8s-openapi.hint-mostly-unused=true' >&2
built=$CARGO_TARGET_DIR/$target/release
# Another tree may build there next.
folder=$PWD/target/$system
mkdir -p "$folder"
case $system in
arm64) cp "$built/kubectl-regcred" "$built/docker-credential-gitea" "$folder/" ;;
windows)
    for program in kubectl-regcred.exe docker-credential-gitea.exe; do
        x86_64-w64-mingw32-strip -o "$folder/$program" "$built/$program" # 48 MB of 115, which every scenario copies
    done
    x86_64-w64-mingw32-gcc -O2 -shared -s -o "$folder/bcryptprimitives.dll" tests/parts/wine/bcryptprimitives.c -ladvapi32
    x86_64-w64-mingw32-gcc -O2 -s -municode -o "$folder/hold.exe" tests/parts/wine/hold.c
    prefix=$(wine_prefix)
    ln -sfn "$prefix" "$folder/prefix"
    ;;
esac
echo "$folder"
