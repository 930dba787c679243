//! The vault's passphrase: from standard input or a hidden prompt, and never kept.

use zeroize::Zeroizing;

use crate::commands::shared::standard_input;
use crate::commands::system::{Person, System};
use crate::error::CommandError;
use crate::keychain::vault::{Passphrase, PassphraseError};

/// More than any passphrase or two of them, in octets.
const MAX_STDIN: u64 = 16 * 1024;

/// How often somebody may mistype one.
const ATTEMPTS: usize = 3;

impl From<PassphraseError> for CommandError {
    fn from(error: PassphraseError) -> Self {
        Self::failed(error)
    }
}

/// The passphrase of a vault that there is.
pub(super) fn known(from_stdin: bool, system: &mut System<'_>) -> Result<Passphrase, CommandError> {
    if from_stdin {
        let [passphrase] = lines(system)?;
        return Ok(passphrase.parse()?);
    }
    Ok(person(system)?.secret("Passphrase of the vault")?.parse()?)
}

/// The passphrase of a vault to come.
pub(super) fn new(from_stdin: bool, system: &mut System<'_>) -> Result<Passphrase, CommandError> {
    if from_stdin {
        let [passphrase] = lines(system)?;
        return Ok(Passphrase::new(&passphrase)?);
    }
    for _ in 0..ATTEMPTS {
        let answer = person(system)?.secret("New passphrase of the vault")?;
        let problem = match Passphrase::new(&answer) {
            Ok(passphrase) if *person(system)?.secret("The same again")? == *answer => return Ok(passphrase),
            Ok(_) => "these were two different ones".to_owned(),
            Err(error) => error.to_string(),
        };
        system.output.say(problem);
    }
    Err(CommandError::failed("no passphrase was chosen"))
}

/// The passphrase of the vault that there is, and another one.
pub(super) fn change(from_stdin: bool, system: &mut System<'_>) -> Result<(Passphrase, Passphrase), CommandError> {
    if from_stdin {
        let [old, new] = lines(system)?;
        return Ok((old.parse()?, Passphrase::new(&new)?));
    }
    Ok((known(false, system)?, new(false, system)?))
}

fn person<'a>(system: &'a System<'_>) -> Result<&'a dyn Person, CommandError> {
    system.person.as_deref().ok_or_else(|| {
        CommandError::usage("the vault's passphrase is needed, and there is no terminal to ask at")
            .hint("give it with --passphrase-stdin; or open the vault with a key file: REGCRED_VAULT_KEY_FILE")
    })
}

/// So many lines, and nothing after them. White space at their ends is part of a passphrase.
fn lines<const N: usize>(system: &mut System<'_>) -> Result<[Zeroizing<String>; N], CommandError> {
    let bytes = standard_input::read("passphrase", MAX_STDIN, system)?;
    let failed = |why: &str| CommandError::failed(format_args!("standard input: {why}"));
    let bytes = bytes.ok_or_else(|| failed("this is more than a passphrase"))?;
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
