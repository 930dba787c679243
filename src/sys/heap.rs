//! Where memory comes from: below the allocator that zeroes what is freed.

/// The C library's. The one of static programs for Linux, which zig brings, takes more memory.
#[cfg(not(target_env = "musl"))]
pub use std::alloc::System as Heap;

#[cfg(target_env = "musl")]
pub use dlmalloc::GlobalDlmalloc as Heap;
