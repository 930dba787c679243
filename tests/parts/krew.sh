#!/usr/bin/env bash
# Makes a folder with a real krew and its check of manifests, built from krew's Go module, and prints its path.
# Everything else goes to stderr. A second call returns at once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/krew"

VERSION=0.5.0 # of go.mod, whose go.sum holds every source to its sum

say() { printf 'krew: [%4d s] %s\n' "$SECONDS" "$*" >&2; }

parts=${XDG_CACHE_HOME:-${HOME:?}/.cache}/regcred/parts
folder=$parts/krew-$VERSION
made() { [[ -x $folder/kubectl-krew && -x $folder/validate-krew-manifest ]]; }
if made; then
    echo "$folder"
    exit 0
fi
grep -qx "require sigs.k8s.io/krew v$VERSION" go.mod || {
    say "go.mod asks for another krew than $VERSION"
    exit 1
}
command -v go >/dev/null || {
    say "no go: krew is built with Go 1.25 or newer"
    exit 1
}

# The lock makes a second run wait for the first one's build. What lies in krew-build.* is then a killed run's.
mkdir -p "$parts"
exec 9>"$parts/.krew.lock"
flock -n 9 || { say "another run is at it: waiting" && flock 9; }
if ! made; then
    rm -rf "$parts"/krew-build.*
    work=$(mktemp -d "$parts/krew-build.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    say "building krew $VERSION (a minute or two)"
    # In folders of its own. `go install krew@version` would ask the proxy for all versions, which not every one tells.
    env GOFLAGS=-modcacherw GOMODCACHE="$work/modules" GOCACHE="$work/cache" GOTMPDIR="$work" CGO_ENABLED=0 \
        go build -mod=readonly -trimpath -ldflags='-s -w' -o "$work/out/" \
        sigs.k8s.io/krew/cmd/krew sigs.k8s.io/krew/cmd/validate-krew-manifest >&2
    mv "$work/out/krew" "$work/out/kubectl-krew"
    "$work/out/kubectl-krew" version >&2
    rm -rf "$folder" && mv "$work/out" "$folder"
    say "built, in $folder"
fi
echo "$folder"
