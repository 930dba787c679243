//! The Secret Service's names on the bus, and building its calls and reading its answers.

use zbus::message::Message;
use zbus::{DynamicType, ObjectPath, OwnedVariant, Type, Variant};

use super::bus::{self, Reply};
use crate::keychain::Error;
use crate::keychain::error::printable;

pub(super) const NAME: &str = "org.freedesktop.secrets";
pub(super) const SERVICE_PATH: &str = "/org/freedesktop/secrets";
/// Alias of the default collection.
pub(super) const DEFAULT_PATH: &str = "/org/freedesktop/secrets/aliases/default";
const SERVICE: &str = "org.freedesktop.Secret.Service";
pub(super) const COLLECTION: &str = "org.freedesktop.Secret.Collection";
pub(super) const ITEM: &str = "org.freedesktop.Secret.Item";
pub(super) const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

pub(super) fn call<B: serde::Serialize + DynamicType>(
    path: &str,
    interface: &str,
    method: &str,
    parameters: &B,
) -> Result<Message, Error> {
    bus::call(NAME, path, interface, method, parameters)
}

pub(super) fn on<B: serde::Serialize + DynamicType>(
    path: &ObjectPath<'_>,
    interface: &str,
    method: &str,
    parameters: &B,
) -> Result<Message, Error> {
    call(path.as_str(), interface, method, parameters)
}

pub(super) fn service<B: serde::Serialize + DynamicType>(method: &str, parameters: &B) -> Result<Message, Error> {
    call(SERVICE_PATH, SERVICE, method, parameters)
}

pub(super) fn body<T>(message: &Message) -> Result<T, Error>
where
    T: for<'de> serde::Deserialize<'de> + DynamicType + Type,
{
    // zbus's errors name types and positions, never values.
    message
        .body()
        .deserialize()
        .map_err(|error| Error::Protocol(printable(&error.to_string())))
}

/// Asks which collections there are.
pub(super) fn collections() -> Result<Message, Error> {
    call(SERVICE_PATH, PROPERTIES, "Get", &(SERVICE, "Collections"))
}

/// Asks whether the default collection is locked.
pub(super) fn is_default_locked() -> Result<Message, Error> {
    call(DEFAULT_PATH, PROPERTIES, "Get", &(COLLECTION, "Locked"))
}

/// Reads the answer; `None` if the service says that there is no default collection.
pub(super) fn is_locked(reply: Reply) -> Result<Option<bool>, Error> {
    match reply {
        Ok(reply) => {
            let (locked,): (OwnedVariant,) = body(&reply)?;
            bool::try_from(Variant::from(locked))
                .map(Some)
                .map_err(|error| Error::Protocol(printable(&error.to_string())))
        }
        Err(refusal) if refusal.is_gone() => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}
