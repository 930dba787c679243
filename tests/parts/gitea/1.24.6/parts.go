//go:build parts

// Package parts holds nothing: go.mod and go.sum beside it say what tests/parts/gitea.sh builds, to the byte.
package parts

import _ "code.gitea.io/gitea"
