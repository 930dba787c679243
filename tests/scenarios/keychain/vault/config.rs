//! Where it is written which keychain it is: what cannot be understood there leads to none, least of all to another one.

use std::fs;

use crate::keychain::secret_service::every_action_fails;
use crate::support::fake_secrets::{Behaviour, FakeSecrets};
use crate::support::{HELPER, PLUGIN};

scenario!(nothing_falls_back, needs("dbus-daemon"));
/// There is a Secret Service, with an item for the registry that is asked for. It hears nothing of it.
fn nothing_falls_back() {
    let service = FakeSecrets::start(Behaviour::Many);
    let home = service.bus().folder().join("home");
    let config = home.join(".config/regcred/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    let cases: [(&[u8], &str); 10] = [
        (b"keychain = \"vault\"\n", "there is no vault at "),
        (
            b"# mine\nkeychian = \"vault\"\n",
            "config.toml line 2: \"keychian\" is not a setting",
        ),
        (
            b"keychain = \"Vault\"\n",
            "config.toml line 1: \"Vault\" is not a keychain",
        ),
        (
            b"keychain = \"vault\nvault-key-file = \"/k\"\n",
            "config.toml line 1: it is not TOML",
        ),
        (b"keychain = vault\n", "config.toml line 1: it is not TOML"),
        (
            b"keychain = true\n",
            "config.toml line 1: keychain has to be text in quotes",
        ),
        (
            b"[regcred]\nkeychain = \"vault\"\n",
            "config.toml line 1: \"regcred\" is not a setting",
        ),
        (
            b"keychain = \"vault\"\nvault-key-file = \"vault.key\"\n",
            "config.toml line 2: vault-key-file has to be an absolute path",
        ),
        (
            b"keychain = \"vault\"\nkeychain = \"secret-service\"\n",
            "config.toml line 2: it is not TOML",
        ),
        (
            b"keychain = \"vault\"\n# \xff\n",
            "config.toml line 2: it is not UTF-8 text",
        ),
    ];
    let refused = |case: &str, what: &str| {
        every_action_fails(|| service.bus().command(HELPER), what);
        let output = service.bus().command(PLUGIN).arg("list").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.code() == Some(1) && said.contains(what) && said.contains("hint: "),
            "{case}: {said}"
        );
    };
    for (bytes, what) in cases {
        fs::write(&config, bytes).unwrap();
        refused(&String::from_utf8_lossy(bytes), what);
        assert_eq!(fs::read(&config).unwrap(), bytes, "it stays as it is");
    }
    fs::remove_file(&config).unwrap();
    std::os::unix::fs::symlink("/nonexistent/config.toml", &config).unwrap();
    refused("dangling", "config.toml is a link to a file that is not there");
    fs::remove_file(&config).unwrap();
    fs::create_dir(&config).unwrap();
    refused("folder", "config.toml is a folder");
    assert_eq!(service.calls(), Vec::<String>::new(), "nobody asked the Secret Service");
    // It would have answered.
    fs::remove_dir(&config).unwrap();
    assert!(
        service
            .bus()
            .command(HELPER)
            .arg("list")
            .output()
            .unwrap()
            .status
            .success()
    );
    assert!(!service.calls().is_empty());
}
