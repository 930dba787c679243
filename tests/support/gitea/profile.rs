//! What differs between the generations of Gitea.

/// One generation: a version, and all that a registry client can tell it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    V1_17,
    V1_21,
    V1_22,
    V1_25,
    V1_27,
    Forgejo11,
}

impl Profile {
    pub const ALL: [Self; 6] = [
        Self::V1_17,
        Self::V1_21,
        Self::V1_22,
        Self::V1_25,
        Self::V1_27,
        Self::Forgejo11,
    ];

    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::V1_17 => "1.17.4",
            Self::V1_21 => "1.21.11",
            Self::V1_22 => "1.22.6",
            Self::V1_25 => "1.25.4",
            Self::V1_27 => "1.27.1",
            Self::Forgejo11 => "11.0.1+gitea-1.22.0",
        }
    }

    /// Before 1.22.1 and in Forgejo, the realm is below `ROOT_URL` with its path; after, on the host alone.
    pub fn realm_has_path(self) -> bool {
        matches!(self, Self::V1_17 | Self::V1_21 | Self::Forgejo11)
    }

    /// 1.17 signs whoever shows something wrong in as nobody.
    pub fn bad_is_ghost(self) -> bool {
        self == Self::V1_17
    }

    /// The plain text that answers a wrong credential at `/v2`; since 1.26 it is JSON with a challenge.
    pub fn bad_text(self) -> Option<&'static str> {
        match self {
            Self::V1_17 | Self::V1_21 | Self::V1_22 | Self::Forgejo11 => Some("authGroup.Verify"),
            Self::V1_25 => Some("Failed to authenticate user"),
            Self::V1_27 => None,
        }
    }

    /// Since 1.22.2 the exchange refuses a token without a package scope. Forgejo refuses at pull and push.
    pub fn exchange_wants_scope(self) -> bool {
        matches!(self, Self::V1_22 | Self::V1_25 | Self::V1_27)
    }

    /// Since 1.21.5 the exchange refuses anonymous clients where everybody must sign in.
    pub fn exchange_wants_sign_in(self) -> bool {
        self != Self::V1_17
    }

    pub fn claims_scope(self) -> bool {
        !matches!(self, Self::V1_17 | Self::V1_21)
    }

    /// The scope of a password: `all` at Gitea, nothing at Forgejo.
    pub fn password_scope(self) -> &'static str {
        if self == Self::Forgejo11 { "" } else { "all" }
    }

    pub fn claims_task(self) -> bool {
        self == Self::V1_27
    }

    /// Scopes came with 1.19.
    pub fn has_scopes(self) -> bool {
        self != Self::V1_17
    }

    /// What the API says to a wrong token, with status 401. Before 1.20 it takes whoever shows one for nobody.
    pub fn bad_token(self) -> Option<&'static str> {
        match self {
            Self::V1_17 => None,
            Self::V1_21 | Self::V1_22 | Self::Forgejo11 => Some("user does not exist [uid: 0, name: ]"),
            Self::V1_25 | Self::V1_27 => Some("invalid username, password or token"),
        }
    }

    /// What the API says to a token without `wanted`.
    pub fn lacks_scope(self, wanted: &str, has: &str) -> String {
        match self {
            Self::V1_25 | Self::V1_27 => {
                format!("token does not have at least one of required scope(s), required=[{wanted}], token scope={has}")
            }
            _ => format!("token does not have at least one of required scope(s): [{wanted}]"),
        }
    }

    /// `GET` and `DELETE /api/v1/token`.
    pub fn has_own_token(self) -> bool {
        self == Self::V1_27
    }

    /// Whether a token in Basic authorization opens `GET /v2/` itself. From 1.23 to 1.25 the path is rewritten first.
    pub fn root_takes_basic(self) -> bool {
        self != Self::V1_25
    }

    /// A token can only make tokens with scopes that it has itself.
    pub fn minting_is_bounded(self) -> bool {
        self == Self::V1_27
    }

    /// Empty scopes are refused when a token is made (since 1.22.3).
    pub fn minting_wants_scope(self) -> bool {
        matches!(self, Self::V1_22 | Self::V1_25 | Self::V1_27)
    }

    /// Lists of tokens show when each was made and used.
    pub fn tokens_have_times(self) -> bool {
        matches!(self, Self::V1_25 | Self::V1_27)
    }

    /// Listing tokens wants Basic authorization. Making and deleting them always does.
    pub fn listing_wants_basic(self) -> bool {
        self != Self::Forgejo11
    }
}
