//! `kubectl regcred`.

fn main() {}
