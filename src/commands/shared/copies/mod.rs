//! Finds the tokens of this keychain in files, exactly: [`Needles`] is what is searched for, [`Reading`] reads anything of
//! any length for it.

mod base64_core;
mod candidates;
mod needles;
mod reading;

pub(in crate::commands) use needles::{Encoding, Needles, Owner};
pub(in crate::commands) use reading::{Found, Reading, Which};
