#!/usr/bin/env bash
# Measures `sync` against kubectl on a real etcd and kube-apiserver that it starts itself, side by side and in one run.
# Prints a table, and ends with 1 where a bar of the project is missed. Minutes; needs what tests/parts/control-plane.sh
# makes, openssl and python3.
#
#   [ROUND_TRIP=30 [MBIT=50]] tests/bench/sync.sh [PROGRAM]     default: the release build of kubectl-regcred, which is made when it is missing
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

ROUNDS=${ROUNDS:-5}
LOOP=20 # the runbook's loop is measured over this many namespaces and scaled to 200: it is that slow
program=${1:-target/release/kubectl-regcred}
[[ -x $program ]] || cargo build --release --locked --bin kubectl-regcred
program=$(realpath "$program")
# etcd writes to disk as it does in a cluster.
source tests/bench/control-plane.sh
# shellcheck disable=SC2119
start_control_plane
# regcred TOKEN ARGUMENT...
regcred() {
    local token=$1
    shift
    "${environment[@]}" "BENCH_TOKEN=$token" "$program" sync --no-verify --registry gitea.example.com -u admin \
        --token-env BENCH_TOKEN "$@"
}

echo "making 2,000 namespaces" >&2
for ((number = 0; number < 2000; number++)); do
    printf -- '---\n{apiVersion: v1, kind: Namespace, metadata: {name: bench-%04d}}\n' "$number"
done | kubectl create --validate=false -f - >/dev/null
# `-n NAME` for each of them: two words
mapfile -t all < <(for ((number = 0; number < 2000; number++)); do printf -- '-n\nbench-%04d\n' "$number"; done)

# took COMMAND...: seconds; what it prints goes nowhere, as in a pipeline
took() {
    local start=$EPOCHREALTIME
    "$@" >"$work/out" 2>&1 || { cat "$work/out" >&2 && return 1; }
    awk "BEGIN {printf \"%.4f\\n\", $EPOCHREALTIME - $start}"
}
median() { sort -n "$work/$1" | awk '{v[NR] = $1} END {print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }

runbook() {
    local number
    for ((number = 0; number < LOOP; number++)); do
        kubectl create secret docker-registry "$1" -n "$(printf 'bench-%04d' "$number")" \
            --docker-server=gitea.example.com --docker-username=admin --docker-password="$2" --dry-run=client -o yaml |
            kubectl apply -f -
    done
}

put_far_away
load=$(cut -d' ' -f1-3 /proc/loadavg)
# Once without the clock: kubectl fetches and keeps what the server can do.
regcred warm "${all[@]:0:20}" --secret warm >/dev/null 2>&1
regcred warm "${all[@]:0:20}" --secret warm-k --dry-run=client -o yaml | kubectl apply --server-side -f - >/dev/null

for ((round = 1; round <= ROUNDS; round++)); do
    echo "round $round of $ROUNDS" >&2
    for step in create change unchanged; do
        token=$step
        [[ $step != unchanged ]] || token=change
        # The same Secrets, in a file, under a name of kubectl's own.
        regcred "$token" "${all[@]:0:400}" --secret "kubectl-$round" --dry-run=client -o yaml >"$work/manifests.yaml"
        # Whoever is first in one round is second in the next.
        order=(regcred kubectl)
        ((round % 2)) || order=(kubectl regcred)
        for who in "${order[@]}"; do
            if [[ $who == kubectl ]]; then
                took kubectl apply --server-side -f "$work/manifests.yaml" >>"$work/kubectl.$step"
            else
                took regcred "$token" "${all[@]:0:400}" --secret "regcred-$round" >>"$work/regcred.$step"
            fi
        done
    done
    took runbook "runbook-$round" one >>"$work/runbook"
    for count in 10 200 2000; do
        # A new token each round: the first one creates, the others change.
        took regcred "flat-$round" "${all[@]:0:2*count}" --secret "flat-$count" >>"$work/flat.$count"
    done
done

# peak TOKEN ARGUMENT...: the most memory that a run held, in KiB
peak() {
    "${environment[@]}" "BENCH_TOKEN=$1" python3 - "$program" "${@:2}" <<'END'
import resource, subprocess, sys
run = subprocess.run([sys.argv[1], "sync", "--no-verify", "--registry", "gitea.example.com", "-u", "admin", "--token-env",
                      "BENCH_TOKEN", *sys.argv[2:]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
if run.returncode:
    sys.exit(run.stderr.decode())
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
END
}
peak_all=$(peak peak -A --trust-labels)
peak_one=$(peak peak -n bench-0000)
count_all=$(kubectl get secrets -A -l app.kubernetes.io/managed-by=kubectl-regcred -o name --chunk-size=500 | wc -l)

missed=0
where="next door"
[[ -z ${ROUND_TRIP:-} ]] || where="$ROUND_TRIP ms away"
for count in 10 200 2000; do point namespaces "regcred, $where" "$count" "$(median "flat.$count")"; done
point namespaces "kubectl apply --server-side, $where" 200 "$(median kubectl.change)"
point distance regcred "${ROUND_TRIP:-1}" "$(median regcred.change)"
point distance "kubectl apply --server-side" "${ROUND_TRIP:-1}" "$(median kubectl.change)"
# row WHAT OURS THEIRS BAR: a bar of `-` is none
row() {
    local verdict
    verdict=$(awk -v ours="$2" -v theirs="$3" -v bar="$4" \
        'BEGIN {ratio = ours / theirs; printf "%.3f %s", ratio, (bar == "-") ? "" : (ratio <= bar) ? "ok" : "MISSED"}')
    [[ $4 == - ]] || bar "sync, $where, $1" "${verdict% *}" "$4"
    printf '%-46s %10s %10s %7s %7s %s\n' "$1" "$2" "$3" "${verdict% *}" "$4" "${verdict#* }"
    [[ $verdict != *MISSED ]] || missed=1
}
echo
echo "load before: $load, after: $(cut -d' ' -f1-3 /proc/loadavg); medians of $ROUNDS rounds, in seconds"
printf '%-46s %10s %10s %7s %7s\n' "sync of 200 namespaces, against" ours theirs ratio bar
for step in create change unchanged; do
    # Next door and far away, written and unchanged.
    bar=0.5
    [[ $step != unchanged ]] || bar=0.1
    if [[ -n ${ROUND_TRIP:-} ]]; then
        bar=0.08
        [[ $step != unchanged ]] || bar=0.05
    fi
    row "kubectl apply --server-side, $step" "$(median "regcred.$step")" "$(median "kubectl.$step")" "$bar"
done
loop=$(median runbook | awk "{print \$1 * 200 / $LOOP}")
row "the runbook's loop ($LOOP measured, scaled)" "$(median regcred.create)" "$loop" 0.02
echo
printf '%-46s %10s %10s %7s %7s\n' "milliseconds a namespace, against that of 10" ours of-10 ratio bar
each() { median "flat.$1" | awk "{printf \"%.2f\", \$1 * 1000 / $1}"; }
row "200 namespaces" "$(each 200)" "$(each 10)" 1.25
row "2,000 namespaces" "$(each 2000)" "$(each 10)" 1.25
if [[ -n ${ROUND_TRIP:-} ]]; then
    bar=1
    ((ROUND_TRIP <= 30)) || bar=- # no bar is set for a cluster that is farther away
    row "seconds for 2,000 namespaces, against 5 s" "$(median flat.2000)" 5 "$bar"
fi
echo
printf '%-46s %10s %10s %7s %7s\n' "peak memory in KiB, against 64 MiB" ours limit ratio bar
row "sync -A, $count_all Secrets, all written" "$peak_all" 65536 1
row "sync -n, one Secret" "$peak_one" 65536 -
((missed == 0))
