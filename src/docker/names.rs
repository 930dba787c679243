//! The names by which docker and podman ask for a registry, which they compare literally.

use crate::model::Registry;

/// Docker Hub's name of old, which both clients replace with its usual ones.
const HUB_INDEX: &str = "index.docker.io";

/// The name by which clients ask for what a key of `auths` holds, if it is none of the usual names of `registry`:
/// `host:443`, a name in upper case, or `registry-1.docker.io`.
///
/// Both cut scheme and path off (`ConvertToHostname` of docker) and change nothing else.
pub fn other_name<'a>(registry: &Registry, key: &'a str) -> Option<&'a str> {
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| key.strip_prefix(scheme));
    let name = rest.unwrap_or(key).split('/').next()?;
    let is_usual = name == registry.as_str() || registry.is_docker_hub() && name == HUB_INDEX;
    let is_registry = name.parse::<Registry>().is_ok_and(|named| named == *registry);
    (is_registry && !is_usual).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_change_nothing_of_a_name_but_scheme_and_path() {
        for (key, registry, name) in [
            ("a.example.com", "a.example.com", None),
            ("https://a.example.com/v2/", "a.example.com", None),
            ("a.example.com:443", "a.example.com", Some("a.example.com:443")),
            (
                "https://a.example.com:443/v2/",
                "a.example.com",
                Some("a.example.com:443"),
            ),
            ("A.example.com", "a.example.com", Some("A.example.com")),
            ("http://a.example.com:80", "a.example.com:80", None),
            // No client takes it for a host.
            ("HTTPS://a.example.com", "a.example.com", None),
            ("https://index.docker.io/v1/", "docker.io", None),
            ("docker.io", "docker.io", None),
            ("registry-1.docker.io", "docker.io", Some("registry-1.docker.io")),
        ] {
            assert_eq!(other_name(&registry.parse().unwrap(), key), name, "{key}");
        }
    }
}
