//! Candidates from the kubeconfig, the keychain and the cluster. Errors are ignored, because a message would disturb the
//! line that is being typed.

use std::path::Path;
use std::time::Instant;

use super::line::Line;
use super::source::Source;
use crate::cluster::{self, Cluster, ConnectOptions, Impersonate, Listed, Namespace};
use crate::keychain::{self, Keychain};
use crate::model::Use;
use crate::sys::env::Env;

/// Words, between underscores, in the names of environment variables that hold tokens.
const TELLING: [&str; 6] = ["TOKEN", "PASSWORD", "SECRET", "PAT", "KEY", "CREDENTIALS"];

/// Finds candidates, and offers each as soon as it is known, with a description or an empty one.
pub(super) fn complete(
    source: &Source,
    typed: &str,
    line: &Line<'_>,
    env: &Env,
    open: impl FnOnce(&Env) -> Result<Keychain, keychain::Error>,
    deadline: Instant,
    mut offer: impl FnMut(&str, &str),
) {
    match source {
        Source::Words(words) => words.iter().for_each(|(word, about)| offer(word, about)),
        Source::Files | Source::Free => {}
        Source::Variables => variables(typed, env).for_each(|name| offer(name, "")),
        Source::Contexts | Source::Clusters | Source::Users => configured(source, line, env, offer),
        Source::Registries | Source::Usernames | Source::Uses => {
            if *source == Source::Uses {
                for usage in [Use::Docker, Use::Cluster] {
                    offer(usage.as_str(), "");
                }
            }
            // Without a display, no keychain opens a window.
            let env = without_display(env);
            let Ok(found) = open(&env).and_then(|keychain| keychain.list_metadata()) else {
                return;
            };
            for (registry, usage, username) in found {
                let whose = username.as_ref().map_or(String::new(), ToString::to_string);
                let is_of_line = line.value("registry").is_none_or(|wanted| wanted == registry.as_str());
                match source {
                    Source::Registries => offer(registry.as_str(), &whose),
                    Source::Uses if is_of_line && usage.name().is_some() => {
                        offer(usage.as_str(), &format!("{whose} at {registry}"));
                    }
                    Source::Usernames if is_of_line => offer(&whose, &format!("{registry}, {usage}")),
                    _ => {}
                }
            }
        }
        Source::Namespaces | Source::Secrets | Source::ServiceAccounts | Source::Subjects | Source::Pods => {
            let looking = in_cluster(source, typed, line, env, offer);
            // Dropping it also ends a running credential plugin.
            let _ = cluster::block_on(async { tokio::time::timeout_at(deadline.into(), looking).await });
        }
    }
}

/// All environment variables only if a name was begun; otherwise those that probably hold a token.
fn variables<'a>(typed: &str, env: &'a Env) -> impl Iterator<Item = &'a str> {
    let all = !typed.is_empty();
    env.iter().filter_map(move |(name, _)| {
        let name = name.to_str()?;
        let tells = name
            .split('_')
            .any(|part| TELLING.iter().any(|word| word.eq_ignore_ascii_case(part)));
        (all || tells).then_some(name)
    })
}

fn configured(source: &Source, line: &Line<'_>, env: &Env, mut offer: impl FnMut(&str, &str)) {
    let file = line.value("kubeconfig").map(Path::new);
    let Ok(configured) = cluster::configured(env, file) else {
        return;
    };
    match source {
        Source::Clusters => configured.clusters.iter().for_each(|name| offer(name, "")),
        Source::Users => configured.users.iter().for_each(|name| offer(name, "")),
        _ => configured
            .contexts
            .iter()
            .for_each(|(name, cluster)| offer(name, cluster)),
    }
}

async fn in_cluster(source: &Source, typed: &str, line: &Line<'_>, env: &Env, mut offer: impl FnMut(&str, &str)) {
    let Ok(cluster) = Cluster::connect(&without_display(env), &options(line)).await else {
        return;
    };
    let namespace = match line.value("namespaces") {
        None => cluster.namespace().clone(),
        Some(name) => match name.parse() {
            Ok(namespace) => namespace,
            Err(_) => return,
        },
    };
    let plain = |name: String| offer(&name, "");
    let _ = match source {
        Source::Secrets => cluster::each_name(&cluster, &Listed::PullSecrets(namespace), plain).await,
        Source::ServiceAccounts => cluster::each_name(&cluster, &Listed::ServiceAccounts(namespace), plain).await,
        Source::Subjects => within(&cluster, typed, ':', Listed::ServiceAccounts, offer).await,
        Source::Pods => within(&cluster, typed, '/', Listed::Pods, offer).await,
        _ => cluster::each_name(&cluster, &Listed::Namespaces, plain).await,
    };
}

/// Completes `NAMESPACE`, a separator and a name in the namespace: first the one, then the other.
async fn within(
    cluster: &Cluster,
    typed: &str,
    separator: char,
    listed: impl FnOnce(Namespace) -> Listed,
    mut offer: impl FnMut(&str, &str),
) -> Result<(), cluster::Error> {
    match typed
        .split_once(separator)
        .map(|(namespace, _)| namespace.parse::<Namespace>())
    {
        None => {
            let open = |name: String| offer(&format!("{name}{separator}"), "");
            cluster::each_name(cluster, &Listed::Namespaces, open).await
        }
        Some(Ok(namespace)) => {
            let start = format!("{namespace}{separator}");
            let whole = |name: String| offer(&format!("{start}{name}"), "");
            cluster::each_name(cluster, &listed(namespace), whole).await
        }
        Some(Err(_)) => Ok(()),
    }
}

/// The connection options of the command that is being typed.
fn options(line: &Line<'_>) -> ConnectOptions {
    let text = |id: &str| line.value(id).map(str::to_owned);
    ConnectOptions {
        kubeconfig: line.value("kubeconfig").map(Into::into),
        context: text("contexts"),
        cluster: text("cluster"),
        user: text("user"),
        impersonate: Impersonate {
            user: text("impersonate"),
            groups: line.given.get("impersonate_groups").cloned().unwrap_or_default(),
            uid: text("impersonate_uid"),
        },
        is_unattended: true,
        ..ConnectOptions::default()
    }
}

/// The environment without a display, for programs that could open a window to ask for a password.
fn without_display(env: &Env) -> Env {
    env.clone().without("DISPLAY").without("WAYLAND_DISPLAY")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_variables_are_read_and_few_are_offered_at_first() {
        let env = Env::from_iter([
            ("CI_TOKEN", "HOME"),
            ("gitea_pat", "x"),
            ("HOME", "TOKEN"),
            ("LANG", "C"),
        ]);
        let names = |typed: &str| variables(typed, &env).collect::<Vec<_>>();
        assert_eq!(names(""), ["CI_TOKEN", "gitea_pat"]);
        // PATH is not offered, whatever its value.
        let path = Env::from_iter([("PATH", "/bin"), ("GITEA_PAT", "x")]);
        assert_eq!(variables("", &path).collect::<Vec<_>>(), ["GITEA_PAT"]);
        assert_eq!(names("H").len(), 4);
    }
}
