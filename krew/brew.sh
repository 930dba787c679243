#!/usr/bin/env bash
# Prints the Homebrew formula of a release, for a tap: Formula/regcred.rb of a repository homebrew-NAME.
# Usage: krew/brew.sh ADDRESS DIST   ADDRESS is the repository's page; DIST holds what krew/pack.sh packed
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage='usage: krew/brew.sh ADDRESS DIST'
address=${1:?$usage} dist=${2:?$usage}
address=${address%/}
version=$(sed -nE 's/^version = "(.*)"$/\1/p' Cargo.toml)

# source_of PROCESSOR PLATFORM: where the archive for that processor is
source_of() {
    local archive=regcred-v$version-$2.tar.gz sum
    [[ -f $dist/$archive ]] || {
        echo "brew: $dist holds no $archive" >&2
        exit 1
    }
    sum=$(sha256sum "$dist/$archive")
    cat <<END
    on_$1 do
      url "$address/releases/download/v$version/$archive"
      sha256 "${sum%% *}"
    end
END
}

cat <<END
# Made by krew/brew.sh for this release.
class Regcred < Formula
  desc "Keep registry tokens in the keychain, feed Kubernetes pull secrets"
  homepage "$address"
  version "$version"
  license "Apache-2.0"

  on_macos do
$(source_of arm darwin-arm64)
$(source_of intel darwin-amd64)
  end

  on_linux do
$(source_of arm linux-arm64)
$(source_of intel linux-amd64)
  end

  def install
    bin.install "kubectl-regcred", "docker-credential-gitea"
    # The name by which kubectl asks a plugin for completions.
    bin.install_symlink "kubectl-regcred" => "kubectl_complete-regcred"
    bash_completion.install "completions/kubectl-regcred.bash" => "kubectl-regcred"
    zsh_completion.install "completions/_kubectl-regcred"
    fish_completion.install "completions/kubectl-regcred.fish"
    man1.install Dir["man/*.1"]
    doc.install Dir["docs/*"]
  end

  def caveats
    <<~EOS
      Next:
        kubectl regcred login gitea.example.com -u USER   asks for a token, verifies and stores it
        kubectl regcred docker setup                      docker asks the keychain
      Before you uninstall: kubectl regcred docker remove
    EOS
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/kubectl-regcred version")
    assert_match "docker-credential-gitea (regcred) v#{version}", shell_output("#{bin}/docker-credential-gitea version")
  end
end
END
