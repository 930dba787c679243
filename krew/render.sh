#!/usr/bin/env bash
# Prints the manifest of a release for krew: krew/regcred.yaml with the version, addresses and sums of these archives.
# Usage: krew/render.sh ADDRESS DIST   ADDRESS is the repository's page; DIST holds what krew/pack.sh packed
#
# Platforms without an archive are left out. Gitea and GitHub serve the files of a release below the same path.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage='usage: krew/render.sh ADDRESS DIST'
address=${1:?$usage} dist=${2:?$usage}
version=v$(sed -nE 's/^version = "(.*)"$/\1/p' Cargo.toml)

shopt -s nullglob
archives=("$dist/regcred-$version"-*.tar.gz "$dist/regcred-$version"-*.zip)
if ((${#archives[@]} == 0)); then
    echo "render: $dist holds no archive of $version" >&2
    echo "hint: krew/pack.sh PLATFORM FOLDER $dist" >&2
    exit 1
fi
(cd "$dist" && sha256sum "${archives[@]##*/}") | awk '
    function flush() { if (platform == "" || archive != "") printf "%s", block; block = ""; platform = archive = "" }
    FNR == NR { sums[$2] = $1; next }
    /^#/ { next }
    /^  version: / { $0 = "  version: " version }
    /^  homepage: / { $0 = "  homepage: " address }
    /^    - selector:/ { flush(); platform = "?" }
    /^          os: / { os = $2 }
    /^          arch: / {
        platform = os "-" $2
        for (name in sums) if (index(name, "regcred-" version "-" platform ".") == 1) archive = name
    }
    /^      uri: / { $0 = "      uri: " address "/releases/download/" version "/" archive }
    /^      sha256: / { $0 = "      sha256: " sums[archive] }
    { block = block $0 "\n" }
    END { flush() }
' version="$version" address="${address%/}" - krew/regcred.yaml
