//! The credential plugin of a kubeconfig user, run once.
//!
//! kube would run it three times for one client and quote its output in errors. Here it runs once, what it gives is
//! put into the user, and its output, which holds the credential, is shown nowhere. The protocol:
//! <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::{AuthInfo, ExecAuthCluster, ExecConfig, ExecInteractiveMode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::io::AsyncReadExt as _;
use zeroize::Zeroize;

use crate::cluster::untrusted::untrusted;
use crate::model::CommandLine;
use crate::sys::env::Env;
use crate::sys::{on_path, secret_buffer};

const V1: &str = "client.authentication.k8s.io/v1";
const V1_BETA1: &str = "client.authentication.k8s.io/v1beta1";

/// The longest output of a plugin that is read, in octets: several chains of certificates.
const MAX_PRINTED: usize = 1024 * 1024;
/// Enough for nearly every plugin, in octets.
const USUALLY_PRINTED: usize = 16 * 1024;

/// Why the credential plugin gave no credential. Never quotes what it printed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecError {
    /// No `command` in the kubeconfig.
    #[error("the kubeconfig's credential plugin has no command")]
    NoCommand,
    /// An `apiVersion` that is neither v1 nor v1beta1.
    #[error("the kubeconfig's credential plugin {command} wants apiVersion {:?}, not {V1} or {V1_BETA1}", untrusted(.version))]
    Version {
        command: String,
        /// What the kubeconfig says.
        version: String,
    },
    /// `interactiveMode` is missing in v1, where it must be set.
    #[error("the kubeconfig's credential plugin {command} has no interactiveMode, which {V1} demands")]
    NoInteractiveMode { command: String },
    /// `interactiveMode: Always`, and standard input is no terminal.
    #[error("the kubeconfig's credential plugin {command} needs a terminal, and standard input is none")]
    NeedsTerminal { command: String },
    /// The same, and nobody is asked.
    #[error(
        "the kubeconfig's credential plugin {command} needs a terminal, and gets none, because other contexts are looked into too"
    )]
    NeedsTerminalOfItsOwn { command: String, context: String },
    /// It did not end in time.
    #[error("the kubeconfig's credential plugin {command} gave no credential within {} s", .limit.as_secs_f32())]
    TimedOut {
        command: String,
        context: String,
        limit: Duration,
    },
    /// It could not be started.
    #[error("the kubeconfig's credential plugin {command} cannot be started: {source}")]
    Start {
        command: String,
        /// The kubeconfig's `installHint`.
        install_hint: Option<String>,
        /// What the system says.
        source: std::io::Error,
    },
    /// It said that it failed.
    #[error("the kubeconfig's credential plugin {command} failed: {status}")]
    Failed {
        command: String,
        context: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// What it printed is not an `ExecCredential`.
    #[error("the kubeconfig's credential plugin {command} {what}")]
    Answer {
        command: String,
        context: String,
        /// What is wrong with its answer.
        what: &'static str,
    },
    /// The cluster's CA, which it should be given, cannot be read.
    #[error("the cluster's certificate authority cannot be read for the credential plugin {command}")]
    ClusterInfo { command: String },
}

impl ExecError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Start {
                install_hint: Some(hint),
                ..
            } => Some(untrusted(hint)),
            Self::Start { command, .. } => Some(format!("install {command} or put it on PATH")),
            Self::Failed { context, .. } | Self::Answer { context, .. } => {
                Some(format!("does `{}` work? It runs the same plugin", same(context)))
            }
            Self::NeedsTerminalOfItsOwn { context, .. } | Self::TimedOut { context, .. } => Some(format!(
                "log in first, where the plugin can ask: `{}` runs the same one",
                same(context)
            )),
            _ => None,
        }
    }
}

/// The command that runs the plugin of a context.
fn same(context: &str) -> CommandLine {
    let line = CommandLine::new("kubectl get namespaces");
    match context {
        "" => line,
        context => line.option("--context", "NAME", context),
    }
}

/// For whom a plugin is run.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    /// The context's name; may be empty.
    pub context: &'a str,
    /// Nobody is asked anything: it gets no terminal, and no longer than this.
    pub is_unattended: bool,
    pub limit: Option<Duration>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    api_version: &'a str,
    kind: &'static str,
    spec: Spec<'a>,
}

#[derive(Serialize)]
struct Spec<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a ExecAuthCluster>,
    interactive: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: String,
    kind: String,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

impl Drop for Status {
    fn drop(&mut self) {
        self.token.zeroize();
        self.client_key_data.zeroize();
    }
}

/// Runs the user's plugin, if it has one and nothing else to log in with, and puts what it gives into the user.
///
/// A plugin that needs no terminal also runs when nobody is there; dropping the returned future ends it.
pub async fn resolve(
    user: &mut AuthInfo,
    cluster: &kube::config::Cluster,
    env: &Env,
    caller: Caller<'_>,
) -> Result<(), ExecError> {
    let Some(exec) = user.exec.take() else { return Ok(()) };
    // client-go: what is already there to authenticate a request is not replaced.
    let is_given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    let has_token = user
        .token
        .as_ref()
        .is_some_and(|token| !token.expose_secret().is_empty());
    if has_token || is_given(&user.token_file) || is_given(&user.username) {
        return Ok(());
    }
    let running = run(&exec, cluster, env, caller);
    let mut status = match caller.limit.filter(|_| caller.is_unattended) {
        None => running.await?,
        Some(limit) => {
            let ran = tokio::time::timeout(limit, running).await;
            ran.map_err(|_| ExecError::TimedOut {
                command: untrusted(exec.command.as_deref().unwrap_or_default()),
                context: caller.context.to_owned(),
                limit,
            })??
        }
    };
    if let (Some(certificate), Some(key)) = (&status.client_certificate_data, &status.client_key_data) {
        user.client_certificate_data = Some(STANDARD.encode(certificate));
        user.client_key_data = Some(SecretString::from(STANDARD.encode(key)));
        (user.client_certificate, user.client_key) = (None, None);
    }
    user.token = status.token.take().map(SecretString::from);
    Ok(())
}

async fn run(
    exec: &ExecConfig,
    cluster: &kube::config::Cluster,
    env: &Env,
    caller: Caller<'_>,
) -> Result<Status, ExecError> {
    let is_unattended = caller.is_unattended;
    let context = || caller.context.to_owned();
    let program = exec
        .command
        .as_deref()
        .filter(|command| !command.is_empty())
        .ok_or(ExecError::NoCommand)?;
    let command = || untrusted(program);
    let version = exec.api_version.as_deref().unwrap_or_default();
    if version != V1 && version != V1_BETA1 {
        return Err(ExecError::Version {
            command: command(),
            version: version.to_owned(),
        });
    }
    let terminal = !is_unattended && std::io::stdin().is_terminal();
    let interactive = match (&exec.interactive_mode, version) {
        (None, V1) => return Err(ExecError::NoInteractiveMode { command: command() }),
        (Some(ExecInteractiveMode::Never), _) => false,
        (Some(ExecInteractiveMode::Always), _) if is_unattended => {
            return Err(ExecError::NeedsTerminalOfItsOwn {
                command: command(),
                context: context(),
            });
        }
        (Some(ExecInteractiveMode::Always), _) if !terminal => {
            return Err(ExecError::NeedsTerminal { command: command() });
        }
        (None | Some(ExecInteractiveMode::IfAvailable | ExecInteractiveMode::Always), _) => terminal,
    };
    let info = exec
        .provide_cluster_info
        .then(|| ExecAuthCluster::try_from(cluster))
        .transpose()
        .map_err(|_| ExecError::ClusterInfo { command: command() })?;
    let request = Request {
        api_version: version,
        kind: "ExecCredential",
        spec: Spec {
            cluster: info.as_ref(),
            interactive,
        },
    };
    let request = serde_json::to_string(&request).map_err(|_| ExecError::ClusterInfo { command: command() })?;

    let start = |source| ExecError::Start {
        command: command(),
        install_hint: exec.install_hint.clone(),
        source,
    };
    // As Go's LookPath, by which kubectl finds it: what is named with its folder is that file, anything else is on PATH, of
    // which a relative or empty entry would be a file of whatever folder this is.
    let file = if Path::new(program).components().count() > 1 {
        PathBuf::from(program)
    } else {
        on_path::find(program, env).ok_or_else(|| {
            start(std::io::Error::new(
                std::io::ErrorKind::NotFound,
                "No such file in the folders of PATH",
            ))
        })?
    };
    let mut child = tokio::process::Command::new(file);
    child.args(exec.args.iter().flatten()).env_clear().envs(env.iter());
    for entry in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (entry.get("name"), entry.get("value")) {
            child.env(name, value);
        }
    }
    child
        .env("KUBERNETES_EXEC_INFO", request)
        .stdin(if interactive { Stdio::inherit() } else { Stdio::null() })
        .stdout(Stdio::piped())
        // As with kubectl: "open this page to log in" has to reach the person.
        .stderr(if is_unattended { Stdio::null() } else { Stdio::inherit() })
        .kill_on_drop(true);
    let wrong = |what| ExecError::Answer {
        command: command(),
        context: context(),
        what,
    };
    // Not `output()`: tokio's takes standard error away, whatever was said about it before.
    let mut child = child.spawn().map_err(start)?;
    let mut printed = secret_buffer::new(USUALLY_PRINTED, MAX_PRINTED);
    if let Some(mut stdout) = child.stdout.take() {
        loop {
            if !secret_buffer::has_room(&mut printed, MAX_PRINTED) {
                return Err(wrong("printed more than a credential"));
            }
            if stdout.read_buf(&mut *printed).await.map_err(start)? == 0 {
                break;
            }
        }
    }
    let status = child.wait().await.map_err(start)?;
    if !status.success() {
        return Err(ExecError::Failed {
            command: command(),
            context: context(),
            status,
        });
    }
    answer(&printed, version).map_err(wrong)
}

fn answer(printed: &[u8], version: &str) -> Result<Status, &'static str> {
    let answer: Answer = serde_json::from_slice(printed).map_err(|_| "did not print an ExecCredential")?;
    if answer.kind != "ExecCredential" {
        return Err("did not print an ExecCredential");
    }
    if answer.api_version != version {
        return Err("answered in another apiVersion than the kubeconfig asks for");
    }
    let status = answer.status.ok_or("gave no credential")?;
    let pair = (
        status.client_certificate_data.is_some(),
        status.client_key_data.is_some(),
    );
    match (status.token.as_deref().unwrap_or_default(), pair) {
        (_, (true, false) | (false, true)) => Err("gave only one half of a client certificate and its key"),
        ("", (false, false)) => Err("gave neither a token nor a client certificate"),
        _ => Ok(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v1(status: &str) -> String {
        format!(r#"{{"apiVersion":"{V1}","kind":"ExecCredential","status":{status}}}"#)
    }

    #[test]
    fn answers_are_checked_and_not_quoted() {
        assert_eq!(
            answer(v1(r#"{"token":"t","expirationTimestamp":"x"}"#).as_bytes(), V1)
                .unwrap()
                .token
                .as_deref(),
            Some("t")
        );
        assert!(
            answer(
                v1(r#"{"clientCertificateData":"c","clientKeyData":"k"}"#).as_bytes(),
                V1
            )
            .is_ok()
        );
        for status in ["null", "{}", r#"{"token":""}"#, r#"{"clientKeyData":"k"}"#] {
            assert!(answer(v1(status).as_bytes(), V1).is_err(), "{status}");
        }
        assert!(answer(v1(r#"{"token":"t"}"#).as_bytes(), V1_BETA1).is_err());
        assert!(answer(b"Password: s3cret", V1).is_err_and(|what| !what.contains("s3cret")));
    }

    /// What a plugin prints fills no memory, and the plugin ends.
    #[cfg(unix)]
    #[test]
    fn a_plugin_without_an_end_is_ended() {
        let exec = serde_json::json!({
            "apiVersion": V1, "command": "yes", "interactiveMode": "Never",
        });
        let exec: ExecConfig = serde_json::from_value(exec).unwrap();
        let env = [("PATH", "/usr/bin:/bin")].into_iter().collect();
        let cluster = kube::config::Cluster::default();
        let caller = Caller {
            context: "",
            is_unattended: true,
            limit: None,
        };
        let ran = crate::cluster::block_on(run(&exec, &cluster, &env, caller)).unwrap();
        assert!(ran.is_err_and(|error| error.to_string().contains("more than a credential")));
    }
}
