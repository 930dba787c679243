//! Images that run and that their registry does not have any more. Pure.

use crate::cluster::survey::RunningImage;
use crate::commands::status::cluster_view::ClusterView;
use crate::commands::status::code::Code;
use crate::commands::status::finding::{Finding, Object, Remedy};
use crate::commands::status::running::RunningImages;
use crate::model::{ImageReference, printable};

/// The longest name of a pod that is shown, in characters.
const MAX_NAME: usize = 100;

/// The findings of one cluster.
pub fn judge<'a>(view: &'a ClusterView<'_>, images: &'a RunningImages) -> impl Iterator<Item = Finding> + 'a {
    view.survey.running.iter().filter_map(|(reference, running)| {
        let image: ImageReference = reference.parse().ok()?;
        images.missing.contains(&image).then(|| finding(view, &image, running))
    })
}

fn finding(view: &ClusterView<'_>, image: &ImageReference, running: &RunningImage) -> Finding {
    Finding {
        message: None,
        code: Code::ImageMissing,
        object: Object {
            context: Some(view.context.to_owned()).filter(|context| !context.is_empty()),
            namespace: None,
            kind: "image",
            name: image.to_string(),
        },
        cause: format!(
            "the registry has no such tag or digest; needed by pod/{} in namespace {}",
            printable(&running.pod, MAX_NAME),
            running.namespace
        ),
        remedy: Remedy::advice("push it again; what prune has set aside, kubectl regcred images restore brings back"),
    }
}
