//! `kubectl regcred completion`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::complete;
use super::shared::program;
use super::system::System;
use crate::cluster;
use crate::error::CommandError;
use crate::model::printable;
use crate::sys::env::Env;
use crate::sys::link::{self, Alias, LinkPlan};
use crate::sys::on_path;

mod args;

pub use args::CompletionArgs;
use args::CompletionVerb;

/// The program that kubectl runs for completion.
const ALIAS: Alias = Alias {
    name: complete::PROGRAM,
    caller: "kubectl",
};

/// The first minor version of kubectl 1 that runs it (kubernetes/kubernetes#105867).
const SINCE: u32 = 26;

/// The time limit for another program to print its version.
const PATIENCE: Duration = Duration::from_secs(5);

/// How to load kubectl's own completion, which the plugin's completion needs.
const LOAD: &str = "in a shell that completes kubectl: source <(kubectl completion bash), or zsh, fish, powershell";

pub(super) fn run(verb: CompletionVerb, system: &mut System<'_>) -> Result<(), CommandError> {
    match verb {
        CompletionVerb::Install => install(system),
        CompletionVerb::Status => status(system),
        CompletionVerb::Remove => remove(system),
        CompletionVerb::Bash => script(include_str!("../../../completions/kubectl-regcred.bash"), system),
        CompletionVerb::Zsh => script(include_str!("../../../completions/_kubectl-regcred"), system),
        CompletionVerb::Fish => script(include_str!("../../../completions/kubectl-regcred.fish"), system),
        CompletionVerb::Powershell => script(include_str!("../../../completions/_kubectl-regcred.ps1"), system),
    }
}

fn script(text: &str, system: &mut System<'_>) -> Result<(), CommandError> {
    Ok(system.output.document(text)?)
}

fn install(system: &mut System<'_>) -> Result<(), CommandError> {
    let plan = observe(&system.env).plan()?;
    plan.apply()?;
    match plan {
        LinkPlan::Ready(at) => system.output.line(format_args!("{} is there already", at.display()))?,
        LinkPlan::Link { at, .. } => system.output.line(format_args!("{} made", at.display()))?,
    }
    if let Some(error) = too_old(version(&system.env).as_ref()) {
        return Err(error);
    }
    system.output.info(format_args!("hint: {LOAD}"));
    Ok(())
}

fn status(system: &mut System<'_>) -> Result<(), CommandError> {
    let at = match observe(&system.env).plan()? {
        LinkPlan::Ready(at) => at,
        LinkPlan::Link { .. } => {
            let name = ALIAS.name;
            return Err(CommandError::failed(format_args!(
                "kubectl does not complete regcred: there is no {name} on PATH"
            ))
            .hint("kubectl regcred completion install"));
        }
    };
    let version = version(&system.env);
    if let Some(error) = too_old(version.as_ref()) {
        return Err(error);
    }
    let kubectl = version.map_or_else(
        || "kubectl, if it is 1.26 or later,".to_owned(),
        |version| format!("kubectl {}", version.text),
    );
    system
        .output
        .line(format_args!("{kubectl} completes regcred through {}", at.display()))?;
    system.output.info(format_args!("hint: {LOAD}"));
    Ok(())
}

fn remove(system: &mut System<'_>) -> Result<(), CommandError> {
    let Some(at) = link::remove(ALIAS, &system.env)? else {
        let name = ALIAS.name;
        system
            .output
            .info(format_args!("there is no {name} that completion install has created"));
        return Ok(());
    };
    Ok(system.output.line(format_args!("{} removed", at.display()))?)
}

fn observe(env: &Env) -> link::Program {
    link::observe(ALIAS, env, |path| completes(path, env))
}

/// Whether the program completes our command line: the link, a copy, or a shell script that calls us.
fn completes(path: &Path, env: &Env) -> bool {
    let Some(text) = printed(path, ["version"], env) else {
        return false;
    };
    let mut lines = text.lines();
    lines
        .next()
        .is_some_and(|line| line.split('\t').next() == Some("version"))
        && lines.last() == Some(":4")
}

/// A version of kubectl.
struct Version {
    text: String,
    minor: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Versions {
    client_version: ClientVersion,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientVersion {
    git_version: String,
}

/// The version of kubectl; `None` if it is not known.
fn version(env: &Env) -> Option<Version> {
    let kubectl: PathBuf = on_path::programs("kubectl", env).into_iter().next()?;
    let text = printed(&kubectl, ["version", "--client", "-o", "json"], env)?;
    parse(&text)
}

fn parse(text: &str) -> Option<Version> {
    let versions: Versions = serde_json::from_str(text).ok()?;
    let text = printable(&versions.client_version.git_version, 40);
    let minor = text.strip_prefix("v1.")?.split('.').next()?.parse().ok()?;
    Some(Version { text, minor })
}

fn too_old(version: Option<&Version>) -> Option<CommandError> {
    let Version { text, .. } = version.filter(|version| version.minor < SINCE)?;
    Some(
        CommandError::failed(format_args!(
            "kubectl {text} does not complete plugins: 1.{SINCE} is the first that does"
        ))
        .hint("a newer kubectl: https://kubernetes.io/docs/tasks/tools"),
    )
}

fn printed<const N: usize>(program: &Path, args: [&str; N], env: &Env) -> Option<String> {
    cluster::block_on(program::printed(program, &args.map(OsStr::new), env, &[], PATIENCE)).ok()?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubectl_that_does_not_complete_plugins_is_recognised() {
        let version = |text: &str| parse(&format!(r#"{{"clientVersion":{{"gitVersion":"{text}"}},"x":1}}"#));
        for (text, is_too_old) in [
            ("v1.25.16", true),
            ("v1.26.0", false),
            ("v1.32.4-dispatcher", false),
            ("v1.37.1+k3s1", false),
            ("v2.0.0", false),
            ("what", false),
        ] {
            assert_eq!(too_old(version(text).as_ref()).is_some(), is_too_old, "{text}");
        }
        assert!(parse("kubectl").is_none());
    }
}
