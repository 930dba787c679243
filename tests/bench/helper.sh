#!/usr/bin/env bash
# Our credential helper beside Debian's docker-credential-secretservice, on one keyring, turn by turn.
#
# Needs: dbus-daemon, gnome-keyring-daemon, gdbus, docker-credential-secretservice, GNU time, python3; cc for the floor.
# Usage: tests/bench/helper.sh [HELPER]   default: target/release/docker-credential-gitea, built when it is not there
#   ROUNDS=N       runs of each (default 60)
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

OURS=$ours LINK=$link FLOOR=$floor PEER=$(command -v docker-credential-secretservice) FOLDER=$folder \
    ROUNDS=${ROUNDS:-60} python3 - <<'PYTHON'
import json, os, statistics, subprocess, sys, time

folder, rounds = os.environ["FOLDER"], int(os.environ["ROUNDS"])
programs = {"peer": os.environ["PEER"], "helper": os.environ["OURS"]}
if os.environ["LINK"]:
    programs["plugin"] = os.environ["LINK"]
bus, floor = f"{folder}/run/bus", os.environ["FLOOR"]

def run(command, stdin):
    """Wall time in ms of one run, from a file to /dev/null."""
    with open(f"{folder}/stdin", "wb+") as file, open(os.devnull, "wb") as null:
        file.write(stdin)
        file.seek(0)
        files = [(os.POSIX_SPAWN_DUP2, file.fileno(), 0), (os.POSIX_SPAWN_DUP2, null.fileno(), 1)]
        begin = time.perf_counter()
        child = os.posix_spawn(command[0], command, os.environ, file_actions=files)
        _, status = os.waitpid(child, 0)
        taken = time.perf_counter() - begin
    if status != 0:
        sys.exit(f"{' '.join(command)} failed: {status}")
    return taken * 1000

def forget():
    """What our helper keeps of a long list: without it, a list is the first one of a session."""
    if os.path.exists(f"{folder}/run/kubectl-regcred.items"):
        os.remove(f"{folder}/run/kubectl-regcred.items")

def peak(command, stdin):
    """Peak memory in KiB, through a parent that is smaller than the program: the kernel counts what was before exec."""
    done = subprocess.run(["/usr/bin/time", "-f", "%M", *command], input=stdin, capture_output=True, check=True)
    return int(done.stderr.split()[-1])

# (action, entries): what of the peer's time it may take. The plugin and the floor have no bar of their own.
bars = {("get", 1): 0.35, ("get", 10): 0.35, ("get", 100): 0.35, ("list", 100): 0.10}
memory_bar = 0.6
missed, stored = [], 0
print(f"{rounds} rounds, load {os.getloadavg()[0]:.1f} at the start, {os.cpu_count()} CPUs")
print(f"{'action':<10}{'entries':>8}  {'program':<16}{'ms':>8}{'min ms':>8}{'ratio':>8}{'bar':>6}{'KiB':>8}{'ratio':>8}{'bar':>6}")
for entries in (1, 10, 100):
    while stored < entries:
        entry = {"ServerURL": f"registry-{stored}.example.com", "Username": "admin", "Secret": "0" * 40}
        for program in ("peer", "helper"):
            run([programs[program], "store"], json.dumps(entry).encode())
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
        taken = {program: [] for program in commands}
        for turn in range(-1, rounds):
            order = list(commands)
            # Each is first, second, last ... as often as the others.
            shift = turn % len(order)
            for program in order[shift:] + order[:shift]:
                if name == "list 1st":
                    forget()
                time_taken = run(commands[program], stdin)
                if turn >= 0:
                    taken[program].append(time_taken)
        memory = {program: statistics.median(peak(command, stdin) for _ in range(5)) for program, command in commands.items()}
        for program in commands:
            ratio = statistics.median(mine / theirs for mine, theirs in zip(taken[program], taken["peer"]))
            memory_ratio = memory[program] / memory["peer"]
            bar = bars.get((name, entries)) if program == "helper" else None
            if bar and ratio > bar:
                missed.append(f"{name} with {entries} entries: {ratio:.3f} > {bar}")
            if program == "helper" and memory_ratio > memory_bar:
                missed.append(f"memory of {name} with {entries} entries: {memory_ratio:.2f} > {memory_bar}")
            print(f"{name:<10}{entries:>8}  {program:<16}{statistics.median(taken[program]):>8.2f}{min(taken[program]):>8.2f}"
                  f"{ratio:>8.3f}{bar or '':>6}{memory[program]:>8.0f}{memory_ratio:>8.2f}"
                  f"{memory_bar if program == 'helper' else '':>6}")
print(f"load {os.getloadavg()[0]:.1f} at the end")
for line in missed:
    print(f"missed: {line}", file=sys.stderr)
sys.exit(bool(missed))
PYTHON

size=$(stat -c %s "$ours")
foreign=$(grep -acE 'kubeconfig|rustls|k8s_openapi' "$ours" || true)
echo "binary: $size bytes (bar 3 MB), lines with kube or TLS strings: $foreign (bar 0)"
[ "$size" -le 3000000 ] && [ "$foreign" -eq 0 ]
