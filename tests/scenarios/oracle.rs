//! What docker, kubectl and kubelet read, read by us and by Go's own code: generated and collected inputs, and the same
//! answer to each.
//!
//! 1,000 inputs of each kind, the same ones each time; `REGCRED_TEST_CASES` and `REGCRED_TEST_SEED` make a longer run.

mod auths;
mod certificates;
mod connecting;
mod images;
mod pulls;
