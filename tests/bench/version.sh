#!/usr/bin/env bash
# How long the plugin takes to start, beside kubectl itself, turn by turn.
#
# Needs: kubectl, python3. Usage: tests/bench/version.sh [PLUGIN]   default: target/release/kubectl-regcred
# Prints medians in ms, the median of the ratios of neighbouring runs and the load; fails when the bar is missed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

ours=${1:-target/release/kubectl-regcred}
[[ -x $ours ]] || cargo build --release --locked --bin kubectl-regcred
KUBECTL=$(command -v kubectl) || { echo "missing: kubectl" >&2; exit 2; }

KUBECTL=$KUBECTL OURS=$(realpath "$ours") ROUNDS=${ROUNDS:-60} \
    PYTHONPATH=tests/bench PYTHONDONTWRITEBYTECODE=1 python3 - <<'PYTHON'
import os, statistics, sys, time
from rounds import keep

bar = 0.15
ours = [os.environ["OURS"], "version"]
peer = [os.environ["KUBECTL"], "version", "--client"]

def run(command):
    """Wall time in ms of one run, with its output thrown away."""
    with open(os.devnull, "rb+") as null:
        files = [(os.POSIX_SPAWN_DUP2, null.fileno(), stream) for stream in (0, 1, 2)]
        begin = time.perf_counter()
        _, status = os.waitpid(os.posix_spawn(command[0], command, os.environ, file_actions=files), 0)
        taken = time.perf_counter() - begin
    if status != 0:
        sys.exit(f"{command} failed: {status}")
    return taken * 1000

rounds = int(os.environ["ROUNDS"])
print(f"{rounds} rounds, load {os.getloadavg()[0]:.1f} at the start, {os.cpu_count()} CPUs")
run(ours), run(peer)
pairs = [(run(ours), run(peer)) for _ in range(rounds)]
ratio = statistics.median(mine / theirs for mine, theirs in pairs)
mine, theirs = (statistics.median(side) for side in zip(*pairs))
print(f"version: ours {mine:.2f} ms, kubectl {theirs:.2f} ms, ratio {ratio:.3f}, bar {bar}")
keep("bar", "version, to kubectl version --client", f"{ratio:.3f}", bar)
sys.exit(ratio > bar)
PYTHON
