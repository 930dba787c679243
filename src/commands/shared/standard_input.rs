//! Reads secrets from standard input.

use std::io::Read as _;

use zeroize::Zeroizing;

use crate::commands::system::System;
use crate::error::CommandError;

/// Reads standard input to its end; `None` if it has more than `max` octets. `what` names it for a prompt.
pub(in crate::commands) fn read(
    what: &str,
    max: u64,
    system: &mut System<'_>,
) -> Result<Option<Zeroizing<Vec<u8>>>, CommandError> {
    if system.person.is_some() {
        system.output.info(format_args!(
            "reading the {what} from standard input; end it with Ctrl-D"
        ));
    }
    // Allocated once: a growing buffer leaves copies of the secret in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(max).unwrap_or_default() + 1));
    (&mut system.stdin).take(max + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= max))
}
