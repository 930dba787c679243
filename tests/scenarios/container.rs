//! What a container leaves of the kernel's keyring: that the containers of these scenarios are what they say they are.

use std::process::Command;

use libtest_mimic::Trial;
use regcred::env::Env;

use crate::support::container::{Container, Profile, installed, missing_container};
use crate::support::part::{missing, trial_with};

/// One call each, on keyrings that end with the process: what it is, and what it says where it is not refused.
const CALLS: [(&[&str], &str); 3] = [
    (&["show", "@p"], "Unable to dump key: Required key not available"),
    (&["add", "user", "regcred-test", "nothing", "@p"], ""),
    (
        &["request", "user", "regcred-test-no-such-key"],
        "request_key: Required key not available",
    ),
];

pub fn trials() -> Vec<Trial> {
    let parts = |profile| [missing_container(profile), missing(&["keyctl"])].concat();
    vec![
        trial_with("container/docker_refuses_keyrings", &parts(Profile::Docker), || {
            refused(
                Profile::Docker,
                [
                    "Unable to dump key: Operation not permitted",
                    "add_key: Operation not permitted",
                    "request_key: Operation not permitted",
                ],
            );
        }),
        trial_with("container/podman_refuses_new_keys", &parts(Profile::Podman), || {
            refused(
                Profile::Podman,
                [
                    CALLS[0].1,
                    "add_key: Function not implemented",
                    "request_key: Function not implemented",
                ],
            );
        }),
    ]
}

fn refused(profile: Profile, inside: [&str; 3]) {
    let keyctl = installed("keyctl");
    let container = Container::start(profile);
    for ((args, outside), inside) in CALLS.into_iter().zip(inside) {
        let says = |output: std::process::Output| String::from_utf8(output.stderr).unwrap().trim().to_owned();
        assert_eq!(
            says(Command::new(&keyctl).args(args).output().unwrap()),
            outside,
            "outside: {args:?}"
        );
        let output = container.run(&keyctl, args, b"", &Env::default(), &[]);
        assert_eq!(says(output), inside, "inside: {args:?}");
    }
}
