//! `images`: what registries hold, and what clusters need of it.

mod helm;
mod needs;
