#!/usr/bin/env bash
# Runs every benchmark of this folder, one after the other, with the programs as they are released, and prints all bars of the
# project in one table: what was measured, the bar, and whether it holds. Then it draws the plots of docs/performance.md. Ends
# with 1 where a bar is missed. Half an hour on an idle machine; each script says what it needs, and this one needs gnuplot.
#
#   tests/bench/all.sh [FOLDER]       what the scripts print, and the plots, are kept there (default: target/bench)
#   ONLY='helper sync-far' …          only these, by the names in `run` below
#   QUICK=1 …                         fewer rounds and smaller numbers: shows that it works, not how fast anything is
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

folder=${1:-target/bench}
mkdir -p "$folder"
folder=$(realpath "$folder")
export RESULTS=$folder/results.tsv
: >"$RESULTS"
source tests/bench/results.sh
command -v gnuplot >/dev/null || { echo "missing: gnuplot" >&2; exit 2; }
triple=$(rustc -vV | sed -n 's/^host: //p')
built=$(krew/build.sh "${triple/%-linux-gnu/-linux-musl}")
plugin=$built/kubectl-regcred helper=$built/docker-credential-gitea
plane=$(tests/parts/control-plane.sh)
failed=()

# run NAME [VARIABLE=VALUE...] SCRIPT [ARGUMENT...]
run() {
    local name=$1
    shift
    [[ -z ${ONLY:-} || " $ONLY " == *" $name "* ]] || return 0
    echo "== $name (at $SECONDS s, load $(cut -d' ' -f1-3 /proc/loadavg))"
    # A missed bar is in the table; a script that could not measure says so here.
    env "PATH=$PATH:$plane" "$@" 2>&1 | tee "$folder/$name.txt" || failed+=("$name")
}

echo "$(nproc) processors, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), Linux $(uname -r), $(rustc --version)"
echo "load at the start: $(cut -d' ' -f1-3 /proc/loadavg), commit $(git rev-parse --short HEAD), $(date --iso-8601)"
few=() namespaces=() tags=(1000 5000)
if [[ -n ${QUICK:-} ]]; then
    few=(ROUNDS=2) namespaces=(COUNT=100) tags=(100)
fi
run helper "${few[@]}" "PLUGIN=$plugin" tests/bench/helper.sh "$helper"
run vault "${few[@]}" tests/bench/vault.sh "$helper" "$plugin"
run version "${few[@]}" tests/bench/version.sh "$plugin"
run sync "${few[@]}" tests/bench/sync.sh "$plugin"
run sync-far "${few[@]}" ROUND_TRIP=30 tests/bench/sync.sh "$plugin"
run sync-farther ROUNDS=1 ROUND_TRIP=150 tests/bench/sync.sh "$plugin"
run status "${few[@]}" tests/bench/status.sh "$plugin"
run status-far "${few[@]}" ROUND_TRIP=30 MBIT=50 tests/bench/status.sh "$plugin"
run places "${few[@]}" "${namespaces[@]}" tests/bench/places.sh "$plugin"
run places-far "${few[@]}" COUNT=200 ROUND_TRIP=30 tests/bench/places.sh "$plugin"
for count in "${tags[@]}"; do
    run "images-$count" "COUNT=$count" "GOING=$((count / 10))" tests/bench/images.sh "$plugin"
done
megabytes() { stat -c %s "$1" | awk '{printf "%.1f", $1 / 1e6}'; }
bar "kubectl-regcred, MB" "$(megabytes "$plugin")" 20
bar "docker-credential-gitea, MB" "$(megabytes "$helper")" 3

tests/bench/plots.sh "$RESULTS" "$folder"
echo
echo "load at the end: $(cut -d' ' -f1-3 /proc/loadavg), after $SECONDS s"
awk -F'\t' '
    BEGIN { print "| what | measured | bar | |\n|---|---|---|---|" }
    $1 == "bar" {
        missed = $3 + 0 > $4 + 0
        any = any || missed
        print "| " $2 " | " $3 " | " $4 " | " (missed ? "MISSED" : "ok") " |"
    }
    END { exit any }' "$RESULTS" | tee "$folder/bars.md" || failed+=(bars)
if ((${#failed[@]})); then
    echo "missed or not measured: ${failed[*]}" >&2
    exit 1
fi
