#!/usr/bin/env bash
# Puts a manifest into a repository that krew reads plugins from: `kubectl krew index add regcred REPOSITORY`.
# Usage: krew/index.sh REPOSITORY MANIFEST
#
# krew takes any git repository with a folder plugins/. It has to be one of its own: krew clones all of it, its main branch.
# To push over https, REGCRED_INDEX_TOKEN holds a token that may write to it; git gets it from the environment only.
set -euo pipefail

usage='usage: krew/index.sh REPOSITORY MANIFEST'
repository=${1:?$usage} manifest=${2:?$usage}
name=$(sed -nE 's/^  name: ([a-z-]+)$/\1/p' "$manifest")
version=$(sed -nE 's/^  version: (v.+)$/\1/p' "$manifest")
if [[ -z $name || -z $version ]] || grep -qE '^ *sha256: "?0{64}' "$manifest"; then
    echo "index: $manifest is no manifest of a release" >&2
    echo "hint: krew/render.sh ADDRESS DIST prints one" >&2
    exit 1
fi

top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
work=$top/index
options=(-c credential.helper= -c user.name=regcred -c user.email=regcred@localhost)
if [[ -n ${REGCRED_INDEX_TOKEN:-} ]]; then
    # shellcheck disable=SC2016 # the shell that git starts reads the variable: an argument would be everybody's to read
    options+=(-c 'credential.helper=!f() {
        [ "$1" != get ] || printf "username=regcred\npassword=%s\n" "$REGCRED_INDEX_TOKEN"
    }; f')
fi
in_index() { git -C "$work" "${options[@]}" "$@"; }

git "${options[@]}" clone --quiet "$repository" "$work"
mkdir -p "$work/plugins"
cp "$manifest" "$work/plugins/$name.yaml"
in_index add plugins
if in_index diff --cached --quiet; then
    echo "$name $version is there already"
    exit 0
fi
in_index commit --quiet -m "$name $version"
in_index push --quiet origin HEAD
echo "$name $version published"
