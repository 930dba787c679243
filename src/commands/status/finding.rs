//! A finding: what is out of step, why, and the command that fixes it. Similar findings are grouped in the output.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{Code, Severity};
use super::given_flags::GivenFlags;
use crate::cluster::{self, SecretName};
use crate::model::{CommandLine, Hint, Use};

/// The most namespaces in one command, so that it stays readable.
const MAX_NAMESPACES: usize = 10;

/// The object of a finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::commands) struct Object {
    /// The kubeconfig's context, for an object in a cluster.
    pub(in crate::commands) context: Option<String>,
    pub(in crate::commands) namespace: Option<String>,
    /// `secret`, `serviceaccount`, `pod`; `registry`, `credential`, `keychain`, `file`, `program`, `cluster`.
    pub(in crate::commands) kind: &'static str,
    pub(in crate::commands) name: String,
}

impl Object {
    /// An object that is not in a cluster.
    pub(in crate::commands) fn here(kind: &'static str, name: impl Into<String>) -> Self {
        Self {
            context: None,
            namespace: None,
            kind,
            name: name.into(),
        }
    }

    /// The cluster of a context; an empty one is the current context.
    pub(in crate::commands) fn cluster(context: &str) -> Self {
        Self::here(
            "cluster",
            if context.is_empty() {
                "of the current context"
            } else {
                context
            },
        )
    }
}

/// How to fix a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::commands) struct Remedy {
    /// Commands to run first, in this order.
    pub(in crate::commands) commands: Vec<CommandLine>,
    /// The sync to run then.
    pub(in crate::commands) sync: Option<Sync>,
    /// What no command can do, or what to know before running one.
    pub(in crate::commands) advice: Option<String>,
}

/// A `sync` command that can be merged for several namespaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::commands) struct Sync {
    /// The value for `--context`, if it is needed.
    pub(in crate::commands) context: Option<String>,
    pub(in crate::commands) secret: String,
    pub(in crate::commands) registry: String,
    /// The use of the credential, if the list names one.
    pub(in crate::commands) usage: Option<Use>,
    pub(in crate::commands) service_accounts: Vec<String>,
    /// Further flags, such as `--restart`.
    pub(in crate::commands) more: Vec<&'static str>,
    pub(in crate::commands) namespace: String,
}

/// One thing that is out of step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) struct Finding {
    pub(in crate::commands) code: Code,
    pub(in crate::commands) object: Object,
    /// One sentence in lower case, without the object's name and a period. Findings with the same cause are grouped.
    pub(in crate::commands) cause: String,
    /// kubelet's message, of which the cause has only a part.
    pub(in crate::commands) message: Option<String>,
    pub(in crate::commands) remedy: Remedy,
}

impl Finding {
    /// A cluster that could not be read at all.
    pub(in crate::commands) fn unreachable(context: &str, error: &cluster::Error) -> Self {
        Self {
            message: None,
            code: match error {
                cluster::Error::Forbidden(_) => Code::NotAllowed,
                _ => Code::ClusterUnreachable,
            },
            object: Object::cluster(context),
            cause: error.to_string(),
            remedy: Remedy::of(error.hint()),
        }
    }
}

/// Findings that differ only in their objects.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::commands) struct Group<'a> {
    pub(in crate::commands) code: Code,
    pub(in crate::commands) cause: &'a str,
    pub(in crate::commands) objects: Vec<&'a Object>,
    pub(in crate::commands) commands: Vec<CommandLine>,
    /// The number of commands that are not shown.
    pub(in crate::commands) more_commands: usize,
    pub(in crate::commands) advice: Vec<&'a str>,
}

/// The most commands, and the most pieces of advice, that are shown for a group; the document has all of them.
const MAX_COMMANDS: usize = 5;

impl Remedy {
    pub(in crate::commands) fn command(command: CommandLine) -> Self {
        Self {
            commands: vec![command],
            ..Self::default()
        }
    }

    pub(in crate::commands) fn sync(sync: Sync) -> Self {
        Self {
            sync: Some(sync),
            ..Self::default()
        }
    }

    /// The hints of an error.
    pub(in crate::commands) fn of(hints: impl IntoIterator<Item = Hint>) -> Self {
        let hints: Vec<Hint> = hints.into_iter().collect();
        match &hints[..] {
            [] => Self::default(),
            [Hint::Command { command, .. }] => Self::command(command.clone()),
            several => {
                let lines: Vec<String> = several.iter().map(Hint::line).collect();
                Self::advice(lines.join("; "))
            }
        }
    }

    pub(in crate::commands) fn advice(advice: impl Into<String>) -> Self {
        Self::default().and(advice)
    }

    /// Adds advice.
    pub(in crate::commands) fn and(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// The commands of one finding, for its document.
    pub(in crate::commands) fn lines(&self, flags: &GivenFlags) -> Vec<CommandLine> {
        let sync = self.sync.iter().map(|sync| sync.line(&[&sync.namespace], flags));
        self.commands.iter().cloned().chain(sync).collect()
    }
}

impl Sync {
    fn line(&self, namespaces: &[&str], flags: &GivenFlags) -> CommandLine {
        let mut line = CommandLine::new("kubectl regcred sync");
        for namespace in namespaces {
            line = line.option("-n", "NAMESPACE", namespace);
        }
        if self.secret != SecretName::DEFAULT {
            line = line.option("--secret", "SECRET", &self.secret);
        }
        line = line.option("--registry", "REGISTRY", &self.registry);
        if let Some(usage) = &self.usage {
            line = line.option("--use", "USE", usage.as_str());
        }
        for account in &self.service_accounts {
            line = line.option("--service-account", "SERVICE-ACCOUNT", account);
        }
        for words in &self.more {
            line = line.words(words);
        }
        flags.cluster(self.context.as_deref(), line)
    }

    /// The same without the namespace, for grouping.
    fn kind(&self) -> Self {
        Self {
            namespace: String::new(),
            ..self.clone()
        }
    }
}

/// Sorts findings into the order of the output, and groups similar ones.
pub(in crate::commands) fn groups<'a>(findings: &'a [Finding], flags: &GivenFlags) -> Vec<Group<'a>> {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    let key = |finding: &'a Finding| {
        (
            // Notes come last.
            finding.code.severity() == Severity::Note,
            finding.code.rank(),
            &finding.object.context,
            finding.object.kind,
            finding.cause.as_str(),
        )
    };
    sorted.sort_by(|one, other| key(one).cmp(&key(other)).then_with(|| one.object.cmp(&other.object)));
    sorted
        .chunk_by(|one, other| key(one) == key(other))
        .map(|alike| group(alike, flags))
        .collect()
}

fn group<'a>(alike: &[&'a Finding], flags: &GivenFlags) -> Group<'a> {
    let mut syncs: BTreeMap<Sync, BTreeSet<&str>> = BTreeMap::new();
    let mut commands: Vec<CommandLine> = Vec::new();
    let mut advice: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    for finding in alike {
        let remedy = &finding.remedy;
        commands.extend(remedy.commands.iter().filter(|line| seen.insert(*line)).cloned());
        if let Some(sync) = &remedy.sync {
            syncs.entry(sync.kind()).or_default().insert(sync.namespace.as_str());
        }
        if let Some(text) = &remedy.advice
            && advice.len() < MAX_COMMANDS
            && !advice.contains(&text.as_str())
        {
            advice.push(text);
        }
    }
    for (kind, namespaces) in syncs {
        let namespaces: Vec<&str> = namespaces.into_iter().collect();
        let few = namespaces.chunks(MAX_NAMESPACES);
        commands.extend(few.map(|few| kind.line(few, flags)));
    }
    let more_commands = commands.len().saturating_sub(MAX_COMMANDS);
    commands.truncate(MAX_COMMANDS);
    // A chunk is never empty.
    let first = alike[0];
    Group {
        code: first.code,
        cause: &first.cause,
        objects: alike.iter().map(|finding| &finding.object).collect(),
        commands,
        more_commands,
        advice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: Code, namespace: &str, secret: &str) -> Finding {
        Finding {
            message: None,
            code,
            object: Object {
                context: Some("prod".into()),
                namespace: Some(namespace.into()),
                kind: "secret",
                name: secret.into(),
            },
            cause: "it differs".into(),
            remedy: Remedy::sync(Sync {
                context: None,
                secret: secret.into(),
                registry: "gitea.example.com".into(),
                usage: None,
                service_accounts: vec![],
                more: vec![],
                namespace: namespace.into(),
            }),
        }
    }

    #[test]
    fn similar_findings_are_grouped() {
        let findings = [
            finding(Code::SecretStale, "b", "gitea-credentials"),
            finding(Code::SecretStale, "a", "gitea-credentials"),
            finding(Code::SecretStale, "a", "other"),
            finding(Code::SecretBroken, "a", "gitea-credentials"),
        ];
        let groups = groups(&findings, &GivenFlags::default());
        let codes: Vec<_> = groups.iter().map(|group| group.code).collect();
        assert_eq!(codes, [Code::SecretBroken, Code::SecretStale]);
        assert_eq!(
            groups[1].commands.iter().map(CommandLine::as_str).collect::<Vec<_>>(),
            [
                "kubectl regcred sync -n a -n b --registry gitea.example.com",
                "kubectl regcred sync -n a --secret other --registry gitea.example.com",
            ]
        );
        let places: Vec<_> = groups[1]
            .objects
            .iter()
            .map(|object| object.namespace.clone().unwrap())
            .collect();
        assert_eq!(places, ["a", "a", "b"]);
    }

    #[test]
    fn thousands_of_findings_become_a_few_readable_commands() {
        let findings: Vec<_> = (0..2_000)
            .map(|at| finding(Code::SecretStale, &format!("ns-{at:04}"), "gitea-credentials"))
            .collect();
        let groups = groups(&findings, &GivenFlags::default());
        assert_eq!((groups.len(), groups[0].objects.len()), (1, 2_000));
        assert_eq!(groups[0].commands.len(), MAX_COMMANDS);
        for command in &groups[0].commands {
            assert_eq!(command.as_str().matches(" -n ").count(), MAX_NAMESPACES);
        }
        assert_eq!(groups[0].more_commands, 2_000 / MAX_NAMESPACES - MAX_COMMANDS);
    }
}
