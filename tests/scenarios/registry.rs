//! The library that asks registries and Gitea, without a command: verify, mint and revoke, on doubles that misbehave.

mod malicious_servers;
mod mint;
mod revoke;
mod verify;
