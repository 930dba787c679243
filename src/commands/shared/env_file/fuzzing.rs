//! What fuzzing asks of parsers that are private (tests/fuzz); compiled for nothing else.

use super::{NAMES, parse, shell};

/// The values of the three variables, or the message.
pub fn assigned(text: &[u8]) -> Result<[Option<Vec<u8>>; 3], String> {
    let found = shell::assigned(text, NAMES).map_err(|refused| refused.to_string())?;
    Ok(found.values.map(|value| value.map(|value| value.to_vec())))
}

/// Registry, user and token, or the message.
pub fn env_file(text: &[u8]) -> Result<[String; 3], String> {
    let file = parse(text).map_err(|error| error.to_string())?;
    Ok([
        file.registry.to_string(),
        file.username.as_str().to_owned(),
        file.token.expose().to_owned(),
    ])
}
