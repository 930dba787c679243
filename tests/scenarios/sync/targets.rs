//! `-n`, `-l`, `-A`, `--context`, `-f`.

use std::io::Cursor;

use regcred::commands::{self, System};
use regcred::keychain::Keychain;
use regcred::model::{Credential, Token, Use};
use regcred::output::Output;
use serde_json::{Value, json};

use super::pipeline::{DOUBLE, Pipeline, REAL, VARIABLE, summary};
use crate::support::plane::{Plane, SECRET};
use crate::support::world::{Ran, World};

scenario!(an_empty_list_is_said);
fn an_empty_list_is_said() {
    let mut world = World::of_doubles();
    world.variables.insert("TOKEN".to_owned(), "s3cret".into());
    let file = world.home().join("list.yaml");
    let no_secrets = "registries:\n- {registry: ghcr.io, username: org, token-env: TOKEN, secrets: []}\n";
    for text in ["registries: []\n", no_secrets] {
        std::fs::write(&file, text).unwrap();
        let ran = world.regcred(&format!("sync -f {}", file.display()));
        assert_eq!(
            (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
            (0, "", "the list names no Secret: there is nothing to do\n"),
            "{ran}"
        );
    }
}

scenario!(several_namespaces_and_the_contexts_own, on(DOUBLE, REAL));
fn several_namespaces_and_the_contexts_own(pipeline: &Pipeline) {
    let (a, b) = (pipeline.create_namespace("a"), pipeline.create_namespace("b"));
    let ran = pipeline.sync("one", &["-n", &b, "-n", &a, "-n", &b]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(
        ran.stdout,
        format!("secret/{SECRET} created in namespace {b}\nsecret/{SECRET} created in namespace {a}\n")
    );
    assert_eq!(ran.stderr, "2 created\n");
    // A pipeline's stderr has no line that is written over.
    assert!(!ran.stderr.contains('\r'));
    let text = pipeline.kubeconfig_text();
    let own = match pipeline.plane {
        Plane::Double(_) => text.replace("namespace: ''", &format!("namespace: {a}")),
        Plane::Real(_) => text.replace("user: user}}", &format!("user: user, namespace: {a}}}}}")),
    };
    std::fs::write(pipeline.kubeconfig(), own).unwrap();
    let ran = pipeline.sync("two", &[]);
    assert_eq!(
        ran.stdout,
        format!("secret/{SECRET} configured in namespace {a}\n"),
        "{ran}"
    );
    assert_eq!(pipeline.token(&a, SECRET, &pipeline.registry()).as_deref(), Some("two"));
    assert_eq!(pipeline.token(&b, SECRET, &pipeline.registry()).as_deref(), Some("one"));
}

scenario!(namespaces_by_label, on(DOUBLE, REAL));
fn namespaces_by_label(pipeline: &Pipeline) {
    let names = ["x", "y", "going"].map(|name| pipeline.name(name));
    pipeline.create_namespaces(&names, "web");
    let other = pipeline.create_namespace("other");
    pipeline.plane.terminate(&names[2]);
    let label = format!("team={}", pipeline.team("web"));
    let ran = pipeline.sync("one", &["-l", &label]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(ran.stdout.lines().count(), 2, "{ran}");
    assert_eq!(
        ran.stderr, "left out: 1 namespace that is being deleted\n2 created, 1 left out\n",
        "{ran}"
    );
    assert!(pipeline.plane.secret(&other, SECRET).is_none());
    let ran = pipeline.sync("one", &["-l", "team=nobody-has-it"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert!(
        ran.stderr
            .contains("no namespace matches the selector team=nobody-has-it"),
        "{ran}"
    );
    if matches!(pipeline.plane, Plane::Real(_)) {
        let ran = pipeline.sync("one", &["-l", "team in ("]);
        assert_eq!(ran.code, 1, "{ran}");
        assert!(
            ran.stderr.contains("HTTP 400") && ran.stderr.contains("unable to parse"),
            "{ran}"
        );
    }
}

scenario!(every_secret_that_regcred_manages, on(DOUBLE, REAL));
fn every_secret_that_regcred_manages(pipeline: &Pipeline) {
    let names = ["m1", "m2", "m3"].map(|name| pipeline.create_namespace(name));
    pipeline.sync("old", &["-n", &names[0], "-n", &names[1]]).done();
    // A name of its own, beside the first: names are the cluster's memory too.
    pipeline.sync("old", &["-n", &names[1], "--secret", "second"]).done();
    let foreign = [
        "--registry",
        "other.example.com",
        "-u",
        "admin",
        "--token-env",
        VARIABLE,
        "-n",
        &names[2],
    ];
    pipeline.run("other", &foreign).done();

    // A token that is handed over proves only what holds it already.
    let ran = pipeline.sync("new", &["-A"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran}");
    let says = format!(
        "warning: secret/second in namespace {} is left as it is: it has the label of regcred, and nothing in it proves \
         that it is yours: its entry for {} holds another token, of the user \"admin\", written by ",
        names[1],
        pipeline.registry()
    );
    assert!(ran.stderr.contains(&says), "{says}{ran}");
    assert!(ran.stderr.contains("\n3 left as they are, "), "{ran}");
    let ran = pipeline.sync("old", &["-A", "-o", "name"]);
    assert_eq!((ran.code, ran.stdout.lines().count()), (0, 3), "{ran}");

    let ran = pipeline.sync("new", &["-A", "--trust-labels", "--dry-run=server"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains(&format!(
        "secret/{SECRET} configured in namespace {} (server dry run)\n  credential for {}\n",
        names[0],
        pipeline.registry()
    )));
    assert_eq!(
        pipeline.token(&names[0], SECRET, &pipeline.registry()).as_deref(),
        Some("old")
    );

    let ran = pipeline.sync("new", &["-A", "--trust-labels"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(ran.stdout.lines().count(), 3, "{ran}");
    assert!(summary(&ran).starts_with("3 configured, "), "{ran}");
    assert!(ran.stderr.contains("of another registry"), "{ran}");
    for (namespace, name) in [(&names[0], SECRET), (&names[1], SECRET), (&names[1], "second")] {
        assert_eq!(
            pipeline.token(namespace, name, &pipeline.registry()).as_deref(),
            Some("new")
        );
    }
    assert_eq!(
        pipeline.token(&names[2], SECRET, "other.example.com").as_deref(),
        Some("other")
    );
    let ran = pipeline.sync("new", &["-A", "-o", "json"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let actions: Vec<_> = document["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["action"])
        .collect();
    assert_eq!(actions, ["unchanged"; 3], "{ran}");
}

scenario!(a_list_in_a_file, on(DOUBLE, REAL));
fn a_list_in_a_file(pipeline: &Pipeline) {
    let (a, b) = (pipeline.create_namespace("a"), pipeline.create_namespace("b"));
    let file = format!(
        "registries:
  - registry: {}
    username: admin
    token-env: {VARIABLE}
    secrets:
      - {{namespace: {a}, context: {}}}
      - {{namespace: {b}, name: pull}}
  - registry: ghcr.io
    username: admin
    token-env: {VARIABLE}
    secrets: [{{namespace: {b}, name: pull}}]
",
        pipeline.registry(),
        pipeline.plane.context()
    );
    std::fs::write(pipeline.folder().join("regcred.yaml"), &file).unwrap();
    let ran = pipeline.run("t0ken", &["-f", "regcred.yaml"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(summary(&ran), "2 created");
    assert_eq!(
        pipeline.token(&a, SECRET, &pipeline.registry()).as_deref(),
        Some("t0ken")
    );
    assert_eq!(
        pipeline.token(&b, "pull", &pipeline.registry()).as_deref(),
        Some("t0ken")
    );
    assert_eq!(pipeline.token(&b, "pull", "ghcr.io").as_deref(), Some("t0ken"));
    let ran = pipeline.run_with(
        "t0ken",
        &["-f", "-", "--context", pipeline.plane.context(), "-o", "name"],
        &file,
    );
    assert_eq!((ran.code, summary(&ran)), (0, "2 unchanged"), "{ran}");

    for (from, to, says) in [
        (
            "username",
            "user",
            "regcred.yaml: line 3 column 5: unknown key `user`: did you mean `username`?",
        ),
        (
            "secrets:\n",
            "secret:\n",
            "regcred.yaml: line 5 column 5: unknown key `secret`: did you mean `secrets`?",
        ),
        (
            VARIABLE,
            "NOT_THERE",
            "regcred.yaml: the environment variable NOT_THERE is not set or empty",
        ),
        (
            VARIABLE,
            "ghp_s3cret",
            "the environment variable that token-env names is not set",
        ),
    ] {
        std::fs::write(pipeline.folder().join("regcred.yaml"), file.replacen(from, to, 1)).unwrap();
        let ran = pipeline.run("t0ken", &["-f", "regcred.yaml"]);
        assert!(ran.code > 0 && ran.stderr.contains(says), "{says}\n{ran}");
        assert!(!ran.stderr.contains("s3cret"), "{ran}");
    }
}

scenario!(a_spec_yml_of_stack_orchestrator, on(DOUBLE, REAL));
fn a_spec_yml_of_stack_orchestrator(pipeline: &Pipeline) {
    let (a, b) = (pipeline.create_namespace("a"), pipeline.create_namespace("b"));
    let spec = format!(
        "stack: web\nports: {{1: 2}}\nregistry-credentials:\n  server: {}\n  username: admin\n  token-env: {VARIABLE}\n",
        pipeline.registry()
    );
    let file = pipeline.folder().join("spec.yml");
    std::fs::write(&file, &spec).unwrap();
    let run = |args: &[&str]| {
        let mut all = vec!["-f", "spec.yml", "-n", &a, "-n", &b];
        all.extend(args);
        pipeline.run("t0ken", &all)
    };
    let ran = run(&["--deployment", "my-app"]);
    assert_eq!((ran.code, summary(&ran)), (0, "2 created"), "{ran}");
    assert_eq!(
        pipeline.token(&b, "my-app-registry", &pipeline.registry()).as_deref(),
        Some("t0ken")
    );
    for (from, to, deployment, says) in [
        ("", "", None, "--deployment NAME"),
        ("", "", Some("My_App"), "--deployment \"My_App\""),
        (
            "registry-credentials",
            "image-registry",
            Some("x"),
            "spec.yml: there is no section registry-credentials",
        ),
        (
            "  username: admin\n",
            "",
            Some("x"),
            "registry-credentials has no `username`",
        ),
        (
            VARIABLE,
            "NOT_THERE",
            Some("x"),
            "the environment variable NOT_THERE is not set",
        ),
    ] {
        std::fs::write(&file, spec.replacen(from, to, 1)).unwrap();
        let args: Vec<&str> = deployment.iter().flat_map(|name| ["--deployment", name]).collect();
        let ran = run(&args);
        assert!(ran.code > 0 && ran.stderr.contains(says), "{says}\n{ran}");
    }
}

scenario!(several_contexts, on(DOUBLE, REAL));
fn several_contexts(pipeline: &Pipeline) {
    let second = Pipeline::of_double();
    let name = pipeline.create_namespace("shared");
    second.double().create_namespace(&name);
    let folder = pipeline.folder();
    let text = second
        .kubeconfig_text()
        .replace("double", "second")
        .replace("user: user", "user: user2")
        .replace("name: user", "name: user2");
    let text = text.replace("second-admin-token", "double-admin-token");
    std::fs::write(folder.join("second"), text).unwrap();
    let paths = std::env::join_paths([pipeline.kubeconfig(), folder.join("second")]).unwrap();
    let run = |args: &[&str]| {
        let registry = pipeline.registry();
        let mut all = vec![
            "--registry",
            &registry,
            "-u",
            "admin",
            "--token-env",
            VARIABLE,
            "-n",
            &name,
        ];
        all.extend(args);
        let output = pipeline
            .command("one", &all)
            .env("KUBECONFIG", &paths)
            .output()
            .unwrap();
        Ran {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().unwrap(),
        }
    };
    let first = pipeline.plane.context();
    let ran = run(&["--context", first, "--context", "second", "--context", first]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(
        ran.stdout,
        format!(
            "secret/{SECRET} created in namespace {name} of context {first}\nsecret/{SECRET} created in namespace {name} of context second\n"
        )
    );
    assert!(second.double().secret(&name, SECRET).is_some());
    // One that is out of reach, or not there at all, does not stop the other.
    drop(second);
    let ran = run(&["--context", "second", "--context", "missing", "--context", first]);
    assert_eq!(ran.code, 1, "{ran}");
    assert_eq!(
        ran.stdout,
        format!("secret/{SECRET} unchanged in namespace {name} of context {first}\n")
    );
    assert!(
        ran.stderr
            .contains("error: context second: cannot reach the API server"),
        "{ran}"
    );
    assert!(ran.stderr.contains("error: context missing: "), "{ran}");
    assert_eq!(summary(&ran), "1 unchanged, 2 failed", "{ran}");
}

/// In this process, with a keychain in memory.
fn with_keychain(pipeline: &Pipeline, keychain: &Keychain, args: &[&str]) -> Ran {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let code = {
        let mut system = System {
            env: [("KUBECONFIG", pipeline.kubeconfig())].into_iter().collect(),
            stdin: Box::new(Cursor::new(Vec::new())),
            output: Output::new(&mut stdout, false, &mut stderr),
            person: None,
            open_keychain: Box::new(|_| Ok(keychain.clone())),
            handles_interrupts: false,
        };
        let args = ["kubectl-regcred", "sync"].iter().chain(args);
        commands::run(args, &mut system).code().into()
    };
    Ran {
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
        code,
    }
}

scenario!(each_secret_gets_what_its_annotations_name);
fn each_secret_gets_what_its_annotations_name() {
    let pipeline = Pipeline::of_double();
    let keychain = Keychain::with_store(keyring_core::sample::Store::new().unwrap());
    let put = |registry: &str, usage, token: &str| {
        let credential = Credential {
            registry: registry.parse().unwrap(),
            username: "admin".parse().unwrap(),
            token: Token::parse(token).unwrap(),
        };
        keychain.put(usage, &credential).unwrap();
    };
    let names = ["a", "b", "c", "d"].map(|name| pipeline.create_namespace(name));
    for (registry, namespace) in [
        ("a.example.com", 0),
        ("b.example.com", 0),
        ("b.example.com", 1),
        ("c.example.com", 2),
    ] {
        let args = [
            "--registry",
            registry,
            "-u",
            "admin",
            "--token-env",
            VARIABLE,
            "-n",
            &names[namespace],
        ];
        pipeline.run("old", &args).done();
    }
    let bare = json!({"kind": "Secret", "apiVersion": "v1", "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": SECRET, "labels": {"app.kubernetes.io/managed-by": "kubectl-regcred"}},
        "data": {".dockerconfigjson": "e30="}});
    pipeline.double().put_secret(&names[3], &bare);

    for registry in ["a.example.com", "b.example.com"] {
        put(registry, Use::Docker, "old");
    }
    keychain.delete(&"b.example.com".parse().unwrap(), Use::Docker).unwrap();
    put("a.example.com", Use::Docker, "new-a");
    let one = with_keychain(&pipeline, &keychain, &["-A", "--no-verify"]);
    assert_eq!(one.code, 0, "{one}");
    assert_eq!(summary(&one), "1 configured, 1 left as they are, 2 left out");
    assert_eq!(
        pipeline.token(&names[0], SECRET, "a.example.com").as_deref(),
        Some("new-a")
    );
    assert_eq!(
        pipeline.token(&names[0], SECRET, "b.example.com").as_deref(),
        Some("old")
    );

    put("b.example.com", Use::Docker, "for-docker");
    put("b.example.com", Use::Cluster, "new-b");
    let several = with_keychain(&pipeline, &keychain, &["-A", "--no-verify"]);
    assert_eq!(several.code, 0, "{several}");
    assert_eq!(
        summary(&several),
        "2 configured, 1 left as they are, 1 left out",
        "{several}"
    );
    assert_eq!(
        pipeline.token(&names[0], SECRET, "b.example.com").as_deref(),
        Some("new-b")
    );
    assert_eq!(
        pipeline.token(&names[1], SECRET, "b.example.com").as_deref(),
        Some("new-b")
    );
    assert_eq!(
        pipeline.token(&names[2], SECRET, "c.example.com").as_deref(),
        Some("old")
    );
    let says = "left out: 1 Secret of another registry that the keychain has no credential of (c.example.com)\n";
    assert!(several.stderr.contains(says), "{several}");
    let says = format!("secret/{SECRET} in namespace {} is left as it is: ", names[3]);
    assert!(several.stderr.contains(&says), "{several}");
    let trusting = with_keychain(&pipeline, &keychain, &["-A", "--trust-labels", "--no-verify"]);
    assert_eq!(trusting.code, 1, "{trusting}");
    assert!(
        trusting
            .stderr
            .contains("its annotations do not name its registry\nhint: kubectl regcred sync -n"),
        "{trusting}"
    );

    let missing = with_keychain(
        &pipeline,
        &keychain,
        &["-A", "--no-verify", "--registry", "c.example.com"],
    );
    assert_eq!(missing.code, 1, "{missing}");
    assert!(missing.stderr.contains("login c.example.com"), "{missing}");
}

scenario!(lists_come_in_pages_of_metadata);
fn lists_come_in_pages_of_metadata() {
    let pipeline = Pipeline::of_double();
    let names: Vec<_> = (0..1203).map(|number| pipeline.name(number)).collect();
    pipeline.create_namespaces(&names, "many");
    let label = format!("team={}", pipeline.team("many"));
    let ran = pipeline.sync("one", &["-l", &label]);
    assert_eq!((ran.code, summary(&ran)), (0, "1203 created"), "{}", ran.stderr);
    let ran = pipeline.sync("one", &["-A"]);
    assert_eq!((ran.code, summary(&ran)), (0, "1203 unchanged"), "{}", ran.stderr);
    let recorded = pipeline.double().recorded();
    let lists: Vec<_> = recorded
        .iter()
        .filter(|request| request.query.contains_key("labelSelector"))
        .collect();
    assert_eq!(lists.len(), 6, "three pages each");
    for request in lists {
        assert_eq!(request.query["limit"], "500");
        assert!(
            request.headers["accept"][0].contains("as=PartialObjectMetadata"),
            "{request:?}"
        );
    }
}

scenario!(what_contradicts_is_a_wrong_usage);
fn what_contradicts_is_a_wrong_usage() {
    let pipeline = Pipeline::of_double();
    std::fs::write(
        pipeline.folder().join("list.yaml"),
        format!("registries: [{{registry: a, username: admin, token-env: {VARIABLE}, secrets: [{{namespace: b}}]}}]"),
    )
    .unwrap();
    for args in [
        &["-A", "-n", "a"][..],
        &["-A", "-l", "a=b"],
        &["-l", "a=b", "-n", "a"],
        &["-l", ""],
        &["-A", "--secret", "x"],
        &["-f", "list.yaml", "-A"],
        &["-f", "list.yaml", "--registry", "a"],
        &["-f", "list.yaml", "-u", "a"],
        &["-f", "list.yaml", "--secret", "a"],
        &["-f", "list.yaml", "--token-stdin"],
        &["-f", "list.yaml", "--token-env", "A"],
        &["-f", "list.yaml", "--env-file", "A"],
        &["-f", "list.yaml", "-n", "a"],
        &["-f", "list.yaml", "-l", "a=b"],
        &["-f", "list.yaml", "--deployment", "a"],
        &["--deployment", "a"],
        &["-A", "--dry-run=client", "-o", "yaml"],
        &["-l", "a=b", "--dry-run=client", "-o", "json"],
    ] {
        let ran = pipeline.run("one", args);
        assert_eq!(ran.code, 2, "{args:?}: {ran}");
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{args:?}: {ran}");
    }
    assert!(pipeline.double().recorded().is_empty());
}

scenario!(manifests_need_no_cluster);
fn manifests_need_no_cluster() {
    let pipeline = Pipeline::of_double();
    let file = |contexts: [&str; 2]| {
        format!(
            "registries:
- {{registry: a.example.com, username: admin, token-env: {VARIABLE}, secrets: [{{namespace: n, context: {}}}, {{namespace: o}}]}}
- {{registry: b.example.com, username: admin, token-env: {VARIABLE}, secrets: [{{namespace: n, context: {}}}]}}
",
            contexts[0], contexts[1]
        )
    };
    let print =
        |contexts, format| pipeline.run_with("t0ken", &["-f", "-", "--dry-run=client", "-o", format], &file(contexts));
    let ran = print(["prod", "prod"], "json");
    assert_eq!(ran.code, 0, "{ran}");
    let list: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(list["kind"], "List");
    assert_eq!(
        list["items"].as_array().unwrap().len(),
        2,
        "one Secret of two registries is one manifest"
    );
    let annotations = &list["items"][0]["metadata"]["annotations"];
    assert_eq!(annotations["kubectl-regcred/registry"], "a.example.com,b.example.com");
    let yaml = print(["prod", "prod"], "yaml");
    assert_eq!(yaml.stdout.matches("kind: Secret\n").count(), 2, "{yaml}");
    assert_eq!(yaml.stdout.matches("\n---\n").count(), 1, "{yaml}");
    let differs = print(["prod", "spare"], "yaml");
    assert_eq!((differs.code, differs.stdout.as_str()), (2, ""), "{differs}");
    assert!(differs.stderr.contains("differs between contexts"), "{differs}");
    let nothing = pipeline.sync("t0ken", &["--dry-run=client", "-o", "yaml"]);
    assert_eq!(nothing.code, 2, "{nothing}");
    assert!(pipeline.double().recorded().is_empty(), "a cluster was asked");
}

scenario!(a_files_token_is_kept_from_children);
fn a_files_token_is_kept_from_children() {
    let pipeline = Pipeline::of_double();
    let name = pipeline.create_namespace("a");
    let plugin = pipeline.folder().join("plugin");
    let seen = pipeline.folder().join("seen");
    let credential = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"double-admin-token"}}"#;
    std::fs::write(
        &plugin,
        format!("#!/bin/sh\nenv >{}\necho '{credential}'\n", seen.display()),
    )
    .unwrap();
    let exec = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['{}'], interactiveMode: Never}}}}",
        plugin.display()
    );
    std::fs::write(pipeline.kubeconfig(), pipeline.double().kubeconfig_for(&exec)).unwrap();
    let file = format!(
        "registries:
- {{registry: a.example.com, username: admin, token-env: {VARIABLE}, secrets: [{{namespace: {name}}}]}}
- {{registry: b.example.com, username: admin, token-env: {VARIABLE}, secrets: [{{namespace: {name}, name: b}}]}}
"
    );
    let mut command = pipeline.command("s3cret", &["-f", "regcred.yaml"]);
    std::fs::write(pipeline.folder().join("regcred.yaml"), file).unwrap();
    let output = command.env("PATH", std::env::var_os("PATH").unwrap()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(seen.contains("KUBECONFIG=") && !seen.contains("s3cret"), "{seen}");
}
