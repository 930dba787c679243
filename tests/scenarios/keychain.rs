//! `keychain use|unlock|lock|passphrase|status|migrate`, and the stores themselves: what every store has to do is in
//! `every_store`, what only one can suffer in `secret_service` and `vault`.

mod every_store;
mod migrate;
mod secret_service;
mod status;
mod vault;
