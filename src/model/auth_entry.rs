//! An entry of an `auths` object, parsed as Go does it in kubelet, docker and podman.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::Token;
use super::go_json::{is_field, unquote};
use super::json_edit::{members, trimmed};

/// Go's `StdEncoding`, which requires padding and ignores trailing bits.
const PADDED: GeneralPurpose = base64_of(DecodePaddingMode::RequireCanonical);
/// Go's `RawStdEncoding`, which allows no padding.
const UNPADDED: GeneralPurpose = base64_of(DecodePaddingMode::RequireNone);

const fn base64_of(padding: DecodePaddingMode) -> GeneralPurpose {
    GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(padding)
            .with_decode_allow_trailing_bits(true),
    )
}

/// The members of an entry that clients read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// base64 of `USER:PASSWORD`.
    Auth,
    Username,
    Password,
    /// Unused, but kubelet fails if it is not a string.
    Email,
    /// An OAuth2 refresh token, which docker's clients read.
    IdentityToken,
    /// A bearer token, which docker's clients read.
    RegistryToken,
}

impl Field {
    pub(crate) const ALL: [Self; 6] = [
        Self::Auth,
        Self::Username,
        Self::Password,
        Self::Email,
        Self::IdentityToken,
        Self::RegistryToken,
    ];

    /// The name as docker writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Username => "username",
            Self::Password => "password",
            Self::Email => "email",
            Self::IdentityToken => "identitytoken",
            Self::RegistryToken => "registrytoken",
        }
    }

    /// The field for a member of this name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| is_field(name, field.as_str()))
    }
}

/// Why an entry is invalid. The texts do not quote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryError {
    NotAnObject,
    /// A field that is neither a string nor `null`.
    WrongType,
    NotBase64,
    NoColon,
}

impl EntryError {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NotAnObject => "its entry is no JSON object",
            Self::WrongType => "a field of its entry is not text",
            Self::NotBase64 => "its `auth` is not base64",
            Self::NoColon => "its `auth` has no colon between user and password",
        }
    }
}

#[derive(Default)]
struct Value {
    /// The last string value of the member.
    text: Option<Zeroizing<String>>,
    is_of_wrong_type: bool,
}

/// The members of an entry. If a name occurs more than once, ignoring case, the last string is used. `null` is ignored;
/// a value of another type is an error even if a string follows.
#[derive(Default)]
pub(crate) struct AuthEntry([Value; Field::ALL.len()]);

impl AuthEntry {
    /// Parses an entry; `null` has no members.
    pub(crate) fn read(raw: &str) -> Result<Self, EntryError> {
        let mut entry = Self::default();
        let place = trimmed(raw);
        if &raw[place.clone()] == "null" {
            return Ok(entry);
        }
        let Ok(Some(members)) = members(raw, place) else {
            return Err(EntryError::NotAnObject);
        };
        for member in members {
            let Some(field) = Field::of(&member.key) else { continue };
            let value = &mut entry.0[field as usize];
            match &raw[member.value] {
                "null" => {}
                raw => match unquote(raw) {
                    Some(text) => value.text = Some(Zeroizing::new(text)),
                    None => value.is_of_wrong_type = true,
                },
            }
        }
        Ok(entry)
    }

    /// The text of a field; empty if it is missing, as in Go.
    pub(crate) fn text(&self, field: Field) -> Result<&str, EntryError> {
        let value = &self.0[field as usize];
        if value.is_of_wrong_type {
            return Err(EntryError::WrongType);
        }
        Ok(value.text.as_deref().map_or("", String::as_str))
    }

    /// User and password, as all clients read them: `auth` takes precedence over the other two
    /// (`DockerConfigEntry.UnmarshalJSON`).
    ///
    /// Padding is required only if `auth` ends in `=` (`decodeDockerConfigFieldAuth`). crane does the same; docker and
    /// podman always require it, and otherwise fail on the whole file.
    pub(crate) fn login(&self) -> Result<Pair, EntryError> {
        let (username, password) = (self.text(Field::Username)?, self.text(Field::Password)?);
        match self.text(Field::Auth)? {
            "" => Ok(Pair {
                username: username.to_owned(),
                password: Zeroizing::new(password.to_owned()),
            }),
            auth => decode(auth),
        }
    }
}

/// A user and a password; each may be empty.
pub(crate) struct Pair {
    pub(crate) username: String,
    pub(crate) password: Zeroizing<String>,
}

impl Pair {
    /// The password as a token; `None` if it is empty.
    pub(crate) fn into_login(self) -> Option<(String, Token)> {
        let Self { username, mut password } = self;
        (!password.is_empty()).then(|| (username, Token::verbatim(std::mem::take(&mut *password))))
    }
}

/// Decodes an `auth`. Like Go's decoder it ignores line breaks, which `base64` adds without `-w0`.
pub(crate) fn decode(auth: &str) -> Result<Pair, EntryError> {
    let engine = if auth.trim().ends_with('=') { PADDED } else { UNPADDED };
    let auth = Zeroizing::new(auth.replace(['\r', '\n'], ""));
    let bytes = Zeroizing::new(engine.decode(auth.as_str()).map_err(|_| EntryError::NotBase64)?);
    let colon = bytes.iter().position(|byte| *byte == b':').ok_or(EntryError::NoColon)?;
    // Go accepts any bytes as text. Invalid UTF-8 is compared and shown with replacement characters.
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ok(Pair {
        username: text(&bytes[..colon]),
        password: Zeroizing::new(text(&bytes[colon + 1..])),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(raw: &str) -> Result<(String, String), EntryError> {
        let pair = AuthEntry::read(raw)?.login()?;
        Ok((pair.username, pair.password.to_string()))
    }

    #[allow(clippy::unnecessary_wraps, reason = "it stands beside errors")]
    fn ok(user: &str, password: &str) -> Result<(String, String), EntryError> {
        Ok((user.to_owned(), password.to_owned()))
    }

    #[test]
    fn the_case_of_names_is_ignored_and_the_last_string_is_used() {
        for (raw, expected) in [
            (r#"{"Username":"a","PASSWORD":"b"}"#, ok("a", "b")),
            (
                r#"{"username":"x","username":"a","Password":"b","password":null}"#,
                ok("a", "b"),
            ),
            (r#"{"u\u017fername":"a","pa\u017f\u017fword":"b"}"#, ok("a", "b")),
            (r#"{"auth":"YTpi","Auth":"YzpkCg==","password":"x"}"#, ok("c", "d\n")),
            (r#"{"auth":"?","Auth":"YTpi"}"#, ok("a", "b")),
            (r#"{"username":"a","auth":""}"#, ok("a", "")),
            (r#"{"identitytoken":7,"x":[]}"#, ok("", "")),
            (" null ", ok("", "")),
            (r#"{"auth":7,"auth":"YTpi"}"#, Err(EntryError::WrongType)),
            (r#"{"Email":{}}"#, ok("", "")),
            ("[]", Err(EntryError::NotAnObject)),
            (r#""YTpi""#, Err(EntryError::NotAnObject)),
        ] {
            assert_eq!(login(raw), expected, "{raw}");
        }
    }

    #[test]
    fn base64_is_decoded_as_in_kubelet() {
        for (auth, expected) in [
            ("YTpiYw==", ok("a", "bc")),
            ("YTpiYw", ok("a", "bc")),
            ("YTpiYw=", Err(EntryError::NotBase64)),
            ("YTpi=", Err(EntryError::NotBase64)),
            ("YTpi====", Err(EntryError::NotBase64)),
            ("YTpiYw=a", Err(EntryError::NotBase64)),
            ("Y\nTp\r\niYw=\n=\n", ok("a", "bc")),
            ("YTpi Yw==", Err(EntryError::NotBase64)),
            ("YTpiYw== ", Err(EntryError::NotBase64)),
            ("YTpiY3==", ok("a", "bc")),
            ("YTpiY", Err(EntryError::NotBase64)),
            ("YTp_", Err(EntryError::NotBase64)),
            ("YTpiOmM=", ok("a", "b:c")),
            ("Og==", ok("", "")),
            ("\r\n", Err(EntryError::NoColon)),
            ("YWI=", Err(EntryError::NoColon)),
            ("YTr/", ok("a", "\u{fffd}")),
        ] {
            let pair = decode(auth).map(|pair| (pair.username, pair.password.to_string()));
            assert_eq!(pair, expected, "{auth:?}");
        }
    }
}
