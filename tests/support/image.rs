//! The smallest images there are: one with an empty layer, and one with a program that waits to be told to end.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::gitea::hex;
use super::world::World;

/// Writes an OCI layout with the tag `latest` into `folder` and returns skopeo's name for it.
#[must_use]
pub fn oci_layout(folder: &Path) -> String {
    let layout = Layout::new(folder);
    // Two empty blocks end a tar archive (POSIX.1, pax interchange format).
    let manifest = layout.manifest(&[0; 1024], "amd64", &json!({}));
    layout.finish(manifest, None)
}

/// The same with a program to run, for these kinds of machines (the program is amd64's for all of them); for several, or
/// for others than amd64 alone, there is an index, by which a node chooses. No two `name`s give the same image.
pub fn runnable(folder: &Path, name: &str, architectures: &[&str]) -> String {
    let layout = Layout::new(folder);
    let program = folder.join("pause");
    std::fs::write(&program, pause()).unwrap();
    std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let layer = Command::new("tar")
        .args(["--create", "--owner=0", "--group=0", "--directory"])
        .arg(folder)
        .arg("pause")
        .output()
        .unwrap();
    assert!(layer.status.success(), "{layer:?}");
    std::fs::remove_file(program).unwrap();
    let config = json!({"Entrypoint": ["/pause"], "Labels": {"name": name}});
    let mut manifests = architectures.iter().map(|architecture| {
        let mut manifest = layout.manifest(&layer.stdout, architecture, &config);
        manifest["platform"] = json!({"architecture": architecture, "os": "linux"});
        manifest
    });
    let top = if architectures == ["amd64"] {
        manifests.next().unwrap()
    } else {
        let kind = "application/vnd.oci.image.index.v1+json";
        let index = json!({"schemaVersion": 2, "mediaType": kind, "manifests": manifests.collect::<Vec<_>>()});
        layout.blob(kind, index.to_string().as_bytes())
    };
    layout.finish(top, Some(name))
}

/// A folder in the OCI image layout.
struct Layout<'a>(&'a Path);

impl<'a> Layout<'a> {
    fn new(folder: &'a Path) -> Self {
        std::fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        Self(folder)
    }

    fn blob(&self, kind: &str, content: &[u8]) -> Value {
        let digest = hex(ring::digest::digest(&ring::digest::SHA256, content).as_ref());
        std::fs::write(self.0.join("blobs/sha256").join(&digest), content).unwrap();
        json!({"mediaType": kind, "digest": format!("sha256:{digest}"), "size": content.len()})
    }

    fn manifest(&self, layer: &[u8], architecture: &str, config: &Value) -> Value {
        let layer = self.blob("application/vnd.oci.image.layer.v1.tar", layer);
        let config = json!({
            "architecture": architecture, "os": "linux", "config": config,
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
        });
        let config = self.blob(
            "application/vnd.oci.image.config.v1+json",
            config.to_string().as_bytes(),
        );
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]});
        self.blob(kind, manifest.to_string().as_bytes())
    }

    fn finish(&self, mut top: Value, name: Option<&str>) -> String {
        top["annotations"] = json!({"org.opencontainers.image.ref.name": "latest"});
        if let Some(name) = name {
            // What containerd calls an image that it imports.
            top["annotations"]["io.containerd.image.name"] = name.into();
        }
        let index = json!({"schemaVersion": 2, "manifests": [top]});
        std::fs::write(self.0.join("index.json"), index.to_string()).unwrap();
        std::fs::write(self.0.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        format!("oci:{}:latest", self.0.display())
    }
}

/// A program for Linux on amd64 that waits for SIGTERM and ends: an ELF header, one segment, and the code.
fn pause() -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    const HEADERS: u16 = 64 + 56;
    // Blocked, a signal is kept even for the first process of a namespace:
    //   sigprocmask(SIG_BLOCK, mask, 0, 8); sigtimedwait(mask, 0, 0, 8); exit(0); mask: SIGTERM
    const CODE: &[u8] = b"\x31\xff\x48\x8d\x35\x2a\0\0\0\x31\xd2\x41\xba\x08\0\0\0\xb8\x0e\0\0\0\x0f\x05\
        \x48\x8d\x3d\x14\0\0\0\x31\xf6\x31\xd2\xb8\x80\0\0\0\x0f\x05\x31\xff\xb8\x3c\0\0\0\x0f\x05\0\x40\0\0\0\0\0\0";
    let size = u64::from(HEADERS) + CODE.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    for half in [2_u16, 62] {
        file.extend(half.to_le_bytes()); // a program, for amd64
    }
    file.extend(1_u32.to_le_bytes());
    for word in [BASE + u64::from(HEADERS), 64, 0] {
        file.extend(word.to_le_bytes()); // where it begins, and where its segments are told
    }
    file.extend(0_u32.to_le_bytes());
    for half in [64_u16, 56, 1, 0, 0, 0] {
        file.extend(half.to_le_bytes()); // one segment, no section
    }
    for word in [1_u32, 5] {
        file.extend(word.to_le_bytes()); // it is loaded, to be read and run
    }
    for word in [0, BASE, BASE, size, size, 0x1000] {
        file.extend(word.to_le_bytes());
    }
    file.extend(CODE);
    file
}

/// A private image at a world's registry, `admin/web:1`, and a token that opens it. Needs skopeo.
#[must_use]
pub fn private_image(world: &World) -> String {
    let token = world.gitea.add_token("admin", "write:package");
    push(
        world,
        ("admin", &token),
        "admin/web:1",
        &oci_layout(&world.folder().join("tmp/image")),
    );
    token
}

/// Pushes an image of [`oci_layout`] or [`runnable`] to a world's registry, as this user with this token. Needs skopeo.
pub fn push(world: &World, (user, token): (&str, &str), to: &str, layout: &str) {
    let (authfile, registry) = (world.folder().join("tmp/push.json"), world.registry());
    let auth = STANDARD.encode(format!("{user}:{token}"));
    let text = json!({"auths": {&registry: {"auth": auth}}});
    std::fs::write(&authfile, text.to_string()).unwrap();
    let mut skopeo = world.command("skopeo");
    skopeo
        .args([
            "--insecure-policy",
            "copy",
            "--all",
            "--dest-tls-verify=false",
            "--authfile",
        ])
        .arg(&authfile)
        .arg(layout)
        .arg(format!("docker://{registry}/{to}"));
    world.run(&mut skopeo, "").done();
    std::fs::remove_file(authfile).unwrap();
}
