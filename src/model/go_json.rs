//! JSON names and strings as read by Go's `encoding/json`, which docker, kubectl and kubelet use.

/// Whether Go reads a member called `name` as the field `field`, which is ASCII.
///
/// Go ignores case (`foldName`, by `unicode.SimpleFold`), and two characters outside of ASCII equal an `s` and a `k`:
/// U+017F and U+212A.
pub(crate) fn is_field(name: &str, field: &str) -> bool {
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    name.chars().map(fold).eq(field.chars().map(fold))
}

/// The text of a syntactically valid JSON string, given with its quotes; `None` for another value.
///
/// As in Go, half of a surrogate pair (`\ud800`) becomes U+FFFD.
pub(crate) fn unquote(raw: &str) -> Option<String> {
    let mut rest = raw.strip_prefix('"')?.strip_suffix('"')?;
    // It never grows, so that no copies of a token are left behind.
    let mut text = String::with_capacity(rest.len());
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = *rest.as_bytes().get(at + 1)?;
        rest = rest.get(at + 2..)?;
        text.push(match escape {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = utf16_unit(rest)?;
                rest = &rest[4..];
                let second = rest.strip_prefix("\\u").and_then(utf16_unit);
                let pair = second.and_then(|second| char::decode_utf16([unit, second]).next()?.ok());
                match char::from_u32(unit.into()) {
                    Some(c) => c,
                    None => match pair {
                        Some(c) => {
                            rest = &rest[6..];
                            c
                        }
                        None => char::REPLACEMENT_CHARACTER,
                    },
                }
            }
            other => other.into(),
        });
    }
    text.push_str(rest);
    Some(text)
}

fn utf16_unit(digits: &str) -> Option<u16> {
    u16::from_str_radix(digits.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_any_case() {
        for name in ["credsStore", "CREDSSTORE", "creds\u{17f}tore", "credsstore"] {
            assert!(is_field(name, "credsStore"), "{name}");
        }
        assert!(is_field("\u{212a}ind", "kind"));
        for name in ["credsStor", "credsStores", "creds Store", "crèdsStore", ""] {
            assert!(!is_field(name, "credsStore"), "{name}");
        }
    }

    #[test]
    fn a_string_is_read_with_all_its_escapes() {
        for (raw, text) in [
            (r#""""#, ""),
            (r#""plain ☃""#, "plain ☃"),
            (r#""\"\\\/\b\f\n\r\t\u0041""#, "\"\\/\u{8}\u{c}\n\r\tA"),
            (r#""\ud83d\ude00""#, "😀"),
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\ude00\ud83dx""#, "\u{fffd}\u{fffd}x"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
        ] {
            assert_eq!(unquote(raw).as_deref(), Some(text), "{raw}");
        }
        for raw in ["null", "7", "{}", "["] {
            assert_eq!(unquote(raw), None, "{raw}");
        }
    }
}
