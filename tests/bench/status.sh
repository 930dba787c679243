#!/usr/bin/env bash
# Measures `status -A` on a real etcd and kube-apiserver that it starts itself: over 500 namespaces and then over 2,000,
# each with a pull Secret, a Deployment and five pods, one in forty of them stuck on a pull. Prints a table, and ends with 1
# where a bar of the project is missed: 48 MiB at the peak, and time linear in namespaces, of our own CPU and beside
# kubectl's. Minutes; needs what tests/parts/control-plane.sh makes, openssl and python3.
#
#   [ROUND_TRIP=30 [MBIT=50]] tests/bench/status.sh [PROGRAM]     default: the release build of kubectl-regcred, which is made when it is missing
#   ROUNDS=N                            runs of each, of which the median counts (default 5)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

ROUNDS=${ROUNDS:-5}
program=${1:-target/release/kubectl-regcred}
[[ -x $program ]] || cargo build --release --locked --bin kubectl-regcred
program=$(realpath "$program")
# Nothing is measured while the objects are made, and they need not outlive the run.
source tests/bench/control-plane.sh
start_control_plane --unsafe-no-fsync

# fill FROM TO: makes the objects of these namespaces over many connections, as large as real ones.
fill() {
    PORT=$port python3 - "$1" "$2" <<'END'
import base64, http.client, json, os, ssl, sys, threading

first, last, port = int(sys.argv[1]), int(sys.argv[2]), int(os.environ["PORT"])
trust = ssl._create_unverified_context()
numbers = iter(range(first, last))
turn = threading.Lock()
failed = []
IMAGE = "gitea.example.com/owner/app:1"
document = json.dumps({"auths": {"gitea.example.com": {"username": "admin", "password": "bench", "auth": "YWRtaW46YmVuY2g="}}})
env = [{"name": f"SETTING_{number}", "value": "x" * 40} for number in range(30)]
spec = {"automountServiceAccountToken": False, "imagePullSecrets": [{"name": "gitea-credentials"}],
        "containers": [{"name": "app", "image": IMAGE, "env": env}]}
stuck = {"status": {"phase": "Pending", "containerStatuses": [{
    "name": "app", "image": IMAGE, "imageID": "", "ready": False, "restartCount": 0,
    "state": {"waiting": {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{IMAGE}": 401 Unauthorized'}}}]}}


def work():
    server = http.client.HTTPSConnection("127.0.0.1", port, context=trust)

    def send(method, path, body, kind="application/json"):
        server.request(method, path, json.dumps(body), {"Authorization": "Bearer bench-token", "Content-Type": kind})
        answer = server.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]}")

    while not failed:
        with turn:
            number = next(numbers, None)
        if number is None:
            return
        try:
            name = f"bench-{number:04}"
            core, apps = f"/api/v1/namespaces/{name}", f"/apis/apps/v1/namespaces/{name}"
            labels = {"app": "api", "pod-template-hash": "5d4f8c"}
            send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
            send("POST", f"{core}/serviceaccounts", {"metadata": {"name": "default"}})
            send("POST", f"{core}/secrets?fieldManager=kubectl-regcred", {
                "type": "kubernetes.io/dockerconfigjson", "metadata": {
                    "name": "gitea-credentials", "labels": {"app.kubernetes.io/managed-by": "kubectl-regcred"},
                    "annotations": {"kubectl-regcred/registry": "gitea.example.com", "kubectl-regcred/username": "admin",
                                    "kubectl-regcred/use": "cluster"}},
                "data": {".dockerconfigjson": base64.b64encode(document.encode()).decode()}})
            send("POST", f"{apps}/deployments", {
                "metadata": {"name": "api"}, "spec": {"replicas": 5, "selector": {"matchLabels": {"app": "api"}},
                "template": {"metadata": {"labels": {"app": "api"}}, "spec": spec}}})
            owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "api-5d4f8c", "uid": f"u{number}", "controller": True}
            for pod in range(5):
                send("POST", f"{core}/pods", {
                    "metadata": {"name": f"api-5d4f8c-{pod}", "labels": labels, "ownerReferences": [owner]}, "spec": spec})
            if number % 8 == 0:
                send("PATCH", f"{core}/pods/api-5d4f8c-0/status", stuck, "application/merge-patch+json")
        except Exception as error:
            failed.append(error)


threads = [threading.Thread(target=work) for _ in range(24)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
if failed:
    sys.exit(f"could not make the objects: {failed[0]}")
END
}

# run COUNT: seconds, the most memory that the program held in KiB, its seconds of CPU, and the seconds that kubectl takes to
# list the pods alone, a line a round
run() {
    "${environment[@]}" PYTHONUNBUFFERED=1 python3 - "$ROUNDS" "$program" "$parts/kubectl" <<'END' >"$work/runs.$1"
import os, subprocess, sys, time
rounds, program, kubectl = int(sys.argv[1]), *sys.argv[2:]
for number in range(rounds + 1):
    start = time.monotonic()
    child = subprocess.Popen([program, "status", "-A", "--offline", "--registry", "gitea.example.com", "-o", "json"],
                             stdout=open(os.environ["HOME"] + "/out", "wb"), stderr=open(os.environ["HOME"] + "/err", "wb"))
    _, status, usage = os.wait4(child.pid, 0)
    # 3: it found something; 1: it could not tell all, as without a keychain.
    if os.waitstatus_to_exitcode(status) not in (0, 1, 3) or os.path.getsize(os.environ["HOME"] + "/out") == 0:
        sys.exit(open(os.environ["HOME"] + "/err").read()[-2000:])
    took = time.monotonic() - start
    start = time.monotonic()
    subprocess.run([kubectl, "get", "pods", "-A", "--chunk-size=500", "-o", "name"], check=True, stdout=subprocess.DEVNULL)
    pods = time.monotonic() - start
    # The first one warms the server's caches.
    if number:
        print(f"{took:.4f} {usage.ru_maxrss} {usage.ru_utime + usage.ru_stime:.4f} {pods:.4f}")
END
    # That it saw them all: each stuck pod is named.
    local stuck
    stuck=$(grep -o 'api-5d4f8c-0' "$work/out" | wc -l)
    ((stuck >= $1 / 8)) || { echo "status named $stuck stuck pods of $(($1 / 8))" >&2 && tail -20 "$work/err" >&2 && return 1; }
}

load=$(cut -d' ' -f1-3 /proc/loadavg)
put_far_away
made=0
for count in 500 2000; do
    echo "making namespaces up to $count" >&2
    fill "$made" "$count"
    made=$count
    echo "measuring over $count" >&2
    run "$count"
done

# median COLUMN COUNT
median() { awk -v column="$1" '{print $column}' "$work/runs.$2" | sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

missed=0
where="next door"
[[ -z ${ROUND_TRIP:-} ]] || where="$ROUND_TRIP ms away${MBIT:+ over $MBIT Mbit/s}"
for count in 500 2000; do
    point pods "regcred, $where" $((count * 5)) "$(median 1 "$count")"
    point pods "kubectl get pods -A, $where" $((count * 5)) "$(median 4 "$count")"
done
# row WHAT OURS LIMIT BAR
row() {
    local verdict
    verdict=$(awk -v ours="$2" -v limit="$3" -v bar="$4" 'BEGIN {ratio = ours / limit; printf "%.3f %s", ratio, ratio <= bar ? "ok" : "MISSED"}')
    printf '%-46s %10s %10s %7s %7s %s\n' "$1" "$2" "$3" "${verdict% *}" "$4" "${verdict#* }"
    bar "status -A, $where, $1" "${verdict% *}" "$4"
    [[ $verdict != *MISSED ]] || missed=1
}
# each SECONDS COUNT: milliseconds a namespace
each() { awk -v time="$1" -v count="$2" 'BEGIN {printf "%.3f", time * 1000 / count}'; }
echo
echo "load before: $load, after: $(cut -d' ' -f1-3 /proc/loadavg); medians of $ROUNDS rounds of status -A --offline"
printf '%-46s %10s %10s %7s %7s\n' "" ours limit ratio bar
row "peak memory in KiB, 2,000 namespaces" "$(median 2 2000)" 49152 1
row "milliseconds of CPU a namespace, against 500" "$(each "$(median 3 2000)" 2000)" "$(each "$(median 3 500)" 500)" 1.25
# The server's own time for a list is not linear where it shares a busy machine: a list by kubectl, in turn with ours, shares
# its fate.
times() { awk -v ours="$(median 1 "$1")" -v kubectl="$(median 4 "$1")" 'BEGIN {printf "%.3f", ours / kubectl}'; }
row "times kubectl get pods -A, against 500" "$(times 2000)" "$(times 500)" 1.25
if [[ -n ${MBIT:-} ]]; then row "seconds, 2,000 namespaces, against kubectl" "$(median 1 2000)" "$(median 4 2000)" 0.35; fi
echo "seconds: $(median 1 500) for 500 namespaces and 2,500 pods, $(median 1 2000) for 2,000 and 10,000; kubectl get pods -A: $(median 4 500) and $(median 4 2000)"
((missed == 0))
