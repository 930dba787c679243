//! Finds every image that a cluster runs or could roll back to.
//!
//! Lists are read in pages, and of each object only the images of the registries in question are kept. What cannot be read
//! is part of the result: it is never taken for absent.

mod custom;
mod helm;
mod mentions;
mod need;
mod nodes;
mod pods;

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::{try_join, try_join4};
use futures_util::stream::{StreamExt as _, TryStreamExt as _, iter};
use kube::api::ListParams;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::client::connect::Cluster;
use super::error::Error;
use super::rbac::Feature;
use super::reader::Step;
use super::reader::places::{NamespaceSelection, Reading};
use super::resource::Resource;
use super::untrusted::untrusted;
use super::workload::model::Controller;
use super::workload::raw::{Metadata, Raw};
use crate::model::{Namespace, Registry};
use mentions::{Mention, Mentioned, Scan};
use need::Collector;

pub use need::{How, ImageNeed, ImageUse, InvalidImage, Needed, Needs, PodSide, Unread};
pub use nodes::{Node, nodes};

/// Finds everything that a cluster needs of these registries, calling `progress` after each page.
///
/// # Errors
/// Where the cluster does not answer, or the namespaces that are meant cannot be found out. What may not be read is in
/// [`Needs::unread`].
pub async fn needs(
    cluster: &Cluster,
    places: &NamespaceSelection,
    registries: &[Registry],
    progress: &dyn Fn(Step),
) -> Result<Needs, Error> {
    let reading = Reading::new(cluster, places, Feature::Images, progress).await?;
    let gather = Gather {
        reading,
        registries,
        collector: RefCell::default(),
        unread: RefCell::default(),
    };
    gather.run().await
}

/// An object of any kind, for its images.
#[derive(Deserialize)]
struct Named {
    metadata: Metadata,
}

/// A Secret or `ConfigMap` of Helm.
#[derive(Deserialize)]
struct Stored {
    metadata: Metadata,
    #[serde(default)]
    data: StoredData,
}

#[derive(Default, Deserialize)]
struct StoredData {
    release: Option<String>,
}

/// Where a release of Helm is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Driver {
    Secrets,
    ConfigMaps,
}

struct Gather<'a> {
    reading: Reading<'a>,
    registries: &'a [Registry],
    collector: RefCell<Collector>,
    unread: RefCell<Vec<Unread>>,
}

impl Gather<'_> {
    async fn run(self) -> Result<Needs, Error> {
        let this = &self;
        let workloads = iter(Resource::WORKLOADS).map(|resource| async move {
            let pod = |raw: Raw| {
                pods::add(&mut this.collector.borrow_mut(), this.registries, resource, raw);
                None::<()>
            };
            this.reading.read(resource, &ListParams::default(), pod).await
        });
        let workloads = workloads.buffer_unordered(Resource::WORKLOADS.len());
        try_join4(
            workloads.try_collect::<Vec<_>>(),
            self.revisions(),
            try_join(self.releases(Driver::Secrets), self.releases(Driver::ConfigMaps)),
            self.custom_resources(),
        )
        .await?;
        let mut unread = self.unread.into_inner();
        unread.extend(self.reading.take_unseen().into_kinds().into_iter().map(Unread::Kind));
        Ok(self.collector.into_inner().finish(unread))
    }

    /// What a StatefulSet or DaemonSet could be rolled back to, and templates that no workload has.
    async fn revisions(&self) -> Result<(), Error> {
        let read = |resource: Resource, how: How| async move {
            let params = ListParams::default().limit(custom::PAGE);
            let of = |object: Box<RawValue>| {
                self.scan(&object, &how, |metadata| {
                    format!("{}/{}", resource.qualified(), metadata.name)
                });
                None::<()>
            };
            self.reading.read(resource, &params, of).await
        };
        try_join(
            read(Resource::ControllerRevisions, How::Rollback),
            read(Resource::PodTemplates, How::Template),
        )
        .await?;
        Ok(())
    }

    async fn custom_resources(&self) -> Result<(), Error> {
        let mut unread = Vec::new();
        let kinds = custom::kinds(self.reading.reader.cluster, &mut unread).await?;
        let keep = |kind: &custom::CustomKind, object: &RawValue| {
            self.scan(object, &How::CustomResource, |metadata| kind.shown(&metadata.name));
        };
        unread.extend(custom::read(&self.reading, &kinds, keep).await?);
        self.unread.borrow_mut().extend(unread);
        Ok(())
    }

    /// Adds the images of an object of any form.
    fn scan(&self, object: &RawValue, how: &How, name: impl Fn(&Metadata) -> String) {
        let Ok(Named { metadata }) = serde_json::from_str(object.get()) else {
            return self.not_read("an object without a name".to_owned(), None, "it has no metadata");
        };
        let shown = untrusted(&name(&metadata));
        match Scan::new(self.registries).json(object.get()) {
            Some(mentions) => self.add(&metadata, &shown, how, mentions),
            None => self.not_read(shown, metadata.namespace.parse().ok(), "it is nested too deeply"),
        }
    }

    /// The revisions that Helm keeps.
    async fn releases(&self, driver: Driver) -> Result<(), Error> {
        let params = ListParams::default().limit(custom::PAGE);
        let (resource, params) = match driver {
            Driver::Secrets => (Resource::Secrets, params.fields(&format!("type={}", helm::SECRET_TYPE))),
            Driver::ConfigMaps => (Resource::ConfigMaps, params.labels(helm::CONFIG_MAP_LABEL)),
        };
        let of = |stored: Stored| {
            self.release(resource, driver, &stored);
            None::<()>
        };
        self.reading.read(resource, &params, of).await?;
        Ok(())
    }

    fn release(&self, resource: Resource, driver: Driver, stored: &Stored) {
        let metadata = &stored.metadata;
        let shown = untrusted(&format!("{}/{}", resource.singular(), metadata.name));
        let release = match (&stored.data.release, driver) {
            // Somebody's own one with Helm's label.
            (None, Driver::ConfigMaps) => return,
            (None, Driver::Secrets) => Err("it holds no release"),
            (Some(release), Driver::ConfigMaps) => helm::release(release.as_bytes(), Scan::new(self.registries)),
            (Some(release), Driver::Secrets) => match STANDARD.decode(release) {
                Ok(release) => helm::release(&release, Scan::new(self.registries)),
                Err(_) => Err("its data is not base64"),
            },
        };
        match release {
            Ok(release) => {
                let how = How::HelmRelease {
                    revision: release.revision,
                    status: release.status,
                };
                self.add(metadata, &shown, &how, release.mentions);
            }
            Err(why) => self.not_read(shown, metadata.namespace.parse().ok(), why),
        }
    }

    fn not_read(&self, object: String, namespace: Option<Namespace>, why: &'static str) {
        self.unread.borrow_mut().push(Unread::Object { object, namespace, why });
    }

    fn add(&self, metadata: &Metadata, object: &str, how: &How, mentions: Vec<Mention>) {
        let mut collector = self.collector.borrow_mut();
        let controller = Controller::of(&metadata.owner_references);
        for Mention { what, container, pod } in mentions {
            let needed = match what {
                Mentioned::Image(reference) => Needed::Image(reference),
                Mentioned::Repository(registry, path) => Needed::Repository { registry, path },
            };
            let used = ImageUse {
                how: how.clone(),
                is_named: true,
                namespace: metadata.namespace.parse().ok(),
                object: object.to_owned(),
                controller: controller.as_ref().map(|controller| controller.shown.clone()),
                container: untrusted(&container),
                running: None,
                pod: pod.map(|pod| PodSide {
                    pull_secrets: pod.pull_secrets,
                    account: pod.account,
                    ..PodSide::default()
                }),
            };
            collector.add(needed, used);
        }
    }
}
