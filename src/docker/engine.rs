//! The programs that bring docker's engine to macOS and Windows, recognised by what they leave in files.

use std::collections::BTreeSet;
use std::path::Path;

use super::Config;
use crate::sys::env::Env;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Engine {
    Colima,
    DockerDesktop,
    OrbStack,
    PodmanMachine,
    RancherDesktop,
}

impl Engine {
    const ALL: [Self; 5] = [
        Self::Colima,
        Self::DockerDesktop,
        Self::OrbStack,
        Self::PodmanMachine,
        Self::RancherDesktop,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Colima => "colima",
            Self::DockerDesktop => "Docker Desktop",
            Self::OrbStack => "OrbStack",
            Self::PodmanMachine => "podman machine",
            Self::RancherDesktop => "Rancher Desktop",
        }
    }

    /// By the name of docker's context, which each of them creates.
    fn of_context(context: &str) -> Option<Self> {
        match context {
            "desktop-linux" | "desktop-windows" => Some(Self::DockerDesktop),
            "orbstack" => Some(Self::OrbStack),
            "rancher-desktop" => Some(Self::RancherDesktop),
            _ => (context == "colima" || context.starts_with("colima-")).then_some(Self::Colima),
        }
    }

    /// Their own folders below the home folder.
    fn folders(self) -> &'static [&'static str] {
        match self {
            Self::Colima => &[".colima", ".config/colima"],
            // It leaves its folders behind when it is uninstalled.
            Self::DockerDesktop => &[],
            Self::OrbStack => &[".orbstack"],
            Self::PodmanMachine => &[
                ".config/containers/podman/machine",
                ".local/share/containers/podman/machine",
            ],
            Self::RancherDesktop => &[".rd"],
        }
    }

    fn is_in(self, home: &Path) -> bool {
        self.folders().iter().any(|folder| home.join(folder).is_dir())
    }
}

/// The engines of a workstation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Engines {
    /// All that are recognised.
    pub found: BTreeSet<Engine>,
    /// The one that docker's commands use.
    pub current: Option<Engine>,
}

impl Engines {
    /// By docker's file, its variables, and the folders of the home folder.
    pub(super) fn observe(docker: Option<&Config>, env: &Env) -> Self {
        // docker lets DOCKER_HOST win over a context, and DOCKER_CONTEXT over the one in the file.
        let context = match env.var("DOCKER_CONTEXT") {
            Some(context) => Some(context.to_owned()),
            None => docker.and_then(Config::context),
        };
        let context = context.filter(|_| env.var("DOCKER_HOST").is_none());
        let current = context.as_deref().and_then(Engine::of_context);
        let mut found: BTreeSet<Engine> = current.into_iter().collect();
        if let Some(home) = env.home() {
            found.extend(Engine::ALL.into_iter().filter(|engine| engine.is_in(&home)));
        }
        Self { found, current }
    }
}

/// Why a helper that a file names can be missing, as the end of a sentence.
pub(super) fn why_missing(helper: &str) -> Option<&'static str> {
    Some(match helper {
        "desktop" => "Docker Desktop leaves its name there when it is uninstalled",
        "osxkeychain" => "Homebrew has it as docker-credential-helper",
        "desktop.exe" => {
            "it is Docker Desktop's program for Windows, which WSL finds only while Docker Desktop is installed and Windows' \
             folders are on PATH"
        }
        _ if is_windows_program(helper) => {
            "it is a program of Windows, which WSL finds only while Windows' folders are on PATH: appendWindowsPath in \
             /etc/wsl.conf"
        }
        _ => return None,
    })
}

/// Whether this is a helper of Windows that a Linux in WSL uses.
fn is_windows_program(helper: &str) -> bool {
    Path::new(helper)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("exe"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engines(text: &str, home: &Path, more: &[(&str, &str)]) -> (Vec<&'static str>, Option<&'static str>) {
        let home = [(
            if cfg!(windows) { "USERPROFILE" } else { "HOME" },
            home.to_str().unwrap(),
        )];
        let env = home.into_iter().chain(more.iter().copied()).collect();
        let config = Config::parse(text.as_bytes()).unwrap();
        let engines = Engines::observe(Some(&config), &env);
        let names = engines.found.iter().map(|engine| engine.as_str()).collect();
        (names, engines.current.map(Engine::as_str))
    }

    #[test]
    fn they_are_recognised_by_context_and_folder() {
        let home = tempfile::tempdir().unwrap();
        let none = tempfile::tempdir().unwrap();
        let no_engine = (vec![], None);
        for (context, name) in [
            ("desktop-linux", "Docker Desktop"),
            ("desktop-windows", "Docker Desktop"),
            ("colima", "colima"),
            ("colima-work", "colima"),
            ("orbstack", "OrbStack"),
            ("rancher-desktop", "Rancher Desktop"),
        ] {
            let text = format!(r#"{{"CurrentContext":"{context}"}}"#);
            assert_eq!(engines(&text, none.path(), &[]), (vec![name], Some(name)));
            let variable = [("DOCKER_CONTEXT", context)];
            assert_eq!(engines("{}", none.path(), &variable), (vec![name], Some(name)));
            let elsewhere = [("DOCKER_HOST", "ssh://build.example.com")];
            assert_eq!(engines(&text, none.path(), &elsewhere), no_engine);
        }
        for text in ["{}", r#"{"currentContext":"colimate"}"#, r#"{"currentContext":7}"#] {
            assert_eq!(engines(text, none.path(), &[]), no_engine, "{text}");
        }
        for folder in [".rd", ".colima", ".config/containers/podman/machine"] {
            std::fs::create_dir_all(home.path().join(folder)).unwrap();
        }
        let all = vec!["colima", "podman machine", "Rancher Desktop"];
        assert_eq!(engines("{}", home.path(), &[]), (all, None));
    }

    #[test]
    fn a_missing_helper_of_theirs_is_explained() {
        assert!(why_missing("desktop").unwrap().contains("uninstalled"));
        assert!(why_missing("desktop.exe").unwrap().contains("WSL"));
        assert!(why_missing("wincred.EXE").unwrap().contains("appendWindowsPath"));
        assert_eq!(why_missing("pass"), None);
        assert_eq!(why_missing("exe"), None);
    }
}
