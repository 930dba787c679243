//! What pulls images: pods and what makes pods, which of them use a Secret, restarting them and following that.

pub mod controllers;
pub mod list;
pub mod message;
pub mod model;
pub mod raw;
pub mod restart;
pub mod rollout;
pub mod unstick;
pub mod users;
