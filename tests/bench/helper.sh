#!/usr/bin/env bash
# Our credential helper beside Debian's docker-credential-secretservice, on one keyring, turn by turn.
#
# Needs: dbus-daemon, gnome-keyring-daemon, gdbus, docker-credential-secretservice, GNU time, python3; cc for the floor.
# Usage: tests/bench/helper.sh [HELPER]   default: target/release/docker-credential-gitea, built when it is not there
#   ROUNDS=N       runs of each (default 60)
#   OTHER=FILE     another build of the helper beside it, such as the static one of a release
#   PLUGIN=FILE    the kubectl plugin's binary too, called by the helper's name as its link is
# Prints medians in ms, the median of the ratios of runs of one round, peak memory and the load, and fails when a bar
# of the project is missed. The floor is tests/bench/floor.c: the same calls by a program that can do nothing else.
set -euo pipefail
cd "$(dirname "$0")/../.."

ours=${1:-target/release/docker-credential-gitea}
if [ ! -x "$ours" ]; then
    cargo build --release --offline --bin docker-credential-gitea
fi
ours=$(realpath "$ours")
source tests/bench/session.sh
need dbus-daemon gnome-keyring-daemon gdbus docker-credential-secretservice python3 /usr/bin/time
start_keyring

link=''
if [ -n "${PLUGIN:-}" ]; then
    mkdir "$folder/bin"
    link=$folder/bin/docker-credential-gitea
    ln -s "$(realpath "$PLUGIN")" "$link"
fi
floor=''
if command -v cc >/dev/null; then
    floor=$folder/floor
    cc -O2 -Wall -o "$floor" tests/bench/floor.c
fi

OURS=$ours OTHER=${OTHER:+$(realpath "$OTHER")} LINK=$link FLOOR=$floor PEER=$(command -v docker-credential-secretservice) FOLDER=$folder \
    ROUNDS=${ROUNDS:-60} PYTHONPATH=tests/bench PYTHONDONTWRITEBYTECODE=1 python3 - <<'PYTHON'
import json, os, sys
import rounds

folder = os.environ["FOLDER"]
programs = {"secretservice": os.environ["PEER"], "helper": os.environ["OURS"]}
if os.environ["OTHER"]:
    programs["other"] = os.environ["OTHER"]
if os.environ["LINK"]:
    programs["plugin"] = os.environ["LINK"]
bus, floor = f"{folder}/run/bus", os.environ["FLOOR"]

def forget():
    """What our helper keeps of a long list: without it, a list is the first one of a session."""
    if os.path.exists(f"{folder}/run/kubectl-regcred.items"):
        os.remove(f"{folder}/run/kubectl-regcred.items")

# (action, entries): what of the peer's time it may take. The plugin and the floor have no bar of their own.
bars = {("get", 1): 0.25, ("get", 10): 0.25, ("get", 100): 0.25, ("list", 100): 0.05}
table = rounds.Table(["secretservice"], "helper", {"secretservice": 0.6})
stored = 0
for entries in (1, 10, 100):
    while stored < entries:
        entry = {"ServerURL": f"registry-{stored}.example.com", "Username": "admin", "Secret": "0" * 40}
        for program in ("secretservice", "helper"):
            rounds.run([programs[program], "store"], json.dumps(entry).encode())
        stored += 1
    cases = [("get", "get", b"registry-0.example.com"), ("list", "list", b"unused")]
    if entries == 100:
        cases.append(("list 1st", "list", b"unused"))
    for name, action, stdin in cases:
        commands = {program: [path, action] for program, path in programs.items()}
        if floor and name == "get":
            commands["floor: process"] = [floor, "process"]
            commands["floor: login"] = [floor, "connect", bus]
            commands["floor: get"] = [floor, "get", bus, "registry-0.example.com"]
        elif floor and name == "list 1st":
            commands["floor: list"] = [floor, "list", bus, "Attributes"]
        before = forget if name == "list 1st" else lambda: None
        table.case(name, entries, commands, stdin, {"secretservice": bars.get((name, entries))}, before)
sys.exit(table.end())
PYTHON

size=$(stat -c %s "$ours")
foreign=$(grep -acE 'kubeconfig|rustls|k8s_openapi' "$ours" || true)
echo "binary: $size bytes (bar 3 MB), lines with kube or TLS strings: $foreign (bar 0)"
[ "$size" -le 3000000 ] && [ "$foreign" -eq 0 ]
