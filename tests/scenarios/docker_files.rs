//! `docker setup` and `docker remove`: docker's and podman's files, on doubles and through the real clients.

mod clients;
mod conflicts;
mod interrupted;
mod place;
mod real;
mod refusals;
mod setup;
