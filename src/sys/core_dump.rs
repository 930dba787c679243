//! Prevents core dumps, because the process has tokens in its memory.

/// Disables core dumps of this process. Both programs call this first.
///
/// The resource limit is not enough: it does not apply if the kernel pipes cores to a program (systemd-coredump,
/// apport; core(5)). A process that is not dumpable (prctl(2)) is never dumped, and other processes of the same user
/// cannot read its memory. Child processes are dumpable again; they inherit the limit, which they may raise.
pub fn forbid() {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};
        // Neither fails for one's own process; on a system without one of them, nothing is lost.
        if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_CORE) {
            let _ = setrlimit(Resource::RLIMIT_CORE, 0, hard);
        }
        #[cfg(target_os = "linux")]
        let _ = nix::sys::prctl::set_dumpable(false);
    }
}
