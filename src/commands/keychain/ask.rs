//! Reads the vault's passphrase from standard input or a hidden prompt; it is never stored.

use zeroize::Zeroizing;

use crate::commands::shared::standard_input;
use crate::commands::system::{Prompter, System};
use crate::error::CommandError;
use crate::keychain::vault::{Passphrase, PassphraseError};

/// The most octets that are read: more than any two passphrases.
const MAX_STDIN: usize = 16 * 1024;

/// How often a new passphrase may be mistyped.
const ATTEMPTS: usize = 3;

impl From<PassphraseError> for CommandError {
    fn from(error: PassphraseError) -> Self {
        Self::failed(error)
    }
}

/// Prompts for the passphrase of an existing vault.
pub(super) fn known(from_stdin: bool, system: &mut System<'_>) -> Result<Passphrase, CommandError> {
    if from_stdin {
        let [passphrase] = lines(system)?;
        return Ok(passphrase.parse()?);
    }
    Ok(person(system)?.secret("Passphrase of the vault")?.parse()?)
}

/// Prompts for the passphrase of a new vault.
pub(super) fn new(from_stdin: bool, system: &mut System<'_>) -> Result<Passphrase, CommandError> {
    if from_stdin {
        let [passphrase] = lines(system)?;
        return Ok(Passphrase::new(&passphrase)?);
    }
    for _ in 0..ATTEMPTS {
        let answer = person(system)?.secret("New passphrase of the vault")?;
        let problem = match Passphrase::new(&answer) {
            Ok(passphrase) if *person(system)?.secret("Repeat the passphrase")? == *answer => return Ok(passphrase),
            Ok(_) => "the two passphrases differ".to_owned(),
            Err(error) => error.to_string(),
        };
        system.output.info(problem);
    }
    Err(CommandError::failed("no passphrase was chosen"))
}

/// Prompts for the vault's passphrase and the new one.
pub(super) fn change(from_stdin: bool, system: &mut System<'_>) -> Result<(Passphrase, Passphrase), CommandError> {
    if from_stdin {
        let [old, new] = lines(system)?;
        return Ok((old.parse()?, Passphrase::new(&new)?));
    }
    Ok((known(false, system)?, new(false, system)?))
}

fn person<'a>(system: &'a System<'_>) -> Result<&'a dyn Prompter, CommandError> {
    system.person.as_deref().ok_or_else(|| {
        CommandError::usage("the vault's passphrase is needed, and there is no terminal to prompt on")
            .hint("give it with --passphrase-stdin, or open the vault with a key file: REGCRED_VAULT_KEY_FILE")
    })
}

/// Reads exactly N lines. White space at their ends is part of a passphrase.
fn lines<const N: usize>(system: &mut System<'_>) -> Result<[Zeroizing<String>; N], CommandError> {
    let bytes = standard_input::read("passphrase", MAX_STDIN, system)?;
    let failed = |why: &str| CommandError::failed(format_args!("standard input: {why}"));
    let bytes = bytes.ok_or_else(|| failed("it is too long for a passphrase"))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| failed("the passphrase is not text"))?;
    let lines: Vec<_> = text.lines().map(|line| Zeroizing::new(line.to_owned())).collect();
    lines.try_into().map_err(|_| {
        let expected = if N == 1 {
            "one line is expected"
        } else {
            "two lines are expected, the old passphrase and the new one"
        };
        failed(expected)
    })
}
