//! The age program opens the vault without us: with the key file, and with nothing but the passphrase.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::store;
use crate::support::parts::KERNEL_KEYRING;
use crate::support::vault::{PASSPHRASE, VaultHome};

/// With nothing but the passphrase and what every machine has: the header's second stanza is an age file that holds the
/// key. age leaves out the `==` that base64 asks for.
const BY_PASSPHRASE: &str =
    r#"age -d -i <(awk '/^-/{f=/^-> kubectl/;next}f;END{print "=="}' vault.age | base64 -d) vault.age"#;

/// That the document has the token in it.
fn holds(document: &[u8], token: &str) {
    let document: Value = serde_json::from_slice(document).unwrap();
    // Beside it are the fingerprints of earlier tokens.
    let items = document["items"].as_array().unwrap();
    let item = items.iter().find(|item| item["account"] == "docker gitea.example.com");
    let item = item.unwrap();
    let secret = STANDARD.decode(item["secret"].as_str().unwrap()).unwrap();
    let secret: Value = serde_json::from_slice(&secret).unwrap();
    assert_eq!(secret["token"], token);
}

scenario!(opens_it_with_the_key_file, needs(KERNEL_KEYRING, "age"));
fn opens_it_with_the_key_file() {
    let home = VaultHome::with_key_file();
    store(&home, "gitea.example.com", "first");
    let mut age = home.command("age");
    let ran = home.run(age.args(["-d", "-i"]).arg(home.key_file()).arg(home.file()), "");
    holds(ran.done().as_bytes(), "first");
    let other = VaultHome::with_key_file();
    let mut age = home.command("age");
    let ran = home.run(age.args(["-d", "-i"]).arg(other.key_file()).arg(home.file()), "");
    assert!(ran.code != 0 && ran.stderr.contains("no identity matched"), "{ran}");
}

scenario!(
    opens_it_with_the_passphrase,
    needs(KERNEL_KEYRING, "age", "script", "awk")
);
fn opens_it_with_the_passphrase() {
    let home = VaultHome::start();
    // Now and then there is a stanza of a random name for practice ("grease"): the line has to pass it over.
    for number in 0..5 {
        let token = format!("token-{number}");
        store(&home, "gitea.example.com", &token);
        let plain = home.folder().join("tmp/plain");
        let script = home.folder().join("tmp/script");
        fs::write(&script, format!("{BY_PASSPHRASE} >{}", plain.display())).unwrap();
        // age asks at a terminal.
        let mut terminal = home.command("script");
        terminal.current_dir(home.file().parent().unwrap());
        terminal.args(["-qec", &format!("bash {}", script.display()), "/dev/null"]);
        home.run(&mut terminal, &format!("{PASSPHRASE}\n")).done();
        holds(&fs::read(&plain).unwrap(), &token);
        fs::remove_file(plain).unwrap();
    }
}
