//! Pods on a real node, which pulls from a real Gitea: what kubelet and containerd do, and their own words for it.

mod beside;
mod causes;
mod ends;
mod place;
mod pulls;
mod records;

use libtest_mimic::Trial;

use crate::main_job::missing_parts;
use crate::support::part::{missing, trial_with};
use crate::support::{gitea, node};

pub fn trials() -> Vec<Trial> {
    let parts = [
        missing_parts(),
        gitea::missing().to_vec(),
        node::missing(),
        missing(&["sh", "kubectl"]),
    ]
    .concat();
    let scenarios: [(&str, fn()); 8] = [
        ("secrets_and_accounts", pulls::secrets_and_accounts),
        ("rotated_while_pods_restart", pulls::rotated_while_pods_restart),
        ("the_record_of_pulls", records::the_record_of_pulls),
        ("a_login_of_the_node", records::a_login_of_the_node),
        ("one_runs_and_one_waits", beside::one_runs_and_one_waits),
        ("every_cause", causes::every_cause),
        ("a_server_that_is_none", causes::a_server_that_is_none),
        ("nothing_is_left", ends::nothing_is_left),
    ];
    let trials = scenarios.into_iter();
    trials
        .map(|(name, test)| trial_with(&format!("node/real/{name}"), &parts, test))
        .collect()
}
