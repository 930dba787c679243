//! Reading, refusing, and changing one setting without touching other lines.

use std::fs;

use super::*;

/// A home folder, with a configuration file if `text` is given.
fn home(text: Option<&[u8]>) -> (tempfile::TempDir, Env, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let env = Env::from_iter([("HOME", home.path()), ("USERPROFILE", home.path())]);
    let path = home.path().join(".config/regcred/config.toml");
    if let Some(text) = text {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    (home, env, path)
}

/// The error's text, with the temporary folder replaced.
#[cfg(target_os = "linux")]
fn refused(text: &[u8]) -> String {
    let (home, env, path) = home(Some(text));
    let error = Config::read(&env).unwrap_err();
    let remembered = Config::remember(&env, &[Change::Store(Some(StoreName::System))]).unwrap_err();
    assert_eq!(error.to_string(), remembered.to_string());
    assert_eq!(fs::read(path).unwrap(), text, "it is left alone");
    assert!(error.hint().is_some(), "{error}");
    error.to_string().replace(home.path().to_str().unwrap(), "~")
}

/// Sets the values; `None` removes them.
fn changes(store: Option<StoreName>, file: Option<&Path>) -> [Change; 2] {
    [Change::Store(store), Change::VaultKeyFile(file.map(Path::to_owned))]
}

#[test]
fn without_a_file_nothing_was_chosen() {
    assert_eq!(Config::read(&Env::default()).unwrap(), Config::default());
    let relative = Env::from_iter([("HOME", "here"), ("USERPROFILE", "here"), ("XDG_CONFIG_HOME", "there")]);
    assert_eq!(Config::read(&relative).unwrap(), Config::default());
    let (_home, env, path) = home(None);
    let nothing = Config {
        path: Some(path.clone()),
        ..Config::default()
    };
    assert_eq!(Config::read(&env).unwrap(), nothing);
    assert!(!Config::remember(&env, &changes(None, None)).unwrap());
    assert!(!path.parent().unwrap().exists(), "there was nothing to write");
    let error = Config::remember(&relative, &changes(Some(StoreName::System), None)).unwrap_err();
    assert!(matches!(error, ConfigError::NoHome), "{error}");
    assert!(error.to_string().contains("regcred/config.toml"), "{error}");
}

#[cfg(unix)]
mod on_unix {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_new_file_is_private_and_explains_itself() {
        let (_home, env, path) = home(None);
        assert!(Config::remember(&env, &changes(Some(StoreName::System), None)).unwrap());
        let text = format!(
            "# What regcred remembers about the keychain; see: kubectl regcred keychain status\nkeychain = \"{}\"\n",
            StoreName::System
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o7777, 0o700);
        let before = fs::metadata(&path).unwrap();
        assert!(!Config::remember(&env, &changes(Some(StoreName::System), None)).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().ino(), before.ino(), "not written again");
    }

    #[test]
    fn the_folder_is_the_one_that_the_environment_names() {
        let (home, _, path) = home(Some(b"no toml"));
        let folder = home.path().join("elsewhere");
        let env = Env::from_iter([("HOME", home.path()), ("XDG_CONFIG_HOME", folder.as_path())]);
        let key = home.path().join("a key");
        assert!(Config::remember(&env, &changes(Some(StoreName::System), Some(&key))).unwrap());
        let config = Config {
            store: Some(StoreName::System),
            vault_key_file: Some(key),
            name: None,
            path: Some(folder.join("regcred/config.toml")),
        };
        assert_eq!(Config::read(&env).unwrap(), config);
        assert_eq!(fs::read_to_string(path).unwrap(), "no toml");
    }

    #[test]
    fn links_and_modes_stay() {
        let (home, env, path) = home(Some(b""));
        let real = home.path().join("dotfiles.toml");
        fs::write(&real, "# mine").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o644)).unwrap();
        fs::remove_file(&path).unwrap();
        symlink("../../dotfiles.toml", &path).unwrap();
        assert!(Config::remember(&env, &changes(Some(StoreName::System), None)).unwrap());
        assert!(path.is_symlink());
        let wanted = format!("# mine\nkeychain = \"{}\"", StoreName::System);
        assert_eq!(fs::read_to_string(&real).unwrap(), wanted);
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o7777, 0o644);
        fs::remove_file(&real).unwrap();
        let error = Config::read(&env).unwrap_err();
        assert!(matches!(error, ConfigError::Dangling { .. }), "{error}");
        assert!(matches!(
            Config::remember(&env, &changes(Some(StoreName::System), None)),
            Err(ConfigError::Dangling { .. })
        ));
    }

    #[test]
    fn special_files_are_not_read() {
        let (_home, env, path) = home(None);
        fs::create_dir_all(&path).unwrap();
        let error = Config::read(&env).unwrap_err();
        assert!(error.to_string().ends_with("config.toml is a folder"), "{error}");
        fs::remove_dir(&path).unwrap();
        symlink("/dev/zero", &path).unwrap();
        let error = Config::read(&env).unwrap_err();
        assert!(error.to_string().ends_with("config.toml is no regular file"), "{error}");
        fs::remove_file(&path).unwrap();
        fs::remove_dir(path.parent().unwrap()).unwrap();
        fs::write(path.parent().unwrap(), "").unwrap();
        let error = Config::read(&env).unwrap_err();
        assert!(matches!(error, ConfigError::Read { .. }), "{error}");
        fs::remove_file(path.parent().unwrap()).unwrap();
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::write(&path, " ".repeat(70_000)).unwrap();
        let error = Config::read(&env).unwrap_err();
        assert!(error.to_string().contains("longer than 64 KiB"), "{error}");
    }

    #[test]
    fn concurrent_changes_are_both_stored() {
        let (home, env, path) = home(Some(b"# mine\n"));
        let key = home.path().join("key");
        for _ in 0..20 {
            std::thread::scope(|scope| {
                let store = scope.spawn(|| Config::remember(&env, &[Change::Store(Some(StoreName::System))]));
                let file = scope.spawn(|| Config::remember(&env, &[Change::VaultKeyFile(Some(key.clone()))]));
                assert!(store.join().unwrap().unwrap() && file.join().unwrap().unwrap());
            });
            let config = Config::read(&env).unwrap();
            assert_eq!(
                (config.store, config.vault_key_file.as_ref()),
                (Some(StoreName::System), Some(&key))
            );
            assert!(Config::remember(&env, &changes(None, None)).unwrap());
            assert_eq!(fs::read_to_string(&path).unwrap(), "# mine\n");
        }
    }

    #[test]
    fn a_key_file_needs_an_absolute_path_in_utf8() {
        use std::os::unix::ffi::OsStrExt as _;

        let (_home, env, path) = home(None);
        for file in [&b"vault.key"[..], b"~/vault.key", b"", b"/k\xff"] {
            let file = Path::new(std::ffi::OsStr::from_bytes(file));
            let error = Config::remember(&env, &changes(None, Some(file))).unwrap_err();
            assert!(matches!(error, ConfigError::KeyFile(_)), "{error}");
            assert!(!path.exists());
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn invalid_lines_are_refused_with_their_number() {
    for (text, message) in [
        (
            &b"# mine\nkeychian = \"vault\"\n"[..],
            "line 2: \"keychian\" is not a setting that regcred knows: there are keychain, name and vault-key-file",
        ),
        (
            b"vault-key-file = \"/k\"\n\n[zero]\nkeychain = \"vault\"\n[apple]\n",
            "line 3: \"zero\" is not a setting that regcred knows: there are keychain, name and vault-key-file",
        ),
        (
            b"keychain = \"valt\\u001b[2J\"",
            "line 1: \"valt [2J\" is not a keychain that regcred knows: choose \"secret-service\" or \"vault\"",
        ),
        (b"\n\nkeychain = 1", "line 3: keychain has to be text in quotes"),
        (b"keychain = [\"vault\"]", "line 1: keychain has to be text in quotes"),
        (b"[keychain]\nx = 1", "line 1: keychain has to be text in quotes"),
        (
            b"keychain.store = \"vault\"",
            "line 1: keychain has to be text in quotes",
        ),
        (
            b"keychain = \"vault\"\r\nvault-key-file = \"~/k\"\r\n",
            "line 2: vault-key-file has to be an absolute path: \"~/k\" is not",
        ),
        (
            b"name = \"jane\\nat her desk\"",
            "line 1: name has to be one line of 1 to 64 characters that can be shown",
        ),
        (
            b"name = \"\"",
            "line 1: name has to be one line of 1 to 64 characters that can be shown",
        ),
        (
            b"keychain = vault\n",
            "line 1: it is not TOML: string values must be quoted, expected literal string",
        ),
        (
            b"keychain = \"vault\"\nkeychain = \"vault\"\n",
            "line 2: it is not TOML: duplicate key",
        ),
        (b"keychain = \"vault\"\n# \xff", "line 2: it is not UTF-8 text"),
    ] {
        let wanted = format!("~/.config/regcred/config.toml {message}");
        assert_eq!(refused(text), wanted);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn only_the_changed_setting_is_written() {
    use StoreName::{System, Vault};

    let edit = |text: &str, change: Change| remember::edit(Path::new("/c"), text, &[change]).unwrap();
    for (before, change, after) in [
        ("", Change::Store(Some(Vault)), "keychain = \"vault\"\n"),
        ("\u{feff}", Change::Store(Some(Vault)), "\u{feff}keychain = \"vault\"\n"),
        ("# a\r\n", Change::Store(Some(Vault)), "# a\r\nkeychain = \"vault\"\r\n"),
        (
            "# a\r\n#",
            Change::Store(Some(Vault)),
            "# a\r\n#\r\nkeychain = \"vault\"",
        ),
        (
            "keychain='vault' # why",
            Change::Store(Some(Vault)),
            "keychain='vault' # why",
        ),
        (
            " \"keychain\"\t=  'vault'# why",
            Change::Store(Some(System)),
            " \"keychain\"\t=  \"secret-service\"# why",
        ),
        ("# a\n keychain = 'vault' # why\n#b", Change::Store(None), "# a\n#b"),
        ("# a\r\nkeychain = 'vault'", Change::Store(None), "# a"),
        ("keychain = '''\nvault'''\n", Change::Store(None), ""),
        (
            "\u{feff}vault-key-file = '/k'\n",
            Change::VaultKeyFile(Some("/a\"\\\u{7f}\u{1}é".into())),
            "\u{feff}vault-key-file = \"/a\\\"\\\\\\u007F\\u0001é\"\n",
        ),
    ] {
        assert_eq!(edit(before, change.clone()), after, "{before:?}");
        assert_eq!(edit(after, change), after, "twice is once");
    }
}

#[cfg(unix)]
mod any_file {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    /// A valid file with any settings and formatting.
    fn file() -> impl Strategy<Value = String> {
        let comment = || {
            select(vec![
                "# note",
                "#",
                "",
                "  ",
                "\t# keychain = \"x\" é",
                "#vault-key-file=1",
            ])
        };
        let key = |name: &'static str| {
            select(vec![
                name.to_owned(),
                format!("\"{name}\""),
                format!("'{name}'"),
                format!("  {name}"),
            ])
        };
        let equals = || select(vec!["=", " = ", "\t= "]);
        let after = || select(vec!["", " ", " # why", "#'"]);
        let store = || select(StoreName::ALL.to_vec());
        let keychain = (
            key(KEYCHAIN),
            equals(),
            store(),
            select(vec!["\"", "'", "\"\"\"", "'''"]),
            after(),
        );
        let key_file = (key(VAULT_KEY_FILE), equals(), select(PATHS.to_vec()), after());
        let keychain = keychain
            .prop_map(|(key, equals, store, quote, after)| format!("{key}{equals}{quote}{store}{quote}{after}"));
        let key_file = key_file.prop_map(|(key, equals, file, after)| format!("{key}{equals}\"{file}\"{after}"));
        let parts = (option::of(keychain), option::of(key_file), vec(comment(), 0..5));
        let ends = (select(vec!["\n", "\r\n"]), any::<bool>(), any::<bool>());
        (
            parts.prop_flat_map(|(keychain, key_file, comments)| {
                let lines = comments.into_iter().map(str::to_owned).chain(keychain).chain(key_file);
                Just(lines.collect::<Vec<_>>()).prop_shuffle()
            }),
            ends,
        )
            .prop_map(|(lines, (newline, ends, mark))| {
                let mark = if mark { "\u{feff}" } else { "" };
                let end = if ends && !lines.is_empty() { newline } else { "" };
                format!("{mark}{}{end}", lines.join(newline))
            })
    }

    /// Key files, quoted in different ways.
    const PATHS: [&str; 3] = ["/etc/key", "/a b/\\u00e9\\\"#", "/c:\\\\x"];

    /// The lines without settings, up to the last that is not empty, because trailing line breaks are ambiguous.
    fn notes(text: &str) -> Vec<&str> {
        let says = |line: &str| line.trim_start_matches([' ', '"', '\'']).starts_with(['k', 'v']);
        let notes: Vec<_> = text
            .trim_start_matches('\u{feff}')
            .lines()
            .filter(|line| !says(line))
            .collect();
        let length = notes
            .iter()
            .rposition(|line| !line.is_empty())
            .map_or(0, |last| last + 1);
        notes[..length].to_vec()
    }

    /// The settings in a text.
    fn says(text: &str) -> (Option<StoreName>, Option<PathBuf>) {
        let document = Settings::parse(Path::new("/c"), text).unwrap();
        let (store, file) = (document.store, document.vault_key_file);
        (store.map(|found| found.value), file.map(|found| found.value))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_remembered_is_read_and_nothing_else_changes(
            before in file(),
            store in option::of(select(StoreName::ALL.to_vec())),
            name in option::of("\\PC{0,12}"),
        ) {
            let edit = |text: &str, changes: &[Change]| remember::edit(Path::new("/c"), text, changes).unwrap();
            let file = name.map(|name| Path::new("/").join(name));
            let changes = changes(store, file.as_deref());
            let text = edit(&before, &changes);
            prop_assert_eq!(says(&text), (store, file.clone()));
            prop_assert_eq!(text == before, says(&before) == (store, file));
            prop_assert_eq!(&edit(&text, &changes), &text, "twice is once");
            prop_assert_eq!(notes(&text), notes(&before));
            prop_assert!(!text.contains("\r\n") || !text.replace("\r\n", "").contains('\n'), "one kind of line break");
            if says(&before) == (None, None) {
                let [store, file] = [Change::Store(None), Change::VaultKeyFile(None)];
                prop_assert_eq!(edit(&text, &[file, store]), before, "what was added goes without a trace");
            }
        }
    }
}
