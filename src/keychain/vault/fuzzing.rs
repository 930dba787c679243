//! What fuzzing asks of parsers that are private (tests/fuzz); compiled for nothing else.

use std::sync::LazyLock;

use super::content::Items;
use super::key::Key;
use super::sealed::{self, Header};

/// Of no vault.
static KEY: LazyLock<Key> = LazyLock::new(Key::generate);

/// The id and the wrapped key in the header of a vault's file.
pub fn header(file: &[u8]) -> Option<(String, Option<Vec<u8>>)> {
    let Header { id, wrapped } = Header::read(file).ok()?;
    Some((id.as_str().to_owned(), wrapped))
}

/// A vault's file with this content, and this wrapped key in its header.
pub fn sealed(id: &str, wrapped: Option<Vec<u8>>, plain: &[u8]) -> Option<Vec<u8>> {
    let id = id.parse().ok()?;
    sealed::seal(&Header { id, wrapped }, &KEY, plain).ok()
}

/// The content of a file of [`sealed`].
pub fn opened(file: &[u8]) -> Option<Vec<u8>> {
    sealed::open(file, &KEY).ok().map(|plain| plain.to_vec())
}

/// The content as it would be written again.
pub fn rewritten(plain: &[u8]) -> Option<Vec<u8>> {
    Some(Items::parse(plain)?.text().ok()?.to_vec())
}
