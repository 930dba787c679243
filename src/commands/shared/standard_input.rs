//! Secrets that are piped in.

use std::io::Read as _;

use zeroize::Zeroizing;

use crate::commands::system::System;
use crate::error::CommandError;

/// Standard input to its end, which is to be `what`; `None` where that has more than `max` octets.
pub(in crate::commands) fn read(
    what: &str,
    max: u64,
    system: &mut System<'_>,
) -> Result<Option<Zeroizing<Vec<u8>>>, CommandError> {
    if system.person.is_some() {
        system.output.say(format_args!(
            "reading the {what} from standard input; end it with Ctrl-D"
        ));
    }
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(max).unwrap_or_default() + 1));
    (&mut system.stdin).take(max + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= max))
}
