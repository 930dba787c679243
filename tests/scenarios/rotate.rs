//! `rotate`: killed anywhere, failing in part, and what it says.

mod half_seen;
mod interrupted;
mod killed;
mod partial;
mod place;
mod says;
