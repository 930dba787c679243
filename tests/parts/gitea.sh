#!/usr/bin/env bash
# Makes a folder with a real Gitea and the files that it serves, and prints its path. Everything else goes to stderr.
# It needs Go, a C compiler (for SQLite) and no root; a second call returns at once.
# Usage: tests/parts/gitea.sh [VERSION]
#
# VERSION is one of the folders in tests/parts/gitea; the newest if it is not given.
set -euo pipefail
# shellcheck source=tests/parts/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/gitea"

version=${1:-$(newest_version)}
require_version "$version" code.gitea.io/gitea

folder=$parts/gitea-$version
made() { [[ -x $folder/gitea && -d $folder/templates ]]; }
if made; then
    echo "$folder"
    exit 0
fi
command -v cc >/dev/null || die "no C compiler: Gitea's SQLite is built with one (Debian: gcc, libc6-dev)"

begin_build
if ! made; then
    say "building Gitea $version (2 to 4 minutes)"
    CGO_ENABLED=1 go_build "$version" -tags 'sqlite sqlite_unlock_notify' -ldflags "-s -w -X main.Version=$version" \
        -o "$work/out/" code.gitea.io/gitea || die "could not build Gitea $version"
    # A program that is built this way reads them from a folder.
    for name in templates options public; do
        cp -r "$work/modules/code.gitea.io/gitea@v$version/$name" "$work/out/"
    done
    chmod -R u+w "$work/out"
    "$work/out/gitea" --version >&2
    rm -rf "$folder" && mv "$work/out" "$folder"
    say "built, in $folder"
fi
echo "$folder"
