//! What is searched for.

use aho_corasick::{AhoCorasick, MatchKind};
use zeroize::Zeroizing;

use super::base64_core::cores;
use crate::model::{EarlierTokens, Registry, Token, Use};

/// The shortest token that is searched for: a shorter password is in many files by chance.
const SHORTEST: usize = 8;

/// How a token is written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::commands) enum Encoding {
    Plain,
    /// Alone, or as a part of what was encoded; also base64 of base64, as in a Secret made of docker's file.
    Base64,
}

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) struct Owner {
    pub(in crate::commands) registry: Registry,
    pub(in crate::commands) usage: Use,
    pub(in crate::commands) username: String,
    /// Not so for the other token of a rotation that is pending.
    pub(in crate::commands) is_current: bool,
}

/// The tokens that are searched for.
pub(in crate::commands) struct Needles {
    automaton: Option<AhoCorasick>,
    /// The pattern's token, and how it is written there.
    meaning: Vec<(usize, Encoding)>,
    /// The owners of each token: two uses can have the same one.
    owners: Vec<Vec<Owner>>,
    tokens: Vec<Token>,
    /// Of each registry that has any.
    pub(super) earlier: Vec<(Registry, EarlierTokens)>,
    /// The owners of tokens that are too short to be searched for.
    too_short: Vec<Owner>,
    longest: usize,
}

impl Needles {
    /// Prepares the search for these tokens, and for the earlier tokens of these registries.
    pub(in crate::commands) fn new(
        kept: impl IntoIterator<Item = (Owner, Token)>,
        earlier: impl IntoIterator<Item = (Registry, EarlierTokens)>,
    ) -> Self {
        let mut this = Self {
            automaton: None,
            meaning: Vec::new(),
            owners: Vec::new(),
            tokens: Vec::new(),
            earlier: earlier.into_iter().filter(|(_, tokens)| tokens.has_any()).collect(),
            too_short: Vec::new(),
            longest: 0,
        };
        for (owner, token) in kept {
            if token.expose().len() < SHORTEST {
                this.too_short.push(owner);
                continue;
            }
            if let Some(at) = this.tokens.iter().position(|known| *known == token) {
                this.owners[at].push(owner);
            } else {
                this.tokens.push(token);
                this.owners.push(vec![owner]);
            }
        }
        let mut patterns: Vec<Zeroizing<String>> = Vec::new();
        for (at, token) in this.tokens.iter().enumerate() {
            let plain = Zeroizing::new(token.expose().to_owned());
            let once = cores(plain.as_bytes());
            let twice = once.iter().flat_map(|core| cores(core.as_bytes()));
            let encoded = once.iter().cloned().chain(twice.collect::<Vec<_>>());
            let of_it = std::iter::once((plain, Encoding::Plain)).chain(encoded.map(|core| (core, Encoding::Base64)));
            for (pattern, encoding) in of_it {
                this.longest = this.longest.max(pattern.len());
                patterns.push(pattern);
                this.meaning.push((at, encoding));
            }
        }
        if !patterns.is_empty() {
            let patterns = patterns.iter().map(|pattern| pattern.as_bytes());
            let automaton = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(patterns);
            this.automaton = Some(automaton.expect("a few short patterns"));
        }
        this
    }

    /// Whether there is nothing to search for.
    pub(in crate::commands) fn is_empty(&self) -> bool {
        self.automaton.is_none() && self.earlier.is_empty()
    }

    /// The owners of a token that was found.
    pub(in crate::commands) fn owners(&self, token: usize) -> &[Owner] {
        &self.owners[token]
    }

    /// Whose tokens are not searched for, because they are so short that they are in many files by chance.
    pub(in crate::commands) fn too_short(&self) -> &[Owner] {
        &self.too_short
    }

    /// Every token in these octets: which one, how it is written, where it begins and ends.
    pub(super) fn find<'a>(&'a self, octets: &'a [u8]) -> impl Iterator<Item = (usize, Encoding, usize, usize)> + 'a {
        let found = self
            .automaton
            .iter()
            .flat_map(move |automaton| automaton.find_iter(octets));
        found.map(|found| {
            let (token, encoding) = self.meaning[found.pattern().as_usize()];
            (token, encoding, found.start(), found.end())
        })
    }

    /// The length of the longest text that is searched for.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Whether this one is found by [`Needles::find`].
    pub(super) fn is_kept(&self, token: &Token) -> bool {
        self.tokens.contains(token)
    }
}
