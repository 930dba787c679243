//! A credential that Secrets are to hold.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::error::CommandError;
use crate::model::{CommandLine, Credential, OwnTokens, Registry, Use};

/// A credential that Secrets are to hold, shared by all of them.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::commands) struct Supply {
    pub(in crate::commands) credential: Credential,
    pub(in crate::commands) usage: Use,
    /// What a Secret has to hold to get it, where no person named the Secret.
    pub(in crate::commands) replaces: Option<OwnTokens>,
}

impl Supply {
    /// Refuses what kubelet could not use.
    pub(in crate::commands) fn new(credential: Credential, usage: Use) -> Result<Rc<Self>, CommandError> {
        for_kubelet(&credential)?;
        Ok(Rc::new(Self {
            credential,
            usage,
            replaces: None,
        }))
    }

    /// The same for Secrets alone that hold one of these tokens.
    pub(in crate::commands) fn replacing(self: &Rc<Self>, own: OwnTokens) -> Rc<Self> {
        Rc::new(Self {
            credential: self.credential.clone(),
            usage: self.usage,
            replaces: Some(own),
        })
    }
}

/// Refuses a credential that kubelet passes over: of an entry it reads user and password alone.
pub(in crate::commands) fn for_kubelet(credential: &Credential) -> Result<(), CommandError> {
    if !credential.username.is_identity_token() {
        return Ok(());
    }
    Err(CommandError::failed(format_args!(
        "the credential of {} is an OAuth2 identity token, which kubelet cannot use",
        credential.registry
    ))
    .hint(
        CommandLine::new("kubectl regcred login")
            .value("REGISTRY", credential.registry.as_str())
            .words("-u USER --use cluster"),
    ))
}

/// What Secrets that are found can be given.
#[derive(Clone, Debug)]
pub(in crate::commands) enum Supplies {
    /// This one registry is meant: Secrets of others are not.
    Only(Rc<Supply>),
    /// Whatever the keychain has, or why it has none.
    Keychain(BTreeMap<Registry, Result<Rc<Supply>, CommandError>>),
}

#[cfg(test)]
pub(in crate::commands) mod tests {
    use super::*;
    use crate::model::Token;

    pub(in crate::commands) fn test_supply(registry: &str) -> Rc<Supply> {
        let credential = Credential {
            registry: registry.parse().unwrap(),
            username: "admin".parse().unwrap(),
            token: Token::parse("s3cret").unwrap(),
        };
        Supply::new(credential, Use::Cluster).unwrap()
    }

    #[test]
    fn an_identity_token_is_no_supply() {
        let mut credential = test_supply("gitea.example.com").credential.clone();
        credential.username = "<token>".parse().unwrap();
        let error = Supply::new(credential, Use::Cluster).unwrap_err();
        assert!(error.to_string().contains("identity token"), "{error}");
        assert!(
            error.next()[0].to_string().contains("login gitea.example.com"),
            "{error:?}"
        );
    }
}
