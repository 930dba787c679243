//! What clients of a credential helper send.

use std::io::Read;

use zeroize::Zeroizing;

use super::error::{Failure, NO_SERVER};
use crate::model::HelperEntry;
use crate::sys::secret_buffer;

/// Longest input. Tokens of some registries have tens of kilobytes; docker's own helpers stop at 64.
const MAX_INPUT: usize = 1024 * 1024;
/// Enough for nearly every input.
const USUAL_INPUT: usize = 4 * 1024;

/// The server that `get` and `erase` are about.
pub(super) fn server(stdin: &mut dyn Read) -> Result<String, Failure> {
    let bytes = all(stdin)?;
    // Bytes that are not UTF-8 name no registry, so nothing is found or erased for them.
    let server = String::from_utf8_lossy(&bytes).trim().to_owned();
    if server.is_empty() {
        return Err(Failure::Protocol(NO_SERVER));
    }
    Ok(server)
}

/// The entry that `store` should keep.
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
    match secret_buffer::read(stdin, USUAL_INPUT, MAX_INPUT) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(Failure::Input(format!("the input is longer than {MAX_INPUT} bytes"))),
        Err(error) => Err(Failure::Input(format!("the input cannot be read: {error}"))),
    }
}
