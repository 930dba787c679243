//! A Secret Service that misbehaves, on a private bus: what real ones do when they hang, crash or wait for a person.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use futures_util::StreamExt as _;
use futures_util::future::select;
use tokio::sync::oneshot;
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
    /// It knows a caller only once it has answered a call: gnome-keyring at its worst. Before, a search is an unknown
    /// method, and what needs to know the caller ends it.
    Slow,
    /// It has forty items.
    Many,
    /// It has forty items, all locked, and shows hashes of their attributes, as gnome-keyring does.
    ManyHashed,
    /// Its item is locked, and the first question about its default collection is answered with "no such object", as
    /// gnome-keyring does now and then.
    AliasBlinks,
    /// Its search says that the item is open, but it is locked and shows hashes of its attributes.
    Hashed,
    /// The first call on its item is answered with "no such object".
    ItemBlinks,
    /// Every call on its item is answered with "no such object".
    Phantom,
    /// It answers no search, and sends signals instead, as many as the bus takes.
    Signals,
    /// Its answers have other types than the specification says.
    Nonsense,
    /// It refuses everything, with a text that moves the cursor.
    Escapes,
    /// What it finds is another program's item.
    Another,
}

/// The running double. It ends with its bus.
pub struct FakeSecrets {
    bus: Option<PrivateBus>,
    calls: Arc<Mutex<Vec<String>>>,
    unlocked: Arc<AtomicBool>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeSecrets {
    /// Starts a bus with the service on it.
    pub fn start(behaviour: Behaviour) -> Self {
        let bus = PrivateBus::start();
        let calls = Arc::default();
        let unlocked = Arc::default();
        let (ready, is_ready) = mpsc::channel();
        let mut service = Service {
            behaviour,
            calls: Arc::clone(&calls),
            unlocked: Arc::clone(&unlocked),
            has_blinked: false,
            known: HashSet::new(),
            waiting: None,
        };
        let address = bus.address();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            zbus::block_on(async {
                let builder = zbus::connection::Builder::address(address.as_str());
                let connection = builder.name("org.freedesktop.secrets").build().await.unwrap();
                let mut incoming = MessageStream::from(&connection);
                ready.send(()).unwrap();
                let serve = async {
                    while let Some(Ok(message)) = incoming.next().await {
                        if message.message_type() == Type::MethodCall && !service.answer(&connection, &message).await {
                            return;
                        }
                    }
                };
                // An answer of its own that the bus did not take would be waited for without end.
                select(pin!(serve), stopped).await;
            });
        });
        is_ready.recv().unwrap();
        Self {
            bus: Some(bus),
            calls,
            unlocked,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// The bus that it is on.
    pub fn bus(&self) -> &PrivateBus {
        self.bus.as_ref().unwrap()
    }

    /// Unlocks its collection, as its own window can.
    pub fn unlock(&self) {
        self.unlocked.store(true, Ordering::SeqCst);
    }

    /// The methods that were called, in order.
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

impl Drop for FakeSecrets {
    fn drop(&mut self) {
        self.bus = None;
        self.stop = None;
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking());
    }
}

struct Service {
    behaviour: Behaviour,
    calls: Arc<Mutex<Vec<String>>>,
    unlocked: Arc<AtomicBool>,
    has_blinked: bool,
    /// The callers that it has answered.
    known: HashSet<String>,
    /// A search that is answered when a person has answered.
    waiting: Option<Message>,
}

impl Service {
    /// Whether to go on.
    #[expect(
        clippy::too_many_lines,
        reason = "an arm for each method and what is done wrong with it"
    )]
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
            B::Many | B::ManyHashed => (1..=40).map(|number| path(&format!("/item/{number}"))).collect(),
            B::LockedAndMute | B::NoCollection => vec![],
            _ => vec![path("/item/1")],
        };
        let error = async |name: &str| connection.reply_error(&header, name, &("no",)).await;
        let is_open = matches!(
            self.behaviour,
            B::Duplicates | B::Many | B::NoCollection | B::ItemBlinks | B::Phantom | B::Another | B::Slow
        );
        let is_locked = !self.unlocked.load(Ordering::SeqCst) && !is_open;
        let is_item = header.path().unwrap().as_str().starts_with("/item/");
        let blinks = match self.behaviour {
            B::AliasBlinks => property == " Locked" && !self.has_blinked,
            B::ItemBlinks => is_item && !self.has_blinked,
            B::Phantom => is_item,
            _ => false,
        };
        self.has_blinked |= blinks;
        let is_stranger = self.known.insert(header.sender().unwrap().to_string()) && self.behaviour == B::Slow;
        let sent = match (member.as_str(), self.behaviour) {
            (_, B::Silent) => Ok(()),
            ("SearchItems", B::Signals) => {
                let signal = || Message::signal("/item/1", "org.freedesktop.Secret.Item", "Changed");
                let to = header.sender().unwrap().to_owned();
                let text = "x".repeat(1 << 10);
                // Until the client leaves, and the bus says so.
                while connection
                    .call_method(
                        Some("org.freedesktop.DBus"),
                        "/org/freedesktop/DBus",
                        Some("org.freedesktop.DBus"),
                        "NameHasOwner",
                        &(to.as_str(),),
                    )
                    .await
                    .is_ok_and(|reply| reply.body().deserialize::<(bool,)>().unwrap().0)
                {
                    for _ in 0..100 {
                        let signal = signal().destination(to.as_str()).build(&(&text,)).unwrap();
                        if connection.send(&signal).await.is_err() {
                            return false;
                        }
                    }
                }
                Ok(())
            }
            (_, B::Nonsense) => connection.reply(&header, &("nonsense", 7u32)).await,
            (_, B::Escapes) => {
                let text = "\u{1b}[2J\u{9b}31m\u{202e}no\nerror: all is well";
                let name = "org.freedesktop.DBus.Error.Failed";
                connection.reply_error(&header, name, &(text,)).await
            }
            (_, B::Denies) => error("org.freedesktop.DBus.Error.AccessDenied").await,
            _ if blinks => error("org.freedesktop.DBus.Error.UnknownMethod").await,
            ("SearchItems", _) if is_stranger => error("org.freedesktop.DBus.Error.UnknownMethod").await,
            _ if is_stranger && property != " Collections" => return false,
            ("SearchItems", B::Dies) => return false,
            ("SearchItems", B::AsksFirst { .. }) if is_locked => {
                self.waiting = Some(call.clone());
                Ok(())
            }
            ("OpenSession", B::AsksFirst { unlocks }) => {
                let session = (Variant::from(""), path("/session/1"));
                connection.reply(&header, &session).await.unwrap();
                // The question is on the screen by now; this is the answer.
                self.unlocked.store(unlocks, Ordering::SeqCst);
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
            ("SearchItems", behaviour) if is_locked && behaviour != B::Hashed => {
                connection
                    .reply(&header, &(Vec::<OwnedObjectPath>::new(), items()))
                    .await
            }
            ("SearchItems", _) => {
                connection
                    .reply(&header, &(items(), Vec::<OwnedObjectPath>::new()))
                    .await
            }
            ("ReadAlias", B::NoCollection) | ("Delete", _) => connection.reply(&header, &(none(),)).await,
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
                let dismissed = behaviour != B::PromptAnswered;
                self.unlocked.store(!dismissed, Ordering::SeqCst);
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
                    "Locked" => Variant::from(is_locked && self.behaviour != B::Hashed),
                    "Modified" => Variant::from(100u64 - number),
                    _ if is_locked && matches!(self.behaviour, B::AliasBlinks | B::Hashed | B::ManyHashed) => {
                        Variant::from(hashed(&attributes(self.behaviour, number)))
                    }
                    _ => Variant::from(attributes(self.behaviour, number)),
                };
                connection.reply(&header, &(value,)).await
            }
            ("GetSecret", _) => {
                let item = header.path().unwrap().to_string();
                let secret = match self.behaviour {
                    B::Another => "\u{1b}[2Jhunter2".to_owned(),
                    _ => format!(r#"{{"username":"user{item}","token":"t"}}"#),
                };
                let value = (path("/session/1"), Vec::<u8>::new(), secret.into_bytes(), "text/plain");
                connection.reply(&header, &(value,)).await
            }
            ("CreateItem", _) => connection.reply(&header, &(path("/item/99"), none())).await,
            _ => connection.reply(&header, &()).await,
        };
        // The client may be gone, but not the bus.
        sent.is_ok()
    }
}

fn attributes(behaviour: Behaviour, item: u64) -> HashMap<String, String> {
    if behaviour == Behaviour::Another {
        return HashMap::from([("application".to_owned(), "\u{1b}[2Janother".to_owned())]);
    }
    let registry = match behaviour {
        Behaviour::Many | Behaviour::ManyHashed => format!("registry-{item}.example.com"),
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

/// As gnome-keyring shows the attributes of a locked item.
fn hashed(attributes: &HashMap<String, String>) -> HashMap<String, String> {
    let hash = |key: &String| {
        (
            format!("gkr:compat:hashed:{key}"),
            "962bdd9dd2e95617cc5f3606dc0869e7".to_owned(),
        )
    };
    attributes.keys().map(hash).collect()
}
