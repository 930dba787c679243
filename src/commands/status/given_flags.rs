//! Adds the connection flags that were given to the commands that are printed.

use crate::commands::args::{ClusterArgs, RegistryConnectionArgs};
use crate::model::CommandLine;

/// A flag that was given, for the commands that are printed.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Flag {
    pub(in crate::commands) name: &'static str,
    /// The placeholder for a value that cannot be quoted, and the value.
    pub(in crate::commands) value: Option<(&'static str, String)>,
}

impl Flag {
    pub(in crate::commands) fn new(
        name: &'static str,
        placeholder: &'static str,
        value: &(impl ToString + ?Sized),
    ) -> Self {
        Self {
            name,
            value: Some((placeholder, value.to_string())),
        }
    }

    pub(in crate::commands) fn alone(name: &'static str) -> Self {
        Self { name, value: None }
    }

    /// The command with all of these.
    pub(in crate::commands) fn add<'a>(line: CommandLine, flags: impl IntoIterator<Item = &'a Self>) -> CommandLine {
        flags.into_iter().fold(line, |line, flag| match &flag.value {
            Some((placeholder, value)) => line.option(flag.name, placeholder, value),
            None => line.words(flag.name),
        })
    }
}

/// The flags to repeat in printed commands.
#[derive(Clone, Debug, Default)]
pub(in crate::commands) struct GivenFlags {
    /// kubectl's own flags except the context, for kubectl and for us.
    cluster: Vec<Flag>,
    /// For `login` and `rotate`.
    registry: Vec<Flag>,
}

impl GivenFlags {
    pub(in crate::commands) fn new(cluster: &ClusterArgs, connection: &RegistryConnectionArgs) -> Self {
        let mut this = Self::default();
        let path = cluster.kubeconfig.as_ref().map(|path| path.display().to_string());
        for (name, placeholder, value) in [
            ("--kubeconfig", "FILE", &path),
            ("--cluster", "CLUSTER", &cluster.cluster),
            ("--user", "USER", &cluster.user),
            ("--as", "USER", &cluster.impersonate),
            ("--as-uid", "UID", &cluster.impersonate_uid),
        ] {
            this.cluster
                .extend(value.iter().map(|value| Flag::new(name, placeholder, value)));
        }
        let groups = cluster.impersonate_groups.iter();
        this.cluster
            .extend(groups.map(|group| Flag::new("--as-group", "GROUP", group)));
        if let Some(path) = &connection.ca_file {
            this.registry.push(Flag::new("--ca-file", "FILE", &path.display()));
        }
        if connection.plain_http {
            this.registry.push(Flag::alone("--plain-http"));
        }
        if let Some(path) = &connection.gitea_path {
            this.registry.push(Flag::new("--gitea-path", "PATH", path.as_str()));
        }
        this
    }

    /// Completes a command about a cluster.
    pub(in crate::commands) fn cluster(&self, context: Option<&str>, line: CommandLine) -> CommandLine {
        let line = match context {
            Some(context) => line.option("--context", "CONTEXT", context),
            None => line,
        };
        Flag::add(line, &self.cluster)
    }

    /// Completes a command about a registry and no cluster.
    pub(in crate::commands) fn registry(&self, line: CommandLine) -> CommandLine {
        Flag::add(line, &self.registry)
    }

    /// Completes a command about both.
    pub(in crate::commands) fn both(&self, line: CommandLine) -> CommandLine {
        self.cluster(None, self.registry(line))
    }

    /// `kubectl regcred login`. The user name may come from the cluster, so it is not trusted.
    pub(in crate::commands) fn login(&self, registry: &str, user: Option<&str>) -> CommandLine {
        let line = CommandLine::new("kubectl regcred login").value("REGISTRY", registry);
        self.registry(match user {
            Some(user) => line.words("-u").foreign("USER", user),
            None => line,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_for_connecting_are_repeated() {
        let flags = GivenFlags {
            cluster: vec![Flag::new("--kubeconfig", "FILE", "k c")],
            registry: vec![Flag::alone("--plain-http")],
        };
        let sync = CommandLine::new("kubectl regcred sync -n a");
        assert_eq!(
            flags.cluster(Some("prod"), sync).as_str(),
            "kubectl regcred sync -n a --context prod --kubeconfig 'k c'"
        );
        assert_eq!(flags.login("r", None).as_str(), "kubectl regcred login r --plain-http");
    }

    #[test]
    fn a_user_that_a_tenant_chose_is_a_name_or_is_left_out() {
        let flags = GivenFlags::default();
        for (user, shown) in [
            ("robot", "robot"),
            (r"\'; touch X; #", "USER"),
            ("a\nb", "USER"),
            ("-x", "USER"),
        ] {
            let line = flags.login("r", Some(user));
            assert_eq!(line.as_str(), format!("kubectl regcred login r -u {shown}"));
        }
    }
}
