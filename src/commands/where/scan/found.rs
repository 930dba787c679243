//! What the search finds, as it finds it.

use std::fmt;
use std::path::PathBuf;

use super::kind::Kind;
use crate::commands::shared::copies::Found;
use crate::model::{CommandLine, count, size};

/// One token in one file or git object.
#[derive(Clone, Debug)]
pub(in crate::commands::r#where) struct Copy {
    /// The file, or the repository.
    pub(in crate::commands::r#where) file: PathBuf,
    pub(in crate::commands::r#where) kind: Kind,
    pub(in crate::commands::r#where) found: Found,
    /// The first lines that it is in, where the file is text.
    pub(in crate::commands::r#where) lines: Vec<u64>,
    pub(in crate::commands::r#where) object: Option<GitObject>,
    /// What takes it out of the file, where that is certain.
    pub(super) removal: Option<CommandLine>,
}

/// An object of a repository.
#[derive(Clone, Debug)]
pub(in crate::commands::r#where) struct GitObject {
    pub(in crate::commands::r#where) id: String,
    /// Where it is in a commit, if that was found quickly.
    pub(in crate::commands::r#where) path: Option<String>,
    pub(in crate::commands::r#where) commit: Option<String>,
}

/// Something that could not be read, and why.
#[derive(Clone, Debug)]
pub(in crate::commands::r#where) struct Unread {
    pub(in crate::commands::r#where) file: PathBuf,
    pub(in crate::commands::r#where) reason: String,
}

/// How much was searched.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::commands::r#where) struct Extent {
    pub(super) files: u64,
    pub(super) objects: u64,
    pub(super) octets: u64,
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&count::show(self.files, "file"))?;
        if self.objects > 0 {
            write!(f, " and {}", count::show(self.objects, "git object"))?;
        }
        write!(f, " ({})", size::show(self.octets))
    }
}

/// What the searching thread tells.
pub(super) enum Event {
    Copy(Box<Copy>),
    Unread(Unread),
    At(Extent),
}
