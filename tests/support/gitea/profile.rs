//! What differs between the generations of Gitea.

use super::state::Visibility;

/// One generation: a version, and all that a registry client can tell it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    V1_17,
    V1_19,
    V1_20,
    V1_21,
    V1_22,
    V1_23,
    V1_24,
    V1_25,
    V1_26,
    V1_27,
    Forgejo7,
    Forgejo11,
    Forgejo15,
}

/// Why a person or a program is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No such token.
    Token,
    /// No such account, or another password.
    Password,
    /// The one-time code is missing, wrong, or used before.
    Code,
    /// A security key is enrolled, which a program cannot use.
    SecurityKey,
    /// The account has no password here.
    Elsewhere,
    /// The account may not sign in.
    Prohibited,
    /// Passwords are switched off for programs: whoever shows one shows nothing.
    Disabled,
}

/// How a fault is answered at the API.
pub enum Saying {
    Json(String),
    /// As Go's `http.Error` writes it.
    Text(&'static str),
    /// As if nothing had been shown.
    Nobody,
}

impl Profile {
    pub const ALL: [Self; 13] = [
        Self::V1_17,
        Self::V1_19,
        Self::V1_20,
        Self::V1_21,
        Self::V1_22,
        Self::V1_23,
        Self::V1_24,
        Self::V1_25,
        Self::V1_26,
        Self::V1_27,
        Self::Forgejo7,
        Self::Forgejo11,
        Self::Forgejo15,
    ];

    /// Secrets of Actions, of repositories, organisations and accounts.
    #[must_use]
    pub fn has_actions_secrets(self) -> bool {
        !matches!(self, Self::V1_17 | Self::V1_19 | Self::V1_20)
    }

    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::V1_17 => "1.17.4",
            Self::V1_19 => "1.19.4",
            Self::V1_20 => "1.20.6",
            Self::V1_21 => "1.21.11",
            Self::V1_22 => "1.22.6",
            Self::V1_23 => "1.23.8",
            Self::V1_24 => "1.24.6",
            Self::V1_25 => "1.25.5",
            Self::V1_26 => "1.26.4",
            Self::V1_27 => "1.27.1",
            Self::Forgejo7 => "7.0.7+gitea-1.21.11",
            Self::Forgejo11 => "11.0.1+gitea-1.22.0",
            Self::Forgejo15 => "15.0.1+gitea-1.22.0",
        }
    }

    #[must_use]
    pub fn is_forgejo(self) -> bool {
        matches!(self, Self::Forgejo7 | Self::Forgejo11 | Self::Forgejo15)
    }

    /// The minor version of the Gitea whose rules about accounts and tokens it follows. Forgejo left Gitea at 1.21.
    fn minor(self) -> u32 {
        match self {
            Self::V1_17 => 17,
            Self::V1_19 => 19,
            Self::V1_20 => 20,
            Self::V1_21 | Self::Forgejo7 | Self::Forgejo11 | Self::Forgejo15 => 21,
            Self::V1_22 => 22,
            Self::V1_23 => 23,
            Self::V1_24 => 24,
            Self::V1_25 => 25,
            Self::V1_26 => 26,
            Self::V1_27 => 27,
        }
    }

    /// Before 1.22.1 and in Forgejo, the realm is below `ROOT_URL` with its path; after, on the host alone.
    pub fn realm_has_path(self) -> bool {
        self.minor() < 22
    }

    /// 1.17 signs whoever shows something wrong in as nobody.
    pub fn bad_is_ghost(self) -> bool {
        self == Self::V1_17
    }

    /// The plain text that answers a wrong credential at `/v2`; since 1.26 it is JSON with a challenge.
    pub fn bad_text(self) -> Option<&'static str> {
        match self.minor() {
            ..25 => Some("authGroup.Verify"),
            25 => Some("Failed to authenticate user"),
            _ => None,
        }
    }

    /// Since 1.22.2 the exchange refuses a token without a package scope. Forgejo refuses at pull and push.
    pub fn exchange_wants_scope(self) -> bool {
        self.minor() >= 22
    }

    /// Since 1.21.5 the exchange refuses anonymous clients where everybody must sign in.
    pub fn exchange_wants_sign_in(self) -> bool {
        self.minor() >= 21
    }

    /// Since 1.22.2, and in Forgejo since 7.0.8.
    pub fn claims_scope(self) -> bool {
        self.minor() >= 22 || matches!(self, Self::Forgejo11 | Self::Forgejo15)
    }

    /// The scope of a password: `all` at Gitea, nothing at Forgejo.
    pub fn password_scope(self) -> &'static str {
        if self.is_forgejo() { "" } else { "all" }
    }

    pub fn claims_task(self) -> bool {
        self.minor() >= 26
    }

    /// Scopes came with 1.19.
    pub fn has_scopes(self) -> bool {
        self.minor() >= 19
    }

    /// The names of 1.19: `package` besides `write:package`, `delete:package`, `repo` and others.
    pub fn has_old_scopes(self) -> bool {
        self == Self::V1_19
    }

    /// What the API answers, with status 401 if it answers at all.
    pub fn says(self, fault: Fault, user: i64, name: &str) -> Saying {
        const GENERIC: &str = "invalid username, password or token";
        let json = |text: &str| Saying::Json(text.to_owned());
        match (fault, self.minor()) {
            // Before 1.20 whoever shows a wrong token is nobody; before 1.18, whoever shows anything wrong.
            (Fault::Disabled, _) | (Fault::Token, ..20) | (_, ..18) => Saying::Nobody,
            (Fault::SecurityKey, 22..=23) => json("Basic authorization is not allowed while webAuthn enrolled"),
            (Fault::SecurityKey, _) => json("basic authorization is not allowed while WebAuthn enrolled"),
            (_, 25..) => json(GENERIC),
            (Fault::Token, _) => json("user does not exist [uid: 0, name: ]"),
            (Fault::Password, _) if user == 0 => Saying::Json(format!("user does not exist [uid: 0, name: {name}]")),
            (Fault::Password, _) => Saying::Json(format!("user's password is invalid [uid: {user}, name: {name}]")),
            // 1.20.6 and later; before, Go's text for the status.
            (Fault::Code, ..20) => Saying::Text("Unauthorized"),
            (Fault::Code, _) => json("invalid provided OTP"),
            (Fault::Elsewhere, _) => json("Login source is unknown"),
            (Fault::Prohibited, _) => Saying::Json(format!("user is not allowed login [uid: {user}, name: {name}]")),
        }
    }

    /// Since 1.22.4 an account with a security key has no use for its password in programs. Forgejo does not mind.
    pub fn refuses_security_keys(self) -> bool {
        self.minor() >= 22
    }

    /// Since 1.26, or one of its patches, a one-time code is good for one request.
    pub fn consumes_codes(self) -> bool {
        self.minor() >= 26
    }

    /// What the API says to a token without `wanted`.
    pub fn lacks_scope(self, wanted: &str, has: &str) -> String {
        match self.minor() {
            ..20 => format!("token does not have required scope: {wanted}"),
            20..23 => format!("token does not have at least one of required scope(s): [{wanted}]"),
            _ => {
                format!("token does not have at least one of required scope(s), required=[{wanted}], token scope={has}")
            }
        }
    }

    /// Whether a token that is `public-only` opens nothing of such an owner: since 1.22.3 of a private one, since 1.27 of
    /// any that is not public.
    pub fn hides_from_public_only(self, visibility: Visibility) -> bool {
        match self.minor() {
            ..22 => false,
            22..27 => visibility == Visibility::Private,
            _ => visibility != Visibility::Public,
        }
    }

    /// What the API says of something that is not there, where it says nothing more: since 1.25 in no language of a person.
    pub fn not_found(self) -> &'static str {
        if self.minor() < 25 {
            "The target couldn't be found."
        } else {
            "not found"
        }
    }

    /// Whether the packages API asks who it is before it looks for the owner and the package (since 1.24).
    pub fn packages_ask_who_first(self) -> bool {
        self.minor() >= 24
    }

    /// What the packages API says of a version that is not there.
    pub fn no_such_package(self) -> &'static str {
        if self.minor() < 24 {
            "package does not exist"
        } else {
            "GetVersionByNameAndVersion: package does not exist"
        }
    }

    /// Whether the API looks at `public-only` (since 1.22.3).
    pub fn public_only_counts(self) -> bool {
        self.minor() >= 22
    }

    /// `GET` and `DELETE /api/v1/token`.
    pub fn has_own_token(self) -> bool {
        self.minor() >= 27
    }

    /// Whether a path of the API that is not there is missing for everybody (since 1.26). Before, whoever shows something
    /// wrong, or may not go on, is told that first.
    pub fn looks_for_the_path_first(self) -> bool {
        self.minor() >= 26
    }

    /// Whether a token in Basic authorization opens `GET /v2/` itself. From 1.23 to 1.25 the path is rewritten first.
    pub fn root_takes_basic(self) -> bool {
        !(23..=25).contains(&self.minor())
    }

    /// Whether the scopes of a token that stands in for the password count where tokens are made (since 1.20).
    pub fn minting_looks_at_scopes(self) -> bool {
        self.minor() >= 20
    }

    /// Up to 1.20 tokens are always made for whoever signs in, whatever name the path has.
    pub fn ignores_name_in_path(self) -> bool {
        self.minor() <= 20
    }

    /// A token can only make tokens with scopes that it has itself.
    pub fn minting_is_bounded(self) -> bool {
        self.minor() >= 27
    }

    /// Empty scopes are refused when a token is made, and the answer tells the scopes (since 1.22.3).
    pub fn minting_wants_scope(self) -> bool {
        self.minor() >= 22
    }

    /// Lists of tokens show when each was made and used (since 1.24).
    pub fn tokens_have_times(self) -> bool {
        self.minor() >= 24
    }

    /// Tokens that are bound to repositories, and then open no packages.
    pub fn tokens_have_repositories(self) -> bool {
        self == Self::Forgejo15
    }

    /// Listing tokens wants Basic authorization. Making and deleting them always does.
    pub fn listing_wants_basic(self) -> bool {
        !matches!(self, Self::Forgejo11 | Self::Forgejo15)
    }
}
