//! One-time codes by the clock (RFC 6238, with SHA-1 and six digits), as authenticators show them.

use std::time::SystemTime;

use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};

/// How long a code is shown, in seconds. Servers take the one before and the one after, too.
const STEP: u64 = 30;

/// What the server and the authenticator share.
pub struct Secret(Vec<u8>);

impl Secret {
    /// From base 32 (RFC 4648 §6), which it is shown in; `None` where it is something else.
    pub fn read(text: &str) -> Option<Self> {
        let (mut bits, mut length, mut bytes) = (0_u32, 0, Vec::new());
        for digit in text.bytes() {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'2'..=b'7' => digit - b'2' + 26,
                _ => return None,
            };
            (bits, length) = (bits << 5 | u32::from(value), length + 5);
            if length >= 8 {
                length -= 8;
                bytes.push((bits >> length & 0xff) as u8);
            }
        }
        (bytes.len() >= 16).then_some(Self(bytes))
    }

    /// The code of a time.
    pub fn code(&self, step: u64) -> String {
        let tag = sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0), &step.to_be_bytes());
        let tag = tag.as_ref();
        let start = usize::from(tag[19] & 0xf);
        let bytes: [u8; 4] = tag[start..start + 4].try_into().unwrap();
        format!("{:06}", (u32::from_be_bytes(bytes) & 0x7fff_ffff) % 1_000_000)
    }
}

/// The time, in steps.
pub fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    now.as_secs() / STEP
}

/// An account's authenticator.
pub struct Authenticator {
    secret: Secret,
    last: Option<u64>,
}

impl Authenticator {
    pub fn new(secret: Secret) -> Self {
        Self { secret, last: None }
    }

    /// A code that the server takes now, and another one than the last: servers remember it, to take it once.
    pub fn code(&mut self) -> String {
        let now = now();
        let step = if self.last == Some(now) { now + 1 } else { now };
        self.last = Some(step);
        self.secret.code(step)
    }

    /// A code that it does not take, now or soon.
    pub fn wrong_code(&self) -> String {
        let now = now();
        let right: Vec<String> = (now - 2..now + 20).map(|step| self.secret.code(step)).collect();
        let mut codes = (0..).map(|number: u32| format!("{number:06}"));
        codes.find(|code| !right.contains(code)).unwrap()
    }
}
