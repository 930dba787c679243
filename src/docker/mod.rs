//! Docker's and podman's side of the workstation.

mod on_path;
pub mod other_helper;
pub mod program;
