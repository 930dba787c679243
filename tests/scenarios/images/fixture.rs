//! A workstation with a Gitea that has images, and somebody who pushes and pulls them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::gitea::{Gitea, Settings, sha256};
use crate::support::part::missing;
use crate::support::parts::{GITEA, REAL_PARTS};
use crate::support::pusher::Pusher;
use crate::support::scenario::{Part, Place};
use crate::support::world::{Ran, World};

pub const DAY: Duration = Duration::from_secs(24 * 3600);

pub const ON_DOUBLES: Place<Stage> = Place::double(|| Stage::new(World::of_doubles()));
/// At a real Gitea, whose database then tells that images are older than they are; the cluster is a double.
pub const ON_GITEA: Place<Stage> = Place::named("real_gitea", AT_GITEA, || {
    Stage::new(World::of_doubles_at(Gitea::start_real(Settings::default())))
});
/// The same, with everything real.
pub const ON_REAL: Place<Stage> = Place::named(
    "real",
    Part::new(|| [(REAL_PARTS.missing)(), (AT_GITEA.missing)()].concat()),
    || Stage::new(World::of_real_gitea_and_quiet_cluster()),
);
const AT_GITEA: Part = Part::new(|| [(GITEA.missing)(), missing(&["sqlite3"])].concat());

pub struct Stage {
    pub world: World,
    pub pusher: Pusher,
}

impl Stage {
    pub fn new(world: World) -> Self {
        let token = world.gitea.add_token("admin", "write:package");
        world
            .regcred_with("login [REGISTRY] -u admin --token-stdin", &token)
            .done();
        let pusher = Pusher::new(&world.gitea, "admin", &token);
        Self { world, pusher }
    }

    /// `kubectl regcred images …`
    pub fn images(&self, line: &str) -> Ran {
        let mut ran = self.world.regcred(&format!("images {line}"));
        ran.stdout = without_times(&ran.stdout);
        ran.stderr = without_times(&ran.stderr);
        ran
    }

    /// Time passes for everything that was pushed so far.
    pub fn age(&self, by: Duration) {
        self.world.gitea.age_images(by);
    }

    /// Images with these tags, each a day older than the next.
    pub fn push_each(&self, repository: &str, tags: &[&str]) -> Vec<String> {
        let push = |tag: &&str| {
            self.age(DAY);
            self.pusher
                .image(repository, tag, &format!("{repository}:{tag}"), "amd64")
        };
        tags.iter().map(push).collect()
    }

    /// Puts an object into this world's namespace.
    pub fn put(&self, resource: &str, api: &str, kind: &str, name: &str, fields: &Value) {
        let mut object = json!({"apiVersion": api, "kind": kind, "metadata": {"name": name}});
        object
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        self.world.plane.put(resource, &self.world.namespace, &object);
    }

    /// A pod with this image of the registry.
    pub fn run_pod(&self, image: &str) {
        let image = format!("{}/{image}", self.world.registry());
        let containers = json!([{"name": "c", "image": image}]);
        // Without a controller, nobody makes it.
        self.put("serviceaccounts", "v1", "ServiceAccount", "default", &json!({}));
        self.put("pods", "v1", "Pod", "app", &json!({"spec": {"containers": containers}}));
    }

    /// The tag under which something is set aside.
    #[track_caller]
    pub fn aside(&self, repository: &str, tag: &str) -> String {
        let tags = self.pusher.tags(repository);
        let is_it = |name: &&String| {
            let rest = name
                .strip_prefix("regcred-trash.")
                .and_then(|rest| rest.split_once('.'));
            rest.is_some_and(|(_, original)| original == tag)
        };
        tags.iter()
            .find(is_it)
            .unwrap_or_else(|| panic!("{tag} is not set aside: {tags:?}"))
            .clone()
    }
}

/// The names of what is set aside hold a time, and tables a digest and an age.
pub fn without_times(text: &str) -> String {
    let mut plain = String::new();
    for line in text.split_inclusive('\n') {
        let mut line = line.to_owned();
        for begin in [
            "regcred-trash.",
            "regcred-trash-digest.",
            "set aside until ",
            "set aside since ",
        ] {
            if let Some(at) = line.find(begin) {
                let from = at + begin.len();
                let end = line[from..].find(|c: char| !(c.is_ascii_digit() || "-: Z".contains(c)));
                line.replace_range(from..end.map_or(line.len(), |end| from + end), "[TIME]");
            }
        }
        plain.push_str(&line);
    }
    plain
}

/// The digest of nothing, which no registry has.
pub fn unknown() -> String {
    sha256(b"nothing")
}
