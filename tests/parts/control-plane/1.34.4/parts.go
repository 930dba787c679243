//go:build parts

// Package parts holds nothing: go.mod and go.sum beside it say what tests/parts/control-plane.sh builds, to the byte.
package parts

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kubelet"
)
