//! Setting up that was interrupted, and taking out what nobody remembers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use snapbox::str;

use super::place::Place;
use crate::support::gate::Manner;

scenario!(killed_at_the_keychain);
/// Wherever it is killed, the token is in the file or in the keychain, and the next run ends it.
fn killed_at_the_keychain() {
    for number in 0.. {
        let place = Place::of_doubles();
        let token = place.with_token();
        let before = Place::trace(&place.docker);
        place.world.gate.stop_at(number, Manner::Fail);
        let ran = place.world.regcred("docker setup");
        let was_stopped = place.world.gate.is_stopped();
        place.world.gate.open();
        if !was_stopped {
            assert_eq!(ran.code, 0, "{ran}");
            assert!(number >= 2, "before and after the keychain's write");
            break;
        }
        assert_eq!(ran.code, 1, "{ran}");
        assert_eq!(Place::trace(&place.docker), before, "the file keeps it");
        place.world.regcred("docker setup").done();
        assert_eq!(place.kept().unwrap().1, token);
        assert!(!place.read(&place.docker).contains("\"auth\""));
    }
}

scenario!(remove_without_memory);
fn remove_without_memory() {
    let place = Place::of_doubles();
    let token = place.with_token();
    place.world.regcred("docker setup").done();
    let memory = place.world.home().join(".local/state/regcred/docker.json");
    let text = fs::read_to_string(&memory).unwrap();
    assert!(!text.contains(&token), "{text}");
    assert_eq!(fs::metadata(&memory).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(&memory, "{").unwrap();
    let ran = place.world.regcred("docker remove");
    ran.says(str![[r#"
exit 1
--- stdout
--- stderr
error: [FOLDER]/.local/state/regcred/docker.json, where setting up is remembered, cannot be read
hint: move [FOLDER]/.local/state/regcred/docker.json away: our helper can be taken out without it, but what it replaced does not come back

"#]]);
    fs::remove_file(&memory).unwrap();
    place.world.regcred("docker remove").done();
    assert!(!place.read(&place.docker).contains("gitea\""));
}
