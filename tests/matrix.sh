#!/usr/bin/env bash
# Runs every client of docker's credential helpers for real, over ours, and rewrites the tables of docs/clients.md.
# Look at the difference before you commit it: it is what a client, or our helper, does otherwise than before.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tests/parts/packages.sh
REGCRED_TEST_CLIENTS=$(tests/parts/clients.sh)
export REGCRED_TEST_CLIENTS
# A client that is not here would leave its table as it was.
export REGCRED_TEST_REQUIRE_PARTS=1 SNAPSHOTS=overwrite KUBECONFIG=/dev/null
cargo test --locked --test scenarios -- matrix/every_situation/
git --no-pager diff --stat -- docs/clients.md
