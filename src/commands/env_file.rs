//! `registry.env`: the file that operators sourced into a shell before `docker login`.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::CommandError;
use crate::model::{Registry, Token, Username};

/// More than any such file, less than what a mistaken `/dev/zero` would fill the memory with; in octets.
const MAX_FILE: u64 = 256 * 1024;

/// What the file says. `REGISTRY_NAMESPACE` and other variables are of no concern here.
pub(super) struct EnvFile {
    pub(super) registry: Registry,
    pub(super) username: Username,
    pub(super) token: Token,
}

/// Reads `REGISTRY`, `REGISTRY_USERNAME` and `REGISTRY_TOKEN` lines.
pub(super) fn read(path: &Path) -> Result<EnvFile, CommandError> {
    let shown = path.display();
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_FILE).unwrap_or_default() + 1));
    File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut text))
        .map_err(|e| CommandError::failed(format_args!("cannot read {shown}: {e}")))?;
    if text.len() as u64 > MAX_FILE {
        return Err(CommandError::failed(format_args!(
            "{shown} is longer than a file of variables"
        )));
    }
    let text = std::str::from_utf8(&text).map_err(|_| CommandError::failed(format_args!("{shown} is not text")))?;
    parse(text).map_err(|error| error.on(shown))
}

fn parse(text: &str) -> Result<EnvFile, CommandError> {
    let mut found: [Option<Zeroizing<String>>; 3] = Default::default();
    let names = ["REGISTRY", "REGISTRY_USERNAME", "REGISTRY_TOKEN"];
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        // A later line wins, as it does in a shell.
        if let Some(slot) = names.iter().position(|known| *known == name) {
            let value =
                plain(value).map_err(|what| CommandError::failed(format_args!("line {number}: {name} {what}")))?;
            found[slot] = Some(value);
        }
    }
    let mut take = |slot: usize| {
        let value = found[slot].take().filter(|value| !value.is_empty());
        value.ok_or_else(|| {
            CommandError::failed(format_args!("no value for {}", names[slot]))
                .hint("it should have a line each of REGISTRY=…, REGISTRY_USERNAME=… and REGISTRY_TOKEN=…")
        })
    };
    let registry = take(0)?
        .parse()
        .map_err(|e| CommandError::failed(format_args!("REGISTRY: {e}")))?;
    let username = take(1)?
        .parse()
        .map_err(|e| CommandError::failed(format_args!("REGISTRY_USERNAME: {e}")))?;
    let token = Token::parse(&take(2)?).map_err(|e| CommandError::failed(format_args!("REGISTRY_TOKEN: {e}")))?;
    Ok(EnvFile {
        registry,
        username,
        token,
    })
}

/// The value that a shell would assign, as long as it need not run code to find it. Messages never quote it.
fn plain(value: &str) -> Result<Zeroizing<String>, &'static str> {
    let quoted = |quote: char| value.strip_prefix(quote);
    let text = if let Some(rest) = quoted('\'') {
        return match rest.split_once('\'') {
            Some((text, rest)) if is_end(rest) => Ok(Zeroizing::new(text.to_owned())),
            _ => Err("has a quote that is not closed"),
        };
    } else if let Some(rest) = quoted('"') {
        match rest.split_once('"') {
            Some((text, rest)) if is_end(rest) => text,
            _ => return Err("has a quote that is not closed"),
        }
    } else {
        let text = value.split_once([' ', '\t']);
        match text {
            Some((text, rest)) if is_end(rest) => text,
            Some(_) => return Err("has a space in it: put the value in quotes"),
            None => value,
        }
    };
    if text.contains(['$', '`', '\\']) {
        return Err("is shell code, not a plain value");
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// Nothing, or a comment.
fn is_end(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty() || rest.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "REGISTRY_USERNAME=admin\nREGISTRY_TOKEN=s3cret\n";

    #[test]
    fn the_runbooks_file_is_understood() {
        for first in [
            "REGISTRY=gitea.example.com",
            "# a comment\n\nexport REGISTRY=gitea.example.com",
            "REGISTRY='gitea.example.com' # ours",
            "REGISTRY=\"gitea.example.com\"",
            "REGISTRY=gitea.example.com  # ours",
            "REGISTRY=old.example.com\r\nREGISTRY=https://gitea.example.com/\r",
        ] {
            let file = parse(&format!("{first}\nREGISTRY_NAMESPACE=admin\n{REST}")).unwrap();
            assert_eq!(file.registry.as_str(), "gitea.example.com", "{first}");
            assert_eq!((file.username.as_str(), file.token.expose()), ("admin", "s3cret"));
        }
    }

    #[test]
    fn what_a_shell_would_have_to_run_is_refused_without_quoting_it() {
        for (text, says) in [
            (
                format!("REGISTRY=$(hostname)\n{REST}"),
                "line 1: REGISTRY is shell code",
            ),
            (format!("REGISTRY=\"$HOST\"\n{REST}"), "line 1: REGISTRY is shell code"),
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
                format!("REGISTRY=ftp://a\n{REST}"),
                "REGISTRY: a registry is reached over https",
            ),
        ] {
            let error = parse(&text).err().unwrap().to_string();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
