#!/usr/bin/env bash
# Builds this tree's programs without the feature `kernel-keyring`, and prints the folder that holds them.
#
# In the folder that `cargo test` builds in, so that only regcred is compiled again. An integration test is among what is
# built because tests ask for more features of some dependencies, which would be compiled again, too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

built=${CARGO_TARGET_DIR:-target}
folder=$PWD/target/without-kernel-keyring
nice cargo build --quiet --locked --no-default-features --bins --test architecture >&2
mkdir -p "$folder"
# Under the same names, the next build replaces them.
cp "$built/debug/kubectl-regcred" "$built/debug/docker-credential-gitea" "$folder/"
# So that whoever runs a test's program by hand does not meet them there.
nice cargo build --quiet --locked --bins --test architecture >&2
echo "$folder"
