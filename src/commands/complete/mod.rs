//! Shell completion: `kubectl_complete-regcred` and `kubectl-regcred __complete`.
//!
//! kubectl (1.26 and later) runs the program of the first name with the words after `kubectl regcred`, the last of which
//! is the one to complete (kubernetes/kubernetes#105867). The user is waiting for it, so it never prompts, prints nothing
//! on stderr, and returns what it has at the time limit.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clap::Command;

use crate::commands::cli;
use crate::keychain::{self, Keychain};
use crate::sys::env::Env;
use crate::sys::watchdog::Watchdog;

mod candidates;
mod line;
mod live;
mod reply;
mod source;

use line::{Line, Wanted, is_repeatable};
use reply::Reply;
use source::Source;

/// The program name that kubectl runs for candidates.
pub const PROGRAM: &str = "kubectl_complete-regcred";

/// The hidden verbs that cobra's shell scripts call, and whether candidates have descriptions.
const VERBS: [(&str, bool); 2] = [("__complete", true), ("__completeNoDesc", false)];

/// The hard time limit.
const LIMIT: Duration = Duration::from_millis(3100);
/// The time limit for work that can be stopped, such as a credential plugin, so that nothing is left running. Some round
/// trips to a cluster on another continent fit into it, and a person who waits for a dead one is not kept for long.
const PATIENCE: Duration = Duration::from_secs(3);

/// A request for completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The words after `kubectl regcred`, of which the last is the one to complete.
    pub words: Vec<OsString>,
    /// Whether candidates come with descriptions.
    pub with_descriptions: bool,
}

impl Request {
    /// The request in these arguments, of which the first is the program's name; `None` if they do not ask for completion.
    #[must_use]
    pub fn of(args: &[OsString]) -> Option<Self> {
        let (program, args) = args.split_first()?;
        if is_called(program) {
            return Some(Self {
                words: args.to_vec(),
                with_descriptions: true,
            });
        }
        let (verb, words) = args.split_first()?;
        let (_, with_descriptions) = VERBS.into_iter().find(|(name, _)| verb == name)?;
        Some(Self {
            words: words.to_vec(),
            with_descriptions,
        })
    }
}

fn is_called(argv0: &OsStr) -> bool {
    let name = Path::new(argv0).file_name().and_then(OsStr::to_str).unwrap_or_default();
    name.strip_suffix(std::env::consts::EXE_SUFFIX) == Some(PROGRAM)
}

/// Answers on stdout, within a few seconds and with exit code 0.
#[must_use]
pub fn main(request: &Request, env: &Env) -> ExitCode {
    let deadline = Instant::now() + PATIENCE;
    let reply = Arc::new(Mutex::new(Reply::default()));
    let with_descriptions = request.with_descriptions;
    let (words, last) = (request.words.as_slice(), reply.clone());
    let watchdog = Watchdog::start(LIMIT, move || {
        lock(&last).write(with_descriptions, &mut io::stdout());
        0
    });
    answer(words, env, Keychain::open, deadline, &reply);
    lock(&reply).write(with_descriptions, &mut io::stdout());
    drop(watchdog);
    ExitCode::SUCCESS
}

/// The reply's lines, for callers in another process such as tests. `limit` applies only while it waits for a cluster.
#[must_use]
pub fn lines(
    request: &Request,
    env: &Env,
    open: impl FnOnce(&Env) -> Result<Keychain, keychain::Error>,
    limit: Duration,
) -> String {
    let reply = Mutex::new(Reply::default());
    answer(&request.words, env, open, Instant::now() + limit, &reply);
    lock(&reply).lines(request.with_descriptions)
}

fn answer(
    words: &[OsString],
    env: &Env,
    open: impl FnOnce(&Env) -> Result<Keychain, keychain::Error>,
    deadline: Instant,
    reply: &Mutex<Reply>,
) {
    let root = tree();
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let line = Line::read(&root, &words);
    match line.wanted {
        Wanted::Nothing => {}
        Wanted::Subcommand(typed) => {
            let mut reply = lock(reply);
            reply.to(typed);
            candidates::subcommands(line.command).for_each(|(name, about)| reply.offer(&name, &about));
        }
        Wanted::Flag(typed) => {
            let mut reply = lock(reply);
            reply.to(typed);
            candidates::flags(&line).for_each(|(name, about)| reply.offer(&name, &about));
        }
        Wanted::Value { arg, before, typed } => {
            let source = Source::of(arg);
            let given = line.given.get(arg.get_id().as_str()).filter(|_| is_repeatable(arg));
            {
                let mut reply = lock(reply);
                reply.to(typed);
                before.clone_into(&mut reply.before);
                reply.given = given.cloned().unwrap_or_default();
                reply.files = source == Source::Files;
            }
            live::complete(&source, typed, &line, env, open, deadline, |text, about| {
                lock(reply).offer(text, about);
            });
        }
    }
}

/// The description of the command line, including what clap adds.
fn tree() -> Command {
    let mut root = cli::command();
    root.build();
    root
}

fn lock(reply: &Mutex<Reply>) -> MutexGuard<'_, Reply> {
    reply.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
