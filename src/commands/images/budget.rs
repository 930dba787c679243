//! How much of what manifests name is read and kept, so that no registry fills the memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::model::manifest::Manifest;

/// Indexes within indexes; buildx makes none.
pub(super) const MAX_DEPTH: usize = 8;
/// Manifests, and what they name, of all images together: some 250 MB. 100,000 images of 18 layers are fewer.
pub(super) const MAX_NAMED: usize = 2_000_000;

/// How many manifests, and configs, layers and manifests that they name, may still be read.
pub(super) struct Budget {
    left: AtomicUsize,
}

impl Budget {
    pub(super) fn new(most: usize) -> Self {
        Self { left: most.into() }
    }

    /// Takes a manifest and all that it names; `false` if that is too much.
    pub(super) fn take(&self, manifest: &Manifest) -> bool {
        let named = 1 + manifest.children().len() + manifest.blobs().count();
        let left = |left: usize| left.checked_sub(named);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;
    use crate::model::manifest::{Blob, Content};

    #[test]
    fn a_manifest_counts_with_all_that_it_names() {
        let blob = Blob {
            digest: Digest::of(b"layer"),
            size: 1,
        };
        let image = Manifest {
            size: 1,
            content: Content::Image {
                config: blob.clone(),
                layers: vec![blob; 2],
            },
            subject: None,
        };
        let budget = Budget::new(9);
        assert!(budget.take(&image) && budget.take(&image));
        assert!(!budget.take(&image), "1 is left of 9");
    }
}
