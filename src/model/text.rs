//! Text that somebody else wrote, made fit to be shown.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` in one line of at most `max` characters, without anything that a terminal would act on.
///
/// What a server says ends up in messages, and a message ends up on a terminal or in a CI log: control characters could
/// move the cursor or rewrite earlier lines, and the characters that turn the writing direction could make a host name
/// read as another one. Runs of white space and control characters become one space; what is cut off leaves a `…`.
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

/// The same, but what is cut out is in the middle: of messages that end with their reason.
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

/// `text` as it is, lines and all, but without anything that a terminal would act on.
///
/// The last guard before a terminal, for names that nobody thought of as foreign: a kubeconfig's, a file's.
pub fn inert(text: &str) -> Cow<'_, str> {
    if has_active(text) {
        Cow::Owned(text.replace(is_active, ""))
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether there is anything in `text` that a terminal would act on, besides the end of a line.
pub fn has_active(text: &str) -> bool {
    text.contains(is_active)
}

/// A JSON text that says the same with escapes in place of what a terminal would act on: JSON itself wants them only for
/// the control characters of ASCII.
pub fn inert_json(json: &str) -> Cow<'_, str> {
    if !has_active(json) {
        return Cow::Borrowed(json);
    }
    let mut inert = String::with_capacity(json.len());
    for c in json.chars() {
        if is_active(c) {
            // They stand in strings alone.
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(inert, "\\u{unit:04x}");
            }
        } else {
            inert.push(c);
        }
    }
    Cow::Owned(inert)
}

fn is_active(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t')) || is_invisible(c)
}

/// Characters without a width, of which some turn the direction of what follows.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
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
    fn what_ends_with_its_reason_is_cut_in_the_middle() {
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
    fn lines_stay_as_they_are() {
        assert_eq!(inert("one\n\ttwo ☃\n"), "one\n\ttwo ☃\n");
        assert_eq!(inert("a\u{1b}[2J\rb\u{9b}c\u{202e}d\0"), "a[2Jbcd");
    }

    #[test]
    fn json_says_the_same_with_escapes() {
        let text = "☃ \u{9b}31m \u{7f}\u{202e}\u{e0041}\u{feff}";
        let json = format!("{{\n  \"a\": {}\n}}\n", serde_json::Value::from(text));
        let inert = inert_json(&json);
        assert_eq!(
            inert,
            "{\n  \"a\": \"☃ \\u009b31m \\u007f\\u202e\\udb40\\udc41\\ufeff\"\n}\n"
        );
        assert_eq!(serde_json::from_str::<serde_json::Value>(&inert).unwrap()["a"], text);
        assert!(matches!(inert_json("{\"a\": \"☃\"}\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_cut_says_so() {
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
