//! The reasons that kubelet reports in Events when a pod's status has lost them: older kubelets write
//! `Back-off pulling image "…"`
//! over the reason at every second update.

use futures_util::stream::{StreamExt as _, iter};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};
use kube::api::ListParams;
use serde::Deserialize;

use crate::cluster::reader::Reader;
use crate::cluster::resource::Resource;
use crate::cluster::workload::message::{PullFailure, said};
use crate::cluster::workload::model::{Image, MAX_MESSAGE, Workload};
use crate::model::printable_around;

/// The most pods whose Events are read, one request each.
const MAX_PODS: usize = 50;
const AT_ONCE: usize = 8;
/// kubelet's reason (`pkg/kubelet/events`) for a pull that failed, and for other things.
const FAILED: &str = "Failed";
/// For pull Secrets that it could not get.
const NO_SECRET: &str = "FailedToRetrieveImagePullSecret";

/// An Event of the core's API as the server gives it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawEvent {
    reason: String,
    message: String,
    last_timestamp: Option<Time>,
    event_time: Option<MicroTime>,
}

/// One that is about a pull.
struct Event {
    is_failure: bool,
    message: String,
    /// Seconds since 1970.
    at: i64,
}

/// Adds the reason to pods that wait without one. Without permission to read Events, nothing is added.
pub(super) async fn complete(reader: &Reader<'_>, pods: &mut [Workload]) {
    let bare = pods
        .iter_mut()
        .filter(|pod| !pod.uid.is_empty() && pod.images.iter().any(is_bare));
    let asked = bare.take(MAX_PODS).map(|pod| async move {
        let of_pod = ListParams::default().fields(&format!("involvedObject.uid={}", pod.uid));
        let events = reader
            .list(Resource::Events, Some(&pod.namespace), &of_pod, event)
            .await;
        (pod, events)
    });
    let mut asked = iter(asked).buffer_unordered(AT_ONCE);
    while let Some((pod, Ok(events))) = asked.next().await {
        tell(pod, &events);
    }
}

fn is_bare(image: &Image) -> bool {
    image
        .waiting
        .as_ref()
        .is_some_and(|waiting| waiting.said == PullFailure::Nothing)
}

fn event(raw: RawEvent) -> Option<Event> {
    let last = raw.last_timestamp.map(|time| time.0.as_second());
    let once = raw.event_time.map(|time| time.0.as_second());
    Some(Event {
        is_failure: match raw.reason.as_str() {
            FAILED => true,
            NO_SECRET => false,
            _ => return None,
        },
        message: raw.message,
        at: last.max(once).unwrap_or_default(),
    })
}

fn tell(pod: &mut Workload, events: &[Event]) {
    for image in pod.images.iter_mut().filter(|image| is_bare(image)) {
        let Some(waiting) = &mut image.waiting else { continue };
        let reference = &image.reference;
        let of_pull = |event: &&Event| event.is_failure && event.message.contains(reference.as_str());
        let of_secrets = |event: &&Event| !event.is_failure;
        let newest = |of: &dyn Fn(&&Event) -> bool| events.iter().filter(of).max_by_key(|event| event.at);
        if let Some(event) = newest(&of_pull).or_else(|| newest(&of_secrets)) {
            if event.is_failure {
                waiting.said = said(&event.message, reference);
            }
            waiting.message = printable_around(&event.message, MAX_MESSAGE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::survey::ContainerKind;
    use crate::cluster::workload::model::Waiting;

    const IMAGE: &str = "gitea.example.com/owner/app:1";
    const SECRETS: &str =
        "Unable to retrieve some image pull secrets (pull); attempting to pull the image may not succeed.";

    fn completed(events: &str) -> (String, PullFailure) {
        let raw: Vec<RawEvent> = serde_json::from_str(events).unwrap();
        let events: Vec<Event> = raw.into_iter().filter_map(event).collect();
        let mut pod = Workload {
            resource: Resource::Pods,
            namespace: "a".parse().unwrap(),
            name: "api".to_owned(),
            uid: "u".to_owned(),
            created: None,
            controller: None,
            template_hash: None,
            own_secrets: vec![],
            account: "default".to_owned(),
            registries: vec![0],
            resource_version: String::new(),
            is_over: false,
            is_paused: false,
            is_broken: false,
            is_on_delete: false,
            partition: 0,
            images: vec![Image {
                container: "app".to_owned(),
                kind: ContainerKind::Main,
                reference: IMAGE.to_owned(),
                is_there: false,
                waiting: Some(Waiting {
                    reason: "ImagePullBackOff".to_owned(),
                    message: "bare".to_owned(),
                    said: PullFailure::Nothing,
                }),
            }],
        };
        tell(&mut pod, &events);
        let waiting = pod.images.remove(0).waiting.unwrap();
        (waiting.message, waiting.said)
    }

    #[test]
    fn the_newest_event_about_the_image_is_what_kubelet_says() {
        let of = |image: &str, what: &str, at: &str| {
            format!(
                r#"{{"reason": "Failed", "message": "Failed to pull image \"{image}\": {what}", "lastTimestamp": {at}}}"#
            )
        };
        let (one, two) = (r#""2026-01-01T00:00:01Z""#, r#""2026-01-01T00:00:02Z""#);
        let secrets = format!(r#"{{"reason": "{NO_SECRET}", "message": "{SECRETS}", "lastTimestamp": {two}}}"#);
        let error = format!(r#"{{"reason": "Failed", "message": "Error: ErrImagePull", "lastTimestamp": {two}}}"#);
        let new = of(IMAGE, "401 Unauthorized", two);
        let in_series = r#"null, "eventTime": "2026-01-01T00:00:03.000000Z""#;
        for (events, message, meant) in [
            (vec![], "bare", PullFailure::Nothing),
            (vec![error.clone()], "bare", PullFailure::Nothing),
            (
                vec![of("gitea.example.com/other", "404", two)],
                "bare",
                PullFailure::Nothing,
            ),
            (vec![secrets.clone()], "pull secrets (pull)", PullFailure::Nothing),
            (
                vec![new.clone(), of(IMAGE, "manifest unknown", one)],
                "401",
                PullFailure::Rejected,
            ),
            (
                vec![of(IMAGE, "manifest unknown", one), new.clone(), error, secrets],
                "401",
                PullFailure::Rejected,
            ),
            (
                vec![new, of(IMAGE, "no such host", in_series)],
                "no such host",
                PullFailure::Unreachable,
            ),
        ] {
            let (text, failure) = completed(&format!("[{}]", events.join(",")));
            assert!(text.contains(message), "{text}");
            assert_eq!(failure, meant, "{events:?}");
        }
    }
}
