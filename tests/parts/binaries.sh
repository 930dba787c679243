#!/usr/bin/env bash
# Checks of the two programs, as they are released, what shows only there: their sizes, what memory they take, and that the
# helper, which docker starts for every registry it talks to, carries nothing of the Kubernetes half. Builds them where they
# are not built yet.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

triple=$(rustc -vV | sed -n 's/^host: //p')
built=$(krew/build.sh "${triple/%-linux-gnu/-linux-musl}")
failed=0

at_most() {
    local file=$built/$1 limit=$(($2 * 1000 * 1000)) size
    size=$(wc -c <"$file")
    printf 'size: %-24s %9d bytes, limit %9d\n' "$1" "$size" "$limit"
    if ((size > limit)); then
        echo "binaries: $1 is larger than $2 MB" >&2
        failed=1
    fi
}

at_most docker-credential-gitea 3
at_most kubectl-regcred 20

# At its peak, on a vault that opens with a key file: that needs no other program.
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
registry=gitea.example.com
alone() { env -i HOME="$home" PATH=/usr/bin:/bin "$@"; }
alone "$built/kubectl-regcred" keychain use vault --key-file "$home/vault.key" 2>/dev/null
alone "$built/docker-credential-gitea" store <<<"{\"ServerURL\":\"$registry\",\"Username\":\"admin\",\"Secret\":\"s3cret\"}"
ln -s "$built/kubectl-regcred" "$home/docker-credential-gitea"

takes_at_most() { # takes_at_most MIB WHAT PROGRAM ARGUMENT...
    local limit=$(($1 * 1024)) what=$2 peak
    shift 2
    alone /usr/bin/time --format %M --output "$home/peak" "$@" <<<"$registry" >/dev/null
    peak=$(<"$home/peak")
    printf 'memory: %-22s %9d KiB, limit %9d\n' "$what" "$peak" "$limit"
    if ((peak > limit)); then
        echo "binaries: $what takes more than $((limit / 1024)) MiB" >&2
        failed=1
    fi
}

takes_at_most 4 "helper get" "$built/docker-credential-gitea" get
takes_at_most 4 "get through krew's link" "$home/docker-credential-gitea" get
takes_at_most 8 "plugin list" "$built/kubectl-regcred" list

for word in kubeconfig KUBECONFIG rustls k8s_openapi; do
    if grep -aoqF "$word" "$built/docker-credential-gitea"; then
        echo "binaries: docker-credential-gitea holds \"$word\":" >&2
        grep -aobE ".{0,30}$word.{0,30}" "$built/docker-credential-gitea" | tr -c '[:print:]\n' . | head -3 >&2 || true
        failed=1
    fi
done
# The words must be ones that this search finds where they belong, or their absence above says nothing.
grep -aqF KUBECONFIG "$built/kubectl-regcred" || {
    echo "binaries: kubectl-regcred does not hold \"KUBECONFIG\": the search is broken" >&2
    failed=1
}
exit "$failed"
