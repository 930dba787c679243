//! `registry.env`: a file of variables that operators source into a shell before `docker login`.

#[cfg(fuzzing)]
pub(in crate::commands) mod fuzzing;
mod shell;

use std::ffi::OsStr;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::CommandError;
use crate::model::{CommandLine, Registry, Token, Username};
use crate::sys::whole_file::{self, ReadFileError};
use shell::Value;

/// The most octets that are read, so that a mistaken `/dev/zero` does not fill the memory.
const MAX_FILE: u64 = 256 * 1024;

/// The variables that are read.
const NAMES: [&str; 3] = ["REGISTRY", "REGISTRY_USERNAME", "REGISTRY_TOKEN"];

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
    has_others: bool,
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

/// The command that removes the token from the file, which still holds it after the token was stored. `None` for a pipe.
pub(in crate::commands) fn what_is_left(path: &Path, file: &EnvFile) -> Option<CommandLine> {
    if whole_file::is_inherited(path) {
        return None;
    }
    let path = path.display().to_string();
    if !file.has_others {
        return Some(CommandLine::new("rm").value("FILE", &path));
    }
    // Other variables are kept, because other programs may need them.
    let new = format!("{path}.new");
    let rename = CommandLine::new("mv").value("FILE.new", &new).value("FILE", &path);
    let others = CommandLine::new("grep -v REGISTRY_TOKEN=").value("FILE", &path);
    Some(others.into_file(&new).then(&rename))
}

/// The command that removes the token from a file that was found, if `REGISTRY_TOKEN` in it is the one.
pub(in crate::commands) fn removal(path: &Path, is_it: impl FnOnce(&Token) -> bool) -> Option<CommandLine> {
    // Another name would be another file's.
    path.to_str()?;
    let file = read(path).ok().filter(|file| is_it(&file.token))?;
    what_is_left(path, &file)
}

fn parse(text: &[u8]) -> Result<EnvFile, CommandError> {
    let shell::Assigned { values, has_others } = shell::assigned(text, NAMES).map_err(CommandError::failed)?;
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
        has_others,
    })
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

    #[test]
    fn the_command_that_removes_the_token_keeps_other_variables() {
        let path = Path::new("/srv/a b/registry.env");
        let of = |text: &str| {
            let file = parse(text.as_bytes()).unwrap();
            what_is_left(path, &file).unwrap().to_string()
        };
        let alone = format!("REGISTRY=a\n{REST}");
        assert_eq!(of(&alone), "rm '/srv/a b/registry.env'");
        assert_eq!(
            of(&format!("{alone}OTHER=x\n")),
            "grep -v REGISTRY_TOKEN= '/srv/a b/registry.env' > '/srv/a b/registry.env.new' && \
             mv '/srv/a b/registry.env.new' '/srv/a b/registry.env'"
        );
        let file = parse(alone.as_bytes()).unwrap();
        assert_eq!(what_is_left(Path::new("/dev/fd/63"), &file), None);
    }
}
