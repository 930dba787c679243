#!/usr/bin/env bash
# Builds and packs this machine's platform as the release workflow does, into target/dist, and checks what a release
# promises of it. Prints the archive's path.
# Usage: tests/release.sh [--twice]
#
# --twice builds everything once more, from a copy of the source in another folder, and compares the archives to the byte.
# That takes as long again, so tests/run.sh leaves it to the release workflow; packing twice is compared always.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case ${1:-} in
'' | --twice) ;;
*)
    echo "usage: tests/release.sh [--twice]" >&2
    exit 2
    ;;
esac
triple=$(rustc -vV | sed -n 's/^host: //p')
triple=${triple/%-linux-gnu/-linux-musl} # static, so that it runs on every Linux
platform=$(awk -v triple="$triple" '$2 == triple { print $1 }' krew/platforms)
[[ -n $platform ]] || {
    echo "release: there is no release for $triple: krew/platforms" >&2
    exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fail() {
    echo "release: $*" >&2
    failed=1
}

built=$(krew/build.sh "$triple")
archive=$(krew/pack.sh "$platform" "$built" target/dist)

same() { # same WHAT ARCHIVE
    if cmp "$archive" "$2" >&2; then
        echo "release: $1: the same bytes" >&2
    else
        fail "$1: other bytes"
    fi
}
same "packed twice" "$(umask 077 && krew/pack.sh "$platform" "$built" "$work/again")"

# What krew takes: real files only; and whose licence it is has to lie among them.
[[ $(tar -tvzf "$archive" | cut -c1 | sort -u) == - ]] || fail "the archive holds other things than files"
names=$(tar -tzf "$archive")
for name in LICENSE README.md docker-credential-gitea kubectl-regcred; do
    grep -qx "$name" <<<"$names" || fail "the archive holds no $name"
done

version=$(sed -nE 's/^version = "(.*)"$/\1/p' Cargo.toml)
mkdir "$work/unpacked"
tar -xzf "$archive" -C "$work/unpacked"
for program in kubectl-regcred docker-credential-gitea; do
    program=$work/unpacked/$program
    for path in "$PWD" "${CARGO_HOME:-$HOME/.cargo}" "${RUSTUP_HOME:-$HOME/.rustup}" /usr/lib/rustlib /usr/src/rustc; do
        if grep -aqF "$path" "$program"; then fail "${program##*/} holds the path $path of this machine"; fi
    done
    # The list of dependencies, as cargo-auditable writes it: zlib over JSON, in a section of its own.
    objcopy --dump-section .dep-v0="$work/dependencies" "$program" /dev/null
    python3 - "$work/dependencies" <<'END' >&2 || fail "${program##*/} tells no dependencies"
import json, sys, zlib
packages = json.loads(zlib.decompress(open(sys.argv[1], "rb").read()))["packages"]
names = {package["name"] for package in packages}
assert {"regcred", "zbus", "secrecy"} <= names, names
print(f"release: {len(packages)} packages are listed in it")
END
    if [[ $triple == *-linux-* ]]; then
        # It needs no library and no loader: docs/install.md says that it runs on every Linux.
        headers=$(readelf --wide --file-header --program-headers --dynamic "$program")
        if grep -E 'INTERP|\(NEEDED\)' <<<"$headers" >&2; then fail "${program##*/} is not static"; fi
        # Its own addresses are random ones all the same.
        grep -qE '^ *Type: +DYN' <<<"$headers" || fail "${program##*/} is not position-independent"
    fi
    said=$(env -i "$program" version) || true
    [[ $said == *"v$version"* ]] || fail "${program##*/} does not tell its version: $said"
done

if [[ ${1:-} == --twice ]]; then
    epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
    mkdir "$work/source"
    git ls-files -z --cached --others --exclude-standard | tar -c --null --files-from - | tar -x -C "$work/source"
    rebuilt=$("$work/source/krew/build.sh" "$triple" "$work/target")
    same "built twice" "$(SOURCE_DATE_EPOCH=$epoch "$work/source/krew/pack.sh" "$platform" "$rebuilt" "$work/twice")"
fi
echo "$archive"
exit "$failed"
