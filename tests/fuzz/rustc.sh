#!/bin/sh
# rustc for regcred and its fuzz targets (RUSTC_WORKSPACE_WRAPPER): they are compiled so that libFuzzer sees which branches
# are taken and what is compared. Dependencies stay as they are for the other tests, where they are built already.
# FUZZ_ENGINE is the library that tests/fuzz/engine was built into.
exec "$@" --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    --extern "libfuzzer_sys=$FUZZ_ENGINE" -L "dependency=${FUZZ_ENGINE%/*}"
