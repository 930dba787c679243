#!/usr/bin/env bash
# Packs the programs of one platform into the archive that krew installs, and prints its path.
# Usage: krew/pack.sh PLATFORM FOLDER DIST   PLATFORM is a row of krew/platforms, FOLDER holds its programs
#
# The same programs give the same bytes: names in order, nobody's user, the time of the commit (SOURCE_DATE_EPOCH where it
# is set). krew takes tar.gz and zip only, real files only, and its index wants the licence in every archive.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C TZ=UTC

usage='usage: krew/pack.sh PLATFORM FOLDER DIST'
platform=${1:?$usage} programs=${2:?$usage} dist=${3:?$usage}
read -r triple kind < <(awk -v platform="$platform" '$1 == platform { print $2, $3 }' krew/platforms) || {
    echo "pack: krew/platforms has no $platform" >&2
    exit 1
}
version=$(sed -nE 's/^version = "(.*)"$/\1/p' Cargo.toml)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)} || {
    echo "pack: this is no git repository, so the time of the archive is not known" >&2
    echo "hint: set SOURCE_DATE_EPOCH to the seconds since 1970 that its files should bear" >&2
    exit 1
}
mkdir -p "$dist"
dist=$(cd "$dist" && pwd)
archive=$dist/regcred-v$version-$platform.$kind

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
suffix=
[[ $triple != *-windows-* ]] || suffix=.exe
install -m 755 -t "$work" "$programs/kubectl-regcred$suffix" "$programs/docker-credential-gitea$suffix"
install -m 644 -t "$work" LICENSE README.md CHANGELOG.md CONTRIBUTING.md
for folder in completions docs man; do
    [[ -d $folder ]] || continue
    while IFS= read -r file; do
        mode=644
        [[ ! -x $file ]] || mode=755
        install -D -m "$mode" "$file" "$work/$file"
    done < <(find "$folder" -type f)
done

files() { (cd "$work" && find . -type f -printf '%P\n' | sort); }
find "$work" -exec touch --no-dereference --date "@$epoch" {} +
rm -f "$archive"
case $kind in
tar.gz)
    files | tar --create --directory "$work" --files-from - --format ustar --mtime "@$epoch" --owner 0 --group 0 \
        --numeric-owner | gzip --no-name --best >"$archive"
    ;;
zip) files | (cd "$work" && zip --quiet -X -9 "$archive" -@) ;;
esac
echo "$archive"
