//! The key in a file: what names it, and what is wrong with it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::{store, token};
use crate::keychain::secret_service::every_action_fails;
use crate::support::HELPER;
use crate::support::parts::KERNEL_KEYRING;
use crate::support::vault::{PASSPHRASE, VaultHome};

const NAME: &str = "gitea.example.com";

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

scenario!(what_names_it, needs(KERNEL_KEYRING));
/// The variable, then systemd's folder, then the configuration; and what is named and is not there is not passed over.
fn what_names_it() {
    let mut home = VaultHome::with_key_file();
    store(&home, NAME, "first");
    let key = fs::read_to_string(home.key_file()).unwrap();
    let config = fs::read_to_string(home.config_file()).unwrap();
    assert!(
        config.contains(&format!("vault-key-file = \"{}\"", home.key_file().display())),
        "{config}"
    );
    assert!(home.kernel_key().is_none(), "the kernel was not asked");

    let credentials = home.folder().join("tmp/credentials");
    fs::create_dir(&credentials).unwrap();
    home.variables
        .insert("CREDENTIALS_DIRECTORY".to_owned(), credentials.clone().into());
    assert_eq!(
        token(&home, NAME).unwrap(),
        "first",
        "systemd's folder has none of ours"
    );
    fs::rename(home.key_file(), home.folder().join("tmp/away")).unwrap();
    every_action_fails(|| home.command(HELPER), "cannot be used: No such file");
    // systemd gives it to the unit's group by an access list, which shows as a mode.
    write(&credentials.join("regcred-vault-key"), &key, 0o440);
    assert_eq!(token(&home, NAME).unwrap(), "first");
    let named: PathBuf = home.folder().join("tmp/named.key");
    home.variables
        .insert("REGCRED_VAULT_KEY_FILE".to_owned(), named.clone().into());
    every_action_fails(|| home.command(HELPER), "named.key cannot be used: No such file");
    // As Kubernetes gives one to a group.
    write(&named, &key, 0o440);
    fs::remove_file(credentials.join("regcred-vault-key")).unwrap();
    assert_eq!(token(&home, NAME).unwrap(), "first");
    home.variables
        .insert("REGCRED_VAULT_KEY_FILE".to_owned(), OsString::new());
    every_action_fails(|| home.command(HELPER), "cannot be used: No such file");

    // The kernel is asked where nothing names a file.
    home.variables.clear();
    fs::write(home.config_file(), "keychain = \"vault\"\n").unwrap();
    every_action_fails(|| home.command(HELPER), "the vault is locked: it opens with a key file");
    let line = format!("keychain unlock --key-file {}", named.display());
    home.regcred(&line, "").done();
    assert_eq!(token(&home, NAME).unwrap(), "first");
}

scenario!(it_does_not_lock_the_vault_again);
fn it_does_not_lock_the_vault_again() {
    let home = VaultHome::with_key_file();
    let line = format!("keychain use vault --key-file {} --for 8h", home.key_file().display());
    let said = home.regcred(&line, "");
    assert_eq!(said.code, 2, "{said}");
    assert!(said.stderr.contains("cannot be used with"), "{said}");
}

scenario!(what_is_wrong_with_it, needs(KERNEL_KEYRING));
fn what_is_wrong_with_it() {
    let home = VaultHome::with_key_file();
    store(&home, NAME, "first");
    let text = fs::read_to_string(home.key_file()).unwrap();
    let key = home.key_text();
    let other = VaultHome::with_key_file().key_text();
    let vault = fs::read(home.file()).unwrap();
    let not_one = "it does not hold one key";
    let cases = [
        (
            "readable by everybody",
            text.clone(),
            0o604,
            "it is open to other users: its mode is 0604",
        ),
        (
            "writable by a group",
            text.clone(),
            0o620,
            "it is open to other users: its mode is 0620",
        ),
        (
            "of another vault",
            format!("{other}\n"),
            0o600,
            "does not open the vault",
        ),
        ("two keys", format!("{key}\n{other}\n"), 0o600, not_one),
        ("cut short", key[..key.len() - 1].to_owned(), 0o600, not_one),
        ("empty", String::new(), 0o600, not_one),
        (
            "a recipient",
            "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq\n".to_owned(),
            0o600,
            not_one,
        ),
        ("long", format!("{}{key}\n", "# more\n".repeat(3000)), 0o600, not_one),
    ];
    for (case, text, mode, what) in cases {
        write(&home.key_file(), &text, mode);
        every_action_fails(|| home.command(HELPER), what);
        let ran = home.regcred("list", "");
        assert!(
            ran.code == 1 && ran.stderr.contains(what) && ran.stderr.contains("hint: "),
            "{case}: {ran}"
        );
        let shown = format!("{ran}");
        assert!(!shown.contains(&key[20..40]), "{case}: {shown}");
    }
    if fs::metadata(home.key_file()).unwrap().uid() == 0 {
        write(&home.key_file(), &key, 0o600);
        std::os::unix::fs::chown(home.key_file(), Some(4321), None).unwrap();
        every_action_fails(|| home.command(HELPER), "it belongs to another user (uid 4321)");
    }
    fs::remove_file(home.key_file()).unwrap();
    let made = std::process::Command::new("mkfifo")
        .args(["-m", "600"])
        .arg(home.key_file())
        .status();
    assert!(made.unwrap().success());
    every_action_fails(|| home.command(HELPER), not_one);
    fs::remove_file(home.key_file()).unwrap();
    for good in [key.clone(), format!("# from Windows\r\n\r\n  {key}\r\n")] {
        write(&home.key_file(), &good, 0o600);
        assert_eq!(token(&home, NAME).unwrap(), "first", "{}", good.replace(&key, "KEY"));
    }
    assert_eq!(fs::read(home.file()).unwrap(), vault);
}

scenario!(with_a_passphrase_besides, needs(KERNEL_KEYRING));
/// The key is the same, as the file holds it; the passphrase opens the vault where the file is not.
fn with_a_passphrase_besides() {
    let home = VaultHome::with_key_file();
    store(&home, NAME, "first");
    let key = home.key_text();
    home.regcred("keychain passphrase --passphrase-stdin", PASSPHRASE)
        .done();
    assert_eq!(
        (token(&home, NAME).unwrap(), home.key_text()),
        ("first".to_owned(), key.clone())
    );
    // The key file is lost, and still named.
    let away = home.folder().join("tmp/away");
    fs::rename(home.key_file(), &away).unwrap();
    every_action_fails(|| home.command(HELPER), "the vault is locked: its key file");
    let ran = home.regcred("keychain status", "");
    assert!(
        ran.code == 1 && ran.stderr.contains("hint: bring the key file back"),
        "{ran}"
    );
    home.unlock();
    assert_eq!(token(&home, NAME).unwrap(), "first");
    home.regcred("keychain use vault", "").done();
    home.lock();
    let ran = home.regcred("keychain use vault", "");
    assert!(ran.code == 0 && ran.stderr.contains("the vault is locked"), "{ran}");
    fs::rename(&away, home.key_file()).unwrap();
    assert_eq!(token(&home, NAME).unwrap(), "first", "it is back");

    fs::write(home.config_file(), "keychain = \"vault\"\n").unwrap();
    fs::remove_file(home.key_file()).unwrap();
    assert!(home.helper("get", NAME).stdout.starts_with("the vault is locked"));
    home.unlock();
    assert_eq!(
        (token(&home, NAME).unwrap(), home.key_text()),
        ("first".to_owned(), key)
    );
}

scenario!(of_age_keygen, needs(KERNEL_KEYRING, "age-keygen"));
fn of_age_keygen() {
    let home = VaultHome::empty();
    let file = home.key_file();
    let mut keygen = home.command("age-keygen");
    home.run(keygen.arg("-o").arg(&file), "").done();
    let before = fs::read(&file).unwrap();
    home.regcred(&format!("keychain use vault --key-file {}", file.display()), "")
        .done();
    store(&home, NAME, "first");
    assert_eq!(token(&home, NAME).unwrap(), "first");
    assert_eq!(fs::read(&file).unwrap(), before);
}

scenario!(for_a_vault_with_a_passphrase, needs(KERNEL_KEYRING));
/// Its key is put into the file; it does not become another one.
fn for_a_vault_with_a_passphrase() {
    let home = VaultHome::start();
    store(&home, NAME, "first");
    let key = home.key_text();
    home.lock();
    let line = format!("keychain use vault --key-file {}", home.key_file().display());
    let ran = home.regcred(&line, "");
    // A locked one asks; here is nobody to ask.
    let asks = "the vault's passphrase is needed, and there is no terminal to prompt on";
    assert!(ran.code == 2 && ran.stderr.contains(asks), "{ran}");
    assert!(!home.key_file().exists());
    home.unlock();
    home.regcred(&line, "").done();
    home.lock();
    assert_eq!(
        (token(&home, NAME).unwrap(), home.key_text()),
        ("first".to_owned(), key)
    );
    assert_eq!(
        fs::metadata(home.key_file()).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

scenario!(it_is_gone_with_its_vault, needs(KERNEL_KEYRING));
fn it_is_gone_with_its_vault() {
    let home = VaultHome::with_key_file();
    store(&home, NAME, "first");
    fs::remove_file(home.key_file()).unwrap();
    fs::remove_file(home.file()).unwrap();
    let ran = home.regcred("list", "");
    assert!(ran.stderr.contains("kubectl regcred keychain use vault\n"), "{ran}");
    let ran = home.regcred("keychain use vault", "");
    assert!(ran.stderr.starts_with("created a key file: ") && ran.code == 0, "{ran}");
    store(&home, NAME, "second");
    assert_eq!(token(&home, NAME).unwrap(), "second");
}

scenario!(its_vault_is_out_of_reach, needs(KERNEL_KEYRING));
fn its_vault_is_out_of_reach() {
    let home = VaultHome::with_key_file();
    let folder = home.file().parent().unwrap().to_owned();
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "").unwrap();
    every_action_fails(|| home.command(HELPER), "Not a directory");
}
