#!/usr/bin/env bash
# Draws the plots of docs/performance.md from what all.sh measured: an SVG for each, with gnuplot.
#
#   tests/bench/plots.sh RESULTS FOLDER
set -euo pipefail
results=$1 folder=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# plot NAME TITLE X-LABEL Y-LABEL: a line for each series, on logarithmic axes, because what is compared is a ratio
plot() {
    local name=$1 title=$2 x=$3 y=$4 line number=0 lines=()
    while read -r line; do
        number=$((number + 1))
        # The median where a point was measured more than once.
        awk -F'\t' -v plot="$name" -v line="$line" '$1 == "point" && $2 == plot && $3 == line {print $4, $5}' "$results" |
            sort -k1,1g -k2,2g | awk '
                $1 != x { if (n) print x, v[int((n + 1) / 2)]; n = 0; x = $1 }
                { v[++n] = $2 }
                END { if (n) print x, v[int((n + 1) / 2)] }' >"$work/$name.$number"
        lines+=("'$work/$name.$number' with linespoints linewidth 2 pointtype 7 pointsize 0.6 title '$line'")
    done < <(awk -F'\t' -v plot="$name" '$1 == "point" && $2 == plot {print $3}' "$results" | sort -u)
    ((number)) || return 0
    gnuplot <<END
set terminal svg size 720,480 dynamic background rgb 'white' font 'sans-serif,13'
set output '$folder/$name.svg'
set title '$title'
set xlabel '$x'
set ylabel '$y'
set logscale xy
set grid
set key below Left reverse maxcols 2
plot $(IFS=,; echo "${lines[*]}")
END
    echo "$folder/$name.svg" >&2
}

plot entries "docker-credential-… with so many entries in the keyring" "entries" "milliseconds"
plot namespaces "sync: a Secret changed in each of so many namespaces" "namespaces" "seconds"
plot pods "status -A --offline" "pods in the cluster" "seconds"
plot tags "images list and prune, at a real Gitea" "tags of an image" "seconds"
plot distance "a Secret changed in each of 200 namespaces, so far away" "round trip in ms (1: next door)" "seconds"
