# shellcheck shell=bash
# What the scripts that make a part share, to be sourced by them: where parts are kept, one build of a part at a time, in a
# folder that goes at the end, and a build that stops at once when its script is told to.
#
# Sets: parts (the folder of all of them); after begin_build also work (where to build).

parts=${XDG_CACHE_HOME:-${HOME:?}/.cache}/regcred/parts
part=${0##*/} part=${part%.sh} work='' group=''

say() { printf '%s: [%4d s] %s\n' "$part" "$SECONDS" "$*" >&2; }
die() {
    say "$*"
    exit 1
}

# The lock makes a second run wait for the first one's build. What lies in the part's build folders is then a killed run's.
begin_build() {
    mkdir -p "$parts"
    exec 9>"$parts/.$part.lock"
    flock -n 9 || { say "another run is at it: waiting" && flock 9; }
    remove "$parts/$part"-build.*
    work=$(mktemp -d "$parts/$part-build.XXXXXX")
    trap end_build EXIT
    trap 'exit 130' INT TERM HUP
}

end_build() {
    [[ -z $group ]] || kill -- "-$group" 2>/dev/null || true
    wait
    remove "$work"
}

# Go keeps its modules read-only.
remove() {
    chmod -R u+w "$@" 2>/dev/null || true
    rm -rf "$@"
}

# in_group COMMAND...: in the background and in a group of its own, so that a run that is told to stop stops at once,
# compilers and all.
in_group() {
    set -m
    "$@" &
    group=$!
    set +m
    wait "$group" || return
    group=
}

# Every part that is a Go module has a folder for each of its versions, with go.mod, go.sum, and a file that imports the
# programs; the current folder is the one that holds them.
newest_version() { find . -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort -V | tail -1; }

# require_version VERSION MODULE
require_version() {
    [[ -d $1 ]] || die "there is no version $1: $(find . -mindepth 1 -maxdepth 1 -type d -printf '%f ' | sort -V)"
    grep -qxE "(require )?\s*$2 v$1" "$1/go.mod" || die "go.mod of $1 does not ask for $2 v$1"
}

# go_build FOLDER ARGUMENTS...: `go build` in that folder, with the module cache and the build cache of this run.
go_build() {
    local go
    go=$(command -v go || command -v /usr/local/go/bin/go) || die "no go: $part is built with Go 1.26 or newer"
    # What is fetched is checked against go.sum. Which modules it fetches is no news.
    in_group env -u GOFLAGS --chdir="$1" GOMODCACHE="$work/modules" GOCACHE="$work/cache" GOTMPDIR="$work" \
        nice "$go" build -trimpath "${@:2}" 2> >(grep -v '^go: downloading ' >&2)
}
