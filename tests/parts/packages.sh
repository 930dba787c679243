#!/usr/bin/env bash
# Installs the Debian packages that hold the real servers and clients of the tests: those that are missing, by name.
# Where it cannot (not root, not Debian) it says what is missing and exits 0: the tests then report what they leave out.
set -euo pipefail

wanted=(dbus gnome-keyring libsecret-tools golang-docker-credential-helpers docker-registry apache2-utils skopeo podman
    buildah crun etcd-server faketime keepassxc pass gnupg libglib2.0-bin shellcheck strace time xvfb zip jq bash-completion zsh
    mandoc age keyutils openssl nginx-light ruby unzip sqlite3 busybox-static
    rustc-web cargo-web rust-web-src rust-web-clippy gcc-mingw-w64-x86-64 wine64 wine64-preloader
    qemu-user)

say() { echo "packages: $*" >&2; }
installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }
as_root() { if ((EUID == 0)); then "$@"; else sudo -n -- "$@"; fi; }

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "no apt-get here: the tests use the parts that are on PATH and leave out the others"
    exit 0
fi

missing=()
for package in "${wanted[@]}"; do
    installed "$package" || missing+=("$package")
done
# kubectl and zig come as Python wheels (control-plane.sh, krew/zig.sh); a docker that came another way than as a package
# will do, and so will its engine.
python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
command -v docker >/dev/null || missing+=(docker)
# Docker's own packages and Debian's exclude each other.
command -v dockerd >/dev/null || installed docker-ce-cli || missing+=(docker.io)
for program in containerd runc; do
    command -v "$program" >/dev/null || installed containerd.io || missing+=("$program")
done
((${#missing[@]})) || exit 0

if ((EUID != 0)) && ! sudo -n true 2>/dev/null; then
    say "missing: ${missing[*]/%docker/docker.io}"
    say "to have their tests run: sudo apt-get install --no-install-recommends ${missing[*]/%docker/docker.io}"
    exit 0
fi

say "installing ${missing[*]}"
as_root apt-get update -qq </dev/null >&2 || say "apt-get update failed: going on with the lists of last time"

# What this release of Debian does not have must not keep the others away.
known=()
for package in "${missing[@]}"; do
    if [[ $package == docker ]]; then # the command line alone, where it is a package of its own (Debian 13)
        package=docker-cli
        apt-cache show docker-cli >/dev/null 2>&1 || package=docker.io
    fi
    if apt-cache show "$package" >/dev/null 2>&1; then known+=("$package"); else say "this release has no $package"; fi
done
((${#known[@]})) || exit 0

policy=/usr/sbin/policy-rc.d # asked by every package before it starts a daemon; 101 is "do not"
if [[ ! -e $policy ]]; then
    trap 'as_root rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
fi
enabled() { systemctl list-unit-files --no-legend --state=enabled 2>/dev/null | cut -d' ' -f1 | sort; }
before=$(enabled || true)
if ! log=$(as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-remove --no-install-recommends "${known[@]}" </dev/null 2>&1); then
    echo "$log" >&2
    say "apt-get could not install them all"
fi
# Some of them would run a daemon from the next boot on. The tests start their own, on free ports.
comm -13 <(echo "$before") <(enabled || true) | while read -r unit; do
    as_root systemctl disable --quiet "$unit" 2>/dev/null </dev/null || true
done
