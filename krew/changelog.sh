#!/usr/bin/env bash
# Prints what CHANGELOG.md says of one version, the text of its release.
# Usage: krew/changelog.sh VERSION
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=${1:?usage: krew/changelog.sh VERSION}
text=$(awk -v heading="## ${version#v}" '
    /^## / { inside = $0 == heading || index($0, heading " ") == 1; next }
    inside
' CHANGELOG.md | sed -e '/./,$!d')
if [[ -z $text ]]; then
    echo "changelog: CHANGELOG.md has no section \"## ${version#v}\"" >&2
    echo "hint: give \"## Unreleased\" that heading, with the day of the release" >&2
    exit 1
fi
echo "$text"
