//! What the error codes of macOS's keychain mean. Everything else that it reports is shown in its own words.

use super::Error;

/// The error for an `OSStatus`; `None` if the system's own text says it best.
///
/// "No such item" (-25300) is not among them: keyring makes it a value.
pub(super) fn of_macos(code: i32) -> Option<Error> {
    Some(match code {
        // errSecInteractionNotAllowed, errSecInteractionRequired
        -25308 | -25315 => Error::NoInteraction,
        // userCanceledErr, errSecAuthFailed
        -128 | -25293 => Error::NotPermitted,
        // errSecNotAvailable, errSecNoSuchKeychain, errSecInvalidKeychain, errSecNoDefaultKeychain
        -25291 | -25294 | -25295 | -25307 => Error::NoLoginKeychain,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_meaning() {
        for (code, expected) in [
            (
                -25308,
                Some("macOS's keychain is locked or wants to ask, and this session cannot show a dialogue"),
            ),
            (
                -25315,
                Some("macOS's keychain is locked or wants to ask, and this session cannot show a dialogue"),
            ),
            (-128, Some("permission to use the keychain's item was not given")),
            (-25293, Some("permission to use the keychain's item was not given")),
            (
                -25291,
                Some("there is no keychain here: this user has no login keychain"),
            ),
            (
                -25294,
                Some("there is no keychain here: this user has no login keychain"),
            ),
            (
                -25295,
                Some("there is no keychain here: this user has no login keychain"),
            ),
            (
                -25307,
                Some("there is no keychain here: this user has no login keychain"),
            ),
            // No such item, a full disk, a success: not ours to explain.
            (-25300, None),
            (-34, None),
            (0, None),
        ] {
            assert_eq!(
                of_macos(code).map(|error| error.to_string()).as_deref(),
                expected,
                "{code}"
            );
        }
    }

    #[test]
    fn a_session_without_dialogues_has_two_ways_out() {
        let hints = of_macos(-25308).unwrap().hints();
        let shown: Vec<_> = hints.iter().map(ToString::to_string).collect();
        assert!(shown[0].ends_with("security unlock-keychain"), "{shown:?}");
        assert!(
            shown[1].ends_with("kubectl regcred keychain use vault --key-file FILE"),
            "{shown:?}"
        );
    }
}
