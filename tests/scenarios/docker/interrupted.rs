//! Setting up that was interrupted, and taking out what nobody remembers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use regcred::model::Use;
use snapbox::str;

use super::fixture::doubles;
use crate::support::gate::Manner;
use crate::support::world::trace;

scenario!(killed_at_the_keychain);
/// Wherever it is killed, the token is in the file or in the keychain, and the next run ends it.
fn killed_at_the_keychain() {
    for number in 0.. {
        let world = doubles();
        let token = world.with_token();
        let before = trace(&world.docker_file());
        world.gate.stop_at(number, Manner::Fail);
        let ran = world.regcred("docker setup");
        let was_stopped = world.gate.is_stopped();
        world.gate.open();
        if !was_stopped {
            assert_eq!(ran.code, 0, "{ran}");
            assert!(number >= 2, "before and after the keychain's write");
            break;
        }
        assert_eq!(ran.code, 1, "{ran}");
        assert_eq!(trace(&world.docker_file()), before, "the file keeps it");
        world.regcred("docker setup").done();
        assert_eq!(world.kept(Use::Docker).unwrap().1, token);
        assert!(!world.read(&world.docker_file()).contains("\"auth\""));
    }
}

scenario!(remove_without_memory);
fn remove_without_memory() {
    let world = doubles();
    let token = world.with_token();
    world.regcred("docker setup").done();
    let memory = world.home().join(".local/state/regcred/docker.json");
    let text = fs::read_to_string(&memory).unwrap();
    assert!(!text.contains(&token), "{text}");
    assert_eq!(fs::metadata(&memory).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(&memory, "{").unwrap();
    let ran = world.regcred("docker remove");
    ran.says(str![[r#"
exit 1
--- stdout
--- stderr
error: [FOLDER]/.local/state/regcred/docker.json, where setting up is remembered, cannot be read
hint: move [FOLDER]/.local/state/regcred/docker.json away: our helper can be taken out without it, but what it replaced does not come back

"#]]);
    fs::remove_file(&memory).unwrap();
    world.regcred("docker remove").done();
    assert!(!world.read(&world.docker_file()).contains("gitea\""));
}
