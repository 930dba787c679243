//! Makes foreign text safe to show.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` as one line of at most `max` characters, without control characters.
///
/// Text from a server ends up in messages on a terminal or in a CI log. There, control characters could move the cursor
/// or rewrite earlier lines, and bidirectional characters could make a host name look like another one. Runs of white
/// space and control characters become one space; truncated text ends with `…`.
pub fn printable(text: &str, max: usize) -> String {
    let mut shown = String::new();
    let mut length = 0;
    let mut gap = false;
    for c in text.chars() {
        if c.is_control() || c.is_whitespace() {
            gap = !shown.is_empty();
            continue;
        }
        if is_invisible(c) {
            continue;
        }
        let width = 1 + usize::from(gap);
        if length + width > max {
            if length == max {
                shown.pop();
            }
            if max > 0 {
                shown.push('…');
            }
            return shown;
        }
        if gap {
            shown.push(' ');
            gap = false;
        }
        shown.push(c);
        length += width;
    }
    shown
}

/// [`printable`], but truncated in the middle, for messages that end with their reason.
pub fn printable_around(text: &str, max: usize) -> String {
    let shown = printable(text, usize::MAX);
    let length = shown.chars().count();
    if length <= max || max < 3 {
        return printable(&shown, max);
    }
    let head = max / 4;
    let start: String = shown.chars().take(head).collect();
    let end: String = shown.chars().skip(length - (max - head - 1)).collect();
    format!("{start}…{end}")
}

/// Removes control characters, except line breaks and tabs.
///
/// The last safeguard before a terminal, for text that was not recognised as foreign, such as names in a kubeconfig.
pub fn strip_control(text: &str) -> Cow<'_, str> {
    if has_control(text) {
        Cow::Owned(text.replace(is_control, ""))
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether `text` contains control characters other than line breaks and tabs.
pub fn has_control(text: &str) -> bool {
    text.contains(is_control)
}

/// Escapes control characters in a JSON text. JSON itself requires that only for those of ASCII.
pub fn escape_control(json: &str) -> Cow<'_, str> {
    if !has_control(json) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_control(c) {
            // They occur only in strings.
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

fn is_control(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t')) || is_invisible(c)
}

/// Characters without a width, including those that change the writing direction.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_removed() {
        for (text, shown) in [
            ("", ""),
            ("authGroup.Verify\n", "authGroup.Verify"),
            ("\r\n two\tlines \r\n of text", "two lines of text"),
            ("\u{1b}[2Jgone\u{7}\u{9b}31m", "[2Jgone 31m"),
            ("gitea\u{202e}moc.live", "giteamoc.live"),
            ("Zoë ☃", "Zoë ☃"),
            ("a\u{2028}b", "a b"),
        ] {
            assert_eq!(printable(text, 200), shown, "{text:?}");
        }
    }

    #[test]
    fn messages_with_a_reason_are_truncated_in_the_middle() {
        for (text, max, shown) in [
            ("pull: not found", 15, "pull: not found"),
            ("pull a long name: not found", 12, "pul…ot found"),
            ("ööööööööö", 5, "ö…ööö"),
            ("abc", 2, "a…"),
        ] {
            assert_eq!(printable_around(text, max), shown, "{text:?} {max}");
        }
    }

    #[test]
    fn line_breaks_are_kept() {
        assert_eq!(strip_control("one\n\ttwo ☃\n"), "one\n\ttwo ☃\n");
        assert_eq!(strip_control("a\u{1b}[2J\rb\u{9b}c\u{202e}d\0"), "a[2Jbcd");
    }

    #[test]
    fn escaped_json_has_the_same_value() {
        let text = "☃ \u{9b}31m \u{7f}\u{202e}\u{e0041}\u{feff}";
        let json = format!("{{\n  \"a\": {}\n}}\n", serde_json::Value::from(text));
        let escaped = escape_control(&json);
        assert_eq!(
            escaped,
            "{\n  \"a\": \"☃ \\u009b31m \\u007f\\u202e\\udb40\\udc41\\ufeff\"\n}\n"
        );
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap()["a"], text);
        assert!(matches!(escape_control("{\"a\": \"☃\"}\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn truncation_is_marked() {
        for (text, max, shown) in [
            ("abcdef", 6, "abcdef"),
            ("abcdefg", 6, "abcde…"),
            ("abcde f", 6, "abcde…"),
            ("abc  \n", 3, "abc"),
            ("öööö", 3, "öö…"),
            ("abc", 0, ""),
            ("abc", 1, "…"),
        ] {
            assert_eq!(printable(text, max), shown, "{text:?} {max}");
            assert!(printable(text, max).chars().count() <= max, "{text:?} {max}");
        }
    }
}
