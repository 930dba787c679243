//! The kubeconfig, read as kubectl reads it.
//!
//! kube parses and merges the files. What is here is what client-go does and kube does not: missing files in
//! `$KUBECONFIG` are skipped, an empty namespace is `default`, an empty `current-context` is none, and a user that a
//! context names must exist (client-go's `tools/clientcmd`: `loader.go`, `client_config.go`, `validation.go`).

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Kubeconfig};
use thiserror::Error;

use super::options::ConnectOptions;
use crate::cluster::untrusted::untrusted;
use crate::model::{NameError, Namespace};
use crate::sys::env::Env;

/// The part of the kubeconfig that one context, with the options, points at.
pub struct Selection {
    /// Empty where `--cluster` was given and no context is set.
    pub context: String,
    pub namespace: Namespace,
    pub cluster: kube::config::Cluster,
    pub user: AuthInfo,
}

/// Why the kubeconfig leads to no cluster.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KubeconfigError {
    /// A file that exists, or that was named, cannot be read.
    #[error("cannot read the kubeconfig {}: {source}", .file.display())]
    Read {
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// `$KUBECONFIG` names files, and none of them is there.
    #[error("none of the files that $KUBECONFIG names is there: {}", shown(.files))]
    Missing {
        /// The files.
        files: Vec<PathBuf>,
    },
    /// Two entries of a file have the same name, so it is ambiguous.
    #[error("the kubeconfig {} has two {kind}s named {:?}", .file.display(), untrusted(.name))]
    Twice {
        file: PathBuf,
        /// `context`, `cluster` or `user`.
        kind: &'static str,
        name: String,
    },
    /// A file is no kubeconfig. Its text is not quoted: it holds credentials.
    #[error("{} is not a kubeconfig{}", .file.display(), place(*.line, *.column))]
    Syntax {
        file: PathBuf,
        /// Counted from 1; 0 where unknown.
        line: u64,
        /// Counted from 1; 0 where unknown.
        column: u64,
    },
    /// Two files that cannot be merged.
    #[error("the files of $KUBECONFIG are of different kinds")]
    Merge,
    /// There is no kubeconfig and this is not a pod.
    #[error("there is no kubeconfig: neither --kubeconfig, $KUBECONFIG nor ~/.kube/config leads to one")]
    None,
    /// No `current-context` and no `--context`.
    #[error("the kubeconfig has no current context; there {}", those(.there))]
    NoContext {
        /// The names that there are.
        there: Vec<String>,
    },
    /// A name that leads nowhere.
    #[error("the kubeconfig has no {kind} named {:?}; there {}", untrusted(.name), those(.there))]
    NoSuch {
        /// `context`, `cluster` or `user`.
        kind: &'static str,
        /// The requested name.
        name: String,
        /// The names that there are.
        there: Vec<String>,
    },
    /// The context's namespace cannot be one.
    #[error("the namespace of context {context:?} is no name of a namespace: {source}")]
    Namespace { context: String, source: NameError },
}

impl KubeconfigError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::None => {
                "set KUBECONFIG or give --kubeconfig FILE; on k3s that is /etc/rancher/k3s/k3s.yaml".to_owned()
            }
            Self::NoContext { .. } => "choose one with --context NAME or `kubectl config use-context NAME`".to_owned(),
            Self::NoSuch { kind, .. } => format!("`kubectl config get-{kind}s` lists them"),
            Self::Namespace { .. } => "give a namespace with -n".to_owned(),
            Self::Missing { .. } => {
                "set KUBECONFIG to a file that is there, or unset it: then ~/.kube/config is read".to_owned()
            }
            Self::Twice { .. } => "rename one of them; kubectl refuses the file as well".to_owned(),
            Self::Read { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
                "ask for a copy that you may read, and name it with --kubeconfig FILE; on k3s only root may read its own"
                    .to_owned()
            }
            Self::Read { .. } => "name another file with --kubeconfig FILE, or correct KUBECONFIG".to_owned(),
            Self::Syntax { .. } => {
                "correct it, or get it anew from whoever runs the cluster; `kubectl config view` reads it as well".to_owned()
            }
            Self::Merge => "each of the files needs `apiVersion: v1` and `kind: Config`".to_owned(),
        }
    }
}

fn place(line: u64, column: u64) -> String {
    if line == 0 {
        String::new()
    } else {
        format!(": line {line} column {column}")
    }
}

fn shown(files: &[PathBuf]) -> String {
    let names: Vec<_> = files
        .iter()
        .map(|file| untrusted(&file.display().to_string()))
        .collect();
    names.join(", ")
}

fn those(names: &[String]) -> String {
    /// The most names that an error lists.
    const SHOWN: usize = 20;
    if names.is_empty() {
        return "are none".to_owned();
    }
    let mut text = format!(
        "are: {}",
        names
            .iter()
            .take(SHOWN)
            .map(|name| untrusted(name))
            .collect::<Vec<_>>()
            .join(", ")
    );
    if names.len() > SHOWN {
        text.push_str(", …");
    }
    text
}

/// Reads the files and follows the context. `None` where there is nothing to follow, as in a pod.
pub fn select(env: &Env, options: &ConnectOptions) -> Result<Option<Selection>, KubeconfigError> {
    let config = load(env, options.kubeconfig.as_deref())?;
    let nothing = config.clusters.is_empty() && config.contexts.is_empty() && config.current_context.is_none();
    if nothing && options.context.is_none() && options.cluster.is_none() && options.kubeconfig.is_none() {
        return Ok(None);
    }
    follow(&config, options).map(Some)
}

pub fn load(env: &Env, file: Option<&Path>) -> Result<Kubeconfig, KubeconfigError> {
    if let Some(file) = file {
        return read(file);
    }
    let files: Vec<PathBuf> = match env.os("KUBECONFIG") {
        Some(list) => std::env::split_paths(list)
            .filter(|file| !file.as_os_str().is_empty())
            .collect(),
        None => env
            .home()
            .map(|home| home.join(".kube").join("config"))
            .into_iter()
            .collect(),
    };
    let is_there = |file: &&PathBuf| file.symlink_metadata().is_ok();
    // kubectl warns and then uses localhost:8080, or in a pod the pod's own cluster. Naming a file means that file.
    if env.os("KUBECONFIG").is_some() && !files.is_empty() && !files.iter().any(|file| is_there(&file)) {
        return Err(KubeconfigError::Missing { files });
    }
    let mut merged = Kubeconfig::default();
    for file in files.iter().filter(is_there) {
        merged = merged.merge(read(file)?).map_err(|_| KubeconfigError::Merge)?;
    }
    Ok(merged)
}

fn read(file: &Path) -> Result<Kubeconfig, KubeconfigError> {
    let mut config = Kubeconfig::read_from(file).map_err(|error| match error {
        kube::config::KubeconfigError::ReadConfig(source, _) => KubeconfigError::Read {
            file: file.into(),
            source,
        },
        kube::config::KubeconfigError::Parse(error) => {
            // Not its Display, which quotes the lines around the place.
            let (line, column) = error.location().map_or((0, 0), |place| (place.line(), place.column()));
            KubeconfigError::Syntax {
                file: file.into(),
                line,
                column,
            }
        }
        _ => KubeconfigError::Merge,
    })?;
    config.current_context = config.current_context.filter(|name| !name.is_empty());
    unique(file, "cluster", config.clusters.iter().map(|named| &named.name))?;
    unique(file, "context", config.contexts.iter().map(|named| &named.name))?;
    unique(file, "user", config.auth_infos.iter().map(|named| &named.name))?;
    Ok(config)
}

/// As client-go's `Convert_Slice_v1_NamedCluster_To_Map` and its kin: of two files the first has the word, within one file a
/// name is there once.
fn unique<'a>(file: &Path, kind: &'static str, names: impl Iterator<Item = &'a String>) -> Result<(), KubeconfigError> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(KubeconfigError::Twice {
                file: file.into(),
                kind,
                name: name.clone(),
            });
        }
    }
    Ok(())
}

fn follow(config: &Kubeconfig, options: &ConnectOptions) -> Result<Selection, KubeconfigError> {
    let contexts = || config.contexts.iter().map(|named| named.name.clone()).collect();
    let name = options.context.clone().or_else(|| config.current_context.clone());
    let context = match &name {
        Some(name) => config
            .contexts
            .iter()
            .find(|named| named.name == *name)
            .map(|named| named.context.clone().unwrap_or_default())
            .ok_or_else(|| KubeconfigError::NoSuch {
                kind: "context",
                name: name.clone(),
                there: contexts(),
            })?,
        None if options.cluster.is_some() => kube::config::Context::default(),
        None => return Err(KubeconfigError::NoContext { there: contexts() }),
    };
    let context_name = name.unwrap_or_default();
    let namespace = match context.namespace.as_deref() {
        None | Some("") => Namespace::of_default(),
        Some(text) => text.parse().map_err(|source| KubeconfigError::Namespace {
            context: untrusted(&context_name),
            source,
        })?,
    };

    let cluster_name = options.cluster.as_ref().unwrap_or(&context.cluster);
    let there = || config.clusters.iter().map(|named| named.name.clone()).collect();
    let cluster = config
        .clusters
        .iter()
        .find(|named| named.name == *cluster_name)
        .and_then(|named| named.cluster.clone())
        .ok_or_else(|| KubeconfigError::NoSuch {
            kind: "cluster",
            name: cluster_name.clone(),
            there: there(),
        })?;

    // An empty name means no user; a name without an entry is a mistake.
    let user_name = options
        .user
        .as_ref()
        .or(context.user.as_ref())
        .filter(|name| !name.is_empty());
    let there = || config.auth_infos.iter().map(|named| named.name.clone()).collect();
    let user = match user_name {
        None => AuthInfo::default(),
        Some(name) => config
            .auth_infos
            .iter()
            .find(|named| named.name == *name)
            .map(|named| named.auth_info.clone().unwrap_or_default())
            .ok_or_else(|| KubeconfigError::NoSuch {
                kind: "user",
                name: name.clone(),
                there: there(),
            })?,
    };
    Ok(Selection {
        context: context_name,
        namespace,
        cluster,
        user,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    const FIRST: &str = "clusters:\n- {name: a, cluster: {server: 'https://a:6443', certificate-authority: ca.crt}}\ncurrent-context: ''\n";
    const SECOND: &str = "clusters:\n- {name: a, cluster: {server: 'https://other'}}\ncontexts:\n- {name: one, context: {cluster: a, user: u, namespace: ''}}\n- {name: two, context: {cluster: b, user: '', namespace: team}}\ncurrent-context: one\nusers:\n- {name: u, user: {tokenFile: sub/token}}\n";

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("first"), FIRST).unwrap();
        std::fs::write(folder.path().join("second"), SECOND).unwrap();
        folder
    }

    fn env(folder: &Path, files: &[&str]) -> Env {
        let list = std::env::join_paths(files.iter().map(|file| match *file {
            "" => PathBuf::new(),
            file => folder.join(file),
        }));
        [("KUBECONFIG", list.unwrap()), ("HOME", OsString::from(folder))]
            .into_iter()
            .collect()
    }

    fn select(env: &Env, options: &ConnectOptions) -> Result<Option<Selection>, KubeconfigError> {
        super::select(env, options)
    }

    #[test]
    fn files_are_merged_first_wins_and_missing_ones_are_skipped() {
        let folder = folder();
        let env = env(folder.path(), &["missing", "", "first", "second"]);
        let selection = select(&env, &ConnectOptions::default()).unwrap().unwrap();
        assert_eq!(
            (selection.context.as_str(), selection.namespace.as_str()),
            ("one", "default")
        );
        assert_eq!(selection.cluster.server.as_deref(), Some("https://a:6443"));
        let ca = selection.cluster.certificate_authority.unwrap();
        assert_eq!(Path::new(&ca), folder.path().join("ca.crt"), "relative to its own file");
        assert_eq!(
            Path::new(&selection.user.token_file.unwrap()),
            folder.path().join("sub/token")
        );
    }

    #[test]
    fn files_that_are_all_missing_are_a_mistake() {
        let folder = folder();
        for files in [&["missing"][..], &["", "missing", "too"]] {
            let error = select(&env(folder.path(), files), &ConnectOptions::default())
                .err()
                .unwrap();
            let shown = error.to_string();
            assert!(matches!(error, KubeconfigError::Missing { .. }), "{shown}");
            assert!(
                shown.ends_with(&folder.path().join(files[files.len() - 1]).display().to_string()),
                "{shown}"
            );
        }
    }

    #[test]
    fn a_name_is_in_a_file_once() {
        let folder = folder();
        let twice = [
            (
                "cluster",
                "clusters:\n- {name: a, cluster: {server: 'https://a'}}\n- {name: a, cluster: {server: 'https://b'}}\n",
            ),
            (
                "context",
                "contexts:\n- {name: a, context: {cluster: a}}\n- {name: a, context: {cluster: b}}\n",
            ),
            (
                "user",
                "users:\n- {name: a, user: {token: s3cret}}\n- {name: a, user: {token: s3cret2}}\n",
            ),
        ];
        for (kind, text) in twice {
            std::fs::write(folder.path().join("twice"), text).unwrap();
            let error = select(&env(folder.path(), &["second", "twice"]), &ConnectOptions::default());
            let error = error.err().unwrap().to_string();
            assert!(error.ends_with(&format!("has two {kind}s named \"a\"")), "{error}");
        }
    }

    #[test]
    fn home_is_taken_from_the_environment_that_was_given() {
        let folder = folder();
        std::fs::create_dir(folder.path().join(".kube")).unwrap();
        std::fs::copy(folder.path().join("second"), folder.path().join(".kube/config")).unwrap();
        let env: Env = [("HOME", folder.path().as_os_str())].into_iter().collect();
        let options = ConnectOptions {
            context: Some("two".into()),
            cluster: Some("a".into()),
            ..Default::default()
        };
        let selection = select(&env, &options).unwrap().unwrap();
        assert_eq!(selection.namespace.as_str(), "team");
        assert!(selection.user.token_file.is_none(), "the empty user is nobody");
        let nowhere: Env = [("HOME", "/nonexistent")].into_iter().collect();
        assert!(select(&nowhere, &ConnectOptions::default()).unwrap().is_none());
    }

    #[test]
    fn names_that_lead_nowhere_list_those_that_there_are() {
        let folder = folder();
        let env = env(folder.path(), &["first", "second"]);
        let refuse = |options| select(&env, &options).err().unwrap().to_string();
        let options = |context: &str| ConnectOptions {
            context: Some(context.into()),
            ..Default::default()
        };
        assert_eq!(
            refuse(options("prod")),
            r#"the kubeconfig has no context named "prod"; there are: one, two"#
        );
        assert_eq!(
            refuse(options("two")),
            r#"the kubeconfig has no cluster named "b"; there are: a"#
        );
        let user = ConnectOptions {
            user: Some("x".into()),
            ..Default::default()
        };
        assert_eq!(refuse(user), r#"the kubeconfig has no user named "x"; there are: u"#);
        let file = ConnectOptions {
            kubeconfig: Some(folder.path().join("first")),
            ..Default::default()
        };
        assert_eq!(refuse(file), "the kubeconfig has no current context; there are none");
    }

    #[test]
    fn a_file_asked_for_by_name_must_be_there_and_a_broken_one_is_not_quoted() {
        let folder = folder();
        let env = env(folder.path(), &["second"]);
        let file = |name: &str| ConnectOptions {
            kubeconfig: Some(folder.path().join(name)),
            ..Default::default()
        };
        assert!(matches!(
            select(&env, &file("missing")),
            Err(KubeconfigError::Read { .. })
        ));
        std::fs::write(
            folder.path().join("broken"),
            "users:\n- name: u\n  user: {token: s3cret\n",
        )
        .unwrap();
        let error = select(&env, &file("broken")).err().unwrap();
        let shown = format!("{error} {error:?} {}", error.hint());
        assert!(matches!(error, KubeconfigError::Syntax { line: 1.., .. }), "{shown}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
