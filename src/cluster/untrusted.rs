//! Makes untrusted text from a cluster safe to print.

use crate::model::printable;

/// The longest text from a server that is shown, in characters.
pub(super) const MAX_SHOWN: usize = 300;

/// Fits such a text to one line of a terminal: cut, and without control characters.
pub(super) fn untrusted(text: &str) -> String {
    printable(text, MAX_SHOWN)
}
