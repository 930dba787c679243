//! Standard input of this process.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};

/// Standard input without the buffer that the standard library reads through, which is never zeroed. A terminal is read
/// through it all the same: Windows' consoles need what the library does for them.
pub(crate) fn unbuffered() -> Box<dyn Read> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Box::new(stdin);
    }
    #[cfg(unix)]
    let own = std::os::fd::AsFd::as_fd(&stdin).try_clone_to_owned();
    #[cfg(windows)]
    let own = std::os::windows::io::AsHandle::as_handle(&stdin).try_clone_to_owned();
    match own {
        Ok(own) => Box::new(File::from(own)),
        // It is closed.
        Err(_) => Box::new(stdin),
    }
}
