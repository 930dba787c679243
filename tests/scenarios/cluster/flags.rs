//! kubectl's flags for a connection, with every verb that has them: which API server is asked, as whom, and for how long.

use crate::images::fixture::Stage;
use crate::support::api_server::{ADMIN_TOKEN, ApiServer, Fault, PLAIN_TOKEN, Recorded};
use crate::support::world::{Ran, World};

const VERBS: [&str; 6] = [
    "sync -n [NAMESPACE]",
    "status -n [NAMESPACE] --offline",
    "rotate [REGISTRY] -n [NAMESPACE] --dry-run=client",
    "images list admin --context double",
    "images prune admin --keep 1 --dry-run=client --context double",
    "images check -n [NAMESPACE]",
];

/// A workstation with an image and two clusters. The kubeconfig's one context is for the first of them.
struct TwoClusters {
    stage: Stage,
    second: ApiServer,
}

impl TwoClusters {
    fn new() -> Self {
        let stage = Stage::new(World::of_doubles());
        stage.push_each("admin/api", &["1"]);
        let second = ApiServer::start();
        let kubeconfig = format!(
            "apiVersion: v1
kind: Config
clusters:
- {{name: first, cluster: {{server: '{}'}}}}
- {{name: second, cluster: {{server: '{}'}}}}
contexts:
- {{name: double, context: {{cluster: first, user: admin}}}}
current-context: double
users:
- {{name: admin, user: {{token: {ADMIN_TOKEN}}}}}
- {{name: plain, user: {{token: {PLAIN_TOKEN}}}}}
",
            stage.world.api_server().url(),
            second.url()
        );
        std::fs::write(stage.world.folder().join("kubeconfig"), kubeconfig).unwrap();
        Self { stage, second }
    }

    /// A kubeconfig that knows the second one alone.
    fn second_kubeconfig(&self) -> String {
        let file = self.stage.world.folder().join("second");
        std::fs::write(&file, self.second.kubeconfig()).unwrap();
        file.display().to_string()
    }

    /// Runs a command, and returns what each of the two is asked meanwhile.
    fn run(&self, line: &str) -> (Ran, [Vec<Recorded>; 2]) {
        let servers = [self.stage.world.api_server(), &self.second];
        let before = servers.map(|server| server.recorded().len());
        let ran = self.stage.world.regcred(line);
        let asked = [0, 1].map(|at| servers[at].recorded().split_off(before[at]));
        (ran, asked)
    }
}

/// Whether all of these, and there are some, have exactly these values of a header.
fn all_have(requests: &[Recorded], header: &str, values: &[&str]) -> bool {
    let has = |request: &Recorded| match request.headers.get(header) {
        Some(there) => there == values,
        None => values.is_empty(),
    };
    !requests.is_empty() && requests.iter().all(has)
}

scenario!(which_cluster_is_asked_and_as_whom);
fn which_cluster_is_asked_and_as_whom() {
    let clusters = TwoClusters::new();
    let (admin, plain) = (format!("Bearer {ADMIN_TOKEN}"), format!("Bearer {PLAIN_TOKEN}"));
    let kubeconfig = format!("--kubeconfig {}", clusters.second_kubeconfig());
    let whom = ["impersonate-user", "impersonate-group", "impersonate-uid"];
    for verb in VERBS {
        let (ran, [first, second]) = clusters.run(verb);
        assert!(second.is_empty(), "{verb}: {ran}");
        assert!(all_have(&first, "authorization", &[&admin]), "{verb}: {ran}");
        for header in whom {
            assert!(all_have(&first, header, &[]), "{verb}, {header}: {ran}");
        }
        for flag in ["--cluster second", &kubeconfig] {
            let (ran, [first, second]) = clusters.run(&format!("{verb} {flag}"));
            assert!(first.is_empty() && !second.is_empty(), "{verb} {flag}: {ran}");
        }
        let (ran, [first, _]) = clusters.run(&format!("{verb} --user plain"));
        assert!(all_have(&first, "authorization", &[&plain]), "{verb}: {ran}");
        let (ran, [first, _]) = clusters.run(&format!("{verb} --as jane --as-group ops --as-group dev --as-uid 7"));
        let values: [&[&str]; 3] = [&["jane"], &["ops", "dev"], &["7"]];
        for (header, values) in whom.into_iter().zip(values) {
            assert!(all_have(&first, header, values), "{verb}, {header}: {ran}");
        }
    }
    // It looks through the contexts of a kubeconfig, and takes no other of these flags.
    let (ran, [first, second]) = clusters.run("where");
    assert!(!first.is_empty() && second.is_empty(), "{ran}");
    let (ran, [first, second]) = clusters.run(&format!("where {kubeconfig}"));
    assert!(first.is_empty() && !second.is_empty(), "{ran}");
}

scenario!(for_how_long_is_waited);
/// Without the flag it is a minute.
fn for_how_long_is_waited() {
    let clusters = TwoClusters::new();
    clusters.stage.world.api_server().fail(Fault::Hang, u32::MAX);
    for verb in VERBS {
        let (ran, _) = clusters.run(&format!("{verb} --request-timeout 1s"));
        assert_ne!(ran.code, 0, "{verb}: {ran}");
        assert!(ran.to_string().contains("did not answer within 1 s"), "{verb}: {ran}");
    }
}
