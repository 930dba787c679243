#!/usr/bin/env bash
# Runs every test, on real servers and clients where they are to be had. Arguments go to `cargo test`.
# With CI=true a missing part is a failure; otherwise its tests are reported as ignored.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

ci=false
[[ ${CI:-} != true ]] || ci=true
times=() failures=() missing=()

# Runs a stage and keeps its time. A failed one does not keep the next ones from saying what they have to say.
stage() {
    local name=$1 start=$SECONDS
    shift
    echo "== $name"
    "$@" || failures+=("$name")
    times+=("$name $((SECONDS - start)) s")
}

finish() {
    local IFS=,
    echo "stages:${times[*]/#/ }"
    if ((${#failures[@]})); then
        echo "failed:${failures[*]/#/ }" >&2
        exit 1
    fi
}

# part NAME WHERE-FROM PROGRAM...: one line of the table
part() {
    local name=$1 from=$2 program path lacks=''
    shift 2
    for program; do
        path=$(PATH=${folder:-/nonexistent}:$PATH command -v "$program") || lacks+=" $program"
    done
    if [[ -z $lacks ]]; then
        printf '  %-20s found in %s\n' "$name" "${path%/*}"
    else
        printf '  %-20s missing: no%s (%s)\n' "$name" "$lacks" "$from"
        missing+=("$name")
    fi
}

parts() {
    tests/parts/packages.sh
    unset REGCRED_TEST_CONTROL_PLANE REGCRED_TEST_CLIENTS REGCRED_TEST_KREW REGCRED_TEST_GITEA REGCRED_TEST_ORACLE
    local plane='tests/parts/control-plane.sh makes it, or KUBEBUILDER_ASSETS holds it'
    # REGCRED_KUBERNETES and REGCRED_GITEA name versions other than the newest: tests/versions.sh.
    if folder=$(tests/parts/control-plane.sh ${REGCRED_KUBERNETES:+"$REGCRED_KUBERNETES"}); then
        export REGCRED_TEST_CONTROL_PLANE=$folder
    fi
    if gitea=$(tests/parts/gitea.sh ${REGCRED_GITEA:+"$REGCRED_GITEA"}); then export REGCRED_TEST_GITEA=$gitea; fi
    REGCRED_TEST_CLIENTS=$(tests/parts/clients.sh) || true # missing: said below
    export REGCRED_TEST_CLIENTS
    if krew=$(tests/parts/krew.sh); then export REGCRED_TEST_KREW=$krew; fi
    if oracle=$(tests/parts/oracle.sh); then export REGCRED_TEST_ORACLE=$oracle; fi
    echo "parts:"
    part "control plane" "$plane" etcd kube-apiserver kube-controller-manager
    part "kubectl" "$plane" kubectl
    part "node" "packages containerd and runc; $plane" unshare containerd ctr runc kubelet
    folder=${gitea:-} part "Gitea" "tests/parts/gitea.sh builds it, with Go 1.26 and a C compiler" gitea
    part "keychain" "packages gnome-keyring and dbus" gnome-keyring-daemon dbus-daemon
    part "second keychain" "package keepassxc" keepassxc keepassxc-cli dbus-daemon
    part "secret-tool" "package libsecret-tools" secret-tool
    part "docker" "Docker's command line" docker
    part "docker's engine" "package docker.io" dockerd containerd runc
    part "skopeo" "package skopeo" skopeo
    part "podman" "package podman" podman
    part "buildah" "package buildah" buildah
    part "registry" "package docker-registry" docker-registry
    part "htpasswd" "package apache2-utils" htpasswd
    part "peer helper" "package golang-docker-credential-helpers" docker-credential-secretservice
    part "pass" "packages pass and gnupg" pass gpg gpgconf docker-credential-pass
    folder=/usr/sbin part "nginx" "package nginx-light" nginx
    part "age" "package age" age age-keygen
    part "keyctl" "package keyutils" keyctl
    part "strace" "package strace" strace
    part "time" "package time" /usr/bin/time
    folder=${krew:-} part "krew" "tests/parts/krew.sh builds it, with Go 1.25" kubectl-krew validate-krew-manifest
    folder=${oracle:-} part "oracle" "tests/parts/oracle.sh builds it, with Go 1.26" oracle
    part "release tools" "packages git, zip, unzip, binutils, curl and jq" git tar gzip zip unzip strip readelf curl jq
    part "openssl" "package openssl" openssl
    part "ruby" "package ruby" ruby
    part "other targets" "packages rustc-web, cargo-web, rust-web-src and rust-web-clippy" /usr/bin/rustc /usr/bin/cargo-clippy
    folder=/usr/lib/wine part "Windows" "packages wine64, wine64-preloader and gcc-mingw-w64-x86-64" wine64 wine64-preloader \
        x86_64-w64-mingw32-gcc
    part "arm64" "package qemu-user" qemu-aarch64
    part "shellcheck" "package shellcheck" shellcheck
    part "busybox" "package busybox-static" busybox
    part "zsh" "package zsh" zsh
    part "mandoc" "package mandoc" mandoc
    folder=$REGCRED_TEST_CLIENTS
    for program in crane oras helm buildx buildkitd; do part "$program" "tests/parts/clients.sh makes it" "$program"; done
}

# Whether there is the source of the standard library, which static programs are built with.
has_library() { [[ -d /usr/lib/rustlib/src/rust/library || -d $(rustc --print sysroot)/lib/rustlib/src/rust/library ]]; }

scripts() {
    command -v shellcheck >/dev/null || return 0 # missing: said above
    find . \( -name target -o -name .git \) -prune -o \( -name '*.sh' -o -path ./.ci/run \) -type f -print0 |
        xargs -0 shellcheck
}

stage parts parts
if ((${#missing[@]})) && $ci; then
    echo "missing in CI:$(printf ' "%s"' "${missing[@]}")" >&2
    failures+=(parts)
    finish
fi
if $ci; then export REGCRED_TEST_REQUIRE_PARTS=1; fi

stage targets tests/targets.sh

# The archive of this tree, which the tests install with krew.
release() {
    unset REGCRED_TEST_DIST
    has_library || return 0 # missing: said above
    local archive
    archive=$(tests/release.sh) || return
    export REGCRED_TEST_DIST=${archive%/*}
}
stage release release

# This tree's programs for other systems, and for Linux without its kernel keyring. Where a tool for some is missing, their
# tests are reported as ignored; programs that cannot be built are a failure.
systems() {
    unset REGCRED_TEST_WINDOWS REGCRED_TEST_ARM64 REGCRED_TEST_WITHOUT_KERNEL_KEYRING
    local system folder failed=false
    for system in windows arm64; do
        if folder=$(tests/parts/systems.sh "$system"); then
            export "REGCRED_TEST_${system^^}=$folder"
        elif (($? != 3)) || $ci; then # 3: a tool is missing
            failed=true
        fi
    done
    if folder=$(tests/parts/without-kernel-keyring.sh); then
        export REGCRED_TEST_WITHOUT_KERNEL_KEYRING=$folder
    else
        failed=true
    fi
    ! $failed
}
stage systems systems

# No test means the cluster of whoever runs it: one that forgets to name its own finds none.
export KUBECONFIG=/dev/null
stage tests cargo test --locked "$@"
stage quickstart cargo run --locked --example quickstart
stage fuzz tests/fuzz.sh
stage scripts scripts
binaries() {
    has_library || return 0
    tests/parts/binaries.sh
}
stage binaries binaries
finish
