#!/usr/bin/env bash
# Makes a release at Gitea or Forgejo of every file of a folder; a draft until all of them are there.
# Usage: krew/publish.sh TAG NOTES DIST   NOTES is the file with its text
#
# GITHUB_API_URL and GITHUB_REPOSITORY say where, as in a job of Gitea Actions. RELEASE_TOKEN may write to the repository;
# curl reads it from a file descriptor, never from an argument.
set -euo pipefail

usage='usage: krew/publish.sh TAG NOTES DIST'
tag=${1:?$usage} notes=${2:?$usage} dist=${3:?$usage}
releases=${GITHUB_API_URL:?is not set}/repos/${GITHUB_REPOSITORY:?is not set}/releases
: "${RELEASE_TOKEN:?is not set}"

ask() {
    curl --silent --show-error --fail-with-body --header 'Accept: application/json' \
        --config <(printf 'header = "Authorization: token %s"\n' "$RELEASE_TOKEN") "$@"
}
json() { ask --header 'Content-Type: application/json' --data-binary @- "$@"; }

id=$(jq -n --arg tag "$tag" --rawfile notes "$notes" '{tag_name: $tag, name: $tag, body: $notes, draft: true}' |
    json "$releases" | jq -e .id) || {
    echo "publish: $releases makes no release $tag" >&2
    echo "hint: if there is one already, delete it there first; the tag can stay" >&2
    exit 1
}
for file in "$dist"/*; do
    ask --form "attachment=@$file" "$releases/$id/assets?name=${file##*/}" >/dev/null
    echo "${file##*/}"
done
echo '{"draft": false}' | json --request PATCH "$releases/$id" >/dev/null
