//! Text from a cluster, which anybody may have written, for a message.

use crate::model::printable;

/// Longest text from a server that is worth showing, in characters.
pub(super) const MAX_SHOWN: usize = 300;

/// Fits such a text to one line of a terminal: cut, and without control characters.
pub(super) fn untrusted(text: &str) -> String {
    printable(text, MAX_SHOWN)
}
