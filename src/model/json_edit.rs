//! Edits a JSON object in place, for files and Secrets that belong to others.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;
use zeroize::Zeroizing;

use super::go_json::unquote;
use super::steps;

/// The text of a JSON object, in which single members can be replaced, added and removed.
///
/// It is parsed with `serde_json`, and edits are splices of the text. Every byte outside of an edited member is kept:
/// white space, the order of keys, escapes, numbers of any size, duplicate keys. The text may contain tokens: it is
/// zeroed on drop and not shown by `Debug`.
///
/// ```
/// use regcred::model::JsonEdit;
/// let mut config = JsonEdit::parse(r#"{ "auths": {"a": {}}, "psFormat":"table" }"#)?;
/// config.set(&["auths", "b"], "{}")?;
/// assert_eq!(config.as_str(), r#"{ "auths": {"a": {},"b": {}}, "psFormat":"table" }"#);
/// # Ok::<(), regcred::model::JsonEditError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct JsonEdit(Zeroizing<String>);

/// Why a text cannot be edited. The messages never quote the text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JsonEditError {
    #[error("not valid JSON: line {line} column {column}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1; 0 if the text is truncated.
        column: usize,
    },
    /// Valid JSON, but not an object where one is needed.
    #[error("{0} is not a JSON object")]
    NotAnObject(String),
}

pub(super) struct Member {
    /// The key, decoded as in Go.
    pub(super) key: String,
    /// From the opening quote of the key to the end of the value.
    whole: Range<usize>,
    pub(super) value: Range<usize>,
}

impl JsonEdit {
    /// Parses the text of a JSON object.
    pub fn parse(text: &str) -> Result<Self, JsonEditError> {
        let this = Self(Zeroizing::new(text.to_owned()));
        this.object(&[])?;
        Ok(this)
    }

    /// The current text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text of the value at `path`, if it exists.
    pub fn get(&self, path: &[&str]) -> Option<&str> {
        self.find(path).map(|range| &self.0[range])
    }

    /// The keys and value texts of the object at `path`, in order.
    ///
    /// A missing value or `null` counts as an empty object.
    pub fn members(&self, path: &[&str]) -> Result<Vec<(String, &str)>, JsonEditError> {
        let members = self.object(path)?;
        Ok(members
            .into_iter()
            .map(|member| (member.key, &self.0[member.value]))
            .collect())
    }

    /// Sets the member at `path` to the value `json`, creating missing objects on the way.
    ///
    /// # Panics
    /// If `path` is empty.
    pub fn set(&mut self, path: &[&str], json: &str) -> Result<(), JsonEditError> {
        let (key, parent) = path.split_last().expect("a path names a member");
        // Line breaks of a value are those of the text: a file on Windows may have CR LF.
        let with_cr = Zeroizing::new(if self.0.contains("\r\n") {
            json.replace("\r\n", "\n").replace('\n', "\r\n")
        } else {
            String::new()
        });
        let json = if with_cr.is_empty() { json } else { &with_cr };
        if let Some(range) = self.find(path) {
            self.splice(range, &[json]);
            return Ok(());
        }
        let place = match self.find(parent) {
            Some(place) if &self.0[place.clone()] != "null" => place,
            Some(place) => {
                self.splice(place.clone(), &["{}"]);
                place.start..place.start + 2
            }
            None => {
                let object = Zeroizing::new(format!("{{{}:{json}}}", quoted(key)));
                return self.set(parent, &object);
            }
        };
        let members = self.object(parent)?;
        self.append(&place, &members, key, json);
        Ok(())
    }

    /// Adds a member to the document, after one of the same name if there is one.
    pub(super) fn add(&mut self, key: &str, json: &str) -> Result<(), JsonEditError> {
        let members = self.top()?;
        self.append(&trimmed(&self.0), &members, key, json);
        Ok(())
    }

    /// Adds a member to the object at `place`, whose members are these.
    fn append(&mut self, place: &Range<usize>, members: &[Member], key: &str, json: &str) {
        let Some(last) = members.last() else {
            return self.splice(place.start + 1..place.start + 1, &[&quoted(key), ":", json]);
        };
        // A new member is formatted like its neighbour: the same white space before the key and around the colon.
        let before = match members.len() {
            1 => place.start + 1,
            n => members[n - 2].whole.end + 1,
        };
        let lead = self.0[before..last.whole.start].trim_start_matches([',']).to_owned();
        let lead = lead.rsplit_once(',').map_or(lead.as_str(), |(_, lead)| lead).to_owned();
        let gap = self.0[last.whole.start..last.value.start]
            .rsplit_once(':')
            .map_or("", |(_, gap)| gap)
            .to_owned();
        let end = last.whole.end;
        self.splice(end..end, &[",", &lead, &quoted(key), ":", &gap, json]);
    }

    /// Removes the member at `path`, including duplicates. Returns whether there was one.
    ///
    /// # Panics
    /// If `path` is empty.
    pub fn remove(&mut self, path: &[&str]) -> Result<bool, JsonEditError> {
        let (key, parent) = path.split_last().expect("a path names a member");
        self.remove_where(parent, |name, _| name == *key)
    }

    /// Removes the members of the object at `path` for which `goes` returns true, given the key and the value's text.
    /// Returns whether there was one. The text is parsed only once.
    pub fn remove_where(&mut self, path: &[&str], goes: impl FnMut(&str, &str) -> bool) -> Result<bool, JsonEditError> {
        let members = self.object(path)?;
        let open = self.find(path).map_or(0, |range| range.start);
        let edits = removals(&self.0, open, &members, goes);
        self.replace_all(&edits);
        Ok(!edits.is_empty())
    }

    /// Replaces ranges, which are in order and do not overlap. The text is rewritten only once.
    pub(super) fn replace_all<T: AsRef<str>>(&mut self, edits: &[(Range<usize>, T)]) {
        if edits.is_empty() {
            return;
        }
        let gone: usize = edits.iter().map(|(range, _)| range.len()).sum();
        let added: usize = edits.iter().map(|(_, text)| text.as_ref().len()).sum();
        // Allocated at full size: a string that grows leaves copies of tokens behind.
        let mut text = Zeroizing::new(String::with_capacity(self.0.len() - gone + added));
        let mut done = 0;
        for (range, new) in edits {
            text.push_str(&self.0[done..range.start]);
            text.push_str(new.as_ref());
            done = range.end;
        }
        text.push_str(&self.0[done..]);
        self.0 = text;
    }

    fn splice(&mut self, range: Range<usize>, parts: &[&str]) {
        let new = Zeroizing::new(parts.concat());
        self.replace_all(&[(range, new.as_str())]);
    }

    /// The top-level members.
    pub(super) fn top(&self) -> Result<Vec<Member>, JsonEditError> {
        self.object(&[])
    }

    /// Finds a value; the last of duplicate keys is used, as in Go.
    fn find(&self, path: &[&str]) -> Option<Range<usize>> {
        let mut place = trimmed(&self.0);
        for key in path {
            let members = members(&self.0, place).ok()??;
            place = members.into_iter().rfind(|member| member.key == *key)?.value;
        }
        Some(place)
    }

    fn object(&self, path: &[&str]) -> Result<Vec<Member>, JsonEditError> {
        let Some(place) = self.find(path) else {
            // Either it does not exist, or something on the way is not an object.
            return match path.split_last() {
                Some((_, parent)) => self.object(parent).map(|_| Vec::new()),
                None => Ok(Vec::new()),
            };
        };
        if !path.is_empty() && &self.0[place.clone()] == "null" {
            return Ok(Vec::new());
        }
        members(&self.0, place)?
            .ok_or_else(|| JsonEditError::NotAnObject(path.last().map_or("the document", |key| *key).to_owned()))
    }
}

/// The ranges to delete in order to remove the members for which `goes` returns true from the object that begins at
/// `open`.
pub(super) fn removals(
    text: &str,
    open: usize,
    members: &[Member],
    mut goes: impl FnMut(&str, &str) -> bool,
) -> Vec<(Range<usize>, &'static str)> {
    let gone: Vec<bool> = members
        .iter()
        .map(|member| goes(&member.key, &text[member.value.clone()]))
        .collect();
    let mut edits = Vec::new();
    let mut at = 0;
    while at < members.len() {
        if !gone[at] {
            at += 1;
            continue;
        }
        // A run of members is removed with the comma before it, or else the one after it.
        let end = at + gone[at..].iter().take_while(|gone| **gone).count();
        let range = match (at.checked_sub(1).map(|before| &members[before]), members.get(end)) {
            (Some(before), _) => before.whole.end..members[end - 1].whole.end,
            (None, Some(after)) => members[at].whole.start..after.whole.start,
            (None, None) => open + 1..members[end - 1].whole.end,
        };
        edits.push((range, ""));
        at = end;
    }
    edits
}

impl fmt::Debug for JsonEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonEdit({} bytes)", self.0.len())
    }
}

fn quoted(key: &str) -> String {
    serde_json::Value::from(key).to_string()
}

/// Where the text is without the white space around it, of which JSON knows four characters.
pub(super) fn trimmed(text: &str) -> Range<usize> {
    let space = [' ', '\t', '\r', '\n'];
    let start = text.len() - text.trim_start_matches(space).len();
    start..start + text.trim_matches(space).len()
}

/// The members of the object at `place`; `None` if the value is not an object.
pub(super) fn members(text: &str, place: Range<usize>) -> Result<Option<Vec<Member>>, JsonEditError> {
    let syntax = |e: &serde_json::Error| JsonEditError::Syntax {
        line: e.line(),
        column: e.column(),
    };
    let inner = &text[place.clone()];
    steps::count(inner.len());
    if !inner.starts_with('{') {
        return match serde_json::from_str::<&RawValue>(inner) {
            Ok(_) => Ok(None),
            Err(e) => Err(syntax(&e)),
        };
    }
    let Pairs(pairs) = serde_json::from_str(inner).map_err(|e| syntax(&e))?;
    let place_of = |raw: &RawValue| {
        // It borrows from `text`, so its position follows from its address.
        let start = raw.get().as_ptr() as usize - text.as_ptr() as usize;
        start..start + raw.get().len()
    };
    let member = |(key, value): (&RawValue, &RawValue)| {
        let value = place_of(value);
        Member {
            key: unquote(key.get()).unwrap_or_default(),
            whole: place_of(key).start..value.end,
            value,
        }
    };
    Ok(Some(pairs.into_iter().map(member).collect()))
}

struct Pairs<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(&'de RawValue, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs)
            }
        }
        deserializer.deserialize_map(InOrder).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(text: &str) -> JsonEdit {
        JsonEdit::parse(text).unwrap()
    }

    #[test]
    fn a_new_member_is_formatted_like_its_neighbour() {
        for (before, path, after) in [
            (r"{}", &["a"][..], r#"{"a":1}"#),
            (" { }\n", &["a"], " {\"a\":1 }\n"),
            (r#"{"b":2}"#, &["a"], r#"{"b":2,"a":1}"#),
            ("{\n\t\"b\": 2\n}\n", &["a"], "{\n\t\"b\": 2,\n\t\"a\": 1\n}\n"),
            (
                "{\n\t\"b\": 2,\n\t\"c\" : [1, 2]\n}",
                &["a"],
                "{\n\t\"b\": 2,\n\t\"c\" : [1, 2],\n\t\"a\": 1\n}",
            ),
            (r#"{"x": {"y":1}}"#, &["x", "a"], r#"{"x": {"y":1,"a":1}}"#),
            (r#"{"x":{}}"#, &["x", "a"], r#"{"x":{"a":1}}"#),
            (r#"{"k\/\u0041":1e400}"#, &["a"], r#"{"k\/\u0041":1e400,"a":1}"#),
        ] {
            let mut json = edit(before);
            json.set(path, "1").unwrap();
            assert_eq!(json.as_str(), after);
            assert!(json.remove(path).unwrap());
            assert_eq!(json.as_str(), before, "removing what was added");
            assert!(!json.remove(path).unwrap());
        }
    }

    #[test]
    fn every_line_ends_as_before() {
        let value = "{\n\t\t\"r\": \"gitea\"\n\t}";
        let mut json = edit("{\r\n\t\"b\": 2\r\n}\r\n");
        json.set(&["credHelpers"], value).unwrap();
        assert_eq!(
            json.as_str(),
            "{\r\n\t\"b\": 2,\r\n\t\"credHelpers\": {\r\n\t\t\"r\": \"gitea\"\r\n\t}\r\n}\r\n"
        );
        let mut json = edit("{\n\t\"b\": 2\n}\n");
        json.set(&["credHelpers"], value).unwrap();
        assert!(!json.as_str().contains('\r'));
    }

    #[test]
    fn missing_objects_are_made_and_null_is_one() {
        let mut json = edit(r#"{"z":1}"#);
        json.set(&["auths", "r"], "{}").unwrap();
        assert_eq!(json.as_str(), r#"{"z":1,"auths":{"r":{}}}"#);
        let mut json = edit(r#"{"auths":null}"#);
        json.set(&["auths", "r"], "{}").unwrap();
        assert_eq!(json.as_str(), r#"{"auths":{"r":{}}}"#);
    }

    #[test]
    fn replacing_touches_nothing_else() {
        let mut json = edit("{ \"a\" : 1 , \"b\":{ \"c\":[ 1 ] } , \"a\" : 2 }");
        json.set(&["b", "c"], "null").unwrap();
        json.set(&["a"], "3").unwrap();
        assert_eq!(
            json.as_str(),
            "{ \"a\" : 1 , \"b\":{ \"c\":null } , \"a\" : 3 }",
            "the last duplicate counts"
        );
        assert_eq!(json.get(&["a"]), Some("3"));
        assert!(json.remove(&["a"]).unwrap());
        assert_eq!(json.members(&[]).unwrap().len(), 1);
    }

    #[test]
    fn other_values_are_refused_without_quoting_them() {
        assert_eq!(
            JsonEdit::parse("[\"s3cret\"]"),
            Err(JsonEditError::NotAnObject("the document".into()))
        );
        assert!(matches!(
            JsonEdit::parse("{\"a\":s3cret}"),
            Err(JsonEditError::Syntax { line: 1, .. })
        ));
        assert!(matches!(JsonEdit::parse(""), Err(JsonEditError::Syntax { .. })));
        for text in ["{} {}", "\u{a0}{}", "{}\u{2028}", "\x0c{}"] {
            assert!(
                matches!(JsonEdit::parse(text), Err(JsonEditError::Syntax { .. })),
                "{text:?}"
            );
        }
        let mut json = edit(r#"{"auths":[]}"#);
        assert_eq!(
            json.members(&["auths"]),
            Err(JsonEditError::NotAnObject("auths".into()))
        );
        assert_eq!(
            json.set(&["auths", "r"], "{}"),
            Err(JsonEditError::NotAnObject("auths".into()))
        );
        assert_eq!(
            json.set(&["auths", "r", "auth"], "{}"),
            Err(JsonEditError::NotAnObject("auths".into()))
        );
        assert_eq!(format!("{json:?}"), "JsonEdit(12 bytes)");
    }
}
