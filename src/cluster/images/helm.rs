//! Releases of Helm: what each kept revision would install again.
//!
//! Helm stores a revision as a Secret or a `ConfigMap`, `sh.helm.release.v1.NAME.vREVISION`, whose `release` is gzip in base64
//! (helm.sh/helm, `pkg/storage/driver`); in a Secret, Kubernetes' own base64 is around it.

use std::io::{BufReader, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde::Deserialize;

use super::mentions::{Mention, Scan};
use crate::model::printable;

/// The type of Helm's Secrets.
pub const SECRET_TYPE: &str = "helm.sh/release.v1";
/// The label of Helm's `ConfigMap`s.
pub const CONFIG_MAP_LABEL: &str = "owner=helm";
/// The most of a release that is decompressed, in octets: the largest charts have about a third of it.
const MAX_RELEASE: u64 = 32 << 20;
/// The longest status that is kept, in characters.
const MAX_STATUS: usize = 40;
/// The first octets of gzip; Helm before 2.0 did not compress.
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];

/// A revision of a release.
#[derive(Debug, PartialEq, Eq)]
pub struct Release {
    pub revision: u64,
    /// `deployed`, `superseded` …
    pub status: String,
    pub mentions: Vec<Mention>,
}

/// What we read of it: not the chart, whose templates are in the manifest.
#[derive(Deserialize)]
struct RawRelease {
    #[serde(default)]
    version: u64,
    #[serde(default)]
    info: Info,
    manifest: String,
    #[serde(default)]
    hooks: Option<Vec<Hook>>,
}

#[derive(Default, Deserialize)]
struct Info {
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
struct Hook {
    #[serde(default)]
    manifest: String,
}

/// Reads the `release` of a Secret, without Kubernetes' base64, or of a `ConfigMap`.
///
/// # Errors
/// Why it cannot be read.
pub fn release(encoded: &[u8], scan: Scan<'_>) -> Result<Release, &'static str> {
    let stored = STANDARD.decode(encoded).map_err(|_| "its release is not base64")?;
    let raw = if stored.starts_with(&GZIP) {
        let text = GzDecoder::new(stored.as_slice()).take(MAX_RELEASE);
        serde_json::from_reader(BufReader::new(text))
    } else {
        serde_json::from_slice(&stored)
    };
    let raw: RawRelease = raw.map_err(|_| "its release is not Helm's JSON, is cut off, or is too long")?;
    let mut mentions = Vec::new();
    let hooks = raw.hooks.iter().flatten().map(|hook| &hook.manifest);
    for manifest in [&raw.manifest].into_iter().chain(hooks) {
        mentions.extend(scan.yaml(manifest).ok_or("its manifest is not YAML")?);
    }
    mentions.sort();
    mentions.dedup();
    Ok(Release {
        revision: raw.version,
        status: printable(&raw.info.status, MAX_STATUS),
        mentions,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::cluster::images::mentions::Mentioned;
    use crate::model::Registry;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::json;

    fn stored(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        STANDARD.encode(encoder.finish().unwrap()).into_bytes()
    }

    fn read(encoded: &[u8]) -> Result<Release, &'static str> {
        let registries: [Registry; 1] = ["git.example.com".parse().unwrap()];
        release(encoded, Scan::new(&registries))
    }

    #[test]
    fn images_of_the_manifest_and_of_hooks_are_found() {
        let content = json!({
            "name": "api", "version": 7, "namespace": "web",
            "info": {"status": "superseded", "notes": "git.example.com/a/no:1"},
            "chart": {"templates": [{"name": "x", "data": "e30="}], "values": {"image": "git.example.com/a/no:2"}},
            "manifest": "---\nkind: Deployment\nspec: {template: {spec: {containers: [{name: c, image: 'git.example.com/a/app:7'}]}}}\n",
            "hooks": [{"name": "migrate", "manifest": "kind: Job\nspec: {containers: [{name: m, image: git.example.com/a/job:7}]}"}],
        });
        for encoded in [
            stored(content.to_string().as_bytes()),
            STANDARD.encode(content.to_string()).into_bytes(),
        ] {
            let release = read(&encoded).unwrap();
            assert_eq!((release.revision, release.status.as_str()), (7, "superseded"));
            let images: Vec<String> = release
                .mentions
                .iter()
                .map(|mention| match &mention.what {
                    Mentioned::Image(reference) => reference.to_string(),
                    Mentioned::Repository(..) => panic!("{mention:?}"),
                })
                .collect();
            assert_eq!(images, ["git.example.com/a/app:7", "git.example.com/a/job:7"]);
        }
    }

    #[test]
    fn a_release_without_hooks_or_resources_is_read() {
        let content = json!({"version": 1, "info": {"status": "deployed"}, "manifest": "", "hooks": null});
        assert_eq!(read(&stored(content.to_string().as_bytes())).unwrap().mentions, []);
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_never_nothing() {
        let whole = stored(json!({"manifest": "a: 1"}).to_string().as_bytes());
        let no_yaml = stored(json!({"manifest": "a: ["}).to_string().as_bytes());
        let cut = STANDARD.encode(&STANDARD.decode(&whole).unwrap()[..20]);
        for encoded in [
            b"?".as_slice(),
            b"",
            cut.as_bytes(),
            &no_yaml,
            &stored(b"{}"),
            &stored(b"[]"),
        ] {
            assert!(read(encoded).is_err());
        }
        assert!(read(&whole).is_ok());
    }

    #[test]
    fn a_release_that_decompresses_without_end_is_cut_off() {
        let mut bomb = br#"{"chart": ""#.to_vec();
        bomb.resize(usize::try_from(MAX_RELEASE).unwrap() + 1, b' ');
        bomb.extend_from_slice(br#"", "manifest": ""}"#);
        let encoded = stored(&bomb);
        assert!(encoded.len() < 100_000, "{}", encoded.len());
        assert!(read(&encoded).is_err());
    }
}
