//! Reads secrets from standard input.

use zeroize::Zeroizing;

use crate::commands::system::System;
use crate::error::CommandError;
use crate::sys::secret_buffer;

/// Enough for nearly every secret, in octets.
const USUAL: usize = 4 * 1024;

/// Reads standard input to its end; `None` if it has more than `max` octets. `what` names it for a prompt.
pub(in crate::commands) fn read(
    what: &str,
    max: usize,
    system: &mut System<'_>,
) -> Result<Option<Zeroizing<Vec<u8>>>, CommandError> {
    if system.person.is_some() {
        system.output.info(format_args!(
            "reading the {what} from standard input; end it with Ctrl-D"
        ));
    }
    Ok(secret_buffer::read(&mut system.stdin, USUAL, max)?)
}
