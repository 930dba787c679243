//! `registry.env`: a file of variables that operators source into a shell before `docker login`.

#[cfg(fuzzing)]
pub(in crate::commands) mod fuzzing;
mod shell;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::CommandError;
use crate::model::{CommandLine, Hint, Registry, Token, Username};
use crate::sys::replace;
use crate::sys::whole_file::{self, ReadFileError};
use shell::{Form, Value};

/// The most octets that are read, so that a mistaken `/dev/zero` does not fill the memory.
const MAX_FILE: u64 = 256 * 1024;

/// The variables that are read.
const NAMES: [&str; 3] = ["REGISTRY", "REGISTRY_USERNAME", "REGISTRY_TOKEN"];

/// The commands that delete the token's line, and how that begins. The old file is kept beside it until that has succeeded,
/// which GNU's and BSD's sed do in the same way. PowerShell would split `-i.old` in two.
const LINE: (&str, &[u8]) = ("sed -i-old '/^REGISTRY_TOKEN=/d'", b"REGISTRY_TOKEN=");
const EXPORT_LINE: (&str, &[u8]) = ("sed -i-old '/^export REGISTRY_TOKEN=/d'", b"export REGISTRY_TOKEN=");

/// Whether a file of this name usually has variables: those for which `status` searches git.
pub(in crate::commands) fn is_name(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(OsStr::to_str);
    name.starts_with(".env") || name.contains(".env.") || matches!(extension, Some("env" | "envrc"))
}

/// The values in the file. Other variables, such as `REGISTRY_NAMESPACE`, are ignored.
pub(in crate::commands) struct EnvFile {
    pub(in crate::commands) registry: Registry,
    pub(in crate::commands) username: Username,
    pub(in crate::commands) token: Token,
    removal: Removal,
}

/// What removes the token from the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Removal {
    /// Deleting the file, which has nothing else.
    File,
    /// This command. Other variables are kept, because other programs may need them.
    Line(&'static str),
    /// An editor: the token's line has more, or is more than one.
    ByHand,
}

/// Reads `REGISTRY`, `REGISTRY_USERNAME` and `REGISTRY_TOKEN`, as a shell would.
pub(in crate::commands) fn read(path: &Path) -> Result<EnvFile, CommandError> {
    let shown = path.display();
    let text = whole_file::read_named(path, MAX_FILE).map_err(|why| match why {
        ReadFileError::TooLong => CommandError::failed(format_args!("{shown} is longer than a file of variables")),
        why => CommandError::failed(format_args!("cannot read {shown}: {why}")),
    })?;
    parse(&text).map_err(|error| error.on(shown))
}

/// How to remove the token from the file, which still holds it after the token was stored. `None` for a pipe.
pub(in crate::commands) fn what_is_left(path: &Path, file: &EnvFile) -> Option<Hint> {
    if whole_file::is_inherited(path) {
        return None;
    }
    let by_hand = || "take REGISTRY_TOKEN out of it with an editor".into();
    Some(command(path, file.removal).map_or_else(by_hand, Hint::from))
}

/// The command that removes the token from a file that was found, if `REGISTRY_TOKEN` in it is the one.
pub(in crate::commands) fn removal(path: &Path, is_it: impl FnOnce(&Token) -> bool) -> Option<CommandLine> {
    // Another name would be another file's.
    path.to_str()?;
    let file = read(path).ok().filter(|file| is_it(&file.token))?;
    what_is_left(path, &file)?.command().cloned()
}

/// `None` if no command removes all of it.
fn command(path: &Path, removal: Removal) -> Option<CommandLine> {
    // A command that is given a link leaves the file.
    let target = replace::target(path).unwrap_or_else(|_| path.to_owned());
    if has_other_names(&target) {
        return None;
    }
    let path = target.display().to_string();
    let old = format!("{path}-old");
    match removal {
        Removal::File => Some(CommandLine::new("rm").value("FILE", &path)),
        // That file would be lost.
        Removal::Line(_) if fs::symlink_metadata(&old).is_ok() => None,
        Removal::Line(sed) => {
            let delete = CommandLine::new("rm").value("FILE-old", &old);
            Some(CommandLine::new(sed).value("FILE", &path).then(&delete))
        }
        Removal::ByHand => None,
    }
}

/// Whether the file has further hard links, which would keep the token.
#[cfg(unix)]
fn has_other_names(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).is_ok_and(|found| found.nlink() > 1)
}

/// std does not count hard links on Windows, where they are unusual for such files.
#[cfg(not(unix))]
fn has_other_names(_: &Path) -> bool {
    false
}

fn parse(text: &[u8]) -> Result<EnvFile, CommandError> {
    let shell::Assigned {
        values,
        forms: [.., forms],
        has_others,
    } = shell::assigned(text, NAMES).map_err(CommandError::failed)?;
    let [registry, username, token] = values;
    Ok(EnvFile {
        registry: given(0, registry)?
            .parse()
            .map_err(|e| CommandError::failed(format_args!("REGISTRY: {e}")))?,
        username: given(1, username)?
            .parse()
            .map_err(|e| CommandError::failed(format_args!("REGISTRY_USERNAME: {e}")))?,
        token: Token::parse(&given(2, token)?)
            .map_err(|e| CommandError::failed(format_args!("REGISTRY_TOKEN: {e}")))?,
        removal: if has_others {
            of_lines(text, &forms)
        } else {
            Removal::File
        },
    })
}

/// The command that deletes the lines that assign the token, if it deletes no others.
fn of_lines(text: &[u8], forms: &[Form]) -> Removal {
    let (command, beginning) = match forms.first() {
        Some(Form::Line) => LINE,
        Some(Form::ExportLine) => EXPORT_LINE,
        Some(Form::Other) | None => return Removal::ByHand,
    };
    // A value of several lines may have one that begins in the same way.
    let matching = text
        .split(|byte| *byte == b'\n')
        .filter(|line| line.starts_with(beginning));
    if forms.iter().all(|form| *form == forms[0]) && matching.count() == forms.len() {
        Removal::Line(command)
    } else {
        Removal::ByHand
    }
}

/// The value as text.
fn given(slot: usize, value: Option<Value>) -> Result<Zeroizing<String>, CommandError> {
    let name = NAMES[slot];
    let value = value.filter(|value| !value.is_empty()).ok_or_else(|| {
        CommandError::failed(format_args!("no value for {name}"))
            .hint("it should have a line each of REGISTRY=…, REGISTRY_USERNAME=… and REGISTRY_TOKEN=…")
    })?;
    let text =
        std::str::from_utf8(&value).map_err(|_| CommandError::failed(format_args!("{name} is not text in UTF-8")))?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "REGISTRY_USERNAME=admin\nREGISTRY_TOKEN=s3cret\n";

    #[test]
    fn a_file_of_variables_is_read() {
        for first in [
            "REGISTRY=gitea.example.com",
            "# a comment\n\nexport REGISTRY=gitea.example.com",
            "REGISTRY='gitea.example.com' # ours",
            "REGISTRY=\"gitea.example.com\"",
            "REGISTRY=gitea.example.com  # ours",
            "REGISTRY=old.example.com\r\nREGISTRY=https://gitea.example.com/\r",
        ] {
            let file = parse(format!("{first}\nREGISTRY_NAMESPACE=admin\n{REST}").as_bytes()).unwrap();
            assert_eq!(file.registry.as_str(), "gitea.example.com", "{first}");
            assert_eq!((file.username.as_str(), file.token.expose()), ("admin", "s3cret"));
        }
    }

    #[test]
    fn shell_code_is_refused_without_quoting_it() {
        for (text, says) in [
            (
                format!("REGISTRY=$(hostname)\n{REST}"),
                "line 1: REGISTRY is shell code",
            ),
            (format!("REGISTRY=\"$HOST\"\n{REST}"), "line 1: REGISTRY has a $ in it"),
            (format!("REGISTRY='a\n{REST}"), "line 1: REGISTRY has a quote"),
            (
                "REGISTRY=a\nREGISTRY_USERNAME=b\nREGISTRY_TOKEN=s3cret two\n".into(),
                "line 3: REGISTRY_TOKEN has a space",
            ),
            (
                "REGISTRY=a\nREGISTRY_USERNAME=b\nREGISTRY_TOKEN=`s3cret`\n".into(),
                "line 3: REGISTRY_TOKEN is shell",
            ),
            (
                "REGISTRY=a\nREGISTRY_USERNAME=b\n".into(),
                "no value for REGISTRY_TOKEN",
            ),
            (
                "REGISTRY=a\nREGISTRY_USERNAME=b\nREGISTRY_TOKEN=\n".into(),
                "no value for REGISTRY_TOKEN",
            ),
            (format!("REGISTRY=a b:c\n{REST}"), "has a space"),
            (
                "REGISTRY=a\nREGISTRY_USERNAME=b\nREGISTRY_TOKEN=s3cret\u{feff}\n".into(),
                "REGISTRY_TOKEN: the token holds a character that cannot be seen (U+FEFF)",
            ),
            (
                format!("REGISTRY=ftp://a\n{REST}"),
                "REGISTRY: a registry is reached over https",
            ),
        ] {
            let error = parse(text.as_bytes()).err().unwrap().to_string();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    fn left(path: &Path, text: &str) -> String {
        let file = parse(text.as_bytes()).unwrap();
        what_is_left(path, &file).unwrap().to_string()
    }

    #[test]
    fn the_command_that_removes_the_token_keeps_other_variables() {
        let path = Path::new("/srv/a b/registry.env");
        let alone = format!("REGISTRY=a\n{REST}");
        assert_eq!(left(path, &alone), "rm '/srv/a b/registry.env'");
        let removed = "'/srv/a b/registry.env' && rm '/srv/a b/registry.env-old'";
        assert_eq!(
            left(path, &format!("{alone}OTHER=x\n")),
            format!("sed -i-old '/^REGISTRY_TOKEN=/d' {removed}")
        );
        assert_eq!(
            left(
                path,
                "OTHER=x\nREGISTRY=a\nREGISTRY_USERNAME=b\nexport REGISTRY_TOKEN='s3cret' # ours\r\n"
            ),
            format!("sed -i-old '/^export REGISTRY_TOKEN=/d' {removed}")
        );
        let file = parse(alone.as_bytes()).unwrap();
        assert_eq!(what_is_left(Path::new("/dev/fd/63"), &file), None);
    }

    #[test]
    fn a_line_that_has_more_is_left_to_an_editor() {
        let start = "OTHER=x\nREGISTRY=a\nREGISTRY_USERNAME=b\n";
        for token in [
            "REGISTRY_TOKEN=s3cret MORE=y",
            "MORE=y REGISTRY_TOKEN=s3cret",
            "MORE=y; REGISTRY_TOKEN=s3cret",
            "REGISTRY_TOKEN=s3cret; MORE=y",
            "REGISTRY_TOKEN=s3cret;",
            "export REGISTRY_TOKEN=s3cret MORE",
            "  REGISTRY_TOKEN=s3cret",
            "MORE=y \\\nREGISTRY_TOKEN=s3cret",
            "REGISTRY_TOKEN=s3\\\ncret",
            "export REGISTRY_TOKEN=old\nREGISTRY_TOKEN=s3cret",
            "MORE='\nREGISTRY_TOKEN=\n'\nREGISTRY_TOKEN=s3cret",
        ] {
            let said = left(Path::new("/srv/registry.env"), &format!("{start}{token}\n"));
            assert_eq!(said, "take REGISTRY_TOKEN out of it with an editor", "{token}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_command_removes_the_token_and_nothing_else() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("registry.env"), folder.path().join("link.env"));
        let rest = "REGISTRY=a\nREGISTRY_USERNAME=b\nDB_PASSWORD=x\nCI_REGISTRY_TOKEN=y\n";
        let text = format!("{rest}REGISTRY_TOKEN=s3cret\n");
        fs::write(&file, &text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        symlink("registry.env", &link).unwrap();
        let type_in = |command: &str| {
            let status = std::process::Command::new("sh").args(["-c", command]).status();
            assert!(status.unwrap().success(), "{command}");
        };
        type_in(&left(&link, &text));
        assert_eq!(fs::read_to_string(&link).unwrap(), rest);
        assert!(link.is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "no copy is left");

        type_in(&left(&link, &format!("REGISTRY=a\n{REST}")));
        assert!(!file.exists());

        // What a command would leave, or lose.
        fs::write(&file, &text).unwrap();
        let second = folder.path().join("second.env");
        fs::hard_link(&file, &second).unwrap();
        assert!(left(&file, &text).contains("editor"));
        fs::remove_file(&second).unwrap();
        fs::write(folder.path().join("registry.env-old"), "mine").unwrap();
        assert!(left(&file, &text).contains("editor"));
    }
}
