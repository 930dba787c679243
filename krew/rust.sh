# shellcheck shell=bash
# For the scripts that source it: Rust for other systems than this one, and for static programs.
#
# Debian's own Rust brings the source of the standard library, which cargo compiles for the target (packages rustc-web,
# cargo-web, rust-web-src); rustup's does after `rustup component add rust-src`. The C code of ring is compiled by zig, which
# links for Linux too (krew/zig.sh): no compiler and no library of this machine has a part in it.

rust_tools=${XDG_CACHE_HOME:-${HOME:?}/.cache}/regcred/tools

# debians_rust: cargo and rustc are Debian's from here on, also where rustup's come first on PATH
debians_rust() {
    if [[ ! -x /usr/bin/rustc || ! -x /usr/bin/cargo || ! -d /usr/lib/rustlib/src/rust/library ]]; then
        echo "Debian's packages rustc-web, cargo-web and rust-web-src are missing" >&2
        return 1
    fi
    unset RUSTUP_TOOLCHAIN
    export PATH=/usr/bin:$PATH CARGO=/usr/bin/cargo RUSTC=/usr/bin/rustc
}

# rust_for TARGET...: tells cargo how to compile and link for them. -Zbuild-std has to be among its options, and for Linux
# -Clink-self-contained=no among rustc's: rustc would bring a C library and a beginning of programs of its own, as zig does.
rust_for() {
    local target system zig variable linker
    zig=$(krew/zig.sh) || return
    export RUSTC_BOOTSTRAP=1
    for target; do
        system=${target/-apple-darwin/-macos} system=${system/-unknown-/-} system=${system/-pc-/-}
        variable=${target//-/_}
        export "CC_$variable=$zig/zig-cc $system" "AR_$variable=$zig/zig-ar"
        # What zig adds to C that is not optimised wants functions that other linkers do not have.
        export "CFLAGS_$variable=-fno-sanitize=undefined -fno-stack-protector"
        if [[ $target == *-linux-* ]]; then
            # rustc takes the path of one program.
            linker=$rust_tools/link-$system
            printf '#!/bin/sh\nexec "%s" %s "$@"\n' "$zig/zig-cc" "$system" >"$linker.$$"
            chmod +x "$linker.$$"
            mv "$linker.$$" "$linker"
            export "CARGO_TARGET_${variable^^}_LINKER=$linker"
        fi
    done
}
