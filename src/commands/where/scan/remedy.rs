//! How to be rid of a copy.

use super::found::Copy;
use super::kind::{Kind, Shell};
use crate::model::{CommandLine, Registry, Use};

/// What to run, and what to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands::r#where) struct Remedy {
    pub(in crate::commands::r#where) commands: Vec<CommandLine>,
    pub(in crate::commands::r#where) advice: &'static str,
}

impl Copy {
    /// How to be rid of it. `is_dead` is a token that was revoked.
    pub(in crate::commands::r#where) fn remedy(
        &self,
        registry: &Registry,
        usage: Option<Use>,
        is_current: bool,
        is_dead: bool,
    ) -> Remedy {
        let commands = match self.kind {
            Kind::EnvFile => self.removal.iter().cloned().collect(),
            Kind::DockerConfig => {
                let setup = CommandLine::new("kubectl regcred docker setup");
                vec![setup.value("REGISTRY", registry.as_str())]
            }
            Kind::GitObject if is_current => vec![rotate(registry, usage)],
            _ => Vec::new(),
        };
        let advice = match self.kind {
            Kind::EnvFile => "env file: delete the line with the token, which the keychain has",
            Kind::DockerConfig => "docker config: let docker and podman ask the keychain",
            Kind::Kubeconfig => "kubeconfig: delete the token from it; a registry's token is of no use there",
            Kind::GitCredentials => "git credentials: delete the token from the file, and give git one of its own",
            Kind::File => "file: delete the token from it, or the file",
            Kind::ShellHistory => match Shell::of(&self.file).unwrap_or(Shell::Other) {
                Shell::Bash => {
                    "bash history: delete the line with an editor, then run \"history -c; history -r\" in every open \
                     bash, which would write it again when it ends"
                }
                Shell::Zsh => {
                    "zsh history: run \"unset HISTFILE\" in every open zsh, which would write the line again when it \
                     ends, and delete the line with an editor"
                }
                Shell::Fish => {
                    "fish history: run \"history delete --contains docker\", or another word of that command, in fish, \
                     and choose the command"
                }
                Shell::Other => "shell history: close every open shell of its kind, and delete the line with an editor",
            },
            Kind::GitObject if is_dead => {
                "git object: nothing accepts the token any more; git-filter-repo takes it out of the history"
            }
            Kind::GitObject => {
                "git object: every clone and fork has it too, and what they have cannot be taken back: first put a new \
                 token in its place and revoke it, then take it out of this history with git-filter-repo"
            }
        };
        Remedy { commands, advice }
    }
}

/// What puts a new token in the place of one that others may have read.
pub(in crate::commands::r#where) fn rotate(registry: &Registry, usage: Option<Use>) -> CommandLine {
    let line = CommandLine::new("kubectl regcred rotate").value("REGISTRY", registry.as_str());
    match usage {
        Some(usage) => line.option("--use", "USE", usage.as_str()),
        None => line,
    }
}
