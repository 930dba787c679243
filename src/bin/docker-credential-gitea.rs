//! `docker-credential-gitea`: docker's way to the keychain.

use std::process::ExitCode;

use regcred::sys::env::Env;
use regcred::sys::heap::Heap;
use zeroizing_alloc::ZeroAlloc;

/// Zeroes what is freed: libraries have buffers of their own, through which a token goes.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<Heap> = ZeroAlloc(Heap);

fn main() -> ExitCode {
    regcred::sys::core_dump::forbid();
    regcred::helper::main(std::env::args_os().skip(1), &Env::of_process())
}
