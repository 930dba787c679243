#!/usr/bin/env bash
# Hostile input for every parser of foreign text (tests/fuzz), found by libFuzzer, which watches the branches that an input
# takes. What must hold for any input is in the target's file.
#
#   tests/fuzz.sh                     every target: its corpus, and as many inputs more as take some seconds
#   tests/fuzz.sh SECONDS [TARGET…]   these targets, or all of them, for this long each, as many at a time as there are
#                                     processors; what is learnt is kept in target/fuzz
#   tests/fuzz.sh --merge [TARGET…]   of what was learnt, the smallest inputs that reach as much become the corpus
#
# An input that breaks something is written to target/fuzz/found, and its message is shown.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
corpora=tests/fuzz/corpus
# An input that takes longer, or more memory, is a finding.
limits=(-timeout=25 -rss_limit_mb=1024 -max_len=4096 -dict=tests/fuzz/dictionary)

# How many inputs a run without arguments tries: some seconds' worth.
runs_of() {
    case $1 in
    helper_stdin | vault_header) echo 4000 ;;
    *) echo 20000 ;;
    esac
}

# Only regcred itself is compiled once more (tests/fuzz/rustc.sh), its dependencies are those of the other tests. To
# optimise it takes three times as long, which pays where targets run for more than seconds.
build() {
    local start=$SECONDS level=1
    [[ $how != corpus ]] || level=0
    FUZZ_ENGINE=$(CARGO_TARGET_DIR=$work/engine cargo build --locked --quiet --release \
        --manifest-path tests/fuzz/engine/Cargo.toml --message-format json-render-diagnostics |
        sed -nE 's/.*"name":"libfuzzer_sys".*"filenames":\["([^"]+\.rlib)".*/\1/p')
    program=$(FUZZ_ENGINE=$FUZZ_ENGINE RUSTC_WORKSPACE_WRAPPER=$PWD/tests/fuzz/rustc.sh \
        cargo build --locked --quiet --config profile.dev.package.regcred.opt-level=$level --example fuzz \
        --message-format json-render-diagnostics |
        sed -nE 's/.*"name":"fuzz".*"executable":"([^"]+)".*/\1/p')
    [[ -x $program ]]
    echo "fuzz: built in $((SECONDS - start)) s"
}

# fuzz TARGET: a row of the table, with the CPU's time
fuzz() {
    local target=$1 log=$work/$1.log folders=("$work/corpus/$1" "$corpora/$1") ends=(-max_total_time="$how" -reload=0) cpu status=0
    if [[ $how == corpus ]]; then
        # What is found now is not used the next time, which has to do the same.
        folders[0]=$work/new/$target
        rm -rf "${folders[0]}"
        ends=(-seed=1 -runs="$(runs_of "$target")")
    fi
    mkdir -p "${folders[0]}"
    export FUZZ_TARGET=$target
    cpu=$({ TIMEFORMAT=%0U && time "$program" "${limits[@]}" -print_final_stats=1 \
        -artifact_prefix="$work/found/$target-" "${ends[@]}" "${folders[@]}" >"$log" 2>&1; } 2>&1) || status=$?
    if ((status)); then
        tail -40 "$log" >&2
        echo "fuzz: $target is broken: the input is in $work/found" >&2
    fi
    # The last line of progress, such as "#1024 DONE cov: 321 ft: 456 …".
    awk -v target="$target" -v seconds="$cpu" '
        $3 == "cov:" { edges = $4; features = $6 }
        /^stat::number_of_executed_units/ { executions = $2 }
        /^stat::peak_rss_mb/ { memory = $2 }
        END { printf "%-20s %7s %12s %8s %9s %7s\n", target, seconds, executions, edges, features, memory }' "$log"
    return "$status"
}

# merge TARGET
merge() {
    local merged=$work/merged/$1
    rm -rf "$merged"
    mkdir -p "$merged" "$work/corpus/$1"
    FUZZ_TARGET=$1 "$program" "${limits[@]}" -set_cover_merge=1 -use_counters=0 "$merged" "$corpora/$1" \
        "$work/corpus/$1" >"$work/$1.log" 2>&1
    rm -rf "${corpora:?}/$1"
    mv "$merged" "$corpora/$1"
    printf '%-20s %4s inputs, %6s bytes\n' "$1" "$(find "$corpora/$1" -type f | wc -l)" "$(cat "$corpora/$1"/* | wc -c)"
}

how=corpus
case ${1:-} in
'') ;;
--merge) how=merge && shift ;;
*[!0-9]*)
    sed -nE '2,/^set/s/^# ?//p' "$0" >&2
    exit 2
    ;;
*) how=$1 && shift ;;
esac
targets=("$@")
if ! (($#)); then
    for folder in "$corpora"/*/; do targets+=("$(basename "$folder")"); done
fi

build
mkdir -p "$work/found"
verb=merge
if [[ $how != merge ]]; then
    verb=fuzz
    printf '%-20s %7s %12s %8s %9s %7s\n' target CPU-s executions edges features MiB
fi
# As many at a time as there are processors; with xargs, Ctrl-C ends them.
export work corpora program how
export -f fuzz merge runs_of
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I{} bash -euo pipefail -c "$(declare -p limits); $verb \"\$1\"" - {}
