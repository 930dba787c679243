//! What this machine is called.

use std::fs;

use super::env::Env;
use crate::model::printable;

/// The longest host name that is used, in characters.
const MAX_HOST: usize = 64;

/// This machine's host name, if it is known without a program or a DNS query.
pub(crate) fn name(env: &Env) -> Option<String> {
    let kernels = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = kernels.or_else(|| {
        ["HOSTNAME", "HOST", "COMPUTERNAME"]
            .iter()
            .find_map(|name| env.var(name))
            .map(str::to_owned)
    })?;
    Some(printable(&name, MAX_HOST)).filter(|name| !name.is_empty())
}
