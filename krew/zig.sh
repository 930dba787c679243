#!/usr/bin/env bash
# Prints the folder of a C compiler and linker for other systems: zig, from PyPI's package ziglang, of one version.
#
# Its programs are `zig-cc SYSTEM ARGUMENT…`, a compiler and linker for rustc and the cc crate, and `zig-ar`.
# It is installed once, into a cache folder.
set -euo pipefail

ZIG_VERSION=0.17.1
folder=${XDG_CACHE_HOME:-${HOME:?}/.cache}/regcred/tools/zig-$ZIG_VERSION
if [[ ! -x $folder/zig-ar ]]; then
    mkdir -p "${folder%/*}"
    exec 9>"${folder%/*}/.zig.lock"
    flock 9
fi
if [[ ! -x $folder/zig-ar ]]; then
    rm -rf "$folder"
    python3 -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --only-binary :all: \
        --root-user-action ignore --target "$folder" "ziglang==$ZIG_VERSION" >&2 || {
        echo "zig: pip could not install ziglang $ZIG_VERSION (Debian: python3-pip)" >&2
        exit 1
    }
    # shellcheck disable=SC2016 # the program reads the variables
    printf '#!/bin/sh\nexec "%s" ar "$@"\n' "$folder/ziglang/zig" >"$folder/zig-ar"
    chmod +x "$folder/zig-ar"
fi
cat >"$folder/zig-cc.$$" <<END
#!/usr/bin/env bash
# Leaves out what is for other compilers: the names of systems (the first argument is zig's own), and gcc's libraries. zig
# ignores -static-pie, and links a program that the kernel cannot load at a random address.
system=\$1 arguments=() skip=
shift
for argument; do
    if [[ -n \$skip ]]; then
        skip=
        continue
    fi
    case \$argument in
    -arch) skip=yes ;;
    --target=* | -mmacosx-version-min=* | -gdwarf-* | -m64) ;;
    -lgcc_eh | -lgcc_s) arguments+=(-lunwind) ;;
    -static-pie) arguments+=(-static -pie) ;;
    *) arguments+=("\$argument") ;;
    esac
done
exec "$folder/ziglang/zig" cc -target "\$system" "\${arguments[@]}"
END
chmod +x "$folder/zig-cc.$$"
mv "$folder/zig-cc.$$" "$folder/zig-cc"
echo "$folder"
