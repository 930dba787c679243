//! `kubectl regcred`: one registry token for docker and for Kubernetes.

use std::process::ExitCode;

use regcred::commands::{self, System, complete};
use regcred::helper;
use regcred::sys::env::Env;
use regcred::sys::heap::Heap;
use zeroizing_alloc::ZeroAlloc;

/// Zeroes what is freed: libraries have buffers of their own, through which a token goes.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<Heap> = ZeroAlloc(Heap);

fn main() -> ExitCode {
    regcred::sys::core_dump::forbid();
    let mut args = std::env::args_os().peekable();
    // krew installs one program under one name; docker and kubectl know it by the names of links.
    if args.next_if(|name| helper::is_called(name)).is_some() {
        return helper::main_of_alias(args, &Env::of_process());
    }
    let args: Vec<_> = args.collect();
    if let Some(request) = complete::Request::of(&args) {
        return complete::main(&request, &Env::of_process());
    }
    commands::run(args, &mut System::of_process()).code().into()
}
