use super::*;
use crate::cluster::survey::ContainerKind;
use crate::cluster::survey::PullFailure;
use crate::commands::status::fixture::{OTHER, REGISTRY, by_hand};
use crate::model::pull::{PullSecret, pull};

fn with_entry(key: &str) -> Survey {
    let mut secret = by_hand("pull", OTHER);
    let State::Entries(entries) = &mut secret.state else {
        panic!("it has entries")
    };
    key.clone_into(&mut entries[0].key);
    Survey {
        secrets: vec![secret],
        ..Survey::default()
    }
}

fn waits_for(image: &str, interest: usize, key: &str) -> StuckPull {
    StuckPull {
        namespace: "web".parse().unwrap(),
        pod: "api".to_owned(),
        controller: None,
        container: "app".to_owned(),
        kind: ContainerKind::Main,
        image: image.to_owned(),
        interest,
        reason: "ImagePullBackOff".to_owned(),
        message: String::new(),
        said: PullFailure::Nothing,
        created: None,
        pull_secrets: vec!["pull".to_owned()],
        account: "default".to_owned(),
        account_secrets: None,
        template_has_secrets: None,
        pull: pull(image, &[PullSecret::Entries(vec![key])]),
        cause: Cause::Unknown,
    }
}

/// Otherwise a token for another registry of that domain would be sent to ours.
#[test]
fn the_token_of_a_wildcard_is_sent_nowhere_unless_kubelet_would() {
    let registries: Vec<Registry> = vec![REGISTRY.parse().unwrap(), "other.example.com".parse().unwrap()];
    let asked = |survey: &Survey| may_be_sent(survey, &registries).into_iter().collect::<Vec<_>>();
    assert_eq!(asked(&with_entry(REGISTRY)), [0]);
    assert_eq!(asked(&with_entry("https://gitea.example.com/v2/")), [0]);
    let mut survey = with_entry("*.example.com");
    assert!(asked(&survey).is_empty());
    // The entry counts as the first registry's, and this pod would send it to the second one.
    survey.stuck = vec![waits_for("other.example.com/app:1", 1, "*.example.com")];
    assert!(asked(&survey).is_empty());
    survey.stuck = vec![waits_for("gitea.example.com/owner/app:1", 0, "*.example.com")];
    assert_eq!(asked(&survey), [0]);
}
