#!/usr/bin/env bash
# Prints the Scoop manifest of a release, for a bucket: bucket/regcred.json.
# Usage: krew/scoop.sh ADDRESS DIST   ADDRESS is the repository's page; DIST holds what krew/pack.sh packed
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage='usage: krew/scoop.sh ADDRESS DIST'
address=${1:?$usage} dist=${2:?$usage}
address=${address%/}
version=$(sed -nE 's/^version = "(.*)"$/\1/p' Cargo.toml)
archive=regcred-v$version-windows-amd64.zip
[[ -f $dist/$archive ]] || {
    echo "scoop: $dist holds no $archive" >&2
    exit 1
}
sum=$(sha256sum "$dist/$archive")

cat <<END
{
    "version": "$version",
    "description": "Keep registry tokens in the keychain, feed Kubernetes pull secrets",
    "homepage": "$address",
    "license": "Apache-2.0",
    "architecture": {
        "64bit": {
            "url": "$address/releases/download/v$version/$archive",
            "hash": "${sum%% *}"
        }
    },
    "bin": [
        "kubectl-regcred.exe",
        "docker-credential-gitea.exe"
    ],
    "notes": [
        "Next:",
        "  kubectl regcred login gitea.example.com -u USER",
        "  kubectl regcred docker setup",
        "PowerShell completes kubectl-regcred after: . \$dir\\\\completions\\\\_kubectl-regcred.ps1",
        "Before you uninstall: kubectl regcred docker remove"
    ]
}
END
