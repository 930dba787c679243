//! Opening braces in text, written as JSON's `\u007b` while they rest in a keychain.
//!
//! KeePassXC, as a Secret Service, takes `{USERNAME}` and the like in a secret for a placeholder and gives out what it
//! stands for; a secret with `{REF:` in it it does not take at all. The braces of JSON itself are safe: no placeholder
//! starts with a quotation mark.

use zeroize::Zeroizing;

const HIDDEN: &str = r"\u007b";

/// `json` without an opening brace in a string.
pub(super) fn hide(json: &str) -> Zeroizing<String> {
    // Of its full size from the start: what a string leaves behind when it grows is not zeroed.
    let braces = json.bytes().filter(|byte| *byte == b'{').count();
    let mut hidden = Zeroizing::new(String::with_capacity(json.len() + braces * HIDDEN.len()));
    let (mut in_string, mut escaped) = (false, false);
    for character in json.chars() {
        match character {
            '{' if in_string => hidden.push_str(HIDDEN),
            _ => hidden.push(character),
        }
        in_string ^= character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
    }
    hidden
}

pub(super) fn show(json: &str) -> Zeroizing<String> {
    let mut shown = Zeroizing::new(String::with_capacity(json.len()));
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        shown.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix(HIDDEN) {
            shown.push('{');
            rest = after;
        } else {
            // With the character that it escapes, which can be a backslash.
            let end = rest.char_indices().nth(2).map_or(rest.len(), |(end, _)| end);
            shown.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_in_strings_are_hidden_and_come_back() {
        for (json, hidden) in [
            (r#"{"token":"a"}"#, r#"{"token":"a"}"#),
            (r#"{"{k}": "{USERNAME}"}"#, r#"{"\u007bk}": "\u007bUSERNAME}"}"#),
            (
                r#"{"a":"\"{","b":{"c":"\\"},"d":"{"}"#,
                r#"{"a":"\"\u007b","b":{"c":"\\"},"d":"\u007b"}"#,
            ),
            (r#"{"a":"\\u007b","ü":"\\{"}"#, r#"{"a":"\\u007b","ü":"\\\u007b"}"#),
            ("", ""),
        ] {
            assert_eq!(hide(json).as_str(), hidden);
            assert_eq!(show(hidden).as_str(), json);
        }
    }

    #[test]
    fn text_that_is_no_json_is_no_panic() {
        for text in [r"\", r"a\u007", r"\\\", "\\ü{", r#""\"#] {
            show(text);
            hide(text);
        }
    }
}
