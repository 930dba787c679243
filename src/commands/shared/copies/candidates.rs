//! What may be an earlier token, of which only a fingerprint is kept: every word of a text that is as long as one.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::needles::{Encoding, Needles};
use crate::model::{Fingerprint, Registry, Token};

/// The length of a token in octets.
const LENGTH: std::ops::RangeInclusive<usize> = 20..=255;
/// The longest base64 of `USER:TOKEN`.
const LONGEST_ENCODED: usize = 512;
/// The most words whose result is remembered.
const MAX_TESTED: usize = 1 << 20;

const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);
const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// An earlier token that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Earlier {
    pub(super) registry: Registry,
    pub(super) fingerprints: Vec<Fingerprint>,
}

/// What is known of the words that were tested: each is tested once.
///
/// Keyed hashes are remembered, and not the words, which can be any secrets.
#[derive(Default)]
pub(super) struct Tested {
    hasher: RandomState,
    results: HashMap<u64, Option<Earlier>>,
    pub(super) count: u64,
}

impl Tested {
    fn test(&mut self, word: &[u8], needles: &Needles) -> Option<Earlier> {
        if !LENGTH.contains(&word.len()) {
            return None;
        }
        let hash = self.hasher.hash_one(word);
        if let Some(known) = self.results.get(&hash) {
            return known.clone();
        }
        self.count += 1;
        let result = std::str::from_utf8(word).ok().and_then(|word| {
            let token = Token::verbatim(word.to_owned());
            if needles.is_kept(&token) {
                return None;
            }
            let (registry, earlier) = needles.earlier.iter().find(|(_, earlier)| earlier.has(&token))?;
            Some(Earlier {
                registry: registry.clone(),
                fingerprints: earlier.fingerprints(&token),
            })
        });
        if self.results.len() >= MAX_TESTED {
            self.results.retain(|_, result| result.is_some());
        }
        self.results.insert(hash, result.clone());
        result
    }
}

/// The words of one text, which comes in pieces.
pub(super) struct Words {
    plain: Word,
    encoded: Word,
}

/// The run of octets of one kind that is being read.
struct Word {
    text: Zeroizing<Vec<u8>>,
    /// Also of what is longer than a word can be.
    length: usize,
    longest: usize,
    belongs: fn(u8) -> bool,
}

impl Word {
    fn new(longest: usize, belongs: fn(u8) -> bool) -> Self {
        Self {
            // At full size: a buffer that grows leaves copies behind.
            text: Zeroizing::new(Vec::with_capacity(longest)),
            length: 0,
            longest,
            belongs,
        }
    }

    /// Takes the next octet; true if it ended a word, which is in `text` until [`Word::clear`].
    fn take(&mut self, octet: u8) -> bool {
        if !(self.belongs)(octet) {
            return self.length > 0;
        }
        if self.length < self.longest {
            self.text.push(octet);
        }
        self.length += 1;
        false
    }

    fn whole(&self) -> Option<&[u8]> {
        (*LENGTH.start()..=self.longest)
            .contains(&self.length)
            .then_some(self.text.as_slice())
    }

    fn clear(&mut self) {
        self.text.clear();
        self.length = 0;
    }
}

impl Words {
    pub(super) fn new() -> Self {
        Self {
            // With room for a flag before it: -pTOKEN.
            plain: Word::new(LENGTH.end() + 2, |octet| {
                octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-')
            }),
            encoded: Word::new(LONGEST_ENCODED, |octet| {
                octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'+' | b'/')
            }),
        }
    }

    /// Reads on, and says of each earlier token how it is written and where it begins. `offset` is where the piece does.
    pub(super) fn read(
        &mut self,
        piece: &[u8],
        offset: u64,
        needles: &Needles,
        tested: &mut Tested,
        found: &mut impl FnMut(Encoding, u64, Earlier),
    ) {
        for (at, octet) in (offset..).zip(piece) {
            if self.plain.take(*octet) {
                self.end_plain(at, needles, tested, found);
            }
            if self.encoded.take(*octet) {
                self.end_encoded(at, needles, tested, found);
            }
        }
    }

    /// The text is at its end.
    pub(super) fn end(
        &mut self,
        at: u64,
        needles: &Needles,
        tested: &mut Tested,
        found: &mut impl FnMut(Encoding, u64, Earlier),
    ) {
        self.end_plain(at, needles, tested, found);
        self.end_encoded(at, needles, tested, found);
    }

    fn end_plain(
        &mut self,
        end: u64,
        needles: &Needles,
        tested: &mut Tested,
        found: &mut impl FnMut(Encoding, u64, Earlier),
    ) {
        if let Some(word) = self.plain.whole() {
            let flag = word.strip_prefix(b"-p").filter(|rest| !rest.is_empty());
            for word in [Some(word), flag].into_iter().flatten() {
                if let Some(earlier) = tested.test(word, needles) {
                    found(Encoding::Plain, end - word.len() as u64, earlier);
                }
            }
        }
        self.plain.clear();
    }

    fn end_encoded(
        &mut self,
        end: u64,
        needles: &Needles,
        tested: &mut Tested,
        found: &mut impl FnMut(Encoding, u64, Earlier),
    ) {
        if let Some(word) = self.encoded.whole() {
            let engine = if word.iter().any(|octet| matches!(octet, b'-' | b'_')) {
                URL_SAFE
            } else {
                STANDARD
            };
            // At full size, as above.
            let mut decoded = Zeroizing::new([0; LONGEST_ENCODED]);
            if let Ok(length) = engine.decode_slice(word, decoded.as_mut_slice()) {
                let text = decoded[..length].trim_ascii();
                let colon = text.iter().position(|octet| *octet == b':');
                let token = colon.map_or(text, |colon| &text[colon + 1..]);
                if token.iter().all(u8::is_ascii_graphic)
                    && let Some(earlier) = tested.test(token, needles)
                {
                    found(Encoding::Base64, end - word.len() as u64, earlier);
                }
            }
        }
        self.encoded.clear();
    }
}
