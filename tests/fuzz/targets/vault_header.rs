//! The vault's file: a header that was written is read, a file that was changed does not open, and its content is
//! written as it was read.

use regcred::keychain::vault::fuzzing::{header, opened, rewritten, sealed};

use super::number;

const ID: &str = "0123456789abcdef0123456789abcdef";

pub fn check(bytes: &[u8]) {
    // Any file: a header is nothing that could be taken for something else.
    if let Some((id, wrapped)) = header(bytes) {
        assert!(id.len() == 32 && id.bytes().all(|c| c.is_ascii_hexdigit()));
        assert!(wrapped.is_none_or(|wrapped| !wrapped.is_empty() && wrapped.len() <= bytes.len()));
    }
    assert_eq!(opened(bytes), None, "nobody else has the key");
    // Any content.
    if let Some(written) = rewritten(bytes) {
        assert_eq!(rewritten(&written).as_ref(), Some(&written));
    }
    // A file of ours, with these bytes as its wrapped key and as its content.
    let wrapped = Some(bytes.to_vec()).filter(|bytes| !bytes.is_empty());
    let mut file = sealed(ID, wrapped.clone(), bytes).unwrap();
    assert_eq!(header(&file), Some((ID.to_owned(), wrapped)));
    assert_eq!(opened(&file).as_deref(), Some(bytes));
    let number = number(bytes);
    let at = usize::try_from(number >> 8).unwrap() % file.len();
    assert_eq!(opened(&file[..at]), None, "cut at {at}");
    let [flip, ..] = number.to_le_bytes();
    file[at] ^= flip.max(1);
    assert_eq!(opened(&file), None, "changed at {at}");
}
