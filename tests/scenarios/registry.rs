//! The library that asks registries and Gitea, without a command: verify, mint and revoke, on doubles that misbehave. And how
//! every verb reaches one.

mod flags;
mod malicious_servers;
mod mint;
mod revoke;
mod verify;
