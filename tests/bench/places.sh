#!/usr/bin/env bash
# Measures what the memory of places and the proof of a token cost, on a real etcd and kube-apiserver that it starts itself:
# sync, where, status and rotate with 2,000 Secrets, and the proof on the path where nothing changes. Prints a table. Minutes;
# needs what tests/parts/control-plane.sh makes, openssl and python3.
#
#   [ROUND_TRIP=30 [MBIT=50]] tests/bench/places.sh [PROGRAM]     default: the release build of kubectl-regcred, which is made when it is missing
#   COUNT=N ROUNDS=N                    Secrets (default 2000), and runs of each, of which the median counts (default 5)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

COUNT=${COUNT:-2000}
ROUNDS=${ROUNDS:-5}
program=${1:-target/release/kubectl-regcred}
[[ -x $program ]] || cargo build --release --locked --bin kubectl-regcred
program=$(realpath "$program")
source tests/bench/control-plane.sh
# shellcheck disable=SC2119
start_control_plane

# A registry that takes any token over Basic authentication.
python3 - "$work/registry" <<'END' &
import http.server, sys

class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        known = self.headers.get("Authorization", "").startswith("Basic ")
        self.send_response(200 if known else 401)
        if not known:
            self.send_header("WWW-Authenticate", 'Basic realm="bench"')
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
with open(sys.argv[1] + ".new", "w") as file:
    file.write(f"127.0.0.1:{server.server_port}")
import os
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
END
servers+=($!)
until [[ -s $work/registry ]]; do sleep 0.1; done
registry=$(<"$work/registry")

# regcred ARGUMENT...: what it prints is kept for an error
regcred() { "${environment[@]}" "TOKEN=${TOKEN:-one}" "$program" "$@" >"$work/out" 2>&1; }
failed() { cat "$work/out" >&2 && exit 1; }

echo "making $COUNT namespaces" >&2
for ((number = 0; number < COUNT; number++)); do
    printf -- '---\n{apiVersion: v1, kind: Namespace, metadata: {name: bench-%04d}}\n' "$number"
done | kubectl create --validate=false -f - >/dev/null
mapfile -t all < <(for ((number = 0; number < COUNT; number++)); do printf -- '-n\nbench-%04d\n' "$number"; done)

regcred keychain use vault --key-file "$work/key" || failed
regcred login "$registry" -u admin --use cluster --token-env TOKEN || failed
put_far_away
load=$(cut -d' ' -f1-3 /proc/loadavg)

# row NAME COMMAND...: the median of its seconds, and the most memory that it held
row() {
    local name=$1
    shift
    "${environment[@]}" "TOKEN=${TOKEN:-one}" python3 - "$name" "$ROUNDS" "$program" "$@" <<'END'
import os, statistics, subprocess, sys, time
name, rounds, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
took, peak = [], 0
for number in range(rounds):
    start = time.monotonic()
    with open(os.environ["HOME"] + "/out", "wb") as out:
        child = subprocess.Popen(command, stdout=out, stderr=out)
        _, status, usage = os.wait4(child.pid, 0)
    took.append(time.monotonic() - start)
    peak = max(peak, usage.ru_maxrss)
    # 3: status has something to say.
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        sys.exit(f"{command}\n" + open(os.environ["HOME"] + "/out").read()[-2000:])
print(f"{name:<58} {statistics.median(took):9.4f} s {peak // 1024:6} MiB")
END
}

ledger=$work/.local/state/regcred/ledger.json
printf '%-58s %11s %10s\n' "$COUNT Secrets" median peak
ROUNDS=1 row "sync -n of each: create" sync "${all[@]}" --registry "$registry"
echo "the ledger: $(stat -c %s "$ledger") octets"
row "sync -A: unchanged, proven minutes ago" sync -A --registry "$registry"
row "sync -A: unchanged, --no-verify" sync -A --registry "$registry" --no-verify
one=(sync -n bench-0000 --registry "$registry")
row "sync -n of one: unchanged, proven minutes ago" "${one[@]}"
row "sync -n of one: unchanged, --no-verify" "${one[@]}" --no-verify
handed=(-u admin --token-env TOKEN)
row "sync -n of one: unchanged, a token of CI, proven each time" "${one[@]}" "${handed[@]}"
row "sync -n of one: unchanged, a token of CI, --no-verify" "${one[@]}" "${handed[@]}" --no-verify
row "where" where
row "where --offline" where --offline
row "status -A --offline, with the ledger" status -A --offline --registry "$registry"
mv "$ledger" "$ledger.away"
row "status -A --offline, without" status -A --offline --registry "$registry"
mv "$ledger.away" "$ledger"
for ((round = 1; round <= ROUNDS; round++)); do
    TOKEN=new-$round ROUNDS=1 row "rotate, everywhere: every Secret written and read back" rotate "$registry" --token-env TOKEN |
        tee -a "$work/rotated"
done
if [[ -n ${ROUND_TRIP:-} ]]; then
    took=$(grep -oE '[0-9.]+ s ' "$work/rotated" | sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}')
    bar "rotate, everywhere: $COUNT Secrets $ROUND_TRIP ms away, seconds" "$took" 1.2
fi
printf 'on %s processors, load %s before\n' "$(nproc)" "$load"
