//! A workstation for `docker setup`, and the file that it finds.

use std::fs;
use std::path::Path;

use crate::support::HELPER;
use crate::support::world::World;

/// docker's file with a login in plain text, and what else people have in there.
pub const PLAIN: &str = r#"{
  "auths": {
    "https://[REGISTRY]/v2/": {"auth": "[auth:admin:TOKEN]", "email": "a@example.com"}
  },
  "detachKeys": "ctrl-e,e"
}
"#;

/// With a keychain in memory, and no program on PATH but our helper.
pub fn doubles() -> World {
    let mut world = World::of_doubles();
    let programs = Path::new(HELPER).parent();
    world.with_path(programs.unwrap().to_owned());
    with_folders(world)
}

/// With gnome-keyring and whatever clients there are.
pub fn real_parts() -> World {
    with_folders(World::of_real_parts())
}

fn with_folders(world: World) -> World {
    for file in [world.docker_file(), world.podman_file()] {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
    }
    world
}

impl World {
    /// Puts [`PLAIN`] into docker's file, with a token that opens the registry.
    pub fn with_token(&self) -> String {
        let token = self.gitea.add_token("admin", "write:package");
        self.write_docker(&PLAIN.replace("TOKEN", &token));
        token
    }
}
