#!/usr/bin/env bash
# `docker build` with 100 registries in the keychain, through our helper and through the two that Debian has.
#
# The classic builder hands every credential to the engine: it runs the helper once for a list and then once for each
# registry, whatever the Dockerfile says. What is measured is the whole command, turn by turn.
#
# Needs root (for dockerd) and: dbus-daemon, gnome-keyring-daemon, gdbus, docker, dockerd, containerd, python3, pass, gpg,
# docker-credential-secretservice, docker-credential-pass.
# Usage: tests/bench/docker-build.sh [HELPER]   default: target/release/docker-credential-gitea, built when it is not there
# Prints medians in ms, the median of the ratios of neighbouring runs and the load. There is no bar: it says how it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

ours=${1:-target/release/docker-credential-gitea}
[[ -x $ours ]] || cargo build --release --locked --bin docker-credential-gitea
ours=$(realpath "$ours")
source tests/bench/session.sh
need dbus-daemon gnome-keyring-daemon gdbus docker dockerd containerd python3 pass gpg gpgconf \
    docker-credential-secretservice docker-credential-pass
((EUID == 0)) || { echo "missing: root, which dockerd runs as" >&2; exit 2; }

mkdir -m 700 "$folder"/{bin,context}
mkdir "$folder"/{none,gitea,secretservice,pass}
ln -s "$ours" "$folder/bin/docker-credential-gitea"
export PATH=$folder/bin:$PATH DOCKER_HOST=unix://$folder/docker.sock DOCKER_BUILDKIT=0
unset DOCKER_CONFIG DOCKER_CONTEXT DOCKER_AUTH_CONFIG

start_keyring
start_pass
dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/pid" --host "$DOCKER_HOST" \
    --iptables=false --bridge=none --storage-driver=vfs >"$folder/dockerd.log" 2>&1 &
children=("$!" "${children[@]}")
until_true docker version

echo '{"auths": {"nowhere.invalid": {}}}' >"$folder/none/config.json"
for helper in gitea secretservice pass; do
    echo "{\"credsStore\": \"$helper\"}" >"$folder/$helper/config.json"
    for ((number = 0; number < 100; number++)); do
        printf '{"ServerURL": "registry-%d.example.com", "Username": "admin", "Secret": "%040d"}' "$number" "$number" |
            "docker-credential-$helper" store
    done
done
printf 'FROM scratch\nCOPY file /\n' >"$folder/context/Dockerfile"
echo content >"$folder/context/file"

FOLDER=$folder ROUNDS=${ROUNDS:-5} python3 - <<'PYTHON'
import json, os, statistics, subprocess, sys, time

folder, rounds = os.environ["FOLDER"], int(os.environ["ROUNDS"])
helpers = ["gitea", "secretservice", "pass", "none"]

def build(helper):
    """Wall time in ms of one build."""
    command = ["docker", "--config", f"{folder}/{helper}", "build", "--quiet", f"{folder}/context"]
    begin = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    taken = time.perf_counter() - begin
    if done.returncode:
        sys.exit(f"{command}: {done.stderr.decode()}")
    return taken * 1000

for helper in helpers[:3]:
    listed = subprocess.run([f"docker-credential-{helper}", "list"], capture_output=True, check=True).stdout
    if len(json.loads(listed)) != 100:
        sys.exit(f"{helper} lists {len(json.loads(listed))} registries instead of 100")
print(f"docker build, 100 registries; {rounds} rounds, load {os.getloadavg()[0]:.1f} at the start, {os.cpu_count()} CPUs")
for helper in helpers:
    build(helper)
times = {helper: [] for helper in helpers}
for turn in range(rounds):
    # Whoever is first in one round is last in another.
    for helper in helpers[turn % 4:] + helpers[:turn % 4]:
        times[helper].append(build(helper))
print(f"{'helper':<16}{'build ms':>10}{'ours / it':>11}")
for helper in helpers:
    ratio = statistics.median(mine / theirs for mine, theirs in zip(times["gitea"], times[helper]))
    print(f"{helper:<16}{statistics.median(times[helper]):>10.0f}{ratio:>11.3f}")
own = {helper: statistics.median(a - b for a, b in zip(times[helper], times["none"])) for helper in helpers[:3]}
for helper in helpers[1:3]:
    print(f"of that, the helper alone: ours {own['gitea']:.0f} ms, {helper} {own[helper]:.0f} ms, ratio {own['gitea'] / own[helper]:.3f}")
print(f"load {os.getloadavg()[0]:.1f} at the end")
PYTHON
