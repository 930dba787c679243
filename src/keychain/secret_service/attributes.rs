//! The attributes of an item, which most services show without unlocking it.

use std::collections::HashMap;

pub(super) type Attributes = HashMap<String, String>;

/// The attributes that make up an item's name. They are few because gnome-keyring is slow with each.
pub(super) const NAME: [&str; 3] = ["service", "use", "registry"];

/// The attributes that name an item.
pub(super) fn name_of(attributes: &Attributes) -> Vec<(String, String)> {
    NAME.into_iter()
        .filter_map(|key| Some((key.to_owned(), attributes.get(key)?.clone())))
        .collect()
}

/// Whether `attributes` are those of an item that a search for `wanted` finds.
///
/// gnome-keyring shows hashes of a locked item's attributes, under other names.
pub(super) fn has_all(attributes: &Attributes, wanted: &Attributes) -> bool {
    wanted.iter().all(|(key, value)| attributes.get(key) == Some(value))
}

pub(super) fn owned<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Attributes {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}
