#!/usr/bin/env bash
# Prints how long the work takes that a tenant's Secrets can make: one line for each input and size, for the table in
# docs/security.md. No cluster. It has no bar of its own: the tests count steps, which do not depend on the machine.
#
#   tests/bench/tenants.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

cargo test --release --locked --lib -- --ignored --nocapture --test-threads=1 docker_config::tests::figures |
    grep ' ms$'
