//! Which cluster it is, by what outlives a renamed context.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Longest text of an id, in octets: an API server's URL is the longer one.
const MAX_LENGTH: usize = 2048;

/// Which cluster it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClusterId {
    /// The uid of its namespace `kube-system`, which lives as long as the cluster does.
    Uid(String),
    /// The URL of its API server, where that namespace may not be read.
    Server(String),
}

impl ClusterId {
    /// The namespace whose uid names the cluster: it is made with the cluster, and cannot be deleted.
    pub const NAMESPACE: &str = "kube-system";
}

/// A text that names no cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a cluster is known as uid:UID or server:URL")]
pub struct ClusterIdError;

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uid(uid) => write!(f, "uid:{uid}"),
            Self::Server(url) => write!(f, "server:{url}"),
        }
    }
}

impl FromStr for ClusterId {
    type Err = ClusterIdError;

    fn from_str(text: &str) -> Result<Self, ClusterIdError> {
        if text.len() > MAX_LENGTH || text.chars().any(char::is_control) {
            return Err(ClusterIdError);
        }
        match text.split_once(':') {
            Some(("uid", uid)) if !uid.is_empty() => Ok(Self::Uid(uid.to_owned())),
            Some(("server", url)) if !url.is_empty() => Ok(Self::Server(url.to_owned())),
            _ => Err(ClusterIdError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written() {
        for text in ["uid:6a1b", "server:https://10.0.0.1:6443"] {
            assert_eq!(text.parse::<ClusterId>().unwrap().to_string(), text);
        }
        for text in ["", "uid:", "6a1b", "server:", "uid:a\nb"] {
            assert_eq!(text.parse::<ClusterId>(), Err(ClusterIdError), "{text:?}");
        }
    }
}
