//! The clients and what is done with each, as it would be typed.
//!
//! `[REGISTRY]` is the registry and `[FOLDER]` a folder with an image (`image`, `layer.tar`), a chart and a file to send.

/// What a step is, and so what it needs and what tells that it worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Signs in with a token on stdin.
    Login,
    /// Signs in with nothing given: with what is stored.
    Again,
    /// Needs the right to push.
    Push,
    /// Needs the right to pull.
    Pull,
    /// Pulls what anybody may pull.
    Public,
    /// Signs out.
    Logout,
}

/// Whose files a client reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// Docker's, for everything.
    Docker,
    /// Podman's, which know no credsStore, and then docker's.
    Podman,
    /// It signs in and out in a file of its own, and reads docker's where that has nothing.
    Own,
}

/// A client of registries.
pub struct Client {
    pub name: &'static str,
    pub programs: &'static [&'static str],
    /// It does its work through a docker engine.
    pub engine: bool,
    /// Where it looks for helpers.
    pub files: Files,
    /// What prints its version.
    pub version: &'static str,
    /// What is done once, before all steps.
    pub before: &'static [&'static str],
    pub steps: &'static [(Kind, &'static str)],
}

pub static CLIENTS: [Client; 8] = [
    Client {
        name: "docker",
        programs: &["docker"],
        engine: true,
        files: Files::Docker,
        version: "docker version --format {{.Client.Version}},engine:{{.Server.Version}}",
        before: &["docker import [FOLDER]/layer.tar [REGISTRY]/admin/pushed:1"],
        steps: &[
            (Kind::Login, "docker login -u admin --password-stdin [REGISTRY]"),
            (Kind::Again, "docker login [REGISTRY]"),
            (Kind::Push, "docker push [REGISTRY]/admin/pushed:1"),
            (Kind::Pull, "docker pull [REGISTRY]/admin/web:1"),
            (Kind::Public, "docker pull [REGISTRY]/open/web:1"),
            (Kind::Pull, "docker manifest inspect --insecure [REGISTRY]/admin/web:1"),
            (Kind::Pull, "DOCKER_BUILDKIT=0 docker build --pull [FOLDER]/private"),
            (Kind::Public, "DOCKER_BUILDKIT=0 docker build --pull [FOLDER]/public"),
            (Kind::Pull, "docker create --pull always [REGISTRY]/admin/web:1 true"),
            (Kind::Logout, "docker logout [REGISTRY]"),
        ],
    },
    Client {
        name: "buildx",
        programs: &["docker", "buildx"],
        engine: true,
        files: Files::Docker,
        version: "docker buildx version",
        before: &[],
        steps: &[
            (Kind::Pull, "docker buildx imagetools inspect [REGISTRY]/admin/web:1"),
            (Kind::Public, "docker buildx imagetools inspect [REGISTRY]/open/web:1"),
            (
                Kind::Push,
                "docker buildx imagetools create -t [REGISTRY]/admin/web:2 [REGISTRY]/admin/web:1",
            ),
            (Kind::Pull, "docker buildx build --pull [FOLDER]/private"),
            (Kind::Public, "docker buildx build --pull [FOLDER]/public"),
        ],
    },
    Client {
        name: "podman",
        programs: &["podman"],
        engine: false,
        files: Files::Podman,
        version: "podman --version",
        before: &["podman import [FOLDER]/layer.tar localhost/web:1"],
        steps: &[
            (Kind::Login, "podman login -u admin --password-stdin [REGISTRY]"),
            (Kind::Again, "podman login [REGISTRY]"),
            (Kind::Push, "podman push localhost/web:1 [REGISTRY]/admin/pushed:1"),
            (Kind::Pull, "podman pull [REGISTRY]/admin/web:1"),
            (Kind::Public, "podman pull [REGISTRY]/open/web:1"),
            (Kind::Logout, "podman logout [REGISTRY]"),
        ],
    },
    Client {
        name: "buildah",
        programs: &["buildah"],
        engine: false,
        files: Files::Podman,
        version: "buildah --version",
        before: &["buildah from --name web scratch", "buildah commit web localhost/web:1"],
        steps: &[
            (Kind::Login, "buildah login -u admin --password-stdin [REGISTRY]"),
            (Kind::Again, "buildah login [REGISTRY]"),
            (
                Kind::Push,
                "buildah push localhost/web:1 docker://[REGISTRY]/admin/pushed:1",
            ),
            (Kind::Pull, "buildah pull --policy always [REGISTRY]/admin/web:1"),
            (Kind::Public, "buildah pull --policy always [REGISTRY]/open/web:1"),
            (Kind::Pull, "buildah bud --pull-always [FOLDER]/private"),
            (Kind::Logout, "buildah logout [REGISTRY]"),
        ],
    },
    Client {
        name: "skopeo",
        programs: &["skopeo"],
        engine: false,
        files: Files::Podman,
        version: "skopeo --version",
        before: &[],
        steps: &[
            (Kind::Login, "skopeo login -u admin --password-stdin [REGISTRY]"),
            (Kind::Again, "skopeo login [REGISTRY]"),
            (
                Kind::Push,
                "skopeo copy oci:[FOLDER]/image:latest docker://[REGISTRY]/admin/pushed:1",
            ),
            (
                Kind::Pull,
                "skopeo copy docker://[REGISTRY]/admin/web:1 dir:[FOLDER]/pulled",
            ),
            (Kind::Pull, "skopeo inspect docker://[REGISTRY]/admin/web:1"),
            (Kind::Public, "skopeo inspect docker://[REGISTRY]/open/web:1"),
            (Kind::Logout, "skopeo logout [REGISTRY]"),
        ],
    },
    Client {
        name: "crane",
        programs: &["crane"],
        engine: false,
        files: Files::Docker,
        version: "crane version",
        before: &[],
        steps: &[
            (Kind::Login, "crane auth login -u admin --password-stdin [REGISTRY]"),
            (Kind::Push, "crane push [FOLDER]/image [REGISTRY]/admin/pushed:1"),
            (Kind::Pull, "crane pull [REGISTRY]/admin/web:1 [FOLDER]/pulled.tar"),
            (Kind::Public, "crane manifest [REGISTRY]/open/web:1"),
            (Kind::Pull, "crane manifest [REGISTRY]/admin/web:1"),
            (Kind::Logout, "crane auth logout [REGISTRY]"),
        ],
    },
    Client {
        name: "oras",
        programs: &["oras"],
        engine: false,
        files: Files::Docker,
        version: "oras version",
        before: &[],
        steps: &[
            (
                Kind::Login,
                "oras login --plain-http -u admin --password-stdin [REGISTRY]",
            ),
            (Kind::Push, "oras push --plain-http [REGISTRY]/admin/file:1 layer.tar"),
            (
                Kind::Pull,
                "oras pull --plain-http -o [FOLDER]/pulled [REGISTRY]/admin/web:1",
            ),
            (Kind::Public, "oras manifest fetch --plain-http [REGISTRY]/open/web:1"),
            (Kind::Pull, "oras manifest fetch --plain-http [REGISTRY]/admin/web:1"),
            (Kind::Logout, "oras logout [REGISTRY]"),
        ],
    },
    Client {
        name: "helm",
        programs: &["helm"],
        engine: false,
        files: Files::Own,
        version: "helm version --short",
        before: &["helm package [FOLDER]/chart -d [FOLDER]"],
        steps: &[
            (
                Kind::Login,
                "helm registry login --plain-http -u admin --password-stdin [REGISTRY]",
            ),
            (
                Kind::Push,
                "helm push --plain-http [FOLDER]/web-1.0.0.tgz oci://[REGISTRY]/admin",
            ),
            (
                Kind::Pull,
                "helm show chart --plain-http oci://[REGISTRY]/admin/web --version 1.0.0",
            ),
            (Kind::Logout, "helm registry logout [REGISTRY]"),
            (
                Kind::Login,
                "HELM_REGISTRY_CONFIG=[FOLDER]/.docker/config.json helm registry login --plain-http -u admin --password-stdin [REGISTRY]",
            ),
            (
                Kind::Logout,
                "HELM_REGISTRY_CONFIG=[FOLDER]/.docker/config.json helm registry logout [REGISTRY]",
            ),
        ],
    },
];
