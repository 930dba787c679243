//! Rotations that cannot be finished at once: the old token stays alive, and the command that finishes it is printed.

#![expect(clippy::too_many_lines, reason = "what is printed is long")]

use libtest_mimic::Trial;
use regcred::model::Use;
use snapbox::{assert_data_eq, str};

use super::place::Place;
use crate::support::http::Answer;
use crate::support::part::trial;
use crate::support::world::World;

pub fn trials() -> Vec<Trial> {
    let trials: [(&str, fn()); 6] = [
        ("an unreachable context", an_unreachable_context),
        ("a forbidden namespace", a_forbidden_namespace),
        (
            "a registry that is down when the old token is to be revoked",
            a_registry_that_is_down,
        ),
        ("a refused token", a_refused_token),
        (
            "a second rotation and other commands while one is pending",
            while_one_is_pending,
        ),
        ("what it prints", what_it_prints),
    ];
    trials
        .into_iter()
        .map(|(name, test)| trial(&format!("rotate/double: {name}"), test))
        .collect()
}

/// A place, and the command line that rotates to a token that is given.
fn place(usage: Use) -> (Place, String) {
    let mut place = Place::new(World::of_doubles(), usage);
    let token = place.another_token();
    place.world.variables.insert("NEW_TOKEN".to_owned(), token.into());
    let line = format!("{} --token-env NEW_TOKEN", place.flags());
    (place, line)
}

fn an_unreachable_context() {
    let (mut place, line) = place(Use::Cluster);
    let folder = place.world.folder().to_owned();
    let dead = "apiVersion: v1
kind: Config
clusters: [{name: dead, cluster: {server: 'http://127.0.0.1:1'}}]
contexts: [{name: dead, context: {cluster: dead, user: nobody}}]
users: [{name: nobody, user: {}}]
";
    std::fs::write(folder.join("dead"), dead).unwrap();
    let both = std::env::join_paths([folder.join("kubeconfig"), folder.join("dead")]).unwrap();
    place.world.variables.insert("KUBECONFIG".to_owned(), both);
    let ran = place.rotate(&format!("{line} --context double --context dead"));
    assert_data_eq!(
        ran.to_string(),
        str![[r#"
exit 1
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE] of context double
secret/gitea-credentials configured in namespace team-b of context double
secret/gitea-credentials configured in namespace team-c of context double
--- stderr
verified at [REGISTRY], the token of admin, scopes read:package
kept the new token beside the old one
error: context dead: cannot reach the API server http://127.0.0.1:1: Connection refused (os error 111)
hint: is the cluster up, and is the VPN or tunnel to it? `kubectl cluster-info`
3 configured, 1 failed, 2 cut off
both tokens are alive: the old one is current, and Secrets hold the old one or the new one
error: not every Secret holds the new token
hint: kubectl regcred rotate [REGISTRY] --use cluster --resume finishes it
hint: kubectl regcred rotate [REGISTRY] --use cluster --abort goes back to the old token

"#]]
    );
    assert!(place.works(&place.old), "the old token is alive");
    place.check("one context is out of reach");
    // The same again while nothing has changed, and then going back.
    assert_eq!(place.rotate("--resume").code, 1);
    place.check("still out of reach");
    assert_data_eq!(
        place.rotate("--abort").to_string(),
        str![[r#"
exit 1
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE] of context double
secret/gitea-credentials configured in namespace team-b of context double
secret/gitea-credentials configured in namespace team-c of context double
--- stderr
error: context dead: cannot reach the API server http://127.0.0.1:1: Connection refused (os error 111)
hint: is the cluster up, and is the VPN or tunnel to it? `kubectl cluster-info`
3 configured, 1 failed, 2 cut off
both tokens are alive: the old one is current, and Secrets hold the old one or the new one
error: not every Secret holds the old token
hint: kubectl regcred rotate [REGISTRY] --use cluster --resume finishes it
hint: kubectl regcred rotate [REGISTRY] --use cluster --abort goes back to the old token

"#]]
    );
    place.check("gone back as far as possible");
    assert_eq!(place.served(), place.old);
    // Whoever knows that the cluster is gone for good says so.
    place.rotate("--abort --skip-context dead").done();
    place.check_ended("gone back");
}

fn a_forbidden_namespace() {
    let (place, line) = place(Use::Cluster);
    place.world.api_server().forbid("patch", "team-b");
    let ran = place.rotate(&line);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stderr.contains("may not patch secrets in namespace team-b"),
        "{ran}"
    );
    assert!(ran.stderr.contains("--use cluster --resume finishes it"), "{ran}");
    assert!(place.works(&place.old), "the old token is alive");
    place.check("one namespace is forbidden");
    place.world.api_server().allow("patch", "team-b");
    place.rotate("--resume").done();
    place.check_ended("the namespace is allowed again");
    assert!(!place.works(&place.old), "the old token is revoked in the end");
}

fn a_registry_that_is_down() {
    let (place, line) = place(Use::Docker);
    place
        .world
        .gitea
        .replace("/api/v1/token", Answer::text(502, "Bad Gateway"));
    let ran = place.rotate(&line);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(place.works(&place.old), "the old token is alive");
    place.check("the registry is down");
}

fn a_refused_token() {
    let (mut place, line) = place(Use::Docker);
    place.world.variables.insert(
        "NEW_TOKEN".to_owned(),
        "0123456789abcdef0123456789abcdef01234567".into(),
    );
    let before = place.all_held();
    let ran = place.rotate(&line);
    assert_eq!(ran.code, 1, "{ran}");
    assert_eq!(place.all_held(), before);
    assert_eq!(place.served(), place.old);
    assert!(place.kept().rotation.is_none(), "nothing is pending");
}

fn while_one_is_pending() {
    let (place, line) = place(Use::Cluster);
    place.world.api_server().forbid("patch", "team-b");
    assert_eq!(place.rotate(&line).code, 1);
    for command in [
        format!("rotate [REGISTRY] --use cluster {line}"),
        "login [REGISTRY] -u admin --use cluster --token-env NEW_TOKEN".to_owned(),
        "logout [REGISTRY] --use cluster".to_owned(),
    ] {
        let ran = place.world.regcred(&command);
        assert_eq!(ran.code, 1, "{ran}");
        assert!(
            ran.stderr.contains("--resume") && ran.stderr.contains("--abort"),
            "{ran}"
        );
    }
    // sync goes on with the token that is current.
    place.world.regcred("sync -n team-c").done();
    place.check("after a sync in between");
    place.rotate("--abort").done();
    place.check_ended("gone back");
    assert_eq!(place.served(), place.old);
}

fn what_it_prints() {
    let (place, line) = place(Use::Cluster);
    assert_data_eq!(
        place.rotate(&format!("{line} --dry-run=client")).to_string(),
        str![[r#"
exit 0
--- stdout
would keep the new token beside the old one
secret/gitea-credentials configured in namespace [NAMESPACE] (dry run)
  credential for [REGISTRY]
secret/gitea-credentials configured in namespace team-b (dry run)
  credential for [REGISTRY]
secret/gitea-credentials configured in namespace team-c (dry run)
  credential for [REGISTRY]
would read 3 Secrets back, and make the new token the one for cluster
would revoke the old token, last, and only if all of this succeeded
--- stderr
verified at [REGISTRY], the token of admin, scopes read:package
3 configured

"#]]
    );
    place.check_ended("a dry run changes nothing");
    assert_eq!(place.served(), place.old);
    assert_data_eq!(
        place.rotate("--resume").to_string(),
        str![[r#"
exit 0
--- stdout
--- stderr
no rotation is pending

"#]]
    );
    assert_data_eq!(
        place.rotate(&line).to_string(),
        str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
secret/gitea-credentials configured in namespace team-b
secret/gitea-credentials configured in namespace team-c
--- stderr
verified at [REGISTRY], the token of admin, scopes read:package
kept the new token beside the old one
3 configured
read 3 Secrets back: all hold the new token
the new token is current: sync gets it from now on
read 3 Secrets back: all hold the new token
revoked the old token
rotated the token of [REGISTRY] for cluster

"#]]
    );
    place.check_ended("rotated");
    let (place, line) = self::place(Use::Docker);
    assert_data_eq!(
        place.rotate(&format!("{line} -o json")).to_string(),
        str![[r#"
exit 0
--- stdout
{
  "apiVersion": "regcred/v1",
  "kind": "RotateResult",
  "registry": "[REGISTRY]",
  "use": "docker",
  "way": "forward",
  "dryRun": "none",
  "steps": [
   "prove new",
   "keep writing",
   "write new",
   "check new",
   "keep promoted",
   "restart",
   "check new",
   "keep revoking",
   "revoke old",
   "forget"
  ],
  "stepsDone": 10,
  "items": [
   {
   "context": "double",
   "namespace": "[NAMESPACE]",
   "secret": "gitea-credentials",
   "action": "configured",
   "changes": [
   "credential for [REGISTRY]"
   ],
   "notes": []
   },
   {
   "context": "double",
   "namespace": "team-b",
   "secret": "gitea-credentials",
   "action": "configured",
   "changes": [
   "credential for [REGISTRY]"
   ],
   "notes": []
   },
   {
   "context": "double",
   "namespace": "team-c",
   "secret": "gitea-credentials",
   "action": "configured",
   "changes": [
   "credential for [REGISTRY]"
   ],
   "notes": []
   }
  ],
  "restarts": [],
  "current": "new",
  "pending": null,
  "revocation": "done"
}
--- stderr
verified at [REGISTRY], the token of admin, scopes write:package
kept the new token beside the old one
3 configured
read 3 Secrets back: all hold the new token
the new token is current: docker gets it from now on
read 3 Secrets back: all hold the new token
revoked the old token
rotated the token of [REGISTRY] for docker

"#]]
    );
    let (place, line) = self::place(Use::Docker);
    place.rotate(&format!("{line} --keep-old")).done();
    assert_ne!(place.served(), place.old);
    assert!(place.works(&place.old), "the old token was to be kept");
}
