//! `--ca-file`: a registry of which only that file knows who has signed its certificate.

use crate::support::gitea::{Gitea, Profile};
use crate::support::tls::{Authority, Valid};
use crate::support::world::World;

scenario!(every_verb_gets_through);
/// Named once, it is remembered for `sync` and `status`.
fn every_verb_gets_through() {
    let authority = Authority::new();
    let gitea = Gitea::start_tls(
        Profile::V1_25,
        "127.0.0.1",
        authority.server(&["127.0.0.1"], Valid::Now),
    );
    gitea.state().root_url = format!("https://{}/", gitea.address());
    let world = World::of_doubles_at(gitea);
    let file = authority.write_to(world.folder());
    let ca_file = format!("--ca-file {}", file.display());
    let password = "password of admin";

    let token = world.gitea.add_token("admin", "write:package");
    let login = "login [REGISTRY] -u admin --token-stdin";
    let said = world.regcred_with(login, &token);
    assert!(said.code == 1 && said.stderr.contains("--ca-file"), "{said}");
    world.regcred_with(&format!("{login} {ca_file}"), &token).done();
    world.regcred("sync -n [NAMESPACE]").done();
    let said = world.regcred("status -n [NAMESPACE]");
    assert!(said.stdout.contains("1 of 1 token accepted"), "{said}");
    let line = format!("rotate [REGISTRY] --mint --password-stdin {ca_file}");
    let said = world.regcred_with(&line, password);
    assert!(
        said.code == 0 && said.stderr.contains("revoked the old token"),
        "{said}"
    );
    let line = format!("login [REGISTRY] -u admin --use cluster --mint --password-stdin {ca_file}");
    world.regcred_with(&line, password).done();
    world.regcred("sync -n [NAMESPACE]").done();
    let said = world.regcred(&format!("images list admin {ca_file}"));
    assert_eq!(said.code, 0, "{said}");
    world
        .regcred("sync -n [NAMESPACE] --registry [REGISTRY] --remove")
        .done();
    let line = format!("logout [REGISTRY] --revoke --password-stdin {ca_file}");
    world.regcred_with(&line, password).done();
    assert_eq!(world.gitea.tokens("admin"), []);
}
