//! How octets look within base64 of something longer.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// The parts of base64 text that do not depend on what stands beside `octets`: one for each of the three places in a
/// group of three octets, in both alphabets.
///
/// Whatever is encoded together with the token, such as `USER:TOKEN`, has one of them in it.
pub(super) fn cores(octets: &[u8]) -> Vec<Zeroizing<String>> {
    let mut cores: Vec<Zeroizing<String>> = Vec::new();
    for before in 0..3 {
        let mut whole = Zeroizing::new(vec![0; before + octets.len()]);
        whole[before..].copy_from_slice(octets);
        // A character holds six bits, and is kept if all of them are the token's.
        let (first, end) = ((8 * before).div_ceil(6), 8 * whole.len() / 6);
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = Zeroizing::new(engine.encode(&whole));
            let core = Zeroizing::new(text[first..end].to_owned());
            if !cores.contains(&core) {
                cores.push(core);
            }
        }
    }
    cores
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn one_of_them_is_in_whatever_is_encoded_with_the_token(
            token in prop::collection::vec(any::<u8>(), 8..60),
            before in prop::collection::vec(any::<u8>(), 0..20),
            after in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let whole = [before, token.clone(), after].concat();
            for text in [STANDARD_NO_PAD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)] {
                prop_assert!(cores(&token).iter().any(|core| text.contains(core.as_str())));
            }
        }
    }
}
