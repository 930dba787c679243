//! Which Secrets `sync` is about, and many of them at once: on the double, and on a real control plane.

mod failures;
mod interrupted;
mod place;
mod planted;
mod sources;
