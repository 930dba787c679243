//! Reads something of any length, in pieces, and finds the tokens in it.

use std::io::{self, Read};

use zeroize::Zeroizing;

use super::candidates::{Earlier, Tested, Words};
use super::needles::{Encoding, Needles};
use crate::model::{Fingerprint, Registry};

/// How much is read at once, in octets.
const PIECE: usize = 256 * 1024;
/// How much of the beginning tells whether it is text.
const HEAD: usize = 8 * 1024;
/// The most places of one token in one file that are kept; all are counted.
const MAX_PLACES: usize = 20;

/// Which token was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Which {
    /// The one at this position of the [`Needles`].
    Kept(usize),
    Earlier {
        registry: Registry,
        fingerprints: Vec<Fingerprint>,
    },
}

/// One token in one file, with its places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) struct Found {
    pub(in crate::commands) which: Which,
    pub(in crate::commands) encoding: Encoding,
    /// Where it begins, in octets, in this order.
    pub(in crate::commands) offsets: Vec<u64>,
    /// How often it is there.
    pub(in crate::commands) count: u64,
}

/// What one reading found.
#[derive(Debug, Default)]
pub(in crate::commands) struct Searched {
    pub(in crate::commands) found: Vec<Found>,
    /// It has no zero octet at its beginning.
    pub(in crate::commands) is_text: bool,
}

/// Reads one thing after another, always into the same memory.
pub(in crate::commands) struct Reading<'a> {
    needles: &'a Needles,
    tested: Tested,
    /// The end of the last piece, in which a token may begin, and the new one.
    buffer: Zeroizing<Vec<u8>>,
    /// Asked before each piece: whether to stop.
    is_stopped: &'a dyn Fn() -> bool,
    /// The octets that were read.
    pub(in crate::commands) octets: u64,
}

impl<'a> Reading<'a> {
    pub(in crate::commands) fn new(needles: &'a Needles, is_stopped: &'a dyn Fn() -> bool) -> Self {
        Self {
            needles,
            tested: Tested::default(),
            buffer: Zeroizing::new(vec![0; needles.longest().saturating_sub(1) + PIECE]),
            is_stopped,
            octets: 0,
        }
    }

    /// The words that were compared with the fingerprints of earlier tokens.
    #[cfg(test)]
    fn words(&self) -> u64 {
        self.tested.count
    }

    /// An error if the work is to stop.
    pub(in crate::commands) fn go_on(&self) -> io::Result<()> {
        if (self.is_stopped)() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(())
    }

    /// Reads `source` to its end, or as many octets of it as `length` says.
    pub(in crate::commands) fn search(&mut self, source: &mut dyn Read, length: Option<u64>) -> io::Result<Searched> {
        let mut searched = Searched::default();
        let mut words = (!self.needles.earlier.is_empty()).then(Words::new);
        let overlap = self.needles.longest().saturating_sub(1);
        // How much of the buffer is from earlier pieces, where in the source the buffer begins, and up to where in the
        // source the tokens were found.
        let (mut kept, mut base, mut done) = (0, 0, 0);
        let mut is_first = true;
        loop {
            self.go_on()?;
            let begin = base + kept as u64;
            let room = length.map_or(PIECE as u64, |length| (length - begin).min(PIECE as u64));
            let room = usize::try_from(room).unwrap_or(PIECE);
            let count = fill(source, &mut self.buffer[kept..kept + room])?;
            if count == 0 {
                if length.is_some_and(|length| begin < length) {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                if let Some(words) = &mut words {
                    let mut note =
                        |encoding, offset, earlier| note_earlier(&mut searched.found, encoding, offset, earlier);
                    words.end(begin, self.needles, &mut self.tested, &mut note);
                }
                return Ok(searched);
            }
            self.octets += count as u64;
            let end = kept + count;
            if is_first {
                is_first = false;
                searched.is_text = !self.buffer[..count.min(HEAD)].contains(&0);
                words = words.filter(|_| searched.is_text);
            }
            let from = usize::try_from(u64::saturating_sub(done, base)).unwrap_or(end);
            for (token, encoding, first, last) in self.needles.find(&self.buffer[from..end]) {
                let offset = base + (from + first) as u64;
                done = base + (from + last) as u64;
                note(&mut searched.found, encoding, offset, Which::Kept(token));
            }
            if let Some(words) = &mut words {
                let mut note = |encoding, offset, earlier| note_earlier(&mut searched.found, encoding, offset, earlier);
                words.read(
                    &self.buffer[kept..end],
                    begin,
                    self.needles,
                    &mut self.tested,
                    &mut note,
                );
            }
            let keep = overlap.min(end);
            self.buffer.copy_within(end - keep..end, 0);
            base += (end - keep) as u64;
            kept = keep;
        }
    }
}

/// Reads until `room` is full or the source ends.
fn fill(source: &mut dyn Read, room: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < room.len() {
        match source.read(&mut room[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn note_earlier(found: &mut Vec<Found>, encoding: Encoding, offset: u64, earlier: Earlier) {
    let Earlier { registry, fingerprints } = earlier;
    note(found, encoding, offset, Which::Earlier { registry, fingerprints });
}

fn note(found: &mut Vec<Found>, encoding: Encoding, offset: u64, which: Which) {
    match found
        .iter_mut()
        .find(|one| one.which == which && one.encoding == encoding)
    {
        Some(one) => {
            one.count += 1;
            if one.offsets.len() < MAX_PLACES {
                one.offsets.push(offset);
            }
        }
        None => found.push(Found {
            which,
            encoding,
            offsets: vec![offset],
            count: 1,
        }),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::*;

    use super::super::needles::Owner;
    use super::*;
    use crate::model::{EarlierTokens, FingerprintKey, Token, Use};

    fn registry() -> Registry {
        "gitea.example.com".parse().unwrap()
    }

    fn token(text: &str) -> Token {
        Token::verbatim(text.to_owned())
    }

    fn needles(kept: &[&str], before: &[&str]) -> Needles {
        let owner = Owner {
            registry: registry(),
            usage: Use::Docker,
            username: "admin".to_owned(),
            is_current: true,
        };
        let mut earlier = EarlierTokens::with_key(FingerprintKey::new(Zeroizing::new([7; 32])));
        for text in before {
            assert!(earlier.remember(&token(text), None));
        }
        let kept = kept.iter().map(|text| (owner.clone(), token(text)));
        Needles::new(kept, [(registry(), earlier)])
    }

    /// Hands out at most `piece` octets, or up to the next border.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let count = room.len().min(self.1).min(self.0.len());
            let (now, later) = self.0.split_at(count);
            room[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    fn search(text: &[u8], needles: &Needles) -> Vec<(bool, Encoding, u64)> {
        let never = || false;
        let mut reading = Reading::new(needles, &never);
        let mut places = Vec::new();
        for length in [None, Some(text.len() as u64)] {
            let searched = reading.search(&mut Pieces(text, 1000), length).unwrap();
            let found = searched.found.iter();
            places = found
                .flat_map(|found| {
                    assert_eq!(found.count, found.offsets.len() as u64);
                    let is_kept = matches!(found.which, Which::Kept(_));
                    found
                        .offsets
                        .iter()
                        .map(move |offset| (is_kept, found.encoding, *offset))
                })
                .collect();
        }
        places
    }

    const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";
    const OLD: &str = "fedcba9876543210fedcba9876543210fedcba98";

    #[test]
    fn a_token_across_any_border_of_pieces_is_found_once() {
        let needles = needles(&[TOKEN], &[OLD]);
        for back in [0, 1, 2, 20, 38, 39, 40, 41, 60] {
            for (text, is_kept) in [(TOKEN, true), (OLD, false)] {
                let mut octets = vec![b' '; PIECE - back];
                octets.extend_from_slice(text.as_bytes());
                octets.extend_from_slice(b"\n and more\n");
                let expected = [(is_kept, Encoding::Plain, (PIECE - back) as u64)];
                assert_eq!(search(&octets, &needles), expected, "{back}");
            }
        }
    }

    #[test]
    fn every_spelling_of_a_login_is_found() {
        let needles = needles(&[TOKEN], &[OLD]);
        for (text, is_kept) in [(TOKEN, true), (OLD, false)] {
            for (line, encoding) in [
                (
                    format!("docker login -u admin -p{text} gitea.example.com"),
                    Encoding::Plain,
                ),
                (format!("REGISTRY_TOKEN={text}"), Encoding::Plain),
                (format!("export REGISTRY_TOKEN='{text}'"), Encoding::Plain),
                (format!("https://admin:{text}@gitea.example.com/x.git"), Encoding::Plain),
                (
                    format!(r#"{{"auth":"{}"}}"#, STANDARD.encode(format!("admin:{text}"))),
                    Encoding::Base64,
                ),
                (
                    format!("Authorization: Basic {}", URL_SAFE.encode(format!("a:{text}"))),
                    Encoding::Base64,
                ),
                (STANDARD.encode(text), Encoding::Base64),
            ] {
                let found = search(line.as_bytes(), &needles);
                let [(found_kept, found_encoding, _)] = found[..] else {
                    panic!("{line}: {found:?}")
                };
                assert_eq!((found_kept, found_encoding), (is_kept, encoding), "{line}");
            }
        }
        let auth = STANDARD.encode(format!("admin:{TOKEN}"));
        let secret = STANDARD.encode(format!(r#"{{"auths":{{"gitea.example.com":{{"auth":"{auth}"}}}}}}"#));
        assert!(matches!(
            search(secret.as_bytes(), &needles)[..],
            [(true, Encoding::Base64, _)]
        ));
    }

    #[test]
    fn what_only_looks_like_a_token_is_not_found() {
        let needles = needles(&[TOKEN], &[OLD]);
        for text in [
            TOKEN[1..].to_owned(),
            TOKEN.to_uppercase(),
            format!("{OLD}0"),
            format!("a{OLD}"),
            // Binary.
            format!("\0{OLD}"),
        ] {
            assert_eq!(search(text.as_bytes(), &needles), [], "{text}");
        }
    }

    #[test]
    fn a_word_is_tested_once_and_a_short_password_never() {
        let needles = needles(&["hunter2"], &[OLD]);
        assert_eq!(needles.too_short().len(), 1);
        let never = || false;
        let mut reading = Reading::new(&needles, &never);
        let text = format!("hunter2 {OLD} {OLD} {TOKEN} {TOKEN} {TOKEN}");
        let searched = reading.search(&mut text.as_bytes(), None).unwrap();
        assert_eq!(searched.found.len(), 1);
        assert_eq!(searched.found[0].count, 2);
        // Each as it stands, and as base64, which it is by chance and is not valid text.
        assert_eq!(reading.words(), 2);
    }

    #[test]
    fn what_is_cut_off_and_what_is_stopped_are_errors() {
        let needles = needles(&[TOKEN], &[]);
        let (never, always) = (|| false, || true);
        let cut = Reading::new(&needles, &never).search(&mut &b"abc"[..], Some(4));
        assert_eq!(cut.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let stopped = Reading::new(&needles, &always).search(&mut &b"abc"[..], None);
        assert_eq!(stopped.unwrap_err().kind(), io::ErrorKind::Interrupted);
    }

    proptest! {
        #[test]
        fn a_token_among_random_octets_is_found_and_nothing_else_is(
            token in "[A-Za-z0-9_~?.-]{20,60}",
            before in prop::collection::vec(any::<u8>(), 0..5000),
            after in prop::collection::vec(any::<u8>(), 0..5000),
            user in "[a-z]{0,5}",
            form in 0..4,
        ) {
            let needles = needles(&[token.as_str()], &[]);
            let noise = [before.clone(), after.clone()].concat();
            prop_assert_eq!(search(&noise, &needles), []);
            let (text, encoding) = match form {
                0 => (token, Encoding::Plain),
                1 => (STANDARD.encode(format!("{user}:{token}")), Encoding::Base64),
                2 => (URL_SAFE.encode(format!("{user}{token}")), Encoding::Base64),
                _ => (STANDARD.encode(format!("{user} {}!", STANDARD.encode(&token))), Encoding::Base64),
            };
            let whole = [before.clone(), text.clone().into_bytes(), after].concat();
            let found = search(&whole, &needles);
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(found[0].1, encoding);
            let within = before.len() as u64..(before.len() + text.len()) as u64;
            prop_assert!(within.contains(&found[0].2));
        }
    }
}
