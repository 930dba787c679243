//! The attributes of an item, which the service shows without unlocking it.

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

pub(super) fn owned<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Attributes {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}
