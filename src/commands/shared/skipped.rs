//! Says what was skipped by name before a token is revoked: whatever holds the token there stops working.

use std::fmt::Display;

use super::search::Place;
use crate::ledger::Skipped;
use crate::model::printable;
use crate::output::Output;

/// The longest context name in a message, in characters.
const MAX_CONTEXT: usize = 100;

/// Reports the contexts that were skipped, and the skipped Secrets that hold `token`, as it is called in the sentence.
pub(in crate::commands) fn report<T>(
    skipped: &Skipped,
    places: &[Place<T>],
    token: impl Display,
    output: &mut Output<'_>,
) {
    for context in &skipped.contexts {
        let context = printable(context, MAX_CONTEXT);
        output.warn(format_args!(
            "context {context} was skipped: Secrets there that hold {token} stop working"
        ));
    }
    for place in places {
        output.warn(format_args!(
            "{} was skipped: it holds {token}, which is revoked now",
            place.shown(true)
        ));
    }
}
