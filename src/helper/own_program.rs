//! The helper's own program, which takes half the memory of `kubectl-regcred` under its name.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Replaces this process by the program of this name, if it lies beside the one that runs, as in a release's archive. krew links
/// `kubectl-regcred` alone, so docker's link leads to it.
///
/// Returns where there is none, or where it does not start.
pub fn replace_process(name: &str, args: &[OsString]) {
    let found = std::env::current_exe().ok().and_then(|this| beside(&this, name));
    if let Some(program) = found {
        let _it_did_not_start = Command::new(program).args(args).exec();
    }
}

/// Not a link, which may lead back here, nor this program itself, nor what another user has put there.
fn beside(this: &Path, name: &str) -> Option<PathBuf> {
    let program = this.with_file_name(name);
    let (ours, its) = (this.metadata().ok()?, program.symlink_metadata().ok()?);
    (its.is_file() && its.ino() != ours.ino() && its.uid() == ours.uid()).then_some(program)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    const NAME: &str = "docker-credential-gitea";

    fn beside(this: &Path) -> Option<PathBuf> {
        super::beside(this, NAME)
    }

    #[test]
    fn only_a_program_of_its_own_counts() {
        let folder = tempfile::tempdir().unwrap();
        let [this, program] = ["kubectl-regcred", NAME].map(|name| folder.path().join(name));
        fs::write(&this, "plugin").unwrap();
        assert_eq!(beside(&this), None, "nothing is there");
        symlink("kubectl-regcred", &program).unwrap();
        assert_eq!(beside(&this), None, "a link");
        fs::remove_file(&program).unwrap();
        fs::hard_link(&this, &program).unwrap();
        assert_eq!(beside(&this), None, "the same file");
        assert_eq!(beside(&program), None, "itself");
        fs::remove_file(&program).unwrap();
        fs::create_dir(&program).unwrap();
        assert_eq!(beside(&this), None, "a folder");
        fs::remove_dir(&program).unwrap();
        fs::write(&program, "helper").unwrap();
        assert_eq!(beside(&this), Some(program));
    }
}
