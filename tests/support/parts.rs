//! What scenarios need, and the places that several folders run on. Every part with a real server puts its name into
//! the scenario's: tests/versions.sh finds by `real` what takes a control plane, by `real_gitea` what takes a Gitea.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::api_server::ApiServer;
use super::container::{Profile, missing_container};
use super::keyring::Product;
use super::part::{missing, ptrace};
use super::plane::Plane;
use super::scenario::{Part, Place};
use super::store::Kind;
use super::world::World;
use super::{buildkit, control_plane, docker_registry, engine, gitea, keyring, krew, nginx, node, oracle, vault};

pub const CONTROL_PLANE: Part = Part::real(|| control_plane::missing().to_vec());
/// The same, with the controllers that make ServiceAccounts and pods.
pub const CONTROLLERS: Part = Part::real(|| control_plane::missing_controllers().to_vec());
/// A keychain, a registry and a control plane: see [`World::of_real_parts`].
pub const REAL_PARTS: Part = Part::real(|| {
    [
        missing(&keyring::PARTS),
        missing(&docker_registry::PROGRAMS),
        control_plane::missing().to_vec(),
    ]
    .concat()
});
pub const GITEA: Part = Part {
    missing: || gitea::missing().to_vec(),
    place: Some("real_gitea"),
};
pub const NODE: Part = Part::real(node::missing);
pub const GNOME_KEYRING: Part = Part::new(|| missing(&keyring::PARTS));
/// Where the kernel's keyring may be used.
pub const KERNEL_KEYRING: Part = Part::new(vault::missing);
pub const DOCKER_REGISTRY: Part = Part::new(|| missing(&docker_registry::PROGRAMS));
pub const DOCKER_ENGINE: Part = Part::new(engine::missing_engine);
pub const BUILDKIT: Part = Part::new(buildkit::missing_buildkit);
pub const DOCKER_CONTAINER: Part = Part::new(|| missing_container(Profile::Docker));
pub const PODMAN_CONTAINER: Part = Part::new(|| missing_container(Profile::Podman));
pub const NGINX: Part = Part::new(|| nginx::missing_nginx().to_vec());
pub const KREW: Part = Part::new(krew::missing_parts);
/// The archive that `tests/release.sh` made of this tree.
pub const ARCHIVE: Part = Part::new(krew::missing_archive);
pub const ORACLE: Part = Part::new(oracle::missing_parts);
/// Mounting in a namespace of one's own, which takes root.
pub const MOUNTS: Part = Part::new(|| {
    let works = Command::new("unshare")
        .args(["-m", "mount", "--bind", "/tmp", "/tmp"])
        .output();
    match works {
        Ok(output) if output.status.success() => missing(&["unshare", "nsenter", "mount"]),
        _ => vec!["a mount namespace"],
    }
});
/// Another time for the programs.
pub const FAKETIME: Part = Part::new(|| {
    if faketime().is_some() {
        vec![]
    } else {
        vec!["libfaketime"]
    }
});

/// The library of Debian's package.
pub fn faketime() -> Option<PathBuf> {
    let libraries = std::fs::read_dir("/usr/lib").ok()?;
    let folders = libraries.filter_map(Result::ok).map(|entry| entry.path());
    folders
        .map(|folder| folder.join("faketime/libfaketime.so.1"))
        .find(|library| library.is_file())
}

/// With the right to trace.
pub const STRACE: Part = Part::new(|| [missing(&["strace"]), ptrace()].concat());
pub const BASH: Part = Part::new(|| {
    let mut lacks = missing(&["bash"]);
    if !Path::new(BASH_COMPLETION).is_file() {
        lacks.push("bash-completion");
    }
    lacks
});
/// Debian's package, and most others'.
pub const BASH_COMPLETION: &str = "/usr/share/bash-completion/bash_completion";

/// The API server's double alone.
pub const API_SERVER: Place<ApiServer> = Place::double(ApiServer::start);

/// A cluster alone, shared where it is real.
pub const ON_DOUBLE: Place<Plane> = Place::double(Plane::double);
pub const ON_CONTROL_PLANE: Place<Plane> = Place::real(CONTROL_PLANE, Plane::real);

/// A workstation, its registry and its cluster: in this process, through the programs, and with the vault for a keychain.
pub const DOUBLES: Place<World> = Place::double(World::of_doubles);
pub const REAL: Place<World> = Place::real(REAL_PARTS, World::of_real_parts);
/// The same with a real Gitea.
pub const REAL_GITEA: Place<World> = Place::named(
    "real_gitea",
    Part {
        missing: || [(REAL_PARTS.missing)(), (GITEA.missing)()].concat(),
        place: Some("real_gitea"),
    },
    || World::of_real_gitea(gitea::Settings::default()),
);
pub const REAL_WITH_VAULT: Place<World> = Place::named(
    "real_vault",
    Part::real(|| [(REAL_PARTS.missing)(), vault::missing()].concat()),
    World::with_vault,
);

/// The keychains that are real.
pub const IN_GNOME_KEYRING: Place<Kind> =
    Place::named("gnome-keyring", GNOME_KEYRING, || Kind::Service(Product::GnomeKeyring));
pub const IN_KEEPASSXC: Place<Kind> =
    Place::named("keepassxc", Part::new(|| missing(&Product::KeePassXc.parts())), || {
        Kind::Service(Product::KeePassXc)
    });
pub const IN_VAULT: Place<Kind> = Place::named("vault", KERNEL_KEYRING, || Kind::Vault);
