//! Removes secrets from a server's text before it is shown.
//!
//! Webhooks and gateways may quote the request that they refuse: verbatim, escaped, in base64, or truncated. So not
//! only whole secrets are searched for but all their pieces, in each of these forms.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Credential, DockerConfig};

/// Replaces a secret.
const MARK: &str = "[redacted]";
/// Length of the pieces that are searched for, in bytes. Shorter ones occur in ordinary text.
const PIECE: usize = 8;
/// How much of a text is processed, in bytes; messages show far less.
const LONGEST: usize = 16 << 10;
/// The most secrets taken from documents, which may contain any number.
const MOST: usize = 1000;

/// The secrets to remove: those that a server was given or stores.
#[derive(Clone, Default)]
pub struct Redaction(HashSet<Secret>);

#[derive(Clone, PartialEq, Eq)]
struct Secret(Zeroizing<String>);

impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redaction({} secrets)", self.0.len())
    }
}

impl Redaction {
    /// Adds a secret.
    pub fn add(&mut self, secret: &str) {
        if secret.len() >= PIECE {
            self.0.insert(Secret(Zeroizing::new(secret.to_owned())));
        }
    }

    /// Adds a credential's token, and the token with its user as in HTTP Basic authentication and docker's files.
    pub fn add_credential(&mut self, credential: &Credential) {
        self.add(credential.token.expose());
        self.add(&credential.basic());
    }

    /// Adds all secrets of a `dockerconfigjson` document: the logins, and any other text except names.
    pub fn add_document(&mut self, document: &DockerConfig) {
        for (_, login) in document.logins() {
            if let Ok(Some((_, token))) = login {
                self.add_foreign(token.expose());
            }
        }
        if let Ok(mut json) = serde_json::from_str(document.as_str()) {
            self.add_texts(&mut json);
        }
    }

    fn add_texts(&mut self, json: &mut Value) {
        match json {
            Value::Object(members) => {
                for (name, value) in members {
                    if name != "username" && name != "email" {
                        self.add_texts(value);
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.add_texts(value)),
            Value::String(text) => self.add_foreign(&Zeroizing::new(std::mem::take(text))),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn add_foreign(&mut self, secret: &str) {
        if self.0.len() < MOST {
            self.add(secret);
        }
    }

    /// `text` without the secrets and their pieces, truncated after 16 KiB.
    pub fn clean(&self, text: &str) -> String {
        let text = &text[..boundary(text, LONGEST)];
        let mut seen = Matches::new(text);
        for Secret(secret) in &self.0 {
            seen.mark_whole(secret);
            for form in plain_forms(secret) {
                seen.mark(&form, Spread::None);
            }
            for form in base64_forms(secret.as_bytes()) {
                seen.mark(&form, Spread::Base64);
                for twice in base64_forms(&form) {
                    seen.mark(&twice, Spread::Base64);
                }
            }
        }
        seen.rest()
    }
}

/// What else is removed around a piece.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spread {
    None,
    /// The rest of the base64 text around it.
    Base64,
}

/// The positions of secrets in a text.
struct Matches<'a> {
    text: &'a str,
    /// The positions of every piece of the text.
    pieces: HashMap<u64, Vec<usize>>,
    marked: Vec<bool>,
}

impl<'a> Matches<'a> {
    fn new(text: &'a str) -> Self {
        let mut pieces: HashMap<_, Vec<_>> = HashMap::new();
        for (at, piece) in text.as_bytes().windows(PIECE).enumerate() {
            pieces.entry(number(piece)).or_default().push(at);
        }
        Self {
            text,
            pieces,
            marked: vec![false; text.len()],
        }
    }

    fn mark_whole(&mut self, secret: &str) {
        for (at, _) in self.text.match_indices(secret) {
            self.marked[at..at + secret.len()].fill(true);
        }
    }

    fn mark(&mut self, form: &[u8], spread: Spread) {
        for piece in form.windows(PIECE) {
            // Words of a passphrase can occur in ordinary sentences.
            let is_words = |piece: &[u8]| piece.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b' ');
            if spread == Spread::None && is_words(piece) {
                continue;
            }
            for at in self.pieces.remove(&number(piece)).unwrap_or_default() {
                let (mut start, mut end) = (at, at + PIECE);
                if spread == Spread::Base64 {
                    let bytes = self.text.as_bytes();
                    while start > 0 && !self.marked[start - 1] && is_base64(bytes[start - 1]) {
                        start -= 1;
                    }
                    while end < bytes.len() && !self.marked[end] && is_base64(bytes[end]) {
                        end += 1;
                    }
                }
                self.marked[start..end].fill(true);
            }
        }
    }

    /// The text with [`MARK`] in place of secrets. Short gaps between pieces, such as line breaks, are removed too.
    fn rest(&self) -> String {
        let mut rest = String::new();
        let mut chars = self.text.char_indices().peekable();
        let is_marked = |at: usize, len: usize| self.marked[at..at + len].contains(&true);
        while let Some((at, c)) = chars.next() {
            if !is_marked(at, c.len_utf8()) {
                rest.push(c);
                continue;
            }
            rest.push_str(MARK);
            let mut last = at + c.len_utf8();
            // Extend to the last marked character with no gap as long as a piece.
            while last < self.text.len() {
                let near = &self.marked[last..self.text.len().min(last + PIECE)];
                let Some(next) = near.iter().rposition(|marked| *marked) else {
                    break;
                };
                last = boundary(self.text, last + next + 1);
            }
            while chars.next_if(|(at, _)| *at < last).is_some() {}
        }
        rest
    }
}

/// A piece as a number; [`PIECE`] is the size of a `u64`.
fn number(piece: &[u8]) -> u64 {
    piece.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The next character boundary from `at` on.
fn boundary(text: &str, at: usize) -> usize {
    (at..text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(text.len())
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte)
}

/// The secret verbatim, as JSON (also in Go's escaping), URL-encoded, as hexadecimal digits, and as Go's `%v` and `%#v`
/// of bytes.
fn plain_forms(secret: &str) -> Vec<Zeroizing<Vec<u8>>> {
    let bytes = secret.as_bytes();
    let joined = |byte: &dyn Fn(&u8) -> String, by: &str| {
        let parts: Vec<_> = bytes.iter().map(byte).collect();
        parts.join(by)
    };
    let json = serde_json::to_string(secret).unwrap_or_default();
    let json = json.trim_start_matches('"').trim_end_matches('"').to_owned();
    let html = json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026");
    let url = |byte: &u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    let mut forms = vec![
        secret.to_owned(),
        joined(&|byte| format!("{byte:02x}"), ""),
        joined(&|byte| format!("{byte:02X}"), ""),
        joined(&ToString::to_string, " "),
        joined(&ToString::to_string, ", "),
        joined(&|byte| format!("{byte:#x}"), ", "),
        joined(&url, ""),
        json,
        html,
    ];
    forms.sort();
    forms.dedup();
    forms
        .into_iter()
        .map(|form| Zeroizing::new(form.into_bytes()))
        .collect()
}

/// The base64 forms of the bytes at each possible alignment within a longer text, in both alphabets.
fn base64_forms(bytes: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut forms = Vec::new();
    // Characters that depend on the preceding bytes are left out.
    for (before, others) in [(0, 0), (1, 2), (2, 3)] {
        let mut text = Zeroizing::new(vec![0; before]);
        text.extend_from_slice(bytes);
        let encoded = Zeroizing::new(STANDARD_NO_PAD.encode(&*text));
        let own = &encoded.as_bytes()[others.min(encoded.len())..(text.len() * 8 / 6).max(others).min(encoded.len())];
        let url = Zeroizing::new(
            own.iter()
                .map(|byte| match byte {
                    b'+' => b'-',
                    b'/' => b'_',
                    byte => *byte,
                })
                .collect::<Vec<_>>(),
        );
        if *url != own {
            forms.push(url);
        }
        forms.push(Zeroizing::new(own.to_vec()));
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use serde_json::json;

    const TOKEN: &str = "5f0c9a77d1be42c38a6e01f4b7d29c63e8a1045b";

    fn credential(token: &str) -> Credential {
        Credential {
            registry: "gitea.example.com".parse().unwrap(),
            username: "admin".parse().unwrap(),
            token: crate::model::Token::parse(token).unwrap(),
        }
    }

    fn redaction(token: &str) -> Redaction {
        let mut redaction = Redaction::default();
        redaction.add_credential(&credential(token));
        redaction
    }

    fn document(token: &str) -> DockerConfig {
        let mut document = DockerConfig::default();
        document.set(&credential(token)).unwrap();
        document
    }

    /// All forms in which a webhook or gateway may quote a Secret.
    fn quotations(token: &str) -> Vec<String> {
        let document = document(token);
        let encoded = STANDARD.encode(document.as_str());
        let object = json!({"kind": "Secret", "data": {".dockerconfigjson": encoded}}).to_string();
        let bytes = |text: &str| text.as_bytes().to_vec();
        vec![
            token.to_owned(),
            STANDARD.encode(token),
            STANDARD.encode(format!("admin:{token}")),
            URL_SAFE.encode(format!("admin:{token}")),
            document.as_str().to_owned(),
            format!("{:?}", document.as_str()),
            encoded.clone(),
            object.clone(),
            json!({"request": {"object": object}}).to_string(),
            STANDARD.encode(&object),
            STANDARD.encode(format!(" {object}")),
            format!("{:?}", bytes(document.as_str())),
            format!("{:?}", bytes(document.as_str())).replace(", ", " "),
            bytes(document.as_str())
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<Vec<_>>()
                .concat(),
            encoded
                .as_bytes()
                .chunks(76)
                .map(|line| std::str::from_utf8(line).unwrap())
                .collect::<Vec<_>>()
                .join("\n"),
        ]
    }

    /// Whether any piece of the token is in `text`, directly or after decoding.
    fn tells(text: &str, token: &str) -> bool {
        let holds = |text: &[u8]| {
            token
                .as_bytes()
                .windows(PIECE)
                .any(|piece| text.windows(PIECE).any(|part| part == piece))
        };
        let runs = text.split(|c: char| !c.is_ascii() || !is_base64(c as u8));
        let decoded = runs.flat_map(|run| {
            let run = run.replace('-', "+").replace('_', "/");
            (0..4).filter_map(move |skip| {
                let run = run.get(skip..)?.trim_end_matches('=');
                STANDARD_NO_PAD.decode(&run[..run.len() / 4 * 4]).ok()
            })
        });
        holds(text.as_bytes()) || decoded.into_iter().any(|bytes| holds(&bytes))
    }

    #[test]
    fn no_quotation_reveals_a_part_of_the_token() {
        for token in [TOKEN, "a+b/c=<d&e>\"f\\g'h i%j:kl", "glpat-AbC_dEf-123456789012"] {
            let redaction = redaction(token);
            for quotation in quotations(token) {
                let text =
                    format!("admission webhook \"w\" denied the request: no such host in {quotation} is allowed");
                for end in (0..=text.len()).step_by(29) {
                    for text in [&text[..end], &text[end..]] {
                        let clean = redaction.clean(text);
                        assert!(!tells(&clean, token), "{text}\n{clean}");
                    }
                }
                let clean = redaction.clean(&text);
                assert!(
                    clean.starts_with("admission webhook \"w\" denied the request: no such host in "),
                    "{clean}"
                );
                assert!(clean.ends_with(" is allowed") && clean.contains(MARK), "{clean}");
            }
        }
    }

    #[test]
    fn text_without_secrets_is_unchanged() {
        for (secret, text) in [
            (
                TOKEN,
                "exceeded quota: q, requested: secrets=1, used: secrets=1, limited: secrets=1",
            ),
            (TOKEN, "sha256:9b2a6e01 gitea.example.com/admin/app:5f0c9a7"),
            ("correct password of admin", "the password is not correct"),
            ("short", "short"),
            ("", ""),
        ] {
            let mut redaction = Redaction::default();
            redaction.add(secret);
            assert_eq!(redaction.clean(text), text);
        }
        let mut words = Redaction::default();
        words.add("correct password of admin");
        assert_eq!(words.clean("said: correct password of admin!"), "said: [redacted]!");
    }

    #[test]
    fn foreign_secrets_in_a_document_are_removed_too() {
        let text = r#"{"auths":{"ghcr.io":{"auth":"b3JnOmdocF9zZWNyZXRzZWNyZXQ="},"x":{"username":"somebody-else","identitytoken":"identity-token"}}}"#;
        let mut redaction = Redaction::default();
        redaction.add_document(&DockerConfig::parse(text.as_bytes()).unwrap());
        assert_eq!(
            redaction.clean("ghp_secretsecret of somebody-else, identity-token"),
            "[redacted] of somebody-else, [redacted]"
        );
    }

    #[test]
    fn a_text_of_one_character_works() {
        let mut redaction = Redaction::default();
        redaction.add(&"a".repeat(5_000));
        assert_eq!(redaction.clean(&"b".repeat(1 << 20)), "b".repeat(LONGEST));
        redaction.add(&"1".repeat(5_000));
        assert_eq!(redaction.clean(&"1".repeat(1 << 20)), MARK);
    }
}
