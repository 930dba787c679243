#!/usr/bin/env bash
# Makes a folder with the clients that no package of Debian holds, and prints its path: crane, oras, helm, buildx
# with its buildkitd.
# Everything else goes to stderr. It needs Go and no root; each is built once, and a second call returns at once.
set -euo pipefail
# shellcheck source=tests/parts/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"

# name, module, version, package below the module, variable that holds the version where it is not in the source
clients=(
    "crane github.com/google/go-containerregistry v0.22.1 cmd/crane github.com/google/go-containerregistry/cmd/crane/cmd.Version"
    "oras oras.land/oras v1.3.1 cmd/oras -"
    "helm helm.sh/helm/v4 v4.3.1 cmd/helm helm.sh/helm/v4/internal/version.version"
    # Some modules that later ones need are not to be had from the module proxy.
    "buildx github.com/docker/buildx v0.26.1 cmd/buildx github.com/docker/buildx/version.Version"
    "buildkitd github.com/moby/buildkit v0.23.2 cmd/buildkitd github.com/moby/buildkit/version.Version"
)

folder=$parts/clients
# Which version a program is, is in the name of the file that it is a link to.
is_here() { [[ -x $folder/$1 && $(readlink "$folder/$1") == "$1-$2" ]]; }

absent=()
for client in "${clients[@]}"; do
    read -r name _ version _ <<<"$client"
    is_here "$name" "$version" || absent+=("$client")
done
if ((${#absent[@]} == 0)); then
    echo "$folder"
    exit 0
fi

mkdir -p "$folder"
begin_build

# A module that requires it, and not `go install`: that asks for the list of all versions too, which the module proxy
# does not have of every module. What is fetched is checked against Go's checksum database either way. Nothing is
# optimized: that takes a quarter off the minutes, and these programs wait for others most of their time.
build() {
    local name=$1 module=$2 version=$3 package=$4 variable=$5 flags='-s -w'
    [[ $variable == - ]] || flags+=" -X $variable=$version"
    mkdir "$work/$name"
    printf 'module clients\n\ngo 1.24\n\nrequire %s %s\n' "$module" "$version" >"$work/$name/go.mod"
    say "building $name $version (a minute or two)"
    CGO_ENABLED=0 go_build "$work/$name" -mod=mod -gcflags 'all=-N -l' -ldflags "$flags" \
        -o "$work/$name-$version" "$module/$package" || return
    mv "$work/$name-$version" "$folder/"
    ln -sfn "$name-$version" "$folder/$name"
}

failed=()
for client in "${absent[@]}"; do
    read -r name module version package variable <<<"$client"
    if is_here "$name" "$version"; then continue; fi # another run made it while this one waited
    rm -f "$folder/$name" # an older version is not what is asked for
    build "$name" "$module" "$version" "$package" "$variable" || failed+=("$name")
done
# What there is can be used all the same.
echo "$folder"
if ((${#failed[@]})); then
    die "could not build ${failed[*]}"
fi
say "they are in $folder"
