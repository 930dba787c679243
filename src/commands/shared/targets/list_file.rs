//! `regcred.yaml`: a file of registries and the Secrets that hold their credentials, which can be kept in git.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::rc::Rc;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::scope::{Batch, Job, Scope, Supply};
use super::yaml::{self, Reading};
use crate::cluster::{SecretFormat, SecretName, ServiceAccountName, Target};
use crate::error::CommandError;
use crate::model::{ActionsSecret, Registry, Use, Username};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    registries: Vec<RegistryText>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RegistryText {
    registry: Spanned<String>,
    username: Option<Spanned<String>>,
    token_env: Option<Spanned<String>>,
    #[serde(rename = "use")]
    usage: Option<Spanned<String>>,
    secrets: Option<Vec<SecretText>>,
    actions: Option<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct SecretText {
    namespace: Spanned<String>,
    name: Option<Spanned<String>>,
    #[serde(default)]
    service_accounts: Vec<Spanned<String>>,
    context: Option<Spanned<String>>,
    #[serde(rename = "use")]
    usage: Option<Spanned<String>>,
    format: Option<Spanned<String>>,
    url: Option<Spanned<String>>,
}

/// A registry of the file and those of its Secrets that have the same use, validated.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) registry: Registry,
    /// Required with `token_env`; otherwise the keychain's credential must belong to this user.
    pub(super) username: Option<Username>,
    /// The variable with the token; without it, the token is in the keychain.
    pub(super) token_env: Option<OsString>,
    /// The use of the credential.
    pub(super) usage: Option<Use>,
    /// Secrets of Actions.
    pub(super) actions: Vec<ActionsSecret>,
    secrets: Vec<ListedSecret>,
}

#[derive(Debug, PartialEq, Eq)]
struct ListedSecret {
    target: Target,
    context: Option<String>,
    service_accounts: Vec<ServiceAccountName>,
    format: Option<SecretFormat>,
    /// Line and column, for errors that are found later.
    place: serde_saphyr::Location,
}

/// A Secret of the file: what is to be there.
pub(super) struct Entry<'a> {
    pub(super) target: &'a Target,
    pub(super) context: Option<&'a str>,
    /// The ServiceAccounts to attach it to.
    pub(super) service_accounts: &'a [ServiceAccountName],
    pub(super) format: Option<&'a SecretFormat>,
}

impl Listed {
    /// Its Secrets.
    pub(super) fn secrets(&self) -> impl Iterator<Item = Entry<'_>> {
        self.secrets.iter().map(|secret| Entry {
            target: &secret.target,
            context: secret.context.as_deref(),
            service_accounts: &secret.service_accounts,
            format: secret.format.as_ref(),
        })
    }
}

/// Parses the file without reading any token.
pub(super) fn parse(text: &str, default_name: &SecretName) -> Result<Vec<Listed>, CommandError> {
    let document: Document = yaml::parse(text, Reading::Strict)?;
    let mut listed = Vec::new();
    for text in document.registries {
        listed.extend(registry(&text, default_name)?);
    }
    Ok(listed)
}

/// The Secrets of a registry, apart by the use of their credential.
fn registry(text: &RegistryText, default_name: &SecretName) -> Result<Vec<Listed>, CommandError> {
    let username = text
        .username
        .as_ref()
        .map(|name| yaml::value("username", name))
        .transpose()?;
    let token_env = text.token_env.as_ref().map(|name| OsString::from(&name.value));
    if let (Some(name), None) = (&text.token_env, &username) {
        return Err(yaml::at(&name.referenced, "token-env needs a `username` beside it"));
    }
    let of_all = text.usage.as_ref().map(|name| yaml::value("use", name)).transpose()?;
    let registry: Registry = yaml::value("registry", &text.registry)?;
    let of = |usage| Listed {
        registry: registry.clone(),
        username: username.clone(),
        token_env: token_env.clone(),
        usage,
        actions: Vec::new(),
        secrets: Vec::new(),
    };
    let mut by_use = vec![of(of_all)];
    if text.secrets.is_none() && text.actions.is_none() {
        return Err(yaml::at(&text.registry.referenced, "`secrets` is missing"));
    }
    for place in text.actions.iter().flatten() {
        if of_all.is_none() {
            let what = "actions: name the `use` of their token beside `registry`";
            return Err(yaml::at(&place.referenced, what));
        }
        if token_env.is_some() {
            let what =
                "actions: not with token-env: what they were given has to be remembered with a token of the keychain";
            return Err(yaml::at(&place.referenced, what));
        }
        by_use[0].actions.push(yaml::value("actions", place)?);
    }
    for secret in text.secrets.iter().flatten() {
        if let (Some(usage), Some(_)) = (&secret.usage, &token_env) {
            let what = "use: with token-env, name it beside `registry`: a variable holds one token";
            return Err(yaml::at(&usage.referenced, what));
        }
        let usage = secret.usage.as_ref().map(|name| yaml::value("use", name)).transpose()?;
        let usage = usage.or(of_all);
        let at = by_use.iter().position(|one| one.usage == usage).unwrap_or_else(|| {
            by_use.push(of(usage));
            by_use.len() - 1
        });
        by_use[at].secrets.push(listed(secret, default_name)?);
    }
    // An entry without Secrets stays what it is.
    if by_use.len() > 1 {
        by_use.retain(|one| !one.secrets.is_empty() || !one.actions.is_empty());
    }
    Ok(by_use)
}

fn listed(text: &SecretText, default_name: &SecretName) -> Result<ListedSecret, CommandError> {
    let name = text.name.as_ref().map(|name| yaml::value("name", name)).transpose()?;
    let service_accounts = text
        .service_accounts
        .iter()
        .map(|name| yaml::value("service-accounts", name));
    let context = text.context.as_ref();
    if let Some(empty) = context.filter(|context| context.value.is_empty()) {
        return Err(yaml::at(&empty.referenced, "context: the name is empty"));
    }
    let format = format(text)?;
    Ok(ListedSecret {
        target: Target {
            namespace: yaml::value("namespace", &text.namespace)?,
            secret: name.unwrap_or_else(|| default_name.clone()),
        },
        context: context.map(|context| context.value.clone()),
        service_accounts: service_accounts.collect::<Result<_, _>>()?,
        format,
        place: text.namespace.referenced,
    })
}

/// The format that is asked for, with Argo CD's address.
fn format(text: &SecretText) -> Result<Option<SecretFormat>, CommandError> {
    let format: Option<SecretFormat> = text
        .format
        .as_ref()
        .map(|format| yaml::value("format", format))
        .transpose()?;
    if let (Some(account), Some(format)) = (text.service_accounts.first(), &format)
        && !format.is_for_kubelet()
    {
        let what =
            format!("kubelet does not pull with the format {format}, so there is no ServiceAccount to attach it to");
        return Err(yaml::at(&account.referenced, what));
    }
    match (format, &text.url) {
        (Some(SecretFormat::ArgoCdRepository { .. }), url) => Ok(Some(SecretFormat::ArgoCdRepository {
            url: url.as_ref().map(|url| url.value.clone()),
        })),
        (_, Some(url)) => Err(yaml::at(&url.referenced, "url is for the format argocd-repository")),
        (format, None) => Ok(format),
    }
}

/// Groups the Secrets into a batch for each context, in the order of the file. A Secret that several registries name gets
/// all of them. Without a context, it is written in each of `contexts`.
pub(super) fn batches(
    listed: Vec<(Listed, Rc<Supply>)>,
    contexts: &[Option<String>],
) -> Result<Vec<Batch>, CommandError> {
    let mut order: Vec<Option<String>> = Vec::new();
    let mut jobs: BTreeMap<Option<String>, Vec<Job>> = BTreeMap::new();
    for (listed, supply) in listed {
        for secret in listed.secrets {
            let named = secret.context.clone().map(|context| vec![Some(context)]);
            for context in named.as_deref().unwrap_or(contexts) {
                if !order.contains(context) {
                    order.push(context.clone());
                }
                add(jobs.entry(context.clone()).or_default(), &secret, &supply)?;
            }
        }
    }
    let batch = |context: Option<String>| Batch {
        scope: Scope::Jobs(jobs.remove(&context).unwrap_or_default()),
        context,
    };
    Ok(order.into_iter().map(batch).collect())
}

fn add(jobs: &mut Vec<Job>, secret: &ListedSecret, supply: &Rc<Supply>) -> Result<(), CommandError> {
    let Some(job) = jobs.iter_mut().find(|job| job.target == secret.target) else {
        jobs.push(Job {
            target: secret.target.clone(),
            supplies: vec![supply.clone()],
            service_accounts: secret.service_accounts.clone(),
            chosen_by_content: false,
            format: secret.format.clone(),
        });
        return Ok(());
    };
    let registry = &supply.credential.registry;
    if job.format != secret.format {
        let what = format!("{} is named in two formats", secret.target);
        return Err(yaml::at(&secret.place, what));
    }
    if job.supplies.iter().any(|other| other.credential.registry == *registry) {
        let what = format!("{} is named a second time for {registry}", secret.target);
        return Err(yaml::at(&secret.place, what));
    }
    job.supplies.push(supply.clone());
    for account in &secret.service_accounts {
        if !job.service_accounts.contains(account) {
            job.service_accounts.push(account.clone());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::test_supply;
    use super::*;

    const FILE: &str = "\
registries:
  - registry: https://Gitea.example.com/
    username: admin
    token-env: REGISTRY_TOKEN        # optional; default: the keychain
    secrets:
      - {namespace: honeydue, service-accounts: [default], context: prod}
      - {namespace: staging}
  - registry: ghcr.io
    secrets:
      - {namespace: honeydue, name: gitea-credentials, service-accounts: [default, ci], context: prod}
";

    fn read(text: &str) -> Result<Vec<Listed>, CommandError> {
        parse(text, &"gitea-credentials".parse().unwrap())
    }

    fn put_together(text: &str, contexts: &[Option<String>]) -> Result<Vec<Batch>, CommandError> {
        let listed = read(text)?.into_iter();
        let supplied = listed.map(|one| {
            let supply = test_supply(one.registry.as_str());
            (one, supply)
        });
        batches(supplied.collect(), contexts)
    }

    #[test]
    fn a_secret_of_two_registries_is_one_job_and_a_context_one_batch() {
        let listed = read(FILE).unwrap();
        assert_eq!(listed[0].registry.as_str(), "gitea.example.com");
        assert_eq!(listed[0].token_env.as_deref(), Some("REGISTRY_TOKEN".as_ref()));
        assert_eq!((&listed[1].username, &listed[1].token_env), (&None, &None));

        let batches = put_together(FILE, &[None, Some("spare".into())]).unwrap();
        let contexts: Vec<_> = batches.iter().map(|batch| batch.context.as_deref()).collect();
        assert_eq!(contexts, [Some("prod"), None, Some("spare")]);
        let Scope::Jobs(jobs) = &batches[0].scope else { panic!() };
        assert_eq!(jobs.len(), 1);
        assert_eq!(jobs[0].supplies.len(), 2);
        let accounts: Vec<_> = jobs[0].service_accounts.iter().map(ToString::to_string).collect();
        assert_eq!(accounts, ["default", "ci"]);
    }

    #[test]
    fn errors_have_their_line_and_column() {
        for (text, says) in [
            (
                "registres: []",
                "line 1 column 1: unknown key `registres`: did you mean `registries`?",
            ),
            (
                "registries:\n- registyr: a\n",
                "line 2 column 3: unknown key `registyr`: did you mean `registry`?",
            ),
            (
                "registries:\n- registry: a\n  secrets:\n  - namspace: b\n",
                "line 4 column 5: unknown key `namspace`: did you mean `namespace`?",
            ),
            ("registries:\n- {registry: a, token: s3cret}\n", "unknown key `token`: "),
            ("registries:\n- registry: a\n", "`secrets` is missing"),
            (
                "registries:\n- registry: ftp://s3cret\n  secrets: []\n",
                "line 2 column 13: registry: a registry is reached",
            ),
            (
                "registries:\n- registry: a\n  secrets:\n  - namespace: A_b\n",
                "line 4 column 16: namespace: a namespace's name is lower case",
            ),
            (
                "registries:\n- registry: a\n  secrets:\n  - {namespace: b, service-accounts: [ok, No]}\n",
                "line 4 column 43: service-accounts: the name is lower case",
            ),
            (
                "registries:\n- registry: a\n  username: 'b:c'\n  secrets: []\n",
                "line 3 column 13: username: ",
            ),
            (
                "registries:\n- registry: a\n  token-env: X\n  secrets: []\n",
                "line 3 column 14: token-env needs a `username`",
            ),
            (
                "registries:\n- registry: a\n  registry: b\n",
                "line 3 column 3: the key `registry` is duplicated",
            ),
            (
                "registries:\n- registry: a\n  secrets:\n  - {namespace: b, context: ''}\n",
                "line 4 column 29: context: the name is empty",
            ),
            (
                "registries:\n- registry: a\n  use: CI\n  secrets: []\n",
                "line 3 column 8: use: a use is `docker`, `cluster` or a name",
            ),
            (
                "registries:\n- registry: a\n  username: u\n  token-env: X\n  secrets:\n  - {namespace: b, use: ci}\n",
                "line 6 column 25: use: with token-env, name it beside",
            ),
            (
                "registries:\n- registry: a\n  actions: [repo:a/b/T]\n",
                "line 3 column 13: actions: name the `use`",
            ),
            (
                "registries:\n- registry: a\n  use: ci\n  actions: [a/b/T]\n",
                "line 4 column 13: actions: a secret of Actions is written as",
            ),
            ("registries: s3cret", "line 1 column 13: "),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}\n{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn secrets_are_apart_by_their_use() {
        let text = "\
registries:
- registry: a
  secrets:
  - {namespace: one}
  - {namespace: two, use: team}
- registry: a
  use: ci
  secrets:
  - {namespace: three}
  - {namespace: four, use: team}
  - {namespace: five}
";
        let listed = read(text).unwrap();
        let uses: Vec<_> = listed
            .iter()
            .map(|one| one.usage.map(|usage| usage.to_string()))
            .collect();
        assert_eq!(
            uses.iter().map(Option::as_deref).collect::<Vec<_>>(),
            [None, Some("team"), Some("ci"), Some("team")]
        );
        let namespaces = |at: usize| listed[at].secrets.iter().map(|one| one.target.namespace.to_string());
        assert_eq!(namespaces(2).collect::<Vec<_>>(), ["three", "five"]);
        let alone = read("registries:\n- registry: a\n  secrets:\n  - {namespace: two, use: team}\n").unwrap();
        assert_eq!(alone.len(), 1);
    }

    #[test]
    fn text_that_looks_like_another_type_stays_text() {
        for name in [
            "yes",
            "on",
            "007",
            "0x1F",
            "1e3",
            "12_000",
            "true",
            "12:30:45",
            "2026-11-28",
        ] {
            for text in [name.to_owned(), format!("'{name}'"), format!("\"{name}\"")] {
                let file = format!("registries:\n- registry: a\n  username: {text}\n  secrets: []\n");
                let username = if name.contains(':') { None } else { Some(name) };
                let read = read(&file).ok().map(|mut listed| listed.remove(0).username.unwrap());
                assert_eq!(read.as_ref().map(Username::as_str), username, "{text}");
            }
        }
        let error = read("x-common: &a {name: b}\nregistries: []\n")
            .unwrap_err()
            .to_string();
        assert!(error.contains("unknown key `x-common`"), "{error}");
    }

    #[test]
    fn one_secret_cannot_hold_a_registry_twice() {
        let text = "\
registries:
- registry: a.example.com
  secrets: [{namespace: n}]
- registry: A.example.com:443
  secrets:
  - namespace: n
";
        let error = put_together(text, &[None]).unwrap_err().to_string();
        assert!(
            error.contains("line 6 column 16: secret/gitea-credentials in namespace n is named a second time"),
            "{error}"
        );
        let apart = text.replace("  - namespace: n\n", "  - {namespace: n, context: other}\n");
        assert_eq!(put_together(&apart, &[None]).unwrap().len(), 2);
    }
}
