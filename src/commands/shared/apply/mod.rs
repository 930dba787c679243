//! Many Secrets of several contexts: what `sync` and `rotate` have in common.
//!
//! [`Run`] works through the batches, [`After`] is what is done once a Secret is right, [`Rollouts`] follows what was
//! restarted, and [`Report`] says what became of it all.

mod after;
mod follow;
mod interrupt;
mod one;
mod report;
mod run;

pub(in crate::commands) use after::{After, Aftermath};
pub(in crate::commands) use follow::Rollouts;
pub(in crate::commands) use interrupt::{Interrupt, Interrupted};
pub(in crate::commands) use one::Done;
pub(in crate::commands) use report::{Ended, Item, Report, Row};
pub(in crate::commands) use run::{AT_ONCE, Run};

use crate::cluster::{ConnectOptions, DryRun, Impersonate};
use crate::commands::args::{ClusterArgs, DryRunArg};

/// The flags for connecting, for one context.
pub(in crate::commands) fn connect_options(args: &ClusterArgs, context: Option<&str>) -> ConnectOptions {
    ConnectOptions {
        kubeconfig: args.kubeconfig.clone(),
        context: context.map(str::to_owned),
        cluster: args.cluster.clone(),
        user: args.user.clone(),
        impersonate: Impersonate {
            user: args.impersonate.clone(),
            groups: args.impersonate_groups.clone(),
            uid: args.impersonate_uid.clone(),
        },
        request_timeout: args.request_timeout.unwrap_or_default(),
        service_account: None,
        is_unattended: false,
    }
}

impl From<DryRunArg> for DryRun {
    fn from(arg: DryRunArg) -> Self {
        match arg {
            DryRunArg::None => Self::None,
            DryRunArg::Client => Self::Client,
            DryRunArg::Server => Self::Server,
        }
    }
}
