//! `kubectl regcred logout`: deletes a credential from the keychain; `--revoke` deletes the token at Gitea first.

use std::cell::Cell;

use clap::Args;

use super::args::{RegistryConnectionArgs, SearchArgs};
use super::shared::accounts::{self, Accounts};
use super::shared::choose;
use super::shared::ledger_writer;
use super::shared::password;
use super::shared::search::{Search, Unseen, all_but_last, every_context, named};
use super::shared::skipped;
use super::shared::stored_twice;
use super::shared::token_id::{actions_with_unknown, token_id};
use super::system::System;
use crate::cluster::{self, Target};
use crate::error::CommandError;
use crate::keychain::{self, Keychain, Name};
use crate::ledger::TokenId;
use crate::model::{ActionsSecret, CommandLine, Credential, Registry, Use, Username};
use crate::registry::{self, RevokeError, Revoked};

/// `logout`.
#[derive(Debug, Args)]
#[command(
    // Without --revoke, no cluster is asked.
    mut_args(|arg| match arg.get_id().as_str() {
        "kubeconfig" | "request_timeout" => arg.requires("revoke"),
        _ => arg,
    }),
    after_help = "Examples:
  kubectl regcred logout gitea.example.com
  kubectl regcred logout gitea.example.com --use cluster
  kubectl regcred logout gitea.example.com --revoke   # deletes the token at Gitea first, if no Secret needs it"
)]
pub struct LogoutArgs {
    /// The registry; may be left out if the keychain has only one
    pub registry: Option<Registry>,
    /// Forget only the token for this use
    #[arg(long = "use", value_name = "USE")]
    pub usage: Option<Use>,
    /// Delete the token at Gitea first, and forget it only if that succeeds. Before Gitea 1.27 this needs the account's password
    #[arg(long)]
    pub revoke: bool,
    /// For a stolen token: delete it even if a Secret still needs it or could not be read, and report what stops working
    #[arg(hide_short_help = true, long, requires = "revoke")]
    pub revoke_anyway: bool,
    /// Read the account's password from standard input; a second line is the one-time code
    #[arg(hide_short_help = true, long, requires = "revoke")]
    pub password_stdin: bool,
    /// The account that the token belongs to [default: the one that the server tells, or else the user it was stored with]
    #[arg(hide_short_help = true, short, long, value_name = "NAME", requires = "revoke")]
    pub username: Option<Username>,
    /// How to reach the registry.
    #[command(flatten)]
    pub connection: RegistryConnectionArgs,
    /// How to look for Secrets that need the token.
    #[command(flatten)]
    pub search: SearchArgs,
}

pub(super) fn run(args: &LogoutArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    let keychain = system.keychain()?;
    let items = match args.registry {
        Some(_) => Vec::new(),
        None => keychain
            .list_with_remains()?
            .into_iter()
            .map(|(item, _)| item)
            .collect(),
    };
    let registry = choose::registry(args.registry.clone(), &items, "kubectl regcred logout REGISTRY", system)?;
    let uses = match args.usage {
        Some(usage) => vec![usage],
        None => held(&keychain, &registry)?,
    };
    // Checked before anything is revoked: during a rotation, Secrets can hold either token.
    for usage in &uses {
        keychain.ensure_not_rotating(&Name::login(&registry, *usage))?;
    }
    if args.revoke {
        ensure_unused(args, &keychain, &registry, &uses, system)?;
    }
    // An item is deleted only after its token was revoked: a token that is not stored any more could not be revoked.
    let (ended, failed) = if args.revoke {
        revoke_all(args, &keychain, &registry, &uses, system)?
    } else {
        (uses.into_iter().map(|usage| (usage, None)).collect(), None)
    };
    let (mut forgotten, mut left, mut stays) = (Vec::new(), Vec::new(), false);
    for (usage, revoked) in ended {
        let held = match keychain.get(&registry, usage) {
            Err(keychain::Error::Damaged(_)) => None,
            read => read?,
        };
        // A prompt for the password leaves time for another login.
        let other = |revoked: &&Credential| held.as_ref().is_some_and(|held| held.token != revoked.token);
        if let Some(revoked) = revoked.as_ref().filter(other) {
            system.output.warn(format_args!(
                "another token of {registry} for {usage} was stored meanwhile: it stays"
            ));
            if let Some(id) = token_id(&keychain, usage, revoked)? {
                left.extend(record_forgotten(&id, true, system));
            }
            stays = true;
            continue;
        }
        let id = match &held {
            Some(credential) => token_id(&keychain, usage, credential)?,
            None => None,
        };
        if keychain.delete(&registry, usage)? {
            forgotten.push(usage.to_string());
            if let Some(id) = id {
                left.extend(record_forgotten(&id, args.revoke, system));
            }
        }
    }
    // As in `docker logout`, it is a success if there is nothing to delete.
    match forgotten.as_slice() {
        [] if failed.is_some() || stays => {}
        [] => system.output.info(format_args!("not logged in to {registry}")),
        uses => system.output.info(format_args!(
            "forgot the credential of {registry} for {}",
            uses.join(" and ")
        )),
    }
    report_left(&left, &registry, args.revoke, system);
    failed.map_or(Ok(()), Err)
}

/// A use that is over, with the credential of its token if that was revoked.
type Ended = (Use, Option<Credential>);

/// Revokes the tokens for `uses`. Returns those that are revoked, and the last failure if there was one.
fn revoke_all(
    args: &LogoutArgs,
    keychain: &Keychain,
    registry: &Registry,
    uses: &[Use],
    system: &mut System<'_>,
) -> Result<(Vec<Ended>, Option<CommandError>), CommandError> {
    let mut credentials = Vec::new();
    for usage in uses {
        if let Some(credential) = keychain.get(registry, *usage)? {
            ensure_unneeded(keychain, *usage, &credential, uses)?;
            credentials.push((*usage, credential));
        }
    }
    let mut accounts = Accounts::new(args.password_stdin);
    let mut gone = Vec::new();
    let mut failed: Option<CommandError> = None;
    let mut fail = |error: CommandError, kept: &[Use], system: &mut System<'_>| {
        if let Some(earlier) = failed.replace(error.hint(still_kept(kept))) {
            system.output.error(&earlier);
        }
    };
    // What is left of docker's own login, where only the login was erased.
    for usage in held(keychain, registry)? {
        if uses.contains(&usage) && credentials.iter().all(|(of, _)| *of != usage) {
            fail(RevokeError::IdentityToken.into(), &[usage], system);
        }
    }
    for (at, (usage, credential)) in credentials.iter().enumerate() {
        let ensure = || ensure_unneeded(keychain, *usage, credential, uses);
        let revoked = match revoke(args, credential, &ensure, &mut accounts, system) {
            Ok(Revoked::Now) => format!("revoked the token of {registry} for {usage}"),
            Ok(Revoked::Before) => format!("the token of {registry} for {usage} was already revoked"),
            Err(NotRevoked { error, stops }) => {
                let end = if stops { credentials.len() } else { at + 1 };
                let kept: Vec<Use> = credentials[at..end].iter().map(|(usage, _)| *usage).collect();
                fail(error, &kept, system);
                if stops {
                    break;
                }
                continue;
            }
        };
        system.output.info(revoked);
        gone.push((*usage, Some(credential.clone())));
    }
    Ok((gone, failed))
}

/// The uses for which the keychain has anything of the registry.
fn held(keychain: &Keychain, registry: &Registry) -> Result<Vec<Use>, CommandError> {
    let items = keychain.list_metadata()?.into_iter();
    let of_it = items.filter(|(of, ..)| of == registry);
    Ok(of_it.map(|(_, usage, _)| usage).collect())
}

/// The hint about tokens that were not revoked.
fn still_kept(uses: &[Use]) -> String {
    let names: Vec<String> = uses.iter().map(ToString::to_string).collect();
    let names = names.join(" and ");
    match uses {
        [_] => format!(
            "the keychain still holds the token for {names}; without --revoke, logout deletes it and it stays valid"
        ),
        _ => format!(
            "the keychain still holds the tokens for {names}; without --revoke, logout deletes them and they stay valid"
        ),
    }
}

/// Refuses to revoke a token that a Secret still holds, or may hold, in any cluster that a context leads to.
fn ensure_unused(
    args: &LogoutArgs,
    keychain: &Keychain,
    registry: &Registry,
    uses: &[Use],
    system: &mut System<'_>,
) -> Result<(), CommandError> {
    let (mut tokens, mut ids) = (Vec::new(), Vec::new());
    for usage in uses {
        if let Some(credential) = keychain.get(registry, *usage)? {
            ids.extend(token_id(keychain, *usage, &credential)?);
            tokens.push(credential.token);
        }
    }
    if tokens.is_empty() {
        return Ok(());
    }
    let ledger = ledger_writer::read_to_revoke("the token", args.revoke_anyway, system)?;
    let skipped = ledger.skipped(registry, uses, &ids);
    let registries = [registry.clone()];
    system.output.progress("looking for Secrets that hold the token");
    let search = Search {
        env: &system.env,
        contexts: every_context(&system.env, &args.search.options()).map_err(cluster::Error::from)?,
        has_every_context: true,
        registries: &registries,
        ledger: &ledger,
        skipped: &skipped,
    };
    let holds = |secret: &cluster::Observed| tokens.iter().any(|token| secret.mentions(token)).then_some(());
    let mut found = cluster::block_on(search.look(&holds))?;
    system.output.end_progress();
    let (ignored, others): (Vec<_>, Vec<_>) = found.places.into_iter().partition(|place| skipped.has(&place.target));
    found.places = others;
    let mut actions: Vec<&ActionsSecret> = ids.iter().flat_map(|id| ledger.actions_with(id)).collect();
    actions.retain(|secret| !skipped.actions.contains(*secret));
    let mut perhaps = actions_with_unknown(keychain, registry, &ledger)?;
    perhaps.retain(|secret| !skipped.actions.contains(*secret) && !actions.contains(secret));
    let report_skipped = |system: &mut System<'_>| {
        skipped::report(&skipped, &ignored, "the token", &mut system.output);
    };
    if args.revoke_anyway {
        found.report_broken("the token", &mut system.output);
        for secret in actions {
            system.output.warn(format_args!(
                "the Actions secret {secret} holds the token: its pipelines cannot log in any more"
            ));
        }
        for secret in perhaps {
            system.output.warn(format_args!(
                "the Actions secret {secret} may hold the token: if it does, its pipelines cannot log in any more"
            ));
        }
        report_skipped(system);
        return Ok(());
    }
    let pipelines_anyway = "--revoke-anyway revokes it all the same, and pipelines that need it cannot log in any more";
    if let Some(first) = actions.first() {
        let mut rotate = CommandLine::new("kubectl regcred rotate").value("REGISTRY", registry.as_str());
        if let Some(id) = ids.iter().find(|id| ledger.actions_with(id).contains(first)) {
            rotate = rotate.option("--use", "USE", id.usage.as_str());
        }
        return Err(CommandError::failed(format_args!(
            "the token is not revoked: it is in the Actions secret {first}"
        ))
        .hint(format_args!("{rotate} gives it another token and revokes this one"))
        .hint(pipelines_anyway));
    }
    if let Some(first) = perhaps.first() {
        let mut sync = CommandLine::new("kubectl regcred sync").option("--registry", "REGISTRY", registry.as_str());
        if let [usage] = uses {
            sync = sync.option("--use", "USE", usage.as_str());
        }
        let sync = sync.option("--actions-secret", "PLACE", first.to_string());
        return Err(CommandError::failed(format_args!(
            "the token is not revoked: it may be in the Actions secret {first}, which holds a token that this keychain does \
             not recognise"
        ))
        .hint(format_args!("{sync} gives it a token that this keychain has"))
        .hint(pipelines_anyway));
    }
    let anyway = "--revoke-anyway revokes it all the same, and pods that need it cannot pull any more";
    if !found.places.is_empty() {
        let error = CommandError::failed(format_args!(
            "the token is not revoked: it is in {}",
            named(&found.places, true)
        ));
        let rotate = CommandLine::new("kubectl regcred rotate").value("REGISTRY", registry.as_str());
        let rotate = match uses {
            [usage] => rotate.option("--use", "USE", usage.as_str()),
            _ => rotate,
        };
        return Err(error
            .hint(format_args!("{rotate} gives them another token and revokes this one"))
            .hint(anyway));
    }
    let errors = found.unseen.into_iter().map(Unseen::error);
    let Some(last) = all_but_last(errors, &mut system.output) else {
        report_skipped(system);
        return Ok(());
    };
    Err(last
        .on("the token is not revoked, because not every Secret that may hold it could be read")
        .hint(anyway))
}

/// A place that still holds a token which the keychain no longer has.
struct Left {
    shown: String,
    /// The flags of `sync` that name it, if it is a Secret.
    secret: Option<(Target, Option<String>)>,
}

/// Records that the keychain no longer has the token. Returns what still holds it.
fn record_forgotten(id: &TokenId, is_revoked: bool, system: &mut System<'_>) -> Vec<Left> {
    let mut places = Vec::new();
    ledger_writer::update(system, |ledger, now| {
        let secrets = ledger.token(id).into_iter().flat_map(|token| &token.secrets);
        places.extend(secrets.map(|place| {
            let context = ledger.cluster(&place.cluster).and_then(|known| known.contexts.first());
            let shown = match context {
                Some(context) => format!("{} of context {context}", place.target),
                None => format!("{} of cluster {}", place.target, place.cluster),
            };
            let secret = Some((place.target.clone(), context.cloned()));
            Left { shown, secret }
        }));
        places.extend(ledger.actions_with(id).into_iter().map(|secret| Left {
            shown: format!("the Actions secret {secret}"),
            secret: None,
        }));
        if is_revoked {
            ledger.revoked(id, now);
        } else {
            ledger.replaced(id, now);
        }
    });
    places
}

/// Reports what still holds a token that the keychain no longer has.
fn report_left(places: &[Left], registry: &Registry, is_revoked: bool, system: &mut System<'_>) {
    let Some(first) = places.first() else { return };
    let (who, hold) = match places.len() - 1 {
        0 => (first.shown.clone(), "holds"),
        more => (format!("{} and {more} more", first.shown), "hold"),
    };
    let what = if is_revoked {
        "it, though it is revoked"
    } else {
        "it, and it is still valid"
    };
    system.output.warn(format_args!("{who} still {hold} {what}"));
    if places.len() > 1 {
        system
            .output
            .info("hint: all of these places: kubectl regcred where --offline");
    }
    if let Some((target, context)) = places.iter().find_map(|place| place.secret.as_ref()) {
        let remove = CommandLine::new("kubectl regcred sync --remove")
            .option("--registry", "REGISTRY", registry.as_str())
            .option("-n", "NAMESPACE", target.namespace.as_str())
            .option("--secret", "NAME", target.secret.as_str());
        let remove = match context {
            Some(context) => remove.option("--context", "CONTEXT", context),
            None => remove,
        };
        system
            .output
            .info(format_args!("hint: to take it out of a Secret: {remove}"));
    }
}

/// Refuses to revoke a token that is being rotated, or that the keychain also holds for a use that stays. It is called again
/// right before each request, because a prompt before it leaves time for another process.
fn ensure_unneeded(keychain: &Keychain, usage: Use, credential: &Credential, uses: &[Use]) -> Result<(), CommandError> {
    let registry = &credential.registry;
    keychain.ensure_not_rotating(&Name::login(registry, usage))?;
    let stays = |other: &Registry, usage| other != registry || !uses.contains(&usage);
    let Some(other) = stored_twice::elsewhere(keychain, &credential.token, stays)? else {
        return Ok(());
    };
    let logout = CommandLine::new("kubectl regcred logout").value("REGISTRY", other.registry.as_str());
    if other.registry == *registry {
        return Err(CommandError::failed(format_args!(
            "the same token is also stored for {}, which would stop working",
            other.usage
        ))
        .hint(logout.words("--revoke")));
    }
    Err(stored_twice::refusal(&other, registry).hint(format_args!(
        "forget it there first: {}",
        logout.option("--use", "USE", other.usage.as_str())
    )))
}

/// Why one token was not revoked.
struct NotRevoked {
    error: CommandError,
    /// Whether the others are not tried: the account was refused, and after a few such attempts LDAP may lock it.
    stops: bool,
}

impl From<CommandError> for NotRevoked {
    fn from(error: CommandError) -> Self {
        Self { error, stops: false }
    }
}

/// Revokes one token: authenticated by the token itself or, if that is refused, by the password of its account.
fn revoke(
    args: &LogoutArgs,
    credential: &Credential,
    ensure_unneeded: &dyn Fn() -> Result<(), CommandError>,
    accounts: &mut Accounts,
    system: &mut System<'_>,
) -> Result<Revoked, NotRevoked> {
    let options = args.connection.options(RegistryConnectionArgs::TIMEOUT);
    let registry = &credential.registry;
    let env = &system.env;
    ensure_unneeded()?;
    let asked = system.output.waiting(format_args!("asking {registry}"), || {
        registry::revoke(credential, None, &options, env)
    });
    let error = match asked {
        Ok(done) => return Ok(done),
        Err(error) => error,
    };
    if !error.wants_password() || (system.person.is_none() && !args.password_stdin) {
        let wants = error.wants_password();
        let mut error = CommandError::from(error);
        if wants {
            error = error.hint("or give the account's password with --password-stdin");
        }
        return Err(error.into());
    }
    let known = match &args.username {
        Some(given) => Some(given.clone()),
        None => owner(credential, &options, system),
    };
    // The stored user name is all that is known of the account.
    let is_guess = known.is_none();
    let username = known.unwrap_or_else(|| credential.username.clone());
    let account = accounts.get(registry, &username, true, system)?;
    let (refused, may_be_of_another) = (Cell::new(false), Cell::new(false));
    let revoked = password::with_code(account, registry, system, RevokeError::wants_code, |account, env| {
        if let Err(error) = ensure_unneeded() {
            return Ok(Err(error));
        }
        let revoked = registry::revoke(credential, Some(account), &options, env);
        let error = revoked.as_ref().err();
        refused.set(error.is_some_and(RevokeError::refuses_account));
        may_be_of_another.set(error.is_some_and(RevokeError::may_be_of_another_account));
        revoked.map(Ok)
    });
    let revoked = revoked.map_err(|error| NotRevoked {
        error: if is_guess && may_be_of_another.get() {
            error.hint(format_args!(
                "if the token belongs to another account than {username}, name that with -u"
            ))
        } else {
            error
        },
        stops: refused.get(),
    })?;
    Ok(revoked?)
}

/// The account that the token belongs to, if the server tells it.
fn owner(credential: &Credential, options: &registry::Options, system: &mut System<'_>) -> Option<Username> {
    let env = &system.env;
    let verified = system
        .output
        .waiting(format_args!("asking {}", credential.registry), || {
            registry::verify(credential, options, env)
        });
    accounts::owner(&verified.ok()?, &credential.username, &mut system.output)
}
