# shellcheck shell=bash
# For the scripts beside it, which source it: adds what was measured to the file that RESULTS names, for all.sh.

# point PLOT LINE X Y
point() { [[ -z ${RESULTS:-} ]] || printf 'point\t%s\t%s\t%s\t%s\n' "$@" >>"$RESULTS"; }

# bar WHAT MEASURED BAR
bar() { [[ -z ${RESULTS:-} ]] || printf 'bar\t%s\t%s\t%s\n' "$@" >>"$RESULTS"; }
