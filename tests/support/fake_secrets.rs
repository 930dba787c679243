//! A Secret Service that misbehaves, on a private bus: what real ones do when they hang, crash or wait for a person.

use std::collections::HashMap;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use futures_util::StreamExt as _;
use zbus::message::{Message, Type};
use zbus::{Connection, MessageStream, OwnedObjectPath, Variant};

use super::keyring::PrivateBus;

/// What the service does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It answers nothing.
    Silent,
    /// It answers the first call of `SearchItems` by leaving the bus.
    Dies,
    /// The bus's policy, or its own, keeps everybody out.
    Denies,
    /// Its items are locked, and nobody answers the prompt.
    PromptUnanswered,
    /// Its items are locked, and the prompt is dismissed.
    PromptDismissed,
    /// Its items are locked, and the prompt is answered.
    PromptAnswered,
    /// Nothing is found in its locked collection, as services do that encrypt attributes too.
    LockedAndMute,
    /// It answers no search before a person has unlocked it, who does or does not, as `KeePassXC` does.
    AsksFirst {
        /// Whether somebody is there: a moment after the search.
        unlocks: bool,
    },
    /// It has no default collection.
    NoCollection,
    /// Two items have one name; the one of the lower number is newer.
    Duplicates,
    /// It has forty items.
    Many,
}

/// The running double. It ends with its bus.
pub struct FakeSecrets {
    bus: Option<PrivateBus>,
    calls: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeSecrets {
    /// Starts a bus with the service on it.
    pub fn start(behaviour: Behaviour) -> Self {
        let bus = PrivateBus::start();
        let calls = Arc::default();
        let (ready, is_ready) = mpsc::channel();
        let mut service = Service {
            behaviour,
            calls: Arc::clone(&calls),
            unlocked: false,
            waiting: None,
        };
        let address = bus.address();
        let thread = std::thread::spawn(move || {
            zbus::block_on(async {
                let builder = zbus::connection::Builder::address(address.as_str());
                let connection = builder.name("org.freedesktop.secrets").build().await.unwrap();
                let mut incoming = MessageStream::from(&connection);
                ready.send(()).unwrap();
                while let Some(Ok(message)) = incoming.next().await {
                    if message.message_type() == Type::MethodCall && !service.answer(&connection, &message).await {
                        return;
                    }
                }
            });
        });
        is_ready.recv().unwrap();
        Self {
            bus: Some(bus),
            calls,
            thread: Some(thread),
        }
    }

    /// The bus that it is on.
    pub fn bus(&self) -> &PrivateBus {
        self.bus.as_ref().unwrap()
    }

    /// The methods that were called, in order.
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

impl Drop for FakeSecrets {
    fn drop(&mut self) {
        // The thread's connection ends with the bus.
        self.bus = None;
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking());
    }
}

struct Service {
    behaviour: Behaviour,
    calls: Arc<Mutex<Vec<String>>>,
    unlocked: bool,
    /// A search that is answered when a person has answered.
    waiting: Option<Message>,
}

impl Service {
    /// Whether to go on.
    async fn answer(&mut self, connection: &Connection, call: &Message) -> bool {
        use Behaviour as B;
        let header = call.header();
        let member = header.member().unwrap().to_string();
        let property = match member.as_str() {
            "Get" => format!(" {}", call.body().deserialize::<(String, String)>().unwrap().1),
            _ => String::new(),
        };
        self.calls.lock().unwrap().push(format!("{member}{property}"));
        let path = |text: &str| OwnedObjectPath::try_from(text.to_owned()).unwrap();
        let none = || path("/");
        let items = || match self.behaviour {
            B::Duplicates => vec![path("/item/1"), path("/item/2")],
            B::Many => (1..=40).map(|number| path(&format!("/item/{number}"))).collect(),
            B::LockedAndMute | B::NoCollection => vec![],
            _ => vec![path("/item/1")],
        };
        let error = async |name: &str| connection.reply_error(&header, name, &("no",)).await;
        let is_locked = !self.unlocked && !matches!(self.behaviour, B::Duplicates | B::Many | B::NoCollection);
        let sent = match (member.as_str(), self.behaviour) {
            (_, B::Silent) => Ok(()),
            (_, B::Denies) => error("org.freedesktop.DBus.Error.AccessDenied").await,
            ("SearchItems", B::Dies) => return false,
            ("SearchItems", B::AsksFirst { .. }) if is_locked => {
                self.waiting = Some(call.clone());
                Ok(())
            }
            ("OpenSession", B::AsksFirst { unlocks }) => {
                let session = (Variant::from(""), path("/session/1"));
                connection.reply(&header, &session).await.unwrap();
                // The question is on the screen by now; this is the answer.
                self.unlocked = unlocks;
                match self.waiting.take().filter(|_| unlocks) {
                    Some(search) => {
                        let found = (items(), Vec::<OwnedObjectPath>::new());
                        connection.reply(&search.header(), &found).await
                    }
                    None => Ok(()),
                }
            }
            ("CreateItem" | "Get", B::NoCollection) => error("org.freedesktop.DBus.Error.UnknownMethod").await,
            ("OpenSession", _) => {
                connection
                    .reply(&header, &(Variant::from(""), path("/session/1")))
                    .await
            }
            ("SearchItems", _) if is_locked => {
                connection
                    .reply(&header, &(Vec::<OwnedObjectPath>::new(), items()))
                    .await
            }
            ("SearchItems", _) => {
                connection
                    .reply(&header, &(items(), Vec::<OwnedObjectPath>::new()))
                    .await
            }
            ("ReadAlias", _) => connection.reply(&header, &(path("/collection/1"),)).await,
            ("Unlock", _) => {
                connection
                    .reply(&header, &(Vec::<OwnedObjectPath>::new(), path("/prompt/1")))
                    .await
            }
            ("Prompt", behaviour) => {
                connection.reply(&header, &()).await.unwrap();
                if behaviour == B::PromptUnanswered {
                    return true;
                }
                self.unlocked = behaviour == B::PromptAnswered;
                let dismissed = !self.unlocked;
                let completed = Message::signal("/prompt/1", "org.freedesktop.Secret.Prompt", "Completed");
                connection
                    .send(&completed.build(&(dismissed, Variant::from(""))).unwrap())
                    .await
            }
            ("Get", _) => {
                let (_, property): (String, String) = call.body().deserialize().unwrap();
                let number = header
                    .path()
                    .unwrap()
                    .as_str()
                    .strip_prefix("/item/")
                    .map_or(0, |n| n.parse().unwrap());
                let value = match property.as_str() {
                    "Locked" => Variant::from(is_locked),
                    "Modified" => Variant::from(100u64 - number),
                    _ => Variant::from(attributes(self.behaviour, number)),
                };
                connection.reply(&header, &(value,)).await
            }
            ("GetSecret", _) => {
                let item = header.path().unwrap().to_string();
                let secret = format!(r#"{{"username":"user{item}","token":"t"}}"#);
                let value = (path("/session/1"), Vec::<u8>::new(), secret.into_bytes(), "text/plain");
                connection.reply(&header, &(value,)).await
            }
            ("CreateItem", _) => connection.reply(&header, &(path("/item/99"), none())).await,
            ("Delete", _) => connection.reply(&header, &(none(),)).await,
            _ => connection.reply(&header, &()).await,
        };
        // The client may be gone, but not the bus.
        sent.is_ok()
    }
}

fn attributes(behaviour: Behaviour, item: u64) -> HashMap<String, String> {
    let registry = match behaviour {
        Behaviour::Many => format!("registry-{item}.example.com"),
        _ => "gitea.example.com".to_owned(),
    };
    [
        ("service", "kubectl-regcred"),
        ("use", "docker"),
        ("registry", &registry),
        ("username", &format!("user/item/{item}")),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}
