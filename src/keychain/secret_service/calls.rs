//! The Secret Service's names on the bus, and how its calls are written and its answers read.

use zbus::message::Message;
use zbus::{DynamicType, ObjectPath, OwnedVariant, Type, Variant};

use super::bus::{self, Reply};
use crate::keychain::Error;
use crate::keychain::error::printable;

pub(super) const NAME: &str = "org.freedesktop.secrets";
pub(super) const SERVICE_PATH: &str = "/org/freedesktop/secrets";
/// The default collection goes by this path too.
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
    // zbus's errors tell of types and places, never of values.
    message
        .body()
        .deserialize()
        .map_err(|error| Error::Protocol(printable(&error.to_string())))
}

/// The call that asks whether the default collection is locked.
pub(super) fn is_default_locked() -> Result<Message, Error> {
    call(DEFAULT_PATH, PROPERTIES, "Get", &(COLLECTION, "Locked"))
}

/// What the answer says; `None` where there is no default collection.
pub(super) fn is_locked(reply: Reply) -> Result<Option<bool>, Error> {
    match reply {
        Ok(reply) => {
            let (locked,): (OwnedVariant,) = body(&reply)?;
            Ok(Some(bool::try_from(Variant::from(locked)).unwrap_or(false)))
        }
        Err(refusal) if refusal.is_gone() => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}
