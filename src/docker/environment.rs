//! The variable `DOCKER_AUTH_CONFIG`, which docker 28.3 and later read more strictly than their file.

use super::config::AUTHS;
use super::{Config, EntryContent};
use crate::model::go_json::is_field;

/// The document in it; `None` if docker refuses it and goes on to its file.
///
/// docker accepts nothing but `auths`, and in each entry nothing but an `auth`, which has to be there.
pub(super) fn read(text: &str) -> Option<Config> {
    let config = Config::parse(text.as_bytes()).ok()?;
    let is_only = |path: &[&str], field| {
        let members = config.json.members(path);
        members.is_ok_and(|members| members.iter().all(|(name, _)| is_field(name, field)))
    };
    let auths = config.name(AUTHS);
    let is_read = config.blank.is_none()
        && is_only(&[], AUTHS)
        && config
            .entries()
            .iter()
            .all(|entry| matches!(entry.held, EntryContent::Login(..)) && is_only(&[&auths, &entry.key], "auth"));
    is_read.then_some(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_takes_only_what_it_knows() {
        for (text, is_read) in [
            (
                r#"{"auths":{"a.example.com":{"auth":"dTp0"},"b.example.com":{"auth":"dTp0"}}}"#,
                true,
            ),
            (r#"{"Auths":{"a.example.com":{"AUTH":"dTp0"}}}"#, true),
            (r#"{"auths":{}}"#, true),
            ("", false),
            ("{", false),
            (r#"{"auths":{"a.example.com":{"auth":"dTp0"}}} {}"#, false),
            (r#"{"auths":{"a.example.com":{"auth":"dTp0"}},"credsStore":"x"}"#, false),
            (r#"{"auths":{"a.example.com":{"auth":"dTp0","email":"x"}}}"#, false),
            (
                r#"{"auths":{"a.example.com":{"auth":"dTp0"},"b.example.com":{}}}"#,
                false,
            ),
            (r#"{"auths":{"a.example.com":{"username":"u","password":"t"}}}"#, false),
            (r#"{"auths":{"a.example.com":{"identitytoken":"t"}}}"#, false),
        ] {
            assert_eq!(read(text).is_some(), is_read, "{text}");
        }
    }
}
