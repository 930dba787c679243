//! A connection to one cluster, made as kubectl does, with its requests and errors.

pub mod answer;
pub mod backoff;
pub mod call;
pub mod connect;
pub mod exec;
pub mod kubeconfig;
pub mod options;
pub mod pages;
pub mod retry;
pub mod server;
pub mod timeout;
pub mod transport;
pub mod user;
pub mod write;
