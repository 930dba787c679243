//! Operating system utilities: files, folders, locks, programs, the environment.

pub mod core_dump;
pub mod env;
pub(crate) mod file_lock;
pub mod heap;
pub(crate) mod home;
pub(crate) mod host;
pub mod link;
pub(crate) mod on_path;
pub mod private;
pub mod proxy;
pub(crate) mod replace;
pub(crate) mod runtime_folder;
pub(crate) mod secret_buffer;
pub(crate) mod stdin;
pub(crate) mod user;
pub mod watchdog;
pub(crate) mod whole_file;
pub(crate) mod workers;
pub(crate) mod xdg;
