# shellcheck shell=bash
# For the scripts that source it: Rust for other systems than this one.
#
# Debian's own Rust brings the source of the standard library, which cargo compiles for the target (packages rustc-web,
# cargo-web, rust-web-src). The C code of ring is compiled by zig (krew/zig.sh).

# debians_rust: cargo and rustc are Debian's from here on, also where rustup's come first on PATH
debians_rust() {
    if [[ ! -x /usr/bin/rustc || ! -x /usr/bin/cargo || ! -d /usr/lib/rustlib/src/rust/library ]]; then
        echo "Debian's packages rustc-web, cargo-web and rust-web-src are missing" >&2
        return 1
    fi
    unset RUSTUP_TOOLCHAIN
    export PATH=/usr/bin:$PATH CARGO=/usr/bin/cargo RUSTC=/usr/bin/rustc
}

# rust_for TARGET...: tells cargo how to compile C for them. -Zbuild-std has to be among its options.
rust_for() {
    local target system zig variable
    zig=$(krew/zig.sh) || return
    export RUSTC_BOOTSTRAP=1
    for target; do
        system=${target/-pc-/-}
        variable=${target//-/_}
        export "CC_$variable=$zig/zig-cc $system" "AR_$variable=$zig/zig-ar"
        # What zig adds to C that is not optimised wants functions that other linkers do not have.
        export "CFLAGS_$variable=-fno-sanitize=undefined -fno-stack-protector"
    done
}
