//! Adds the connection flags that were given to the commands that are printed.

use crate::cluster::Subject;
use crate::commands::args::{ClusterArgs, RegistryConnectionArgs};
use crate::model::CommandLine;

/// Those of kubectl's flags that say which cluster is meant, and not who asks.
const PLACES: [&str; 2] = ["--kubeconfig", "--cluster"];

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
        if let Some(file) = &connection.ca_file {
            this.registry
                .push(Flag::new("--ca-file", "FILE", &file.path().display()));
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

    /// The same about a cluster that was not looked at, to which what was said of another does not apply.
    pub(in crate::commands) fn other_cluster(&self, context: Option<&str>, line: CommandLine) -> CommandLine {
        let line = match context {
            Some(context) => line.option("--context", "CONTEXT", context),
            None => line,
        };
        Flag::add(line, self.cluster.iter().filter(|flag| flag.name == "--kubeconfig"))
    }

    /// Completes a command about a registry and no cluster.
    pub(in crate::commands) fn registry(&self, line: CommandLine) -> CommandLine {
        Flag::add(line, &self.registry)
    }

    /// Completes a command about both.
    pub(in crate::commands) fn both(&self, line: CommandLine) -> CommandLine {
        self.cluster(None, self.registry(line))
    }

    /// Applies a Role to the cluster that was looked at, for the user that was refused there, by the server's message.
    pub(in crate::commands) fn grant(
        &self,
        context: Option<&str>,
        role: CommandLine,
        user: Option<&str>,
    ) -> CommandLine {
        let role = match user.map(Subject::of_user) {
            Some(Subject::ServiceAccount { namespace, name }) => {
                let account = format!("{namespace}:{name}");
                role.words("--serviceaccount").foreign("NAMESPACE:NAME", account)
            }
            Some(Subject::User(name) | Subject::Group(name)) => role.words("--user").foreign("USER", name),
            None => role,
        };
        self.apply(context, &role)
    }

    /// Applies a Role to the cluster that was looked at. The flags of who looked are left out: somebody else has to do it.
    pub(in crate::commands) fn apply(&self, context: Option<&str>, role: &CommandLine) -> CommandLine {
        let mut apply = CommandLine::new("kubectl apply");
        if let Some(context) = context {
            apply = apply.option("--context", "CONTEXT", context);
        }
        let places = self.cluster.iter().filter(|flag| PLACES.contains(&flag.name));
        role.clone().pipe(&Flag::add(apply, places).words("-f -"))
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
    fn a_role_is_applied_to_the_same_cluster_by_somebody_else() {
        let flags = GivenFlags {
            cluster: vec![
                Flag::new("--kubeconfig", "FILE", "k c"),
                Flag::new("--cluster", "CLUSTER", "c"),
                Flag::new("--user", "USER", "u"),
                Flag::new("--as", "USER", "robot"),
            ],
            registry: vec![Flag::alone("--plain-http")],
        };
        for (user, subject) in [
            (Some("robot"), " --user robot"),
            (Some("system:serviceaccount:ci:robot"), " --serviceaccount ci:robot"),
            (None, ""),
        ] {
            let role = CommandLine::new("kubectl regcred rbac --status");
            assert_eq!(
                flags.grant(Some("prod"), role, user).as_str(),
                format!(
                    "kubectl regcred rbac --status{subject} | \
                     kubectl apply --context prod --kubeconfig 'k c' --cluster c -f -"
                )
            );
        }
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
