//! `docker-credential-gitea`.

fn main() {}
