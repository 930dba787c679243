#!/usr/bin/env bash
# Plays somebody who installs regcred through krew and uses it with README alone, and shows the terminal: a real kubectl,
# krew, docker, gnome-keyring and API server, a home folder of its own. tests/scenarios/newcomer.rs is who types.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

REGCRED_TEST_CONTROL_PLANE=$(tests/parts/control-plane.sh)
REGCRED_TEST_KREW=$(tests/parts/krew.sh)
REGCRED_TEST_TRANSCRIPT=$(mktemp)
export REGCRED_TEST_CONTROL_PLANE REGCRED_TEST_KREW REGCRED_TEST_TRANSCRIPT REGCRED_TEST_REQUIRE_PARTS=1 KUBECONFIG=/dev/null
trap 'rm -f "$REGCRED_TEST_TRANSCRIPT"' EXIT

cargo test --locked --test scenarios -- newcomer/ >&2
tr -d '\r' <"$REGCRED_TEST_TRANSCRIPT"
