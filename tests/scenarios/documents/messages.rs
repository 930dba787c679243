//! What the documents quote and point to is there.

use std::path::{Path, PathBuf};

use super::{documents, read, root};
use crate::support::part::program;
use crate::support::world::World;

/// Words of kubelet's own, which no scenario can make it say: the survey's tests have what it writes into pods.
const OF_KUBELET: [&str; 3] = ["ImagePullBackOff", "ErrImagePull", "FailedToRetrieveImagePullSecret"];

/// The first cells of README's table by message: all that is set as code there.
fn quoted() -> Vec<String> {
    let text = read("README.md");
    let (_, section) = text.split_once("\n| it says | what to do |\n").unwrap();
    let rows = section.lines().skip(1).take_while(|line| line.starts_with('|'));
    rows.flat_map(|row| {
        let cell = row.split('|').nth(1).unwrap();
        let code = cell.split('`').skip(1).step_by(2);
        code.map(str::to_owned).collect::<Vec<_>>()
    })
    .collect()
}

scenario!(documents_messages_are_those_that_were_seen);
/// What runs printed is in the scenarios' snapshots, and of the clients in docs/clients.md, which runs write.
fn documents_messages_are_those_that_were_seen() {
    let mut seen = read("docs/clients.md");
    for folder in ["tests/scenarios", "src"] {
        gather(&root().join(folder), &mut seen);
    }
    let quoted = quoted();
    assert!(quoted.len() > 12, "{quoted:?}");
    for message in quoted {
        let is_known = OF_KUBELET.contains(&message.as_str()) || seen.contains(&message);
        assert!(is_known, "nobody says {message:?}");
    }
}

fn gather(folder: &Path, seen: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, seen);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            seen.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

scenario!(documents_links_lead_somewhere);
/// Of the documents to each other, to their pictures and to the tree.
fn documents_links_lead_somewhere() {
    let mut count = 0;
    for document in documents() {
        let text = read(&document);
        let folder = root().join(&document).parent().unwrap().to_owned();
        for link in text.split("](").skip(1) {
            let target = link.split(')').next().unwrap();
            if target.starts_with("https://") || target.starts_with('#') {
                continue;
            }
            let file = target.split('#').next().unwrap();
            assert!(folder.join(file).is_file(), "{document}: {target}");
            count += 1;
        }
    }
    assert!(count > 20, "only {count} links were found");
}

scenario!(documents_docker_without_its_helper, needs("docker"));
/// A helper that docker's file names, and that is not on PATH.
fn documents_docker_without_its_helper() {
    let world = World::of_doubles();
    let token = world.gitea.add_token("admin", "write:package");
    let bin = world.folder().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(program("docker").unwrap(), bin.join("docker")).unwrap();
    std::fs::create_dir(world.home().join(".docker")).unwrap();
    let file = format!(r#"{{"credHelpers":{{"{}":"gitea"}}}}"#, world.registry());
    std::fs::write(world.home().join(".docker/config.json"), file).unwrap();
    let mut docker = world.command(bin.join("docker"));
    docker
        .env("PATH", &bin)
        .args(["login", "-u", "admin", "--password-stdin", &world.registry()]);
    let ran = world.run(&mut docker, &token);
    assert_eq!(ran.code, 1, "{ran}");
    let says = r#""docker-credential-gitea": executable file not found"#;
    assert!(ran.stderr.contains(says), "{ran}");
}
