//! What clients of a credential helper send.

use std::io::Read;

use zeroize::Zeroizing;

use super::error::{Failure, NO_SERVER};
use crate::model::HelperEntry;

/// Longest input. Tokens of some registries have tens of kilobytes; docker's own helpers stop at 64.
const MAX_INPUT: u64 = 1024 * 1024;

/// The server that `get` and `erase` are about.
pub(super) fn server(stdin: &mut dyn Read) -> Result<String, Failure> {
    let bytes = all(stdin)?;
    // What is no text names no registry, and no registry is nothing to be found or erased.
    let server = String::from_utf8_lossy(&bytes).trim().to_owned();
    if server.is_empty() {
        return Err(Failure::Protocol(NO_SERVER));
    }
    Ok(server)
}

/// What `store` is to keep.
pub(super) fn entry(stdin: &mut dyn Read) -> Result<HelperEntry, Failure> {
    let bytes = all(stdin)?;
    // serde_json's message would quote a secret that is a number.
    HelperEntry::parse(&bytes).map_err(|error| {
        Failure::Input(format!(
            "the input is not the JSON object that docker sends: line {} column {}",
            error.line(),
            error.column()
        ))
    })
}

fn all(stdin: &mut dyn Read) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // Enough for nearly everything, so that no growth leaves a copy of a token behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024));
    let read = stdin.take(MAX_INPUT + 1).read_to_end(&mut bytes);
    match read {
        Ok(length) if length as u64 <= MAX_INPUT => Ok(bytes),
        Ok(_) => Err(Failure::Input(format!("the input is longer than {MAX_INPUT} bytes"))),
        Err(error) => Err(Failure::Input(format!("the input cannot be read: {error}"))),
    }
}
