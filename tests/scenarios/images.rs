//! `images`: what registries hold, and what clusters need of it.

mod clusters;
pub mod fixture;
pub mod helm;
mod killed;
mod list;
mod needs;
mod prune;
mod random;
mod real_tools;
mod schedule;
