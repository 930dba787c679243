//! Which systems' programs are run on this one, and what that takes.

use std::path::{Path, PathBuf};

use super::super::part::missing;
use super::wine;

/// What runs programs for arm64 (Debian's package qemu-user).
pub(super) const QEMU: &str = "qemu-aarch64";

/// Whose programs they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    Windows,
    /// Linux on arm64, with the static programs of a release.
    Arm64,
    /// This one, with programs that were built without the feature `kernel-keyring`.
    WithoutKernelKeyring,
}

impl System {
    /// The folder of its programs.
    pub(super) fn built(self) -> Option<PathBuf> {
        let variable = match self {
            Self::Windows => "REGCRED_TEST_WINDOWS",
            Self::Arm64 => "REGCRED_TEST_ARM64",
            Self::WithoutKernelKeyring => "REGCRED_TEST_WITHOUT_KERNEL_KEYRING",
        };
        std::env::var_os(variable).map(PathBuf::from)
    }

    /// Its file of a program, where it was built.
    #[must_use]
    pub fn program(self, name: &str) -> Option<PathBuf> {
        let file = self.built()?.join(self.file(name));
        file.is_file().then_some(file)
    }

    /// What the file of a program is called.
    pub(super) fn file(self, name: &str) -> String {
        match self {
            Self::Windows => format!("{name}.exe"),
            Self::Arm64 | Self::WithoutKernelKeyring => name.to_owned(),
        }
    }

    /// What is missing to run them.
    #[must_use]
    pub fn missing(self) -> Vec<&'static str> {
        let built_by = match self {
            Self::Windows => "its programs (tests/parts/systems.sh windows)",
            Self::Arm64 => "its programs (tests/parts/systems.sh arm64)",
            Self::WithoutKernelKeyring => "its programs (tests/parts/without-kernel-keyring.sh)",
        };
        let mut lacks = match self {
            Self::Windows if wine::PARTS.iter().all(|file| Path::new(file).is_file()) => Vec::new(),
            Self::Windows => vec!["wine64 and wine64-preloader"],
            Self::Arm64 => missing(&[QEMU]),
            Self::WithoutKernelKeyring => Vec::new(),
        };
        if self.program("kubectl-regcred").is_none() {
            lacks.push(built_by);
        }
        lacks
    }
}
