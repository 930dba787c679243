//! `docker setup|status|remove`: docker's and podman's files, the helper and its link, and the helpers of others.

mod clients;
mod conflicts;
mod engines;
mod fixture;
mod interrupted;
pub mod link;
mod other_helpers;
mod real_clients;
mod refusals;
mod setup;
mod status;
