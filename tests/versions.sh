#!/usr/bin/env bash
# Runs what speaks to Gitea on every version of it that is built for the tests, and what speaks to a cluster on every
# version of Kubernetes. tests/run.sh runs the newest of each alone; this takes minutes of building for each other one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export KUBECONFIG=/dev/null REGCRED_TEST_REQUIRE_PARTS=1
failed=()

versions() { find "tests/parts/$1" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort -V; }

for version in $(versions gitea); do
    echo "== Gitea $version"
    REGCRED_TEST_GITEA=$(tests/parts/gitea.sh "$version")
    export REGCRED_TEST_GITEA
    # "real_gitea" is in the name of every scenario that takes a Gitea.
    cargo test --locked --test scenarios -- real_gitea || failed+=("Gitea $version")
done
unset REGCRED_TEST_GITEA

for version in $(versions control-plane); do
    echo "== Kubernetes $version"
    REGCRED_TEST_CONTROL_PLANE=$(tests/parts/control-plane.sh "$version")
    export REGCRED_TEST_CONTROL_PLANE
    # "real" is in the name of every scenario that takes a control plane, but for those with the programs of other systems.
    cargo test --locked --test scenarios -- real || failed+=("Kubernetes $version")
done

if ((${#failed[@]})); then
    printf 'failed: %s\n' "${failed[@]}" >&2
    exit 1
fi
