#!/usr/bin/env bash
# Makes all files of a release from what was built: archives, checksums, and the manifests for krew, Homebrew and Scoop.
# Usage: krew/collect.sh ADDRESS BUILT DIST   ADDRESS is the repository's page; BUILT holds a folder for each target
#
# Nothing but these files may lie in DIST afterwards, and none may be missing: all five platforms, or no release.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage='usage: krew/collect.sh ADDRESS BUILT DIST'
address=${1:?$usage} built=${2:?$usage} dist=${3:?$usage}
if [[ -n $(ls -A "$dist" 2>/dev/null) ]]; then
    echo "collect: there are files in $dist already" >&2
    exit 1
fi
while read -r platform triple _; do
    krew/pack.sh "$platform" "$built/$triple" "$dist"
done <krew/platforms
krew/render.sh "$address" "$dist" >"$dist/regcred.yaml"
krew/brew.sh "$address" "$dist" >"$dist/regcred.rb"
krew/scoop.sh "$address" "$dist" >"$dist/regcred.json"
sums=$(cd "$dist" && sha256sum -- *)
echo "$sums" >"$dist/checksums.txt"
