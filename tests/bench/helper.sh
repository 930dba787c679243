#!/usr/bin/env bash
# Our credential helper beside Debian's docker-credential-secretservice, on one keyring, turn by turn.
#
# Needs: dbus-daemon, gnome-keyring-daemon, gdbus, docker-credential-secretservice, GNU time, python3.
# Usage: tests/bench/helper.sh [HELPER]   default: target/release/docker-credential-gitea, built when it is not there
# Prints medians in ms, the median of the ratios of neighbouring runs, peak memory and the load, and fails when a bar
# of the project is missed. ROUNDS=N changes the number of runs of each (default 60).
set -euo pipefail
cd "$(dirname "$0")/../.."

ours=${1:-target/release/docker-credential-gitea}
if [ ! -x "$ours" ]; then
    cargo build --release --offline --bin docker-credential-gitea
fi
ours=$(realpath "$ours")
for part in dbus-daemon gnome-keyring-daemon gdbus docker-credential-secretservice python3; do
    command -v "$part" >/dev/null || { echo "missing: $part" >&2; exit 2; }
done
[ -x /usr/bin/time ] || { echo "missing: GNU time" >&2; exit 2; }

folder=$(mktemp -d)
children=()
stop() {
    for child in "${children[@]}"; do
        kill "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap stop EXIT
mkdir -m 700 "$folder/home" "$folder/run"
cat >"$folder/bus.conf" <<XML
<busconfig><type>session</type><listen>unix:path=$folder/run/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>
XML
export HOME=$folder/home XDG_RUNTIME_DIR=$folder/run DBUS_SESSION_BUS_ADDRESS=unix:path=$folder/run/bus
unset DISPLAY WAYLAND_DISPLAY

dbus-daemon --config-file="$folder/bus.conf" --nofork --nopidfile 2>/dev/null &
children+=($!)
until_true() {
    local tries=600
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || { echo "timed out waiting for: $*" >&2; exit 2; }
        sleep 0.05
    done
}
until_true test -S "$folder/run/bus"
gnome-keyring-daemon --unlock --components=secrets --foreground >/dev/null 2>&1 < <(printf pw) &
children=("$!" "${children[@]}")
until_true gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets/collection/login \
    --method org.freedesktop.DBus.Properties.Get org.freedesktop.Secret.Collection Locked

OURS=$ours PEER=$(command -v docker-credential-secretservice) FOLDER=$folder ROUNDS=${ROUNDS:-60} python3 - <<'PYTHON'
import json, os, statistics, subprocess, sys, time

ours, peer, folder, rounds = os.environ["OURS"], os.environ["PEER"], os.environ["FOLDER"], int(os.environ["ROUNDS"])

def run(program, action, stdin):
    """Wall time in ms of one run, from a file to /dev/null."""
    with open(f"{folder}/stdin", "wb+") as file, open(os.devnull, "wb") as null:
        file.write(stdin)
        file.seek(0)
        files = [(os.POSIX_SPAWN_DUP2, file.fileno(), 0), (os.POSIX_SPAWN_DUP2, null.fileno(), 1)]
        begin = time.perf_counter()
        child = os.posix_spawn(program, [program, action], os.environ, file_actions=files)
        _, status = os.waitpid(child, 0)
        taken = time.perf_counter() - begin
    if status != 0:
        sys.exit(f"{program} {action} failed: {status}")
    return taken * 1000

def forget():
    """What our helper keeps of a long list: without it, a list is the first one of a session."""
    if os.path.exists(f"{folder}/run/kubectl-regcred.items"):
        os.remove(f"{folder}/run/kubectl-regcred.items")

def peak(program, action, stdin):
    """Peak memory in KiB, through a parent that is smaller than the program: the kernel counts what was before exec."""
    done = subprocess.run(["/usr/bin/time", "-f", "%M", program, action], input=stdin, capture_output=True, check=True)
    return int(done.stderr.split()[-1])

bars = {("get", 1): 0.35, ("get", 10): 0.35, ("get", 100): 0.35, ("list", 100): 0.10}
memory_bar = 0.6
missed, stored = [], 0
print(f"{rounds} rounds, load {os.getloadavg()[0]:.1f} at the start, {os.cpu_count()} CPUs")
print(f"{'action':<8}{'entries':>8}{'ours ms':>10}{'peer ms':>10}{'ratio':>8}{'bar':>7}{'ours KiB':>10}{'peer KiB':>10}{'ratio':>8}{'bar':>7}")
for entries in (1, 10, 100):
    while stored < entries:
        entry = {"ServerURL": f"registry-{stored}.example.com", "Username": "admin", "Secret": "0" * 40}
        for program in (ours, peer):
            run(program, "store", json.dumps(entry).encode())
        stored += 1
    cases = [("get", b"registry-0.example.com", None), ("list", b"unused", None)]
    if entries == 100:
        cases.append(("list", b"unused", forget))
    for action, stdin, before in cases:
        run(ours, action, stdin), run(peer, action, stdin)
        pairs = []
        for turn in range(rounds):
            if before:
                before()
            if turn % 2:
                theirs = run(peer, action, stdin)
                pairs.append((run(ours, action, stdin), theirs))
            else:
                mine = run(ours, action, stdin)
                pairs.append((mine, run(peer, action, stdin)))
        memory = [statistics.median(peak(p, action, stdin) for _ in range(5)) for p in (ours, peer)]
        ratio = statistics.median(mine / theirs for mine, theirs in pairs)
        memory_ratio = memory[0] / memory[1]
        bar = None if before else bars.get((action, entries))
        if bar and ratio > bar:
            missed.append(f"{action} with {entries} entries: {ratio:.3f} > {bar}")
        if memory_ratio > memory_bar:
            missed.append(f"memory of {action} with {entries} entries: {memory_ratio:.2f} > {memory_bar}")
        medians = [statistics.median(side) for side in zip(*pairs)]
        print(f"{action + (' 1st' if before else ''):<8}{entries:>8}{medians[0]:>10.2f}{medians[1]:>10.2f}{ratio:>8.3f}{bar or '':>7}"
              f"{memory[0]:>10.0f}{memory[1]:>10.0f}{memory_ratio:>8.2f}{memory_bar:>7}")
print(f"load {os.getloadavg()[0]:.1f} at the end")
for line in missed:
    print(f"missed: {line}", file=sys.stderr)
sys.exit(bool(missed))
PYTHON

size=$(stat -c %s "$ours")
foreign=$(grep -acE 'kubeconfig|rustls|k8s_openapi' "$ours" || true)
echo "binary: $size bytes (bar 3 MB), lines with kube or TLS strings: $foreign (bar 0)"
[ "$size" -le 3000000 ] && [ "$foreign" -eq 0 ]
