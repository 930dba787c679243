//! Searches the objects of git repositories, which git itself reads: they are compressed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::found::{Copy, Event, GitObject};
use super::kind::Kind;
use super::walk::Walk;
use crate::commands::shared::copies::Found;
use crate::commands::shared::git;
use crate::model::printable;
use crate::sys::env::Env;
use crate::sys::on_path;

/// How long git may search the commits of one repository for the objects that were found, and for how many of them.
const PATIENCE: Duration = Duration::from_secs(15);
const MAX_LOCATED: usize = 20;
/// The longest line with which git announces an object, and the longest answer that is read.
const MAX_LINE: u64 = 1024;
const MAX_ANSWER: u64 = 64 * 1024;

/// git, as it is started here.
struct Git {
    program: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

/// A started git, which does not outlive this.
struct Running {
    child: Child,
    complaint: Option<JoinHandle<String>>,
}

/// An object that holds tokens.
struct Holder {
    id: String,
    is_commit: bool,
    found: Vec<Found>,
}

/// Searches the repositories that the walk came by. Ends early with [`io::ErrorKind::Interrupted`].
pub(super) fn search(walk: &mut Walk<'_>, env: &Env) -> io::Result<()> {
    let places = std::mem::take(&mut walk.repositories);
    if places.is_empty() {
        return Ok(());
    }
    let Some(program) = on_path::find("git", env) else {
        for place in places {
            walk.unread(&place, &"its git objects need git, which is not on PATH");
        }
        return Ok(());
    };
    let git = Git {
        program,
        environment: git::environment(env),
    };
    let mut repositories = BTreeSet::new();
    for place in places {
        walk.reading.go_on()?;
        // A worktree and its repository have the same objects.
        match git.answer(
            &place,
            &["rev-parse", "--path-format=absolute", "--git-common-dir"],
            walk,
            PATIENCE,
        )? {
            Ok(answer) => {
                let folder = PathBuf::from(text(&answer).trim_end_matches(['\n', '\r']));
                repositories.insert(folder);
            }
            Err(why) => walk.unread(&place, &format_args!("its git objects: {why}")),
        }
    }
    for repository in repositories {
        match git.objects(&repository, walk) {
            Ok(holders) => git.tell(&repository, holders, walk)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => walk.unread(&repository, &format_args!("its git objects: {error}")),
        }
    }
    Ok(())
}

impl Git {
    fn start(&self, folder: &Path, args: &[&str]) -> io::Result<Running> {
        let mut child = Command::new(&self.program)
            .args(git::OPTIONS)
            .args(["-c", "log.showSignature=false", "-c", "log.showRoot=true"])
            // Some forbid it for bare repositories, because of their configuration.
            .args([
                "-c",
                "safe.bareRepository=all",
                "--no-replace-objects",
                "--no-pager",
                "-C",
            ])
            .arg(folder)
            .args(args)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            // What is no repository is not to stand for the one around it.
            .env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let complaint = child.stderr.take().map(|mut stderr| {
            std::thread::spawn(move || {
                let mut start = Vec::new();
                // Whatever follows is read too, so that git does not wait.
                let _ = stderr.by_ref().take(MAX_LINE).read_to_end(&mut start);
                let _ = io::copy(&mut stderr, &mut io::sink());
                text(&start)
            })
        });
        Ok(Running { child, complaint })
    }

    /// What git prints, within a time limit; the inner error is why it failed.
    fn answer(
        &self,
        folder: &Path,
        args: &[&str],
        walk: &Walk<'_>,
        limit: Duration,
    ) -> io::Result<Result<Vec<u8>, String>> {
        let begun = Instant::now();
        let mut running = match self.start(folder, args) {
            Ok(running) => running,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let stdout = running.child.stdout.take();
        let reader = std::thread::spawn(move || {
            let mut answer = Vec::new();
            if let Some(stdout) = stdout {
                let _ = stdout.take(MAX_ANSWER).read_to_end(&mut answer);
            }
            answer
        });
        while running.child.try_wait()?.is_none() {
            walk.reading.go_on()?;
            if begun.elapsed() > limit {
                return Ok(Err("git takes too long".to_owned()));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(match running.end() {
            Ok(()) => Ok(reader.join().unwrap_or_default()),
            Err(error) => Err(error.to_string()),
        })
    }

    /// Reads every object of a repository.
    fn objects(&self, repository: &Path, walk: &mut Walk<'_>) -> io::Result<Vec<Holder>> {
        let all = ["cat-file", "--batch-all-objects", "--batch", "--buffer", "--unordered"];
        let mut running = self.start(repository, &all)?;
        let stdout = running.child.stdout.take();
        let mut stdout = BufReader::with_capacity(64 * 1024, stdout.ok_or(io::ErrorKind::BrokenPipe)?);
        let mut holders = Vec::new();
        let mut line = Vec::new();
        loop {
            line.clear();
            if stdout.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let head = text(&line);
            let words: Vec<&str> = head.split_ascii_whitespace().collect();
            let (id, kind, length) = match words[..] {
                [id, kind, length] => (id, kind, length.parse().ok()),
                _ => ("", "", None),
            };
            let Some(length) = length else {
                return Err(io::Error::other(format!("git says {}", printable(&head, 100))));
            };
            let searched = walk.reading.search(&mut stdout, Some(length))?;
            let mut end = [0];
            stdout.read_exact(&mut end)?;
            walk.extent.objects += 1;
            walk.progress();
            if !searched.found.is_empty() {
                holders.push(Holder {
                    id: id.to_owned(),
                    is_commit: kind == "commit",
                    found: searched.found,
                });
            }
        }
        running.end()?;
        Ok(holders)
    }

    /// Tells of the objects that were found, the first of them with a commit and a path.
    fn tell(&self, repository: &Path, mut holders: Vec<Holder>, walk: &Walk<'_>) -> io::Result<()> {
        holders.sort_by(|one, other| one.id.cmp(&other.id));
        let begun = Instant::now();
        for (at, holder) in holders.into_iter().enumerate() {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            let (commit, path) = if holder.is_commit {
                (Some(holder.id.clone()), None)
            } else if at < MAX_LOCATED && !left.is_zero() {
                self.locate(repository, &holder.id, walk, left)?
            } else {
                (None, None)
            };
            for found in holder.found {
                (walk.tell)(Event::Copy(Box::new(Copy {
                    file: repository.to_owned(),
                    kind: Kind::GitObject,
                    found,
                    lines: Vec::new(),
                    object: Some(GitObject {
                        id: holder.id.clone(),
                        path: path.clone(),
                        commit: commit.clone(),
                    }),
                    removal: None,
                })));
            }
        }
        Ok(())
    }

    /// The last commit that brought an object, and its path there; none of a branch, a tag or a stash may have it.
    fn locate(
        &self,
        repository: &Path,
        id: &str,
        walk: &Walk<'_>,
        limit: Duration,
    ) -> io::Result<(Option<String>, Option<String>)> {
        let object = format!("--find-object={id}");
        let args = [
            "log",
            "--all",
            "-n1",
            "-z",
            "--format=%H",
            "--name-only",
            "--diff-filter=AM",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--ignore-submodules=all",
            &object,
        ];
        let Ok(answer) = self.answer(repository, &args, walk, limit)? else {
            return Ok((None, None));
        };
        let answer = text(&answer);
        let mut parts = answer.split('\0').map(|part| part.trim_start_matches('\n'));
        let mut next = || parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
        Ok((next(), next()))
    }
}

impl Running {
    /// Waits for git to end; the error is what it says.
    fn end(mut self) -> io::Result<()> {
        let status = self.child.wait()?;
        let complaint = self.complaint.take().and_then(|thread| thread.join().ok());
        if status.success() {
            return Ok(());
        }
        let complaint = complaint.unwrap_or_default();
        let line = complaint.lines().next().unwrap_or_default();
        Err(io::Error::other(match printable(line, 200).as_str() {
            "" => format!("git failed: {status}"),
            line => line.to_owned(),
        }))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}
