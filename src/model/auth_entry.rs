//! One entry of an `auths` object: its members as Go reads them, for kubelet, docker and podman alike.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::Token;
use super::go_json::{is_field, unquote};
use super::json_edit::{members, trimmed};

/// Go's `StdEncoding`, which wants its padding and does not look at the last bits.
const PADDED: GeneralPurpose = base64_of(DecodePaddingMode::RequireCanonical);
/// Go's `RawStdEncoding`, which wants none.
const UNPADDED: GeneralPurpose = base64_of(DecodePaddingMode::RequireNone);

const fn base64_of(padding: DecodePaddingMode) -> GeneralPurpose {
    GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(padding)
            .with_decode_allow_trailing_bits(true),
    )
}

/// A member of an entry that some client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// base64 of `USER:PASSWORD`.
    Auth,
    Username,
    Password,
    /// Of no use to anybody, but kubelet fails where it is no string.
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

    /// The name that docker writes.
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

    /// The field that a member of this name is read as.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| is_field(name, field.as_str()))
    }
}

/// What is wrong with an entry. The texts quote nothing of it.
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
    /// The last string, and before it any other.
    text: Option<Zeroizing<String>>,
    is_of_wrong_type: bool,
}

/// The members of an entry: of a name that stands there more than once, in whatever case, the last string counts. `null`
/// changes nothing, and a value of another type is an error even where a string follows.
#[derive(Default)]
pub(crate) struct AuthEntry([Value; Field::ALL.len()]);

impl AuthEntry {
    /// Reads the text of an entry; `null` is one without members.
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

    /// The text of a field; empty where there is none, as it is for Go.
    pub(crate) fn text(&self, field: Field) -> Result<&str, EntryError> {
        let value = &self.0[field as usize];
        if value.is_of_wrong_type {
            return Err(EntryError::WrongType);
        }
        Ok(value.text.as_deref().map_or("", String::as_str))
    }

    /// User and password as all of them take them: `auth` wins over the other two (`DockerConfigEntry.UnmarshalJSON`).
    ///
    /// Only an `auth` that ends in `=` has to be padded (`decodeDockerConfigFieldAuth`). docker and podman want every one
    /// padded, and fail on the whole file otherwise; crane reads it as kubelet does.
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

/// A user and a password, of which each may be empty.
pub(crate) struct Pair {
    pub(crate) username: String,
    pub(crate) password: Zeroizing<String>,
}

impl Pair {
    /// The password as a token; `None` where it is empty, which opens nothing.
    pub(crate) fn into_login(self) -> Option<(String, Token)> {
        let Self { username, mut password } = self;
        (!password.is_empty()).then(|| (username, Token::verbatim(std::mem::take(&mut *password))))
    }
}

/// Reads an `auth`. Go's decoder passes over line breaks, which `base64` makes without `-w0`.
pub(crate) fn decode(auth: &str) -> Result<Pair, EntryError> {
    let engine = if auth.trim().ends_with('=') { PADDED } else { UNPADDED };
    let auth = Zeroizing::new(auth.replace(['\r', '\n'], ""));
    let bytes = Zeroizing::new(engine.decode(auth.as_str()).map_err(|_| EntryError::NotBase64)?);
    let colon = bytes.iter().position(|byte| *byte == b':').ok_or(EntryError::NoColon)?;
    // To Go, text is any bytes. What is no UTF-8 is shown and compared by its replacement characters.
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
    fn names_have_any_case_and_the_last_string_counts() {
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
    fn base64_is_what_kubelet_takes() {
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
