//! The files in which docker and podman keep their logins.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Error;
use super::registries_conf::{self, Order, RegistriesConfFiles};
use crate::sys::env::Env;
use crate::sys::{runtime_folder, user, xdg};

/// The files for an environment, whether or not they exist.
///
/// docker: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`. podman, buildah and skopeo (containers/image):
/// `$REGISTRY_AUTH_FILE` alone, else `$DOCKER_CONFIG/config.json`, else the runtime folder's `auth.json` (where podman is a
/// client of a virtual machine, `~/.config/containers/auth.json`); then `$XDG_CONFIG_HOME/containers/auth.json` and docker's
/// file. `~/.dockercfg`, from before 2015, is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// docker's `config.json`, which crane, oras, helm and docker's libraries read too.
    pub docker: PathBuf,
    /// Every path at which podman may have its own `auth.json`, in the order of reading.
    pub podman: Vec<PathBuf>,
    /// The file that `podman login` writes; it uses a helper only if this very file names one in `credHelpers`.
    pub podman_primary: PathBuf,
    /// The possible `registries.conf` files. Never written.
    pub registries_conf: RegistriesConfFiles,
    /// A file of podman's that is not used, if there is one.
    pub skipped: Option<SkippedFile>,
}

/// A file in a runtime folder that this user cannot read or that others can write to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{} is left out: {why}", path.display())]
pub struct SkippedFile {
    pub path: PathBuf,
    /// The reason, as a clause.
    pub why: String,
}

impl Files {
    /// The files for this environment.
    pub fn of(env: &Env) -> Result<Self, Error> {
        Self::on(env, cfg!(target_os = "linux"))
    }

    /// The files on Linux, or on another system, where podman is a client of a virtual machine.
    fn on(env: &Env, is_linux: bool) -> Result<Self, Error> {
        let home = env.home();
        // Relative paths count for docker and podman. The setup record is read in other folders too.
        let path = |name| env.path(name).map(|path| std::path::absolute(&path).unwrap_or(path));
        let docker_folder = path("DOCKER_CONFIG");
        let docker = docker_folder
            .clone()
            .or_else(|| Some(home.as_ref()?.join(".docker")))
            .ok_or(Error::NoHome)?
            .join("config.json");
        // As podman resolves it: unlike in sys::xdg, a relative path counts.
        let home_config = home.as_ref().map(|home| home.join(".config"));
        let config_home = path("XDG_CONFIG_HOME").or_else(|| home_config.clone());
        let auth_file = |folder: &PathBuf| xdg::below(folder, "containers/auth.json");
        let in_config_home = config_home.as_ref().map(auth_file);
        let (default, skipped) = match runtime_file(env).filter(|_| is_linux) {
            Some(Ok(path)) => (Some(path), None),
            Some(Err(skipped)) => (None, Some(skipped)),
            None if is_linux => (None, None),
            // Whatever XDG_CONFIG_HOME is.
            None => (home_config.as_ref().map(auth_file), None),
        };
        let named = path("REGISTRY_AUTH_FILE");
        let podman_primary = named
            .clone()
            .or_else(|| docker_folder.map(|_| docker.clone()))
            .or_else(|| default.clone())
            .or_else(|| in_config_home.clone())
            .unwrap_or_else(|| docker.clone());
        let mut podman: Vec<PathBuf> = Vec::new();
        for path in [named, default, in_config_home].into_iter().flatten() {
            if path != docker && !podman.contains(&path) {
                podman.push(path);
            }
        }
        // podman before 6 reads it below the home folder whatever XDG_CONFIG_HOME is.
        let registries_conf = RegistriesConfFiles {
            named: path("CONTAINERS_REGISTRIES_CONF"),
            own: home_config.map(|folder| xdg::below(&folder, "containers/registries.conf")),
            system: PathBuf::from("/etc/containers/registries.conf"),
        };
        Ok(Self {
            docker,
            podman,
            podman_primary,
            registries_conf,
            skipped,
        })
    }

    /// The files that we may change, docker's first, then podman's.
    pub fn editable(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&self.docker).chain(&self.podman).map(PathBuf::as_path)
    }

    /// `credential-helpers` of `registries.conf`.
    pub fn order(&self) -> Option<Order> {
        registries_conf::read(&self.registries_conf)
    }
}

/// The `auth.json` below `$XDG_RUNTIME_DIR/containers`, else below `/run/containers/UID`.
///
/// After a plain `su`, the variable names another user's folder, whose logins must not be used. And after root has run
/// podman, other users cannot read `/run/containers`, so nothing of theirs can be in there.
fn runtime_file(env: &Env) -> Option<Result<PathBuf, SkippedFile>> {
    const FILE: &str = "containers/auth.json";
    let Some(folder) = env.path("XDG_RUNTIME_DIR") else {
        return Some(readable(PathBuf::from(format!(
            "/run/containers/{}/auth.json",
            user::id()?
        ))));
    };
    let path = folder.join(FILE);
    Some(match runtime_folder::open_to_others(env) {
        Some((folder, why)) => Err(SkippedFile {
            path,
            why: format!("XDG_RUNTIME_DIR names {}, and {why}", folder.display()),
        }),
        None => Ok(path),
    })
}

/// The file, unless this user cannot enter its folders.
fn readable(path: PathBuf) -> Result<PathBuf, SkippedFile> {
    match fs::metadata(&path) {
        Err(cause) if cause.kind() == io::ErrorKind::PermissionDenied => Err(SkippedFile {
            path,
            why: format!("it cannot be read: {cause}"),
        }),
        _ => Ok(path),
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    fn files(pairs: &[(&str, &str)]) -> Files {
        Files::of(&pairs.iter().copied().collect()).unwrap()
    }

    fn podman(files: &Files) -> Vec<&str> {
        files.podman.iter().map(|path| path.to_str().unwrap()).collect()
    }

    #[test]
    fn a_plain_environment_has_dockers_file_and_two_of_podmans() {
        let files = files(&[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/r")]);
        assert_eq!(files.docker, Path::new("/h/.docker/config.json"));
        assert_eq!(
            podman(&files),
            ["/r/containers/auth.json", "/h/.config/containers/auth.json"]
        );
        assert_eq!(files.podman_primary, Path::new("/r/containers/auth.json"));
        assert_eq!(
            files.registries_conf.own.as_deref(),
            Some(Path::new("/h/.config/containers/registries.conf"))
        );
        assert_eq!(files.editable().count(), 3);
    }

    #[test]
    fn podman_writes_to_the_first_of_the_named_dockers_and_its_own() {
        let home = ("HOME", "/h");
        let docker = files(&[home, ("DOCKER_CONFIG", "/d")]);
        assert_eq!(docker.docker, Path::new("/d/config.json"));
        assert_eq!(docker.podman_primary, docker.docker);
        let named = files(&[home, ("DOCKER_CONFIG", "/d"), ("REGISTRY_AUTH_FILE", "/a.json")]);
        assert_eq!(named.podman_primary, Path::new("/a.json"));
        assert_eq!(podman(&named)[0], "/a.json");
        let same = files(&[home, ("DOCKER_CONFIG", "/d"), ("REGISTRY_AUTH_FILE", "/d/config.json")]);
        assert!(!podman(&same).contains(&"/d/config.json"), "it is docker's already");
        let moved = files(&[home, ("XDG_CONFIG_HOME", "/x"), ("XDG_RUNTIME_DIR", "/r")]);
        assert_eq!(podman(&moved)[1], "/x/containers/auth.json");
        assert_eq!(
            moved.registries_conf.own.as_deref(),
            Some(Path::new("/h/.config/containers/registries.conf"))
        );
    }

    #[test]
    fn where_podman_is_a_client_its_file_is_below_the_home_folder() {
        let on_mac = |pairs: &[(&str, &str)]| Files::on(&pairs.iter().copied().collect(), false).unwrap();
        let (home, own) = (("HOME", "/h"), "/h/.config/containers/auth.json");
        let plain = on_mac(&[home, ("XDG_RUNTIME_DIR", "/r")]);
        assert_eq!((podman(&plain), plain.podman_primary.to_str()), (vec![own], Some(own)));
        let moved = on_mac(&[home, ("XDG_CONFIG_HOME", "/x")]);
        assert_eq!(podman(&moved), [own, "/x/containers/auth.json"]);
        assert_eq!(moved.podman_primary, Path::new(own));
        let docker = on_mac(&[home, ("XDG_CONFIG_HOME", "/x"), ("DOCKER_CONFIG", "/d")]);
        assert_eq!(docker.podman_primary, docker.docker);
    }

    #[test]
    fn a_relative_path_is_made_absolute() {
        let here = std::env::current_dir().unwrap();
        let files = files(&[
            ("HOME", "/h"),
            ("DOCKER_CONFIG", "d"),
            ("REGISTRY_AUTH_FILE", "auth.json"),
        ]);
        assert_eq!(files.docker, here.join("d/config.json"));
        assert_eq!(files.podman_primary, here.join("auth.json"));
    }

    #[test]
    fn a_runtime_folder_that_others_can_write_to_is_left_out() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let runtime = folder.path().to_str().unwrap();
        let mode = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        let own = format!("{runtime}/containers/auth.json");
        for good in [0o700, 0o755] {
            mode(good);
            let files = files(&[("HOME", "/h"), ("XDG_RUNTIME_DIR", runtime)]);
            assert_eq!((podman(&files)[0], files.skipped.as_ref()), (own.as_str(), None));
        }
        mode(0o777);
        let files = files(&[("HOME", "/h"), ("XDG_RUNTIME_DIR", runtime)]);
        assert_eq!(podman(&files), ["/h/.config/containers/auth.json"]);
        assert_eq!(files.podman_primary, Path::new("/h/.config/containers/auth.json"));
        let said = files.skipped.unwrap().to_string();
        assert!(said.starts_with(&own) && said.ends_with("its mode is 0777"), "{said}");
    }

    #[test]
    fn without_a_home_there_has_to_be_a_folder() {
        assert!(matches!(Files::of(&Env::default()), Err(Error::NoHome)));
        let files = files(&[("DOCKER_CONFIG", "/d")]);
        assert_eq!(files.docker, Path::new("/d/config.json"));
        assert!(podman(&files)[0].starts_with("/run/containers/"));
    }
}
