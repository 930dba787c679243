//! The flags of `keychain`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Subcommand};
use thiserror::Error;

use crate::commands::args::{DocumentFormat, TrialArgs, with_help};
use crate::keychain::StoreName;
use crate::model::duration;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred keychain status
  kubectl regcred keychain use vault      # on a machine without a desktop: an encrypted file
  kubectl regcred keychain unlock --for 12h
  kubectl regcred keychain lock
  kubectl regcred keychain migrate        # brings along what the other keychain holds")]
pub struct KeychainArgs {
    #[command(subcommand)]
    pub verb: KeychainVerb,
}

#[derive(Debug, Subcommand)]
pub enum KeychainVerb {
    /// Show which keychain is in use, why, whether it answers, and what else there is
    Status(KeychainStatusArgs),
    /// Choose the desktop's keychain or the vault, which is created if there is none
    Use(KeychainUseArgs),
    /// Unlock the vault for docker and regcred, until a given time or until reboot
    Unlock(UnlockArgs),
    /// Lock the vault until its passphrase is given again
    #[command(after_help = "Examples:
  kubectl regcred keychain lock")]
    Lock,
    /// Change the vault's passphrase
    Passphrase(PassphraseArgs),
    /// Move every credential from the other keychain into the one in use
    Migrate(MigrateArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred keychain status
  kubectl regcred keychain status -o json")]
pub struct KeychainStatusArgs {
    /// Print a document instead of text
    #[arg(short, long, value_name = "json|yaml")]
    pub output: Option<DocumentFormat>,
}

#[derive(Debug, Args)]
#[command(mut_arg("lifetime", |arg| arg.conflicts_with("key_file")))]
#[command(after_help = "Examples:
  kubectl regcred keychain use vault
  kubectl regcred keychain use vault --key-file /etc/regcred/vault.key   # no passphrase: for unattended machines
  kubectl regcred keychain use secret-service")]
pub struct KeychainUseArgs {
    /// The keychain: secret-service, the desktop's; or vault, an encrypted file
    #[arg(value_name = if cfg!(target_os = "linux") { "secret-service|vault" } else { "system|vault" })]
    pub store: StoreName,
    /// Open the vault with this file instead of a passphrase; it is created if it does not exist
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Where the passphrase comes from, and how long the vault stays unlocked.
    #[command(flatten)]
    pub unlocking: UnlockingArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred keychain unlock
  kubectl regcred keychain unlock --for 12h
  kubectl regcred keychain unlock --key-file /media/stick/vault.key
  pass regcred/vault | kubectl regcred keychain unlock --passphrase-stdin")]
pub struct UnlockArgs {
    /// Where the passphrase comes from, and how long the vault stays unlocked.
    #[command(flatten)]
    pub unlocking: UnlockingArgs,
    /// Take the key from this file in place of the passphrase
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_stdin")]
    pub key_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct UnlockingArgs {
    /// Lock it again after this time, such as 30m, 12h or 7d [default: until reboot]
    #[arg(long = "for", value_name = "TIME")]
    pub lifetime: Option<Lifetime>,
    /// Read the passphrase from standard input
    #[arg(long)]
    pub passphrase_stdin: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred keychain passphrase")]
pub struct PassphraseArgs {
    /// Read the old passphrase and, in a second line, the new one from standard input
    #[arg(long)]
    pub passphrase_stdin: bool,
}

#[derive(Debug, Args)]
#[command(mut_args(|arg| with_help(arg, &[("dry_run", "Only say what would be moved")])))]
#[command(after_help = "Examples:
  kubectl regcred keychain migrate
  kubectl regcred keychain migrate --dry-run=client")]
pub struct MigrateArgs {
    #[command(flatten)]
    pub trial: TrialArgs,
}

/// How long a vault stays unlocked: one second to one year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime(Duration);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a time is a number with a unit, such as 30m, 12h, 1h30m or 7d, and at most a year")]
pub struct LifetimeError;

impl Lifetime {
    /// In whole seconds.
    pub fn duration(self) -> Duration {
        self.0
    }
}

const DAY: f64 = 86_400.0;
const YEAR: Duration = Duration::from_secs(366 * 86_400);

impl FromStr for Lifetime {
    type Err = LifetimeError;

    fn from_str(text: &str) -> Result<Self, LifetimeError> {
        let units = [&duration::UNITS[..], &[("d", DAY)]].concat();
        let whole = duration::parse(text, &units).map(|time| Duration::from_secs(time.as_secs()));
        whole
            .filter(|time| !time.is_zero() && *time <= YEAR)
            .map(Self)
            .ok_or(LifetimeError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_a_time_with_a_unit() {
        for (text, seconds) in [("90s", 90), ("12h", 43_200), ("1h30m", 5_400), ("7d", 604_800)] {
            assert_eq!(
                text.parse::<Lifetime>().unwrap().duration().as_secs(),
                seconds,
                "{text}"
            );
        }
        for text in ["", "12", "0s", "500ms", "-1h", "2y", "400d", "forever"] {
            assert_eq!(text.parse::<Lifetime>(), Err(LifetimeError), "{text}");
        }
    }
}
