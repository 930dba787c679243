//! A pull Secret: its observed state, and the credentials that it should hold.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;
use zeroize::Zeroize;

use super::annotations::{Entry, FORMAT_ANNOTATION, LAST_APPLIED};
pub use super::format::{DOCUMENT_KEY, LEGACY_DOCUMENT_KEY, PULL_SECRET_TYPE};
use super::format::{PASSWORD_KEY, SecretFormat, URL_KEY, USERNAME_KEY, registry_of_url};
use crate::model::{
    Credential, DockerConfig, DockerConfigError, OwnTokens, Redaction, Registry, Token, Use, UseName, Writer,
};

/// The older type, which kubelet still supports.
pub const LEGACY_PULL_SECRET_TYPE: &str = "kubernetes.io/dockercfg";

/// What a Secret should hold.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub credential: &'a Credential,
    /// The use of the credential.
    pub usage: Use,
    /// If given, the credential is written only to a Secret that holds one of these tokens for the registry, because
    /// everyone who may create a Secret can add our label and annotations. `None`: the user has named the Secret.
    pub replaces: Option<&'a OwnTokens>,
    /// This user's tokens of the registry for other uses, by [`Use::name`]: a Secret that holds one of them keeps it, even
    /// if the user has named the Secret.
    pub others: &'a [(Option<UseName>, OwnTokens)],
    /// Which other tokens it may take the place of.
    pub over: Over<'a>,
    /// Who writes it; `None` where that is not known yet, as in a manifest for others to apply.
    pub writer: Option<&'a Writer>,
}

/// Which tokens a credential may take the place of.
#[derive(Clone, Copy, Debug)]
pub enum Over<'a> {
    /// Any.
    Anything,
    /// This user's own ones and those that were cleared, and no other one.
    Known {
        own: &'a OwnTokens,
        cleared: &'a [(Registry, Token)],
    },
}

/// A Secret as the API server gave it. Its data is zeroed on drop and not shown by `Debug`.
pub struct Observed(Secret);

impl Observed {
    /// Converts the API server's object.
    #[must_use]
    pub fn new(secret: Secret) -> Self {
        Self(secret)
    }

    #[must_use]
    pub fn metadata(&self) -> &ObjectMeta {
        &self.0.metadata
    }

    /// The type; the default is `Opaque`.
    #[must_use]
    pub fn type_name(&self) -> &str {
        self.0.type_.as_deref().unwrap_or("Opaque")
    }

    /// Its type, where that is none that a credential is written to: not a pull Secret's, and none of another format of ours.
    #[must_use]
    pub fn other_type(&self) -> Option<&str> {
        Some(self.type_name()).filter(|name| *name != PULL_SECRET_TYPE && self.format().is_for_kubelet())
    }

    /// Whether its data cannot be changed.
    #[must_use]
    pub fn is_immutable(&self) -> bool {
        self.0.immutable == Some(true)
    }

    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        self.0.metadata.labels.as_ref()?.get(name).map(String::as_str)
    }

    #[must_use]
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.0.metadata.annotations.as_ref()?.get(name).map(String::as_str)
    }

    /// The content of our annotations.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        Entry::read(self.0.metadata.annotations.as_ref().unwrap_or(&BTreeMap::new()))
    }

    /// Who wrote the credential of this registry, as our annotations have it.
    #[must_use]
    pub fn writer(&self, registry: &Registry) -> Option<Writer> {
        let mut entries = self.entries().into_iter();
        entries.find(|entry| entry.registry == *registry)?.writer
    }

    /// Whether the credential's registry has exactly this credential in it.
    #[must_use]
    pub fn holds(&self, credential: &Credential) -> bool {
        self.document().is_ok_and(|document| document.holds(credential))
    }

    /// Whether this token is anywhere in it where a program reads it: see [`Observed::tokens`].
    #[must_use]
    pub fn mentions(&self, token: &Token) -> bool {
        self.tokens().contains(token)
    }

    /// Everything in it that may be a token, wherever kubelet would find it, also in a Secret of the older type, or a program
    /// that reads a password.
    #[must_use]
    pub fn tokens(&self) -> Vec<Token> {
        let documents = self.documents();
        let mut tokens: Vec<Token> = documents.iter().flat_map(DockerConfig::tokens).collect();
        tokens.extend(self.password());
        tokens
    }

    /// The user beside a token in it.
    #[must_use]
    pub fn user_of(&self, token: &Token) -> Option<String> {
        let documents = self.documents();
        let logins = documents.iter().flat_map(DockerConfig::logins);
        let mut logins = logins.filter_map(|(_, login)| login.ok().flatten());
        if let Some((username, _)) = logins.find(|(_, held)| held == token) {
            return Some(username);
        }
        let username = std::str::from_utf8(self.bytes(USERNAME_KEY)?).ok()?;
        (self.password()? == *token).then(|| username.to_owned())
    }

    /// Its documents, in the keys of both types.
    fn documents(&self) -> Vec<DockerConfig> {
        let legacy = self.bytes(LEGACY_DOCUMENT_KEY).map(DockerConfig::parse_legacy);
        let documents = [Some(self.document()), legacy];
        documents.into_iter().flatten().flatten().collect()
    }

    /// The password of a Secret that is no pull Secret.
    fn password(&self) -> Option<Token> {
        let bytes = self
            .bytes(PASSWORD_KEY)
            .filter(|_| self.type_name() != PULL_SECRET_TYPE)?;
        Some(Token::verbatim(std::str::from_utf8(bytes).ok()?.to_owned()))
    }

    /// The value of one of its keys.
    pub fn bytes(&self, key: &str) -> Option<&[u8]> {
        self.0.data.as_ref()?.get(key).map(|bytes| bytes.0.as_slice())
    }

    /// Redacts its secrets, and those in kubectl's copy of it, in messages about this cluster: an error of the server
    /// may quote the object.
    pub fn keep_out_of_messages(&self, secrets: &mut Redaction) {
        if let Some(Ok(password)) = self.bytes(PASSWORD_KEY).map(std::str::from_utf8) {
            secrets.add(password);
        }
        let mut keep_out = |bytes: &[u8]| {
            let read = DockerConfig::parse(bytes).or_else(|_| DockerConfig::parse_legacy(bytes));
            if let Ok(document) = read {
                secrets.add_document(&document);
            }
        };
        for key in [DOCUMENT_KEY, LEGACY_DOCUMENT_KEY] {
            self.bytes(key).into_iter().for_each(&mut keep_out);
        }
        if let Some(copy) = self.last_applied() {
            for bytes in copy.0.data.iter().flat_map(BTreeMap::values) {
                keep_out(&bytes.0);
            }
        }
    }

    /// kubectl's copy of it, if it has one that can be read.
    pub(super) fn last_applied(&self) -> Option<Self> {
        let mut copy: Secret = serde_json::from_str(self.annotation(LAST_APPLIED)?).ok()?;
        // As the API server does it.
        let texts = copy.string_data.take().into_iter().flatten();
        let texts = texts.map(|(key, text)| (key, ByteString(text.into_bytes())));
        copy.data.get_or_insert_default().extend(texts);
        Some(Self(copy))
    }

    /// Whether it has an entry of this registry, in any of its documents.
    pub(super) fn has_entry_of(&self, registry: &Registry) -> bool {
        let documents = self.documents();
        let mut keys = documents.iter().flat_map(DockerConfig::keys);
        keys.any(|key| registry.is_named_by(&key))
    }

    /// The format that it has by its type and our annotation.
    #[must_use]
    pub fn format(&self) -> SecretFormat {
        if self.type_name() == PULL_SECRET_TYPE {
            return SecretFormat::DockerConfigJson;
        }
        let declared = self.annotation(FORMAT_ANNOTATION).and_then(|text| text.parse().ok());
        declared.unwrap_or_default()
    }

    /// The document in it, or an empty one if there is none. What another format holds is an entry of the registry that
    /// our annotations name.
    pub fn document(&self) -> Result<DockerConfig, DockerConfigError> {
        let declared = self.entries().into_iter().next().map(|entry| entry.registry);
        self.document_in(&self.format(), declared.as_ref())
    }

    /// The same, where the format and the registry are known.
    pub(super) fn document_in(
        &self,
        format: &SecretFormat,
        registry: Option<&Registry>,
    ) -> Result<DockerConfig, DockerConfigError> {
        if format.is_for_kubelet() {
            return match self.bytes(DOCUMENT_KEY) {
                Some(bytes) => DockerConfig::parse(bytes),
                None => Ok(DockerConfig::default()),
            };
        }
        let mut document = DockerConfig::default();
        let text = |key| self.bytes(key).and_then(|bytes| std::str::from_utf8(bytes).ok());
        // A user that nobody can log in with is no login.
        let username = text(USERNAME_KEY).and_then(|name| name.parse().ok());
        if let (Some(registry), Some(username), Some(token)) = (registry, username, text(PASSWORD_KEY)) {
            document.set(&Credential {
                registry: registry.clone(),
                username,
                token: Token::verbatim(token.to_owned()),
            })?;
        }
        Ok(document)
    }

    /// The registry that Argo CD's address of it names; `None` if there is no such address.
    #[must_use]
    pub fn registry_of_url(&self) -> Option<Registry> {
        registry_of_url(std::str::from_utf8(self.bytes(URL_KEY)?).ok()?)
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        for bytes in self.0.data.iter_mut().flat_map(BTreeMap::values_mut) {
            bytes.0.zeroize();
        }
        // The last-applied annotation holds the same tokens.
        for text in self.0.metadata.annotations.iter_mut().flat_map(BTreeMap::values_mut) {
            text.zeroize();
        }
    }
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.metadata.name.as_deref().unwrap_or_default();
        f.debug_struct("Observed").field("name", &name).finish_non_exhaustive()
    }
}
