//! The blocks that are not played here, and where they are.

use super::blocks::Block;

/// A block that begins so, or with `*` all of a document.
pub struct Elsewhere {
    pub document: &'static str,
    pub begins: &'static str,
    /// Why not here.
    pub why: &'static str,
}

impl Elsewhere {
    pub fn is(&self, block: &Block) -> bool {
        block.document == self.document && (self.begins == "*" || block.text.starts_with(self.begins))
    }
}

const fn entry(document: &'static str, begins: &'static str, why: &'static str) -> Elsewhere {
    Elsewhere { document, begins, why }
}

pub const LIST: &[Elsewhere] = &[
    entry("README.md", "OS keychain ──►", "a drawing"),
    entry("README.md", "cargo run --example quickstart", "tests/run.sh runs it"),
    entry("README.md", "kubectl krew index add", "newcomer: with a real krew"),
    entry(
        "README.md",
        "cargo install",
        "a release build: krew's scenarios install what it would build",
    ),
    entry(
        "README.md",
        "{\"credHelpers\"",
        "a file: docker_files holds it against what setup writes",
    ),
    entry(
        "README.md",
        "kubectl regcred docker remove",
        "newcomer: with a real krew",
    ),
    entry(
        "README.md",
        "kubectl regcred keychain use vault",
        "docs/vault.md has it, where no other keychain is to go on with",
    ),
    entry("docs/ci.md", "*", "ci: each by itself, as its runner would"),
    entry(
        "docs/clients.md",
        "*",
        "matrix: it writes the page from runs of every client",
    ),
    entry(
        "docs/docker.md",
        "{\"credHelpers\"",
        "a file: docker_files holds it against what setup writes",
    ),
    entry(
        "docs/images.md",
        "*",
        "images: on a Gitea that has images, and on its double",
    ),
    entry(
        "docs/where.md",
        "{",
        "a file: the ledger's own tests hold what is written",
    ),
    entry("docs/install.md", "kubectl krew", "krew: with a real one"),
    entry(
        "docs/install.md",
        "sha256sum --check",
        "it needs the archive of a release: tests/release.sh makes and opens it",
    ),
    entry(
        "docs/install.md",
        "cargo install",
        "release builds, two of them of other people's programs",
    ),
    entry(
        "docs/install.md",
        "kubectl regcred docker remove",
        "krew: with a real one",
    ),
    entry(
        "docs/install.md",
        "brew install",
        "krew: what Homebrew and Scoop would read is read there",
    ),
    entry("docs/install.md", "rm ~/.krew/bin", "krew: with a real one"),
    entry(
        "docs/install.md",
        "kubectl delete rolebinding",
        "workloads: permissions",
    ),
    entry(
        "docs/install.md",
        "rm ~/.local/bin",
        "it deletes what every other test runs",
    ),
    entry(
        "docs/keychains.md",
        "read -rs PASSWORD",
        "it takes the keyring of the session that runs this test",
    ),
    entry(
        "docs/output.md",
        "*",
        "documents, which are parsed here and compared where they are printed",
    ),
    entry(
        "docs/performance.md",
        "tests/bench/all.sh",
        "benchmarks: they need a release build and a quiet machine",
    ),
    entry("docs/status.md", "*", "status: the screens are written from runs"),
    entry("docs/timers.md", "*", "timers: as systemd and a pod would run them"),
    entry(
        "docs/targets.md",
        "registries:",
        "a file: the other documents' regcred.yaml is this one",
    ),
    entry(
        "docs/targets.md",
        "registry-credentials:",
        "a file: targets reads one like it",
    ),
    entry("docs/workloads.md", "*", "workloads: permissions"),
    entry(
        "docs/vault.md",
        "[Service]",
        "a unit: vault_status has a folder as systemd makes one",
    ),
    entry(
        "docs/team.md",
        "name =",
        "a file: commands/shared/authorship.rs reads it",
    ),
    entry(
        "docs/team.md",
        "secret-of-another:",
        "status/team: what status says at the second workstation",
    ),
    entry(
        "docs/team.md",
        "kubectl regcred login gitea.example.com -u bot",
        "sync/team: with a user of that name",
    ),
    entry(
        "docs/team.md",
        "kubectl regcred login gitea.example.com -u robot",
        "sync/accounts: with a user of that name",
    ),
    entry("docs/team.md", "registries:", "a file: sync/accounts reads one like it"),
    entry(
        "docs/login.md",
        "kubectl regcred login gitea.example.com -u robot",
        "sync/accounts: with a user of that name",
    ),
];
