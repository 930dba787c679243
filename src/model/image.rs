//! The registry of an image reference.

use super::registry::Registry;

impl Registry {
    /// The registry of an image reference in a pod: `gitea.example.com/owner/app:1`, `nginx`, `owner/app@sha256:…`.
    ///
    /// The part before the first slash is a registry if it contains a dot, a port or an upper-case letter, or is
    /// `localhost`; otherwise it is a name on Docker Hub (github.com/distribution/reference). `None` if the registry is
    /// invalid.
    pub fn of_image(image: &str) -> Option<Self> {
        let image = image.trim();
        match split_host(image) {
            Some((host, _)) => host.parse().ok(),
            None if image.is_empty() => None,
            None => "docker.io".parse().ok(),
        }
    }
}

/// Splits an image reference after its host, if it has one.
pub(super) fn split_host(image: &str) -> Option<(&str, &str)> {
    let is_host = |text: &str| {
        text == "localhost" || text.contains(['.', ':']) || text.bytes().any(|byte| byte.is_ascii_uppercase())
    };
    image.split_once('/').filter(|(host, _)| is_host(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_part_is_a_registry_only_if_unambiguous() {
        for (image, registry) in [
            ("nginx", "docker.io"),
            ("nginx:1.27", "docker.io"),
            ("library/nginx", "docker.io"),
            ("owner/app@sha256:0123", "docker.io"),
            ("docker.io/library/nginx", "docker.io"),
            ("index.docker.io/owner/app", "docker.io"),
            ("gitea.example.com/owner/app:1@sha256:0123", "gitea.example.com"),
            ("Gitea.Example.com/owner/app", "gitea.example.com"),
            ("gitea.example.com:443/owner/app", "gitea.example.com"),
            ("gitea.example.com:3000/app", "gitea.example.com:3000"),
            ("localhost/app", "localhost"),
            ("myregistry:5000/app:1", "myregistry:5000"),
            ("[::1]:5000/app", "[::1]:5000"),
            ("myregistry/app", "docker.io"),
            ("gitea.example.com", "docker.io"),
        ] {
            assert_eq!(Registry::of_image(image).unwrap().as_str(), registry, "{image}");
        }
        for image in ["", " ", "gitea..com/app", "host:port/app"] {
            assert_eq!(Registry::of_image(image), None, "{image:?}");
        }
    }
}
