//! Writes opening braces in JSON strings as `\u007b` while they are in a keychain.
//!
//! As a Secret Service, KeePassXC expands placeholders such as `{USERNAME}` in a secret and rejects a secret that
//! contains `{REF:`. The braces of JSON's own syntax are safe: no placeholder starts with a quotation mark.

use zeroize::Zeroizing;

const ESCAPED: &str = r"\u007b";

/// Escapes the opening braces inside strings.
pub(super) fn escape(json: &str) -> Zeroizing<String> {
    // Allocated at full size: the memory that a growing string leaves behind is not zeroed.
    let braces = json.bytes().filter(|byte| *byte == b'{').count();
    let mut escaped = Zeroizing::new(String::with_capacity(json.len() + braces * ESCAPED.len()));
    let (mut in_string, mut after_backslash) = (false, false);
    for character in json.chars() {
        match character {
            '{' if in_string => escaped.push_str(ESCAPED),
            _ => escaped.push(character),
        }
        in_string ^= character == '"' && !after_backslash;
        after_backslash = character == '\\' && !after_backslash;
    }
    escaped
}

pub(super) fn unescape(json: &str) -> Zeroizing<String> {
    let mut unescaped = Zeroizing::new(String::with_capacity(json.len()));
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        unescaped.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix(ESCAPED) {
            unescaped.push('{');
            rest = after;
        } else {
            // Copy the escaped character too, which can be a backslash.
            let end = rest.char_indices().nth(2).map_or(rest.len(), |(end, _)| end);
            unescaped.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }
    unescaped.push_str(rest);
    unescaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_in_strings_are_escaped_and_come_back() {
        for (json, escaped) in [
            (r#"{"token":"a"}"#, r#"{"token":"a"}"#),
            (r#"{"{k}": "{USERNAME}"}"#, r#"{"\u007bk}": "\u007bUSERNAME}"}"#),
            (
                r#"{"a":"\"{","b":{"c":"\\"},"d":"{"}"#,
                r#"{"a":"\"\u007b","b":{"c":"\\"},"d":"\u007b"}"#,
            ),
            (r#"{"a":"\\u007b","ü":"\\{"}"#, r#"{"a":"\\u007b","ü":"\\\u007b"}"#),
            ("", ""),
        ] {
            assert_eq!(escape(json).as_str(), escaped);
            assert_eq!(unescape(escaped).as_str(), json);
        }
    }

    #[test]
    fn invalid_json_does_not_panic() {
        for text in [r"\", r"a\u007", r"\\\", "\\ü{", r#""\"#] {
            unescape(text);
            escape(text);
        }
    }
}
