//! Commands to type: complete, with the flags for connecting that this one was given, and quoted for a shell.

use std::fmt::Write as _;

use crate::cli::{ClusterArgs, RegistryConnectionArgs};
use crate::model::shell_word;

/// How to write the commands that mend what was found.
#[derive(Clone, Debug, Default)]
pub(super) struct Typed {
    /// For kubectl and for us: kubectl's own flags, but for the context.
    cluster: Vec<String>,
    /// For `login` and `rotate`.
    registry: Vec<String>,
}

impl Typed {
    pub(super) fn new(cluster: &ClusterArgs, connection: &RegistryConnectionArgs) -> Self {
        let mut this = Self::default();
        let path = cluster.kubeconfig.as_ref().map(|path| path.display().to_string());
        for (flag, value) in [
            ("--kubeconfig", &path),
            ("--cluster", &cluster.cluster),
            ("--user", &cluster.user),
            ("--as", &cluster.impersonate),
            ("--as-uid", &cluster.impersonate_uid),
        ] {
            if let Some(value) = value {
                this.cluster.extend([flag.to_owned(), value.clone()]);
            }
        }
        for group in &cluster.impersonate_groups {
            this.cluster.extend(["--as-group".to_owned(), group.clone()]);
        }
        if let Some(path) = &connection.ca_file {
            this.registry
                .extend(["--ca-file".to_owned(), path.display().to_string()]);
        }
        if connection.plain_http {
            this.registry.push("--plain-http".to_owned());
        }
        if let Some(path) = &connection.gitea_path {
            this.registry
                .extend(["--gitea-path".to_owned(), path.as_str().to_owned()]);
        }
        this
    }

    /// `kubectl regcred …`, about a cluster.
    pub(super) fn regcred(&self, context: Option<&str>, words: &[&str]) -> String {
        self.with_cluster("kubectl regcred", context, words)
    }

    /// `kubectl …`.
    pub(super) fn kubectl(&self, context: Option<&str>, words: &[&str]) -> String {
        self.with_cluster("kubectl", context, words)
    }

    /// `kubectl regcred …`, about a registry and no cluster.
    pub(super) fn registry(&self, words: &[&str]) -> String {
        let flags = self.registry.iter().map(String::as_str);
        line("kubectl regcred", words.iter().copied().chain(flags))
    }

    /// `kubectl regcred …`, about both.
    pub(super) fn both(&self, context: Option<&str>, words: &[&str]) -> String {
        let flags: Vec<&str> = self.registry.iter().map(String::as_str).collect();
        self.with_cluster("kubectl regcred", context, &[words, &flags].concat())
    }

    fn with_cluster(&self, program: &str, context: Option<&str>, words: &[&str]) -> String {
        let context = context.map(|context| ["--context", context]).into_iter().flatten();
        let flags = self.cluster.iter().map(String::as_str);
        line(program, words.iter().copied().chain(context).chain(flags))
    }
}

fn line<'a>(program: &str, words: impl Iterator<Item = &'a str>) -> String {
    let mut line = program.to_owned();
    for word in words {
        let _ = write!(line, " {}", shell_word(word));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_for_connecting_are_repeated() {
        let typed = Typed {
            cluster: vec!["--kubeconfig".into(), "k c".into()],
            registry: vec!["--plain-http".into()],
        };
        assert_eq!(
            typed.regcred(Some("prod"), &["sync", "-n", "a"]),
            "kubectl regcred sync -n a --context prod --kubeconfig 'k c'"
        );
        assert_eq!(typed.registry(&["login", "r"]), "kubectl regcred login r --plain-http");
    }
}
