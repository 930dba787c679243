#!/usr/bin/env bash
# Makes a folder with the program that tells how Go reads what docker, kubectl and kubelet read (tests/parts/oracle), and
# prints its path. Everything else goes to stderr. A second call returns at once, unless the program's source has changed.
set -euo pipefail
# shellcheck source=tests/parts/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/oracle"

# The source, and go.sum, which holds every module to its sum.
sum=$(cat ./*.go go.mod go.sum | sha256sum)
folder=$parts/oracle-${sum:0:12}
made() { [[ -x $folder/oracle ]]; }
if made; then
    echo "$folder"
    exit 0
fi
command -v go >/dev/null || die "no go: the oracle is built with Go 1.26 or newer"

begin_build
if ! made; then
    say "building the oracle (a minute or two)"
    # In folders of its own, so that nothing else is left behind.
    in_group env -u GOFLAGS GOMODCACHE="$work/modules" GOCACHE="$work/cache" GOTMPDIR="$work" CGO_ENABLED=0 \
        go build -mod=readonly -trimpath -ldflags='-s -w' -o "$work/out/oracle" . >&2
    [[ $("$work/out/oracle" <<<'{"ask":"base64","text":"b2s=","padded":true}') == '{"bytes":"b2s="}' ]] ||
        die "the oracle gives no answer"
    rm -rf "$folder" && mv "$work/out" "$folder"
    say "built, in $folder"
fi
echo "$folder"
