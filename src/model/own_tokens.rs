//! Which tokens of a registry are this user's own: those that the keychain has, and those that it had.
//!
//! Of an earlier token only a fingerprint is kept: HMAC-SHA-256 (RFC 2104, FIPS 180-4) under a random key of the
//! keychain. Whoever reads one without the key learns nothing, and with it can only test a guess of a whole token.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

use super::Token;

/// Earlier tokens of one registry that are remembered. A Secret that missed as many changes is named and not written.
/// All of them fit into the 2,560 octets that Windows allows for an item.
pub const MAX_EARLIER: usize = 32;

/// Octets of a key, and of a fingerprint.
const LENGTH: usize = 32;

/// What fingerprints are made with: random, and of one keychain.
#[derive(Clone, PartialEq, Eq)]
pub struct FingerprintKey(Zeroizing<[u8; LENGTH]>);

impl FingerprintKey {
    /// A key from random octets.
    pub fn new(random: Zeroizing<[u8; LENGTH]>) -> Self {
        Self(random)
    }

    fn mac(&self, token: &Token) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice());
        let mut mac = mac.expect("HMAC takes keys of any length");
        mac.update(token.expose().as_bytes());
        mac
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(redacted)")
    }
}

/// By what an earlier token is recognised, under the key that it was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fingerprint([u8; LENGTH]);

/// The fingerprints that one key made, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Keyed {
    key: FingerprintKey,
    fingerprints: Vec<Fingerprint>,
}

/// The tokens of one registry that were replaced or forgotten.
///
/// What two keychains remember can be put together ([`EarlierTokens::merge`]), hence more than one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EarlierTokens(Vec<Keyed>);

#[derive(Serialize, Deserialize)]
struct KeyedText {
    key: String,
    tokens: Vec<String>,
}

impl Drop for KeyedText {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl EarlierTokens {
    /// Reads what [`EarlierTokens::text`] wrote; `None` where it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let groups: Vec<KeyedText> = serde_json::from_str(text).ok()?;
        let keyed = |group: &KeyedText| {
            let fingerprints = group.tokens.iter().map(|text| Some(Fingerprint(*octets(text)?)));
            Some(Keyed {
                key: FingerprintKey(octets(&group.key)?),
                fingerprints: fingerprints.collect::<Option<_>>()?,
            })
        };
        let mut this = Self(groups.iter().map(keyed).collect::<Option<_>>()?);
        this.shorten();
        Some(this)
    }

    /// JSON: an array of keys with the fingerprints that each made.
    ///
    /// # Panics
    /// Never: a list of texts is always JSON.
    pub fn text(&self) -> Zeroizing<String> {
        let group = |keyed: &Keyed| KeyedText {
            key: URL_SAFE_NO_PAD.encode(keyed.key.0.as_slice()),
            tokens: keyed
                .fingerprints
                .iter()
                .map(|one| URL_SAFE_NO_PAD.encode(one.0))
                .collect(),
        };
        let groups: Vec<KeyedText> = self.0.iter().map(group).collect();
        Zeroizing::new(serde_json::to_string(&groups).expect("texts alone"))
    }

    /// Whether nothing was ever remembered, so that a key is still to be made.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same for a keychain that remembers nothing yet.
    pub fn with_key(key: FingerprintKey) -> Self {
        Self(vec![Keyed {
            key,
            fingerprints: Vec::new(),
        }])
    }

    /// Whether this is one of them.
    pub fn has(&self, token: &Token) -> bool {
        self.0.iter().any(|keyed| {
            let mac = keyed.key.mac(token);
            keyed
                .fingerprints
                .iter()
                .any(|one| mac.clone().verify_slice(&one.0).is_ok())
        })
    }

    /// Remembers one more, and forgets the oldest where there are too many. Says whether that changed anything: nobody
    /// is recognised by an empty password.
    pub fn remember(&mut self, token: &Token) -> bool {
        if token.expose().is_empty() || self.has(token) {
            return false;
        }
        let Some(last) = self.0.last_mut() else {
            return false;
        };
        let fingerprint = last.key.mac(token).finalize().into_bytes();
        last.fingerprints.push(Fingerprint(fingerprint.into()));
        self.shorten();
        true
    }

    /// Takes over what another keychain remembers, as older than all of this.
    pub fn merge(&mut self, other: Self) {
        for keyed in other.0.into_iter().rev() {
            match self.0.iter_mut().find(|own| own.key == keyed.key) {
                Some(own) => {
                    let new = |one: &Fingerprint| !own.fingerprints.contains(one);
                    let mut older: Vec<_> = keyed.fingerprints.into_iter().filter(new).collect();
                    older.append(&mut own.fingerprints);
                    own.fingerprints = older;
                }
                None => self.0.insert(0, keyed),
            }
        }
        self.shorten();
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(|keyed| keyed.fingerprints.len()).sum()
    }

    /// The last key stays even where nothing was made with it yet.
    fn shorten(&mut self) {
        let mut surplus = self.len().saturating_sub(MAX_EARLIER);
        for keyed in &mut self.0 {
            let gone = surplus.min(keyed.fingerprints.len());
            keyed.fingerprints.drain(..gone);
            surplus -= gone;
        }
        let last = self.0.len().saturating_sub(1);
        let mut at = 0;
        self.0.retain(|keyed| {
            at += 1;
            at > last || !keyed.fingerprints.is_empty()
        });
    }
}

fn octets(text: &str) -> Option<Zeroizing<[u8; LENGTH]>> {
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
    Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
}

/// The tokens of one registry that prove that a Secret is this user's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnTokens {
    /// Those that there are.
    pub current: Vec<Token>,
    /// Those that there were.
    pub earlier: EarlierTokens,
}

impl OwnTokens {
    pub fn only(current: Vec<Token>) -> Self {
        Self {
            current,
            earlier: EarlierTokens::default(),
        }
    }

    /// Whether this is one of them. An empty password is nobody's.
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
        let mac = FingerprintKey::new(key).mac(&token("what do ya want for nothing?"));
        let expected = [
            0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00,
            0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43,
        ];
        assert_eq!(mac.finalize().into_bytes().as_slice(), expected);
    }

    #[test]
    fn an_empty_password_is_nobodys() {
        let mut earlier = empty(1);
        assert!(!earlier.remember(&token("")));
        let own = OwnTokens {
            current: vec![token("")],
            earlier,
        };
        assert!(!own.has(&token("")));
    }

    #[test]
    fn the_oldest_are_forgotten_and_what_is_kept_fits_into_an_item_of_windows() {
        let mut earlier = empty(1);
        for number in 0..=MAX_EARLIER {
            assert!(earlier.remember(&token(&format!("t{number}"))));
            assert!(!earlier.remember(&token(&format!("t{number}"))), "it is known");
        }
        assert!(!earlier.has(&token("t0")));
        assert!(earlier.has(&token("t1")) && earlier.has(&token("t32")));
        assert!(earlier.text().len() < 2000, "{}", earlier.text().len());
    }

    #[test]
    fn what_is_no_list_of_fingerprints_is_refused() {
        for text in [
            "",
            "{}",
            "[1]",
            r#"[{"key":"AA","tokens":[]}]"#,
            r#"[{"key":"A","tokens":["?"]}]"#,
        ] {
            assert_eq!(EarlierTokens::parse(text), None, "{text}");
        }
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
                first.remember(&token(text));
            }
            for text in &other {
                second.remember(&token(text));
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
