//! Masks the secrets in a JSON document before it is shown.

use std::ops::Range;

use super::json_edit::{JsonEdit, members, trimmed};

/// Replaces a secret.
const MASK: &str = r#""***""#;
/// Maximum depth; anything deeper is not shown at all.
const MAX_DEPTH: usize = 8;

impl JsonEdit {
    /// The text with `"***"` in place of each value, except objects, for which `is_secret` returns true, given the path
    /// of keys. `is_secret` is called for every value of duplicate keys.
    pub fn masked(&self, is_secret: impl Fn(&[&str]) -> bool) -> String {
        let text = self.as_str();
        let mut places = Vec::new();
        collect(text, trimmed(text), &[], &is_secret, &mut places);
        let mut masked = String::with_capacity(text.len());
        let mut shown = 0;
        for place in places {
            masked.push_str(&text[shown..place.start]);
            masked.push_str(MASK);
            shown = place.end;
        }
        masked.push_str(&text[shown..]);
        masked
    }
}

fn collect(
    text: &str,
    place: Range<usize>,
    path: &[&str],
    is_secret: &impl Fn(&[&str]) -> bool,
    places: &mut Vec<Range<usize>>,
) {
    match members(text, place.clone()) {
        Ok(Some(members)) if path.len() < MAX_DEPTH => {
            for member in members {
                let path: Vec<&str> = path.iter().copied().chain([member.key.as_str()]).collect();
                collect(text, member.value, &path, is_secret, places);
            }
        }
        Ok(None) if !is_secret(path) => {}
        _ => places.push(place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_secrets_are_masked_at_any_depth() {
        let text = r#" {"auths": {"r": {"auth":"s1", "email":"e"}, "r":{"auth" : ["s2"]}, "x":"s3"}, "a":{"auth":1}} "#;
        let json = JsonEdit::parse(text).unwrap();
        let masked = json.masked(|path| path.first() == Some(&"auths") && path.last() != Some(&"email"));
        assert_eq!(
            masked,
            r#" {"auths": {"r": {"auth":"***", "email":"e"}, "r":{"auth" : "***"}, "x":"***"}, "a":{"auth":1}} "#
        );
        assert_eq!(json.masked(|_| false), text);
        let deep = format!("{}7{}", r#"{"a":"#.repeat(20), "}".repeat(20));
        let masked = JsonEdit::parse(&deep).unwrap().masked(|_| false);
        assert!(masked.contains("***") && !masked.contains('7'), "{masked}");
    }
}
