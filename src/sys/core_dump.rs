//! No core dump of a process that has tokens in its memory.

/// Sees that this process leaves none, whatever ends it. Both programs begin with it.
///
/// The limit alone would not do: where the kernel hands cores to a program (systemd-coredump, apport; core(5)), it does
/// not count. A process that is not dumpable (prctl(2)) is never dumped, and other processes of the same user can no
/// longer read its memory. What it starts is dumpable again, and inherits the limit, which it may raise.
pub fn forbid() {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};
        // Neither can fail for a process of its own; a system that knows one of them not is no worse off than before.
        if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_CORE) {
            let _ = setrlimit(Resource::RLIMIT_CORE, 0, hard);
        }
        #[cfg(target_os = "linux")]
        let _ = nix::sys::prctl::set_dumpable(false);
    }
}
