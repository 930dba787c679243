//go:build parts

// Package parts holds nothing: go.mod and go.sum beside it say which krew tests/parts/krew.sh builds, to the byte.
package parts

import (
	_ "sigs.k8s.io/krew/cmd/krew"
	_ "sigs.k8s.io/krew/cmd/validate-krew-manifest"
)
