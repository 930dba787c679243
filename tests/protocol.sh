#!/usr/bin/env bash
# Asks a built docker-credential-gitea everything that docker's clients ask, on the keychain that it finds: for systems
# where the scenarios do not run. What it stores, it erases again.
# Usage: tests/protocol.sh COMMAND…   such as target/debug/docker-credential-gitea, or wine docker-credential-gitea.exe
set -euo pipefail

helper=("${@:?usage: tests/protocol.sh COMMAND…}")
registry=protocol-$$.example.com other=other-$$.example.com
work=$(mktemp -d)
failed=0 asked=0
trap 'printf %s "$registry" | "${helper[@]}" erase >/dev/null 2>&1; printf %s "$other" | "${helper[@]}" erase >/dev/null 2>&1; rm -rf "$work"' EXIT

# ask ACTION STDIN: leaves code, and the files out and err
ask() {
    code=0
    "${helper[@]}" "$1" < <(printf %s "$2") >"$work/out" 2>"$work/err" || code=$?
    asked=$((asked + 1))
}

fail() {
    echo "protocol: $1: exit $code, stdout $(head -c 300 "$work/out" | tr '\r\n' '~|'), stderr $(head -c 300 "$work/err")" >&2
    failed=1
}

# expect WHAT ACTION STDIN CODE STDOUT: the answer is exactly that, line ends included, and stderr is empty
expect() {
    ask "$2" "$3"
    printf %s "$5" >"$work/expected"
    if ((code != $4)) || ! cmp -s "$work/out" "$work/expected" || [[ -s $work/err ]]; then fail "$1"; fi
}

entry() { printf '{"ServerURL":"%s","Username":"%s","Secret":"%s"}\n' "$1" "$2" "$3"; }

nothing=$'credentials not found in native keychain\n'
expect "erase of nothing" erase "$registry" 0 ''
expect "get of nothing" get "$registry" 1 "$nothing"
expect "get without a server" get '' 1 $'no credentials server URL\n'
expect "store without a user" store "$(entry "$registry" '' x)" 1 $'no credentials username\n'
expect "store" store "$(entry "$registry" alice first-token)"$'\n' 0 ''
expect "get" get "$registry" 0 "$(entry "$registry" alice first-token)"$'\n'
for form in "https://$registry" "$registry:443" "https://$registry/v2/" "$registry/owner/image"; do
    expect "get of $form" get "$form" 0 "$(entry "$form" alice first-token)"$'\n'
done
expect "get of a line that ends as on Windows" get "$registry"$'\r\n' 0 "$(entry "$registry" alice first-token)"$'\n'
expect "store of another user" store "$(entry "https://$registry" bob second-token)"$'\r\n' 0 ''
expect "get after it" get "$registry" 0 "$(entry "$registry" bob second-token)"$'\n'

ask list unused
if ((code)) || ! grep -qF "\"$registry\":\"bob\"" "$work/out"; then fail "list"; fi

# 8,000 characters: Windows' own keychain takes 2,560 bytes, and then has to keep what it has.
long=$(printf '%8000s' '' | tr ' ' x)
ask store "$(entry "$registry" carol "$long")"
if ((code == 0)); then
    expect "get of a long token" get "$registry" 0 "$(entry "$registry" carol "$long")"$'\n'
else
    grep -q 'too long for this keychain: it takes 2560 bytes at most' "$work/out" || fail "store of a long token"
    expect "get after a refusal" get "$registry" 0 "$(entry "$registry" bob second-token)"$'\n'
fi

expect "store of another registry" store "$(entry "$other" dora 'quote\"backslash\\<&>')" 0 ''
expect "get of it" get "$other" 0 "$(entry "$other" dora 'quote\"backslash\\<&>')"$'\n'
expect "erase" erase "$registry" 0 ''
expect "get after erase" get "$registry" 1 "$nothing"
ask list unused
if ((code)) || grep -qF "\"$registry\"" "$work/out" || ! grep -qF "\"$other\":\"dora\"" "$work/out"; then fail "list after erase"; fi

ask version ''
version=$(sed -nE 's/^version = "(.*)"$/\1/p' "$(dirname "${BASH_SOURCE[0]}")/../Cargo.toml")
[[ $code == 0 && $(tr -d '\r' <"$work/out") == "docker-credential-gitea (regcred) v$version" ]] || fail "version"
ask frobnicate ''
if ((code != 1)) || ! grep -q 'unknown action: frobnicate' "$work/out"; then fail "unknown action"; fi

((failed)) || echo "protocol: $asked questions answered as they should be by ${helper[*]}"
exit "$failed"
