#!/usr/bin/env bash
# Our credential helper on an unlocked vault, beside Debian's two: docker-credential-secretservice on gnome-keyring, and
# docker-credential-pass on pass with a key of gpg's that has no passphrase. Each in its own store, turn by turn.
#
# Needs: keyrings in the kernel, dbus-daemon, gnome-keyring-daemon, gdbus, pass, gpg, gpgconf, docker-credential-pass,
# docker-credential-secretservice, GNU time, python3; cc for the floor, which is a process that does nothing.
# Usage: tests/bench/vault.sh [HELPER [PLUGIN]]   default: those of target/release, built when they are not there
#   ROUNDS=N       runs of each (default 40)
# Prints what helper.sh prints, with ratios to both, and fails when a bar of the project is missed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

ours=${1:-target/release/docker-credential-gitea} plugin=${2:-target/release/kubectl-regcred}
[[ -x $ours && -x $plugin ]] || cargo build --release --locked --bins
ours=$(realpath "$ours") plugin=$(realpath "$plugin")
source tests/bench/session.sh
need dbus-daemon gnome-keyring-daemon gdbus python3 pass gpg gpgconf docker-credential-secretservice \
    docker-credential-pass /usr/bin/time

# A server: no bus, no runtime folder.
vault=(env -i "HOME=$folder/vault" "PATH=$PATH")
mkdir -m 700 "$folder/vault"
# The key is in the kernel, not in the folder.
leave() { "${vault[@]}" "$plugin" keychain lock >/dev/null 2>&1 || true; }
printf 'a passphrase\n' | "${vault[@]}" "$plugin" keychain use vault --passphrase-stdin >&2
start_keyring
start_pass

# The plugin, as krew's link to it.
mkdir "$folder/bin"
ln -s "$plugin" "$folder/bin/docker-credential-gitea"
floor=''
if command -v cc >/dev/null; then
    floor=$folder/floor
    cc -O2 -Wall -o "$floor" tests/bench/floor.c
fi

OURS=$ours LINK=$folder/bin/docker-credential-gitea FLOOR=$floor VAULT=$folder/vault ROUNDS=${ROUNDS:-40} \
    PYTHONPATH=tests/bench PYTHONDONTWRITEBYTECODE=1 python3 - <<'PYTHON'
import json, os, shutil, subprocess, sys
import rounds

peers = ["secretservice", "pass"]
programs = {peer: shutil.which(f"docker-credential-{peer}") for peer in peers}
programs |= {"vault": os.environ["OURS"], "vault, plugin": os.environ["LINK"]}
stores = [*peers, "vault"]
server = {"HOME": os.environ["VAULT"], "PATH": os.environ["PATH"]}
environments = {"vault": server, "vault, plugin": server}

# (action, entries): what of each peer's time it may take.
get = {"secretservice": 0.25, "pass": 0.1}
bars = {("get", 1): get, ("get", 10): get, ("get", 100): get, ("list", 100): {"secretservice": 0.05}}
table = rounds.Table(peers, "vault", {"secretservice": 0.6}, environments)

def entry(number):
    return {"ServerURL": f"registry-{number}.example.com", "Username": "admin", "Secret": f"{number:040}"}

stored = 0
for entries in (1, 10, 100):
    while stored < entries:
        for program in stores:
            stdin = json.dumps(entry(stored)).encode()
            rounds.run([programs[program], "store"], stdin, environments.get(program, os.environ))
        stored += 1
    # Each is fast because it answers, and for no other reason.
    asked = entry(stored - 1)
    for program in programs:
        done = subprocess.run([programs[program], "get"], input=asked["ServerURL"].encode(), capture_output=True,
                              check=True, env=environments.get(program, os.environ))
        if json.loads(done.stdout) != asked:
            sys.exit(f"{program} does not give what was stored")
    for action, stdin in (("get", asked["ServerURL"].encode()), ("list", b"unused"), ("store", json.dumps(asked).encode())):
        commands = {program: [path, action] for program, path in programs.items()}
        if os.environ["FLOOR"] and action == "get":
            commands["floor: process"] = [os.environ["FLOOR"], "process"]
        table.case(action, entries, commands, stdin, bars.get((action, entries), {}))
sys.exit(table.end())
PYTHON
