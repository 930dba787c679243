//! Where a Secret is, within one cluster.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::names::{Namespace, SecretName};

/// Where a Secret is, within one cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    pub namespace: Namespace,
    pub secret: SecretName,
}

impl Target {
    /// `NAMESPACE/NAME`, as it is parsed.
    pub fn namespaced_name(&self) -> String {
        format!("{}/{}", self.namespace, self.secret)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret/{} in namespace {}", self.secret, self.namespace)
    }
}

/// A text that names no Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a Secret is named as NAMESPACE/NAME")]
pub struct TargetError;

impl FromStr for Target {
    type Err = TargetError;

    /// Takes `NAMESPACE/NAME`.
    fn from_str(text: &str) -> Result<Self, TargetError> {
        let (namespace, secret) = text.split_once('/').ok_or(TargetError)?;
        Ok(Self {
            namespace: namespace.parse().map_err(|_| TargetError)?,
            secret: secret.parse().map_err(|_| TargetError)?,
        })
    }
}
