//! Finds files with a registry's token that git tracks: everyone who can read the repository has the token.

use std::path::{Path, PathBuf};

use super::code::Code;
use super::finding::{Finding, Object, Remedy};
use crate::commands::shared::git;
use crate::model::{CommandLine, printable};
use crate::sys::env::Env;

/// The usual names of files with variables.
const NAMES: [&str; 4] = [
    ":(glob)**/*.env",
    ":(glob)**/.env*",
    ":(glob)**/*.env.*",
    ":(glob)**/*.envrc",
];
/// What `--env-file` takes, with a value that can be a token: Gitea's have 40 characters, and no registry's is shorter
/// than this. `$VARIABLE`, `<your token>` and `changeme` are none. A comment may follow.
const PATTERN: &str = "^[[:space:]]*(export[[:space:]]+)?REGISTRY_TOKEN=[\"']?[A-Za-z0-9_.+/=~:-]{16,}[\"']?([[:space:]]+#.*)?[[:space:]]*$";
/// The most files of one repository that are shown.
const MAX_FILES: usize = 20;

/// Searches the repository of the current folder. Without git or outside of a repository, nothing is found.
///
/// The index is searched and not the folder, because files of git-crypt or sops are encrypted only in the index.
pub(super) async fn look(env: &Env) -> Vec<Finding> {
    let Some(folder) = env.path("PWD").filter(|folder| folder.is_absolute()) else {
        return Vec::new();
    };
    let Some(root) = git::answer(env, &folder, &["rev-parse", "--show-toplevel"]).await else {
        return Vec::new();
    };
    let root = PathBuf::from(root.trim_end_matches('\n'));
    let mut search = vec![
        "grep",
        "--cached",
        "--files-with-matches",
        "-z",
        "-I",
        "-E",
        "-e",
        PATTERN,
        "--",
    ];
    search.extend(NAMES);
    let Some(files) = git::answer(env, &root, &search).await else {
        return Vec::new();
    };
    files
        .split('\0')
        .filter(|file| !file.is_empty())
        .take(MAX_FILES)
        .map(|file| finding(&root, file))
        .collect()
}

fn finding(root: &Path, file: &str) -> Finding {
    Finding {
        message: None,
        code: Code::EnvFileInGit,
        object: Object::here("file", printable(&root.join(file).display().to_string(), 300)),
        cause: "git tracks this file, and there is a REGISTRY_TOKEN in it".to_owned(),
        remedy: Remedy::command(
            CommandLine::new("git")
                .option("-C", "FOLDER", root.display().to_string())
                .words("rm --cached --")
                .foreign("FILE", file),
        )
        .and(
            "commit that, list the file in .gitignore, and change the token with kubectl regcred rotate: the history \
             still has this one",
        ),
    }
}
