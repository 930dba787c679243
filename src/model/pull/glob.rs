//! Go's `path/filepath.Match` for one label of a host name.

use crate::model::steps;

/// Whether the pattern matches the text. A malformed pattern matches nothing.
///
/// Not recursive: only the last star is ever retried, so the number of steps is bounded by the pattern's length and the
/// square of the text's, which is at most a host name.
pub(super) fn is_match(glob: &[u8], text: &[u8]) -> bool {
    let (mut at, mut done) = (0, 0);
    // The positions after the last star: in the pattern, and in the text.
    let mut star = None;
    loop {
        steps::count(1);
        match glob.get(at) {
            Some(b'*') => {
                at += 1;
                star = Some((at, done));
                continue;
            }
            None if done == text.len() => return true,
            Some(_) if done == text.len() => return false,
            _ => {}
        }
        if let Some(next) = one(glob, at, text[done]) {
            at = next;
            done += 1;
            continue;
        }
        let Some((behind, from)) = star else { return false };
        star = Some((behind, from + 1));
        (at, done) = (behind, from + 1);
    }
}

/// Matches `byte` with the literal or class at `at`, and returns the position after it.
///
/// Go's `net/url` does not allow `?` and backslashes in a host.
fn one(glob: &[u8], at: usize, byte: u8) -> Option<usize> {
    match glob.get(at)? {
        b'[' => {
            let (is_in, length) = class(&glob[at + 1..], byte)?;
            is_in.then_some(at + 1 + length)
        }
        literal => (*literal == byte).then_some(at + 1),
    }
}

/// Whether `byte` is in the class that starts after the bracket, and the class's length. Only an IPv6 address without a
/// port can look like a class.
fn class(glob: &[u8], byte: u8) -> Option<(bool, usize)> {
    let mut rest = glob;
    let mut is_in = false;
    loop {
        steps::count(1);
        match rest {
            [b']', tail @ ..] if rest.len() < glob.len() => return Some((is_in, glob.len() - tail.len())),
            [] | [b']' | b'-', ..] => return None,
            [from, b'-', to, tail @ ..] if *to != b']' && *to != b'-' => {
                is_in |= (*from..=*to).contains(&byte);
                rest = tail;
            }
            [one, tail @ ..] => {
                is_in |= *one == byte;
                rest = tail;
            }
        }
    }
}
