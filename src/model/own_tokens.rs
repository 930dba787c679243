//! Recognises a user's own tokens of a registry: those in the keychain and earlier ones.
//!
//! Only a fingerprint of an earlier token is kept: HMAC-SHA-256 (RFC 2104, FIPS 180-4) with a random key of the
//! keychain. Without the key a fingerprint reveals nothing; with it, one can only test guesses of a whole token.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

use super::{Token, UseName};

/// The number of earlier tokens that are remembered per registry. A Secret that has missed more changes is reported and
/// not written. They all fit into the 2,560 octets that Windows allows for an item.
pub const MAX_EARLIER: usize = 32;

/// The number of keys that are kept per registry. A key without fingerprints is kept too: the ledger has fingerprints of the
/// tokens in use that were made with it.
const MAX_KEYS: usize = 8;

/// Length of a key and of a fingerprint, in octets.
const LENGTH: usize = 32;

/// The key of the fingerprints: random, for one keychain.
#[derive(Clone, PartialEq, Eq)]
pub struct FingerprintKey(Zeroizing<[u8; LENGTH]>);

impl FingerprintKey {
    /// A key from random octets.
    pub fn new(random: Zeroizing<[u8; LENGTH]>) -> Self {
        Self(random)
    }

    /// The token's fingerprint under this key.
    ///
    /// The state of the computation holds a block of the token, so it stays where freed memory is zeroed: it is never
    /// moved, which leaves a copy behind.
    fn fingerprint(&self, token: &Token) -> Fingerprint {
        let mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice());
        let mut mac = Box::new(mac.expect("HMAC takes keys of any length"));
        mac.update(token.expose().as_bytes());
        Fingerprint(mac.finalize_reset().into_bytes().into())
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(redacted)")
    }
}

/// The HMAC of a token under a key of the keychain: it recognises the token again, and tells nothing of it without the key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; LENGTH]);

/// A text that is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it is no fingerprint of a token")]
pub struct FingerprintError;

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        octets(text).map(|octets| Self(*octets)).ok_or(FingerprintError)
    }
}

/// A key and its fingerprints, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Keyed {
    key: FingerprintKey,
    tokens: Vec<EarlierToken>,
}

/// One earlier token.
#[derive(Clone, Debug, PartialEq, Eq)]
struct EarlierToken {
    fingerprint: Fingerprint,
    /// [`Use::name`](super::Use::name) of what it was for.
    name: Option<UseName>,
}

/// The fingerprints of a registry's replaced or deleted tokens.
///
/// There can be more than one key, because two keychains can be merged ([`EarlierTokens::merge`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EarlierTokens(Vec<Keyed>);

#[derive(Serialize, Deserialize)]
struct KeyedText {
    key: String,
    tokens: Vec<String>,
    /// For each use with a name of the user's own, the positions of its tokens.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    uses: BTreeMap<String, Vec<usize>>,
}

impl Drop for KeyedText {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl EarlierTokens {
    /// Parses the output of [`EarlierTokens::text`].
    pub fn parse(text: &str) -> Option<Self> {
        let groups: Vec<KeyedText> = serde_json::from_str(text).ok()?;
        let keyed = |group: &KeyedText| {
            let token = |text: &String| {
                Some(EarlierToken {
                    fingerprint: text.parse().ok()?,
                    name: None,
                })
            };
            let mut tokens: Vec<EarlierToken> = group.tokens.iter().map(token).collect::<Option<_>>()?;
            for (name, positions) in &group.uses {
                let name: UseName = name.parse().ok()?;
                for at in positions {
                    tokens.get_mut(*at)?.name = Some(name);
                }
            }
            Some(Keyed {
                key: FingerprintKey(octets(&group.key)?),
                tokens,
            })
        };
        let mut this = Self(groups.iter().map(keyed).collect::<Option<_>>()?);
        this.shorten();
        Some(this)
    }

    /// As JSON: an array of keys with their fingerprints.
    pub fn text(&self) -> Zeroizing<String> {
        let group = |keyed: &Keyed| {
            let mut uses: BTreeMap<String, Vec<usize>> = BTreeMap::new();
            for (at, token) in keyed.tokens.iter().enumerate() {
                if let Some(name) = token.name {
                    uses.entry(name.to_string()).or_default().push(at);
                }
            }
            KeyedText {
                key: URL_SAFE_NO_PAD.encode(keyed.key.0.as_slice()),
                tokens: keyed.tokens.iter().map(|token| token.fingerprint.to_string()).collect(),
                uses,
            }
        };
        let groups: Vec<KeyedText> = self.0.iter().map(group).collect();
        Zeroizing::new(serde_json::to_string(&groups).expect("texts alone"))
    }

    /// Whether there is not even a key yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is a token to recognise.
    pub fn has_any(&self) -> bool {
        self.0.iter().any(|keyed| !keyed.tokens.is_empty())
    }

    /// An empty list with a key.
    pub fn with_key(key: FingerprintKey) -> Self {
        Self(vec![Keyed {
            key,
            tokens: Vec::new(),
        }])
    }

    /// Whether this is one of the tokens.
    pub fn has(&self, token: &Token) -> bool {
        self.find(token).next().is_some()
    }

    /// What the token was for, as [`Use::name`](super::Use::name), if it is one of them; the latest, if that changed.
    pub fn name_of(&self, token: &Token) -> Option<Option<UseName>> {
        self.find(token).last().map(|found| found.name)
    }

    /// What they were for, by [`Use::name`](super::Use::name), in any order.
    pub fn names(&self) -> impl Iterator<Item = Option<UseName>> {
        self.0.iter().flat_map(|keyed| &keyed.tokens).map(|token| token.name)
    }

    fn find(&self, token: &Token) -> impl Iterator<Item = &EarlierToken> {
        self.0.iter().flat_map(|keyed| {
            let fingerprint = keyed.key.fingerprint(token);
            keyed.tokens.iter().filter(move |one| one.fingerprint == fingerprint)
        })
    }

    /// Those that were for this use, by [`Use::name`](super::Use::name).
    #[must_use]
    pub fn of(&self, name: Option<UseName>) -> Self {
        let mut these = self.clone();
        for keyed in &mut these.0 {
            keyed.tokens.retain(|token| token.name == name);
        }
        these
    }

    /// The token's fingerprint under every key, the one that is used from now on last.
    pub fn fingerprints(&self, token: &Token) -> Vec<Fingerprint> {
        self.0.iter().map(|keyed| keyed.key.fingerprint(token)).collect()
    }

    /// The fingerprints of the earlier tokens.
    pub fn kept(&self) -> impl Iterator<Item = &Fingerprint> {
        self.0
            .iter()
            .flat_map(|keyed| &keyed.tokens)
            .map(|token| &token.fingerprint)
    }

    /// Adds a token that was for this use, by [`Use::name`](super::Use::name), and drops the oldest one if there are too
    /// many. Returns whether anything changed. An empty password is never added.
    pub fn remember(&mut self, token: &Token, name: Option<UseName>) -> bool {
        if token.expose().is_empty() || self.find(token).any(|known| known.name == name) {
            return false;
        }
        let Some(last) = self.0.last_mut() else {
            return false;
        };
        let fingerprint = last.key.fingerprint(token);
        last.tokens.push(EarlierToken { fingerprint, name });
        self.shorten();
        true
    }

    /// Adds another keychain's fingerprints, treating them as older.
    pub fn merge(&mut self, other: Self) {
        for keyed in other.0.into_iter().rev() {
            match self.0.iter_mut().find(|own| own.key == keyed.key) {
                Some(own) => {
                    let new = |one: &EarlierToken| !own.tokens.contains(one);
                    let mut older: Vec<_> = keyed.tokens.into_iter().filter(new).collect();
                    older.append(&mut own.tokens);
                    own.tokens = older;
                }
                None => self.0.insert(0, keyed),
            }
        }
        self.shorten();
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(|keyed| keyed.tokens.len()).sum()
    }

    /// Drops the oldest fingerprints, and then the oldest keys, those without fingerprints first.
    fn shorten(&mut self) {
        let mut surplus = self.len().saturating_sub(MAX_EARLIER);
        for keyed in &mut self.0 {
            let gone = surplus.min(keyed.tokens.len());
            keyed.tokens.drain(..gone);
            surplus -= gone;
        }
        while self.0.len() > MAX_KEYS {
            let before_last = &self.0[..self.0.len() - 1];
            let oldest = before_last.iter().position(|keyed| keyed.tokens.is_empty());
            self.0.remove(oldest.unwrap_or(0));
        }
    }
}

fn octets(text: &str) -> Option<Zeroizing<[u8; LENGTH]>> {
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
    Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
}

/// The tokens of one registry by which a Secret is recognised as the user's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnTokens {
    /// The tokens in the keychain.
    pub current: Vec<Token>,
    /// The fingerprints of earlier tokens.
    pub earlier: EarlierTokens,
}

impl OwnTokens {
    pub fn only(current: Vec<Token>) -> Self {
        Self {
            current,
            earlier: EarlierTokens::default(),
        }
    }

    /// Whether this is one of the tokens. An empty password never is.
    pub fn has(&self, token: &Token) -> bool {
        !token.expose().is_empty() && (self.current.contains(token) || self.earlier.has(token))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(text: &str) -> Token {
        Token::verbatim(text.to_owned())
    }

    fn empty(key: u8) -> EarlierTokens {
        EarlierTokens::with_key(FingerprintKey::new(Zeroizing::new([key; LENGTH])))
    }

    #[test]
    fn a_fingerprint_is_hmac_sha_256() {
        // RFC 4231, test case 2, with the key filled up with zeros, as HMAC itself does it.
        let mut key = Zeroizing::new([0; LENGTH]);
        key[..4].copy_from_slice(b"Jefe");
        let fingerprint = FingerprintKey::new(key).fingerprint(&token("what do ya want for nothing?"));
        let expected = [
            0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00,
            0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43,
        ];
        assert_eq!(fingerprint.0, expected);
    }

    #[test]
    fn an_empty_password_is_never_own() {
        let mut earlier = empty(1);
        assert!(!earlier.remember(&token(""), None));
        let own = OwnTokens {
            current: vec![token("")],
            earlier,
        };
        assert!(!own.has(&token("")));
    }

    #[test]
    fn the_oldest_are_dropped_and_the_rest_fits_into_a_windows_item() {
        let mut earlier = empty(1);
        for number in 0..=MAX_EARLIER {
            assert!(earlier.remember(&token(&format!("t{number}")), None));
            assert!(!earlier.remember(&token(&format!("t{number}")), None), "it is known");
        }
        assert!(!earlier.has(&token("t0")));
        assert!(earlier.has(&token("t1")) && earlier.has(&token("t32")));
        assert!(earlier.text().len() < 2000, "{}", earlier.text().len());
    }

    #[test]
    fn an_invalid_list_of_fingerprints_is_refused() {
        for text in [
            "",
            "{}",
            "[1]",
            r#"[{"key":"AA","tokens":[]}]"#,
            r#"[{"key":"A","tokens":["?"]}]"#,
        ] {
            assert_eq!(EarlierTokens::parse(text), None, "{text}");
        }
        let text = empty(1)
            .text()
            .replace(r#""tokens":[]"#, r#""tokens":[],"uses":{"ci":[0]}"#);
        assert_eq!(EarlierTokens::parse(&text), None, "{text}");
    }

    #[test]
    fn a_token_is_known_with_its_use() {
        let name = |text: &str| Some(text.parse::<UseName>().unwrap());
        let mut earlier = empty(1);
        assert!(earlier.remember(&token("of-both"), None));
        assert!(earlier.remember(&token("of-both"), name("ci")));
        assert!(earlier.remember(&token("of-ci"), name("ci")));
        let earlier = EarlierTokens::parse(&earlier.text()).unwrap();
        assert_eq!(earlier.name_of(&token("of-ci")), Some(name("ci")));
        assert_eq!(earlier.name_of(&token("of-both")), Some(name("ci")));
        assert_eq!(earlier.name_of(&token("of-none")), None);
        assert!(earlier.of(None).has(&token("of-both")) && !earlier.of(None).has(&token("of-ci")));
        assert!(!earlier.of(name("cd")).has_any() && !earlier.of(name("cd")).is_empty());
    }

    /// The ledger recognises a token that is in use by a fingerprint that is nowhere else.
    #[test]
    fn a_key_is_kept_without_a_fingerprint() {
        let (mut merged, in_use) = (empty(0), token("in-use"));
        merged.remember(&token("earlier"), None);
        let mut noted = merged.fingerprints(&in_use);
        for key in 1..20 {
            let other = empty(key);
            noted.extend(other.fingerprints(&in_use));
            merged.merge(other);
            merged = EarlierTokens::parse(&merged.text()).unwrap();
            if key < 8 {
                let mut known = merged.fingerprints(&in_use);
                known.sort();
                noted.sort();
                assert_eq!(known, noted, "{key}");
            }
        }
        assert_eq!(merged.fingerprints(&in_use).len(), MAX_KEYS);
        assert!(merged.has(&token("earlier")), "keys with fingerprints are kept longer");
        for number in 0..MAX_EARLIER {
            merged.remember(&token(&number.to_string()), None);
        }
        // As it is kept: in a string of a JSON object.
        let kept = serde_json::json!({ "earlier": merged.text().as_str() }).to_string();
        assert!(kept.len() < 2560, "{}", kept.len());
    }

    proptest! {
        #[test]
        fn what_was_remembered_is_found_again_and_nothing_else(
            one in prop::collection::vec("[a-f0-9]{1,40}", 0..20),
            other in prop::collection::vec("[a-f0-9]{1,40}", 0..20),
            stranger in "[g-z]{1,40}",
        ) {
            let (mut first, mut second) = (empty(1), empty(2));
            for text in &one {
                first.remember(&token(text), None);
            }
            for text in &other {
                second.remember(&token(text), None);
            }
            let count = first.len() + second.len();
            first.merge(second.clone());
            first.merge(second);
            let text = first.text();
            for kept in one.iter().chain(&other) {
                prop_assert!(kept.len() < 8 || !text.contains(kept.as_str()));
            }
            let read = EarlierTokens::parse(&text).unwrap();
            prop_assert_eq!(&read, &first);
            prop_assert_eq!(read.len(), count.min(MAX_EARLIER));
            if count <= MAX_EARLIER {
                for kept in one.iter().chain(&other) {
                    prop_assert!(read.has(&token(kept)));
                }
            }
            prop_assert!(!read.has(&token(&stranger)));
        }
    }
}
