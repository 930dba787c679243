//! Wine: Windows' programs on this system, with a registry, a home and a server of their own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Debian's, which is not on PATH.
const WINE: &str = "/usr/lib/wine/wine64";
/// Keeps the addresses free that Windows' programs need. Without it, one of a thousand programs finds the heap there, and ends.
const WINE_PRELOADER: &str = "/usr/lib/wine/wine64-preloader";
const WINE_SERVER: &str = "/usr/lib/wine/wineserver64";

/// What it needs.
pub(super) const PARTS: [&str; 2] = [WINE, WINE_PRELOADER];

/// A prefix of Wine, in a folder that its owner removes.
pub(super) struct Wine {
    /// What `tests/parts/systems.sh` has made.
    built: PathBuf,
    folder: PathBuf,
    /// Without a program that stays, Wine's server would end with each one: what starts at such a moment fails.
    session: Option<Child>,
}

impl Wine {
    pub fn start(built: &Path, folder: &Path) -> Self {
        let mut this = Self {
            built: built.to_owned(),
            folder: folder.to_owned(),
            session: None,
        };
        this.make_prefix();
        this.session = Some(this.holds(None));
        this
    }

    /// Windows' own files are those that were made once.
    fn make_prefix(&self) {
        let (made, prefix) = (self.built.join("prefix"), self.prefix());
        fs::create_dir_all(prefix.join("drive_c")).unwrap();
        for name in ["system.reg", "user.reg", "userdef.reg", ".update-timestamp"] {
            fs::copy(made.join(name), prefix.join(name)).unwrap();
        }
        for name in ["windows", "Program Files", "Program Files (x86)", "ProgramData"] {
            symlink(made.join("drive_c").join(name), prefix.join("drive_c").join(name)).unwrap();
        }
        fs::create_dir(prefix.join("dosdevices")).unwrap();
        symlink("../drive_c", prefix.join("dosdevices/c:")).unwrap();
        symlink("/", prefix.join("dosdevices/z:")).unwrap();
        fs::create_dir_all(self.home().join("Temp")).unwrap();
    }

    fn prefix(&self) -> PathBuf {
        self.folder.join("wine")
    }

    /// Wine names it after the user of this system.
    pub fn home(&self) -> PathBuf {
        let made = self.built.join("prefix/drive_c/users");
        let mut users = fs::read_dir(made).unwrap().map(|user| user.unwrap().file_name());
        let user = users.find(|name| name != "Public").unwrap();
        self.prefix().join("drive_c/users").join(user)
    }

    /// How Windows names a path.
    pub fn native(&self, path: &Path) -> String {
        let path = path.display().to_string();
        let drive = self.prefix().join("drive_c").display().to_string();
        let path = match path.strip_prefix(&drive) {
            Some(below) => format!("C:{below}"),
            None => format!("Z:{path}"),
        };
        path.replace('/', "\\")
    }

    /// Puts a program into a folder, and what Wine lacks beside it.
    pub fn install(&self, file: &str, programs: &Path) {
        for name in [file, "bcryptprimitives.dll"] {
            fs::copy(self.built.join(name), programs.join(name)).unwrap();
        }
    }

    /// Runs a program, with these folders on its PATH.
    pub fn command(&self, program: &Path, path: &Path) -> Command {
        let mut command = Command::new(WINE);
        command
            .arg(program)
            .env_clear()
            .env("HOME", &self.folder)
            .env("LANG", "C.UTF-8")
            .env("WINEPREFIX", self.prefix())
            .env("WINEPATH", self.native(path))
            .env("WINEDEBUG", "-all");
        command
    }

    /// A program that has a file open until its standard input ends. Its standard error is nobody's: Wine's services, which
    /// the first program starts, have it until they end.
    pub fn holds(&self, file: Option<&Path>) -> Child {
        let mut command = self.command(&self.built.join("hold.exe"), &self.built);
        command.args(file.map(|file| self.native(file)));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut said = [0; 4];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut said).unwrap();
        assert_eq!(&said, b"open");
        child
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        // Ends the server of this prefix, and what still runs in it; then waits until it is gone.
        for option in ["-k", "-w"] {
            let mut server = Command::new(WINE_SERVER);
            server.arg(option).env("WINEPREFIX", self.prefix());
            let _ = server.stdin(Stdio::null()).stderr(Stdio::null()).status();
        }
        if let Some(mut session) = self.session.take() {
            let _ = session.wait();
        }
    }
}
