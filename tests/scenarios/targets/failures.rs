//! Two hundred namespaces, some of which fail: the rest goes on, and a second run finishes the job.

use libtest_mimic::Trial;

pub fn trials() -> Vec<Trial> {
    vec![]
}
