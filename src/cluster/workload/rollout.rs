//! The progress of a rollout, and following it to its end, as `kubectl rollout status` does.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::{Stream, StreamExt as _};
use kube::api::{ListParams, WatchParams};
use kube::core::{Request, WatchEvent};
use tokio::time::timeout_at;

use super::list::list;
use super::raw::Raw;
use crate::cluster::client::connect::Cluster;
use crate::cluster::client::pages;
use crate::cluster::error::Error;
use crate::cluster::resource::{Object, Resource};
use crate::cluster::untrusted::untrusted;
use crate::model::Namespace;

/// How long one watch lasts; shorter than what idle connections are cut after on the way to a server.
const WATCH: Duration = Duration::from_secs(30);
/// Between two watches, so that a server that ends each at once is not flooded.
const PAUSE: Duration = Duration::from_secs(1);

/// The progress of a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Every pod is of the new template, and available.
    Done,
    /// This is what it is waiting for.
    Going(String),
    /// It will not get there by itself.
    Failed(String),
}

/// What the controller has said about its rollout so far. The rules are those of kubectl's `rollout_status.go`.
pub fn progress(resource: Resource, raw: &Raw) -> Progress {
    let status = &raw.status;
    let going = |text: String| Progress::Going(text);
    if raw.metadata.deletion_timestamp.is_some() {
        return Progress::Failed("it is being deleted".to_owned());
    }
    if status.observed_generation < raw.metadata.generation {
        return going("its controller has not seen the change yet".to_owned());
    }
    let wanted = raw.spec.replicas.unwrap_or(1);
    match resource {
        Resource::Deployments => {
            let deadline = |kind: &str, reason: &str| {
                status
                    .conditions
                    .iter()
                    .any(|condition| condition.kind == kind && condition.reason == reason)
            };
            let updated = status.updated_replicas;
            if deadline("Progressing", "ProgressDeadlineExceeded") {
                Progress::Failed("it exceeded its progress deadline".to_owned())
            } else if updated < wanted {
                going(format!("{updated} of {wanted} new pods have been made"))
            } else if status.replicas > updated {
                going(format!("{} old pods are still there", status.replicas - updated))
            } else if status.available_replicas < updated {
                going(format!(
                    "{} of {updated} new pods are available",
                    status.available_replicas
                ))
            } else if raw.spec.paused {
                Progress::Failed("it was paused".to_owned())
            } else {
                Progress::Done
            }
        }
        Resource::StatefulSets => {
            if status.update_revision != status.current_revision && status.updated_replicas < wanted {
                going(format!("{} of {wanted} pods are new", status.updated_replicas))
            } else if status.ready_replicas < wanted {
                going(format!("{} of {wanted} pods are ready", status.ready_replicas))
            } else if status.update_revision != status.current_revision {
                going("its last pods are being replaced".to_owned())
            } else {
                Progress::Done
            }
        }
        _ => {
            let wanted = status.desired_number_scheduled;
            if status.updated_number_scheduled < wanted {
                going(format!("{} of {wanted} pods are new", status.updated_number_scheduled))
            } else if status.number_available < wanted {
                going(format!(
                    "{} of {wanted} new pods are available",
                    status.number_available
                ))
            } else {
                Progress::Done
            }
        }
    }
}

/// Follows the rollouts of workloads of one kind until each is done or failed, or until the deadline, and says how far
/// each is. `tell` hears of every step.
///
/// It lists once, also after the deadline, and then watches from that version.
pub async fn follow(
    cluster: &Cluster,
    namespace: &Namespace,
    resource: Resource,
    names: &[String],
    until: Option<Instant>,
    tell: &dyn Fn(&str, &Progress),
) -> Result<BTreeMap<String, Progress>, Error> {
    let mut following = Following {
        cluster,
        namespace,
        resource,
        names,
        tell,
        known: BTreeMap::new(),
    };
    let version = following.list().await?;
    let run_to_the_end = following.run_to_the_end(version);
    match until {
        // What is not known by then stays as it was last seen.
        Some(until) => timeout_at(until.into(), run_to_the_end).await.unwrap_or(Ok(()))?,
        None => run_to_the_end.await?,
    }
    Ok(following.known)
}

struct Following<'a> {
    cluster: &'a Cluster,
    namespace: &'a Namespace,
    resource: Resource,
    names: &'a [String],
    tell: &'a dyn Fn(&str, &Progress),
    known: BTreeMap<String, Progress>,
}

impl Following<'_> {
    /// How all of them are now. Returns the list's version.
    async fn list(&mut self) -> Result<String, Error> {
        let (found, version) = list(
            self.cluster,
            self.namespace,
            self.resource,
            ListParams::default(),
            Some::<Raw>,
        )
        .await?;
        let mut now: BTreeMap<_, _> = found
            .iter()
            .map(|raw| (raw.metadata.name.clone(), progress(self.resource, raw)))
            .collect();
        for name in self.names {
            let gone = Progress::Failed("it was deleted".to_owned());
            self.update(name, now.remove(name).unwrap_or(gone));
        }
        Ok(version)
    }

    async fn run_to_the_end(&mut self, mut version: String) -> Result<(), Error> {
        loop {
            let began = Instant::now();
            self.watch_on(version).await?;
            if self.all_ended() {
                return Ok(());
            }
            tokio::time::sleep(PAUSE.saturating_sub(began.elapsed())).await;
            version = self.list().await?;
        }
    }

    /// Watches from this version on, until all have ended or only a list can say how things are.
    async fn watch_on(&mut self, mut version: String) -> Result<(), Error> {
        while !self.all_ended() {
            let opened = Instant::now();
            let events = watch(self.cluster, self.namespace, self.resource, &version).await;
            let mut events = std::pin::pin!(match events {
                Ok(events) => events,
                // The version is too old by now.
                Err(kube::Error::Api(status)) if status.code == 410 => return Ok(()),
                Err(failure) => {
                    let object = Object::all(self.resource, self.namespace);
                    return Err(self.cluster.call(object).error(failure));
                }
            });
            loop {
                match tokio::time::timeout(WATCH, events.next()).await {
                    Ok(Some(Ok(WatchEvent::Added(raw) | WatchEvent::Modified(raw)))) => {
                        version.clone_from(&raw.metadata.resource_version);
                        self.see(&raw, progress(self.resource, &raw));
                    }
                    Ok(Some(Ok(WatchEvent::Deleted(raw)))) => {
                        version.clone_from(&raw.metadata.resource_version);
                        self.see(&raw, Progress::Failed("it was deleted".to_owned()));
                    }
                    Ok(Some(Ok(WatchEvent::Bookmark(mark)))) => version = mark.metadata.resource_version,
                    // Cut, or the version is too old.
                    Ok(Some(Ok(WatchEvent::Error(_)) | Err(_))) => return Ok(()),
                    Ok(None) if opened.elapsed() <= PAUSE => return Ok(()),
                    Ok(None) | Err(_) => break,
                }
                if self.all_ended() {
                    break;
                }
            }
        }
        Ok(())
    }

    fn all_ended(&self) -> bool {
        self.known
            .values()
            .all(|progress| !matches!(progress, Progress::Going(_)))
    }

    fn see(&mut self, raw: &Raw, now: Progress) {
        let name = &raw.metadata.name;
        if self.known.contains_key(name) {
            self.update(name, now);
        }
    }

    fn update(&mut self, name: &str, now: Progress) {
        if self.known.get(name) != Some(&now) {
            (self.tell)(&untrusted(name), &now);
            self.known.insert(name.to_owned(), now);
        }
    }
}

async fn watch(
    cluster: &Cluster,
    namespace: &Namespace,
    resource: Resource,
    version: &str,
) -> Result<impl Stream<Item = Result<WatchEvent<Raw>, kube::Error>> + use<>, kube::Error> {
    let seconds = u32::try_from(WATCH.as_secs()).unwrap_or(u32::MAX);
    let request = Request::new(pages::path(resource, Some(namespace)));
    let request = request.watch(&WatchParams::default().timeout(seconds), version);
    let request = request.map_err(kube::Error::BuildRequest)?;
    cluster.client().request_events(request).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn at(resource: Resource, status: &Value) -> String {
        let object = json!({
            "metadata": {"name": "x", "generation": 3},
            "spec": {"replicas": 2, "paused": status["paused"] == true},
            "status": status,
        });
        match progress(resource, &serde_json::from_value(object).unwrap()) {
            Progress::Done => "done".to_owned(),
            Progress::Going(text) => text,
            Progress::Failed(text) => format!("failed: {text}"),
        }
    }

    #[test]
    fn a_deployment_is_done_when_only_new_pods_are_there_and_available() {
        let at = |status: Value| at(Resource::Deployments, &status);
        let whole = json!({"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2});
        let with = |key: &str, value: Value| {
            let mut status = whole.clone();
            status[key] = value;
            status
        };
        assert_eq!(at(whole.clone()), "done");
        assert_eq!(
            at(with("observedGeneration", 2.into())),
            "its controller has not seen the change yet"
        );
        assert_eq!(at(with("updatedReplicas", 1.into())), "1 of 2 new pods have been made");
        assert_eq!(at(with("replicas", 3.into())), "1 old pods are still there");
        assert_eq!(at(with("availableReplicas", 1.into())), "1 of 2 new pods are available");
        assert_eq!(at(with("paused", true.into())), "failed: it was paused");
        let late = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]);
        assert_eq!(
            at(with("conditions", late)),
            "failed: it exceeded its progress deadline"
        );
        assert_eq!(at(json!({})), "its controller has not seen the change yet");
    }

    #[test]
    fn a_stateful_set_is_done_when_its_revision_is_the_current_one() {
        let at = |updated: u8, ready: u8, current: &str| {
            at(
                Resource::StatefulSets,
                &json!({"observedGeneration": 3, "replicas": 2, "updatedReplicas": updated, "readyReplicas": ready,
                    "currentRevision": current, "updateRevision": "new"}),
            )
        };
        assert_eq!(at(0, 2, "old"), "0 of 2 pods are new");
        assert_eq!(at(2, 1, "old"), "1 of 2 pods are ready");
        assert_eq!(at(2, 2, "old"), "its last pods are being replaced");
        assert_eq!(at(0, 1, "new"), "1 of 2 pods are ready");
        // The controller leaves `updatedReplicas` out once there is only one revision.
        assert_eq!(at(0, 2, "new"), "done");
    }

    #[test]
    fn a_daemon_set_is_done_when_every_node_has_a_new_pod() {
        let at = |updated: u8, available: u8| {
            at(
                Resource::DaemonSets,
                &json!({"observedGeneration": 3, "desiredNumberScheduled": 2, "updatedNumberScheduled": updated, "numberAvailable": available}),
            )
        };
        assert_eq!(
            (at(1, 2).as_str(), at(2, 1).as_str()),
            ("1 of 2 pods are new", "1 of 2 new pods are available")
        );
        assert_eq!(at(2, 2), "done");
    }
}
