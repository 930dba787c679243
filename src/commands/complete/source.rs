//! The source of an argument's values.

use clap::{Arg, ValueHint};

/// The source of candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Fixed words, each with a description or an empty one.
    Words(Vec<(String, String)>),
    /// The shell completes names of files by itself.
    Files,
    /// Names of environment variables that could hold a token.
    Variables,
    /// Contexts of the kubeconfig.
    Contexts,
    /// Clusters of the kubeconfig.
    Clusters,
    /// Users of the kubeconfig.
    Users,
    /// Registries in the keychain.
    Registries,
    /// Users in the keychain.
    Usernames,
    /// The uses that every registry has, and those of the user's own in the keychain.
    Uses,
    /// Namespaces of the cluster.
    Namespaces,
    /// Pull Secrets of the namespace.
    Secrets,
    /// ServiceAccounts of the namespace.
    ServiceAccounts,
    /// `NAMESPACE:SERVICEACCOUNT`
    Subjects,
    /// `NAMESPACE/POD`
    Pods,
    /// Values that cannot be listed: new names, durations, and the like.
    Free,
}

/// The sources of arguments, by id, which is the same for all verbs.
const KNOWN: [(&str, Source); 17] = [
    ("namespaces", Source::Namespaces),
    ("skip_namespace", Source::Namespaces),
    ("context", Source::Contexts),
    ("contexts", Source::Contexts),
    ("skip_context", Source::Contexts),
    ("skip_search", Source::Contexts),
    ("cluster", Source::Clusters),
    ("user", Source::Users),
    ("registry", Source::Registries),
    ("registries", Source::Registries),
    ("username", Source::Usernames),
    ("usage", Source::Uses),
    ("secret", Source::Secrets),
    ("service_accounts", Source::ServiceAccounts),
    ("subjects", Source::Subjects),
    ("pod", Source::Pods),
    ("token_env", Source::Variables),
];

/// The usual values of `--scopes`.
const SCOPES: [(&str, &str); 3] = [
    ("read:package", "pull"),
    ("write:package", "pull, push and delete"),
    ("write:package,read:user", "and show whose it is"),
];

impl Source {
    /// The source of an argument's values.
    pub(super) fn of(arg: &Arg) -> Self {
        let id = arg.get_id().as_str();
        if let Some((_, source)) = KNOWN.iter().find(|(known, _)| *known == id) {
            return source.clone();
        }
        if id == "scopes" {
            return Self::Words(SCOPES.map(|(text, about)| (text.to_owned(), about.to_owned())).into());
        }
        let possible = arg.get_possible_values();
        if !possible.is_empty() {
            let words = possible.iter().filter(|value| !value.is_hide_set()).map(|value| {
                let about = value.get_help().map(ToString::to_string).unwrap_or_default();
                (value.get_name().to_owned(), about)
            });
            return Self::Words(words.collect());
        }
        // The words are taken from the value name in the help, because the type has no list of values.
        let name = arg
            .get_value_names()
            .and_then(<[_]>::first)
            .map_or("", |name| name.as_str());
        if name.contains('|') {
            return Self::Words(name.split('|').map(|word| (word.to_owned(), String::new())).collect());
        }
        match arg.get_value_hint() {
            ValueHint::AnyPath | ValueHint::FilePath => Self::Files,
            _ => Self::Free,
        }
    }
}
