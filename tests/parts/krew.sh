#!/usr/bin/env bash
# Makes a folder with a real krew and its check of manifests, built from krew's Go module, and prints its path.
# Everything else goes to stderr. A second call returns at once.
set -euo pipefail
# shellcheck source=tests/parts/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/krew"

VERSION=0.5.0 # of go.mod, whose go.sum holds every source to its sum

folder=$parts/krew-$VERSION
made() { [[ -x $folder/kubectl-krew && -x $folder/validate-krew-manifest ]]; }
if made; then
    echo "$folder"
    exit 0
fi
grep -qx "require sigs.k8s.io/krew v$VERSION" go.mod || die "go.mod asks for another krew than $VERSION"

begin_build
if ! made; then
    say "building krew $VERSION (a minute or two)"
    # In folders of its own. `go install krew@version` would ask the proxy for all versions, which not every one tells.
    CGO_ENABLED=0 go_build . -ldflags='-s -w' -o "$work/out/" \
        sigs.k8s.io/krew/cmd/krew sigs.k8s.io/krew/cmd/validate-krew-manifest || die "could not build krew $VERSION"
    mv "$work/out/krew" "$work/out/kubectl-krew"
    "$work/out/kubectl-krew" version >&2
    rm -rf "$folder" && mv "$work/out" "$folder"
    say "built, in $folder"
fi
echo "$folder"
