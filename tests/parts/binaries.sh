#!/usr/bin/env bash
# Checks of the two programs, as they are released, what shows only there: their sizes, and that the helper, which docker
# starts for every registry it talks to, carries nothing of the Kubernetes half. Builds them where they are not built yet.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

built=$(krew/build.sh "$(rustc -vV | sed -n 's/^host: //p')")
failed=0

at_most() {
    local file=$built/$1 limit=$(($2 * 1024 * 1024)) size
    size=$(wc -c <"$file")
    printf 'size: %-24s %9d bytes, limit %9d\n' "$1" "$size" "$limit"
    if ((size > limit)); then
        echo "binaries: $1 is larger than $2 MiB" >&2
        failed=1
    fi
}

at_most docker-credential-gitea 3
at_most kubectl-regcred 20

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
