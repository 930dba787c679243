//! A finding: what is out of step, why, and the command that mends it; and how many alike become one on the screen.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{Code, Severity};
use super::given_flags::GivenFlags;
use crate::cluster::SecretName;
use crate::model::{CommandLine, Hint};

/// Namespaces that one command names at most: a line of 50 names can hardly be read.
const MAX_NAMESPACES: usize = 10;

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Object {
    /// The kubeconfig's context, for what is in a cluster.
    pub(super) context: Option<String>,
    pub(super) namespace: Option<String>,
    /// `secret`, `serviceaccount`, `pod`; `registry`, `credential`, `keychain`, `file`, `program`, `cluster`.
    pub(super) kind: &'static str,
    pub(super) name: String,
}

impl Object {
    /// Something that is not in a cluster.
    pub(super) fn here(kind: &'static str, name: impl Into<String>) -> Self {
        Self {
            context: None,
            namespace: None,
            kind,
            name: name.into(),
        }
    }
}

/// What mends it; nothing where a person has to do something elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Remedy {
    /// These commands first, one after the other.
    pub(super) commands: Vec<CommandLine>,
    /// Then this.
    pub(super) sync: Option<Sync>,
    /// What no command does, or what to know before typing one.
    pub(super) advice: Option<String>,
}

/// A `sync` that can be one for several namespaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sync {
    /// `--context`, where it has to be named.
    pub(super) context: Option<String>,
    pub(super) secret: String,
    pub(super) registry: String,
    pub(super) service_accounts: Vec<String>,
    /// Flags beyond these, such as `--restart`.
    pub(super) more: Vec<&'static str>,
    pub(super) namespace: String,
}

/// One thing that is out of step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) code: Code,
    pub(super) object: Object,
    /// One sentence without its object's name, lower case, no period: what is the same is said once.
    pub(super) cause: String,
    /// What kubelet says, whole as far as it is kept, of which the cause has only a part.
    pub(super) message: Option<String>,
    pub(super) remedy: Remedy,
}

/// Findings that differ only in their objects.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group<'a> {
    pub(super) code: Code,
    pub(super) cause: &'a str,
    pub(super) objects: Vec<&'a Object>,
    pub(super) commands: Vec<CommandLine>,
    /// Further commands that are not shown.
    pub(super) more_commands: usize,
    pub(super) advice: Vec<&'a str>,
}

/// Commands of one group that are shown, and as many pieces of advice; the document has them all.
const MAX_COMMANDS: usize = 5;

impl Remedy {
    pub(super) fn command(command: CommandLine) -> Self {
        Self {
            commands: vec![command],
            ..Self::default()
        }
    }

    pub(super) fn sync(sync: Sync) -> Self {
        Self {
            sync: Some(sync),
            ..Self::default()
        }
    }

    /// What an error says to do next.
    pub(super) fn of(hints: impl IntoIterator<Item = Hint>) -> Self {
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

    pub(super) fn advice(advice: impl Into<String>) -> Self {
        Self::default().and(advice)
    }

    /// The same, with this to know.
    pub(super) fn and(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// The commands of one finding, for its document.
    pub(super) fn lines(&self, flags: &GivenFlags) -> Vec<CommandLine> {
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
        for account in &self.service_accounts {
            line = line.option("--service-account", "SERVICE-ACCOUNT", account);
        }
        for words in &self.more {
            line = line.words(words);
        }
        flags.cluster(self.context.as_deref(), line)
    }

    /// The same for any namespace.
    fn kind(&self) -> Self {
        Self {
            namespace: String::new(),
            ..self.clone()
        }
    }
}

/// Brings findings into the order of the screen, and those that say the same together.
pub(super) fn groups<'a>(findings: &'a [Finding], flags: &GivenFlags) -> Vec<Group<'a>> {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    let key = |finding: &'a Finding| {
        (
            // What is only worth knowing comes after what is wrong.
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
                service_accounts: vec![],
                more: vec![],
                namespace: namespace.into(),
            }),
        }
    }

    #[test]
    fn what_says_the_same_is_said_once() {
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
    fn thousands_are_a_few_commands_that_can_be_read() {
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
