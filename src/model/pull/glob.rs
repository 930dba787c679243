//! Go's `path/filepath.Match` on one label of a host.

use crate::model::steps;

/// Whether the pattern stands for the text. A malformed pattern stands for nothing.
///
/// Without recursion: of several stars only the last one is ever moved on, so that it takes at most as many steps as the
/// pattern has bytes, and the square of the text's, which is no longer than a host name.
pub(super) fn is_match(glob: &[u8], text: &[u8]) -> bool {
    let (mut at, mut done) = (0, 0);
    // Behind the last star: the place in the pattern, and the one in the text where it is tried.
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

/// The place behind the literal or the class at `at`, if that is what `byte` is.
///
/// There is no `?` and no backslash in what Go's `net/url` takes for a host.
fn one(glob: &[u8], at: usize, byte: u8) -> Option<usize> {
    match glob.get(at)? {
        b'[' => {
            let (is_in, length) = class(&glob[at + 1..], byte)?;
            is_in.then_some(at + 1 + length)
        }
        literal => (*literal == byte).then_some(at + 1),
    }
}

/// Whether `byte` is in the class that starts after its bracket, and how long it is; only an IPv6 address without a port
/// can look like one.
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
