//! PEM (RFC 7468) as parsed by Go's `encoding/pem`, which ignores text around the blocks and invalid blocks.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"\n-----END ";
const DASHES: &[u8] = b"-----";

/// Go's `base64.StdEncoding`: padding is required, and trailing bits are ignored.
const PADDED: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);

/// The content between `-----BEGIN LABEL-----` and `-----END LABEL-----`. It can be a key, so it is zeroed on drop.
pub struct Block {
    /// Such as `CERTIFICATE`.
    pub label: String,
    /// Whether there are headers such as `Proc-Type: 4,ENCRYPTED` (RFC 1421).
    pub has_headers: bool,
    pub der: Zeroizing<Vec<u8>>,
}

/// Decodes base64 like Go's `StdEncoding`, which ignores line breaks.
pub fn decode_base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let joined: Vec<u8> = text.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
    let joined = Zeroizing::new(joined);
    PADDED.decode(joined.as_slice()).ok().map(Zeroizing::new)
}

/// All valid blocks of the text.
pub fn blocks(text: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut from = 0;
    // Each iteration continues after an `END` line.
    while let Some(end) = find(&text[from..], END).map(|at| from + at) {
        let after = end + END.len();
        match block(text, from, end) {
            Some(Ok((block, next))) => {
                blocks.push(block);
                from = next;
            }
            Some(Err(Unfinished)) => break,
            None => from = after,
        }
    }
    blocks
}

/// The text ends in a block's headers.
struct Unfinished;

/// The block whose `END` line begins at `end`, and the position after it.
fn block(text: &[u8], from: usize, end: usize) -> Option<Result<(Block, usize), Unfinished>> {
    // The last BEGIN counts: one without an END is ignored.
    let begin = from + rfind(&text[from..end], BEGIN)?;
    if begin > from && text[begin - 1] != b'\n' {
        return None;
    }
    let (line, mut at) = line(text, begin + BEGIN.len());
    let label = line.strip_suffix(DASHES)?;
    let mut has_headers = false;
    loop {
        if at >= text.len() {
            return Some(Err(Unfinished));
        }
        let (header, next) = self::line(text, at);
        if !header.contains(&b':') {
            break;
        }
        has_headers = true;
        at = next;
    }
    let after = end + END.len();
    if has_headers && at > end {
        // A header in the END line ends the parsing.
        return (at > after).then_some(Err(Unfinished));
    }
    let rest = text[after..].strip_prefix(label)?.strip_prefix(DASHES)?;
    if !self::line(rest, 0).0.is_empty() {
        return None;
    }
    let content = text.get(at..end).unwrap_or_default();
    let content: Vec<u8> = content.iter().copied().filter(|byte| !b" \t".contains(byte)).collect();
    let der = decode_base64(&Zeroizing::new(content))?;
    let block = Block {
        label: String::from_utf8_lossy(label).into_owned(),
        has_headers,
        der,
    };
    Some(Ok((block, self::line(text, end + 1).1)))
}

/// The line that begins at `from`, without trailing white space, and the start of the next one.
fn line(text: &[u8], from: usize) -> (&[u8], usize) {
    let rest = text.get(from..).unwrap_or_default();
    let (line, next) = match rest.iter().position(|byte| *byte == b'\n') {
        Some(length) => (&rest[..length], from + length + 1),
        None => (rest, text.len()),
    };
    let mut line = line.strip_suffix(b"\r").unwrap_or(line);
    while let [before @ .., b' ' | b'\t'] = line {
        line = before;
    }
    (line, next)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn rfind(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).rposition(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_around_a_block_is_ignored() {
        let text = "Bag Attributes\n  a: b\n-----BEGIN A-----\n-----BEGIN CERTIFICATE-----\nYW\n Jj\r\n-----END CERTIFICATE-----  \n\
                    rest\n-----BEGIN B-----\n!\n-----END B-----\n-----BEGIN C-----\nProc-Type: 4,ENCRYPTED\n\nZA==\n-----END C-----";
        let found: Vec<_> = blocks(text.as_bytes())
            .into_iter()
            .map(|block| (block.label, block.has_headers, block.der.to_vec()))
            .collect();
        assert_eq!(
            found,
            [
                ("CERTIFICATE".to_owned(), false, b"abc".to_vec()),
                ("C".to_owned(), true, b"d".to_vec())
            ]
        );
    }
}
