//! Reading one pull Secret.

use k8s_openapi::api::core::v1::Secret;
use kube::Api;

use super::pull_secret::Observed;
use crate::cluster::client::answer::another_object;
use crate::cluster::client::connect::Cluster;
use crate::cluster::error::Error;
use crate::model::Target;

/// Gets the Secret; `None` where there is none, which is also what a missing namespace looks like.
pub async fn observe(cluster: &Cluster, target: &Target) -> Result<Option<Observed>, Error> {
    match secrets(cluster, target).get(target.secret.as_str()).await {
        Ok(secret) if secret.metadata.name.as_deref() == Some(target.secret.as_str()) => {
            let observed = Observed::new(secret);
            observed.keep_out_of_messages(&mut cluster.secrets());
            Ok(Some(observed))
        }
        Ok(_) => Err(cluster.call(target).error(another_object().into())),
        // By its reason: a plain 404 comes from something that is no API server.
        Err(kube::Error::Api(status)) if status.reason == "NotFound" => Ok(None),
        Err(error) => Err(cluster.call(target).error(error)),
    }
}

pub fn secrets(cluster: &Cluster, target: &Target) -> Api<Secret> {
    Api::namespaced(cluster.client().clone(), target.namespace.as_str())
}
