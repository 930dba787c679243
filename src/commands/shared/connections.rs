//! How registries are reached: as the flags say, or else as `login` reached them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::commands::args::RegistryConnectionArgs;
use crate::ledger::{Connection, KnownPath, Ledger};
use crate::model::Registry;
use crate::registry::Options;

#[derive(Clone, Debug)]
pub(in crate::commands) struct Connections {
    given: RegistryConnectionArgs,
    /// Of the registries that were reached otherwise than by default.
    known: BTreeMap<Registry, RegistryConnectionArgs>,
    timeout: Duration,
}

impl Connections {
    /// Flags count for every registry. One operation, such as a verification, may take as long as `timeout`.
    pub(in crate::commands) fn new(given: &RegistryConnectionArgs, ledger: &Ledger, timeout: Duration) -> Self {
        let known = ledger
            .credentials
            .iter()
            .filter(|known| *given == RegistryConnectionArgs::default() && known.connection != Connection::default());
        Self {
            given: given.clone(),
            known: known
                .map(|known| (known.registry.clone(), RegistryConnectionArgs::from(&known.connection)))
                .collect(),
            timeout,
        }
    }

    pub(in crate::commands) fn to(&self, registry: &Registry) -> &RegistryConnectionArgs {
        self.known.get(registry).unwrap_or(&self.given)
    }

    /// The library's options.
    pub(in crate::commands) fn options(&self, registry: &Registry) -> Options {
        self.to(registry).options(self.timeout)
    }
}

impl From<&Connection> for RegistryConnectionArgs {
    fn from(known: &Connection) -> Self {
        Self {
            ca_file: known.ca_file.as_ref().map(|path| path.as_path().to_owned().into()),
            plain_http: known.plain_http,
            gitea_path: known.gitea_path.as_deref().and_then(|path| path.parse().ok()),
        }
    }
}

/// What can be remembered of it.
impl From<&RegistryConnectionArgs> for Connection {
    fn from(args: &RegistryConnectionArgs) -> Self {
        Self {
            ca_file: args.ca_file.as_ref().and_then(|file| KnownPath::new(file.path()).ok()),
            plain_http: args.plain_http,
            gitea_path: args.gitea_path.as_ref().map(ToString::to_string),
        }
    }
}
